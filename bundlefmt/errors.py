# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with bytes: one exception type, one code per kind of fault.

Malformed input raises; well-formed but untrue evidence is a finding and never an exception.
Spec: "Error codes".
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The registry of error codes; a code is never renamed and never reused."""

    WRONG_MAGIC = "wrong-magic"
    UNKNOWN_MAJOR_VERSION = "unknown-major-version"
    NON_SHORTEST = "non-shortest"
    INDEFINITE_LENGTH = "indefinite-length"
    RESERVED_HEAD = "reserved-head"
    DUPLICATE_KEY = "duplicate-key"
    KEY_ORDER = "key-order"
    FLOAT = "float"
    BIGNUM = "bignum"
    SIMPLE_VALUE = "simple-value"
    UNLISTED_TAG = "unlisted-tag"
    INVALID_UTF8 = "invalid-utf8"
    DEPTH_LIMIT = "depth-limit"
    COUNT_LIMIT = "count-limit"
    SIZE_LIMIT = "size-limit"
    TRUNCATED = "truncated"
    TRAILING_BYTES = "trailing-bytes"
    WRONG_TYPE = "wrong-type"
    WRONG_LENGTH = "wrong-length"
    MISSING_MEMBER = "missing-member"
    UNKNOWN_MEMBER = "unknown-member"
    BAD_VALUE = "bad-value"
    BAD_LABEL = "bad-label"
    UNKNOWN_LABEL = "unknown-label"
    UNKNOWN_CRITICAL = "unknown-critical"
    NOT_ENCODABLE = "not-encodable"


class BundleError(Exception):
    """Base of every error this package raises on purpose."""


class MalformedError(BundleError):
    """Bytes that break a rule of the format.

    `code` names the rule, `offset` is the first byte of the data item at fault counted from the
    start of the input, `path` says in which structure (for people, not for programs).
    """

    def __init__(self, code: Code, message: str, *, offset: int, path: str = "") -> None:
        where = f" in {path}" if path else ""
        super().__init__(f"{code.value} at byte {offset}{where}: {message}")
        self.code = code
        self.message = message
        self.offset = offset
        self.path = path


class UnusableError(BundleError, ValueError):
    """Well-formed input that what was asked for cannot be done with."""


class EncodeError(BundleError):
    """A value that the format cannot carry was given to an encoder."""
