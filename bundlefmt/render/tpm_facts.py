# SPDX-License-Identifier: Apache-2.0
"""The essentials of what a TPM made, in words: what it says of itself, not whether it is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedAlgorithmError, alg_name
from bundlefmt.evidence.tpm_signature import TpmtSignature
from bundlefmt.render.words import indices, plural
from bundlefmt.wire import Buffer


def _public(data: Buffer) -> dict[str, str]:
    public = TpmtPublic.decode(data)
    found = {"key": public.describe(), "attributes": ", ".join(public.attributes.names())}
    try:
        found["Name"] = public.name().hex()
    except UnsupportedAlgorithmError as error:
        found["Name"] = str(error)
    return found


def _template(data: Buffer) -> dict[str, str]:
    return {"template": TpmtPublic.decode(data).describe()}


def _name(data: Buffer) -> dict[str, str]:
    return {"Name": bytes(data[:66]).hex()}


def _attest(data: Buffer) -> dict[str, str]:
    attest = TpmsAttest.decode(data)
    clock = attest.clock_info
    safety = "safe" if clock.safe else "not safe"
    return {
        "statement": attest.describe(),
        "qualified signer": attest.qualified_signer.hex(),
        "extraData": attest.extra_data.hex(),
        "clock": f"{clock.clock} ms ({safety}), {plural(clock.reset_count, 'reset')}, "
        f"{plural(clock.restart_count, 'restart')}",
        "firmware": f"{attest.firmware_version:#x}",
    }


def _signature(data: Buffer) -> dict[str, str]:
    return {"signature": TpmtSignature.decode(data).describe()}


def _pcr_values(data: Buffer) -> dict[str, str]:
    return {alg_name(bank): f"PCR {indices(list(row))}" for bank, row in decode_pcr_values(data).items()}


_BY_ROLE: Final[Mapping[str, Callable[[Buffer], dict[str, str]]]] = {
    **dict.fromkeys(("ek-public", "ak-public", "key-public", "parent-public"), _public),
    "ak-template": _template,
    **dict.fromkeys(("ak-name", "key-name"), _name),
    **dict.fromkeys(("quote", "certify", "certify-creation", "time", "nv-certify"), _attest),
    "tpm-signature": _signature,
    "pcr-values": _pcr_values,
}


def tpm_facts(role: str, data: Buffer) -> dict[str, str]:
    """Raises MalformedError."""
    return _BY_ROLE[role](data)
