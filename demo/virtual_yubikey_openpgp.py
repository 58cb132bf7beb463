# SPDX-License-Identifier: Apache-2.0
"""The OpenPGP application of the virtual YubiKey: jcecard's OpenPGP 3.4 card, and the vendor's extensions.

Extensions: version (F1), attestation (FB), and a cardholder certificate for each slot (SELECT DATA).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from demo.virtual_yubikey import (
    CONDITIONS,
    NO_REFERENCE,
    NOT_ALLOWED,
    SUCCESS,
    WRONG_PARAMETERS,
    Command,
    StatusError,
)
from demo.virtual_yubikey_vendor import Authority, Identity

PIN: Final = b"123456"
ADMIN_PIN: Final = b"12345678"
_YUBICO: Final = 0x0006  # manufacturer, OpenPGP card 3.4, 4.2.1
_ECDH: Final = 0x12
_SLOTS: Final = {1: "SIG", 2: "DEC", 3: "AUT"}
_CARDHOLDER_CERTIFICATE: Final = (0x7F, 0x21)
_ATTESTATION_CERTIFICATE: Final = (0x00, 0xFC)


def _public(template: bytes) -> rsa.RSAPublicKey | ed25519.Ed25519PublicKey:
    """The key in a 7F49 template: modulus 81 and exponent 82, or a point 86."""
    body, fields = template[2:], {}
    skip = 1 + (body[0] & 0x7F if body[0] & 0x80 else 0)
    body = body[skip:]
    while body:
        tag, length, start = body[0], body[1], 2
        if length & 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(body[2:start], "big")
        fields[tag], body = body[start : start + length], body[start + length :]
    if 0x86 in fields:
        return ed25519.Ed25519PublicKey.from_public_bytes(fields[0x86][-32:])
    exponent, modulus = (int.from_bytes(fields[tag], "big") for tag in (0x82, 0x81))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _jcecard(storage: Path) -> Any:
    """A new card. Its package logs each command with its PIN, and sets up logging for the whole process."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    logging.getLogger("jcecard").setLevel(logging.CRITICAL)
    from jcecard.main import OpenPGPCard

    root.setLevel(level)
    root.handlers[:] = handlers
    return OpenPGPCard(storage_path=storage)


class OpenPgp:
    """jcecard generates RSA and Ed25519 keys; its NIST curves are not to be used."""

    aid: Final = bytes.fromhex("d27600012401")

    def __init__(self, identity: Identity, attestation: Authority, storage: Path) -> None:
        self._identity = identity
        self._attestation = attestation
        self._card = _jcecard(storage)
        self._card.card_state.manufacturer_id = _YUBICO
        self._card.card_state.serial_number = int(
            str(identity.serial), 16
        )  # in decimal digits, as the device
        self.certificates: dict[str, bytes] = {}  # the cardholder's, by slot
        self.select()

    def select(self) -> bytes:
        self._chosen = 3
        self._verified = False
        self._card.reset()
        self._card.power_on()
        return self._forward(Command(cla=0, ins=0xA4, p1=4, p2=0, data=self.aid))

    def process(self, command: Command) -> bytes:
        if command.ins == 0xF1:  # GET VERSION, in decimal digits
            return bytes(int(str(part), 16) for part in self._identity.firmware)
        if command.ins == 0xFB:
            return self._attest(command)
        if command.ins == 0xA5:  # SELECT DATA counts from the last slot
            self._chosen = 3 - command.p1
            return b""
        if command.ins == 0xCA and (command.p1, command.p2) == _CARDHOLDER_CERTIFICATE:
            return self.certificates.get(_SLOTS.get(self._chosen, ""), b"")
        if command.ins == 0xCA and (command.p1, command.p2) == _ATTESTATION_CERTIFICATE:
            return self._attestation.certificate.public_bytes(Encoding.DER)
        if command.ins == 0x20 and command.data:
            return self._verify(command)
        return self._forward(command)

    def _verify(self, command: Command) -> bytes:
        """A wrong PIN is 6982, as in the device since firmware 4; others say how many tries are left."""
        try:
            answer = self._forward(command)
        except StatusError as error:
            raise StatusError(NOT_ALLOWED if error.status & 0xFFF0 == 0x63C0 else error.status) from None
        self._verified = self._verified or command.p2 == 0x81
        return answer

    def _forward(self, command: Command) -> bytes:
        """jcecard takes one extended APDU and answers in parts. Raises StatusError."""
        head = bytes([command.cla, command.ins, command.p1, command.p2])
        data = b"\x00" + len(command.data).to_bytes(2, "big") + command.data if command.data else b"\x00"
        answer = bytes(self._card.process_apdu(head + data + b"\x00\x00"))
        found = answer[:-2]
        while answer[-2] == 0x61:
            answer = bytes(self._card.process_apdu(b"\x00\xc0\x00\x00\x00"))
            found += answer[:-2]
        status = int.from_bytes(answer[-2:], "big")
        if status != SUCCESS:
            raise StatusError(status)
        return found

    def _attest(self, command: Command) -> bytes:
        """Writes the statement where the slot's cardholder certificate is; needs the PIN."""
        if command.cla != 0x80 or command.p1 not in _SLOTS:
            raise StatusError(WRONG_PARAMETERS)
        if not self._verified:
            raise StatusError(NOT_ALLOWED)
        state = self._card.card_state
        slot = (state.key_sig, state.key_dec, state.key_aut)[command.p1 - 1]
        if not slot.public_key_data:
            raise StatusError(NO_REFERENCE)
        if command.p1 == 2 and slot.algorithm.algorithm_id == _ECDH:  # its key would be read as Ed25519
            raise StatusError(CONDITIONS)
        statement = self._identity.openpgp_statement(
            self._attestation,
            _SLOTS[command.p1],
            _public(slot.public_key_data),
            name=str(state.cardholder.name),
            fingerprint=bytes(slot.fingerprint),
            generated=int(slot.generation_time),
            signatures=int(state.signature_counter),
            touch=int(slot.uif),
        )
        self.certificates[_SLOTS[command.p1]] = statement.public_bytes(Encoding.DER)
        return b""
