# SPDX-License-Identifier: Apache-2.0
"""Public areas: symmetry, keys on every curve, Names, and what is refused where."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm import (
    HIERARCHIES,
    TpmaObject,
    TpmsEccPoint,
    TpmtPublic,
    UnsupportedAlgorithmError,
    UnsupportedKeyError,
    name_digest_alg,
    qualified_name,
    tpm2b,
    unwrap_tpm2b,
)
from bundlefmt.evidence.tpm_algorithm import CURVES, HASHES, TpmAlg, alg_name, curve_name, digest
from bundlefmt.evidence.tpm_parameters import Opaque, TpmsEccParms, TpmsRsaParms
from tests.evidence.tpm_keys import COMPUTED_CURVES, ecc_key, ecc_public, rsa_key, rsa_public
from tests.evidence.tpm_strategies import publics
from tests.strategies import mutated

SHORT_X = ec.derive_private_key(379, ec.SECP256R1())  # its public key has an x of 31 bytes


@given(public=publics())
def test_symmetry(public: TpmtPublic) -> None:
    decoded = TpmtPublic.decode(public.encode())
    assert decoded == public
    assert decoded.raw == public.encode() == decoded.encode()
    assert decoded.describe() == public.describe()


@given(data=mutated(publics().map(TpmtPublic.encode)))
def test_what_is_accepted_is_kept(data: bytes) -> None:
    try:
        public = TpmtPublic.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        assert error.path == "TPMT_PUBLIC"
    else:
        assert public.encode() == data


@pytest.mark.parametrize("curve", COMPUTED_CURVES, ids=curve_name)
def test_ecc_keys(curve: int) -> None:
    public = TpmtPublic.decode(ecc_public(curve).encode())
    assert public.public_key() == ecc_key(curve).public_key()
    assert public.describe() == f"ECC {curve_name(curve)} ecdsa-sha256"


def test_p521_coordinates_have_66_bytes() -> None:
    point = ecc_public(0x0005).unique
    assert isinstance(point, TpmsEccPoint)
    assert (len(point.x), len(point.y)) == (66, 66)


def test_a_short_coordinate_is_the_same_number() -> None:
    point = SHORT_X.public_key().public_numbers()
    assert point.x.bit_length() <= 248
    public = ecc_public(0x0003)
    for width in (31, 32):
        unique = TpmsEccPoint(x=point.x.to_bytes(width, "big"), y=point.y.to_bytes(32, "big"))
        assert replace(public, unique=unique).public_key() == SHORT_X.public_key()
    longer = TpmsEccPoint(x=point.x.to_bytes(33, "big"), y=point.y.to_bytes(32, "big"))
    with pytest.raises(UnsupportedKeyError, match="longer than the 32 bytes"):
        replace(public, unique=longer).public_key()


def test_a_point_off_the_curve_is_no_key() -> None:
    public = ecc_public(0x0003)
    with pytest.raises(UnsupportedKeyError, match="not a point of nist-p256"):
        replace(public, unique=TpmsEccPoint(x=bytes(31) + b"\1", y=bytes(31) + b"\1")).public_key()


@pytest.mark.parametrize("curve", [number for number in CURVES if number not in COMPUTED_CURVES] + [0x7777])
def test_curves_that_are_not_computed(curve: int) -> None:
    public = ecc_public(0x0003)
    assert isinstance(public.parameters, TpmsEccParms)
    other = replace(public, parameters=replace(public.parameters, curve=curve))
    assert TpmtPublic.decode(other.encode()) == other
    with pytest.raises(UnsupportedKeyError, match=f"{curve_name(curve)} is not computed here"):
        other.public_key()


def test_rsa_keys() -> None:
    public = TpmtPublic.decode(rsa_public(rsa_key()).encode())
    assert public.public_key() == rsa_key().public_key()
    assert public.describe() == "RSA 2048 rsassa-sha256"


@pytest.mark.parametrize(
    ("unique", "bits", "exponent"),
    [
        (b"", 2048, 0),  # a template
        (b"\x7f" + b"\xff" * 255, 2048, 0),  # 2047 bits
        (b"\0" + b"\xff" * 256, 2048, 0),  # a leading zero
        (b"\xff" * 64, 512, 0),  # too small for anything
        (b"\xff" * 256, 2048, 2),  # an even exponent
    ],
)
def test_what_is_no_rsa_key(unique: bytes, bits: int, exponent: int) -> None:
    public = rsa_public(rsa_key())
    assert isinstance(public.parameters, TpmsRsaParms)
    parameters = replace(public.parameters, key_bits=bits, exponent=exponent)
    with pytest.raises(UnsupportedKeyError):
        replace(public, parameters=parameters, unique=unique).public_key()


@pytest.mark.parametrize(
    ("data", "described", "supported"),
    [
        ("0008000b000404720000" + "0005000b" + "0000", "KEYEDHASH hmac-sha256", True),
        ("0008000b000404720000" + "0010" + "0000", "KEYEDHASH", True),
        ("0025000b000300720000" + "000600800043" + "0000", "SYMCIPHER aes-128-cfb", True),
        ("00a1000b000404720000" + "0001" + "0000", "MLDSA (not read here)", False),
        ("7777000b000404720000" + "aabbcc", "0X7777 (not read here)", False),
        # Edwards curves and EdDSA in an ECC key: named, their layout is not read
        ("0023000b000404720000" + "0010" + "0060000d" + "0040" + "0010" + "00000000", None, False),
    ],
)
def test_kinds_without_a_key_here(data: str, described: str | None, supported: bool) -> None:
    public = TpmtPublic.decode(bytes.fromhex(data))
    assert public.encode() == bytes.fromhex(data)
    assert public.supported is supported
    assert isinstance(public.parameters, Opaque) is not supported
    assert public.describe() == (described or "ECC (not read here)")
    with pytest.raises(UnsupportedKeyError):
        public.public_key()
    assert public.name() == b"\0\x0b" + hashlib.sha256(bytes.fromhex(data)).digest()


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("", Code.TRUNCATED, 0),
        ("0001000b0000", Code.TRUNCATED, 4),
        ("0001000b00000000" + "0041" + "aa" * 65, Code.WRONG_LENGTH, 8),
        ("0001000b00000000" + "0003aabb", Code.TRUNCATED, 8),
        ("0001000b00000000" + "0000" + "0018", Code.BAD_VALUE, 10),  # ECDSA is no cipher
        ("0023000b00000000" + "0000" + "0010" + "0014", Code.BAD_VALUE, 12),  # RSASSA in an ECC key
        ("0025000b00000000" + "0000" + "000600800043" + "0000" + "ff", Code.TRAILING_BYTES, 18),
        ("0025000b00000000" + "0000" + "000600800043" + "0041" + "aa" * 65, Code.WRONG_LENGTH, 16),
    ],
)
def test_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmtPublic.decode(bytes.fromhex(data))
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_raw_belongs_to_the_fields() -> None:
    public = TpmtPublic.decode(ecc_public(0x0003).encode())
    with pytest.raises(ValueError, match="raw is not"):
        replace(public, attributes=TpmaObject(0))
    assert replace(public, raw=b"", attributes=TpmaObject(0)).attributes == 0


def test_attributes_are_named_and_kept() -> None:
    attributes = TpmaObject(0xFFFFFFFF)
    assert int(attributes) == 0xFFFFFFFF
    assert attributes.names()[:4] == ["bit 0", "fixedTPM", "stClear", "bit 3"]
    assert len(attributes.names()) == 32
    assert TpmaObject(0x00050072).names() == [
        "fixedTPM",
        "fixedParent",
        "sensitiveDataOrigin",
        "userWithAuth",
        "restricted",
        "sign_encrypt",
    ]


@pytest.mark.parametrize("alg", HASHES, ids=alg_name)
def test_names(alg: int) -> None:
    public = rsa_public(rsa_key(), name_alg=alg)
    assert public.name() == alg.to_bytes(2, "big") + digest(alg, public.encode())
    assert name_digest_alg(public.name()) == alg
    with pytest.raises(MalformedError):
        name_digest_alg(public.name()[:-1])


def test_digests_are_those_of_the_standard_library() -> None:
    for alg, name in {
        TpmAlg.SHA1: "sha1",
        TpmAlg.SHA256: "sha256",
        TpmAlg.SHA384: "sha384",
        TpmAlg.SHA512: "sha512",
        TpmAlg.SHA3_256: "sha3_256",
        TpmAlg.SHA3_384: "sha3_384",
        TpmAlg.SHA3_512: "sha3_512",
    }.items():
        assert digest(alg, b"abc") == hashlib.new(name, b"abc").digest()
    # GB/T 32905, annex A.1
    assert digest(TpmAlg.SM3_256, b"abc").hex().startswith("66c7f0f462eeedd9d1f2d46bdc10e4e2")


def test_a_name_by_an_unknown_hash_is_not_computed() -> None:
    public = rsa_public(rsa_key(), name_alg=0x7777)
    with pytest.raises(UnsupportedAlgorithmError, match="0x7777"):
        public.name()
    assert name_digest_alg(bytes.fromhex("7777aabbcc")) == 0x7777


@pytest.mark.parametrize("handle", HIERARCHIES)
def test_qualified_names(handle: int) -> None:
    hierarchy = handle.to_bytes(4, "big")
    ek, ak = rsa_public(rsa_key()).name(), ecc_public(0x0003).name()
    ek_qn = qualified_name(hierarchy, ek)
    assert ek_qn == b"\0\x0b" + hashlib.sha256(hierarchy + ek).digest()
    assert qualified_name(ek_qn, ak) == b"\0\x0b" + hashlib.sha256(ek_qn + ak).digest()
    assert qualified_name(b"", hierarchy) == hierarchy


def test_same_template_ignores_only_unique() -> None:
    one, other = ecc_public(0x0003), ecc_public(0x0003)
    assert isinstance(one.unique, TpmsEccPoint)
    assert replace(one, unique=TpmsEccPoint(x=b"", y=b"")).same_template(other)
    assert not replace(one, auth_policy=bytes(32)).same_template(other)
    assert not ecc_public(0x0004).same_template(other)


def test_tpm2b() -> None:
    assert tpm2b(b"abc") == b"\0\3abc"
    assert unwrap_tpm2b(b"\0\3abc") == b"abc"
    for data, code in ((b"\0\3abcd", Code.TRAILING_BYTES), (b"\0\4abc", Code.TRUNCATED)):
        with pytest.raises(MalformedError) as caught:
            unwrap_tpm2b(data)
        assert caught.value.code is code
