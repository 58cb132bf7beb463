# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates and signatures that others made: read whole, and judged as their sources' tests say.

Each certificate is judged beside Sequoia at one time; where the two differ, the kind of difference is in a
table with its reason. What the provenance calls inferred is never asserted.
"""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.openpgp_certificate import Certificate
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_packet import PacketType
from bundlefmt.evidence.openpgp_self_signatures import newest
from bundlefmt.verify.context import Fail, Judgement
from bundlefmt.verify.openpgp_signature import Made, SignatureStanding
from bundlefmt.verify.openpgp_standing import Standing
from tests.evidence.openpgp_corpus import certificate, certificates, dearmored, merged, packets, signature
from tests.provenance import ABSENT, Provenance, cases
from tests.verify.openpgp_agreement import FILE, others_text
from tests.verify.openpgp_others import DIFFERENCES, FILES, TODAY, counts, every_certificate, view

KNOWN: Final = {each.file: each for each in FILES}
# expected by the source of a file (a test of its, or its data) and not found here -> why
OTHER_POLICIES: Final = {
    "rnp/forged_keys/ecc-p256-pub-forged-key.pgp": "rnp lets a subkey's binding stand for a forged user id",
    "rnp/forged_keys/ecc-p256-pub-no-certification.pgp": "as above, without a signature on the user id",
    "rnp/forged_keys/dsa-eg-pub.pgp": "DSA is not accepted",
    "rnp/forged_keys/dsa-eg-pub-forged-subkey.pgp": "DSA is not accepted",
}


def asserted(file: str) -> None:
    """The source itself says what is tested here."""
    assert KNOWN[file].basis in ("source-test", "in-data"), file


def said(data: bytes) -> openpgp.SelfSignatures:
    return openpgp.self_signatures(data)


def test_every_certificate_stands_as_sequoia_has_it(corpus: Path) -> None:
    """But for the differences in the table; how many there are of each is published."""
    found = counts(corpus)
    assert sum(found.values()) > 100
    assert {theirs for theirs, _, _ in found} == {"valid", "expired", "revoked", "refused"}
    assert {why for _, _, why in found} == {"", *DIFFERENCES.values()}
    published = FILE.read_text(encoding="utf-8")
    if f"pysequoia {version('pysequoia')}" not in published:
        pytest.skip("the table is of another release of Sequoia")
    assert published.endswith(others_text(found))


def test_every_certificate_is_kept_as_it_is(corpus: Path) -> None:
    read = 0
    for file, data in every_certificate(corpus):
        try:
            found = Certificate.decode(data)
        except (MalformedError, openpgp.OpenPgpError):
            continue
        read += 1
        assert found.encode() == data, file
        for key in found.every_key():
            assert PublicKey.decode(key.encode()) == key, file
    assert read > 100


def test_every_signature_is_kept_as_it_is(corpus: Path) -> None:
    """In whatever it stands: certificates, messages, files of their own."""
    read, refused = 0, Counter[str]()
    for each in FILES:
        for data in dearmored((corpus / "openpgp" / each.file).read_bytes()):
            for packet in packets(data):
                if packet.type != 2:
                    continue
                try:
                    assert openpgp.SignaturePacket.decode(packet.body).encode() == packet.body
                    read += 1
                except (MalformedError, openpgp.NotComputedError) as error:
                    refused[str(error)] += 1
    assert read > 500
    print("\n".join(f"{count}: {reason}" for reason, count in refused.most_common()))
    assert sum(refused.values()) < read / 50


@pytest.mark.parametrize("each", FILES, ids=str)
def test_no_file_ends_in_another_error(each: Provenance, corpus: Path) -> None:
    assert each is not ABSENT
    data = (corpus / "openpgp" / each.file).read_bytes()
    for one in (data, *dearmored(data)):
        for read in (openpgp.certificate_facts, openpgp.signature_facts, openpgp.packet_tags):
            try:
                read(one)
            except (MalformedError, openpgp.OpenPgpError) as error:
                assert str(error)


# --- what the sources' own tests say ---------------------------------------------------------------------

FORGED: Final = cases("openpgp", "rnp/forged_keys/*.pgp")
LONG_AFTER: Final = 1_700_000_000  # 2023, when rnp's expired keys had expired


@pytest.mark.parametrize("each", [each for each in FORGED if each.basis == "source-test"], ids=str)
def test_forged_keys_of_rnp(each: Provenance, corpus: Path) -> None:
    """`primary valid, subkey invalid` and the like; keys without that word are valid as a whole."""
    data = certificate(corpus / "openpgp" / each.file)
    found = said(data)
    word, _ = view(data, LONG_AFTER)
    expected = each.expected.split("validate: ", 1)[1]
    if each.file in OTHER_POLICIES:
        assert word == "refused"
        return
    primary = "expired" if "primary expired" in expected else "valid"
    primary = (
        "refused" if "primary invalid" in expected or "primary (new key id) invalid" in expected else primary
    )
    assert word == primary
    if word != "valid":
        return
    (sub,) = (held for held in found.subkeys)
    binding = newest(sub.bindings, since=sub.key.created, at=LONG_AFTER)
    assert (binding is None) == ("subkey invalid" in expected)
    if "subkey expired" in expected:
        assert binding is not None
        assert binding.key_lifetime
        assert sub.key.created + binding.key_lifetime < LONG_AFTER


# merged up to this file -> how it stands at the first self-signature and today
SERIES: Final = {
    "0-public": ("valid", "valid"),
    "1-soft-revocation": ("valid", "revoked"),
    "2-new-self-sig": ("valid", "valid"),
    "3-hard-revocation": ("revoked", "revoked"),
    "4-new-self-sig": ("revoked", "revoked"),
}


@pytest.mark.parametrize("last", range(len(SERIES)), ids=list(SERIES))
def test_revoked_and_taken_up_again(last: int, corpus: Path) -> None:
    files = [f"sequoia/keys/really-revoked-cert-{name}.pgp" for name in SERIES]
    asserted(files[last])
    data = merged(*(certificate(corpus / "openpgp" / file) for file in files[: last + 1]))
    first = min(each.created or 0 for each in said(data).user_ids[0].certifications)
    then, today = list(SERIES.values())[last]
    assert (view(data, first)[0], view(data, TODAY)[0]) == (then, today)


@pytest.mark.parametrize("last", range(len(SERIES)), ids=list(SERIES))
def test_subkeys_revoked_and_taken_up_again(last: int, corpus: Path) -> None:
    files = [f"sequoia/keys/really-revoked-subkey-{name}.pgp" for name in SERIES]
    asserted(files[last])
    found = said(merged(*(certificate(corpus / "openpgp" / file) for file in files[: last + 1])))
    (held,) = found.subkeys
    first = min(each.created or 0 for each in held.bindings)
    for at, expected in zip((first, TODAY), list(SERIES.values())[last], strict=True):
        binding = newest(held.bindings, since=held.key.created, at=at)
        assert binding is not None
        standing = Standing(found, at)
        if expected == "revoked":
            with pytest.raises(Fail, match="revoked"):
                standing.unrevoked(held.key, held.revocations, binding.created or 0)
        else:
            standing.unrevoked(held.key, held.revocations, binding.created or 0)


def test_an_update_puts_the_expiry_off(corpus: Path) -> None:
    """It comes without the user id that it certifies, and counts once it stands behind it."""
    old, update = (f"sequoia/keys/about-to-expire.{name}.pgp" for name in ("expired", "update-no-uid"))
    asserted(old)
    asserted(update)
    data, newer = (certificate(corpus / "openpgp" / file) for file in (old, update))
    assert view(data, TODAY)[0] == "expired"
    assert view(merged(data, newer), TODAY)[0] == "expired"
    (made,) = (packet for packet in packets(newer) if packet.type == PacketType.SIGNATURE)
    assert view(data + made.encode(), TODAY)[0] == "valid"


KEY_VALIDITY: Final = {
    "case1": ("valid",),
    "case3": ("refused", None),
    "case5": ("valid", None),
    "case7": ("valid",),
    "case9": ("valid",),
    "case11": ("expired",),
    "case13": ("expired",),
    "case15": ("valid",),
}


@pytest.mark.parametrize("name", KEY_VALIDITY)
def test_key_validity_of_rnp(name: str, corpus: Path) -> None:
    """The first certificate of each ring is Alice's; what is said of others is None."""
    file = f"rnp/key_validity/{name}/pubring.gpg"
    asserted(file)
    for data, expected in zip(certificates(corpus / "openpgp" / file), KEY_VALIDITY[name], strict=True):
        if expected is not None:
            assert view(data, LONG_AFTER)[0] == expected


def test_a_subkey_without_a_valid_binding_is_not_used(corpus: Path) -> None:
    file = "rpm/CVE-2021-3521-badbind.asc"
    asserted(file)
    found = said(certificate(corpus / "openpgp" / file))
    assert not found.subkeys[0].bindings
    assert view(found.certificate.encode(), LONG_AFTER)[0] == "valid"


def test_a_subkey_twice_and_once_without_a_binding_is_bound(corpus: Path) -> None:
    """rpm's own reader refuses the certificate; Sequoia takes the two for one, as is done here."""
    file = "rpm/CVE-2021-3521-nosubsig.asc"
    asserted(file)
    found = said(certificate(corpus / "openpgp" / file))
    subkeys = [packet for packet in found.certificate.packets if packet.type == PacketType.PUBLIC_SUBKEY]
    assert len(subkeys) == 2
    (held,) = found.subkeys
    assert len(held.bindings) == 1


def test_subkeys_that_expired_or_were_revoked(corpus: Path) -> None:
    for name in ("expired", "revoked"):
        file = f"rpm/alice-{name}-subkey.asc"
        asserted(file)
        found = said(certificate(corpus / "openpgp" / file))
        (held,) = (each for each in found.subkeys if each.key.key_id == "1f71177215217ee0")
        binding = newest(held.bindings, since=held.key.created, at=None)
        assert binding is not None
        if name == "revoked":
            assert [each.reason for each in held.revocations] == [2]
        else:
            with pytest.raises(Fail, match="expired"):
                Standing(found, LONG_AFTER).alive(held.key, (binding,))


# --- signatures ------------------------------------------------------------------------------------------


def judged(ring: Path, signature_file: Path, message: Path) -> str:
    """`good`, or the reason why no certificate of the ring makes it so."""
    raw = signature(signature_file)
    packet = openpgp.signature_facts(raw).packet
    reason = "no certificate"
    for data in certificates(ring):
        found = said(data)
        try:
            key = openpgp.maker(found.certificate, packet, packet.digest(message.read_bytes()))
        except openpgp.NotMadeByError as error:
            reason = str(error)
            continue
        made = Made(raw=raw, packet=packet, key=key, message=message.read_bytes())
        try:
            SignatureStanding(found, made, at=packet.created or 0, lapse=TODAY).require()
        except Judgement as judgement:
            reason = f"{found.certificate.fingerprint}: {judgement}"
            continue
        return "good"
    return reason


SIGNATURES: Final = {
    ("keylime-allowlist", "allowlist-pgp-key.pgp", "allowlist-pgp-sig.sig", "allowlist.json"): "good",
    # the only self-signature left was made two years after the signature: gpg does not mind, Sequoia does
    ("rnp/stream_signatures", "pub.asc", "source.txt.sig", "source.txt"): (
        "7a60e671179f9b920f6478a25873bd738e575398: openpgp.binding says why"
    ),
    ("rnp/stream_signatures", "pub.asc", "source.txt.sig", "source_forged.txt"): "no key",
    ("sequoia/sqv", "bad-subkey-keyring.pgp", "bad-subkey.txt.sig", "bad-subkey.txt"): "good",
}


@pytest.mark.parametrize("names", SIGNATURES, ids="/".join)
def test_detached_signatures(names: tuple[str, str, str, str], corpus: Path) -> None:
    folder, *files = names
    asserted(f"{folder}/{files[1]}")
    ring, made, message = (corpus / "openpgp" / folder / file for file in files)
    assert judged(ring, made, message).startswith(SIGNATURES[names])


def test_what_is_no_signature_is_refused(corpus: Path) -> None:
    file = "keylime-allowlist/allowlist-invalid-sig.sig"
    asserted(file)
    with pytest.raises(MalformedError):
        openpgp.signature_facts((corpus / "openpgp" / file).read_bytes())


def test_a_collision_of_sha1_is_refused(corpus: Path) -> None:
    """The signature is over what a hash function makes of the file that tells a collision by its trace."""
    file = "sequoia/messages/messages/shattered-2.pdf.sig"
    asserted(file)
    folder = corpus / "openpgp" / "sequoia"
    message = folder / "messages" / "messages" / "shattered-2.pdf"
    reason = judged(folder / "keys" / "testy-new.pgp", corpus / "openpgp" / file, message)
    assert reason == "no key of the certificate made this signature"
