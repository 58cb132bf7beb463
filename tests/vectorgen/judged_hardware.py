# SPDX-License-Identifier: Apache-2.0
"""Hardware attestation under a maker that there is not: sound, of other keys, other slots, forged.

Spec: "Verification", step 3; "Hardware attestation".
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache
from typing import Final

from tests.vectorgen import certificates, keys, openpgp, sealing, vendor
from tests.vectorgen.ceremonies import whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import tlv
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_PIV: Final = ("device.piv", "device.issuer")
_OPENPGP: Final = ("device.openpgp", "device.issuer")
_CLAIMED: Final = "MUST NOT compare the fingerprint, the cardholder's name or the date"


def _operator_key() -> keys.ec.EllipticCurvePublicKey:
    return keys.ec_key("operator p256").public_key()


def piv(**changes: object) -> bytes:
    """The statement about the operator's PIV key."""
    return vendor.piv(_operator_key(), **changes)  # type: ignore[arg-type] # its keywords


def of(signer: openpgp.Key, **changes: object) -> bytes:
    """The statement about an OpenPGP key."""
    public = signer.secret.public_key()
    return vendor.openpgp(public, signer.fingerprint, **changes)  # type: ignore[arg-type] # its keywords


@cache
def attested() -> Ceremony:
    """The whole ceremony with a statement about each key that seals."""
    piv_refs = {"subject": "operator.piv", "issuer": list(_PIV)}
    openpgp_refs = {"subject": "operator.openpgp", "issuer": list(_OPENPGP)}
    made = of(openpgp.OPERATOR.primary)
    return (
        whole()
        .having("device.issuer", fixed("attestation-issuer", vendor.issuer()))
        .having("device.piv", fixed("attestation-issuer", vendor.device("3")))
        .having("device.openpgp", fixed("attestation-issuer", vendor.device("5")))
        .having("operator.piv.attestation", fixed("piv-attestation", piv(), piv_refs))
        .having("operator.openpgp.attestation", fixed("openpgp-attestation", made, openpgp_refs))
        .under(anchors_hardware=(vendor.ROOT_FILE,))
        .concluding(identity_hardware="proven")
    )


def _weaker(ceremony: Ceremony) -> Ceremony:
    return ceremony.concluding(identity_hardware="unproven")


def _with_piv(value: bytes, **members: object) -> Ceremony:
    return _weaker(attested().changed("operator.piv.attestation", value=value, **members))


def _with_openpgp(value: bytes) -> Ceremony:
    return _weaker(attested().changed("operator.openpgp.attestation", value=value))


@vector("hardware.chain")
def hardware_attested() -> Judged:
    """Both of the operator's keys were generated in devices of a maker that the verifier anchors."""
    return attested().judged()


@vector("hardware.chain", "anchor")
def hardware_no_anchor() -> Judged:
    """The verifier knows no maker of security keys."""
    return _weaker(attested()).under(anchors_hardware=()).judged(unsure=("hardware.chain",))


def _root_brought_along() -> Ceremony:
    root = fixed("attestation-issuer", vendor.root())
    return attested().under(anchors_hardware=()).having("device.root", root)


@vector("hardware.chain", "anchor")
def hardware_root_pinned() -> Judged:
    """The maker's root is in the bundle, and the verifier has pinned its digest."""
    pin = hashlib.sha256(vendor.root()).hexdigest()
    return _root_brought_along().under(pins_hardware=(pin,)).judged()


@vector("hardware.chain", "anchor")
def hardware_root_not_pinned() -> Judged:
    """A root is in the bundle that nobody pinned."""
    return _weaker(_root_brought_along()).judged(unsure=("hardware.chain",))


@vector("hardware.chain", "anchor")
def hardware_other_root() -> Judged:
    """The verifier knows another maker of security keys."""
    other = (vendor.OTHER_ROOT_FILE,)
    return _weaker(attested()).under(anchors_hardware=other).judged("hardware.chain")


@vector("hardware.chain", "anchor")
def hardware_root_is_tpm_anchor() -> Judged:
    """The maker's root is an anchor for TPMs, which does not make it one for security keys."""
    ceremony = _weaker(attested()).under(anchors_hardware=(), anchors=("tpm-root.der", vendor.ROOT_FILE))
    return ceremony.judged(unsure=("hardware.chain",))


@vector("hardware.chain")
def hardware_attesting_certificate_missing() -> Judged:
    """The certificate of the device's attestation key was never captured."""
    refs = {"subject": "operator.piv", "issuer": ["device.issuer"]}
    ceremony = attested().without("device.piv").changed("operator.piv.attestation", refs=refs)
    return _weaker(ceremony).judged("hardware.chain")


@vector("hardware.key", "rewrapped")
def hardware_of_another_key() -> Judged:
    """A genuine statement about the key of somebody else stands beside the operator's certificate."""
    other = vendor.piv(keys.ec_key("somebody else's").public_key())
    return _with_piv(other).judged("hardware.key")


@vector("hardware.key", "rewrapped")
def hardware_fingerprint_of_the_operator() -> Judged:
    """A genuine statement about another OpenPGP key, into which the operator's fingerprint was written."""
    other = openpgp.Key("somebody else")
    made = vendor.openpgp(other.secret.public_key(), openpgp.OPERATOR.primary.fingerprint)
    return _with_openpgp(made).judged("hardware.key")


@vector(_CLAIMED, "embedded")
def hardware_fingerprint_of_another() -> Judged:
    """The statement is about the operator's OpenPGP key; fingerprint, name and date were rewritten."""
    made = of(
        openpgp.OPERATOR.primary,
        fingerprint=tlv(4, bytes(20)),
        cardholder=tlv(0x0C, b"Nobody"),
        created=tlv(4, bytes(4)),
    )
    return attested().changed("operator.openpgp.attestation", value=made).judged()


@vector("hardware.origin")
def hardware_imported() -> Judged:
    """The device says that the OpenPGP key was put into it."""
    return _with_openpgp(of(openpgp.OPERATOR.primary, source=tlv(2, b"\x00"))).judged("hardware.origin")


@vector("hardware.origin")
def hardware_of_the_attestation_slot() -> Judged:
    """The statement names the slot of the attestation key, which has no key of the operator."""
    return _with_piv(piv(slot="f9")).judged("hardware.origin")


@vector("MUST NOT let it change a verdict")
def hardware_claimed_slot_is_another() -> Judged:
    """The item claims slot 9c, the statement is of slot 9a: what is claimed decides nothing."""
    changed = attested().changed("operator.piv.attestation", value=piv(slot="9a"), claimed={"slot": "9c"})
    return changed.judged()


@vector("hardware.form")
def hardware_without_firmware() -> Judged:
    """The statement does not say which firmware made it."""
    return _with_piv(piv(firmware=None)).judged("hardware.form")


@vector("hardware.form")
def hardware_firmware_of_four_bytes() -> Judged:
    """The version of the firmware has four bytes."""
    return _with_piv(piv(firmware=vendor.FIRMWARE + b"\x00")).judged("hardware.form")


@vector("hardware.form")
def hardware_plain_certificate() -> Judged:
    """In place of the statement there is the operator's own certificate."""
    return _with_piv(certificates.operator().certificate).judged("hardware.form")


@vector("hardware.form", "rewrapped")
def hardware_attesting_certificate() -> Judged:
    """In place of the statement there is the certificate of the device's attestation key."""
    return _with_piv(vendor.device("3")).judged("hardware.form")


@vector("names exactly one, and it names an item of the right role", "rewrapped")
def hardware_of_another_role() -> Judged:
    """The statement about the PIV key names the OpenPGP certificate as its subject."""
    refs = {"subject": "operator.openpgp", "issuer": list(_PIV)}
    return _weaker(attested().changed("operator.piv.attestation", refs=refs)).judged("container.refs")


@vector("hardware.form")
def hardware_statement_of_another_application() -> Judged:
    """A statement about an OpenPGP key stands where one about a PIV key belongs."""
    return _with_piv(of(openpgp.OPERATOR.primary)).judged("hardware.form")


@vector("hardware.chain", "forged")
def hardware_signed_by_an_attested_key() -> Judged:
    """The operator attests one key with another that a device attested."""
    genuine = keys.ec_key("attested p256")
    name = "YubiKey PIV Attestation 9a"
    forged = piv(by=name, signer=genuine)
    middle = fixed("attestation-issuer", vendor.piv(genuine.public_key(), slot="9a"))
    return _with_piv(forged).having("forger", middle).judged("hardware.chain")


@vector("hardware.chain", "forged", "relaxed")
def hardware_signed_by_an_attested_key_below_an_anchor() -> Judged:
    """The same, where the verifier pins the device itself and asks its attestation key for no constraints."""
    genuine = keys.ec_key("attested p256")
    forged = piv(by="YubiKey PIV Attestation 9a", signer=genuine)
    middle = fixed("attestation-issuer", vendor.piv(genuine.public_key(), slot="9a"))
    pins = tuple(hashlib.sha256(vendor.device(arc)).hexdigest() for arc in vendor.DEVICE)
    ceremony = _with_piv(forged).having("forger", middle).under(anchors_hardware=(), pins_hardware=pins)
    return ceremony.under(allow_ca_without_constraints=True).judged("hardware.chain")


def _without_constraints() -> Ceremony:
    """A device whose attestation key does not say it is an authority, right below the root."""
    made = vendor.device("3", is_authority=False, by=vendor.ROOT)
    return attested().changed("device.piv", value=made)


@vector("hardware.chain")
def hardware_without_constraints() -> Judged:
    """The attestation key's certificate has no basic constraints, as those of 2018."""
    return _weaker(_without_constraints()).judged("hardware.chain")


@vector("allow_ca_without_constraints", "relaxed")
def hardware_without_constraints_allowed() -> Judged:
    """The attestation key's certificate has no basic constraints, which the verifier allows."""
    return _without_constraints().under(allow_ca_without_constraints=True).judged()


@vector("hardware.chain")
def hardware_firmware_of_another_device() -> Judged:
    """The attestation key's certificate names another firmware than the statement."""
    made = vendor.device("3", firmware=bytes([4, 3, 7]))
    return _weaker(attested().changed("device.piv", value=made)).judged("hardware.chain")


def _old_firmware() -> Ceremony:
    """Firmware whose ECDSA keys can be measured out of the device."""
    old = bytes([5, 4, 3])
    changed = attested().changed("operator.piv.attestation", value=piv(firmware=old))
    return changed.changed("device.piv", value=vendor.device("3", firmware=old))


@vector("hardware.advisory", "advisory")
def hardware_advisory_reported() -> Judged:
    """The maker has warned of ECDSA keys in this firmware; the verifier did not ask for that."""
    return _old_firmware().judged()


@vector("hardware.advisory", "advisory")
def hardware_advisory_required() -> Judged:
    """The maker has warned of ECDSA keys in this firmware, and the verifier asks for no such warnings."""
    return _old_firmware().under(require_no_advisories=True).judged(unsure=("hardware.advisory",))


def _with_subkey() -> tuple[openpgp.Certificate, Ceremony]:
    """The operator's OpenPGP key has a subkey that signs; the statement is about the subkey."""
    operator = replace(openpgp.OPERATOR, subkey=True)
    changed = attested().changed("operator.openpgp", value=operator.encode())
    return operator, changed.changed("operator.openpgp.attestation", value=of(operator.signing))


@vector("hardware.key")
def hardware_of_a_subkey() -> Judged:
    """The subkey that sealed was generated in a device."""
    operator, ceremony = _with_subkey()
    return replace(ceremony, seals=(ceremony.seals[0], sealing.OpenPgpSeal(signer=operator))).judged()


@vector("hardware.key")
def hardware_of_a_key_that_did_not_seal() -> Judged:
    """A subkey was generated in a device; the primary key sealed, of which nothing is known."""
    _, ceremony = _with_subkey()
    return _weaker(ceremony).judged()


@vector("hardware.key", "grafted")
def hardware_of_a_grafted_subkey() -> Judged:
    """Somebody else's attested key was put into the operator's certificate, which never took it on."""
    other = openpgp.Key("somebody else")
    ceremony = attested().changed("operator.openpgp", value=openpgp.OPERATOR.encode() + other.as_subkey())
    return _weaker(ceremony.changed("operator.openpgp.attestation", value=of(other))).judged("hardware.key")


@vector("hardware.key", "grafted")
def hardware_of_a_grafted_decryption_subkey() -> Judged:
    """The attested key is for decryption, of which OpenPGP asks no back-signature; it was never taken on."""
    other = openpgp.Key("somebody else")
    ceremony = attested().changed("operator.openpgp", value=openpgp.OPERATOR.encode() + other.as_subkey())
    changed = ceremony.changed("operator.openpgp.attestation", value=of(other, slot="DEC"))
    return _weaker(changed).judged("hardware.key")


@vector("hardware.key", "grafted")
def hardware_of_a_subkey_that_never_agreed() -> Judged:
    """The operator took somebody else's attested key on as a subkey, and that key has not agreed."""
    operator = replace(openpgp.OPERATOR, subkey=True, back_signature=False)
    ceremony = attested().changed("operator.openpgp", value=operator.encode())
    changed = ceremony.changed("operator.openpgp.attestation", value=of(operator.signing))
    return _weaker(changed).judged("hardware.key")


@vector("hardware.key")
def hardware_one_key_of_two() -> Judged:
    """Only one of the two keys that sealed is attested."""
    return _weaker(attested().without("operator.openpgp.attestation")).judged()
