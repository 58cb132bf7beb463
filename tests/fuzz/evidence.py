# SPDX-License-Identifier: Apache-2.0
"""Targets of what a TPM says: its structures, challenges, PCR values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation, make_credential
from bundlefmt.evidence.pcr import decode_pcr_values, encode_pcr_values
from bundlefmt.evidence.pcr_selection import TpmsPcrSelection
from bundlefmt.evidence.secret_sharing import CannotRecomputeError, ChallengeMismatchError, entropy_size
from bundlefmt.evidence.tpm import (
    TpmtPublic,
    UnsupportedAlgorithmError,
    UnsupportedKeyError,
    tpm2b,
    unwrap_tpm2b,
)
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError, TpmtSignature
from bundlefmt.render.tpm2_tools import pcr_file, read_pcr_file
from tests.fuzz import seeds
from tests.fuzz.target import Targets, symmetric
from tests.vectorgen import ceremonies

target: Final = Targets("tpm")
MESSAGE: Final = b"what was signed"
PUBLICS: Final = ("ek-public", "ak-public", "key-public", "parent-public", "ak-template")
NAME: Final = b"\x00\x0b" + bytes(32)


@target("tpm-public", lambda: seeds.artifacts(*PUBLICS))
def tpm_public(data: bytes) -> None:
    """Symmetry; the Name, the key and a challenge are computed, or said not to be computed here."""
    public = symmetric(TpmtPublic, data)
    if public is None:
        return
    public.describe()
    public.attributes.names()
    assert public.same_template(public)
    with contextlib.suppress(UnsupportedAlgorithmError):
        public.name()
    with contextlib.suppress(UnsupportedKeyError):
        public.public_key()
    with contextlib.suppress(CannotRecomputeError):
        made = make_credential(public, NAME, b"credential", entropy=bytes(entropy_size(public)))
        made.check_blob(public, NAME)
        made.check_encrypted_secret(public)


@target("tpm-attest", lambda: seeds.artifacts("quote", "certify"))
def tpm_attest(data: bytes) -> None:
    """Symmetry."""
    attest = symmetric(TpmsAttest, data)
    if attest is not None:
        attest.describe()


@target("tpm-signature", lambda: seeds.artifacts("tpm-signature"))
def tpm_signature(data: bytes) -> None:
    """Symmetry; it is by none of the test keys, which fuzzing cannot sign with."""
    signature = symmetric(TpmtSignature, data)
    if signature is None:
        return
    signature.describe()
    for public in (ceremonies.ak().public, ceremonies.ek().public, _rsa_public()):
        try:
            signature.verify(public, MESSAGE)
        except (SignatureMismatchError, CannotVerifyError):
            continue
        raise AssertionError(f"verifies with {public.describe()}")


def _rsa_public() -> TpmtPublic:
    return TpmtPublic.decode(bytes(seeds.bundles()["ak_rsa-pss"].content["ak.pub"].value))


def _creations() -> Iterable[bytes]:
    selection = (TpmsPcrSelection.of(TpmAlg.SHA256, (0, 7)),)
    yield TpmsCreationData(
        pcr_select=selection,
        pcr_digest=bytes(32),
        locality=1,
        parent_name_alg=TpmAlg.SHA256,
        parent_name=NAME,
        parent_qualified_name=NAME,
        outside_info=b"outside",
    ).encode()
    yield TpmtTkCreation(hierarchy=0x4000000B, digest=bytes(32)).encode()


@target("tpm-creation", _creations)
def tpm_creation(data: bytes) -> None:
    """Symmetry of creation data and of tickets."""
    creation = symmetric(TpmsCreationData, data)
    if creation is not None:
        creation.describe()
        with contextlib.suppress(UnsupportedAlgorithmError):
            creation.creation_hash(creation.parent_name_alg)
    ticket = symmetric(TpmtTkCreation, data)
    if ticket is not None:
        ticket.describe()


def _activations() -> Iterable[bytes]:
    for public in (ceremonies.ek().public, _rsa_public()):
        with contextlib.suppress(CannotRecomputeError):
            yield make_credential(public, NAME, b"credential", entropy=bytes(entropy_size(public))).encode()


@target("activation", _activations)
def activation(data: bytes) -> None:
    """Symmetry; checking it says what is wrong, or that it cannot be computed here."""
    record = symmetric(CredentialActivation, data)
    if record is None:
        return
    record.describe()
    for public in (ceremonies.ek().public, _rsa_public()):
        with contextlib.suppress(CannotRecomputeError, ChallengeMismatchError):
            record.check_blob(public, NAME)
        with contextlib.suppress(CannotRecomputeError, ChallengeMismatchError):
            record.check_encrypted_secret(public)


@target("tpm2b", lambda: (tpm2b(data) for data in (b"", *seeds.artifacts(*PUBLICS))))
def sized(data: bytes) -> None:
    """Its content, with its size before it, is all there is."""
    with contextlib.suppress(MalformedError):
        assert tpm2b(unwrap_tpm2b(data)) == data


def _pcr_files() -> Iterable[bytes]:
    selection = TpmsPcrSelection.of(TpmAlg.SHA256, (0, 7))
    yield pcr_file([selection], {TpmAlg.SHA256: {0: bytes(32), 7: b"\1" * 32}})


@target("pcr-file", _pcr_files)
def tpm2_tools_pcr_file(data: bytes) -> None:
    """The PCR values that tpm2_quote leaves: MalformedError at most, or values that a bundle can carry."""
    with contextlib.suppress(MalformedError):
        read_pcr_file(data)


@target("pcr-values", lambda: seeds.artifacts("pcr-values"))
def pcr_values(data: bytes) -> None:
    """Symmetry."""
    try:
        values = decode_pcr_values(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return
    assert encode_pcr_values(values) == data
