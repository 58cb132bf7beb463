# SPDX-License-Identifier: Apache-2.0
"""Recheck: have a machine's TPM bring the attestation key of an old bundle back, and speak with it.

A re-derivable AK is a primary key: endorsement seed and template give the same key and the same Name on
this TPM, after resets and after TPM2_Clear, and on no other (TPM 2.0 Library, Part 1, "Primary Seeds").
Whatever answers as a TPM can repeat a public area, so the key that came back also quotes, over a nonce and
the digest of the old manifest: what the binding of a snapshot after it would be that binds nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.ek_template import recognised
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.evidence.tpm_signature import SignatureMismatchError, TpmtSignature
from bundlefmt.frozen import frozen
from bundlefmt.manifest import Binding, Digest
from bundlefmt.wire import Buffer
from bundletools.attestation_key import (
    ENDORSEMENT,
    PERSISTENT,
    Persistent,
    Returning,
    Template,
)
from bundletools.devices import LoadedKey, Tpm
from bundletools.errors import DeviceError
from bundletools.errors import NotRecheckableError as NotRecheckableError

NONCE_SIZE: Final = 32


@frozen
class Derived:
    """The Name that a bundle gives for its attestation key, and the Name of the key that came back."""

    label: str
    recorded: bytes
    derived: bytes

    @property
    def same(self) -> bool:
        return self.recorded == self.derived


def sealed_value(bundle: Bundle, label: str) -> Buffer:
    """The artifact as it was sealed. Raises NotRecheckableError."""
    if label not in bundle.content:
        raise NotRecheckableError(f"{label} is withheld from this bundle: there is nothing to compare with")
    value = bundle.content[label].value
    if not bundle.manifest.items[label].digest.matches(value):
        raise NotRecheckableError(f"{label} does not have the digest that was sealed")
    return value


def returning(bundle: Bundle, ak: str, template: bytes | None = None) -> Returning:
    """How the attestation key `ak` of a bundle comes back; `template` where that is withheld.

    Raises NotRecheckableError; MalformedError where the template cannot be read.
    """
    items = bundle.manifest.items
    label = next(
        (each for each, item in items.items() if item.role == "ak-template" and ak in item.ref("of")), None
    )
    if label is not None:
        if template is None:
            if label not in bundle.content:
                raise NotRecheckableError(
                    f"{label} is withheld from this bundle", hint="--template FILE gives the operator's copy"
                )
            template = bytes(bundle.content[label].value)
        if not items[label].digest.matches(template):
            raise NotRecheckableError("this template does not have the digest that was sealed")
        return Template(public=TpmtPublic.decode(template))
    claimed = items[ak].claimed
    if claimed.get("lifetime") == "persistent":
        return Persistent(handle=persistent_handle(claimed.get("handle")))
    if claimed.get("lifetime") == "saved-context":
        raise NotRecheckableError(
            "the attestation key of this bundle lay in a saved context", hint="--ak context:FILE gives it"
        )
    raise NotRecheckableError(
        "this bundle has no AK template: its attestation key was made to die with its session",
        hint="only a re-derivable AK can be rechecked, or one that the TPM keeps: --ak persistent:HANDLE",
    )


def persistent_handle(text: object) -> int:
    """A persistent handle from its digits. Raises NotRecheckableError for anything else."""
    try:
        handle = int(text, 16) if isinstance(text, str) else -1
    except ValueError:
        handle = -1
    if handle not in PERSISTENT:
        raise NotRecheckableError(
            f"{str(text)[:40]!r} is no persistent handle", hint="0x81000000 to 0x81ffffff"
        )
    return handle


def attestation_keys(bundle: Bundle) -> list[str]:
    """The labels of the attestation keys. Raises NotRecheckableError where there is none."""
    found = [label for label, item in sorted(bundle.manifest.items.items()) if item.role == "ak-public"]
    if not found:
        raise NotRecheckableError("this bundle has no attestation key")
    return found


def the_attestation_key(bundle: Bundle) -> str:
    """The one attestation key of a bundle. Raises NotRecheckableError where there are others."""
    found = attestation_keys(bundle)
    if len(found) != 1:
        raise NotRecheckableError(f"this bundle has several attestation keys: {', '.join(found)}")
    return found[0]


def derive(
    tpm: Tpm, bundle: Bundle, source: Returning | None = None, *, nonce: bytes | None = None
) -> Derived:
    """Bring the AK back, and have it quote over a nonce and the manifest where it is the same.

    `nonce` is a challenger's, of 16 to 64 bytes; by default a new one is taken.

    Seals are not looked at: that is verification. Raises NotRecheckableError, DeviceError; MalformedError
    where template or public area cannot be read.
    """
    label = the_attestation_key(bundle)
    recorded = TpmtPublic.decode(sealed_value(bundle, label))
    with (source or returning(bundle, label)).loaded(tpm) as key:
        derived = TpmtPublic.decode(key.public).name()
        if derived == recorded.name():
            _require_private_key(tpm, key, recorded, after(bundle, nonce or secrets.token_bytes(NONCE_SIZE)))
    return Derived(label=label, recorded=recorded.name(), derived=derived)


def after(bundle: Bundle, nonce: bytes) -> bytes:
    """What a key repeats to have spoken after a bundle's manifest was written (Spec: "Binding")."""
    binding = Binding(alg=labels.HASH_SHA256, nonce=nonce, over=())
    return binding.digest({}, Digest.of(bundle.manifest_raw))


def _require_private_key(tpm: Tpm, key: LoadedKey, recorded: TpmtPublic, qualifying: bytes) -> None:
    """A quote over what nobody quoted before verifies with the public area in the bundle."""
    quoted = tpm.quote(key, tpm.pcr_banks(), qualifying)
    try:
        TpmtSignature.decode(quoted.signature).verify(recorded, quoted.attest)
    except SignatureMismatchError:
        raise DeviceError("the TPM shows the bundle's attestation key and cannot sign with it") from None
    if TpmsAttest.decode(quoted.attest).extra_data != qualifying:
        raise DeviceError("the TPM answers with a statement that was made for something else")


@contextmanager
def endorsement_key(tpm: Tpm, bundle: Bundle, label: str) -> Iterator[LoadedKey | None]:
    """The EK `label` of a bundle, made by this TPM; None where this TPM makes another one."""
    recorded = TpmtPublic.decode(sealed_value(bundle, label))
    name = recognised(recorded)
    for template in tpm.ek_templates().values():
        if recorded.same_template(template):
            with tpm.primary(ENDORSEMENT, template) as key:
                yield key if TpmtPublic.decode(key.public).name() == recorded.name() else None
            return
    raise NotRecheckableError(f"{label} is by a template that this TPM does not know: {name or 'none'}")


def whose(tpm: Tpm, bundle: Bundle) -> str:
    """Why the attestation key is another one, as far as the endorsement keys tell it."""
    eks = [label for label, item in sorted(bundle.manifest.items.items()) if item.role == "ek-public"]
    eks = [label for label in eks if label in bundle.content]
    if not eks:
        return (
            "another TPM, or another endorsement seed: the bundle has no endorsement key to tell them apart"
        )
    try:
        with endorsement_key(tpm, bundle, eks[0]) as key:
            if key is not None:
                return "the endorsement key is the bundle's: this TPM, and another attestation key"
    except NotRecheckableError as error:
        return f"another TPM, or another endorsement seed; {error}"
    here = {certificate.der for certificate in tpm.ek_certificates()}
    there = {
        bytes(bundle.content[label].value)
        for label, item in bundle.manifest.items.items()
        if item.role == "ek-certificate" and label in bundle.content
    }
    if here & there:
        return "this TPM, whose endorsement seed was changed (TPM2_ChangeEPS): no key of before comes back"
    return "another TPM, or one whose endorsement seed was changed (TPM2_ChangeEPS; TPM2_Clear keeps it)"
