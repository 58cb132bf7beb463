# SPDX-License-Identifier: Apache-2.0
"""Mutators make something of any input, the same of the same chance; much of it is read and judged."""

from __future__ import annotations

from random import Random
from typing import Final

import pytest

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.renewal import Stamp
from bundlefmt.verify import Outcome, Verdict, verify
from tests.fuzz import dictionary, mutators, seeds, trees
from tests.fuzz.targets import TARGETS
from tests.fuzz.verification import COMPOSED

ROUNDS: Final = 120


def havoc(chance: Random) -> trees.Havoc:
    """One octet changed, added or left out."""

    def change(data: bytes) -> bytes:
        at = chance.randrange(len(data) + 1)
        return data[:at] + bytes(chance.choices(range(256), k=chance.randrange(3))) + data[at + 1 :]

    return change


def test_trees_are_written_as_they_were_read() -> None:
    for data in seeds.texts():
        try:
            tree = trees.read_cbor(data)
        except MalformedError:
            continue
        assert trees.write_cbor(tree) == data
    for data in seeds.artifacts("piv-certificate", "ek-certificate", "ocsp", "crl"):
        try:
            element = trees.read_der(data)
        except MalformedError:
            continue
        assert trees.write_der(element) == data


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.mutate])
def test_a_target_holds_for_what_its_mutator_makes(name: str) -> None:
    target = TARGETS[name]
    assert target.mutate is not None
    starts = list(dict.fromkeys(target.seeds()))
    for number in range(ROUNDS):
        chance = Random(number)
        data = chance.choice(starts)
        made = target.mutate(data, chance, havoc(chance))
        again = Random(number)
        assert target.mutate(again.choice(starts), again, havoc(again)) == made
        target.run(made)


def test_what_is_recomposed_is_sealed_and_mostly_judged() -> None:
    """Judged at what was changed: seals verify, digests match, in at least half of what is made."""
    sealed, passed, renewed = 0, 0, 0
    for number in range(ROUNDS):
        chance = Random(number)
        start = seeds.files()[chance.choice(COMPOSED)]
        try:
            bundle = Bundle.decode(mutators.recomposed(start, chance, havoc(chance)))
        except MalformedError:
            continue
        report = verify(bundle, seeds.policy(seeds.GOOD))
        failed = {finding.check for finding in report.findings if finding.outcome is Outcome.FAILED}
        sealed += not failed & {"seal.signature", "container.digest"}
        renewed += any(Stamp.decode(each.raw).type == labels.TYPE_TIMESTAMP for each in bundle.renewals)
        passed += report.verdict is Verdict.PASSED
    assert sealed >= ROUNDS // 2
    assert renewed
    assert 0 < passed < sealed


def test_certificates_with_another_tree_are_often_read() -> None:
    (start, *_) = seeds.artifacts("ek-certificate")
    read = 0
    for number in range(ROUNDS):
        chance = Random(number)
        try:
            read += Certificate.decode(mutators.der_tree(start, chance, havoc(chance))).raw != start
        except MalformedError:
            continue
    assert read >= ROUNDS // 10


@pytest.mark.parametrize("family", dictionary.FAMILIES)
def test_a_dictionary_has_words_that_the_fuzzer_can_read(family: str) -> None:
    words, lines = dictionary.words(family), dictionary.lines(family).splitlines()
    assert len(words) == len(lines) > 30
    assert [bytes.fromhex(line[1:-1].replace("\\x", "")) for line in lines] == words


def test_each_target_has_a_dictionary() -> None:
    assert {target.words for target in TARGETS.values()} == set(dictionary.FAMILIES)
