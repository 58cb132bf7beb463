# SPDX-License-Identifier: Apache-2.0
"""Quotes, and the PCR values beside them.

Spec: "Verification", step 6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    PCRS,
    ak,
    attested_with,
    certify,
    key,
    quote,
    signature,
    snapshot,
    snapshot_with,
    whole,
)
from tests.vectorgen.ceremony import Artifact, Ceremony, Making, fixed
from tests.vectorgen.plain import NONCE
from tests.vectorgen.software_tpm import SHA1, SHA256, tpm2b
from tests.vectorgen.tree import Raw, encoded
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
OTHER_BINDING: Final = hashlib.sha256(b"the binding of another ceremony").digest()


def _quoting(**changes: object) -> Ceremony:
    """The smallest snapshot whose quote has other fields; it is signed as it is."""
    return snapshot().changed("quote", make=quote(ak(), **changes))  # type: ignore[arg-type] # as in `quote`


def _selecting(selection: bytes, values: tpm.PcrValues = PCRS) -> Ceremony:
    """A quote of another selection; the digest is that of `values`."""
    return _quoting(attested=selection + tpm2b(tpm.pcr_digest(values)))


def _after(make: Callable[[Making], bytes], octets: bytes) -> Callable[[Making], bytes]:
    return lambda making: make(making) + octets


@vector("quote.form", "magic")
def quote_wrong_magic() -> Judged:
    """The quote does not begin with TPM_GENERATED_VALUE: any unrestricted key could have signed it."""
    return _quoting(magic=0xFF544348).judged("quote.form")


@vector("quote.form")
def quote_of_another_type() -> Judged:
    """A certify statement stands where a quote should; it is signed by the attestation key."""
    return snapshot().changed("quote", make=certify(ak(), key())).judged("quote.form")


@vector("quote.form", "trailing")
def quote_trailing_byte() -> Judged:
    """One byte follows the quote, and is signed with it."""
    return snapshot().changed("quote", make=_after(quote(ak()), b"\x00")).judged("quote.form")


@vector("quote.form", "trailing")
def quote_digest_longer_than_its_size() -> Judged:
    """The size of the PCR digest says 31, its bytes are 32: one is left over within the statement."""
    attested = tpm.selection(tpm.selected(PCRS)) + b"\x00\x1f" + tpm.pcr_digest(PCRS)
    return _quoting(attested=attested).judged("quote.form")


@vector("quote.form")
def quote_cut_short() -> Judged:
    """The quote ends within its PCR digest."""
    return snapshot().changed("quote", make=lambda making: quote(ak())(making)[:-1]).judged("quote.form")


@vector("quote.signature", "tampered")
def quote_signed_by_another_key() -> Judged:
    """The signature is by another key than the quote's."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    return snapshot().changed("quote.sig", make=signature(other, "quote")).judged("quote.signature")


@vector("quote.signature")
def quote_not_signed() -> Judged:
    """No signature is over the quote; the certify statement is signed."""
    return whole().without("quote.sig").judged("quote.signature")


@vector("quote.signature", "reference")
def quote_signature_names_another_key() -> Judged:
    """The signature says that it is by the signing key, the quote that it is by the attestation key."""
    refs = {"by": "key.pub", "over": "quote"}
    return whole().changed("quote.sig", refs=refs).judged("quote.signature")


@vector("quote.signature", "trailing")
def quote_signature_trailing_byte() -> Judged:
    """One byte follows the signature."""
    make = _after(signature(ak(), "quote"), b"\x00")
    return snapshot().changed("quote.sig", make=make).judged("quote.signature")


@vector("quote.signature", "algorithm")
def quote_signature_by_another_scheme() -> Judged:
    """The signature is by SHA-384, while the key's scheme fixes SHA-256."""
    make = signature(ak(), "quote", scheme=(tpm.ECDSA, tpm.SHA384))
    return snapshot().changed("quote.sig", make=make).judged("quote.signature")


@vector("quote.signature", "two-items")
def quote_second_signature_wrong() -> Judged:
    """Two signatures are over the quote: one is sound, the other is by another key."""
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    second = Artifact(
        role="tpm-signature", make=signature(other, "quote"), refs={"by": "ak.pub", "over": "quote"}
    )
    return snapshot().having("quote.sig-2", second).judged("quote.signature")


@vector("quote.signature", "shape", "algorithm")
def quote_signature_short() -> Judged:
    """r has a leading zero byte, which TPMs leave out: 31 bytes where the field has 32."""
    for clock in count():
        make = quote(ak(), clock=clock)
        ceremony = snapshot().changed("quote", make=make).changed("quote.sig", make=_short_signature)
        r_size = len(_short_signature(Making(ceremony))) - 4 - 4 - 32
        if r_size == 31:
            break
    return ceremony.judged()


def _short_signature(making: Making) -> bytes:
    """TPMT_SIGNATURE without leading zeros in r."""
    whole_signature = ak().sign(making.value("quote"))
    head, r, rest = whole_signature[:4], whole_signature[6:38], whole_signature[38:]
    return head + tpm2b(r.lstrip(b"\x00")) + rest


@vector("quote.signer")
def quote_signer_is_the_name() -> Judged:
    """The qualified signer is the attestation key's Name, which lacks the hierarchy."""
    return _quoting(signer=ak().name).judged("quote.signer")


@vector("quote.signer")
def quote_signer_is_another_key() -> Judged:
    """The qualified signer is the signing key."""
    return _quoting(signer=key().qualified_name).judged("quote.signer")


@vector("quote.signer", "shape", "session")
def quote_signer_in_null_hierarchy() -> Judged:
    """The attestation key is a primary in the null hierarchy, gone with the next reset."""
    return snapshot_with(replace(ak(), parent=tpm.NULL)).judged()


@vector("quote.binding", "binding", "rewrapped")
def quote_of_another_ceremony() -> Judged:
    """The quote is bound to another ceremony and was put under this operator's seal."""
    return _quoting(extra=OTHER_BINDING).judged("quote.binding")


@vector("quote.binding", "binding", "rewrapped")
def quote_with_another_operator() -> Judged:
    """Another operator put the whole TPM evidence of this ceremony under a seal of their own."""
    stolen = {label: Making(snapshot()).value(label) for label in ("quote", "quote.sig")}
    ceremony = snapshot("p384")
    for label, value in stolen.items():
        ceremony = ceremony.changed(label, value=value)
    return ceremony.judged("quote.binding")


@vector("a verifier reports it as indeterminate unless its policy allows it", "binding")
def quote_bound_to_nonce() -> Judged:
    """The quote was made earlier over the plain nonce."""
    return _quoting(extra=NONCE).judged(unsure=("quote.binding",))


@vector("evidence bound to the nonce only is accepted", "binding", "relaxation")
def quote_bound_to_nonce_allowed() -> Judged:
    """The quote was made earlier over the plain nonce, and the verifier allows that."""
    return _quoting(extra=NONCE).under(allow_nonce_binding=True).judged()


@vector("quote.selection", "selection")
def quote_of_nothing() -> Judged:
    """The quote selects no PCR; its digest is that of nothing, and the values beside it are not evidence."""
    attested = tpm.selection({}) + tpm2b(hashlib.sha256(b"").digest())
    return _quoting(attested=attested).judged("quote.selection")


@vector("quote.selection", "selection")
def quote_selects_bank_without_pcrs() -> Judged:
    """The quote selects a bank and no PCR in it."""
    attested = tpm.selection({SHA256: ()}) + tpm2b(hashlib.sha256(b"").digest())
    return _quoting(attested=attested).judged("quote.selection")


@vector("quote.selection", "selection")
def quote_selects_twice() -> Judged:
    """The quote selects one bank twice, so that a PCR counts twice in the digest."""
    once = tpm.selected(PCRS)[SHA256]
    row = b"".join(PCRS[SHA256][index] for index in once) * 2
    attested = tpm.selection(((SHA256, once), (SHA256, once))) + tpm2b(hashlib.sha256(row).digest())
    return _quoting(attested=attested).judged("quote.selection")


@vector("quote.selection", "selection")
def quote_values_beyond_selection() -> Judged:
    """A value of PCR 4 stands beside the quoted ones, as if it had been quoted."""
    padded = {SHA256: {**PCRS[SHA256], 4: bytes(32)}}
    return snapshot().changed("quote.pcrs", value=encoded(padded)).judged("quote.selection")


@vector("quote.selection", "selection")
def quote_values_of_another_bank_too() -> Judged:
    """Values of a whole bank that is not quoted stand beside the quoted ones."""
    padded = {**PCRS, tpm.SHA384: {0: bytes(48)}}
    return snapshot().changed("quote.pcrs", value=encoded(padded)).judged("quote.selection")


@vector("quote.selection", "selection")
def quote_values_lacking() -> Judged:
    """The value of PCR 7, which is quoted, is missing."""
    lacking = {SHA256: {0: PCRS[SHA256][0]}}
    return snapshot().changed("quote.pcrs", value=encoded(lacking)).judged("quote.pcrs", "quote.selection")


@vector("No bank is empty", "selection", "embedded")
def quote_values_with_empty_bank() -> Judged:
    """The PCR values have a bank with nothing in it."""
    empty = {**PCRS, tpm.SHA384: {}}
    return snapshot().changed("quote.pcrs", value=encoded(empty)).judged("quote.selection")


@vector("so other sizes would let the same octets be read as other values", "selection")
def quote_values_shifted() -> Judged:
    """The last byte of PCR 0 stands in PCR 7: the octets under the digest are the same, the values not."""
    row = PCRS[SHA256][0] + PCRS[SHA256][7]
    uneven = {SHA256: {0: row[:31], 7: row[31:]}}
    return snapshot().changed("quote.pcrs", value=encoded(uneven)).judged("quote.selection")


@vector("every digest has the size of its bank", "selection")
def quote_values_of_another_size() -> Judged:
    """The values in the SHA-256 bank have the size of SHA-1."""
    short = {SHA256: {0: bytes(20), 7: bytes(20)}}
    return snapshot().changed("quote.pcrs", value=encoded(short)).judged("quote.selection")


@vector("The same rules hold for CBOR inside byte strings", "selection", "embedded")
def quote_values_not_shortest() -> Judged:
    """The number of PCR 0 stands in two bytes."""
    row = {Raw(b"\x18\x00"): PCRS[SHA256][0], 7: PCRS[SHA256][7]}
    return snapshot().changed("quote.pcrs", value=encoded({SHA256: row})).judged("quote.selection")


@vector("quote.bank", "weak")
def quote_of_sha1_bank() -> Judged:
    """Only the SHA-1 bank is quoted."""
    return snapshot_with(ak(), _sha1_values()).judged("quote.bank")


@vector("SHA-1 banks, signing schemes and Names are accepted", "weak", "relaxation")
def quote_of_sha1_bank_allowed() -> Judged:
    """Only the SHA-1 bank is quoted, and the verifier allows that."""
    return snapshot_with(ak(), _sha1_values()).under(allow_sha1=True).judged()


@vector("quote.bank", "shape")
def quote_of_two_banks() -> Judged:
    """The SHA-1 and the SHA-256 bank are quoted: every PCR is in a strong bank too."""
    return snapshot_with(ak(), {**_sha1_values(), **PCRS}).judged()


def _sha1_values() -> tpm.PcrValues:
    return {SHA1: {index: hashlib.sha1(b"PCR %d" % index).digest() for index in (0, 7)}}  # noqa: S324 - a SHA-1 bank is what the vectors show


@vector("quote.pcrs", "tampered")
def quote_values_changed() -> Judged:
    """The value of PCR 7 is not the one that was quoted; the operator has sealed it all the same."""
    changed = {SHA256: {**PCRS[SHA256], 7: bytes(32)}}
    return snapshot().changed("quote.pcrs", value=encoded(changed)).judged("quote.pcrs")


@vector("quote.pcrs", "tampered")
def quote_values_exchanged() -> Judged:
    """The values of PCR 0 and PCR 7 are exchanged."""
    exchanged = {SHA256: {0: PCRS[SHA256][7], 7: PCRS[SHA256][0]}}
    return snapshot().changed("quote.pcrs", value=encoded(exchanged)).judged("quote.pcrs")


@vector("quote.pcrs", "algorithm")
def quote_digest_by_hash_of_bank() -> Judged:
    """The PCR digest is by the hash of the bank, SHA-256; the signing scheme's is SHA-384."""
    signing = tpm.ecc_key("attestation key", tpm.ATTESTING, curve="p384", scheme=(tpm.ECDSA, tpm.SHA384))
    make = quote(signing, attested=tpm.quote_info(PCRS, SHA256))
    return snapshot_with(signing).changed("quote", make=make).judged("quote.pcrs")


@vector("quote.pcrs", "two-items")
def quote_second_values_wrong() -> Judged:
    """Two quotes with their values: those of the second are not what it quotes."""
    second = attested_with(ak())
    wrong = encoded({SHA256: {0: bytes(32), 7: bytes(32)}})
    ceremony = snapshot()
    more = {
        "again": second["quote"],
        "again.sig": Artifact(
            role="tpm-signature", make=signature(ak(), "again"), refs={"by": "ak.pub", "over": "again"}
        ),
        "again.pcrs": fixed("pcr-values", wrong, {"quoted-by": "again"}),
    }
    return replace(ceremony, artifacts={**ceremony.artifacts, **more}).judged("quote.pcrs")


@vector("quote.selection", "selection", "two-items")
def quote_second_of_nothing() -> Judged:
    """A second quote selects no PCR, and no values stand beside it."""
    attested = tpm.selection({}) + tpm2b(hashlib.sha256(b"").digest())
    second = Artifact(role="quote", make=quote(ak(), attested=attested), refs={"by": "ak.pub"})
    made = Artifact(
        role="tpm-signature", make=signature(ak(), "again"), refs={"by": "ak.pub", "over": "again"}
    )
    ceremony = snapshot().having("again", second).having("again.sig", made)
    return ceremony.judged("quote.selection", unsure=("quote.pcrs",))


@vector("quote.bank", "unknown", "algorithm")
def quote_of_unknown_bank() -> Judged:
    """The bank quoted is of a hash algorithm that a later version may know."""
    values = {tpm.UNKNOWN_HASH: PCRS[SHA256]}
    return snapshot_with(ak(), values).judged(unsure=("quote.bank",))
