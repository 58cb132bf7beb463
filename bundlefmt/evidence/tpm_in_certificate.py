# SPDX-License-Identifier: Apache-2.0
"""Which TPM a certificate is for, in its own words: manufacturer, model and version.

TCG EK Credential Profile for TPM Family 2.0, "Subject Alternative Name"; TCG TPM Vendor ID Registry 1.08,
table 2.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import der
from bundlefmt.evidence.certificate import SUBJECT_ALT_NAME, Certificate
from bundlefmt.evidence.distinguished_name import Name
from bundlefmt.frozen import frozen

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


@frozen
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
