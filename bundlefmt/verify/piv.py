# SPDX-License-Identifier: Apache-2.0
"""Judgements on the people's X.509 certificates: form, key, signature, use, and who issued them.

What such a certificate is believed for is its pin; its issuer, where it has another than itself, can take
that away and add nothing. Spec: "Verification", step 3. RFC 5280.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate, CertificateError, KeyUsage
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm, verify_signature, weakness
from bundlefmt.moment import when
from bundlefmt.verify.chains import Chains, Route
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip, Unsure
from bundlefmt.verify.signers import Signers

ROLE: Final = "piv-certificate"
ISSUED_ROLES: Final = ("cross-certificate", "tpm-binding-certificate")
_SEALING: Final = KeyUsage.digitalSignature | KeyUsage.nonRepudiation


def _form(context: Context, label: str) -> str:
    """The item is one certificate in DER, and nothing else."""
    certificate = context.area(Chains).form(label)
    return f"{certificate}, valid from {when(certificate.not_before)} to {when(certificate.not_after)}"


def _key(context: Context, label: str) -> str:
    """The key is of a known kind and strong enough that its signatures say something."""
    certificate = context.area(Chains).certificate(label)
    try:
        key = load_key(certificate.spki)
    except CertificateError as error:
        raise Unsure(str(error)) from None
    weak = weakness(key)
    if weak is not None:
        raise Fail(weak)
    return "a key that is strong enough"


def is_self_issued(certificate: Certificate) -> bool:
    return certificate.issuer.comparable() == certificate.subject.comparable()


def _signature(context: Context, label: str) -> str:
    """A certificate that names itself as its issuer is signed by its own key."""
    certificate = context.area(Chains).certificate(label)
    if not is_self_issued(certificate):
        raise Skip(f"issued by {certificate.issuer}: piv.chain")
    try:
        algorithm = signature_algorithm(certificate.algorithm)
        key = load_key(certificate.spki)
    except (CertificateError, MalformedError) as error:
        raise Unsure(str(error)) from None
    if algorithm.sha1 and not context.policy.allow_sha1_certificates:
        raise Fail("the signature uses SHA-1")
    try:
        verify_signature(certificate.algorithm, key, certificate.signature, certificate.tbs)
    except CertificateError as error:
        raise Fail(f"{error} with its own key") from None
    return f"self-signed by {algorithm.name}"


def _usage(context: Context, label: str) -> str:
    """The certificate allows its key what it does here: to seal, to issue certificates."""
    certificate = context.area(Chains).certificate(label)
    try:
        usage, constraints = certificate.key_usage(), certificate.basic_constraints()
    except MalformedError as error:
        raise Fail(str(error)) from None
    found = []
    if any(signer.label == label for signer in context.area(Signers).verified()):
        if usage is not None and not usage & _SEALING:
            raise Fail(f"it seals, and its key usage is {usage.describe()}: digitalSignature is needed")
        found.append("seals")
    issued = [each for role in ISSUED_ROLES for each in context.referring(role, "by", label)]
    if issued:
        if constraints is None or not constraints.ca:
            raise Fail(f"it issued {', '.join(issued)}, and is no authority (basic constraints)")
        if usage is not None and KeyUsage.keyCertSign not in usage:
            raise Fail(f"it issued {', '.join(issued)}, and its key usage lacks keyCertSign")
        found.append(f"issued {', '.join(issued)}")
    return f"it {' and '.join(found)}, as it may" if found else "it neither seals nor issues anything here"


def _route(context: Context, label: str) -> Route:
    """To the verifier's authorities, or to the end of what the bundle brings along. Raises Skip."""
    chains = context.area(Chains)
    certificate = chains.certificate(label)
    if is_self_issued(certificate):
        raise Skip("it is its own issuer")
    anchors = context.policy.anchors_piv
    named = certificate.issuer.comparable()
    known = [Certificate.decode(each) for each in anchors]
    tops = []
    for issuer in context.labels("certificate-issuer"):
        try:
            found = chains.certificate(issuer)
        except (Skip, Unsure):
            continue
        known.append(found)
        if is_self_issued(found):
            tops.append(found.raw)
    if not any(each.subject.comparable() == named for each in known):
        raise Skip(f"its issuer {certificate.issuer} is not here: it is believed for its pin alone")
    return Route(
        through="certificate-issuer",
        anchors=(*anchors, *tops),
        purpose=Purpose(),
        at=context.area(Signers).last_by(label),
    )


def _chain(context: Context, label: str) -> str:
    """A certificate that another authority issued was issued by it, and was valid, as all above it."""
    chains, route = context.area(Chains), _route(context, label)
    chain = chains.along(label, route)
    if chain.certificates[-1].raw not in context.policy.anchors_piv:
        raise Skip(f"the path ends at {chain.certificates[-1]}, which is no anchor: it proves nothing")
    return f"valid at {when(chains.at(route))}, by {chain.describe()}"


def _revocation(context: Context, label: str) -> str:
    """No revocation list or response in the bundle takes the certificate, or one above it, away."""
    return context.area(Chains).standing(label, _route(context, label))


CHECKS: Final = (
    Check("piv.form", each((ROLE,), _form)),
    Check("piv.key", each((ROLE,), _key)),
    Check("piv.signature", each((ROLE,), _signature)),
    Check("piv.usage", each((ROLE,), _usage)),
    Check("piv.chain", each((ROLE,), _chain)),
    Check("piv.revocation", each((ROLE,), _revocation)),
)
