# SPDX-License-Identifier: Apache-2.0
"""The PIV application of the virtual YubiKey: NIST SP 800-73-4 Part 2, and the vendor's extensions.

Extensions: version, serial, metadata, attestation, policies, a management key of any kind, reset.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.virtual_yubikey import (
    BLOCKED,
    CONDITIONS,
    NO_INSTRUCTION,
    NO_REFERENCE,
    NOT_ALLOWED,
    NOT_FOUND,
    WRONG_DATA,
    Command,
    StatusError,
    tlv,
    untlv,
)
from demo.virtual_yubikey_vendor import Authority, Identity

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

PIN: Final = b"123456"
PUK: Final = b"12345678"
MANAGEMENT_KEY: Final = bytes.fromhex("0102030405060708" * 3)
PIN_NEVER, PIN_ONCE, PIN_ALWAYS = 1, 2, 3
TOUCH_NEVER = 1
F9_CERTIFICATE: Final = 0x5FFF01
_TDES: Final = 3
_RSA_BITS: Final = {0x07: 2048, 0x05: 3072, 0x16: 4096}
_CURVES: Final[dict[int, tuple[ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    0x11: (ec.SECP256R1(), hashes.SHA256()),
    0x14: (ec.SECP384R1(), hashes.SHA384()),
}
_ED25519: Final = 0xE0
_DEFAULT_PIN_POLICY: Final = {0x9C: PIN_ALWAYS, 0x9E: PIN_NEVER}
# instruction -> first firmware that has it
_SINCE: Final = {0xF7: bytes([5, 3, 0]), 0xF8: bytes([5, 0, 3]), 0xF9: bytes([4, 3, 0])}
_SINCE_5_7: Final = frozenset({0x05, 0x16, _ED25519})


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A private key in a slot, and who may use it how."""

    private: PrivateKey
    algorithm: int
    pin_policy: int
    touch_policy: int


class Secret:
    """A PIN or PUK that is blocked after too many wrong attempts."""

    def __init__(self, value: bytes, attempts: int = 3) -> None:
        self.default = value.ljust(8, b"\xff")
        self.value, self.most, self.left = self.default, attempts, attempts

    def check(self, given: bytes) -> None:
        """Raises StatusError 63CX or 6983."""
        if self.left and given == self.value:
            self.left = self.most
            return
        if not self.left:
            raise StatusError(BLOCKED)
        self.left -= 1
        raise StatusError(0x63C0 | self.left)

    def metadata(self) -> bytes:
        default = bytes([self.value == self.default])
        return tlv(1, b"\xff") + tlv(5, default) + tlv(6, bytes([self.most, self.left]))


def _public(key: PrivateKey) -> bytes:
    """The public key as GENERATE answers it, without its outer tag."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        modulus = numbers.n.to_bytes(public.key_size // 8, "big")
        return tlv(0x81, modulus) + tlv(0x82, numbers.e.to_bytes(3, "big"))
    if isinstance(public, ed25519.Ed25519PublicKey):
        return tlv(0x86, public.public_bytes_raw())
    return tlv(0x86, public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


class Piv:
    """`touch()` is asked at each use of a key that needs touch: whether the person touches in time."""

    aid: Final = bytes.fromhex("a000000308")

    def __init__(self, identity: Identity, attestation: Authority) -> None:
        self._identity = identity
        self.attestation: Final = attestation
        self.touch: Callable[[], bool] = lambda: True
        self._wipe()

    def _wipe(self) -> None:
        self.pin, self.puk = Secret(PIN), Secret(PUK)
        self._management = (_TDES, MANAGEMENT_KEY)
        self.keys: dict[int, Key] = {}
        f9 = self.attestation.certificate.public_bytes(Encoding.DER)
        self.objects = {F9_CERTIFICATE: tlv(0x70, f9) + tlv(0x71, b"\x00") + tlv(0xFE, b"")}
        self.select()

    def select(self) -> bytes:
        self._pin_verified = self._managed = False
        self._witness = b""
        return tlv(0x61, tlv(0x4F, bytes.fromhex("000010000100")) + tlv(0x79, tlv(0x4F, self.aid)))

    def process(self, command: Command) -> bytes:
        handlers: dict[int, Callable[[Command], bytes]] = {
            0x20: self._verify,
            0x24: self._change_reference,
            0x2C: self._unblock,
            0x47: self._generate,
            0x87: self._authenticate,
            0xCB: self._get_object,
            0xDB: self._put_object,
            0xF7: self._metadata,
            0xF8: lambda _: self._identity.serial.to_bytes(4, "big"),
            0xF9: self._attest,
            0xFB: self._reset,
            0xFD: lambda _: self._identity.firmware,
            0xFF: self._set_management_key,
        }
        handler = handlers.get(command.ins)
        if handler is None or self._identity.firmware < _SINCE.get(command.ins, b""):
            raise StatusError(NO_INSTRUCTION)
        return handler(command)

    def _verify(self, command: Command) -> bytes:
        if command.p2 != 0x80:
            raise StatusError(NO_REFERENCE)
        if not command.data:
            if not self._pin_verified:
                raise StatusError(0x63C0 | self.pin.left if self.pin.left else BLOCKED)
            return b""
        self._pin_verified = False
        self.pin.check(command.data)
        self._pin_verified = True
        return b""

    def _change_reference(self, command: Command) -> bytes:
        secret = {0x80: self.pin, 0x81: self.puk}.get(command.p2)
        if secret is None or len(command.data) != 16:
            raise StatusError(WRONG_DATA)
        secret.check(command.data[:8])
        secret.value = command.data[8:]
        return b""

    def _unblock(self, command: Command) -> bytes:
        self.puk.check(command.data[:8])
        self.pin.value, self.pin.left = command.data[8:], self.pin.most
        return b""

    def _reset(self, _: Command) -> bytes:
        if self.pin.left or self.puk.left:
            raise StatusError(CONDITIONS)
        self._wipe()
        return b""

    def _need_management(self) -> None:
        if not self._managed:
            raise StatusError(NOT_ALLOWED)

    def _get_object(self, command: Command) -> bytes:
        name = int.from_bytes(untlv(command.data).get(0x5C, b""), "big")
        if name == 0x5FC109 and not self._pin_verified:  # printed information: holds a protected key
            raise StatusError(NOT_ALLOWED)
        if name not in self.objects:
            raise StatusError(NOT_FOUND)
        return tlv(0x53, self.objects[name])

    def _put_object(self, command: Command) -> bytes:
        self._need_management()
        fields = untlv(command.data)
        name = int.from_bytes(fields.get(0x5C, b""), "big")
        if fields.get(0x53):
            self.objects[name] = fields[0x53]
        else:
            self.objects.pop(name, None)
        return b""

    def _generate(self, command: Command) -> bytes:
        self._need_management()
        fields = untlv(untlv(command.data).get(0xAC, b""))
        algorithm = int.from_bytes(fields.get(0x80, b""), "big")
        if algorithm in _SINCE_5_7 and self._identity.firmware < bytes([5, 7, 0]):
            raise StatusError(WRONG_DATA)
        self.keys[command.p2] = key = Key(
            private=_new_key(algorithm),
            algorithm=algorithm,
            pin_policy=fields.get(0xAA, b"\0")[0] or _DEFAULT_PIN_POLICY.get(command.p2, PIN_ONCE),
            touch_policy=fields.get(0xAB, b"\0")[0] or TOUCH_NEVER,
        )
        return tlv(0x7F49, _public(key.private))

    def _cipher(self) -> Cipher[modes.ECB]:
        algorithm, key = self._management
        block = TripleDES(key) if algorithm == _TDES else algorithms.AES(key)
        return Cipher(block, modes.ECB())  # noqa: S305 - the protocol's: one random block

    def _encrypt(self, block: bytes) -> bytes:
        encryptor = self._cipher().encryptor()
        return encryptor.update(block) + encryptor.finalize()

    def _authenticate(self, command: Command) -> bytes:
        fields = untlv(untlv(command.data).get(0x7C, b""))
        if command.p2 == 0x9B:
            return tlv(0x7C, self._authenticate_management(command.p1, fields))
        return tlv(0x7C, tlv(0x82, self._sign(command.p1, command.p2, fields)))

    def _authenticate_management(self, algorithm: int, fields: dict[int, bytes]) -> bytes:
        """Mutual authentication: the host decrypts a witness, the card encrypts a challenge."""
        if algorithm != self._management[0]:
            raise StatusError(WRONG_DATA)
        if fields.get(0x80) == b"":
            self._witness = os.urandom(8 if algorithm == _TDES else 16)
            return tlv(0x80, self._encrypt(self._witness))
        witness, self._witness = self._witness, b""
        if not witness or fields.get(0x80) != witness:
            raise StatusError(NOT_ALLOWED)
        self._managed = True
        return tlv(0x82, self._encrypt(fields.get(0x81, b"")))

    def _set_management_key(self, command: Command) -> bytes:
        self._need_management()
        self._management = (command.data[0], command.data[3:])
        return b""

    def _sign(self, algorithm: int, slot: int, fields: dict[int, bytes]) -> bytes:
        key = self.keys.get(slot)
        if key is None or key.algorithm != algorithm:
            raise StatusError(WRONG_DATA)
        if key.pin_policy != PIN_NEVER and not self._pin_verified:
            raise StatusError(NOT_ALLOWED)
        if key.pin_policy == PIN_ALWAYS:
            self._pin_verified = False
        if key.touch_policy != TOUCH_NEVER and not self.touch():
            raise StatusError(NOT_ALLOWED)
        return _use(key, fields.get(0x81, b""))

    def _metadata(self, command: Command) -> bytes:
        if command.p2 == 0x9B:
            algorithm, value = self._management
            default = bytes([value == MANAGEMENT_KEY])
            return tlv(1, bytes([algorithm])) + tlv(2, b"\x00\x01") + tlv(5, default)
        if command.p2 in (0x80, 0x81):
            return (self.pin if command.p2 == 0x80 else self.puk).metadata()
        key = self.keys.get(command.p2)
        if key is None:
            raise StatusError(NO_REFERENCE)
        policies = bytes([key.pin_policy, key.touch_policy])
        public = tlv(4, _public(key.private))
        return tlv(1, bytes([key.algorithm])) + tlv(2, policies) + tlv(3, b"\x01") + public

    def _attest(self, command: Command) -> bytes:
        key = self.keys.get(command.p1)
        if key is None:
            raise StatusError(NO_REFERENCE)
        statement = self._identity.piv_statement(
            self.attestation, command.p1, key.private.public_key(), key.pin_policy, key.touch_policy
        )
        return statement.public_bytes(Encoding.DER)


def _new_key(algorithm: int) -> PrivateKey:
    if algorithm in _RSA_BITS:
        return rsa.generate_private_key(65537, _RSA_BITS[algorithm])
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm][0])
    if algorithm == _ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    raise StatusError(WRONG_DATA)


def _use(key: Key, challenge: bytes) -> bytes:
    """The private-key operation alone, as in the device: padding and hashing are the host's."""
    if isinstance(key.private, rsa.RSAPrivateKey):
        numbers = key.private.private_numbers()
        size = key.private.key_size // 8
        if len(challenge) != size:
            raise StatusError(WRONG_DATA)
        return pow(int.from_bytes(challenge, "big"), numbers.d, numbers.public_numbers.n).to_bytes(
            size, "big"
        )
    if isinstance(key.private, ed25519.Ed25519PrivateKey):
        return key.private.sign(challenge)
    digest = _CURVES[key.algorithm][1]
    if len(challenge) != digest.digest_size:
        raise StatusError(WRONG_DATA)
    return key.private.sign(challenge, ec.ECDSA(Prehashed(digest)))
