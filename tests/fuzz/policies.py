# SPDX-License-Identifier: Apache-2.0
"""Targets of what a verifier writes for itself: policies and trust, as somebody else may have made them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.toml_place import Places
from bundlefmt.verify.policy_document import PolicyDocument
from bundlefmt.verify.policy_reading import MistakesError, decode_policy
from bundlefmt.verify.trust import Entry, Kind, Trust
from tests.fuzz.target import Targets
from tests.vectorgen import certificates

target: Final = Targets("text")
SPEC: Final = Path(__file__).resolve().parents[2] / "spec"
TRUST: Final = Trust().plus(
    Entry(kind=Kind.OPENPGP, digest="ab" * 20, note="somebody"),
    Entry(kind=Kind.PIV, digest="cd" * 32),
    Entry.anchor(Kind.ANCHOR, certificates.manufacturer_root()),
)


def _policies() -> Iterable[bytes]:
    for path in sorted(SPEC.glob("policy-*.toml")):
        text = path.read_text("utf-8")
        yield text.encode()
        yield text.replace("# ", "").encode()
        opened = (
            line.removeprefix("# ") if "[[" in line or "=" in line else line for line in text.splitlines()
        )
        yield "\n".join(opened).encode()
    yield PolicyDocument(trust=TRUST, allow=("withheld",), at=1).encode()


@target("policy-document", _policies)
def policy_document(data: bytes) -> None:
    """What is accepted is written and read again as the same; each mistake has a line of the text."""
    try:
        document = decode_policy(data)
    except MistakesError as error:
        assert error.mistakes
        lines = data.count(b"\n") + 1
        assert all(each.line is None or 1 <= each.line <= lines for each in error.mistakes)
        return
    assert decode_policy(document.encode()) == document


@target("trust-document", lambda: [TRUST.encode()])
def trust_document(data: bytes) -> None:
    """What is accepted is written and read again as the same."""
    try:
        trust = Trust.decode(data)
    except MalformedError:
        return
    assert Trust.decode(trust.encode()) == trust


@target("toml-places", _policies)
def toml_places(data: bytes) -> None:
    """Any text has its lines told."""
    text = data.decode("utf-8", "replace")
    assert all(1 <= line <= text.count("\n") + 1 for line in Places.of(text).lines.values())
