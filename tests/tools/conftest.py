# SPDX-License-Identifier: Apache-2.0
"""What tests of the producing tools stand on: software TPMs, an operator, a captured and sealed bundle."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundletools.capture import Captured, Identity, Request, capture
from bundletools.sealing import seal_cose
from bundletools.tpm2 import Tpm2, open_tpm
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bundlefmt.bundle import Bundle
from bundlefmt.cli.reading import certificates
from bundlefmt.cose import KeySigner
from bundlefmt.evidence.x509 import facts
from bundlefmt.verify import Policy, Report, verify
from tests.cli.conftest import bundle
from tests.conftest import Need
from tests.swtpm import Manufacturer, Swtpm, manufactured, manufacturer, quiet_tss, swtpm
from tests.tools.time_authority import Answering, Authority, made, serving

__all__ = ["bundle", "manufactured", "manufacturer", "swtpm"]


def certificate(
    key: object, name: str = "Tools Test Operator (test key)", *, days: tuple[int, int] = (-1, 364)
) -> bytes:
    """A self-signed certificate in DER, valid from and to so many days from now: today, if not said."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start, end = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=each) for each in days)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).serial_number(1)
    builder = builder.public_key(key.public_key()).not_valid_before(start)  # type: ignore[attr-defined] # any private key
    builder = builder.not_valid_after(end)
    weak = isinstance(key, ec.EllipticCurvePrivateKey) or hasattr(key, "private_numbers")
    return builder.sign(key, hashes.SHA256() if weak else None).public_bytes(Encoding.DER)  # type: ignore[arg-type] # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who captures and seals, and what a verifier who knows them demands."""

    key: ec.EllipticCurvePrivateKey
    certificate: bytes
    anchors: tuple[bytes, ...]
    issuers: tuple[bytes, ...]

    def request(self, **changes: object) -> Request:
        identity = Identity(data=self.certificate, role="piv-certificate", part="operator")
        given = {"identities": [identity], "created": int(time.time()), "ek_issuers": self.issuers, **changes}
        return Request(**given)  # type: ignore[arg-type] # its fields

    def seal(self, unsealed: Bundle) -> Bundle:
        return seal_cose(unsealed, KeySigner(self.key), self.certificate, issued_at=int(time.time()))

    def policy(self, **changes: object) -> Policy:
        pins = frozenset({facts(self.certificate).sha256})
        given = {"pins_piv": pins, "anchors": self.anchors, **changes}
        return Policy(**given)  # type: ignore[arg-type] # its fields

    def judge(self, sealed: Bundle, *, previous: Bundle | None = None, **changes: object) -> Report:
        return verify(sealed, self.policy(**changes), previous=previous)


@pytest.fixture(scope="session")
def operator(manufactured: Path, manufacturer: Manufacturer) -> Operator:
    """A test key, and the certificates of the TPMs' test manufacturer, which exist once it made one."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Operator(
        key=key,
        certificate=certificate(key),
        anchors=tuple(certificates(manufacturer.root)),
        issuers=tuple(certificates(manufacturer.issuer)),
    )


@pytest.fixture
def tpm(swtpm: Swtpm) -> Iterator[Tpm2]:
    """The software TPM through the library."""
    quiet_tss()
    with open_tpm(swtpm.tcti) as opened:
        yield opened


Capture = Callable[..., Captured]


@pytest.fixture
def captured(swtpm: Swtpm, operator: Operator) -> Capture:
    """`captured(ak=…)`: a capture of the software TPM; the connection is closed before it returns."""
    quiet_tss()

    def call(**changes: object) -> Captured:
        with open_tpm(swtpm.tcti) as opened:
            return capture(opened, operator.request(**changes))

    return call


@pytest.fixture
def stamps(part: Need, tmp_path: Path) -> Authority:
    part("openssl")
    folder = tmp_path / "authority"
    folder.mkdir()
    return made(folder)


@pytest.fixture
def server(stamps: Authority) -> Iterator[tuple[str, Answering]]:
    with serving(stamps) as found:
        yield found
