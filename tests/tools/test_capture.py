# SPDX-License-Identifier: Apache-2.0
"""Capture on a software TPM: complete, verifiable, and nothing stays in the TPM."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from bundletools.attestation_key import NewTemplate, Session, Template
from bundletools.capture import Log, capture
from bundletools.devices import Attested, CreatedKey, DeviceError, LoadedKey
from bundletools.recheck import NotRecheckableError, derive, returning
from bundletools.tpm2 import Tpm2, open_tpm

from bundlefmt.bundle import Bundle
from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.manifest import Digest
from bundlefmt.verify import Basis, Outcome, Report, Verdict
from tests.provenance import Provenance, cases
from tests.swtpm import Manufacturer, Swtpm, quiet_tss
from tests.tools.conftest import Capture, Operator


def bases(report: Report) -> dict[str, Basis]:
    return {each.id: each.basis for each in report.conclusions}


def faults(report: Report) -> list[str]:
    return [f"{each.check}: {each.message}" for each in report.findings if each.outcome is not Outcome.PASSED]


def remains(swtpm: Swtpm) -> bytes:
    """Handles of keys and sessions in the TPM; the two persistent EKs are the manufacturer's."""
    kinds = ("handles-transient", "handles-loaded-session", "handles-saved-session", "handles-persistent")
    return b"".join(swtpm.tool("tpm2_getcap", kind) for kind in kinds)


FROM_MANUFACTURER = b"- 0x81010001\n- 0x81010016\n"


@pytest.mark.parametrize("session", [False, True], ids=["rederivable", "session"])
@pytest.mark.parametrize("kind", ["ecc256", "rsa2048"])
def test_a_capture_passes(
    kind: str, session: bool, captured: Capture, operator: Operator, swtpm: Swtpm
) -> None:
    sealed = operator.seal(captured(ak=Session(kind=kind) if session else NewTemplate(kind=kind)).bundle)
    report = operator.judge(Bundle.decode(sealed.encode()))
    assert report.verdict is Verdict.PASSED, faults(report)
    assert bases(report) == {
        "identity.sealed": Basis.PROVEN,
        "tpm.genuine": Basis.PROVEN,
        "ak.resident": Basis.VOUCHED,
        "platform.state": Basis.VOUCHED,
        "key.resident": Basis.VOUCHED,
        "ak.lifetime": Basis.VOUCHED,
    }
    roles = [item.role for item in sealed.manifest.items.values()]
    assert roles.count("ek-certificate") == roles.count("credential-activation") == 3
    assert ("ak-template" in roles) is not session
    assert remains(swtpm) == FROM_MANUFACTURER


def test_without_the_manufacturer_nothing_is_proven_of_a_tpm(captured: Capture, operator: Operator) -> None:
    report = operator.judge(operator.seal(captured().bundle), anchors=())
    assert report.verdict is Verdict.INDETERMINATE
    assert {each.check for each in report.findings if each.outcome is Outcome.INDETERMINATE} == {"ek.chain"}
    assert bases(report)["tpm.genuine"] is Basis.UNPROVEN


def test_each_capture_has_keys_of_its_own(captured: Capture) -> None:
    first, second = captured().bundle, captured().bundle
    for label in ("ak.pub", "ak.template", "key.pub", "quote"):
        assert first.content[label].value != second.content[label].value
    assert first.content["ek.l-1.pub"].value == second.content["ek.l-1.pub"].value
    assert first.manifest.binding.nonce != second.manifest.binding.nonce


def test_a_tpm_without_certificates(manufacturer: Manufacturer, operator: Operator, tmp_path: Path) -> None:
    quiet_tss()
    with Swtpm(tmp_path) as bare, open_tpm(bare.tcti) as opened:
        sealed = operator.seal(capture(opened, operator.request()).bundle)
    report = operator.judge(sealed)
    assert report.verdict is Verdict.PASSED, faults(report)
    assert bases(report)["tpm.genuine"] is Basis.UNPROVEN
    assert [
        label for label in sealed.manifest.items if label.startswith("ek.") and "issuer" not in label
    ] == [
        "ek.l-2.pub",
        "ek.l-2.activation",
    ]


def test_the_chain_in_nv_is_taken_along(
    swtpm: Swtpm, captured: Capture, operator: Operator, tmp_path: Path
) -> None:
    """One row of certificates, cut into two NV indices as manufacturers do."""
    row = b"".join(operator.issuers) + b"\xff" * 7
    for index, piece in ((0x01C00100, row[:500]), (0x01C00101, row[500:])):
        (tmp_path / "piece").write_bytes(piece)
        attributes = "ppwrite|ppread|ownerread|authread|no_da|platformcreate|writedefine"
        swtpm.tool("tpm2_nvdefine", "-Q", hex(index), "-C", "p", "-s", str(len(piece)), "-a", attributes)
        swtpm.tool("tpm2_nvwrite", "-Q", hex(index), "-C", "p", "-i", tmp_path / "piece")
    unsealed = captured(ek_issuers=()).bundle
    assert unsealed.content["ek.issuer-1"].value == operator.issuers[0]
    assert operator.judge(operator.seal(unsealed)).verdict is Verdict.PASSED


class _Unsteady(Tpm2):
    """A TPM whose PCR 16 is extended behind one's back after each of the first `times` readings."""

    def __init__(self, tpm: Tpm2, swtpm: Swtpm, times: int) -> None:
        super().__init__(tpm._esapi)
        self._swtpm, self._times = swtpm, times

    def read_pcrs(self, banks: Mapping[int, Sequence[int]]) -> PcrValues:
        values = super().read_pcrs(banks)
        if self._times:
            self._times -= 1
            import tpm2_pytss as tss

            digest = tss.TPMT_HA(hashAlg=tss.TPM2_ALG.SHA256, digest=tss.TPMU_HA(sha256=bytes(32)))
            self._esapi.pcr_extend(tss.ESYS_TR.PCR16, tss.TPML_DIGEST_VALUES([digest]))
        return values


def test_pcrs_that_change_are_read_again(tpm: Tpm2, swtpm: Swtpm, operator: Operator) -> None:
    unsealed = capture(_Unsteady(tpm, swtpm, 2), operator.request()).bundle
    assert operator.judge(operator.seal(unsealed)).verdict is Verdict.PASSED


def test_pcrs_that_never_rest_are_told(tpm: Tpm2, swtpm: Swtpm, operator: Operator) -> None:
    with pytest.raises(DeviceError, match="change faster than they can be quoted"):
        capture(_Unsteady(tpm, swtpm, 1_000), operator.request())


@pytest.mark.parametrize("at", ["quote", "certify", "certify_creation", "activate", "child"])
def test_a_failure_in_the_middle_leaves_nothing_in_the_tpm(
    at: str, swtpm: Swtpm, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_tss()

    def fail(*_: object, **__: object) -> None:
        raise DeviceError("pulled")

    with open_tpm(swtpm.tcti) as opened:
        monkeypatch.setattr(Tpm2, at, fail)
        with pytest.raises(DeviceError, match="pulled"):
            capture(opened, operator.request())
    assert remains(swtpm) == FROM_MANUFACTURER


def test_a_wrong_answer_to_the_challenge_is_noticed(
    swtpm: Swtpm, captured: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tpm2, "activate", lambda *_: bytes(32))
    with pytest.raises(DeviceError, match="with another credential"):
        captured()


def test_nobody_to_seal_is_refused(captured: Capture) -> None:
    with pytest.raises(DeviceError, match="no identity is to seal this"):
        captured(identities=[])


@pytest.mark.parametrize("case", cases("eventlogs", "tpm2-tools/*")[:3], ids=str)
def test_a_real_log_is_kept_verbatim(corpus: Path, case: Provenance, captured: Capture) -> None:
    data = (corpus / "eventlogs" / case.file).read_bytes()
    unsealed = captured(logs=[Log(data=data, role="firmware-log", source="boot")]).bundle
    assert unsealed.content["firmware.log"].value == data
    assert unsealed.manifest.items["firmware.log"].claimed == {"source": "boot"}


# --- the attestation key's life ----------------------------------------------------------------------


def test_a_rederivable_key_comes_back_until_the_seed_changes(
    swtpm: Swtpm, captured: Capture, operator: Operator
) -> None:
    quiet_tss()
    old = operator.seal(captured().bundle)

    def same() -> bool:
        with open_tpm(swtpm.tcti) as opened:
            return derive(opened, old).same

    assert same()
    swtpm.reset()
    assert same()
    swtpm.clear()
    assert same()
    swtpm.stop()
    swtpm.start()
    assert same()
    swtpm.change_eps()
    assert not same()


class _Echo(Tpm2):
    """What answers as a TPM with the public area of `shown`, whatever the key is that it has."""

    def __init__(self, tpm: Tpm2, shown: bytes) -> None:
        super().__init__(tpm._esapi)
        self._shown = shown

    @contextmanager
    def primary(self, hierarchy: int, template: TpmtPublic) -> Iterator[CreatedKey]:
        with super().primary(hierarchy, template) as key:
            yield dataclasses.replace(key, public=self._shown)


class _Replay(Tpm2):
    """What answers as a TPM with a statement of earlier, whatever it is asked."""

    def __init__(self, tpm: Tpm2, earlier: Attested) -> None:
        super().__init__(tpm._esapi)
        self._earlier = earlier

    def quote(self, ak: LoadedKey, banks: Mapping[int, Sequence[int]], qualifying: bytes) -> Attested:
        return self._earlier


def test_a_public_area_is_no_key(captured: Capture, swtpm: Swtpm) -> None:
    """After the seed was changed, something between shows what the bundle has."""
    old = captured().bundle
    swtpm.change_eps()
    quiet_tss()
    with open_tpm(swtpm.tcti) as opened:
        shown = bytes(old.content["ak.pub"].value)
        with pytest.raises(DeviceError, match="cannot sign with it"):
            derive(_Echo(opened, shown), old)


def test_a_statement_of_earlier_is_no_answer(captured: Capture, swtpm: Swtpm) -> None:
    old = captured().bundle
    quiet_tss()
    said = Attested(attest=bytes(old.content["quote"].value), signature=bytes(old.content["quote.sig"].value))
    with (
        open_tpm(swtpm.tcti) as opened,
        pytest.raises(DeviceError, match="made for something else"),
    ):
        derive(_Replay(opened, said), old)


@pytest.mark.parametrize("event", ["reset", "clear"])
def test_the_next_snapshot_proves_the_same_tpm(
    event: str, swtpm: Swtpm, captured: Capture, operator: Operator
) -> None:
    old = operator.seal(captured().bundle)
    getattr(swtpm, event)()
    template = TpmtPublic.decode(old.content["ak.template"].value)
    named = Digest.of(old.manifest_raw)
    new = operator.seal(captured(ak=Template(public=template), previous=named).bundle)
    report = operator.judge(new, previous=old)
    assert report.verdict is Verdict.PASSED, faults(report)
    assert bases(report)["ak.same"] is Basis.PROVEN
    assert bases(report)["tpm.same"] is bases(report)["ak.resident"] is Basis.VOUCHED


def test_another_seed_is_another_tpm(swtpm: Swtpm, captured: Capture, operator: Operator) -> None:
    old = operator.seal(captured().bundle)
    swtpm.change_eps()
    template = TpmtPublic.decode(old.content["ak.template"].value)
    new = operator.seal(captured(ak=Template(public=template), previous=Digest.of(old.manifest_raw)).bundle)
    report = operator.judge(new, previous=old)
    # the certificates in NV are those of the old endorsement keys
    assert report.verdict is Verdict.FAILED
    assert {each.check for each in report.findings if each.outcome is Outcome.FAILED} == {"ek.key"}
    assert {bases(report)[name] for name in ("ak.same", "tpm.same", "tpm.genuine")} == {Basis.UNPROVEN}


def test_a_session_key_is_gone(captured: Capture, tpm: Tpm2) -> None:
    with pytest.raises(NotRecheckableError, match="made to die with its session"):
        derive(tpm, captured(ak=Session()).bundle)


def test_a_withheld_template_is_given_to_the_operator(
    captured: Capture, operator: Operator, swtpm: Swtpm
) -> None:
    quiet_tss()
    made = captured(withhold_template=True)
    assert list(made.withheld) == ["ak.template"]
    assert "ak.template" not in made.bundle.content
    sealed = operator.seal(made.bundle)
    assert operator.judge(sealed).verdict is Verdict.PASSED
    kept = bytes(made.withheld["ak.template"])
    with open_tpm(swtpm.tcti) as opened:
        with pytest.raises(NotRecheckableError, match="withheld from this bundle"):
            derive(opened, sealed)
        assert derive(opened, sealed, returning(sealed, "ak.pub", kept)).same
        with pytest.raises(NotRecheckableError, match="does not have the digest that was sealed"):
            returning(sealed, "ak.pub", bytes(sealed.content["ek.l-1.pub"].value))


def test_two_tpms_presented_as_one_are_noticed(
    manufactured: Path, manufacturer: Manufacturer, captured: Capture, operator: Operator, tmp_path: Path
) -> None:
    """The EK of one genuine TPM beside the AK of another: no record ties them."""
    other_state = tmp_path / "other"
    manufacturer.make(other_state)
    quiet_tss()
    with Swtpm(other_state) as other, open_tpm(other.tcti) as opened:
        elsewhere = capture(opened, operator.request()).bundle
    ours = captured().bundle
    swapped = {
        label: elsewhere.content[label].value if label.startswith("ek.l-1.") else record.value
        for label, record in ours.content.items()
    }
    items = {
        label: elsewhere.manifest.items[label] if label.startswith("ek.l-1.") else item
        for label, item in ours.manifest.items.items()
    }
    manifest = dataclasses.replace(ours.manifest, items=items)
    report = operator.judge(operator.seal(Bundle.assemble(manifest, swapped)))
    failed = {each.check for each in report.findings if each.outcome is Outcome.FAILED}
    assert "activation.blob" in failed
    assert {"quote.binding", "certify.binding"} <= failed
    assert bases(report)["ak.resident"] is Basis.UNPROVEN
