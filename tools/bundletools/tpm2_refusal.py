# SPDX-License-Identifier: Apache-2.0
"""What a TPM's refusals mean and what to do about them; a busy TPM is asked again.

TPM 2.0 Library, Part 2, 6.6 "TPM_RC"; TSS 2.0 Overview, "Return Codes" (the layers above).
"""

from __future__ import annotations

import time
from typing import Any, Final

BUSY_SECONDS: Final = 20.0  # an RSA key takes a slow TPM ten
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 1.0
_FORMAT_ONE: Final = 0x080
_FORMAT_ONE_MASK: Final = 0x0BF  # without the number of the parameter, handle or session
_LAYER: Final = 0xFFFF0000
# layers that hand a TPM's own codes on: the TPM, and resource managers in front of it
_TPM_LAYERS: Final = (0x00000000, 0x000B0000)
_TCTI_LAYER: Final = 0x000A0000
RC_NV_UNINITIALIZED: Final = 0x14A
RC_HANDLE: Final = 0x08B
_AUTHORISED: Final = "an authorisation value is set: --endorsement-auth FILE or --owner-auth FILE gives it"
_BUSY: Final = (
    0x908,  # TPM_RC_YIELDED
    0x90A,  # TPM_RC_TESTING
    0x922,  # TPM_RC_RETRY
)
_SLOTS: Final = "use the kernel's resource manager, device:/dev/tpmrm0, or tpm2_flushcontext"
_HINTS: Final = {
    0x100: "the TPM has not been started: TPM2_Startup",
    0x101: "the TPM is in failure mode; only a power cycle ends it",
    0x120: "this TPM has the command switched off",
    0x901: f"the TPM's saved sessions are in the way: {_SLOTS} -s",
    0x902: f"the TPM is full of keys: {_SLOTS} -t",
    0x903: f"the TPM is full of sessions: {_SLOTS} -l",
    0x904: f"the TPM's memory is full: {_SLOTS} -t -l -s",
    0x905: f"the TPM has no session handles left: {_SLOTS} -l -s",
    0x906: f"the TPM has no key handles left: {_SLOTS} -t",
    0x908: "the TPM is busy; try again later",
    0x90A: "the TPM is testing itself; try again later",
    0x920: "the TPM limits how often it writes; try again later",
    0x921: "the TPM is in dictionary-attack lockout: tpm2_dictionarylockout --clear-lockout",
    0x922: "the TPM is busy; try again later",
    0x923: "the TPM cannot write now; try again later",
    0x085: "the hierarchy is disabled: the firmware's set-up can enable it",
    RC_HANDLE: "there is no such key or index: tpm2_getcap handles-persistent lists keys",
    0x08E: _AUTHORISED,
    0x0A2: _AUTHORISED,
    0x09D: "the policy of this key asks for more than is done here",
    0x09F: "this TPM did not make it, or not since its last reset",  # TPM_RC_INTEGRITY
}


def tpm_code(rc: int) -> int | None:
    """The TPM's own code in a return code, without numbers of parameters; None of any other layer."""
    if rc & _LAYER not in _TPM_LAYERS:
        return None
    code = rc & 0xFFFF
    return code & _FORMAT_ONE_MASK if code & _FORMAT_ONE else code


def hint(rc: int) -> str:
    """What to do about a refusal; empty where nothing is known."""
    code = tpm_code(rc)
    if code is None:
        gone = rc & _LAYER == _TCTI_LAYER
        return "the way to the TPM broke: is its device, or the program behind it, still there?" * gone
    return _HINTS.get(code, "")


class Patient:
    """An ESAPI whose commands are sent again while the TPM says that it did not begin them.

    `refusal` is the library's exception. These codes promise that nothing was done (Part 3, 5.3).
    """

    def __init__(self, esapi: Any, refusal: type[Exception]) -> None:
        self._esapi = esapi
        self._refusal = refusal

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._esapi, name)

        def patiently(*words: Any, **named: Any) -> Any:
            end, wait = time.monotonic() + BUSY_SECONDS, _FIRST_WAIT
            while True:
                try:
                    return command(*words, **named)
                except self._refusal as error:
                    if tpm_code(getattr(error, "rc", 0)) not in _BUSY or time.monotonic() + wait > end:
                        raise
                time.sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)

        return patiently
