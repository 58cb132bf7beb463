# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for TPM structures: every shape that is read, within the limits of its members."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.attested import (
    Attested,
    AttestType,
    TpmsCertifyInfo,
    TpmsClockInfo,
    TpmsCommandAuditInfo,
    TpmsCreationInfo,
    TpmsNvCertifyInfo,
    TpmsNvDigestCertifyInfo,
    TpmsQuoteInfo,
    TpmsSessionAuditInfo,
    TpmsTimeAttestInfo,
)
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmsPcrSelection, TpmtPublic
from bundlefmt.evidence.tpm_algorithm import CURVES, HASHES, TpmAlg
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

U8: Final = st.integers(0, 2**8 - 1)
U16: Final = st.integers(0, 2**16 - 1)
U32: Final = st.integers(0, 2**32 - 1)
U64: Final = st.integers(0, 2**64 - 1)
HASH_IDS: Final = st.sampled_from(sorted(HASHES)) | U16
CURVE_IDS: Final = st.sampled_from(sorted(CURVES)) | U16
UNKNOWN: Final = U16.filter(lambda number: number not in set(TpmAlg))


def octets(maximum: int) -> st.SearchStrategy[bytes]:
    """Up to `maximum` bytes, the limits themselves often."""
    return st.binary(max_size=min(maximum, 48)) | st.sampled_from((b"", bytes(maximum)))


DIGESTS: Final = octets(64)
NAMES: Final = octets(66)
COORDINATES: Final = octets(128)


def pcr_selections() -> st.SearchStrategy[TpmsPcrSelection]:
    return st.builds(TpmsPcrSelection, hash=HASH_IDS, select=st.binary(min_size=1, max_size=4))


def pcr_selection_lists() -> st.SearchStrategy[tuple[TpmsPcrSelection, ...]]:
    return st.lists(pcr_selections(), max_size=16).map(tuple)


def symmetric() -> st.SearchStrategy[TpmtSymDefObject]:
    ciphers = st.sampled_from((TpmAlg.AES, TpmAlg.SM4, TpmAlg.CAMELLIA, TpmAlg.TDES))
    block = st.builds(TpmtSymDefObject, algorithm=ciphers, key_bits=U16, mode=U16)
    return st.just(TpmtSymDefObject()) | block


def schemes(*algorithms: TpmAlg) -> st.SearchStrategy[TpmtScheme]:
    def of(scheme: TpmAlg) -> st.SearchStrategy[TpmtScheme]:
        if scheme in (TpmAlg.NULL, TpmAlg.RSAES):
            return st.just(TpmtScheme(scheme=scheme))
        second = U16 if scheme in (TpmAlg.ECDAA, TpmAlg.XOR) else st.none()
        return st.builds(TpmtScheme, scheme=st.just(scheme), hash=HASH_IDS, second=second)

    return st.sampled_from((TpmAlg.NULL, *algorithms)).flatmap(of)


RSA_PARMS: Final = st.builds(
    TpmsRsaParms,
    symmetric=symmetric(),
    scheme=schemes(TpmAlg.RSASSA, TpmAlg.RSAPSS, TpmAlg.OAEP, TpmAlg.RSAES),
    key_bits=U16,
    exponent=U32,
)
ECC_PARMS: Final = st.builds(
    TpmsEccParms,
    symmetric=symmetric(),
    scheme=schemes(TpmAlg.ECDSA, TpmAlg.ECDAA, TpmAlg.SM2, TpmAlg.ECSCHNORR, TpmAlg.ECDH, TpmAlg.ECMQV),
    curve=CURVE_IDS,
    kdf=schemes(TpmAlg.MGF1, TpmAlg.KDF1_SP800_56A, TpmAlg.KDF2, TpmAlg.KDF1_SP800_108),
)
KEYEDHASH_PARMS: Final = st.builds(TpmsKeyedhashParms, scheme=schemes(TpmAlg.HMAC, TpmAlg.XOR))
SYMCIPHER_PARMS: Final = st.builds(TpmsSymcipherParms, symmetric=symmetric())
POINTS: Final = st.builds(TpmsEccPoint, x=COORDINATES, y=COORDINATES)


@st.composite
def publics(draw: st.DrawFn) -> TpmtPublic:
    """Public areas of every kind that is read, and of kinds that are not."""
    kind, parameters, unique = draw(
        st.tuples(st.just(int(TpmAlg.RSA)), RSA_PARMS, octets(512))
        | st.tuples(st.just(int(TpmAlg.ECC)), ECC_PARMS, POINTS)
        | st.tuples(st.just(int(TpmAlg.KEYEDHASH)), KEYEDHASH_PARMS, DIGESTS)
        | st.tuples(st.just(int(TpmAlg.SYMCIPHER)), SYMCIPHER_PARMS, DIGESTS)
        | st.tuples(UNKNOWN, st.builds(Opaque, body=octets(64)), st.just(b""))
    )
    return TpmtPublic(
        type=kind,
        name_alg=draw(HASH_IDS),
        attributes=TpmaObject(draw(U32)),
        auth_policy=draw(DIGESTS),
        parameters=parameters,
        unique=unique,
    )


def signatures() -> st.SearchStrategy[TpmtSignature]:
    rsa = st.builds(
        TpmtSignature,
        alg=st.sampled_from((int(TpmAlg.RSASSA), int(TpmAlg.RSAPSS))),
        signature=st.builds(RsaSignature, hash=HASH_IDS, sig=octets(512)),
    )
    ecc = st.builds(
        TpmtSignature,
        alg=st.sampled_from([int(alg) for alg in (TpmAlg.ECDSA, TpmAlg.ECDAA, TpmAlg.SM2, TpmAlg.ECSCHNORR)]),
        signature=st.builds(EccSignature, hash=HASH_IDS, r=COORDINATES, s=COORDINATES),
    )
    newer = st.sampled_from([int(alg) for alg in (TpmAlg.MLDSA, TpmAlg.HASH_MLDSA, TpmAlg.EDDSA)])
    other = st.builds(TpmtSignature, alg=newer | UNKNOWN, signature=st.builds(Opaque, body=octets(64)))
    return rsa | ecc | other


CLOCKS: Final = st.builds(TpmsClockInfo, clock=U64, reset_count=U32, restart_count=U32, safe=st.booleans())
ATTESTED: Final[dict[int, st.SearchStrategy[Attested]]] = {
    AttestType.CERTIFY: st.builds(TpmsCertifyInfo, name=NAMES, qualified_name=NAMES),
    AttestType.QUOTE: st.builds(TpmsQuoteInfo, pcr_select=pcr_selection_lists(), pcr_digest=DIGESTS),
    AttestType.COMMAND_AUDIT: st.builds(
        TpmsCommandAuditInfo,
        audit_counter=U64,
        digest_alg=HASH_IDS,
        audit_digest=DIGESTS,
        command_digest=DIGESTS,
    ),
    AttestType.SESSION_AUDIT: st.builds(
        TpmsSessionAuditInfo, exclusive_session=st.booleans(), session_digest=DIGESTS
    ),
    AttestType.TIME: st.builds(TpmsTimeAttestInfo, time=U64, clock_info=CLOCKS, firmware_version=U64),
    AttestType.CREATION: st.builds(TpmsCreationInfo, object_name=NAMES, creation_hash=DIGESTS),
    AttestType.NV: st.builds(TpmsNvCertifyInfo, index_name=NAMES, offset=U16, nv_contents=octets(2048)),
    AttestType.NV_DIGEST: st.builds(TpmsNvDigestCertifyInfo, index_name=NAMES, nv_digest=DIGESTS),
}


@st.composite
def attests(draw: st.DrawFn, kinds: st.SearchStrategy[int] | None = None) -> TpmsAttest:
    """Statements of every type, and of types that are not read; or of `kinds`."""
    kind = draw(st.sampled_from(sorted(ATTESTED)) | U16 if kinds is None else kinds)
    return TpmsAttest(
        type=kind,
        qualified_signer=draw(NAMES),
        extra_data=draw(octets(66)),
        clock_info=draw(CLOCKS),
        firmware_version=draw(U64),
        attested=draw(ATTESTED.get(kind, st.builds(Opaque, body=octets(40)))),
    )


def creation_data() -> st.SearchStrategy[TpmsCreationData]:
    return st.builds(
        TpmsCreationData,
        raw=st.just(b""),
        pcr_select=pcr_selection_lists(),
        pcr_digest=DIGESTS,
        locality=U8,
        parent_name_alg=HASH_IDS,
        parent_name=NAMES,
        parent_qualified_name=NAMES,
        outside_info=octets(66),
    )


def creation_tickets() -> st.SearchStrategy[TpmtTkCreation]:
    return st.builds(TpmtTkCreation, hierarchy=U32, digest=DIGESTS)
