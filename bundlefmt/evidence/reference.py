# SPDX-License-Identifier: Apache-2.0
"""Reference values as verifiers keep them: what PCRs and events should be.

Lists of our own in TOML or JSON; CoRIM with CoMID tags (draft-ietf-rats-corim-10: integrity registers and
digests); systemd-pcrlock components. Spec: "Reference values".
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Final

from bundlefmt import cbor
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.pcr import MAX_INDEX, PcrValues
from bundlefmt.evidence.toml_text import decode_toml
from bundlefmt.evidence.tpm_algorithm import HASHES, TpmAlg, hash_size
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

SCHEMA: Final = "evidence-bundle-reference/1"
MAX_REFERENCE: Final = 4 * 2**20  # bytes of one file
TAG_CORIM, TAG_COMID, TAG_SIGNED = 501, 506, 18
_BY_NAME: Final = {TpmAlg(alg).name.lower(): int(alg) for alg in HASHES}
# COSE ids and those of the Named Information registry, by numbers and names -> TPM_ALG_ID
_DIGEST_ALGS: Final[dict[object, int]] = {
    -16: TpmAlg.SHA256,
    -43: TpmAlg.SHA384,
    -44: TpmAlg.SHA512,
    1: TpmAlg.SHA256,
    7: TpmAlg.SHA384,
    8: TpmAlg.SHA512,
    "sha-256": TpmAlg.SHA256,
    "sha-384": TpmAlg.SHA384,
    "sha-512": TpmAlg.SHA512,
}
_INDICES: Final = {str(index): index for index in range(MAX_INDEX + 1)}
Allowed = Mapping[int, Mapping[int, frozenset[bytes]]]


@frozen
class ReferenceEvent:
    """A measurement that must have been made: one of the digests of a bank, into `pcr` (None: any)."""

    pcr: int | None
    digests: frozenset[tuple[int, bytes]]


@frozen
class Reference:
    """One file of reference values: {bank: {PCR: the values it may have}}, and events.

    It is good from `not_before` to `not_after`, seconds since the epoch. `unverified` says why the values
    decide nothing: their signature was not judged, or not all could be read.
    """

    name: str
    pcrs: Allowed = field(default_factory=dict)
    events: tuple[ReferenceEvent, ...] = ()
    not_before: int | None = None
    not_after: int | None = None
    unverified: str | None = None

    @classmethod
    def of(cls, snapshot: Iterable[PcrValues], name: str) -> Reference:
        """The values of an earlier snapshot, which may have several of one PCR."""
        pcrs: dict[int, dict[int, frozenset[bytes]]] = {}
        for bank, row in (pair for values in snapshot for pair in values.items()):
            for index, value in row.items():
                known = pcrs.setdefault(bank, {})
                known[index] = known.get(index, frozenset()) | {value}
        return cls(name=name, pcrs=pcrs)

    @classmethod
    def decode(cls, data: Buffer, name: str) -> Reference:
        """A reference file of any kind, by its content. Raises MalformedError."""
        if len(data) > MAX_REFERENCE:
            raise _malformed(f"a file of {len(data)} bytes", Code.SIZE_LIMIT)
        raw = bytes(data)
        if raw[:1] in (b"\xd9", b"\xd2"):
            return _any_corim(cbor.foreign(raw), name)
        try:
            text = raw.decode("utf-8")
            if text.lstrip().startswith("{"):
                value = json.loads(text, object_pairs_hook=_members)
            else:
                value = decode_toml(text)
        except (ValueError, RecursionError) as error:  # numbers of too many digits are a ValueError too
            raise _malformed(f"neither CBOR, JSON nor TOML: {str(error)[:120]}") from None
        return _listed(value, name)


def encode_reference(pcrs: Allowed) -> str:
    """A TOML list of these PCR values; what of them may change is for its reader to strike out."""
    names = {int(alg): name for name, alg in _BY_NAME.items()}
    lines = [f'schema = "{SCHEMA}"']
    for bank, row in sorted(pcrs.items()):
        if bank in names:
            lines += ["", f"[pcrs.{names[bank]}]"]
            lines += [f"{index} = {_choices(allowed)}" for index, allowed in sorted(row.items())]
    return "\n".join(lines) + "\n"


def _choices(allowed: Iterable[bytes]) -> str:
    """One value, or an array of them, in TOML."""
    found = ", ".join(f'"{value.hex()}"' for value in sorted(allowed))
    return f"[{found}]" if "," in found else found


def _malformed(message: str, code: Code = Code.BAD_VALUE) -> MalformedError:
    return MalformedError(code, message, offset=0, path="reference values")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, which must not name a member twice: readers differ in which of them counts."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _malformed("a JSON object names a member twice", Code.DUPLICATE_KEY)
    return found


def _mapping(value: object, what: str) -> Mapping[object, object]:
    if not isinstance(value, Mapping):
        raise _malformed(f"{what} is no map")
    return value


def _sequence(value: object, what: str) -> Sequence[object]:
    if not isinstance(value, list | tuple):
        raise _malformed(f"{what} is no list")
    return value


def _some(value: object, what: str) -> Sequence[object]:
    """A list that says something: nothing can be one of no values."""
    found = _sequence(value, what)
    if not found:
        raise _malformed(f"{what} is an empty list", Code.WRONG_LENGTH)
    return found


def _pcr(value: object) -> int:
    """A PCR's number, as a number or in decimal."""
    if isinstance(value, str):
        value = _INDICES.get(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INDEX:
        raise _malformed(f"there is no PCR {value!r:.40}")
    return value


def _bank(value: object) -> int:
    if not isinstance(value, str) or value not in _BY_NAME:
        raise _malformed(f"there is no bank {value!r:.40}")
    return _BY_NAME[value]


def _digest(bank: int, value: object) -> bytes:
    """A digest of the bank, as bytes or in hexadecimal."""
    try:
        octets = bytes.fromhex(value) if isinstance(value, str) else value
    except ValueError:
        raise _malformed(f"{value!r:.40} is not hexadecimal") from None
    if not isinstance(octets, bytes) or len(octets) != hash_size(bank):
        raise _malformed("a digest that has not the size of its bank", Code.WRONG_LENGTH)
    return octets


def _listed(value: object, name: str) -> Reference:
    """A list of our own, or a pcrlock component."""
    members = _mapping(value, "the file")
    if "records" in members:
        return Reference(name=name, events=tuple(_pcrlock(_sequence(members["records"], "records"))))
    if members.get("schema") != SCHEMA or not set(members) <= {"schema", "pcrs", "events"}:
        raise _malformed(f"neither {SCHEMA} nor a pcrlock component", Code.UNKNOWN_MEMBER)
    pcrs = {}
    for bank_name, row in _mapping(members.get("pcrs", {}), "pcrs").items():
        bank, allowed = _bank(bank_name), {}
        for index, given in _mapping(row, "a bank").items():
            choices = _some(given, "the values of a PCR") if isinstance(given, list) else [given]
            allowed[_pcr(index)] = frozenset(_digest(bank, choice) for choice in choices)
        pcrs[bank] = allowed
    events = tuple(_event(entry) for entry in _sequence(members.get("events", []), "events"))
    return Reference(name=name, pcrs=pcrs, events=events)


def _event(value: object) -> ReferenceEvent:
    entry = _mapping(value, "an event")
    if not set(entry) <= {"pcr", "bank", "digest"}:
        raise _malformed("an event has pcr, bank and digest", Code.UNKNOWN_MEMBER)
    bank = _bank(entry.get("bank", "sha256"))
    pcr = _pcr(entry["pcr"]) if "pcr" in entry else None
    return ReferenceEvent(pcr=pcr, digests=frozenset({(bank, _digest(bank, entry.get("digest")))}))


def _pcrlock(records: Sequence[object]) -> Iterator[ReferenceEvent]:
    """systemd-pcrlock(8): {"pcr": n, "digests": [{"hashAlg": name, "digest": hexadecimal}]}."""
    for record in records:
        entry, digests = _mapping(record, "a record"), set()
        for one in _some(entry.get("digests"), "digests"):
            given = _mapping(one, "a digest")
            bank = _bank(given.get("hashAlg"))
            digests.add((bank, _digest(bank, given.get("digest"))))
        yield ReferenceEvent(pcr=_pcr(entry.get("pcr")), digests=frozenset(digests))


def _any_corim(value: object, name: str) -> Reference:
    """A CoRIM; of a signed one the values are read, and its signature is not judged."""
    if isinstance(value, cbor.Tag) and value.tag == TAG_SIGNED:
        body = _sequence(value.value, "COSE_Sign1")
        if len(body) != 4 or not isinstance(body[2], bytes):
            raise _malformed("a COSE_Sign1 without payload")
        unverified = "the signature of this CoRIM is not judged here"
        return replace(_corim(cbor.foreign(body[2]), name), unverified=unverified)
    return _corim(value, name)


def _corim(value: object, name: str) -> Reference:
    """An unsigned CoRIM."""
    if not isinstance(value, cbor.Tag) or value.tag != TAG_CORIM:
        raise _malformed("no CoRIM (tag 501)", Code.UNLISTED_TAG)
    members = _mapping(value.value, "CoRIM")
    validity = _mapping(members.get(4, {}), "validity")
    pcrs: dict[int, dict[int, frozenset[bytes]]] = {}
    events, unread = [], False
    for tag in _sequence(members.get(1), "CoRIM tags"):
        if not isinstance(tag, cbor.Tag) or tag.tag != TAG_COMID or not isinstance(tag.value, bytes):
            continue  # CoSWID and CoTL say nothing about PCRs
        for values in _measurements(cbor.foreign(tag.value)):
            for register, digests in _mapping(values.get(14, {}), "integrity registers").items():
                known = list(_digests(digests))
                unread = unread or not known
                for bank, digest in known:
                    row = pcrs.setdefault(bank, {})
                    row[_pcr(register)] = row.get(_pcr(register), frozenset()) | {digest}
            if 2 in values:
                event = ReferenceEvent(pcr=None, digests=frozenset(_digests(values[2])))
                unread = unread or not event.digests
                events.append(event)
    return Reference(
        name=name,
        pcrs=pcrs,
        events=tuple(event for event in events if event.digests),
        not_before=_moment(validity.get(0)),
        not_after=_moment(validity.get(1)),
        unverified="a value has no digest by an algorithm that is known here" if unread else None,
    )


def _moment(value: object) -> int | None:
    """Seconds since the epoch of a time, CBOR tag 1."""
    if value is not None and not isinstance(value, datetime.datetime):
        raise _malformed("a time that is none")
    return None if value is None else int(value.timestamp())


def _measurements(comid: object) -> Iterator[Mapping[object, object]]:
    """The measurement-values-maps of all reference triples."""
    triples = _mapping(_mapping(comid, "CoMID").get(4, {}), "triples")
    for record in _sequence(triples.get(0, []), "reference triples"):
        pair = _sequence(record, "a reference triple")
        if len(pair) != 2:
            raise _malformed("a reference triple has two parts", Code.WRONG_LENGTH)
        for claim in _sequence(pair[1], "reference claims"):
            yield _mapping(_mapping(claim, "a measurement").get(1), "measurement values")


def _digests(value: object) -> Iterator[tuple[int, bytes]]:
    """[alg, value] pairs; algorithms that are not known are passed over."""
    for one in _some(value, "digests"):
        pair = _sequence(one, "a digest")
        if len(pair) != 2:
            raise _malformed("a digest has two parts", Code.WRONG_LENGTH)
        alg = pair[0] if isinstance(pair[0], int | str) and not isinstance(pair[0], bool) else None
        if alg in _DIGEST_ALGS:
            bank = int(_DIGEST_ALGS[alg])
            yield bank, _digest(bank, pair[1])
