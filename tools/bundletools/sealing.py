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
from bundlefmt.verify import Outcome, Policy, verify


class SealError(Exception):
    """The seal cannot be made, or does not verify; `hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


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
    return _checked(bundle, Seal(type=labels.SEAL_COSE, value=message.encode(), key=key))


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
    return _checked(bundle, Seal(type=labels.SEAL_COSE, value=value, key=next(wanted, None)))


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
        return _checked(bundle, Seal(type=labels.SEAL_OPENPGP, value=signature, key=key))
    raise SealError(
        f"the signature verifies with no certificate at hand: {reasons[-1] if reasons else 'there is none'}",
        hint="the manifest may hold an older copy of the certificate",
    )


def _checked(bundle: Bundle, seal: Seal) -> Bundle:
    """The bundle with the seal, once the verifier accepts it."""
    sealed = bundle.with_seal(seal)
    name = f"seal {len(sealed.seals)}"
    for finding in verify(sealed, Policy()).findings:
        if name in finding.items and finding.outcome is not Outcome.PASSED:
            raise SealError(f"the new seal does not hold: {finding.check}: {finding.message}")
    return sealed
