# SPDX-License-Identifier: Apache-2.0
"""One measurement as a log tells it, and the numbers of TCG event types.

Only the digests of a log are bound by PCR values. Type and data are words of whoever wrote the log until a
digest is found to cover the data (`coverage`); hence `untrusted_type`, `untrusted_data`. The *index* is bound
(another PCR would have another value), and so is the order inside one PCR; the order between PCRs is not.

TCG PC Client Platform Firmware Profile 1.06, 10.4.1 "Event Types"; the 0x400 range is Intel TXT's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Protocol

from bundlefmt.frozen import frozen

MAX_PCR: Final = 31  # TPML_PCR_SELECTION carries at most four octets of PCRs


class EventType(IntEnum):
    """TCG_EVENTTYPE."""

    EV_PREBOOT_CERT = 0x00
    EV_POST_CODE = 0x01
    EV_UNUSED = 0x02
    EV_NO_ACTION = 0x03
    EV_SEPARATOR = 0x04
    EV_ACTION = 0x05
    EV_EVENT_TAG = 0x06
    EV_S_CRTM_CONTENTS = 0x07
    EV_S_CRTM_VERSION = 0x08
    EV_CPU_MICROCODE = 0x09
    EV_PLATFORM_CONFIG_FLAGS = 0x0A
    EV_TABLE_OF_DEVICES = 0x0B
    EV_COMPACT_HASH = 0x0C
    EV_IPL = 0x0D
    EV_IPL_PARTITION_DATA = 0x0E
    EV_NONHOST_CODE = 0x0F
    EV_NONHOST_CONFIG = 0x10
    EV_NONHOST_INFO = 0x11
    EV_OMIT_BOOT_DEVICE_EVENTS = 0x12
    EV_POST_CODE2 = 0x13
    EV_TXT_PCR_MAPPING = 0x401
    EV_TXT_HASH_START = 0x402
    EV_TXT_COMBINED_HASH = 0x403
    EV_TXT_MLE_HASH = 0x404
    EV_TXT_BIOSAC_REG_DATA = 0x40A
    EV_TXT_CPU_SCRTM_STAT = 0x40B
    EV_TXT_LCP_CONTROL_HASH = 0x40C
    EV_TXT_ELEMENTS_HASH = 0x40D
    EV_TXT_STM_HASH = 0x40E
    EV_TXT_OSSINITDATA_CAP_HASH = 0x40F
    EV_TXT_SINIT_PUBKEY_HASH = 0x410
    EV_TXT_LCP_HASH = 0x411
    EV_TXT_LCP_DETAILS_HASH = 0x412
    EV_TXT_LCP_AUTHORITIES_HASH = 0x413
    EV_TXT_NV_INFO_HASH = 0x414
    EV_TXT_COLD_BOOT_BIOS_HASH = 0x415
    EV_TXT_KM_HASH = 0x416
    EV_TXT_BPM_HASH = 0x417
    EV_TXT_KM_INFO_HASH = 0x418
    EV_TXT_BPM_INFO_HASH = 0x419
    EV_TXT_BOOT_POL_HASH = 0x41A
    EV_TXT_RANDOM_VALUE = 0x4FE
    EV_TXT_CAP_VALUE = 0x4FF
    EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001
    EV_EFI_VARIABLE_BOOT = 0x80000002
    EV_EFI_BOOT_SERVICES_APPLICATION = 0x80000003
    EV_EFI_BOOT_SERVICES_DRIVER = 0x80000004
    EV_EFI_RUNTIME_SERVICES_DRIVER = 0x80000005
    EV_EFI_GPT_EVENT = 0x80000006
    EV_EFI_ACTION = 0x80000007
    EV_EFI_PLATFORM_FIRMWARE_BLOB = 0x80000008
    EV_EFI_HANDOFF_TABLES = 0x80000009
    EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000A
    EV_EFI_HANDOFF_TABLES2 = 0x8000000B
    EV_EFI_VARIABLE_BOOT2 = 0x8000000C
    EV_EFI_GPT_EVENT2 = 0x8000000D
    EV_EFI_HCRTM_EVENT = 0x80000010
    EV_EFI_VARIABLE_AUTHORITY = 0x800000E0
    EV_EFI_SPDM_FIRMWARE_BLOB = 0x800000E1
    EV_EFI_SPDM_FIRMWARE_CONFIG = 0x800000E2
    EV_EFI_SPDM_DEVICE_POLICY = 0x800000E3
    EV_EFI_SPDM_DEVICE_AUTHORITY = 0x800000E4


# to compare with the member itself costs several times as much
_NO_ACTION: Final = EventType.EV_NO_ACTION.value


def type_name(event_type: int) -> str:
    """`EV_SEPARATOR`; a number that is not known as hexadecimal, `0x00001234`."""
    try:
        return EventType(event_type).name
    except ValueError:
        return f"{event_type:#010x}"


class Measured(Protocol):
    """What replay needs of a log entry of any kind."""

    @property
    def number(self) -> int: ...
    @property
    def index(self) -> int: ...
    @property
    def digests(self) -> Mapping[int, bytes]: ...
    @property
    def extended(self) -> bool: ...


@frozen(kw_only=False)  # keywords would take a tenth of the time of reading a log
class Event:
    """One event of a firmware log.

    `number` counts from 0 in the log (a Spec ID event is number 0), `offset` is its first byte, `index` the
    PCR or the measurement register; `digests` maps TPM_ALG_ID to the digest that was extended.
    """

    number: int
    offset: int
    index: int
    untrusted_type: int
    digests: Mapping[int, bytes]
    untrusted_data: bytes

    @property
    def extended(self) -> bool:
        """False for EV_NO_ACTION, which informs and is not measured (PFP 10.4.1)."""
        return self.untrusted_type != _NO_ACTION

    @property
    def untrusted_type_name(self) -> str:
        return type_name(self.untrusted_type)


@frozen
class Undecodable:
    """Event data that is not what its type calls for: the bytes as they are, and why."""

    data: bytes
    reason: str
