# SPDX-License-Identifier: Apache-2.0
"""Signing with a PIV key of a YubiKey, as a `cose.Signer`: which algorithm, which PIN and touch it wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import cose, labels
from bundlefmt.evidence import x509
from bundletools.devices import DeviceError
from bundletools.token_certificate import TokenKey
from bundletools.yubikey import refusals
from bundletools.yubikey_piv import NOT_ALLOWED, Piv, piv_slot, token_key

if TYPE_CHECKING:
    from yubikit.piv import SLOT

_HASHES: Final[dict[int, hashes.HashAlgorithm]] = {
    labels.ALG_ESP256: hashes.SHA256(),
    labels.ALG_ESP384: hashes.SHA384(),
    labels.ALG_PS256: hashes.SHA256(),
    labels.ALG_RS256: hashes.SHA256(),
}


def signer(piv: Piv, slot: str, *, key: TokenKey | None = None, alg: int | None = None) -> PivSigner:
    """The key of a slot. `key` is its public key where the slot has no certificate yet.

    `alg` is a COSE algorithm that fits the key: by itself ESP256, ESP384, Ed25519 or PS256. Raises
    DeviceError.
    """
    where, told = piv_slot(slot), piv.key(slot)
    public = key or token_key(x509.public_key(piv.certificate(slot)))
    if told is not None and _spki(told.public) != _spki(public):
        raise DeviceError(f"{piv.name}: the certificate of slot {slot} is of another key")
    default = _algorithm(public)
    if alg not in (None, default) and (alg, default) != (labels.ALG_RS256, labels.ALG_PS256):
        raise DeviceError(f"{piv.name}: the key of slot {slot} does not sign so")
    return PivSigner(
        piv=piv,
        slot=where,
        key=public,
        alg=default if alg is None else alg,
        pin=told is None or told.pin != "NEVER",
        pin_each_time=told is None or told.pin != "ONCE",
        touch=told is None or told.touch in ("ALWAYS", "CACHED"),
    )


def _spki(key: TokenKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _algorithm(key: TokenKey) -> int:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < cose.MIN_RSA_BITS:
            raise DeviceError(f"RSA keys of {key.key_size} bits are not accepted")
        return labels.ALG_PS256
    if isinstance(key, ed25519.Ed25519PublicKey):
        return labels.ALG_ED25519
    return labels.ALG_ESP256 if isinstance(key.curve, ec.SECP256R1) else labels.ALG_ESP384


@dataclass(slots=True, kw_only=True)
class PivSigner:
    """A `cose.Signer`: asks for the PIN as often as the key wants it, and says when to touch.

    Where the firmware does not tell a key's policies (before 5.3), PIN and touch are expected each time.
    """

    piv: Piv
    slot: SLOT
    key: TokenKey
    alg: int
    pin: bool
    pin_each_time: bool
    touch: bool
    _verified: bool = False

    def sign(self, message: bytes) -> bytes:
        """The COSE signature value over `message`. Raises DeviceError."""
        from yubikit.piv import KEY_TYPE

        if self.pin and (self.pin_each_time or not self._verified):
            self.piv.verify_pin()
            self._verified = True
        if self.touch:
            self.piv.prompts.notice(f"touch {self.piv.name} when it blinks")
        scheme: padding.AsymmetricPadding | None = None
        if self.alg == labels.ALG_PS256:
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        elif self.alg == labels.ALG_RS256:
            scheme = padding.PKCS1v15()
        with self._refused():
            signature = self.piv.session.sign(
                self.slot, KEY_TYPE.from_public_key(self.key), message, _HASHES.get(self.alg), scheme
            )
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            return cose.fixed_length(self.alg, signature)
        return signature

    @contextmanager
    def _refused(self) -> Iterator[None]:
        from yubikit.core.smartcard import ApduError

        what = f"{self.piv.name}: sign with slot {self.slot:02x}"
        with refusals(what):
            try:
                yield
            except ApduError as error:
                if error.sw == NOT_ALLOWED and self.touch:
                    raise DeviceError(
                        f"{what}: not touched in time", hint="try again, and touch it"
                    ) from None
                if error.sw == NOT_ALLOWED:
                    raise DeviceError(f"{what}: not allowed without the PIN") from None
                raise
