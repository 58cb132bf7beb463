# SPDX-License-Identifier: Apache-2.0
"""Which role each certificate, revocation list and OpenPGP signature of an import has.

A certificate is told by its extensions and by whom it issued; a signature by what it verifies over.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.crl import RevocationList
from bundlefmt.evidence.ek_certificate import USAGE_AK, USAGE_EK
from bundletools.artifacts import UNREADABLE, Kind
from bundletools.finds import Finds

_ATTESTED: Final = "1.3.6.1.4.1.41482.3."  # Yubico's extensions in the attestation statement of a PIV key


def certificates(finds: Finds) -> None:
    """Certificates of people, of TPM keys and of their issuers; revocation lists of issuers that are here."""
    for found in finds.of(Kind.OPENPGP):
        finds.add(found, "openpgp-certificate")
    read = [(found, x509.load(found.native)) for found in finds.of(Kind.CERTIFICATE)]
    ends = {USAGE_EK: "ek-certificate", USAGE_AK: "ak-certificate"}
    roles: dict[str, str] = {}
    for found, certificate in read:
        usages = _usages(certificate)
        for usage, role in ends.items():
            if usage in usages and not _is_authority(certificate):
                roles.setdefault(found.label, role)
        if any(extension.oid.startswith(_ATTESTED) for extension in certificate.extensions):
            roles.setdefault(found.label, "piv-attestation")
    # what issued a TPM's certificate, or what did that, is an issuer
    wanted = {
        str(certificate.issuer) for found, certificate in read if roles.get(found.label) in ends.values()
    }
    while issuers := [
        (found, certificate)
        for found, certificate in read
        if found.label not in roles and str(certificate.subject) in wanted
    ]:
        for found, certificate in issuers:
            roles[found.label] = "certificate-issuer"
            wanted.add(str(certificate.issuer))
    chain = tuple(found.label for found, _ in read if roles.get(found.label) == "certificate-issuer")
    for found, certificate in read:
        told = roles.get(found.label, "")
        if told in ends.values():
            finds.add(found, told, {"issuer": chain} if chain else {})
        elif told == "certificate-issuer":
            finds.add(found, told)
        elif told:
            finds.leave(found, f"a {told}: say which item is its subject and which its issuer")
        elif str(certificate.subject) == str(certificate.issuer):
            finds.add(found, "piv-certificate")
        else:
            finds.leave(found, "a certificate that no other file speaks of: say its role")
    for found in finds.of(Kind.CRL):
        issuer = str(RevocationList.decode(found.native).issuer)
        by = [each.label for each, certificate in read if str(certificate.subject) == issuer]
        known = tuple(label for label in by if label in finds.items)
        if known:
            finds.add(found, "crl", {"issuer": known})
        else:
            finds.leave(found, "a revocation list whose issuer is not here")


def openpgp_signatures(finds: Finds) -> None:
    """Signatures of an OpenPGP key that is here over a PIV certificate that is here."""
    certificates = [found for found in finds.of(Kind.OPENPGP) if found.label in finds.items]
    targets = [each for each in finds.of(Kind.CERTIFICATE) if each.label in finds.role("piv-certificate")]
    for found in finds.of(Kind.OPENPGP_SIGNATURE):
        pairs = (
            (by.label, over.label)
            for by in certificates
            for over in targets
            if _signed(by.native, found.native, over.native)
        )
        pair = next(pairs, None)
        if pair is None:
            finds.leave(found, "over no certificate that is imported; seals are made over the manifest")
        else:
            finds.add(found, "cross-signature", {"by": pair[0], "over": pair[1]})


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    try:
        return certificate.extended_key_usage() or frozenset()
    except UNREADABLE:
        return frozenset()


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.basic_constraints()
    except UNREADABLE:
        return False
    return constraints is not None and constraints.ca


def _signed(certificate: bytes, signature: bytes, message: bytes) -> bool:
    try:
        openpgp.verify_detached(certificate, signature, message)
    except UNREADABLE:
        return False
    return True
