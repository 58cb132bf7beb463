# SPDX-License-Identifier: Apache-2.0
"""Where an attestation key comes from: a template, a persistent handle, a saved context, or this session.

Spec: "Lifetimes of attestation keys".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from bundlefmt.evidence.tpm import TpmAlg, TpmaObject, TpmtPublic
from bundlefmt.frozen import frozen
from bundletools import templates
from bundletools.devices import DeviceError, LoadedKey, Tpm

ENDORSEMENT: Final = 0x4000000B  # TPM_RH (Part 2, 7.4)
PERSISTENT: Final = range(0x81000000, 0x82000000)  # Part 2, 7.2 TPM_HT_PERSISTENT
_ATTESTING: Final = (
    TpmaObject.fixedTPM
    | TpmaObject.fixedParent
    | TpmaObject.sensitiveDataOrigin
    | TpmaObject.restricted
    | TpmaObject.sign_encrypt
)


@frozen
class NewTemplate:
    """A new key that its template makes again, whenever it is asked for."""

    kind: str = "ecc256"

    def made(self, unique: bytes) -> Template:
        return Template(public=templates.attestation_key(self.kind, unique))


@frozen
class Session:
    """A new key under an EK, whose private part is not kept."""

    kind: str = "ecc256"

    @property
    def claimed(self) -> Mapping[str, object]:
        return {"lifetime": "session"}


@frozen
class Template:
    """The primary key that this template yields in the endorsement hierarchy."""

    public: TpmtPublic

    @property
    def claimed(self) -> Mapping[str, object]:
        return {"lifetime": "re-derivable"}

    @contextmanager
    def loaded(self, tpm: Tpm) -> Iterator[LoadedKey]:
        with tpm.primary(ENDORSEMENT, self.public) as key:
            yield key


@frozen
class Persistent:
    """The key at a persistent handle."""

    handle: int

    @property
    def claimed(self) -> Mapping[str, object]:
        return {"lifetime": "persistent", "handle": f"{self.handle:#010x}"}

    @contextmanager
    def loaded(self, tpm: Tpm) -> Iterator[LoadedKey]:
        with tpm.persistent(self.handle) as key:
            yield _attesting(key)


@frozen
class SavedContext:
    """The key in a saved context, as tpm2-tools write it; it does not outlive a reset of the TPM."""

    data: bytes

    @property
    def claimed(self) -> Mapping[str, object]:
        return {"lifetime": "saved-context"}

    @contextmanager
    def loaded(self, tpm: Tpm) -> Iterator[LoadedKey]:
        with tpm.saved(self.data) as key:
            yield _attesting(key)


# what can come back, and what else a capture can start from
Returning = Template | Persistent | SavedContext
AkSource = NewTemplate | Session | Returning


def _attesting(key: LoadedKey) -> LoadedKey:
    """A key that somebody else made is one that verifiers accept. Raises DeviceError."""
    public = TpmtPublic.decode(key.public)
    missing = _ATTESTING & ~public.attributes
    if missing:
        raise DeviceError(
            f"this is no attestation key: {', '.join(missing.names())} lacking",
            hint="tpm2_createak makes one; bundle capture makes its own",
        )
    if public.attributes & TpmaObject.decrypt:
        raise DeviceError("this is no attestation key: it may also decrypt")
    if public.scheme == TpmAlg.NULL:
        raise DeviceError("this is no attestation key: it has no signing scheme")
    return key
