# SPDX-License-Identifier: Apache-2.0
"""Software TPMs for tests: see `demo/swtpm.py`, which has Manufacturer and Swtpm."""

from demo.swtpm import PROGRAMS, Manufacturer, Swtpm

__all__ = ["PROGRAMS", "Manufacturer", "Swtpm"]
