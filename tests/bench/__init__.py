# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: each figure is a ratio within one run, so that machines need not be alike."""
