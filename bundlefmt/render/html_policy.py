# SPDX-License-Identifier: Apache-2.0
"""The verifier's policy on a page: what was known and allowed, without which a verdict says nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from bundlefmt.evidence import x509
from bundlefmt.moment import when
from bundlefmt.render.case import Case
from bundlefmt.render.html import BREAK, Markup, Part, element, foreign, join
from bundlefmt.render.html_marks import digest, section, unfold
from bundlefmt.render.words import plural

_MAX_SHOWN: Final = 500


def policy_section(case: Case) -> Markup:
    policy = case.report.policy
    terms: list[tuple[str, Part]] = [
        ("must have sealed, OpenPGP", _digests(sorted(policy.pins_openpgp))),
        ("must have sealed, X.509", _digests(sorted(pin.hex() for pin in policy.pins_piv))),
        ("known, OpenPGP", plural(len(policy.known_openpgp), "identity", "identities")),
        ("known, X.509", plural(len(policy.known_piv), "identity", "identities")),
        ("TPM manufacturers", _anchors(policy.anchors)),
        ("authorities of people", _anchors(policy.anchors_piv)),
        ("makers of security keys", _anchors(policy.anchors_hardware)),
        ("authorities of time", _anchors(policy.anchors_time)),
        ("logs", _anchors(policy.anchors_log)),
        ("pinned makers", _digests(sorted(pin.hex() for pin in policy.pins_hardware))),
        ("pinned blocks", _digests(sorted(pin.hex() for pin in policy.pins_block), "none")),
        ("certificates judged at", "the manifest's claim" if policy.at is None else when(policy.at)),
        ("reference values", plural(len(policy.references), "set") if policy.references else "none"),
        ("advisories", "leave a doubt" if policy.require_no_advisories else "are reported"),
        ("relaxed", ", ".join(policy.relaxations) or "nothing"),
    ]
    if isinstance(case.trust, dict):
        trust = case.trust
        counts = f"{trust['identities']} identities and {trust['anchors']} anchors from a file with SHA-256 "
        terms.append(("trust file", join((counts, digest(str(trust["sha256"]))))))
    inner = [part for name, value in terms for part in (element("dt", name), element("dd", value))]
    lead = "What the verifier brought. Nothing of it comes from the bundle; another may give another verdict."
    return section("policy", "The verifier's policy", element("p", lead), element("dl", *inner))


def _digests(values: Sequence[str], nothing: str = "nobody") -> Part:
    if not values:
        return nothing
    return element("ul", join((element("li", digest(value)) for value in values[:_MAX_SHOWN]), BREAK))


def _anchors(certificates: Sequence[bytes]) -> Part:
    if not certificates:
        return "none"
    lines = (
        element("li", foreign(_subject(der)), " ", digest(hashlib.sha256(der).hexdigest()))
        for der in certificates[:_MAX_SHOWN]
    )
    listed = element("ul", join(lines, BREAK))
    return listed if len(certificates) <= 4 else unfold(plural(len(certificates), "certificate"), listed)


def _subject(der: bytes) -> str:
    try:
        return x509.facts(der).subject or "(empty)"
    except x509.CertificateError as error:
        return "a public key" if _is_key(der) else f"cannot be read: {error}"


def _is_key(der: bytes) -> bool:
    try:
        x509.public_spki(der)
    except x509.CertificateError:
        return False
    return True
