# SPDX-License-Identifier: Apache-2.0
"""Artifacts recognised by their content: what a file made with stock tools is, and its native bytes.

TPM 2.0 Library, Part 2; file forms of tpm2-tools 5, GnuPG and OpenSSL. What names say is not looked at.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.attest import TPM_GENERATED_VALUE, TpmsAttest
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation, TpmsIdObject
from bundlefmt.evidence.crl import RevocationList
from bundlefmt.evidence.pcr import decode_pcr_values, encode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, UnsupportedKeyError, unwrap_tpm2b
from bundlefmt.evidence.tpm_signature import TpmtSignature
from bundlefmt.frozen import frozen
from bundlefmt.logs.recognise import LogKind, recognise
from bundlefmt.render.tpm2_tools import read_pcr_file
from bundlefmt.wire import Buffer, Reader
from bundletools.forms import CREDENTIAL_MAGIC

MAX_LOOKED_AT: Final = 2**26  # bytes; what is larger is no evidence that can be told by its content


class Kind(StrEnum):
    """What the bytes are; which role they have, other files decide."""

    OPENPGP = "OpenPGP certificate"
    OPENPGP_SIGNATURE = "OpenPGP signature"
    CERTIFICATE = "X.509 certificate"
    CRL = "revocation list"
    PUBLIC = "TPM public area"
    ATTEST = "TPM statement"
    TPM_SIGNATURE = "TPM signature"
    CREATION = "creation data"
    TICKET = "creation ticket"
    PCRS = "PCR values"
    CREDENTIAL = "credential blob"
    ACTIVATION = "credential activation"
    FIRMWARE_LOG = "firmware log"
    IMA_LOG = "IMA log"
    USERSPACE_LOG = "userspace log"


class Form(StrEnum):
    """How a file differs from the native bytes. `pem` may go on with the number of the block."""

    NATIVE = "native"
    PEM = "pem"
    ARMORED = "armored"
    TPM2B = "tpm2b"
    PLAIN = "plain"
    PCRS = "tpm2-tools"
    VALUES = "values"
    CREDENTIAL = "credential"


@frozen
class Artifact:
    """One artifact in a file; `native` is what a bundle carries."""

    kind: Kind
    form: str
    native: bytes


UNREADABLE: Final = (
    MalformedError,
    UnsupportedKeyError,
    x509.CertificateError,
    openpgp.OpenPgpError,
    ValueError,
)
_ARMOR: Final = re.compile(
    rb"\s*-----BEGIN PGP (?P<what>PUBLIC KEY BLOCK|SIGNATURE)-----[^\S\n]*\n"
    rb"(?:[A-Za-z]+: [^\n]*\n)*[^\S\n]*\n"
    rb"(?P<body>[A-Za-z0-9+/=\s]+?)(?:\n=[A-Za-z0-9+/]{4})?\s*-----END PGP (?P=what)-----\s*"
)
_PEM: Final = re.compile(
    rb"-----BEGIN (?P<what>CERTIFICATE|X509 CRL)-----(?P<body>[A-Za-z0-9+/=\s]+)-----END (?P=what)-----"
)
_LOGS: Final = {
    LogKind.FIRMWARE_AGILE: Kind.FIRMWARE_LOG,
    LogKind.FIRMWARE_SHA1: Kind.FIRMWARE_LOG,
    LogKind.IMA_BINARY: Kind.IMA_LOG,
    LogKind.IMA_ASCII: Kind.IMA_LOG,
    LogKind.SYSTEMD: Kind.USERSPACE_LOG,
}


def convert(data: Buffer, form: str) -> bytes:
    """The native bytes of a file in a form that needs no other file. Raises one of UNREADABLE."""
    octets = bytes(data)
    name, _, number = form.partition(":")
    if name == Form.NATIVE:
        return octets
    if name == Form.TPM2B:
        return unwrap_tpm2b(octets)
    if name == Form.PCRS:
        return encode_pcr_values(read_pcr_file(octets))
    if name == Form.ARMORED:
        match = _ARMOR.fullmatch(octets)
        if match is None:
            raise ValueError("not one armored certificate or signature")
        return base64.b64decode(b"".join(match["body"].split()), validate=True)
    if name == Form.PEM:
        blocks = [match["body"] for match in _PEM.finditer(octets)]
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 1
        if not 1 <= at <= len(blocks):
            raise ValueError(f"there is no PEM block {at}")
        return base64.b64decode(b"".join(blocks[at - 1].split()), validate=True)
    raise ValueError(f"there is no form {form!r}")


def is_private(data: Buffer) -> bool:
    """Whether a file seems to hold a private key in PEM or armor."""
    return b"PRIVATE KEY" in bytes(data[:4096])


def artifacts(data: Buffer) -> list[Artifact]:
    """What is in a file: nothing where it is not recognised, several where it is a row of PEM blocks."""
    if not data or len(data) > MAX_LOOKED_AT:
        return []
    octets = bytes(data)
    blocks = list(_PEM.finditer(octets))
    if blocks:
        return list(_pem(octets, blocks))
    armor = _ARMOR.fullmatch(octets)
    if armor is not None:
        kind = Kind.OPENPGP_SIGNATURE if armor["what"] == b"SIGNATURE" else Kind.OPENPGP
        return _first(octets, ((kind, Form.ARMORED, _READERS[kind]),))
    if octets.startswith(TPM_GENERATED_VALUE.to_bytes(4, "big")):
        return _first(octets, ((Kind.ATTEST, Form.NATIVE, TpmsAttest.decode),))
    found = _first(octets, _TRIED)
    if found:
        return found
    if octets.startswith(CREDENTIAL_MAGIC):
        return [Artifact(kind=Kind.CREDENTIAL, form=Form.CREDENTIAL, native=octets)] * is_credential(octets)
    log = recognise(octets)
    return [Artifact(kind=_LOGS[log], form=Form.NATIVE, native=octets)] if log in _LOGS else []


def _pem(octets: bytes, blocks: list[re.Match[bytes]]) -> Iterator[Artifact]:
    for number, block in enumerate(blocks, 1):
        kind = Kind.CERTIFICATE if block["what"] == b"CERTIFICATE" else Kind.CRL
        form = str(Form.PEM) if len(blocks) == 1 else f"{Form.PEM}:{number}"
        yield from _first(octets, ((kind, form, _READERS[kind]),))


Reading = Callable[[bytes], object]


def _first(octets: bytes, tried: tuple[tuple[Kind, str, Reading], ...]) -> list[Artifact]:
    """The first kind and form that the bytes are."""
    for kind, form, read in tried:
        try:
            native = convert(octets, form)
            read(native)
        except UNREADABLE:
            continue
        return [Artifact(kind=kind, form=str(form), native=native)]
    return []


def _public(data: bytes) -> None:
    TpmtPublic.decode(data).public_key()


def _signature(data: bytes) -> None:
    if TpmtSignature.decode(data).hash is None:
        raise ValueError("of a scheme that is not read here")


def is_credential(data: bytes) -> bool:
    """Whether this is what tpm2_makecredential writes; saved contexts of tpm2-tools begin the same way."""
    try:
        read_credential(data)
    except MalformedError:
        return False
    return True


def read_credential(data: bytes) -> tuple[TpmsIdObject, bytes]:
    """The blob and the encrypted secret. Raises MalformedError."""
    reader = Reader(data, path="credential file")
    reader.read(len(CREDENTIAL_MAGIC))
    blob, secret = reader.sized(), reader.sized()
    reader.finish()
    return TpmsIdObject.decode(blob), secret


_READERS: Final[dict[Kind, Reading]] = {
    Kind.OPENPGP: openpgp.certificate_facts,
    Kind.OPENPGP_SIGNATURE: openpgp.signature_facts,
    Kind.CERTIFICATE: x509.load,
    Kind.CRL: RevocationList.decode,
}
# the surer signs first: magic values and DER before structures of a few numbers
_TRIED: Final[tuple[tuple[Kind, str, Reading], ...]] = (
    *((kind, Form.NATIVE, read) for kind, read in _READERS.items()),
    (Kind.TICKET, Form.NATIVE, TpmtTkCreation.decode),
    (Kind.PUBLIC, Form.TPM2B, _public),
    (Kind.PUBLIC, Form.NATIVE, _public),
    (Kind.TPM_SIGNATURE, Form.NATIVE, _signature),
    (Kind.CREATION, Form.TPM2B, TpmsCreationData.decode),
    (Kind.CREATION, Form.NATIVE, TpmsCreationData.decode),
    (Kind.PCRS, Form.NATIVE, decode_pcr_values),
    (Kind.PCRS, Form.PCRS, decode_pcr_values),
    (Kind.ACTIVATION, Form.NATIVE, CredentialActivation.decode),
)
