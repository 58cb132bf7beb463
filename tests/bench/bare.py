# SPDX-License-Identifier: Apache-2.0
"""What no verification of a bundle can avoid: its signatures, each once, and its hashes, and nothing else.

What they are over is read from the bundle beforehand, by the project's own decoders. Counted are

- digests: of each artifact, of the manifest, of the binding, of quoted values; the Names of public areas;
- extends: of firmware and userspace events and of IMA entries, in each bank that is quoted;
- signatures: over the manifest, by the TPM, between certificates, of revocation lists and OCSP responses,
  each once and with a key that is loaded once; one of OpenPGP is one call of Sequoia's with its certificate.

Not counted is what else a verification needs: reading, searching, comparing, the secret of an activation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Self

import pysequoia
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cose import CoseSign1
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.crl import RevocationList
from bundlefmt.evidence.ocsp import OcspResponse
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_signature import EccSignature, TpmtSignature
from bundlefmt.evidence.x509_signature import key_spki
from bundlefmt.logs.event import Measured
from bundlefmt.logs.recognise import decode_ima
from bundlefmt.logs.replay import declared_locality, start_value
from bundlefmt.logs.systemd import SystemdLog
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.verify import Policy

_SHA256: Final = 0x000B
_ECDSA: Final = ec.ECDSA(hashes.SHA256())
_RULED_OUT: Final = "the benchmark knows ECDSA and SHA-256 alone"
_PUBLICS: Final = ("ek-public", "ak-public", "key-public", "parent-public")


@dataclass(frozen=True, slots=True)
class Signed:
    """An ECDSA signature by SHA-256: the key's SubjectPublicKeyInfo, the signature in DER, the message."""

    spki: bytes
    signature: bytes
    message: bytes

    def holds(self) -> bool:
        try:
            _verify(load_der_public_key(self.spki), self)
        except (InvalidSignature, TypeError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class OpenPgpSigned:
    certificate: bytes
    signature: bytes
    message: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """`extends`: for each PCR and bank the value at the start and the digests that are extended."""

    digests: tuple[bytes, ...]
    extends: tuple[tuple[bytes, tuple[bytes, ...]], ...]
    signatures: tuple[Signed, ...]
    openpgp: tuple[OpenPgpSigned, ...]

    @classmethod
    def of(cls, bundle: Bundle, policy: Policy) -> Self:
        return cls(
            digests=tuple(_digests(bundle)),
            extends=tuple(_extends(bundle)),
            signatures=tuple(dict.fromkeys((*_by_the_tpm(bundle), *_by_x509(bundle, policy)))),
            openpgp=tuple(_by_openpgp(bundle)),
        )

    def run(self) -> None:
        """Raises where a signature is wrong."""
        sha256 = hashlib.sha256
        for data in self.digests:
            sha256(data).digest()
        for value, row in self.extends:
            for digest in row:
                value = sha256(value + digest).digest()
        keys = {spki: load_der_public_key(spki) for spki in {each.spki for each in self.signatures}}
        for each in self.signatures:
            _verify(keys[each.spki], each)
        for made in self.openpgp:
            known = pysequoia.Cert.from_bytes(made.certificate)
            pysequoia.verify(
                bytes=made.message,
                store=lambda _, known=known: [known],
                signature=pysequoia.Sig.from_bytes(made.signature),
            )


def _verify(key: object, signed: Signed) -> None:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError(_RULED_OUT)
    key.verify(signed.signature, signed.message, _ECDSA)


def _labels(bundle: Bundle, *roles: str) -> list[str]:
    return [label for label, item in bundle.manifest.items.items() if item.role in roles]


def _values(bundle: Bundle, *roles: str) -> list[bytes]:
    return [bytes(bundle.content[label].value) for label in _labels(bundle, *roles)]


def _digests(bundle: Bundle) -> Iterator[bytes]:
    """The bytes that are hashed."""
    yield from (bytes(record.value) for record in bundle.content.values())
    yield bundle.manifest_raw
    yield bundle.manifest.binding.preimage(bundle.manifest.items, bundle.manifest.previous)
    yield from _values(bundle, *_PUBLICS)
    for data in _values(bundle, "pcr-values"):
        banks = decode_pcr_values(data)
        yield b"".join(row[index] for _, row in sorted(banks.items()) for index in sorted(row))


def _extends(bundle: Bundle) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    (quoted,) = (decode_pcr_values(data) for data in _values(bundle, "pcr-values"))
    if set(quoted) != {_SHA256}:
        raise ValueError(_RULED_OUT)
    firmware = [FirmwareLog.decode(data) for data in _values(bundle, "firmware-log")]
    userspace = [SystemdLog.decode(data) for data in _values(bundle, "userspace-log")]
    events = list[Measured]()
    events.extend(event for log in firmware for event in log.events)
    events.extend(record for log in userspace for record in log.records)
    locality = declared_locality(event for log in firmware for event in log.events)
    for index in quoted[_SHA256]:
        row = tuple(event.digests[_SHA256] for event in events if event.extended and event.index == index)
        yield start_value(_SHA256, index, locality=locality), row
    for data in _values(bundle, "ima-log"):
        # each entry is hashed, and extended
        yield bytes(32), tuple(hashlib.sha256(bytes(32)).digest() for _ in range(2 * decode_ima(data).count))


def _by_the_tpm(bundle: Bundle) -> Iterator[Signed]:
    """By the attestation key and by the key that it certifies, over statements and certificates."""
    for label in _labels(bundle, "tpm-signature"):
        item = bundle.manifest.items[label]
        (by,), (over,) = item.ref("by"), item.ref("over")
        made = TpmtSignature.decode(bundle.content[label].value).signature
        if not isinstance(made, EccSignature) or made.hash != _SHA256:
            raise TypeError(_RULED_OUT)
        yield Signed(
            key_spki(TpmtPublic.decode(bundle.content[by].value).public_key()),
            encode_dss_signature(int.from_bytes(made.r, "big"), int.from_bytes(made.s, "big")),
            bytes(bundle.content[over].value),
        )


def _by_x509(bundle: Bundle, policy: Policy) -> Iterator[Signed]:
    """Seals, chains up to the anchors, revocation lists and OCSP responses."""
    operators = [Certificate.decode(data) for data in _values(bundle, "piv-certificate")]
    for seal in bundle.seals:
        if seal.type == labels.SEAL_COSE:
            message = CoseSign1.decode(seal.value)
            r, s = (int.from_bytes(half, "big") for half in (message.signature[:32], message.signature[32:]))
            yield from _made(operators, encode_dss_signature(r, s), message.sig_structure())
    held = [
        Certificate.decode(bytes(record.value))
        for record in bundle.content.values()
        if record.type == labels.TYPE_CERTIFICATE
    ]
    anchors = [Certificate.decode(each) for each in (*policy.anchors, *policy.anchors_hardware)]
    for each in held:
        if each.raw not in {anchor.raw for anchor in anchors}:
            yield from _made([*anchors, *held], each.signature, each.tbs)
    for crl in map(RevocationList.decode, _values(bundle, "crl")):
        yield from _made([*anchors, *held], crl.signature, crl.tbs)
    for response in map(OcspResponse.decode, _values(bundle, "ocsp")):
        yield from _made([*anchors, *held], response.signature, response.tbs)


def _made(by: Iterable[Certificate], signature: bytes, message: bytes) -> Iterator[Signed]:
    """The signature with the first key that made it, which is found before anything is timed."""
    found = next((one for each in by if (one := Signed(each.spki, signature, message)).holds()), None)
    if found is None:
        raise ValueError("a signature of the reference bundle is by none of its keys")
    yield found


def _by_openpgp(bundle: Bundle) -> Iterator[OpenPgpSigned]:
    (certificate,) = _values(bundle, "openpgp-certificate")
    for seal in bundle.seals:
        if seal.type == labels.SEAL_OPENPGP:
            yield OpenPgpSigned(certificate, seal.value, bundle.manifest_raw)
    for label in _labels(bundle, "cross-signature"):
        (over,) = bundle.manifest.items[label].ref("over")
        yield OpenPgpSigned(
            certificate, bytes(bundle.content[label].value), bytes(bundle.content[over].value)
        )
