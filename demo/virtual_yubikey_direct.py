# SPDX-License-Identifier: Apache-2.0
"""A virtual YubiKey without reader and service: yubikit's connection, answered in this process."""

from __future__ import annotations

from bundletools.yubikey import YubiKey, YubiKeyInfo
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

from demo.virtual_yubikey import VirtualYubiKey


class DirectConnection(SmartCardConnection):
    """Each APDU goes to the card object; PulledError comes through as it is."""

    def __init__(self, card: VirtualYubiKey) -> None:
        self._card = card
        card.reset()

    @property
    def transport(self) -> TRANSPORT:
        return TRANSPORT.USB

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self._card.answer(apdu)
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def close(self) -> None:
        self._card.reset()


def connect(card: VirtualYubiKey) -> YubiKey:
    """The card as the producing tools see a device that they opened."""
    firmware = card.identity.firmware
    info = YubiKeyInfo(
        serial=card.identity.serial,
        firmware=(firmware[0], firmware[1], firmware[2]),
        form_factor="virtual",
        reader="none",
    )
    return YubiKey(info=info, connection=DirectConnection(card))
