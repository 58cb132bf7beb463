# SPDX-License-Identifier: Apache-2.0
"""Artifacts in the forms that stock tools read, worked out from their native bytes.

TPM2B structures, plain signatures and credential files as tpm2-tools 5 writes them; keys, certificates and
signatures as OpenSSL reads them. What cannot be read has no other form: every function raises MalformedError
or one of UNREADABLE.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.pcr import PcrValues, bank_size, decode_pcr_values
from bundlefmt.evidence.tpm import TpmAlg, TpmtPublic, UnsupportedKeyError, tpm2b
from bundlefmt.evidence.tpm_signature import EccSignature, RsaSignature, TpmtSignature
from bundlefmt.render.tpm2_tools import pcr_file
from bundlefmt.wire import Buffer


class NoFormError(ValueError):
    """The artifact has no such form; the message says why."""


UNREADABLE: Final = (MalformedError, NoFormError, UnsupportedKeyError, x509.CertificateError)
CREDENTIAL_MAGIC: Final = bytes.fromhex("badcc0de00000001")  # tpm2-tools: magic, version
_COORDINATES: Final = frozenset(
    {labels.ALG_ESP256, labels.ALG_ESP384, labels.ALG_ESP512}
    | {labels.ALG_ES256, labels.ALG_ES384, labels.ALG_ES512}
)


def pem(kind: str, der: Buffer) -> bytes:
    """RFC 7468, lines of 64 characters."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", "")).encode()


def certificate_pem(der: Buffer) -> bytes:
    """Raises CertificateError unless it is one."""
    x509.load(der)
    return pem("CERTIFICATE", der)


def public_pem(area: Buffer) -> bytes:
    """The key of a TPMT_PUBLIC as SubjectPublicKeyInfo."""
    return TpmtPublic.decode(area).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def sized(structure: Buffer) -> bytes:
    """A structure as its TPM2B."""
    if len(structure) > 0xFFFF:
        raise NoFormError(f"{len(structure)} bytes do not fit into a TPM2B")
    return tpm2b(bytes(structure))


def plain_signature(signature: Buffer) -> bytes:
    """The signature alone: an RSA signature's bytes, r and s of ECDSA in DER."""
    inner = TpmtSignature.decode(signature).signature
    if isinstance(inner, RsaSignature):
        return inner.sig
    if isinstance(inner, EccSignature):
        return encode_dss_signature(int.from_bytes(inner.r, "big"), int.from_bytes(inner.s, "big"))
    raise NoFormError("a signature of a scheme that is not read here")


def tpm_signature(public: TpmtPublic, plain: bytes) -> TpmtSignature:
    """A plain signature as TPMT_SIGNATURE, by the scheme that the key is bound to. Raises NoFormError."""
    if public.scheme_hash is None:
        raise NoFormError("the key is bound to no scheme")
    if public.type == TpmAlg.RSA:
        return TpmtSignature(alg=public.scheme, signature=RsaSignature(hash=public.scheme_hash, sig=plain))
    try:
        r, s = decode_dss_signature(plain)
        width = (public.public_key().key_size + 7) // 8
        numbers = r.to_bytes(width, "big"), s.to_bytes(width, "big")
    except (ValueError, OverflowError):
        raise NoFormError("not an ECDSA signature in DER of this key") from None
    signature = EccSignature(hash=public.scheme_hash, r=numbers[0], s=numbers[1])
    return TpmtSignature(alg=public.scheme, signature=signature)


def listed_values(quote: TpmsQuoteInfo, plain: bytes) -> PcrValues:
    """PCR values that stand one behind the other, in the order of a quote. Raises NoFormError."""
    found: PcrValues = {}
    for bank, index in quote.selected:
        size = bank_size(bank) or 0
        found.setdefault(bank, {})[index], plain = plain[:size], plain[size:]
    if plain or any(len(value) != bank_size(bank) for bank, row in found.items() for value in row.values()):
        raise NoFormError("not as many values as are quoted")
    return found


def plain_cose(alg: object, signature: bytes) -> bytes:
    """A COSE signature as OpenSSL reads it: r and s of ECDSA in DER, others as they are."""
    if alg not in _COORDINATES:
        return signature
    half = len(signature) // 2
    return encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )


def credential_file(record: Buffer) -> tuple[bytes, bytes]:
    """What tpm2_makecredential writes and tpm2_activatecredential reads; and what the latter answered."""
    activation = CredentialActivation.decode(record)
    blob = CREDENTIAL_MAGIC + tpm2b(activation.blob.encode()) + tpm2b(activation.encrypted_secret)
    return blob, activation.credential


def quoted_values(quote: Buffer, values: Sequence[Buffer]) -> bytes:
    """The PCR values that a quote selects, as tpm2_quote writes them and tpm2_checkquote reads them.

    `values` are pcr-values items; the first that has all of them counts.
    """
    attested = TpmsAttest.decode(quote).attested
    if not isinstance(attested, TpmsQuoteInfo):
        raise NoFormError("not a quote")
    for each in values:
        try:
            return pcr_file(attested.pcr_select, decode_pcr_values(each))
        except KeyError:
            continue
    raise NoFormError("no PCR values have all that is quoted")
