# SPDX-License-Identifier: Apache-2.0
"""A virtual YubiKey for the demonstration and the tests: applications behind one chip, under a test vendor.

ISO/IEC 7816-4 framing and the management application are here; the other applications have their own modules.
No key in it is protected: it is software that answers as the device does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

from demo.virtual_yubikey_vendor import Identity

ATR: Final = bytes.fromhex("3bfd1300008131fe158073c021c057597562694b657940")  # of a YubiKey 5 on USB
_INS_SELECT: Final = 0xA4
_INS_GET_RESPONSE: Final = 0xC0
_CHAINED: Final = 0x10
_SHORT: Final = 256

SUCCESS: Final = 0x9000
NOT_ALLOWED: Final = 0x6982
BLOCKED: Final = 0x6983
CONDITIONS: Final = 0x6985
WRONG_DATA: Final = 0x6A80
NOT_FOUND: Final = 0x6A82
WRONG_PARAMETERS: Final = 0x6A86
NO_REFERENCE: Final = 0x6A88
NO_INSTRUCTION: Final = 0x6D00


class StatusError(Exception):
    """The card answers with a status word other than 9000."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04x}")
        self.status = status


class PulledError(Exception):
    """The card was pulled out before it could answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command APDU; `expected` is the most bytes that the answer may have."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int = _SHORT

    @classmethod
    def decode(cls, apdu: bytes) -> Self:
        """Short and extended forms, cases 1 to 4. Raises StatusError 6700."""
        if len(apdu) < 4:
            raise StatusError(0x6700)
        body, wide = apdu[4:], len(apdu) > 5 and apdu[4] == 0
        size = 2 if wide else 1
        body = body[1:] if wide else body
        data, expected = b"", b""
        if len(body) <= size:
            expected = body
        else:
            length = int.from_bytes(body[:size], "big")
            data, expected = body[size : size + length], body[size + length :]
            if len(data) != length or len(expected) not in (0, size):
                raise StatusError(0x6700)
        most = int.from_bytes(expected, "big") or (1 << 8 * size)
        return cls(cla=apdu[0], ins=apdu[1], p1=apdu[2], p2=apdu[3], data=data, expected=most)


def tlv(tag: int, value: bytes) -> bytes:
    """BER-TLV with the shortest length."""
    name = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    if len(value) < 0x80:
        return name + bytes([len(value)]) + value
    length = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    return name + bytes([0x80 | len(length)]) + length + value


def untlv(data: bytes) -> dict[int, bytes]:
    """The values by tag of BER-TLVs of one-byte tags side by side. Raises StatusError 6A80."""
    found = {}
    while data:
        tag, length, start = data[0], data[1] if len(data) > 1 else -1, 2
        if length & 0x80 and length >= 0:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(data[2:start], "big")
        if length < 0 or len(data) < start + length:
            raise StatusError(WRONG_DATA)
        found[tag], data = data[start : start + length], data[start + length :]
    return found


class Application(Protocol):
    """One application of the card."""

    @property
    def aid(self) -> bytes:
        """By which it is selected."""

    def select(self) -> bytes:
        """Forget what was proven before; the answer to SELECT."""

    def process(self, command: Command) -> bytes:
        """The data of the answer. Raises StatusError."""


class Management:
    """The management application: what device this is."""

    aid: Final = bytes.fromhex("a000000527471117")

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def select(self) -> bytes:
        return b"Virtual mgr - FW version " + ".".join(map(str, self._identity.firmware)).encode()

    def process(self, command: Command) -> bytes:
        if command.ins != 0x1D:  # READ CONFIG
            raise StatusError(NO_INSTRUCTION)
        if command.p1:
            raise StatusError(WRONG_PARAMETERS)
        piv_and_openpgp = b"\x00\x18"
        fields = {
            0x01: piv_and_openpgp,
            0x02: self._identity.serial.to_bytes(4, "big"),
            0x03: piv_and_openpgp,
            0x04: bytes([self._identity.form_factor]),
            0x05: self._identity.firmware,
            0x0A: b"\x00",
        }
        config = b"".join(tlv(tag, value) for tag, value in fields.items())
        return bytes([len(config)]) + config


class VirtualYubiKey:
    """A chip with applications. `pulled_by(command)` may say that the card is pulled at this command."""

    def __init__(self, identity: Identity, applications: Sequence[Application]) -> None:
        self.identity: Final = identity
        self.pulled_by: Callable[[Command], bool] = lambda _: False
        self._applications: tuple[Application, ...] = (Management(identity), *applications)
        self.reset()

    def reset(self) -> None:
        """Power on, or reset: no application is selected, nothing is authorised."""
        self._selected: Application | None = None
        self._chained = b""
        self._rest = b""
        for application in self._applications:
            application.select()

    def answer(self, apdu: bytes) -> bytes:
        """The response APDU. Raises PulledError."""
        try:
            command = Command.decode(apdu)
            if self.pulled_by(command):
                raise PulledError
            data = self._answer(command)
        except StatusError as error:
            self._chained = self._rest = b""
            return error.status.to_bytes(2, "big")
        if data is None:
            return SUCCESS.to_bytes(2, "big")
        now, self._rest = data[: command.expected], data[command.expected :]
        if self._rest:
            return now + bytes([0x61, min(len(self._rest), 0xFF)])
        return now + SUCCESS.to_bytes(2, "big")

    def _answer(self, command: Command) -> bytes | None:
        if command.ins == _INS_GET_RESPONSE:
            return self._rest
        if command.cla & _CHAINED:
            self._chained += command.data
            return None
        whole, self._chained = self._chained + command.data, b""
        if command.ins == _INS_SELECT and command.p1 == 4:
            return self._select(whole)
        if self._selected is None:
            raise StatusError(NO_INSTRUCTION)
        return self._selected.process(replace(command, data=whole))

    def _select(self, aid: bytes) -> bytes:
        for application in self._applications:
            if aid and aid.startswith(application.aid):
                self._selected = application
                return application.select()
        raise StatusError(NOT_FOUND)
