# SPDX-License-Identifier: Apache-2.0
"""A transparency log's receipt for a COSE seal, put into its unprotected header once it is known to fit.

Spec: "COSE seals". RFC 9942, RFC 9943.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.receipt import entry_of
from bundlefmt.verify import Outcome, Policy
from bundlefmt.verify.judgement import Judgement
from bundlefmt.verify.registration import MAX_RECEIPTS, LogKey, log_key, proven, signer
from bundletools.errors import SealError
from bundletools.seal_header import SealHeader

_RECEIPT: Final = "receipt"


@frozen
class Registering:
    """The seal with this number, counted from one as findings do."""

    bundle: Bundle
    number: int

    @property
    def _header(self) -> SealHeader:
        return SealHeader(bundle=self.bundle, number=self.number)

    def message(self) -> CoseSign1:
        """The seal. Raises SealError where no receipt can be added to it."""
        message = self._header.message(
            _RECEIPT,
            otherwise="logs register COSE messages: bundle inspect shows which seals are",
            covered="receipts go in before bundle timestamp and bundle renew",
        )
        if labels.HDR_RECEIPTS in message.protected:
            raise SealError(f"seal {self.number} has receipts in its protected header, which no log made")
        if len(_listed(message)) >= MAX_RECEIPTS:
            raise SealError(f"seal {self.number} has {MAX_RECEIPTS} receipts, and verifiers read no more")
        return message

    def entry(self) -> bytes:
        """What a log is asked to register: the seal with an empty unprotected header. Raises SealError."""
        return entry_of(self.message())

    def registered(self, raw: bytes, *, anchors: Sequence[bytes] = ()) -> Bundle:
        """The bundle, its seal with the receipt. Raises SealError where that is none, or not of this seal;
        UsageError where it is there.

        `anchors` are keys of logs (DER). A receipt leads from an entry to a root, which it does not tell:
        without a key that signed it, any entry fits.
        """
        message = self.message()
        entry = entry_of(message)
        found = _read(raw, entry)
        if raw in _listed(message):
            raise UsageError(f"the receipt is in seal {self.number} already")
        logs = [log for anchor in anchors if (log := log_key(anchor)) is not None]
        if anchors and signer(*found, logs) is None:
            raise self._of_another(raw, logs)
        made = self._header.having(message, labels.HDR_RECEIPTS, [*_listed(message), raw])
        self._require_accepted(message, raw, anchors)
        return made

    def _require_accepted(self, message: CoseSign1, raw: bytes, anchors: Sequence[bytes]) -> None:
        """Raises SealError unless the verifier takes the receipt by itself, as far as it can be judged."""
        others = {
            label: value for label, value in message.unprotected.items() if label != labels.HDR_RECEIPTS
        }
        alone = self._header.having(replace(message, unprotected=others), labels.HDR_RECEIPTS, [raw])
        finding = self._header.finding(alone, Policy(anchors_log=tuple(anchors)), "seal.receipt")
        if finding.outcome is not (Outcome.PASSED if anchors else Outcome.SKIPPED):
            raise SealError(f"the receipt does not hold: {finding.check}: {finding.message}")

    def _of_another(self, raw: bytes, logs: Sequence[LogKey]) -> SealError:
        """Why no log that is known signed the root to which the receipt leads from this seal."""
        if _leads(raw, self.bundle.seals[self.number - 1].value, logs):
            return SealError(
                f"the log registered seal {self.number} with its unprotected header, and not the entry",
                hint="--request-out writes the entry, byte for byte",
            )
        for number, seal in enumerate(self.bundle.seals, 1):
            if (
                number != self.number
                and seal.type == labels.SEAL_COSE
                and _leads_from_seal(raw, seal.value, logs)
            ):
                return SealError(f"the receipt is of seal {number}", hint=f"--seal {number}")
        return SealError(
            f"the receipt is not of seal {self.number}, or not by a log of --anchor-log",
            hint="--request-out writes what the log must have registered, byte for byte",
        )


def _listed(message: CoseSign1) -> list[bytes]:
    """The receipts of a seal. Raises SealError where what stands there is none."""
    if labels.HDR_RECEIPTS not in message.unprotected:
        return []
    listed = message.unprotected[labels.HDR_RECEIPTS]
    receipts = [each for each in listed if isinstance(each, bytes)] if isinstance(listed, list) else []
    if not isinstance(listed, list) or len(receipts) != len(listed):
        raise SealError("the seal carries something else in the place of receipts")
    return receipts


def _read(raw: bytes, entry: bytes) -> tuple[CoseSign1, bytes]:
    """A receipt and the root to which it leads from the entry. Raises SealError."""
    try:
        found = proven(raw, entry)
    except Judgement as judgement:
        raise SealError(f"this is no receipt that can be kept: {judgement}") from None
    if found is None:
        raise SealError(
            "this is a receipt of another kind, or in another encoding, than verifiers judge",
            hint="one COSE receipt (RFC 9942) of inclusion by RFC9162_SHA256, in deterministic CBOR",
        )
    receipt, _, root = found
    return receipt, root


def _leads(raw: bytes, entry: bytes, logs: Sequence[LogKey]) -> bool:
    return signer(*_read(raw, entry), logs) is not None


def _leads_from_seal(raw: bytes, seal: bytes, logs: Sequence[LogKey]) -> bool:
    try:
        return _leads(raw, entry_of(CoseSign1.decode(seal)), logs)
    except MalformedError:
        return False
