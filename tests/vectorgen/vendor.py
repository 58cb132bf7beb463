# SPDX-License-Identifier: Apache-2.0
"""A maker of security keys that there is not: root, intermediate, devices' attestation keys, statements.

The extensions are those of the documents "PIV attestation" and "OpenPGP attestation" of Yubico, whose arcs
they stand in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from tests.vectorgen import certificates, keys
from tests.vectorgen.certificates import IssuerKey, tlv
from tests.vectorgen.plain import CREATED

ROOT: Final = "Evidence Bundle Test Security Key Root (test key)"
ISSUER: Final = "Evidence Bundle Test Security Key Issuer (test key)"
ROOT_FILE: Final = "security-key-root.der"
OTHER_ROOT_FILE: Final = "security-key-other-root.der"
DEVICE: Final = {"3": "Test PIV Attestation (test key)", "5": "Test OPGP Attestation (test key)"}
FIRMWARE: Final = bytes([5, 7, 1])
SERIAL: Final = 1
_ARC: Final = "1.3.6.1.4.1.41482"
Extensions = Mapping[str, bytes | None]


def _extensions(given: Extensions) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    return tuple(
        (x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{_ARC}.{number}"), value), False)
        for number, value in given.items()
        if value is not None
    )


def root(name: str = ROOT) -> bytes:
    key = keys.ec_key(name)
    return certificates.certificate(name, key.public_key(), name, key, extensions=certificates.authority(3))


def issuer() -> bytes:
    """The intermediate."""
    key = keys.ec_key(ISSUER)
    extensions = certificates.authority(1)
    return certificates.certificate(ISSUER, key.public_key(), ROOT, keys.ec_key(ROOT), extensions=extensions)


def device(
    arc: str, *, firmware: bytes | None = FIRMWARE, is_authority: bool = True, by: str = ISSUER
) -> bytes:
    """The certificate of a device's attestation key, for the application with this arc."""
    constraints = certificates.authority(0)[:1] if is_authority else ()
    firmwares = {"3.3": firmware} if arc == "3" else {}
    return certificates.certificate(
        DEVICE[arc],
        keys.ec_key(DEVICE[arc]).public_key(),
        by,
        keys.ec_key(by),
        extensions=(*constraints, *_extensions(firmwares)),
    )


def piv(
    key: CertificatePublicKeyTypes,
    *,
    slot: str = "9c",
    by: str = DEVICE["3"],
    signer: IssuerKey | None = None,
    **changes: bytes | None,
) -> bytes:
    """A statement about a key in a PIV slot; `changes` are extensions by name, None leaves one out."""
    said = {"firmware": FIRMWARE, "serial": tlv(2, bytes([SERIAL])), "policies": b"\x03\x02", "form": b"\x03"}
    numbers = {"firmware": "3.3", "serial": "3.7", "policies": "3.8", "form": "3.9"}
    extensions = {numbers[name]: value for name, value in {**said, **changes}.items()}
    return certificates.certificate(
        f"YubiKey PIV Attestation {slot}",
        key,
        by,
        signer or keys.ec_key(by),
        extensions=_extensions(extensions),
    )


def openpgp(
    key: CertificatePublicKeyTypes, named: bytes, *, slot: str = "SIG", **changes: bytes | None
) -> bytes:
    """A statement about a key in an OpenPGP slot; `named` is the fingerprint that the card holds for it."""
    said = {
        "cardholder": tlv(0x0C, b"Test"),
        "source": tlv(2, b"\x01"),
        "firmware": tlv(4, FIRMWARE),
        "fingerprint": tlv(4, named),
        "created": tlv(4, (CREATED - 86400).to_bytes(4, "big")),
        "signatures": tlv(2, b"\x07"),
        "serial": tlv(2, bytes([SERIAL + 1])),
        "touch": tlv(4, b"\x02"),
        "form": tlv(4, b"\x03"),
    }
    values = {**said, **changes}
    extensions = {f"5.{number}": values[name] for number, name in enumerate(said, 1)}
    by = DEVICE["5"]
    return certificates.certificate(
        f"YubiKey OPGP Attestation {slot}", key, by, keys.ec_key(by), extensions=_extensions(extensions)
    )
