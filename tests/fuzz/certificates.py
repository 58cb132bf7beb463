# SPDX-License-Identifier: Apache-2.0
"""Targets of what says whose a key is: X.509 certificates, chains and revocation lists; OpenPGP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final

from bundlefmt import labels
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import ek_certificate, ocsp, openpgp, openpgp_sequoia, tpm_in_certificate, x509
from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import find_chain
from bundlefmt.evidence.crl import RevocationList, Standing, revocation
from bundlefmt.evidence.ocsp import OcspResponse
from bundlefmt.evidence.openpgp_packet import Packet, read_packets
from bundlefmt.evidence.own_extension import OpenPgpKeyName, TpmBinding
from bundlefmt.evidence.yubico import Statement, is_statement
from bundlefmt.verify import material
from bundlefmt.verify.advisories import concerning
from tests.fuzz import mutators, seeds
from tests.fuzz.target import Targets, symmetric
from tests.vectorgen import ceremonies, certificates, judged_piv
from tests.vectorgen import openpgp as made_openpgp
from tests.vectorgen.plain import CREATED

target: Final = Targets("der", mutators.der_tree)
openpgp_target: Final = Targets("openpgp")
MESSAGE: Final = b"what was signed"
CERTIFICATES: Final = ("piv-certificate", "ek-certificate", "ak-certificate", "certificate-issuer")


@target("x509", lambda: seeds.artifacts(*CERTIFICATES))
def certificate(data: bytes) -> None:
    """Symmetry; what a certificate says is read or refused, and its key loaded or not known."""
    read = symmetric(Certificate, data)
    with contextlib.suppress(CertificateError):
        x509.facts(data)
    with contextlib.suppress(CertificateError):
        assert b"".join(x509.split_der(data)).strip(b"\x00\xff") == data.strip(b"\x00\xff")
    if read is None:
        return
    str(read)
    tpm_in_certificate.describe(read)
    for look in (read.basic_constraints, read.key_usage, read.extended_key_usage):
        with contextlib.suppress(MalformedError):
            look()
    for judge in (ek_certificate.ek_faults, ek_certificate.ak_faults):
        with contextlib.suppress(MalformedError, CertificateError):
            list(judge(read))
    with contextlib.suppress(MalformedError):
        tpm_in_certificate.tpm_name(read)


@target("chain", lambda: seeds.artifacts(*CERTIFICATES))
def chain(data: bytes) -> None:
    """As leaf and as issuer: CertificateError at most; only what the manufacturer made leads to it."""
    root, issuer = certificates.manufacturer_root(), certificates.manufacturer_issuer()
    made = set(seeds.artifacts(*CERTIFICATES))
    for leaf, between in ((data, issuer), (ceremonies.ek_certificate(), data)):
        with contextlib.suppress(CertificateError):
            purpose = ek_certificate.EK_PURPOSE
            find_chain(leaf, issuers=[between], anchors=[root], at=CREATED, purpose=purpose)
            assert leaf in made
            assert between == issuer


@target("crl", lambda: seeds.artifacts("crl"))
def revocation_list(data: bytes) -> None:
    """Symmetry; a list that the issuer has not signed says nothing about a certificate."""
    read = symmetric(RevocationList, data)
    if read is None:
        return
    issuer = x509.load(certificates.manufacturer_issuer())
    said = revocation(x509.load(ceremonies.ek_certificate()), issuer, [read], at=CREATED)
    if said.standing is not Standing.UNKNOWN:
        assert data in set(seeds.artifacts("crl"))


@target("ocsp", lambda: seeds.artifacts("ocsp"))
def ocsp_response(data: bytes) -> None:
    """Symmetry; a response that nobody with authority signed says nothing about a certificate."""
    read = symmetric(OcspResponse, data)
    if read is None:
        return
    issuer = x509.load(judged_piv.authority())
    leaf = x509.load(judged_piv.issued().certificate)
    with contextlib.suppress(MalformedError):
        said = ocsp.revocation(leaf, issuer, [read], at=CREATED)
        if said.standing is not Standing.UNKNOWN:
            assert data in set(seeds.artifacts("ocsp"))


@target("attestation", lambda: seeds.artifacts("piv-attestation", "openpgp-attestation"))
def attestation(data: bytes) -> None:
    """Symmetry; what a statement says is told in words, and what is none is told from it."""
    read = symmetric(Statement, data)
    if read is None:
        return
    assert is_statement(read.certificate)
    read.describe()
    concerning(read)


@target("own-extension", lambda: [binding.encode(), named.encode()])
def own_extension(data: bytes) -> None:
    """Symmetry: one encoding for what each extension says."""
    for kind in (TpmBinding, OpenPgpKeyName):
        symmetric(kind, data)


binding: Final = TpmBinding(
    ek_spki=x509.key_spki(ceremonies.ek().private.public_key()),
    ak_name=ceremonies.ak().name,
    key_name=ceremonies.key().name,
)
named: Final = OpenPgpKeyName(fingerprint=made_openpgp.OPERATOR.fingerprint)


def _openpgp() -> Iterable[bytes]:
    """Certificates, signatures, and each packet of the certificates alone."""
    yield from seeds.seals(labels.SEAL_OPENPGP)
    for data in seeds.artifacts("openpgp-certificate"):
        yield data
        with contextlib.suppress(MalformedError):
            yield from (packet.encode() for packet in read_packets(data))


@target("revocation", lambda: seeds.artifacts("crl", "ocsp"))
def either(data: bytes) -> None:
    """A revocation list is no response, and a response no list; which of them it is, is written the same."""
    said = material.read(data)
    if said is not None:
        assert said.encode() == data


@openpgp_target("openpgp-packets", _openpgp)
def packets(data: bytes) -> None:
    """A row of packets is told by its types; one alone is written the same."""
    with contextlib.suppress(MalformedError):
        tags = openpgp.packet_tags(data)
        assert len(read_packets(data)) == len(tags)
    symmetric(Packet, data)
    with contextlib.suppress(openpgp.OpenPgpError):
        openpgp_sequoia.read_fingerprint(data)


@openpgp_target("openpgp-certificate", lambda: seeds.artifacts("openpgp-certificate"))
def openpgp_certificate(data: bytes) -> None:
    """Facts of anything, and a signature checked with it: OpenPgpError at most."""
    with contextlib.suppress(MalformedError, openpgp.OpenPgpError):
        openpgp.certificate_facts(data)
    with contextlib.suppress(MalformedError, openpgp.OpenPgpError):
        openpgp.verify_detached(data, made_openpgp.OPERATOR.sign(MESSAGE), MESSAGE)


@openpgp_target("openpgp-signature", lambda: seeds.seals(labels.SEAL_OPENPGP))
def openpgp_signature(data: bytes) -> None:
    """Facts of anything; over a message that nobody signed, none is accepted."""
    with contextlib.suppress(MalformedError, openpgp.OpenPgpError):
        openpgp.signature_facts(data)
    with contextlib.suppress(MalformedError, openpgp.OpenPgpError):
        openpgp.verify_detached(made_openpgp.OPERATOR.encode(), data, MESSAGE)
        raise AssertionError("accepted")
