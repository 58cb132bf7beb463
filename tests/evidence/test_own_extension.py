# SPDX-License-Identifier: Apache-2.0
"""The format's two certificate extensions: written as another library writes them, read by openssl, broken.

asn1crypto has the ASN.1 module of the specification, section 10.9, in its own words here.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
from asn1crypto import core, keys
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import labels
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.own_extension import FINGERPRINT_SIZES, NAME_SIZES, OpenPgpKeyName, TpmBinding
from bundlefmt.evidence.x509 import key_spki
from tests.conftest import Need
from tests.evidence.pki import tlv
from tests.evidence.yubikey_corpus import pem_file
from tests.vectorgen import openpgp
from tests.vectorgen import own_certificates as own
from tests.vectorgen.ceremonies import ak, ek, key
from tests.vectorgen.certificates import operator
from tests.vectorgen.judged_binding import binding_certificate
from tests.vectorgen.judged_cross import cross_certificate

SPKI: Final = key_spki(ek().private.public_key())
BINDING: Final = TpmBinding(ek_spki=SPKI, ak_name=ak().name, key_name=key().name)
NAMED: Final = OpenPgpKeyName(fingerprint=openpgp.OPERATOR.fingerprint)
VERSION: Final = b"\x02\x01\x01"


class Binding(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """TpmBinding."""

    _fields = [  # noqa: RUF012 - asn1crypto's way
        ("version", core.Integer),
        ("ek", keys.PublicKeyInfo),
        ("ak_name", core.OctetString),
        ("key_name", core.OctetString),
    ]


class KeyName(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """OpenPgpKey."""

    _fields = [  # noqa: RUF012 - asn1crypto's way
        ("version", core.Integer),
        ("fingerprint", core.OctetString),
    ]


@given(
    names=st.lists(st.sampled_from(NAME_SIZES), min_size=2, max_size=2),
    fill=st.binary(min_size=1, max_size=1),
)
def test_a_binding_is_as_another_library_writes_it(names: list[int], fill: bytes) -> None:
    ak_name, key_name = (fill * size for size in names)
    ours = TpmBinding(ek_spki=SPKI, ak_name=ak_name, key_name=key_name)
    theirs = Binding(
        {"version": 1, "ek": keys.PublicKeyInfo.load(SPKI), "ak_name": ak_name, "key_name": key_name}
    )
    assert ours.encode() == theirs.dump()
    assert TpmBinding.decode(theirs.dump()) == ours


@pytest.mark.parametrize("size", FINGERPRINT_SIZES)
def test_a_key_name_is_as_another_library_writes_it(size: int) -> None:
    theirs = KeyName({"version": 1, "fingerprint": bytes(range(size))}).dump()
    ours = OpenPgpKeyName(fingerprint=bytes(range(size)).hex())
    assert ours.encode() == theirs
    assert OpenPgpKeyName.decode(theirs) == ours


def test_they_are_found_in_certificates() -> None:
    assert TpmBinding.of(Certificate.decode(binding_certificate())) == BINDING
    assert OpenPgpKeyName.of(Certificate.decode(cross_certificate())) == NAMED


def test_a_certificate_without_one() -> None:
    plain = Certificate.decode(operator().certificate)
    for kind in (TpmBinding, OpenPgpKeyName):
        with pytest.raises(MalformedError) as caught:
            kind.of(plain)
        assert caught.value.code is Code.MISSING_MEMBER


def name(size: int = 34) -> bytes:
    return tlv(0x04, bytes(size))


def binding(*parts: bytes) -> bytes:
    return tlv(0x30, *parts)


@pytest.mark.parametrize(("data", "code"), [
    (b"", Code.TRUNCATED),
    (binding(), Code.MISSING_MEMBER),
    (binding(b"\x02\x01\x02", SPKI, name(), name()), Code.BAD_VALUE),
    (binding(b"\x02\x01\x00", SPKI, name(), name()), Code.BAD_VALUE),
    (binding(b"\x02\x02\x00\x01", SPKI, name(), name()), Code.NON_SHORTEST),
    (binding(VERSION, name(), name(), name()), Code.WRONG_TYPE),
    (binding(VERSION, SPKI, name()), Code.MISSING_MEMBER),
    (binding(VERSION, SPKI, name(), name(), name()), Code.TRAILING_BYTES),
    (binding(VERSION, SPKI, name(33), name()), Code.WRONG_LENGTH),
    (binding(VERSION, SPKI, name(), name(35)), Code.WRONG_LENGTH),
    (binding(VERSION, SPKI, name(), name(0)), Code.WRONG_LENGTH),
    (binding(VERSION, SPKI, name(), name()) + b"\x00", Code.TRAILING_BYTES),
    (binding(SPKI, name(), name()), Code.WRONG_TYPE),
])  # fmt: skip
def test_a_malformed_binding(data: bytes, code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        TpmBinding.decode(data)
    assert caught.value.code is code


@pytest.mark.parametrize(("data", "code"), [
    (tlv(0x30, VERSION), Code.MISSING_MEMBER),
    (tlv(0x30, VERSION, name(19)), Code.WRONG_LENGTH),
    (tlv(0x30, VERSION, name(8)), Code.WRONG_LENGTH),
    (tlv(0x30, VERSION, name(64)), Code.WRONG_LENGTH),
    (tlv(0x30, VERSION, tlv(0x0C, b"0" * 40)), Code.WRONG_TYPE),
    (tlv(0x30, b"\x02\x01\x02", name(20)), Code.BAD_VALUE),
    (tlv(0x30, VERSION, name(20), name(20)), Code.TRAILING_BYTES),
    (tlv(0x31, VERSION, name(20)), Code.WRONG_TYPE),
    (tlv(0x04, bytes(20)), Code.WRONG_TYPE),
])  # fmt: skip
def test_a_malformed_key_name(data: bytes, code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        OpenPgpKeyName.decode(data)
    assert caught.value.code is code


@given(data=st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for kind in (TpmBinding, OpenPgpKeyName):
        try:
            assert kind.decode(data).encode() == data
        except MalformedError:
            continue


@given(data=st.data())
def test_one_byte_changed(data: st.DataObject) -> None:
    """What is read is what stands there: no two values have one encoding, no encoding two values."""
    for original in (BINDING, NAMED):
        changed = bytearray(original.encode())
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place] ^= data.draw(st.integers(1, 255))
        try:
            read = type(original).decode(bytes(changed))
        except MalformedError:
            continue
        assert read != original
        assert read.encode() == bytes(changed)


# --- openssl: readable with nothing of this project -------------------------------------------------------


def openssl(*arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


CERTIFICATES: Final = {labels.OID_TPM_BINDING: binding_certificate, labels.OID_OPENPGP_KEY: cross_certificate}


@pytest.mark.parametrize("oid", CERTIFICATES)
def test_openssl_reads_and_verifies_them(part: Need, tmp_path: Path, oid: str) -> None:
    part("openssl")
    leaf = pem_file(tmp_path / "leaf.pem", CERTIFICATES[oid]())
    issuer = pem_file(tmp_path / "issuer.pem", operator().certificate)
    text = openssl("x509", "-in", leaf, "-noout", "-text")
    assert f"            {oid}: \n" in text
    assert "CA:FALSE" in text
    assert "Digital Signature\n" in text
    at = str(own.VALIDITY[0] + 1)
    assert openssl("verify", "-attime", at, "-CAfile", issuer, leaf) == f"{leaf}: OK\n"
    other = pem_file(tmp_path / "other.pem", operator("p384").certificate)
    openssl("verify", "-attime", at, "-CAfile", other, leaf, code=2)


def test_openssl_shows_what_they_hold(part: Need, tmp_path: Path) -> None:
    part("openssl")
    for value in (BINDING, NAMED):
        path = tmp_path / "value.der"
        path.write_bytes(value.encode())
        shown = openssl("asn1parse", "-inform", "DER", "-in", path)
        octets = [line.lower() for line in re.findall(r"\[HEX DUMP\]:([0-9A-F]+)", shown)]
        held = (
            [value.ak_name.hex(), value.key_name.hex()]
            if isinstance(value, TpmBinding)
            else [value.fingerprint]
        )
        assert octets == held
        assert shown.count("INTEGER           :01\n") == 1
