# SPDX-License-Identifier: Apache-2.0
"""COSE seals with a timestamp over their signature, good and bad, and what follows from it.

Spec: "COSE seals"; RFC 9921.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, sealing
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_renewal import DAY, IN_2060, OTHER, SECOND, SHA384, SHA512, THIRD, renewed
from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import ISSUER, ROOT, ROOT_FILE, TIME_STAMPING, Authority, Token, issuer
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
TTC, CTT = 269, 270
STAMP: Final = Token(at=CREATED + 3600)
_LATE: Final = CREATED + 6 * YEAR
_EXPIRED: Final = CREATED + 12 * YEAR  # the authority of 2026
_UNDECIDED: Final = ("seal.anchor", "seal.required", "seal.signature")
Added = Callable[[bytes], Mapping[object, object]]


def over_signature(token: Token, *, by: str = "sha256", label: int = CTT) -> Added:
    """The token over the encoded signature, at its place in the unprotected header."""
    return lambda signature: {label: token(by, hashlib.new(by, encoded(signature)).digest())}


def stamped(added: Added, *, of: Ceremony | None = None, **changes: object) -> Ceremony:
    """The smallest snapshot, its one seal with a timestamp, for a verifier who trusts the authority."""
    small = snapshot() if of is None else of
    (seal,) = small.seals
    assert isinstance(seal, sealing.CoseSeal)
    changed = replace(seal, added=added, **changes)  # type: ignore[arg-type] # the fields of CoseSeal
    return replace(small, seals=(changed,)).under(anchors_time=(ROOT_FILE,))


def _refused(added: Added, **changes: object) -> Judged:
    return stamped(added, **changes).concluding(time_sealed="unproven").judged("seal.timestamp")  # type: ignore[arg-type] # as above


@vector("seal.timestamp", "timestamp")
def seal_timestamp() -> Judged:
    """An hour after the ceremony an authority stamped the operator's signature."""
    return stamped(over_signature(STAMP)).concluding(time_sealed="proven", identity_sealed="proven").judged()


@vector("by SHA-256, SHA-384 or SHA-512, over the *encoded* signature", "timestamp", "algorithm", "shape")
def seal_timestamp_by_sha512() -> Judged:
    """The imprint is by SHA-512."""
    return stamped(over_signature(STAMP, by="sha512")).concluding(time_sealed="proven").judged()


@vector("seal.timestamp", "timestamp", "witness")
def seal_timestamp_of_one_of_two() -> Judged:
    """A later witness's seal has a timestamp, the operator's has none."""
    witness = certificates.operator("p384", who="witness")
    seal = sealing.by(witness, certificate=witness.certificate, added=over_signature(STAMP))
    ceremony = snapshot().sealed_also(seal).under(anchors_time=(ROOT_FILE,))
    return ceremony.concluding(time_sealed="proven").judged()


@vector("the byte string with its CBOR head", "timestamp")
def seal_timestamp_of_the_bare_signature() -> Judged:
    """The timestamp is over the signature without its CBOR head."""
    return _refused(lambda signature: {CTT: STAMP("sha256", hashlib.sha256(signature).digest())})


@vector("seal.timestamp", "timestamp", "rewrapped")
def seal_timestamp_of_another_signature() -> Judged:
    """The genuine timestamp of another signature."""
    return _refused(over_signature(STAMP.changed(digest=bytes(32))))


@vector("seal.timestamp", "timestamp", "bad-input")
def seal_timestamp_cut_short() -> Judged:
    """The token lacks its last byte."""
    digest = hashlib.sha256
    return _refused(lambda signature: {CTT: STAMP("sha256", digest(encoded(signature)).digest())[:-1]})


@vector("seal.timestamp", "timestamp", "bad-input")
def seal_timestamp_of_another_type() -> Judged:
    """Label 270 holds a list of one token."""
    whole = over_signature(STAMP)
    return _refused(lambda signature: {CTT: [whole(signature)[CTT]]})


@vector("seal.timestamp", "timestamp")
def seal_timestamp_protected() -> Judged:
    """Label 270 stands in the protected header: no timestamp is older than the signature that it is over."""
    return _refused(lambda signature: {}, header={CTT: STAMP("sha256", bytes(32))})


@vector("is a timestamp of the payload, made before the seal", "timestamp", "shape")
def seal_timestamp_of_the_payload() -> Judged:
    """A timestamp of the payload in the protected header: kept, and shows nothing of the seal."""
    return stamped(lambda signature: {}, header={TTC: STAMP("sha256", bytes(32))}).judged()


@vector("seal.timestamp", "timestamp")
def seal_timestamp_of_the_payload_unprotected() -> Judged:
    """Label 269 stands in the unprotected header, where the signature does not cover it."""
    return _refused(over_signature(STAMP, label=TTC))


@vector("seal.timestamp", "timestamp")
def seal_timestamp_by_no_authority() -> Judged:
    """The signer's certificate is for code signing too."""
    usages = (TIME_STAMPING, "1.3.6.1.5.5.7.3.3")
    return _refused(over_signature(STAMP.changed(by=Authority(name="two usages", usages=usages))))


@vector("seal.timestamp", "timestamp", "time", "limit")
def seal_timestamp_in_the_last_second() -> Judged:
    """The timestamp was made in the last second of its authority's certificate."""
    short = Authority(name="short", validity=(CREATED - YEAR, STAMP.at))
    return stamped(over_signature(STAMP.changed(by=short))).concluding(time_sealed="proven").judged()


def _below_issuer(certificate: bytes) -> Token:
    """A token by an authority below an issuer, which brings along the issuer's certificate."""
    below = Authority(name="below", above=ISSUER)
    return STAMP.changed(by=below, brought=(below.certificate, certificate))


@vector("seal.timestamp", "timestamp", "time")
def seal_timestamp_before_its_issuer() -> Judged:
    """The authority's issuer has a certificate that began a year after the timestamp."""
    later = issuer(validity=(CREATED + YEAR, CREATED + 80 * YEAR))
    ceremony = stamped(over_signature(_below_issuer(later))).under(at=CREATED + 2 * YEAR)
    return ceremony.concluding(time_sealed="unproven").judged(unsure=("seal.timestamp",))


@vector("seal.timestamp", "timestamp")
def seal_timestamp_revoked() -> Judged:
    """The token brings a list along that says its authority was revoked."""
    crl = certificates.revocation_list(STAMP.by.certificate, name=ROOT, at=CREATED + DAY)
    return _refused(over_signature(STAMP.changed(lists=(crl,))))


@vector("seal.timestamp", "timestamp", "anchor")
def seal_timestamp_by_a_stranger() -> Judged:
    """Nothing leads to an authority that the verifier trusts for time."""
    ceremony = stamped(over_signature(OTHER)).concluding(time_sealed="unproven", identity_sealed="proven")
    return ceremony.judged(unsure=("seal.timestamp",))


@vector("seal.timestamp", "timestamp", "renewal")
def seal_timestamp_by_a_stranger_and_renewed() -> Judged:
    """Nothing leads to an authority that is trusted; a renewal by one who is trusted covers the seal."""
    ceremony = renewed(Renewed(), of=stamped(over_signature(OTHER.changed(at=CREATED + 3600))))
    return ceremony.concluding(time_sealed="unproven", time_existed="proven").judged()


@vector("has to be believed still", "timestamp", "decades")
def seal_timestamp_lapsed() -> Judged:
    """In 2060, and the authority's certificate expired in 2036."""
    ceremony = stamped(over_signature(STAMP)).under(at=IN_2060).concluding(time_sealed="unproven")
    return ceremony.judged(unsure=("seal.timestamp",))


@vector("has to be believed still", "timestamp", "decades", "renewal")
def seal_timestamp_renewed() -> Judged:
    """In 2060; renewals took over before the authority's certificate expired."""
    tokens = (Renewed(token=SECOND, alg=SHA384), Renewed(token=THIRD, alg=SHA512))
    ceremony = renewed(*tokens, of=stamped(over_signature(STAMP))).under(at=IN_2060)
    return ceremony.concluding(time_sealed="proven", time_existed="proven").judged()


@vector("seal.timestamp", "timestamp", "renewal")
def seal_timestamp_later_than_a_renewal() -> Judged:
    """The timestamp says a time a week after the renewal that covers it was made."""
    later = over_signature(STAMP.changed(at=CREATED + 8 * DAY))
    ceremony = renewed(Renewed(), of=stamped(later)).concluding(time_sealed="unproven")
    return ceremony.under(at=CREATED + YEAR).judged("seal.timestamp")


@vector("seal.timestamp", "timestamp", "renewal")
def seal_timestamp_later_than_a_renewal_by_a_younger_authority() -> Judged:
    """As before, by an authority whose certificate began after the renewal was made."""
    younger = Authority(name="younger", validity=(CREATED + 4 * DAY, CREATED + 10 * YEAR))
    later = over_signature(STAMP.changed(at=CREATED + 8 * DAY, by=younger))
    ceremony = renewed(Renewed(), of=stamped(later)).concluding(time_sealed="unproven")
    return ceremony.under(at=CREATED + YEAR).judged("seal.timestamp")


@vector("or, for a timestamp in a seal, its own where that is later", "timestamp", "renewal", "time")
def seal_timestamp_decades_after_the_renewal() -> Judged:
    """A witness sealed when the renewal's authority had expired; what time it is nobody says."""
    witness = certificates.operator("p384", who="witness")
    seal = sealing.by(
        witness, certificate=witness.certificate, added=over_signature(SECOND.changed(at=_EXPIRED))
    )
    ceremony = renewed(Renewed(seals=1), of=snapshot().sealed_also(seal))
    return ceremony.concluding(time_existed="proven", time_sealed="proven").judged()


@vector("seal.timestamp", "timestamp", "time")
def seal_timestamp_after_the_time_asked_about() -> Judged:
    """The verifier asks about a time before the timestamp: it does not count."""
    later = over_signature(STAMP.changed(at=CREATED + YEAR))
    return stamped(later).under(at=CREATED + DAY).concluding(time_sealed="unproven").judged()


# --- what follows -------------------------------------------------------------------------------------


@vector("A timestamp in a seal shows it of that seal", "timestamp", "algorithm")
def seal_timestamp_key_ended() -> Judged:
    """The operator's key is RSA of 2048 bits, which ended years after the timestamp."""
    ceremony = stamped(over_signature(STAMP), of=snapshot("rsa2048"))
    ceremony = ceremony.under(algorithms={"RSA-2048": CREATED + 5 * YEAR}, now=_LATE)
    return ceremony.concluding(identity_sealed="proven", time_sealed="proven").judged()


@vector("the timestamp lapses as if it were made by that", "timestamp", "algorithm")
def seal_timestamp_hash_of_the_seal_ended() -> Judged:
    """What is signed is hashed by SHA-384, which ended: whose signature this was nobody knows any more."""
    ceremony = stamped(over_signature(STAMP), of=snapshot("p384"))
    ceremony = ceremony.under(algorithms={"SHA-384": CREATED + 5 * YEAR}, now=_LATE)
    ceremony = ceremony.concluding(identity_sealed="unproven", time_sealed="unproven")
    return ceremony.judged(unsure=(*_UNDECIDED, "seal.timestamp"))


@vector("unless a renewal took over before", "timestamp", "algorithm", "renewal")
def seal_timestamp_hash_of_the_seal_ended_after_a_renewal() -> Judged:
    """As before, and a renewal by SHA-256 took over before SHA-384 ended."""
    ceremony = renewed(Renewed(), of=stamped(over_signature(STAMP), of=snapshot("p384")))
    ceremony = ceremony.under(algorithms={"SHA-384": CREATED + 5 * YEAR}, now=_LATE)
    return ceremony.concluding(identity_sealed="proven", time_sealed="proven").judged()


def _issuer_ended(*renewals: Renewed) -> Ceremony:
    """The certificate of the authority's issuer is over SHA-384, which ended."""
    of = stamped(over_signature(_below_issuer(issuer("sha384"))))
    ceremony = renewed(*renewals, of=of) if renewals else of
    return ceremony.under(algorithms={"SHA-384": CREATED + 5 * YEAR}, now=_LATE)


@vector("the timestamp lapses", "timestamp", "algorithm")
def seal_timestamp_certificate_ended() -> Judged:
    """The certificate of the authority's issuer is signed over SHA-384, which ended."""
    return _issuer_ended().concluding(time_sealed="unproven").judged(unsure=("seal.timestamp",))


@vector("unless a renewal took over before", "timestamp", "algorithm", "renewal")
def seal_timestamp_certificate_ended_after_a_renewal() -> Judged:
    """As before, and a renewal took over before SHA-384 ended: what the token brings along was there."""
    return _issuer_ended(Renewed()).concluding(time_sealed="proven", time_existed="proven").judged()


@vector("by when the seal provably existed", "timestamp", "time")
def seal_timestamp_before_the_certificate() -> Judged:
    """The seal names a time within its certificate, which began after the seal provably existed."""
    later = certificates.operator(validity=(CREATED + 4 * YEAR, CREATED + 20 * YEAR))
    of = snapshot().changed("operator.piv", value=later.certificate)
    of = replace(of, seals=(sealing.by(later, at=CREATED + 5 * YEAR),))
    of = of.under(pins_piv=(hashlib.sha256(later.certificate).hexdigest(),))
    return stamped(over_signature(STAMP), of=of).concluding(time_sealed="proven").judged("seal.validity")
