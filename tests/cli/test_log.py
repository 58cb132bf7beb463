# SPDX-License-Identifier: Apache-2.0
"""`bundle log`: logs of every kind, from bundles and from files, with PCR values that others agree on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from demo import firmware_log
from tests.cli.conftest import Bundle, vector
from tests.conftest import Need
from tests.provenance import Provenance, cases
from tests.vectorgen.measured import (
    IPL,
    VARIABLE,
    Event,
    Log,
    Measured,
    boot,
    measured_files,
    userspace,
    variable,
)

BANKS = ("sha1", "sha256", "sha384", "sha512")


def stock_pcrs(path: Path) -> dict[str, dict[str, str]]:
    """The PCR values that tpm2_eventlog computes, {bank: {index: hexadecimal}}."""
    done = subprocess.run(["tpm2_eventlog", path], capture_output=True, text=True, check=True)
    found: dict[str, dict[str, str]] = {}
    bank = ""
    for line in done.stdout.partition("\npcrs:\n")[2].splitlines():
        if header := re.fullmatch(r"  (\w+):", line):
            bank = header[1]
            found[bank] = {}
        elif value := re.fullmatch(r"    (\d+)\s*: 0x([0-9a-f]+)", line):
            found[bank][value[1]] = value[2]
    return found


def test_the_demonstration_log_as_stock_tools_replay_it(bundle: Bundle, part: Need) -> None:
    part("tpm2_eventlog")
    assert bundle("log", firmware_log.PATH, "--json").json["pcrs"] == stock_pcrs(firmware_log.PATH)


@pytest.mark.parametrize("case", cases("eventlogs", "tpm2-tools/*"), ids=str)
def test_real_logs_as_stock_tools_replay_them(
    case: Provenance, corpus: Path, bundle: Bundle, part: Need
) -> None:
    part("tpm2_eventlog")
    file = corpus / "eventlogs" / case.file
    answer = bundle("log", file, "--json")
    if answer.code == 4:
        assert subprocess.run(["tpm2_eventlog", file], capture_output=True, check=False).returncode != 0
        return
    theirs, ours = stock_pcrs(file), answer.json["pcrs"]
    compared = [
        (bank, index) for bank, row in theirs.items() for index in row if bank in ours and index in ours[bank]
    ]
    assert compared or not any(theirs.values())
    wrong = [(bank, index) for bank, index in compared if theirs[bank][index] != ours[bank][index]]
    # tpm2-tools 5.4 extends EV_NO_ACTION and starts PCR 0 at zero whatever the startup locality
    assert {index for _, index in wrong} <= {"0"}


@pytest.mark.parametrize("case", cases("eventlogs", "*")[::7], ids=str)
def test_whatever_a_log_holds_is_shown_in_lines(case: Provenance, corpus: Path, bundle: Bundle) -> None:
    answer = bundle("log", corpus / "eventlogs" / case.file)
    assert answer.code in (0, 4)
    if answer.code == 4:
        assert answer.err.startswith("error: ")
        return
    events = bundle("log", corpus / "eventlogs" / case.file, "--json").json["events"]
    shown = [line for line in answer.out.splitlines() if re.match(r"\s*\d+  PCR ", line)]
    assert len(shown) == len(events) > 0
    assert all(line.isprintable() for line in answer.out.splitlines())


def test_the_logs_of_a_bundle_with_their_standing(bundle: Bundle) -> None:
    answer = bundle("log", vector("log_userspace"), "--json")
    assert [each["label"] for each in answer.json["logs"]] == ["firmware.log", "userspace.log"]
    assert answer.json["events"] == answer.json["logs"][0]["events"]
    told = answer.json["logs"][0]["platform"]
    assert any(line.startswith("Secure Boot        on  (measured: ") for line in told)


def test_a_log_alone_proves_nothing(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(Log(events=boot()).encode())
    told = bundle("log", tmp_path / "log", "--json").json["logs"][0]["platform"]
    assert any(line.startswith("Secure Boot        on  (logged: ") for line in told)
    assert not any("(measured: " in line for line in told)


def test_one_pcr_only(bundle: Bundle) -> None:
    answer = bundle("log", vector("log_firmware"), "--pcr", "7", "--json").json
    assert {event["pcr"] for event in answer["events"]} == {7}
    assert answer["pcrs"]["sha256"].keys() == {"7"}


@pytest.mark.parametrize(("bank", "digest"), [("sha1", 40), ("sha256", 64)])
def test_coverage_is_judged_in_the_bank_that_is_asked_for(bank: str, digest: int, bundle: Bundle) -> None:
    shown = bundle("log", vector("log_firmware"), "--bank", bank).out
    assert re.search(rf"^{bank}:7 = [0-9a-f]{{{digest}}}$", shown, re.MULTILINE)
    assert "covered" in shown


def test_words_that_no_digest_covers_are_not_called_covered(bundle: Bundle) -> None:
    """The event says that Secure Boot was on beside the digest of off."""
    events = bundle("log", vector("log_data-rewritten"), "--json").json["events"]
    lie = next(event for event in events if event["untrusted_words"] == "variable SecureBoot = 01")
    assert lie["coverage"] == "not-covered"
    told = bundle("log", vector("log_data-rewritten")).out
    assert "NOT what was hashed" in told
    assert re.search(r"^  Secure Boot +not told", told, re.MULTILINE)


def test_known_digests_are_known_whatever_they_are_called(bundle: Bundle) -> None:
    events = bundle("log", vector("log_separator-retyped"), "--json").json["events"]
    assert [event["known"] for event in events if event["pcr"] == 7] == [None, "separator"]


def test_ima_lists(bundle: Bundle, tmp_path: Path) -> None:
    entries = [*measured_files(2), Measured(path="/tmp/a\x1b[31mb", content=b"", violation=True)]
    (tmp_path / "binary").write_bytes(b"".join(entry.encode() for entry in entries))
    (tmp_path / "ascii").write_text("".join(entry.ascii() for entry in entries[:2]), encoding="utf-8")
    binary, text = bundle("log", tmp_path / "binary"), bundle("log", tmp_path / "ascii", "--json").json
    assert "violation" in binary.out
    assert "\x1b" not in binary.out
    assert [event["untrusted_words"].split()[0] for event in text["events"]] == [
        "/usr/bin/tool-0",
        "/usr/bin/tool-1",
    ]


HOSTILE = 'a\x1b[31m\u202eb "\\u{1b}" é'


def test_json_has_the_text_that_was_read_and_a_terminal_its_escapes(bundle: Bundle, tmp_path: Path) -> None:
    """What looks like an escape is text too, and is not taken for one."""
    (tmp_path / "ima").write_bytes(Measured(path=HOSTILE, content=b"x").encode())
    answer = bundle("log", tmp_path / "ima", "--json")
    assert answer.json["events"][0]["untrusted_words"].startswith(f"{HOSTILE}  sha256:")
    assert r"a\u001b[31m\u202eb \"\\u{1b}\" é" in answer.out
    assert r"a\u{1b}[31m\u{202e}b" in bundle("log", tmp_path / "ima").out


def test_events_and_what_booted_are_exact_in_json(bundle: Bundle, tmp_path: Path) -> None:
    option = "evil\u202e\n\x1b[2J"
    (tmp_path / "log").write_bytes(userspace(option))
    event = bundle("log", tmp_path / "log", "--json").json["events"][0]
    assert event["untrusted_words"] == option
    shown = bundle("log", tmp_path / "log").out
    assert r"evil\u{202e}\u{a}\u{1b}[2J" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_firmware_logs_and_what_booted_are_exact_in_json(bundle: Bundle, tmp_path: Path) -> None:
    """A command line and a variable's name, in the event and in the summary made of them."""
    line, name = "ro\u202e\x1b[2Jquiet", "Boot\u2066x"
    command = Event(pcr=8, type=IPL, data=f"kernel_cmdline: {line}\0".encode(), measured=line.encode())
    named = Event(pcr=7, type=VARIABLE, data=variable(name, b"\1"))
    (tmp_path / "log").write_bytes(Log(events=[*boot(), command, named]).encode())
    log = bundle("log", tmp_path / "log", "--json").json["logs"][0]
    words = [event["untrusted_words"] for event in log["events"]]
    assert words[-1] == f"variable {name} = 01"
    assert line in words[-2]
    assert any(line in told for told in log["platform"])
    shown = bundle("log", tmp_path / "log").out
    assert shown.count(r"ro\u{202e}\u{1b}[2Jquiet") >= 2
    assert all(each.isprintable() for each in shown.splitlines())


def test_names_that_are_no_text(bundle: Bundle, tmp_path: Path) -> None:
    """JSON has no bytes, and strict readers refuse half a surrogate pair."""
    entry = Measured(path="/tmp/aXb", content=b"x").encode().replace(b"aXb", b"a\xffb")
    (tmp_path / "ima").write_bytes(entry)
    answer = bundle("log", tmp_path / "ima", "--json")
    assert answer.json["events"][0]["untrusted_words"].startswith("/tmp/a\ufffdb  sha256:")
    assert not re.search(r"\\u[dD][89a-fA-F]", answer.out)
    (tmp_path / "systemd").write_bytes(userspace("enter-XY").replace(b"XY", b"\\ud800"))
    assert bundle("log", tmp_path / "systemd", "--json").code == 4


def test_systemd_logs(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(userspace("enter-initrd", "leave-initrd"))
    events = bundle("log", tmp_path / "log", "--json").json["events"]
    assert [(event["pcr"], event["untrusted_words"], event["coverage"]) for event in events] == [
        (9, "enter-initrd", "covered"),
        (9, "leave-initrd", "covered"),
    ]


@pytest.mark.parametrize("data", [b"", b"\0" * 100, b"no log at all", b"\xff" * 64])
def test_what_is_no_log(data: bytes, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(data)
    answer = bundle("log", tmp_path / "log")
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith("error: wrong-magic at byte 0")


def test_a_bundle_without_logs(bundle: Bundle) -> None:
    answer = bundle("log", vector("container_cose-esp256"))
    assert (answer.code, answer.err) == (2, "error: there is no measurement log in this bundle\n")


@pytest.mark.parametrize("bank", ["rsa", "sm4", "nothing"])
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_bank_that_is_not_computed_is_refused_before_anything_is_shown(
    bank: str, form: tuple[str, ...], bundle: Bundle
) -> None:
    answer = bundle("log", vector("log_firmware"), "--bank", bank, *form)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
