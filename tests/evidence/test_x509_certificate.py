# SPDX-License-Identifier: Apache-2.0
"""Certificates are read as they are: real ones as another reader reads them, broken ones as broken."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der, x509
from bundlefmt.evidence.certificate import Certificate, KeyUsage
from bundlefmt.evidence.distinguished_name import Name
from tests.evidence import corpus_certificates as real
from tests.evidence.pki import (
    AUTHORITY,
    ECDSA_SHA256,
    LEAF,
    Extensions,
    certificate,
    ek_extensions,
    key,
    resigned,
    signed,
    tlv,
    usage,
)

FILES = [*real.files("ek"), *real.files("yubikey")] or [Path("corpus-absent")]
SOUND = certificate("Leaf", "Issuer", key(1), key(2), extensions=ek_extensions(), serial=0x0123)


def _relative(path: Path) -> str:
    return "/".join(path.parts[-3:])


def test_facts() -> None:
    facts = x509.facts(SOUND)
    assert (facts.subject, facts.issuer, facts.serial) == ("CN=Leaf", "CN=Issuer", 0x0123)
    assert facts.spki == key(1).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("path", FILES, ids=_relative)
def test_real_certificates_are_read_as_another_reader_does(corpus: Path, path: Path) -> None:
    """Whatever cryptography reads is read the same here; what is refused here it refuses too."""
    for data in real.in_file(path):
        try:
            loaded = other.load_der_x509_certificate(data)
        except ValueError:
            loaded = None
        try:
            ours = Certificate.decode(data)
        except MalformedError as error:
            assert loaded is None
            assert error.code in (Code.TRAILING_BYTES, Code.WRONG_TYPE, Code.TRUNCATED)
            continue
        assert ours.encode() == data
        ours.basic_constraints(), ours.key_usage(), ours.extended_key_usage()
        if loaded is not None:
            _same(ours, loaded)


def _same(ours: Certificate, loaded: other.Certificate) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography minds names of more than 64 characters
        assert str(ours.subject) == loaded.subject.rfc4514_string()
        assert str(ours.issuer) == loaded.issuer.rfc4514_string()
        assert ours.serial == loaded.serial_number
    assert ours.subject.raw == loaded.subject.public_bytes()
    assert ours.not_before == int(loaded.not_valid_before_utc.timestamp())
    assert ours.not_after == int(loaded.not_valid_after_utc.timestamp())
    assert (ours.tbs, ours.signature) == (loaded.tbs_certificate_bytes, loaded.signature)
    extensions = {each.oid.dotted_string: each for each in loaded.extensions}
    assert {each.oid: each.critical for each in ours.extensions} == {
        oid: each.critical for oid, each in extensions.items()
    }
    constraints, usages = ours.basic_constraints(), ours.extended_key_usage()
    if constraints is not None:
        value = loaded.extensions.get_extension_for_class(other.BasicConstraints).value
        assert (constraints.ca, constraints.path_length) == (value.ca, value.path_length)
    if usages is not None:
        given = loaded.extensions.get_extension_for_class(other.ExtendedKeyUsage).value
        assert usages == {each.dotted_string for each in given}


ALL_USAGES = [
    ("digital_signature", KeyUsage.digitalSignature),
    ("content_commitment", KeyUsage.nonRepudiation),
    ("key_encipherment", KeyUsage.keyEncipherment),
    ("data_encipherment", KeyUsage.dataEncipherment),
    ("key_agreement", KeyUsage.keyAgreement),
    ("key_cert_sign", KeyUsage.keyCertSign),
    ("crl_sign", KeyUsage.cRLSign),
]


@pytest.mark.parametrize(
    "chosen", [*itertools.combinations(ALL_USAGES, 1), *itertools.combinations(ALL_USAGES, 3)]
)
def test_key_usage(chosen: tuple[tuple[str, KeyUsage], ...]) -> None:
    data = certificate("L", "I", key(1), key(2), extensions=[(usage(*(name for name, _ in chosen)), True)])
    expected = KeyUsage(0)
    for _, bit in chosen:
        expected |= bit
    assert Certificate.decode(data).key_usage() == expected


@given(st.integers(0, len(SOUND) - 1))
def test_a_certificate_cut_short_is_malformed(size: int) -> None:
    with pytest.raises(MalformedError):
        Certificate.decode(SOUND[:size])


@given(st.integers(0, len(SOUND) - 1), st.integers(1, 255))
def test_a_changed_byte_is_malformed_or_changes_what_is_read(place: int, change: int) -> None:
    data = SOUND[:place] + bytes([SOUND[place] ^ change]) + SOUND[place + 1 :]
    try:
        changed = Certificate.decode(data)
        changed.basic_constraints(), changed.key_usage(), changed.extended_key_usage()
    except MalformedError as error:
        assert 0 <= error.offset <= len(data)
    else:
        sound = Certificate.decode(SOUND)
        assert changed.encode() == data
        assert (changed.tbs, changed.algorithm, changed.signature) != (
            sound.tbs,
            sound.algorithm,
            sound.signature,
        )


def _twice(tbs: bytes) -> bytes:
    """The signed bytes with the last extension doubled."""
    fields = der.children(der.decode_element(tbs, path="tbs"), der.SEQUENCE, "tbs")
    listed = der.children(der.inner(fields[-1], "tbs"), der.SEQUENCE, "tbs")
    more = tlv(0xA3, tlv(0x30, *(each.raw for each in [*listed, listed[-1]])))
    return tlv(0x30, *(each.raw for each in fields[:-1]), more)


def test_an_extension_twice_is_malformed() -> None:
    with pytest.raises(MalformedError) as caught:
        Certificate.decode(resigned(SOUND, key(2), _twice))
    assert caught.value.code is Code.DUPLICATE_KEY


def test_extensions_before_version_3_are_malformed() -> None:
    with pytest.raises(MalformedError) as caught:
        Certificate.decode(
            resigned(SOUND, key(2), lambda tbs: tbs.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x01"))
        )
    assert (caught.value.code, "version 2" in caught.value.message) == (Code.BAD_VALUE, True)


def test_two_signature_algorithms_are_malformed() -> None:
    tbs = other.load_der_x509_certificate(SOUND).tbs_certificate_bytes
    with pytest.raises(MalformedError, match="differs from the signed one"):
        Certificate.decode(signed(tbs, ECDSA_SHA256[:-1] + b"\x03", key(2)))


def _extended(value: bytes, oid: str) -> Certificate:
    extension = other.UnrecognizedExtension(other.ObjectIdentifier(oid), value)
    return Certificate.decode(certificate("L", "I", key(1), key(2), extensions=[(extension, True)]))


def test_malformed_extensions() -> None:
    with pytest.raises(MalformedError, match="negative path length"):
        _extended(bytes.fromhex("30060101ff0201ff"), "2.5.29.19").basic_constraints()
    with pytest.raises(MalformedError, match="trailing-bytes"):
        _extended(bytes.fromhex("30030101ff00"), "2.5.29.19").basic_constraints()
    with pytest.raises(MalformedError, match="unused bits"):
        _extended(bytes.fromhex("03020521"), "2.5.29.15").key_usage()
    with pytest.raises(MalformedError, match="object identifier"):
        _extended(bytes.fromhex("30030601ff"), "2.5.29.37").extended_key_usage()


NAMES = [
    (b"\x13\x03Abc", b"\x0c\x03aBC", True),
    (b"\x0c\x04 A b", b"\x13\x05a  b ", True),
    (b"\x0c\x02\xc3\x84", b"\x0c\x02\xc3\xa4", False),  # only ASCII letters have no case
    (b"\x1e\x02\x00A", b"\x16\x01a", True),
    (b"\x0c\x01A", b"\x04\x01A", False),
    (b"\x0c\x01\xff", b"\x0c\x01\xff", True),
]


@pytest.mark.parametrize(("one", "another", "same"), NAMES)
def test_names_are_compared_by_what_they_say(one: bytes, another: bytes, same: bool) -> None:
    pair = [_name(tlv(0x30, b"\x06\x03\x55\x04\x03", value)) for value in (one, another)]
    assert (pair[0].comparable() == pair[1].comparable()) is same


def _name(*attributes: bytes) -> Name:
    return Name.decode(der.decode_element(tlv(0x30, tlv(0x31, *attributes)), path="name"))


@pytest.mark.parametrize("base", [0, 40])
def test_a_fault_in_a_name_is_told_where_the_name_stands(base: int) -> None:
    element = der.decode_element(tlv(0x30, tlv(0x31), tlv(0x30)), path="name", base=base)
    with pytest.raises(MalformedError) as caught:
        Name.decode(element)
    assert (caught.value.code, caught.value.offset) == (Code.WRONG_TYPE, base + 4)


def test_the_order_within_a_relative_name_does_not_count() -> None:
    country, common = (tlv(0x30, bytes([6, 3, 0x55, 4, last]), b"\x13\x02TW") for last in (6, 3))
    assert _name(country, common).comparable() == _name(common, country).comparable()
    assert str(_name(common, country)) == "CN=TW+C=TW"


def test_a_name_is_written_so_that_it_can_be_read_back() -> None:
    value = b'#x, "y"+z;\\<>\0 '
    written = str(_name(tlv(0x30, b"\x06\x03\x55\x04\x03", tlv(0x0C, value))))
    assert written == 'CN=\\#x\\, \\"y\\"\\+z\\;\\\\\\<\\>\\00\\ '


def test_split_der_takes_a_row_apart() -> None:
    row = [certificate("A", "B", key(1), key(2)), SOUND]
    for padding in (b"", bytes(40), b"\xff" * 40):
        assert x509.split_der(b"".join(row) + padding) == row
    for wrong in (b"", b"\xff" * 8, b"\x00" + SOUND, SOUND + b"\x01", SOUND[:-1]):
        with pytest.raises(x509.CertificateError):
            x509.split_der(wrong)


def test_split_pem_takes_every_block() -> None:
    pem = other.load_der_x509_certificate(SOUND).public_bytes(Encoding.PEM)
    assert x509.split_pem(b"words\n" + pem + pem.replace(b"\n", b"\r\n")) == [SOUND, SOUND]
    for wrong in (
        b"",
        pem[:-20],
        pem + pem[:60],
        pem.replace(b"MII", b"M!I"),
        b"-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----",
    ):
        with pytest.raises(x509.CertificateError):
            x509.split_pem(wrong)


@pytest.mark.parametrize("extensions", [AUTHORITY, LEAF, ek_extensions()])
def test_symmetry(extensions: Extensions) -> None:
    data = certificate("L", "I", key(1), key(2), extensions=extensions)
    assert Certificate.decode(memoryview(data)).encode() == data
