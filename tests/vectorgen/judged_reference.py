# SPDX-License-Identifier: Apache-2.0
"""Evidence beside reference values: what PCRs and events should be.

Spec: "Reference values"; "Verification", step 9.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

import cbor2

from tests.vectorgen import measured
from tests.vectorgen.ceremonies import PCRS, ak, quote, signature, whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_later_log import after
from tests.vectorgen.judged_log import log_item, logged, quoting
from tests.vectorgen.measured import APPLICATION, Event, boot, ima_value, measured_files
from tests.vectorgen.plain import CREATED
from tests.vectorgen.software_tpm import SHA1, SHA256
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
SCHEMA: Final = "evidence-bundle-reference/1"
FILE: Final = hashlib.sha256(b"a file").digest()
GOOD: Final = {index: value.hex() for index, value in PCRS[SHA256].items()}
LOADER: Final = Event(pcr=4, type=APPLICATION, data=bytes(32), measured=b"a boot loader").digest(SHA256)
LOADER_SHA1: Final = Event(pcr=4, type=APPLICATION, data=bytes(32), measured=b"a boot loader").digest(SHA1)
PHASE: Final = hashlib.sha256(b"leave-initrd").digest()
OTHER: Final = Event(pcr=4, type=APPLICATION, data=bytes(32), measured=b"another boot loader").digest(SHA256)


def _toml(rows: Mapping[int, str | Sequence[str]]) -> bytes:
    lines = [f'schema = "{SCHEMA}"', "", "[pcrs.sha256]"]
    return "\n".join([*lines, *(f"{i} = {json.dumps(value)}" for i, value in rows.items()), ""]).encode()


def _json(**members: object) -> bytes:
    return json.dumps({"schema": SCHEMA, **members}, indent=1).encode()


def _pcrlock(pcr: int, *digests: bytes) -> bytes:
    listed = [{"hashAlg": "sha256", "digest": digest.hex()} for digest in digests]
    return json.dumps({"records": [{"pcr": pcr, "digests": listed}]}, indent=1).encode()


def _corim(
    registers: Mapping[int, bytes],
    *digests: bytes,
    private: bool = False,
    validity: Mapping[int, object] | None = None,
) -> bytes:
    """An unsigned CoRIM with one CoMID: integrity registers and digests in one reference triple.

    Register 7 has a digest by an algorithm that only its writer knows, if `private`.
    """
    values: dict[int, object] = {
        14: {index: [[-70000 if private and index == 7 else 1, value]] for index, value in registers.items()}
    }
    if digests:
        values[2] = [[-16, digest] for digest in digests]
    triple = [{0: {1: "a test platform"}}, [{1: values}]]
    comid = {1: {0: "test CoMID"}, 4: {0: [triple]}}
    inner = cbor2.CBORTag(506, cbor2.dumps(comid, canonical=True))
    members = {0: "test CoRIM", 1: [inner]} | ({} if validity is None else {4: validity})
    return cbor2.dumps(cbor2.CBORTag(501, members), canonical=True)


def _time(seconds: int) -> cbor2.CBORTag:
    return cbor2.CBORTag(1, seconds)


def _signed(payload: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(18, [b"\xa0", {}, payload, bytes(64)]), canonical=True)


FILES: Final = {
    "reference-good.toml": _toml(GOOD),
    "reference-choice.toml": _toml({0: GOOD[0], 7: ["00" * 32, GOOD[7]]}),
    "reference-other.toml": _toml({**GOOD, 7: "00" * 32}),
    "reference-more.toml": _toml({**GOOD, 8: "00" * 32}),
    "reference-loader.json": _json(events=[{"pcr": 4, "bank": "sha256", "digest": LOADER.hex()}]),
    "reference-loader-elsewhere.json": _json(events=[{"pcr": 2, "digest": LOADER.hex()}]),
    "reference-loader-anywhere.json": _json(events=[{"digest": LOADER.hex()}]),
    "reference-loader.pcrlock": _pcrlock(4, OTHER, LOADER),
    "reference-other-loader.pcrlock": _pcrlock(4, OTHER),
    "reference-good.corim": _corim(PCRS[SHA256]),
    "reference-other.corim": _corim({**PCRS[SHA256], 0: bytes(32)}),
    "reference-loader.corim": _corim({}, LOADER),
    "reference-sha1.json": _json(pcrs={"sha1": {0: measured.values(boot(), banks=(SHA1,))[SHA1][0].hex()}}),
    "reference-loader-sha1.json": _json(events=[{"pcr": 4, "bank": "sha1", "digest": LOADER_SHA1.hex()}]),
    "reference-phase.json": _json(events=[{"pcr": 9, "digest": PHASE.hex()}]),
    "reference-empty.json": _json(pcrs={}),
    "reference-private.corim": _corim(PCRS[SHA256], private=True),
    "reference-valid.corim": _corim(PCRS[SHA256], validity={0: _time(CREATED), 1: _time(CREATED)}),
    "reference-expired.corim": _corim(PCRS[SHA256], validity={1: _time(CREATED - 1)}),
    "reference-two-events.json": _json(
        events=[{"pcr": 9, "digest": PHASE.hex()}, {"pcr": 4, "digest": OTHER.hex()}]
    ),
    "reference-file.json": _json(events=[{"pcr": 10, "digest": FILE.hex()}]),
    "reference-signed.corim": _signed(_corim(PCRS[SHA256])),
}


def _by(*names: str, ceremony: Ceremony | None = None) -> Ceremony:
    return (ceremony or whole()).under(references=names)


@vector("reference.pcrs", "valid")
def reference_pcrs() -> Judged:
    """Both PCRs have the values that the verifier expects."""
    return _by("reference-good.toml").judged()


@vector("reference.pcrs", "valid")
def reference_choice_of_values() -> Judged:
    """PCR 7 may have one of two values, and has the second."""
    return _by("reference-choice.toml").judged()


@vector("reference.pcrs")
def reference_other_value() -> Judged:
    """PCR 7 has another value than is expected: the quote is genuine, the state is not the right one."""
    return _by("reference-other.toml").judged("reference.pcrs")


@vector("reference.pcrs")
def reference_value_not_quoted() -> Judged:
    """The verifier expects a value of PCR 8, which is not quoted."""
    return _by("reference-more.toml").judged(unsure=("reference.pcrs",))


@vector("reference.pcrs", "two-items")
def reference_two_quotes() -> Judged:
    """A second quote has another value in PCR 7: one that fits does not excuse one that does not."""
    other = {SHA256: {**PCRS[SHA256], 7: bytes(32)}}
    second = quoting(other)
    more = {f"second.{name}": second.artifacts[name] for name in ("quote", "quote.sig", "quote.pcrs")}
    ceremony = whole()
    for label, artifact in more.items():
        refs = {
            ref: f"second.{to}" if str(to).startswith("quote") else to for ref, to in artifact.refs.items()
        }
        ceremony = ceremony.having(label, artifact).changed(label, refs=refs)
    ceremony = ceremony.changed("second.quote", make=quote(ak(), other))
    ceremony = ceremony.changed("second.quote.sig", make=signature(ak(), "second.quote"))
    return _by("reference-good.toml", ceremony=ceremony).judged("reference.pcrs")


@vector("reference.events", "valid")
def reference_event() -> Judged:
    """The boot loader that the verifier expects was measured into PCR 4."""
    return _by("reference-loader.json", ceremony=logged(boot())).judged()


@vector("reference.events", "valid")
def reference_event_in_any_pcr() -> Judged:
    """The boot loader that the verifier expects was measured; the reference does not say where."""
    return _by("reference-loader-anywhere.json", ceremony=logged(boot())).judged()


@vector("reference.events")
def reference_event_in_another_pcr() -> Judged:
    """The verifier expects the boot loader in PCR 2; it was measured into PCR 4."""
    return _by("reference-loader-elsewhere.json", ceremony=logged(boot())).judged("reference.events")


@vector("reference.events", "absent")
def reference_event_without_log() -> Judged:
    """The verifier expects an event, and the bundle has no log."""
    return _by("reference-loader.json").judged(unsure=("reference.events",))


@vector("reference.events", "appended")
def reference_event_only_in_the_log() -> Judged:
    """The boot loader stands in the log and was never extended: PCR 4 does not replay."""
    quoted = [event for event in boot() if event.type != APPLICATION]
    ceremony = _by("reference-loader.json", ceremony=logged(boot(), quoted))
    return ceremony.judged("log.replay", unsure=("reference.events",))


@vector("reference.events", "valid")
def reference_pcrlock() -> Judged:
    """A pcrlock component allows two boot loaders, of which one was measured."""
    return _by("reference-loader.pcrlock", ceremony=logged(boot())).judged()


@vector("reference.events")
def reference_pcrlock_of_another() -> Judged:
    """A pcrlock component allows another boot loader than was measured."""
    return _by("reference-other-loader.pcrlock", ceremony=logged(boot())).judged("reference.events")


@vector("reference.pcrs", "valid")
def reference_corim() -> Judged:
    """An unsigned CoRIM's integrity registers are the values quoted."""
    return _by("reference-good.corim").judged()


@vector("reference.pcrs")
def reference_corim_of_another() -> Judged:
    """An unsigned CoRIM's integrity register 0 is another value."""
    return _by("reference-other.corim").judged("reference.pcrs")


@vector("reference.events", "valid")
def reference_corim_digest() -> Judged:
    """An unsigned CoRIM names the digest of the boot loader."""
    return _by("reference-loader.corim", ceremony=logged(boot())).judged()


@vector("reference.pcrs", "signed")
def reference_corim_signed() -> Judged:
    """A signed CoRIM has the values quoted; whose signature it has is not judged."""
    return _by("reference-signed.corim").judged(unsure=("reference.pcrs",))


@vector("reference.pcrs", "two-items")
def reference_two_files() -> Judged:
    """Two files of reference values: one fits, the other one does not."""
    return _by("reference-good.toml", "reference-other.corim").judged("reference.pcrs")


def _both_banks() -> Ceremony:
    log = measured.Log(events=boot()).encode()
    return quoting(measured.values(boot(), banks=(SHA1, SHA256))).having("firmware.log", log_item(log))


@vector("reference.pcrs", "bank")
def reference_sha1_value() -> Judged:
    """The verifier knows only the SHA-1 value of a PCR that is quoted in both banks."""
    return _by("reference-sha1.json", ceremony=_both_banks()).judged(unsure=("reference.pcrs",))


@vector("reference.events", "bank")
def reference_sha1_event() -> Judged:
    """The verifier knows only the SHA-1 digest of the boot loader."""
    return _by("reference-loader-sha1.json", ceremony=_both_banks()).judged(unsure=("reference.events",))


@vector("reference.events", "bank", "relaxed")
def reference_event_in_a_log_of_another_bank() -> Judged:
    """The verifier knows the SHA-256 digest of the boot loader; the log has SHA-1 digests alone."""
    log = measured.Log(events=boot(), banks=(SHA1,)).encode()
    ceremony = quoting(measured.values(boot(), banks=(SHA1, SHA256))).having("firmware.log", log_item(log))
    ceremony = _by("reference-loader.json", ceremony=ceremony).under(allow_sha1=True)
    return ceremony.judged(unsure=("reference.events",))


@vector("reference.events", "bank", "relaxed")
def reference_sha1_event_allowed() -> Judged:
    """The same, where the verifier lets SHA-1 pass."""
    return _by("reference-loader-sha1.json", ceremony=_both_banks()).under(allow_sha1=True).judged()


@vector("reference.events", "valid")
def reference_userspace_event() -> Judged:
    """systemd measured the phase that the verifier expects."""
    ceremony = after("enter-initrd", "leave-initrd", quoted=["enter-initrd", "leave-initrd"])
    return _by("reference-phase.json", ceremony=ceremony).judged()


@vector("reference.events")
def reference_event_after_the_quote() -> Judged:
    """The phase that the verifier expects is logged, and later than the quote."""
    ceremony = after("enter-initrd", "leave-initrd", quoted=["enter-initrd"])
    return _by("reference-phase.json", ceremony=ceremony).judged(unsure=("reference.events",))


@vector("reference.pcrs", "valid", "boundary")
def reference_corim_in_its_validity() -> Judged:
    """A CoRIM that is valid in one second, which is that of the manifest."""
    return _by("reference-valid.corim").judged()


@vector("reference.pcrs", "expired")
def reference_corim_expired() -> Judged:
    """A CoRIM whose validity ended a second before the ceremony."""
    return _by("reference-expired.corim").judged(unsure=("reference.pcrs",))


@vector("reference.events", "order")
def reference_two_events() -> Judged:
    """Of one event it cannot be said that it was measured, the other one is in no log: that decides."""
    ceremony = after("enter-initrd", "leave-initrd", quoted=["enter-initrd"])
    return _by("reference-two-events.json", ceremony=ceremony).judged("reference.events")


@vector("reference.events")
def reference_event_of_a_file() -> Judged:
    """The verifier expects an event in PCR 10, which an IMA list explains; events are not sought in those."""
    files = measured_files(2)
    pcrs = {SHA256: {**measured.values(boot())[SHA256], 10: ima_value(files)}}
    listed = log_item(b"".join(entry.encode() for entry in files), "ima-log")
    ceremony = quoting(pcrs).having("firmware.log", log_item(measured.Log(events=boot()).encode()))
    ceremony = ceremony.having("ima.log", listed)
    return _by("reference-file.json", ceremony=ceremony).judged(unsure=("reference.events",))


@vector("reference.pcrs", "unknown")
def reference_private_algorithm() -> Judged:
    """The CoRIM has PCR 7 by an algorithm that nobody else knows: that the rest fits is not enough."""
    return _by("reference-private.corim").judged(unsure=("reference.pcrs",))


@vector("reference.pcrs")
def reference_empty() -> Judged:
    """A list without values was perhaps cut off: nothing was compared."""
    return _by("reference-empty.json").judged(unsure=("reference.pcrs",))
