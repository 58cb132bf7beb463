# SPDX-License-Identifier: Apache-2.0
"""Bundles mixed from two whole ceremonies, sealed by whoever the attacker has, and what is concluded of them.

What a conclusion says of a mix must have been said of one of the wholes: about these very keys, values and
logs, with no weaker basis.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, Final, cast

from bundlefmt.bundle import Bundle, Seal
from bundlefmt.verify import Basis, Conclusion, Policy, Report, verify
from tests.vectorgen import certificates, openpgp, sealing
from tests.vectorgen.ceremony import Making, Sealer
from tests.vectorgen.complete import OPERATOR, WITNESS, Party, certified, complete
from tests.verify.judging import policy_of

RANK: Final = {Basis.UNPROVEN: 0, Basis.VOUCHED: 1, Basis.PROVEN: 2}
# what a conclusion is about: the artifacts of these roles, and of some also its words
_KEYS: Final = ("ak-public", "key-public")
ABOUT: Final[dict[str, tuple[str, ...]]] = {
    "identity.crossed": ("piv-certificate", "openpgp-certificate"),
    "tpm.genuine": ("ek-public",),
    "ak.resident": ("ak-public",),
    "platform.state": ("ak-public", "pcr-values"),
    "key.resident": _KEYS,
    "key.bound": ("piv-certificate", "ek-public", *_KEYS),
    "platform.boot": ("ak-public", "pcr-values", "firmware-log"),
    "ak.lifetime": ("ak-public",),
}
ATTACKER: Final = openpgp.Certificate(name="attacker", user_id="Attacker (test key) <attacker@example.org>")
NONCE: Final = "(nonce)"  # stands for the binding's nonce among labels

Fact = tuple[str, frozenset[bytes], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A ceremony's bundle, and whose it is."""

    party: Party
    bundle: Bundle


@cache
def wholes(*, by_certificate: bool) -> tuple[Whole, Whole]:
    """The two ceremonies; the attestation keys are certified, or tied by a challenge."""
    made = certified if by_certificate else complete
    first, second = (
        Whole(party=party, bundle=Bundle.decode(made(party).judged().file)) for party in (OPERATOR, WITNESS)
    )
    return first, second


@cache
def policy() -> Policy:
    """Both parties are known, and all makers: an honest verifier of both."""
    given = [policy_of(complete(party)) for party in (OPERATOR, WITNESS)]
    return replace(
        given[0],
        pins_openpgp=frozenset(),
        pins_piv=frozenset(),
        known_openpgp=frozenset().union(*(each.pins_openpgp for each in given)),
        known_piv=frozenset().union(*(each.pins_piv for each in given)),
    )


def sealers(party: Party) -> tuple[Sealer, Sealer]:
    return sealing.by(party.piv), sealing.OpenPgpSeal(signer=party.openpgp)


def attackers() -> tuple[Sealer, Sealer]:
    """Whose certificates the seals bring along."""
    piv = certificates.operator(who="attacker")
    return (
        sealing.by(piv, certificate=piv.certificate),
        sealing.OpenPgpSeal(signer=ATTACKER, certificate=ATTACKER.encode()),
    )


def seals(raw: bytes, *by: Sealer) -> tuple[Seal, ...]:
    """The seals over a manifest."""
    making = cast(Making, SimpleNamespace(manifest=raw))  # all that a sealer looks at
    nodes = (cast(list[Any], sealer(making).node) for sealer in by)
    return tuple(Seal(type=kind, value=value, key=next(iter(key), None)) for kind, value, *key in nodes)


def mixed(first: Whole, second: Whole, labels: Collection[str]) -> Bundle:
    """The first ceremony with these artifacts of the second, under the seals that both have."""
    ours, theirs = first.bundle, second.bundle
    items, content = dict(ours.manifest.items), dict(ours.content)
    for label in labels:
        if label != NONCE:
            items[label], content[label] = theirs.manifest.items[label], theirs.content[label]
    binding = ours.manifest.binding
    if NONCE in labels:
        binding = replace(binding, nonce=theirs.manifest.binding.nonce)
    manifest = replace(ours.manifest, items=items, binding=binding)
    return Bundle(
        manifest_raw=manifest.encode(),
        manifest=manifest,
        content=content,
        seals=(*ours.seals, *theirs.seals),
    )


def sealed(bundle: Bundle, *by: Sealer) -> Bundle:
    """With these seals and no others."""
    return replace(bundle, seals=seals(bundle.manifest_raw, *by))


def digests(bundle: Bundle, roles: Collection[str]) -> frozenset[bytes]:
    return frozenset(
        hashlib.sha256(bundle.content[label].value).digest()
        for label, item in bundle.manifest.items.items()
        if item.role in roles and label in bundle.content
    )


def told(bundle: Bundle, report: Report, conclusion: Conclusion) -> Iterator[Fact]:
    """What is concluded, about which bytes, in which words where these tell more."""
    match conclusion.id:
        case "identity.sealed":
            who = ",".join(sorted(identity for _, identity in report.sealed_by))
            yield conclusion.id, frozenset({report.manifest_digest}), who
        case "identity.hardware":
            # of each key by itself: where fewer keys seal, less is said, and nothing new
            for words in conclusion.statement.partition(": ")[2].split("; "):
                label, _, device = words.partition(" in ")
                digest = hashlib.sha256(bundle.content[label].value).digest()
                yield conclusion.id, frozenset({digest}), device
        case "platform.boot":
            yield conclusion.id, digests(bundle, ABOUT[conclusion.id]), conclusion.statement
        case _:
            yield conclusion.id, digests(bundle, ABOUT[conclusion.id]), ""


def facts(bundle: Bundle) -> dict[Fact, int]:
    """What is shown of a bundle at all, with the rank of its basis."""
    report = verify(bundle, policy())
    return {
        fact: RANK[each.basis]
        for each in report.conclusions
        if each.basis is not Basis.UNPROVEN
        for fact in told(bundle, report, each)
    }


@cache
def known(*, by_certificate: bool) -> dict[Fact, int]:
    """What is shown of the two wholes."""
    first, second = (facts(each.bundle) for each in wholes(by_certificate=by_certificate))
    return {each: max(first.get(each, 0), second.get(each, 0)) for each in first | second}


def new(bundle: Bundle, *, by_certificate: bool, least: Basis = Basis.VOUCHED) -> Iterator[Fact]:
    """Facts of a mix, of at least this basis, that neither whole shows as well."""
    before = known(by_certificate=by_certificate)
    for each, rank in facts(bundle).items():
        if rank >= RANK[least] and rank > before.get(each, 0):
            yield each
