# SPDX-License-Identifier: Apache-2.0
"""Measurement logs beside a quote: those that explain it, and those that do not.

Spec: "Measurement logs"; "Verification", step 7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from tests.vectorgen import measured
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, quote, whole
from tests.vectorgen.ceremony import Artifact, Ceremony, fixed
from tests.vectorgen.measured import (
    ACTION,
    APPLICATION,
    SEPARATOR,
    UNKNOWN,
    VARIABLE,
    Event,
    Log,
    boot,
    locality,
    measured_files,
    values,
    variable,
)
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OCTETS: Final = "application/octet-stream"
Values = Mapping[int, Mapping[int, bytes]]


def quoting(pcrs: Values) -> Ceremony:
    """The whole ceremony whose quote is over these values."""
    digest = tpm.pcr_digest(pcrs)
    ceremony = whole().changed("quote", make=quote(ak(), pcrs))
    return ceremony.having(
        "quote.pcrs", fixed("pcr-values", encoded(pcrs), {"quoted-by": "quote"}, pcr_digest=digest)
    )


def log_item(data: bytes, role: str = "firmware-log", **refs: object) -> Artifact:
    return fixed(role, data, refs, type=OCTETS)


def logged(log: Sequence[Event], quoted: Sequence[Event] | None = None, *, startup: int = 0) -> Ceremony:
    """A log with these events beside a quote of what those measured, by default the same."""
    pcrs = values(log if quoted is None else quoted, startup=startup)
    return quoting(pcrs).having("firmware.log", log_item(Log(events=log).encode()))


def _raw(data: bytes) -> Ceremony:
    """A log of these bytes beside a quote of the short boot."""
    return quoting(values(boot())).having("firmware.log", log_item(data))


def _sha1_beside_both() -> Ceremony:
    log = log_item(Log(events=boot(), banks=()).encode())
    return quoting(values(boot(), banks=(tpm.SHA1, tpm.SHA256))).having("firmware.log", log)


def _without(events: Sequence[Event], pcr: int, kind: int) -> list[Event]:
    return [event for event in events if (event.pcr, event.type) != (pcr, kind)]


@vector("log.replay", "valid")
def log_firmware() -> Judged:
    """A firmware log that explains every quoted PCR; Secure Boot was on."""
    return logged(boot()).concluding(platform_boot="vouched").judged()


@vector("log.replay", "unknown", "algorithm")
def log_of_unknown_bank() -> Judged:
    """The log and the quote have one bank, whose hash algorithm a later version may know."""
    banks = (tpm.UNKNOWN_HASH,)
    log = log_item(Log(events=boot(), banks=banks).encode())
    unsure = ("log.coverage", "log.replay", "log.separators", "quote.bank")
    return quoting(values(boot(), banks=banks)).having("firmware.log", log).judged(unsure=unsure)


@vector("log.replay", "valid")
def log_secure_boot_off() -> Judged:
    """A firmware log that explains every quoted PCR; Secure Boot was off."""
    return logged(boot(secure=False)).concluding(platform_boot="vouched").judged()


@vector("log.form", "valid")
def log_padded() -> Judged:
    """Behind the last event the memory area is filled with ff."""
    return _raw(Log(events=boot()).encode() + b"\xff" * 64).judged()


@vector("log.form", "valid", "unknown")
def log_event_of_unknown_type() -> Judged:
    """An event of a type that no profile defines: its digest counts, its data is shown as bytes."""
    return logged([*boot(), Event(pcr=6, type=UNKNOWN, data=b"vendor's own")]).judged()


@vector("log.form", "trailing")
def log_trailing_byte() -> Judged:
    """One byte follows the last event that is neither an event nor padding."""
    return _raw(Log(events=boot()).encode() + b"\x01").judged("log.form")


@vector("log.form", "truncated")
def log_cut_short() -> Judged:
    """The last event is cut short."""
    return _raw(Log(events=boot()).encode()[:-1]).judged("log.form")


@vector("log.form")
def log_empty() -> Judged:
    """The log has no byte."""
    return _raw(b"").judged("log.form")


@vector("log.form", "overflow")
def log_event_size_overflow() -> Judged:
    """The last event says that its data has 4 294 967 295 bytes."""
    data = Log(events=[*boot(), Event(pcr=6, type=SEPARATOR, data=b"")]).encode()
    return _raw(data[:-4] + b"\xff" * 4).judged("log.form")


@vector("log.form", "duplicate")
def log_algorithm_twice() -> Judged:
    """The header lists SHA-256 twice."""
    log = Log(events=boot())
    header = log.header(((tpm.SHA1, 20), (tpm.SHA256, 32)))
    twice = log.header(((tpm.SHA256, 32), (tpm.SHA256, 32)))
    return _raw(log.encode().replace(header, twice)).judged("log.form")


@vector("log.form")
def log_no_algorithm() -> Judged:
    """The header lists no algorithm."""
    log = Log(events=boot())
    header = log.header(((tpm.SHA1, 20), (tpm.SHA256, 32)))
    return _raw(log.encode().replace(header, log.header(()))).judged("log.form")


@vector("log.form")
def log_wrong_digest_size() -> Judged:
    """The header says that SHA-256 digests have 20 bytes."""
    log = Log(events=boot())
    header = log.header(((tpm.SHA1, 20), (tpm.SHA256, 32)))
    return _raw(log.encode().replace(header, log.header(((tpm.SHA1, 20), (tpm.SHA256, 20))))).judged(
        "log.form"
    )


@vector("log.form")
def log_of_another_kind() -> Judged:
    """An IMA list stands where the firmware log should."""
    return _raw(b"".join(entry.encode() for entry in measured_files(3))).judged("log.form")


@vector("log.replay", "appended")
def log_event_appended() -> Judged:
    """An event was appended that was never extended: the quote is of what came before it."""
    log = [*boot(), Event(pcr=7, type=VARIABLE, data=variable("SetupMode", b"\0"))]
    return logged(log, boot()).concluding(platform_boot="unproven").judged("log.replay")


@vector("log.replay", "removed")
def log_event_removed() -> Judged:
    """The boot loader's event is not in the log."""
    return logged(_without(boot(), 4, APPLICATION), boot()).judged("log.replay")


@vector("log.replay", "order")
def log_events_exchanged() -> Judged:
    """Two events of one PCR stand in the other order."""
    log = boot()
    version, separator = log[0], log[2]
    return logged([separator, log[1], version, *log[3:]], boot()).judged("log.replay")


@vector("the order between PCRs are the log's word", "order")
def log_events_of_two_pcrs_exchanged() -> Judged:
    """Two events of different PCRs stand in the other order, which no value shows."""
    log = boot()
    return logged([log[1], log[0], *log[2:]], boot()).judged()


@vector("log.replay", "tampered")
def log_digest_changed() -> Judged:
    """The policy says that Secure Boot was on, with its digest; the machine measured that it was off."""
    return logged(boot(), boot(secure=False)).concluding(platform_boot="unproven").judged("log.replay")


@vector("log.coverage", "tampered")
def log_data_rewritten() -> Judged:
    """The data says that Secure Boot was on beside the digest of off: the log replays, and shows neither."""
    log = boot(secure=False)
    lie = Event(pcr=7, type=VARIABLE, data=variable("SecureBoot", b"\1"), measured=log[1].data)
    return logged([log[0], lie, *log[2:]], log).judged()


@vector("log.separators", "retyped")
def log_separator_retyped() -> Judged:
    """PCR 7's separator is called an action, and a variable a separator: types are not covered by digests."""
    log = boot()
    retyped = [
        replace(event, type=ACTION) if event.pcr == 7 and event.type == SEPARATOR else event for event in log
    ]
    return logged(retyped, log).concluding(platform_boot="vouched").judged()


@vector("log.separators", "appended")
def log_policy_after_separator() -> Judged:
    """The operating system measured another SecureBoot after the separator: firmware's word stands."""
    late = Event(pcr=7, type=VARIABLE, data=variable("SecureBoot", b"\1"))
    return logged([*boot(secure=False), late]).judged()


@vector("log.separators")
def log_without_separator() -> Judged:
    """PCR 4 has no separator: where firmware ended and anyone may have begun is not known."""
    return logged(_without(boot(), 4, SEPARATOR)).judged(unsure=("log.separators",))


@vector("log.separators")
def log_error_separator() -> Judged:
    """PCR 2's separator says that firmware met an error."""
    log = [
        Event(pcr=2, type=SEPARATOR, data=b"\1\0\0\0") if (event.pcr, event.type) == (2, SEPARATOR) else event
        for event in boot()
    ]
    return logged(log).judged(unsure=("log.separators",))


@vector("log.replay", "valid", "locality")
def log_startup_locality() -> Judged:
    """The TPM was started from locality 3, as the log declares: PCR 0 starts at 3."""
    return logged([locality(3), *boot()], startup=3).judged()


@vector("log.replay", "locality")
def log_startup_locality_not_declared() -> Judged:
    """The TPM was started from locality 3, which the log does not declare: nobody adds that for it."""
    return logged(boot(), startup=3).judged("log.replay")


@vector("log.replay", "locality")
def log_startup_locality_wrong() -> Judged:
    """The log declares locality 3, the TPM was started from locality 0."""
    return logged([locality(3), *boot()], startup=0).judged("log.replay")


@vector("log.replay", "bank")
def log_sha1_only() -> Judged:
    """A SHA-1 log beside a quote of the SHA-256 bank: they have nothing in common."""
    data = Log(events=boot(), banks=()).encode()
    return _raw(data).concluding(platform_boot="unproven").judged(unsure=("log.replay",))


@vector("log.replay", "bank")
def log_sha1_beside_both_banks() -> Judged:
    """A SHA-1 log beside a quote of both banks: its events are tied to the quote by SHA-1 alone."""
    return _sha1_beside_both().concluding(platform_boot="unproven").judged(unsure=("log.replay",))


@vector("log.replay", "bank", "relaxed")
def log_sha1_beside_both_banks_allowed() -> Judged:
    """The same, where the verifier lets SHA-1 pass."""
    return _sha1_beside_both().under(allow_sha1=True).concluding(platform_boot="vouched").judged()


@vector("log.replay")
def log_extended_by_others() -> Judged:
    """PCR 8 was extended by software whose log is not here: what it holds is not explained."""
    later = Event(pcr=8, type=measured.IPL, data=b"", measured=b"a secret of the operating system")
    return logged(boot(), [*boot(), later]).judged(unsure=("log.replay",))


@vector("log.replay", "removed")
def log_pcr_left_out() -> Judged:
    """No event of PCR 4, which was extended, is in the log: what booted is hidden."""
    log = [event for event in boot() if event.pcr != 4]
    return logged(log, boot()).concluding(platform_boot="unproven").judged("log.replay")


@vector("log.replay", "valid")
def log_pcr_not_extended() -> Judged:
    """Firmware measured nothing into PCR 6, and its quoted value is zeros."""
    return logged([event for event in boot() if event.pcr != 6]).judged()


@vector("log.replay", "appended", "bank")
def log_event_of_one_bank() -> Judged:
    """An image that has a digest of the SHA-1 bank only is not in the quoted SHA-256 value."""
    hidden = Log(events=[Event(pcr=4, type=APPLICATION, data=b"another image")], banks=(tpm.SHA1,))
    data = Log(events=boot()).encode() + hidden.encode().removeprefix(hidden.header(((tpm.SHA1, 20),)))
    return _raw(data).concluding(platform_boot="unproven").judged("log.replay")


@vector("log.replay", "valid")
def log_pcr_not_quoted() -> Judged:
    """The quote leaves out PCR 4: its events are the log's word, and the finding says so."""
    pcrs = {tpm.SHA256: {pcr: value for pcr, value in values(boot())[tpm.SHA256].items() if pcr != 4}}
    log = log_item(Log(events=boot()).encode())
    return quoting(pcrs).having("firmware.log", log).concluding(platform_boot="vouched").judged()


@vector("log.replay", "valid")
def log_pcr_that_nothing_explains() -> Judged:
    """Software without a log extended PCR 9: the finding says that nothing explains it."""
    pcrs = values(boot())
    pcrs[tpm.SHA256][9] = measured.extended(bytes(32), bytes(32))
    return quoting(pcrs).having("firmware.log", log_item(Log(events=boot()).encode())).judged()


@vector("log.replay", "valid")
def log_names_its_values() -> Judged:
    """The log says which PCR values it is to explain."""
    data = Log(events=boot()).encode()
    log = log_item(data, pcrs="quote.pcrs")
    return quoting(values(boot())).having("firmware.log", log).judged()


@vector("container.refs", "reference")
def container_log_refers_to_the_quote() -> Judged:
    """The log refers to the quote where it should to PCR values."""
    data = Log(events=boot()).encode()
    ceremony = quoting(values(boot())).having("firmware.log", log_item(data, pcrs="quote"))
    return ceremony.judged("container.refs")


@vector("log.replay", "absent")
def log_withheld() -> Judged:
    """The firmware log is withheld: of what the quote covers nothing more is known."""
    ceremony = replace(logged(boot()), absent=frozenset({"firmware.log"})).concluding(
        platform_boot="unproven"
    )
    unsure = ("log.coverage", "log.form", "log.replay", "log.separators")
    return ceremony.judged(unsure=(*unsure, "container.complete"))


@vector("log.replay", "bank")
def log_sha1_for_some() -> Judged:
    """A log without SHA-384 beside a quote that has only PCR 7 by SHA-256: the others are tied by SHA-1."""
    pcrs = values(boot(), banks=(tpm.SHA1, tpm.SHA256, tpm.SHA384))
    pcrs[tpm.SHA256] = {7: pcrs[tpm.SHA256][7]}
    log = log_item(Log(events=boot(), banks=(tpm.SHA1, tpm.SHA256)).encode())
    ceremony = quoting(pcrs).having("firmware.log", log).concluding(platform_boot="unproven")
    return ceremony.judged(unsure=("log.replay",))


@vector("that it has events of (at least one)", "removed")
def log_without_events_of_firmware() -> Judged:
    """PCRs 0 to 7 are quoted as zeros and the log has events of PCR 8 alone: it tells of no boot."""
    events = [Event(pcr=8, type=measured.IPL, data=b"a kernel")]
    pcrs = values(events)
    pcrs[tpm.SHA256] = {**{index: bytes(32) for index in range(8)}, **pcrs[tpm.SHA256]}
    log = log_item(Log(events=events).encode())
    return quoting(pcrs).having("firmware.log", log).concluding(platform_boot="unproven").judged()


@vector("log.replay", "removed")
def log_without_events_and_another_boot() -> Judged:
    """PCR 0 is quoted with a value, and the log has one event, of PCR 9, which is not quoted."""
    pcrs = {tpm.SHA256: {0: hashlib.sha256(b"firmware").digest()}}
    log = log_item(Log(events=[Event(pcr=9, type=measured.IPL, data=b"a kernel")]).encode())
    ceremony = quoting(pcrs).having("firmware.log", log)
    return ceremony.concluding(platform_boot="unproven").judged("log.replay")
