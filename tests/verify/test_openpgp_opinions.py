# SPDX-License-Identifier: Apache-2.0
"""OpenPGP signatures judged here and by installed programs, at the same time: who accepts what, and why not.

gpg and sqv are lenient and strict in different places. Every difference has its reason in the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.verify import Outcome
from tests.conftest import Need
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import LATER, PRIMARY, SIGNER, Case
from tests.vectorgen.openpgp_cases import CASES
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Subkey, UserId, make
from tests.verify.openpgp_agreement import FILE, MESSAGE, OTHERS, REASONS, decided, judged, judges, row, text
from tests.verify.openpgp_opinions import gpg_accepts, sqv_accepts, written

ROWS: Final = cache(row)


def opinions(case: Case, folder: Path) -> tuple[bool, bool]:
    """Whether gpg and sqv accept."""
    written(folder, case.certificate, case.sign(MESSAGE), MESSAGE)
    return gpg_accepts(folder, case.at), sqv_accepts(folder)


@pytest.mark.parametrize("name", judged())
def test_the_programs_do_not_contradict(name: str, part: Need) -> None:
    """What is accepted here, Sequoia's library accepts, too; any other difference has its reason."""
    part("gpg", "sqv")
    found = ROWS(name)
    assert (found.here is Outcome.PASSED) == (CASES[name].failing == CASES[name].unsure == ())
    assert found.sequoia or found.here is not Outcome.PASSED
    assert found.agreed == (name not in REASONS)


def test_every_reason_is_about_a_case() -> None:
    assert set(REASONS) - set(judged()) == set()


def test_the_published_table_is_what_the_judges_say(part: Need) -> None:
    part("gpg", "sqv")
    published, _, _ = FILE.read_text(encoding="utf-8").partition(OTHERS)
    if judges() not in published:
        pytest.skip(f"the table is of other releases than {judges()}")
    assert text(map(ROWS, judged())) == published


def test_gpg_takes_a_text_signature_for_one_over_other_bytes(part: Need, tmp_path: Path) -> None:
    """sqv accepts text; here, a signature of another type than 0x00 is refused whatever it covers."""
    part("gpg", "sqv")
    case = CASES["type text"]
    written(tmp_path, case.certificate, case.sign(b"two\n"), b"two\r\n")
    assert not gpg_accepts(tmp_path, case.at)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A combination and how it is told in a failure."""

    told: Sequence[object]
    case: Case


_MOMENTS: Final = st.sampled_from((MADE + DAY, AT - 1, AT, AT + 1, LATER))
_LIFETIMES: Final = st.sampled_from((None, None, 0, DAY, AT - MADE, AT - MADE + 1, 365 * DAY))
_HASHES: Final = st.sampled_from((pgp.SHA256, pgp.SHA256, pgp.SHA512, pgp.SHA1))
_REASONS: Final = st.sampled_from((None, 0, pgp.SUPERSEDED, pgp.COMPROMISED, pgp.RETIRED))
_FLAGS: Final = st.sampled_from((3, 3, pgp.SIGN, pgp.CERTIFY, pgp.ENCRYPT, None))


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    """Certificates with up to two user ids, a subkey, revocations; a signature by either key."""
    ids = [
        UserId(
            text=f"{number}".encode(),
            flags=draw(_FLAGS),
            lifetime=draw(_LIFETIMES),
            at=draw(st.sampled_from((MADE, MADE, MADE + DAY, LATER))),
            hash_id=draw(_HASHES),
            hashed=draw(st.sampled_from(((), ((pgp.PRIMARY, b"\x01"),)))),
        )
        for number in range(draw(st.integers(1, 2)))
    ]
    by_subkey = draw(st.booleans())
    sub = Subkey(
        key=SIGNER,
        flags=draw(_FLAGS),
        lifetime=draw(_LIFETIMES),
        at=draw(st.sampled_from((MADE, MADE, MADE + DAY, LATER))),
        hash_id=draw(_HASHES),
        back=draw(st.sampled_from(({}, {}, {"hash_id": pgp.SHA1}, {"at": LATER}, None))),
    )
    made = make(PRIMARY, user_ids=ids, subkeys=(sub,) if by_subkey else ())
    revoked = draw(st.none() | st.tuples(_REASONS, _MOMENTS))
    if revoked is not None:
        made = made.revoked(*revoked)
    withdrawn = draw(st.none() | st.tuples(_REASONS, _MOMENTS)) if by_subkey else None
    if withdrawn is not None:
        reason, at = withdrawn
        made = made.having((pgp.SIGNATURE, pgp.revocation(PRIMARY, reason, at, subkey=SIGNER)))
    hash_id = draw(_HASHES)
    signer = SIGNER if by_subkey else PRIMARY
    signature = signer.detached(MESSAGE, at=AT, hash_id=hash_id)
    case = Case(certificate=made.encode(), sign=lambda _: signature)
    return Drawn((ids, sub if by_subkey else None, revoked, withdrawn, hash_id), case)


@settings(max_examples=100)
@given(drawn())
def test_what_both_refuse_is_refused_and_what_both_accept_is_accepted(combination: Drawn) -> None:
    """None of the combinations needs a reason: where gpg and sqv agree, so do we."""
    with TemporaryDirectory() as folder:
        gpg, sqv = opinions(combination.case, Path(folder))
    found = decided(combination.case)
    assert found is not Outcome.INDETERMINATE
    if gpg == sqv:
        assert (found is Outcome.PASSED) == gpg
    else:
        # gpg knows no weak digests, soft revocations or bindings of later; where they differ, sqv is right
        assert (found is Outcome.PASSED) == sqv
