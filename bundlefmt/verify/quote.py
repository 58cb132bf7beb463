# SPDX-License-Identifier: Apache-2.0
"""Judgements on quotes: the statement, its selection, and the PCR values behind it.

Spec: "Verification", step 6.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from bundlefmt.evidence import tpm
from bundlefmt.evidence.attested import TpmsQuoteInfo
from bundlefmt.evidence.pcr import bank_size
from bundlefmt.evidence.tpm import TpmAlg, UnsupportedAlgorithmError, alg_name
from bundlefmt.verify import statement
from bundlefmt.verify.checks import Check, each
from bundlefmt.verify.context import Context, Fail, Skip, Unsure


def _info(context: Context, label: str) -> TpmsQuoteInfo:
    attested = statement.attest_of(context, label).attested
    if not isinstance(attested, TpmsQuoteInfo):
        raise Skip(f"{label} is not a quote")
    return attested


def _selection(context: Context, label: str) -> str:
    """The PCRs quoted are not none, none twice, and exactly those whose values are given."""
    selected = _info(context, label).selected
    if not selected:
        raise Fail("no PCR is quoted")
    if len(set(selected)) != len(selected):
        raise Fail("a PCR is quoted twice")
    chosen = set(selected)
    for values in context.referring("pcr-values", "quoted-by", label):
        rows = context.pcr_values.form(values)
        given = ((bank, index) for bank, row in rows.items() for index in row)
        # no more are looked for than are shown, as a file may give very many
        unquoted = list(islice((pcr for pcr in given if pcr not in chosen), 4))
        if unquoted:
            shown = ", ".join(f"{alg_name(bank)}:{index}" for bank, index in unquoted)
            raise Fail(f"{values} holds values that are not quoted: {shown}")
        if any(index not in rows.get(bank, {}) for bank, index in selected):
            raise Fail(f"{values} lacks values that are quoted")
    banks = {bank for bank, _ in selected}
    return f"{len(selected)} PCRs in {', '.join(alg_name(bank) for bank in sorted(banks))}"


def _bank(context: Context, label: str) -> str:
    """Each PCR quoted is quoted in a bank stronger than SHA-1, and every bank is known."""
    selected = _info(context, label).selected
    if not selected:
        raise Skip("no PCR is quoted")
    banks = {bank for bank, _ in selected}
    weak = {i for bank, i in selected if bank == TpmAlg.SHA1}
    weak -= {i for bank, i in selected if bank != TpmAlg.SHA1}
    if weak and not context.policy.allow_sha1:
        raise Fail(f"quoted in the SHA-1 bank only: PCR {', '.join(map(str, sorted(weak)))}")
    unknown = sorted(bank for bank in banks if bank_size(bank) is None)
    if unknown:
        raise Unsure(f"bank {alg_name(unknown[0])} is not known here")
    return ", ".join(alg_name(bank) for bank in sorted(banks))


def _pcrs(context: Context, label: str) -> str:
    """The digest in the quote, by the signing scheme's hash, is that of the values given."""
    info = _info(context, label)
    carried = context.referring("pcr-values", "quoted-by", label)
    if not carried:
        raise Unsure("no PCR values are given: only their digest is known")
    scheme_hash = context.publics(context.target(label, "by")).scheme_hash
    if scheme_hash is None:
        raise Skip("the attestation key fixes no scheme")
    for values in carried:
        given = context.pcr_values(values)
        row = [given.get(bank, {}).get(index) for bank, index in info.selected]
        known = [value for value in row if value is not None]
        if len(known) != len(row):
            raise Fail(f"{values} lacks values that are quoted")
        try:
            computed = tpm.digest(scheme_hash, b"".join(known))
        except UnsupportedAlgorithmError as error:
            raise Unsure(str(error)) from None
        if computed != info.pcr_digest:
            raise Fail(f"the digest in the quote is not that of {values}")
    return f"the digest in the quote is that of {', '.join(carried)}"


_ROLES: Final = ("quote",)
CHECKS: Final = (
    *statement.checks("quote", "quote"),
    Check("quote.selection", each(_ROLES, _selection)),
    Check("quote.bank", each(_ROLES, _bank)),
    Check("quote.pcrs", each(_ROLES, _pcrs)),
)
