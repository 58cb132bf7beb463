# SPDX-License-Identifier: Apache-2.0
"""Any token with a PKCS#11 module: its certificates, and its keys as `cose.Signer`.

PKCS #11 3.0 through python-pkcs11, which is imported when a token is opened. The message is hashed here,
because many tokens have no mechanism that hashes and signs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from bundlefmt import cose, labels
from bundlefmt.evidence import x509
from bundlefmt.frozen import frozen
from bundletools.devices import DeviceError
from bundletools.pkcs11_uri import Pkcs11Uri
from bundletools.prompts import Prompts

if TYPE_CHECKING:
    from pkcs11 import Session, Token

_HASHES: Final = {
    labels.ALG_ESP256: "sha256",
    labels.ALG_ESP384: "sha384",
    labels.ALG_ESP512: "sha512",
    labels.ALG_PS256: "sha256",
    labels.ALG_RS256: "sha256",
}
_CURVES: Final = {
    "secp256r1": labels.ALG_ESP256,
    "secp384r1": labels.ALG_ESP384,
    "secp521r1": labels.ALG_ESP512,
}
# DigestInfo of SHA-256 up to the digest: RFC 8017 9.2, note 1
_DIGEST_INFO: Final = bytes.fromhex("3031300d060960864801650304020105000420")


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """The token's refusals while doing `what`, as DeviceError."""
    from pkcs11 import exceptions as refused

    try:
        yield
    except refused.PinIncorrect:
        raise DeviceError(f"{what}: wrong PIN", hint="too many wrong PINs lock the token") from None
    except refused.PinLocked:
        raise DeviceError(
            f"{what}: the PIN is locked", hint="the security officer's PIN sets a new one"
        ) from None
    except (refused.PinInvalid, refused.PinLenRange):
        raise DeviceError(f"{what}: this cannot be the PIN") from None
    except refused.UserPinNotInitialized:
        raise DeviceError(
            f"{what}: the token has no PIN yet", hint="initialise it with its own tool"
        ) from None
    except (refused.DeviceRemoved, refused.TokenNotPresent):
        raise DeviceError(
            f"{what}: the token was pulled out", hint="put it in again and start anew"
        ) from None
    except refused.MechanismInvalid:
        raise DeviceError(f"{what}: the token cannot sign in this way") from None
    except refused.PKCS11Error as error:
        raise DeviceError(f"{what}: {type(error).__name__} {error}".rstrip()) from None


def _tokens(uri: Pkcs11Uri) -> list[Token]:
    try:
        import pkcs11
    except ImportError as error:
        raise DeviceError(
            f"python-pkcs11 cannot be loaded: {error}", hint="pip install 'evidence-bundle[tools]'"
        ) from None
    if not uri.module_path:
        raise DeviceError("the URI names no module", hint="?module-path=/usr/lib/…/module.so")
    with _refusals(uri.module_path):
        try:
            slots = pkcs11.lib(uri.module_path).get_slots(token_present=True)
        except pkcs11.PKCS11Error as error:
            if type(error) is not pkcs11.PKCS11Error:
                raise
            raise DeviceError(
                f"{uri.module_path} is no PKCS#11 module: {error}", hint="module-path names a shared library"
            ) from None
        return [slot.get_token() for slot in slots]


def _fits(token: Token, uri: Pkcs11Uri) -> bool:
    serial = token.serial.decode("utf-8", "replace")
    pairs = (
        (uri.token, token.label),
        (uri.serial, serial),
        (uri.manufacturer, token.manufacturer_id),
        (uri.model, token.model),
    )
    return all(wanted is None or wanted == found.rstrip() for wanted, found in pairs)


def _the_token(uri: Pkcs11Uri) -> Token:
    tokens = _tokens(uri)
    chosen = [token for token in tokens if _fits(token, uri) and (token.label or uri.token is not None)]
    listed = ", ".join(sorted(token.label for token in tokens if token.label)) or "none"
    if not chosen:
        raise DeviceError("no token fits the URI", hint=f"tokens of this module: {listed}")
    if len(chosen) > 1:
        raise DeviceError(
            "several tokens fit the URI", hint=f"name one of them by token= or serial=: {listed}"
        )
    return chosen[0]


@contextmanager
def open_token(uri: Pkcs11Uri, prompts: Prompts) -> Iterator[Pkcs11Key]:
    """The key that a URI names, and its certificate, on the one token that fits. Raises DeviceError."""
    token = _the_token(uri)
    from pkcs11 import PROTECTED_AUTH, TokenFlag

    name = f"token {token.label}"
    if TokenFlag.USER_PIN_LOCKED in token.flags:
        raise DeviceError(f"{name}: the PIN is locked", hint="the security officer's PIN sets a new one")
    if TokenFlag.USER_PIN_FINAL_TRY in token.flags:
        prompts.notice(f"warning: {name}: one more wrong PIN locks it")
    elif TokenFlag.USER_PIN_COUNT_LOW in token.flags:
        prompts.notice(f"{name}: a wrong PIN was given before")
    pin: Any = None
    if TokenFlag.PROTECTED_AUTHENTICATION_PATH in token.flags:
        prompts.notice(f"give the PIN of {name} on its own keypad")
        pin = PROTECTED_AUTH
    elif TokenFlag.LOGIN_REQUIRED in token.flags:
        pin = prompts.secret(f"PIN of {name}")
    with _refusals(name):
        session = token.open(user_pin=pin)
    try:
        yield _find(session, uri, name, prompts)
    finally:
        session.close()


def _find(session: Session, uri: Pkcs11Uri, name: str, prompts: Prompts) -> Pkcs11Key:
    """The one private key that fits, and the one X.509 certificate of the same id."""
    from pkcs11 import Attribute, ObjectClass

    wanted: dict[Any, Any] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY}
    if uri.object is not None:
        wanted[Attribute.LABEL] = uri.object
    if uri.id is not None:
        wanted[Attribute.ID] = uri.id
    with _refusals(f"{name}: look for the key"):
        keys: list[Any] = list(session.get_objects(wanted))
        if len(keys) != 1:
            raise DeviceError(
                f"{name}: {'several keys fit' if keys else 'no private key fits'} the URI",
                hint="object= is the key's label, id= its identifier as %01%02",
            )
        identifier = keys[0][Attribute.ID]
        found: list[Any] = list(
            session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.ID: identifier})
        )
        certificates = {bytes(each[Attribute.VALUE]) for each in found}
    if len(certificates) != 1:
        count = "several certificates" if certificates else "no certificate"
        raise DeviceError(
            f"{name}: {count} with id {identifier.hex()}",
            hint="the certificate object has the id of its key",
        )
    (certificate,) = certificates
    try:
        public = x509.public_key(certificate)
    except x509.CertificateError as error:
        raise DeviceError(f"{name}: its certificate: {error}") from None
    return Pkcs11Key(
        name=name, key=keys[0], certificate=certificate, alg=_algorithm(public, name), prompts=prompts
    )


def _algorithm(public: object, name: str) -> int:
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= cose.MIN_RSA_BITS:
        return labels.ALG_PS256
    if isinstance(public, ed25519.Ed25519PublicKey):
        return labels.ALG_ED25519
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return _CURVES[public.curve.name]
    raise DeviceError(f"{name}: a key of this kind cannot seal", hint="P-256, P-384, P-521, Ed25519 or RSA")


@frozen
class Pkcs11Key:
    """A private key on an open token and its DER certificate; a `cose.Signer`."""

    name: str
    key: Any  # pkcs11.PrivateKey, whose abilities its type does not say
    certificate: bytes
    alg: int
    prompts: Prompts

    def sign(self, message: bytes) -> bytes:
        """The COSE signature value over `message`. Raises DeviceError."""
        from pkcs11 import MGF, Attribute, Mechanism

        algorithm = _HASHES.get(self.alg)
        data = message if algorithm is None else hashlib.new(algorithm, message).digest()
        how: dict[str, Any] = {"mechanism": Mechanism.ECDSA}
        if self.alg == labels.ALG_ED25519:
            how = {"mechanism": Mechanism.EDDSA}
        elif self.alg == labels.ALG_PS256:
            parameters = (Mechanism.SHA256, MGF.SHA256, len(data))
            how = {"mechanism": Mechanism.RSA_PKCS_PSS, "mechanism_param": parameters}
        elif self.alg == labels.ALG_RS256:
            data, how = _DIGEST_INFO + data, {"mechanism": Mechanism.RSA_PKCS}
        with _refusals(f"{self.name}: sign"):
            # a key may want the PIN again for each signature
            if self.key[Attribute.ALWAYS_AUTHENTICATE]:
                how["pin"] = self.prompts.secret(f"PIN of {self.name}, for this signature")
            return bytes(self.key.sign(data, **how))
