# SPDX-License-Identifier: Apache-2.0
"""What a TPM makes: Names, every type of statement, creation data, credentials, endorsement keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography import x509

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import (
    AttestType,
    TpmsCertifyInfo,
    TpmsCommandAuditInfo,
    TpmsCreationInfo,
    TpmsNvCertifyInfo,
    TpmsNvDigestCertifyInfo,
    TpmsQuoteInfo,
    TpmsSessionAuditInfo,
    TpmsTimeAttestInfo,
)
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation, entropy_size, make_credential
from bundlefmt.evidence.ek_template import EK_CERTIFICATE_INDICES, EK_TEMPLATES, recognised
from bundlefmt.evidence.tpm import TpmaObject, TpmtPublic, digest, qualified_name, tpm2b
from bundlefmt.evidence.tpm_signature import SignatureMismatchError, TpmtSignature
from tests.swtpm import Swtpm, quiet_tss

ENDORSEMENT = bytes.fromhex("4000000b")
OWNER = bytes.fromhex("40000001")
NONCE = b"qualifying data"
INDEX = 0x01800001
# RSA-4096 is not in this TPM
MADE_HERE = [name for name in EK_TEMPLATES if name != "H-7"]
AK_KINDS = ["rsa2048:rsassa-sha256:null", "rsa2048:rsapss-sha384:null", "ecc256:ecdsa-sha256:null"]


class Esapi:
    """ESAPI on one TPM, with what these tests do often."""

    def __init__(self, esapi: Any) -> None:
        self.tss = quiet_tss()
        self.esapi = esapi
        self.scheme = self.tss.TPMT_SIG_SCHEME(scheme=self.tss.TPM2_ALG.NULL)

    def ek(self, template: str) -> tuple[Any, TpmtPublic]:
        """(handle, public area) of the EK made by a template of this name."""
        public, _ = self.tss.TPM2B_PUBLIC.unmarshal(tpm2b(EK_TEMPLATES[template].encode()))
        return self.primary(public, self.tss.ESYS_TR.ENDORSEMENT)

    def primary(self, public: Any, hierarchy: Any) -> tuple[Any, TpmtPublic]:
        handle, made, *_ = self.esapi.create_primary(
            self.tss.TPM2B_SENSITIVE_CREATE(), public, hierarchy, NONCE
        )
        return handle, TpmtPublic.decode(made.publicArea.marshal())

    @contextmanager
    def opened(self, template: str) -> Iterator[Any]:
        """The session that a child of an EK is made and used by."""
        tss = self.tss
        if template.startswith("H-"):
            yield tss.ESYS_TR.PASSWORD
            return
        none = tss.ESYS_TR.NONE
        null = tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL)
        session = self.esapi.start_auth_session(none, none, tss.TPM2_SE.POLICY, null, tss.TPM2_ALG.SHA256)
        try:
            self.esapi.policy_secret(tss.ESYS_TR.ENDORSEMENT, session, b"", b"", b"", 0)
            yield session
        finally:
            self.esapi.flush_context(session)

    def template(self, kind: str, *more: TpmaObject) -> Any:
        attributes = TpmaObject.fixedTPM | TpmaObject.fixedParent | TpmaObject.sensitiveDataOrigin
        attributes |= TpmaObject.userWithAuth | TpmaObject.sign_encrypt
        for each in more:
            attributes |= each
        return self.tss.TPM2B_PUBLIC.parse(kind, objectAttributes=self.tss.TPMA_OBJECT(int(attributes)))

    def ak(self, kind: str = "ecc256:ecdsa-sha256:null") -> tuple[Any, TpmtPublic]:
        """A restricted signing key, primary in the endorsement hierarchy: its clock is not obfuscated."""
        return self.primary(self.template(kind, TpmaObject.restricted), self.tss.ESYS_TR.ENDORSEMENT)

    def judged(self, made: tuple[Any, Any], ak: TpmtPublic, kind: AttestType) -> TpmsAttest:
        """The statement, if all that every statement has is right and `ak` signed it and nothing else."""
        octets, signature = bytes(made[0]), TpmtSignature.decode(made[1].marshal())
        attest = TpmsAttest.decode(octets)
        assert attest.encode() == octets
        assert attest.type == kind
        assert attest.qualified_signer == qualified_name(ENDORSEMENT, ak.name())
        assert attest.extra_data == NONCE
        now = self.esapi.read_clock().clockInfo
        assert attest.clock_info.clock <= now.clock
        assert attest.clock_info.reset_count == now.resetCount
        assert attest.clock_info.restart_count == now.restartCount
        assert attest.clock_info.safe == bool(now.safe)
        assert signature.encode() == made[1].marshal()
        signature.verify(ak, attest.raw)
        with pytest.raises(SignatureMismatchError):
            signature.verify(ak, attest.raw[:-1] + bytes([attest.raw[-1] ^ 1]))
        return attest

    def child(self, parent: Any, template: str) -> tuple[Any, TpmtPublic]:
        """A restricted signing key under an EK."""
        public = self.template("ecc256:ecdsa-sha256:null", TpmaObject.restricted)
        with self.opened(template) as session:
            private, made, *_ = self.esapi.create(
                parent, self.tss.TPM2B_SENSITIVE_CREATE(), public, session1=session
            )
        with self.opened(template) as session:
            handle = self.esapi.load(parent, private, made, session1=session)
        return handle, TpmtPublic.decode(made.publicArea.marshal())


@pytest.fixture
def tpm(swtpm: Swtpm) -> Iterator[Esapi]:
    with quiet_tss().ESAPI(swtpm.tcti) as esapi:
        yield Esapi(esapi)


@pytest.mark.parametrize("template", MADE_HERE)
def test_endorsement_keys(tpm: Esapi, template: str) -> None:
    handle, ek = tpm.ek(template)
    assert recognised(ek) == template
    assert ek.public_key().key_size in (256, 384, 521, 2048, 3072)
    _, name, qualified = tpm.esapi.read_public(handle)
    assert ek.name() == bytes(name)
    assert qualified_name(ENDORSEMENT, ek.name()) == bytes(qualified)


@pytest.mark.parametrize(
    "changes", [{"userWithAuth": True}, {"authPolicy": b""}, {"nameAlg": "sha384"}], ids=str
)
def test_keys_that_are_no_endorsement_keys(tpm: Esapi, changes: dict[str, Any]) -> None:
    public, _ = tpm.tss.TPM2B_PUBLIC.unmarshal(tpm2b(EK_TEMPLATES["L-2"].encode()))
    if "userWithAuth" in changes:
        public.publicArea.objectAttributes |= tpm.tss.TPMA_OBJECT.USERWITHAUTH
    elif "authPolicy" in changes:
        public.publicArea.objectAttributes |= tpm.tss.TPMA_OBJECT.USERWITHAUTH
        public.publicArea.authPolicy = b""
    else:
        public.publicArea.nameAlg = tpm.tss.TPM2_ALG.SHA384
        public.publicArea.authPolicy = bytes(48)
    _, made = tpm.primary(public, tpm.tss.ESYS_TR.ENDORSEMENT)
    assert recognised(made) is None


@pytest.mark.parametrize("index", [0x01C00002, 0x01C0000A, 0x01C00016])
def test_ek_certificates_are_for_the_template_of_their_index(tpm: Esapi, index: int) -> None:
    certificate = x509.load_der_x509_certificate(tpm.tss.utils.NVReadEK(tpm.esapi)(index))
    _, ek = tpm.ek(EK_CERTIFICATE_INDICES[index])
    assert certificate.public_key() == ek.public_key()


def test_names_of_children(tpm: Esapi) -> None:
    parent, ek = tpm.ek("L-2")
    handle, ak = tpm.child(parent, "L-2")
    _, name, qualified = tpm.esapi.read_public(handle)
    assert ak.name() == bytes(name)
    assert qualified_name(qualified_name(ENDORSEMENT, ek.name()), ak.name()) == bytes(qualified)


@pytest.mark.parametrize("template", ["L-1", "L-2", "H-3"])
def test_activation(tpm: Esapi, template: str) -> None:
    parent, ek = tpm.ek(template)
    handle, ak = tpm.child(parent, template)
    made = make_credential(ek, ak.name(), b"only for this key", entropy=os.urandom(entropy_size(ek)))
    made.check_blob(ek, ak.name())
    made.check_encrypted_secret(ek)

    def activate(challenge: CredentialActivation) -> bytes:
        with tpm.opened(template) as session:
            blob = tpm.tss.TPM2B_ID_OBJECT(challenge.blob.encode())
            secret = tpm.tss.TPM2B_ENCRYPTED_SECRET(challenge.encrypted_secret)
            answer = tpm.esapi.activate_credential(
                handle, parent, blob, secret, session1=tpm.tss.ESYS_TR.PASSWORD, session2=session
            )
            return bytes(answer)

    assert activate(made) == made.credential
    other = make_credential(ek, ak.name()[:-1] + b"?", b"secret", entropy=os.urandom(entropy_size(ek)))
    with pytest.raises(tpm.tss.TSS2_Exception, match="integrity"):
        activate(other)


@pytest.mark.parametrize("kind", AK_KINDS)
def test_quotes(tpm: Esapi, kind: str) -> None:
    handle, ak = tpm.ak(kind)
    made = tpm.esapi.quote(handle, "sha256:0,1,7,16+sha384:0", NONCE)
    info = tpm.judged(made, ak, AttestType.QUOTE).attested
    assert isinstance(info, TpmsQuoteInfo)
    assert info.selected == ((0x0B, 0), (0x0B, 1), (0x0B, 7), (0x0B, 16), (0x0C, 0))
    values = b"".join(
        bytes(tpm.esapi.pcr_read(f"{bank}:{index}")[2][0])
        for bank, index in (("sha256", 0), ("sha256", 1), ("sha256", 7), ("sha256", 16), ("sha384", 0))
    )
    assert ak.scheme_hash is not None
    assert info.pcr_digest == digest(ak.scheme_hash, values)


def test_certify(tpm: Esapi) -> None:
    handle, ak = tpm.ak()
    key, public = tpm.primary(tpm.template("ecc256:ecdsa-sha256:null"), tpm.tss.ESYS_TR.OWNER)
    info = tpm.judged(tpm.esapi.certify(key, handle, NONCE, tpm.scheme), ak, AttestType.CERTIFY).attested
    assert info == TpmsCertifyInfo(name=public.name(), qualified_name=qualified_name(OWNER, public.name()))


@pytest.mark.parametrize("name_alg", ["sha256", "sha384"])
def test_creation(tpm: Esapi, name_alg: str) -> None:
    handle, ak = tpm.ak()
    template = tpm.template("ecc256:ecdsa-sha256:null")
    template.publicArea.nameAlg = tpm.tss.TPM2_ALG.parse(name_alg)
    key, made, data, creation_hash, ticket = tpm.esapi.create_primary(
        tpm.tss.TPM2B_SENSITIVE_CREATE(), template, tpm.tss.ESYS_TR.OWNER, b"outside", "sha256:0,7"
    )
    public = TpmtPublic.decode(made.publicArea.marshal())
    creation = TpmsCreationData.decode(data.creationData.marshal())
    assert creation.creation_hash(public.name_alg) == bytes(creation_hash)
    assert creation.outside_info == b"outside"
    assert creation.hierarchy == 0x40000001
    assert creation.localities == (0,)
    assert [each.indices for each in creation.pcr_select] == [(0, 7)]
    pcrs = bytes(tpm.esapi.pcr_read("sha256:0")[2][0]) + bytes(tpm.esapi.pcr_read("sha256:7")[2][0])
    assert creation.pcr_digest == digest(public.name_alg, pcrs)
    assert TpmtTkCreation.decode(ticket.marshal()).hierarchy == 0x40000001
    assert TpmtTkCreation.decode(ticket.marshal()).encode() == ticket.marshal()
    statement = tpm.esapi.certify_creation(handle, key, NONCE, creation_hash, tpm.scheme, ticket)
    info = tpm.judged(statement, ak, AttestType.CREATION).attested
    assert info == TpmsCreationInfo(object_name=public.name(), creation_hash=bytes(creation_hash))


def test_creation_of_a_child(tpm: Esapi) -> None:
    parent, ek = tpm.ek("L-2")
    with tpm.opened("L-2") as session:
        _, _, data, creation_hash, _ = tpm.esapi.create(
            parent,
            tpm.tss.TPM2B_SENSITIVE_CREATE(),
            tpm.template("ecc256:ecdsa-sha256:null"),
            session1=session,
        )
    creation = TpmsCreationData.decode(data.creationData.marshal())
    assert creation.parent_name == ek.name()
    assert creation.parent_qualified_name == qualified_name(ENDORSEMENT, ek.name())
    assert creation.parent_name_alg == ek.name_alg
    assert creation.hierarchy is None
    assert creation.creation_hash(0x0B) == bytes(creation_hash)


def test_time(tpm: Esapi) -> None:
    handle, ak = tpm.ak()
    made = tpm.esapi.get_time(handle, NONCE, tpm.scheme)
    attest = tpm.judged(made, ak, AttestType.TIME)
    assert isinstance(attest.attested, TpmsTimeAttestInfo)
    assert attest.attested.clock_info == attest.clock_info
    assert attest.attested.firmware_version == attest.firmware_version
    assert 0 < attest.attested.time <= tpm.esapi.read_clock().time


def test_nv(tpm: Esapi) -> None:
    tss = tpm.tss
    handle, ak = tpm.ak()
    attributes = tss.TPMA_NV.parse("ownerread|ownerwrite|authread|authwrite")
    public = tss.TPM2B_NV_PUBLIC(
        nvPublic=tss.TPMS_NV_PUBLIC(
            nvIndex=INDEX, nameAlg=tss.TPM2_ALG.SHA256, attributes=attributes, dataSize=8
        )
    )
    nv = tpm.esapi.nv_define_space(b"", public)
    tpm.esapi.nv_write(nv, b"evidence")
    _, name = tpm.esapi.nv_read_public(nv)
    certified = tpm.esapi.nv_certify(handle, nv, NONCE, tpm.scheme, 4, 2, session2=tss.ESYS_TR.PASSWORD)
    info = tpm.judged(certified, ak, AttestType.NV).attested
    assert info == TpmsNvCertifyInfo(index_name=bytes(name), offset=2, nv_contents=b"iden")
    certified = tpm.esapi.nv_certify(handle, nv, NONCE, tpm.scheme, 0, 0, session2=tss.ESYS_TR.PASSWORD)
    info = tpm.judged(certified, ak, AttestType.NV_DIGEST).attested
    assert info == TpmsNvDigestCertifyInfo(index_name=bytes(name), nv_digest=digest(0x0B, b"evidence"))


def test_audits(tpm: Esapi) -> None:
    tss = tpm.tss
    handle, ak = tpm.ak()
    made = tpm.esapi.get_command_audit_digest(handle, NONCE, tpm.scheme)
    info = tpm.judged(made, ak, AttestType.COMMAND_AUDIT).attested
    assert isinstance(info, TpmsCommandAuditInfo)
    none = tss.ESYS_TR.NONE
    null = tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL)
    session = tpm.esapi.start_auth_session(none, none, tss.TPM2_SE.HMAC, null, tss.TPM2_ALG.SHA256)
    tpm.esapi.trsess_set_attributes(session, tss.TPMA_SESSION.AUDIT | tss.TPMA_SESSION.CONTINUESESSION)
    tpm.esapi.get_random(8, session1=session)
    made = tpm.esapi.get_session_audit_digest(handle, session, NONCE, tpm.scheme)
    audited = tpm.judged(made, ak, AttestType.SESSION_AUDIT).attested
    assert isinstance(audited, TpmsSessionAuditInfo)
    assert len(audited.session_digest) == 32
