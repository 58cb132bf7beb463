# SPDX-License-Identifier: Apache-2.0
"""Judgements on records of credential activation: consistent or not. Never more than the challenger's word.

TPM 2.0 Library, Part 1, "Credential Protection". Spec: "Verification", step 8; "Credential activation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bundlefmt.evidence.credential import CannotRecomputeError, ChallengeMismatchError
from bundlefmt.verify.checks import Check, Result, each, judged
from bundlefmt.verify.confirmation import Confirmation
from bundlefmt.verify.context import Context, Fail, Skip, Unsure


def _form(context: Context, label: str) -> str:
    """The record can be read."""
    record = context.activations.form(label)
    if record.seed is None:
        return "a challenge and its answer, without the randomness to compute them again"
    return "a challenge, its answer and its randomness"


def _consistent(check: Callable[[], None]) -> None:
    try:
        check()
    except ChallengeMismatchError as error:
        raise Fail(str(error)) from None
    except CannotRecomputeError as error:
        raise Skip(f"{error}: the record is a claim") from None


def _blob(context: Context, label: str) -> str:
    """Integrity value and encrypted identity are those of this credential for the AK's Name, by the seed."""
    record = context.activations(label)
    ek, ak = context.target(label, "ek"), context.target(label, "ak")
    _consistent(partial(record.check_blob, context.publics(ek), context.name(ak)))
    return f"the challenge was made for the Name of {ak}"


def _secret(context: Context, label: str) -> str:
    """The encrypted secret carries that seed to the EK and to nobody else."""
    record, ek = context.activations(label), context.target(label, "ek")
    _consistent(partial(record.check_encrypted_secret, context.publics(ek)))
    return f"only the TPM of {ek} could open the challenge"


def _made(context: Context) -> Iterator[Result]:
    """Every EK and every AK presented together are tied, or nobody says that they are of one TPM.

    By a record, on the word of those who sealed, or by the verifier's own challenge.
    """
    for ak in context.labels("ak-public"):
        yield judged((ak,), partial(_tied, context, ak))


def _tied(context: Context, ak: str) -> str:
    records = context.referring("credential-activation", "ak", ak)
    for record in records:
        context.value(record)  # one that is absent leaves a doubt
    tied = {context.target(record, "ek") for record in records}
    keys = set(context.labels("ek-public"))
    if not keys and not context.labels("ek-certificate"):
        raise Skip("there is no endorsement key to tie it to")
    answered = {ek for ek in keys - tied if context.area(Confirmation).holds(ek, ak)}
    if keys and keys <= tied | answered:
        by = [*records, *(["the verifier's own challenge"] if answered else [])]
        return f"challenged in {', '.join(by)}"
    untied = ", ".join(sorted(keys - tied - answered)) or "the endorsement key"
    if context.policy.allow_unactivated:
        raise Skip(f"nothing says that this key is in the TPM of {untied}, which is allowed")
    raise Unsure(f"nothing says that this key is in the TPM of {untied}")


CHECKS: Final = (
    Check("activation.made", _made),
    Check("activation.form", each(("credential-activation",), _form)),
    Check("activation.blob", each(("credential-activation",), _blob)),
    Check("activation.secret", each(("credential-activation",), _secret)),
)
