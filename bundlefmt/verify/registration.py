# SPDX-License-Identifier: Apache-2.0
"""Which logs have registered a COSE seal: its receipts, against the keys of logs that the verifier knows.

Spec: "COSE seals". RFC 9942, RFC 9943.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final

from bundlefmt import cose, labels
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import primitive, x509
from bundlefmt.evidence.x509_signature import load_key, weakness
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.receipt import InclusionProof, entry_of, proofs_in
from bundlefmt.verify import period
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Once, Skip, Unsure

MAX_RECEIPTS: Final = 16  # of one seal: nobody registers with more logs; bounds the signatures tried
_UNDERSTOOD: Final = cose.UNDERSTOOD | {labels.HDR_VDS}
# good CBOR, which a log may write and this format does not
_OTHER_ENCODING: Final = (
    Code.NON_SHORTEST,
    Code.INDEFINITE_LENGTH,
    Code.KEY_ORDER,
    Code.FLOAT,
    Code.BIGNUM,
    Code.SIMPLE_VALUE,
    Code.UNLISTED_TAG,
)


@frozen
class LogKey:
    """The key of a log, and its SHA-256 by which people know it."""

    key: object
    sha256: str


@frozen
class Registered:
    """A seal is entry `index`, counted from zero, of a log of `size` entries that has this key."""

    log: LogKey
    index: int
    size: int


class Registrations(Area):
    """The receipts of all seals; seals are counted from zero."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.receipts = Once(self._receipts)
        self.registered = Once(self._registered)

    def carries(self, number: int) -> bool:
        """Whether the seal carries something as its receipts, good or bad."""
        try:
            self.receipts(number)
        except Skip:
            return False
        except Judgement:
            return True
        return True

    def holding(self, number: int) -> tuple[Registered, ...]:
        try:
            return self.registered(number)
        except Judgement:
            return ()

    @cached_property
    def _logs(self) -> tuple[LogKey, ...]:
        return tuple(
            log for anchor in self.context.policy.anchors_log if (log := log_key(anchor)) is not None
        )

    def _receipts(self, number: int) -> tuple[CoseSign1, tuple[bytes, ...]]:
        """Raises Skip where the seal carries none, Fail where what it carries cannot be receipts."""
        seal = self.context.bundle.seals[number]
        if seal.type != labels.SEAL_COSE:
            raise Skip("a seal of this type carries no receipts")
        try:
            message = CoseSign1.decode(seal.value)
        except MalformedError:
            raise Skip("the seal cannot be read") from None
        if labels.HDR_RECEIPTS in message.protected:
            raise Fail("receipts stand in the protected header: no seal is made after its receipt")
        if labels.HDR_RECEIPTS not in message.unprotected:
            raise Skip("the seal carries no receipts")
        listed = message.unprotected[labels.HDR_RECEIPTS]
        if not isinstance(listed, list) or not listed or not all(isinstance(each, bytes) for each in listed):
            raise Fail("receipts are not a list of byte strings")
        if len(listed) > MAX_RECEIPTS:
            raise Unsure(f"more than {MAX_RECEIPTS} receipts")
        return message, tuple(each for each in listed if isinstance(each, bytes))

    def _registered(self, number: int) -> tuple[Registered, ...]:
        """By which known logs. Raises Fail, Unsure; Skip where nothing can be judged here."""
        message, listed = self.receipts(number)
        entry = entry_of(message)
        judged = [each for raw in listed if (each := proven(raw, entry)) is not None]
        if not judged:
            raise Skip("receipts of a kind or encoding that is not known here: kept, not judged")
        if not self._logs:
            raise Skip("no log is known to the verifier: kept, not judged")
        signed = [self._signed(number, *each) for each in judged]
        found = tuple(each for each in signed if isinstance(each, Registered))
        if not found:
            ended = (each for each in signed if isinstance(each, Unsure))
            raise next(ended, Unsure("no receipt is signed by a log that is known to the verifier"))
        return found

    def _signed(
        self, number: int, receipt: CoseSign1, proof: InclusionProof, root: bytes
    ) -> Registered | Unsure | None:
        """By the first log whose key it is; Unsure where the policy ended what it is made by."""
        log = signer(receipt, root, self._logs)
        if log is None:
            return None
        over = period.ended(
            self.context.policy, _used(receipt, log), by=self.context.existence.seal_by(number)
        )
        if over is not None:
            return Unsure(f"a receipt made by {over[0]}, which the policy ends at {when(over[1])}")
        return Registered(log=log, index=proof.leaf_index, size=proof.tree_size)


def log_key(anchor: bytes) -> LogKey | None:
    """The key of an anchor: a certificate or a SubjectPublicKeyInfo (DER). None where it cannot be used."""
    try:
        try:
            key = load_key(x509.load(anchor).spki)
        except x509.CertificateError:
            key = load_key(anchor)
        if weakness(key) is not None:
            return None
        return LogKey(key=key, sha256=hashlib.sha256(x509.key_spki(key)).hexdigest())
    except x509.CertificateError:
        return None


def proven(raw: bytes, entry: bytes) -> tuple[CoseSign1, InclusionProof, bytes] | None:
    """A receipt, its proof, and the root that it leads to from the entry; None where it is of another kind.

    Raises Fail.
    """
    try:
        receipt = CoseSign1.decode(raw)
        proofs = proofs_in(receipt)
        if proofs is None:
            return None
        if len(proofs) != 1:
            raise Fail(f"a receipt has {len(proofs)} proofs of inclusion, and not one")
        proof = InclusionProof.decode(proofs[0])
    except MalformedError as error:
        if error.code in _OTHER_ENCODING:
            return None
        raise Fail(f"not a receipt: {error}") from None
    if receipt.payload is not None:
        raise Fail("the payload of a receipt is not detached: the root is computed, not told")
    return receipt, proof, proof.root(entry)


def signer(receipt: CoseSign1, root: bytes, logs: Sequence[LogKey]) -> LogKey | None:
    """The first of the logs whose key signed this root."""
    for log in logs:
        try:
            receipt.verify(log.key, payload=root, understood=_UNDERSTOOD)
        except cose.SignatureError:
            continue
        return log
    return None


def _used(receipt: CoseSign1, log: LogKey) -> Iterator[str]:
    """What a receipt rests on: the hash of the tree, the log's key, the hash of what is signed."""
    signed = cose.message_hash(receipt.protected.get(labels.HDR_ALG))
    yield primitive.of_key(log.key)
    yield primitive.of_hash("sha256")
    if signed is not None:
        yield primitive.of_hash(signed)
