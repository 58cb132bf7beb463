# SPDX-License-Identifier: Apache-2.0
"""Judgements on statements of NV contents: that the TPM said it. What an index means is for the reader.

TPM 2.0 Library, Part 3, TPM2_NV_Certify. Spec: "Verification", step 6.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.verify import statement

CHECKS: Final = statement.checks("nv", "nv-certify")
