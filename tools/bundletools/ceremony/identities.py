# SPDX-License-Identifier: Apache-2.0
"""Steps that concern people's keys: OpenPGP root, PIV CA, attestations, cross-signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from bundlefmt.evidence import openpgp, x509
from bundletools import gnupg, issuing
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.plan import YEAR, OpenPgpPart, PivPart
from bundletools.devices import DeviceError
from bundletools.pkcs11 import open_token
from bundletools.pkcs11_uri import Pkcs11Uri
from bundletools.token_certificate import Validity, self_signed_ca
from bundletools.yubikey import open_yubikey
from bundletools.yubikey_openpgp import attest
from bundletools.yubikey_piv import Attestation, Piv, token_key
from bundletools.yubikey_signer import signer

GENERATE: Final = "piv.generate"
Parts = Mapping[str, bytes]


def export_openpgp(desk: Desk, part: OpenPgpPart) -> Parts:
    certificate = gnupg.export(part.key)
    openpgp.certificate_facts(certificate)  # what cannot be read is refused before anything is built on it
    return {"operator.pgp": certificate}


def generate_piv(desk: Desk, part: PivPart, serial: int) -> Parts:
    """A new key in an empty slot. One that a broken ceremony has made is taken, if it was made there."""
    with desk.open_piv(serial) as piv:
        kept = _left_behind(desk, piv, part) if desk.journal.begun(GENERATE) else None
        if kept is not None:
            desk.confirm(
                f"{piv.name}: slot {part.slot} has the key that this ceremony began with", str(serial)
            )
            key = kept
        else:
            piv.require_empty(part.slot)
            desk.confirm(
                f"{piv.name}: a new {part.generate} key is generated in slot {part.slot}; it stays there",
                str(serial),
            )
            desk.journal.begin(GENERATE, desk.clock())
            piv.manage()
            made = piv.generate(part.slot, str(part.generate), pin_policy=part.pin, touch_policy=part.touch)
            key = made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {"piv.spki": key}


def _left_behind(desk: Desk, piv: Piv, part: PivPart) -> bytes | None:
    """SPKI of a key without a certificate in the slot, by the device's own statement that it made it."""
    if piv.key(part.slot) is None or piv.find_certificate(part.slot) is not None:
        return None
    return x509.key_spki(x509.public_key(piv.attest(part.slot).statement))


def certify_piv(desk: Desk, part: PivPart) -> Parts:
    """The CA's certificate: the one that is there, or a new one that the new key signs itself."""
    if part.pkcs11 is not None:
        with open_token(Pkcs11Uri.decode(part.pkcs11), desk.operator) as token:
            return {"operator.der": token.certificate}
    with desk.open_piv(_serial(part)) as piv:
        if part.generate is None:
            return {"operator.der": piv.certificate(part.slot)}
        spki = desk.journal.part(GENERATE, "piv.spki")
        there = piv.find_certificate(part.slot)
        if there is not None and x509.key_spki(x509.public_key(there)) == spki:
            return {"operator.der": there}
        if there is not None:
            raise DeviceError(f"{piv.name}: slot {part.slot} holds the certificate of another key")
        key = token_key(load_der_public_key(spki))
        now = desk.clock()
        validity = Validity(start=now, end=now + part.years * YEAR)
        certificate = self_signed_ca(signer(piv, part.slot, key=key), key, part.subject, validity)
        piv.manage()
        piv.put_certificate(part.slot, certificate)
    return {"operator.der": certificate}


def _serial(part: PivPart) -> int:
    if part.yubikey is None:
        raise DeviceError("this key is not in a YubiKey")
    return part.yubikey


def attest_piv(desk: Desk, part: PivPart) -> Parts:
    with desk.open_piv(_serial(part)) as piv:
        return _statement("piv", piv.attest(part.slot))


def attest_openpgp(desk: Desk, serial: int) -> Parts:
    desk.confirm(
        f"YubiKey {serial}: the statement overwrites the cardholder certificate of its signature key",
        str(serial),
    )
    with gnupg.card_released(), open_yubikey(serial) as opened:
        return _statement("openpgp", attest(opened, desk.operator, overwrite=True))


def _statement(kind: str, found: Attestation) -> Parts:
    return {f"{kind}-attestation.der": found.statement, f"{kind}-attestation-issuer.der": found.issuer}


def cross_sign(desk: Desk, part: OpenPgpPart) -> Parts:
    """The OpenPGP key signs the DER of the X.509 certificate."""
    return {"cross-signature.pgp": gnupg.sign(part.key, desk.piv)}


def cross_certify(desk: Desk, part: PivPart) -> Parts:
    """The X.509 key certifies the OpenPGP primary key."""
    with desk.piv_signer(part) as key:
        issuer = issuing.Issuer(certificate=desk.piv, signer=key)
        validity = issuing.validity_under(issuer, start=desk.clock())
        name = f"OpenPGP {openpgp.certificate_facts(desk.openpgp).fingerprint}"
        return {"cross-certificate.der": issuing.openpgp_cross(issuer, name, desk.openpgp, validity=validity)}
