# SPDX-License-Identifier: Apache-2.0
"""An independent reader of TPM structures: libtss2's unmarshalling, its results as this project's types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bundlefmt.evidence import attested
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import AttestType, TpmsClockInfo
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.pcr_selection import (
    TpmsPcrSelection,
    encode_pcr_selection_list,
    read_pcr_selection_list,
)
from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import (
    Opaque,
    TpmsEccParms,
    TpmsKeyedhashParms,
    TpmsRsaParms,
    TpmsSymcipherParms,
    TpmtScheme,
    TpmtSymDefObject,
)
from bundlefmt.evidence.tpm_signature import EccSignature, RsaSignature, TpmtSignature
from bundlefmt.wire import read_all
from tests.evidence import tpm_strategies
from tests.swtpm import quiet_tss


def _selection(value: Any) -> tuple[TpmsPcrSelection, ...]:
    return tuple(
        TpmsPcrSelection(hash=int(each.hash), select=bytes(each.pcrSelect)[: each.sizeofSelect])
        for each in value
    )


def _symmetric(value: Any) -> TpmtSymDefObject:
    algorithm = TpmAlg(int(value.algorithm))
    if algorithm == TpmAlg.NULL:
        return TpmtSymDefObject()
    return TpmtSymDefObject(algorithm=algorithm, key_bits=int(value.keyBits.sym), mode=int(value.mode.sym))


def _scheme(value: Any) -> TpmtScheme:
    scheme = TpmAlg(int(value.scheme))
    if scheme in (TpmAlg.NULL, TpmAlg.RSAES):
        return TpmtScheme(scheme=scheme)
    second = None
    if scheme == TpmAlg.ECDAA:
        second = int(value.details.ecdaa.count)
    elif scheme == TpmAlg.XOR:
        second = int(value.details.exclusiveOr.kdf)
    members = {TpmAlg.XOR: "exclusiveOr", TpmAlg.HMAC: "hmac", TpmAlg.MGF1: "mgf1"}
    members |= {TpmAlg.KDF1_SP800_56A: "kdf1_sp800_56a", TpmAlg.KDF1_SP800_108: "kdf1_sp800_108"}
    details = getattr(value.details, members.get(scheme, "anySig" if scheme != TpmAlg.KDF2 else "kdf2"))
    return TpmtScheme(scheme=scheme, hash=int(details.hashAlg), second=second)


def public(value: Any) -> TpmtPublic:
    parameters: Any
    unique: bytes | TpmsEccPoint
    match int(value.type):
        case TpmAlg.RSA:
            of = value.parameters.rsaDetail
            parameters = TpmsRsaParms(
                symmetric=_symmetric(of.symmetric),
                scheme=_scheme(of.scheme),
                key_bits=int(of.keyBits),
                exponent=int(of.exponent),
            )
            unique = bytes(value.unique.rsa)
        case TpmAlg.ECC:
            of = value.parameters.eccDetail
            parameters = TpmsEccParms(
                symmetric=_symmetric(of.symmetric),
                scheme=_scheme(of.scheme),
                curve=int(of.curveID),
                kdf=_scheme(of.kdf),
            )
            unique = TpmsEccPoint(x=bytes(value.unique.ecc.x), y=bytes(value.unique.ecc.y))
        case TpmAlg.KEYEDHASH:
            parameters = TpmsKeyedhashParms(scheme=_scheme(value.parameters.keyedHashDetail.scheme))
            unique = bytes(value.unique.keyedHash)
        case _:
            parameters = TpmsSymcipherParms(symmetric=_symmetric(value.parameters.symDetail.sym))
            unique = bytes(value.unique.sym)
    return TpmtPublic(
        type=int(value.type),
        name_alg=int(value.nameAlg),
        attributes=TpmaObject(int(value.objectAttributes)),
        auth_policy=bytes(value.authPolicy),
        parameters=parameters,
        unique=unique,
    )


def signature(value: Any) -> TpmtSignature:
    alg = int(value.sigAlg)
    if alg in (TpmAlg.RSASSA, TpmAlg.RSAPSS):
        rsa = value.signature.rsassa
        return TpmtSignature(alg=alg, signature=RsaSignature(hash=int(rsa.hash), sig=bytes(rsa.sig)))
    ecc = value.signature.ecdsa
    made = EccSignature(hash=int(ecc.hash), r=bytes(ecc.signatureR), s=bytes(ecc.signatureS))
    return TpmtSignature(alg=alg, signature=made)


def _clock(value: Any) -> TpmsClockInfo:
    return TpmsClockInfo(
        clock=int(value.clock),
        reset_count=int(value.resetCount),
        restart_count=int(value.restartCount),
        safe=bool(value.safe),
    )


def _attested(kind: int, value: Any) -> attested.Attested:
    match kind:
        case AttestType.CERTIFY:
            of = value.certify
            return attested.TpmsCertifyInfo(name=bytes(of.name), qualified_name=bytes(of.qualifiedName))
        case AttestType.QUOTE:
            of = value.quote
            return attested.TpmsQuoteInfo(pcr_select=_selection(of.pcrSelect), pcr_digest=bytes(of.pcrDigest))
        case AttestType.COMMAND_AUDIT:
            of = value.commandAudit
            return attested.TpmsCommandAuditInfo(
                audit_counter=int(of.auditCounter),
                digest_alg=int(of.digestAlg),
                audit_digest=bytes(of.auditDigest),
                command_digest=bytes(of.commandDigest),
            )
        case AttestType.SESSION_AUDIT:
            of = value.sessionAudit
            return attested.TpmsSessionAuditInfo(
                exclusive_session=bool(of.exclusiveSession), session_digest=bytes(of.sessionDigest)
            )
        case AttestType.TIME:
            of = value.time
            return attested.TpmsTimeAttestInfo(
                time=int(of.time.time),
                clock_info=_clock(of.time.clockInfo),
                firmware_version=int(of.firmwareVersion),
            )
        case AttestType.CREATION:
            of = value.creation
            return attested.TpmsCreationInfo(
                object_name=bytes(of.objectName), creation_hash=bytes(of.creationHash)
            )
        case AttestType.NV:
            of = value.nv
            return attested.TpmsNvCertifyInfo(
                index_name=bytes(of.indexName), offset=int(of.offset), nv_contents=bytes(of.nvContents)
            )
        case _:
            return Opaque(body=b"")


def attest(value: Any) -> TpmsAttest:
    return TpmsAttest(
        type=int(value.type),
        qualified_signer=bytes(value.qualifiedSigner),
        extra_data=bytes(value.extraData),
        clock_info=_clock(value.clockInfo),
        firmware_version=int(value.firmwareVersion),
        attested=_attested(int(value.type), value.attested),
    )


def creation_data(value: Any) -> TpmsCreationData:
    return TpmsCreationData(
        pcr_select=_selection(value.pcrSelect),
        pcr_digest=bytes(value.pcrDigest),
        locality=int(value.locality),
        parent_name_alg=int(value.parentNameAlg),
        parent_name=bytes(value.parentName),
        parent_qualified_name=bytes(value.parentQualifiedName),
        outside_info=bytes(value.outsideInfo),
    )


def creation_ticket(value: Any) -> TpmtTkCreation:
    return TpmtTkCreation(hierarchy=int(value.hierarchy), digest=bytes(value.digest))


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure that both read: its name at libtss2, our reader, theirs, and valid encodings."""

    name: str
    decode: Callable[[bytes], Any]
    project: Callable[[Any], Any]
    encodings: Any

    def theirs(self, data: bytes) -> tuple[Any, int] | None:
        """libtss2's value and how much it consumed; None when it refuses."""
        tss = quiet_tss()
        try:
            value, consumed = getattr(tss, self.name).unmarshal(data)
        except tss.TSS2_Exception:
            return None
        return value, consumed


STRUCTURES: Final = {
    structure.name: structure
    for structure in (
        Structure("TPMT_PUBLIC", TpmtPublic.decode, public, tpm_strategies.publics().map(TpmtPublic.encode)),
        Structure(
            "TPMT_SIGNATURE",
            TpmtSignature.decode,
            signature,
            tpm_strategies.signatures().map(TpmtSignature.encode),
        ),
        Structure("TPMS_ATTEST", TpmsAttest.decode, attest, tpm_strategies.attests().map(TpmsAttest.encode)),
        Structure(
            "TPMS_CREATION_DATA",
            TpmsCreationData.decode,
            creation_data,
            tpm_strategies.creation_data().map(TpmsCreationData.encode),
        ),
        Structure(
            "TPMT_TK_CREATION",
            TpmtTkCreation.decode,
            creation_ticket,
            tpm_strategies.creation_tickets().map(TpmtTkCreation.encode),
        ),
        Structure(
            "TPML_PCR_SELECTION",
            lambda data: read_all(data, read_pcr_selection_list),
            _selection,
            tpm_strategies.pcr_selection_lists().map(encode_pcr_selection_list),
        ),
    )
}
