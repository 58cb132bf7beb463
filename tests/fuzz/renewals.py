# SPDX-License-Identifier: Apache-2.0
"""Targets of renewals: coverages and timestamps read, and a bundle with one renewal exchanged."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bundlefmt import cbor, labels
from bundlefmt.bundle import Bundle, Renewal
from bundlefmt.cose import CoseSign1
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.block_header import BlockHeader
from bundlefmt.evidence.block_proof import BlockProof
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.opentimestamps import OpenTimestamp
from bundlefmt.evidence.timestamp_exchange import NotGrantedError, TimeStampReq, granted_token
from bundlefmt.evidence.timestamp_token import TimeStampToken
from bundlefmt.receipt import InclusionProof, proofs_in
from bundlefmt.render.block_parts import block_facts, block_parts
from bundlefmt.renewal import Coverage, Stamp
from bundlefmt.verify import Basis, verify
from tests.fuzz import mutators, seeds
from tests.fuzz.target import Targets, symmetric
from tests.vectorgen.timestamps import Authority

target: Final = Targets("der", mutators.any_tree)
RENEWED: Final = "renewal_whole"


@target("coverage", lambda: (*seeds.renewals(), *seeds.proofs()))
def coverage(data: bytes) -> None:
    """Symmetry of both maps."""
    symmetric(Stamp, data)
    symmetric(Coverage, data)


@target("timestamp", seeds.proofs)
def timestamp(data: bytes) -> None:
    """Symmetry; verifying raises nothing but that it is not so; a response is told from a token."""
    with contextlib.suppress(MalformedError, NotGrantedError):
        granted_token(data)
    token = symmetric(TimeStampToken, data)
    if token is None:
        return
    assert token.info.earliest <= token.info.generated <= token.info.latest
    for raw in (*token.certificates, Authority().certificate):
        with contextlib.suppress(MalformedError, CertificateError):
            token.verify(Certificate.decode(raw))


def _requests() -> Iterable[bytes]:
    """A request for each digest that a token of the vectors is about, with a nonce and without."""
    for raw in seeds.proofs():
        with contextlib.suppress(MalformedError):
            imprint = TimeStampToken.decode(raw).info.imprint
            yield TimeStampReq(imprint=imprint).encode()
            yield TimeStampReq(imprint=imprint, nonce=2**63).encode()


@target("timestamp-request", _requests)
def timestamp_request(data: bytes) -> None:
    """Symmetry."""
    symmetric(TimeStampReq, data)


def _mined() -> Iterable[tuple[bytes, Sequence[bytes]]]:
    """Of each proof by blocks of the vectors, the OpenTimestamps proof and the headers beside it."""
    for raw in seeds.renewals():
        with contextlib.suppress(MalformedError):
            proof = cbor.scan(Stamp.decode(raw).proof).value()
            if isinstance(proof, Mapping):
                ots, headers = proof.get("ots"), proof.get("headers")
                if isinstance(ots, bytes) and isinstance(headers, Mapping):
                    yield ots, [each for each in headers.values() if isinstance(each, bytes)]


def _by_blocks() -> Iterable[bytes]:
    """The proofs of renewals by blocks in the vectors."""
    for raw in seeds.renewals():
        with contextlib.suppress(MalformedError):
            stamp = Stamp.decode(raw)
            if stamp.type == labels.TYPE_OPENTIMESTAMP:
                yield stamp.proof


@target("block-proof", _by_blocks, mutate=mutators.file_tree)
def block_proof(data: bytes) -> None:
    """Symmetry; all of it can be shown."""
    proof = symmetric(BlockProof, data)
    if proof is not None:
        assert block_facts(proof)["proof is over"]
        assert list(block_parts(proof))


@target("opentimestamps", lambda: (ots for ots, _ in _mined()))
def opentimestamps(data: bytes) -> None:
    """Symmetry; what operations come to is short."""
    symmetric(OpenTimestamp, data)


@target("block-header", lambda: (each for _, headers in _mined() for each in headers))
def block_header(data: bytes) -> None:
    """Symmetry."""
    symmetric(BlockHeader, data)


def _inclusions() -> Iterable[bytes]:
    """The inclusion proofs of the receipts in the vectors' seals."""
    for bundle in seeds.bundles().values():
        for seal in bundle.seals:
            with contextlib.suppress(MalformedError):
                receipts = CoseSign1.decode(seal.value).unprotected.get(labels.HDR_RECEIPTS)
                for each in receipts if isinstance(receipts, list) else ():
                    if isinstance(each, bytes):
                        yield from proofs_in(CoseSign1.decode(each)) or ()


@target("inclusion-proof", _inclusions)
def inclusion_proof(data: bytes) -> None:
    """Symmetry; a root for any entry."""
    proof = symmetric(InclusionProof, data)
    if proof is not None:
        assert len(proof.root(b"an entry")) == 32


def _known() -> set[tuple[bytes, bytes]]:
    """What the authority has stamped, and what it said."""
    found = set()
    for raw in seeds.renewals():
        with contextlib.suppress(MalformedError):
            stamp = Stamp.decode(raw)
            found.add((stamp.covers, TimeStampToken.decode(stamp.proof).info.raw))
    return found


@target("renewal", seeds.renewals)
def renewal(data: bytes) -> None:
    """As the one renewal of a bundle: nothing raises, and what was not stamped shows no time."""
    bundle: Bundle = replace(seeds.bundles()[RENEWED], renewals=(Renewal(raw=data),))
    report = verify(bundle, seeds.policy(RENEWED))
    (existed,) = (each for each in report.conclusions if each.id == "time.existed")
    if existed.basis is not Basis.UNPROVEN:
        stamp = Stamp.decode(data)
        assert (stamp.covers, TimeStampToken.decode(stamp.proof).info.raw) in _known()
