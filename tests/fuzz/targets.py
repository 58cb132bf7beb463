# SPDX-License-Identifier: Apache-2.0
"""All fuzz targets by name."""

from __future__ import annotations

from typing import Final

from tests.fuzz import certificates, container, documents, evidence, logs, policies, renewals, verification
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    **container.target.found,
    **certificates.target.found,
    **certificates.openpgp_target.found,
    **evidence.target.found,
    **logs.target.found,
    **renewals.target.found,
    **documents.target.found,
    **verification.target.found,
    **policies.target.found,
}
