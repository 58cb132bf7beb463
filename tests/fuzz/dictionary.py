# SPDX-License-Identifier: Apache-2.0
"""Words that formats are made of, from the constants of the code: what chance would take long to hit upon."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from bundlefmt import cbor, evidence, labels, logs
from bundlefmt.evidence import attested, der, openpgp_packet, tpm_algorithm, tpm_parameters
from bundlefmt.logs import cel, event, tagged_event

SPEC: Final = Path(__file__).resolve().parents[2] / "spec"
_OID: Final = re.compile(r"[0-2](\.\d+){2,}")
_KEY: Final = re.compile(r"^#? ?(\[*[\w.-]+\]*)(?: =|$)", re.MULTILINE)
_MAX_WORD: Final = 60  # longer than libFuzzer takes is of no use


def words(family: str) -> list[bytes]:
    """The words of a family, each once, in a fixed order."""
    return sorted({word for word in _FAMILIES[family]() if 0 < len(word) <= _MAX_WORD})


def lines(family: str) -> str:
    """A dictionary as libFuzzer reads it."""
    return "".join(f'"{_escaped(word)}"\n' for word in words(family))


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _constants(module: ModuleType) -> Iterator[object]:
    """Strings, bytes and numbers of a module's constants, at any depth; the members of its enumerations."""
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, Enum) and value.__module__ == module.__name__:
            yield from (member.value for member in value)
        else:
            yield from _scalars(value)


def _scalars(value: object) -> Iterator[object]:
    if isinstance(value, str | bytes | int):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*_scalars(key), *_scalars(inner))
    elif isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from _scalars(inner)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    return (import_module(f"{package.__name__}.{each.name}") for each in iter_modules(package.__path__))


def _cbor() -> Iterator[bytes]:
    for value in _constants(labels):
        if isinstance(value, str) and value.isascii() and len(value) < _MAX_WORD:
            yield cbor.encode(value)
        elif isinstance(value, bytes):
            yield value
        elif isinstance(value, int) and abs(value) < 2**63:
            yield cbor.encode(int(value))


def _der() -> Iterator[bytes]:
    for module in _modules(evidence):
        for value in _constants(module):
            if isinstance(value, str) and _OID.fullmatch(value):
                yield der.written_oid(value)
    for value in vars(der).values():
        if isinstance(value, int) and not isinstance(value, bool) and value < 256:
            yield bytes([value])
    yield from (b"\x30\x82", b"\x02\x01", b"\x01\x01\xff", b"\x05\x00", b"20260101000000Z", b"260101000000Z")


def _tpm() -> Iterator[bytes]:
    for module in (attested, tpm_algorithm, tpm_parameters):
        for value in _constants(module):
            if isinstance(value, int) and 0 <= value < 2**16:
                yield struct.pack(">H", value)
            elif isinstance(value, int) and 0 <= value < 2**32:
                yield struct.pack(">I", value)
    yield b"\xffTCG"


def _openpgp() -> Iterator[bytes]:
    yield from (bytes([0xC0 | tag, 0xFF]) for tag in range(64))
    yield from (value for value in _constants(openpgp_packet) if isinstance(value, bytes))
    for module in _modules(evidence):
        if "openpgp" in module.__name__:
            yield from (value for value in _constants(module) if isinstance(value, bytes))


def _logs() -> Iterator[bytes]:
    for module in (event, tagged_event, cel, tpm_algorithm):
        for value in _constants(module):
            if isinstance(value, int) and 0 <= value < 2**32:
                yield struct.pack("<I", value)
                if value < 2**16:
                    yield struct.pack("<H", value)
    for module in _modules(logs):
        for value in _constants(module):
            if isinstance(value, bytes):
                yield value
            elif isinstance(value, str) and value.isascii():
                yield value.encode()
                yield value.encode("utf-16-le")


def _text() -> Iterator[bytes]:
    """Keys and tables of the project's TOML files, and the marks of TOML, JSON and PEM."""
    for path in sorted(SPEC.glob("policy-*.toml")):
        yield from (key.encode() for key in _KEY.findall(path.read_text("utf-8")))
    yield from (
        b"[[",
        b"]]",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"\n",
        b" = ",
        b'""',
        b'"""',
        b"'''",
        b"\xef\xbb\xbf",
    )
    yield from (b"2026-01-01T00:00:00Z", b"2026-01-01", b"true", b"false", b"null", b"nan", b"1e400", b"0x10")
    yield from (b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n", b"\\u0000", b"\\ud800")


_FAMILIES: Final[dict[str, Callable[[], Iterator[bytes]]]] = {
    "cbor": _cbor,
    "der": _der,
    "tpm": _tpm,
    "openpgp": _openpgp,
    "logs": _logs,
    "text": _text,
}
FAMILIES: Final = tuple(_FAMILIES)
