# SPDX-License-Identifier: Apache-2.0
"""Renewals and algorithms that a policy ends: what existed before counts, if the renewal itself still does.

Spec: "Policies", algorithms; "Renewals".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import certificates, openpgp, sealing, timestamps
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Ceremony, Making, Sealed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_period import attested_by_rsa, by_rsa, crossed_by_sha512, listed, subkey_of_rsa
from tests.vectorgen.judged_renewal import DAY, SHA384, SHA512, renewed
from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import ISSUER, Authority, Token
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_END: Final = CREATED + 5 * YEAR
_AFTER: Final = CREATED + 6 * YEAR
_UNDECIDED: Final = ("seal.anchor", "seal.required", "seal.signature")
_KEPT: Final = ("renewal.kept", *_UNDECIDED)
_P521: Final = Token(by=Authority(name="p521", curve="p521"), signed_over="sha512")


def _ended(ceremony: Ceremony, name: str, *renewals: Renewed, now: int = _AFTER) -> Ceremony:
    """Renewed a day after the ceremony, or by these; an algorithm ended years later, and that is past."""
    return renewed(*(renewals or (Renewed(),)), of=ceremony).under(algorithms={name: _END}, now=now)


# --- what is known to be older ------------------------------------------------------------------------


@vector("renewals show to have existed before it", "algorithm", "valid", "renewal")
def seal_algorithm_ended_after_a_renewal() -> Judged:
    """The seal is by SHA-384, which ended years after a renewal by SHA-256 showed that it was there."""
    ceremony = _ended(snapshot("p384"), "SHA-384")
    return ceremony.concluding(identity_sealed="proven", time_existed="proven").judged()


@vector("renewals show to have existed before it", "algorithm", "valid", "renewal")
def quote_algorithm_ended_after_a_renewal() -> Judged:
    """The attestation key is RSA of 2048 bits, which ended years after the renewal."""
    return _ended(attested_by_rsa(), "RSA-2048").judged()


@vector("renewals show to have existed before it", "algorithm", "valid", "renewal")
def ek_chain_by_an_algorithm_that_ended_after_a_renewal() -> Judged:
    """The manufacturer's intermediate signs by RSA of 2048 bits, which ended years after the renewal."""
    return _ended(by_rsa(), "RSA-2048").concluding(tpm_genuine="proven").judged()


@vector("renewals show to have existed before it", "algorithm", "valid", "renewal")
def cross_algorithm_ended_after_a_renewal() -> Judged:
    """The OpenPGP key signed the X.509 certificate with SHA-512, which ended years after the renewal."""
    return _ended(crossed_by_sha512(), "SHA-512").concluding(identity_crossed="proven").judged()


@vector("renewals show to have existed before it", "algorithm", "valid", "renewal")
def ek_cleared_by_an_algorithm_that_ended_after_a_renewal() -> Judged:
    """The list that does not name the EK certificate is by SHA-384, which ended years after the renewal."""
    return _ended(listed(), "SHA-384").concluding(tpm_genuine="proven").judged()


@vector("renewals show to have existed before it", "algorithm", "openpgp", "valid", "renewal")
def seal_subkey_of_a_primary_key_that_ended_after_a_renewal() -> Judged:
    """The RSA key that bound the sealing subkey is of a size that ended; its certificate is an item."""
    return _ended(subkey_of_rsa(), "RSA-3072").concluding(identity_sealed="proven").judged()


@vector("seal.signature", "algorithm", "limit", "renewal")
def seal_renewed_when_its_algorithm_ended() -> Judged:
    """The renewal was stamped in the second in which the seal's algorithm ended."""
    late = Renewed(token=Token(at=_END))
    return _ended(snapshot("p384"), "SHA-384", late).judged(unsure=_UNDECIDED)


@vector("seal.signature", "algorithm", "witness", "renewal")
def seal_algorithm_ended_added_after_the_renewal() -> Judged:
    """A witness sealed by SHA-384 after the renewal, which therefore does not show that seal."""
    witness = certificates.operator("p384", who="witness")
    sealed = snapshot().sealed_also(sealing.by(witness, certificate=witness.certificate, at=CREATED + YEAR))
    ceremony = _ended(sealed, "SHA-384", Renewed(seals=1))
    return ceremony.concluding(identity_sealed="proven").judged(unsure=("seal.signature",))


@vector("seal.signature", "algorithm", "openpgp", "witness", "renewal")
def seal_of_a_later_openpgp_witness_by_an_ended_algorithm() -> Judged:
    """A witness brings an OpenPGP certificate, which no renewal covers; the SHA-512 of the seal has ended."""

    def seal(making: Making) -> Sealed:
        made = openpgp.WITNESS.sign(making.manifest, hash_id=pgp.SHA512)
        return Sealed(node=[sealing.OPENPGP, made, openpgp.WITNESS.encode()])

    ceremony = _ended(snapshot().sealed_also(seal), "SHA-512")
    return ceremony.concluding(identity_sealed="proven").judged(unsure=("seal.signature",))


def _carrying(*renewals: Renewed) -> Ceremony:
    """The whole ceremony without the manufacturer's intermediate, whose certificate is by SHA-384."""
    return _ended(whole().without("ek.issuer").changed("ek.cert", refs={}), "SHA-384", *renewals)


_INTERMEDIATE: Final = (certificates.manufacturer_issuer(digest="sha384"),)


@vector("by the earliest time of those that hold and carry or cover it", "algorithm", "valid", "renewal")
def ek_chain_carried_before_its_algorithm_ended() -> Judged:
    """The intermediate's certificate is by SHA-384, which ended years after the renewal that brings it."""
    ceremony = _carrying(Renewed(certificates=_INTERMEDIATE))
    return ceremony.concluding(tpm_genuine="proven").judged()


@vector("by the earliest time of those that hold and carry or cover it", "algorithm", "valid", "renewal")
def ek_chain_carried_before_its_algorithm_ended_and_covered_later() -> Judged:
    """A second renewal, made after the end of SHA-384, covers the first, which brings the intermediate."""
    ceremony = _carrying(Renewed(certificates=_INTERMEDIATE), Renewed(token=Token(at=_END + DAY)))
    return ceremony.concluding(tpm_genuine="proven").judged()


@vector("by the earliest time of those that hold and carry or cover it", "algorithm", "renewal")
def ek_chain_carried_after_its_algorithm_ended() -> Judged:
    """The intermediate's certificate is by SHA-384, which ended before the second renewal brought it."""
    late = Renewed(token=Token(at=_END + DAY), certificates=_INTERMEDIATE)
    ceremony = _carrying(Renewed(), late).concluding(tpm_genuine="unproven", time_existed="proven")
    return ceremony.judged(unsure=("ek.chain",))


# --- renewals that no longer count --------------------------------------------------------------------


@vector("renewal.kept", "algorithm", "renewal")
def renewal_signed_by_an_ended_algorithm() -> Judged:
    """The one renewal is signed by SHA-512, which the policy ended; none came after it."""
    return (
        _ended(snapshot(), "SHA-512", Renewed(token=_P521))
        .concluding(time_existed="unproven")
        .judged(unsure=("renewal.kept",))
    )


@vector("renewal.kept", "algorithm", "renewal")
def renewal_covers_by_an_ended_algorithm() -> Judged:
    """The coverage of the one renewal is by SHA-512, which the policy ended; the token is by SHA-256."""
    ceremony = _ended(snapshot(), "SHA-512", Renewed(alg=SHA512)).concluding(time_existed="unproven")
    return ceremony.judged(unsure=("renewal.kept",))


@vector("renewal.kept", "algorithm", "renewal")
def renewal_issued_by_an_ended_algorithm() -> Judged:
    """The authority signs by P-384; its certificate is by P-256, which the policy ended."""
    token = Token(by=Authority(name="p384", curve="p384"), signed_over="sha384")
    ceremony = _ended(snapshot("rsa2048"), "ECC-256", Renewed(token=token, alg=SHA384))
    return ceremony.concluding(time_existed="unproven").judged(unsure=("quote.signature", "renewal.kept"))


@vector("took over before", "algorithm", "valid", "renewal")
def renewal_renewed_before_its_algorithm_ended() -> Judged:
    """The first renewal is by SHA-512; one by SHA-256 took over before the policy ended that."""
    second = Renewed(token=Token(at=_END - 1))
    ceremony = _ended(snapshot(), "SHA-512", Renewed(token=_P521), second)
    return ceremony.concluding(time_existed="proven").judged()


@vector("renewal.kept", "algorithm", "limit", "renewal")
def renewal_renewed_when_its_algorithm_ended() -> Judged:
    """One by SHA-256 took over in the second in which the policy ended SHA-512 of the first."""
    second = Renewed(token=Token(at=_END))
    ceremony = _ended(snapshot(), "SHA-512", Renewed(token=_P521), second)
    return ceremony.concluding(time_existed="unproven").judged(unsure=("renewal.kept",))


@vector("what only later ones carry", "algorithm", "renewal")
def renewal_issuer_carried_after_its_algorithm_ended() -> Judged:
    """One took over in time; the authority's issuer, by SHA-384, came with a third, after that had ended."""
    first = Renewed(token=Token(by=Authority(name="below", above=ISSUER)))
    second = Renewed(token=Token(at=_END - 1))
    third = Renewed(token=Token(at=_END + DAY), certificates=(timestamps.issuer("sha384"),))
    ceremony = _ended(snapshot(), "SHA-384", first, second, third)
    return ceremony.concluding(time_existed="unproven").judged(unsure=("renewal.kept",))


@vector("what only later ones carry", "algorithm", "valid", "renewal")
def renewal_issuer_carried_before_its_algorithm_ended() -> Judged:
    """The authority's issuer, by SHA-384, came with the second renewal, before that had ended."""
    first = Renewed(token=Token(by=Authority(name="below", above=ISSUER)))
    second = Renewed(token=Token(at=_END - 1), certificates=(timestamps.issuer("sha384"),))
    return _ended(snapshot(), "SHA-384", first, second).concluding(time_existed="proven").judged()


@vector("a forger sets back any clock", "algorithm", "renewal")
def renewal_by_an_ended_algorithm_asked_about_earlier() -> Judged:
    """The verifier asks about a day before the end of SHA-512, which is past: the token may be new."""
    ceremony = _ended(snapshot(), "SHA-512", Renewed(token=_P521)).under(at=CREATED + 2 * DAY)
    return ceremony.concluding(time_existed="unproven").judged(unsure=("renewal.kept",))


@vector("it does not hold once one of them ended", "algorithm", "two-authorities", "renewal")
def seal_and_renewal_by_the_ended_algorithm() -> Judged:
    """Seal and renewal are by SHA-384, which ended: neither shows the age of the other."""
    token = Token(by=Authority(name="p384", curve="p384"), signed_over="sha384")
    ceremony = _ended(snapshot("p384"), "SHA-384", Renewed(token=token))
    return ceremony.concluding(time_existed="unproven", identity_sealed="unproven").judged(unsure=_KEPT)
