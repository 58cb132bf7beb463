# SPDX-License-Identifier: Apache-2.0
"""OCSP responses: what each says about one certificate at one time, and whose are not used.

cryptography writes them; openssl judges the same ones.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as maker
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.chain import Relaxations
from bundlefmt.evidence.crl import MAX_LISTS, Revocation, Standing
from bundlefmt.evidence.ocsp import MAX_ANSWERS, MAX_CERTIFICATES, OcspResponse, concerns, revocation
from bundlefmt.moment import when
from tests.conftest import Need
from tests.evidence.pki import (
    AT,
    DAY,
    LEAF,
    VALIDITY,
    Extensions,
    Hash,
    certificate,
    constraints,
    key,
    moment,
    rsa_key,
    tlv,
    usage,
)
from tests.evidence.yubikey_corpus import pem_file

ROOT: Final = certificate("Root", "Root", key(1), key(1))
ISSUER_KEY: Final = key(2)
ISSUER: Final = certificate("Issuer", "Root", ISSUER_KEY, key(1))
CERTIFICATE: Final = certificate("Leaf", "Issuer", key(3), ISSUER_KEY, extensions=LEAF, serial=0x77)
ANOTHER: Final = certificate("Leaf", "Issuer", key(3), ISSUER_KEY, extensions=LEAF, serial=0x78)
OCSP: Final = other.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
# the library writes the machine's clock into producedAt, at which delegates are to be valid
LONG: Final = (VALIDITY[0], AT + 100 * 365 * DAY)
DELEGATE: Final[Extensions] = ((OCSP, False),)
GOOD, REVOKED, UNKNOWN = (
    maker.OCSPCertStatus.GOOD,
    maker.OCSPCertStatus.REVOKED,
    maker.OCSPCertStatus.UNKNOWN,
)


def loaded(data: bytes) -> other.Certificate:
    return other.load_der_x509_certificate(data)


def delegate(
    extensions: Extensions = DELEGATE,
    *,
    issuer: str = "Issuer",
    issuer_key: ec.EllipticCurvePrivateKey = ISSUER_KEY,
    validity: tuple[int, int] = LONG,
) -> bytes:
    return certificate("Responder", issuer, key(7), issuer_key, extensions=extensions, validity=validity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A response by the issuer that the certificate is good, but for what is given.

    `by` is whose certificate the response brings along; its key, `signer`, signs.
    """

    status: maker.OCSPCertStatus = GOOD
    since: int = AT - 3 * DAY
    reason: other.ReasonFlags | None = None
    updates: tuple[int, int | None] = (AT - DAY, AT + DAY)
    of: bytes = CERTIFICATE
    issuer: bytes = ISSUER
    by: bytes | None = None
    signer: ec.EllipticCurvePrivateKey = ISSUER_KEY
    digest: Hash | None = None
    named: hashes.HashAlgorithm | None = None
    extensions: Extensions = ()

    def encode(self) -> bytes:
        revoked = self.status is REVOKED
        builder = maker.OCSPResponseBuilder().add_response(
            cert=loaded(self.of),
            issuer=loaded(self.issuer),
            algorithm=self.named or hashes.SHA256(),
            cert_status=self.status,
            this_update=moment(self.updates[0]),
            next_update=None if self.updates[1] is None else moment(self.updates[1]),
            revocation_time=moment(self.since) if revoked else None,
            revocation_reason=self.reason if revoked else None,
        )
        # the library wants to see a certificate of the key that signs
        responder = certificate("Anyone", "Anyone", self.signer, self.signer)
        builder = builder.responder_id(maker.OCSPResponderEncoding.HASH, loaded(responder))
        if self.by is not None:
            builder = builder.certificates([loaded(self.by)])
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.signer, self.digest or hashes.SHA256()).public_bytes(Encoding.DER)


def said(
    *responses: bytes, of: bytes = CERTIFICATE, at: int = AT, issuer: bytes = ISSUER, **relaxations: bool
) -> Revocation:
    return revocation(
        Certificate.decode(of),
        Certificate.decode(issuer),
        [OcspResponse.decode(each) for each in responses],
        at=at,
        relaxations=Relaxations(**relaxations),
    )


def unused(why: str, *responses: bytes, **given_: object) -> None:
    found = said(*responses, **given_)  # type: ignore[arg-type] # passed on
    assert found.standing is Standing.UNKNOWN
    assert why in "; ".join(found.reasons)


def test_a_response_is_read_as_another_reader_reads_it() -> None:
    made = Made(status=REVOKED, reason=other.ReasonFlags.key_compromise, by=delegate(), signer=key(7))
    data = made.encode()
    theirs, ours = maker.load_der_ocsp_response(data), OcspResponse.decode(data)
    assert ours.encode() == data
    assert (ours.tbs, ours.signature) == (theirs.tbs_response_bytes, theirs.signature)
    assert ours.certificates == (made.by,)
    assert ours.produced_at == int(theirs.produced_at_utc.timestamp())
    (answer,) = ours.answers
    assert (answer.serial, answer.hash) == (theirs.serial_number, "sha256")
    assert (answer.issuer_name, answer.issuer_key) == (theirs.issuer_name_hash, theirs.issuer_key_hash)
    assert (answer.this_update, answer.next_update) == (AT - DAY, AT + DAY)
    assert answer.revoked is not None
    assert (answer.revoked.since, answer.revoked.reason) == (AT - 3 * DAY, 1)


def test_good_revoked_unknown() -> None:
    assert said(Made().encode()) == Revocation(standing=Standing.GOOD)
    found = said(Made(status=REVOKED).encode())
    assert found.standing is Standing.REVOKED
    assert found.entry is not None
    assert found.entry.describe() == f"revoked at {when(AT - 3 * DAY)} (unspecified)"
    unused("does not know", Made(status=UNKNOWN).encode())
    assert said().standing is Standing.UNKNOWN


@pytest.mark.parametrize("named", [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])  # noqa: S303 - names, no signatures
def test_a_certificate_is_named_by_any_hash(named: hashes.HashAlgorithm) -> None:
    assert said(Made(named=named).encode()).standing is Standing.GOOD


def test_it_is_about_no_other_certificate() -> None:
    response = OcspResponse.decode(Made(of=ANOTHER, status=REVOKED).encode())
    leaf, issuer = Certificate.decode(CERTIFICATE), Certificate.decode(ISSUER)
    assert not concerns(response, leaf, issuer)
    assert concerns(response, Certificate.decode(ANOTHER), issuer)
    assert said(response.encode()) == Revocation(standing=Standing.UNKNOWN)


def test_it_is_about_no_certificate_of_an_issuer_with_the_same_name() -> None:
    """Serial number and name fit, the key of the issuer does not."""
    namesake = certificate("Issuer", "Root", key(9), key(1))
    response = OcspResponse.decode(Made(issuer=namesake, signer=key(9)).encode())
    assert not concerns(response, Certificate.decode(CERTIFICATE), Certificate.decode(ISSUER))


def test_it_is_about_no_certificate_of_an_issuer_with_the_same_key() -> None:
    """Serial number and key fit, the name of the issuer does not."""
    renamed = certificate("Renamed", "Root", ISSUER_KEY, key(1))
    response = OcspResponse.decode(
        Made(issuer=renamed, of=certificate("Leaf", "Renamed", key(3), ISSUER_KEY, serial=0x77)).encode()
    )
    assert not concerns(response, Certificate.decode(CERTIFICATE), Certificate.decode(ISSUER))


def test_it_was_current() -> None:
    data = Made().encode()
    for at in (AT - DAY, AT + DAY):
        assert said(data, at=at).standing is Standing.GOOD
    unused("no longer current", data, at=AT + DAY + 1)
    unused("no longer current", Made(updates=(AT - DAY, None)).encode())


def test_it_was_made_later_and_before_the_certificate_ended() -> None:
    assert said(Made(updates=(AT + DAY, AT + 2 * DAY)).encode()).standing is Standing.GOOD
    after = VALIDITY[1] + DAY
    unused("after the certificate ended", Made(updates=(after, after + DAY)).encode())


def test_a_revocation_counts_however_old() -> None:
    assert said(Made(status=REVOKED).encode(), at=AT + 20 * DAY).standing is Standing.REVOKED


def test_a_later_revocation_reaches_back_by_its_reason() -> None:
    for reason, reaches in (
        (other.ReasonFlags.key_compromise, True),
        (None, True),
        (other.ReasonFlags.superseded, False),
    ):
        later = Made(status=REVOKED, since=AT + DAY, reason=reason, updates=(AT + 2 * DAY, AT + 3 * DAY))
        found = said(later.encode())
        assert found.entry is not None
        assert found.entry.concerns(AT) == reaches


def test_of_several_the_worst_counts() -> None:
    good, bad = Made().encode(), Made(status=REVOKED).encode()
    for responses in ((good, bad), (bad, good)):
        assert said(*responses).standing is Standing.REVOKED
    assert said(good, Made(status=UNKNOWN).encode()).standing is Standing.GOOD
    assert said(*[good] * MAX_LISTS).standing is Standing.GOOD
    unused(f"more than {MAX_LISTS}", *[good] * (MAX_LISTS + 1))


def by(extensions: Extensions = DELEGATE, **changes: object) -> bytes:
    """A response by a delegate that is changed in one thing."""
    made = delegate(extensions, **changes)  # type: ignore[arg-type] # passed on
    return Made(by=made, signer=key(7)).encode()


def test_a_delegate() -> None:
    assert said(by()).standing is Standing.GOOD
    assert said(by(((usage("digital_signature"), True), (OCSP, True)))).standing is Standing.GOOD
    assert said(by((constraints(ca=False), (OCSP, False)))).standing is Standing.GOOD


CLIENT: Final = other.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
ANY: Final = other.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
NONCE: Final = other.OCSPNonce(b"n" * 16)
LIMIT: Final = other.UnrecognizedExtension(other.ObjectIdentifier("2.25.1"), b"\x05\x00")


@pytest.mark.parametrize(("why", "data"), [
    ("is not for signing OCSP responses", by(())),
    ("is not for signing OCSP responses", by(((CLIENT, False),))),
    ("is not for signing OCSP responses", by(((ANY, False),))),
    ("lacks digitalSignature", by(((usage("key_cert_sign"), True), *DELEGATE))),
    ("critical extensions that are not known", by(((LIMIT, True), *DELEGATE))),
    ("is not certified by", by(issuer="Root", issuer_key=key(1))),
    ("signature does not verify", by(issuer_key=key(9))),
    ("was not valid at", by(validity=(AT - 9 * DAY, AT - 2 * DAY))),
    ("signature does not verify", Made(signer=key(9)).encode()),
    ("signature does not verify", Made(by=delegate(), signer=key(9)).encode()),
    # the certificate itself, whose holder says that it is good
    ("is not for signing OCSP responses", Made(by=CERTIFICATE, signer=key(3)).encode()),
    # the authority above the issuer, which the issuer did not charge
    ("is not certified by", Made(by=ROOT, signer=key(1)).encode()),
    ("critical extensions that are not known", Made(extensions=((NONCE, True),)).encode()),
])  # fmt: skip
def test_whose_response_does_not_count(why: str, data: bytes) -> None:
    unused(why, data)


def test_a_revocation_by_a_stranger_does_not_count_either() -> None:
    unused("signature does not verify", Made(status=REVOKED, signer=key(9)).encode())


def test_a_nonce_is_let_be() -> None:
    assert said(Made(extensions=((NONCE, False),)).encode()).standing is Standing.GOOD


def test_a_delegate_that_is_weak() -> None:
    weak = certificate("Responder", "Issuer", rsa_key(1, 1024), ISSUER_KEY, extensions=DELEGATE)
    made = Made(by=weak, signer=rsa_key(1, 1024)).encode()  # type: ignore[arg-type] # another kind
    unused("an RSA key of 1024 bits", made)


def _with_sha1(data: bytes) -> bytes:
    """The response signed over SHA-1, which no library signs any more."""
    tbs = OcspResponse.decode(data).tbs
    sha1 = ec.ECDSA(hashes.SHA1())  # noqa: S303 - what must be refused has to be made
    signature = tlv(0x03, b"\x00", ISSUER_KEY.sign(tbs, sha1))
    return whole(tlv(0x30, tbs, bytes.fromhex("300906072a8648ce3d0401"), signature))


BASIC: Final = bytes.fromhex("06092b0601050507300101")


def whole(basic: bytes, *, kind: bytes = BASIC, status: int = 0) -> bytes:
    return tlv(0x30, bytes([0x0A, 1, status]), tlv(0xA0, tlv(0x30, kind, tlv(0x04, basic))))


def test_sha1_only_where_it_is_allowed() -> None:
    data = _with_sha1(Made().encode())
    unused("uses SHA-1", data)
    assert said(data, allow_sha1=True).standing is Standing.GOOD


# --- malformed --------------------------------------------------------------------------------------------


def parts(data: bytes) -> tuple[bytes, bytes]:
    """(what is signed, the rest behind it) of a basic response."""
    theirs = maker.load_der_ocsp_response(data)
    signature = tlv(0x03, b"\x00", theirs.signature)
    return theirs.tbs_response_bytes, bytes.fromhex("300a06082a8648ce3d040302") + signature


TBS, BEHIND = parts(Made().encode())
ANSWER: Final = OcspResponse.decode(Made().encode()).answers[0]


def answer(
    status: bytes = b"\x80\x00", *more: bytes, named: bytes | None = None, serial: bytes = b"\x02\x01\x77"
) -> bytes:
    digest = bytes.fromhex("300d06096086480165030402010500")
    hashed = tlv(0x04, ANSWER.issuer_name) + tlv(0x04, ANSWER.issuer_key)
    time = tlv(0x18, b"20251231000000Z")
    return tlv(0x30, named or tlv(0x30, digest, hashed, serial), status, time, *more)


def response(*answers: bytes, certificates: Sequence[bytes] = ()) -> bytes:
    responder = tlv(0xA2, tlv(0x04, hashlib.sha1(b"key", usedforsecurity=False).digest()))
    said_ = tlv(0x30, responder, tlv(0x18, b"20251231000000Z"), tlv(0x30, *answers))
    brought = tlv(0xA0, tlv(0x30, *certificates)) if certificates else b""
    return whole(tlv(0x30, said_, BEHIND, brought))


def test_the_handwritten_one_is_read() -> None:
    assert OcspResponse.decode(response(answer())).answers[0].serial == 0x77


@pytest.mark.parametrize(("data", "code"), [
    (b"", Code.TRUNCATED),
    (Made().encode() + b"\x00", Code.TRAILING_BYTES),
    (Made().encode()[:-1], Code.TRUNCATED),
    (bytes.fromhex("30030a0103"), Code.BAD_VALUE),  # try later
    (whole(tlv(0x30, TBS, BEHIND), status=6), Code.BAD_VALUE),  # unauthorized, with an answer
    (whole(tlv(0x30, TBS, BEHIND), kind=bytes.fromhex("06092b0601050507300102")), Code.BAD_VALUE),
    (whole(tlv(0x30, TBS, BEHIND) + b"\x00"), Code.TRAILING_BYTES),
    (response(answer(b"\x83\x00")), Code.WRONG_TYPE),  # there is no such status
    (response(answer(b"\x80\x01\x00")), Code.WRONG_TYPE),
    (response(answer(tlv(0xA1, tlv(0x18, b"2025")))), Code.BAD_VALUE),
    (response(answer(b"\x80\x00", b"\x05\x00")), Code.TRAILING_BYTES),
    (response(*[answer()] * (MAX_ANSWERS + 1)), Code.COUNT_LIMIT),
    (response(answer(), certificates=[ROOT] * (MAX_CERTIFICATES + 1)), Code.COUNT_LIMIT),
])  # fmt: skip
def test_malformed(data: bytes, code: Code) -> None:
    with pytest.raises(MalformedError) as caught:
        OcspResponse.decode(data)
    assert caught.value.code is code


def test_as_many_as_are_read() -> None:
    read = OcspResponse.decode(response(*[answer()] * MAX_ANSWERS, certificates=[ROOT] * MAX_CERTIFICATES))
    assert (len(read.answers), len(read.certificates)) == (MAX_ANSWERS, MAX_CERTIFICATES)


def test_a_hash_that_is_not_known_names_nothing() -> None:
    md5 = bytes.fromhex("300c06082a864886f70d02050500")
    named = tlv(0x30, md5, tlv(0x04, bytes(16)), tlv(0x04, bytes(16)), b"\x02\x01\x77")
    read = OcspResponse.decode(response(answer(named=named)))
    assert not concerns(read, Certificate.decode(CERTIFICATE), Certificate.decode(ISSUER))


ORIGINAL: Final = Made(status=REVOKED).encode()


@given(data=st.data())
def test_one_byte_changed(data: st.DataObject) -> None:
    """It is malformed, or is no longer the issuer's word."""
    place = data.draw(st.integers(0, len(ORIGINAL) - 1))
    changed = bytearray(ORIGINAL)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        read = OcspResponse.decode(bytes(changed))
    except MalformedError:
        return
    assert read.encode() == bytes(changed)
    assert said(read.encode()).standing is Standing.UNKNOWN


@given(data=st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    try:
        OcspResponse.decode(data)
    except MalformedError:
        return
    raise AssertionError("nobody writes a response by chance")


# --- openssl ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data", "verifies", "status"), [
    (Made().encode(), True, "good"),
    (Made(status=REVOKED).encode(), True, "revoked"),
    (Made(status=UNKNOWN).encode(), True, "unknown"),
    (by(), True, "good"),
    (by(((usage("digital_signature"), True), (OCSP, True))), True, "good"),
    (by(()), False, "good"),
    (by(((CLIENT, False),)), False, "good"),
    (by(((LIMIT, True), *DELEGATE)), False, "good"),
    (by(issuer_key=key(9)), False, "good"),
    (Made(signer=key(9)).encode(), False, "good"),
    (Made(by=CERTIFICATE, signer=key(3)).encode(), False, "good"),
    (Made(of=ANOTHER).encode(), True, None),
    (response(answer()), False, "good"),
])  # fmt: skip
def test_openssl_agrees(
    part: Need, tmp_path: Path, data: bytes, *, verifies: bool, status: str | None
) -> None:
    part("openssl")
    root, issuer = pem_file(tmp_path / "root.pem", ROOT), pem_file(tmp_path / "issuer.pem", ISSUER)
    leaf, response_ = pem_file(tmp_path / "leaf.pem", CERTIFICATE), tmp_path / "response.der"
    response_.write_bytes(data)
    command = ["openssl", "ocsp", "-respin", response_, "-sha256", "-issuer", issuer, "-cert", leaf]
    command += ["-CAfile", root, "-verify_other", issuer, "-attime", str(AT), "-no_nonce"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    assert ("Response verify OK" in printed) == verifies, printed
    if verifies:
        # whether it is current openssl asks of today's clock alone, and says so in a line between
        found = re.search(r"^(?:.*leaf\.pem: )?(good|revoked|unknown)$", printed, re.MULTILINE)
        assert (found and found[1]) == status, printed
    ours = said(data).standing
    wanted = {"good": Standing.GOOD, "revoked": Standing.REVOKED}.get(status or "", Standing.UNKNOWN)
    assert ours is (wanted if verifies else Standing.UNKNOWN)
