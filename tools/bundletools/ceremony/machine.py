# SPDX-License-Identifier: Apache-2.0
"""The step that concerns the machine: capture, binding certificate, signatures and seal of the TPM's key.

It is one step: while it lasts, the TPM's keys live; broken off, it is done anew and nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file, reading
from bundlefmt.evidence.tpm import TpmtPublic
from bundletools import issuing, keyfiles, sealing
from bundletools.attestation_key import NewTemplate, Session
from bundletools.capture import Extra, Identity, Request, Sitting, sitting
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.plan import PivPart
from bundletools.devices import Tpm
from bundletools.tpm_options import log_of

STEP: Final = "tpm"
OPENPGP_LABEL: Final = "operator.openpgp"
PIV_LABEL: Final = "operator.piv"
COMMON_NAME: Final = 64  # ub-common-name (RFC 5280, annex A.1)
UNSEALED: Final = "unsealed.evb"


def capture(desk: Desk) -> Mapping[str, bytes]:
    plan = desk.plan
    created = desk.clock()
    request = Request(
        identities=[*_operator(desk), *_witnesses(desk)],
        created=created,
        ak=Session(kind=plan.tpm.ak_key) if plan.tpm.session_ak else NewTemplate(kind=plan.tpm.ak_key),
        withhold_template=plan.tpm.withhold_template,
        logs=[log_of(role, path) for role, path in plan.tpm.logs.items()],
        extras=tuple(_extras(desk)),
        platform_seals=plan.tpm.seal,
        ek_issuers=[der for path in plan.tpm.ek_issuers for der in reading.certificates(path)],
        title=plan.title,
    )
    with desk.open_tpm(plan.tpm.tcti) as tpm, sitting(tpm, request) as opened:
        if plan.piv is not None:
            _bind(desk, plan.piv, opened, created)
        _sign_certificates(desk, tpm, opened)
        captured = opened.finish()
        bundle = captured.bundle
        if plan.tpm.seal:
            bundle = sealing.seal_tpm(bundle, tpm, opened.signing, issued_at=desk.clock())
    withheld = {f"withheld.{label}": bytes(data) for label, data in captured.withheld.items()}
    return {UNSEALED: whole(bundle), **withheld}


def whole(bundle: Bundle) -> bytes:
    return b"".join(map(bytes, bundle.chunks()))


def _operator(desk: Desk) -> Iterator[Identity]:
    if desk.plan.openpgp is not None:
        yield Identity(data=desk.openpgp, role="openpgp-certificate", part="operator")
    if desk.plan.piv is not None:
        yield Identity(data=desk.piv, role="piv-certificate", part="operator")


def _witnesses(desk: Desk) -> Iterator[Identity]:
    paths = [each.certificate for each in desk.plan.witnesses]
    if paths:
        yield from keyfiles.identities((), paths, at=desk.clock())


def _extras(desk: Desk) -> Iterator[Extra]:
    """What the steps before made, each beside the certificates that it speaks of."""
    plan, part = desk.plan, desk.journal.part
    above = [der for path in plan.attestation_issuers for der in reading.certificates(path)]
    for number, der in enumerate(dict.fromkeys(above), 1):
        yield Extra(label=f"attestation-issuer-{number}", role="attestation-issuer", data=der)
    labels = tuple(f"attestation-issuer-{number}" for number in range(1, len(set(above)) + 1))
    if plan.openpgp is not None and plan.openpgp.yubikey is not None:
        yield from _attestation(desk, "openpgp", labels)
    if plan.piv is not None and plan.piv.yubikey is not None:
        yield from _attestation(desk, "piv", labels)
    if plan.openpgp is not None and plan.piv is not None:
        signature = part("cross.signature", "cross-signature.pgp")
        yield Extra(
            label=f"{PIV_LABEL}.cross",
            role="cross-signature",
            data=signature,
            refs={"by": OPENPGP_LABEL, "over": PIV_LABEL},
        )
        certificate = part("cross.certificate", "cross-certificate.der")
        yield Extra(
            label=f"{OPENPGP_LABEL}.cross",
            role="cross-certificate",
            data=certificate,
            refs={"by": PIV_LABEL, "over": OPENPGP_LABEL},
        )
    if plan.minutes is not None:
        yield Extra(label="minutes", role="minutes", data=given_file.read(plan.minutes, given_file.MAX_LARGE))


def _attestation(desk: Desk, kind: str, above: tuple[str, ...]) -> Iterator[Extra]:
    step, issuer = f"{kind}.attest", f"operator.{kind}.attestation-issuer"
    data = desk.journal.part(step, f"{kind}-attestation-issuer.der")
    yield Extra(label=issuer, role="attestation-issuer", data=data)
    yield Extra(
        label=f"operator.{kind}.attestation",
        role=f"{kind}-attestation",
        data=desk.journal.part(step, f"{kind}-attestation.der"),
        refs={"subject": f"operator.{kind}", "issuer": (issuer, *above)},
    )


def _bind(desk: Desk, part: PivPart, opened: Sitting, created: int) -> None:
    """The CA certifies the TPM's signing key, beside the first endorsement key and the attestation key."""
    refs = {"by": PIV_LABEL, "ek": opened.eks[0], "ak": opened.ak, "key": opened.key}
    ek, ak, key = (TpmtPublic.decode(opened.value(refs[name])) for name in ("ek", "ak", "key"))
    with desk.piv_signer(part) as signer:
        issuer = issuing.Issuer(certificate=desk.piv, signer=signer)
        certificate = issuing.tpm_binding(
            issuer,
            f"TPM key {key.name().hex()}"[:COMMON_NAME],
            key=key,
            ek=ek,
            ak=ak,
            validity=issuing.validity_under(issuer, start=created),
        )
    opened.add(Extra(label="key.cert", role="tpm-binding-certificate", data=certificate, refs=refs))


def _sign_certificates(desk: Desk, tpm: Tpm, opened: Sitting) -> None:
    """The TPM's signing key signs the operator's certificates in return."""
    certificates = {OPENPGP_LABEL: desk.plan.openpgp, PIV_LABEL: desk.plan.piv}
    for label in [label for label, part in certificates.items() if part is not None]:
        signature = tpm.sign(opened.signing, hashlib.sha256(opened.value(label)).digest())
        refs = {"by": opened.key, "over": label}
        opened.add(Extra(label=f"{label}.tpm-sig", role="tpm-signature", data=signature, refs=refs))
