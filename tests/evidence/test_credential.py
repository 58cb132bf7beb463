# SPDX-License-Identifier: Apache-2.0
"""Credential blobs: symmetry of the record, other implementations of each step, and what must not fit."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import cbor
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.credential import (
    CannotRecomputeError,
    ChallengeMismatchError,
    CredentialActivation,
    TpmsIdObject,
    entropy_size,
    make_credential,
    protect,
)
from bundlefmt.evidence.ek_template import EK_TEMPLATES
from bundlefmt.evidence.secret_sharing import encrypt_seed, share_seed
from bundlefmt.evidence.tpm import TpmsEccPoint, TpmtPublic
from bundlefmt.evidence.tpm_algorithm import TpmAlg, UnsupportedAlgorithmError, curve_name, hash_algorithm
from bundlefmt.evidence.tpm_kdf import kdfa, kdfe
from bundlefmt.evidence.tpm_parameters import TpmsRsaParms, TpmtSymDefObject
from bundlefmt.wire import read_all
from tests.evidence.tpm_keys import COMPUTED_CURVES, ecc_public, endorsement, rsa_key
from tests.strategies import mutated
from tests.swtpm import quiet_tss

NAME = b"\0\x0b" + bytes(range(32))
CREDENTIAL = b"what only the TPM can tell"
HASHES = st.sampled_from((TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512))
KEYS: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
    "L-1": rsa_key(2048),
    "L-2": ec.derive_private_key(4712, ec.SECP256R1()),
    "H-1": rsa_key(2048),
    "H-2": ec.derive_private_key(4713, ec.SECP256R1()),
    "H-3": ec.derive_private_key(4714, ec.SECP384R1()),
    "H-4": ec.derive_private_key(4715, ec.SECP521R1()),
    "H-6": rsa_key(3072),
}
EKS = {name: endorsement(EK_TEMPLATES[name], key) for name, key in KEYS.items()}


def challenge(template: str = "L-1") -> CredentialActivation:
    ek = EKS[template]
    return make_credential(ek, NAME, CREDENTIAL, entropy=os.urandom(entropy_size(ek)))


def seed_by_holder(template: str, encrypted: bytes) -> bytes:
    """The seed as the holder of the EK gets it, by other code than ours."""
    key, alg = KEYS[template], hash_algorithm(EKS[template].name_alg)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.decrypt(encrypted, padding.OAEP(padding.MGF1(alg), alg, b"IDENTITY\0"))
    point = read_all(encrypted, TpmsEccPoint.read)
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(point.x, "big"), int.from_bytes(point.y, "big"), key.curve
    )
    ours = key.public_key().public_numbers().x.to_bytes(len(point.x), "big")
    kdf = ConcatKDFHash(alg, alg.digest_size, b"IDENTITY\0" + point.x + ours)
    return kdf.derive(key.exchange(ec.ECDH(), numbers.public_key()))


@given(
    alg=HASHES,
    key=st.binary(min_size=1, max_size=64),
    label=st.sampled_from((b"STORAGE", b"INTEGRITY")),
    size=st.integers(1, 150),
    context=st.tuples(st.binary(max_size=70), st.binary(max_size=70)),
)
def test_kdfa(alg: int, key: bytes, label: bytes, size: int, context: tuple[bytes, bytes]) -> None:
    other = KBKDFHMAC(
        algorithm=hash_algorithm(alg),
        mode=Mode.CounterMode,
        length=size,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=b"".join(context),
        fixed=None,
    )
    assert kdfa(alg, key, label, size, context_u=context[0], context_v=context[1]) == other.derive(key)


@given(
    alg=HASHES,
    z=st.binary(max_size=66),
    size=st.integers(1, 150),
    parties=st.tuples(st.binary(max_size=66), st.binary(max_size=66)),
)
def test_kdfe(alg: int, z: bytes, size: int, parties: tuple[bytes, bytes]) -> None:
    other = ConcatKDFHash(hash_algorithm(alg), size, b"IDENTITY\0" + parties[0] + parties[1])
    assert kdfe(alg, z, b"IDENTITY", size, party_u=parties[0], party_v=parties[1]) == other.derive(z)


@pytest.mark.parametrize("template", EKS)
def test_what_is_made_fits(template: str) -> None:
    made = challenge(template)
    made.check_blob(EKS[template], NAME)
    made.check_encrypted_secret(EKS[template])
    assert seed_by_holder(template, made.encrypted_secret) == made.seed


@pytest.mark.parametrize("template", EKS)
def test_blobs_of_another_implementation(template: str) -> None:
    tss = quiet_tss()
    ek, _ = tss.TPMT_PUBLIC.unmarshal(EKS[template].encode())
    blob, secret = tss.utils.make_credential(ek, CREDENTIAL, NAME)
    made = CredentialActivation(
        blob=TpmsIdObject.decode(bytes(blob)),
        encrypted_secret=bytes(secret),
        credential=CREDENTIAL,
        seed=seed_by_holder(template, bytes(secret)),
    )
    made.check_blob(EKS[template], NAME)
    with pytest.raises(CannotRecomputeError, match="no seed or no ephemeral"):
        made.check_encrypted_secret(EKS[template])


@pytest.mark.parametrize("template", ["L-1", "L-2"])
def test_the_same_entropy_makes_the_same_challenge(template: str) -> None:
    ek = EKS[template]
    entropy = bytes(range(entropy_size(ek)))
    one = make_credential(ek, NAME, CREDENTIAL, entropy=entropy)
    assert one == make_credential(ek, NAME, CREDENTIAL, entropy=entropy)
    assert one != make_credential(ek, NAME, CREDENTIAL, entropy=entropy[::-1])


@pytest.mark.parametrize("entropy", [b"\0", b"\xff"])
@pytest.mark.parametrize("curve", COMPUTED_CURVES, ids=curve_name)
def test_scalars_are_in_range(curve: int, entropy: bytes) -> None:
    ek = ecc_public(curve)
    shared = share_seed(ek, entropy * entropy_size(ek))
    assert encrypt_seed(ek, shared.seed, shared.ephemeral) == shared.encrypted


@pytest.mark.parametrize("template", ["L-1", "L-2"])
def test_every_octet_of_the_blob_counts(template: str) -> None:
    made = challenge(template)
    blob = made.blob.encode()
    for at in range(2, len(blob)):
        changed = bytes(octet ^ (index == at) for index, octet in enumerate(blob))
        with pytest.raises(ChallengeMismatchError):
            replace(made, blob=TpmsIdObject.decode(changed)).check_blob(EKS[template], NAME)


@pytest.mark.parametrize("template", ["L-1", "L-2"])
def test_every_octet_of_the_secret_counts(template: str) -> None:
    made = challenge(template)
    for at in range(0, len(made.encrypted_secret), 7):
        changed = bytes(octet ^ (index == at) for index, octet in enumerate(made.encrypted_secret))
        with pytest.raises(ChallengeMismatchError):
            replace(made, encrypted_secret=changed).check_encrypted_secret(EKS[template])


@pytest.mark.parametrize("template", ["L-1", "L-2", "H-3"])
@pytest.mark.parametrize(
    "changes",
    [
        {"credential": b"what only the TPM can tel!"},
        {"credential": b"what only the TPM can tell\0"},
        {"credential": bytes(65)},
        {"seed": bytes(32)},
        {"seed": b""},
    ],
)
def test_the_blob_does_not_fit(template: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ChallengeMismatchError):
        replace(challenge(template), **changes).check_blob(EKS[template], NAME)


@pytest.mark.parametrize("size", [0, 31, 33, 48])
def test_a_seed_is_as_long_as_a_digest(size: int) -> None:
    with pytest.raises(ChallengeMismatchError, match=f"a seed of {size} bytes, 32 wanted"):
        protect(EKS["L-1"], NAME, CREDENTIAL, bytes(size))
    with pytest.raises(ChallengeMismatchError, match=f"a seed of {size} bytes, 32 wanted"):
        encrypt_seed(EKS["L-1"], bytes(size), bytes(32))


def test_the_blob_is_for_one_name() -> None:
    for name in (NAME[:-1] + b"!", NAME[:-1], b""):
        with pytest.raises(ChallengeMismatchError):
            challenge().check_blob(EKS["L-1"], name)


def test_the_blob_does_not_name_the_key() -> None:
    """Why the ephemeral value is recorded: two EKs of one template differ only in the encrypted secret."""
    made, other = challenge("L-2"), endorsement(EK_TEMPLATES["L-2"], ec.derive_private_key(1, ec.SECP256R1()))
    made.check_blob(other, NAME)
    with pytest.raises(ChallengeMismatchError):
        made.check_encrypted_secret(other)
    made, other = challenge("L-1"), endorsement(EK_TEMPLATES["L-1"], rsa.generate_private_key(65537, 2048))
    made.check_blob(other, NAME)
    with pytest.raises(ChallengeMismatchError):
        made.check_encrypted_secret(other)


@pytest.mark.parametrize("template", ["L-1", "L-2"])
@pytest.mark.parametrize("ephemeral", [b"", bytes(32), b"\xff" * 32, bytes(31) + b"\1", bytes(66)])
def test_the_ephemeral_value_does_not_fit(template: str, ephemeral: bytes) -> None:
    made = replace(challenge(template), ephemeral=ephemeral)
    with pytest.raises((ChallengeMismatchError, CannotRecomputeError)):
        made.check_encrypted_secret(EKS[template])


def test_without_a_seed_nothing_is_computed() -> None:
    made = replace(challenge(), seed=None)
    with pytest.raises(CannotRecomputeError, match="no seed"):
        made.check_blob(EKS["L-1"], NAME)
    with pytest.raises(CannotRecomputeError, match="no seed"):
        made.check_encrypted_secret(EKS["L-1"])


def _other_cipher(ek: TpmtPublic, cipher: TpmtSymDefObject) -> TpmtPublic:
    assert isinstance(ek.parameters, TpmsRsaParms)
    return replace(ek, parameters=replace(ek.parameters, symmetric=cipher))


@pytest.mark.parametrize(
    ("ek", "message"),
    [
        (
            _other_cipher(EKS["L-1"], TpmtSymDefObject(algorithm=TpmAlg.SM4, key_bits=128, mode=TpmAlg.CFB)),
            "sm4-128-cfb",
        ),
        (
            _other_cipher(EKS["L-1"], TpmtSymDefObject(algorithm=TpmAlg.AES, key_bits=128, mode=TpmAlg.CTR)),
            "aes-128-ctr",
        ),
        (
            _other_cipher(EKS["L-1"], TpmtSymDefObject(algorithm=TpmAlg.AES, key_bits=8, mode=TpmAlg.CFB)),
            "aes-8-cfb",
        ),
        (_other_cipher(EKS["L-1"], TpmtSymDefObject()), "null"),
        (replace(EKS["L-1"], name_alg=0x7777), "0x7777"),
        (EK_TEMPLATES["L-1"], "modulus"),
        (TpmtPublic.decode(bytes.fromhex("0008000b0000000000000010" + "0000")), "KEYEDHASH"),
    ],
)
def test_keys_that_are_not_computed(ek: TpmtPublic, message: str) -> None:
    with pytest.raises(CannotRecomputeError, match=message):
        make_credential(ek, NAME, CREDENTIAL, entropy=bytes(64))


def test_rsa_too_small_for_the_seed() -> None:
    ek = replace(endorsement(EKS["L-1"], rsa_key(1024)), name_alg=TpmAlg.SHA512)
    assert isinstance(ek.parameters, TpmsRsaParms)
    ek = replace(ek, parameters=replace(ek.parameters, key_bits=1024))
    with pytest.raises(CannotRecomputeError, match="no room"):
        share_seed(ek, bytes(128))


def test_what_no_challenge_is_made_of() -> None:
    ek = EKS["L-1"]
    for credential in (b"", bytes(33)):
        with pytest.raises(ValueError, match=f"a credential of {len(credential)} bytes"):
            make_credential(ek, NAME, credential, entropy=bytes(64))
    with pytest.raises(ValueError, match="64 bytes of entropy wanted, 63 given"):
        make_credential(ek, NAME, CREDENTIAL, entropy=bytes(63))


def test_hashes_that_are_not_computed() -> None:
    with pytest.raises(UnsupportedAlgorithmError):
        kdfa(0x7777, b"k", b"STORAGE", 16)
    with pytest.raises(UnsupportedAlgorithmError):
        kdfe(0x7777, b"z", b"IDENTITY", 16, party_u=b"", party_v=b"")
    assert len(protect(EKS["H-3"], NAME, CREDENTIAL, bytes(48)).integrity_hmac) == 48


@st.composite
def activations(draw: st.DrawFn) -> CredentialActivation:
    blob = st.builds(
        TpmsIdObject,
        integrity_hmac=st.binary(max_size=64),
        enc_identity=st.binary(min_size=2, max_size=66),
    )
    seed = draw(st.none() | st.binary(min_size=1, max_size=64))
    return CredentialActivation(
        blob=draw(blob),
        encrypted_secret=draw(st.binary(min_size=1, max_size=300) | st.just(bytes(512))),
        credential=draw(st.binary(min_size=1, max_size=64)),
        seed=seed,
        ephemeral=None if seed is None else draw(st.none() | st.binary(min_size=1, max_size=66)),
    )


@given(activation=activations())
def test_symmetry(activation: CredentialActivation) -> None:
    assert CredentialActivation.decode(activation.encode()) == activation
    assert TpmsIdObject.decode(activation.blob.encode()) == activation.blob


@given(data=mutated(activations().map(CredentialActivation.encode)))
def test_what_is_accepted_is_kept(data: bytes) -> None:
    try:
        activation = CredentialActivation.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert activation.encode() == data


BLOB = bytes.fromhex("0001aabbcc")
WHOLE = {"blob": BLOB, "encrypted-secret": b"e", "credential": b"c", "seed": b"s", "ephemeral": b"p"}


@pytest.mark.parametrize(
    ("changes", "code", "offset"),
    [
        ({"blob": None}, Code.MISSING_MEMBER, 0),
        ({"encrypted-secret": None}, Code.MISSING_MEMBER, 0),
        ({"credential": None}, Code.MISSING_MEMBER, 0),
        ({"seed": None}, Code.MISSING_MEMBER, 0),  # the ephemeral value leads to the seed
        ({"aaaa": b""}, Code.UNKNOWN_MEMBER, 1),
        ({1: b""}, Code.WRONG_TYPE, 1),
        ({"blob": "text"}, Code.WRONG_TYPE, 6),
        ({"blob": b""}, Code.TRUNCATED, 7),
        ({"blob": bytes.fromhex("0001aabb")}, Code.WRONG_LENGTH, 10),
        ({"blob": bytes.fromhex("0001aa") + bytes(67)}, Code.WRONG_LENGTH, 11),
        ({"blob": bytes.fromhex("0041") + bytes(67)}, Code.WRONG_LENGTH, 8),
        ({"seed": b""}, Code.WRONG_LENGTH, 17),
        ({"seed": bytes(65)}, Code.WRONG_LENGTH, 17),
        ({"ephemeral": bytes(67), "credential": None}, Code.WRONG_LENGTH, 29),
        ({"credential": bytes(65), "ephemeral": None}, Code.WRONG_LENGTH, 30),
        ({"encrypted-secret": bytes(513), "ephemeral": None, "credential": None}, Code.WRONG_LENGTH, 36),
    ],
)
def test_refused(changes: dict[Any, Any], code: Code, offset: int) -> None:
    members = {name: value for name, value in {**WHOLE, **changes}.items() if value is not None}
    with pytest.raises(MalformedError) as caught:
        CredentialActivation.decode(cbor.encode(members))
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_the_whole_record_is_read() -> None:
    whole = CredentialActivation.decode(cbor.encode(WHOLE))
    assert whole.ephemeral == b"p"
    assert whole.describe() == "a credential of 1 bytes, with seed and ephemeral value"
    assert replace(whole, ephemeral=None).describe() == "a credential of 1 bytes, with seed"
    assert replace(whole, ephemeral=None, seed=None).describe() == "a credential of 1 bytes, without seed"
    small = {name: WHOLE[name] for name in ("blob", "encrypted-secret", "credential")}
    assert CredentialActivation.decode(cbor.encode(small)).seed is None
