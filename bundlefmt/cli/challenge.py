# SPDX-License-Identifier: Apache-2.0
"""The verbs challenge and confirm: a verifier asks a bundle's TPM, and looks at what came back.

Neither needs a TPM. Spec: "Challenges".
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt.bundle import Bundle, map_file
from bundlefmt.challenge import Answer
from bundlefmt.cli import reading, trust_file
from bundlefmt.cli.arguments import AnchorOption, FileArgument, NoTrustOption, TrustOption
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.judging import certificates, relaxed
from bundlefmt.cli.run import Exit, UsageError, complain, say, warn
from bundlefmt.verify import Outcome, Policy
from bundlefmt.verify import verify as judge
from bundlefmt.verify.conclusions import CHALLENGED
from bundlefmt.verify.confirmation import ask
from bundlefmt.verify.context import Context, Judgement

SecretOption = Annotated[
    Path, typer.Option(metavar="FILE", help="What you keep and show to nobody, a file for you alone (.evk).")
]
_OF_THE_EK: Final = ("ek.certificate", "ek.chain", "ek.key", "ek.template")
_CONFIRMED: Final = "activation.confirmed"


def challenge(
    file: FileArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The challenge, for the machine (.evc).")],
    secret: SecretOption,
    anchor: AnchorOption = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Judge certificates at this time; default: the manifest's claim."),
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Relax a rule, as of verify. Repeatable.")
    ] = None,
    trust: TrustOption = None,
    no_trust: NoTrustOption = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the output files.")] = False,
) -> int:
    """Ask whether the TPM of a bundle's EK certificates has its AK. The answer convinces you alone."""
    if output == secret:
        raise UsageError("the challenge goes to the machine and the secret stays: two files")
    for path in (output, secret):
        refuse_existing(path, force=force)
    bundle = Bundle.open(file)
    policy = Policy(
        anchors=certificates(anchor),
        at=None if at is None else reading.moment(at),
        **relaxed(allow or ()),
    )
    mine = trust_file.find(trust, none=no_trust)
    if mine is not None:
        policy = mine.trust.within(policy)
    if not _worth_asking(bundle, policy):
        return Exit.FAILED
    try:
        kept = ask(Context(bundle, policy), created=int(time.time()), random=secrets.token_bytes)
    except Judgement as judgement:
        raise UsageError(f"nothing to ask: {judgement}") from None
    # first what only this side has: without it the challenge is worth nothing
    write_atomic(secret, [kept.encode()], force=force, private=True)
    write_atomic(output, [kept.challenge.encode()], force=force)
    for pair in kept.challenge.pairs:
        say(f"does the TPM of {pair.ek} have {pair.ak}?")
    say(f"{output}: for the machine, to be answered by: bundle answer")
    say(f"{secret}: for you alone, until: bundle confirm")
    return Exit.PASSED


def _worth_asking(bundle: Bundle, policy: Policy) -> bool:
    """Whether an answer can prove anything; says why not, and on what it will rest."""
    findings = [each for each in judge(bundle, policy).findings if each.check in CHALLENGED]
    failed = [each for each in findings if each.outcome is Outcome.FAILED]
    for each in failed:
        complain(f"{each.check}: {', '.join(each.items)}: {each.message}")
    unsure = [each for each in findings if each.outcome is not Outcome.PASSED and each.check in _OF_THE_EK]
    for each in unsure:
        warn(f"{each.check}: {', '.join(each.items)}: {each.message}")
    if unsure and not failed:
        warn("not every endorsement key is known to be a TPM's: whoever has these keys can answer")
    return not failed


def confirm(
    file: FileArgument,
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="What the machine answered (.eva).")],
    secret: SecretOption,
) -> int:
    """Compare an answer with what you kept, and keep it: bundle verify --confirmed then concludes from it."""
    kept = reading.kept(secret)
    if kept.answer is not None:
        raise UsageError(
            f"{secret}: this challenge was answered and confirmed", hint="a challenge is used once"
        )
    now = int(time.time())
    if now < kept.challenge.created:
        warn("by this clock the challenge is not made yet: the clock was set back")
    bundle, confirmed = Bundle.open(file), kept.answered(Answer.decode(map_file(answer)), now)
    if len(confirmed.answer.proofs if confirmed.answer else ()) != len(kept.challenge.pairs):
        complain("the answer is to another challenge")
        return Exit.FAILED
    findings = judge(bundle, Policy(), confirmed=confirmed).of(_CONFIRMED)
    for each in findings:
        if each.outcome is not Outcome.PASSED:
            complain(f"{', '.join(each.items)}: {each.message}")
    if any(each.outcome is not Outcome.PASSED for each in findings):
        return Exit.FAILED
    write_atomic(secret, [confirmed.encode()], force=True, private=True)
    for pair in confirmed.challenge.pairs:
        say(f"the TPM of {pair.ek} has {pair.ak}")
    say(
        f"for you alone; with the manufacturer's anchor: bundle verify {file} --confirmed {secret} --anchor …"
    )
    return Exit.PASSED
