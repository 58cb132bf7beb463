# SPDX-License-Identifier: Apache-2.0
"""What one identity's key says about the other keys of a bundle that nobody has sealed yet, as further items.

Spec: "Cross-signatures", "TPM binding certificates". The binding digest does not cover these items, so the
TPM's statements stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.manifest import Item
from bundletools import issuing
from bundletools.issuing import Issuer, IssuingError
from bundletools.token_certificate import Validity

_NAME = 64  # ub-common-name (RFC 5280, annex A.1)
_OPENPGP, _PIV = "openpgp-certificate", "piv-certificate"


def with_item(bundle: Bundle, label: str, role: str, value: bytes, refs: Mapping[str, str]) -> Bundle:
    """The bundle with one item more. Raises IssuingError where it is sealed, or has an item of that label."""
    if bundle.seals:
        raise IssuingError("the bundle is sealed: what was sealed cannot change")
    if label in bundle.manifest.items:
        raise IssuingError(f"there is an item {label} already")
    item = Item.of(value, type=labels.ROLE_TYPES[role], role=role, refs=refs)
    manifest = replace(bundle.manifest, items={**bundle.manifest.items, label: item})
    values = {each: record.value for each, record in bundle.content.items()}
    return Bundle.assemble(manifest, {**values, label: value})


def by_x509(bundle: Bundle, issuer: Issuer, *, validity: Validity) -> Bundle:
    """The X.509 identity certifies the OpenPGP keys of its own part, and the TPM's signing keys.

    Raises IssuingError, and what `issuing` raises.
    """
    by = _of_certificate(bundle, issuer.certificate)
    for over in _companions(bundle, by, _OPENPGP):
        value = bytes(bundle.content[over].value)
        name = f"OpenPGP key {openpgp.certificate_facts(value).fingerprint}"[:_NAME]
        made = issuing.openpgp_cross(issuer, name, value, validity=validity)
        bundle = with_item(bundle, f"{over}.cross", "cross-certificate", made, {"by": by, "over": over})
    for key in _labels(bundle, "key-public"):
        refs = {"by": by, "ek": _endorsement(bundle), "ak": _one(bundle, "ak-public"), "key": key}
        areas = {name: _area(bundle, refs[name]) for name in ("key", "ek", "ak")}
        name = f"TPM key {areas['key'].name().hex()}"[:_NAME]
        made = issuing.tpm_binding(issuer, name, **areas, validity=validity)
        label = f"{key.removesuffix('.pub')}.cert"
        bundle = with_item(bundle, label, "tpm-binding-certificate", made, refs)
    return bundle


def by_openpgp(bundle: Bundle, fingerprint: str, sign: Callable[[bytes], bytes]) -> Bundle:
    """The OpenPGP identity signs the X.509 certificates of its own part; `sign` makes detached signatures.

    Raises IssuingError, and what `sign` raises.
    """
    by = _of_fingerprint(bundle, fingerprint)
    over_all = _companions(bundle, by, _PIV)
    if not over_all:
        raise IssuingError(f"{by} has no X.509 identity of the same part beside it")
    for over in over_all:
        made = sign(bytes(bundle.content[over].value))
        bundle = with_item(bundle, f"{over}.cross", "cross-signature", made, {"by": by, "over": over})
    return bundle


def _labels(bundle: Bundle, role: str) -> list[str]:
    return sorted(label for label, item in bundle.manifest.items.items() if item.role == role)


def _one(bundle: Bundle, role: str) -> str:
    found = _labels(bundle, role)
    if len(found) != 1:
        raise IssuingError(f"there are {len(found)} items of role {role}, where one is due")
    return found[0]


def _endorsement(bundle: Bundle) -> str:
    """The first EK that has a certificate; else the first."""
    found = _labels(bundle, "ek-public")
    if not found:
        raise IssuingError("there is no endorsement key to name")
    return next((each for each in found if bundle.manifest.items[each].ref("certificate")), found[0])


def _area(bundle: Bundle, label: str) -> TpmtPublic:
    return TpmtPublic.decode(bundle.content[label].value)


def _of_certificate(bundle: Bundle, certificate: bytes) -> str:
    for label in _labels(bundle, _PIV):
        if bundle.manifest.items[label].digest.matches(certificate):
            return label
    raise IssuingError("the bundle does not name this X.509 certificate")


def _of_fingerprint(bundle: Bundle, fingerprint: str) -> str:
    for label in _labels(bundle, _OPENPGP):
        if openpgp.certificate_facts(bundle.content[label].value).fingerprint == fingerprint:
            return label
    raise IssuingError(f"the bundle does not name the OpenPGP key {fingerprint}")


def _companions(bundle: Bundle, label: str, role: str) -> list[str]:
    """The identities of `role` who are to seal in the same part."""
    parts = {signer.item: signer.part for signer in bundle.manifest.signers}
    found = [each for each in _labels(bundle, role) if each in parts and parts[each] == parts.get(label)]
    if len(found) > 1:
        raise IssuingError(f"several identities play the part of {label}: {', '.join(found)}")
    return found
