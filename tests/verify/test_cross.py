# SPDX-License-Identifier: Apache-2.0
"""Cross-signatures judged: by gpg and sqv too, and what one key's holder cannot say about another's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.bundle import Bundle
from bundlefmt.evidence import openpgp as evidence
from bundlefmt.evidence.openpgp_packet import OpenPgpError
from bundlefmt.evidence.openpgp_spki import openpgp_key_spki
from bundlefmt.evidence.x509 import key_spki
from bundlefmt.verify import Outcome
from tests.conftest import Need
from tests.test_vectors import octets, said
from tests.vectorgen import certificates, openpgp
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen import own_certificates as own
from tests.vectorgen.ceremonies import whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.judged_cross import cross_certificate, crossed
from tests.verify.judging import broken, concluded, finding, report

SIGNATURE, CERTIFICATE = "cross.sig", "cross.cert"
CROSSED: Final = "identity.crossed"
PIV: Final = certificates.operator().certificate


# --- stock programs -------------------------------------------------------------------------------------


@pytest.fixture
def gpg(part: Need, tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    """gpg with a keyring of its own; returns what it printed, raises CalledProcessError where it fails."""
    part("gpg", "gpgconf")
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    (home / "gpg.conf").write_text("trust-model always\n", encoding="utf-8")
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}

    def run(*arguments: str | Path) -> bytes:
        command = ["gpg", "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"]
        done = subprocess.run([*command, *arguments], capture_output=True, check=True, env=environment)
        return done.stdout

    yield run
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, env=environment)


def unpacked(name: str, folder: Path) -> tuple[Path, Path, Path]:
    """Keyring, signature and signed certificate of a vector, as files."""
    content = Bundle.decode(octets(name)).content
    parts = {"keyring": "operator.openpgp", "signature": SIGNATURE, "piv.der": "operator.piv"}
    for file, label in parts.items():
        (folder / file).write_bytes(bytes(content[label].value))
    return folder / "keyring", folder / "signature", folder / "piv.der"


# where sqv and the verifier differ there would have to be a reason: there is none
@pytest.mark.parametrize("name", [
    "cross_both-ways",
    "cross_signature-over-another-certificate",
    "cross_signature-by-another-key",
    "cross_signature-by-a-grafted-subkey",
    "cross_signature-over-sha1",
    "cross_signature-expired",
    "cross_signature-before-its-key",
])  # fmt: skip
def test_sqv_agrees(part: Need, tmp_path: Path, name: str) -> None:
    part("sqv")
    keyring, signature, piv = unpacked(name, tmp_path)
    done = subprocess.run(
        ["sqv", "--keyring", keyring, signature, piv], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == ("cross.signature" not in said(name)["expect"]["failed"]), done.stderr


def test_gpg_agrees(gpg: Callable[..., bytes], tmp_path: Path) -> None:
    keyring, signature, piv = unpacked("cross_both-ways", tmp_path)
    gpg("--import", keyring)
    assert b"[GNUPG:] GOODSIG" in gpg("--status-fd", "1", "--verify", signature, piv)
    with pytest.raises(subprocess.CalledProcessError):
        gpg("--verify", signature, keyring)


GPG_KINDS: Final = ("rsa2048", "rsa3072", "nistp256", "nistp384", "nistp521", "ed25519", "brainpoolP256r1")


@pytest.mark.parametrize("kind", GPG_KINDS)
def test_a_key_of_gpg_both_ways(gpg: Callable[..., bytes], tmp_path: Path, kind: str) -> None:
    """gpg makes the OpenPGP key and the cross-signature; the key is the one that gpg writes for ssh."""
    gpg("--quick-generate-key", "Test (test key) <test@example.org>", kind, "sign", "never")
    exported = gpg("--export")
    certificate = evidence.self_signatures(exported).certificate
    (tmp_path / "piv.der").write_bytes(PIV)
    made = gpg("--detach-sign", "--output", "-", tmp_path / "piv.der")
    if kind != "brainpoolP256r1":  # ssh has no such keys
        line = gpg("--export-ssh-key", f"{certificate.fingerprint}!")
        wanted = key_spki(load_ssh_public_key(line))
        assert openpgp_key_spki(exported, certificate.fingerprint) == wanted
    spki = openpgp_key_spki(exported, certificate.fingerprint)
    named = own.openpgp_key(bytes.fromhex(certificate.fingerprint))
    back = own.issued(own.CROSS, _public(spki), named)
    ceremony = whole().having("gpg", fixed("openpgp-certificate", exported))
    ceremony = ceremony.having(
        SIGNATURE, fixed("cross-signature", made, {"by": "gpg", "over": "operator.piv"})
    )
    ceremony = ceremony.having(
        CERTIFICATE, fixed("cross-certificate", back, {"by": "operator.piv", "over": "gpg"})
    )
    now = _created(made)
    found = report(ceremony, at=now)
    outcome, message = finding(found, "cross.signature", SIGNATURE)
    if "Sequoia does not know" in message:  # nor does sqv accept it then
        assert kind == "brainpoolP256r1"
        assert outcome is Outcome.INDETERMINATE
    else:
        assert outcome is Outcome.PASSED
    assert finding(found, "cross.signature", CERTIFICATE)[0] is Outcome.PASSED
    assert finding(found, "cross.key", CERTIFICATE)[0] is Outcome.PASSED
    # the key is not pinned, and did not seal
    assert concluded(found, CROSSED)[0] == "unproven"


def _public(spki: bytes):  # type: ignore[no-untyped-def] # any kind of key
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return load_der_public_key(spki)


def _created(signature: bytes) -> int:
    created = evidence.signature_facts(signature).packet.created
    assert created is not None
    return created


def test_a_key_that_is_not_there_has_no_form_in_x509() -> None:
    with pytest.raises(OpenPgpError, match="there is no key"):
        openpgp_key_spki(openpgp.OPERATOR.encode(), openpgp.WITNESS.fingerprint)


# --- what a reader is told ----------------------------------------------------------------------------------


def test_both_ways() -> None:
    found = report(crossed())
    assert broken(found) == {}
    basis, statement = concluded(found, CROSSED)
    assert basis == "proven"
    assert statement.startswith("pinned identities signed each other's certificates, both ways: OpenPGP key")
    assert openpgp.OPERATOR.fingerprint in statement
    assert "by its own word" in finding(found, "cross.signature", SIGNATURE)[1]


@pytest.mark.parametrize("without", [SIGNATURE, CERTIFICATE])
def test_one_way_is_nothing(without: str) -> None:
    found = report(crossed().without(without))
    assert broken(found) == {}
    assert concluded(found, CROSSED)[0] == "unproven"


@pytest.mark.parametrize("pins", ["pins_openpgp", "pins_piv"])
def test_both_ways_with_somebody_whom_nobody_knows(pins: str) -> None:
    found = report(crossed().under(**{pins: ()}))
    assert concluded(found, CROSSED)[0] == "unproven"


@pytest.mark.parametrize("seal", [0, 1])
def test_both_ways_with_somebody_who_did_not_seal(seal: int) -> None:
    ceremony = crossed()
    found = report(replace(ceremony, seals=ceremony.seals[seal : seal + 1]))
    assert concluded(found, CROSSED)[0] == "unproven"


def test_a_signature_that_is_withheld() -> None:
    hidden = replace(crossed(), absent=frozenset({SIGNATURE}))
    found = report(hidden)
    assert broken(found)["cross.signature"] is Outcome.INDETERMINATE
    assert concluded(found, CROSSED)[0] == "unproven"
    allowed = report(hidden.under(allow_withheld=True))
    assert broken(allowed) == {}
    assert concluded(allowed, CROSSED)[0] == "unproven"


def test_one_bad_signature_beside_two_good_ones_denies_the_conclusion() -> None:
    bad = fixed(
        "cross-signature",
        openpgp.OPERATOR.sign(b"something"),
        {"by": "operator.openpgp", "over": "operator.piv"},
    )
    found = report(crossed().having("another", bad))
    assert broken(found) == {"cross.signature": Outcome.FAILED}
    assert concluded(found, CROSSED)[0] == "unproven"


def test_a_later_certificate_of_the_same_identity() -> None:
    """The PIV key was certified anew: the signature is over another certificate of the same key."""
    made = openpgp.OPERATOR.sign(certificates.operator(validity=(1, 2_000_000_000)).certificate)
    found = report(crossed().changed(SIGNATURE, value=made))
    assert broken(found) == {"cross.signature": Outcome.FAILED}


# --- by a subkey ------------------------------------------------------------------------------------------


def _with_subkey(**changes: object) -> tuple[openpgp.Certificate, Ceremony]:
    signer = replace(openpgp.OPERATOR, subkey=True, **changes)  # type: ignore[arg-type] # its fields
    ceremony = crossed().changed("operator.openpgp", value=signer.encode())
    return signer, ceremony.changed(SIGNATURE, value=signer.sign(PIV))


def test_by_a_subkey() -> None:
    signer, ceremony = _with_subkey()
    found = report(ceremony)
    assert broken(found) == {}
    assert finding(found, "cross.signature", SIGNATURE)[1].startswith(signer.signing.fingerprint.hex())
    # the primary key is certified, a subkey signed: both are the identity that is pinned
    assert concluded(found, CROSSED)[0] == "proven"


def test_by_a_subkey_that_never_agreed() -> None:
    _, ceremony = _with_subkey(back_signature=False)
    found = report(ceremony)
    assert finding(found, "cross.signature", SIGNATURE)[0] is Outcome.FAILED
    assert concluded(found, CROSSED)[0] == "unproven"


def test_a_certificate_for_a_subkey() -> None:
    """The cross-certificate is for a subkey, under the primary key's name or under its own."""
    signer, ceremony = _with_subkey()
    for fingerprint in (signer.primary.fingerprint, signer.signing.fingerprint):
        made = own.issued(own.CROSS, signer.signing.secret.public_key(), own.openpgp_key(fingerprint))
        found = report(ceremony.changed(CERTIFICATE, value=made))
        assert broken(found) == {"cross.key": Outcome.FAILED}


# --- what was signed -----------------------------------------------------------------------------------


@settings(max_examples=60)
@given(data=st.data())
def test_one_byte_of_the_certificate_changed_and_sealed_again(data: st.DataObject) -> None:
    changed = bytearray(CROSS)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    found = report(crossed().changed(CERTIFICATE, value=bytes(changed)))
    assert {check for check in broken(found) if check.startswith("cross.")}
    assert concluded(found, CROSSED)[0] == "unproven"


CROSS: Final = cross_certificate()
SIGNED: Final = openpgp.OPERATOR.sign(PIV)


@settings(max_examples=60)
@given(data=st.data())
def test_one_byte_of_the_signature_changed_and_sealed_again(data: st.DataObject) -> None:
    """It fails, unless the byte stands in the area that no signature covers and nobody believes."""
    changed = bytearray(SIGNED)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    found = report(crossed().changed(SIGNATURE, value=bytes(changed)))
    if not broken(found):
        before, after = (evidence.signature_facts(one).packet for one in (SIGNED, bytes(changed)))
        assert before.digest(PIV) == after.digest(PIV)
        assert concluded(found, CROSSED) == concluded(report(crossed()), CROSSED)
    else:
        assert concluded(found, CROSSED)[0] == "unproven"


# --- certifications ------------------------------------------------------------------------------------


def test_a_certification_is_told_and_nothing_rests_on_it() -> None:
    certified = replace(openpgp.OPERATOR, certified_by=openpgp.WITNESS)
    ceremony = crossed().changed("operator.openpgp", value=certified.encode())
    alone = report(ceremony)
    assert finding(alone, "cross.certification", "operator.openpgp")[0] is Outcome.SKIPPED
    witness = fixed("openpgp-certificate", openpgp.WITNESS.encode())
    found = report(ceremony.having("witness.openpgp", witness))
    outcome, message = finding(found, "cross.certification", "operator.openpgp")
    assert outcome is Outcome.PASSED
    assert message == f"witness.openpgp certified {openpgp.OPERATOR.user_id!r}"
    assert concluded(found, CROSSED) == concluded(alone, CROSSED)


def _certified(*bodies: bytes) -> Ceremony:
    """The operator's user id with further signatures under it, and the witness beside."""
    packets = b"".join(pgp.packet(pgp.SIGNATURE, body) for body in bodies)
    ceremony = whole().changed("operator.openpgp", value=openpgp.OPERATOR.encode() + packets)
    return ceremony.having("witness.openpgp", fixed("openpgp-certificate", openpgp.WITNESS.encode()))


def _about_the_user_id(kind: int, *, hash_id: int = pgp.SHA256) -> bytes:
    """What the witness says of the operator's user id (RFC 9580 5.2.4)."""
    covered = openpgp.OPERATOR.primary.covered + pgp.user_id_covered(openpgp.OPERATOR.user_id.encode())
    return openpgp.WITNESS.primary.sign(kind, covered, at=openpgp.KEY_TIME, hash_id=hash_id)


@pytest.mark.parametrize(("bodies", "told"), [
    ([_about_the_user_id(0x10)], True),
    ([_about_the_user_id(0x13)], True),
    ([_about_the_user_id(0x10), _about_the_user_id(0x30)], False),
    ([_about_the_user_id(0x30), _about_the_user_id(0x10)], False),
    ([_about_the_user_id(0x10, hash_id=pgp.SHA1)], False),
    ([_about_the_user_id(0x00)], False),
])  # fmt: skip
def test_which_certifications_are_told(bodies: list[bytes], *, told: bool) -> None:
    found = report(_certified(*bodies))
    outcome = finding(found, "cross.certification", "operator.openpgp")[0]
    assert outcome is (Outcome.PASSED if told else Outcome.SKIPPED)


def test_a_certification_of_another_user_id() -> None:
    """The witness certified somebody else's user id; the packet was put under the operator's."""
    other = replace(openpgp.OPERATOR, user_id="Somebody Else", certified_by=openpgp.WITNESS).encode()
    plain = replace(openpgp.OPERATOR, user_id="Somebody Else").encode()
    assert other.startswith(plain)
    grafted = openpgp.OPERATOR.encode() + other[len(plain) :]
    ceremony = whole().changed("operator.openpgp", value=grafted)
    found = report(ceremony.having("witness.openpgp", fixed("openpgp-certificate", openpgp.WITNESS.encode())))
    assert finding(found, "cross.certification", "operator.openpgp")[0] is Outcome.SKIPPED
