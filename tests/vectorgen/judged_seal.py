# SPDX-License-Identifier: Apache-2.0
"""Seals that do not hold, and some that only look so. Most stand beside a sound seal of the operator.

Spec: "Seals", "Verification", step 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.vectorgen import certificates, keys, openpgp, sealing
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Making, Sealed, Sealer, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.sealing import ALG
from tests.vectorgen.vector import Judged, Terms, Vectors

vector: Final = Vectors()
_FIELD: Final = "ECDSA with SHA-256: r and s of 32 bytes each"


def beside(sealer: Sealer, *failed: str, unsure: tuple[str, ...] = ()) -> Judged:
    """The smallest snapshot with a second seal."""
    return snapshot().sealed_also(sealer).judged(*failed, unsure=unsure)


def second(**changes: object) -> sealing.CoseSeal:
    """A second seal by the operator, with something wrong in it."""
    return sealing.by(certificates.operator(), **changes)


def _resigned(change: Callable[[bytes], bytes]) -> Sealer:
    """A second seal by the operator, its signature changed after it was made."""

    def sealer(making: Making) -> Sealed:
        operator = certificates.operator()
        signed = second()(making).sig_structure or b""
        return second(signature=change(keys.cose_signature(operator.alg, operator.key, signed)))(making)

    return sealer


@vector("seal.anchor", "anchor")
def seal_no_pin() -> Judged:
    """A sound bundle, and a verifier who knows nobody: it never passes."""
    return snapshot().under(pins_piv=()).judged(unsure=("seal.anchor",))


@vector("seal.anchor", "anchor")
def seal_other_pin() -> Judged:
    """The verifier knows another operator, who has not sealed."""
    other = certificates.operator("p384").certificate
    return snapshot().under(pins_piv=(bytes(sealing.x5t(other)[1]).hex(),)).judged("seal.anchor")  # type: ignore[call-overload] # the digest


@vector("seal.anchor", "anchor", "openpgp")
def seal_pin_is_subkey() -> Judged:
    """The pin is the fingerprint of a signing subkey; identities are pinned by their certificate's own."""
    operator = replace(openpgp.OPERATOR, subkey=True)
    seal = sealing.OpenPgpSeal(signer=operator)
    ceremony = snapshot().having("operator.openpgp", fixed("openpgp-certificate", operator.encode()))
    terms = Terms(pins_openpgp=(operator.signing.fingerprint.hex(),))
    return replace(ceremony.sealed_also(seal), terms=terms).judged("seal.anchor")


@vector("seal.required", "stripped")
def seal_stripped() -> Judged:
    """The operator's OpenPGP seal, which the manifest requires, was taken out; nobody pinned it."""
    return replace(whole(), seals=whole().seals[:1]).under(pins_openpgp=()).judged("seal.required")


@vector("seal.required", "stripped")
def seal_all_stripped() -> Judged:
    """Every seal was taken out."""
    return replace(snapshot(), seals=()).judged("seal.anchor", "seal.required")


@vector("seal.signer", "withheld")
def seal_certificate_withheld() -> Judged:
    """The only signer's certificate is withheld: nothing can be said of the seal."""
    unsure = ("container.complete", "seal.anchor", "seal.required", "seal.signature", "seal.signer")
    ceremony = replace(snapshot(), absent=frozenset({"operator.piv"}))
    piv = (f"piv.{name}" for name in ("form", "key", "signature", "usage", "chain", "revocation"))
    return ceremony.judged(unsure=(*unsure, "seal.validity", *piv))


@vector("find the certificate by `x5t`")
def seal_x5t_outside_manifest() -> Judged:
    """x5t names a certificate that is neither an item nor carried by the seal."""
    return beside(sealing.by(certificates.operator("p384")), "seal.signer")


@vector("find the certificate by `x5t`", "witness")
def seal_brings_another_certificate() -> Judged:
    """A witness's seal brings along the certificate of somebody else."""
    witness, other = certificates.operator("p384", who="witness"), certificates.operator("ed25519")
    return beside(sealing.by(witness, certificate=other.certificate), "seal.signer")


@vector("seal.signature", "tampered")
def seal_signature_changed() -> Judged:
    """One bit of the signature is another."""

    return beside(_resigned(lambda made: made[:-1] + bytes([made[-1] ^ 1])), "seal.signature")


@vector("seal.signature")
def seal_by_another_key() -> Judged:
    """x5t names the operator, another key has signed."""
    return beside(second(key=certificates.operator(who="witness").key), "seal.signature")


@vector("seal.signature", "only-seal")
def seal_only_one_by_another_key() -> Judged:
    """As before, and it is the only seal: the required and pinned operator has not sealed."""
    seal = second(key=certificates.operator(who="witness").key)
    return replace(snapshot(), seals=(seal,)).judged("seal.anchor", "seal.required", "seal.signature")


@vector(_FIELD, "algorithm")
def seal_ecdsa_in_der() -> Judged:
    """The ECDSA signature is in DER, as PIV cards return it."""

    def der(making: Making) -> Sealed:
        operator = certificates.operator()
        signed = second()(making).sig_structure or b""
        made = keys.ecdsa_der(operator.key, signed)  # type: ignore[arg-type] # a key on P-256
        return sealing.by(operator, signature=made)(making)

    return beside(der, "seal.signature")


@vector(_FIELD, "algorithm")
def seal_ecdsa_zero() -> Judged:
    """The ECDSA signature has r = s = 0, which careless libraries accept for any message."""
    return beside(second(signature=bytes(64)), "seal.signature")


@vector("Verifiers MAY accept the deprecated ones of section 10.3", "algorithm", "optional")
def seal_deprecated_alg() -> Judged:
    """The algorithm is ES256 (-7), and the key is on P-256: a verifier may accept it, this one does."""
    return beside(second(alg=-7))


@vector("only if the key is on the curve named there", "algorithm")
def seal_deprecated_alg_other_curve() -> Judged:
    """The algorithm is ES256 (-7), the key is on P-384."""
    return replace(snapshot("p384"), seals=(sealing.by(certificates.operator("p384"), alg=-7),)).judged(
        "seal.anchor", "seal.required", "seal.signature"
    )


@vector("A seal by an algorithm that is not in section 10.3 is indeterminate", "algorithm")
def seal_unknown_alg() -> Judged:
    """A second seal by an algorithm of a later time (-50, ML-DSA-87): neither verified nor refused."""
    return beside(second(alg=-50, signature=bytes(64)), unsure=("seal.signature",))


@vector("A verifier MUST refuse RSA keys of less than 2048 bits", "algorithm")
def seal_rsa_1024() -> Judged:
    """The operator's RSA key has 1024 bits."""
    return snapshot("rsa1024").judged("piv.key", "seal.anchor", "seal.required", "seal.signature")


@vector("seal.validity", "time")
def seal_after_expiry() -> Judged:
    """The operator's certificate had expired when the seal was made."""
    expired = certificates.operator(who="late", validity=(CREATED - YEAR, CREATED))
    return _sealed_by_second(expired)


@vector("seal.validity", "time")
def seal_before_validity() -> Judged:
    """The operator's certificate was not yet valid when the seal was made."""
    early = certificates.operator(who="early", validity=(CREATED + YEAR, CREATED + 2 * YEAR))
    return _sealed_by_second(early)


def _sealed_by_second(identity: certificates.Identity) -> Judged:
    ceremony = snapshot().having("second.piv", fixed("piv-certificate", identity.certificate))
    return ceremony.sealed_also(sealing.by(identity)).judged("seal.validity")


@vector(_FIELD, "algorithm")
def seal_ecdsa_with_leading_zero() -> Judged:
    """s has 33 bytes, the first of them zero, as DER integers may: the numbers are right, the form is not."""
    return beside(_resigned(lambda made: made[:32] + b"\x00" + made[32:]), "seal.signature")


@vector("Section 10.3 says which key an algorithm takes", "algorithm")
def seal_curve_of_the_same_size() -> Judged:
    """The algorithm is ESP256; the key is on secp256k1, whose signatures look the same and verify."""
    identity = certificates.operator("k256")
    ceremony = snapshot().having("second.piv", fixed("piv-certificate", identity.certificate))
    return ceremony.sealed_also(sealing.by(identity)).judged("seal.signature")


@vector("Section 10.3 says which key an algorithm takes", "algorithm")
def seal_algorithm_of_another_kind_of_key() -> Judged:
    """The algorithm is PS256, the key is on P-256."""
    return beside(second(alg=keys.PS256), "seal.signature")


@vector("a fully specified algorithm (section 10.3)", "algorithm")
def seal_algorithm_unprotected() -> Judged:
    """The algorithm stands where no signature covers it."""
    return beside(second(header={ALG: None}, unprotected={ALG: keys.ESP256}), "seal.signature")


@vector("one signature of which fits every message", "algorithm")
def seal_by_a_key_of_small_order() -> Judged:
    """The operator's Ed25519 key is the neutral element: this signature fits any manifest."""
    neutral = (1).to_bytes(32, "little")
    key = ed25519.Ed25519PublicKey.from_public_bytes(neutral)
    issuer = "Evidence Bundle Test Issuer (test key)"
    certificate = certificates.certificate(
        "Evidence Bundle Test Neutral (test key)", key, issuer, keys.ec_key(issuer)
    )
    seal = sealing.by(certificates.operator("ed25519"), signature=neutral + bytes(32))
    seal = replace(seal, identity={sealing.X5T: sealing.x5t(certificate)})
    of = replace(snapshot().changed("operator.piv", value=certificate), seals=(seal,))
    pins = (hashlib.sha256(certificate).hexdigest(),)
    return of.under(pins_piv=pins).judged("piv.key", "seal.anchor", "seal.required", "seal.signature")
