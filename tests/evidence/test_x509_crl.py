# SPDX-License-Identifier: Apache-2.0
"""Revocation lists: what each says about one certificate at one time, and which are not used."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ReasonFlags

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.chain import Relaxations
from bundlefmt.evidence.crl import MAX_ENTRIES, MAX_LISTS, Revocation, RevocationList, Standing, revocation
from bundlefmt.moment import when
from tests.evidence.pki import (
    AT,
    AUTHORITY,
    DAY,
    LEAF,
    Extensions,
    certificate,
    constraints,
    crl,
    key,
    rsa_key,
    tlv,
    usage,
)

ISSUER_KEY = key(2)
ISSUER = certificate("Issuer", "Root", ISSUER_KEY, key(1))
SERIAL = 0x77
make = partial(crl, "Issuer", ISSUER_KEY)
certify = partial(certificate, "Leaf", "Issuer", key(3), ISSUER_KEY, serial=SERIAL)
LISTED = (SERIAL, AT - 3 * DAY, None)
SHA1 = hashes.SHA1()  # noqa: S303 - what must be refused has to be made
POINT = "http://crl.example/1"


def standing(
    *lists: bytes, leaf: bytes | None = None, issuer: bytes = ISSUER, at: int = AT, **relaxations: bool
) -> Revocation:
    return revocation(
        Certificate.decode(leaf or certify(extensions=LEAF)),
        Certificate.decode(issuer),
        [RevocationList.decode(each) for each in lists],
        at=at,
        relaxations=Relaxations(**relaxations),
    )


def test_a_list_is_read_as_another_reader_reads_it() -> None:
    data = make(LISTED, (5, AT - DAY, ReasonFlags.superseded), (6, AT - DAY, ReasonFlags.key_compromise))
    loaded, ours = other.load_der_x509_crl(data), RevocationList.decode(data)
    assert ours.encode() == data
    assert (ours.tbs, ours.signature) == (loaded.tbs_certlist_bytes, loaded.signature)
    assert str(ours.issuer) == loaded.issuer.rfc4514_string()
    assert loaded.next_update_utc is not None
    assert ours.this_update == int(loaded.last_update_utc.timestamp())
    assert ours.next_update == int(loaded.next_update_utc.timestamp())
    assert {serial: (each.since, each.reason) for serial, each in ours.revoked.items()} == {
        SERIAL: (AT - 3 * DAY, 0),
        5: (AT - DAY, 4),
        6: (AT - DAY, 1),
    }


def test_good_revoked_unknown() -> None:
    assert standing(make()) == Revocation(standing=Standing.GOOD)
    assert standing().standing is Standing.UNKNOWN
    found = standing(make(LISTED))
    assert found.standing is Standing.REVOKED
    assert found.entry is not None
    assert found.entry.describe() == f"revoked at {when(AT - 3 * DAY)} (unspecified)"


def test_the_ends_of_a_list_belong_to_it() -> None:
    data = make(updates=(AT - 5, AT))
    assert standing(data).standing is Standing.GOOD
    later = standing(data, at=AT + 1)
    assert (later.standing, "no longer current" in later.reasons[0]) == (Standing.UNKNOWN, True)


def test_a_list_that_promises_no_end_is_current_only_when_it_was_made() -> None:
    data = resigned_list(make(updates=(AT - 5, AT)), drop_next_update)
    assert RevocationList.decode(data).next_update is None
    assert standing(data).standing is Standing.UNKNOWN
    assert standing(data, at=AT - 6).standing is Standing.GOOD


def test_a_later_list_says_what_was_so_before() -> None:
    """Entries stay until the certificate ends (RFC 5280 3.3); after that their absence says nothing."""
    ends = certify(extensions=LEAF, validity=(AT - 30 * DAY, AT + 10 * DAY))
    assert standing(make(updates=(AT + 9 * DAY, AT + 11 * DAY)), leaf=ends).standing is Standing.GOOD
    gone = standing(make(updates=(AT + 11 * DAY, AT + 12 * DAY)), leaf=ends)
    assert (gone.standing, "after the certificate ended" in gone.reasons[0]) == (Standing.UNKNOWN, True)


@pytest.mark.parametrize(
    ("since", "reason", "concerns"),
    [
        (AT, ReasonFlags.superseded, True),
        (AT + 1, ReasonFlags.superseded, False),
        (AT + 1, ReasonFlags.cessation_of_operation, False),
        (AT + 1, ReasonFlags.affiliation_changed, False),
        (AT + 1, ReasonFlags.certificate_hold, False),
        (AT + 1, ReasonFlags.key_compromise, True),
        (AT + 1, ReasonFlags.ca_compromise, True),
        (AT + 1, ReasonFlags.aa_compromise, True),
        (AT + 1, ReasonFlags.privilege_withdrawn, True),
        (AT + 1, None, True),
    ],
)
def test_what_a_later_revocation_takes_away(since: int, reason: ReasonFlags | None, concerns: bool) -> None:
    """A compromise that is noticed later reaches back, and so may a revocation without a reason."""
    found = standing(make((SERIAL, since, reason), updates=(AT + 2, AT + DAY)))
    assert found.entry is not None
    assert found.entry.concerns(AT) is concerns


def test_of_two_entries_the_worse_counts() -> None:
    harmless, worse = (
        (SERIAL, AT + DAY, ReasonFlags.superseded),
        (SERIAL, AT + DAY, ReasonFlags.key_compromise),
    )
    for pair in ((harmless, worse), (worse, harmless)):
        one_list, two_lists = [make(*pair)], [make(each) for each in pair]
        for lists in (one_list, two_lists):
            entry = standing(*lists).entry
            assert entry is not None
            assert entry.concerns(AT)


def test_an_old_list_that_revokes_counts_beside_a_new_one_that_does_not() -> None:
    assert standing(make(LISTED, updates=(AT - 9 * DAY, AT - 8 * DAY)), make()).standing is Standing.REVOKED


def test_a_list_that_is_not_used_leaves_its_reason_beside_one_that_is() -> None:
    found = standing(crl("Issuer", key(9)), make())
    assert (found.standing, len(found.reasons)) == (Standing.GOOD, 1)


def test_many_lists() -> None:
    assert standing(*[make()] * MAX_LISTS).standing is Standing.GOOD
    assert standing(*[make()] * (MAX_LISTS + 1)).reasons == (f"more than {MAX_LISTS} lists",)


FORGED: dict[str, tuple[bytes, str]] = {
    "another key": (crl("Issuer", key(9), LISTED), "signature does not verify"),
    "another issuer": (crl("Other", ISSUER_KEY, LISTED), "of another issuer"),
    "changed": (
        make((0x66, AT, None)).replace(b"\x02\x01\x66", b"\x02\x01\x77"),
        "signature does not verify",
    ),
}


@pytest.mark.parametrize("fault", FORGED)
def test_a_list_that_is_not_the_issuers(fault: str) -> None:
    data, why = FORGED[fault]
    found = standing(data)
    assert found.standing is Standing.UNKNOWN
    assert why in found.reasons[0]


def test_the_issuer_may_sign_lists() -> None:
    certifies = (usage("key_cert_sign"), True)
    no_lists = certificate("Issuer", "R", ISSUER_KEY, key(1), extensions=[constraints(), certifies])
    found = standing(make(LISTED), issuer=no_lists)
    assert (found.standing, "lacks cRLSign" in found.reasons[0]) == (Standing.UNKNOWN, True)
    unsaid = certificate("Issuer", "R", ISSUER_KEY, key(1), extensions=[constraints()])
    assert standing(make(LISTED), issuer=unsaid).standing is Standing.REVOKED


def test_weak_lists() -> None:
    sha1 = resigned_list(make(LISTED), list, SHA1, bytes.fromhex("300906072a8648ce3d0401"))
    assert "uses SHA-1" in standing(sha1).reasons[0]
    assert standing(sha1, allow_sha1=True).standing is Standing.REVOKED
    short = rsa_key(6, 1024)
    issuer = certificate("Issuer", "R", short, key(1))
    assert "RSA key of 1024 bits" in standing(crl("Issuer", short), issuer=issuer).reasons[0]


def scope(**members: object) -> Extensions:
    given: dict[str, object] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return [(other.IssuingDistributionPoint(**(given | members)), True)]  # type: ignore[arg-type] # its members


def points(*urls: str) -> Extensions:
    named = [
        other.DistributionPoint([other.UniformResourceIdentifier(url)], None, None, None) for url in urls
    ]
    return [*LEAF, (other.CRLDistributionPoints(named), False)]


HERE = [other.UniformResourceIdentifier(POINT)]
SCOPES: list[tuple[Extensions, Extensions, bool]] = [
    (scope(only_contains_user_certs=True), LEAF, True),
    (scope(only_contains_user_certs=True), AUTHORITY, False),
    (scope(only_contains_ca_certs=True), LEAF, False),
    (scope(only_contains_ca_certs=True), AUTHORITY, True),
    (scope(only_some_reasons=frozenset({ReasonFlags.key_compromise})), LEAF, False),
    (scope(indirect_crl=True), LEAF, False),
    (scope(only_contains_attribute_certs=True), LEAF, False),
    (scope(full_name=HERE), points(POINT), True),
    (scope(full_name=HERE), points("http://crl.example/2", POINT), True),
    (scope(full_name=HERE), points("http://crl.example/2"), False),
    (scope(full_name=HERE), LEAF, False),
    ([(other.DeltaCRLIndicator(1), True)], LEAF, False),
    ([(other.CRLNumber(1), False)], LEAF, True),
    ([(other.UnrecognizedExtension(other.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)], LEAF, False),
]


@pytest.mark.parametrize(("extensions", "leaf", "used"), SCOPES)
def test_a_list_counts_for_what_is_in_its_scope(extensions: Extensions, leaf: Extensions, used: bool) -> None:
    for entries, outcome in (((), Standing.GOOD), ((LISTED,), Standing.REVOKED)):
        found = standing(make(*entries, extensions=extensions), leaf=certify(extensions=leaf))
        assert found.standing is (outcome if used else Standing.UNKNOWN), found.reasons


def test_a_critical_extension_of_any_entry_makes_the_list_unusable() -> None:
    """RFC 5280 5.3: such a list must not be used for any certificate."""
    unknown = (other.UnrecognizedExtension(other.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)
    found = standing(make((1, AT, None), entry_extensions=[unknown]))
    assert (found.standing, "1.2.3" in found.reasons[0]) == (Standing.UNKNOWN, True)
    known = (other.InvalidityDate(datetime.datetime(2025, 1, 1)), False)
    assert standing(make((1, AT, None), entry_extensions=[known])).standing is Standing.GOOD


# --- malformed lists --------------------------------------------------------------------------------


def resigned_list(
    data: bytes,
    edit: Callable[[list[bytes]], list[bytes]],
    digest: hashes.HashAlgorithm | None = None,
    algorithm: bytes | None = None,
) -> bytes:
    """A list whose parts went through `edit`, signed again with `digest` under the name `algorithm`."""
    signed = der.decode_element(other.load_der_x509_crl(data).tbs_certlist_bytes, path="list")
    parts = [each.raw for each in der.children(signed, der.SEQUENCE, "list")]
    named = algorithm or parts[1]
    parts[1] = named
    tbs = tlv(0x30, *edit(parts))
    signature = ISSUER_KEY.sign(tbs, ec.ECDSA(digest or hashes.SHA256()))
    return tlv(0x30, tbs, named, tlv(0x03, b"\x00", signature))


def drop_next_update(parts: list[bytes]) -> list[bytes]:
    return [*parts[:4], *parts[5:]]


NUMBERED: Extensions = [(other.CRLNumber(1), False)]


def test_malformed_lists() -> None:
    sound = make(LISTED)
    with pytest.raises(MalformedError) as caught:
        RevocationList.decode(sound + b"\0")
    assert caught.value.code is Code.TRAILING_BYTES
    with pytest.raises(MalformedError, match="extensions in version 1"):
        RevocationList.decode(resigned_list(make(extensions=NUMBERED), lambda parts: parts[1:]))
    for size in range(0, len(sound), 7):
        with pytest.raises(MalformedError):
            RevocationList.decode(sound[:size])


def test_the_number_of_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_ENTRIES >= 100_000
    monkeypatch.setattr("bundlefmt.evidence.crl.MAX_ENTRIES", 3)
    entries = [(serial, AT, None) for serial in range(1, 5)]
    assert len(RevocationList.decode(make(*entries[:3])).revoked) == 3
    with pytest.raises(MalformedError) as caught:
        RevocationList.decode(make(*entries))
    assert caught.value.code is Code.COUNT_LIMIT
