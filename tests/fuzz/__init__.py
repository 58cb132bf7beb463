# SPDX-License-Identifier: Apache-2.0
"""Fuzzing: what must hold of any bytes, coverage-guided (`python -m tests.fuzz`) and shortly in `make test`."""
