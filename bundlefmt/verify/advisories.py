# SPDX-License-Identifier: Apache-2.0
"""The vendor's advisories about keys in YubiKeys, as a table: which firmware, which keys, what is wrong.

Known in 2026; a verifier of later years knows more, and judges by what it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bundlefmt.evidence.certificate import CertificateError
from bundlefmt.evidence.x509_signature import load_key
from bundlefmt.evidence.yubico import Statement
from bundlefmt.frozen import frozen

Version = tuple[int, int, int]


@frozen
class Advisory:
    """Concerns devices from firmware `since` and before `fixed` that `applies` picks, with keys of `kinds`.

    Source: yubico.com/support/security-advisories, under the advisory's id.
    """

    id: str
    since: Version
    fixed: Version
    kinds: tuple[type, ...]
    message: str
    applies: Callable[[Statement], bool] = lambda _: True

    def concerns(self, statement: Statement) -> bool:
        """Whether the statement's device and key are of those."""
        if not self.since <= statement.firmware < self.fixed or not self.applies(statement):
            return False
        try:
            return isinstance(load_key(statement.certificate.spki), self.kinds)
        except CertificateError:
            return False


ADVISORIES: Final = (
    Advisory(
        id="YSA-2017-01",
        since=(4, 2, 6),
        fixed=(4, 3, 5),
        kinds=(rsa.RSAPublicKey,),
        message="RSA keys made in the device can be factored (CVE-2017-15361)",
    ),
    Advisory(
        id="YSA-2019-02",
        since=(4, 4, 2),
        fixed=(4, 4, 5),
        kinds=(rsa.RSAPublicKey, ec.EllipticCurvePublicKey),
        message="after power-up the device's random numbers are partly predictable",
    ),
    Advisory(
        id="YSA-2024-03",
        since=(0, 0, 0),
        fixed=(5, 7, 0),
        kinds=(ec.EllipticCurvePublicKey,),
        message="whoever holds the device for a while can measure its ECDSA keys",
    ),
)


def concerning(statement: Statement) -> tuple[Advisory, ...]:
    """The advisories about this device and this kind of key."""
    return tuple(advisory for advisory in ADVISORIES if advisory.concerns(statement))
