# SPDX-License-Identifier: Apache-2.0
"""X.509 certificates signed by a key that never leaves its token.

The library writes what is to be signed only while it signs. So it signs with a throwaway key of the same
kind; of that certificate all but the signature is kept, and the token signs it anew. RFC 5280 4.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from bundlefmt import cose, labels
from bundlefmt.evidence import der
from bundlefmt.frozen import frozen

TokenKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
SigningKey = TokenKey | mldsa.MLDSA65PublicKey  # the last lies in files, so far

_EC_HASHES: Final[dict[int, hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    labels.ALG_ESP256: hashes.SHA256(),
    labels.ALG_ESP384: hashes.SHA384(),
    labels.ALG_ESP512: hashes.SHA512(),
}


@frozen
class Validity:
    """From and until, both seconds since 1970, inclusive."""

    start: int
    end: int


def self_signed_ca(signer: cose.Signer, key: TokenKey, common_name: str, validity: Validity) -> bytes:
    """DER of a self-signed CA certificate for the token's key, fit to issue and to seal.

    Critical basicConstraints without path length, critical keyUsage keyCertSign, cRLSign and
    digitalSignature, subjectKeyIdentifier. Raises what `signer` raises.
    """
    return _self_signed(signer, key, common_name, validity, issues=True)


def self_signed(signer: cose.Signer, key: SigningKey, common_name: str, validity: Validity) -> bytes:
    """The same for a key that seals and issues nothing: no CA, digitalSignature alone."""
    return _self_signed(signer, key, common_name, validity, issues=False)


def _self_signed(
    signer: cose.Signer, key: SigningKey, common_name: str, validity: Validity, *, issues: bool
) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=issues,
        crl_sign=issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(
        name,
        name,
        key,
        x509.random_serial_number(),
        datetime.fromtimestamp(validity.start, UTC),
        datetime.fromtimestamp(validity.end, UTC),
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=issues, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    return sign(builder, signer, key)


def sign(builder: x509.CertificateBuilder, signer: cose.Signer, issuer_key: SigningKey) -> bytes:
    """DER of the certificate that `builder` describes, signed by the token's key `issuer_key`.

    Raises SignatureError where the token's signature does not verify, and what `signer` raises.
    """
    draft = _draft(builder, signer.alg, issuer_key)
    tbs = draft.tbs_certificate_bytes
    value = signer.sign(tbs)
    cose.verify_signature(signer.alg, issuer_key, value, tbs)
    if signer.alg in _EC_HASHES:
        half = len(value) // 2
        value = encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
    fields = der.Fields(der.decode_element(draft.public_bytes(Encoding.DER), path="draft"), "draft")
    fields.take(der.SEQUENCE)
    algorithm = fields.take(der.SEQUENCE)
    return _tlv(der.SEQUENCE, tbs + algorithm.raw + _tlv(der.BIT_STRING, b"\x00" + value))


def _draft(builder: x509.CertificateBuilder, alg: int, issuer_key: SigningKey) -> x509.Certificate:
    """The certificate, signed by a throwaway key under the same signature algorithm."""
    if isinstance(issuer_key, rsa.RSAPublicKey):
        throwaway = rsa.generate_private_key(65537, 2048)
        scheme = (
            padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            if alg == labels.ALG_PS256
            else padding.PKCS1v15()
        )
        return builder.sign(throwaway, hashes.SHA256(), rsa_padding=scheme)
    if isinstance(issuer_key, ed25519.Ed25519PublicKey):
        return builder.sign(ed25519.Ed25519PrivateKey.generate(), None)
    if isinstance(issuer_key, mldsa.MLDSA65PublicKey):
        return builder.sign(mldsa.MLDSA65PrivateKey.generate(), None)
    return builder.sign(ec.generate_private_key(issuer_key.curve), _EC_HASHES[alg])


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
