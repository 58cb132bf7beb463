# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests of evidence: software TPMs."""

from tests.swtpm import manufactured, manufacturer, swtpm

__all__ = ["manufactured", "manufacturer", "swtpm"]
