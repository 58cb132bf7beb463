# SPDX-License-Identifier: Apache-2.0
"""Judgements on OpenPGP: each certificate at the verifier's time, each seal's signature at its own.

Spec: "Verification", step 3; "OpenPGP certificates".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bundlefmt import labels
from bundlefmt.verify.checks import Check, Result, each, judged
from bundlefmt.verify.context import Area, Context, Fail, Once, Skip, Unsure
from bundlefmt.verify.openpgp_signature import SignatureStanding
from bundlefmt.verify.openpgp_standing import Standing
from bundlefmt.verify.signers import Signers

_ROLE: Final = "openpgp-certificate"


class Certificates(Area):
    """How each certificate among the items stands."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.standing = Once(self._standing)

    def _standing(self, label: str) -> Standing:
        return Standing(self.context.openpgp(label), self.context.at)


def _form(context: Context, label: str) -> str:
    """The item is one binary transferable public key, without secrets."""
    said = context.openpgp.form(label)
    unread = len(said.certificate.unread)
    return f"{said.certificate.fingerprint}{f'; signatures not read: {unread}' if unread else ''}"


def _of_item(context: Context, label: str, decide: Callable[[Standing], str]) -> str:
    return decide(context.area(Certificates).standing(label))


def _of_seal(context: Context, number: int, decide: Callable[[SignatureStanding], str]) -> str:
    try:
        standing = context.area(Signers).standing(number)
    except (Fail, Unsure):
        raise Skip("the signer is not known") from None
    return decide(standing)


def _of_seals(decide: Callable[[SignatureStanding], str]) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides for each OpenPGP seal; findings count them as those of `seal.*` do."""

    def judge(context: Context) -> Iterator[Result]:
        for number, seal in enumerate(context.bundle.seals):
            if seal.type == labels.SEAL_OPENPGP:
                yield judged((f"seal {number + 1}",), partial(_of_seal, context, number, decide))

    return judge


def _of_both(decide: Callable[[Standing], str]) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides for each certificate among the items, then for each OpenPGP seal."""

    def judge(context: Context) -> Iterator[Result]:
        for label in context.labels(_ROLE):
            yield judged((label,), partial(_of_item, context, label, decide))
        yield from _of_seals(decide)(context)

    return judge


CHECKS: Final = (
    Check("openpgp.form", each((_ROLE,), _form)),
    Check("openpgp.time", _of_both(lambda standing: standing.time())),
    Check("openpgp.binding", _of_both(lambda standing: standing.binding())),
    Check("openpgp.subkey", _of_seals(lambda standing: standing.subkey())),
    Check("openpgp.flags", _of_seals(lambda standing: standing.flags())),
    Check("openpgp.expiry", _of_both(lambda standing: standing.expiry())),
    Check("openpgp.revocation", _of_both(lambda standing: standing.revocation())),
    Check("openpgp.algorithms", _of_both(lambda standing: standing.algorithms())),
    Check("openpgp.critical", _of_both(lambda standing: standing.critical())),
    Check("openpgp.policy", _of_both(lambda standing: standing.policy())),
)
