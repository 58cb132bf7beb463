# SPDX-License-Identifier: Apache-2.0
"""Recheck: have a machine's TPM make the attestation key of an old bundle again, and compare the Names.

A re-derivable AK is a primary key: endorsement seed and template give the same key and the same Name on
this TPM, after resets and after TPM2_Clear, and on no other (TPM 2.0 Library, Part 1, "Primary Seeds").
"""

from __future__ import annotations

from dataclasses import dataclass

from bundlefmt.bundle import Bundle
from bundlefmt.evidence.tpm import TpmtPublic
from bundletools.capture import ENDORSEMENT
from bundletools.devices import Tpm


class NotRecheckableError(Exception):
    """The bundle lacks what would be compared; `hint` says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


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
    recorded = TpmtPublic.decode(bundle.content[of].value).name()
    with tpm.primary(ENDORSEMENT, TpmtPublic.decode(template)) as key:
        return Derived(label=of, recorded=recorded, derived=TpmtPublic.decode(key.public).name())


def _template_item(bundle: Bundle) -> tuple[str, str]:
    """The labels of the template and of the AK that it is of."""
    for label, item in bundle.manifest.items.items():
        if item.role == "ak-template" and len(item.ref("of")) == 1:
            return label, item.ref("of")[0]
    raise NotRecheckableError(
        "this bundle has no AK template: its attestation key was made to die with its session",
        hint="only a re-derivable AK can be rechecked",
    )
