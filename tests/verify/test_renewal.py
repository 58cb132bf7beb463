# SPDX-License-Identifier: Apache-2.0
"""Renewals through decades: at each time that a verifier may ask about, by one authority and by two."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bundlefmt.bundle import Bundle
from bundlefmt.moment import when
from bundlefmt.renewal import Stamp
from bundlefmt.verify import Outcome, Verdict, verify
from bundlefmt.verify.context import Context
from bundlefmt.verify.stamps import MAX_RENEWALS
from tests.conftest import Need
from tests.test_vectors import JUDGED, octets, said
from tests.vectorgen import certificates, openpgp, sealing, timestamps
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.judged_renewal import FIRST, IN_2060, OTHER, SECOND, SHA384, THIRD, renewed, thrice
from tests.vectorgen.plain import CREATED
from tests.vectorgen.renewing import Renewed
from tests.vectorgen.timestamps import OTHER_ROOT_FILE, ROOT_FILE, Authority, Token
from tests.verify.judging import broken, concluded, finding, policy_of, report

EXISTED: Final = "time.existed"
DAY: Final = 86400


def bundle_of(ceremony: Ceremony) -> Bundle:
    return Bundle.decode(ceremony.judged().file)


# --- decades ------------------------------------------------------------------------------------------

# the last token's certificate ends in 2066
AT: Final = [*range(CREATED + YEAR, CREATED + 40 * YEAR, 3 * YEAR), IN_2060]


@pytest.mark.parametrize("at", AT, ids=when)
def test_a_renewed_bundle_holds_at_any_time(at: int) -> None:
    found = report(thrice(whole()), at=at)
    assert found.verdict is Verdict.PASSED, broken(found)
    basis, statement = concluded(found, EXISTED)
    assert basis == "proven"
    assert f"existed by {when(FIRST.at)}; so did seals 1, 2" in statement
    assert concluded(found, "tpm.genuine")[0] == "proven"


def test_it_ends_where_nobody_renewed_any_more() -> None:
    found = report(thrice(whole()), at=CREATED + 41 * YEAR)
    assert found.verdict is not Verdict.PASSED
    assert concluded(found, EXISTED)[0] == concluded(found, "tpm.genuine")[0] == "unproven"
    for number in (1, 2, 3):
        outcome, message = finding(found, "renewal.kept", f"renewal {number}")
        assert outcome is Outcome.INDETERMINATE
        assert "not renewed in good time" in message


def test_without_renewals_the_manufacturer_has_expired() -> None:
    """The same bundle, the same time, and nothing to show that it is old."""
    bare = replace(thrice(whole()), renewals=())
    assert broken(report(bare, at=IN_2060))["ek.chain"] is Outcome.FAILED
    unknown = report(thrice(whole()), at=IN_2060, anchors_time=())
    assert broken(unknown)["ek.chain"] is Outcome.FAILED
    assert report(bare).verdict is Verdict.PASSED  # at the time that it claims


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_each_of_three_is_needed(missing: int) -> None:
    """With a gap there is a time later than before, or none."""
    kept = [Renewed(token=FIRST), Renewed(token=SECOND, alg=SHA384), Renewed(token=THIRD, alg=SHA384)]
    del kept[missing]
    found = report(renewed(*kept, of=whole()), at=IN_2060)
    by = Context(
        bundle_of(renewed(*kept, of=whole())), policy_of(renewed(of=whole()), at=IN_2060)
    ).existence.by
    assert by == {0: SECOND.at, 1: THIRD.at, 2: None}[missing]
    # with the second missing the first one had lapsed; without the third nothing holds
    assert (concluded(found, EXISTED)[0] == "proven") is (missing == 0)
    assert ("renewal.kept" in broken(found)) is (missing != 0)


def test_the_clock_of_the_verifier_counts_where_no_time_is_asked_about() -> None:
    once = renewed(Renewed())
    assert report(once, now=CREATED + 9 * YEAR).verdict is Verdict.PASSED
    late = report(once, now=CREATED + 11 * YEAR)
    assert broken(late) == {"renewal.kept": Outcome.INDETERMINATE}
    assert report(once, at=CREATED + YEAR, now=CREATED + 11 * YEAR).verdict is Verdict.PASSED


def test_what_was_stamped_after_the_time_asked_about_shows_nothing_of_it() -> None:
    """Though its authority's certificate was valid at both times."""
    later = renewed(Renewed(token=FIRST.changed(at=CREATED + 5 * YEAR)))
    assert concluded(report(later, at=CREATED + 6 * YEAR), EXISTED)[0] == "proven"
    found = report(later, at=CREATED + YEAR)
    assert finding(found, "renewal.order", "renewal 1")[0] is Outcome.SKIPPED
    assert concluded(found, EXISTED)[0] == "unproven"


# --- two authorities ----------------------------------------------------------------------------------


def both(*, revoked: bool = False, lapsed: bool = False) -> Ceremony:
    """Each layer by two authorities below different roots."""
    crl = certificates.revocation_list(FIRST.by.certificate, name=timestamps.ROOT, at=SECOND.at)
    first = FIRST
    if lapsed:
        first = FIRST.changed(by=Authority(name="brief", validity=(CREATED, CREATED + YEAR)))
    other = Authority(
        name="other 2034", above=timestamps.OTHER_ROOT, validity=(SECOND.at - DAY, SECOND.at + YEAR * 30)
    )
    material = (crl,) if revoked else ()
    return renewed(
        Renewed(token=first),
        Renewed(token=OTHER),
        Renewed(token=SECOND, alg=SHA384, revocation=material),
        Renewed(token=Token(by=other, at=SECOND.at + DAY), alg=SHA384),
    ).under(anchors_time=(ROOT_FILE, OTHER_ROOT_FILE), at=CREATED + 15 * YEAR)


def test_either_authority_is_enough() -> None:
    for anchors in ((ROOT_FILE,), (OTHER_ROOT_FILE,), (ROOT_FILE, OTHER_ROOT_FILE)):
        found = report(both().under(anchors_time=anchors))
        assert found.verdict is Verdict.PASSED, broken(found)
        assert concluded(found, EXISTED)[0] == "proven"


def test_one_that_was_revoked_takes_only_its_own_time_with_it() -> None:
    whole_chain, without = (
        Context(bundle_of(each), policy_of(each)).existence for each in (both(), both(revoked=True))
    )
    assert (whole_chain.by, without.by) == (FIRST.at, OTHER.at)
    assert report(both(revoked=True)).verdict is Verdict.PASSED
    alone = report(both(revoked=True).under(anchors_time=(ROOT_FILE,)))
    outcome, message = finding(alone, "renewal.revocation", "renewal 1")
    assert outcome is Outcome.SKIPPED  # the authority of 2034 was not revoked
    assert "revoked at" in message


def test_a_gap_of_one_authority_is_bridged_by_the_other() -> None:
    assert report(both()).verdict is Verdict.PASSED
    assert broken(report(both(lapsed=True).under(anchors_time=(ROOT_FILE,)))) == {
        "renewal.kept": Outcome.INDETERMINATE
    }
    bridged = Context(bundle_of(both(lapsed=True)), policy_of(both(lapsed=True))).existence
    # the other one's first token covers it, and was made while it was valid
    assert bridged.by == FIRST.at
    assert report(both(lapsed=True)).verdict is Verdict.PASSED


# --- what trusted time does to seals --------------------------------------------------------------------


def test_a_seal_says_by_when_it_existed() -> None:
    ceremony = thrice(whole())
    found = report(ceremony, at=IN_2060)
    outcome, message = finding(found, "seal.validity", "seal 2")
    assert outcome is Outcome.PASSED
    assert f"in existence by {when(FIRST.at)}" in message
    assert openpgp.OPERATOR.fingerprint in concluded(found, "identity.sealed")[1]


def test_a_seal_that_was_added_later_existed_later() -> None:
    witness = certificates.operator("p384", who="witness")
    seal = sealing.by(witness, certificate=witness.certificate, at=CREATED + YEAR)
    ceremony = renewed(Renewed(seals=1), Renewed(token=SECOND), of=snapshot().sealed_also(seal))
    existence = Context(bundle_of(ceremony), policy_of(ceremony)).existence
    assert (existence.seal_by(0), existence.seal_by(1)) == (FIRST.at, SECOND.at)
    _, statement = concluded(report(ceremony), EXISTED)
    assert f"so did seal 1; seal 2 by {when(SECOND.at)}" in statement
    unshown = renewed(Renewed(seals=1), of=snapshot().sealed_also(seal))
    assert "of seal 2 it is not shown" in concluded(report(unshown), EXISTED)[1]


# --- other judges ---------------------------------------------------------------------------------------


def stamps() -> Iterator[tuple[str, int]]:
    for name in JUDGED:
        if name.startswith("renewal_") and said(name)["expect"]["verdict"] == "PASSED":
            yield from ((name, number) for number in range(len(Bundle.decode(octets(name)).renewals)))


@pytest.mark.parametrize(("name", "number"), list(stamps()))
def test_openssl_accepts_the_tokens_of_good_vectors(
    name: str, number: int, part: Need, tmp_path: Path
) -> None:
    """OpenSSL asks for a chain today; the certificates in the token, and what renewals carry, lead there."""
    part("openssl")
    bundle = Bundle.decode(octets(name))
    context = Context(bundle, policy_of(snapshot()))
    token = context.existence.stamps.read(number).token
    stamp = Stamp.decode(bundle.renewals[number].raw)
    roots = (timestamps.root(), timestamps.root(timestamps.OTHER_ROOT))
    found = context.existence.stamps.material.certificate(token.signer.certificate_id())
    for file, data in (("token", stamp.proof), ("covers", stamp.covers)):
        (tmp_path / file).write_bytes(data)
    (tmp_path / "roots.pem").write_text("".join(map(pem, roots)))
    (tmp_path / "others.pem").write_text("".join(map(pem, (timestamps.issuer(), *filter(None, [found])))))
    command = [
        "openssl",
        "ts",
        "-verify",
        "-data",
        "covers",
        "-in",
        "token",
        "-token_in",
        "-CAfile",
        "roots.pem",
    ]
    options = ["-untrusted", "others.pem", "-attime", str(token.info.generated)]
    if isinstance(token.signer.identifier, bytes):  # by a key's identifier, which its `ts` cannot read
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "token"]
        options = ["-CAfile", "roots.pem", "-purpose", "timestampsign", *options[2:], "-out", "said"]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def pem(der: bytes) -> str:
    text = subprocess.run(["openssl", "x509", "-inform", "DER"], input=der, check=True, capture_output=True)
    return text.stdout.decode()


# --- bounds -----------------------------------------------------------------------------------------------


def many(count: int) -> Bundle:
    ceremony = renewed(*(Renewed(token=FIRST.changed(at=CREATED + DAY * number)) for number in range(count)))
    return bundle_of(ceremony)


def test_as_many_renewals_as_are_looked_at() -> None:
    policy = policy_of(renewed(), at=CREATED + 2 * YEAR)
    full = many(MAX_RENEWALS)
    began = time.process_time()
    found = verify(full, policy)
    assert time.process_time() - began < 20  # about a second on any machine of today
    assert found.verdict is Verdict.PASSED
    assert len(found.of("renewal.kept")) == MAX_RENEWALS
    over = verify(replace(full, renewals=(*full.renewals, full.renewals[0])), policy)
    assert over.verdict is Verdict.INDETERMINATE
    assert finding(over, "renewal.form", f"renewal {MAX_RENEWALS + 1}")[0] is Outcome.INDETERMINATE
