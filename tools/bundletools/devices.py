# SPDX-License-Identifier: Apache-2.0
"""What capturing asks of a device: protocols, so that one procedure serves every driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.frozen import frozen
from bundletools.errors import DeviceError as DeviceError


@frozen
class EkCertificate:
    """One EK certificate as it lies in the TPM: DER without the padding behind it."""

    der: bytes
    nv_index: int


@frozen
class Creation:
    """What the TPM said when it created a key: TPMS_CREATION_DATA, its hash, TPMT_TK_CREATION."""

    data: bytes
    hash: bytes
    ticket: bytes


@frozen
class LoadedKey:
    """A key in the TPM: its handle, its public area as TPMT_PUBLIC.

    `qualified_name` as the TPM gives it, of a key that was found there: it says under which parent it is.
    """

    handle: int
    public: bytes
    qualified_name: bytes = b""


@frozen
class CreatedKey(LoadedKey):
    """A key that was just made, and how it was created."""

    creation: Creation


@frozen
class Attested:
    """TPMS_ATTEST and the TPMT_SIGNATURE over it, in wire form."""

    attest: bytes
    signature: bytes


class Tpm(Protocol):
    """One TPM. Every method raises DeviceError. Keys made here are gone when flushed, or at a reset."""

    def ek_certificates(self) -> Sequence[EkCertificate]:
        """All EK certificates in NV, in the order of their indices."""

    def ek_chain(self) -> Sequence[bytes]:
        """DER certificates of issuers that the manufacturer put into NV."""

    def ek_templates(self) -> Mapping[str, TpmtPublic]:
        """The templates of this TPM's endorsement keys by name, also those that its maker put into NV."""

    def primary(self, hierarchy: int, template: TpmtPublic) -> AbstractContextManager[CreatedKey]:
        """A primary key of a hierarchy (TPM_RH), made from its seed and the template; flushed at the end."""

    def persistent(self, handle: int) -> AbstractContextManager[LoadedKey]:
        """The key that lies at a persistent handle, and stays there."""

    def saved(self, context: bytes) -> AbstractContextManager[LoadedKey]:
        """The key in a saved context, in the form of tpm2-tools; flushed at the end."""

    def child(
        self,
        parent: LoadedKey,
        template: TpmtPublic,
        *,
        outside_info: bytes,
        creation_pcrs: Mapping[int, Sequence[int]],
    ) -> AbstractContextManager[CreatedKey]:
        """A new key under `parent`, whose private part is not kept; flushed at the end.

        `outside_info` (at most 64 bytes) and the values of `creation_pcrs` become part of its creation data.
        """

    def activate(self, ak: LoadedKey, ek: LoadedKey, blob: bytes, encrypted_secret: bytes) -> bytes:
        """TPM2_ActivateCredential: the credential in TPMS_ID_OBJECT `blob`, if it was made for both keys."""

    def pcr_banks(self) -> Mapping[int, Sequence[int]]:
        """TPM_ALG_ID of each allocated bank, and the indices of its PCRs."""

    def read_pcrs(self, banks: Mapping[int, Sequence[int]]) -> PcrValues:
        """The values of these PCRs, of one moment: read again when one was extended meanwhile."""

    def quote(self, ak: LoadedKey, banks: Mapping[int, Sequence[int]], qualifying: bytes) -> Attested:
        """TPM2_Quote."""

    def certify(self, key: LoadedKey, ak: LoadedKey, qualifying: bytes) -> Attested:
        """TPM2_Certify of `key` by `ak`."""

    def sign(self, key: LoadedKey, digest: bytes) -> bytes:
        """TPM2_Sign by the scheme that the key fixes; TPMT_SIGNATURE. `digest` is by the scheme's hash."""

    def certify_creation(self, key: CreatedKey, ak: LoadedKey, qualifying: bytes) -> Attested:
        """TPM2_CertifyCreation of `key` by `ak`."""
