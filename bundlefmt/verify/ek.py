# SPDX-License-Identifier: Apache-2.0
"""Judgements on the endorsement key: public area, template, certificate, the chain to a manufacturer.

Spec: "Verification", step 5. TCG EK Credential Profile 2.x.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import ek_certificate, x509
from bundlefmt.evidence.ek_certificate import EK_PURPOSE, Deviation, Fault
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.tpm import TpmaObject, UnsupportedKeyError
from bundlefmt.evidence.tpm_in_certificate import tpm_name
from bundlefmt.moment import when
from bundlefmt.verify import tpm_key
from bundlefmt.verify.chains import Chains
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip, Unsure

_DECRYPTING: Final = (
    TpmaObject.fixedTPM
    | TpmaObject.fixedParent
    | TpmaObject.sensitiveDataOrigin
    | TpmaObject.restricted
    | TpmaObject.decrypt
)


def _form(context: Context, label: str) -> str:
    """The public area or certificate can be read."""
    if context.item(label).role == "ek-public":
        return tpm_key.form(context, label)
    return str(context.area(Chains).form(label))


def _certificate(context: Context, label: str) -> str:
    """The certificate keeps its profile: no authority, for encryption only, naming its TPM."""
    certificate = context.area(Chains).certificate(label)
    try:
        faults = list(ek_certificate.ek_faults(certificate))
        name = tpm_name(certificate)
    except MalformedError as error:
        raise Fail(str(error)) from None
    except x509.CertificateError as error:
        raise Unsure(str(error)) from None
    refused = [fault.message for fault in faults if not _allowed(context, fault)]
    if refused:
        raise Fail("; ".join(refused))
    words = "a TPM that is not named" if name is None else f"{name.vendor()}, {name.model}, {name.version}"
    return "; ".join([words, *(f"{fault.message}, which is allowed" for fault in faults)])


def _allowed(context: Context, fault: Fault) -> bool:
    policy = context.policy
    return {
        Deviation.KEY_USAGE: policy.allow_ek_key_usage,
        Deviation.TPM_NAME: policy.allow_ek_without_tpm_name,
    }.get(fault.deviation, False)


def _chain(context: Context, label: str) -> str:
    """The EK certificate leads, through issuers in the bundle, to an anchor that the verifier gave."""
    chain = context.area(Chains).chain(label, EK_PURPOSE)
    return f"valid at {when(context.at)}, by {chain.describe()}"


def _revocation(context: Context, label: str) -> str:
    """No revocation list in the bundle takes the certificate, or one above it, away."""
    chains = context.area(Chains)
    return chains.standing(label, chains.to_manufacturer(EK_PURPOSE))


def _key(context: Context, label: str) -> str:
    """The certificate is for this very key; the key is compared, not a name or an identifier."""
    if not context.item(label).ref("certificate"):
        raise Skip("no certificate is named for this EK")
    certificate = context.target(label, "certificate")
    require_same_key(context, label, certificate)
    return f"the key in {certificate}"


def require_same_key(context: Context, public: str, certificate: str) -> None:
    """Raises Fail unless the certificate is for the key of the public area."""
    spki = x509.certificate_spki(context.area(Chains).certificate(certificate))
    try:
        key = x509.key_spki(context.publics(public).public_key())
    except UnsupportedKeyError as error:
        raise Unsure(str(error)) from None
    if key != spki:
        raise Fail(f"{certificate} certifies another key")


def _template(context: Context, label: str) -> str:
    """The key was made by a standard template, so that it only decrypts what is meant for its TPM."""
    public = context.publics(label)
    name = recognised(public)
    if name is not None:
        return f"template {name}"
    missing = _DECRYPTING & ~public.attributes
    if missing:
        raise Fail(f"attributes lacking: {', '.join(missing.names())}")
    if public.attributes & TpmaObject.sign_encrypt:
        raise Fail("the key may also sign")
    raise Unsure("by none of the templates L-1, L-2 and H-1 to H-7")


CHECKS: Final = (
    Check("ek.form", each(("ek-certificate", "ek-public"), _form)),
    Check("ek.certificate", each(("ek-certificate",), _certificate)),
    Check("ek.chain", each(("ek-certificate",), _chain)),
    Check("ek.revocation", each(("ek-certificate",), _revocation)),
    Check("ek.key", each(("ek-public",), _key)),
    Check("ek.template", each(("ek-public",), _template)),
)
