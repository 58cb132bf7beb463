# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates that others made, judged here and by Sequoia at one time, and why they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pysequoia

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.verify.context import Fail, Skip, Unsure
from bundlefmt.verify.openpgp_standing import Standing
from tests.evidence.openpgp_corpus import certificates
from tests.provenance import cases

FILES: Final = cases("openpgp", "*")
TODAY: Final = 1793491200  # 2026-11-01: later than everything here was made, and the same on each day
# how the two differ -> why
DIFFERENCES: Final = {
    ("valid", "refused", "DSA"): "DSA is not accepted here; Sequoia lets keys of 2048 bits live until 2030",
    ("refused", "undecided", "secp256k1"): "neither computes it; here that is no refusal",
    ("valid", "expired", "73edcc9119afc8e2dbbdcde50451409669ffde3c"): (
        "a direct-key signature ends the key, the user id does not; the earlier end counts here"
    ),
    ("valid", "undecided", "public-key algorithm"): "post-quantum algorithms are not computed here yet",
}


def view(data: bytes, at: int) -> tuple[str, str]:
    """How a certificate stands: one word and the reason."""
    try:
        standing = Standing(openpgp.self_signatures(data), at)
    except openpgp.NotComputedError as error:
        return "undecided", str(error)
    except (MalformedError, openpgp.OpenPgpError) as error:
        return "refused", str(error)
    decisions: tuple[tuple[str, Callable[[], str]], ...] = (
        ("refused", standing.time),
        ("refused", standing.algorithms),
        ("refused", standing.binding),
        ("refused", standing.critical),
        ("revoked", standing.revocation),
        ("expired", standing.expiry),
    )
    for word, decide in decisions:
        try:
            decide()
        except Fail as fault:
            return word, str(fault)
        except Unsure as doubt:
            return "undecided", str(doubt)
        except Skip:
            continue
    return "valid", ""


def sequoias_view(data: bytes) -> str:
    """The same by Sequoia, which revokes by its own clock."""
    try:
        found = pysequoia.Cert.from_bytes(data)
        expires, revoked = found.expiration, found.is_revoked
    except (RuntimeError, ValueError):
        return "refused"
    if revoked:
        return "revoked"
    return "expired" if expires is not None and expires.timestamp() <= TODAY else "valid"


def every_certificate(corpus: Path) -> Iterator[tuple[str, bytes]]:
    for each in FILES:
        for data in certificates(corpus / "openpgp" / each.file):
            yield each.file, data


def counts(corpus: Path) -> Counter[tuple[str, str, str]]:
    """How many certificates stand so with Sequoia and so here, and why. Raises ValueError for no reason."""
    found = Counter[tuple[str, str, str]]()
    for file, data in every_certificate(corpus):
        (word, reason), theirs = view(data, TODAY), sequoias_view(data)
        why = next(
            (
                why
                for (seq, we, what), why in DIFFERENCES.items()
                if (seq, we) == (theirs, word) and what in reason
            ),
            "",
        )
        if theirs != word and not why:
            raise ValueError(f"{file}: {theirs} by Sequoia, {word} here: {reason}")
        found[theirs, word, why] += 1
    return found
