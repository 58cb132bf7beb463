# SPDX-License-Identifier: Apache-2.0
"""Renewing: a coverage of everything in a bundle, a timestamp over it, both added and checked at once.

Spec: "Renewals".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import opentimestamps
from bundlefmt.evidence.timestamp_exchange import NotGrantedError, TimeStampReq, granted_token
from bundlefmt.evidence.timestamp_info import MessageImprint
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.frozen import frozen
from bundlefmt.manifest import hash_bytes
from bundlefmt.moment import when
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Outcome, Policy, verify
from bundletools.errors import RenewalError as RenewalError

# weakest first
STRENGTH: Final = (labels.HASH_SHA256, labels.HASH_SHA384, labels.HASH_SHA512)
BY_NAME: Final = {name: alg for alg, name in labels.HASH_NAMES.items()}
# what must pass; whom to believe is the verifier's business
_OWN: Final = frozenset(
    f"renewal.{name}" for name in ("form", "covers", "imprint", "signature", "authority", "order")
)
_BLOCK_OWN: Final = frozenset({"block.form"})


@frozen
class Material:
    """What the layer before needs and lacks, DER."""

    certificates: tuple[bytes, ...] = ()
    revocation: tuple[bytes, ...] = ()


def strongest(bundle: Bundle) -> int | None:
    """The strongest hash algorithm of the renewals so far; None where there are none."""
    found = set()
    for renewal in bundle.renewals:
        try:
            found.add(Coverage.decode(Stamp.decode(renewal.raw).covers).alg)
        except MalformedError:
            continue
    return max(found, key=STRENGTH.index, default=None)


def stronger(bundle: Bundle) -> int:
    """The next stronger hash algorithm than that of the renewals so far."""
    last = strongest(bundle)
    return STRENGTH[0 if last is None else min(STRENGTH.index(last) + 1, len(STRENGTH) - 1)]


def coverage(bundle: Bundle, alg: int, material: Material, *, weaker: str = "") -> Coverage:
    """Everything that is in the bundle, hashed anew.

    Raises RenewalError, with the hint `weaker`, for a weaker algorithm than before.
    """
    last = strongest(bundle)
    if last is not None and STRENGTH.index(alg) < STRENGTH.index(last):
        raise RenewalError(
            f"{labels.HASH_NAMES[alg]} is weaker than {labels.HASH_NAMES[last]} of an earlier renewal",
            hint=weaker,
        )
    return Coverage(
        alg=alg,
        manifest=hash_bytes(alg, bundle.manifest_raw),
        content={label: hash_bytes(alg, record.value) for label, record in bundle.content.items()},
        seals=tuple(hash_bytes(alg, seal.value) for seal in bundle.seals),
        renewals=tuple(hash_bytes(alg, renewal.raw) for renewal in bundle.renewals),
        certificates=material.certificates,
        revocation=material.revocation,
    )


def with_renewal(bundle: Bundle, raw: bytes, *, pins_block: frozenset[bytes] = frozenset()) -> Bundle:
    """The bundle with one more renewal that was made elsewhere and covers all that is here.

    Raises RenewalError. A proof of a kind that is not known here is not judged. With `pins_block` a proof by
    blocks has to lead to one of these.
    """
    try:
        stamp = Stamp.decode(raw)
        covered = Coverage.decode(stamp.covers)
    except MalformedError as error:
        raise RenewalError(str(error)) from None
    whole = coverage(bundle, covered.alg, Material())
    for name, mine, here in (
        ("the manifest", covered.manifest, whole.manifest),
        ("each seal", covered.seals, whole.seals),
        ("each renewal", covered.renewals, whole.renewals),
    ):
        if mine != here:
            raise RenewalError(f"it does not cover {name} that is here")
    for label, digest in sorted(whole.content.items()):
        if covered.content.get(label) != digest:
            raise RenewalError(f"it does not cover {label} as it is here")
    if strange := sorted(set(covered.content) - set(bundle.manifest.items)):
        raise RenewalError(f"it covers {strange[0]}, which is no item")
    made = replace(bundle, renewals=(*bundle.renewals, Renewal(raw=raw)))
    if stamp.type == labels.TYPE_TIMESTAMP:
        return _accepted(made, Policy(), _OWN)
    if stamp.type == labels.TYPE_OPENTIMESTAMP:
        wanted = _BLOCK_OWN | {"block.known"} if pins_block else _BLOCK_OWN
        return _accepted(made, Policy(pins_block=pins_block), wanted)
    return made


def request(covered: Coverage, *, nonce: int | None) -> TimeStampReq:
    """What an authority is asked."""
    return request_over(covered.alg, covered.imprint(), nonce=nonce)


def request_over(alg: int, digest: bytes, *, nonce: int | None) -> TimeStampReq:
    """The same of any digest by `alg`."""
    return TimeStampReq(imprint=MessageImprint(hash=labels.HASH_NAMES[alg], digest=digest), nonce=nonce)


def token_of(response: bytes) -> TimeStampToken:
    """The token in an authority's answer. Raises RenewalError."""
    try:
        return TimeStampToken.decode(granted_token(response))
    except NotGrantedError as error:
        raise RenewalError(f"the authority gave no timestamp: {error}") from None
    except MalformedError as error:
        proof = response.startswith(opentimestamps.MAGIC)
        hint = "--opentimestamps takes a proof of ots" if proof else ""
        raise RenewalError(f"not a timestamp: {error}", hint=hint) from None


def renewed(
    bundle: Bundle, covered: Coverage, token: TimeStampToken, *, anchors: Sequence[bytes] = ()
) -> Bundle:
    """The bundle with one more renewal, once the verifier accepts it. Raises RenewalError.

    With `anchors` (DER) the authority must lead to one of them, as at the time of its token.
    """
    stamp = Stamp(covers=covered.encode(), type=labels.TYPE_TIMESTAMP, proof=token.raw)
    made = replace(bundle, renewals=(*bundle.renewals, Renewal(raw=stamp.encode())))
    policy = Policy(anchors_time=tuple(anchors), now=token.info.latest)
    return _accepted(made, policy, _OWN | {"renewal.chain"} if anchors else _OWN)


@frozen
class Renewing:
    """A renewal of this bundle that carries `material` along."""

    bundle: Bundle
    material: Material

    def imprint(self, alg: int) -> bytes:
        """The digest that an authority is asked to stamp. Raises RenewalError."""
        return coverage(
            self.bundle, alg, self.material, weaker="without --hash one that is strong enough is taken"
        ).imprint()

    def stamped(self, token: TimeStampToken, *, anchors: Sequence[bytes] = ()) -> Bundle:
        """As `renewed`, by the hash algorithm of the token. Raises RenewalError."""
        covered = coverage(self.bundle, algorithm_of(token), self.material)
        if token.info.imprint.digest != covered.imprint():
            raise RenewalError(
                "the timestamp is over something else than what is in this bundle now",
                hint="give what --add gave to the request, and add nothing until the answer is here",
            )
        return renewed(self.bundle, covered, token, anchors=anchors)

    def told(self, token: TimeStampToken) -> str:
        number, by = len(self.bundle.renewals) + 1, token.info.imprint.hash
        return f"renewal {number}, by {by}: in existence by {when(token.info.latest)}"


def algorithm_of(token: TimeStampToken) -> int:
    """The hash algorithm of what it is over. Raises RenewalError where that is not accepted."""
    alg = BY_NAME.get(token.info.imprint.hash)
    if alg is None:
        raise RenewalError(f"a timestamp by {token.info.imprint.hash}, which is not accepted")
    return alg


def _accepted(made: Bundle, policy: Policy, wanted: frozenset[str]) -> Bundle:
    """The bundle, once its last renewal passes what is wanted. Raises RenewalError."""
    name = f"renewal {len(made.renewals)}"
    for finding in verify(made, policy).findings:
        if finding.check in wanted and name in finding.items and finding.outcome is not Outcome.PASSED:
            raise RenewalError(f"the new renewal does not hold: {finding.check}: {finding.message}")
    return made
