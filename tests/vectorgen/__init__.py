# SPDX-License-Identifier: Apache-2.0
"""The generator of the published test vectors; run it as `python -m tests.vectorgen [--check]`.

It writes every byte itself, from seeds: the encoders of the format are among what the vectors test.
"""
