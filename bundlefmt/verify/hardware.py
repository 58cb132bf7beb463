# SPDX-License-Identifier: Apache-2.0
"""Judgements on hardware attestation: a vendor's device says that a person's key was made in it.

Spec: "Verification", step 3; "Hardware attestation". Names, fingerprints and dates in a statement can be
rewritten by the holder and are not looked at: the key is compared.
"""

from __future__ import annotations

import hashlib
from functools import cached_property, partial
from typing import Final

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import x509, yubico
from bundlefmt.evidence.chain import Chain, Purpose
from bundlefmt.evidence.openpgp_key import PublicKey
from bundlefmt.evidence.openpgp_self_signatures import SelfSignatures, back_signatures
from bundlefmt.evidence.openpgp_spki import spki
from bundlefmt.evidence.yubico import Application, Statement
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.verify.advisories import concerning
from bundlefmt.verify.chains import Chains, Route
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure, readable

ROLES: Final = ("openpgp-attestation", "piv-attestation")
_ISSUERS: Final = "attestation-issuer"
_APPLICATIONS: Final = {
    "openpgp-attestation": Application.OPENPGP,
    "piv-attestation": Application.PIV,
}
_SLOTS: Final = {Application.OPENPGP: yubico.OPENPGP_SLOTS, Application.PIV: yubico.PIV_SLOTS}
# a device's attestation key that does not say it is an authority stands right below a root
_SHORT_CHAIN: Final = 3


@frozen
class Attested:
    """The key that a statement is about, found in its subject; `fingerprint` is empty but for OpenPGP."""

    fingerprint: str
    primary: bool


class Statements(Area):
    """Statements decoded once, and what they are about."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.form: Once[str, Statement] = Once(self._decode)
        self.attested: Once[str, Attested] = Once(self._attested)

    def _decode(self, label: str) -> Statement:
        value = self.context.value(label)
        readable(lambda: x509.load(value))
        statement = readable(lambda: Statement.decode(value))
        wanted = _APPLICATIONS[self.context.item(label).role]
        if statement.application is not wanted:
            raise Fail(f"a statement of the application {statement.application}, not {wanted}")
        return statement

    def statement(self, label: str) -> Statement:
        """Raises Skip where it cannot be read: the form check says why."""
        try:
            return self.form(label)
        except Fail:
            raise Skip(f"{label} cannot be read") from None

    @cached_property
    def anchors(self) -> tuple[bytes, ...]:
        """The vendor's certificates: given by the verifier, or pinned by them and brought along."""
        policy = self.context.policy
        values, _ = self.context.area(Chains).present(_ISSUERS)
        pinned = (each for each in values.values() if hashlib.sha256(each).digest() in policy.pins_hardware)
        return tuple(dict.fromkeys((*policy.anchors_hardware, *pinned)))

    def chain(self, label: str) -> Chain:
        """From the statement to the vendor. Raises Unsure without an anchor, Fail without a chain."""
        self.statement(label)
        policy = self.context.policy
        if not self.anchors:
            known = "none of those pinned is here" if policy.pins_hardware else "none was given"
            raise Unsure(f"no certificate of a maker of security keys is an anchor: {known}")
        relaxed = policy.allow_ca_without_constraints
        route = Route(
            through=_ISSUERS,
            anchors=self.anchors,
            purpose=Purpose(),
            allow_ca_without_constraints=relaxed,
        )
        return self.context.area(Chains).along(label, route)

    def _attested(self, label: str) -> Attested:
        statement, subject = self.statement(label), self.context.target(label, "subject")
        key = x509.certificate_spki(statement.certificate)
        if statement.application is Application.PIV:
            if x509.certificate_spki(self.context.area(Chains).certificate(subject)) != key:
                raise Fail(f"the statement is about another key than that of {subject}")
            return Attested(fingerprint="", primary=True)
        said = self.context.openpgp(subject)
        doubt: Judgement | None = None
        for candidate in said.certificate.every_key():
            try:
                found = readable(partial(spki, candidate)) == key
            except Unsure as unsure:
                doubt = unsure
                continue
            except Fail:
                continue
            if found:
                _require_member(said, candidate, statement.slot)
                return Attested(fingerprint=candidate.fingerprint, primary=candidate == said.primary)
        raise doubt or Fail(f"the statement is about no key of {subject}")


def _require_member(said: SelfSignatures, key: PublicKey, slot: str) -> None:
    """The key belongs to the certificate: anybody's public key can be put into it. Raises Fail.

    A subkey that signs agrees by its back-signature; from others OpenPGP asks for none.
    """
    if key == said.primary:
        return
    held = said.subkey(key)
    bindings = () if held is None else held.bindings
    if not bindings and said.not_computed:
        raise Unsure(said.not_computed[0])
    if not bindings:
        raise Fail(f"the primary key never signed the subkey {key.fingerprint}, which the statement is about")
    if slot == yubico.SIGNING and not any(back_signatures(said.primary, key, one) for one in bindings):
        raise Fail(f"no back-signature by the subkey {key.fingerprint}, which the statement is about")


def _form(context: Context, label: str) -> str:
    """The item is a YubiKey's statement, of the application that its role names."""
    return context.area(Statements).form(label).describe()


def _chain(context: Context, label: str) -> str:
    """The statement is signed by a device's attestation key, which leads to the vendor."""
    statements = context.area(Statements)
    statement, chain = statements.statement(label), statements.chain(label)
    device = chain.certificates[1]
    # the holder of an attested key could sign statements with it; devices never do
    if any(yubico.is_statement(each) for each in chain.certificates[1:]):
        raise Fail(f"{device} is itself a statement about a key: such a key attests nothing")
    try:
        constraints, firmware = device.basic_constraints(), yubico.attesting_firmware(device)
    except MalformedError as error:
        raise Fail(str(error)) from None
    if constraints is None and len(chain.certificates) > _SHORT_CHAIN:
        raise Fail(f"{device} is no authority and does not stand right below an anchor")
    if firmware not in (None, statement.firmware):
        raise Fail("the statement and the attestation key's certificate name different firmware")
    root = labels.YUBICO_ROOTS.get(chain.anchor_sha256.hex())
    known = f"; the root is known as {root}" if root else "; the root is none of those known as Yubico's"
    return f"valid at {when(context.at)}, by {chain.describe()}{known}"


def _key(context: Context, label: str) -> str:
    """The key in the statement is the key of the certificate it is about."""
    found = context.area(Statements).attested(label)
    subject = context.target(label, "subject")
    if not found.fingerprint:
        return f"the key of {subject}"
    return f"the {'primary key' if found.primary else 'subkey'} {found.fingerprint} of {subject}"


def _origin(context: Context, label: str) -> str:
    """The key was made in the device, in a slot for keys of the holder; the device names the slot."""
    statement = context.area(Statements).statement(label)
    if not statement.generated:
        raise Fail("the device says that the key was imported: there may be other copies")
    if statement.slot not in _SLOTS[statement.application]:
        raise Fail(f"slot {statement.slot} is none for keys of the holder")
    return f"generated in slot {statement.slot}"


def _advisory(context: Context, label: str) -> str:
    """The vendor has warned of no fault in keys of this kind in this firmware, as far as is known here."""
    statement = context.area(Statements).statement(label)
    found = concerning(statement)
    if not found:
        return f"no advisory known here concerns {statement.device}"
    said = "; ".join(f"{advisory.id}: {advisory.message}" for advisory in found)
    if context.policy.require_no_advisories:
        raise Unsure(said)
    raise Skip(f"reported, not judged: {said}")


CHECKS: Final = (
    Check("hardware.form", each(ROLES, _form)),
    Check("hardware.chain", each(ROLES, _chain)),
    Check("hardware.key", each(ROLES, _key)),
    Check("hardware.origin", each(ROLES, _origin)),
    Check("hardware.advisory", each(ROLES, _advisory)),
)
