# SPDX-License-Identifier: Apache-2.0
"""The steps of a ceremony in their order, each with its device and its risk, and the walk along them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.evidence import openpgp, x509
from bundlefmt.frozen import frozen
from bundlefmt.verify import Policy, Report, verify
from bundletools import gnupg, sealing, signers
from bundletools.ceremony import archive, identities, machine
from bundletools.ceremony.desk import OPENPGP, PIV, Desk
from bundletools.ceremony.plan import LATER, ML_DSA, OpenPgpPart, PivPart, Plan
from bundletools.devices import DeviceError

Parts = Mapping[str, bytes]
NO_RISK: Final = "none: it can be done again"
ONE_MORE_SIGNATURE: Final = "none: a signature more"


@frozen
class Step:
    """`run` returns the parts that the step made, by file name."""

    id: str
    device: str
    action: str
    risk: str
    run: Callable[[Desk], Parts]


def steps(plan: Plan) -> tuple[Step, ...]:
    """What the plan asks for, in order."""
    return (
        *_people(plan),
        *_archive(plan),
        Step(
            id=machine.STEP,
            device=f"TPM {plan.tpm.tcti or 'of this machine'}",
            action="read EK certificates, make attestation and signing key, activate, certify, quote, sign",
            risk="none: nothing stays in the TPM; broken off, it is done anew with other keys",
            run=machine.capture,
        ),
        *_seals(plan),
    )


def _people(plan: Plan) -> Iterator[Step]:
    if plan.openpgp is not None:
        yield from _openpgp(plan.openpgp)
    if plan.piv is not None:
        yield from _piv(plan.piv)
    if plan.openpgp is not None and plan.piv is not None:
        yield Step(
            id="cross.signature",
            device=f"gpg, key {plan.openpgp.key}",
            action="the OpenPGP key signs the X.509 certificate",
            risk=ONE_MORE_SIGNATURE,
            run=partial(identities.cross_sign, part=plan.openpgp),
        )
        yield Step(
            id="cross.certificate",
            device=_ca(plan.piv),
            action="the X.509 key certifies the OpenPGP key",
            risk=ONE_MORE_SIGNATURE,
            run=partial(identities.cross_certify, part=plan.piv),
        )


def _openpgp(part: OpenPgpPart) -> Iterator[Step]:
    yield Step(
        id=OPENPGP,
        device=f"gpg, key {part.key}",
        action="export the OpenPGP certificate",
        risk=NO_RISK,
        run=partial(identities.export_openpgp, part=part),
    )
    if part.yubikey is not None:
        yield Step(
            id="openpgp.attest",
            device=f"YubiKey {part.yubikey}",
            action="have the device state that it generated the OpenPGP signature key",
            risk="the cardholder certificate of the signature key is overwritten",
            run=partial(identities.attest_openpgp, serial=part.yubikey),
        )


def _piv(part: PivPart) -> Iterator[Step]:
    if part.generate is not None and part.yubikey is not None:
        yield Step(
            id=identities.GENERATE,
            device=f"YubiKey {part.yubikey}, PIV slot {part.slot}",
            action=f"generate the CA key, {part.generate}, PIN {part.pin}, touch {part.touch}",
            risk="the slot is taken for good; an occupied one is refused",
            run=partial(identities.generate_piv, part=part, serial=part.yubikey),
        )
    new = part.generate is not None
    yield Step(
        id=PIV,
        device=_ca(part),
        action="make and store the self-signed CA certificate" if new else "read the certificate",
        risk="none: the slot's certificate is new too" if new else NO_RISK,
        run=partial(identities.certify_piv, part=part),
    )
    if part.yubikey is not None:
        yield Step(
            id="piv.attest",
            device=_ca(part),
            action="have the device state that it generated the CA key",
            risk=NO_RISK,
            run=partial(identities.attest_piv, part=part),
        )


def _ca(part: PivPart) -> str:
    return part.pkcs11 or f"YubiKey {part.yubikey}, PIV slot {part.slot}"


def _archive(plan: Plan) -> Iterator[Step]:
    if plan.archive is None:
        return
    new = plan.archive.certificate is None
    yield Step(
        id=archive.CERTIFICATE,
        device=f"file {plan.archive.key}",
        action=f"make the archive's key, {ML_DSA}, and its certificate"
        if new
        else "read key and certificate",
        risk="whoever reads the file seals as the archive; one that is there is refused" if new else NO_RISK,
        run=partial(archive.prepare, part=plan.archive),
    )


def left_out(plan: Plan) -> Iterator[str]:
    """What the plan does not ask for and might, and why it is not done."""
    if plan.archive is None:
        yield f"{archive.SEAL}: left out: the plan names no key of an archive ([archive])"


def _seals(plan: Plan) -> Iterator[Step]:
    before = (machine.STEP, machine.UNSEALED)
    wanted: list[tuple[str, str, str]] = []
    if plan.openpgp is not None:
        wanted.append(("seal.openpgp", f"gpg, key {plan.openpgp.key}", f"gpg:{plan.openpgp.key}"))
    if plan.piv is not None:
        named = f"pkcs11:{plan.piv.pkcs11.removeprefix('pkcs11:')}" if plan.piv.pkcs11 else None
        wanted.append(("seal.piv", _ca(plan.piv), named or f"yubikey:{plan.piv.yubikey}:{plan.piv.slot}"))
    for number, witness in enumerate(plan.witnesses, 1):
        if witness.using != LATER:
            wanted.append((f"seal.witness-{number}", witness.using, witness.using))
    for id_, device, using in wanted:
        yield Step(
            id=id_,
            device=device,
            action="seal the manifest",
            risk=ONE_MORE_SIGNATURE,
            run=partial(_seal, before=before, using=using, name=f"{id_}.evb"),
        )
        before = (id_, f"{id_}.evb")
    if plan.archive is not None:
        yield Step(
            id=archive.SEAL,
            device=f"file {plan.archive.key}",
            action="seal the manifest, as a later witness",
            risk=ONE_MORE_SIGNATURE,
            run=partial(archive.seal, part=plan.archive, before=before),
        )


def _seal(desk: Desk, before: tuple[str, str], using: str, name: str) -> Parts:
    bundle = Bundle.decode(desk.journal.part(*before))
    kind, _, key = using.partition(":")
    if kind == "gpg":
        sealed = sealing.seal_openpgp(bundle, gnupg.sign(key, bundle.manifest_raw), [gnupg.export(key)])
    else:
        sealed = signers.seal(bundle, kind, key, desk.operator)
    return {name: machine.whole(sealed)}


def walk(desk: Desk, say: Callable[[str], None]) -> None:
    """Do what is not done yet. Raises DeviceError and others, after which it can be called again."""
    now = desk.clock()
    if now < desk.journal.latest:
        raise DeviceError(
            "the clock is behind the journal's last entry: it was set back", hint="set the clock and go on"
        )
    planned = steps(desk.plan)
    for number, step in enumerate(planned, 1):
        heading = f"[{number}/{len(planned)}] {step.id}: {step.device}: {step.action}"
        if desk.journal.done(step.id):
            say(f"{heading}: done before")
            continue
        say(heading)
        started = time.monotonic()
        parts = step.run(desk)
        desk.journal.end(step.id, desk.clock(), parts)
        say(f"done in {time.monotonic() - started:.1f} s")


def publish(desk: Desk, *, force: bool) -> tuple[Path, Report]:
    """Write the bundle to its place at once, and judge it by the operator's own identities."""
    last = steps(desk.plan)[-1]
    name = machine.UNSEALED if last.id == machine.STEP else f"{last.id}.evb"
    data = desk.journal.part(last.id, name)
    refuse_existing(desk.plan.output, force=force)
    write_atomic(desk.plan.output, [data], force=force)
    fingerprints = {openpgp.certificate_facts(desk.openpgp).fingerprint} if desk.plan.openpgp else set()
    digests = {x509.facts(desk.piv).sha256} if desk.plan.piv else set()
    policy = Policy(pins_openpgp=frozenset(fingerprints), pins_piv=frozenset(digests))
    return desk.plan.output, verify(Bundle.decode(data), policy)
