# SPDX-License-Identifier: Apache-2.0
"""Chains to an anchor: each rule kept and broken, in a test PKI whose certificates differ in one thing."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from bundlefmt.evidence import chain, x509_signature
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import (
    MAX_CHAIN,
    MAX_ISSUERS,
    MAX_SIGNATURES,
    Chain,
    Purpose,
    Relaxations,
    find_chain,
)
from bundlefmt.evidence.ek_certificate import AK_OR_EK_PURPOSE, AK_PURPOSE, EK_PURPOSE
from bundlefmt.moment import when
from tests.evidence.pki import (
    AK,
    AT,
    AUTHORITY,
    DAY,
    EK,
    LEAF,
    SIGNS,
    VALIDITY,
    Extensions,
    Hash,
    Private,
    certificate,
    constraints,
    ek_extensions,
    key,
    resigned,
    rsa_key,
    signed,
    tlv,
    usage,
)

ROOT_KEY, ISSUER_KEY, LEAF_KEY = key(1), key(2), key(3)
ROOT = certificate("Root", "Root", ROOT_KEY, ROOT_KEY)
root = partial(certificate, "Root", "Root", ROOT_KEY, ROOT_KEY)
issuer = partial(certificate, "Issuer", "Root", ISSUER_KEY, ROOT_KEY)
leaf = partial(certificate, "Leaf", "Issuer", LEAF_KEY, ISSUER_KEY, extensions=LEAF)


def find(
    data: bytes,
    issuers: Sequence[bytes] = (),
    anchors: Sequence[bytes] = (ROOT,),
    at: int = AT,
    purpose: Purpose | None = None,
    **relaxations: bool,
) -> Chain:
    return find_chain(
        data,
        issuers=issuers,
        anchors=anchors,
        at=at,
        purpose=purpose or Purpose(),
        relaxations=Relaxations(**relaxations),
    )


def test_a_signature_is_verified_once_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = list[bytes]()
    verify = chain.verify_signature

    def counted(*arguments: Any) -> None:
        verified.append(arguments[-1])
        verify(*arguments)

    monkeypatch.setattr(chain, "verify_signature", counted)
    leaves = [leaf(serial=serial) for serial in (71, 72)]
    above = issuer(extensions=AUTHORITY, serial=73)
    for each in (*leaves, *leaves):
        find(each, [above])
    assert sorted(verified) == sorted(Certificate.decode(each).tbs for each in (*leaves, above))


def refused(why: str, *arguments: object, **named: object) -> None:
    with pytest.raises(CertificateError, match=why):
        find(*arguments, **named)  # type: ignore[arg-type] # passed on


def test_the_chain_found_is_returned() -> None:
    chain = find(leaf(), [issuer()])
    assert [str(each) for each in chain.certificates] == ["CN=Leaf", "CN=Issuer", "CN=Root"]
    assert chain.anchor_sha256 == hashlib.sha256(ROOT).digest()
    assert chain.describe() == f"CN=Issuer → CN=Root (anchor {hashlib.sha256(ROOT).hexdigest()})"


def test_a_link_that_the_caller_refuses_is_none() -> None:
    """Another way to an anchor is taken, in whatever order they are given."""
    other = certificate("Root", "Root", key(9), key(9))
    crossed = issuer(), certificate("Issuer", "Root", ISSUER_KEY, key(9))
    for issuers in (crossed, crossed[::-1]):
        search = partial(find_chain, leaf(), issuers=issuers, anchors=(ROOT, other), at=AT, purpose=Purpose())
        for unwanted, wanted in ((ROOT, other), (other, ROOT)):
            chain = search(refuse=lambda _, above, no=unwanted: "not this" if above.raw == no else None)  # type: ignore[misc] # a default of a lambda
            assert chain.certificates[-1].raw == wanted
        with pytest.raises(CertificateError, match="not this"):
            search(refuse=lambda *_: "not this")


def test_an_anchor_need_not_be_self_signed() -> None:
    assert len(find(leaf(), [], [issuer()]).certificates) == 2


def test_an_anchor_ends_the_chain_where_it_is_met_first() -> None:
    assert len(find(leaf(), [issuer()], [ROOT, issuer()]).certificates) == 2


def test_an_anchor_is_matched_by_all_its_bytes() -> None:
    """The same name and key in other bytes, in the bundle: not an anchor."""
    refused(
        "neither an anchor nor given",
        leaf(),
        [issuer(), root(serial=2)],
        [certificate("X", "X", key(9), key(9))],
    )


def test_the_leaf_is_not_its_own_anchor() -> None:
    refused("is itself an anchor", root(), [], [root()])


def test_without_anchors_there_is_no_chain() -> None:
    refused("no chain to an anchor", leaf(), [issuer(), ROOT], [])


def test_an_anchor_that_cannot_be_read_is_an_error() -> None:
    refused("an anchor cannot be read", leaf(), [issuer()], [b"\x30\x00"])


def test_an_issuer_that_cannot_be_read_is_passed_over_and_named() -> None:
    assert len(find(leaf(), [b"\x30\x00", issuer()]).certificates) == 3
    refused("an issuer cannot be read", leaf(), [b"\x30\x00"])


def test_a_leaf_that_cannot_be_read_is_an_error() -> None:
    refused("the certificate cannot be read: trailing-bytes", leaf() + b"\0", [issuer()])


# --- signatures -------------------------------------------------------------------------------------


def test_a_signature_by_another_key_of_that_name() -> None:
    false = certificate("Issuer", "Root", key(7), ROOT_KEY)
    refused("certificate 1 .CN=Leaf.: the ECDSA with sha256 signature does not verify", leaf(), [false])
    assert len(find(leaf(), [false, issuer()]).certificates) == 3


def test_a_changed_certificate() -> None:
    changed = leaf().replace(b"Leaf", b"Lead")
    refused("signature does not verify", changed, [issuer()])


def test_an_issuer_of_another_name() -> None:
    refused("its issuer CN=Issuer is neither", leaf(), [certificate("Other", "Root", ISSUER_KEY, ROOT_KEY)])


def test_an_issuer_whose_name_is_written_otherwise() -> None:
    """Another string type and other capitals, as STMicroelectronics' authorities have."""
    printable = resigned(issuer(), ROOT_KEY, lambda tbs: tbs.replace(b"\x0c\x06Issuer", b"\x13\x06ISSUER"))
    assert len(find(leaf(), [printable]).certificates) == 3


@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("where", ["leaf", "issuer"])
def test_sha1(where: str, relaxed: bool) -> None:
    """cryptography signs no certificate with SHA-1, so the DER is made by hand."""
    sha1 = bytes.fromhex("300906072a8648ce3d0401")
    below = _by(leaf(), ISSUER_KEY, SHA1, sha1) if where == "leaf" else leaf()
    above = _by(issuer(), ROOT_KEY, SHA1, sha1) if where == "issuer" else issuer()
    if relaxed:
        assert len(find(below, [above], allow_sha1=True).certificates) == 3
    else:
        refused(f"certificate {1 if where == 'leaf' else 2} .*: the signature uses SHA-1", below, [above])


SHA1 = hashes.SHA1()  # noqa: S303 - what must be refused has to be made


def _by(
    data: bytes, private: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm, algorithm: bytes
) -> bytes:
    tbs = other.load_der_x509_certificate(data).tbs_certificate_bytes
    tbs = tbs.replace(bytes.fromhex("300a06082a8648ce3d040302"), algorithm, 1)
    tbs = tlv(0x30, tbs[4 if tbs[1] == 0x82 else 3 :])
    return tlv(0x30, tbs, algorithm, tlv(0x03, b"\x00", private.sign(tbs, ec.ECDSA(digest))))


def test_the_signature_of_an_anchor_does_not_count() -> None:
    weak = _by(root(), ROOT_KEY, SHA1, bytes.fromhex("300906072a8648ce3d0401"))
    assert len(find(leaf(), [issuer()], [weak]).certificates) == 3


def test_null_parameters_of_ecdsa() -> None:
    """As Intel's on-die authorities write them."""
    algorithm = bytes.fromhex("300c06082a8648ce3d0403020500")
    assert len(find(leaf(), [_by(issuer(), ROOT_KEY, hashes.SHA256(), algorithm)]).certificates) == 3


def test_an_algorithm_that_is_not_known() -> None:
    algorithm = bytes.fromhex("300a06082a8648ce3d040309")
    refused(
        "signature algorithm 1.2.840.10045.4.3.9 is not known",
        _by(leaf(), ISSUER_KEY, hashes.SHA256(), algorithm),
        [issuer()],
    )


SIGNERS: dict[str, Callable[[], Private]] = {
    "p256": lambda: key(5),
    "p384": lambda: ec.derive_private_key(5, ec.SECP384R1()),
    "p521": lambda: ec.derive_private_key(5, ec.SECP521R1()),
    "brainpool": lambda: ec.derive_private_key(5, ec.BrainpoolP256R1()),
    "rsa2048": lambda: rsa_key(5),
    "ed25519": lambda: ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)),
    "ml-dsa-65": lambda: mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes(32)),
}


@pytest.mark.parametrize("kind", SIGNERS)
def test_signature_algorithms(kind: str) -> None:
    private = SIGNERS[kind]()
    anchor = certificate("A", "A", private, private)
    data = certificate("L", "A", LEAF_KEY, private, extensions=LEAF)
    assert len(find(data, [], [anchor]).certificates) == 2
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    refused("signature does not verify", damaged, [], [anchor])


@pytest.mark.parametrize("digest", [hashes.SHA224(), hashes.SHA384(), hashes.SHA512()])
@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_hashes(kind: str, digest: Hash) -> None:
    private = SIGNERS[kind]()
    anchor = certificate("A", "A", private, private)
    data = certificate("L", "A", LEAF_KEY, private, extensions=LEAF, digest=digest)
    assert len(find(data, [], [anchor]).certificates) == 2


def test_rsassa_pss() -> None:
    anchor = certificate("A", "A", rsa_key(5), rsa_key(5))
    data = certificate("L", "A", LEAF_KEY, rsa_key(5), extensions=LEAF, pss=True)
    assert len(find(data, [], [anchor]).certificates) == 2
    refused("RSASSA-PSS with sha256 signature does not", data[:-1] + bytes([data[-1] ^ 1]), [], [anchor])


SHA256_ID = bytes.fromhex("300d06096086480165030402010500")
SHA512_ID = bytes.fromhex("300d06096086480165030402030500")
MGF1_OID, PSS_OID = bytes.fromhex("06092a864886f70d010108"), bytes.fromhex("06092a864886f70d01010a")
STATED = tlv(0xA0, SHA256_ID)
MASK = tlv(0xA1, tlv(0x30, MGF1_OID, SHA256_ID))
SALT = tlv(0xA2, b"\x02\x01\x20")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ([], "SHA-1 or with a salt"),
        ([MASK, SALT], "SHA-1 or with a salt"),
        ([STATED, SALT], "SHA-1 or with a salt"),
        ([STATED, MASK], "SHA-1 or with a salt"),
        ([STATED, tlv(0xA1, tlv(0x30, MGF1_OID, SHA512_ID)), SALT], "parameters that are not known"),
        ([STATED, tlv(0xA1, tlv(0x30, PSS_OID, SHA256_ID)), SALT], "parameters that are not known"),
        ([STATED, MASK, tlv(0xA2, b"\x02\x01\x21")], "parameters that are not known"),
        ([STATED, MASK, SALT, tlv(0xA3, b"\x02\x01\x02")], "trailer"),
        ([tlv(0xA0, bytes.fromhex("300906052b0e03021a0500")), MASK, SALT], "hash algorithm 1.3.14.3.2.26"),
    ],
)
def test_parameters_of_rsassa_pss(parameters: list[bytes], why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        x509_signature.signature_algorithm(tlv(0x30, PSS_OID, tlv(0x30, *parameters)))


def test_weak_keys() -> None:
    short = rsa_key(6, 1024)
    refused(
        "certificate 1 .CN=L.: an RSA key of 1024 bits",
        certificate("L", "Root", short, ROOT_KEY, extensions=LEAF),
    )
    anchor = certificate("A", "A", short, short)
    below = certificate("L", "A", LEAF_KEY, short, extensions=LEAF)
    refused("its issuer has an RSA key of 1024 bits", below, [], [anchor])
    p224 = ec.derive_private_key(3, ec.SECP224R1())
    refused("a key on secp224r1", certificate("L", "Root", p224, ROOT_KEY, extensions=LEAF))


def test_keys_that_can_be_factored_are_known_by_their_form() -> None:
    """A modulus of two numbers of the form k·M + (65537^a mod M), as CVE-2017-15361 made primes."""
    product = math.prod(n for n in range(3, 168, 2) if all(n % d for d in range(3, n, 2)))
    made = [(k * product + pow(65537, a, product)) for k, a in ((1 << 810, 1234), (3 << 809, 98765))]
    modulus = made[0] * made[1]
    assert modulus.bit_length() >= 2048
    assert x509_signature.has_roca_form(modulus)
    assert not x509_signature.has_roca_form(modulus + 2)
    weak = rsa.RSAPublicNumbers(65537, modulus).public_key()
    assert "CVE-2017-15361" in str(x509_signature.weakness(weak))
    assert x509_signature.weakness(rsa_key(5).public_key()) is None


def test_an_even_modulus_is_no_modulus() -> None:
    even = rsa.RSAPublicNumbers(65537, rsa_key(5).public_key().public_numbers().n + 1).public_key()
    assert "modulus is even" in str(x509_signature.weakness(even))


# --- rules of authorities ---------------------------------------------------------------------------

YEARS = 365 * DAY


@pytest.mark.parametrize("which", ["leaf", "issuer", "root"])
@pytest.mark.parametrize(
    ("validity", "why"),
    [((AT + 1, AT + DAY), "not yet valid"), ((AT - DAY, AT - 1), "no longer valid")],
)
def test_every_certificate_is_valid_at_the_time(which: str, validity: tuple[int, int], why: str) -> None:
    made = {"leaf": leaf, "issuer": issuer, "root": root}
    given = {each: make(validity=validity if each == which else VALIDITY) for each, make in made.items()}
    place = list(made).index(which) + 1
    refused(f"certificate {place} .*: {why} at {when(AT)}", given["leaf"], [given["issuer"]], [given["root"]])


def test_the_ends_of_validity_belong_to_it() -> None:
    chain = (leaf(validity=(AT, AT + 1)), [issuer()])
    assert find(*chain, at=AT)
    assert find(*chain, at=AT + 1)
    refused("not yet valid", *chain, at=AT - 1)
    refused("no longer valid", *chain, at=AT + 2)


def test_certificates_without_end_and_from_long_ago() -> None:
    """99991231235959Z is RFC 5280's way to write that there is no end; times before 1970 are negative."""
    long = (-15 * YEARS, 253_402_300_799)
    chain = (leaf(validity=long), [issuer(validity=long)], [root(validity=long)])
    for at in (long[0], -1, 0, AT, long[1]):
        assert find(*chain, at=at)
    refused("no longer valid", *chain, at=long[1] + 1)
    refused("not yet valid", *chain, at=long[0] - 1)


ISSUER_FAULTS: dict[str, tuple[Extensions, str]] = {
    "no basic constraints": ([SIGNS], "has no basic constraints"),
    "no authority": ([constraints(ca=False), SIGNS], "is no authority"),
    "no keyCertSign": ([constraints(), (usage("crl_sign", "digital_signature"), True)], "lacks keyCertSign"),
    "unknown critical": (
        [*AUTHORITY, (other.UnrecognizedExtension(other.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)],
        "critical extension 1.2.3.4 is not known",
    ),
    "name constraints": (
        [*AUTHORITY, (other.NameConstraints([other.DNSName("example.org")], None), False)],
        "name constraints, which are not evaluated",
    ),
    "policy constraints": (
        [*AUTHORITY, (other.PolicyConstraints(0, None), True)],
        "policy constraints, which are not evaluated",
    ),
    "unreadable constraints": (
        [(other.UnrecognizedExtension(other.ObjectIdentifier("2.5.29.19"), b"\x30\x01"), True), SIGNS],
        "truncated",
    ),
}


@pytest.mark.parametrize("fault", ISSUER_FAULTS)
@pytest.mark.parametrize("where", ["issuer", "anchor"])
def test_rules_of_authorities(fault: str, where: str) -> None:
    extensions, why = ISSUER_FAULTS[fault]
    faulty = issuer(extensions=extensions)
    issuers, anchors = ([faulty], [ROOT]) if where == "issuer" else ([], [faulty])
    refused(f"certificate 2 .CN=Issuer.: .*{why}", leaf(), issuers, anchors)
    assert len(find(leaf(), [*issuers, issuer(serial=9)], [*anchors, ROOT]).certificates) == 3


def test_extensions_that_may_be_critical() -> None:
    policies = other.CertificatePolicies([other.PolicyInformation(other.ObjectIdentifier("1.2.3"), None)])
    names = other.SubjectAlternativeName([other.DNSName("example.org")])
    assert find(leaf(extensions=[*LEAF, (names, True)]), [issuer(extensions=[*AUTHORITY, (policies, True)])])


def test_an_extension_that_the_caller_judges_may_be_critical() -> None:
    extra = (other.UnrecognizedExtension(other.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
    data = leaf(extensions=[*LEAF, extra])
    refused("critical extension 1.2.3.4", data, [issuer()])
    assert find(data, [issuer()], purpose=Purpose(critical=frozenset({"1.2.3.4"})))


def test_an_authority_without_basic_constraints_can_be_allowed() -> None:
    """YubiKeys of 2018 have an attestation certificate without them."""
    old = issuer(extensions=[])
    refused("has no basic constraints", leaf(), [old])
    assert find(leaf(), [old], allow_ca_without_constraints=True)
    tight = root(extensions=[constraints(0), SIGNS])
    assert find(leaf(), [old], [tight], allow_ca_without_constraints=True)
    refused("allows 0 authorities", leaf(), [issuer()], [tight], allow_ca_without_constraints=True)
    no = issuer(extensions=[constraints(ca=False)])
    refused("is no authority", leaf(), [no], allow_ca_without_constraints=True)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_path_length(length: int) -> None:
    """Three authorities below the root; a self-issued one among them does not count."""
    anchor = root(extensions=[constraints(length), SIGNS])
    first = certificate("One", "Root", key(11), ROOT_KEY)
    second = certificate("One", "One", key(12), key(11))
    third = certificate("Two", "One", key(13), key(12))
    data = certificate("L", "Two", LEAF_KEY, key(13), extensions=LEAF)
    if length == 2:
        assert len(find(data, [third, second, first], [anchor]).certificates) == 5
    else:
        refused(
            f"allows {length} authorities below it, and there are 2", data, [first, second, third], [anchor]
        )


# --- extended key usage -----------------------------------------------------------------------------


def _usages(*usages: other.ObjectIdentifier) -> tuple[other.ExtensionType, bool]:
    return (other.ExtendedKeyUsage(list(usages)), False)


ANY, TLS = other.ObjectIdentifier("2.5.29.37.0"), other.ObjectIdentifier("1.3.6.1.5.5.7.3.1")


def test_the_leaf_is_for_the_purpose() -> None:
    for usages in ([], [TLS], [AK], [ANY]):
        extensions = [*LEAF, *([_usages(*usages)] if usages else [])]
        refused(
            "certificate 1 .*extended key usage.*2.23.133.8.1 is needed",
            leaf(extensions=extensions),
            [issuer()],
            purpose=EK_PURPOSE,
        )
    assert find(leaf(extensions=[*LEAF, _usages(TLS, EK)]), [issuer()], purpose=EK_PURPOSE)
    attesting = leaf(extensions=[*LEAF, _usages(AK)])
    assert find(attesting, [issuer()], purpose=AK_PURPOSE)
    misnamed = leaf(extensions=[*LEAF, _usages(EK)])
    refused("2.23.133.8.3 is needed", misnamed, [issuer()], purpose=AK_PURPOSE)
    assert find(misnamed, [issuer()], purpose=AK_OR_EK_PURPOSE)


def test_a_leaf_without_usage_can_be_allowed_but_not_one_with_another() -> None:
    assert find(leaf(), [issuer()], purpose=EK_PURPOSE, allow_missing_usage=True)
    refused(
        "is needed",
        leaf(extensions=[*LEAF, _usages(TLS)]),
        [issuer()],
        purpose=EK_PURPOSE,
        allow_missing_usage=True,
    )


def test_an_authority_that_names_usages_issues_for_no_other() -> None:
    data = leaf(extensions=[*LEAF, _usages(EK)])
    for usages, accepted in (
        ((EK,), True),
        ((ANY,), True),
        ((TLS, EK), True),
        ((AK,), False),
        ((TLS,), False),
    ):
        above = issuer(extensions=[*AUTHORITY, _usages(*usages)])
        if accepted:
            assert find(data, [above], purpose=EK_PURPOSE)
        else:
            refused(
                "certificate 2 .CN=Issuer.: may not issue for 2.23.133.8.1", data, [above], purpose=EK_PURPOSE
            )


# --- bounded work -----------------------------------------------------------------------------------


def _line(length: int) -> tuple[bytes, list[bytes], bytes]:
    """(leaf, issuers, anchor) of a chain of `length` certificates."""
    made = [
        certificate(f"N{n}", f"N{n + 1}", key(100 + n), key(101 + n), extensions=AUTHORITY if n else LEAF)
        for n in range(length - 1)
    ]
    anchor = certificate(f"N{length - 1}", f"N{length - 1}", key(99 + length), key(99 + length))
    return made[0], made[1:], anchor


def test_the_longest_chain() -> None:
    data, issuers, anchor = _line(MAX_CHAIN)
    assert len(find(data, issuers, [anchor]).certificates) == MAX_CHAIN
    data, issuers, anchor = _line(MAX_CHAIN + 1)
    refused(f"more than {MAX_CHAIN} certificates", data, issuers, [anchor])


def test_the_number_of_issuers() -> None:
    more = [certificate(f"M{n}", "Root", key(5), ROOT_KEY) for n in range(MAX_ISSUERS)]
    assert find(leaf(), [issuer(), *more[1:]])
    refused(f"more than {MAX_ISSUERS} issuers", leaf(), [issuer(), *more])


def test_issuers_in_a_circle() -> None:
    circle = [
        certificate("Issuer", "B", ISSUER_KEY, key(21)),
        certificate("B", "Issuer", key(21), ISSUER_KEY),
    ]
    refused("neither an anchor nor given", leaf(), circle)


def test_many_authorities_that_certify_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit the paths among 60 authorities of one name and key would be past counting."""
    tried = 0
    verify = x509_signature.verify_signature

    def counted(*arguments: object) -> None:
        nonlocal tried
        tried += 1
        verify(*arguments)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr("bundlefmt.evidence.chain.verify_signature", counted)
    clones = [certificate("Issuer", "Issuer", ISSUER_KEY, ISSUER_KEY, serial=n + 1) for n in range(60)]
    refused(f"more than {MAX_CHAIN} certificates|more than {MAX_SIGNATURES} signatures", leaf(), clones)
    assert tried == MAX_SIGNATURES


def test_the_chain_is_found_among_wrong_ones() -> None:
    """Expired, of another key, and not for authorities: the right one comes last."""
    wrong = [
        issuer(validity=(AT - 2, AT - 1)),
        certificate("Issuer", "Root", key(8), ROOT_KEY),
        issuer(extensions=LEAF),
        certificate("Issuer", "Nobody", ISSUER_KEY, key(8)),
    ]
    assert find(leaf(), [*wrong, issuer()]).certificates[1] == Certificate.decode(issuer())


def test_the_reason_is_that_of_the_longest_attempt() -> None:
    upper = certificate("Upper", "Root", key(31), ROOT_KEY, validity=(AT - 2, AT - 1))
    middle = certificate("Issuer", "Upper", ISSUER_KEY, key(31))
    stranger = certificate("Issuer", "X", key(8), key(8))
    for given in itertools.permutations([stranger, middle, upper]):
        refused("certificate 3 .CN=Upper.: no longer valid", leaf(), given)


def test_an_ek_certificate_with_an_empty_subject() -> None:
    data = certificate("", "Issuer", LEAF_KEY, ISSUER_KEY, extensions=ek_extensions(), serial=0xABC)
    assert find(data, [issuer()], purpose=EK_PURPOSE)
    refused("certificate 1 .serial number abc.", data, [], purpose=EK_PURPOSE)


def test_a_key_that_cannot_be_read() -> None:
    damaged = resigned(
        leaf(),
        ISSUER_KEY,
        lambda tbs: tbs.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030108")),
    )
    refused("certificate 1 .CN=Leaf.: the key cannot be read", damaged, [issuer()])


def test_signed_makes_what_cryptography_makes() -> None:
    tbs = other.load_der_x509_certificate(leaf()).tbs_certificate_bytes
    assert find(signed(tbs, bytes.fromhex("300a06082a8648ce3d040302"), ISSUER_KEY), [issuer()])
