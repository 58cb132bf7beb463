# SPDX-License-Identifier: Apache-2.0
"""The vendor's advisories at their borders: the first and last firmware that each concerns, and which keys.

Source of the versions: yubico.com/support/security-advisories.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.evidence.yubico import Statement
from bundlefmt.verify.advisories import concerning
from tests.vectorgen import keys, vendor

RSA: Final = Statement.decode(vendor.piv(keys.rsa_key("operator-rsa2048").public_key()))
ECC: Final = Statement.decode(vendor.piv(keys.ec_key("x", "p384").public_key()))
WEAK_RSA, WEAK_RANDOM, MEASURED = "YSA-2017-01", "YSA-2019-02", "YSA-2024-03"


@pytest.mark.parametrize(
    ("statement", "firmware", "advisories"),
    [
        (RSA, (4, 2, 5), ()),
        (RSA, (4, 2, 6), (WEAK_RSA,)),
        (RSA, (4, 3, 0), (WEAK_RSA,)),
        (RSA, (4, 3, 4), (WEAK_RSA,)),
        (RSA, (4, 3, 5), ()),
        (RSA, (4, 4, 1), ()),
        (RSA, (4, 4, 2), (WEAK_RANDOM,)),
        (RSA, (4, 4, 4), (WEAK_RANDOM,)),
        (RSA, (4, 4, 5), ()),
        (RSA, (5, 6, 9), ()),
        (ECC, (0, 0, 0), (MEASURED,)),
        (ECC, (4, 3, 4), (MEASURED,)),
        (ECC, (4, 4, 2), (WEAK_RANDOM, MEASURED)),
        (ECC, (4, 4, 5), (MEASURED,)),
        (ECC, (5, 6, 255), (MEASURED,)),
        (ECC, (5, 7, 0), ()),
        (ECC, (5, 8, 0), ()),
    ],
)
def test_an_advisory_concerns_its_firmware_and_its_keys(
    statement: Statement, firmware: tuple[int, int, int], advisories: tuple[str, ...]
) -> None:
    found = concerning(replace(statement, firmware=firmware))
    assert tuple(each.id for each in found) == advisories
