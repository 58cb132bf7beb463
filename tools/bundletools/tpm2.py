# SPDX-License-Identifier: Apache-2.0
"""The `Tpm` protocol over tpm2-pytss: any TPM that tpm2-tss reaches (`device:`, `swtpm:`, `mssim:`).

TPM 2.0 Library, Part 3. The library is imported when a TPM is opened, so that verifying needs none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bundlefmt.evidence.ek_template import EK_CERTIFICATE_INDICES
from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import (
    TpmaObject,
    TpmsPcrSelection,
    TpmtPublic,
    encode_pcr_selection_list,
    read_pcr_selection_list,
    tpm2b,
)
from bundlefmt.evidence.x509 import CertificateError, split_der
from bundlefmt.wire import read_all
from bundletools.devices import Attested, Creation, DeviceError, EkCertificate, LoadedKey

_EK_CHAIN: Final = range(0x01C00100, 0x01C00200)  # EK Credential Profile, "NV indices": chain of issuers
_NV_INDICES: Final = range(0x01000000, 0x02000000)
_READ_ATTEMPTS: Final = 8
_RC_INITIALIZE: Final = 0x100
_RC_OBJECT_MEMORY: Final = 0x902
_RC_LOCKOUT: Final = 0x921
_HINTS: Final = {
    _RC_INITIALIZE: "the TPM has not been started: TPM2_Startup",
    _RC_OBJECT_MEMORY: "the TPM is full of keys: tpm2_flushcontext -t, or use device:/dev/tpmrm0",
    _RC_LOCKOUT: "the TPM is in dictionary-attack lockout: tpm2_dictionarylockout --clear-lockout",
}


@contextmanager
def open_tpm(tcti: str) -> Iterator[Tpm2]:
    """The TPM behind a TCTI configuration such as `device:/dev/tpmrm0`. Raises DeviceError."""
    # the library reads this when it is loaded; its messages would mix with ours
    os.environ.setdefault("TSS2_LOG", "all+none")
    try:
        import tpm2_pytss.utils
    except ImportError as error:
        raise DeviceError(
            f"tpm2-pytss cannot be loaded: {error}", hint="pip install 'evidence-bundle[tools]'"
        ) from None
    try:
        esapi = tpm2_pytss.ESAPI(tcti)
    except (tpm2_pytss.TSS2_Exception, RuntimeError) as error:
        raise DeviceError(f"no TPM behind {tcti}: {error}", hint="--tcti says where the TPM is") from None
    try:
        yield Tpm2(esapi)
    finally:
        esapi.close()


class Tpm2:
    """One TPM, spoken to through ESAPI. Every method raises DeviceError."""

    def __init__(self, esapi: Any) -> None:
        import tpm2_pytss.utils

        self._esapi = esapi
        self._tss = tpm2_pytss

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """The TPM's refusals while doing `what`, as DeviceError."""
        try:
            yield
        except self._tss.TSS2_Exception as error:
            raise DeviceError(f"{what}: {error}", hint=_HINTS.get(error.rc, "")) from None

    def _nv_indices(self) -> list[int]:
        with self._said("list NV indices"):
            _, data = self._esapi.get_capability(self._tss.TPM2_CAP.HANDLES, _NV_INDICES.start, 254)
        return sorted(int(handle) for handle in data.data.handles)

    def _nv_read(self, index: int) -> bytes:
        with self._said(f"read NV index {index:#010x}"):
            return bytes(self._tss.utils.NVReadEK(self._esapi)(index))

    def ek_certificates(self) -> Sequence[EkCertificate]:
        found = []
        for index in self._nv_indices():
            if index in EK_CERTIFICATE_INDICES:
                try:
                    der = split_der(self._nv_read(index))[0]
                except CertificateError as error:
                    raise DeviceError(f"NV index {index:#010x}: {error}") from None
                found.append(EkCertificate(der=der, nv_index=index))
        return found

    def ek_chain(self) -> Sequence[bytes]:
        """The chain is one row of certificates that is cut into NV indices."""
        row = b"".join(self._nv_read(index) for index in self._nv_indices() if index in _EK_CHAIN)
        try:
            return split_der(row) if row else []
        except CertificateError as error:
            raise DeviceError(f"the EK issuers in NV: {error}") from None

    def _public(self, template: TpmtPublic) -> Any:
        return self._tss.TPM2B_PUBLIC.unmarshal(tpm2b(template.encode()))[0]

    def _sensitive(self) -> Any:
        return self._tss.TPM2B_SENSITIVE_CREATE()

    def _hierarchy(self, handle: int) -> Any:
        names = {0x40000001: "OWNER", 0x40000007: "NULL", 0x4000000B: "ENDORSEMENT", 0x4000000C: "PLATFORM"}
        return getattr(self._tss.ESYS_TR, names[handle])

    @contextmanager
    def primary(self, hierarchy: int, template: TpmtPublic) -> Iterator[LoadedKey]:
        with self._said("create a primary key"):
            handle, public, *creation = self._esapi.create_primary(
                self._sensitive(), self._public(template), self._hierarchy(hierarchy)
            )
        try:
            yield LoadedKey(handle=handle, public=public.publicArea.marshal(), creation=_creation(*creation))
        finally:
            self._flush(handle)

    @contextmanager
    def child(
        self,
        parent: LoadedKey,
        template: TpmtPublic,
        *,
        outside_info: bytes,
        creation_pcrs: Mapping[int, Sequence[int]],
    ) -> Iterator[LoadedKey]:
        with self._authorised(parent) as session, self._said("create a key"):
            private, public, *creation = self._esapi.create(
                parent.handle,
                self._sensitive(),
                self._public(template),
                outside_info,
                self._selection(creation_pcrs),
                session1=session,
            )
        with self._authorised(parent) as session, self._said("load a key"):
            handle = self._esapi.load(parent.handle, private, public, session1=session)
        try:
            yield LoadedKey(handle=handle, public=public.publicArea.marshal(), creation=_creation(*creation))
        finally:
            self._flush(handle)

    @contextmanager
    def _authorised(self, key: LoadedKey) -> Iterator[Any]:
        """The session that opens a key: its empty password, or for a low-range EK its policy.

        That is PolicySecret of the endorsement hierarchy (EK Credential Profile, "PolicyA").
        """
        tss = self._tss
        if TpmtPublic.decode(key.public).attributes & TpmaObject.userWithAuth:
            yield tss.ESYS_TR.PASSWORD
            return
        none = tss.ESYS_TR.NONE
        with self._said("authorise with the hierarchy"):
            session = self._esapi.start_auth_session(
                none,
                none,
                tss.TPM2_SE.POLICY,
                tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL),
                tss.TPM2_ALG.SHA256,
            )
        try:
            with self._said("authorise with the hierarchy"):
                self._esapi.policy_secret(tss.ESYS_TR.ENDORSEMENT, session, b"", b"", b"", 0)
            yield session
        finally:
            self._flush(session)

    def activate(self, ak: LoadedKey, ek: LoadedKey, blob: bytes, encrypted_secret: bytes) -> bytes:
        tss = self._tss
        with self._authorised(ek) as session, self._said("activate a credential"):
            credential = self._esapi.activate_credential(
                ak.handle,
                ek.handle,
                tss.TPM2B_ID_OBJECT(credential=blob),
                tss.TPM2B_ENCRYPTED_SECRET(secret=encrypted_secret),
                session1=tss.ESYS_TR.PASSWORD,
                session2=session,
            )
        return bytes(credential)

    def _flush(self, handle: int) -> None:
        with self._said("flush"):
            self._esapi.flush_context(handle)

    def _selection(self, banks: Mapping[int, Sequence[int]]) -> Any:
        selections = tuple(TpmsPcrSelection.of(bank, indices) for bank, indices in banks.items())
        return self._tss.TPML_PCR_SELECTION.unmarshal(encode_pcr_selection_list(selections))[0]

    def pcr_banks(self) -> Mapping[int, Sequence[int]]:
        with self._said("list PCR banks"):
            _, data = self._esapi.get_capability(self._tss.TPM2_CAP.PCRS, 0, 16)
        selections = read_all(data.data.assignedPCR.marshal(), read_pcr_selection_list)
        return {selection.hash: selection.indices for selection in selections if selection.indices}

    def read_pcrs(self, banks: Mapping[int, Sequence[int]]) -> PcrValues:
        for _ in range(_READ_ATTEMPTS):
            values, counters = self._read_once(banks)
            if len(counters) == 1:
                return values
        raise DeviceError("the PCRs change faster than they can be read", hint="try again on a quiet machine")

    def _read_once(self, banks: Mapping[int, Sequence[int]]) -> tuple[PcrValues, set[int]]:
        """Values, and the update counters of all commands it took: a TPM answers eight PCRs at a time."""
        values: PcrValues = {bank: {} for bank in banks}
        wanted = {bank: list(indices) for bank, indices in banks.items()}
        counters = set()
        while any(wanted.values()):
            with self._said("read PCRs"):
                counter, selection, digests = self._esapi.pcr_read(
                    self._selection({bank: indices for bank, indices in wanted.items() if indices})
                )
            counters.add(int(counter))
            answered = read_all(selection.marshal(), read_pcr_selection_list)
            places = [(each.hash, index) for each in answered for index in each.indices]
            if not places:
                raise DeviceError("the TPM does not answer for all the PCRs that it lists")
            for (bank, index), value in zip(places, digests, strict=True):
                values[bank][index] = bytes(value)
                wanted[bank].remove(index)
        return values, counters

    def _scheme(self) -> Any:
        """TPM_ALG_NULL: the scheme that the key fixes."""
        return self._tss.TPMT_SIG_SCHEME(scheme=self._tss.TPM2_ALG.NULL)

    def quote(self, ak: LoadedKey, banks: Mapping[int, Sequence[int]], qualifying: bytes) -> Attested:
        with self._said("quote"):
            attest, signature = self._esapi.quote(
                ak.handle, self._selection(banks), qualifying, self._scheme()
            )
        return Attested(attest=bytes(attest), signature=signature.marshal())

    def certify(self, key: LoadedKey, ak: LoadedKey, qualifying: bytes) -> Attested:
        with self._said("certify"):
            attest, signature = self._esapi.certify(key.handle, ak.handle, qualifying, self._scheme())
        return Attested(attest=bytes(attest), signature=signature.marshal())

    def sign(self, key: LoadedKey, digest: bytes) -> bytes:
        tss = self._tss
        unrestricted = tss.TPMT_TK_HASHCHECK(tag=tss.TPM2_ST.HASHCHECK, hierarchy=tss.TPM2_RH.NULL)
        with self._said("sign"):
            signature: bytes = self._esapi.sign(key.handle, digest, self._scheme(), unrestricted).marshal()
        return signature

    def certify_creation(self, key: LoadedKey, ak: LoadedKey, qualifying: bytes) -> Attested:
        tss, creation = self._tss, key.creation
        ticket = tss.TPMT_TK_CREATION.unmarshal(creation.ticket)[0]
        with self._said("certify a creation"):
            attest, signature = self._esapi.certify_creation(
                ak.handle, key.handle, qualifying, creation.hash, self._scheme(), ticket
            )
        return Attested(attest=bytes(attest), signature=signature.marshal())


def _creation(data: Any, digest: Any, ticket: Any) -> Creation:
    return Creation(data=data.creationData.marshal(), hash=bytes(digest), ticket=ticket.marshal())
