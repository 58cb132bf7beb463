# SPDX-License-Identifier: Apache-2.0
"""Keys of small order, found again by the curve equation and by what signatures they let pass."""

from __future__ import annotations

from typing import Final

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

from bundlefmt import cose, labels
from bundlefmt.evidence import x509_signature
from bundlefmt.small_order import is_small_order

P: Final = 2**255 - 19
D: Final = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
ZERO: Final[Point] = (0, 1)


def added(a: Point, b: Point) -> Point:
    """The sum of two points of Ed25519 (RFC 8032 5.1.4, affine)."""
    (x, y), (u, v) = a, b
    common = D * x * u * y * v
    return (
        (x * v + u * y) * pow(1 + common, -1, P) % P,
        (y * v + x * u) * pow(1 - common, -1, P) % P,
    )


def with_y(y: int) -> Point | None:
    """A point with this y, if there is one."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    for x in (root, root * pow(2, (P - 1) // 4, P) % P):
        if x * x % P == square:
            return x, y
    return None


def multiple(times: int, point: Point) -> Point:
    found = ZERO
    for bit in bin(times)[2:]:
        found = added(found, found)
        found = added(found, point) if bit == "1" else found
    return found


def torsion() -> set[Point]:
    """All points whose order divides 8: some point times the order of the base point, and its multiples."""
    base_order = 2**252 + 27742317777372353535851937790883648493
    for y in range(2, 100):
        point = with_y(y)
        if point is None:
            continue
        small = multiple(base_order, point)
        if multiple(4, small) != ZERO:
            return {multiple(times, small) for times in range(8)}
    raise AssertionError("no point of order 8 was met")


def encodings(point: Point) -> set[bytes]:
    """Every 32 bytes that stand for a point, also with y not reduced and with either sign."""
    _, y = point
    return {
        (each | sign << 255).to_bytes(32, "little") for each in (y, y + P) if each < 2**255 for sign in (0, 1)
    }


SMALL: Final = sorted({each for point in torsion() for each in encodings(point)})


def test_there_are_eight_points() -> None:
    assert len(torsion()) == 8
    assert len({y for _, y in torsion()}) == 5


@pytest.mark.parametrize("raw", SMALL, ids=bytes.hex)
def test_each_encoding_is_known(raw: bytes) -> None:
    assert is_small_order(ed25519.Ed25519PublicKey.from_public_bytes(raw))


def test_a_signature_that_fits_everything_is_refused() -> None:
    """The library takes it: otherwise there would be nothing to refuse."""
    raw = (1).to_bytes(32, "little")
    key, signature = ed25519.Ed25519PublicKey.from_public_bytes(raw), raw + bytes(32)
    for message in (b"one", b"another"):
        key.verify(signature, message)
        with pytest.raises(cose.SignatureError, match="small order"):
            cose.verify_signature(labels.ALG_ED25519, key, signature, message)
    assert "small order" in str(x509_signature.weakness(key))


def test_ed448() -> None:
    """The two points of order 4: what is signed there is tried until it fits."""
    key, found = ed448.Ed448PublicKey.from_public_bytes(bytes(57)), 0
    for number in range(64):
        try:
            key.verify(bytes(114), bytes([number]))
        except InvalidSignature:
            continue
        found += 1
    assert found
    for y in (0, 1, 2**448 - 2**224 - 2):
        for sign in (0, 128):
            raw = y.to_bytes(56, "little") + bytes([sign])
            assert is_small_order(ed448.Ed448PublicKey.from_public_bytes(raw))


def test_others_are_not() -> None:
    assert not any(
        map(
            is_small_order,
            (
                ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key(),
                ed448.Ed448PrivateKey.from_private_bytes(bytes(57)).public_key(),
                ec.generate_private_key(ec.SECP256R1()).public_key(),
            ),
        )
    )
