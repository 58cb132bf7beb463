# SPDX-License-Identifier: Apache-2.0
"""The TPM's own time, and statements of NV contents.

Spec: "Verification", step 6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    ak,
    attested_with,
    certify,
    creation,
    key,
    quote,
    signature,
    snapshot,
    snapshot_with,
    statement,
    whole,
)
from tests.vectorgen.ceremony import Artifact, Ceremony, Making
from tests.vectorgen.judged_certify import OTHER_BINDING
from tests.vectorgen.software_tpm import Key, tpm2b
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_TIME: Final = struct.pack(">QQIIBQ", 3_500_000, 3_600_000, 7, 0, 1, 0x0001_0000_0000_0000)
_INDEX: Final = b"\x00\x0b" + bytes(range(32))  # the Name of an NV index
_CONTENTS: Final = tpm2b(_INDEX) + struct.pack(">H", 0) + tpm2b(b"contents")
_DIGEST: Final = tpm2b(_INDEX) + tpm2b(bytes(32))


def _also(role: str, make: Callable[[Making], bytes], by: Key | None = None) -> Ceremony:
    """The smallest ceremony with one statement more, signed as it is."""
    signer = by or ak()
    small = snapshot().having("more", Artifact(role=role, make=make, refs={"by": "ak.pub"}))
    refs = {"by": "ak.pub", "over": "more"}
    return small.having("more.sig", Artifact(role="tpm-signature", make=signature(signer, "more"), refs=refs))


def _time(**changes: object) -> Ceremony:
    return _also("time", statement(tpm.TIME, ak(), _TIME, changes))


def _nv(**changes: object) -> Ceremony:
    return _also("nv-certify", statement(tpm.NV, ak(), _CONTENTS, changes))


@vector("clock.form", "valid")
def clock_time() -> Judged:
    """A statement of the TPM's time, of the same boot as the quote."""
    return _time().judged()


@vector("clock.form", "magic")
def clock_wrong_magic() -> Judged:
    """The statement of time does not begin with TPM_GENERATED_VALUE."""
    return _time(magic=0).judged("clock.form")


@vector("clock.form")
def clock_of_another_type() -> Judged:
    """A quote stands where the statement of time should."""
    return _also("time", quote(ak())).judged("clock.form")


@vector("clock.signature", "tampered")
def clock_signed_by_another_key() -> Judged:
    """Another key signed the statement of time."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return _also("time", statement(tpm.TIME, ak(), _TIME, {}), other).judged("clock.signature")


@vector("clock.signer")
def clock_signer_is_the_name() -> Judged:
    """The qualified signer is the attestation key's Name, which lacks the hierarchy."""
    return _time(signer=ak().name).judged("clock.signer")


@vector("clock.binding", "binding", "rewrapped")
def clock_of_another_ceremony() -> Judged:
    """The statement of time is bound to another ceremony."""
    return _time(extra=OTHER_BINDING).judged("clock.binding")


@vector("clock.boot")
def clock_of_another_boot() -> Judged:
    """The quote was made after one more reset than the certify statement: of which boot are the PCRs?"""
    ceremony = whole().changed("quote", make=quote(ak(), resets=8))
    return ceremony.judged(unsure=("clock.boot",))


@vector("clock.boot")
def clock_restarted() -> Judged:
    """One more restart between certify statement and quote: PCRs start anew at a restart too."""
    return whole().changed("quote", make=quote(ak(), restarts=1)).judged(unsure=("clock.boot",))


@vector("`allow_several_boots`", "valid")
def clock_of_another_boot_allowed() -> Judged:
    """The quote is of another boot than the certify statement, and the policy allows that."""
    ceremony = whole().changed("quote", make=quote(ak(), resets=8))
    return ceremony.under(allow_several_boots=True).judged()


@vector("clock.boot", "valid")
def clock_obfuscated() -> Judged:
    """The attestation key is in the owner hierarchy: its counters are shifted, and equal all the same."""
    owned = replace(ak(), parent=tpm.OWNER)
    return snapshot_with(owned).judged()


@vector("clock.boot")
def clock_of_two_machines() -> Judged:
    """Two attestation keys speak of different boots: of one machine at two times, or of two machines."""
    second = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    more = {
        f"second.{label}": replace(
            artifact, refs={ref: f"second.{name}" for ref, name in artifact.refs.items()}
        )
        for label, artifact in attested_with(second).items()
    }
    more["second.quote"] = replace(more["second.quote"], make=quote(second, resets=8))
    more["second.quote.sig"] = replace(more["second.quote.sig"], make=signature(second, "second.quote"))
    small = snapshot()
    ceremony = replace(small, artifacts={**small.artifacts, **more})
    return ceremony.judged(unsure=("clock.boot",))


@vector("clock.safe", "valid")
def clock_not_safe() -> Judged:
    """After a loss of power the clock is not safe: its value says nothing, the rest stands."""
    return whole().changed("quote", make=quote(ak(), safe=0)).judged()


@vector("clock.form")
def clock_safe_is_two() -> Judged:
    """The statement's `safe` is neither yes nor no."""
    return _time(safe=2).judged("clock.form")


@vector("nv.form", "valid")
def nv_contents() -> Judged:
    """A statement of what an NV index holds."""
    return _nv().judged()


@vector("nv.form", "valid")
def nv_digest() -> Judged:
    """A statement of the digest of what an NV index holds."""
    return _also("nv-certify", statement(tpm.NV_DIGEST, ak(), _DIGEST, {})).judged()


@vector("nv.form", "magic")
def nv_wrong_magic() -> Judged:
    """The statement of NV contents does not begin with TPM_GENERATED_VALUE."""
    return _nv(magic=0).judged("nv.form")


@vector("nv.form")
def nv_of_another_type() -> Judged:
    """A certify statement stands where one of NV contents should."""
    return _also("nv-certify", certify(ak(), key())).judged("nv.form")


@vector("nv.signature", "tampered")
def nv_signed_by_another_key() -> Judged:
    """Another key signed the statement of NV contents."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return _also("nv-certify", statement(tpm.NV, ak(), _CONTENTS, {}), other).judged("nv.signature")


@vector("nv.signer")
def nv_signer_is_the_name() -> Judged:
    """The qualified signer is the attestation key's Name, which lacks the hierarchy."""
    return _nv(signer=ak().name).judged("nv.signer")


@vector("nv.binding", "binding", "rewrapped")
def nv_of_another_ceremony() -> Judged:
    """The statement of NV contents is bound to another ceremony."""
    return _nv(extra=OTHER_BINDING).judged("nv.binding")


@vector("nv.form", "trailing")
def nv_trailing_byte() -> Judged:
    """One byte follows the statement of NV contents."""
    make = statement(tpm.NV, ak(), _CONTENTS + b"\x00", {})
    return _also("nv-certify", make).judged("nv.form")


@vector("clock.boot")
def clock_creation_of_another_boot() -> Judged:
    """The signing key was created in another boot than the one that is quoted."""
    make = creation(ak(), key(), resets=6)
    return whole().changed("created", make=make).judged(unsure=("clock.boot",))
