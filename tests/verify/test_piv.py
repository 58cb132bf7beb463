# SPDX-License-Identifier: Apache-2.0
"""The people's X.509 certificates judged: what a reader is told, and what takes a pinned identity away."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from bundlefmt.moment import when
from bundlefmt.verify import Outcome, Verdict
from tests.vectorgen import certificates, keys, ocsp, openpgp, sealing
from tests.vectorgen import judged_piv as piv
from tests.vectorgen import own_certificates as own
from tests.vectorgen.ceremonies import snapshot, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.certificates import YEAR, Identity
from tests.vectorgen.plain import CREATED
from tests.verify.judging import broken, concluded, finding, report

OPERATOR: Final = "operator.piv"
NAME: Final = "Evidence Bundle Test Operator p256 (test key)"
MIDDLE: Final = "Evidence Bundle Test Identity Issuer (test key)"


def sealed_by(der: bytes) -> Ceremony:
    """The smallest snapshot, sealed under another certificate of the operator's key."""
    identity: Identity = replace(certificates.operator(), certificate=der)
    changed = replace(snapshot().changed(OPERATOR, value=der), seals=(sealing.by(identity),))
    return changed.under(pins_piv=(hashlib.sha256(der).hexdigest(),))


def self_signed(*extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    key = keys.ec_key("operator p256")
    return certificates.certificate(NAME, key.public_key(), NAME, key, extensions=extensions)


def second(value: bytes) -> Ceremony:
    return snapshot().having("second.piv", fixed("piv-certificate", value))


@pytest.mark.parametrize(("value", "words"), [
    (piv.piv_in_pem, "openssl x509 -in FILE -outform DER"),
    (piv.piv_two_certificates, "2 certificates, where one is due"),
    (piv.piv_secret_key, "SECRET key, which has no place in a bundle"),
])  # fmt: skip
def test_bad_input_is_called_by_its_name(value: object, words: str) -> None:
    from bundlefmt.bundle import Bundle
    from bundlefmt.verify import verify
    from tests.verify.judging import policy_of

    made = value()  # type: ignore[operator] # a vector's function
    found = verify(Bundle.decode(made.file), policy_of(replace(snapshot(), terms=made.terms)))
    outcome, message = finding(found, "piv.form", "second.piv")
    assert outcome is Outcome.FAILED
    assert words in message
    assert found.verdict is Verdict.FAILED


def test_a_sound_one() -> None:
    found = report(snapshot())
    assert broken(found) == {}
    assert finding(found, "piv.signature", OPERATOR)[1] == "self-signed by ECDSA with sha256"
    assert finding(found, "piv.usage", OPERATOR)[1] == "it seals, as it may"
    assert finding(found, "piv.chain", OPERATOR) == (Outcome.SKIPPED, "it is its own issuer")
    assert concluded(found, "identity.sealed")[0] == "proven"


@pytest.mark.parametrize(("bits", "may"), [
    (None, True),
    (("digital_signature",), True),
    (("content_commitment",), True),
    (("key_cert_sign", "crl_sign"), False),
    (("key_agreement",), False),
])  # fmt: skip
def test_what_its_usage_lets_it_seal(bits: tuple[str, ...] | None, *, may: bool) -> None:
    extensions = () if bits is None else ((certificates.usages(*bits), True),)
    found = report(sealed_by(self_signed(*extensions)))
    assert broken(found) == ({} if may else {"piv.usage": Outcome.FAILED})
    assert concluded(found, "identity.sealed")[0] == ("proven" if may else "unproven")


@pytest.mark.parametrize(("extensions", "may"), [
    (certificates.authority(), True),
    ((certificates.authority()[0],), True),
    ((certificates.authority()[0], (certificates.usages("digital_signature"), True)), False),
    ((certificates.NO_AUTHORITY, (certificates.usages("digital_signature", "key_cert_sign"), True)), False),
    ((), False),
])  # fmt: skip
def test_whether_it_may_issue(extensions: tuple[tuple[x509.ExtensionType, bool], ...], *, may: bool) -> None:
    der = self_signed(*extensions)
    primary = openpgp.OPERATOR.primary
    refs = {"by": OPERATOR, "over": "operator.openpgp"}
    crossing = own.issued(own.CROSS, primary.secret.public_key(), own.openpgp_key(primary.fingerprint))
    ceremony = sealed_by(der).having(
        "operator.openpgp", fixed("openpgp-certificate", openpgp.OPERATOR.encode())
    )
    found = report(ceremony.having("cross.cert", fixed("cross-certificate", crossing, refs)))
    failed = {"piv.usage": Outcome.FAILED, "cross.signature": Outcome.FAILED}
    assert broken(found) == ({} if may else failed)


def test_a_key_of_a_kind_that_is_not_known() -> None:
    """Nothing is said of it, rather than that it is wrong."""
    public = bytes.fromhex("300506032b6570")  # Ed25519; the last digit makes it an algorithm that is none
    der = certificates.certificate(
        "Test", keys.ed25519_key("second").public_key(), "Test", keys.ed25519_key("second")
    )
    assert der.count(public) == 3
    found = report(second(der.replace(public, bytes.fromhex("300506032b6579"))))
    assert broken(found) == {"piv.key": Outcome.INDETERMINATE, "piv.signature": Outcome.INDETERMINATE}


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.BrainpoolP256R1()])
def test_curves(curve: ec.EllipticCurve) -> None:
    key = ec.derive_private_key(7, curve)
    der = certificates.certificate("Test", key.public_key(), "Test", key)
    assert broken(report(second(der))) == {}


# --- an authority above ---------------------------------------------------------------------------------


def issued(by: str = MIDDLE) -> bytes:
    public = keys.ec_key("operator p256").public_key()
    return certificates.certificate(NAME, public, by, keys.ec_key(by), extensions=certificates.authority(0))


def middle(path_length: int | None = None) -> bytes:
    root = "Evidence Bundle Test Identity Root (test key)"
    key = keys.ec_key(MIDDLE)
    return certificates.certificate(
        MIDDLE, key.public_key(), root, keys.ec_key(root), extensions=certificates.authority(path_length)
    )


def below_middle(path_length: int | None = None) -> Ceremony:
    """Two tiers above the operator; the root is the verifier's."""
    ceremony = sealed_by(issued()).under(anchors_piv=(piv.AUTHORITY_FILE,))
    return ceremony.having("middle", fixed("certificate-issuer", middle(path_length)))


def test_a_chain_through_an_issuer() -> None:
    found = report(below_middle())
    assert broken(found) == {}
    assert finding(found, "piv.chain", OPERATOR)[1].startswith(
        f"valid at {when(CREATED)}, by CN={MIDDLE} → CN=Evidence Bundle Test Identity Root"
    )


def test_an_issuer_that_may_have_no_authority_below_it() -> None:
    """The operator's certificate is the leaf, authority or not: path length 0 lets it pass."""
    assert broken(report(below_middle(0))) == {}


def test_an_issuer_that_is_withheld() -> None:
    hidden = replace(below_middle(), absent=frozenset({"middle"}))
    # a withheld certificate may be any other: that of the issuer is not missed
    found = report(hidden)
    assert broken(found) == {"container.complete": Outcome.INDETERMINATE}
    assert finding(found, "piv.chain", OPERATOR)[0] is Outcome.SKIPPED


def test_an_anchor_for_tpms_is_none_for_identities() -> None:
    ceremony = below_middle().under(anchors_piv=(), anchors=(piv.AUTHORITY_FILE,))
    assert finding(report(ceremony), "piv.chain", OPERATOR)[0] is Outcome.FAILED
    only = ceremony.without("middle")
    assert finding(report(only), "piv.chain", OPERATOR)[0] is Outcome.SKIPPED


def test_an_anchor_for_identities_is_none_for_tpms() -> None:
    ceremony = whole().under(anchors=(), anchors_piv=whole().terms.anchors)
    assert broken(report(ceremony)) == {"ek.chain": Outcome.INDETERMINATE}


def test_who_is_anchored_is_not_pinned() -> None:
    """An authority's word makes nobody one of those who are known."""
    found = report(below_middle().under(pins_piv=()))
    assert broken(found) == {"seal.anchor": Outcome.INDETERMINATE}
    assert concluded(found, "identity.sealed")[0] == "unproven"


def test_a_known_identity_counts_as_pinned() -> None:
    ceremony = snapshot()
    found = report(ceremony.under(pins_piv=(), known_piv=ceremony.terms.pins_piv))
    assert broken(found) == {}
    assert concluded(found, "identity.sealed")[0] == "proven"


# --- what takes it away ---------------------------------------------------------------------------------

ROOT: Final = "Evidence Bundle Test Identity Root (test key)"


def answered(status: bytes = ocsp.GOOD) -> bytes:
    return ocsp.response(piv.issued().certificate, piv.authority(), keys.ec_key(ROOT), status=status)


def listed(*revoked: bytes) -> bytes:
    return certificates.revocation_list(*revoked, name=ROOT)


def with_both(crl: bytes, response: bytes) -> Ceremony:
    ceremony = sealed_by(piv.issued().certificate).under(anchors_piv=(piv.AUTHORITY_FILE,))
    refs = {"issuer": OPERATOR}
    return ceremony.having("crl", fixed("crl", crl, refs)).having("ocsp", fixed("ocsp", response, refs))


@pytest.mark.parametrize(("crl", "response"), [
    (listed(piv.issued().certificate), answered()),
    (listed(), answered(ocsp.revoked(CREATED - YEAR))),
])  # fmt: skip
def test_the_worst_of_list_and_response_counts(crl: bytes, response: bytes) -> None:
    found = report(with_both(crl, response))
    assert broken(found) == {"piv.revocation": Outcome.FAILED}
    assert concluded(found, "identity.sealed")[0] == "unproven"
    assert {each.basis.value for each in found.conclusions} == {"unproven"}


def test_both_are_good() -> None:
    assert broken(report(with_both(listed(), answered()))) == {}


def test_a_doubt_denies_what_an_identity_vouches_for() -> None:
    """Somebody put a response there that does not count: whether the identity stands is not known."""
    stranger = ocsp.response(piv.issued().certificate, piv.authority(), keys.ec_key("a stranger"))
    found = report(with_both(listed(), stranger))
    # the list says that it was not revoked, and is enough
    assert broken(found) == {}
    alone = with_both(listed(), stranger).without("crl")
    found = report(alone)
    assert broken(found) == {"piv.revocation": Outcome.INDETERMINATE}
    assert concluded(found, "identity.sealed")[0] == "unproven"
