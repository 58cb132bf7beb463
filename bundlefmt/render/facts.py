# SPDX-License-Identifier: Apache-2.0
"""The essentials of one artifact or seal in words: what it says of itself, not whether it is true.

The words for each kind stand in a module of its own, which is loaded when a bundle has something of that
kind: most bundles lack most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Seal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError, UnusableError
from bundlefmt.moment import when
from bundlefmt.render.words import plural, short
from bundlefmt.wire import Buffer

Facts = dict[str, str]
MAX_DECODED: Final = 2**20  # larger artifacts are listed, not read
_BY_THE_TPM: Final = frozenset(
    {
        *("ek-public", "ak-public", "key-public", "parent-public", "ak-template", "ak-name", "key-name"),
        *("quote", "certify", "certify-creation", "time", "nv-certify", "tpm-signature", "pcr-values"),
    }
)
_OF_CREATION: Final = frozenset({"creation-data", "creation-ticket", "credential-activation"})
_CARRIED: Final = frozenset({labels.HDR_3161_TTC, labels.HDR_3161_CTT, labels.HDR_RECEIPTS})
_LOGS: Final = frozenset({"firmware-log", "userspace-log", "ima-log"})


def artifact_facts(role: str, type_: str, data: Buffer) -> Facts:
    """What the artifact says of itself; an artifact that cannot be read says why."""
    if len(data) > MAX_DECODED:
        return {}
    try:
        return _facts(role, type_, data)
    except (MalformedError, UnusableError) as error:
        return {"cannot be read": str(error)}


def _facts(role: str, type_: str, data: Buffer) -> Facts:
    if role in _BY_THE_TPM:
        from bundlefmt.render.tpm_facts import tpm_facts

        return tpm_facts(role, data)
    if role in _OF_CREATION:
        from bundlefmt.render.creation_facts import creation_facts

        return creation_facts(role, data)
    if role in _LOGS:
        from bundlefmt.render.log_facts import log_facts

        return log_facts(role, data)
    if role == "openpgp-certificate":
        from bundlefmt.render import openpgp_facts

        return openpgp_facts.certificate_facts(data)
    if type_ == labels.TYPE_CERTIFICATE:
        from bundlefmt.render.certificate_facts import certificate_facts

        return certificate_facts(data)
    return {}


def seal_facts(seal: Seal) -> Facts:
    """What a seal says of itself, unverified."""
    try:
        found = _seal(seal)
    except (MalformedError, UnusableError) as error:
        found = {"cannot be read": str(error)}
    if seal.key is not None:
        found["carries a certificate"] = plural(len(seal.key), "byte")
    return found


def parts_of(seal: Seal) -> list[tuple[str, Facts]]:
    """What a seal carries beside its signature, each by its kind; a seal that cannot be read has none."""
    try:
        message = CoseSign1.decode(seal.value) if seal.type == labels.SEAL_COSE else None
    except MalformedError:
        return []
    if message is None or not _CARRIED & {*message.protected, *message.unprotected}:
        return []
    from bundlefmt.render.seal_parts import seal_parts

    return list(seal_parts(message))


def _seal(seal: Seal) -> Facts:
    if seal.type == labels.SEAL_COSE:
        return _cose(seal)
    if seal.type == labels.SEAL_OPENPGP:
        from bundlefmt.render import openpgp_facts

        return openpgp_facts.signature_facts(seal.value)
    return {}


def _cose(seal: Seal) -> Facts:
    protected = CoseSign1.decode(seal.value).protected
    alg, claims = protected.get(labels.HDR_ALG), protected.get(labels.HDR_CWT_CLAIMS)
    found = {"algorithm": labels.ALG_NAMES.get(alg, str(alg)) if isinstance(alg, int) else str(alg)}
    x5t, kid = protected.get(labels.HDR_X5T), protected.get(labels.HDR_KID)
    if isinstance(x5t, list) and len(x5t) == 2 and isinstance(x5t[1], bytes):
        found["certificate hash"] = x5t[1].hex()
    if isinstance(kid, bytes):
        found["key id"] = short(kid, 66)
    if isinstance(claims, Mapping):
        issuer, issued = claims.get(labels.CLAIM_ISS), claims.get(labels.CLAIM_IAT)
        if isinstance(issuer, str):
            found["claims issuer"] = issuer
        if isinstance(issued, int):
            found["claims time"] = when(issued)
    return found
