# SPDX-License-Identifier: Apache-2.0
"""The private key in a file, with which something is signed."""

from __future__ import annotations

import getpass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bundlefmt.cli import given_file
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import PrivateKey


def private_key(path: Path) -> PrivateKey:
    """The private key in a PEM file; asks for a passphrase where there is one. Raises UsageError."""
    data = given_file.read(path)
    try:
        try:
            key = load_pem_private_key(data, None)
        except TypeError:
            key = load_pem_private_key(data, _passphrase(path).encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path} holds no private key that can be read: {error}") from None
    if not isinstance(key, PrivateKey):
        raise UsageError(f"{path}: a key of this kind cannot seal", hint="ECC, RSA, Ed25519 or ML-DSA-65")
    return key


def _passphrase(path: Path) -> str:
    try:
        return getpass.getpass(f"passphrase for {path}: ")
    except EOFError:
        raise UsageError(f"{path} needs a passphrase, and there is nobody to ask for it") from None
