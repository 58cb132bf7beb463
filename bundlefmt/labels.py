# SPDX-License-Identifier: Apache-2.0
"""Every number and registered name of the format, once, with its source.

Spec: "Registries" and "Limits".
"""

from __future__ import annotations

from typing import Final

# --- file identification (RFC 8949 3.4.6, RFC 9277 2.2) --------------------------------------------
TAG_SELF_DESCRIBED: Final = 55799
TAG_BUNDLE: Final = 0x45564231  # "EVB1": the last byte is the major version
MAGIC: Final = bytes.fromhex("d9d9f7da45564231")
MAJOR_VERSION: Final = 1
MINOR_VERSION: Final = 0
EXTENSION: Final = ".evb"
MEDIA_TYPE: Final = "application/vnd.evidence-bundle+cbor"
MANIFEST_MEDIA_TYPE: Final = "application/vnd.evidence-bundle.manifest+cbor"
COLLECTION_TYPE_KEY: Final = "__cmwc_t"  # RFC 9999 3.3
COLLECTION_TYPE: Final = "tag:evidence-bundle,2026:content"
PROFILE_SNAPSHOT: Final = "tag:evidence-bundle,2026:snapshot"
BINDING_CONTEXT: Final = "evidence-bundle/1 binding"
# the files of a challenge, tagged in the same way: "EVC1", "EVA1", "EVK1"
TAG_CHALLENGE: Final = 0x45564331
TAG_ANSWER: Final = 0x45564131
TAG_KEPT: Final = 0x45564B31
MAGIC_CHALLENGE: Final = bytes.fromhex("d9d9f7da45564331")
MAGIC_ANSWER: Final = bytes.fromhex("d9d9f7da45564131")
MAGIC_KEPT: Final = bytes.fromhex("d9d9f7da45564b31")
ANSWER_CONTEXT: Final = "evidence-bundle/1 answer"

# --- limits: a reader refuses above, at the head that declares it ---------------------------------
MAX_DEPTH: Final = 16  # the deepest legal shape needs 7; the rest is room for `claimed`
MAX_ITEMS: Final = 65_536  # data items in one CBOR text; bounds the scan's memory to a few megabytes
MAX_TEXT: Final = 65_536  # bytes in one text string
MAX_BYTES: Final = 2**32 - 1  # bytes in one byte string; larger media are carried detached
MAX_MANIFEST: Final = 4 * 2**20  # bytes of the manifest, so that it can be held and signed by small devices
MAX_SEALS: Final = 64  # a ceremony has a handful of people; bounds the signatures a verifier must check
MAX_PAIRS: Final = 256  # of EK and AK in one challenge; a TPM answers a few in a second
LABEL_PATTERN: Final = r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?"  # also a safe file name everywhere

# --- COSE header parameters (IANA COSE Header Parameters) -----------------------------------------
HDR_ALG: Final = 1
HDR_CRIT: Final = 2
HDR_CONTENT_TYPE: Final = 3
HDR_KID: Final = 4
HDR_CWT_CLAIMS: Final = 15  # RFC 9597
HDR_TYP: Final = 16  # RFC 9596
HDR_X5T: Final = 34  # RFC 9360
HDR_PAYLOAD_HASH_ALG: Final = 258  # RFC 9995
HDR_PREIMAGE_CONTENT_TYPE: Final = 259  # RFC 9995
HDR_3161_TTC: Final = 269  # RFC 9921, protected
HDR_3161_CTT: Final = 270  # RFC 9921, unprotected
HDR_RECEIPTS: Final = 394  # RFC 9942, unprotected
HDR_VDS: Final = 395  # RFC 9942: which kind of tree
HDR_VDP: Final = 396  # RFC 9942: what is proven of it
VDS_RFC9162_SHA256: Final = 1
VDP_INCLUSION: Final = -1
TAG_COSE_SIGN1: Final = 18  # RFC 9052 table 1
CLAIM_ISS: Final = 1  # RFC 8392
CLAIM_SUB: Final = 2
CLAIM_IAT: Final = 6

# --- COSE algorithms (IANA COSE Algorithms; RFC 9864, RFC 8230, RFC 8812, RFC 9964) ----------------
ALG_ESP256: Final = -9
ALG_ESP384: Final = -51
ALG_ESP512: Final = -52
ALG_ED25519: Final = -19
ALG_PS256: Final = -37
ALG_RS256: Final = -257
ALG_ML_DSA_65: Final = -49
# deprecated polymorphic ids, accepted on reading where the key fixes the curve
ALG_ES256: Final = -7
ALG_ES384: Final = -35
ALG_ES512: Final = -36
ALG_EDDSA: Final = -8
ALG_NAMES: Final = {
    ALG_ESP256: "ESP256",
    ALG_ESP384: "ESP384",
    ALG_ESP512: "ESP512",
    ALG_ED25519: "Ed25519",
    ALG_PS256: "PS256",
    ALG_RS256: "RS256",
    ALG_ML_DSA_65: "ML-DSA-65",
    ALG_ES256: "ES256",
    ALG_ES384: "ES384",
    ALG_ES512: "ES512",
    ALG_EDDSA: "EdDSA",
}

# --- COSE hash algorithms (RFC 9054) -> hashlib names ----------------------------------------------
HASH_SHA256: Final = -16
HASH_SHA384: Final = -43
HASH_SHA512: Final = -44
HASH_NAMES: Final = {HASH_SHA256: "sha256", HASH_SHA384: "sha384", HASH_SHA512: "sha512"}
HASH_SIZES: Final = {HASH_SHA256: 32, HASH_SHA384: 48, HASH_SHA512: 64}

# --- seals ----------------------------------------------------------------------------------------
SEAL_COSE: Final = 'application/cose; cose-type="cose-sign1"'  # RFC 9052 11.3
SEAL_OPENPGP: Final = "application/pgp-signature"  # RFC 3156; here binary, not armored
SEAL_TYP: Final = "application/vnd.evidence-bundle.seal+cose"

# --- media types of items -------------------------------------------------------------------------
TYPE_OPENPGP: Final = "application/pgp-keys"  # here binary, not armored
TYPE_CERTIFICATE: Final = "application/pkix-cert"  # RFC 2585
TYPE_CRL: Final = "application/pkix-crl"
TYPE_OCSP: Final = "application/ocsp-response"  # RFC 6960, annex C.2
TYPE_TPM: Final = "application/vnd.evidence-bundle.tpm"  # TPM 2.0 wire form; the role says which structure
TYPE_PCR_VALUES: Final = "application/vnd.evidence-bundle.pcr-values+cbor"
TYPE_ACTIVATION: Final = "application/vnd.evidence-bundle.credential-activation+cbor"
TYPE_TIMESTAMP: Final = "application/vnd.evidence-bundle.timestamp-token"  # RFC 3161, in renewals
TYPE_OPENTIMESTAMP: Final = "application/vnd.evidence-bundle.opentimestamps+cbor"  # in renewals
TYPE_OCTETS: Final = "application/octet-stream"

PARTS: Final = ("operator", "witness", "platform")

# --- own X.509 extensions (spec "Certificates of this format"), below joint-iso-itu-t(2) uuid(25)
# (ITU-T X.667): UUID e30eb01a-53d3-4327-b232-55c5342b9299, made once for the project
OID_ARC: Final = "2.25.301811018989160515094759140174596903577"
OID_TPM_BINDING: Final = f"{OID_ARC}.1"
OID_OPENPGP_KEY: Final = f"{OID_ARC}.2"

# --- YubiKey attestation ---------------------------------------------------------------------------
OID_YUBICO: Final = "1.3.6.1.4.1.41482"  # IANA Private Enterprise Numbers
# SHA-256 of the DER of the roots that attestation of YubiKeys leads to -> name. Published by the vendor,
# there and below PIV/Introduction; the last issued attestation keys of 2018.
YUBICO_ROOTS_SOURCE: Final = "https://developers.yubico.com/PKI"
YUBICO_ROOTS: Final = {
    "62760c6a6ef91679f454c8902b80fd009825b3f25da90f1fbace2ec6586cd5a8": "Yubico Attestation Root 1",
    "63ece914e54dd87915f34033c85af4c0696ba1512f8add66ced738331207b546": "Yubico PIV Root CA Serial 263751",
    "7e996a28e3055223733c9aec897900eda9b746e3e15d419556ac6a1179879a50": "Yubico PIV Root CA of 2016",
    "6937cfa21c2189a7b219c71db39ef7112ee24b8801b1521d8296d087f2eee615": "Yubico OpenPGP Attestation CA",
    "0fa1386f80eb8713263ae5c1d84deb455bdf08aea50ab05503cefee82b092d42": "Yubico U2F Root CA Serial 457200631",
}

# --- roles and the refs each needs (spec "Roles") --------------------------------------------------
ROLES: Final[dict[str, tuple[str, ...]]] = {
    "openpgp-certificate": (),
    "openpgp-attestation": ("subject", "issuer"),
    "piv-certificate": (),
    "piv-attestation": ("subject", "issuer"),
    "attestation-issuer": (),
    "certificate-issuer": (),
    "cross-signature": ("by", "over"),
    "cross-certificate": ("by", "over"),
    "tpm-binding-certificate": ("by", "ek", "ak", "key"),
    "ek-certificate": (),
    "ek-public": (),
    "ak-certificate": (),
    "ak-public": (),
    "ak-name": ("of",),
    "ak-template": ("of",),
    "key-public": (),
    "key-name": ("of",),
    "parent-public": (),
    "quote": ("by",),
    "certify": ("by", "subject"),
    "certify-creation": ("by", "subject"),
    "time": ("by",),
    "nv-certify": ("by",),
    "tpm-signature": ("by", "over"),
    "creation-data": ("of",),
    "creation-ticket": ("of",),
    "pcr-values": ("quoted-by",),
    "credential-activation": ("ek", "ak"),
    "firmware-log": (),
    "ima-log": (),
    "userspace-log": (),
    "crl": ("issuer",),
    "ocsp": ("issuer",),
    "minutes": (),
    "media": (),
}
REF_NAMES: Final = (
    "subject",
    "issuer",
    "by",
    "over",
    "ek",
    "ak",
    "key",
    "of",
    "parent",
    "certificate",
    "quoted-by",
    "pcrs",
)
# these may name several items; every other reference names exactly one
PLURAL_REFS: Final = ("issuer", "quoted-by", "pcrs")
PROFILE_ROLES: Final[dict[str, tuple[str, ...]]] = {
    PROFILE_SNAPSHOT: ("ak-public", "quote", "tpm-signature", "pcr-values"),
}
# the media type each role has; a role that is not listed takes any
ROLE_TYPES: Final[dict[str, str]] = {
    "openpgp-certificate": TYPE_OPENPGP,
    **dict.fromkeys(
        (
            "openpgp-attestation",
            "piv-certificate",
            "piv-attestation",
            "attestation-issuer",
            "certificate-issuer",
            "cross-certificate",
            "tpm-binding-certificate",
            "ek-certificate",
            "ak-certificate",
        ),
        TYPE_CERTIFICATE,
    ),
    **dict.fromkeys(
        (
            "ek-public",
            "ak-public",
            "ak-name",
            "ak-template",
            "key-public",
            "key-name",
            "parent-public",
            "quote",
            "certify",
            "certify-creation",
            "time",
            "nv-certify",
            "tpm-signature",
            "creation-data",
            "creation-ticket",
        ),
        TYPE_TPM,
    ),
    "cross-signature": SEAL_OPENPGP,
    "pcr-values": TYPE_PCR_VALUES,
    "credential-activation": TYPE_ACTIVATION,
    "crl": TYPE_CRL,
    "ocsp": TYPE_OCSP,
}
# who is bound to whom: the binding covers every item of these roles
BOUND_ROLES: Final = (
    "openpgp-certificate",
    "piv-certificate",
    "ek-certificate",
    "ek-public",
    "ak-public",
    "key-public",
)
# private by nature; their absence leaves no doubt about anything else
WITHHOLDABLE: Final = ("ak-template", "minutes", "media")
