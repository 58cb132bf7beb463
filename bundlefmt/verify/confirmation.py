# SPDX-License-Identifier: Apache-2.0
"""The verifier's own challenge: how it is made, and was it made for these keys, and answered?

It rests on what the verifier kept, which convinces nobody else. Spec: "Verification", step 8; "Challenges".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.challenge import Challenge, Kept, Pair, Secret
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.credential import (
    CannotRecomputeError,
    ChallengeMismatchError,
    CredentialActivation,
    TpmsIdObject,
    entropy_size,
    make_credential,
)
from bundlefmt.evidence.secret_sharing import seed_size
from bundlefmt.manifest import Digest
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Skip, Unsure

_CREDENTIAL: Final = 32  # bytes


class Confirmation(Area):
    """What the verifier's file shows, each pair worked out once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        kept = context.confirmed
        answer = None if kept is None else kept.answer
        self._proven = {} if kept is None or answer is None else kept.proven(answer)

    def _kept(self) -> Kept:
        """The file. Raises Skip without one, Fail of another bundle."""
        kept = self.context.confirmed
        if kept is None:
            raise Skip("the verifier has made no challenge")
        if not kept.challenge.manifest.matches(self.context.bundle.manifest_raw):
            raise Fail("the challenge was made for another bundle")
        return kept

    def require(self, ek: str, ak: str) -> None:
        """The TPM of `ek` answered for `ak`. Raises Fail, Unsure or Skip."""
        kept = self._kept()
        for pair, secret in zip(kept.challenge.pairs, kept.secrets, strict=True):
            if (pair.ek, pair.ak) == (ek, ak):
                self._made(pair, secret)
                if kept.answer is None:
                    raise Unsure("the challenge has not been answered yet")
                if not self._proven[ek, ak]:
                    raise Fail(f"the answer for {ek} is not that of a TPM that has {ak}")
                return
        raise Unsure(f"{ek} was not challenged for {ak}")

    def holds(self, ek: str, ak: str) -> bool:
        """Whether `require` finds nothing."""
        try:
            self.require(ek, ak)
        except Judgement:
            return False
        return True

    def _made(self, pair: Pair, secret: Secret) -> None:
        """The question was to this EK, about this AK, with this secret: computed again."""
        context = self.context
        ek, name = context.publics(pair.ek), context.name(pair.ak)
        try:
            record = CredentialActivation(
                blob=TpmsIdObject.decode(pair.blob),
                encrypted_secret=pair.encrypted_secret,
                credential=secret.credential,
                seed=secret.seed,
                ephemeral=secret.ephemeral,
            )
            record.check_blob(ek, name)
            record.check_encrypted_secret(ek)
        except (ChallengeMismatchError, MalformedError) as error:
            raise Fail(f"the challenge was not to {pair.ek} for {pair.ak}: {error}") from None
        except CannotRecomputeError as error:
            raise Unsure(str(error)) from None

    def confirm(self, ak: str) -> str:
        """Every endorsement key answered for `ak`."""
        kept = self._kept()
        keys = self.context.labels("ek-public")
        if not keys:
            raise Skip("there is no endorsement key")
        for ek in keys:
            self.require(ek, ak)
        return (
            f"answered for {', '.join(keys)}, between {kept.challenge.created} and {kept.confirmed} by the "
            "verifier's own clock; it convinces the verifier alone"
        )


def ask(context: Context, *, created: int, random: Callable[[int], bytes]) -> Kept:
    """A new challenge: every EK of the bundle, for every AK. `random` gives that many random bytes.

    What the keys are worth is judged elsewhere. Raises a Judgement where a key cannot be asked.
    """
    pairs, secrets = [], []
    for ek in context.labels("ek-public"):
        for ak in context.labels("ak-public"):
            pair, secret = _asked(context, ek, ak, random)
            pairs.append(pair)
            secrets.append(secret)
    if not pairs:
        raise Skip("the bundle has no endorsement key with a public area, or no attestation key")
    if len(pairs) > labels.MAX_PAIRS:
        raise Unsure(f"{len(pairs)} pairs of keys; a challenge has at most {labels.MAX_PAIRS}")
    digest = Digest.of(context.bundle.manifest_raw)
    challenge = Challenge(manifest=digest, created=created, pairs=tuple(pairs))
    return Kept(challenge=challenge, secrets=tuple(secrets))


def _asked(context: Context, ek: str, ak: str, random: Callable[[int], bytes]) -> tuple[Pair, Secret]:
    public, name = context.publics(ek), context.name(ak)
    try:
        # TPM2_MakeCredential takes no more than a digest of the EK's nameAlg
        credential = random(min(_CREDENTIAL, seed_size(public)))
        record = make_credential(public, name, credential, entropy=random(entropy_size(public)))
    except CannotRecomputeError as error:
        raise Unsure(f"{ek}: {error}") from None
    if record.seed is None or record.ephemeral is None:
        raise Unsure(f"{ek}: a challenge without its randomness")
    pair = Pair(ek=ek, ak=ak, blob=record.blob.encode(), encrypted_secret=record.encrypted_secret)
    return pair, Secret(credential=credential, seed=record.seed, ephemeral=record.ephemeral)


def _confirmed(context: Context) -> Iterator[Result]:
    """Every attestation key answered the verifier's challenge through every endorsement key."""
    for ak in context.labels("ak-public"):
        yield judged((ak,), partial(context.area(Confirmation).confirm, ak))


CHECKS: Final = (Check("activation.confirmed", _confirmed),)
