# SPDX-License-Identifier: Apache-2.0
"""OpenPGP packets, keys, signatures and certificates: read to the last octet, or refused at the right one."""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.openpgp_certificate import MAX_CERTIFICATE, MAX_SUBKEYS, Certificate
from bundlefmt.evidence.openpgp_key import NotMadeByError, PublicKey
from bundlefmt.evidence.openpgp_packet import (
    MAX_PACKETS,
    NotComputedError,
    OpenPgpError,
    Packet,
    encode_mpi,
    read_mpi,
    read_packets,
)
from bundlefmt.evidence.openpgp_self_signatures import MAX_VERIFIED, SelfSignatures, back_signatures
from bundlefmt.evidence.openpgp_signature import SignaturePacket
from bundlefmt.evidence.openpgp_subpacket import MAX_SUBPACKETS, KeyFlags
from bundlefmt.wire import read_all
from tests.conftest import Need
from tests.strategies import mutated
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.openpgp_case import OTHER, PRIMARY, SIGNER, SOUND
from tests.vectorgen.openpgp_cases import CASES
from tests.vectorgen.openpgp_maker import AT, DAY, MADE, Key, Subkey, UserId, make

MESSAGE = b"a message"
SIGNATURE = PRIMARY.sign(pgp.BINARY, MESSAGE, at=AT)
KINDS = ("rsa2048", "p256", "p384", "p521", "bp256", "bp384", "bp512", "k256", "ed25519", "dsa2048")


def refused(data: bytes, code: Code, offset: int) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        Certificate.decode(data)
    assert (caught.value.code, caught.value.offset) == (code, offset)
    return caught.value


# --- packets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("cd00", 0),
        ("cdbf", 191),
        ("cdc000", 192),
        ("cddfff", 8383),
        ("cdff00000005", 5),
        ("b405", 5),
        ("b50005", 5),
        ("b600000005", 5),
    ],
)
def test_each_form_of_length_is_read_and_kept(header: str, size: int) -> None:
    data = bytes.fromhex(header) + bytes(size)
    packet = Packet.decode(data)
    assert (packet.type, len(packet.body), packet.offset) == (13, size, len(data) - size)
    assert packet.encode() == data


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        ("0d00", Code.BAD_VALUE, 0),  # bit 7 is not set
        ("c000", Code.BAD_VALUE, 0),  # type 0
        ("8000", Code.BAD_VALUE, 0),
        ("cde100", Code.INDEFINITE_LENGTH, 0),  # partial lengths
        ("cdfe00", Code.INDEFINITE_LENGTH, 0),
        ("b700", Code.INDEFINITE_LENGTH, 0),
        ("cd", Code.TRUNCATED, 1),
        ("cdc0", Code.TRUNCATED, 2),
        ("cdff000000", Code.TRUNCATED, 2),
        ("cd0200", Code.TRUNCATED, 2),
        ("b9", Code.TRUNCATED, 1),
        ("cdffffffffff", Code.TRUNCATED, 6),
    ],
)
def test_what_is_no_whole_packet_is_refused(data: str, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as caught:
        read_packets(bytes.fromhex("cd00" + data))
    assert (caught.value.code, caught.value.offset) == (code, offset + 2)


def test_armor_is_refused_with_the_command_that_converts_it() -> None:
    for text in (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n", b"\n\n-----BEGIN PGP SIGNATURE-----\n"):
        with pytest.raises(MalformedError, match="gpg --dearmor") as caught:
            read_packets(text)
        assert caught.value.offset == 0


@given(st.integers(0, 2**70))
def test_an_mpi_has_one_form(value: int) -> None:
    data = encode_mpi(value)
    assert read_all(data, read_mpi) == value
    bits = int.from_bytes(data[:2], "big")
    for claimed in (bits - 1, bits + 1):
        if claimed >= 0 and (claimed + 7) // 8 == (bits + 7) // 8:
            with pytest.raises(MalformedError) as caught:
                read_all(claimed.to_bytes(2, "big") + data[2:], read_mpi)
            assert caught.value.code is Code.BAD_VALUE


def test_a_leading_zero_octet_of_an_mpi_is_refused() -> None:
    with pytest.raises(MalformedError):
        read_all(bytes.fromhex("0010 00ff"), read_mpi)


# --- keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_read_whole(kind: str) -> None:
    made = Key(name="kinds", kind=kind)
    key = PublicKey.decode(made.body)
    assert key.encode() == made.body
    assert (key.version, key.created, key.algorithm) == (4, MADE, made.algorithm)
    assert (key.fingerprint, key.covered()) == (made.fingerprint.hex(), made.covered)
    assert key.key_id == key.fingerprint[-16:]


@pytest.mark.parametrize("kind", ["ed25519", "ed448"])
def test_a_key_of_version_6_is_read_whole(kind: str) -> None:
    made = Key(name="kinds", kind=kind, version=6)
    key = PublicKey.decode(made.body)
    assert key.encode() == made.body
    assert (len(key.fingerprint), key.fingerprint) == (64, made.fingerprint.hex())
    assert key.key_id == key.fingerprint[:16]


def test_gpg_has_the_same_fingerprint(part: Need, tmp_path: Path) -> None:
    part("gpg")
    (tmp_path / "pgp").write_bytes(SOUND.encode())
    home, file = str(tmp_path), str(tmp_path / "pgp")
    command = ["gpg", "--homedir", home, "--batch", "--with-colons", "--show-keys", file]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr:")).split(":")[9]
    assert fingerprint.lower() == PublicKey.decode(PRIMARY.body).fingerprint


@pytest.mark.parametrize(
    ("kind", "version", "name"),
    [
        ("rsa2048", 4, "RSA 2048"),
        ("p384", 4, "ECDSA P-384"),
        ("bp512", 4, "ECDSA brainpoolP512r1"),
        ("k256", 4, "ECDSA secp256k1"),
        ("ed25519", 4, "EdDSA Ed25519"),
        ("ed25519", 6, "Ed25519"),
        ("dsa2048", 4, "DSA 2048"),
    ],
)
def test_a_key_is_told_in_words(kind: str, version: int, name: str) -> None:
    assert PublicKey.decode(Key(name="kinds", kind=kind, version=version).body).describe() == name


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p521", "bp384", "ed25519"])
def test_a_key_made_its_signatures_and_no_other(kind: str) -> None:
    made, another = Key("kinds", kind), Key("another", {"rsa2048": "rsa3072"}.get(kind, kind))
    key = PublicKey.decode(made.body)
    signature = SignaturePacket.decode(made.sign(pgp.BINARY, MESSAGE, at=AT))
    signature.verify(key, MESSAGE)
    for covered in (MESSAGE + b"!", b""):
        with pytest.raises(NotMadeByError):
            signature.verify(key, covered)
    with pytest.raises(NotMadeByError):
        signature.verify(PublicKey.decode(another.body), MESSAGE)
    wrong = tuple(number ^ 1 for number in signature.value)
    with pytest.raises(NotMadeByError):
        replace(signature, value=wrong).verify(key, MESSAGE)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (Key(name="kinds", kind="k256"), "secp256k1 is not computed"),
        (Key(name="kinds", kind="dsa2048"), "DSA 2048 signatures are not computed"),
    ],
)
def test_what_is_not_computed_is_not_refused(key: Key, why: str) -> None:
    signature = SignaturePacket.decode(key.sign(pgp.BINARY, MESSAGE, at=AT))
    with pytest.raises(NotComputedError, match=why):
        signature.verify(PublicKey.decode(key.body), MESSAGE)


def test_a_digest_that_is_not_computed_is_named() -> None:
    for number, error in ((pgp.RIPEMD160, OpenPgpError), (99, NotComputedError)):
        body = SIGNATURE[:3] + bytes([number]) + SIGNATURE[4:]
        with pytest.raises(OpenPgpError, match=r"RIPEMD-160|hash algorithm 99") as caught:
            SignaturePacket.decode(body).digest(MESSAGE)
        assert caught.type is error


def test_a_huge_rsa_key_is_read_and_not_computed() -> None:
    """65535 bits are the most that an MPI can have."""
    numbers = pgp.mpi(2**65535 - 1)
    body = b"\x04" + pgp.uint(MADE) + b"\x01" + numbers + pgp.mpi(65537)
    key = PublicKey.decode(body)
    assert key.bits == 65535
    with pytest.raises(NotComputedError, match="65535 bits"):
        key.verify((2,), pgp.SHA256, bytes(32))
    with pytest.raises(MalformedError) as caught:
        PublicKey.decode(b"\x04" + pgp.uint(MADE) + b"\x11" + numbers * 9)
    assert caught.value.code is Code.SIZE_LIMIT


@pytest.mark.parametrize(
    "body",
    [
        b"\x04"
        + pgp.uint(MADE)
        + b"\x01"
        + pgp.mpi(2**2047 + 2)
        + pgp.mpi(4),  # an even modulus and exponent
        b"\x04" + pgp.uint(MADE) + b"\x01" + pgp.mpi(0) + pgp.mpi(0),
        b"\x04" + pgp.uint(MADE) + b"\x13\x08" + bytes.fromhex("2a8648ce3d030107") + pgp.mpi(4),  # no point
        b"\x04" + pgp.uint(MADE) + b"\x13\x08" + bytes.fromhex("2a8648ce3d030107") + pgp.mpi(2**600),
        b"\x04" + pgp.uint(MADE) + b"\x16\x09" + bytes.fromhex("2b06010401da470f01") + pgp.mpi(2**256),
        b"\x04" + pgp.uint(MADE) + b"\x16\x09" + bytes.fromhex("2b06010401da470f01") + pgp.mpi(2**300),
    ],
)
def test_an_absurd_key_made_nothing(body: bytes) -> None:
    key = PublicKey.decode(body)
    assert key.encode() == body
    for value in ((1,), (1, 1), (2**9000, 1), (0, 0)):
        with pytest.raises(OpenPgpError):
            key.verify(value, pgp.SHA256, bytes(32))


# --- signatures ------------------------------------------------------------------------------------------


def test_a_signature_is_read_whole() -> None:
    made = PRIMARY.sign(
        pgp.BINARY,
        MESSAGE,
        at=AT,
        hashed=((pgp.EXPIRES, pgp.uint(DAY)), (100, b"x" * 300)),
        unhashed=((101, b""),),
    )
    signature = SignaturePacket.decode(made)
    assert signature.encode() == made
    assert (signature.created, signature.expires) == (AT, AT + DAY)
    assert set(signature.untrusted_issuers()) == {PRIMARY.fingerprint.hex(), PRIMARY.fingerprint[-8:].hex()}


def test_what_the_signature_does_not_cover_is_not_believed() -> None:
    lies = (
        (pgp.EXPIRES, pgp.uint(DAY)),
        (pgp.FLAGS, b"\x03"),
        (pgp.KEY_EXPIRES, pgp.uint(1)),
        (0x80 | 100, b""),
    )
    signature = SignaturePacket.decode(
        PRIMARY.sign(pgp.BINARY, MESSAGE, at=None, unhashed=((pgp.TIME, bytes(4)), *lies))
    )
    assert (signature.created, signature.expires, signature.key_flags) == (None, None, None)
    assert (signature.key_lifetime, signature.unknown_critical()) == (None, ())


@pytest.mark.parametrize("kind", [pgp.TIME, pgp.EXPIRES, pgp.KEY_EXPIRES, pgp.FLAGS, pgp.REASON, pgp.PRIMARY])
def test_what_is_said_once_is_not_said_twice(kind: int) -> None:
    body = {pgp.FLAGS: b"\x03", pgp.REASON: b"\x02", pgp.PRIMARY: b"\x01"}.get(kind, bytes(4))
    doubled = PRIMARY.sign(pgp.BINARY, MESSAGE, at=None, hashed=((kind, body), (kind, body)))
    with pytest.raises(MalformedError) as caught:
        SignaturePacket.decode(doubled, base=100)
    assert (caught.value.code, caught.value.offset) == (Code.BAD_VALUE, 104)


@pytest.mark.parametrize(
    ("area", "code", "offset"),
    [
        ("0001 00", Code.WRONG_LENGTH, 6),  # a subpacket without a type
        ("0002 0302", Code.TRUNCATED, 8),  # longer than its area
        ("0004 0302 0000", Code.WRONG_LENGTH, 6),  # a time of two octets
        ("0003 021d ff", Code.BAD_VALUE, -1),  # a reason of one octet is well formed
        ("0002 011d", Code.WRONG_LENGTH, 6),  # a reason without a code
        ("0001 c0", Code.TRUNCATED, 7),
        ("0002 ffff", Code.TRUNCATED, 7),
    ],
)
def test_a_wrong_subpacket_is_refused_where_it_stands(area: str, code: Code, offset: int) -> None:
    head = bytes.fromhex("04001608")
    data = head + bytes.fromhex(area) + bytes.fromhex("0000 abcd 0001 01 0001 01")
    if offset < 0:
        assert SignaturePacket.decode(data).encode() == data
        return
    with pytest.raises(MalformedError) as caught:
        SignaturePacket.decode(data)
    assert (caught.value.code, caught.value.offset) == (code, offset)


def test_a_flood_of_subpackets_is_refused() -> None:
    for count in (MAX_SUBPACKETS - 3, MAX_SUBPACKETS - 2):  # beside time, fingerprint
        made = PRIMARY.sign(pgp.BINARY, MESSAGE, at=AT, hashed=((100, b""),) * count)
        if count == MAX_SUBPACKETS - 2:
            assert SignaturePacket.decode(made).encode() == made
    with pytest.raises(MalformedError) as caught:
        SignaturePacket.decode(
            PRIMARY.sign(pgp.BINARY, MESSAGE, at=AT, hashed=((100, b""),) * MAX_SUBPACKETS)
        )
    assert caught.value.code is Code.COUNT_LIMIT


def test_a_salt_of_another_size_is_refused() -> None:
    key = Key(name="kinds", version=6)
    made = key.sign(pgp.BINARY, MESSAGE, at=AT)
    assert SignaturePacket.decode(made).encode() == made
    at = made.index(b"\x10" + bytes(16))
    with pytest.raises(MalformedError) as caught:
        SignaturePacket.decode(made[:at] + b"\x0f" + made[at + 2 :])
    assert (caught.value.code, caught.value.offset) == (Code.WRONG_LENGTH, at)


@pytest.mark.parametrize("version", [2, 3, 5, 7])
def test_a_signature_of_another_version_is_named(version: int) -> None:
    with pytest.raises(NotComputedError, match=f"version {version}"):
        SignaturePacket.decode(bytes([version]) + SIGNATURE[1:])


def test_embedded_signatures_are_read_one_deep() -> None:
    """However deep they are nested, only those of the binding itself are looked at."""
    covered = PRIMARY.covered + SIGNER.covered
    inner = SIGNER.sign(pgp.BACK, covered, at=MADE)
    for _ in range(50):
        inner = SIGNER.sign(pgp.BACK, covered, at=MADE, unhashed=((pgp.EMBEDDED, inner),))
    binding = SignaturePacket.decode(Subkey(key=SIGNER).binding(PRIMARY, back=inner))
    backs = back_signatures(PublicKey.decode(PRIMARY.body), PublicKey.decode(SIGNER.body), binding)
    assert [each.encode() for each in backs] == [inner]


# --- certificates ----------------------------------------------------------------------------------------


def test_a_certificate_is_read_whole() -> None:
    data = make(PRIMARY, user_ids=(UserId(), UserId(text=b"two")), subkeys=(Subkey(key=SIGNER),)).encode()
    certificate = Certificate.decode(data)
    assert certificate.encode() == data
    assert [each.text for each in certificate.user_ids] == [UserId().text.decode(), "two"]
    assert [key.fingerprint for key in certificate.every_key()] == [
        PRIMARY.fingerprint.hex(),
        SIGNER.fingerprint.hex(),
    ]


@pytest.mark.parametrize("name", [name for name in CASES if "type" not in name])
def test_every_certificate_of_the_cases_is_kept_as_it_is(name: str) -> None:
    data = CASES[name].certificate
    assert Certificate.decode(data).encode() == data


def test_packets_that_may_be_ignored_are() -> None:
    for kind in (10, 12, 21, 40, 63):
        data = SOUND.encode() + pgp.packet(kind, b"PGP")
        assert Certificate.decode(data).encode() == data
        assert openpgp.certificate_facts(data) == openpgp.certificate_facts(SOUND.encode())


@pytest.mark.parametrize("kind", [1, 3, 4, 8, 9, 11, 18, 19, 20, 39])
def test_packets_that_must_not_be_ignored_are_not(kind: int) -> None:
    refused(SOUND.encode() + pgp.packet(kind, b""), Code.BAD_VALUE, len(SOUND.encode()))


def test_a_user_id_behind_a_subkey_is_refused() -> None:
    data = make(PRIMARY, subkeys=(Subkey(key=SIGNER),)).encode()
    refused(data + pgp.packet(pgp.USER_ID, b"late"), Code.BAD_VALUE, len(data))


def test_a_secret_key_is_refused_loudly() -> None:
    secret = PRIMARY.body + b"\x00" + pgp.mpi(1) + bytes(2)
    for data in (pgp.packet(pgp.SECRET_KEY, secret), SOUND.encode() + pgp.packet(7, secret)):
        with pytest.raises(openpgp.SecretKeyError, match="SECRET key; gpg --export"):
            openpgp.load_certificate(data)


def test_a_malformed_key_is_refused_where_it_stands() -> None:
    body = bytearray(PRIMARY.body)
    body[16:18] = (262).to_bytes(2, "big")
    error = refused(pgp.packet(pgp.PUBLIC_KEY, bytes(body)), Code.BAD_VALUE, 6 + 16)
    assert "claims 262" in error.message


def test_a_signature_that_cannot_be_read_is_kept_and_told() -> None:
    cut = UserId().certification(OTHER)[:-1]
    data = SOUND.having((pgp.SIGNATURE, cut), (pgp.SIGNATURE, b"\x03\x05" + bytes(20))).encode()
    certificate = Certificate.decode(data)
    assert [each.body[0] for each in certificate.unread] == [4, 3]
    assert "truncated" in certificate.unread[0].reason
    assert "version 3" in certificate.unread[1].reason
    assert not any(each.may_revoke for each in certificate.unread)
    assert openpgp.certificate_facts(data).unread == 2


@pytest.mark.parametrize("body", [b"\x04\x20", b"\x05\x28\x01", b"\x03\x05\x20" + bytes(20)])
def test_an_unread_signature_may_be_a_revocation(body: bytes) -> None:
    (unread,) = Certificate.decode(SOUND.having((pgp.SIGNATURE, body)).encode()).unread
    assert unread.may_revoke


@pytest.mark.parametrize("body", [b"", b"\x04", b"\x03\x05"])
def test_a_signature_cut_before_its_type_is_unread(body: bytes) -> None:
    (unread,) = Certificate.decode(SOUND.having((pgp.SIGNATURE, body)).encode()).unread
    assert not unread.may_revoke


# --- bounds ----------------------------------------------------------------------------------------------


def test_thousands_of_user_ids_are_refused_at_once() -> None:
    ids = [pgp.packet(pgp.USER_ID, b"%04d" % number) for number in range(10_000)]
    whole = SOUND.encode() + b"".join(ids[: MAX_PACKETS - 3])
    assert len(Certificate.decode(whole).user_ids) == MAX_PACKETS - 2
    refused(SOUND.encode() + b"".join(ids), Code.COUNT_LIMIT, len(whole))


def test_more_subkeys_than_are_tried_are_refused() -> None:
    keys = [Key("signer", created=MADE + number) for number in range(MAX_SUBKEYS + 1)]
    packets = [pgp.packet(pgp.PUBLIC_SUBKEY, key.body) for key in keys]
    data = SOUND.encode() + b"".join(packets[:-1])
    assert len(Certificate.decode(data).subkeys) == MAX_SUBKEYS
    refused(data + packets[-1], Code.COUNT_LIMIT, len(data))


def test_what_stands_twice_is_one_with_all_its_signatures() -> None:
    made = make(PRIMARY, subkeys=(Subkey(key=SIGNER),))
    said = SelfSignatures.of(Certificate.decode(made.having(*made.parts[3:]).encode()))
    (held,) = said.subkeys
    assert len(held.bindings) == 2
    again = make(PRIMARY).having(*make(PRIMARY).parts[1:])
    (user_id,) = SelfSignatures.of(Certificate.decode(again.encode())).user_ids
    assert len(user_id.certifications) == 2


@pytest.mark.parametrize("version", [4, 6])
def test_a_subkey_of_another_version_is_no_key_of_the_certificate(version: int) -> None:
    primary, other = Key("kinds", version=version), Key("signer", version=10 - version)
    data = pgp.packet(pgp.PUBLIC_KEY, primary.body) + pgp.packet(pgp.PUBLIC_SUBKEY, other.body)
    found = Certificate.decode(data)
    assert [key.fingerprint for key in found.every_key()] == [primary.fingerprint.hex()]
    assert found.subkeys[0].key == f"a subkey of version {10 - version} under a key of version {version}"


def test_a_huge_certificate_is_refused() -> None:
    with pytest.raises(OpenPgpError, match=str(MAX_CERTIFICATE)):
        Certificate.decode(bytes(MAX_CERTIFICATE + 1))


def test_a_flood_of_signatures_by_others_is_counted_and_not_verified() -> None:
    other = (pgp.SIGNATURE, UserId().certification(OTHER))
    made = SOUND.having(*(other,) * 3000)
    said = SelfSignatures.of(Certificate.decode(made.encode()))
    assert (said.foreign, len(said.user_ids[0].certifications)) == (3000, 1)


def test_a_flood_of_signatures_by_the_holder_is_verified_to_a_bound() -> None:
    """Of the slowest kind of key, each with the right digest prefix; past the bound they are undecided."""
    slow = Key(name="kinds", kind="p521")
    wrong = slow.sign(pgp.KEY_REVOCATION, slow.covered, at=AT)[:-8] + bytes(8)
    made = make(slow).having(*((pgp.SIGNATURE, wrong),) * (MAX_VERIFIED + 10), at=1)
    start = time.process_time()
    said = SelfSignatures.of(Certificate.decode(made.encode()))
    assert time.process_time() - start < 30
    assert "not verified here" in said.undecided[0]


# --- facts -----------------------------------------------------------------------------------------------


def test_the_facts_of_a_certificate() -> None:
    sub = Subkey(key=SIGNER, flags=pgp.SIGN, lifetime=9 * DAY)
    made = make(
        PRIMARY,
        user_ids=(UserId(lifetime=90 * DAY), UserId(text=b"\xffbytes", lifetime=90 * DAY)),
        subkeys=(sub, Subkey(key=Key(name="kinds", kind="rsa2048"), flags=pgp.ENCRYPT, back=None)),
        direct=pgp.direct_key(PRIMARY, hashed=((pgp.REVOKER, b"\x80\x16" + OTHER.fingerprint),)),
    )
    made = made.revoked(pgp.RETIRED, AT).having((pgp.SIGNATURE, UserId().certification(OTHER)), at=4)
    gone = pgp.revocation(PRIMARY, None, AT, subkey=SIGNER)
    facts = openpgp.certificate_facts(made.having((pgp.SIGNATURE, gone), at=10).encode())
    assert facts.fingerprint == PRIMARY.fingerprint.hex()
    assert facts.user_ids == (UserId().text.decode(), "\ufffdbytes")
    assert (facts.expires, facts.revoked) == (MADE + 90 * DAY, True)
    assert (facts.third_party, facts.unread, facts.designated_revokers) == (1, 0, (OTHER.fingerprint.hex(),))
    primary, signing, encrypting = facts.keys
    assert (primary.algorithm, primary.created, primary.flags) == (
        "EdDSA Ed25519",
        MADE,
        KeyFlags.CERTIFY | KeyFlags.SIGN,
    )
    assert primary.revocations == ((AT, "retired"),)
    assert (signing.expires, signing.flags) == (MADE + 9 * DAY, KeyFlags.SIGN)
    assert signing.revocations == ((AT, "no reason given"),)
    assert (encrypting.algorithm, encrypting.expires, encrypting.bound) == ("RSA 2048", None, True)
    assert encrypting.flags is not None
    assert encrypting.flags.names() == ("encrypt communications", "encrypt storage")


def test_facts_rest_on_what_the_holder_signed() -> None:
    forged = UserId(lifetime=DAY, at=MADE + 1).certification(replace(OTHER, created=MADE))
    graft = make(OTHER, subkeys=(Subkey(key=SIGNER),)).parts[3:]
    facts = openpgp.certificate_facts(SOUND.having((pgp.SIGNATURE, forged), *graft).encode())
    assert facts.expires is None
    assert [key.bound for key in facts.keys] == [True, False]
    assert openpgp.certificate_facts(pgp.packet(pgp.PUBLIC_KEY, PRIMARY.body)).keys[0].bound is False


def test_the_facts_of_a_signature() -> None:
    facts = openpgp.signature_facts(PRIMARY.detached(MESSAGE))
    assert (facts.untrusted_created, facts.untrusted_issuer) == (AT, PRIMARY.fingerprint.hex())
    for data in (b"", SOUND.encode(), PRIMARY.detached(MESSAGE) * 2):
        with pytest.raises(OpenPgpError, match="not exactly one signature"):
            openpgp.signature_facts(data)


# --- anything at all -------------------------------------------------------------------------------------

SEEDS = [case.certificate for case in CASES.values()]


@settings(max_examples=300)
@given(st.binary(max_size=200) | mutated(st.sampled_from(SEEDS)))
def test_any_bytes_are_a_certificate_or_refused(data: bytes) -> None:
    try:
        certificate = Certificate.decode(data)
    except (MalformedError, OpenPgpError):
        return
    assert certificate.encode() == data
    for key in certificate.every_key():
        assert PublicKey.decode(key.encode()) == key
    openpgp.certificate_facts(data)


@settings(max_examples=300)
@given(
    mutated(st.sampled_from([SIGNATURE, *(each.body for each in read_packets(SEEDS[0]) if each.type == 2)]))
)
def test_any_bytes_are_a_signature_or_refused(data: bytes) -> None:
    try:
        signature = SignaturePacket.decode(data)
    except (MalformedError, NotComputedError):
        return
    assert signature.encode() == data
    signature.unknown_critical()
    with pytest.raises(OpenPgpError):
        signature.verify(PublicKey.decode(OTHER.body), MESSAGE)


@settings(max_examples=200)
@given(mutated(st.sampled_from([PRIMARY.detached(MESSAGE)])))
def test_no_changed_signature_verifies(data: bytes) -> None:
    """But for its unhashed area, nothing of it can change."""
    try:
        facts = openpgp.signature_facts(data)
        key = openpgp.maker(Certificate.decode(SOUND.encode()), facts.packet, facts.packet.digest(MESSAGE))
    except (MalformedError, OpenPgpError):
        return
    assert key.fingerprint == PRIMARY.fingerprint.hex()
    original = openpgp.signature_facts(PRIMARY.detached(MESSAGE)).packet
    assert replace(facts.packet, unhashed=()) == replace(original, unhashed=())
