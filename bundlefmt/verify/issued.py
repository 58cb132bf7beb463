# SPDX-License-Identifier: Apache-2.0
"""What the certificates that people's X.509 identities issue here have in common: the issuer and the use.

Spec: "Certificates of this format".
"""

from __future__ import annotations

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.certificate import Certificate, KeyUsage
from bundlefmt.evidence.chain import Purpose
from bundlefmt.verify.chains import Chains, Route
from bundlefmt.verify.context import Context, Fail

_AUTHORITYS = KeyUsage.keyCertSign | KeyUsage.cRLSign


def issued_by(context: Context, label: str, purpose: Purpose) -> Route:
    """The route of a certificate that the PIV certificate `by` issued: it alone stands above. Raises Skip."""
    by = context.area(Chains).certificate(context.target(label, "by"))
    return Route(through=None, anchors=(by.raw,), purpose=purpose)


def require_signer(certificate: Certificate) -> None:
    """The key signs and is no authority's: who is certified must not certify in turn. Raises Fail."""
    try:
        constraints, usage = certificate.basic_constraints(), certificate.key_usage()
    except MalformedError as error:
        raise Fail(str(error)) from None
    if constraints is None or constraints.ca:
        raise Fail("the certificate is that of an authority, or does not say that it is none")
    if usage is None or KeyUsage.digitalSignature not in usage:
        raise Fail("the certificate does not say that its key signs (key usage digitalSignature)")
    if usage & _AUTHORITYS:
        raise Fail(f"the key usage is that of an authority: {usage.describe()}")
