# SPDX-License-Identifier: Apache-2.0
"""The people's X.509 certificates: what is none, what may not do what it does, and those that others issued.

Spec: "Verification", step 3.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.vectorgen import certificates, keys, ocsp, sealing
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR, Identity
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
AUTHORITY_FILE: Final = "identity-root.der"
AUTHORITY: Final = "Evidence Bundle Test Identity Root (test key)"
_NAME: Final = "Evidence Bundle Test Operator p256 (test key)"
_ONE: Final = "one certificate in DER, and nothing else"


@cache
def authority(*, is_authority: bool = True) -> bytes:
    """The root of an organisation."""
    key = keys.ec_key(AUTHORITY)
    extensions = certificates.authority() if is_authority else (certificates.NO_AUTHORITY,)
    return certificates.certificate(AUTHORITY, key.public_key(), AUTHORITY, key, extensions=extensions)


def issued(validity: tuple[int, int] = certificates.VALIDITY) -> Identity:
    """The operator's key, certified by the organisation."""
    operator = certificates.operator()
    public = keys.ec_key("operator p256").public_key()
    der = certificates.certificate(
        _NAME,
        public,
        AUTHORITY,
        keys.ec_key(AUTHORITY),
        validity=validity,
        extensions=certificates.authority(0),
    )
    return replace(operator, certificate=der)


def _sealed_by(identity: Identity) -> Ceremony:
    """The smallest snapshot, sealed by this identity."""
    changed = snapshot().changed("operator.piv", value=identity.certificate)
    pins = (hashlib.sha256(identity.certificate).hexdigest(),)
    return replace(changed, seals=(sealing.by(identity),)).under(pins_piv=pins)


def _second(value: bytes) -> Ceremony:
    """The smallest snapshot with another person's certificate, who did not seal."""
    return snapshot().having("second.piv", fixed("piv-certificate", value))


def issued_and_sealed() -> Ceremony:
    """Sealed by an identity that the organisation certified; its root is known to the verifier."""
    return _sealed_by(issued()).under(anchors_piv=(AUTHORITY_FILE,))


@vector(_ONE, "bad-input")
def piv_in_pem() -> Judged:
    """A certificate is in PEM."""
    text = base64.encodebytes(certificates.operator("p384").certificate).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
    return _second(pem.encode()).judged("piv.form")


@vector(_ONE, "bad-input")
def piv_two_certificates() -> Judged:
    """One item holds two certificates."""
    two = certificates.operator("p384").certificate + certificates.operator("p521").certificate
    return _second(two).judged("piv.form")


@vector(_ONE, "bad-input")
def piv_secret_key() -> Judged:
    """In place of a certificate there is the private key."""
    return _second(keys.pem(keys.ec_key("operator p384", "p384"))).judged("piv.form")


@vector("piv.form")
def piv_cut_short() -> Judged:
    """A certificate lacks its last byte."""
    return _second(certificates.operator("p384").certificate[:-1]).judged("piv.form")


@vector("piv.key", "weak")
def piv_rsa_1024() -> Judged:
    """A person's RSA key has 1024 bits."""
    return _second(certificates.operator("rsa1024").certificate).judged("piv.key")


@vector("piv.key", "weak")
def piv_on_p224() -> Judged:
    """A person's key is on a curve of 224 bits."""
    key = keys.ec_key("operator p224", "p224")
    name = "Evidence Bundle Test Operator p224 (test key)"
    der = certificates.certificate(name, key.public_key(), name, key, extensions=certificates.authority())
    return _second(der).judged("piv.key")


def _signed_by(signer: str) -> bytes:
    public, name = keys.ec_key("second p256").public_key(), "Evidence Bundle Test Second (test key)"
    return certificates.certificate(
        name, public, name, keys.ec_key(signer), extensions=certificates.authority()
    )


@vector("piv.signature")
def piv_signed_by_another_key() -> Judged:
    """A certificate names itself as its issuer, and is signed by a key of somebody else."""
    return _second(_signed_by("other p256")).judged("piv.signature")


def _with_sha1() -> Ceremony:
    return _second(certificates.with_sha1(_signed_by("second p256"), keys.ec_key("second p256")))


@vector("piv.signature", "weak")
def piv_signed_with_sha1() -> Judged:
    """A self-signed certificate is signed over a SHA-1 digest."""
    return _with_sha1().judged("piv.signature")


@vector("allow_sha1_certificates", "relaxed", "weak")
def piv_signed_with_sha1_allowed() -> Judged:
    """A self-signed certificate is signed over a SHA-1 digest, which the verifier allows."""
    return _with_sha1().under(allow_sha1_certificates=True).judged()


def _not_for_sealing() -> Identity:
    """The operator with a certificate whose key issues certificates and signs nothing else."""
    operator, key = certificates.operator(), keys.ec_key("operator p256")
    usage = (certificates.usages("key_cert_sign"), True)
    extensions = (certificates.authority()[0], usage)
    der = certificates.certificate(_NAME, key.public_key(), _NAME, key, extensions=extensions)
    return replace(operator, certificate=der)


@vector("piv.usage")
def piv_not_for_sealing() -> Judged:
    """The operator's certificate says that its key issues certificates and signs nothing else."""
    return _sealed_by(_not_for_sealing()).judged("piv.usage")


@vector("piv.usage", "partners")
def piv_not_for_sealing_beside_another() -> Judged:
    """Two keys sealed: the OpenPGP key, and that of a certificate which is not for signing."""
    identity = _not_for_sealing()
    ceremony = whole().changed("operator.piv", value=identity.certificate)
    sealed = replace(ceremony, seals=(sealing.by(identity), *ceremony.seals[1:]))
    return sealed.under(pins_piv=(hashlib.sha256(identity.certificate).hexdigest(),)).judged("piv.usage")


@vector("piv.chain")
def piv_issued() -> Judged:
    """An authority that the verifier knows issued the operator's certificate."""
    return issued_and_sealed().concluding(identity_sealed="proven").judged()


@vector("it is believed for its pin alone")
def piv_issuer_missing() -> Judged:
    """Another authority, which is not here, issued the operator's certificate; the certificate is pinned."""
    return _sealed_by(issued()).concluding(identity_sealed="proven").judged()


@vector("it is believed for its pin alone")
def piv_issuer_brought_along() -> Judged:
    """The authority's certificate is in the bundle, and unknown to the verifier."""
    ceremony = _sealed_by(issued()).having("root", fixed("certificate-issuer", authority()))
    return ceremony.concluding(identity_sealed="proven").judged()


@vector("piv.chain")
def piv_issuer_no_authority() -> Judged:
    """The certificate of the issuer, in the bundle, is not that of an authority."""
    issuer = fixed("certificate-issuer", authority(is_authority=False))
    return _sealed_by(issued()).having("root", issuer).judged("piv.chain")


@vector("piv.chain", "time")
def piv_issued_and_expired() -> Judged:
    """A certificate that an authority issued had expired when the capture was made; it sealed nothing."""
    expired = issued((CREATED - 2 * YEAR, CREATED - YEAR)).certificate
    return _second(expired).under(anchors_piv=(AUTHORITY_FILE,)).judged("piv.chain")


def _listed(*revoked: bytes) -> Ceremony:
    listed = certificates.revocation_list(*revoked, name=AUTHORITY)
    return issued_and_sealed().having("crl", fixed("crl", listed, {"issuer": "operator.piv"}))


@vector("piv.revocation")
def piv_not_revoked() -> Judged:
    """The authority's revocation list is in the bundle and does not name the operator's certificate."""
    return _listed().judged()


@vector("piv.revocation")
def piv_revoked() -> Judged:
    """The authority's revocation list names the operator's certificate."""
    ceremony = _listed(issued().certificate).concluding(identity_sealed="unproven")
    return ceremony.judged("piv.revocation")


@vector("for piv.revocation unless every piv-certificate is its own issuer", "absent", "relaxed")
def piv_revocation_list_withheld() -> Judged:
    """The list that names the operator's certificate is withheld, which is allowed: nobody vouches."""
    listed = certificates.revocation_list(issued().certificate, name=AUTHORITY)
    ceremony = issued_and_sealed().having("root", fixed("certificate-issuer", authority()))
    ceremony = ceremony.having("crl", fixed("crl", listed, {"issuer": "root"}))
    withheld = replace(ceremony, absent=frozenset({"crl"})).under(allow_withheld=True)
    return withheld.concluding(identity_sealed="unproven").judged()


@vector("no piv-certificate withheld", "absent", "relaxed")
def piv_withheld() -> Judged:
    """A certificate of 1024 bits is withheld, which is allowed: as little is concluded as if it were here."""
    weak = _second(certificates.operator("rsa1024").certificate)
    withheld = replace(weak, absent=frozenset({"second.piv"})).under(allow_withheld=True)
    return withheld.concluding(identity_sealed="unproven").judged()


@vector("nor a certificate-issuer, unless every piv-certificate is its own issuer", "absent", "relaxed")
def piv_issuer_withheld() -> Judged:
    """The issuer's certificate, which is no authority's, is withheld, which is allowed: nobody vouches."""
    issuer = fixed("certificate-issuer", authority(is_authority=False))
    ceremony = _sealed_by(issued()).having("root", issuer)
    withheld = replace(ceremony, absent=frozenset({"root"})).under(allow_withheld=True)
    return withheld.concluding(identity_sealed="unproven").judged()


_RESPONDER: Final = "Evidence Bundle Test Responder (test key)"


def _delegate(
    *more: tuple[x509.ExtensionType, bool],
    for_ocsp: bool = True,
    by: str = AUTHORITY,
    validity: tuple[int, int] = certificates.VALIDITY,
    digest: str = "sha256",
) -> bytes:
    usage = ExtendedKeyUsageOID.OCSP_SIGNING if for_ocsp else ExtendedKeyUsageOID.CLIENT_AUTH
    return certificates.certificate(
        _RESPONDER,
        keys.ec_key(_RESPONDER).public_key(),
        AUTHORITY,
        keys.ec_key(by),
        validity=validity,
        extensions=((x509.ExtendedKeyUsage([usage]), False), *more),
        digest=digest,
    )


def _answered(signer: str = AUTHORITY, *, about: bytes | None = None, **changes: object) -> Ceremony:
    made = ocsp.response(
        about or issued().certificate,
        authority(),
        keys.ec_key(signer),
        **changes,  # type: ignore[arg-type] # its keywords
    )
    return issued_and_sealed().having("ocsp", fixed("ocsp", made, {"issuer": "operator.piv"}))


@vector("piv.revocation", "ocsp")
def piv_ocsp_good() -> Judged:
    """An OCSP response by the authority says that the operator's certificate is good."""
    return _answered().judged()


@vector("piv.revocation", "ocsp")
def piv_ocsp_revoked() -> Judged:
    """An OCSP response by the authority says that the operator's certificate is revoked."""
    return _answered(status=ocsp.revoked(CREATED - YEAR)).judged("piv.revocation")


@vector("piv.revocation", "ocsp")
def piv_ocsp_by_delegate() -> Judged:
    """The OCSP response is by a responder that the authority certified for that."""
    return _answered(_RESPONDER, delegate=_delegate()).judged()


@vector("that of a delegate's certificate", "ocsp", "algorithm")
def piv_ocsp_by_a_delegate_of_an_ended_algorithm() -> Judged:
    """SHA-384 ended, by which the authority certified the responder; the response is by SHA-256."""
    ceremony = _answered(_RESPONDER, delegate=_delegate(digest="sha384"))
    return ceremony.under(algorithms={"SHA-384": CREATED}, now=CREATED).judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp")
def piv_ocsp_by_a_client() -> Judged:
    """The OCSP response is by a key that the authority certified for something else."""
    ceremony = _answered(_RESPONDER, delegate=_delegate(for_ocsp=False))
    return ceremony.judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp", "forged")
def piv_ocsp_by_a_self_made_delegate() -> Judged:
    """The responder's certificate names the authority as its issuer, and another key signed it."""
    ceremony = _answered(_RESPONDER, delegate=_delegate(by="a stranger"))
    return ceremony.judged(unsure=("piv.revocation",))


@vector("A certificate in a response that cannot be read is no delegate", "ocsp", "bad-input")
def piv_ocsp_by_an_unreadable_delegate() -> Judged:
    """In place of the responder's certificate an empty sequence stands in the OCSP response."""
    ceremony = _answered(_RESPONDER, delegate=certificates.tlv(0x30, b""))
    return ceremony.judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp", "time")
def piv_ocsp_by_an_expired_delegate() -> Judged:
    """The responder's certificate had expired when the response was made."""
    delegate = _delegate(validity=(CREATED - 2 * YEAR, CREATED - YEAR))
    return _answered(_RESPONDER, delegate=delegate).judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp", "critical")
def piv_ocsp_by_a_limited_delegate() -> Judged:
    """The responder's certificate has a critical extension that is not known."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.1"), b"\x05\x00")
    delegate = _delegate((unknown, True))
    return _answered(_RESPONDER, delegate=delegate).judged(unsure=("piv.revocation",))


@vector("answers about other certificates are passed over", "ocsp")
def piv_ocsp_about_another() -> Judged:
    """The OCSP response says that another certificate of the authority is revoked."""
    revoked = ocsp.revoked(CREATED - YEAR)
    return _answered(about=_delegate(), status=revoked).judged()


@vector("piv.revocation", "ocsp")
def piv_ocsp_by_a_stranger() -> Judged:
    """The OCSP response is signed by nobody whom the authority knows."""
    return _answered("a stranger").judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp", "time")
def piv_ocsp_stale() -> Judged:
    """The OCSP response was no longer current when the capture was made."""
    stale = (CREATED - 30 * ocsp.DAY, CREATED - 23 * ocsp.DAY)
    return _answered(updates=stale).judged(unsure=("piv.revocation",))


@vector("piv.revocation", "ocsp")
def piv_ocsp_unreadable() -> Judged:
    """The OCSP response says that the responder tries later."""
    later = fixed("ocsp", bytes.fromhex("30030a0103"), {"issuer": "operator.piv"})
    return issued_and_sealed().having("ocsp", later).judged("piv.revocation")
