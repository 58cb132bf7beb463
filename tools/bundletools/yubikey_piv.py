# SPDX-License-Identifier: Apache-2.0
"""The PIV application of a YubiKey: generate, attest, read and write certificates.

NIST SP 800-73-4 and the vendor's extensions, through yubikit. PIN and management key come from a prompt at
the moment of need and are not kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.x509 import load_der_x509_certificate

from bundlefmt.evidence import x509
from bundlefmt.frozen import frozen
from bundletools.devices import DeviceError
from bundletools.prompts import Prompts
from bundletools.token_certificate import TokenKey
from bundletools.yubikey import YubiKey, refusals, wrong_pin

if TYPE_CHECKING:
    from yubikit.piv import SLOT, PivSession, SlotMetadata

DEFAULT_SLOT: Final = "9c"
ALGORITHMS: Final = ("ECCP256", "ECCP384", "RSA2048", "RSA3072", "RSA4096", "ED25519")
_PIN_BYTES: Final = range(6, 9)  # NIST SP 800-73-4 Part 2, 2.4.3
NOT_ALLOWED: Final = 0x6982
_NOT_FOUND: Final = frozenset({0x6A82, 0x6A88})
_PLAIN, _COMPRESSED = b"\x00", b"\x01"
_TAG_CERTIFICATE, _TAG_CERTIFICATE_INFO = 0x70, 0x71


@frozen
class Attestation:
    """The statement about a key, and the certificate of the key f9 that signed it; both DER."""

    statement: bytes
    issuer: bytes


@frozen
class SlotKey:
    """What key a slot has and how it may be used, as the device says; policies in yubikit's words."""

    algorithm: str
    public: TokenKey
    pin: str
    touch: str


def piv_slot(name: str) -> SLOT:
    """Raises DeviceError unless it is a slot for keys, in hexadecimal."""
    from yubikit.piv import SLOT

    try:
        slot = SLOT(int(name, 16))
    except ValueError:
        slot = SLOT.ATTESTATION
    if slot == SLOT.ATTESTATION:
        raise DeviceError(f"{name!r} is no PIV slot for a key", hint="9a, 9c, 9d, 9e, or 82 to 95")
    return slot


class Piv:
    """An open PIV application. Every method raises DeviceError."""

    def __init__(self, yubikey: YubiKey, prompts: Prompts) -> None:
        from yubikit.piv import PivSession

        self.name: Final = yubikey.info.name
        self.prompts: Final = prompts
        with refusals(f"{self.name}: open PIV"):
            self.session: Final[PivSession] = PivSession(yubikey.connection)
        version = self.session.version
        self.version: Final = (version.major, version.minor, version.patch)

    def pin_tries(self) -> int:
        """How many wrong PINs may still be given."""
        with refusals(f"{self.name}: count the tries"):
            return self.session.get_pin_attempts()

    def verify_pin(self) -> None:
        """Ask for the PIN, saying how many tries are left, and give it to the device."""
        left = self.pin_tries()
        if not left:
            raise wrong_pin(self.name, 0)
        pin = self.prompts.secret(f"PIN of {self.name} ({left} {'try' if left == 1 else 'tries'} left)")
        if len(pin.encode()) not in _PIN_BYTES:
            raise DeviceError(f"{self.name}: a PIN has 6 to 8 characters; it was not tried")
        with refusals(self.name):
            self.session.verify_pin(pin)

    def manage(self) -> None:
        """Prove the management key: the PIN-protected one, the factory's, or one that is asked for."""
        from ykman.piv import get_pivman_data, get_pivman_protected_data
        from yubikit.core import BadResponseError
        from yubikit.core.smartcard import ApduError
        from yubikit.piv import DEFAULT_MANAGEMENT_KEY

        with refusals(f"{self.name}: read how the management key is kept"):
            kept = get_pivman_data(self.session)
        if kept.has_derived_key:
            raise DeviceError(
                f"{self.name}: its management key is derived from the PIN, in a way that is given up",
                hint="ykman piv access change-management-key --protect",
            )
        if kept.has_stored_key:
            self.verify_pin()
            with refusals(f"{self.name}: read the protected management key"):
                key = get_pivman_protected_data(self.session).key or b""
        elif self._has_default_key():
            self.prompts.notice(
                f"warning: {self.name} has the management key of the factory:"
                " ykman piv access change-management-key"
            )
            key = DEFAULT_MANAGEMENT_KEY
        else:
            key = self._ask_management_key()
        with refusals(f"{self.name}: prove the management key"):
            try:
                self.session.authenticate(key)
            except (ApduError, BadResponseError) as error:
                if isinstance(error, ApduError) and error.sw != NOT_ALLOWED:
                    raise
                raise DeviceError(
                    f"{self.name}: wrong management key", hint="ykman piv info shows its algorithm"
                ) from None

    def _has_default_key(self) -> bool:
        from yubikit.core import NotSupportedError

        with refusals(f"{self.name}: read the management key's kind"):
            try:
                return self.session.get_management_key_metadata().default_value
            except NotSupportedError:
                return False

    def _ask_management_key(self) -> bytes:
        kind = self.session.management_key_type
        try:
            key = bytes.fromhex(
                self.prompts.secret(f"management key of {self.name} ({kind.name}, hexadecimal)")
            )
        except ValueError:
            raise DeviceError(
                f"{self.name}: the management key is not hexadecimal; it was not tried"
            ) from None
        if len(key) != kind.key_len:
            raise DeviceError(
                f"{self.name}: a {kind.name} management key has {kind.key_len} bytes; it was not tried"
            )
        return key

    def generate(
        self, slot: str, algorithm: str, *, pin_policy: str = "DEFAULT", touch_policy: str = "DEFAULT"
    ) -> TokenKey:
        """A new key in `slot`, which must be empty: a key that is overwritten is lost. `manage` comes before.

        Policies are named as in yubikit: NEVER, ONCE, ALWAYS; NEVER, ALWAYS, CACHED.
        """
        from yubikit.piv import KEY_TYPE, PIN_POLICY, TOUCH_POLICY

        where = piv_slot(slot)
        if algorithm not in ALGORITHMS:
            raise DeviceError(f"there is no algorithm {algorithm!r} here", hint=", ".join(ALGORITHMS))
        self.require_empty(slot)
        with refusals(f"{self.name}: generate in slot {slot}"):
            key = self.session.generate_key(
                where, KEY_TYPE[algorithm], PIN_POLICY[pin_policy], TOUCH_POLICY[touch_policy]
            )
        return token_key(key)

    def require_empty(self, slot: str) -> None:
        """Raises DeviceError where a key is; one without a certificate shows only since firmware 5.3."""
        from yubikit.piv import OBJECT_ID

        where = piv_slot(slot)
        if self._metadata(where) is not None or self._object(OBJECT_ID.from_slot(where)) is not None:
            raise DeviceError(
                f"{self.name}: slot {slot} is occupied", hint="a key that is overwritten never comes back"
            )

    def _metadata(self, slot: SLOT) -> SlotMetadata | None:
        """None where the slot has no key, or the firmware (before 5.3) does not tell."""
        from yubikit.core import NotSupportedError
        from yubikit.core.smartcard import ApduError

        with refusals(f"{self.name}: look into slot {slot:02x}"):
            try:
                return self.session.get_slot_metadata(slot)
            except NotSupportedError:
                return None
            except ApduError as error:
                if error.sw in _NOT_FOUND:
                    return None
                raise

    def _object(self, name: int) -> bytes | None:
        from yubikit.core.smartcard import ApduError

        with refusals(f"{self.name}: read object {name:06x}"):
            try:
                return self.session.get_object(name)
            except ApduError as error:
                if error.sw in _NOT_FOUND:
                    return None
                raise

    def key(self, slot: str) -> SlotKey | None:
        """None where the slot has no key, or the firmware (before 5.3) does not tell."""
        found = self._metadata(piv_slot(slot))
        if found is None:
            return None
        return SlotKey(
            algorithm=found.key_type.name,
            public=token_key(found.public_key),
            pin=found.pin_policy.name,
            touch=found.touch_policy.name,
        )

    def certificate(self, slot: str) -> bytes:
        """As `find_certificate`, for a slot that must hold one."""
        found = self.find_certificate(slot)
        if found is None:
            raise DeviceError(f"{self.name}: slot {slot} holds no certificate", hint="ykman piv info")
        return found

    def find_certificate(self, slot: str) -> bytes | None:
        """DER of the certificate in a slot, as it was put there, or None; slot f9 is the attesting key's."""
        from yubikit.core import Tlv
        from yubikit.piv import OBJECT_ID, SLOT, decompress_certificate

        data = self._object(OBJECT_ID.from_slot(SLOT.ATTESTATION if slot == "f9" else piv_slot(slot)))
        if data is None:
            return None
        with refusals(f"{self.name}: read the certificate of slot {slot}"):
            try:
                fields = Tlv.parse_dict(data)
            except ValueError:
                fields = {}
            found = fields.get(_TAG_CERTIFICATE, b"")
            form = fields.get(_TAG_CERTIFICATE_INFO, _PLAIN)
            if form == _COMPRESSED:
                # the library lets this one through
                try:
                    found = decompress_certificate(found)
                except EOFError:
                    found = b""
        try:
            x509.load(found)
        except x509.CertificateError as error:
            raise DeviceError(f"{self.name}: the certificate of slot {slot}: {error}") from None
        return bytes(found)

    def put_certificate(self, slot: str, certificate: bytes) -> None:
        """Write a DER certificate into a slot. `manage` comes before."""
        with refusals(f"{self.name}: write the certificate of slot {slot}"):
            self.session.put_certificate(piv_slot(slot), load_der_x509_certificate(certificate))
        if self.certificate(slot) != certificate:
            raise DeviceError(f"{self.name}: slot {slot} does not hold the certificate that was written")

    def attest(self, slot: str) -> Attestation:
        """The device's statement about the key that it generated in `slot`."""
        from yubikit.core import require_version
        from yubikit.piv import INS_ATTEST

        where = piv_slot(slot)
        with refusals(f"{self.name}: attest slot {slot}"):
            require_version(self.session.version, (4, 3, 0), "attestation needs firmware 4.3 or later")
            # the bytes of the device, which the library would read and write anew
            statement = self.session.protocol.send_apdu(0, INS_ATTEST, where, 0)
        return Attestation(statement=statement, issuer=self.certificate("f9"))


def token_key(key: object) -> TokenKey:
    """`key`, if it can sign. Raises DeviceError."""
    if isinstance(key, TokenKey):
        return key
    raise DeviceError(f"a key of this kind cannot sign here ({type(key).__name__})")
