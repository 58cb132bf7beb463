# SPDX-License-Identifier: Apache-2.0
"""COSE_Sign1 and the hash envelope: every algorithm, every rule of the headers, the examples of others."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import cbor, labels
from bundlefmt.cbor import encode
from bundlefmt.cose import (
    CoseSign1,
    KeySigner,
    SignatureError,
    Signer,
    UnknownAlgorithmError,
    check_critical,
    envelope_faults,
    fixed_length,
    hash_envelope,
    sig_structure,
    sign1,
    verify_signature,
)
from bundlefmt.errors import Code, EncodeError, MalformedError
from tests.cose_keys import ALGORITHMS, NUMBERS, Rs256Signer, private_key
from tests.provenance import Provenance, cases
from tests.strategies import mutated, values

MANIFEST: Final = b"the bytes of a manifest"
ALL: Final = (*ALGORITHMS, "RS256")


def signer(name: str) -> Signer:
    return Rs256Signer() if name == "RS256" else KeySigner(private_key(name))


def seal(name: str, hash_alg: int = labels.HASH_SHA256) -> CoseSign1:
    """A seal as the format makes them, with the key of this algorithm."""
    return hash_envelope(
        signer(name),
        MANIFEST,
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
        issued_at=1_700_000_000,
        issuer="Test Operator (test key)",
        subject="a ceremony",
        identity={labels.HDR_X5T: [labels.HASH_SHA256, b"\0" * 32]},
        hash_alg=hash_alg,
    )


def signed(protected: Mapping[int, object], unprotected: Mapping[Any, Any] | None = None) -> CoseSign1:
    """A COSE_Sign1 by the ESP256 key with these headers."""
    return replace(sign1(signer("ESP256"), protected, b"payload"), unprotected=unprotected or {})


# --- algorithms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_what_is_sealed_verifies(name: str) -> None:
    data = seal(name).encode()
    message = CoseSign1.decode(data)
    assert message.protected[labels.HDR_ALG] == NUMBERS[name]
    message.verify(private_key(name).public_key())
    assert message.encode() == data


@pytest.mark.parametrize("name", ALL)
def test_what_is_changed_does_not(name: str) -> None:
    message, key = seal(name), private_key(name).public_key()
    flipped = bytes([message.signature[0] ^ 1]) + message.signature[1:]
    digest = hashlib.sha256(MANIFEST + b".").digest()
    header = encode({**message.protected, labels.HDR_KID: b"k"})
    for wrong in (
        replace(message, signature=flipped),
        replace(message, signature=message.signature[:-1] + bytes([message.signature[-1] ^ 1])),
        replace(message, signature=b""),
        replace(message, signature=message.signature[:-1]),
        replace(message, signature=message.signature + b"\0"),
        replace(message, payload=digest),
        replace(message, protected_raw=header),
    ):
        with pytest.raises(SignatureError):
            wrong.verify(key)
    with pytest.raises(SignatureError):
        message.verify(key, external_aad=b"x")
    message.verify(key)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("other", ALL)
def test_an_algorithm_takes_its_own_keys_only(name: str, other: str) -> None:
    if {name, other} in ({"PS256", "RS256"}, {name}):
        return
    with pytest.raises(SignatureError, match="does not fit"):
        seal(name).verify(private_key(other).public_key())


def test_one_rsa_key_has_two_algorithms_that_do_not_mix() -> None:
    message, key = seal("PS256"), private_key("PS256").public_key()
    signature = seal("RS256").signature
    with pytest.raises(SignatureError, match="does not verify"):
        replace(message, signature=signature).verify(key)
    for alg, raw in ((labels.ALG_PS256, signature), (labels.ALG_RS256, message.signature)):
        with pytest.raises(SignatureError, match="does not verify"):
            verify_signature(alg, key, raw, message.sig_structure())


@pytest.mark.parametrize(
    ("old", "new"), [("ES256", "ESP256"), ("ES384", "ESP384"), ("ES512", "ESP512"), ("EdDSA", "Ed25519")]
)
def test_a_deprecated_algorithm_needs_the_curve_of_its_name(old: str, new: str) -> None:
    signature = signer(new).sign(b"message")
    verify_signature(NUMBERS[old], private_key(new).public_key(), signature, b"message")
    for other in ("ESP256", "ESP384", "ESP512", "Ed25519"):
        if other != new:
            with pytest.raises(SignatureError, match="does not fit"):
                verify_signature(NUMBERS[old], private_key(other).public_key(), signature, b"message")


@pytest.mark.parametrize(
    ("alg", "curve", "digest", "size"),
    [
        (labels.ALG_ES256, ec.SECP384R1(), hashes.SHA256(), 48),  # what RFC 9053 2.1 would allow
        (labels.ALG_ES512, ec.SECP256R1(), hashes.SHA512(), 32),
        (labels.ALG_ESP256, ec.SECP256K1(), hashes.SHA256(), 32),
        (labels.ALG_ESP256, ec.BrainpoolP256R1(), hashes.SHA256(), 32),
    ],
)
def test_a_good_signature_on_another_curve_does_not_count(
    alg: int, curve: ec.EllipticCurve, digest: hashes.HashAlgorithm, size: int
) -> None:
    key = ec.generate_private_key(curve)
    r, s = decode_dss_signature(key.sign(b"message", ec.ECDSA(digest)))
    with pytest.raises(SignatureError, match="does not fit"):
        verify_signature(alg, key.public_key(), r.to_bytes(size, "big") + s.to_bytes(size, "big"), b"message")


def test_ed448_is_not_ed25519() -> None:
    key = ed448.Ed448PrivateKey.generate()
    for alg in (labels.ALG_ED25519, labels.ALG_EDDSA):
        with pytest.raises(SignatureError, match="does not fit"):
            verify_signature(alg, key.public_key(), key.sign(b"message"), b"message")


def _ecdsa(accept: Callable[[int, int], bool]) -> tuple[int, int, bytes, bytes]:
    """(r, s, DER, message) of an ESP256 signature that `accept` likes."""
    key = private_key("ESP256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    for number in range(20_000):
        message = number.to_bytes(4, "big")
        der = key.sign(message, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        if accept(r, s):
            return r, s, der, message
    raise AssertionError("no such signature")


def test_short_ecdsa_values_are_padded() -> None:
    key = private_key("ESP256").public_key()
    r, s, der, message = _ecdsa(lambda r, s: r < 2**248)
    raw = fixed_length(labels.ALG_ESP256, der)
    assert raw == b"\0" + r.to_bytes(31, "big") + s.to_bytes(32, "big")
    verify_signature(labels.ALG_ESP256, key, raw, message)
    stripped = raw.removeprefix(b"\0")
    with pytest.raises(SignatureError, match="64 bytes, this one 63"):
        verify_signature(labels.ALG_ESP256, key, stripped, message)


@pytest.mark.parametrize("name", ["ESP256", "ESP384", "ESP512"])
def test_ecdsa_signatures_have_one_length(name: str) -> None:
    key, alg = private_key(name), NUMBERS[name]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    size = (key.curve.key_size + 7) // 8
    raw = signer(name).sign(b"message")
    r, s = raw[:size], raw[size:]
    assert len(raw) == 2 * size
    der = key.sign(
        b"message", ec.ECDSA({32: hashes.SHA256(), 48: hashes.SHA384(), 66: hashes.SHA512()}[size])
    )
    for wrong in (b"\0" + r + b"\0" + s, raw + b"\0", b"\0" + raw, r, b"", r + s[:-1], der):
        if len(wrong) != 2 * size:
            with pytest.raises(SignatureError, match=f"have {2 * size} bytes"):
                verify_signature(alg, key.public_key(), wrong, b"message")
    for wrong in (s + r, bytes(2 * size), bytes(size) + s, r + bytes(size), b"\xff" * (2 * size)):
        with pytest.raises(SignatureError, match="does not verify"):
            verify_signature(alg, key.public_key(), wrong, b"message")


@pytest.mark.parametrize("bits", [1024, 2047, 8193, 16384])
def test_rsa_keys_of_other_sizes_are_refused_before_any_work(bits: int) -> None:
    key = rsa.RSAPublicNumbers(65537, 2 ** (bits - 1) + 1).public_key()
    for alg in (labels.ALG_PS256, labels.ALG_RS256):
        with pytest.raises(SignatureError, match=f"{bits} bits"):
            verify_signature(alg, key, bytes((bits + 7) // 8), b"message")


@pytest.mark.parametrize("bits", [2048, 8192])
def test_rsa_keys_at_the_limits_are_tried(bits: int) -> None:
    key = rsa.RSAPublicNumbers(65537, 2 ** (bits - 1) + 1).public_key()
    with pytest.raises(SignatureError, match="does not verify"):
        verify_signature(labels.ALG_PS256, key, bytes(bits // 8), b"message")


@pytest.mark.parametrize("salt", [0, 20, 31, 33, 222])
def test_the_salt_of_pss_is_as_long_as_the_digest(salt: int) -> None:
    key = private_key("PS256")
    assert isinstance(key, rsa.RSAPrivateKey)
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
    with pytest.raises(SignatureError, match="does not verify"):
        verify_signature(
            labels.ALG_PS256, key.public_key(), key.sign(b"message", scheme, hashes.SHA256()), b"message"
        )


@pytest.mark.parametrize("alg", [0, 5, -38, -47, -53, -48, -50, -65535, 2**40])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_that_is_not_listed_is_not_known(alg: int, name: str) -> None:
    with pytest.raises(UnknownAlgorithmError, match="is not known here"):
        verify_signature(alg, private_key(name).public_key(), signer(name).sign(b"m"), b"m")


@pytest.mark.parametrize("alg", [None, True, "ES256", -9.0, [-9]])
def test_the_algorithm_is_a_protected_number(alg: object) -> None:
    header = {} if alg is None else {labels.HDR_ALG: alg}
    raw = cbor2.dumps(header) if header else b""
    message = CoseSign1(
        protected_raw=raw,
        unprotected={labels.HDR_ALG: labels.ALG_ESP256} if not header else {},
        payload=b"",
        signature=b"",
    )
    with pytest.raises((SignatureError, MalformedError)):
        message.verify(private_key("ESP256").public_key())


def test_no_algorithm_for_a_curve_that_is_not_listed() -> None:
    with pytest.raises(EncodeError, match="secp256k1"):
        _ = KeySigner(ec.generate_private_key(ec.SECP256K1())).alg


# --- what is signed --------------------------------------------------------------------------------


def test_sig_structure() -> None:
    # RFC 9052 4.4, written out by hand
    expected = b"\x84" + b"\x6aSignature1" + b"\x43\xa1\x01\x28" + b"\x42aa" + b"\x43pay"
    assert sig_structure(b"\xa1\x01\x28", b"pay", b"aa") == expected
    empty = b"\x84" + b"\x6aSignature1" + b"\x40" + b"\x40" + b"\x40"
    assert sig_structure(b"", b"") == empty


def test_a_detached_payload() -> None:
    key = private_key("ESP256").public_key()
    attached = sign1(signer("ESP256"), {}, b"payload")
    detached = CoseSign1.decode(replace(attached, payload=None).encode())
    assert detached.payload is None
    detached.verify(key, payload=b"payload")
    with pytest.raises(SignatureError, match="does not verify"):
        detached.verify(key, payload=b"another")
    with pytest.raises(SignatureError, match="detached"):
        detached.verify(key)


def test_an_attached_payload_is_not_given_as_well() -> None:
    attached = sign1(signer("ESP256"), {}, b"payload")
    with pytest.raises(SignatureError, match="attached"):
        replace(attached, payload=b"shown").verify(private_key("ESP256").public_key(), payload=b"payload")


def test_an_empty_payload_is_not_a_detached_one() -> None:
    message = CoseSign1.decode(sign1(signer("ESP256"), {}, b"").encode())
    assert message.payload == b""
    message.verify(private_key("ESP256").public_key())


# --- critical headers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protected", "unprotected", "reason"),
    [
        ({2: []}, {}, "at least one"),
        ({2: 16, 16: "t"}, {}, "at least one"),
        ({2: "16", 16: "t"}, {}, "at least one"),
        ({2: {16: 0}, 16: "t"}, {}, "at least one"),
        ({2: None}, {}, "at least one"),
        ({2: [16]}, {}, "is absent"),
        ({2: [16]}, {16: "t"}, "is absent"),
        ({2: [1000], 1000: "x"}, {}, "1000 is not understood"),
        ({2: [16, 1000], 16: "t", 1000: "x"}, {}, "1000 is not understood"),
        ({2: ["x"], "x": 1}, {}, "'x' is not understood"),
        ({2: [33], 33: b"c"}, {}, "33 is not understood"),  # no certificate is taken from a header
        ({2: [True], 1: -9}, {}, "no label"),
        ({2: [None]}, {}, "no label"),
        ({2: [b"x"]}, {}, "no label"),
        ({2: [[16]], 16: "t"}, {}, "no label"),
        ({}, {2: [16]}, "unprotected"),
    ],
)
def test_crit(protected: dict[int, object], unprotected: dict[int, object], reason: str) -> None:
    message = CoseSign1.decode(signed(protected, unprotected).encode())
    with pytest.raises(SignatureError, match=reason):
        message.verify(private_key("ESP256").public_key())


def test_what_is_understood_may_be_critical() -> None:
    key = private_key("ESP256").public_key()
    signed({2: [16, 258], 16: "t", 258: -16}).verify(key)
    signed({1000: "x"}).verify(key)
    signed({2: [1000], 1000: "x"}).verify(key, understood=frozenset({1000}))
    check_critical({}, {}, frozenset())


# --- refusals of structure -------------------------------------------------------------------------

ALG_9: Final = bytes.fromhex("a10128")


def body(
    protected: object = ALG_9, unprotected: object = None, payload: object = b"p", signature: object = b"s"
) -> bytes:
    return encode(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]), tags=frozenset({18}))


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (body()[1:], Code.WRONG_TYPE, 0),
        (b"\xd8\x62" + body()[1:], Code.UNLISTED_TAG, 0),
        (b"\xd2" + body(), Code.UNLISTED_TAG, 1),
        (b"\xd2\xa0", Code.WRONG_TYPE, 1),
        (b"\xd2\x83\x40\xa0\x40", Code.WRONG_LENGTH, 1),
        (b"\xd2\x85\x40\xa0\x40\x40\x40", Code.WRONG_LENGTH, 1),
        (body({1: -9}), Code.WRONG_TYPE, 2),
        (body(b"\xa0"), Code.BAD_VALUE, 2),
        (body(b"\x80"), Code.WRONG_TYPE, 3),
        (body(b"\x41\xa0"), Code.WRONG_TYPE, 3),
        (body(bytes.fromhex("a1013808")), Code.NON_SHORTEST, 5),
        (body()[:-1], Code.TRUNCATED, 9),
        (body(bytes.fromhex("a20441310128")), Code.KEY_ORDER, 7),
        (body(bytes.fromhex("a201280128")), Code.DUPLICATE_KEY, 6),
        (body(bytes.fromhex("bf0128ff")), Code.INDEFINITE_LENGTH, 3),
        (body(bytes.fromhex("a1012800")), Code.TRAILING_BYTES, 6),
        (body(bytes.fromhex("a101")), Code.TRUNCATED, 5),
        (body(bytes.fromhex("a10128"), {1: -9}), Code.DUPLICATE_KEY, 7),
        (body(bytes.fromhex("a2012803f6"), {3: 0, 4: b""}), Code.DUPLICATE_KEY, 9),
        (body(payload="p"), Code.WRONG_TYPE, 7),
        (body(payload=False), Code.WRONG_TYPE, 7),
        (body(payload=0), Code.WRONG_TYPE, 7),
        (body(signature=None), Code.WRONG_TYPE, 9),
        (body(signature="s"), Code.WRONG_TYPE, 9),
        (body() + b"\0", Code.TRAILING_BYTES, len(body())),
        (b"", Code.TRUNCATED, 0),
    ],
)
def test_refusal(data: bytes, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        CoseSign1.decode(data)
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_the_unprotected_header_is_a_map() -> None:
    data = bytes.fromhex("d28443a101288041704173")
    with pytest.raises(MalformedError) as caught:
        CoseSign1.decode(data)
    assert (caught.value.code, caught.value.offset) == (Code.WRONG_TYPE, 6)


def test_nothing_in_the_unprotected_header_is_tagged() -> None:
    data = bytes.fromhex("d28443a10128a10ad240") + b"\x41p\x41s"
    with pytest.raises(MalformedError) as caught:
        CoseSign1.decode(data)
    assert (caught.value.code, caught.value.offset) == (Code.UNLISTED_TAG, 8)


def test_labels_of_different_kinds_are_different() -> None:
    message = CoseSign1.decode(body(encode({1: -9, 4: b"k"}), {"4": 1, -4: 1}))
    assert message.unprotected == {"4": 1, -4: 1}


def test_an_empty_protected_header_is_the_empty_string() -> None:
    assert CoseSign1.decode(body(b"")).protected == {}


MESSAGES: Final = st.builds(
    CoseSign1,
    protected_raw=st.dictionaries(st.integers(-9, 9), values(1), max_size=4).map(
        lambda h: encode(h) if h else b""
    ),
    unprotected=st.dictionaries(st.integers(10, 99) | st.text(max_size=4), values(1), max_size=3),
    payload=st.none() | st.binary(max_size=40),
    signature=st.binary(max_size=70),
)


@given(MESSAGES)
def test_symmetry(message: CoseSign1) -> None:
    data = message.encode()
    assert CoseSign1.decode(data) == message
    assert CoseSign1.decode(data).encode() == data


@given(mutated(MESSAGES.map(CoseSign1.encode) | st.just(body(encode({1: -9, 2: [16], 16: "t"})))))
def test_mutated_messages_are_refused_or_do_not_verify(data: bytes) -> None:
    try:
        message = CoseSign1.decode(data)
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
        return
    assert message.encode() == data
    with pytest.raises(SignatureError):
        message.verify(private_key("ESP256").public_key())


# --- the hash envelope -----------------------------------------------------------------------------


def faults(message: CoseSign1, preimage: bytes = MANIFEST) -> list[str]:
    return envelope_faults(message, preimage, content_type=labels.MANIFEST_MEDIA_TYPE, typ=labels.SEAL_TYP)


@pytest.mark.parametrize("hash_alg", sorted(labels.HASH_NAMES))
def test_a_seal_is_a_hash_envelope(hash_alg: int) -> None:
    message = CoseSign1.decode(seal("ESP256", hash_alg).encode())
    assert faults(message) == []
    assert message.payload == hashlib.new(labels.HASH_NAMES[hash_alg], MANIFEST).digest()
    assert message.unprotected == {}
    assert message.protected == {
        1: -9,
        2: [16, 258],
        15: {1: "Test Operator (test key)", 2: "a ceremony", 6: 1_700_000_000},
        16: "application/vnd.evidence-bundle.seal+cose",
        34: [-16, b"\0" * 32],
        258: hash_alg,
        259: "application/vnd.evidence-bundle.manifest+cbor",
    }


def _header(message: CoseSign1, **changes: object) -> CoseSign1:
    """`message` with other protected members, named `h16=…`; None removes one."""
    header: dict[Any, Any] = {**message.protected}
    header |= {int(name[1:]): value for name, value in changes.items()}
    return replace(message, protected_raw=encode({k: v for k, v in header.items() if v is not None}))


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (lambda m: _header(m, h16=None), 1),
        (lambda m: _header(m, h16="application/other"), 1),
        (lambda m: _header(m, h259=None), 1),
        (lambda m: _header(m, h259="text/plain"), 1),
        (lambda m: _header(m, h3="text/plain"), 1),
        (lambda m: replace(m, unprotected={3: "text/plain"}), 1),
        (lambda m: _header(m, h258=None), 1),
        (lambda m: replace(_header(m, h258=None), unprotected={258: -16}), 2),
        (lambda m: replace(_header(m, h259=None), unprotected={259: labels.MANIFEST_MEDIA_TYPE}), 1),
        (lambda m: _header(m, h258=-14), 1),  # SHA-1
        (lambda m: _header(m, h258=-15), 1),  # SHA-256 cut to 64 bits
        (lambda m: _header(m, h258=True), 1),
        (lambda m: _header(m, h258="SHA-256"), 1),
        (lambda m: _header(m, h258=-44), 1),
        (lambda m: replace(m, payload=None), 1),
        (lambda m: replace(m, payload=MANIFEST), 1),
        (lambda m: replace(m, payload=m.payload[:-1]), 1),
        (lambda m: replace(m, protected_raw=b""), 3),
    ],
)
def test_faults_of_an_envelope(change: Callable[[CoseSign1], CoseSign1], count: int) -> None:
    assert len(faults(change(seal("ESP256")))) == count


def test_an_envelope_over_another_manifest() -> None:
    assert faults(seal("ESP256"), MANIFEST + b".") == ["the payload is not the digest of this manifest"]


# --- the examples of the COSE working group --------------------------------------------------------

# examples that say "pass" and that this format refuses, each for a rule of its own
STRICTER: Final[dict[str, tuple[Code, int] | str]] = {
    "countersign/signed1-01.json": (Code.KEY_ORDER, 86),  # unprotected labels 7, 4
    "sign1-tests/sign-pass-01.json": (Code.BAD_VALUE, 2),  # an empty header written as a map; alg unprotected
    "eddsa-examples/eddsa-sig-02.json": "Ed448PublicKey",  # Ed448
    "ecdsa-examples/ecdsa-sig-04.json": "does not fit a key on secp256r1",  # ES512 with a P-256 key
}


def _octets(key: Mapping[str, str], name: str) -> bytes:
    """A member of a JWK, which is base64url, or of its working-group variant in hexadecimal."""
    if f"{name}_hex" in key:
        return bytes.fromhex(key[f"{name}_hex"])
    return base64.urlsafe_b64decode(key[name] + "=" * (-len(key[name]) % 4))


def _public_key(key: Mapping[str, str]) -> object:
    if key["kty"] == "RSA":
        e, n = (int.from_bytes(_octets(key, name), "big") for name in ("e", "n"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    if key["kty"] == "OKP":
        if key["crv"] == "Ed448":
            return ed448.Ed448PublicKey.from_public_bytes(_octets(key, "x"))
        return ed25519.Ed25519PublicKey.from_public_bytes(_octets(key, "x"))
    curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[key["crv"]]
    x, y = (int.from_bytes(_octets(key, name), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()


def _json(corpus: Path, case: Provenance) -> Any:
    assert case.basis == "in-data"
    return json.loads((corpus / "cose" / case.file).read_text("utf-8"))


@pytest.mark.parametrize("case", cases("cose", "cose-wg-examples/*/*.json"), ids=str)
def test_working_group_example(corpus: Path, case: Provenance) -> None:
    example = _json(corpus, case)
    data = bytes.fromhex(example["output"]["cbor"])
    verdict = STRICTER.get(case.file.removeprefix("cose-wg-examples/"))
    if data[0] != 0xC0 + labels.TAG_COSE_SIGN1:  # another COSE structure, or none that says what it is
        verdict = (Code.UNLISTED_TAG if data[0] >> 5 == cbor.TAG else Code.WRONG_TYPE, 0)
    if isinstance(verdict, tuple):
        with pytest.raises(MalformedError) as refused:
            CoseSign1.decode(data)
        assert (refused.value.code, refused.value.offset) == verdict
        return
    message = CoseSign1.decode(data)
    assert message.encode() == data
    recipe = example["input"]["sign0"]
    aad = bytes.fromhex(recipe.get("external", ""))
    # an example that removes or changes a header carries the Sig_structure from before
    if not example.get("fail"):
        assert (
            message.sig_structure(external_aad=aad).hex() == example["intermediates"]["ToBeSign_hex"].lower()
        )
    if verdict is not None or example.get("fail"):
        with pytest.raises(SignatureError, match=verdict or "does not verify"):
            message.verify(_public_key(recipe["key"]), external_aad=aad)
    else:
        message.verify(_public_key(recipe["key"]), external_aad=aad)


GO_COSE_REFUSALS: Final = {
    "go-cose/sign1-verify-negative-0000.json": (Code.WRONG_TYPE, 2),
    "go-cose/sign1-verify-negative-0002.json": (Code.DUPLICATE_KEY, 6),
    "go-cose/sign1-verify-negative-0003.json": (Code.DUPLICATE_KEY, 11),
}


@pytest.mark.parametrize("case", cases("cose", "gluecose/sign1-verify-*", "go-cose/sign1-verify-*"), ids=str)
def test_verifying_the_vectors_of_others(corpus: Path, case: Provenance) -> None:
    vector = _json(corpus, case)
    job = vector["sign1::verify"]
    data = bytes.fromhex(job["taggedCOSESign1"]["cborHex"])
    if case.file in GO_COSE_REFUSALS:
        assert job["shouldVerify"] is False
        with pytest.raises(MalformedError) as refused:
            CoseSign1.decode(data)
        assert (refused.value.code, refused.value.offset) == GO_COSE_REFUSALS[case.file]
        return
    message, aad = CoseSign1.decode(data), bytes.fromhex(job.get("external", ""))
    if vector["alg"] in NUMBERS:
        assert job["shouldVerify"] is True
        message.verify(_public_key(vector["key"]), external_aad=aad)
    else:
        with pytest.raises(SignatureError, match="is not known"):
            message.verify(_public_key(vector["key"]), external_aad=aad)


@pytest.mark.parametrize("case", cases("cose", "gluecose/sign1-sign-*", "go-cose/sign1-sign-*"), ids=str)
def test_signing_what_others_sign(corpus: Path, case: Provenance) -> None:
    vector = _json(corpus, case)
    job = vector["sign1::sign"]
    protected, aad = bytes.fromhex(job["protectedHeaders"]["cborHex"]), bytes.fromhex(job.get("external", ""))
    to_be_signed = bytes.fromhex(job["tbsHex"]["cborHex"])
    assert sig_structure(protected, bytes.fromhex(job["payload"]), aad) == to_be_signed
    theirs = CoseSign1.decode(bytes.fromhex(job["expectedOutput"]["cborHex"]))
    assert theirs.sig_structure(external_aad=aad) == to_be_signed
    assert cbor.scan(protected).value() == theirs.protected
