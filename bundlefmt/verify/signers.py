# SPDX-License-Identifier: Apache-2.0
"""Who sealed: each seal's signer found among the manifest's identities, and its signature verified.

Spec: "Verification", step 2; "COSE seals", "OpenPGP seals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from bundlefmt import cose, labels
from bundlefmt.cose import CoseSign1
from bundlefmt.evidence import openpgp, primitive, x509
from bundlefmt.evidence.openpgp_self_signatures import SelfSignatures
from bundlefmt.evidence.openpgp_signature import SignatureType
from bundlefmt.evidence.tpm import UnsupportedKeyError
from bundlefmt.frozen import frozen
from bundlefmt.verify import period, seal_header
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure, readable
from bundlefmt.verify.openpgp_signature import Made, SignatureStanding

# OpenPGP certificates, and keys in them, tried for one seal; bound the work of a hostile file
MAX_CANDIDATES: Final = 64
MAX_KEYS: Final = 256
_OPENPGP, _PIV, _TPM = "openpgp-certificate", "piv-certificate", "key-public"


@frozen
class Signer:
    """Whose seal it is: an item's `label`, or None for a certificate that the seal brings along.

    `role` is that of such an item; `certificate` its bytes, empty for a TPM key; `identity` is what a
    verifier pins: the OpenPGP fingerprint, the SHA-256 of the certificate, or a TPM Name, in hexadecimal.
    `key` is the fingerprint of the OpenPGP key that signed, which may be a subkey; else empty.
    """

    role: str
    label: str | None
    identity: str
    certificate: bytes = b""
    key: str = ""


class Signers(Area):
    """All seals, each read once; seals are counted from zero."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.form = Once(self._form)
        self.signer = Once(self._signer)
        self.signature = Once(self._signature)
        self.standing = Once(self._standing)

    def verified(self) -> tuple[Signer, ...]:
        """The signers of the seals that verify over this manifest."""
        found = []
        for number in range(len(self.context.bundle.seals)):
            try:
                found.append(self.signature(number))
            except Judgement:
                continue
        return tuple(found)

    def undecided(self) -> frozenset[str | None]:
        """Whose seals cannot be decided from what is here; None where it is not known whose."""
        found: set[str | None] = set()
        for number in range(len(self.context.bundle.seals)):
            try:
                self.signature(number)
            except Unsure:
                found.add(self._label(number))
            except Judgement:
                continue
        return frozenset(found)

    def _label(self, number: int) -> str | None:
        try:
            return self.signer(number).label
        except Judgement:
            return None

    def untrusted_time(self, number: int) -> int:
        """When the seal says it was made, seconds since the epoch. Raises Fail where it does not say."""
        form = self._readable_form(number)
        if isinstance(form, openpgp.SignatureFacts):
            issued: object = form.untrusted_created
        else:
            claims = form.protected.get(labels.HDR_CWT_CLAIMS)
            issued = claims.get(labels.CLAIM_IAT) if isinstance(claims, Mapping) else None
        if not isinstance(issued, int) or isinstance(issued, bool) or issued < 0:
            raise Fail("the seal does not say when it was made")
        return issued

    def time(self, number: int) -> int:
        """When the seal was made by its own word, and not after it provably existed. Raises Fail as above."""
        issued, by = self.untrusted_time(number), self.context.seal_by(number)
        return issued if by is None else min(issued, by)

    def last_by(self, label: str) -> int | None:
        """By when the last seal of an item's key existed, the verifier's time at most; None without one."""
        numbers = (each for each in range(len(self.context.bundle.seals)) if self._label(each) == label)
        return max(map(self.context.seal_at, numbers), default=None)

    def _form(self, number: int) -> CoseSign1 | openpgp.SignatureFacts:
        """Raises Fail where the seal is not of its type, Skip where the type is not known here."""
        seal = self.context.bundle.seals[number]
        if seal.type == labels.SEAL_COSE:
            return readable(lambda: CoseSign1.decode(seal.value))
        if seal.type == labels.SEAL_OPENPGP:
            try:
                facts = readable(lambda: openpgp.signature_facts(seal.value))
            except Unsure as unsure:  # a version without hashed areas, or that no standard has
                raise Fail(str(unsure)) from None
            if facts.packet.type != SignatureType.BINARY:
                raise Fail(f"a signature of type {facts.packet.type:#04x}, not over the manifest's bytes")
            return facts
        raise Skip(f"a seal of type {seal.type} is not known here")

    def _readable_form(self, number: int) -> CoseSign1 | openpgp.SignatureFacts:
        try:
            return self.form(number)
        except Fail:
            raise Skip("the seal cannot be read") from None

    def _signer(self, number: int) -> Signer:
        form = self._readable_form(number)
        if isinstance(form, openpgp.SignatureFacts):
            return self._openpgp_signer(number)
        protected = form.protected
        if labels.HDR_X5T in protected:
            return self._certificate_signer(number, protected[labels.HDR_X5T])
        if labels.HDR_KID in protected:
            return self._tpm_signer(protected[labels.HDR_KID])
        raise Fail("neither x5t nor kid says whose seal it is")

    def _candidates(self, role: str, number: int) -> list[tuple[str | None, bytes]]:
        """Certificates that may have made the seal: the manifest's, then the one that it brings along."""
        content, seal = self.context.bundle.content, self.context.bundle.seals[number]
        found: list[tuple[str | None, bytes]] = [
            (label, bytes(content[label].value)) for label in self.context.labels(role) if label in content
        ]
        return found if seal.key is None else [*found, (None, seal.key)]

    def _none_found(self, role: str, reason: str) -> Judgement:
        """A withheld certificate leaves a doubt where nothing else fits."""
        if set(self.context.labels(role)) - set(self.context.bundle.content):
            return Unsure(f"{reason}; a {role} is not in the bundle")
        return Fail(reason)

    def _openpgp_signer(self, number: int) -> Signer:
        found = self.standing(number)
        certificate = found.said.certificate
        whose = {raw: label for label, raw in reversed(self._candidates(_OPENPGP, number))}
        raw = certificate.encode()
        return Signer(
            role=_OPENPGP,
            label=whose[raw],
            identity=certificate.fingerprint,
            certificate=raw,
            key=found.key.fingerprint,
        )

    def _standing(self, number: int) -> SignatureStanding:
        """An OpenPGP seal and the key that made it, in a certificate where it counts if there is one.

        A key can be put into anybody's certificate: the wrong one must not hide the right one.
        """
        fault = Fail("there is no OpenPGP certificate to check it with")
        refused, doubts = list[SignatureStanding](), list[Unsure | SignatureStanding]()
        for found in self._standings(number):
            if isinstance(found, Fail):
                fault = found
            elif isinstance(found, Unsure):
                doubts.append(found)
            else:
                try:
                    found.require()
                except Skip:
                    refused.append(found)
                except Unsure:
                    doubts.insert(0, found)
                else:
                    return found
        for each in (*doubts, *refused):
            if isinstance(each, SignatureStanding):
                return each
            raise each
        raise self._none_found(_OPENPGP, str(fault))

    def _standings(self, number: int) -> Iterator[SignatureStanding | Fail | Unsure]:
        """The seal as made by each key that made it, and why others did not or may have."""
        form = self._readable_form(number)
        if not isinstance(form, openpgp.SignatureFacts):
            raise Skip("not an OpenPGP seal")
        candidates = self._candidates(_OPENPGP, number)
        if len(candidates) > MAX_CANDIDATES:
            raise Unsure(f"more than {MAX_CANDIDATES} OpenPGP certificates")
        try:
            at = self.time(number)
        except Fail as fault:
            raise Skip(str(fault)) from None
        raw, message = self.context.bundle.seals[number].value, self.context.bundle.manifest_raw
        packet, keys = form.packet, 0
        digest = readable(lambda: packet.digest(message))
        for label, certificate in candidates:
            try:
                said = self._said(label, certificate)
                keys += len(said.certificate.every_key())
                if keys > MAX_KEYS:
                    yield Unsure(f"more than {MAX_KEYS} keys in OpenPGP certificates")
                    return
                made = readable(partial(openpgp.makers, said.certificate, packet, digest))
            except (Fail, Unsure) as judgement:
                yield judgement
                continue
            for key in made:
                by = Made(raw=raw, packet=packet, key=key, message=message)
                yield SignatureStanding(said, by, at=at, lapse=self.context.seal_at(number))

    def _said(self, label: str | None, certificate: bytes) -> SelfSignatures:
        """What a certificate says, of an item or brought along."""
        if label is None:
            return readable(partial(openpgp.self_signatures, certificate))
        return self.context.openpgp.form(label)

    def _certificate_signer(self, number: int, x5t: object) -> Signer:
        for label, certificate in self._candidates(_PIV, number):
            digest = hashlib.sha256(certificate)
            if x5t == [labels.HASH_SHA256, digest.digest()]:
                return Signer(role=_PIV, label=label, identity=digest.hexdigest(), certificate=certificate)
        raise self._none_found(_PIV, "x5t names no certificate of the manifest")

    def _tpm_signer(self, kid: object) -> Signer:
        for label in self.context.labels(_TPM):
            try:
                name = self.context.name(label)
            except Judgement:
                continue
            if name == kid:
                return Signer(role=_TPM, label=label, identity=name.hex())
        raise self._none_found(_TPM, "kid is the Name of no signing key of the manifest")

    def _signature(self, number: int) -> Signer:
        """The signer, whose key made this seal over this manifest."""
        try:
            signer = self.signer(number)
        except Fail:
            raise Skip("the signer is not known") from None
        form = self._readable_form(number)
        if isinstance(form, openpgp.SignatureFacts):
            standing = self.standing(number)
            standing.require()  # was found by verifying
            # nothing covers what a later witness brings along
            by = None if signer.label is None else self.context.seal_by(number)
            period.require_counts(self.context.policy, standing.used(), claimed=standing.at, by=by)
            return signer
        faults = envelope_faults(self.context, form)
        if faults:
            raise Fail("; ".join(faults))
        try:
            form.algorithm()  # what no key makes good
            key: object
            if signer.label is not None and signer.role == _TPM:
                key = self.context.publics(signer.label).public_key()
            else:
                key = x509.public_key(signer.certificate)
            form.verify(key)
        except (x509.CertificateError, UnsupportedKeyError, cose.UnknownAlgorithmError) as error:
            raise Unsure(str(error)) from None
        except cose.SignatureError as error:
            raise Fail(str(error)) from None
        self._judge_period(number, form, key)
        return signer

    def _judge_period(self, number: int, form: CoseSign1, key: object) -> None:
        """The policy still takes seals like this one, which verified. Raises Unsure, Fail."""
        payload = form.protected[labels.HDR_PAYLOAD_HASH_ALG]
        signed = cose.message_hash(form.protected[labels.HDR_ALG])
        names = {labels.HASH_NAMES.get(payload) if isinstance(payload, int) else None, signed} - {None}
        used = [primitive.of_key(key), *(primitive.of_hash(name) for name in names if name is not None)]
        try:
            claimed = self.untrusted_time(number)
        except Fail:
            claimed = self.context.manifest.created  # seal.validity refuses what does not say when
        by = self.context.seal_by(number)
        period.require_counts(self.context.policy, used, claimed=claimed, by=by)


def envelope_faults(context: Context, form: CoseSign1) -> list[str]:
    """Why `form` is no seal over this manifest, signature aside."""
    faults = cose.envelope_faults(
        form,
        context.bundle.manifest_raw,
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
    )
    return faults + seal_header.faults(form.protected)
