# SPDX-License-Identifier: Apache-2.0
"""The judgement on the verifier's own challenge: was it made for these keys of this bundle, and answered?

It rests on what the verifier kept, which convinces nobody else. Spec: "Verification", step 8; "Challenges".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from bundlefmt.challenge import Kept, Pair, Secret
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.credential import (
    CannotRecomputeError,
    ChallengeMismatchError,
    CredentialActivation,
    TpmsIdObject,
)
from bundlefmt.verify.checks import Check, Result, judged
from bundlefmt.verify.context import Area, Context, Fail, Judgement, Skip, Unsure


class Confirmation(Area):
    """What the verifier's file shows, each pair worked out once."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        kept = context.confirmed
        answer = None if kept is None else kept.answer
        self._proven = {} if kept is None or answer is None else kept.proven(answer)

    def _kept(self) -> Kept:
        """The file. Raises Skip without one, Unsure unanswered, Fail of another bundle."""
        kept = self.context.confirmed
        if kept is None:
            raise Skip("the verifier has made no challenge")
        if not kept.challenge.manifest.matches(self.context.bundle.manifest_raw):
            raise Fail("the challenge was made for another bundle")
        if kept.answer is None:
            raise Unsure("the challenge has not been answered yet")
        return kept

    def require(self, ek: str, ak: str) -> None:
        """The TPM of `ek` answered for `ak`. Raises Fail, Unsure or Skip."""
        kept = self._kept()
        for pair, secret in zip(kept.challenge.pairs, kept.secrets, strict=True):
            if (pair.ek, pair.ak) == (ek, ak):
                self._made(pair, secret)
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


def questions(context: Context) -> tuple[tuple[str, str], ...]:
    """The pairs that a challenge to the keys of this bundle has: every EK with every AK that is here."""
    return tuple(
        (ek, ak)
        for ek in context.labels("ek-public")
        for ak in context.labels("ak-public")
        if ek in context.bundle.content and ak in context.bundle.content
    )


def _confirmed(context: Context) -> Iterator[Result]:
    """Every attestation key answered the verifier's challenge through every endorsement key."""
    for ak in context.labels("ak-public"):
        yield judged((ak,), partial(context.area(Confirmation).confirm, ak))


CHECKS: Final = (Check("activation.confirmed", _confirmed),)
