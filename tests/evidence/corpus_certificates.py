# SPDX-License-Identifier: Apache-2.0
"""Every certificate of the corpus, by the file it is in; and the pool of those above one."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate
from tests.provenance import CORPUS

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SUFFIXES: Final = frozenset({".pem", ".crt", ".cer", ".der", ".txt", ".bin"})
FOLDERS: Final = ("ek", "yubikey", "timestamps")


def in_file(path: Path) -> list[bytes]:
    """The DER of a file: its PEM blocks, or the whole file where it begins as DER does."""
    data = path.read_bytes()
    found = [base64.b64decode(block) for block in _PEM.findall(data)]
    return found or ([data] if data[:1] == b"\x30" else [])


def files(folder: str) -> list[Path]:
    """The files of a folder that hold certificates; none where there is no corpus."""
    paths = sorted(path for path in (CORPUS / folder).rglob("*") if path.suffix in _SUFFIXES)
    return [path for path in paths if in_file(path)]


@cache
def readable() -> dict[bytes, Certificate]:
    """Every certificate that can be read, by its DER."""
    found = {}
    for folder in FOLDERS:
        for path in files(folder):
            for data in in_file(path):
                try:
                    found[data] = Certificate.decode(data)
                except MalformedError:
                    continue
    return found


def is_self_issued(certificate: Certificate) -> bool:
    return certificate.issuer.comparable() == certificate.subject.comparable()


@cache
def _by_subject() -> dict[object, list[Certificate]]:
    found: dict[object, list[Certificate]] = {}
    for certificate in readable().values():
        found.setdefault(certificate.subject.comparable(), []).append(certificate)
    return found


def above(leaf: Certificate) -> tuple[list[bytes], list[bytes]]:
    """(issuers, anchors): all that could stand above `leaf` by name; the self-issued ones are anchors."""
    found: dict[bytes, Certificate] = {}
    todo = [leaf]
    while todo:
        for each in _by_subject().get(todo.pop().issuer.comparable(), []):
            if each.raw not in found and each.raw != leaf.raw:
                found[each.raw] = each
                todo.append(each)
    issuers = [data for data, each in found.items() if not is_self_issued(each)]
    return issuers, [data for data in found if data not in issuers]
