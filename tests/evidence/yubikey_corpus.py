# SPDX-License-Identifier: Apache-2.0
"""Statements of real YubiKeys and the certificates above them, wherever in the corpus' files they are.

They stand in PEM, in DER, in JSON, and inside of certification requests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.yubico import is_statement
from tests.provenance import CORPUS

FOLDER: Final = CORPUS / "yubikey"
_PEM: Final = re.compile(rb"-----BEGIN [A-Z ]+-----(.+?)-----END", re.DOTALL)


def read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def case(name: str) -> dict[str, Any]:
    """A case that its source keeps as JSON: certificates in PEM, and `ok`."""
    return dict(json.loads(read(name)))


def inside(data: bytes) -> list[Certificate]:
    """Every certificate in a file, at whatever place: found by its head, and then by being one."""
    blocks = [base64.b64decode(block) for block in _PEM.findall(data.replace(b"\\n", b"\n"))]
    return [found for block in blocks or [data] for found in _anywhere(block)]


def _anywhere(block: bytes) -> Iterator[Certificate]:
    for start in (match.start() for match in re.finditer(rb"(?=\x30\x82)", block)):
        end = start + 4 + int.from_bytes(block[start + 2 : start + 4], "big")
        try:
            yield Certificate.decode(block[start:end])
        except MalformedError:
            continue


@cache
def everything() -> dict[bytes, Certificate]:
    """Every certificate of the folder by its DER; none where there is no corpus."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.is_file())
    return {found.raw: found for path in paths for found in inside(path.read_bytes())}


def roots() -> list[bytes]:
    """Those whose digests are known."""
    return [raw for raw in everything() if hashlib.sha256(raw).hexdigest() in labels.YUBICO_ROOTS]


def issuers() -> list[bytes]:
    """Those that are neither statements nor issued by themselves."""
    return [
        raw
        for raw, each in everything().items()
        if not is_statement(each) and each.issuer.comparable() != each.subject.comparable()
    ]


def statements(name: str) -> list[Certificate]:
    return [each for each in inside(read(name)) if is_statement(each)]


def files() -> list[str]:
    """The files with a statement; one that is absent where there is no corpus, for `corpus` to judge."""
    found = [str(path.relative_to(FOLDER)) for path in sorted(FOLDER.rglob("*")) if path.is_file()]
    return [name for name in found if statements(name)] or ["corpus-absent"]


def pem_file(path: Path, *certificates: bytes) -> Path:
    """Writes PEM for programs that read it."""
    lines = (base64.encodebytes(each).decode() for each in certificates)
    path.write_text(
        "".join(f"-----BEGIN CERTIFICATE-----\n{each}-----END CERTIFICATE-----\n" for each in lines)
    )
    return path
