# SPDX-License-Identifier: Apache-2.0
"""Logs beside quotes: real ones are explained, and whoever writes the log gains nothing by it.

The attacker here controls the operating system: writes all logs, and extends what they like after the boot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.logs.event import EventType
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.reading import Standing
from bundlefmt.logs.tcg import FirmwareLog, startup_localities
from bundlefmt.verify import Basis, Outcome, Report, verify
from bundlefmt.verify.context import Context
from bundlefmt.verify.explanation import Logs
from bundlefmt.verify.verifier import tell
from tests.provenance import Provenance, cases
from tests.test_vectors import JUDGED, octets, policy_of, said
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_log import log_item, logged, quoting
from tests.vectorgen.measured import (
    ACTION,
    APPLICATION,
    NO_ACTION,
    SEPARATOR,
    VARIABLE,
    Event,
    Log,
    boot,
    extended,
    userspace,
    values,
    variable,
)
from tests.vectorgen.software_tpm import SHA1, SHA256

HASHES: Final = {0x4: "sha1", 0xB: "sha256", 0xC: "sha384", 0xD: "sha512"}
LOADER: Final = Event(pcr=4, type=APPLICATION, data=b"", measured=b"a boot loader").digest(SHA256)


def judge(ceremony: Ceremony) -> Report:
    made = ceremony.judged()
    return verify(Bundle.decode(made.file), policy_of(asdict(made.terms)))


def outcome(report: Report, check: str) -> tuple[Outcome, str]:
    (finding,) = report.of(check)
    return finding.outcome, finding.message


def boot_of(report: Report) -> tuple[Basis, str]:
    return next((one.basis, one.statement) for one in report.conclusions if one.id == "platform.boot")


# real logs


def after(log: FirmwareLog, bank: int, *, without: int | None = None) -> dict[int, bytes]:
    """The values of PCR 0 to 23 that a TPM has after this log, or after it without one event."""
    name = HASHES[bank]
    size = hashlib.new(name).digest_size
    row = {index: bytes(size) for index in range(24)} | dict.fromkeys(range(17, 23), b"\xff" * size)
    launched = {event.index for event in log.events if event.extended} & set(range(17, 23))
    row |= dict.fromkeys(launched, bytes(size))
    locality = next(iter(startup_localities(log.events)), 0)
    row[0] = bytes(size - 1) + bytes([locality])
    for event in log.events:
        if event.extended and event.number != without and bank in event.digests:
            row[event.index] = hashlib.new(name, row[event.index] + event.digests[bank]).digest()
    return row


def real(corpus: Path, case: Provenance) -> tuple[bytes, FirmwareLog]:
    data = (corpus / "eventlogs" / case.file).read_bytes()
    try:
        log = FirmwareLog.decode(data)
    except MalformedError:
        pytest.skip("no firmware log, or one that is cut short: tests/logs has it")
    if not any(event.extended for event in log.events):
        pytest.skip("a log that extends nothing")
    return data, log


def banks(log: FirmwareLog) -> set[int]:
    """Those in which the log is whole: some firmware lists banks that it does not use."""
    return {bank for bank in HASHES if all(bank in event.digests for event in log.events if event.extended)}


def beside(data: bytes, pcrs: Mapping[int, Mapping[int, bytes]]) -> Ceremony:
    return quoting(pcrs).having("firmware.log", log_item(data)).under(allow_sha1=True)


LOGS: Final = cases("eventlogs", "*bios_measurements*", "*.bin", "*.log", "*eventlog*", "*event_log*")


@pytest.mark.parametrize("case", LOGS, ids=str)
def test_a_real_log_explains_what_it_measured(corpus: Path, case: Provenance) -> None:
    data, log = real(corpus, case)
    report = judge(beside(data, {bank: after(log, bank) for bank in banks(log)}))
    assert outcome(report, "log.replay")[0] is Outcome.PASSED
    basis, statement = boot_of(report)
    assert basis is Basis.VOUCHED
    assert statement.startswith("the firmware log is that of the quoted boot, by PCR ")


@pytest.mark.parametrize("case", LOGS, ids=str)
def test_a_real_log_with_one_event_too_many_or_too_few_explains_nothing(
    corpus: Path, case: Provenance
) -> None:
    """The quote is of a boot that lacked an event, or the log has been stripped of all events of one PCR."""
    data, log = real(corpus, case)
    firm = [event for event in log.events if event.extended and event.index < 8]
    bank = max(banks(log))
    for event in (firm[0], firm[len(firm) // 2], firm[-1]):
        report = judge(beside(data, {bank: after(log, bank, without=event.number)}))
        assert outcome(report, "log.replay")[0] is Outcome.FAILED
        assert boot_of(report)[0] is Basis.UNPROVEN
    stripped = replace(log, events=tuple(one for one in log.events if one.index != firm[-1].index))
    if not any(event.extended for event in stripped.events):
        return
    report = judge(beside(stripped.encode(), {bank: after(log, bank)}))
    assert outcome(report, "log.replay")[0] is Outcome.FAILED


@pytest.mark.parametrize("case", cases("ima", "*binary*"), ids=str)
def test_how_much_of_a_real_list_is_quoted(corpus: Path, case: Provenance) -> None:
    data = (corpus / "ima" / case.file).read_bytes()
    listed = ImaList.decode(data)
    alg, mine = listed.template_alg(), [entry for entry in listed.entries if entry.index == 10]
    if len(mine) != len(listed.entries) or alg is None:
        pytest.skip("entries of other PCRs, or of a hash that is not known")
    half, value = len(mine) // 2 + 1, bytes(32)
    for entry in mine[:half]:
        digest = b"\xff" * 32 if entry.violation else hashlib.sha256(entry.hashed()).digest()
        value = extended(value, digest)
    report = judge(quoting({SHA256: {10: value}}).having("ima.log", log_item(data, "ima-log")))
    found, message = outcome(report, "log.ima")
    assert found is Outcome.PASSED
    assert f"{half} of {len(mine)} entries are in the quote" in message


# an attacker who writes the log

DATA: Final = st.sampled_from(
    [
        variable("SecureBoot", b"\1"),
        variable("SecureBoot", b"\0"),
        variable("SecureBoot", b""),
        bytes(4),
        b"\xff" * 4,
        b"a boot loader",
        b"kernel_cmdline: a boot loader",
        b"",
    ]
)
TYPES: Final = st.sampled_from([one.value for one in EventType if one != EventType.EV_NO_ACTION])


@st.composite
def rewritten(draw: st.DrawFn, genuine: Sequence[Event]) -> tuple[list[Event], bytes | None]:
    """A firmware log and a userspace log that keep the digests of each PCR, and lie wherever they can."""
    log = list(genuine)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(log) - 1))
        event = log[at]
        told = event.data if event.measured is None else event.measured
        match draw(st.sampled_from(["type", "data", "swap", "inform"])):
            case "type":
                log[at] = replace(event, type=draw(TYPES), data=event.data, measured=told)
            case "data":
                log[at] = replace(event, data=draw(DATA), measured=told)
            case "swap" if at and log[at - 1].pcr != event.pcr:
                log[at - 1 : at + 1] = [event, log[at - 1]]
            case "inform":
                log.insert(at, Event(pcr=draw(st.integers(0, 9)), type=NO_ACTION, data=draw(DATA)))
    measured = [event for event in log if event.type != NO_ACTION]
    loader = [event for event in measured if event.digest(SHA256) == LOADER]
    match draw(st.sampled_from(["nothing", "strip", "move", "move the loader"])):
        case "strip":
            pcr = draw(st.sampled_from([4, *range(10)]))
            return [event for event in log if event.pcr != pcr], None
        case "move" | "move the loader" as which:
            moved = loader[0] if which == "move the loader" else draw(st.sampled_from(measured))
            log.remove(moved)
            return log, userspace("", pcr=moved.pcr, digest=moved.digest(SHA256))
    return log, None


@settings(max_examples=150)
@given(
    st.lists(st.builds(Event, pcr=st.integers(0, 9), type=TYPES, data=DATA), max_size=3).flatmap(
        lambda late: rewritten([*boot(secure=False), *late]).map(lambda made: (late, made))
    )
)
def test_no_rewriting_shows_secure_boot_or_hides_the_boot_loader(
    made: tuple[list[Event], tuple[list[Event], bytes | None]],
) -> None:
    """The machine booted without Secure Boot, and the attacker extended more afterwards."""
    late, (log, userspace_log) = made
    ceremony = logged(log, [*boot(secure=False), *late])
    if userspace_log is not None:
        ceremony = ceremony.having("userspace.log", log_item(userspace_log, "userspace-log"))
    report = judge(ceremony)
    basis, statement = boot_of(report)
    assert "Secure Boot was on" not in statement
    ((_, platform),) = report.platforms
    enabled = platform.secure_boot.enabled
    assert (enabled.value, enabled.standing) != (True, Standing.MEASURED)
    if basis is not Basis.UNPROVEN:
        measured = {one.value.digest for one in platform.boot.images if one.standing is Standing.MEASURED}
        assert LOADER in measured


def test_without_an_attacker_the_same_log_shows_both() -> None:
    report = judge(logged(boot()))
    basis, statement = boot_of(report)
    assert basis is Basis.VOUCHED
    assert statement.endswith("by PCR 0, 1, 2, 3, 4, 5, 6, 7; Secure Boot was on")
    ((_, platform),) = report.platforms
    assert [one.value.digest for one in platform.boot.images] == [LOADER]
    assert platform.secure_boot.enabled.standing is Standing.MEASURED


def test_an_image_does_not_hide_behind_its_own_bytes() -> None:
    """The data of an event may be all that was hashed, which whoever has the image can write there."""
    log = [replace(event, data=event.measured or event.data, measured=None) for event in boot()]
    ((_, platform),) = judge(logged(log, boot())).platforms
    assert [one.value.digest for one in platform.boot.images] == [LOADER]


def test_nothing_is_measured_beside_a_quote_that_does_not_hold() -> None:
    """Anyone can write PCR values beside a signature of another key."""
    ceremony = logged(boot())
    signature = bytearray(ceremony.value_of("quote.sig"))
    signature[-1] ^= 1
    report = judge(ceremony.changed("quote.sig", value=bytes(signature)))
    ((_, platform),) = report.platforms
    assert outcome(report, "log.replay")[0] is Outcome.PASSED
    assert platform.secure_boot.enabled.standing is Standing.LOGGED
    assert boot_of(report)[0] is Basis.UNPROVEN


def test_what_one_quote_contradicts_is_not_measured() -> None:
    """Two sets of values of the same quote's PCR: only one of them is that of the log."""
    pcrs = values(boot())
    other = {SHA256: {**pcrs[SHA256], 7: bytes(32)}}
    ceremony = quoting(pcrs).having("firmware.log", log_item(Log(events=boot()).encode()))
    second = quoting(other).artifacts["quote.pcrs"]
    made = ceremony.having("second.pcrs", second).judged()
    logs = Context(Bundle.decode(made.file), policy_of(asdict(made.terms))).area(Logs)
    enabled = logs.summary("firmware.log").secure_boot.enabled
    assert (enabled.value, enabled.standing) == (True, Standing.LOGGED)
    assert {one.explained for one in logs.compared("firmware.log") if one.replay.index == 7} == {True, False}


@pytest.mark.parametrize("name", [name for name in JUDGED if name.startswith("log_")])
def test_without_the_other_checks_the_same_is_told(name: str) -> None:
    bundle, policy = Bundle.decode(octets(name)), policy_of(said(name)["policy"])
    assert tell(bundle, policy) == verify(bundle, policy).platforms


# what the findings say


def test_the_finding_says_which_pcr_and_how_far_the_log_goes() -> None:
    late = [Event(pcr=7, type=ACTION, data=b"one"), Event(pcr=7, type=ACTION, data=b"two")]
    found, message = outcome(judge(logged([*boot(), *late], boot())), "log.replay")
    assert found is Outcome.FAILED
    assert message == "sha256:7 is the value after 2 of 4 events: 2 are not in the quote"


def test_the_finding_names_another_startup_locality() -> None:
    found, message = outcome(judge(logged(boot(), startup=3)), "log.replay")
    assert found is Outcome.FAILED
    assert "startup locality 3" in message


def test_the_finding_names_what_is_not_quoted_and_what_nothing_explains() -> None:
    pcrs = values(boot())
    del pcrs[SHA256][4]
    pcrs[SHA256] |= {9: bytes([9]) * 32, 14: bytes([14]) * 32, 16: bytes(32), 17: b"\xff" * 32}
    ceremony = quoting(pcrs).having("firmware.log", log_item(Log(events=boot()).encode()))
    report = judge(ceremony)
    assert outcome(report, "log.replay") == (
        Outcome.PASSED,
        "explains PCR 0, 1, 2, 3, 5, 6, 7, 8 in sha256; PCR 4 is not quoted; "
        "PCR 9, 14 is quoted and no log explains it",
    )
    assert "its events in PCR 4 are not attested" in boot_of(report)[1]


def test_an_event_that_extends_nothing_needs_no_quote() -> None:
    log = [*boot(), Event(pcr=12, type=NO_ACTION, data=b"told, not measured")]
    message = outcome(judge(logged(log)), "log.replay")[1]
    assert message == "explains PCR 0, 1, 2, 3, 4, 5, 6, 7, 8 in sha256"


def test_both_banks_have_to_agree() -> None:
    """The SHA-1 digests are those of the boot, the SHA-256 digests are not."""
    pcrs = values(boot(), banks=(SHA1, SHA256))
    pcrs[SHA256] = values(boot(secure=False))[SHA256]
    report = judge(quoting(pcrs).having("firmware.log", log_item(Log(events=boot()).encode())))
    found, message = outcome(report, "log.replay")
    assert found is Outcome.FAILED
    assert message == "sha256:7 is the value after none of its 2 events"
    assert boot_of(report)[0] is Basis.UNPROVEN


def test_an_error_separator_is_told_by_its_digest() -> None:
    log = [
        replace(event, type=ACTION, data=b"", measured=b"\1\0\0\0") if event.type == SEPARATOR else event
        for event in boot()
        if event.type != VARIABLE
    ]
    found, message = outcome(judge(logged(log)), "log.separators")
    assert found is Outcome.INDETERMINATE
    assert "firmware error" in message
