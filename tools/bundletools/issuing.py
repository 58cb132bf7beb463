# SPDX-License-Identifier: Apache-2.0
"""The two certificates that an X.509 identity issues: for a TPM's signing key, and for an OpenPGP key.

Spec: "Certificates of this format". The key that signs is a `cose.Signer`: in a file or in a token.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bundlefmt import cose, labels
from bundlefmt.evidence import openpgp
from bundlefmt.evidence import x509 as facts
from bundlefmt.evidence.certificate import CertificateError, KeyUsage
from bundlefmt.evidence.openpgp_packet import NotComputedError
from bundlefmt.evidence.openpgp_spki import spki
from bundlefmt.evidence.own_extension import OpenPgpKeyName, TpmBinding
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.frozen import frozen
from bundletools.errors import IssuingError as IssuingError
from bundletools.token_certificate import TokenKey, Validity, sign

SubjectKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
_NO_USAGE: Final = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}


@frozen
class Issuer:
    """An X.509 identity: its certificate (DER), and the key that signs."""

    certificate: bytes
    signer: cose.Signer

    def issue(self, name: str, key: object, extension: tuple[str, bytes], validity: Validity) -> bytes:
        """DER for `key`, which signs and is no authority's, with one extension of this format.

        Raises IssuingError where the certificate may not issue this, and what the signer raises.
        """
        own = self._own(validity)
        if not isinstance(key, SubjectKey):
            raise IssuingError(f"a key of this kind cannot be certified here ({type(key).__name__})")
        builder = x509.CertificateBuilder(
            own.subject,
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            key,
            x509.random_serial_number(),
            datetime.fromtimestamp(validity.start, UTC),
            datetime.fromtimestamp(validity.end, UTC),
        )
        usage = x509.KeyUsage(digital_signature=True, **_NO_USAGE)
        above = own.public_key()
        if not isinstance(above, TokenKey):
            raise IssuingError(f"a key of this kind cannot issue here ({type(above).__name__})")
        oid, value = extension
        for part, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage, True),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (_authority(own, above), False),
            (x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False),
        ):
            builder = builder.add_extension(part, critical)
        return sign(builder, self.signer, above)

    def _own(self, validity: Validity) -> x509.Certificate:
        """The issuer's certificate, once it is known to be good for this."""
        found = facts.load(self.certificate)
        constraints, usage = found.basic_constraints(), found.key_usage()
        if constraints is None or not constraints.ca:
            raise IssuingError(f"{found} is no authority (basic constraints): it cannot issue certificates")
        if usage is not None and KeyUsage.keyCertSign not in usage:
            raise IssuingError(f"{found} may not issue certificates (key usage {usage.describe()})")
        if not found.not_before <= validity.start <= validity.end <= found.not_after:
            raise IssuingError(f"{found} would end before what it issues, or begin after it")
        return x509.load_der_x509_certificate(self.certificate)


def _authority(own: x509.Certificate, key: TokenKey) -> x509.AuthorityKeyIdentifier:
    try:
        named = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named)


def tpm_binding(
    issuer: Issuer,
    name: str,
    *,
    key: TpmtPublic,
    ek: TpmtPublic,
    ak: TpmtPublic,
    validity: Validity,
) -> bytes:
    """DER: `issuer` certifies the TPM's signing key, beside its EK and AK, for the subject `name`.

    Raises IssuingError, UnsupportedKeyError, UnsupportedAlgorithmError, and what the signer raises.
    """
    said = TpmBinding(ek_spki=facts.key_spki(ek.public_key()), ak_name=ak.name(), key_name=key.name())
    extension = (labels.OID_TPM_BINDING, said.encode())
    return issuer.issue(name, key.public_key(), extension, validity)


def openpgp_cross(issuer: Issuer, name: str, certificate: bytes, *, validity: Validity) -> bytes:
    """DER: `issuer` certifies the primary key of an OpenPGP certificate, for the subject `name`.

    Raises IssuingError, OpenPgpError, MalformedError, and what the signer raises.
    """
    primary = openpgp.self_signatures(certificate).primary
    try:
        key = load_der_public_key(spki(primary))
    except NotComputedError as error:
        raise IssuingError(str(error)) from None
    extension = (labels.OID_OPENPGP_KEY, OpenPgpKeyName(fingerprint=primary.fingerprint).encode())
    return issuer.issue(name, key, extension, validity)


def validity_under(issuer: Issuer, *, start: int) -> Validity:
    """From `start` (seconds since the epoch) as long as the issuer's own certificate. Raises IssuingError."""
    try:
        return Validity(start=start, end=facts.load(issuer.certificate).not_after)
    except CertificateError as error:
        raise IssuingError(str(error)) from None
