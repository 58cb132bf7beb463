# SPDX-License-Identifier: Apache-2.0
"""COSE seals with receipts of transparency logs, good and bad.

Spec: "COSE seals"; RFC 9942.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.vectorgen import certificates, keys, sealing
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import Ceremony, Making, Sealed, Sealer
from tests.vectorgen.certificates import YEAR
from tests.vectorgen.plain import CREATED
from tests.vectorgen.transparency import (
    INCLUSION,
    KEY_FILE,
    OTHER_KEY_FILE,
    OTHER_NAME,
    OTHERS,
    RECEIPTS,
    STRONG_KEY_FILE,
    STRONG_NAME,
    VDS,
    Receipt,
    path,
)
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_LATE: Final = CREATED + 6 * YEAR
CRIT: Final = 2
_PLACE: Final = "the seal as it is with an empty unprotected header"


def registered(*receipts: object, seal: sealing.CoseSeal | None = None) -> Sealer:
    """A seal and its receipts: each a `Receipt` over the seal without any, or as it stands."""
    bare = sealing.by(certificates.operator()) if seal is None else seal

    def sealer(making: Making) -> Sealed:
        node = bare(making).node
        assert isinstance(node, list)
        made = [each(node[1]) if isinstance(each, Receipt) else each for each in receipts]
        return replace(bare, unprotected={**bare.unprotected, RECEIPTS: made})(making)

    return sealer


def _of(*receipts: object) -> Ceremony:
    """The smallest snapshot, its one seal with receipts, for a verifier who knows the log."""
    return replace(snapshot(), seals=(registered(*receipts),)).under(anchors_log=(KEY_FILE,))


def _good(*receipts: object) -> Judged:
    return _of(*receipts).concluding(seal_registered="proven").judged()


def _refused(*receipts: object) -> Judged:
    return _of(*receipts).concluding(seal_registered="unproven").judged("seal.receipt")


def _kept(*receipts: object) -> Judged:
    return _of(*receipts).concluding(seal_registered="unproven", identity_sealed="proven").judged()


@vector("seal.receipt", "receipt")
def seal_receipt() -> Judged:
    """The operator's seal is the sixth of eleven entries of a log whose key the verifier knows."""
    return _good(Receipt())


@vector("seal.receipt", "receipt", "limit")
def seal_receipt_16_times() -> Judged:
    """Sixteen receipts, as many as are read."""
    return _good(*[Receipt()] * 16)


@vector("seal.receipt", "receipt", "limit")
def seal_receipt_17_times() -> Judged:
    """Seventeen receipts, one more than are read."""
    ceremony = _of(*[Receipt()] * 17).concluding(seal_registered="unproven")
    return ceremony.judged(unsure=("seal.receipt",))


@vector("seal.receipt", "receipt", "shape")
def seal_receipt_of_the_first_entry() -> Judged:
    """The seal is the only entry of its log: there is nothing beside the way to the root."""
    return _good(Receipt(index=0, size=1))


@vector("seal.receipt", "receipt", "shape")
def seal_receipt_of_the_last_entry() -> Judged:
    """The seal is the last of eleven entries, where the way to the root is shorter."""
    return _good(Receipt(index=10))


@vector("seal.receipt", "receipt", "witness")
def seal_receipt_of_one_of_two() -> Judged:
    """A later witness's seal has receipts of two logs, of which the verifier knows one."""
    witness = certificates.operator("p384", who="witness")
    seal = sealing.by(witness, certificate=witness.certificate)
    second = registered(Receipt(by=OTHER_NAME), Receipt(), seal=seal)
    ceremony = snapshot().sealed_also(second).under(anchors_log=(KEY_FILE,))
    return ceremony.concluding(seal_registered="proven").judged()


@vector("seal.receipt", "receipt", "anchor")
def seal_receipt_without_a_log() -> Judged:
    """The verifier knows no log: the receipt is kept, and nothing is concluded from it."""
    return _of(Receipt()).under(anchors_log=()).concluding(seal_registered="unproven").judged()


@vector("seal.receipt", "receipt", "anchor")
def seal_receipt_of_another_log() -> Judged:
    """The receipt is of another log than the one that the verifier knows."""
    ceremony = _of(Receipt()).under(anchors_log=(OTHER_KEY_FILE,)).concluding(seal_registered="unproven")
    return ceremony.judged(unsure=("seal.receipt",))


@vector(_PLACE, "receipt", "rewrapped")
def seal_receipt_of_another_entry() -> Judged:
    """The genuine receipt of another entry."""
    ceremony = _of(Receipt(entry=b"somebody else's")).concluding(seal_registered="unproven")
    return ceremony.judged(unsure=("seal.receipt",))


@vector(_PLACE, "receipt", "rewrapped")
def seal_receipt_of_the_seal_with_more() -> Judged:
    """The log registered the seal with something in its unprotected header."""
    bare = sealing.by(certificates.operator(), unprotected={-70000: "a note"})
    ceremony = replace(snapshot(), seals=(registered(Receipt(), seal=bare),)).under(anchors_log=(KEY_FILE,))
    return ceremony.concluding(seal_registered="unproven").judged(unsure=("seal.receipt",))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_behind_the_end() -> Judged:
    """The entry's place is behind the end of the tree."""
    return _refused(Receipt(proof=[11, 11, path(5, OTHERS[:11])]))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_path_too_short() -> Judged:
    """The proof lacks the last node before the root."""
    return _refused(Receipt(proof=[11, 5, path(5, OTHERS[:11])[:-1]]))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_payload_attached() -> Judged:
    """The receipt tells a root, which a verifier computes."""
    return _refused(Receipt(payload=bytes(32)))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_two_proofs() -> Judged:
    """The receipt has two proofs for one signature."""
    proof = encoded([11, 5, path(5, OTHERS[:11])])
    return _refused(Receipt(proofs={INCLUSION: [proof, proof]}))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_proof_beside_text() -> Judged:
    """Beside the proof stands another, which is text."""
    return _refused(Receipt(proofs={INCLUSION: [encoded([11, 5, path(5, OTHERS[:11])]), "a proof"]}))


@vector("seal.receipt", "receipt", "critical")
def seal_receipt_critical() -> Judged:
    """The receipt has a critical label that nobody knows."""
    ceremony = _of(Receipt(header={CRIT: [-70000], -70000: 1})).concluding(seal_registered="unproven")
    return ceremony.judged(unsure=("seal.receipt",))


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_cut_short() -> Judged:
    """The receipt is not CBOR."""
    return _refused(b"\xd2\x84")


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_none() -> Judged:
    """A list of no receipts."""
    return _refused()


@vector("seal.receipt", "receipt", "bad-input")
def seal_receipt_not_wrapped() -> Judged:
    """The receipts are a list of text."""
    return _refused("a receipt")


@vector("seal.receipt", "receipt")
def seal_receipt_protected() -> Judged:
    """Receipts stand in the protected header: no seal is made after its receipt."""
    seal = sealing.by(certificates.operator(), header={RECEIPTS: [b"\xd2"]})
    ceremony = replace(snapshot(), seals=(seal,)).under(anchors_log=(KEY_FILE,))
    return ceremony.concluding(seal_registered="unproven").judged("seal.receipt")


@vector("kept and reported", "receipt")
def seal_receipt_of_another_tree() -> Judged:
    """A receipt of a kind of tree that is not known here."""
    return _kept(Receipt(header={VDS: 3}))


@vector("kept and reported", "receipt")
def seal_receipt_of_consistency() -> Judged:
    """A receipt that one tree continues another, which says nothing of a seal."""
    return _kept(Receipt(proofs={-2: [encoded([5, 11, [bytes(32)]])]}))


@vector("kept and reported", "receipt")
def seal_receipt_in_another_encoding() -> Judged:
    """The receipt's protected header is not in ascending order, as a log may write it."""
    whole = Receipt()(b"an entry")
    first, second = bytes.fromhex("0128"), bytes.fromhex("04436c6f67")
    assert first + second in whole
    return _kept(whole.replace(first + second, second + first))


@vector("another receipt may", "receipt", "algorithm", "two-logs")
def seal_receipt_algorithm_of_one_of_two_ended() -> Judged:
    """As below, and behind that receipt stands one of another log, whose key is on P-521."""
    seal = sealing.by(certificates.operator("p521"))
    receipts = (Receipt(), Receipt(by=STRONG_NAME, alg=keys.ESP512))
    ceremony = replace(snapshot("p521"), seals=(registered(*receipts, seal=seal),))
    ceremony = ceremony.under(anchors_log=(KEY_FILE, STRONG_KEY_FILE))
    ceremony = ceremony.under(algorithms={"ECC-256": CREATED + 5 * YEAR}, now=_LATE)
    ceremony = ceremony.concluding(seal_registered="proven", identity_sealed="proven")
    return ceremony.judged(unsure=("quote.signature",))


@vector("seal.receipt", "receipt", "algorithm")
def seal_receipt_algorithm_ended() -> Judged:
    """The log's key is on P-256, which ended; by when the receipt was there nothing shows."""
    seal = sealing.by(certificates.operator("p521"))
    ceremony = replace(snapshot("p521"), seals=(registered(Receipt(), seal=seal),))
    ceremony = ceremony.under(anchors_log=(KEY_FILE,), algorithms={"ECC-256": CREATED + 5 * YEAR}, now=_LATE)
    ceremony = ceremony.concluding(seal_registered="unproven", identity_sealed="proven")
    return ceremony.judged(unsure=("quote.signature", "seal.receipt"))
