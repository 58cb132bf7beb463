# SPDX-License-Identifier: Apache-2.0
"""How a TPM's key came to be and was asked for, in words: what is said of itself, not whether it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.tpm import alg_name
from bundlefmt.render.words import indices, plural
from bundlefmt.wire import Buffer


def _creation(data: Buffer) -> dict[str, str]:
    creation = TpmsCreationData.decode(data)
    banks = (f"{alg_name(bank.hash)}: PCR {indices(list(bank.indices))}" for bank in creation.pcr_select)
    return {
        "created": creation.describe(),
        "PCRs at creation": "; ".join(banks) or "none",
        "outsideInfo": creation.outside_info.hex(),
    }


def _ticket(data: Buffer) -> dict[str, str]:
    return {"ticket": TpmtTkCreation.decode(data).describe()}


def _activation(data: Buffer) -> dict[str, str]:
    record = CredentialActivation.decode(data)
    given = [name for name in ("seed", "ephemeral") if getattr(record, name) is not None]
    return {
        "challenge": f"a credential of {plural(len(record.credential), 'byte')}",
        "randomness": ", ".join(given) or "kept by the challenger",
    }


_BY_ROLE: Final[Mapping[str, Callable[[Buffer], dict[str, str]]]] = {
    "creation-data": _creation,
    "creation-ticket": _ticket,
    "credential-activation": _activation,
}


def creation_facts(role: str, data: Buffer) -> dict[str, str]:
    """Raises MalformedError."""
    return _BY_ROLE[role](data)
