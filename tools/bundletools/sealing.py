# SPDX-License-Identifier: Apache-2.0
"""Sealing: a signature over the manifest's bytes by one identity, added to a bundle and checked at once.

Spec: "Seals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bundlefmt import cose, labels
from bundlefmt.bundle import Bundle, Seal
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_signature import EccSignature, TpmtSignature
from bundlefmt.frozen import frozen
from bundlefmt.verify import Outcome, Policy, verify
from bundletools import secret_keys
from bundletools.devices import LoadedKey, Tpm
from bundletools.errors import SealError as SealError


def is_named(bundle: Bundle, certificate: bytes) -> bool:
    """Whether the manifest has this certificate as an item."""
    return any(item.digest.matches(certificate) for item in bundle.manifest.items.values())


def seal_cose(bundle: Bundle, signer: cose.Signer, certificate: bytes, *, issued_at: int) -> Bundle:
    """Seal with the key of an X.509 certificate (DER). Raises SealError."""
    facts = x509.facts(certificate)
    if not facts.not_before <= issued_at <= facts.not_after:
        raise SealError("the certificate is not valid now")
    message = cose.hash_envelope(
        signer,
        bundle.manifest_raw,
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
        issued_at=issued_at,
        issuer=facts.subject or facts.sha256.hex(),
        subject=hashlib.sha256(bundle.manifest_raw).hexdigest(),
        identity={labels.HDR_X5T: [labels.HASH_SHA256, facts.sha256]},
    )
    key = None if is_named(bundle, certificate) else certificate
    return checked(bundle, Seal(type=labels.SEAL_COSE, value=message.encode(), key=key))


@frozen
class _TpmSigner:
    """A `cose.Signer` by a TPM's key of ECDSA over P-256 with SHA-256."""

    tpm: Tpm
    key: LoadedKey
    alg: int = labels.ALG_ESP256

    def sign(self, message: bytes) -> bytes:
        signature = TpmtSignature.decode(self.tpm.sign(self.key, hashlib.sha256(message).digest())).signature
        if not isinstance(signature, EccSignature):
            raise SealError("the TPM's key does not sign by ECDSA")
        return b"".join(int.from_bytes(part).to_bytes(32) for part in (signature.r, signature.s))


def seal_tpm(bundle: Bundle, tpm: Tpm, key: LoadedKey, *, issued_at: int) -> Bundle:
    """Seal with a signing key that is loaded in the TPM and that the manifest names. Raises SealError."""
    name = TpmtPublic.decode(key.public).name()
    message = cose.hash_envelope(
        _TpmSigner(tpm=tpm, key=key),
        bundle.manifest_raw,
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
        issued_at=issued_at,
        issuer=name.hex(),
        subject=hashlib.sha256(bundle.manifest_raw).hexdigest(),
        identity={labels.HDR_KID: name},
    )
    return checked(bundle, Seal(type=labels.SEAL_COSE, value=message.encode(), key=None))


def attach_cose(bundle: Bundle, value: bytes, certificates: Sequence[bytes]) -> Bundle:
    """Add a COSE seal that was made elsewhere. Raises SealError.

    `certificates` are candidates for a signer whom the manifest does not name.
    """
    try:
        x5t = cose.CoseSign1.decode(value).protected.get(labels.HDR_X5T)
    except MalformedError as error:
        raise SealError(f"not a COSE seal: {error}") from None
    wanted = (
        each
        for each in certificates
        if x5t == [labels.HASH_SHA256, hashlib.sha256(each).digest()] and not is_named(bundle, each)
    )
    return checked(bundle, Seal(type=labels.SEAL_COSE, value=value, key=next(wanted, None)))


def seal_openpgp(bundle: Bundle, signature: bytes, certificates: Sequence[bytes]) -> Bundle:
    """Seal with a detached OpenPGP signature over `bundle.manifest_raw`. Raises SealError.

    `certificates` are candidates for a signer whom the manifest does not name.
    """
    named = [
        bytes(record.value)
        for label, record in bundle.content.items()
        if bundle.manifest.items[label].role == "openpgp-certificate"
    ]
    reasons = []
    for certificate in dict.fromkeys((*named, *certificates)):
        try:
            openpgp.verify_detached(certificate, signature, bundle.manifest_raw)
        except (openpgp.OpenPgpError, MalformedError) as error:
            reasons.append(str(error))
            continue
        key = None if certificate in named else certificate
        return checked(bundle, Seal(type=labels.SEAL_OPENPGP, value=signature, key=key))
    raise SealError(
        f"the signature verifies with no certificate at hand: {reasons[-1] if reasons else 'there is none'}",
        hint="the manifest may hold an older copy of the certificate",
    )


def checked(bundle: Bundle, seal: Seal) -> Bundle:
    """The bundle with the seal, once the verifier accepts it. Raises SealError."""
    for data, what in ((seal.value, "the seal"), (seal.key or b"", "the certificate of the seal")):
        secret_keys.refuse(data, what)
    sealed = bundle.with_seal(seal)
    name = f"seal {len(sealed.seals)}"
    for finding in verify(sealed, Policy()).findings:
        if name in finding.items and finding.outcome in (Outcome.FAILED, Outcome.INDETERMINATE):
            raise SealError(f"the new seal does not hold: {finding.check}: {finding.message}")
    return sealed
