# SPDX-License-Identifier: Apache-2.0
"""The `Tpm` protocol over tpm2-pytss: any TPM that tpm2-tss reaches (`device:`, `swtpm:`, `mssim:`).

TPM 2.0 Library, Part 3. The library is imported when a TPM is opened, so that verifying needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.ek_template import (
    EK_CERTIFICATE_INDICES,
    EK_PROVISIONED_INDICES,
    EK_TEMPLATES,
    provisioned,
)
from bundlefmt.evidence.pcr import PcrValues
from bundlefmt.evidence.tpm import (
    HIERARCHIES,
    TpmaObject,
    TpmsPcrSelection,
    TpmtPublic,
    encode_pcr_selection_list,
    read_pcr_selection_list,
    tpm2b,
)
from bundlefmt.evidence.x509 import CertificateError, split_der
from bundlefmt.wire import read_all
from bundletools.devices import Attested, CreatedKey, Creation, DeviceError, EkCertificate, LoadedKey
from bundletools.tpm2_opening import open_esapi
from bundletools.tpm2_refusal import RC_NV_UNINITIALIZED, hint, tpm_code

_EK_CHAIN: Final = range(0x01C00100, 0x01C00200)  # EK Credential Profile, "NV indices": chain of issuers
_NV_INDICES: Final = range(0x01000000, 0x02000000)
_PAGE: Final = 254  # handles in one answer of 1024 bytes (Part 2, 6.2 MAX_CAP_HANDLES)
_READ_ATTEMPTS: Final = 8


@contextmanager
def open_tpm(tcti: str, *, endorsement_auth: bytes = b"", owner_auth: bytes = b"") -> Iterator[Tpm2]:
    """The TPM behind a TCTI configuration such as `device:/dev/tpmrm0`. Raises DeviceError.

    The authorisation values of the hierarchies are empty where none is set.
    """
    with open_esapi(tcti, {"ENDORSEMENT": endorsement_auth, "OWNER": owner_auth}) as esapi:
        yield Tpm2(esapi)


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
            raise DeviceError(f"{what}: {error}", hint=hint(error.rc)) from None

    def _nv_indices(self) -> list[int]:
        """All of them: a TPM lists as many as fit into one answer, and says whether there are more."""
        found: list[int] = []
        more, start = True, _NV_INDICES.start
        while more:
            with self._said("list NV indices"):
                more, data = self._esapi.get_capability(self._tss.TPM2_CAP.HANDLES, start, _PAGE)
            page = [int(handle) for handle in data.data.handles if int(handle) in _NV_INDICES]
            found += page
            more, start = more and bool(page), max(page, default=0) + 1
        return found

    def _nv_read(self, index: int) -> bytes:
        """The content; empty where nothing was written yet."""
        with self._said(f"read NV index {index:#010x}"):
            try:
                return bytes(self._tss.utils.NVReadEK(self._esapi)(index))
            except self._tss.TSS2_Exception as error:
                if tpm_code(error.rc) != RC_NV_UNINITIALIZED:
                    raise
        return b""

    def ek_certificates(self) -> Sequence[EkCertificate]:
        found = []
        for index in self._nv_indices():
            if index in EK_CERTIFICATE_INDICES and (content := self._nv_read(index)):
                try:
                    der = split_der(content)[0]
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

    def ek_templates(self) -> Mapping[str, TpmtPublic]:
        there, found = self._nv_indices(), dict(EK_TEMPLATES)
        for name, indices in EK_PROVISIONED_INDICES.items():
            nonce, template = (
                self._nv_read(index) if index is not None and index in there else b"" for index in indices
            )
            try:
                found[name] = provisioned(name, nonce=nonce, template=template)
            except (MalformedError, ValueError) as error:
                where = " and ".join(f"{index:#010x}" for index in indices if index in there)
                raise DeviceError(f"template {name} of an EK, from NV index {where}: {error}") from None
        return found

    def _public(self, template: TpmtPublic) -> Any:
        return self._tss.TPM2B_PUBLIC.unmarshal(tpm2b(template.encode()))[0]

    def _sensitive(self) -> Any:
        return self._tss.TPM2B_SENSITIVE_CREATE()

    def _hierarchy(self, handle: int) -> Any:
        names = {0x40000001: "OWNER", 0x40000007: "NULL", 0x4000000B: "ENDORSEMENT", 0x4000000C: "PLATFORM"}
        return getattr(self._tss.ESYS_TR, names[handle])

    @contextmanager
    def primary(self, hierarchy: int, template: TpmtPublic) -> Iterator[CreatedKey]:
        with self._said(f"create a primary key of the {HIERARCHIES[hierarchy]} hierarchy"):
            handle, public, *creation = self._esapi.create_primary(
                self._sensitive(), self._public(template), self._hierarchy(hierarchy)
            )
        with self._held(handle):
            yield CreatedKey(handle=handle, public=public.publicArea.marshal(), creation=_creation(*creation))

    @contextmanager
    def persistent(self, handle: int) -> Iterator[LoadedKey]:
        with self._said(f"find a key at {handle:#010x}"):
            key = self._esapi.tr_from_tpmpublic(handle)
        try:
            yield self._loaded(key)
        finally:
            # the key stays in the TPM; only the library's note of it goes
            self._esapi.tr_close(key)

    @contextmanager
    def saved(self, context: bytes) -> Iterator[LoadedKey]:
        try:
            blob = self._tss.TPMS_CONTEXT.from_tools(context)
        except (ValueError, RuntimeError) as error:
            raise DeviceError(
                f"this is no saved context of a key: {error}", hint="a file that tpm2_createak -c wrote"
            ) from None
        with self._said("load a saved context"):
            key = self._esapi.context_load(blob)
        with self._held(key):
            yield self._loaded(key)

    def _loaded(self, handle: Any) -> LoadedKey:
        with self._said("read a public area"):
            public, _, qualified = self._esapi.read_public(handle)
        return LoadedKey(handle=handle, public=public.publicArea.marshal(), qualified_name=bytes(qualified))

    @contextmanager
    def child(
        self,
        parent: LoadedKey,
        template: TpmtPublic,
        *,
        outside_info: bytes,
        creation_pcrs: Mapping[int, Sequence[int]],
    ) -> Iterator[CreatedKey]:
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
        with self._held(handle):
            yield CreatedKey(handle=handle, public=public.publicArea.marshal(), creation=_creation(*creation))

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
        with self._held(session):
            with self._said("authorise with the hierarchy"):
                self._esapi.policy_secret(tss.ESYS_TR.ENDORSEMENT, session, b"", b"", b"", 0)
            yield session

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

    @contextmanager
    def _held(self, handle: int) -> Iterator[None]:
        """A key or session that is flushed at the end; what went wrong before is what is told."""
        try:
            yield
        except BaseException:
            with suppress(DeviceError):
                self._flush(handle)
            raise
        self._flush(handle)

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

    def certify_creation(self, key: CreatedKey, ak: LoadedKey, qualifying: bytes) -> Attested:
        tss, creation = self._tss, key.creation
        ticket = tss.TPMT_TK_CREATION.unmarshal(creation.ticket)[0]
        with self._said("certify a creation"):
            attest, signature = self._esapi.certify_creation(
                ak.handle, key.handle, qualifying, creation.hash, self._scheme(), ticket
            )
        return Attested(attest=bytes(attest), signature=signature.marshal())


def _creation(data: Any, digest: Any, ticket: Any) -> Creation:
    return Creation(data=data.creationData.marshal(), hash=bytes(digest), ticket=ticket.marshal())
