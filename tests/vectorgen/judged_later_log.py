# SPDX-License-Identifier: Apache-2.0
"""Logs of what ran after firmware beside a quote: systemd's records and IMA lists.

Spec: "Measurement logs"; "Verification", step 7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tests.vectorgen import measured
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_log import Values, log_item, logged, quoting
from tests.vectorgen.measured import (
    APPLICATION,
    Event,
    Log,
    Measured,
    boot,
    ima_value,
    measured_files,
    userspace,
    values,
)
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


def _ima(
    entries: Sequence[Measured],
    quoted: Sequence[Measured],
    data: bytes | None = None,
    *,
    padded: bool = False,
) -> Ceremony:
    """An IMA list beside a quote of what `quoted` measured."""
    pcrs = {tpm.SHA256: {10: ima_value(quoted, padded=padded)}}
    raw = b"".join(entry.encode() for entry in entries) if data is None else data
    return quoting(pcrs).having("ima.log", log_item(raw, "ima-log"))


def _phases(pcrs: Values, *strings: str, pcr: int = 9) -> dict[int, dict[int, bytes]]:
    """The values after systemd measured these strings."""
    row = dict(pcrs[tpm.SHA256])
    for text in strings:
        row[pcr] = measured.extended(row[pcr], hashlib.sha256(text.encode()).digest())
    return {tpm.SHA256: row}


def after(*strings: str, quoted: Sequence[str]) -> Ceremony:
    """A short boot and systemd's records, beside a quote in which systemd had measured `quoted`."""
    ceremony = quoting(_phases(values(boot()), *quoted))
    ceremony = ceremony.having("firmware.log", log_item(Log(events=boot()).encode()))
    return ceremony.having("userspace.log", log_item(userspace(*strings), "userspace-log"))


@vector("log.replay", "valid")
def log_userspace() -> Judged:
    """Firmware and then systemd extended PCR 9; both logs together explain it."""
    log = [*boot(), Event(pcr=9, type=measured.IPL, data=b"/initrd\0", measured=b"an initrd")]
    pcrs = values(log)
    for text in ("enter-initrd", "leave-initrd"):
        digest = Event(pcr=9, type=0, data=text.encode()).digest(tpm.SHA256)
        pcrs[tpm.SHA256][9] = measured.extended(pcrs[tpm.SHA256][9], digest)
    ceremony = quoting(pcrs).having("firmware.log", log_item(Log(events=log).encode()))
    later = log_item(userspace("enter-initrd", "leave-initrd"), "userspace-log")
    return ceremony.having("userspace.log", later).judged()


@vector("log.form", "truncated")
def log_userspace_cut_short() -> Judged:
    """The last record of systemd's log lacks its line feed."""
    later = log_item(userspace("enter-initrd")[:-1], "userspace-log")
    return logged(boot()).having("userspace.log", later).judged("log.form")


@vector("log.replay", "valid", "appended")
def log_userspace_longer() -> Judged:
    """systemd measured once more after the quote: that record is not attested, and nothing else is lost."""
    ceremony = after("enter-initrd", "leave-initrd", quoted=["enter-initrd"])
    return ceremony.concluding(platform_boot="vouched").judged()


@vector("log.replay", "removed")
def log_userspace_record_removed() -> Judged:
    """The first record is not in the log, so PCR 9 is not explained."""
    ceremony = after("leave-initrd", quoted=["enter-initrd", "leave-initrd"])
    return ceremony.judged(unsure=("log.replay",))


@vector("log.replay", "tampered")
def log_boot_loader_in_userspace_log() -> Judged:
    """The boot loader's event was moved to the userspace log, where no summary of the boot would show it."""
    log = boot()
    moved = next(event for event in log if event.type == APPLICATION)
    later = log_item(userspace("", pcr=4, digest=moved.digest(tpm.SHA256)), "userspace-log")
    ceremony = logged([event for event in log if event is not moved], log).having("userspace.log", later)
    return ceremony.concluding(platform_boot="unproven").judged("log.replay")


@vector("log.replay", "valid")
def log_userspace_alone() -> Judged:
    """systemd's records without a firmware log explain PCR 9, which nothing else extended."""
    pcrs = _phases({tpm.SHA256: {9: bytes(32)}}, "enter-initrd")
    later = log_item(userspace("enter-initrd", "leave-initrd"), "userspace-log")
    return quoting(pcrs).having("userspace.log", later).judged()


@vector("log.replay")
def log_userspace_alone_too_late() -> Judged:
    """All of systemd's records are later than the quote."""
    later = log_item(userspace("enter-initrd"), "userspace-log")
    ceremony = quoting({tpm.SHA256: {9: bytes(32)}}).having("userspace.log", later)
    return ceremony.judged(unsure=("log.replay",))


@vector("log.ima", "valid")
def log_ima_list() -> Judged:
    """An IMA list whose every entry is in the quote."""
    return _ima(measured_files(5), measured_files(5)).judged()


@vector("log.ima", "valid")
def log_ima_beside_firmware() -> Judged:
    """A firmware log and an IMA list, which explain different PCRs: together all that are quoted."""
    pcrs = {tpm.SHA256: {**values(boot())[tpm.SHA256], 10: ima_value(measured_files(3))}}
    ceremony = quoting(pcrs).having("firmware.log", log_item(Log(events=boot()).encode()))
    raw = b"".join(entry.encode() for entry in measured_files(3))
    return ceremony.having("ima.log", log_item(raw, "ima-log")).judged()


@vector("log.ima", "valid", "appended")
def log_ima_longer() -> Judged:
    """An IMA list that went on growing after the quote: three of its five entries are attested."""
    return _ima(measured_files(5), measured_files(3)).judged()


@vector("log.ima", "removed")
def log_ima_entry_removed() -> Judged:
    """An entry was taken out of the IMA list: no first part of it gives the quoted value."""
    entries = measured_files(5)
    return _ima([*entries[:2], *entries[3:]], entries).judged("log.ima")


@vector("log.ima", "tampered")
def log_ima_entry_changed() -> Judged:
    """An entry of the IMA list names another file than was measured."""
    entries = measured_files(5)
    changed = [replace(entry, path="/usr/bin/other") if n == 2 else entry for n, entry in enumerate(entries)]
    return _ima(changed, entries).judged("log.ima")


@vector("log.ima", "valid")
def log_ima_violation() -> Judged:
    """A file was written while it was measured: the violation extends ones, and is counted."""
    entries = [*measured_files(2), Measured(path="/var/log/open", content=b"", violation=True)]
    return _ima(entries, entries).judged()


@vector("log.ima", "valid")
def log_ima_ascii() -> Judged:
    """The IMA list in its ascii form."""
    data = "".join(entry.ascii() for entry in measured_files(4)).encode()
    return _ima([], measured_files(4), data).judged()


@vector("log.form", "bad-input")
def log_ima_ascii_of_other_digits() -> Judged:
    """A digest in the ascii IMA list has a character that is no hexadecimal digit."""
    data = "".join(entry.ascii() for entry in measured_files(4)).replace("sha256:", "sha256:g", 1)
    return _ima([], measured_files(4), data.encode()).judged("log.form")


@vector("log.ima")
def log_ima_not_quoted() -> Judged:
    """An IMA list beside a quote that leaves out its PCR."""
    raw = b"".join(entry.encode() for entry in measured_files(2))
    return whole().having("ima.log", log_item(raw, "ima-log")).judged(unsure=("log.ima",))


@vector("log.form", "truncated")
def log_ima_cut_short() -> Judged:
    """The last entry of the IMA list is cut short."""
    raw = b"".join(entry.encode() for entry in measured_files(2))[:-3]
    return _ima([], measured_files(2), raw).judged("log.form")


@vector("log.ima", "appended")
def log_ima_none_quoted() -> Judged:
    """The quote was made before anything was measured: no entry of the IMA list is in it."""
    return _ima(measured_files(3), []).judged(unsure=("log.ima",))


@vector("log.ima")
def log_ima_of_two_pcrs() -> Judged:
    """One entry went into PCR 11, which is not quoted: of that entry nothing is shown."""
    entries = [*measured_files(3), Measured(path="/usr/bin/other", content=b"", pcr=11)]
    return _ima(entries, measured_files(3)).judged(unsure=("log.ima",))


@vector("log.ima", "bank")
def log_ima_padded() -> Judged:
    """Linux before 5.9 extended the SHA-1 digest of an entry, with zeros behind it, in every bank."""
    return _ima(measured_files(3), measured_files(3), padded=True).judged(unsure=("log.ima",))


@vector("log.ima", "bank", "relaxed")
def log_ima_padded_allowed() -> Judged:
    """The same, where the verifier lets SHA-1 pass."""
    return _ima(measured_files(3), measured_files(3), padded=True).under(allow_sha1=True).judged()


@vector("log.ima", "tampered")
def log_ima_data_changed() -> Judged:
    """The digests of the IMA list are those that were extended; the name in one entry is another."""
    entries = measured_files(3)
    data = b"".join(entry.encode() for entry in entries).replace(b"tool-1", b"tool-9")
    return _ima([], entries, data, padded=True).judged("log.ima")
