# SPDX-License-Identifier: Apache-2.0
"""Fuzzing: what must hold of any bytes; at length by `python -m tests.fuzz`, briefly in `make test`."""
