# SPDX-License-Identifier: Apache-2.0
"""A doubting verifier and a machine: challenge, answer, confirm, and what does not convince."""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from bundletools.attestation_key import ENDORSEMENT, NewTemplate, Session
from bundletools.capture import capture
from bundletools.templates import AK_KINDS
from bundletools.tpm2 import Tpm2, open_tpm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.challenge import Answer, Challenge, Kept
from bundlefmt.evidence.credential import entropy_size, make_credential
from bundlefmt.evidence.ek_template import EK_TEMPLATES
from bundlefmt.evidence.tpm import TpmaObject, TpmtPublic, tpm2b
from bundlefmt.evidence.x509 import facts
from bundlefmt.manifest import Digest
from tests.cli.conftest import Bundle, Said
from tests.swtpm import Manufacturer, Swtpm, quiet_tss
from tests.tools.conftest import Capture, Operator
from tests.tools.test_capture import FROM_MANUFACTURER, remains

PROVEN = "  proven    the attestation key is in that TPM: it answered the verifier's own challenge"
VOUCHED = "  vouched   the attestation key is in that TPM: the word of those who sealed"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A verifier with a sealed bundle `b.evb` in the working directory, and the machine that it is of."""

    bundle: Bundle
    swtpm: Swtpm
    trust: tuple[str, ...]

    def challenge(self, *words: str) -> Said:
        return self.bundle("challenge", "b.evb", "-o", "c.evc", "--secret", "c.evk", *words)

    def answer(self, *words: str) -> Said:
        return self.bundle("answer", "c.evc", "b.evb", "-o", "c.eva", *words)

    def confirm(self) -> Said:
        return self.bundle("confirm", "b.evb", "c.eva", "--secret", "c.evk")

    def verify(self, *words: str) -> Said:
        return self.bundle("verify", "b.evb", *self.trust, *words)


Doubting = Callable[..., Doubt]


@pytest.fixture
def doubting(
    swtpm: Swtpm,
    operator: Operator,
    captured: Capture,
    bundle: Bundle,
    manufacturer: Manufacturer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Doubting]:
    """`doubting(ak=…)`: the machine is captured so, and a verifier doubts what was sealed."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("TPM2TOOLS_TCTI", swtpm.tcti)
    pin = facts(operator.certificate).sha256.hex()
    trust = ("--pin-piv", pin, "--anchor", str(manufacturer.root))

    def call(**changes: object) -> Doubt:
        sealed = operator.seal(captured(**changes).bundle)
        Path("b.evb").write_bytes(sealed.encode())
        return Doubt(bundle, swtpm, trust)

    yield call


@pytest.mark.parametrize("kind", AK_KINDS)
def test_what_was_vouched_is_proven_to_who_asked(
    kind: str, doubting: Doubting, manufacturer: Manufacturer
) -> None:
    """RSA-2048, P-256 and P-384 EKs: the low range opens by PolicySecret, the high range by a password."""
    doubt = doubting(ak=NewTemplate(kind=kind))
    assert VOUCHED in doubt.verify().out.splitlines()
    asked = doubt.challenge("--anchor", str(manufacturer.root))
    assert (asked.code, asked.err) == (0, "")
    for label in ("ek.l-1.pub", "ek.l-2.pub", "ek.h-3.pub"):
        assert f"does the TPM of {label} have ak.pub?" in asked.out.splitlines()
    assert stat.S_IMODE(Path("c.evk").stat().st_mode) == 0o600
    said = doubt.answer()
    assert (said.code, said.err) == (0, "")
    assert remains(doubt.swtpm) == FROM_MANUFACTURER
    confirmed = doubt.confirm()
    assert (confirmed.code, confirmed.err) == (0, "")
    assert "the TPM of ek.h-3.pub has ak.pub" in confirmed.out.splitlines()
    report = doubt.verify("--confirmed", "c.evk")
    assert report.code == 0, report.out
    assert PROVEN in report.out.splitlines()
    assert "  proven    the PCRs had these values when the attestation key quoted them" in report.out
    assert "  proven    the signing key is in the same TPM as the attestation key" in report.out


def test_neither_challenge_nor_answer_holds_a_secret(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    doubt.answer()
    gone_out = Path("c.evc").read_bytes() + Path("c.eva").read_bytes()
    kept = Kept.decode(Path("c.evk").read_bytes())
    for secret in kept.secrets:
        for each in (secret.credential, secret.seed, secret.ephemeral):
            assert each not in gone_out
    assert len({secret.credential for secret in kept.secrets}) == 3


def test_every_challenge_is_new(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    first = Kept.decode(Path("c.evk").read_bytes())
    assert doubt.challenge("--force").code == 0
    second = Kept.decode(Path("c.evk").read_bytes())
    for old, new in zip(first.secrets, second.secrets, strict=True):
        assert (old.credential != new.credential, old.seed != new.seed) == (True, True)


@pytest.mark.parametrize("event", ["reset", "clear", "power"])
def test_years_and_reboots_later(event: str, doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    if event == "power":
        doubt.swtpm.stop()
        doubt.swtpm.start()
    else:
        getattr(doubt.swtpm, event)()
    assert (doubt.answer().code, doubt.confirm().code) == (0, 0)


# --- who cannot answer --------------------------------------------------------------------------------


def test_a_changed_seed_is_told(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    doubt.swtpm.change_eps()
    said = doubt.answer()
    assert said.code == 1
    assert "ak.pub: the key that came back is another one" in said.err
    assert "this TPM, whose endorsement seed was changed (TPM2_ChangeEPS)" in said.err
    assert not Path("c.eva").exists()


def test_another_tpm_is_told(
    doubting: Doubting, manufacturer: Manufacturer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubt = doubting()
    doubt.challenge()
    manufacturer.make(tmp_path / "other")
    with Swtpm(tmp_path / "other") as other:
        monkeypatch.setenv("TPM2TOOLS_TCTI", other.tcti)
        said = doubt.answer()
    assert said.code == 1
    assert "another TPM, or one whose endorsement seed was changed" in said.err


def test_the_key_of_one_tpm_beside_the_endorsement_key_of_another(
    doubting: Doubting, operator: Operator, manufacturer: Manufacturer, tmp_path: Path
) -> None:
    """What the sealers vouched for is false, and the machine with the attestation key cannot make it true."""
    doubt = doubting()
    manufacturer.make(tmp_path / "other")
    quiet_tss()
    with Swtpm(tmp_path / "other") as other, open_tpm(other.tcti) as opened:
        elsewhere = capture(opened, operator.request()).bundle
    ours = Decoded.open("b.evb")
    taken = [label for label in elsewhere.content if label.startswith("ek.l-1.")]
    content = {
        label: elsewhere.content[label] if label in taken else ours.content[label] for label in ours.content
    }
    items = {
        label: elsewhere.manifest.items[label] if label in taken else item
        for label, item in ours.manifest.items.items()
    }
    manifest = replace(ours.manifest, items=items)
    values = {label: record.value for label, record in content.items()}
    Path("b.evb").write_bytes(Decoded.assemble(manifest, values).encode())
    assert doubt.challenge("--force").code == 0
    said = doubt.answer()
    assert said.code == 1
    assert "ek.l-1.pub: this TPM makes another endorsement key" in said.err


# a policy that anyone can satisfy: TPM2_PolicyCommandCode(TPM2_ActivateCredential), CC 147 (Part 2, 6.5.2)
COMMAND_CODE: Final = 0x147
EASY_POLICY: Final = hashlib.sha256(
    bytes(32) + (0x16C).to_bytes(4, "big") + COMMAND_CODE.to_bytes(4, "big")
).digest()


@pytest.mark.parametrize("easy", [False, True], ids=["by password", "by a policy that anyone satisfies"])
def test_a_copied_public_area_is_no_key(easy: bool, doubting: Doubting, swtpm: Swtpm) -> None:
    """A TPM loads any public area, with its Name, and opens no credential for it, whatever its policy says.

    Else a genuine TPM would answer for a key in software (Part 3, "TPM2_ActivateCredential": ADMIN role).
    """
    doubting()
    tss = quiet_tss()
    public = TpmtPublic.decode(Decoded.open("b.evb").content["ak.pub"].value)
    if easy:
        attributes = public.attributes & ~TpmaObject.userWithAuth | TpmaObject.adminWithPolicy
        public = replace(public, raw=b"", attributes=attributes, auth_policy=EASY_POLICY)
    with open_tpm(swtpm.tcti) as tpm, tpm.primary(ENDORSEMENT, EK_TEMPLATES["L-2"]) as ek:
        to = TpmtPublic.decode(ek.public)
        entropy = bytes(range(1, entropy_size(to) + 1))
        made = make_credential(to, public.name(), bytes(32), entropy=entropy)
        area = tss.TPM2B_PUBLIC.unmarshal(tpm2b(public.encode()))[0]
        copied = tpm._esapi.load_external(area, hierarchy=tss.ESYS_TR.ENDORSEMENT)
        shown = tpm._esapi.read_public(copied)[1]
        assert bytes(shown) == public.name()
        with tpm._authorised(ek) as opening, pytest.raises(tss.TSS2_Exception) as refused:
            tpm._esapi.activate_credential(
                copied,
                ek.handle,
                tss.TPM2B_ID_OBJECT(credential=made.blob.encode()),
                tss.TPM2B_ENCRYPTED_SECRET(secret=made.encrypted_secret),
                session1=_easy_session(tpm, tss) if easy else tss.ESYS_TR.PASSWORD,
                session2=opening,
            )
    # TPM_RC_AUTH_UNAVAILABLE, for the first handle
    assert refused.value.error == 0x12F, refused.value


def _easy_session(tpm: Tpm2, tss: Any) -> Any:
    none = tss.ESYS_TR.NONE
    session = tpm._esapi.start_auth_session(
        none, none, tss.TPM2_SE.POLICY, tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL), tss.TPM2_ALG.SHA256
    )
    tpm._esapi.policy_command_code(session, COMMAND_CODE)
    return session


def test_a_session_key_cannot_answer(doubting: Doubting) -> None:
    doubt = doubting(ak=Session())
    doubt.challenge()
    said = doubt.answer()
    assert said.code == 2
    assert "its attestation key was made to die with its session" in said.err


def test_a_withheld_template_is_given(doubting: Doubting, captured: Capture, operator: Operator) -> None:
    doubt = doubting()
    made = captured(withhold_template=True)
    Path("b.evb").write_bytes(operator.seal(made.bundle).encode())
    Path("t").write_bytes(bytes(made.withheld["ak.template"]))
    doubt.challenge()
    refused = doubt.answer()
    assert (refused.code, "--template FILE gives the operator's copy" in refused.err) == (2, True)
    assert doubt.answer("--template", "t").code == 0
    assert doubt.confirm().code == 0


# --- what does not convince ---------------------------------------------------------------------------


def test_an_answer_to_an_earlier_challenge(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    doubt.answer()
    doubt.challenge("--force")
    said = doubt.confirm()
    assert (said.code, said.out) == (1, "")
    assert "is not that of a TPM that has ak.pub" in said.err
    assert Kept.decode(Path("c.evk").read_bytes()).answer is None


def test_a_challenge_is_used_once(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    doubt.answer()
    assert doubt.confirm().code == 0
    before = Path("c.evk").read_bytes()
    again = doubt.confirm()
    assert (again.code, "a challenge is used once" in again.err) == (2, True)
    assert Path("c.evk").read_bytes() == before


def test_an_answer_for_another_bundle(doubting: Doubting, captured: Capture, operator: Operator) -> None:
    """A challenge that is relayed under the name of another bundle: the machine says no, or the verifier."""
    doubt = doubting()
    doubt.challenge()
    challenge = Challenge.decode(Path("c.evc").read_bytes())
    shutil.copy("b.evb", "theirs.evb")
    other = operator.seal(replace_title(Decoded.open("b.evb")))
    Path("b.evb").write_bytes(other.encode())
    said = doubt.answer()
    assert (said.code, "the challenge was made for another bundle" in said.err) == (2, True)
    relayed = replace(challenge, manifest=Digest.of(other.manifest_raw))
    Path("c.evc").write_bytes(relayed.encode())
    assert doubt.answer().code == 0
    shutil.copy("theirs.evb", "b.evb")
    assert doubt.confirm().code == 1


def replace_title(bundle: Decoded) -> Decoded:
    """The same keys in a bundle with another manifest."""
    values = {label: record.value for label, record in bundle.content.items()}
    return Decoded.assemble(replace(bundle.manifest, title="another"), values)


def test_a_challenge_that_asks_no_such_keys(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    challenge = Challenge.decode(Path("c.evc").read_bytes())
    for ek, ak in (("ek.l-1.pub", "quote"), ("absent", "ak.pub"), ("ak.pub", "ak.pub")):
        pair = replace(challenge.pairs[0], ek=ek, ak=ak)
        Path("c.evc").write_bytes(replace(challenge, pairs=(pair,)).encode())
        said = doubt.answer()
        assert (said.code, "which are no such keys" in said.err) == (2, True)


def test_an_answer_that_was_changed(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    doubt.answer()
    answer = Answer.decode(Path("c.eva").read_bytes())
    Path("c.eva").write_bytes(replace(answer, proofs=answer.proofs[::-1]).encode())
    assert doubt.confirm().code == 1
    Path("c.eva").write_bytes(replace(answer, proofs=answer.proofs[:1]).encode())
    assert doubt.confirm().code == 1


def test_a_challenge_that_was_changed_is_refused_by_the_tpm(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    challenge = Challenge.decode(Path("c.evc").read_bytes())
    pair = challenge.pairs[0]
    damaged = replace(pair, blob=pair.blob[:-1] + bytes([pair.blob[-1] ^ 1]))
    Path("c.evc").write_bytes(replace(challenge, pairs=(damaged, *challenge.pairs[1:])).encode())
    said = doubt.answer()
    assert said.code == 5
    assert f"{pair.ek} for ak.pub" in said.err
    assert remains(doubt.swtpm) == FROM_MANUFACTURER


def test_a_file_that_others_can_write_is_nobodys_own(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    Path("c.evk").chmod(0o620)
    said = doubt.verify("--confirmed", "c.evk")
    assert (said.code, "can be written by others" in said.err) == (2, True)


def test_an_unanswered_challenge_leaves_a_doubt(doubting: Doubting) -> None:
    doubt = doubting()
    doubt.challenge()
    said = doubt.verify("--confirmed", "c.evk")
    assert said.code == 3
    assert "the challenge has not been answered yet" in said.out
    assert VOUCHED in said.out.splitlines()


# --- before it is asked -------------------------------------------------------------------------------


def test_without_an_anchor_it_is_said(doubting: Doubting) -> None:
    said = doubting().challenge()
    assert said.code == 0
    assert "warning: not every endorsement key is known to be a TPM's" in said.err


def test_an_endorsement_key_of_another_maker_is_not_asked(doubting: Doubting, operator: Operator) -> None:
    doubt = doubting()
    pem = load_der_x509_certificate(operator.certificate).public_bytes(Encoding.PEM)
    Path("other.pem").write_bytes(pem)
    said = doubt.challenge("--anchor", "other.pem")
    assert (said.code, said.out) == (1, "")
    assert "error: ek.chain: ek.l-1.cert: " in said.err
    assert not Path("c.evc").exists()
    assert not Path("c.evk").exists()


def test_nothing_is_overwritten(doubting: Doubting) -> None:
    doubt = doubting()
    Path("c.evk").write_bytes(b"of a challenge that is under way")
    said = doubt.challenge()
    assert (said.code, "c.evk exists" in said.err) == (2, True)
    assert not Path("c.evc").exists()
    same = doubt.bundle("challenge", "b.evb", "-o", "x", "--secret", "x")
    assert (same.code, "two files" in same.err) == (2, True)
