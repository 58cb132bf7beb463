# SPDX-License-Identifier: Apache-2.0
"""What is done to a case: at its bytes, at its structure with all above it made anew, at its policy.

The same chance makes the same change.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import EncodeError, MalformedError
from bundlefmt.manifest import Manifest
from bundlefmt.verify import Basis
from tests.fuzz import mutators, seeds
from tests.fuzz.trees import Havoc
from tests.interop import remaking, signing
from tests.interop.case import Case, of_vector, terms

Change = Callable[[Case, Random], Case]
_X509: Final = frozenset({"application/pkix-cert", "application/pkix-crl"})
_NAMED: Final = ("anchors", "anchors_piv", "anchors_hardware", "anchors_time", "anchors_log", "references")
_PINNED: Final = ("pins_openpgp", "pins_piv", "known_openpgp", "known_piv", "pins_hardware", "pins_block")
_DAY: Final = 86400
_INTERESTING: Final = (b"\x00", b"\x01", b"\x7f", b"\x80", b"\xff", b"\x00\x00", b"\xff\xff")


def havoc(chance: Random) -> Havoc:
    """A bit, a byte, a few: flipped, put in, left out, doubled."""

    def change(data: bytes) -> bytes:
        at = chance.randrange(len(data) + 1)
        size = chance.choice((1, 1, 1, 2, 4, 8))
        match chance.randrange(7):
            case 0 | 1 | 2 if data:
                at %= len(data)
                return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            case 3:
                return data[:at] + chance.randbytes(size) + data[at + size :]
            case 4:
                return data[:at] + data[at + size :]
            case 5:
                return data[:at] + data[at : at + size] + data[at:]
        told = chance.choice(_INTERESTING)
        return data[:at] + told + data[at + len(told) :]

    return change


def bytes_changed(case: Case, chance: Random) -> Case:
    """The file's bytes, here and there."""
    data, change = case.bundle, havoc(chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = change(data)
    return case.having("bytes", bundle=data)


def tree_changed(case: Case, chance: Random) -> Case:
    """The file as CBOR; nothing is sealed again."""
    return case.having("tree", bundle=mutators.file_tree(case.bundle, chance, havoc(chance)))


def recomposed(case: Case, chance: Random) -> Case:
    """As fuzzing does: sealed by the operator, whoever sealed before."""
    return case.having("recomposed", bundle=mutators.recomposed(case.bundle, chance, havoc(chance)))


def artifact_changed(case: Case, chance: Random) -> Case:
    """One artifact, signed again where it is signed by a key of the vectors, and so is all above it."""
    bundle = Bundle.decode(case.bundle)
    label = chance.choice(sorted(bundle.content))
    item, value = bundle.manifest.items[label], bytes(bundle.content[label].value)
    if item.type in _X509 and chance.randrange(4):
        value = signing.changed_x509(value, chance, havoc(chance))
    elif value[:1] == b"\x30" or not chance.randrange(3):
        value = mutators.any_tree(value, chance, havoc(chance))
    else:
        value = havoc(chance)(value)
    return remaking.remade(case, {label: value}).having(f"artifact {label}")


def artifact_exchanged(case: Case, chance: Random) -> Case:
    """One artifact by that of another vector in such a role."""
    bundle = Bundle.decode(case.bundle)
    label = chance.choice(sorted(bundle.content))
    value = chance.choice(_of_role(bundle.manifest.items[label].role))
    return remaking.remade(case, {label: value}).having(f"exchanged {label}")


def artifacts_mixed(case: Case, chance: Random) -> Case:
    """Some items of another vector, under their labels, with their references."""
    other = seeds.bundles()[chance.choice(sorted(seeds.bundles()))]
    ours = Bundle.decode(case.bundle).manifest
    taken = chance.sample(sorted(other.content), k=min(len(other.content), chance.randint(1, 4)))
    items = {**ours.items, **{label: other.manifest.items[label] for label in taken}}
    values = {label: bytes(other.content[label].value) for label in taken}
    return remaking.remade(case, values, manifest=replace(ours, items=items)).having(f"mixed {taken}")


@cache
def _of_role(role: str) -> list[bytes]:
    return sorted(set(seeds.artifacts(role)))


def manifest_changed(case: Case, chance: Random) -> Case:
    """The manifest as a tree, under seals by those who sealed."""
    raw = mutators.cbor_tree(Bundle.decode(case.bundle).manifest_raw, chance, havoc(chance))
    return remaking.remade(case, {}, manifest=Manifest.decode(raw)).having("manifest")


def references_changed(case: Case, chance: Random) -> Case:
    """A reference is left out, names another item, or more; or an item has another role, or is withheld."""
    bundle = Bundle.decode(case.bundle)
    items = dict(bundle.manifest.items)
    label = chance.choice(sorted(items))
    item, refs = items[label], dict(items[label].refs)
    name = chance.choice(sorted(refs) or ["by"])
    match chance.randrange(6):
        case 0:
            refs.pop(name, None)
        case 1 | 2:
            refs[name] = chance.choice(sorted(items))
        case 3:
            refs[name] = tuple(chance.sample(sorted(items), k=min(len(items), 2)))
        case 4:
            item = replace(item, role=chance.choice(sorted({each.role for each in items.values()})))
        case _:
            return case.having(f"withheld {label}", bundle=bundle.without({label}).encode())
    items[label] = replace(item, refs=refs)
    changed = remaking.remade(case, {}, manifest=replace(bundle.manifest, items=items))
    return changed.having(f"references {label}")


def withheld(case: Case, chance: Random) -> Case:
    """Some items are withheld, which is allowed as a rule."""
    bundle = Bundle.decode(case.bundle)
    labels_here = sorted(bundle.content)
    taken = set(chance.sample(labels_here, k=min(len(labels_here), chance.choice((1, 1, 2, 3)))))
    given = {**case.terms, "allow_withheld": bool(chance.randrange(4))}
    return case.having(f"withheld {sorted(taken)}", bundle=bundle.without(taken).encode(), terms=given)


def seal_changed(case: Case, chance: Random) -> Case:
    """A COSE seal's headers, signed again; or its bytes."""
    bundle = Bundle.decode(case.bundle)
    at = chance.randrange(len(bundle.seals))
    seal = bundle.seals[at]
    if seal.type == labels.SEAL_COSE and chance.randrange(4):
        message = CoseSign1.decode(mutators.cose_tree(seal.value, chance, havoc(chance)))
        seal = remaking.signed_again(message, seal, bundle)
    else:
        seal = replace(seal, value=havoc(chance)(seal.value))
    seals = (*bundle.seals[:at], seal, *bundle.seals[at + 1 :])
    return case.having(f"seal {at}", bundle=replace(bundle, seals=seals).encode())


def wrapping_changed(case: Case, chance: Random) -> Case:
    """Seals and renewals of another vector, fewer, or in another order."""
    bundle = Bundle.decode(case.bundle)
    other = seeds.bundles()[chance.choice(sorted(seeds.bundles()))]
    seals = [*bundle.seals, *chance.choices(other.seals, k=min(len(other.seals), 1))]
    renewals = [*bundle.renewals, *chance.choices(other.renewals, k=min(len(other.renewals), 1))]
    chance.shuffle(seals)
    chance.shuffle(renewals)
    seals = seals[: chance.randint(0, labels.MAX_SEALS)]
    return case.having(
        "wrapping", bundle=replace(bundle, seals=tuple(seals), renewals=tuple(renewals)).encode()
    )


def policy_changed(case: Case, chance: Random) -> Case:
    """One or two members of the policy."""
    given, said = dict(case.terms), []
    for _ in range(chance.choice((1, 1, 2))):
        name, value = _member(case, given, chance)
        given[name] = value
        said.append(name)
    return case.having(f"policy {' '.join(said)}", terms=given)


def _member(case: Case, given: dict[str, Any], chance: Random) -> tuple[str, Any]:
    made = _created(case)
    moment = made + chance.choice((-1, 1)) * chance.choice((0, 1, 600, _DAY, 400 * _DAY, 25 * 365 * _DAY))
    match chance.randrange(8):
        case 0:
            return "at", chance.choice((None, max(0, moment)))
        case 1:
            return "now", max(0, moment)
        case 2 | 3:
            flags = sorted(name for name, value in given.items() if isinstance(value, bool))
            name = chance.choice(flags)
            return name, not given[name]
        case 4:
            wanted = {chance.choice(_conclusions()): str(chance.choice((Basis.VOUCHED, Basis.PROVEN)))}
            return "require", wanted
        case 5:
            return "algorithms", {chance.choice(_algorithms()): max(0, moment)}
    name = chance.choice(_PINNED + _NAMED)
    if given.get(name) and chance.randrange(2):
        return name, []
    return name, terms(chance.choice(_with(name))).get(name, [])


@cache
def _with(name: str) -> list[str]:
    """The vectors whose policy has this member."""
    return [vector for vector in sorted(seeds.files()) if terms(vector).get(name)] or [seeds.GOOD]


@cache
def _conclusions() -> list[str]:
    return sorted({id for vector in seeds.files() for id in terms(vector).get("require", {})})


@cache
def _algorithms() -> list[str]:
    return sorted({each for vector in seeds.files() for each in terms(vector).get("algorithms", {})})


def _created(case: Case) -> int:
    try:
        return Bundle.decode(case.bundle).manifest.created
    except MalformedError:
        return 0


def beside_changed(case: Case, chance: Random) -> Case:
    """The snapshot before, or the kept challenge, of another vector, or none; or the other way round."""
    other = of_vector(chance.choice(sorted(seeds.files())))
    if case.previous is not None and not chance.randrange(2):
        Bundle.decode(case.bundle)
        return case.having("turned round", bundle=case.previous, previous=case.bundle)
    before = chance.choice((None, case.bundle, other.bundle, other.previous))
    if before is not None:
        Bundle.decode(before)
    return case.having("beside", previous=before, confirmed=chance.choice((case.confirmed, other.confirmed)))


CHANGES: Final[tuple[Change, ...]] = (
    bytes_changed,
    tree_changed,
    recomposed,
    *(artifact_changed,) * 4,
    artifact_exchanged,
    artifacts_mixed,
    manifest_changed,
    references_changed,
    withheld,
    *(seal_changed,) * 2,
    wrapping_changed,
    policy_changed,
    beside_changed,
)


def changed(start: str, seeds: Sequence[str]) -> Case:
    """A vector with a change for each of these seeds; one that cannot be made of it is left out."""
    case = of_vector(start)
    for seed in seeds:
        chance = Random(seed)
        try:
            case = chance.choice(CHANGES)(case, chance)
        except (MalformedError, EncodeError, IndexError, ValueError, KeyError, struct.error):
            continue
    return case
