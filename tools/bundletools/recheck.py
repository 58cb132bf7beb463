# SPDX-License-Identifier: Apache-2.0
"""Recheck: have a machine's TPM make the attestation key of an old bundle again, and compare the Names.

A re-derivable AK is a primary key: endorsement seed and template give the same key and the same Name on
this TPM, after resets and after TPM2_Clear, and on no other (TPM 2.0 Library, Part 1, "Primary Seeds").
Whatever answers as a TPM can repeat a public area, so the key made again also quotes over a fresh nonce.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bundlefmt.bundle import Bundle
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_signature import SignatureMismatchError, TpmtSignature
from bundletools.capture import ENDORSEMENT
from bundletools.devices import LoadedKey, Tpm
from bundletools.errors import DeviceError
from bundletools.errors import NotRecheckableError as NotRecheckableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """The Name that a bundle gives for its attestation key, and the Name of the key made again."""

    label: str
    recorded: bytes
    derived: bytes

    @property
    def same(self) -> bool:
        return self.recorded == self.derived


def derive(tpm: Tpm, bundle: Bundle, template: bytes | None = None) -> Derived:
    """Make the AK again from its template item, or from `template` where that is withheld.

    Seals are not looked at: that is verification. Raises NotRecheckableError, DeviceError; MalformedError
    where template or public area cannot be read.
    """
    label, of = _template_item(bundle)
    if template is None:
        if label not in bundle.content:
            raise NotRecheckableError(
                f"{label} is withheld from this bundle", hint="--template FILE gives the operator's copy"
            )
        template = bytes(bundle.content[label].value)
    if not bundle.manifest.items[label].digest.matches(template):
        raise NotRecheckableError("this template does not have the digest that was sealed")
    if of not in bundle.content:
        raise NotRecheckableError(f"{of} is withheld from this bundle: there is no Name to compare with")
    if not bundle.manifest.items[of].digest.matches(bundle.content[of].value):
        raise NotRecheckableError(f"{of} does not have the digest that was sealed")
    recorded = TpmtPublic.decode(bundle.content[of].value)
    with tpm.primary(ENDORSEMENT, TpmtPublic.decode(template)) as key:
        derived = TpmtPublic.decode(key.public).name()
        if derived == recorded.name():
            _require_private_key(tpm, key, recorded)
    return Derived(label=of, recorded=recorded.name(), derived=derived)


def _require_private_key(tpm: Tpm, key: LoadedKey, recorded: TpmtPublic) -> None:
    """A quote over a fresh nonce verifies with the public area in the bundle. Raises DeviceError."""
    nonce = secrets.token_bytes(32)
    quoted = tpm.quote(key, tpm.pcr_banks(), nonce)
    try:
        TpmtSignature.decode(quoted.signature).verify(recorded, quoted.attest)
    except SignatureMismatchError:
        raise DeviceError("the TPM shows the bundle's attestation key and cannot sign with it") from None
    if TpmsAttest.decode(quoted.attest).extra_data != nonce:
        raise DeviceError("the TPM answers with a statement that was made for something else")


def _template_item(bundle: Bundle) -> tuple[str, str]:
    """The labels of the template and of the AK that it is of."""
    for label, item in bundle.manifest.items.items():
        if item.role == "ak-template" and len(item.ref("of")) == 1:
            return label, item.ref("of")[0]
    raise NotRecheckableError(
        "this bundle has no AK template: its attestation key was made to die with its session",
        hint="only a re-derivable AK can be rechecked",
    )
