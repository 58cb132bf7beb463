# SPDX-License-Identifier: Apache-2.0
"""Renewals whose forms or timestamps are at fault, or merely unusual.

Spec: "Renewals"; RFC 3161, RFC 5652, RFC 5816.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import certificates, keys, timestamps
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_renewal import FIRST, renewed
from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import TIME_STAMPING, Authority, Token
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_AS_IT_IS: Final = "over the set of attributes as it stands"


def _stamped(token: Token) -> Judged:
    """A token that is unusual and right."""
    return renewed(Renewed(token=token)).concluding(time_existed="proven").judged()


def _refused(check: str, token: Token) -> Judged:
    return renewed(Renewed(token=token)).concluding(time_existed="unproven").judged(check)


# --- form ---------------------------------------------------------------------------------------------


@vector("renewal.form", "bad-input", "renewal")
def renewal_unknown_member() -> Judged:
    """The renewal has a member that has no place there."""
    return renewed(Renewed(members={"surprise": 1})).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_coverage_without_seals() -> Judged:
    """The coverage has no member `seals`."""
    return renewed(Renewed(covered=lambda coverage: coverage.pop("seals"))).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_coverage_by_sha1() -> Judged:
    """The coverage names an algorithm that is not accepted."""
    return renewed(Renewed(covered=lambda coverage: coverage.update(alg=-14))).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_coverage_digest_too_short() -> Judged:
    """The manifest's digest is a byte too short."""
    short = Renewed(covered=lambda coverage: coverage.update(manifest=bytes(31)))
    return renewed(short).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_empty_list() -> Judged:
    """An empty list of certificates, which is left out."""
    empty = Renewed(covered=lambda coverage: coverage.update(certificates=[]))
    return renewed(empty).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_token_cut_short() -> Judged:
    """The token lacks its last byte."""
    return renewed(Renewed(proof=lambda token: token[:-1])).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_token_trailing_byte() -> Judged:
    """A byte follows the token."""
    return renewed(Renewed(proof=lambda token: token + b"\x00")).judged("renewal.form")


@vector("renewal.form", "bad-input", "renewal")
def renewal_response_in_place_of_token() -> Judged:
    """The whole response of the authority, status and all, in place of the token."""
    granted = bytes.fromhex("3003020100")
    whole = Renewed(proof=lambda token: certificates.tlv(0x30, granted + token))
    return renewed(whole).judged("renewal.form")


@vector("renewal.form", "renewal")
def renewal_two_signers() -> Judged:
    """The token has the same signer twice."""
    return _refused("renewal.form", FIRST.changed(signers=2))


@vector("renewal.form", "renewal")
def renewal_timestamp_version_2() -> Judged:
    """What is signed is of version 2."""
    return _refused("renewal.form", FIRST.changed(version=2))


@vector("renewal.form", "renewal")
def renewal_critical_extension() -> Judged:
    """What is signed has a critical extension that nobody knows."""
    return _refused("renewal.form", FIRST.changed(extensions=timestamps.CRITICAL))


@vector("signed attributes each once and with one value", "renewal")
def renewal_attribute_twice() -> Judged:
    """The signed content type stands there twice."""
    return _refused("renewal.form", FIRST.changed(more_attributes=timestamps.CONTENT_TYPE_AGAIN))


@vector("whose hash is one of those announced", "renewal")
def renewal_hash_not_announced() -> Judged:
    """The token announces SHA-384, and its signer uses SHA-256."""
    return _refused("renewal.form", FIRST.changed(announced="sha384"))


# --- imprint ------------------------------------------------------------------------------------------


@vector("renewal.imprint", "rewrapped", "renewal")
def renewal_of_something_else() -> Judged:
    """A genuine timestamp over something else."""
    return _refused("renewal.imprint", FIRST.changed(digest=bytes(32)))


@vector("renewal.imprint", "renewal")
def renewal_imprint_by_another_hash() -> Judged:
    """The timestamp's digest is by another hash algorithm than the coverage's."""
    return _refused("renewal.imprint", FIRST.changed(hash="sha384", digest=bytes(48)))


# --- signature ----------------------------------------------------------------------------------------


@vector("renewal.signature", "renewal")
def renewal_signed_by_another_key() -> Judged:
    """The signature is by a key of somebody else."""
    return _refused("renewal.signature", FIRST.changed(signed_by=keys.ec_key("other p256")))


@vector("renewal.signature", "algorithm", "renewal")
def renewal_signed_by_an_unknown_algorithm() -> Judged:
    """The signature is said to be by an algorithm that is not known here (GOST R 34.10-2012)."""
    gost = bytes.fromhex("300a06082a85030701010302")
    return renewed(Renewed(token=FIRST.changed(algorithm=gost))).judged(unsure=("renewal.signature",))


@vector("renewal.signature", "rewrapped", "renewal")
def renewal_digest_of_another() -> Judged:
    """The signed digest is of another time."""
    return _refused("renewal.signature", FIRST.changed(message_digest=bytes(32)))


@vector("renewal.signature", "renewal")
def renewal_content_type_not_signed() -> Judged:
    """No signed attribute says what is signed."""
    return _refused("renewal.signature", FIRST.changed(content_type=None))


@vector("renewal.signature", "rewrapped", "renewal")
def renewal_content_type_of_another() -> Judged:
    """The signed attributes are those of plain data."""
    return _refused("renewal.signature", FIRST.changed(content_type=timestamps.OTHER_CONTENT))


@vector("renewal.signature", "renewal")
def renewal_certificate_not_named() -> Judged:
    """No signed attribute says whose certificate it is."""
    return _refused("renewal.signature", FIRST.changed(named_by=""))


@vector("renewal.signature", "rewrapped", "renewal")
def renewal_another_certificate_of_the_key() -> Judged:
    """The signed attribute names another certificate of the same key, and the identifier the old one."""
    other = Authority(validity=(CREATED - YEAR, CREATED + 60 * YEAR)).certificate
    both = (FIRST.by.certificate, other)
    issued = certificates.certificate(
        "Evidence Bundle Test Timestamps renamed (test key)",
        FIRST.by.key.public_key(),
        timestamps.OTHER_ROOT,
        keys.ec_key(timestamps.OTHER_ROOT),
    )
    return _refused("renewal.signature", FIRST.changed(names=issued, brought=(*both, issued)))


@vector("by its issuer and serial number", "rewrapped", "renewal")
def renewal_certificate_named_with_another_number() -> Judged:
    """The signed attribute has the digest of the certificate, and the serial number of another."""
    return _refused("renewal.signature", FIRST.changed(number=4711))


@vector("names are compared there as bytes", "renewal")
def renewal_signer_in_small_letters() -> Judged:
    """The signer's identifier spells the issuer's name in small letters."""
    return _refused("renewal.signature", FIRST.changed(in_small_letters=True))


@vector("renewal.signature", "sha1", "renewal")
def renewal_certificate_named_by_sha1() -> Judged:
    """The certificate is named by SHA-1 only, as before RFC 5816."""
    return _refused("renewal.signature", FIRST.changed(named_by="sha1"))


@vector("SHA-1 under certificates", "sha1", "relaxation", "renewal")
def renewal_certificate_named_by_sha1_allowed() -> Judged:
    """The certificate is named by SHA-1 only, and the verifier allows SHA-1."""
    ceremony = renewed(Renewed(token=FIRST.changed(named_by="sha1"))).under(allow_sha1_certificates=True)
    return ceremony.concluding(time_existed="proven").judged()


# --- authority ----------------------------------------------------------------------------------------


@vector("renewal.authority", "renewal")
def renewal_usage_not_critical() -> Judged:
    """The authority's extended key usage is not critical."""
    return _refused("renewal.authority", Token(by=Authority(name="uncritical", critical=False)))


@vector("renewal.authority", "renewal")
def renewal_usage_not_alone() -> Judged:
    """The authority's certificate is for code signing too."""
    usages = (TIME_STAMPING, "1.3.6.1.5.5.7.3.3")
    return _refused("renewal.authority", Token(by=Authority(name="two usages", usages=usages)))


@vector("renewal.authority", "renewal")
def renewal_key_may_not_sign() -> Judged:
    """The key usage of the authority's certificate is for agreeing on keys."""
    return _refused("renewal.authority", Token(by=Authority(name="agreeing", key_usage="key_agreement")))


@vector("renewal.authority", "renewal")
def renewal_before_its_certificate() -> Judged:
    """The authority's certificate began after the time that it tells."""
    begun = Authority(name="begun", validity=(CREATED + 5 * 86400, CREATED + YEAR))
    return _refused("renewal.authority", Token(by=begun))


@vector("renewal.authority", "renewal")
def renewal_after_its_certificate() -> Judged:
    """The authority's certificate had ended before the time that it tells."""
    ended = Authority(name="ended", validity=(CREATED - YEAR, CREATED))
    return _refused("renewal.authority", Token(by=ended))


# --- unusual and right --------------------------------------------------------------------------------


@vector(_AS_IT_IS, "shape", "renewal")
def renewal_attributes_in_another_order() -> Judged:
    """The signed attributes are not in the order of DER."""
    return _stamped(FIRST.changed(reordered=True))


@vector("no certificate is believed for standing in the token", "injected", "renewal")
def renewal_injected_certificates() -> Judged:
    """Other certificates stand before that of the authority, one of them with its name."""
    name = FIRST.by.subject
    key = keys.ec_key("intruder p256")
    intruder = certificates.certificate(name, key.public_key(), name, key)
    brought = (intruder, timestamps.root(timestamps.OTHER_ROOT), FIRST.by.certificate)
    return _stamped(FIRST.changed(brought=brought))


@vector(_AS_IT_IS, "shape", "renewal")
def renewal_signer_by_key_identifier() -> Judged:
    """The signer is named by the identifier of its key."""
    return _stamped(Token(by=Authority(name="identified", identified=True), by_key=True))


@vector("the accuracy that it states", "shape", "renewal")
def renewal_accuracy() -> Judged:
    """The time has a fraction of a second, and an accuracy of one and a half."""
    return _stamped(FIRST.changed(fraction=".25", accuracy=timestamps.ACCURACY))


@vector("by its digest", "shape", "algorithm", "renewal")
def renewal_certificate_named_by_sha512() -> Judged:
    """The certificate is named by SHA-512."""
    return _stamped(FIRST.changed(named_by="sha512"))


@vector("by its issuer and serial number", "shape", "renewal")
def renewal_certificate_named_with_its_number() -> Judged:
    """The signed attribute has the certificate's issuer and serial number beside its digest."""
    return _stamped(FIRST.changed(number=certificates.serial_number(FIRST.by.certificate)))


@vector("stands in place of a signature's", "shape", "algorithm", "renewal")
def renewal_signed_by_a_key_algorithm() -> Judged:
    """The signature's algorithm is that of an elliptic curve key."""
    return _stamped(FIRST.changed(algorithm=timestamps.ECDSA_BY_ITS_KEY))


@vector("`H(covers)` by the same `alg`", "shape", "algorithm", "renewal")
def renewal_signed_over_sha384() -> Judged:
    """The signature and its digest are by SHA-384, the coverage by SHA-256."""
    return _stamped(Token(by=Authority(name="p384", curve="p384"), signed_over="sha384"))
