# SPDX-License-Identifier: Apache-2.0
"""Attestation statements of YubiKeys: what a device says, in a certificate of its own, about a key in a slot.

Yubico, "PIV attestation", "OpenPGP attestation" (developers.yubico.com), "OID arcs" (docs.yubico.com).
Who signed the statement is not judged here. What the holder can rewrite is named `claimed_*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from bundlefmt import labels
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import Certificate, Extension
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

T = TypeVar("T")
_COMMON_NAME: Final = "2.5.4.3"
_SUBJECT: Final = re.compile(r"YubiKey (?:PIV Attestation ([0-9a-f]{2})|OPGP Attestation ([A-Z]{3}))")
_PATH: Final = "attestation statement"
# slots with a key of the holder: f9 has the key that attests (NIST SP 800-73-4, table 4b; Yubico)
PIV_SLOTS: Final = frozenset({"9a", "9c", "9d", "9e", *(f"{slot:02x}" for slot in range(0x82, 0x96))})
SIGNING: Final = "SIG"
OPENPGP_SLOTS: Final = frozenset({SIGNING, "DEC", "AUT"})
_GENERATED: Final = 1
_SOURCES: Final = {0: "imported", _GENERATED: "generated in the device"}
_FIPS: Final = 0x80
_FORM: Final = 0x0F
_FORM_FACTORS: Final = {
    1: "USB-A keychain",
    2: "USB-A nano",
    3: "USB-C keychain",
    4: "USB-C nano",
    5: "USB-C and Lightning",
    6: "USB-A with fingerprints",
    7: "USB-C with fingerprints",
}
_PIN: Final = {1: "never", 2: "once", 3: "always", 4: "a match once", 5: "a match always"}


class Application(StrEnum):
    """The part of the device that a statement is of."""

    PIV = "PIV"
    OPENPGP = "OpenPGP"


_TOUCH: Final = {
    Application.PIV: {1: "never", 2: "always", 3: "cached"},
    Application.OPENPGP: {0: "off", 1: "on", 2: "fixed", 3: "cached", 4: "cached, fixed"},
}
# the arc below the vendor's
_ARCS: Final = {Application.PIV: f"{labels.OID_YUBICO}.3", Application.OPENPGP: f"{labels.OID_YUBICO}.5"}
# of these a statement has one at least, and the certificate of an attesting key none
_OF_STATEMENTS: Final = {Application.PIV: (7, 8), Application.OPENPGP: (2, 4, 7)}


@frozen
class Statement:
    """A statement about the key in the certificate itself; None where the device does not say.

    `firmware` is major, minor, patch; `slot` as the device writes it (`9c`, `SIG`); `generated` whether the
    key was made in the device: PIV makes no statement of others. `claimed_*` is rewritable by whoever has
    the admin PIN; `claimed_created` is seconds since the epoch.
    """

    certificate: Certificate
    application: Application
    slot: str
    firmware: tuple[int, int, int]
    generated: bool
    serial: int | None
    form_factor: int | None
    pin_policy: int | None
    touch_policy: int | None
    signatures: int | None
    claimed_cardholder: str | None
    claimed_fingerprint: str | None
    claimed_created: int | None

    @classmethod
    def decode(cls, data: Buffer) -> Statement:
        """Exactly one certificate that is a statement. Raises MalformedError."""
        certificate = Certificate.decode(data)
        application, slot = _attested(certificate)
        return _piv(certificate, slot) if application is Application.PIV else _openpgp(certificate, slot)

    def encode(self) -> bytes:
        return self.certificate.raw

    @property
    def fips(self) -> bool:
        """Whether the device calls itself one of the FIPS series."""
        return self.form_factor is not None and bool(self.form_factor & _FIPS)

    @property
    def device(self) -> str:
        """The device in words: `YubiKey 12345678 (firmware 5.7.1)`."""
        number = "without a serial number" if self.serial is None else str(self.serial)
        return f"YubiKey {number} (firmware {version(self.firmware)})"

    def describe(self) -> str:
        """What the statement says and nobody can rewrite, in one line."""
        said = [self.device, f"{self.application} slot {self.slot}", _SOURCES[int(self.generated)]]
        if self.form_factor is not None:
            form = self.form_factor & _FORM
            said.append(_FORM_FACTORS.get(form, f"form factor {form}"))
        if self.fips:
            said.append("FIPS series")
        if self.pin_policy is not None:
            said.append(f"PIN {_PIN.get(self.pin_policy, self.pin_policy)}")
        if self.touch_policy is not None:
            said.append(f"touch {_TOUCH[self.application].get(self.touch_policy, self.touch_policy)}")
        return ", ".join(said)


def version(firmware: tuple[int, int, int]) -> str:
    """`5.7.1`."""
    return ".".join(map(str, firmware))


def is_statement(certificate: Certificate) -> bool:
    """Whether a certificate looks like a statement about a key, by its subject or by its extensions.

    The key of a statement attests no other: its holder has it.
    """
    if _SUBJECT.fullmatch(_common_name(certificate)):
        return True
    return any(
        certificate.extension(f"{_ARCS[application]}.{number}") is not None
        for application, numbers in _OF_STATEMENTS.items()
        for number in numbers
    )


def attesting_firmware(certificate: Certificate) -> tuple[int, int, int] | None:
    """The firmware that the certificate of a PIV attestation key names. Raises MalformedError."""
    return _Extensions(certificate, Application.PIV)(3, _piv_firmware)


def _error(message: str, code: Code = Code.BAD_VALUE) -> MalformedError:
    return MalformedError(code, message, offset=0, path=_PATH)


def _common_name(certificate: Certificate) -> str:
    names = [each.value for each in certificate.subject.attributes if each.type == _COMMON_NAME]
    return names[0] if len(names) == 1 and isinstance(names[0], str) else ""


def _attested(certificate: Certificate) -> tuple[Application, str]:
    """Which slot of which application, by the subject that the device writes."""
    match = _SUBJECT.fullmatch(_common_name(certificate))
    if match is None:
        raise _error(f"no statement of a YubiKey: its subject is {certificate.subject}")
    return (Application.PIV, match[1]) if match[1] else (Application.OPENPGP, match[2])


class _Extensions:
    """The extensions of one application's arc, by number."""

    def __init__(self, certificate: Certificate, application: Application) -> None:
        self._certificate = certificate
        self._arc = _ARCS[application]

    def __call__(self, number: int, read: Callable[[Extension], T]) -> T | None:
        """None where there is no such extension. Raises MalformedError."""
        extension = self._certificate.extension(f"{self._arc}.{number}")
        return None if extension is None else read(extension)

    def need(self, number: int, read: Callable[[Extension], T]) -> T:
        """Raises missing-member where there is no such extension."""
        found = self(number, read)
        if found is None:
            raise _error(f"extension {self._arc}.{number} is missing", Code.MISSING_MEMBER)
        return found


def _path(extension: Extension) -> str:
    return f"extension {extension.oid}"


def _natural(extension: Extension) -> int:
    element = extension.element()
    value = der.integer(element, _path(extension))
    if value < 0:
        raise element.error(Code.BAD_VALUE, "a negative number", _path(extension))
    return value


# --- PIV: the value of an extension is the bytes themselves, but for the serial number ------------------


def _plain(extension: Extension, size: int) -> bytes:
    if len(extension.value) != size:
        message = f"{len(extension.value)} bytes, not {size}"
        raise MalformedError(Code.WRONG_LENGTH, message, offset=extension.offset, path=_path(extension))
    return extension.value


def _piv_firmware(extension: Extension) -> tuple[int, int, int]:
    major, minor, patch = _plain(extension, 3)
    return major, minor, patch


def _piv(certificate: Certificate, slot: str) -> Statement:
    read = _Extensions(certificate, Application.PIV)
    policies = read(8, lambda extension: _plain(extension, 2))
    return Statement(
        certificate=certificate,
        application=Application.PIV,
        slot=slot,
        firmware=read.need(3, _piv_firmware),
        generated=True,
        serial=read(7, _natural),
        form_factor=read(9, lambda extension: _plain(extension, 1)[0]),
        pin_policy=None if policies is None else policies[0],
        touch_policy=None if policies is None else policies[1],
        signatures=None,
        claimed_cardholder=None,
        claimed_fingerprint=None,
        claimed_created=None,
    )


# --- OpenPGP: the value of an extension is DER -----------------------------------------------------------


def _octets(extension: Extension, size: int) -> bytes:
    element = der.expect(extension.element(), der.OCTET_STRING, _path(extension))
    if len(element.content) != size:
        message = f"{len(element.content)} bytes, not {size}"
        raise element.error(Code.WRONG_LENGTH, message, _path(extension))
    return element.content


def _openpgp_firmware(extension: Extension) -> tuple[int, int, int]:
    major, minor, patch = _octets(extension, 3)
    return major, minor, patch


def _text(extension: Extension) -> str:
    element = extension.element()
    found = der.text(element, _path(extension))
    if found is None:
        raise element.error(Code.WRONG_TYPE, "no text", _path(extension))
    return found


def _source(extension: Extension) -> bool:
    value = _natural(extension)
    if value not in _SOURCES:
        raise extension.element().error(Code.BAD_VALUE, f"source {value}", _path(extension))
    return value == _GENERATED


def _openpgp(certificate: Certificate, slot: str) -> Statement:
    read = _Extensions(certificate, Application.OPENPGP)
    return Statement(
        certificate=certificate,
        application=Application.OPENPGP,
        slot=slot,
        firmware=read.need(3, _openpgp_firmware),
        generated=read.need(2, _source),
        serial=read(7, _natural),
        form_factor=read(9, lambda extension: _octets(extension, 1)[0]),
        pin_policy=None,
        touch_policy=read(8, lambda extension: _octets(extension, 1)[0]),
        signatures=read(6, _natural),
        claimed_cardholder=read(1, _text),
        claimed_fingerprint=read(4, lambda extension: _octets(extension, 20).hex()),
        claimed_created=read(5, lambda extension: int.from_bytes(_octets(extension, 4), "big")),
    )
