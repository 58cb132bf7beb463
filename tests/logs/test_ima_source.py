# SPDX-License-Identifier: Apache-2.0
"""The fast way over IMA lists says the same as the reader that knows all the rules."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_replay import replay_ima
from bundlefmt.logs.ima_source import ImaSource
from tests.logs.test_ima import lists
from tests.provenance import Provenance, cases
from tests.strategies import mutated
from tests.vectorgen.measured import Measured, ima_value, measured_files

BANKS = (TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SM3_256)


def assert_same(data: bytes) -> None:
    """Entries, count, hash, and every replay."""
    slow, fast = ImaList.decode(data), ImaSource.decode(data)
    assert tuple(fast.entries()) == slow.entries
    assert (fast.count, fast.template_alg) == (len(slow.entries), slow.template_alg())
    assert fast.counts == Counter(entry.index for entry in slow.entries)
    if fast.template_alg is None:
        return
    for bank in BANKS:
        for index in {entry.index for entry in slow.entries}:
            half = replay_ima(slow.entries[: len(slow.entries) // 2], fast.template_alg, bank, index, b"?")
            for quoted in (b"?", half.computed):
                ours = fast.replay(bank, index, quoted)
                theirs = replay_ima(slow.entries, fast.template_alg, bank, index, quoted)
                assert replace(ours, last=None) == replace(theirs, last=None)
                assert (ours.last and ours.last.offset) == (theirs.last and theirs.last.offset)


@pytest.mark.parametrize("case", cases("ima", "*binary*"), ids=str)
def test_real_lists(corpus: Path, case: Provenance) -> None:
    data = (corpus / "ima" / case.file).read_bytes()
    assert_same(data)


@given(lists())
def test_lists_of_every_form(made: ImaList) -> None:
    assume(made.entries)
    assert_same(made.encode())


@given(mutated(lists().map(ImaList.encode)))
def test_both_refuse_alike(data: bytes) -> None:
    faults = []
    for decode in (ImaList.decode, ImaSource.decode):
        try:
            decode(data)
        except MalformedError as error:
            faults.append((error.code, error.offset))
        else:
            faults.append(None)
    assert faults[0] == faults[1]


def test_how_many_entries_a_quote_covers() -> None:
    entries = [*measured_files(3), Measured(path="/x", content=b"", violation=True), *measured_files(5)]
    source = ImaSource.decode(b"".join(entry.encode() for entry in entries))
    found = source.replay(TpmAlg.SHA256, 10, ima_value(entries[:5]))
    assert (found.covered, found.entries, found.violations) == (5, 9, (3,))
    assert found.last is not None
    assert found.last.name() == "/usr/bin/tool-0"
