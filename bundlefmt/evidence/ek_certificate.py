# SPDX-License-Identifier: Apache-2.0
"""What certificates of a TPM's endorsement and attestation keys say, and where they leave their profile.

TCG EK Credential Profile for TPM Family 2.0 (versions 2.0 to 2.6), "EK Certificate"; TCG TPM Vendor ID
Registry 1.08, table 2. Relaxations are the caller's: each fault has a name by which it can be let pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import SUBJECT_ALT_NAME, Certificate, KeyUsage
from bundlefmt.evidence.chain import Purpose
from bundlefmt.evidence.distinguished_name import Name
from bundlefmt.evidence.x509_signature import load_key

USAGE_EK: Final = "2.23.133.8.1"  # tcg-kp-EKCertificate
USAGE_AK: Final = "2.23.133.8.3"  # tcg-kp-AIKCertificate
EK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_EK}))
AK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_AK}))
# Google's virtual TPMs: attestation keys are certified with the usage of endorsement keys
AK_OR_EK_PURPOSE: Final = Purpose(usages=frozenset({USAGE_AK, USAGE_EK}))

_MANUFACTURER: Final = "2.23.133.2.1"
_MODEL: Final = "2.23.133.2.2"
_VERSION: Final = "2.23.133.2.3"
_DIRECTORY_NAME: Final = der.context(4, constructed=True)
_PATH: Final = f"extension {SUBJECT_ALT_NAME}"
# TPM_PT_MANUFACTURER, four characters -> who that is
VENDORS: Final = {
    "AMD": "AMD",
    "ANT": "Ant Group",
    "ARM": "Arm",
    "ATML": "Atmel",
    "BRCM": "Broadcom",
    "CSCO": "Cisco",
    "FLYS": "Flyslice Technologies",
    "GOOG": "Google",
    "HISI": "Huawei",
    "HPE": "HPE",
    "HPI": "HPI",
    "IBM": "IBM",
    "IFX": "Infineon",
    "INTC": "Intel",
    "LEN": "Lenovo",
    "MSFT": "Microsoft",
    "NSG": "NSING",
    "NSM": "National Semiconductor",
    "NTC": "Nuvoton Technology",
    "NTZ": "Nationz",
    "QCOM": "Qualcomm",
    "ROCC": "Fuzhou Rockchip",
    "SEAL": "Wisekey",
    "SECE": "SecEdge",
    "SMSC": "SMSC",
    "SMSN": "Samsung",
    "SNS": "Sinosun",
    "STM": "STMicroelectronics",
    "TXN": "Texas Instruments",
    "WEC": "Winbond",
}


class Deviation(StrEnum):
    """How a certificate may leave its profile."""

    AUTHORITY = "authority"
    KEY_USAGE = "key-usage"
    SIGNING = "signing"
    TPM_NAME = "tpm-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One deviation, in words."""

    deviation: Deviation
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TpmName:
    """Which TPM a certificate is for, in its own words: directoryName in subjectAltName."""

    manufacturer: str
    model: str
    version: str
    critical: bool

    def vendor(self) -> str:
        """The manufacturer in words: `id:494E5443 (INTC, Intel)`, as far as it is known."""
        try:
            code = bytes.fromhex(self.manufacturer.removeprefix("id:")).rstrip(b"\x00 ").decode("ascii")
        except ValueError:
            return self.manufacturer
        if not code.isalnum():
            return self.manufacturer
        known = VENDORS.get(code, code)
        return f"{self.manufacturer} ({code if known == code else f'{code}, {known}'})"


def tpm_name(certificate: Certificate) -> TpmName | None:
    """The three TPM attributes; None unless each is there exactly once. Raises MalformedError."""
    extension = certificate.extension(SUBJECT_ALT_NAME)
    if extension is None:
        return None
    found: dict[str, list[str]] = {_MANUFACTURER: [], _MODEL: [], _VERSION: []}
    for general in der.children(extension.element(), der.SEQUENCE, _PATH):
        if general.tag != _DIRECTORY_NAME:
            continue
        for attribute in Name.decode(der.inner(general, _PATH)).attributes:
            if attribute.type in found and isinstance(attribute.value, str):
                found[attribute.type].append(attribute.value)
    if any(len(values) != 1 for values in found.values()):
        return None
    return TpmName(
        manufacturer=found[_MANUFACTURER][0],
        model=found[_MODEL][0],
        version=found[_VERSION][0],
        critical=extension.critical,
    )


def ek_faults(certificate: Certificate) -> Iterator[Fault]:
    """Where an EK certificate leaves its profile; the extended key usage is the chain's business.

    Raises MalformedError for an extension and CertificateError for a key that cannot be read.
    """
    yield from _leaf_faults(certificate)
    usage = certificate.key_usage()
    is_rsa = isinstance(load_key(certificate.spki), rsa.RSAPublicKey)
    wanted = KeyUsage.keyEncipherment if is_rsa else KeyUsage.keyAgreement
    if usage is None:
        yield Fault(deviation=Deviation.KEY_USAGE, message=f"no key usage; {wanted.name} is needed")
    elif wanted not in usage:
        yield Fault(
            deviation=Deviation.KEY_USAGE, message=f"key usage {usage.describe()}; {wanted.name} is needed"
        )
    if usage is not None and usage & _SIGNING:
        yield Fault(
            deviation=Deviation.SIGNING,
            message=f"key usage {usage.describe()}: an endorsement key does not sign",
        )
    name = tpm_name(certificate)
    if name is None:
        message = "subjectAltName does not name manufacturer, model and version of a TPM, each once"
        yield Fault(deviation=Deviation.TPM_NAME, message=message)
    elif not name.critical and not certificate.subject.relative:
        message = "the subject is empty and subjectAltName is not critical"  # RFC 5280 4.2.1.6
        yield Fault(deviation=Deviation.TPM_NAME, message=message)


def ak_faults(certificate: Certificate) -> Iterator[Fault]:
    """Where an AK certificate leaves its profile. Raises MalformedError."""
    yield from _leaf_faults(certificate)
    usage = certificate.key_usage()
    if usage is not None and KeyUsage.digitalSignature not in usage:
        yield Fault(
            deviation=Deviation.SIGNING,
            message=f"key usage {usage.describe()}; digitalSignature is needed",
        )


_SIGNING: Final = (
    KeyUsage.digitalSignature | KeyUsage.nonRepudiation | KeyUsage.keyCertSign | KeyUsage.cRLSign
)


def _leaf_faults(certificate: Certificate) -> Iterator[Fault]:
    constraints = certificate.basic_constraints()
    if constraints is None:
        yield Fault(deviation=Deviation.AUTHORITY, message="no basic constraints")
    elif constraints.ca:
        yield Fault(deviation=Deviation.AUTHORITY, message="the certificate is that of an authority")


def describe(certificate: Certificate) -> dict[str, str]:
    """The TPM that a certificate names, for people; empty where it names none."""
    try:
        name = tpm_name(certificate)
    except MalformedError as error:
        return {"TPM": f"cannot be read: {error}"}
    if name is None:
        return {}
    return {
        "TPM manufacturer": name.vendor(),
        "TPM model": name.model or "(empty)",
        "TPM version": name.version,
    }
