# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate leads, through issuers that were given, to an anchor that the verifier chose.

RFC 5280 section 6.1 with any policy acceptable, from the leaf upwards: every certificate but the anchor is
signed by the next, and every one is judged at one time, the anchor included. Constraints that are not
evaluated here (names, policies) are refused wherever they stand, critical or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import certificate as x509
from bundlefmt.evidence.certificate import Certificate, CertificateError, KeyUsage
from bundlefmt.evidence.x509_signature import load_key, signature_algorithm, verify_signature, weakness
from bundlefmt.frozen import frozen
from bundlefmt.moment import when
from bundlefmt.wire import Buffer

MAX_CHAIN: Final = 8  # certificates, leaf and anchor included; the deepest known is a YubiKey statement's: 5
MAX_ISSUERS: Final = 64  # certificates beside the leaf; bounds the work that a hostile file can make
MAX_SIGNATURES: Final = (
    64  # tried for one leaf; a chain needs at most 7, the rest is for authorities of one name
)

_ANY_USAGE: Final = "2.5.29.37.0"
# extensions that may be critical: judged here, or without bearing on the judgement
_KNOWN: Final = frozenset(
    {
        x509.BASIC_CONSTRAINTS,
        x509.KEY_USAGE,
        x509.EXTENDED_KEY_USAGE,
        x509.SUBJECT_ALT_NAME,  # nothing is looked up by these names
        x509.CERTIFICATE_POLICIES,  # any policy is acceptable
    }
)
_NOT_EVALUATED: Final = {
    x509.NAME_CONSTRAINTS: "name constraints",
    x509.POLICY_CONSTRAINTS: "policy constraints",
}


@frozen
class Purpose:
    """What the leaf is to be believed for.

    `usages`: extended key usages (dotted decimal) of which the leaf must name one, and which an authority
    that names usages must not exclude; empty asks for none. `critical`: further extensions that may be
    critical because the caller judges them.
    """

    usages: frozenset[str] = frozenset()
    critical: frozenset[str] = frozenset()


@frozen
class Relaxations:
    """What a chain is allowed to lack; each is off by default.

    `allow_sha1`: SHA-1 in signatures. `allow_missing_usage`: a leaf without the extended key usage extension.
    `allow_ca_without_constraints`: authorities without basic constraints, as YubiKeys of 2018 have; they do
    not count for the path lengths above them.
    """

    allow_sha1: bool = False
    allow_missing_usage: bool = False
    allow_ca_without_constraints: bool = False


STRICT: Final = Relaxations()


@frozen
class Chain:
    """The certificates from the leaf to the anchor."""

    certificates: tuple[Certificate, ...]

    @property
    def anchor_sha256(self) -> bytes:
        return hashlib.sha256(self.certificates[-1].raw).digest()

    def describe(self) -> str:
        above = " → ".join(str(each) for each in self.certificates[1:])
        return f"{above} (anchor {self.anchor_sha256.hex()})"


def find_chain(
    leaf: Buffer,
    *,
    issuers: Sequence[Buffer],
    anchors: Sequence[Buffer],
    at: int,
    purpose: Purpose,
    relaxations: Relaxations = STRICT,
    refuse: Callable[[Certificate, Certificate], str | None] = lambda child, issuer: None,
) -> Chain:
    """The chain from `leaf` to one of `anchors`, all DER, with every certificate valid at `at`.

    An anchor is matched by all its bytes and need not be self-signed; it cannot be the leaf. Raises
    CertificateError, which says at which certificate the most promising chain ends and why. `refuse` may say
    why the caller does not take the signature of the first by the second.
    """
    if len(issuers) > MAX_ISSUERS:
        raise CertificateError(f"more than {MAX_ISSUERS} issuers' certificates")
    return _Search(issuers, anchors, at, purpose, relaxations, refuse).run(read(leaf, "the certificate"))


def read(data: Buffer, what: str) -> Certificate:
    """Raises CertificateError that names `what`."""
    try:
        return Certificate.decode(data)
    except MalformedError as error:
        raise CertificateError(f"{what} cannot be read: {error}") from None


class _Search:
    """Depth first, anchors before issuers; remembers why the longest attempt ended."""

    def __init__(
        self,
        issuers: Sequence[Buffer],
        anchors: Sequence[Buffer],
        at: int,
        purpose: Purpose,
        relaxations: Relaxations,
        refuse: Callable[[Certificate, Certificate], str | None],
    ) -> None:
        self._refuse = refuse
        self._at = at
        self._purpose = purpose
        self._known = _KNOWN | purpose.critical
        self._relaxations = relaxations
        self._signatures = 0
        self._fault = (0, "")
        self._unreadable = ""
        trusted = [read(each, "an anchor") for each in dict.fromkeys(map(bytes, anchors))]
        self._anchors = {each.raw for each in trusted}
        others = self._readable(each for each in map(bytes, issuers) if each not in self._anchors)
        self._by_name: dict[object, list[Certificate]] = {}
        for each in (*trusted, *others):
            self._by_name.setdefault(each.subject.comparable(), []).append(each)

    def _readable(self, issuers: Iterator[bytes]) -> Iterator[Certificate]:
        for data in dict.fromkeys(issuers):
            try:
                yield read(data, "an issuer")
            except CertificateError as error:
                self._unreadable = f"; {error}"

    def run(self, leaf: Certificate) -> Chain:
        try:
            self._judge_leaf(leaf)
        except (CertificateError, MalformedError) as error:
            raise CertificateError(f"certificate 1 ({leaf}): {error}") from None
        found = self._extend((leaf,))
        if found is None:
            raise CertificateError(f"no chain to an anchor: {self._fault[1]}{self._unreadable}")
        return Chain(certificates=found)

    def _extend(self, chain: tuple[Certificate, ...]) -> tuple[Certificate, ...] | None:
        child = chain[-1]
        if len(chain) == MAX_CHAIN:
            self._note(chain, f": more than {MAX_CHAIN} certificates")
            return None
        above = [each for each in self._by_name.get(child.issuer.comparable(), []) if each not in chain]
        if not above and child.raw in self._anchors:
            self._note(chain, " is itself an anchor; an anchor judges others, not itself")
        elif not above:
            self._note(chain, f": its issuer {child.issuer} is neither an anchor nor given")
        for issuer in above:
            try:
                self._judge_signature(child, issuer)
            except (CertificateError, MalformedError) as error:
                self._note(chain, f": {error}")
                continue
            longer = (*chain, issuer)
            try:
                self._judge_authority(chain, issuer)
            except (CertificateError, MalformedError) as error:
                self._note(longer, f": {error}")
                continue
            if issuer.raw in self._anchors:
                return longer
            found = self._extend(longer)
            if found is not None:
                return found
        return None

    def _note(self, chain: tuple[Certificate, ...], fault: str) -> None:
        """Where this is the longest attempt: why it ended at its last certificate."""
        depth = len(chain)
        if depth > self._fault[0]:
            self._fault = (depth, f"certificate {depth} ({chain[-1]}){fault}")

    def _judge_signature(self, child: Certificate, issuer: Certificate) -> None:
        """`child` is signed by the key of `issuer`, with an algorithm that is not weak."""
        self._signatures += 1
        if self._signatures > MAX_SIGNATURES:
            raise CertificateError(f"more than {MAX_SIGNATURES} signatures would have to be tried")
        if signature_algorithm(child.algorithm).sha1 and not self._relaxations.allow_sha1:
            raise CertificateError("the signature uses SHA-1")
        key = load_key(issuer.spki)
        weak = weakness(key)
        if weak is not None:
            raise CertificateError(f"its issuer has {weak}")
        refused = self._refuse(child, issuer)
        if refused is not None:
            raise CertificateError(refused)
        fault = _fault_of_signature(child.raw, issuer.raw)
        if fault is not None:
            raise CertificateError(f"{fault} with the key of {issuer}")

    def _judge_authority(self, chain: tuple[Certificate, ...], issuer: Certificate) -> None:
        """`issuer` may sign certificates, this many levels above the leaf and for this purpose."""
        self._judge_each(issuer)
        constraints = issuer.basic_constraints()
        if constraints is None and not self._relaxations.allow_ca_without_constraints:
            raise CertificateError("issues certificates but has no basic constraints")
        if constraints is not None and not constraints.ca:
            raise CertificateError("issues certificates but is no authority (basic constraints)")
        usage = issuer.key_usage()
        if usage is not None and KeyUsage.keyCertSign not in usage:
            raise CertificateError("issues certificates but its key usage lacks keyCertSign")
        below = sum(map(_counts, chain[1:]))
        if (
            constraints is not None
            and constraints.path_length is not None
            and below > constraints.path_length
        ):
            raise CertificateError(
                f"allows {constraints.path_length} authorities below it, and there are {below}"
            )
        usages = issuer.extended_key_usage()
        if self._purpose.usages and usages is not None and not usages & {*self._purpose.usages, _ANY_USAGE}:
            raise CertificateError(f"may not issue for {_listed(self._purpose.usages)}")

    def _judge_leaf(self, leaf: Certificate) -> None:
        self._judge_each(leaf)
        weak = weakness(load_key(leaf.spki))
        if weak is not None:
            raise CertificateError(weak)
        usages = leaf.extended_key_usage()
        if not self._purpose.usages or (usages is None and self._relaxations.allow_missing_usage):
            return
        if usages is None:
            raise CertificateError(f"no extended key usage; {_listed(self._purpose.usages)} is needed")
        if not usages & self._purpose.usages:
            raise CertificateError(
                f"extended key usage {_listed(usages)}; {_listed(self._purpose.usages)} is needed"
            )

    def _judge_each(self, each: Certificate) -> None:
        """Valid at the time, and no extension that would have to be understood and is not."""
        if self._at < each.not_before:
            raise CertificateError(f"not yet valid at {when(self._at)}: it begins at {when(each.not_before)}")
        if self._at > each.not_after:
            raise CertificateError(f"no longer valid at {when(self._at)}: it ends at {when(each.not_after)}")
        for extension in each.extensions:
            if extension.oid in _NOT_EVALUATED:
                raise CertificateError(f"{_NOT_EVALUATED[extension.oid]}, which are not evaluated here")
            if extension.critical and extension.oid not in self._known:
                raise CertificateError(f"critical extension {extension.oid} is not known here")


@lru_cache(maxsize=128)  # authorities' own stand in chain after chain
def _fault_of_signature(child: bytes, issuer: bytes) -> str | None:
    """Why the key of `issuer` did not sign `child`, both DER; None where it did. Raises MalformedError."""
    signed = Certificate.decode(child)
    key = load_key(Certificate.decode(issuer).spki)
    try:
        verify_signature(signed.algorithm, key, signed.signature, signed.tbs)
    except CertificateError as error:
        return str(error)
    return None


def _counts(authority: Certificate) -> bool:
    """Whether it counts for the path lengths above it.

    One that issued itself its certificate does not (RFC 5280 4.2.1.9); nor one without basic constraints,
    where that is allowed: those above it took it for no authority.
    """
    if authority.basic_constraints() is None:
        return False
    return authority.issuer.comparable() != authority.subject.comparable()


def _listed(usages: frozenset[str]) -> str:
    return " or ".join(sorted(usages)) or "(none)"
