# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates and signatures, sound and forged, written field by field without the code under test.

RFC 9580, 4.2 "Packet Headers", 5.2 "Signature Packet", 5.5 "Key Material Packets". All keys are test keys,
and a signature is the same each time. Ed25519 of version 4 is EdDSALegacy, which installed programs know.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from tests.vectorgen import keys
from tests.vectorgen.plain import CREATED

SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, USER_ID, PUBLIC_SUBKEY, ATTRIBUTE = 2, 5, 6, 7, 13, 14, 17
RSA, DSA, ECDSA, EDDSA, ED25519, ED448 = 1, 17, 19, 22, 27, 28  # public-key algorithms
MD5, SHA1, RIPEMD160, SHA256, SHA384, SHA512, SHA224 = 1, 2, 3, 8, 9, 10, 11  # hashes
BINARY, TEXT, STANDALONE = 0x00, 0x01, 0x02  # signatures
CERTIFICATION, SUBKEY, BACK, DIRECT = 0x13, 0x18, 0x19, 0x1F
KEY_REVOCATION, SUBKEY_REVOCATION, USER_ID_REVOCATION = 0x20, 0x28, 0x30
# subpackets
TIME, EXPIRES, KEY_EXPIRES, REVOKER, ISSUER, NOTATION = 2, 3, 9, 12, 16, 20
PRIMARY, FLAGS, REASON, EMBEDDED, FINGERPRINT = 25, 27, 29, 32, 33
CRITICAL: Final = 0x80
CERTIFY, SIGN, ENCRYPT = 1, 2, 0x0C  # key flags
SUPERSEDED, COMPROMISED, RETIRED = 1, 2, 3  # reasons for revocation
_HASHES: Final = {
    MD5: ("md5", hashes.MD5()),  # noqa: S303 # made to be refused
    SHA1: ("sha1", hashes.SHA1()),  # noqa: S303 # as above
    SHA256: ("sha256", hashes.SHA256()),
    SHA384: ("sha384", hashes.SHA384()),
    SHA512: ("sha512", hashes.SHA512()),
    SHA224: ("sha224", hashes.SHA224()),
}
_SALTS: Final = {SHA224: 16, SHA256: 16, SHA384: 24, SHA512: 32}
CURVES: Final = {
    "p256": ("2a8648ce3d030107", ec.SECP256R1()),
    "p384": ("2b81040022", ec.SECP384R1()),
    "p521": ("2b81040023", ec.SECP521R1()),
    "bp256": ("2b2403030208010107", ec.BrainpoolP256R1()),
    "bp384": ("2b240303020801010b", ec.BrainpoolP384R1()),
    "bp512": ("2b240303020801010d", ec.BrainpoolP512R1()),
    "k256": ("2b8104000a", ec.SECP256K1()),
}
DAY: Final = 86400
MADE: Final = CREATED - 30 * DAY  # when keys are made, if nothing else is said
AT: Final = CREATED + 300  # when signatures are made
Secret = (
    rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
Subpackets = Sequence[tuple[int, bytes]]


def uint(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "big")


def packet(kind: int, body: bytes) -> bytes:
    return bytes([0xC0 | kind, 0xFF]) + uint(len(body)) + body


def mpi(value: int) -> bytes:
    return uint(value.bit_length(), 2) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def area(subpackets: Subpackets, width: int = 2) -> bytes:
    out = b""
    for kind, body in subpackets:
        size = len(body) + 1
        out += (bytes([size]) if size < 192 else b"\xff" + uint(size)) + bytes([kind]) + body
    return uint(len(out), width) + out


@cache
def secret(kind: str, name: str) -> Secret:
    """The key `name` of a kind: a curve, ed25519, ed448; of rsa2048, dsa2048 and so on there is one."""
    if kind in CURVES:
        return ec.derive_private_key(
            int.from_bytes(keys.seed(f"openpgp {name}")[:31], "big"), CURVES[kind][1]
        )
    if kind == "roca2048":
        return keys.rsa_key("openpgp-roca2048", generate=_roca_key)
    if kind.startswith("rsa"):
        return keys.rsa_key(f"openpgp-{kind}", int(kind[3:]))
    if kind == "dsa2048":
        return keys.dsa_key("openpgp-dsa2048")
    if kind == "ed448":
        seed = hashlib.sha512(keys.seed(f"openpgp {name}")).digest()
        return ed448.Ed448PrivateKey.from_private_bytes(seed[:57])
    return keys.ed25519_key(f"openpgp {name}")


def _roca_key(bits: int) -> rsa.RSAPrivateKey:
    """Each prime is k * M + (65537 ** a mod M), M being the product of the first 126 primes."""
    product = math.prod(n for n in range(2, 702) if all(n % m for m in range(2, math.isqrt(n) + 1)))
    found: list[int] = []
    for a in itertools.count(10**6):
        k = 2 ** (bits // 2 - 1) // product * 3 // 2 + 2 * a
        candidate = k * product + pow(65537, a, product)
        if pow(2, candidate - 1, candidate) == 1:
            found.append(candidate)
        if len(found) == 2:
            break
    p, q = found
    d = rsa.rsa_recover_private_exponent(65537, p, q)
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


def _dsa_numbers(key: dsa.DSAPrivateKey, digest: bytes) -> tuple[int, int]:
    """r and s by a nonce that follows from the key and the digest."""
    numbers = key.private_numbers()
    public = numbers.public_numbers.parameter_numbers
    seed = hashlib.sha512(numbers.x.to_bytes(32, "big") + digest).digest()
    nonce = int.from_bytes(seed, "big") % (public.q - 1) + 1
    r = pow(public.g, nonce, public.p) % public.q
    z = int.from_bytes(digest[: (public.q.bit_length() + 7) // 8], "big")
    return r, pow(nonce, -1, public.q) * (z + numbers.x * r) % public.q


@dataclass(frozen=True, slots=True)
class Key:
    """One primary key or subkey; of version 4 with kind ed25519 in its legacy form.

    Kind rsa65535 is a key that nobody computes with: its modulus is made up, and so are its signatures.
    """

    name: str
    kind: str = "ed25519"
    created: int = MADE
    version: int = 4

    @property
    def secret(self) -> Secret:
        return secret(self.kind, self.name)

    @property
    def algorithm(self) -> int:
        if self.kind == "ed25519":
            return EDDSA if self.version == 4 else ED25519
        known = {"rsa": RSA, "roc": RSA, "dsa": DSA, "ed4": ED448}
        return known.get(self.kind[:3], ECDSA)

    @property
    def material(self) -> bytes:
        if self.kind == "rsa65535":
            return mpi(2**65534 + 1) + mpi(65537)
        key = self.secret
        if isinstance(key, rsa.RSAPrivateKey):
            public = key.public_key().public_numbers()
            return mpi(public.n) + mpi(public.e)
        if isinstance(key, dsa.DSAPrivateKey):
            numbers = key.public_key().public_numbers()
            domain = numbers.parameter_numbers
            return b"".join(map(mpi, (domain.p, domain.q, domain.g, numbers.y)))
        if isinstance(key, ec.EllipticCurvePrivateKey):
            oid, point = bytes.fromhex(CURVES[self.kind][0]), key.public_key().public_numbers()
            size = (key.key_size + 7) // 8
            octets = b"\x04" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
            return bytes([len(oid)]) + oid + mpi(int.from_bytes(octets, "big"))
        native = key.public_key().public_bytes_raw()
        if self.algorithm != EDDSA:
            return native
        oid = bytes.fromhex("2b06010401da470f01")
        return bytes([len(oid)]) + oid + mpi(int.from_bytes(b"\x40" + native, "big"))

    @property
    def body(self) -> bytes:
        material = self.material
        size = uint(len(material)) if self.version == 6 else b""
        return bytes([self.version]) + uint(self.created) + bytes([self.algorithm]) + size + material

    @property
    def covered(self) -> bytes:
        if self.version == 6:
            return b"\x9b" + uint(len(self.body)) + self.body
        return b"\x99" + uint(len(self.body), 2) + self.body

    @property
    def fingerprint(self) -> bytes:
        if self.version == 6:
            return hashlib.sha256(self.covered).digest()
        return hashlib.sha1(self.covered, usedforsecurity=False).digest()

    def as_subkey(self) -> bytes:
        """The packet that holds it as a subkey; nothing is signed."""
        return packet(PUBLIC_SUBKEY, self.body)

    def value(self, digest: bytes, hash_id: int) -> bytes:
        """The signature proper over a digest."""
        if self.kind == "rsa65535":
            return mpi(1)
        key, prehashed = self.secret, Prehashed(_HASHES[hash_id][1])
        if isinstance(key, rsa.RSAPrivateKey):
            return mpi(int.from_bytes(key.sign(digest, padding.PKCS1v15(), prehashed), "big"))
        if isinstance(key, dsa.DSAPrivateKey):
            return b"".join(map(mpi, _dsa_numbers(key, digest)))
        if isinstance(key, ec.EllipticCurvePrivateKey):
            made = key.sign(digest, ec.ECDSA(prehashed, deterministic_signing=True))
            return b"".join(map(mpi, decode_dss_signature(made)))
        made = key.sign(digest)
        if self.algorithm != EDDSA:
            return made
        return b"".join(mpi(int.from_bytes(half, "big")) for half in (made[:32], made[32:]))

    def sign(
        self,
        kind: int,
        covered: bytes,
        *,
        at: int | None,
        hash_id: int = SHA256,
        hashed: Subpackets = (),
        unhashed: Subpackets = (),
        hints: bool = True,
    ) -> bytes:
        """The body of a signature packet of `kind` over `covered`."""
        width = 4 if self.version == 6 else 2
        time = () if at is None else ((TIME, uint(at)),)
        told = ((FINGERPRINT, bytes([self.version]) + self.fingerprint),) if hints else ()
        key_id = ((ISSUER, self.fingerprint[-8:]),) if hints and self.version == 4 else ()
        head = bytes([self.version, kind, self.algorithm, hash_id]) + area((*time, *told, *hashed), width)
        trailer = bytes([self.version, 0xFF]) + uint(len(head))
        salt = bytes(_SALTS[hash_id]) if self.version == 6 else b""
        digest = hashlib.new(
            _HASHES[hash_id][0], salt + covered + head + trailer, usedforsecurity=False
        ).digest()
        salted = bytes([len(salt)]) + salt if self.version == 6 else b""
        return head + area((*key_id, *unhashed), width) + digest[:2] + salted + self.value(digest, hash_id)

    def detached(self, message: bytes, *, at: int | None = AT, kind: int = BINARY, **more: object) -> bytes:
        """A detached signature, one packet; `more` are keywords of `sign`."""
        return packet(SIGNATURE, self.sign(kind, message, at=at, **more))  # type: ignore[arg-type] # as above

    def version_3(self, message: bytes, *, at: int = AT) -> bytes:
        """A detached signature of version 3, one packet (RFC 9580 5.2.2)."""
        told = bytes([BINARY]) + uint(at)
        digest = hashlib.sha256(message + told).digest()
        head = bytes([3, 5]) + told + self.fingerprint[-8:] + bytes([self.algorithm, SHA256])
        return packet(SIGNATURE, head + digest[:2] + self.value(digest, SHA256))


def user_id_covered(text: bytes, kind: int = USER_ID) -> bytes:
    return (b"\xd1" if kind == ATTRIBUTE else b"\xb4") + uint(len(text)) + text


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A certificate in parts, packet types and bodies, so that a forger can take one out or change it."""

    primary: Key
    parts: tuple[tuple[int, bytes], ...] = ()

    def encode(self) -> bytes:
        return b"".join(packet(kind, body) for kind, body in self.parts)

    def having(self, *parts: tuple[int, bytes], at: int | None = None) -> Made:
        """With these packets put in at an index, or behind all."""
        index = len(self.parts) if at is None else at
        return Made(primary=self.primary, parts=(*self.parts[:index], *parts, *self.parts[index:]))

    def changed(self, change: Callable[[int, bytes], bytes | None]) -> Made:
        """With each body as `change` gives it, or without it where that is None."""
        changed = ((kind, change(kind, body)) for kind, body in self.parts)
        parts = tuple((kind, body) for kind, body in changed if body is not None)
        return Made(primary=self.primary, parts=parts)

    def revoked(self, reason: int | None, at: int, *, by: Key | None = None, hash_id: int = SHA256) -> Made:
        """With a revocation of the primary key, by itself or another; `reason` None says nothing."""
        return self.having((SIGNATURE, revocation(self.primary, reason, at, by=by, hash_id=hash_id)), at=1)


def revocation(
    primary: Key,
    reason: int | None,
    at: int,
    *,
    subkey: Key | None = None,
    by: Key | None = None,
    hash_id: int = SHA256,
) -> bytes:
    """The body of a revocation of the primary key, or of a subkey."""
    said = () if reason is None else ((REASON, bytes([reason]) + b"a test"),)
    kind = KEY_REVOCATION if subkey is None else SUBKEY_REVOCATION
    covered = primary.covered + (b"" if subkey is None else subkey.covered)
    return (by or primary).sign(kind, covered, at=at, hashed=said, hash_id=hash_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserId:
    """A user id and how the holder certifies it."""

    text: bytes = b"A test key <test@example.org>"
    flags: int | None = CERTIFY | SIGN
    lifetime: int | None = None
    at: int | None = None
    hash_id: int = SHA256
    hashed: Subpackets = ()

    def certification(self, primary: Key) -> bytes:
        said = [] if self.flags is None else [(FLAGS, bytes([self.flags]))]
        said += [] if self.lifetime is None else [(KEY_EXPIRES, uint(self.lifetime))]
        return primary.sign(
            CERTIFICATION,
            primary.covered + user_id_covered(self.text),
            at=primary.created if self.at is None else self.at,
            hash_id=self.hash_id,
            hashed=(*said, *self.hashed),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Subkey:
    """A subkey and how the holder binds it; `back` None leaves the back-signature out."""

    key: Key
    flags: int | None = SIGN
    lifetime: int | None = None
    at: int | None = None
    hash_id: int = SHA256
    back: Mapping[str, object] | None = field(default_factory=dict)
    hashed: Subpackets = ()

    def binding(self, primary: Key, back: bytes | None = None) -> bytes:
        at = self.key.created if self.at is None else self.at
        said = [] if self.flags is None else [(FLAGS, bytes([self.flags]))]
        said += [] if self.lifetime is None else [(KEY_EXPIRES, uint(self.lifetime))]
        covered = primary.covered + self.key.covered
        if back is None and self.back is not None:
            back = self.key.sign(BACK, covered, **{"at": at, **self.back})  # type: ignore[arg-type] # of sign
        return primary.sign(
            SUBKEY,
            covered,
            at=at,
            hash_id=self.hash_id,
            hashed=(*said, *self.hashed),
            unhashed=() if back is None else ((EMBEDDED, back),),
        )


def make(
    primary: Key,
    *,
    user_ids: Sequence[UserId] = (UserId(),),
    subkeys: Sequence[Subkey] = (),
    direct: bytes = b"",
) -> Made:
    """A certificate as its holder would make it; `direct` is the body of a direct-key signature."""
    parts: list[tuple[int, bytes]] = [(PUBLIC_KEY, primary.body)]
    if direct:
        parts.append((SIGNATURE, direct))
    for each in user_ids:
        parts += [(USER_ID, each.text), (SIGNATURE, each.certification(primary))]
    for sub in subkeys:
        parts += [(PUBLIC_SUBKEY, sub.key.body), (SIGNATURE, sub.binding(primary))]
    return Made(primary=primary, parts=tuple(parts))


def direct_key(
    primary: Key, *, at: int | None = None, hash_id: int = SHA256, hashed: Subpackets = ()
) -> bytes:
    """The body of a direct-key signature."""
    when = primary.created if at is None else at
    return primary.sign(DIRECT, primary.covered, at=when, hash_id=hash_id, hashed=hashed)
