# SPDX-License-Identifier: Apache-2.0
"""Independent judges of firmware logs: tpm2_eventlog, a software TPM, published readings."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.evidence.tpm_algorithm import TpmAlg, alg_name
from bundlefmt.logs.content import decode_content
from bundlefmt.logs.coverage import Coverage, Part, cover
from bundlefmt.logs.efi import ImageLoad, UefiVariable
from bundlefmt.logs.event import Event, EventType
from bundlefmt.logs.platform import summarise
from bundlefmt.logs.replay import declared_locality, final_values
from bundlefmt.logs.tcg import FirmwareLog
from tests.logs.firmware import SHA256, log_cases, read
from tests.provenance import Provenance, cases
from tests.swtpm import PROGRAMS, Manufacturer, Swtpm

Need = Callable[..., None]
BANKS: Final = {alg_name(alg): int(alg) for alg in (TpmAlg.SHA1, TpmAlg.SHA256, TpmAlg.SHA384, TpmAlg.SHA512)}


@dataclass
class Told:
    """What tpm2_eventlog prints about one event."""

    index: int
    kind: str = ""
    size: int = -1
    digests: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)


def tell(output: str) -> Iterator[Told]:
    """The events of tpm2_eventlog's YAML, read line by line; the header event has no algorithm names."""
    event, alg = Told(index=-1), ""
    for line in output.partition("\npcrs:")[0].splitlines():
        name, colon, value = line.strip().lstrip("- ").partition(":")
        value = value.strip().strip('"')
        if not colon:
            continue
        if name == "PCRIndex":
            if event.index >= 0:
                yield event
            event = Told(index=int(value))
        elif name == "EventType":
            event.kind = value
        elif name == "EventSize":
            event.size = int(value)
        elif name == "AlgorithmId":
            alg = value
        elif name == "Digest":
            event.digests[alg or "sha1"] = value
        else:
            event.details[name] = value
    if event.index >= 0:
        yield event


def tpm2_eventlog(path: Path) -> str | None:
    """Its output, or None if it refuses the log."""
    done = subprocess.run(["tpm2_eventlog", str(path)], capture_output=True, check=False)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def check_details(told: Told, event: Event) -> None:
    content = decode_content(event)
    if isinstance(content, UefiVariable) and "UnicodeName" in told.details:
        assert content.name == told.details["UnicodeName"]
        assert content.guid == told.details["VariableName"]
        assert len(content.data) == int(told.details["VariableDataLength"])
    if isinstance(content, ImageLoad):
        assert content.location == int(told.details["ImageLocationInMemory"], 0)
        assert content.length == int(told.details["ImageLengthInMemory"])


@pytest.mark.parametrize("case", log_cases(), ids=str)
def test_tpm2_eventlog_reads_the_same(corpus: Path, part: Need, case: Provenance) -> None:
    part("tpm2_eventlog")
    log = read(corpus, case)
    output = tpm2_eventlog(corpus / "eventlogs" / case.file)
    if output is None:
        # it wants a Spec ID event in PCR 0, which confidential-computing logs have in register 1
        assert log.events[0].index != 0 or log.spec_id is None
        return
    told = list(tell(output))
    assert len(told) == len(log.events)
    for one, event in zip(told, log.events, strict=True):
        assert (one.index, one.size) == (event.index, len(event.untrusted_data))
        if one.kind != "Unknown event type":
            assert one.kind == event.untrusted_type_name
        assert one.digests == {alg_name(alg): digest.hex() for alg, digest in event.digests.items()}
        check_details(one, event)
    replayed = re.findall(r"^  (\w+):\n((?:    \d+ *: 0x\w+\n)+)", output.partition("\npcrs:")[2], re.M)
    locality = declared_locality(log.events)
    for bank, lines in replayed:
        values = {int(index): value for index, value in re.findall(r"(\d+) *: 0x(\w+)", lines)}
        computed = final_values(log.events, BANKS[bank], locality=locality)
        if any(not event.extended for event in log.events[1:]):
            # tpm2-tools 5.4 extends EV_NO_ACTION and passes over the startup locality; what machines
            # quoted (test_replay) says otherwise
            wrong = final_values([replace(event, untrusted_type=0) for event in log.events[1:]], BANKS[bank])
            assert values in ({i: v.hex() for i, v in found.items()} for found in (computed, wrong))
        else:
            assert {index: value.hex() for index, value in computed.items()} == values
    assert bool(replayed) == any(event.extended for event in log.events)


def test_a_judge_that_finds_nothing_would_be_noticed(corpus: Path, part: Need) -> None:
    part("tpm2_eventlog")
    refused = [case for case in log_cases() if tpm2_eventlog(corpus / "eventlogs" / case.file) is None]
    assert len(refused) < len(log_cases()) / 4


# PCR 17-22 need a locality that the tools cannot take, and so does a startup locality other than 0
SWTPM_CASES: Final = ("tpm2-tools/event-arch-linux.bin", "keylime-tests/mb_log.bin")


@pytest.mark.parametrize("case", cases("eventlogs", *SWTPM_CASES), ids=str)
def test_a_software_tpm_ends_with_the_same_values(
    corpus: Path, part: Need, tmp_path: Path, case: Provenance
) -> None:
    part(*PROGRAMS, "tpm2_pcrextend", "tpm2_pcrread")
    log = read(corpus, case)
    Manufacturer(tmp_path / "maker").make(tmp_path / "tpm")
    banks = [name for name in ("sha1", "sha256") if BANKS[name] in log.banks]
    with Swtpm(tmp_path / "tpm") as tpm:
        words = []
        for event in log.events:
            if event.extended:
                values = (f"{bank}={event.digests[BANKS[bank]].hex()}" for bank in banks)
                words.append(f"{event.index}:{','.join(values)}")
        tpm.tool("tpm2_pcrextend", *words)
        for bank in banks:
            computed = final_values(log.events, BANKS[bank])
            selection = f"{bank}:{','.join(map(str, sorted(computed)))}"
            read_back = tpm.tool("tpm2_pcrread", selection).decode()
            found = {int(index): value.lower() for index, value in re.findall(r"(\d+) *: 0x(\w+)", read_back)}
            assert found == {index: value.hex() for index, value in computed.items()}


def test_a_published_reading_of_a_confidential_computing_log(corpus: Path) -> None:
    log = FirmwareLog.decode((corpus / "eventlogs/trustee/CCEL_data_ovmf").read_bytes())
    told = json.loads((corpus / "eventlogs/trustee/CCEL_data_ovmf_out.json").read_text())["uefi_event_logs"]
    extended = [event for event in log.events if event.extended]
    assert len(told) == len(extended)
    for one, event in zip(told, extended, strict=True):
        assert one["index"] == event.index
        assert one["type_name"] == event.untrusted_type_name
        assert [digest["digest"] for digest in one["digests"]] == [event.digests[TpmAlg.SHA384].hex()]
        covered = cover(event, TpmAlg.SHA384)
        if one["digest_matches_event"]:
            assert covered.coverage is Coverage.COVERED
        elif covered.coverage is Coverage.COVERED:
            # that tool hashes the whole data only
            assert covered.part is not Part.DATA
        name = one["details"].get("unicode_name")
        if name is not None:
            content = decode_content(event)
            assert isinstance(content, UefiVariable)
            assert content.name == name
            assert len(content.data) == one["details"]["variable_data_length"]


@pytest.mark.parametrize("case", cases("eventlogs", "go-tpm-tools/*.expected.json"), ids=str)
def test_boot_images_as_others_list_them(corpus: Path, case: Provenance) -> None:
    expected = json.loads((corpus / "eventlogs" / case.file).read_text())
    log = FirmwareLog.decode((corpus / "eventlogs/go-tpm-tools" / expected["log"]).read_bytes())
    for bank, digests in expected.get("efi_app_digests_expected", {}).items():
        facts = summarise(log.events, BANKS[bank]).boot.images
        images = [
            fact.value.digest.hex()
            for fact in facts
            if fact.value.untrusted_type == EventType.EV_EFI_BOOT_SERVICES_APPLICATION.name
        ]
        assert images == digests


def test_secure_boot_authorities_as_others_count_them(corpus: Path) -> None:
    log = FirmwareLog.decode((corpus / "eventlogs/go-attestation/sb_cert_eventlog").read_bytes())
    found = summarise(log.events, SHA256).secure_boot
    assert len(found.authorities) == 3
    assert all(fact.value.subject for fact in found.authorities)


@pytest.mark.parametrize(
    ("name", "enabled"),
    [("keylime/binary_bios_measurements", False), ("go-attestation/sb_cert_eventlog", True)],
)
def test_secure_boot_as_others_read_it(corpus: Path, name: str, enabled: bool) -> None:
    log = FirmwareLog.decode((corpus / "eventlogs" / name).read_bytes())
    assert summarise(log.events, SHA256).secure_boot.enabled.value is enabled
