# SPDX-License-Identifier: Apache-2.0
"""No mix of two ceremonies shows what neither shows: item by item, in pairs, and by halves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection
from typing import Final

import pytest

from bundlefmt.verify import Basis, Verdict, verify
from tests.attacks import mixing
from tests.attacks.mixing import NONCE, Whole

BY: Final = (False, True)
PAIRS: Final = 20  # of the pairs of items, chosen once for all; `make exhaustive` takes every pair
PEOPLE: Final = frozenset({"operator.piv", "operator.openpgp"})
# artifacts that belong together, as an attacker would move them
HALVES: Final[dict[str, frozenset[str]]] = {
    "people": PEOPLE,
    "devices": frozenset({"operator.piv.attestation", "operator.openpgp.attestation"}),
    "crossings": frozenset({"cross.sig", "cross.cert", "openpgp.tpm", "piv.tpm"}),
    "ek": frozenset({"ek.cert", "ek.pub", "ek.ocsp"}),
    "activation": frozenset({"ek.activation"}),
    "ak": frozenset({"ak.pub", "ak.name", "ak.template"}),
    "statements": frozenset(
        f"{label}{end}" for label in ("quote", "certify", "created", "time", "nv") for end in ("", ".sig")
    ),
    "values": frozenset({"quote.pcrs", "firmware.log", "userspace.log", "ima.log"}),
    "key": frozenset({"key.pub", "key.name", "key.parent", "key.creation", "key.ticket"}),
    "certificate": frozenset({"tpm.cert"}),
    "nonce": frozenset({NONCE}),
}


def places(*, by_certificate: bool) -> list[str]:
    """What can be exchanged and makes a difference."""
    first, second = mixing.wholes(by_certificate=by_certificate)
    return [
        NONCE,
        *(
            label
            for label, record in sorted(first.bundle.content.items())
            if record.value != second.bundle.content[label].value
        ),
    ]


def gained(first: Whole, second: Whole, labels: Collection[str], *, by_certificate: bool) -> list[str]:
    """What an attacker gains by this mix: by old seals, by their own, by the word of one party or of both."""
    bundle = mixing.mixed(first, second, labels)
    sealings = {
        "old seals": (bundle, Basis.VOUCHED),
        "an attacker's seals": (mixing.sealed(bundle, *mixing.attackers()), Basis.VOUCHED),
        "seals of the first": (mixing.sealed(bundle, *mixing.sealers(first.party)), Basis.PROVEN),
        "seals of both": (
            mixing.sealed(bundle, *mixing.sealers(first.party), *mixing.sealers(second.party)),
            Basis.PROVEN,
        ),
    }
    found = []
    for how, (made, least) in sealings.items():
        for id, _, words in mixing.new(made, by_certificate=by_certificate, least=least):
            # who seals a mix has sealed it: that is no gain but the party's own doing
            if id != "identity.sealed" or least is not Basis.PROVEN:
                found.append(f"{id} of {sorted(labels)} by {how}: {words}")
    return found


@pytest.mark.parametrize("by_certificate", BY)
def test_the_wholes_show_everything(by_certificate: bool) -> None:
    """Otherwise nothing could be gained, and the tests below could not fail."""
    shown = {id for id, _, _ in mixing.known(by_certificate=by_certificate)}
    assert shown == {"identity.sealed", "identity.hardware", *mixing.ABOUT}
    both = [mixing.facts(each.bundle) for each in mixing.wholes(by_certificate=by_certificate)]
    assert not both[0].keys() & both[1].keys()


def test_a_gain_would_be_seen() -> None:
    first, second = mixing.wholes(by_certificate=False)
    half = mixing.mixed(first, second, {"minutes"})
    resealed = mixing.sealed(half, *mixing.sealers(first.party))
    assert [id for id, _, _ in mixing.new(resealed, by_certificate=False)] == ["identity.sealed"]
    assert verify(resealed, mixing.policy()).verdict is Verdict.PASSED


@pytest.mark.parametrize("by_certificate", BY)
def test_one_item_of_another_ceremony_shows_nothing_new(by_certificate: bool) -> None:
    first, second = mixing.wholes(by_certificate=by_certificate)
    for label in places(by_certificate=by_certificate):
        assert gained(first, second, {label}, by_certificate=by_certificate) == []


def pairs(*, by_certificate: bool) -> list[frozenset[str]]:
    found = itertools.combinations(places(by_certificate=by_certificate), 2)
    return [frozenset(pair) for pair in found]


@pytest.mark.parametrize("by_certificate", BY)
def test_two_items_of_another_ceremony_show_nothing_new(by_certificate: bool) -> None:
    first, second = mixing.wholes(by_certificate=by_certificate)
    for pair in random.Random(0).sample(pairs(by_certificate=by_certificate), PAIRS):
        assert gained(first, second, pair, by_certificate=by_certificate) == []


@pytest.mark.parametrize("by_certificate", BY)
def test_a_half_of_another_ceremony_shows_nothing_new(by_certificate: bool) -> None:
    """One half, and any two together."""
    first, second = mixing.wholes(by_certificate=by_certificate)
    for chosen in itertools.chain(itertools.combinations(HALVES, 1), itertools.combinations(HALVES, 2)):
        labels = frozenset().union(*(HALVES[half] for half in chosen))
        assert gained(first, second, labels, by_certificate=by_certificate) == [], chosen


def test_the_halves_are_the_whole() -> None:
    """What is in no half is the minutes, and what both ceremonies share."""
    everything = frozenset().union(*HALVES.values())
    assert set(places(by_certificate=False)) - everything == {"minutes"}


@pytest.mark.parametrize("label", places(by_certificate=False))
def test_an_exchanged_item_passes_only_if_a_party_seals_it(label: str) -> None:
    first, second = mixing.wholes(by_certificate=False)
    bundle = mixing.mixed(first, second, {label})
    assert verify(bundle, mixing.policy()).verdict is Verdict.FAILED
    stolen = mixing.sealed(bundle, *mixing.attackers())
    assert verify(stolen, mixing.policy()).verdict is Verdict.FAILED
