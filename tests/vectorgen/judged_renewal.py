# SPDX-License-Identifier: Apache-2.0
"""Renewals: what they cover, which of them hold, and what follows when certificates have expired since.

Spec: "Verification", step 10; "Renewals".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, ocsp, sealing, timestamps
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED, MINUTES
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import ISSUER, OTHER_ROOT, OTHER_ROOT_FILE, ROOT, ROOT_FILE, Authority, Token
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
DAY: Final = 86400
FIRST: Final = Token()
SECOND: Final = Token(
    by=Authority(name="2034", validity=(CREATED + 7 * YEAR, CREATED + 20 * YEAR)), at=CREATED + 8 * YEAR
)
THIRD: Final = Token(
    by=Authority(name="2045", curve="p384", validity=(CREATED + 17 * YEAR, CREATED + 40 * YEAR)),
    at=CREATED + 18 * YEAR,
    signed_over="sha384",
)
IN_2060: Final = 2840097600  # 2060-01-01T00:00:00Z
OTHER: Final = Token(by=Authority(name="other", above=OTHER_ROOT), at=CREATED + 2 * DAY)
SHA384, SHA512 = -43, -44


def renewed(*renewals: Renewed, of: Ceremony | None = None) -> Ceremony:
    """The smallest snapshot, renewed, for a verifier who trusts the authority."""
    small = snapshot() if of is None else of
    return replace(small, renewals=renewals).under(anchors_time=(ROOT_FILE,))


def thrice(of: Ceremony | None = None) -> Ceremony:
    """Renewed three times, each before the authority before it expires, by stronger hashes."""
    return renewed(
        Renewed(token=FIRST),
        Renewed(token=SECOND, alg=SHA384),
        Renewed(token=THIRD, alg=SHA512),
        of=of,
    )


@vector("`H(covers)` by the same `alg`", "shape", "renewal")
def renewal_whole() -> Judged:
    """One renewal, a day after the ceremony, by an authority that the verifier trusts for time."""
    return renewed(Renewed()).concluding(time_existed="proven").judged()


@vector("SHA-384 (-43, 48 bytes)", "shape", "algorithm", "renewal")
def renewal_sha384() -> Judged:
    """A coverage by SHA-384."""
    return renewed(Renewed(alg=SHA384)).concluding(time_existed="proven").judged()


@vector("SHA-512 (-44, 64 bytes)", "shape", "algorithm", "renewal")
def renewal_sha512() -> Judged:
    """A coverage by SHA-512, stamped by an authority with a key on P-521 that signs over SHA-512."""
    token = Token(by=Authority(name="p521", curve="p521"), signed_over="sha512")
    return renewed(Renewed(alg=SHA512, token=token)).concluding(time_existed="proven").judged()


@vector("was still to be believed when the next one took over", "decades", "renewal")
def renewal_three_times() -> Judged:
    """In 2060: renewed three times, across two expired certificates, from SHA-256 to SHA-512."""
    return thrice().under(at=IN_2060).concluding(time_existed="proven", identity_sealed="proven").judged()


@vector("by when renewals show that all was there", "decades", "renewal")
def renewal_manufacturer_expired() -> Judged:
    """In 2060 the EK's certificate and its issuers have expired; all was there while they were valid."""
    bases = {"time_existed": "proven", "tpm_genuine": "proven", "ak_resident": "vouched"}
    return thrice(whole()).under(at=IN_2060).concluding(**bases).judged()


@vector("renewal.kept", "decades", "renewal")
def renewal_not_renewed() -> Judged:
    """In 2060, and the one renewal's certificate expired in 2036."""
    once = renewed(Renewed()).under(at=IN_2060)
    return once.concluding(time_existed="unproven").judged(unsure=("renewal.kept",))


@vector("renewal.kept", "decades", "renewal")
def renewal_too_late() -> Judged:
    """The second renewal was stamped after the first one's certificate had expired."""
    late = SECOND.changed(
        by=Authority(name="late", validity=(CREATED + 11 * YEAR, CREATED + 20 * YEAR)), at=CREATED + 12 * YEAR
    )
    ceremony = renewed(Renewed(), Renewed(token=late, alg=SHA384)).under(at=CREATED + 15 * YEAR)
    return ceremony.concluding(time_existed="unproven").judged(unsure=("renewal.kept",))


@vector("What one authority cannot show leaves no doubt where another shows it", "decades", "renewal")
def renewal_second_lapsed() -> Judged:
    """The second renewal's certificate expired before the third, while the first one's was valid still."""
    short = Authority(name="short", validity=(CREATED, CREATED + YEAR))
    ceremony = renewed(
        Renewed(), Renewed(token=Token(by=short, at=CREATED + 2 * DAY)), Renewed(token=SECOND, alg=SHA384)
    )
    return ceremony.under(at=CREATED + 15 * YEAR).concluding(time_existed="proven").judged()


# --- two authorities ----------------------------------------------------------------------------------


@vector("What one authority cannot show leaves no doubt where another shows it", "two-authorities", "renewal")
def renewal_two_authorities() -> Judged:
    """Two authorities below different roots, both trusted."""
    both = renewed(Renewed(), Renewed(token=OTHER)).under(anchors_time=(ROOT_FILE, OTHER_ROOT_FILE))
    return both.concluding(time_existed="proven").judged()


@vector("What one authority cannot show leaves no doubt where another shows it", "two-authorities", "renewal")
def renewal_one_authority_unknown() -> Judged:
    """Of two authorities the verifier trusts one."""
    return renewed(Renewed(), Renewed(token=OTHER)).concluding(time_existed="proven").judged()


@vector("What one authority cannot show leaves no doubt where another shows it", "two-authorities", "renewal")
def renewal_one_authority_revoked() -> Judged:
    """Of two trusted authorities the first was revoked later; its list came with the third renewal."""
    crl = certificates.revocation_list(FIRST.by.certificate, name=ROOT, at=CREATED + 3 * DAY)
    third = Renewed(token=OTHER.changed(at=CREATED + 4 * DAY), revocation=(crl,))
    both = renewed(Renewed(), Renewed(token=OTHER), third).under(anchors_time=(ROOT_FILE, OTHER_ROOT_FILE))
    return both.concluding(time_existed="proven").judged()


@vector("renewal.chain", "renewal")
def renewal_unknown_authority() -> Judged:
    """The one authority is below a root that the verifier does not trust."""
    return renewed(Renewed(token=OTHER)).concluding(time_existed="unproven").judged(unsure=("renewal.chain",))


@vector("renewal.chain", "renewal")
def renewal_no_anchor() -> Judged:
    """The verifier gives no authority of time."""
    return renewed(Renewed()).under(anchors_time=()).judged(unsure=("renewal.chain",))


@vector("renewal.chain", "renewal")
def renewal_anchor_for_another_purpose() -> Judged:
    """The root of time is given as a manufacturer of TPMs only."""
    wrong = renewed(Renewed()).under(anchors_time=(), anchors=(ROOT_FILE,))
    return wrong.judged(unsure=("renewal.chain",))


@vector("renewal.revocation", "revocation", "renewal")
def renewal_revoked() -> Judged:
    """The authority was revoked, by a list that the second renewal of the same authority carries."""
    crl = certificates.revocation_list(FIRST.by.certificate, name=ROOT, at=CREATED + 3 * DAY)
    second = Renewed(token=FIRST.changed(at=CREATED + 3 * DAY), revocation=(crl,))
    ceremony = renewed(Renewed(), second).concluding(time_existed="unproven")
    return ceremony.judged("renewal.revocation")


@vector("renewal.revocation", "revocation", "renewal")
def renewal_revoked_behind_lists_that_do_not() -> Judged:
    """Four lists that do not name the authority stand before the one that does."""
    clean = [certificates.revocation_list(name=ROOT, at=CREATED + 3 * DAY + number) for number in range(4)]
    crl = certificates.revocation_list(FIRST.by.certificate, name=ROOT, at=CREATED + 3 * DAY)
    second = Renewed(token=FIRST.changed(at=CREATED + 3 * DAY), revocation=(*clean, crl))
    ceremony = renewed(Renewed(), second).concluding(time_existed="unproven")
    return ceremony.judged("renewal.revocation")


@vector("renewal.revocation", "revocation", "renewal")
def renewal_revoked_by_a_response() -> Judged:
    """The authority was revoked, by an OCSP response that its second renewal carries."""
    status, updates = ocsp.revoked(CREATED + 2 * DAY), (CREATED + 3 * DAY, CREATED + 4 * DAY)
    about, above = FIRST.by.certificate, timestamps.root()
    said = ocsp.response(about, above, keys.ec_key(ROOT), status=status, updates=updates)
    second = Renewed(token=FIRST.changed(at=CREATED + 3 * DAY), revocation=(said,))
    return renewed(Renewed(), second).concluding(time_existed="unproven").judged("renewal.revocation")


@vector("renewal.revocation", "revocation", "renewal")
def renewal_not_revoked() -> Judged:
    """A list that does not name the authority is carried along by the second renewal."""
    crl = certificates.revocation_list(name=ROOT, at=SECOND.at)
    second = Renewed(token=SECOND, alg=SHA384, revocation=(crl,))
    return renewed(Renewed(), second).concluding(time_existed="proven").judged()


# --- what is carried along ----------------------------------------------------------------------------


@vector("that the layer before needs and lacks", "malformed", "renewal")
def renewal_carries_no_certificate() -> Judged:
    """What is carried along as a certificate is none: it says nothing, and the rest holds."""
    return renewed(Renewed(certificates=(b"\x30\x00",))).concluding(time_existed="proven").judged()


@vector("that the layer before needs and lacks", "renewal")
def renewal_certificate_carried() -> Judged:
    """The first token has no certificate; the second renewal carries it."""
    bare = Renewed(token=FIRST.changed(brought=()))
    second = Renewed(token=SECOND, certificates=(FIRST.by.certificate,))
    return renewed(bare, second).concluding(time_existed="proven").judged()


@vector("renewal.signature", "renewal")
def renewal_certificate_missing() -> Judged:
    """The token has no certificate, and none is carried."""
    return renewed(Renewed(token=FIRST.changed(brought=()))).judged(unsure=("renewal.signature",))


@vector("that the layer before needs and lacks", "renewal")
def renewal_issuer_carried() -> Judged:
    """The certificate between the authority and the root comes with the second renewal."""
    below = Authority(name="below", above=ISSUER)
    second = Renewed(token=SECOND, certificates=(timestamps.issuer(),))
    return renewed(Renewed(token=Token(by=below)), second).concluding(time_existed="proven").judged()


@vector("that the layer before needs and lacks", "renewal")
def renewal_manufacturer_carried() -> Judged:
    """The EK's issuer is not among the items; the renewal carries it."""
    lacking = whole().without("ek.issuer").changed("ek.cert", refs={})
    carried = renewed(Renewed(certificates=(certificates.manufacturer_issuer(),)), of=lacking)
    return carried.concluding(tpm_genuine="proven").judged()


# --- what is covered ----------------------------------------------------------------------------------


def _covering(change: Callable[[dict[str, object]], object]) -> Ceremony:
    return renewed(Renewed(covered=change))


@vector("renewal.covers", "renewal")
def renewal_other_manifest() -> Judged:
    """The coverage is of another manifest."""
    return _covering(lambda coverage: coverage.update(manifest=bytes(32))).judged("renewal.covers")


@vector("renewal.covers", "renewal")
def renewal_other_artifact() -> Judged:
    """The coverage has another digest of the quote."""

    def change(coverage: dict[str, object]) -> None:
        content = coverage["content"]
        assert isinstance(content, dict)
        content["quote"] = bytes(32)

    return _covering(change).judged("renewal.covers")


@vector("renewal.covers", "renewal")
def renewal_artifact_of_nothing() -> Judged:
    """The coverage names an artifact that is no item."""

    def change(coverage: dict[str, object]) -> None:
        content = coverage["content"]
        assert isinstance(content, dict)
        content["zebra"] = bytes(32)

    return _covering(change).judged("renewal.covers")


@vector("renewal.covers", "renewal")
def renewal_artifact_not_covered() -> Judged:
    """The quote is here, and the coverage leaves it out."""

    def change(coverage: dict[str, object]) -> None:
        content = coverage["content"]
        assert isinstance(content, dict)
        del content["quote"]

    return _covering(change).judged(unsure=("renewal.covers",))


@vector("renewal.covers", "stripped", "renewal")
def renewal_seal_taken_away() -> Judged:
    """The coverage is of two seals, and the second is gone."""
    return _covering(lambda coverage: coverage.update(seals=[*_rows(coverage, "seals"), bytes(32)])).judged(
        "renewal.covers"
    )


def _rows(coverage: dict[str, object], name: str) -> list[object]:
    rows = coverage[name]
    assert isinstance(rows, list)
    return rows


@vector("renewal.covers", "renewal")
def renewal_other_seal() -> Judged:
    """The coverage has another digest of the seal."""
    return _covering(lambda coverage: coverage.update(seals=[bytes(32)])).judged("renewal.covers")


@vector("renewal.covers", "stripped", "renewal")
def renewal_earlier_one_taken_away() -> Judged:
    """The first of two renewals is gone."""
    ceremony = replace(renewed(Renewed(), Renewed(token=SECOND)), renewals_lost=1)
    return ceremony.judged("renewal.covers")


@vector("renewal.covers", "renewal")
def renewal_earlier_one_not_covered() -> Judged:
    """The second of two renewals does not cover the first."""
    bare = Renewed(token=SECOND, covered=lambda coverage: coverage.update(renewals=[]))
    return renewed(Renewed(), bare).judged("renewal.covers")


@vector("an item withheld later does not break it", "withheld", "renewal")
def renewal_item_withheld_later() -> Judged:
    """The minutes were withheld after the renewal."""
    with_minutes = snapshot().having("minutes", fixed("minutes", MINUTES))
    withheld = replace(renewed(Renewed(), of=with_minutes), absent=frozenset({"minutes"}))
    return withheld.concluding(time_existed="proven").judged()


@vector("a seal that was added later existed later", "witness", "renewal")
def renewal_seal_added_later() -> Judged:
    """A witness sealed between two renewals."""
    witness = certificates.operator("p384", who="witness")
    seal = sealing.by(witness, certificate=witness.certificate, at=CREATED + YEAR)
    ceremony = renewed(Renewed(seals=1), Renewed(token=SECOND), of=snapshot().sealed_also(seal))
    return ceremony.concluding(time_existed="proven").judged()


@vector("a seal that was added later existed later", "rewrapped", "renewal")
def renewal_seal_dated_later() -> Judged:
    """The seal names a time within its certificate, which began years after the seal provably existed."""
    later = certificates.operator(validity=(CREATED + 4 * YEAR, CREATED + 20 * YEAR))
    of = snapshot().changed("operator.piv", value=later.certificate)
    pins = (sealing.x5t(later.certificate)[1],)
    of = replace(of, seals=(sealing.by(later, at=CREATED + 5 * YEAR),))
    of = of.under(pins_piv=tuple(pin.hex() for pin in pins if isinstance(pin, bytes)))
    return renewed(Renewed(), of=of).judged("seal.validity")


@vector("renewal.order", "renewal")
def renewal_backdated() -> Judged:
    """The second of two renewals says that it was made before the first, which it covers."""
    return renewed(Renewed(token=FIRST.changed(at=CREATED + 9 * DAY)), Renewed()).judged("renewal.order")


@vector("renewal.order", "renewal")
def renewal_after_the_time_asked_about() -> Judged:
    """The verifier asks about a time between two renewals: the second does not count, the first does."""
    ceremony = renewed(Renewed(), Renewed(token=SECOND)).under(at=CREATED + YEAR)
    return ceremony.concluding(time_existed="proven").judged()
