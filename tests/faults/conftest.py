# SPDX-License-Identifier: Apache-2.0
"""The command line and the software TPMs that faults are tried on."""

from tests.cli.conftest import bundle
from tests.swtpm import manufactured, manufacturer, swtpm

__all__ = ["bundle", "manufactured", "manufacturer", "swtpm"]
