# SPDX-License-Identifier: Apache-2.0
"""Names of what signatures are made with: families by size, and which of them a name in a policy covers."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa

from bundlefmt.evidence import openpgp, primitive
from bundlefmt.evidence.openpgp_algorithm import HASHES
from bundlefmt.evidence.tpm_algorithm import HASHES as TPM_HASHES
from tests.vectorgen import keys, openpgp_maker
from tests.vectorgen.openpgp_maker import Key


@pytest.mark.parametrize(
    ("named", "used", "covered"),
    [
        ("RSA-2048", "RSA-2048", True),
        ("RSA-3072", "RSA-2048", True),
        ("RSA-2048", "RSA-2049", False),
        ("ECC-256", "ECC-384", False),
        ("ECC-1024", "ECC-521", True),
        ("RSA-16384", "ECC-256", False),
        ("ML-DSA-87", "ML-DSA-65", False),
        ("ML-DSA-65", "ML-DSA-65", True),
        ("SHA-512", "SHA-256", False),
        ("SHA-256", "SHA-256", True),
    ],
)
def test_what_a_name_covers(named: str, used: str, covered: bool) -> None:
    assert primitive.covers(named, used) is covered


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("RSA-2048", True),
        ("RSA-2047", False),
        ("RSA-16384", True),
        ("RSA-16385", False),
        ("RSA-02048", False),
        ("RSA-2048 ", False),
        ("ECC-256", True),
        ("ECC-255", False),
        ("ECC-1024", True),
        ("ECC-1025", False),
        ("P-256", False),
        ("ML-DSA-65", True),
        ("ML-DSA-66", False),
        ("SHA-1", True),
        ("SHA3-512", True),
        ("sha256", False),
        ("", False),
    ],
)
def test_names_that_a_policy_may_use(name: str, known: bool) -> None:
    assert primitive.is_primitive(name) is known


def test_keys() -> None:
    curves = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1(), ec.BrainpoolP512R1())
    found = [primitive.of_key(ec.generate_private_key(curve).public_key()) for curve in curves]
    assert found == ["ECC-256", "ECC-384", "ECC-521", "ECC-256", "ECC-512"]
    made = (
        ed25519.Ed25519PrivateKey,
        ed448.Ed448PrivateKey,
        mldsa.MLDSA44PrivateKey,
        mldsa.MLDSA87PrivateKey,
    )
    others = [primitive.of_key(kind.generate().public_key()) for kind in made]
    assert others == ["ECC-256", "ECC-448", "ML-DSA-44", "ML-DSA-87"]
    assert primitive.of_key(keys.rsa_key("operator-rsa2048").public_key()) == "RSA-2048"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ed25519", "ECC-256"),
        ("ed448", "ECC-448"),
        ("p384", "ECC-384"),
        ("rsa3072", "RSA-3072"),
    ],
)
def test_openpgp_keys(kind: str, name: str) -> None:
    made = openpgp_maker.make(Key("primitive", kind=kind), user_ids=(openpgp_maker.UserId(text=b"x"),))
    primary = openpgp.load_certificate(made.encode()).primary
    assert primitive.of_openpgp_key(primary) == name


def test_hashes_have_one_name_everywhere() -> None:
    assert primitive.of_hash(hashlib.sha256().name) == primitive.of_hash(hashes.SHA256.name) == "SHA-256"
    assert primitive.of_openpgp_hashes([2, 8, 9, 10, 11, 12, 14]) == {
        "SHA-1",
        "SHA-256",
        "SHA-384",
        "SHA-512",
        "SHA-224",
        "SHA3-256",
        "SHA3-512",
    }
    weak = {"MD5", "RIPEMD-160"}
    assert all(primitive.is_primitive(each.name) for each in HASHES.values() if each.name not in weak)
    assert all(primitive.is_primitive(primitive.of_tpm_hash(alg)) for alg in TPM_HASHES)
