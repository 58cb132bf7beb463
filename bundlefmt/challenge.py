# SPDX-License-Identifier: Apache-2.0
"""The three files of a challenge: what goes to the machine, what comes back, what the verifier keeps.

Knows bytes, labels and digests, and nothing of TPMs. Spec: "Challenges".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Self

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node
from bundlefmt.errors import Code, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.manifest import Digest, read_label
from bundlefmt.wire import Buffer

PROOF_SIZE: Final = 32  # HMAC-SHA-256
_MAX_BLOB: Final = 132  # TPMS_ID_OBJECT: two TPM2B of a digest
_MAX_ENCRYPTED_SECRET: Final = 512  # TPM2B_ENCRYPTED_SECRET of RSA-4096
_CREDENTIAL: Final = range(16, 65)  # bytes; 16 are what nobody guesses, 64 what a TPM takes
_SEED: Final = range(1, 65)
_EPHEMERAL: Final = range(1, 67)  # the scalar of P-521


def _scan(data: Buffer, magic: bytes, what: str) -> Node:
    """The map behind the magic. Raises wrong-magic, truncated."""
    start = bytes(data[: len(magic)])
    if not start or start != magic[: len(start)]:
        raise MalformedError(Code.WRONG_MAGIC, f"not {what}", offset=0)
    if len(start) < len(magic):
        raise MalformedError(Code.TRUNCATED, "the file ends within its first eight bytes", offset=0)
    return cbor.scan(data, len(magic))


def _octets(node: Node, sizes: range, path: str) -> bytes:
    if len(node.view(path)) not in sizes:
        node.fail(Code.WRONG_LENGTH, f"{len(node.view(path))} bytes", path)
    return node.octets(path)


@frozen
class Pair:
    """One question: does the TPM of `ek` have the key `ak`? Both are labels of the bundle.

    `blob` is the content of a TPM2B_ID_OBJECT, `encrypted_secret` that of a TPM2B_ENCRYPTED_SECRET.
    """

    ek: str
    ak: str
    blob: bytes
    encrypted_secret: bytes

    @classmethod
    def from_node(cls, node: Node) -> Self:
        path = "pair"
        members = node.members(path, ("ek", "ak", "blob", "encrypted-secret"))
        return cls(
            ek=read_label(members["ek"], path),
            ak=read_label(members["ak"], path),
            blob=_octets(members["blob"], range(4, _MAX_BLOB + 1), path),
            encrypted_secret=_octets(members["encrypted-secret"], range(1, _MAX_ENCRYPTED_SECRET + 1), path),
        )

    def to_value(self) -> dict[str, object]:
        return {
            "ek": self.ek,
            "ak": self.ak,
            "blob": self.blob,
            "encrypted-secret": self.encrypted_secret,
        }


@frozen
class Challenge:
    """What goes to the machine: of which manifest, when by the challenger's clock, a pair for a question."""

    manifest: Digest
    created: int
    pairs: tuple[Pair, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError."""
        node, path = _scan(data, labels.MAGIC_CHALLENGE, "a challenge"), "challenge"
        members = node.members(path, ("manifest", "created", "pairs"))
        pairs: list[Pair] = []
        for each in members["pairs"].array(path, range(1, labels.MAX_PAIRS + 1)):
            pair = Pair.from_node(each)
            if pairs and (pair.ek, pair.ak) <= (pairs[-1].ek, pairs[-1].ak):
                each.fail(Code.BAD_VALUE, "pairs are not in order, or one stands twice", path)
            pairs.append(pair)
        return cls(
            manifest=Digest.from_node(members["manifest"], path),
            created=members["created"].uint(path),
            pairs=tuple(pairs),
        )

    def encode(self) -> bytes:
        body = {
            "manifest": self.manifest.to_value(),
            "created": self.created,
            "pairs": [pair.to_value() for pair in self.pairs],
        }
        return _encoded(labels.MAGIC_CHALLENGE, body)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file; there is one encoding, so it is that of the bytes received."""
        return hashlib.sha256(self.encode()).digest()

    def proof(self, pair: Pair, credential: bytes) -> bytes:
        """What only who got this credential out can say, of this challenge and this pair alone."""
        said = cbor.encode([labels.ANSWER_CONTEXT, self.digest, pair.ek, pair.ak])
        return hmac.digest(credential, said, "sha256")


@frozen
class Answer:
    """What comes back: SHA-256 of the challenge file, and a proof for each of its pairs, in their order."""

    challenge: bytes
    proofs: tuple[bytes, ...]

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError."""
        node, path = _scan(data, labels.MAGIC_ANSWER, "an answer"), "answer"
        members = node.members(path, ("challenge", "proofs"))
        exactly = range(PROOF_SIZE, PROOF_SIZE + 1)
        return cls(
            challenge=_octets(members["challenge"], exactly, path),
            proofs=tuple(
                _octets(each, exactly, path)
                for each in members["proofs"].array(path, range(1, labels.MAX_PAIRS + 1))
            ),
        )

    def encode(self) -> bytes:
        return _encoded(labels.MAGIC_ANSWER, {"challenge": self.challenge, "proofs": list(self.proofs)})


@frozen
class Secret:
    """What one pair was made of: the credential, the seed that protects it, the randomness under that."""

    credential: bytes
    seed: bytes
    ephemeral: bytes

    @classmethod
    def from_node(cls, node: Node) -> Self:
        path = "secret"
        members = node.members(path, ("credential", "seed", "ephemeral"))
        return cls(
            credential=_octets(members["credential"], _CREDENTIAL, path),
            seed=_octets(members["seed"], _SEED, path),
            ephemeral=_octets(members["ephemeral"], _EPHEMERAL, path),
        )

    def to_value(self) -> dict[str, object]:
        return {"credential": self.credential, "seed": self.seed, "ephemeral": self.ephemeral}


@frozen
class Kept:
    """What the verifier keeps and shows to nobody: the challenge, its secrets, in time the answer and when.

    Whoever has this file before the answer is in can write the answer. It is the verifier's own knowledge.
    """

    challenge: Challenge
    secrets: tuple[Secret, ...]
    answer: Answer | None = None
    confirmed: int | None = None

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError."""
        node, path = _scan(data, labels.MAGIC_KEPT, "a verifier's own file of a challenge"), "kept"
        members = node.members(path, ("challenge", "secrets"), ("answer", "confirmed"))
        if ("answer" in members) != ("confirmed" in members):
            node.fail(Code.MISSING_MEMBER, "an answer without its time, or a time without its answer", path)
        challenge = Challenge.decode(members["challenge"].view(path))
        secrets = members["secrets"].array(path, _exactly(challenge.pairs))
        answer = Answer.decode(members["answer"].view(path)) if "answer" in members else None
        if answer is not None and len(answer.proofs) != len(challenge.pairs):
            members["answer"].fail(Code.WRONG_LENGTH, f"{len(answer.proofs)} proofs", path)
        return cls(
            challenge=challenge,
            secrets=tuple(Secret.from_node(each) for each in secrets),
            answer=answer,
            confirmed=members["confirmed"].uint(path) if "confirmed" in members else None,
        )

    def encode(self) -> bytes:
        body: dict[str, object] = {
            "challenge": self.challenge.encode(),
            "secrets": [secret.to_value() for secret in self.secrets],
        }
        if self.answer is not None:
            body |= {"answer": self.answer.encode(), "confirmed": self.confirmed}
        return _encoded(labels.MAGIC_KEPT, body)

    def proven(self, answer: Answer) -> Mapping[tuple[str, str], bool]:
        """For each pair whether `answer` proves it; none where it answers another challenge."""
        challenge = self.challenge
        fits = answer.challenge == challenge.digest and len(answer.proofs) == len(challenge.pairs)
        proofs = answer.proofs if fits else (b"",) * len(challenge.pairs)
        return {
            (pair.ek, pair.ak): hmac.compare_digest(proof, challenge.proof(pair, secret.credential))
            for pair, secret, proof in zip(challenge.pairs, self.secrets, proofs, strict=True)
        }

    def answered(self, answer: Answer, at: int) -> Self:
        """This file once the answer is in, at that time by the verifier's clock."""
        return replace(self, answer=answer, confirmed=at)


def _exactly(pairs: tuple[Pair, ...]) -> range:
    return range(len(pairs), len(pairs) + 1)


def _encoded(magic: bytes, body: Mapping[str, object]) -> bytes:
    return magic + cbor.encode(body)
