# SPDX-License-Identifier: Apache-2.0
"""The endorsement key and its certificates.

Spec: "Verification", step 5.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from cryptography.x509.oid import ObjectIdentifier

from tests.vectorgen import certificates
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    EK_POLICY,
    activation,
    ak,
    ek,
    ek_certificate,
    whole,
)
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OTHER_ROOT: Final = "other-root.der"


def other_root() -> bytes:
    """The anchor of another manufacturer."""
    return certificates.manufacturer_root("Evidence Bundle Other Test TPM Root (test key)")


def _with_certificate(**changes: object) -> Ceremony:
    return whole().changed("ek.cert", value=ek_certificate(**changes))


@vector("ek.form")
def ek_public_cut_short() -> Judged:
    """The EK's public area ends within its last coordinate."""
    return whole().changed("ek.pub", value=ek().area[:-1]).judged("ek.form")


@vector("ek.form")
def ek_certificate_padded() -> Judged:
    """The EK certificate is followed by the padding of its NV index."""
    return whole().changed("ek.cert", value=ek_certificate() + bytes(16)).judged("ek.form")


@vector("ek.chain", "anchor")
def ek_no_anchor() -> Judged:
    """The verifier knows no manufacturer of TPMs."""
    return whole().under(anchors=()).judged(unsure=("ek.chain",))


@vector("ek.chain", "anchor")
def ek_other_anchor() -> Judged:
    """The verifier knows another manufacturer of TPMs."""
    return whole().under(anchors=(OTHER_ROOT,)).judged("ek.chain")


@vector("ek.chain", "time")
def ek_certificate_expired() -> Judged:
    """The EK certificate had expired when the capture was made."""
    return _with_certificate(validity=(CREATED - 2 * YEAR, CREATED - YEAR)).judged("ek.chain")


@vector("Certificates and their revocation are judged at that time", "time")
def ek_judged_before_validity() -> Judged:
    """The verifier asks about a time before the EK certificate was valid."""
    return whole().under(at=CREATED - 2 * YEAR).judged("ek.chain", "openpgp.time")


@vector("where the policy does not say, it is the manifest's `created`", "time")
def ek_judged_at_capture() -> Judged:
    """The EK certificate expired an hour after the capture; it is judged at the time of the capture."""
    return _with_certificate(validity=(CREATED - YEAR, CREATED + 3600)).judged()


@vector("ek.chain")
def ek_certificate_for_another_use() -> Judged:
    """The certificate is for TLS clients, though the manufacturer's authority issued it."""
    usage = ObjectIdentifier("1.3.6.1.5.5.7.3.2")
    return _with_certificate(usage=usage).judged("ek.chain")


@vector("ek.chain")
def ek_issuer_missing() -> Judged:
    """The intermediate certificate was never captured."""
    return whole().without("ek.issuer").changed("ek.cert", refs={}).judged("ek.chain")


@vector("ek.chain")
def ek_issuer_no_authority() -> Judged:
    """The intermediate certificate is not that of an authority."""
    issuer = certificates.manufacturer_issuer(is_authority=False)
    return whole().changed("ek.issuer", value=issuer).judged("ek.chain")


@vector("ek.key")
def ek_certificate_for_another_key() -> Judged:
    """The EK certificate is sound, and is for the EK of another TPM."""
    other = tpm.ecc_key("other endorsement key", tpm.STORING, scheme=None).private.public_key()
    return whole().changed("ek.cert", value=certificates.ek_certificate(other)).judged("ek.key")


@vector("ek.form", "unknown", "algorithm")
def ek_on_unknown_curve() -> Judged:
    """The EK is on a curve that is not computed here, so it cannot be compared with its certificate."""
    other = tpm.ecc_key("endorsement key", tpm.STORING, scheme=None, curve_id=tpm.UNKNOWN_CURVE)
    return whole().changed("ek.pub", value=other.area).judged(unsure=("ek.form", "ek.key", "ek.template"))


@vector("ek.certificate")
def ek_certificate_without_key_usage() -> Judged:
    """The EK certificate does not say what its key may be used for."""
    return _with_certificate(key_usage=None).judged("ek.certificate")


@vector("allow_ek_key_usage", "relaxed")
def ek_certificate_without_key_usage_allowed() -> Judged:
    """The EK certificate does not say what its key may be used for, which the verifier allows."""
    return _with_certificate(key_usage=None).under(allow_ek_key_usage=True).judged()


@vector("ek.certificate")
def ek_certificate_of_a_signing_key() -> Judged:
    """The EK certificate says that its key signs; no relaxation would allow that."""
    return _with_certificate(key_usage="digital_signature").judged("ek.certificate")


@vector("ek.certificate")
def ek_certificate_names_no_tpm() -> Judged:
    """The EK certificate does not name the TPM's manufacturer, model and version."""
    return _with_certificate(named=False).judged("ek.certificate")


@vector("allow_ek_without_tpm_name", "relaxed")
def ek_certificate_names_no_tpm_allowed() -> Judged:
    """The EK certificate does not name the TPM, which the verifier allows."""
    return _with_certificate(named=False).under(allow_ek_without_tpm_name=True).judged()


@vector("ek.chain")
def ek_certificate_without_usage() -> Judged:
    """The EK certificate has no extended key usage."""
    return _with_certificate(usage=None).judged("ek.chain")


@vector("allow_missing_usage", "relaxed")
def ek_certificate_without_usage_allowed() -> Judged:
    """The EK certificate has no extended key usage, which the verifier allows."""
    return _with_certificate(usage=None).under(allow_missing_usage=True).judged()


def _with_sha1() -> Ceremony:
    return whole().changed("ek.cert", value=certificates.with_sha1(ek_certificate()))


@vector("ek.chain", "weak")
def ek_certificate_signed_with_sha1() -> Judged:
    """The signature of the EK certificate is over a SHA-1 digest."""
    return _with_sha1().judged("ek.chain")


@vector("allow_sha1_certificates", "relaxed", "weak")
def ek_certificate_signed_with_sha1_allowed() -> Judged:
    """The signature of the EK certificate is over a SHA-1 digest, which the verifier allows."""
    return _with_sha1().under(allow_sha1_certificates=True).judged()


def _with_list(*revoked: bytes) -> Ceremony:
    listed = certificates.revocation_list(*revoked)
    return whole().having("ek.crl", fixed("crl", listed, {"issuer": "ek.issuer"}))


@vector("ek.revocation")
def ek_certificate_not_revoked() -> Judged:
    """The issuer's revocation list is in the bundle and does not name the EK certificate."""
    return _with_list().judged()


@vector("ek.revocation")
def ek_certificate_revoked() -> Judged:
    """The issuer's revocation list names the EK certificate."""
    return _with_list(ek_certificate()).judged("ek.revocation")


@vector("ek.revocation", "time")
def ek_issuer_revoked_beside_an_old_list() -> Judged:
    """The root's list names the issuer of the EK certificate; the issuer's own list is out of date."""
    issuer = certificates.manufacturer_issuer()
    lists = {
        "ek.crl": certificates.revocation_list(at=CREATED - YEAR),
        "root.crl": certificates.revocation_list(issuer, name=certificates.ROOT),
    }
    ceremony = whole().concluding(tpm_genuine="unproven")
    for label, listed in lists.items():
        ceremony = ceremony.having(label, fixed("crl", listed, {"issuer": "ek.issuer"}))
    return ceremony.judged("ek.revocation")


@vector("ek.template")
def ek_not_restricted() -> Judged:
    """The EK's public area says that the key decrypts for anyone; the certificate does not cover that."""
    attributes = ek().public.attributes & ~tpm.A.restricted
    other = replace(ek().public, attributes=attributes)
    return whole().changed("ek.pub", value=other.encode()).judged("ek.template")


@vector("ek.template")
def ek_by_another_template() -> Judged:
    """The EK has another authorisation policy than the standard templates."""
    other = replace(ek().public, auth_policy=bytes(32))
    return whole().changed("ek.pub", value=other.encode()).judged(unsure=("ek.template",))


@vector("ek.revocation", "absent")
def ek_certificate_withheld() -> Judged:
    """The EK certificate is withheld beside a list of its issuer: whether it is on it is not known."""
    withheld = replace(_with_list(ek_certificate()), absent=frozenset({"ek.cert"}))
    certificate = (f"ek.{check}" for check in ("form", "certificate", "chain", "revocation", "key"))
    return withheld.judged(unsure=("container.complete", *certificate))


@vector("keeping back what could speak against", "absent", "relaxed")
def ek_revocation_list_withheld() -> Judged:
    """The list that names the EK's certificate is withheld, which is allowed: no TPM is proven genuine."""
    withheld = replace(_with_list(ek_certificate()), absent=frozenset({"ek.crl"}))
    return withheld.under(allow_withheld=True).concluding(tpm_genuine="unproven").judged()


@vector("each reference names an item of the right role", "reference")
def container_ek_names_no_ek_certificate() -> Judged:
    """Beside a genuine EK certificate the endorsement key names a certificate of another role: its own."""
    attributes = tpm.STORING & ~tpm.A.userWithAuth | tpm.A.adminWithPolicy
    made = tpm.ecc_key("endorsement key of nobody", attributes, scheme=None)
    mine = replace(made, public=replace(made.public, auth_policy=EK_POLICY))
    own = certificates.ek_certificate(mine.private.public_key())
    record = activation(mine, ak().name).encode()
    ceremony = whole().having("own", fixed("certificate-issuer", own))
    ceremony = ceremony.having("ek.pub", fixed("ek-public", mine.area, {"certificate": "own"}))
    ceremony = ceremony.changed("ek.activation", value=record)
    return ceremony.concluding(tpm_genuine="unproven", ak_resident="unproven").judged("container.refs")
