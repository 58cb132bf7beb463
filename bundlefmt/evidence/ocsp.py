# SPDX-License-Identifier: Apache-2.0
"""OCSP responses that were kept: what one says about a certificate at a time, and whether its maker may.

RFC 6960 sections 4.2 and 3.2. Basic responses only. A delegate's own revocation is not asked for: responders
say by id-pkix-ocsp-nocheck that nobody need, or renew the delegate's certificate every few days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence import certificate as x509
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import (
    Certificate,
    CertificateError,
    Extension,
    KeyUsage,
    read_extensions,
)
from bundlefmt.evidence.chain import STRICT, Relaxations
from bundlefmt.evidence.crl import MAX_LISTS, Revocation, Revoked, Standing
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm, verify_signature, weakness
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.wire import Buffer

MAX_ANSWERS: Final = 256  # of one response; a request asks about a handful
MAX_CERTIFICATES: Final = 16  # that a response brings along

_PATH: Final = "ocsp"
_SUCCESSFUL: Final = 0
_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_SIGNING: Final = "1.3.6.1.5.5.7.3.9"
# how the issuer is named, not how anything is signed: SHA-1 does no harm here
_HASHES: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
# extensions of a delegate's certificate that may be critical
_OF_DELEGATES: Final = frozenset({x509.BASIC_CONSTRAINTS, x509.KEY_USAGE, x509.EXTENDED_KEY_USAGE})
_EXPLICIT_0: Final = der.context(0, constructed=True)
_EXPLICIT_1: Final = der.context(1, constructed=True)
_BY_KEY: Final = der.context(2, constructed=True)
_GOOD: Final = der.context(0, constructed=False)
_REVOKED: Final = der.context(1, constructed=True)
_UNKNOWN: Final = der.context(2, constructed=False)


@frozen
class Answer:
    """What is said of one certificate, named by hashes of its issuer's name and key and by its number.

    `known` is false where the responder does not know it; `revoked` is None where it is good or not known.
    Times are seconds since the epoch.
    """

    hash: str
    issuer_name: bytes
    issuer_key: bytes
    serial: int
    known: bool
    revoked: Revoked | None
    this_update: int
    next_update: int | None
    extensions: tuple[Extension, ...]


@frozen
class OcspResponse:
    """A basic response; `certificates` are brought along by whoever made it."""

    raw: bytes
    tbs: bytes
    algorithm: bytes
    signature: bytes
    produced_at: int
    answers: tuple[Answer, ...]
    certificates: tuple[bytes, ...]
    extensions: tuple[Extension, ...]

    @classmethod
    def decode(cls, data: Buffer) -> OcspResponse:
        """Exactly one successful basic response. Raises MalformedError."""
        outer = der.Fields(der.decode_element(data, path=_PATH), _PATH)
        status = outer.next()
        if der.integer(status, _PATH, tag=der.ENUMERATED) != _SUCCESSFUL:
            raise status.error(Code.BAD_VALUE, "the responder gave no answer", _PATH)
        held = der.Fields(der.inner(outer.take(_EXPLICIT_0), _PATH), _PATH)
        outer.finish()
        kind = held.next()
        if der.object_identifier(kind, _PATH) != _BASIC:
            raise kind.error(Code.BAD_VALUE, "not a basic response", _PATH)
        response = held.take(der.OCTET_STRING)
        held.finish()
        basic = der.decode_element(response.content, path=_PATH, base=response.offset)
        return cls._basic(bytes(data), der.Fields(basic, _PATH))

    @classmethod
    def _basic(cls, raw: bytes, fields: der.Fields) -> OcspResponse:
        tbs, algorithm = fields.take(der.SEQUENCE), fields.take(der.SEQUENCE)
        signature = der.bit_string(fields.next(), _PATH)
        brought = fields.optional(_EXPLICIT_0)
        fields.finish()
        certificates = [] if brought is None else der.children(der.inner(brought, _PATH), der.SEQUENCE, _PATH)
        said = der.Fields(tbs, _PATH)
        said.optional(_EXPLICIT_0)
        responder = said.next()
        if responder.tag not in (_EXPLICIT_1, _BY_KEY):
            raise responder.error(Code.WRONG_TYPE, "not a responder's name or key", _PATH)
        produced_at = der.moment(said.next(), _PATH)
        rows = said.take(der.SEQUENCE)
        answers = der.children(rows, der.SEQUENCE, _PATH)
        extensions = said.optional(_EXPLICIT_1)
        said.finish()
        if len(answers) > MAX_ANSWERS or len(certificates) > MAX_CERTIFICATES:
            raise rows.error(Code.COUNT_LIMIT, "more answers or certificates than are read", _PATH)
        return cls(
            raw=raw,
            tbs=tbs.raw,
            algorithm=algorithm.raw,
            signature=signature,
            produced_at=produced_at,
            answers=tuple(_answer(each) for each in answers),
            certificates=tuple(each.raw for each in certificates),
            extensions=() if extensions is None else read_extensions(der.inner(extensions, _PATH), _PATH),
        )

    def encode(self) -> bytes:
        return self.raw


def _answer(element: der.Element) -> Answer:
    fields = der.Fields(element, _PATH)
    named = der.Fields(fields.next(), _PATH)
    hashing = der.Fields(named.take(der.SEQUENCE), _PATH)
    oid = der.object_identifier(hashing.next(), _PATH)
    hashing.optional(der.NULL)
    hashing.finish()
    issuer_name, issuer_key = (named.take(der.OCTET_STRING).content for _ in range(2))
    serial = der.integer(named.next(), _PATH)
    named.finish()
    known, revoked = _status(fields.next())
    this_update = der.moment(fields.next(), _PATH)
    following, extensions = fields.optional(_EXPLICIT_0), fields.optional(_EXPLICIT_1)
    fields.finish()
    return Answer(
        hash=_HASHES.get(oid, oid),
        issuer_name=issuer_name,
        issuer_key=issuer_key,
        serial=serial,
        known=known,
        revoked=revoked,
        this_update=this_update,
        next_update=None if following is None else der.moment(der.inner(following, _PATH), _PATH),
        extensions=() if extensions is None else read_extensions(der.inner(extensions, _PATH), _PATH),
    )


def _status(element: der.Element) -> tuple[bool, Revoked | None]:
    """(whether the certificate is known, its revocation)."""
    if element.tag == _REVOKED:
        fields = der.Fields(element, _PATH, tag=_REVOKED)
        since, given = der.moment(fields.next(), _PATH), fields.optional(_EXPLICIT_0)
        fields.finish()
        reason = 0 if given is None else der.integer(der.inner(given, _PATH), _PATH, tag=der.ENUMERATED)
        return True, Revoked(since=since, reason=reason)
    if element.tag not in (_GOOD, _UNKNOWN) or element.content:
        raise element.error(Code.WRONG_TYPE, "not a certificate's status", _PATH)
    return element.tag == _GOOD, None


def concerns(response: OcspResponse, certificate: Certificate, issuer: Certificate) -> bool:
    """Whether a response has an answer about `certificate`, whoever made it. Raises MalformedError."""
    return any(_is_about(each, certificate, issuer) for each in response.answers)


def _is_about(answer: Answer, certificate: Certificate, issuer: Certificate) -> bool:
    if answer.serial != certificate.serial or answer.hash not in _HASHES.values():
        return False
    wanted = _issuer_hashes(answer.hash, certificate.issuer.raw, issuer.spki)
    return (answer.issuer_name, answer.issuer_key) == wanted


@lru_cache(maxsize=64)  # one issuer is asked for in answer after answer
def _issuer_hashes(name: str, issuer_name: bytes, issuer_spki: bytes) -> tuple[bytes, bytes]:
    """How an answer names an issuer: by hashes of its name and of its key's bits (RFC 6960 4.1.1)."""
    key = der.Fields(der.decode_element(issuer_spki, path=_PATH), _PATH)
    key.next()
    bits = der.bit_string(key.next(), _PATH)
    return (
        hashlib.new(name, issuer_name, usedforsecurity=False).digest(),
        hashlib.new(name, bits, usedforsecurity=False).digest(),
    )


def revocation(
    certificate: Certificate,
    issuer: Certificate,
    responses: Sequence[OcspResponse],
    *,
    at: int,
    relaxations: Relaxations = STRICT,
) -> Revocation:
    """What `responses` say at `at` about `certificate`, which `issuer` has issued.

    As with lists: a revocation counts however old; otherwise an answer counts that was current at `at`, or
    was made later and before the certificate ended. Raises MalformedError for an issuer's key.
    """
    if len(responses) > MAX_LISTS:
        return Revocation(standing=Standing.UNKNOWN, reasons=(f"more than {MAX_LISTS} responses",))
    found: list[Revoked] = []
    reasons: list[str] = []
    good = False
    for response in responses:
        answers = [each for each in response.answers if _is_about(each, certificate, issuer)]
        if not answers:
            continue
        try:
            _judge_maker(response, issuer, relaxations)
        except (CertificateError, MalformedError) as error:
            reasons.append(str(error))
            continue
        for answer in answers:
            try:
                _judge_answer(response, answer)
                if answer.revoked is not None:
                    found.append(answer.revoked)
                else:
                    _judge_time(answer, certificate, at)
                    good = True
            except (CertificateError, MalformedError) as error:
                reasons.append(str(error))
    if found:
        worst = max(found, key=lambda entry: (entry.concerns(at), -entry.since))
        return Revocation(standing=Standing.REVOKED, entry=worst, reasons=tuple(reasons))
    return Revocation(standing=Standing.GOOD if good else Standing.UNKNOWN, reasons=tuple(reasons))


def _judge_answer(response: OcspResponse, answer: Answer) -> None:
    unknown = {each.oid for each in (*response.extensions, *answer.extensions) if each.critical}
    if unknown:
        raise CertificateError(f"the response has critical extensions that are not known: {sorted(unknown)}")
    if not answer.known:
        raise CertificateError("the responder does not know the certificate")


def _judge_time(answer: Answer, certificate: Certificate, at: int) -> None:
    if answer.this_update <= at:
        if answer.next_update is None or at > answer.next_update:
            raise CertificateError(
                f"the response of {when(answer.this_update)} was no longer current at {when(at)}"
            )
    elif answer.this_update > certificate.not_after:
        raise CertificateError("the response was made after the certificate ended")


def _judge_maker(response: OcspResponse, issuer: Certificate, relaxations: Relaxations) -> None:
    """Signed by the issuer, or by one whom it certified for that (RFC 6960 4.2.2.2)."""
    fault = _fault_of_maker(response.raw, issuer.raw, relaxations)
    if fault is not None:
        raise CertificateError(fault)


@lru_cache(maxsize=128)  # one response may be asked about many certificates
def _fault_of_maker(response: bytes, issuer: bytes, relaxations: Relaxations) -> str | None:
    try:
        _require_maker(OcspResponse.decode(response), Certificate.decode(issuer), relaxations)
    except (CertificateError, MalformedError) as error:
        return str(error)
    return None


def _require_maker(response: OcspResponse, issuer: Certificate, relaxations: Relaxations) -> None:
    if signature_algorithm(response.algorithm).sha1 and not relaxations.allow_sha1:
        raise CertificateError("the response's signature uses SHA-1")
    reason = ""
    for maker in (issuer.raw, *response.certificates):
        try:
            _judge_one_maker(response, issuer, Certificate.decode(maker), relaxations)
        except (CertificateError, MalformedError) as error:
            reason = str(error)  # the last is the most telling: delegates are tried behind the issuer
        else:
            return
    raise CertificateError(f"the response is by neither the issuer nor a delegate: {reason}")


def _judge_one_maker(
    response: OcspResponse, issuer: Certificate, maker: Certificate, relaxations: Relaxations
) -> None:
    key = load_key(maker.spki)
    weak = weakness(key)
    if weak is not None:
        raise CertificateError(f"its maker has {weak}")
    verify_signature(response.algorithm, key, response.signature, response.tbs)
    if maker.raw == issuer.raw:
        return
    if maker.issuer.comparable() != issuer.subject.comparable():
        raise CertificateError(f"{maker} is not certified by {issuer}")
    if signature_algorithm(maker.algorithm).sha1 and not relaxations.allow_sha1:
        raise CertificateError(f"the signature of {maker} uses SHA-1")
    verify_signature(maker.algorithm, load_key(issuer.spki), maker.signature, maker.tbs)
    unknown = {each.oid for each in maker.extensions if each.critical and each.oid not in _OF_DELEGATES}
    if unknown:
        raise CertificateError(f"{maker} has critical extensions that are not known: {sorted(unknown)}")
    if _SIGNING not in (maker.extended_key_usage() or ()):
        raise CertificateError(f"{maker} is not for signing OCSP responses")
    usage = maker.key_usage()
    if usage is not None and KeyUsage.digitalSignature not in usage:
        raise CertificateError(f"the key usage of {maker} lacks digitalSignature")
    if not maker.not_before <= response.produced_at <= maker.not_after:
        raise CertificateError(f"{maker} was not valid at {when(response.produced_at)}")
