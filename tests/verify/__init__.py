# SPDX-License-Identifier: Apache-2.0
"""Tests of the judgements, area by area."""
