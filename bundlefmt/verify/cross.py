# SPDX-License-Identifier: Apache-2.0
"""Judgements on cross-signatures: keys of one holder, or of several, that sign one another.

Spec: "Verification", step 4; "Cross-signatures".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.openpgp_certificate import Certificate as OpenPgpCertificate
from bundlefmt.evidence.openpgp_certificate import UserId
from bundlefmt.evidence.openpgp_key import NotMadeByError, PublicKey
from bundlefmt.evidence.openpgp_packet import NotComputedError
from bundlefmt.evidence.openpgp_signature import CERTIFICATIONS, SignaturePacket, SignatureType
from bundlefmt.evidence.openpgp_spki import spki
from bundlefmt.evidence.own_extension import OpenPgpKeyName
from bundlefmt.evidence.tpm_signature import CannotVerifyError, SignatureMismatchError
from bundlefmt.labels import OID_OPENPGP_KEY
from bundlefmt.moment import when
from bundlefmt.verify import period
from bundlefmt.verify.chains import Chains
from bundlefmt.verify.checks import Check, Result, each, judged
from bundlefmt.verify.context import Area, Context, Fail, Once, Skip, Unsure, readable
from bundlefmt.verify.issued import issued_by, require_signer
from bundlefmt.verify.openpgp_signature import Made, SignatureStanding
from bundlefmt.verify.openpgp_standing import is_weak
from bundlefmt.verify.statement import require_period

SIGNATURE, CERTIFICATE = "cross-signature", "cross-certificate"
IDENTITIES: Final = ("openpgp-certificate", "piv-certificate")
MAX_CERTIFICATIONS: Final = 64  # by others, verified of one certificate
_KNOWN: Final = Purpose(critical=frozenset({OID_OPENPGP_KEY}))


class Crossings(Area):
    """Detached OpenPGP signatures over certificates, each read once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.form: Once[str, SignaturePacket] = Once(self._decode)
        self.standing: Once[str, SignatureStanding] = Once(self._standing)

    def _decode(self, label: str) -> SignaturePacket:
        value = self.context.value(label)
        packet = readable(lambda: openpgp.signature_facts(value)).packet
        if packet.type != SignatureType.BINARY:
            raise Fail(f"a signature of type {packet.type:#04x}, not over the bytes of a document")
        return packet

    def signature(self, label: str) -> SignaturePacket:
        """Raises Skip where it cannot be read: the form check says why."""
        try:
            return self.form(label)
        except Fail:
            raise Skip(f"{label} cannot be read") from None

    def _standing(self, label: str) -> SignatureStanding:
        """The signature as one by a key of its `by`. Raises Fail where none of its keys made it."""
        context, packet = self.context, self.signature(label)
        said = context.openpgp(context.target(label, "by"))
        message = bytes(context.value(context.target(label, "over")))
        digest = readable(lambda: packet.digest(message))
        key = readable(lambda: openpgp.maker(said.certificate, packet, digest))
        if packet.created is None:
            raise Fail("the signature does not say when it was made")
        made = Made(raw=bytes(context.value(label)), packet=packet, key=key, message=message)
        return SignatureStanding(said, made, at=packet.created, lapse=context.at)


def _form(context: Context, label: str) -> str:
    """The item is one binary OpenPGP signature, or one certificate that names an OpenPGP key."""
    if context.item(label).role == SIGNATURE:
        context.area(Crossings).form(label)
        return "one binary OpenPGP signature"
    certificate = context.area(Chains).form(label)
    named = readable(lambda: OpenPgpKeyName.of(certificate))
    require_signer(certificate)
    return f"{certificate}, for OpenPGP key {named.fingerprint}"


def _signature(context: Context, label: str) -> str:
    """One identity's key signed the other's certificate, and might."""
    by, over = context.target(label, "by"), context.target(label, "over")
    if context.item(label).role == CERTIFICATE:
        context.area(Chains).along(label, issued_by(context, label, _KNOWN))
        return f"{by} certifies the key of {over}, valid at {when(context.at)}"
    standing = context.area(Crossings).standing(label)
    standing.require_nothing_against()
    period.require_counts(context.policy, standing.used(), claimed=standing.at, by=context.existence.by)
    return f"{standing.key.fingerprint} of {by} signed {over} at {when(standing.at)} by its own word"


def _key(context: Context, label: str) -> str:
    """The certified key, and the fingerprint in the extension, are those of the OpenPGP primary key."""
    certificate = context.area(Chains).certificate(label)
    over = context.target(label, "over")
    primary = context.openpgp(over).certificate.primary
    try:
        named = readable(lambda: OpenPgpKeyName.of(certificate))
    except Fail:
        raise Skip("cross.form says why") from None
    if x509.certificate_spki(certificate) != readable(lambda: spki(primary)):
        raise Fail(f"it certifies another key than the primary key of {over}")
    if named.fingerprint != primary.fingerprint:
        raise Fail(f"it names OpenPGP key {named.fingerprint}, the primary key is {primary.fingerprint}")
    return f"the primary key {primary.fingerprint} of {over}"


def _revocation(context: Context, label: str) -> str:
    """No revocation list or response in the bundle takes the certificate away."""
    return context.area(Chains).standing(label, issued_by(context, label, _KNOWN))


def _tpm(context: Context) -> Iterator[Result]:
    """The TPM's signing key signed the certificates of identities."""
    for label in context.labels("tpm-signature"):
        targets = context.item(label).ref("over")
        if len(targets) == 1 and context.item(targets[0]).role in IDENTITIES:
            yield judged((label,), partial(_tpm_signature, context, label))


def _tpm_signature(context: Context, label: str) -> str:
    by, over = context.target(label, "by"), context.target(label, "over")
    if context.item(by).role != "key-public":
        raise Fail(f"{by} is no signing key: an attestation key signs what its TPM says, not certificates")
    message = bytes(context.value(over))
    try:
        context.signatures.form(label).verify(context.publics(by), message)
    except SignatureMismatchError as error:
        raise Fail(str(error)) from None
    except CannotVerifyError as error:
        raise Unsure(str(error)) from None
    require_period(context, label, by)
    return f"{by} signed {over}"


def _certification(context: Context, label: str) -> str:
    """Other identities of this bundle who certified the OpenPGP certificate; recognised, never required."""
    certificate = context.openpgp(label).certificate
    found = []
    for other in context.labels("openpgp-certificate"):
        if other != label:
            signer = context.openpgp(other).primary
            names = _certified(certificate, signer)
            found += [f"{other} certified {name!r}" for name in names]
    if not found:
        raise Skip("no other identity here certified it")
    return "; ".join(found)


def _certified(certificate: OpenPgpCertificate, signer: PublicKey) -> list[str]:
    """The user ids that `signer` certified, and did not revoke."""
    return [
        user_id.text
        for user_id in certificate.user_ids
        if _made(certificate, user_id, signer, CERTIFICATIONS)
        and not _made(certificate, user_id, signer, frozenset({SignatureType.CERTIFICATION_REVOCATION}))
    ]


def _made(certificate: OpenPgpCertificate, user_id: UserId, signer: PublicKey, types: frozenset[int]) -> bool:
    covered = certificate.primary.covered() + user_id.covered()
    hints = {signer.fingerprint, signer.key_id}
    for signature in [one for one in user_id.signatures if one.type in types][:MAX_CERTIFICATIONS]:
        if not hints & set(signature.untrusted_issuers()) or is_weak(signature):
            continue
        try:
            signature.verify(signer, covered)
        except (NotMadeByError, NotComputedError):
            continue
        return True
    return False


CHECKS: Final = (
    Check("cross.form", each((SIGNATURE, CERTIFICATE), _form)),
    Check("cross.signature", each((SIGNATURE, CERTIFICATE), _signature)),
    Check("cross.key", each((CERTIFICATE,), _key)),
    Check("cross.revocation", each((CERTIFICATE,), _revocation)),
    Check("cross.tpm", _tpm),
    Check("cross.certification", each(("openpgp-certificate",), _certification)),
)
