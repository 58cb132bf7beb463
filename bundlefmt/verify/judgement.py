# SPDX-License-Identifier: Apache-2.0
"""How a judgement on one thing ends when it does not pass, and what is worked out once.

Spec: "Verification".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, x509
from bundlefmt.verify.findings import Outcome

K = TypeVar("K")
T = TypeVar("T")


class Judgement(Exception):
    """Ends a check of one item with an outcome other than passed; the message is its reason."""

    outcome = Outcome.FAILED


class Fail(Judgement):
    """The evidence is wrong."""


class Unsure(Judgement):
    """It cannot be decided from what is here."""

    outcome = Outcome.INDETERMINATE


class Skip(Judgement):
    """There is nothing to decide here, or another check has said why."""

    outcome = Outcome.SKIPPED


class Once(Generic[K, T]):
    """Something worked out once for each key; a judgement that it ended in is kept and raised again."""

    def __init__(self, work: Callable[[K], T]) -> None:
        self._work = work
        self._known: dict[K, T | Judgement] = {}

    def __call__(self, key: K) -> T:
        if key not in self._known:
            try:
                self._known[key] = self._work(key)
            except Judgement as judgement:
                self._known[key] = judgement
        known = self._known[key]
        if isinstance(known, Judgement):
            raise known
        return known


def readable(decode: Callable[[], T]) -> T:
    """What `decode` returns; bytes that it refuses are a failure of the evidence, what is unknown is not."""
    try:
        return decode()
    except openpgp.NotComputedError as error:
        raise Unsure(str(error)) from None
    except (MalformedError, x509.CertificateError, openpgp.OpenPgpError) as error:
        raise Fail(str(error)) from None
