# SPDX-License-Identifier: Apache-2.0
"""The essentials of one measurement log in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bundlefmt.evidence.tpm_algorithm import UnsupportedAlgorithmError, alg_name
from bundlefmt.logs.platform import summarise
from bundlefmt.logs.recognise import decode_ima
from bundlefmt.logs.systemd import SystemdLog
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.render.events import strongest
from bundlefmt.wire import Buffer


def _firmware_log(data: Buffer) -> dict[str, str]:
    log = FirmwareLog.decode(data)
    found = {"events": f"{len(log.events)} in {', '.join(map(alg_name, log.banks))}"}
    try:
        on = summarise(log.events, strongest(log)).secure_boot.enabled.value
    except UnsupportedAlgorithmError:
        on = None
    found["says of Secure Boot"] = {True: "on", False: "off", None: "nothing"}[on]
    return found


def _userspace_log(data: Buffer) -> dict[str, str]:
    return {"records": str(len(SystemdLog.decode(data).records))}


def _ima_log(data: Buffer) -> dict[str, str]:
    return {"entries": str(decode_ima(data).count)}


_BY_ROLE: Final[Mapping[str, Callable[[Buffer], dict[str, str]]]] = {
    "firmware-log": _firmware_log,
    "userspace-log": _userspace_log,
    "ima-log": _ima_log,
}


def log_facts(role: str, data: Buffer) -> dict[str, str]:
    """What a log of this role says of itself. Raises MalformedError."""
    return _BY_ROLE[role](data)
