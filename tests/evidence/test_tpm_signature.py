# SPDX-License-Identifier: Apache-2.0
"""TPM signatures: symmetry, every scheme that is computed, and what must not pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import TpmAlg, curve_name, hash_algorithm
from bundlefmt.evidence.tpm_parameters import Opaque
from bundlefmt.evidence.tpm_signature import (
    CannotVerifyError,
    EccSignature,
    RsaSignature,
    SignatureMismatchError,
    TpmtSignature,
)
from tests.evidence.tpm_keys import COMPUTED_CURVES, ecc_key, ecc_public, rsa_key, rsa_public
from tests.evidence.tpm_strategies import signatures
from tests.strategies import mutated

MESSAGE = b"\xffTCG what was signed"


def rsa_signature(scheme: TpmAlg, alg: TpmAlg, salt: int = 0) -> TpmtSignature:
    pss = padding.PSS(mgf=padding.MGF1(hash_algorithm(alg)), salt_length=salt)
    used = pss if scheme == TpmAlg.RSAPSS else padding.PKCS1v15()
    sig = rsa_key().sign(MESSAGE, used, hash_algorithm(alg))
    return TpmtSignature(alg=scheme, signature=RsaSignature(hash=alg, sig=sig))


def ecc_signature(curve: int, alg: TpmAlg = TpmAlg.SHA256) -> TpmtSignature:
    key = ecc_key(curve)
    r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(hash_algorithm(alg))))
    size = (key.curve.key_size + 7) // 8
    made = EccSignature(hash=alg, r=r.to_bytes(size, "big"), s=s.to_bytes(size, "big"))
    return TpmtSignature(alg=TpmAlg.ECDSA, signature=made)


@given(signature=signatures())
def test_symmetry(signature: TpmtSignature) -> None:
    assert TpmtSignature.decode(signature.encode()) == signature


@given(data=mutated(signatures().map(TpmtSignature.encode)) | st.binary(max_size=60))
def test_what_is_accepted_is_kept(data: bytes) -> None:
    try:
        signature = TpmtSignature.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert signature.encode() == data


@pytest.mark.parametrize("alg", [TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512])
@pytest.mark.parametrize(
    ("scheme", "salt"),
    [(TpmAlg.RSASSA, 0), (TpmAlg.RSAPSS, 0), (TpmAlg.RSAPSS, 32), (TpmAlg.RSAPSS, 158)],
)
def test_rsa(scheme: TpmAlg, salt: int, alg: TpmAlg) -> None:
    signature = TpmtSignature.decode(rsa_signature(scheme, alg, salt).encode())
    signature.verify(rsa_public(rsa_key(), scheme, alg), MESSAGE)
    # a key without a scheme signs by any
    signature.verify(rsa_public(rsa_key(), TpmAlg.NULL, None), MESSAGE)
    with pytest.raises(SignatureMismatchError, match="does not verify"):
        signature.verify(rsa_public(rsa_key(), scheme, alg), MESSAGE + b"!")


@pytest.mark.parametrize("curve", COMPUTED_CURVES, ids=curve_name)
def test_ecdsa(curve: int) -> None:
    signature = TpmtSignature.decode(ecc_signature(curve).encode())
    signature.verify(ecc_public(curve), MESSAGE)
    with pytest.raises(SignatureMismatchError, match="does not verify"):
        signature.verify(ecc_public(curve), MESSAGE + b"!")


def test_short_numbers_are_the_same_numbers() -> None:
    signature = ecc_signature(0x0005)
    assert isinstance(signature.signature, EccSignature)
    whole = signature.signature
    short = replace(whole, r=whole.r.lstrip(b"\0"), s=whole.s.lstrip(b"\0"))
    padded = replace(whole, r=b"\0\0" + whole.r)
    for each in (short, padded):
        replace(signature, signature=each).verify(ecc_public(0x0005), MESSAGE)


@pytest.mark.parametrize("r", [b"", b"\0", b"\xff" * 32, b"\xff" * 128])
def test_numbers_out_of_range(r: bytes) -> None:
    signature = ecc_signature(0x0003)
    assert isinstance(signature.signature, EccSignature)
    with pytest.raises(SignatureMismatchError):
        replace(signature, signature=replace(signature.signature, r=r)).verify(ecc_public(0x0003), MESSAGE)


def test_the_key_fixes_the_scheme() -> None:
    signature = rsa_signature(TpmAlg.RSAPSS, TpmAlg.SHA256, 32)
    with pytest.raises(SignatureMismatchError, match="signs with rsassa-sha256, not rsapss-sha256"):
        signature.verify(rsa_public(rsa_key(), TpmAlg.RSASSA), MESSAGE)
    with pytest.raises(SignatureMismatchError, match="signs with rsassa-sha384, not rsassa-sha256"):
        rsa_signature(TpmAlg.RSASSA, TpmAlg.SHA256).verify(
            rsa_public(rsa_key(), TpmAlg.RSASSA, TpmAlg.SHA384), MESSAGE
        )


def test_another_kind_of_key() -> None:
    with pytest.raises(SignatureMismatchError, match="cannot be by this kind of key"):
        ecc_signature(0x0003).verify(rsa_public(rsa_key(), TpmAlg.NULL, None), MESSAGE)
    with pytest.raises(SignatureMismatchError, match="cannot be by this kind of key"):
        rsa_signature(TpmAlg.RSASSA, TpmAlg.SHA256).verify(ecc_public(0x0003, TpmAlg.NULL, None), MESSAGE)


def test_another_key_of_the_kind() -> None:
    with pytest.raises(SignatureMismatchError, match="does not verify"):
        rsa_signature(TpmAlg.RSASSA, TpmAlg.SHA256).verify(rsa_public(rsa_key(1024)), MESSAGE)
    with pytest.raises(SignatureMismatchError, match="does not verify"):
        ecc_signature(0x0003).verify(ecc_public(0x0030), MESSAGE)


@pytest.mark.parametrize(
    ("data", "described"),
    [
        ("001a000b0001aa0001bb", "ecdaa-sha256"),
        ("001b00120001aa0001bb", "sm2-sm3_256"),
        ("001c000b0001aa0001bb", "ecschnorr-sha256"),
        ("00a10003aabbcc", "mldsa"),
        ("00a2000b0003aabbcc", "hash_mldsa"),
        ("0060000d0001aa0001bb", "eddsa"),
        ("0005000b" + "aa" * 32, "hmac"),
        ("7777aabb", "0x7777"),
    ],
)
def test_recognised_but_not_computed(data: str, described: str) -> None:
    signature = TpmtSignature.decode(bytes.fromhex(data))
    assert signature.encode() == bytes.fromhex(data)
    assert signature.describe() == described
    key = ecc_public(0x0003, TpmAlg.NULL, None)
    with pytest.raises(CannotVerifyError, match=f"{described} signatures are not computed here"):
        signature.verify(key, MESSAGE)


def test_a_hash_that_is_not_computed() -> None:
    signature = TpmtSignature(alg=TpmAlg.ECDSA, signature=EccSignature(hash=0x7777, r=b"\1", s=b"\1"))
    with pytest.raises(CannotVerifyError, match="0x7777"):
        signature.verify(ecc_public(0x0003, TpmAlg.NULL, None), MESSAGE)


def test_a_key_that_is_not_computed() -> None:
    public = replace(ecc_public(0x0003), parameters=Opaque(body=b""), unique=b"")
    with pytest.raises(CannotVerifyError, match="not an RSA or ECC key"):
        ecc_signature(0x0003).verify(public, MESSAGE)


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("00", Code.TRUNCATED, 0),
        ("0014000b0004aabb", Code.TRUNCATED, 4),
        ("0018000b0001aa", Code.TRUNCATED, 7),
        ("0018000b0001aa0001bb00", Code.TRAILING_BYTES, 10),
        ("0014000b0201" + "aa" * 513, Code.WRONG_LENGTH, 4),
    ],
)
def test_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmtSignature.decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)
