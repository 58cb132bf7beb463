# SPDX-License-Identifier: Apache-2.0
"""The timestamp that a COSE seal carries over its own signature: by when that seal existed.

It says nothing of the manifest: a signature may be older than the key that fits it. Spec: "COSE seals".
RFC 9921.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bundlefmt import cose, labels
from bundlefmt.bundle import Bundle, Seal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import primitive
from bundlefmt.evidence.certificate import Certificate
from bundlefmt.evidence.chain import Chain
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.evidence.tpm import UnsupportedAlgorithmError
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.verify.authority import read_token, used_by
from bundlefmt.verify.existence import Existence
from bundlefmt.verify.judgement import Fail, Judgement, Once, Skip, Unsure

_TTC, _CTT = labels.HDR_3161_TTC, labels.HDR_3161_CTT


@frozen
class Stamped:
    """A seal and the token that it carries."""

    seal: CoseSign1
    token: TimeStampToken


@frozen
class SealTime:
    """A seal's own timestamp that holds: the seal existed by `by`, seconds since the epoch.

    `until` is when its authority had to be believed still: when a renewal took over, or the verifier's time.
    """

    by: int
    until: int
    chain: Chain


class SealStamps:
    """Seals are counted from zero; each decision returns a fact or raises a Judgement."""

    def __init__(self, bundle: Bundle, existence: Existence) -> None:
        self._bundle = bundle
        self._existence = existence
        self._authorities = existence.stamps.authorities
        self.form = Once(self._form)
        self.time = Once(self._time)

    def holding(self, number: int) -> SealTime | None:
        """The seal's own timestamp, if it has one that holds."""
        try:
            return self.time(number)
        except Judgement:
            return None

    def by(self, number: int) -> int | None:
        """By when the seal existed; None where no timestamp of its own shows it."""
        time = self.holding(number)
        return None if time is None else time.by

    def carries(self, number: int) -> bool:
        """Whether the seal carries something as its timestamp, good or bad."""
        try:
            self.form(number)
        except Skip:
            return False
        except Fail:
            return True
        return True

    def _form(self, number: int) -> Stamped:
        """Raises Skip where the seal carries no timestamp, Fail where what it carries is none."""
        seal = self._bundle.seals[number]
        if seal.type != labels.SEAL_COSE:
            raise Skip("a seal of this type carries no timestamp")
        try:
            message = CoseSign1.decode(seal.value)
        except MalformedError:
            raise Skip("the seal cannot be read") from None
        if _CTT in message.protected:
            raise Fail("3161-ctt stands in the protected header: no signature is made after its timestamp")
        if _TTC in message.unprotected:
            raise Fail("3161-ttc stands in the unprotected header, where no signature covers it")
        if _CTT not in message.unprotected:
            if _TTC in message.protected:
                raise Skip("a timestamp over the payload does not say when the seal was made: not judged")
            raise Skip("the seal carries no timestamp")
        value = message.unprotected[_CTT]
        if not isinstance(value, bytes):
            raise Fail("3161-ctt is not a byte string")
        return Stamped(seal=message, token=read_token(value))

    def _time(self, number: int) -> SealTime:
        """Raises Unsure where its authority leads to no anchor or had lapsed, Fail where it was revoked.

        Skip where a renewal that holds covers the seal: what one authority cannot show leaves no doubt then.
        """
        found = self.form(number)
        info, covered = found.token.info, self._existence.seal_by(number)
        try:
            leaf = self._require_signed(found)
            if info.generated > self._now(info.generated):
                raise Skip(f"made at {when(info.generated)}, after the time that is asked about")
            self._authorities.chain(found.token, leaf, info.generated)
        except Unsure as unsure:
            raise self._unless_renewed(number, unsure) from None
        if covered is not None and covered < info.earliest:
            raise Fail(f"it says {when(info.generated)}, and a renewal by {when(covered)} covers it")
        try:
            return self._believed(number, found, leaf)
        except (Fail, Unsure) as judgement:
            raise self._unless_renewed(number, judgement) from None

    def _now(self, generated: int) -> int:
        """The verifier's time; where the policy has none, that of the last renewal or of this timestamp."""
        asked = self._existence.asked
        return max(self._existence.now, generated) if asked is None else asked

    def _unless_renewed(self, number: int, judgement: Fail | Unsure) -> Fail | Unsure | Skip:
        if self._existence.seal_by(number) is None:
            return judgement
        return Skip(f"{judgement}: it counts for nothing, and a renewal covers the seal")

    def _require_signed(self, found: Stamped) -> Certificate:
        """The certificate of who signed, if the token is over this signature. Raises Fail, Unsure."""
        token, imprint = found.token, found.token.info.imprint
        if imprint.hash not in labels.HASH_NAMES.values():
            raise Fail(f"a timestamp over {imprint.hash}, which is not accepted")
        if imprint.digest != hashlib.new(imprint.hash, found.seal.signature_field()).digest():
            raise Fail("the timestamp is over something else than this signature")
        leaf, _ = self._authorities.signer(token)
        self._authorities.require_authority(token, leaf)
        return leaf

    def _believed(self, number: int, found: Stamped, leaf: Certificate) -> SealTime:
        """Raises Unsure where the authority had lapsed, Fail where it was revoked."""
        token, info, existence = found.token, found.token.info, self._existence
        covered = existence.seal_by(number)
        until = self._now(info.generated) if covered is None else covered

        def known(raw: bytes) -> int | None:
            own = raw in (*token.certificates, *token.lists)
            return covered if own else existence.carried_by(raw)

        believed = self._authorities.still(
            token,
            leaf,
            until,
            used=(*used_by(token, leaf), *_hashes_of(found.seal)),
            by=covered,
            known=known,
            since=0,
        )
        return SealTime(by=info.latest, until=until, chain=believed.chain)


def tells_time(bundle: Bundle) -> bool:
    """Whether a verifier has to say what time it is: renewals, or timestamps in seals, end some day."""
    return bool(bundle.renewals) or any(map(_carries, bundle.seals))


def _carries(seal: Seal) -> bool:
    try:
        return seal.type == labels.SEAL_COSE and _CTT in CoseSign1.decode(seal.value).unprotected
    except MalformedError:
        return False


def _hashes_of(seal: CoseSign1) -> Iterator[str]:
    """What ties a signature to what it signs: where one has fallen, an old signature may be of anything.

    The hashes of the payload, of what is signed, and of the name of the signer's key.
    """
    header = seal.protected
    payload = header.get(labels.HDR_PAYLOAD_HASH_ALG)
    for name in (
        labels.HASH_NAMES.get(payload) if isinstance(payload, int) else None,
        cose.message_hash(header.get(labels.HDR_ALG)),
        labels.HASH_NAMES[labels.HASH_SHA256] if labels.HDR_X5T in header else None,
    ):
        if name is not None:
            yield primitive.of_hash(name)
    name_of_key = header.get(labels.HDR_KID)
    if isinstance(name_of_key, bytes):
        try:
            yield primitive.of_tpm_hash(int.from_bytes(name_of_key[:2]))
        except UnsupportedAlgorithmError:
            return  # such a key is not found by its Name
