# SPDX-License-Identifier: Apache-2.0
"""Seals over a ceremony's manifest, by the keys of test identities; each field may be wrong on purpose.

Spec: "Seals".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.vectorgen import keys, openpgp
from tests.vectorgen.ceremony import Making, Sealed
from tests.vectorgen.certificates import Identity
from tests.vectorgen.plain import CREATED
from tests.vectorgen.software_tpm import Key
from tests.vectorgen.tree import Tagged, encoded

COSE: Final = 'application/cose; cose-type="cose-sign1"'
OPENPGP: Final = "application/pgp-signature"
ALG, CRIT, CONTENT_TYPE, KID, CLAIMS, TYP, X5T, HASH_ALG, PREIMAGE_TYPE = 1, 2, 3, 4, 15, 16, 34, 258, 259
ISS, SUB, IAT = 1, 2, 6
SEAL_TYP: Final = "application/vnd.evidence-bundle.seal+cose"
MANIFEST_TYPE: Final = "application/vnd.evidence-bundle.manifest+cbor"
SEALED_AT: Final = CREATED + 600


def x5t(certificate: bytes) -> list[object]:
    return [-16, hashlib.sha256(certificate).digest()]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseSeal:
    """A COSE seal by `key`; `header` replaces members of the protected header, None takes one out.

    `signature` stands in place of the one made; `protected` in place of the header's encoding. `added` is put
    into the unprotected header when the signature is there.
    """

    alg: int
    key: keys.PrivateKey
    identity: Mapping[int, object]
    header: Mapping[int, object] = field(default_factory=dict)
    unprotected: Mapping[object, object] = field(default_factory=dict)
    added: Callable[[bytes], Mapping[object, object]] = lambda signature: {}
    payload: bytes | None = None
    detached: bool = False
    protected: bytes | None = None
    signature: bytes | None = None
    certificate: bytes | None = None
    after: bytes = b""
    at: int = SEALED_AT

    def __call__(self, making: Making) -> Sealed:
        manifest = making.manifest
        header = {
            ALG: self.alg,
            CRIT: [TYP, HASH_ALG],
            CLAIMS: {
                ISS: "Evidence Bundle Test",
                SUB: hashlib.sha256(manifest).hexdigest(),
                IAT: self.at,
            },
            TYP: SEAL_TYP,
            HASH_ALG: -16,
            PREIMAGE_TYPE: MANIFEST_TYPE,
            **self.identity,
            **self.header,
        }
        kept = {label: value for label, value in header.items() if value is not None}
        protected = encoded(kept) if self.protected is None else self.protected
        payload = self.payload or hashlib.sha256(manifest).digest()
        signed = encoded(["Signature1", protected, b"", payload])
        signature = self.signature or keys.cose_signature(self.alg, self.key, signed)
        unprotected = {**self.unprotected, **self.added(signature)}
        body = [protected, unprotected, None if self.detached else payload, signature]
        node: list[object] = [COSE, encoded(Tagged(18, body)) + self.after]
        return Sealed(
            node=node if self.certificate is None else [*node, self.certificate], sig_structure=signed
        )


def by(identity: Identity, **changes: object) -> CoseSeal:
    """A seal by the key of an X.509 certificate."""
    fields = {
        "alg": identity.alg,
        "key": identity.key,
        "identity": {X5T: x5t(identity.certificate)},
        **changes,
    }
    return CoseSeal(**fields)  # type: ignore[arg-type] # the fields of CoseSeal


def by_tpm(key: Key, alg: int) -> CoseSeal:
    """A seal by a key in the TPM, named by its TPM Name."""
    return CoseSeal(alg=alg, key=key.private, identity={KID: key.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPgpSeal:
    """An OpenPGP seal; `message` is signed in place of the manifest."""

    signer: openpgp.Certificate
    message: bytes | None = None
    kind: int = openpgp.BINARY
    at: int = SEALED_AT
    certificate: bytes | None = None
    before: bytes = b""

    def __call__(self, making: Making) -> Sealed:
        message = making.manifest if self.message is None else self.message
        signature = self.signer.sign(message, at=self.at, kind=self.kind)
        node: list[object] = [OPENPGP, self.before + signature]
        return Sealed(node=node if self.certificate is None else [*node, self.certificate])


def signed(sign: Callable[[bytes], bytes]) -> Callable[[Making], Sealed]:
    """The OpenPGP seal that `sign` makes of the manifest."""
    return lambda making: other(OPENPGP, sign(making.manifest))


def other(type: str, value: bytes) -> Sealed:
    """A seal of another type, or with a value that is none."""
    return Sealed(node=[type, value])
