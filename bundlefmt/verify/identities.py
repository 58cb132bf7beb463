# SPDX-License-Identifier: Apache-2.0
"""What follows about the people: who sealed, where their keys were made, which keys stand for one another.

Spec: "Conclusions".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bundlefmt.evidence.yubico import Application
from bundlefmt.verify.advisories import concerning
from bundlefmt.verify.chains import Chains
from bundlefmt.verify.context import Context, Judgement
from bundlefmt.verify.findings import Basis, Conclusion
from bundlefmt.verify.hardware import ROLES, Statements
from bundlefmt.verify.held import Held
from bundlefmt.verify.piv import is_self_issued
from bundlefmt.verify.seals import sealed_by_pinned
from bundlefmt.verify.signers import Signer

PIV: Final = "piv-certificate"
ISSUER: Final = "certificate-issuer"  # all of them are tried for a chain
_SEALS: Final = ("container.digest", "seal.validity", "seal.anchor")
# an issuer can take away what a pin gives, and a certificate can deny what its key did
_STANDING: Final = tuple(f"piv.{name}" for name in ("form", "key", "signature", "usage", "chain"))
_REVOCATION: Final = "piv.revocation"
SEALED: Final = (*_SEALS, *_STANDING, _REVOCATION)
_HARDWARE: Final = (
    "container.refs",
    *(f"hardware.{name}" for name in ("form", "chain", "key", "origin")),
)
_CROSSED: Final = ("container.refs", "cross.form", "cross.signature", "cross.key")
_CROSS_REVOCATION: Final = "cross.revocation"  # lists are not required: without one it is skipped
_BOUND: Final = (
    "container.refs",
    *(f"binding.{name}" for name in ("form", "chain", "key", "contents")),
)
_BINDING_REVOCATION: Final = "binding.revocation"
_KINDS: Final = {"openpgp-certificate": "OpenPGP key", PIV: "X.509 certificate"}


def vouching(context: Context, held: Held) -> tuple[Signer, ...]:
    """The pinned identities that sealed; none where a check of seals or X.509 certificates denies it.

    Nor where such a certificate, or what may have issued one, is kept back: without it no check can fail.
    """
    above = (PIV,) if all(_is_own_issuer(context, label) for label in context.labels(PIV)) else (PIV, ISSUER)
    standing = all(map(held.unbroken, _STANDING)) and held.unrevoked(_REVOCATION, *above)
    here = all(label in context.bundle.content for label in context.labels(*above))
    if not held.holds(_SEALS) or not standing or not here:
        return ()
    return sealed_by_pinned(context)


def _is_own_issuer(context: Context, label: str) -> bool:
    """Known to be: of any other, all certificate-issuer items are tried, whatever its references say."""
    try:
        return is_self_issued(context.area(Chains).certificate(label))
    except Judgement:
        return False


def identities(context: Context, held: Held, signers: Sequence[Signer]) -> Iterator[Conclusion]:
    """Who sealed; and, where there is evidence of it, the hardware behind their keys and cross-signatures.

    `signers` are those of `vouching`; so are they below.
    """
    who = " and ".join(f"of {_KINDS[each.role]} {each.identity}" for each in dict.fromkeys(signers))
    yield Conclusion(
        id="identity.sealed",
        basis=Basis.PROVEN if signers else Basis.UNPROVEN,
        statement=(
            f"the holders {who} sealed this manifest and every artifact in it"
            if signers
            else "that someone known to the verifier sealed this is not shown"
        ),
        rests_on=SEALED,
    )
    if context.labels(*ROLES):
        yield _hardware(context, held, signers)
    if context.labels("cross-signature", "cross-certificate"):
        yield _crossed(context, held, signers)


def _hardware(context: Context, held: Held, signers: Sequence[Signer]) -> Conclusion:
    """Each key that a pinned identity sealed with is the key of a statement by a genuine device."""
    found = [_device(context, signer) for signer in signers]
    shown = bool(found) and all(found) and held.holds(_HARDWARE)
    return Conclusion(
        id="identity.hardware",
        basis=Basis.PROVEN if shown else Basis.UNPROVEN,
        statement=(
            f"the keys that sealed were generated in devices of the anchored maker: {'; '.join(found)}"
            if shown
            else "that every key that sealed was generated in a known maker's device is not shown"
        ),
        rests_on=(*SEALED, *_HARDWARE),
    )


def _device(context: Context, signer: Signer) -> str:
    """The device in which the key was made that sealed, in words; empty where no statement is about it."""
    statements = context.area(Statements)
    for role in ROLES:
        for label in context.referring(role, "subject", signer.label or ""):
            try:
                statement, attested = statements.statement(label), statements.attested(label)
            except Judgement:
                continue
            if statement.application is Application.PIV or attested.fingerprint == signer.key:
                warned = "".join(f", {each.id} concerns it" for each in concerning(statement))
                return f"{signer.label} in {statement.device}{warned}"
    return ""


def _crossed(context: Context, held: Held, signers: Sequence[Signer]) -> Conclusion:
    """Two pinned identities that sealed have each signed the other's certificate."""
    known = {signer.label: signer for signer in signers}
    pairs = {"cross-signature": set[tuple[str, str]](), "cross-certificate": set[tuple[str, str]]()}
    for role, found in pairs.items():
        for label in context.labels(role):
            by, over = (context.item(label).ref(ref) for ref in ("by", "over"))
            if len(by) == len(over) == 1:
                found.add((by[0], over[0]))
    both = sorted(
        (openpgp, piv)
        for openpgp, piv in pairs["cross-signature"]
        if (piv, openpgp) in pairs["cross-certificate"] and openpgp in known and piv in known
    )
    shown = bool(both) and held.holds(_CROSSED) and held.unrevoked(_CROSS_REVOCATION, "cross-certificate")
    named = "; ".join(
        f"OpenPGP key {known[openpgp].identity} and X.509 certificate {known[piv].identity}"
        for openpgp, piv in both
    )
    return Conclusion(
        id="identity.crossed",
        basis=Basis.PROVEN if shown else Basis.UNPROVEN,
        statement=(
            f"pinned identities signed each other's certificates, both ways: {named}"
            if shown
            else "that pinned identities signed each other's certificates both ways is not shown"
        ),
        rests_on=(*SEALED, *_CROSSED, _CROSS_REVOCATION),
    )


def bound_key(context: Context, held: Held, signers: Sequence[Signer]) -> Iterator[Conclusion]:
    """Only where there is a binding certificate: who certified every signing key."""
    certificates = context.labels("tpm-binding-certificate")
    if not certificates:
        return
    named = {
        ref: {target for label in certificates for target in context.item(label).ref(ref)}
        for ref in ("by", "key")
    }
    by_signers = named["by"] <= {each.label for each in signers}
    every = named["key"] == set(context.labels("key-public"))
    shown = (
        by_signers
        and every
        and held.holds(_BOUND)
        and held.unrevoked(_BINDING_REVOCATION, "tpm-binding-certificate")
    )
    yield Conclusion(
        id="key.bound",
        basis=Basis.PROVEN if shown else Basis.UNPROVEN,
        statement=(
            "a pinned X.509 identity certified the signing key, and that it goes with this EK and AK"
            if shown
            else "that a pinned X.509 identity certified the signing key is not shown"
        ),
        rests_on=(*SEALED, *_BOUND, _BINDING_REVOCATION),
    )
