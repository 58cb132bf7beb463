# SPDX-License-Identifier: Apache-2.0
"""What a bundle says of times, and how each is known: claimed, certified, stamped, mined, or chosen.

By when something existed is shown by authorities that the verifier trusts for time and by blocks that it
knows, and by nothing else: the only other clock in a bundle that its makers cannot set is the TPM's, which
counts from its own start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Final

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.frozen import frozen
from bundlefmt.render.case import Case, worst
from bundlefmt.render.graph_arrows import signer_of
from bundlefmt.verify import Finding, Outcome
from bundlefmt.verify.blocks import Blocks
from bundlefmt.verify.context import Judgement
from bundlefmt.verify.signers import Signers
from bundlefmt.verify.statement import KINDS

# role -> the checks by which the issuer's word on the validity stands
_ISSUED: Final = {
    "piv-certificate": ("piv.signature", "piv.chain"),
    "openpgp-attestation": ("hardware.chain",),
    "piv-attestation": ("hardware.chain",),
    "cross-certificate": ("cross.signature",),
    "tpm-binding-certificate": ("binding.chain",),
    "ek-certificate": ("ek.chain",),
    "ak-certificate": ("ak.certificate",),
}


class Known(StrEnum):
    """How a time is known."""

    CLAIMED = "claimed"  # the word of whoever wrote or signed it
    CERTIFIED = "certified"  # the word of an issuer, by a signature that holds
    STAMPED = "stamped"  # the word of an authority of time that the verifier trusts, and that holds
    MINED = "mined"  # that of a block that the verifier knows, and what its miner's clock may be ahead
    CHOSEN = "chosen"  # the verifier's own


@frozen
class Moment:
    """`seconds` since the epoch; `what` happened, of which item (a label, `seal N`, or nothing)."""

    seconds: int
    what: str
    item: str
    known: Known
    by: str


@frozen
class Span:
    """The validity of a certificate by its issuer's word, or its holder's; `end` is None where there is none.

    Seconds since the epoch.
    """

    item: str
    start: int
    end: int | None
    known: Known
    by: str


@frozen
class Reading:
    """What a statement says of the TPM's clock and boots, and what was found of the statement."""

    item: str
    attest: TpmsAttest
    outcome: Outcome
    plain: bool


def moments(case: Case) -> Iterator[Moment]:
    """Single times, in the order of the bundle; who shows them sorts them."""
    created = case.bundle.manifest.created
    yield Moment(
        seconds=created, what="the manifest was made", item="", known=Known.CLAIMED, by="the manifest"
    )
    if case.report.policy.at is not None:
        at = case.report.policy.at
        yield Moment(
            seconds=at, what="certificates are judged", item="", known=Known.CHOSEN, by="the verifier"
        )
    for number in range(1, len(case.bundle.seals) + 1):
        with suppress(Judgement):
            seconds = case.context.area(Signers).untrusted_time(number - 1)
            by = f"its signer, {signer_of(case, number)}"
            yield Moment(seconds=seconds, what="was made", item=f"seal {number}", known=Known.CLAIMED, by=by)
    yield from _stamped_seals(case)
    yield from _stamped(case)
    yield from _mined(case)


def _stamped_seals(case: Case) -> Iterator[Moment]:
    """By when a seal existed that has a timestamp of its own; by its own word where that does not hold."""
    stamps = case.context.seal_stamps
    for number in range(len(case.bundle.seals)):
        with suppress(Judgement):
            latest = stamps.form(number).token.info.latest
            held = stamps.holding(number)
            yield Moment(
                seconds=latest if held is None else held.by,
                what="existed",
                item=f"seal {number + 1}",
                known=Known.CLAIMED if held is None else Known.STAMPED,
                by="its authority" if held is None else str(held.chain.certificates[-1]),
            )


def _stamped(case: Case) -> Iterator[Moment]:
    """By when everything before a renewal existed; by the renewal's own word where it does not hold."""
    existence = case.context.existence
    for number in range(existence.stamps.count):
        with suppress(Judgement):
            seconds = existence.stamps.form(number).token.info.latest
            held = existence.held.get(number)
            by = "its authority" if held is None else str(held.chain.certificates[-1])
            known = Known.CLAIMED if held is None else Known.STAMPED
            what = f"existed: all that is before renewal {number + 1}"
            yield Moment(seconds=seconds, what=what, item="", known=known, by=by)


def _mined(case: Case) -> Iterator[Moment]:
    """By when everything before a renewal existed by a block; by the header's word where it is not known."""
    blocks = case.context.area(Blocks)
    for number in range(case.context.existence.stamps.count):
        with suppress(Judgement):
            known = blocks.holding(number)
            for block in blocks.form(number) if known is None else (known,):
                yield Moment(
                    seconds=block.by,
                    what=f"existed: all that is before renewal {number + 1}",
                    item="",
                    known=Known.CLAIMED if known is None else Known.MINED,
                    by=f"block {block.height} of Bitcoin",
                )


def spans(case: Case) -> Iterator[Span]:
    """Validities of certificates, by label; a certificate that cannot be read has none."""
    for label, item in sorted(case.items.items()):
        record = case.bundle.content.get(label)
        if record is None:
            continue
        if item.type == labels.TYPE_CERTIFICATE:
            with suppress(Judgement):
                facts = case.context.certificates(label)
                found = case.about(_ISSUED.get(item.role, ()), (label,))
                stands = bool(found) and worst(_decided(found)) is Outcome.PASSED
                own = facts.subject == facts.issuer
                yield Span(
                    item=label,
                    start=facts.not_before,
                    end=facts.not_after,
                    known=Known.CERTIFIED if stands and not own else Known.CLAIMED,
                    by="its holder" if own else "its issuer",
                )
        elif item.role == "openpgp-certificate":
            with suppress(MalformedError, openpgp.OpenPgpError):
                primary = openpgp.certificate_facts(record.value).keys[0]
                yield Span(
                    item=label,
                    start=primary.created,
                    end=primary.expires,
                    known=Known.CLAIMED,
                    by="its holder",
                )


def _decided(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A self-signed certificate has no chain: what was skipped says nothing here."""
    return tuple(each for each in found if each.outcome is not Outcome.SKIPPED)


def readings(case: Case) -> Iterator[Reading]:
    """The statements that can be read, by label."""
    for label in case.context.labels(*KINDS):
        with suppress(Judgement):
            attest = case.context.attests(label)
            signer = case.about(
                (f"{_area(case, label)}.{name}" for name in ("signature", "signer")), (label,)
            )
            # in other hierarchies a TPM shifts its counters (TPM 2.0 Library, Part 1, "Attestation")
            plain = not any("obfuscated" in each.message for each in signer)
            yield Reading(item=label, attest=attest, outcome=worst(signer), plain=plain)


def _area(case: Case, label: str) -> str:
    role = case.items[label].role
    return {"certify-creation": "creation", "time": "clock", "nv-certify": "nv"}.get(role, role)
