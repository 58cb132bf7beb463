# SPDX-License-Identifier: Apache-2.0
"""A test vendor of YubiKeys: root, intermediate, and the attestation keys that it puts into each device.

The contents follow the vendor's documents "PIV attestation" and "OpenPGP attestation".
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
_ARC: Final = "1.3.6.1.4.1.41482"
_PIV: Final = f"{_ARC}.3"
_OPENPGP: Final = f"{_ARC}.5"
_START: Final = datetime.datetime(2024, 12, 1)
_END: Final = datetime.datetime(9999, 12, 31, 23, 59, 59)  # as the vendor's newest root


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certification key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def issue(
        self, subject: str, key: PublicKey, extensions: dict[str, bytes], *, path_length: int | None = None
    ) -> x509.Certificate:
        """A certificate with the dates of the issuer's; a CA's where a path length is given."""
        return _sign(self.key, self.certificate.subject, subject, key, extensions, path_length)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _sign(
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    subject: str,
    key: PublicKey,
    extensions: dict[str, bytes],
    path_length: int | None,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(issuer, _name(subject), key, x509.random_serial_number(), _START, _END)
    if path_length is not None:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=path_length), critical=True
        )
    for oid, value in extensions.items():
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _integer(value: int) -> bytes:
    """DER INTEGER of a number that is not negative and fits one length byte."""
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(content)]) + content


class Vendor:
    """Root and intermediate of a test vendor; each new device gets attestation keys of its own."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = "Evidence Bundle Test Attestation Root (test key)"
        root = _sign(key, _name(name), name, key.public_key(), {}, 3)
        self.root: Final = Authority(key=key, certificate=root)
        self.intermediate: Final = self._under(self.root, "Evidence Bundle Test Attestation A 1", {}, 2)

    @staticmethod
    def _under(issuer: Authority, name: str, extensions: dict[str, bytes], path_length: int) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issuer.issue(name, key.public_key(), extensions, path_length=path_length)
        return Authority(key=key, certificate=certificate)

    def piv_attestation(self, firmware: bytes) -> Authority:
        """The key of slot f9."""
        return self._under(self.intermediate, "YubiKey PIV Attestation", {f"{_PIV}.3": firmware}, 0)

    def openpgp_attestation(self) -> Authority:
        """The OpenPGP application's attestation key."""
        return self._under(self.intermediate, "YubiKey OPGP Attestation", {}, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a device says of itself."""

    serial: int
    firmware: bytes
    form_factor: int = 1  # USB-A keychain

    def piv_statement(
        self, attestation: Authority, slot: int, key: PublicKey, pin_policy: int, touch_policy: int
    ) -> x509.Certificate:
        """The certificate that attests a key generated in `slot`."""
        extensions = {
            f"{_PIV}.3": self.firmware,
            f"{_PIV}.7": _integer(self.serial),
            f"{_PIV}.8": bytes([pin_policy, touch_policy]),
            f"{_PIV}.9": bytes([self.form_factor]),
        }
        return attestation.issue(f"YubiKey PIV Attestation {slot:02x}", key, extensions)

    def openpgp_statement(
        self,
        attestation: Authority,
        slot: str,
        key: PublicKey,
        *,
        name: str,
        fingerprint: bytes,
        generated: int,
        signatures: int,
        touch: int,
    ) -> x509.Certificate:
        """The certificate that attests a key generated in an OpenPGP slot (SIG, DEC, AUT)."""
        text = name.encode()
        extensions = {
            f"{_OPENPGP}.1": bytes([0x0C, len(text)]) + text,
            f"{_OPENPGP}.2": _integer(1),
            f"{_OPENPGP}.3": bytes([4, len(self.firmware)]) + self.firmware,
            f"{_OPENPGP}.4": bytes([4, len(fingerprint)]) + fingerprint,
            f"{_OPENPGP}.5": bytes([4, 4]) + generated.to_bytes(4, "big"),
            f"{_OPENPGP}.6": _integer(signatures),
            f"{_OPENPGP}.7": _integer(self.serial),
            f"{_OPENPGP}.8": bytes([4, 1, touch]),
            f"{_OPENPGP}.9": bytes([4, 1, self.form_factor]),
        }
        return attestation.issue(f"YubiKey OPGP Attestation {slot}", key, extensions)
