# SPDX-License-Identifier: Apache-2.0
"""Judgements on the seals: form, signer, signature, validity, required signers, pins.

Spec: "Verification", step 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence import openpgp, x509
from bundlefmt.moment import when
from bundlefmt.verify.checks import Check, Result, numbered
from bundlefmt.verify.context import Context, Fail, Skip, readable
from bundlefmt.verify.findings import Outcome
from bundlefmt.verify.registration import Registrations
from bundlefmt.verify.signers import Signer, Signers, envelope_faults


def _form(context: Context, number: int) -> str:
    """The seal is a well-formed hash envelope over this manifest, or one binary OpenPGP signature."""
    form = context.area(Signers).form(number)
    if isinstance(form, openpgp.SignatureFacts):
        return "one binary OpenPGP signature"
    faults = envelope_faults(context, form)
    if faults:
        raise Fail("; ".join(faults))
    return "a COSE hash envelope over this manifest"


def _signer(context: Context, number: int) -> str:
    """The seal's key is that of an item, or of a later witness who brings a certificate along."""
    signer = context.area(Signers).signer(number)
    if signer.label is None:
        return f"a later witness, not named by the manifest: {signer.identity}"
    return f"{signer.label}: {signer.identity}"


def _signature(context: Context, number: int) -> str:
    """The signature verifies over the manifest's bytes as received."""
    signer = context.area(Signers).signature(number)
    return f"verified with the key of {signer.label or 'the certificate it carries'}"


def _timestamp(context: Context, number: int) -> str:
    """The timestamp that the seal carries is over its signature, and could be believed still."""
    found = context.seal_stamps.time(number)
    return (
        f"the seal existed by {when(found.by)}: {found.chain.describe()}, "
        f"still to be believed at {when(found.until)}"
    )


def _receipt(context: Context, number: int) -> str:
    """A log that the verifier knows has registered the seal."""
    found = context.area(Registrations).registered(number)
    told = (
        f"leaf index {each.index} in a tree of {each.size}, by the log with key {each.log.sha256}"
        for each in found
    )
    return "; ".join(told)


def _validity(context: Context, number: int) -> str:
    """The signer's certificate was valid when the seal says it was made, or by when it provably existed."""
    signers = context.area(Signers)
    issued = signers.untrusted_time(number)
    by = context.seal_by(number)
    try:
        signer = signers.signer(number)
    except Fail:
        raise Skip("the signer is not known") from None
    said = f"made at {when(issued)} by its own word"
    if by is not None:
        said += f", in existence by {when(by)}"
    if signer.role == "piv-certificate":
        try:
            certificate = readable(lambda: x509.facts(signer.certificate))
        except Fail:
            raise Skip("the signer's certificate cannot be read") from None
        made = issued if by is None else min(issued, by)
        if not certificate.not_before <= made <= certificate.not_after:
            why = "when the seal says it was made" if made == issued else "by when the seal existed"
            raise Fail(f"the certificate was not valid at {when(made)}, {why}")
        shown = by is not None and by <= certificate.not_after
        return f"{said}, {'both ' if shown and by != issued else ''}within the validity of its certificate"
    if signer.role == "openpgp-certificate":
        return f"{said}; openpgp.* judges the key at that time"
    return f"{said}; a TPM key has no validity period"


def _required(context: Context) -> Iterator[Result]:
    """Each signer that the manifest requires has sealed it: a stripped seal is noticed."""
    signers = context.area(Signers)
    sealed, undecided = {signer.label for signer in signers.verified()}, signers.undecided()
    for required in context.manifest.signers:
        if required.item in sealed:
            yield Result(Outcome.PASSED, (required.item,), f"the {required.part} has sealed")
        elif required.item in undecided or (
            None in undecided and required.item not in context.bundle.content
        ):
            yield Result(
                Outcome.INDETERMINATE,
                (required.item,),
                f"a seal that may be the {required.part}'s is undecided",
            )
        else:
            yield Result(Outcome.FAILED, (required.item,), f"there is no valid seal of the {required.part}")


def sealed_by_pinned(context: Context) -> tuple[Signer, ...]:
    """The pinned and known identities whose seals verify."""
    policy = context.policy
    pins = {("openpgp-certificate", pin) for pin in policy.pins_openpgp | policy.known_openpgp}
    pins |= {("piv-certificate", pin.hex()) for pin in policy.pins_piv | policy.known_piv}
    return tuple(s for s in context.area(Signers).verified() if (s.role, s.identity) in pins)


def _nobody(context: Context) -> str:
    if context.policy.known_openpgp or context.policy.known_piv:
        return "none of the known identities is known to have sealed"
    return "no identity is pinned: anyone could have made these seals"


def _anchor(context: Context) -> Iterator[Result]:
    """Every identity that the verifier pinned has sealed; without one that is known nobody vouches."""
    wanted = sorted(context.policy.pins_openpgp) + sorted(pin.hex() for pin in context.policy.pins_piv)
    found = {signer.identity: signer.label for signer in sealed_by_pinned(context)}
    for known in sorted(set(found) - set(wanted)):
        label = found[known]
        yield Result(Outcome.PASSED, (label,) if label else (), f"the known identity {known} has sealed")
    if not wanted and not found:
        yield Result(Outcome.INDETERMINATE, (), _nobody(context))
    for pin in wanted:
        if pin in found:
            label = found[pin]
            yield Result(Outcome.PASSED, (label,) if label else (), f"the pinned identity {pin} has sealed")
        elif context.area(Signers).undecided():
            yield Result(Outcome.INDETERMINATE, (), f"no seal of the pinned identity {pin} can be decided")
        else:
            yield Result(Outcome.FAILED, (), f"the pinned identity {pin} has not sealed this manifest")


def _every(context: Context) -> Iterable[int]:
    return range(len(context.bundle.seals))


_each: Final = partial(numbered, "seal", _every)


CHECKS: Final = (
    Check("seal.form", _each(_form)),
    Check("seal.signer", _each(_signer)),
    Check("seal.signature", _each(_signature)),
    Check("seal.timestamp", _each(_timestamp)),
    Check("seal.receipt", _each(_receipt)),
    Check("seal.validity", _each(_validity)),
    Check("seal.required", _required),
    Check("seal.anchor", _anchor),
)
