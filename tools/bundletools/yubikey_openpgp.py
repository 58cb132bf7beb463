# SPDX-License-Identifier: Apache-2.0
"""The OpenPGP application of a YubiKey: the device's statement about a key that it generated.

The vendor's "OpenPGP attestation": the device writes the statement where the slot's cardholder certificate
is. Signing is gpg's, which knows the card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bundletools.devices import DeviceError
from bundletools.prompts import Prompts
from bundletools.yubikey import YubiKey, refusals, wrong_pin
from bundletools.yubikey_piv import Attestation

if TYPE_CHECKING:
    from yubikit.openpgp import KEY_REF, OpenPgpSession

SLOTS: Final = ("SIG", "DEC", "AUT")
_NO_KEY: Final = 0x6A88


def attest(yubikey: YubiKey, prompts: Prompts, slot: str = "SIG", *, overwrite: bool = False) -> Attestation:
    """The statement about the key in `slot` and the attesting key's certificate. Raises DeviceError.

    A cardholder certificate that is no earlier statement is lost, so it is overwritten only when told to.
    """
    from yubikit.core.smartcard import ApduError
    from yubikit.openpgp import KEY_REF, PW, OpenPgpSession

    if slot not in SLOTS:
        raise DeviceError(f"there is no OpenPGP slot {slot!r}", hint=", ".join(SLOTS))
    name, key = yubikey.info.name, KEY_REF[slot]
    with refusals(f"{name}: open OpenPGP"):
        session = OpenPgpSession(yubikey.connection)
        issuer = _certificate(session, KEY_REF.ATT)
        there = _certificate(session, key)
        left = session.get_pin_status().get_attempts(PW.USER)
    if issuer is None:
        raise DeviceError(f"{name}: it has no OpenPGP attestation certificate")
    if there is not None and there.issuer != issuer.subject and not overwrite:
        raise DeviceError(
            f"{name}: attesting would overwrite the cardholder certificate of slot {slot}",
            hint=f"save it first: ykman openpgp certificates export {slot} FILE",
        )
    prompts.notice(f"{name}: the statement takes the place of slot {slot}'s cardholder certificate")
    if not left:
        raise wrong_pin(name, 0)
    pin = prompts.secret(f"OpenPGP PIN of {name} ({left} {'try' if left == 1 else 'tries'} left)")
    with refusals(name):
        session.verify_pin(pin)
    prompts.notice(f"touch {name} if it blinks")
    with refusals(f"{name}: attest slot {slot}"):
        try:
            statement = session.attest_key(key)
        except ApduError as error:
            if error.sw == _NO_KEY:
                raise DeviceError(f"{name}: slot {slot} has no key that was generated in it") from None
            raise
    return Attestation(
        statement=statement.public_bytes(Encoding.DER), issuer=issuer.public_bytes(Encoding.DER)
    )


def _certificate(session: OpenPgpSession, slot: KEY_REF) -> x509.Certificate | None:
    """The certificate of a slot, or None where there is none."""
    from yubikit.core import NotSupportedError

    try:
        return session.get_certificate(slot)
    except NotSupportedError:
        raise
    except ValueError:
        return None
