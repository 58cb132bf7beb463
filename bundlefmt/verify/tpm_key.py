# SPDX-License-Identifier: Apache-2.0
"""What the key areas share: the rules for a TPM public area that is to be believed.

TPM 2.0 Library, Part 1, "Object Attributes"; Part 2, TPMA_OBJECT.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.evidence.tpm import TpmAlg, TpmaObject, UnsupportedKeyError, alg_name
from bundlefmt.evidence.tpm_signature import SIGNING_SCHEMES
from bundlefmt.verify.context import Context, Fail, Skip, Unsure

MIN_RSA_BITS: Final = 2048  # 112 bits of strength (NIST SP 800-57 Part 1, table 2), as for seals
MIN_ECC_BITS: Final = 256
_BORN_HERE = TpmaObject.fixedTPM | TpmaObject.fixedParent | TpmaObject.sensitiveDataOrigin


def form(context: Context, label: str) -> str:
    """The bytes are one TPMT_PUBLIC and its key can be used here."""
    public = context.publics.form(label)
    try:
        public.public_key()
    except UnsupportedKeyError as error:
        raise Unsure(str(error)) from None
    return public.describe()


def name(context: Context, label: str) -> str:
    """A carried TPM Name is the one recomputed from the public area it is of."""
    of = context.target(label, "of")
    computed = context.name(of)
    if bytes(context.value(label)) != computed:
        raise Fail(f"the Name of {of} is {computed.hex()}")
    return f"the Name of {of}: {computed.hex()}"


def require_attributes(context: Context, label: str, *, restricted: bool) -> str:
    """A signing key made inside one TPM, which cannot leave it; restricted for an attestation key."""
    attributes = context.publics(label).attributes
    wanted = _BORN_HERE | TpmaObject.sign_encrypt
    if restricted:
        wanted |= TpmaObject.restricted
    missing = wanted & ~attributes
    if missing:
        raise Fail(f"attributes lacking: {', '.join(missing.names())}")
    if attributes & TpmaObject.decrypt:
        raise Fail("the key may also decrypt")
    return ", ".join(attributes.names())


def require_strong_scheme(context: Context, label: str) -> str:
    """The signing scheme is fixed; neither its hash, nor that of the Name, nor the key is weak."""
    public = context.publics(label)
    if not public.supported:
        raise Skip("the key is of a kind that is not read here")
    if public.scheme == TpmAlg.NULL:
        raise Fail("no signing scheme is fixed")
    if public.scheme not in SIGNING_SCHEMES:
        raise Fail(f"the scheme that is fixed does not sign: {alg_name(public.scheme)}")
    if public.scheme_hash == TpmAlg.SHA1 and not context.policy.allow_sha1:
        raise Fail("the scheme signs SHA-1 digests")
    if public.name_alg == TpmAlg.SHA1 and not context.policy.allow_sha1:
        raise Fail("the Name is a SHA-1 digest")
    try:
        bits = public.public_key().key_size
    except UnsupportedKeyError:
        raise Skip("the key cannot be used here") from None
    if bits < (MIN_RSA_BITS if public.type == TpmAlg.RSA else MIN_ECC_BITS):
        raise Fail(f"a key of {bits} bits is weak: {public.describe()}")
    return public.describe()
