# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates and signatures that others made: read whole, and judged as their sources' tests say.

Each certificate is judged beside Sequoia at one time; where the two differ, the kind of difference is in a
table with its reason. What the provenance calls inferred is never asserted.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pysequoia
import pytest

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.openpgp_certificate import Certificate
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_self_signatures import newest
from bundlefmt.verify.context import Fail, Judgement, Skip, Unsure
from bundlefmt.verify.openpgp_signature import Made, SignatureStanding
from bundlefmt.verify.openpgp_standing import Standing
from tests.evidence.openpgp_corpus import certificate, certificates, dearmored, merged, packets, signature
from tests.provenance import ABSENT, Provenance, cases

FILES: Final = cases("openpgp", "*")
KNOWN: Final = {each.file: each for each in FILES}
# how the two differ -> why
DIFFERENCES: Final = {
    ("valid", "refused", "DSA"): "DSA is not accepted here; Sequoia lets keys of 2048 bits live until 2030",
    ("refused", "undecided", "secp256k1"): "neither computes it; here that is no refusal",
    ("valid", "undecided", "public-key algorithm"): "post-quantum algorithms are not computed here yet",
}
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


def view(data: bytes, at: int) -> tuple[str, str]:
    """How a certificate stands: one word and the reason."""
    try:
        standing = Standing(said(data), at)
    except openpgp.NotComputedError as error:
        return "undecided", str(error)
    except (MalformedError, openpgp.OpenPgpError) as error:
        return "refused", str(error)
    decisions: tuple[tuple[str, Callable[[], str]], ...] = (
        ("refused", standing.time),
        ("refused", standing.algorithms),
        ("refused", standing.binding),
        ("refused", standing.critical),
        ("revoked", standing.revocation),
        ("expired", standing.expiry),
    )
    for word, decide in decisions:
        try:
            decide()
        except Fail as fault:
            return word, str(fault)
        except Unsure as doubt:
            return "undecided", str(doubt)
        except Skip:
            continue
    return "valid", ""


def sequoias_view(data: bytes, at: int) -> str:
    """The same by Sequoia, which has its own clock: `at` is now."""
    try:
        found = pysequoia.Cert.from_bytes(data)
        expires, revoked = found.expiration, found.is_revoked
    except (RuntimeError, ValueError):
        return "refused"
    if revoked:
        return "revoked"
    return "expired" if expires is not None and expires.timestamp() <= at else "valid"


def every_certificate(corpus: Path) -> Iterator[tuple[str, bytes]]:
    for each in FILES:
        for data in certificates(corpus / "openpgp" / each.file):
            yield each.file, data


def test_every_certificate_stands_as_sequoia_has_it(
    corpus: Path, record_property: pytest.RecordProperty
) -> None:
    now, table, wrong = int(time.time()), Counter[tuple[str, str]](), []
    for file, data in every_certificate(corpus):
        (word, reason), theirs = view(data, now), sequoias_view(data, now)
        table[theirs, word] += 1
        known = [
            why
            for (seq, we, what), why in DIFFERENCES.items()
            if (seq, we) == (theirs, word) and what in reason
        ]
        if theirs != word and not known:
            wrong.append((file, theirs, word, reason))
    lines = [f"Sequoia {theirs}, here {word}: {count}" for (theirs, word), count in sorted(table.items())]
    record_property("agreement", "; ".join(lines))
    print("\n".join(lines))
    assert wrong == []
    assert sum(table.values()) > 100
    assert {theirs for theirs, _ in table} == {"valid", "expired", "revoked", "refused"}


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
    assert (view(data, first)[0], view(data, int(time.time()))[0]) == (then, today)


@pytest.mark.parametrize("last", range(len(SERIES)), ids=list(SERIES))
def test_subkeys_revoked_and_taken_up_again(last: int, corpus: Path) -> None:
    files = [f"sequoia/keys/really-revoked-subkey-{name}.pgp" for name in SERIES]
    asserted(files[last])
    found = said(merged(*(certificate(corpus / "openpgp" / file) for file in files[: last + 1])))
    (held,) = found.subkeys
    first = min(each.created or 0 for each in held.bindings)
    for at, expected in zip((first, int(time.time())), list(SERIES.values())[last], strict=True):
        binding = newest(held.bindings, since=held.key.created, at=at)
        assert binding is not None
        standing = Standing(found, at)
        if expected == "revoked":
            with pytest.raises(Fail, match="revoked"):
                standing.unrevoked(held.key, held.revocations, binding.created or 0)
        else:
            standing.unrevoked(held.key, held.revocations, binding.created or 0)


def test_an_update_puts_the_expiry_off(corpus: Path) -> None:
    old, update = (f"sequoia/keys/about-to-expire.{name}.pgp" for name in ("expired", "update-no-uid"))
    asserted(old)
    asserted(update)
    data = certificate(corpus / "openpgp" / old)
    assert view(data, int(time.time()))[0] == "expired"
    assert view(merged(data, certificate(corpus / "openpgp" / update)), int(time.time()))[0] == "valid"


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


@pytest.mark.parametrize("name", ["nosubsig", "badbind"])
def test_a_subkey_without_a_binding_is_not_used(name: str, corpus: Path) -> None:
    file = f"rpm/CVE-2021-3521-{name}.asc"
    asserted(file)
    found = said(certificate(corpus / "openpgp" / file))
    assert not found.subkeys[0].bindings
    assert view(found.certificate.encode(), LONG_AFTER)[0] == "valid"


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
            SignatureStanding(found, made, at=packet.created or 0, lapse=int(time.time())).require()
        except Judgement as judgement:
            reason = f"{found.certificate.fingerprint}: {judgement}"
            continue
        return "good"
    return reason


SIGNATURES: Final = {
    ("keylime-allowlist", "allowlist-pgp-key.pgp", "allowlist-pgp-sig.sig", "allowlist.json"): "good",
    ("keylime-allowlist", "allowlist-pgp-key.pgp", "allowlist-invalid-sig.sig", "allowlist.json"): "no key",
    ("rnp/stream_signatures", "pub.asc", "source.txt.sig", "source.txt"): "good",
    ("rnp/stream_signatures", "pub.asc", "source.txt.sig", "source_forged.txt"): "no key",
    ("sequoia/sqv", "bad-subkey-keyring.pgp", "bad-subkey.txt.sig", "bad-subkey.txt"): "good",
}


@pytest.mark.parametrize("names", SIGNATURES, ids="/".join)
def test_detached_signatures(names: tuple[str, str, str, str], corpus: Path) -> None:
    folder, *files = names
    asserted(f"{folder}/{files[1]}")
    ring, made, message = (corpus / "openpgp" / folder / file for file in files)
    assert judged(ring, made, message).startswith(SIGNATURES[names])


def test_a_collision_of_sha1_is_refused_for_its_digest(corpus: Path) -> None:
    file = "sequoia/messages/messages/shattered-2.pdf.sig"
    asserted(file)
    folder = corpus / "openpgp" / "sequoia"
    message = folder / "messages" / "messages" / "shattered-2.pdf"
    reason = judged(folder / "keys" / "testy-new.pgp", corpus / "openpgp" / file, message)
    assert reason.endswith("openpgp.algorithms says why")
