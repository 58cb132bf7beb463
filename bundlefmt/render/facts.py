# SPDX-License-Identifier: Apache-2.0
"""The essentials of one artifact in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Seal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import ek_certificate, openpgp, x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedAlgorithmError, alg_name
from bundlefmt.evidence.tpm_signature import TpmtSignature
from bundlefmt.moment import when
from bundlefmt.render.words import plural, short
from bundlefmt.wire import Buffer

Facts = dict[str, str]
MAX_DECODED: Final = 2**20  # larger artifacts are listed, not read


def _certificate(data: Buffer) -> Facts:
    facts = x509.facts(data)
    named = ek_certificate.describe(x509.load(data))
    return {
        "subject": facts.subject or "(empty)",
        "issuer": facts.issuer or "(empty)",
        "valid": f"{when(facts.not_before)} to {when(facts.not_after)}",
        **named,
        "SHA-256": facts.sha256.hex(),
    }


def _openpgp(data: Buffer) -> Facts:
    facts = openpgp.certificate_facts(data)
    primary, *subkeys = facts.keys
    found = {
        "fingerprint": facts.fingerprint,
        "key": _openpgp_key(primary),
        "user IDs": "; ".join(facts.user_ids),
        "withdrawn user IDs": "; ".join(facts.revoked_user_ids),
        **{f"subkey {n}": f"{sub.fingerprint}: {_openpgp_key(sub)}" for n, sub in enumerate(subkeys, 1)},
        "designated revokers": "; ".join(facts.designated_revokers),
    }
    if facts.third_party:
        found["certified by others"] = plural(facts.third_party, "signature")
    if facts.unread:
        found["not read"] = plural(facts.unread, "signature")
    return {name: value for name, value in found.items() if value}


def _openpgp_key(key: openpgp.KeyFacts) -> str:
    """`EdDSA Ed25519, made 2025-12-16 12:00:00Z, to certify, sign`."""
    said = [key.algorithm, f"made {when(key.created)}"]
    if key.expires is not None:
        said.append(f"expires {when(key.expires)}")
    if not key.bound:
        said.append("not signed by the primary key")
    elif key.flags is not None:
        said.append(f"to {', '.join(key.flags.names()) or 'nothing'}")
    if not key.agreed:
        said.append("without a back-signature")
    if key.revocations:
        said.append(f"REVOKED ({_revoked(key)})")
    return ", ".join(said)


def _revoked(key: openpgp.KeyFacts) -> str:
    """`retired at 2026-01-15 12:00:00Z`, for each revocation."""
    return "; ".join(
        reason if made is None else f"{reason} at {when(made)}" for made, reason in key.revocations
    )


def _public(data: Buffer) -> Facts:
    public = TpmtPublic.decode(data)
    found = {"key": public.describe(), "attributes": ", ".join(public.attributes.names())}
    try:
        found["Name"] = public.name().hex()
    except UnsupportedAlgorithmError as error:
        found["Name"] = str(error)
    return found


def _template(data: Buffer) -> Facts:
    return {"template": TpmtPublic.decode(data).describe()}


def _name(data: Buffer) -> Facts:
    return {"Name": bytes(data[:66]).hex()}


def _attest(data: Buffer) -> Facts:
    attest = TpmsAttest.decode(data)
    clock = attest.clock_info
    safety = "safe" if clock.safe else "not safe"
    return {
        "statement": attest.describe(),
        "qualified signer": attest.qualified_signer.hex(),
        "extraData": attest.extra_data.hex(),
        "clock": f"{clock.clock} ms ({safety}), {plural(clock.reset_count, 'reset')}, "
        f"{plural(clock.restart_count, 'restart')}",
        "firmware": f"{attest.firmware_version:#x}",
    }


def _creation(data: Buffer) -> Facts:
    creation = TpmsCreationData.decode(data)
    banks = (f"{alg_name(bank.hash)}: PCR {indices(list(bank.indices))}" for bank in creation.pcr_select)
    return {
        "created": creation.describe(),
        "PCRs at creation": "; ".join(banks) or "none",
        "outsideInfo": creation.outside_info.hex(),
    }


def _ticket(data: Buffer) -> Facts:
    return {"ticket": TpmtTkCreation.decode(data).describe()}


def _activation(data: Buffer) -> Facts:
    record = CredentialActivation.decode(data)
    given = [name for name in ("seed", "ephemeral") if getattr(record, name) is not None]
    return {
        "challenge": f"a credential of {plural(len(record.credential), 'byte')}",
        "randomness": ", ".join(given) or "kept by the challenger",
    }


def _log(role: str, data: Buffer) -> Facts:
    """Many bundles have no logs, and their readers are half of all."""
    from bundlefmt.render.log_facts import log_facts

    return log_facts(role, data)


def _signature(data: Buffer) -> Facts:
    return {"signature": TpmtSignature.decode(data).describe()}


def indices(numbers: list[int]) -> str:
    """`0-7, 14`: PCR numbers with runs folded."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _pcr_values(data: Buffer) -> Facts:
    return {alg_name(bank): f"PCR {indices(list(row))}" for bank, row in decode_pcr_values(data).items()}


_BY_ROLE: Final[Mapping[str, Callable[[Buffer], Facts]]] = {
    "openpgp-certificate": _openpgp,
    **dict.fromkeys(("ek-public", "ak-public", "key-public", "parent-public"), _public),
    "ak-template": _template,
    **dict.fromkeys(("ak-name", "key-name"), _name),
    **dict.fromkeys(("quote", "certify", "certify-creation", "time", "nv-certify"), _attest),
    "tpm-signature": _signature,
    "pcr-values": _pcr_values,
    "creation-data": _creation,
    "creation-ticket": _ticket,
    "credential-activation": _activation,
    **{role: partial(_log, role) for role in ("firmware-log", "userspace-log", "ima-log")},
}


def artifact_facts(role: str, type_: str, data: Buffer) -> Facts:
    """What the artifact says of itself; an artifact that cannot be read says why."""
    describe = _BY_ROLE.get(role)
    if describe is None and type_ == labels.TYPE_CERTIFICATE:
        describe = _certificate
    if describe is None or len(data) > MAX_DECODED:
        return {}
    try:
        found = describe(data)
    except (MalformedError, x509.CertificateError, openpgp.OpenPgpError) as error:
        found = {"cannot be read": str(error)}
    return found


def seal_facts(seal: Seal) -> Facts:
    """What a seal says of itself, unverified."""
    try:
        found = _cose(seal) if seal.type == labels.SEAL_COSE else _pgp_signature(seal)
    except (MalformedError, openpgp.OpenPgpError) as error:
        found = {"cannot be read": str(error)}
    if seal.key is not None:
        found["carries a certificate"] = plural(len(seal.key), "byte")
    return found


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


def _pgp_signature(seal: Seal) -> Facts:
    if seal.type != labels.SEAL_OPENPGP:
        return {}
    facts = openpgp.signature_facts(seal.value)
    found = {}
    if facts.untrusted_issuer is not None:
        found["claims issuer"] = facts.untrusted_issuer
    if facts.untrusted_created is not None:
        found["claims time"] = when(facts.untrusted_created)
    return found
