# SPDX-License-Identifier: Apache-2.0
"""The verbs on existing files, each with its module."""

from __future__ import annotations

from typing import Final

from bundlefmt.cli.verbs import Verb

VERBS: Final = (
    Verb("inspect", "Show what is in a bundle.", "bundlefmt.cli.inspect:inspect"),
    Verb("verify", "Judge a bundle: PASSED, FAILED or INDETERMINATE.", "bundlefmt.cli.verify:verify"),
    Verb("report", "Judge a bundle and write a report.", "bundlefmt.cli.report:report"),
    Verb(
        "challenge",
        "Ask whether the TPM of a bundle's EK certificates has its AK.",
        "bundlefmt.cli.challenge:challenge",
    ),
    Verb("confirm", "Compare an answer with what you kept, and keep it", "bundlefmt.cli.challenge:confirm"),
    Verb("trust", "Keep the identities and authorities that you know.", "bundlefmt.cli.trust:app"),
    Verb("policy", "Write down what you demand of bundles.", "bundlefmt.cli.policy:app"),
    Verb("explain", "Say what a check asks, why, and how it can fail.", "bundlefmt.cli.explain:explain"),
    Verb("log", "Show what measurement logs say.", "bundlefmt.cli.log:log"),
    Verb("diff", "Show what differs between two snapshots.", "bundlefmt.cli.diff:diff"),
    Verb(
        "reference", "Write a bundle's PCR values as reference values.", "bundlefmt.cli.reference:reference"
    ),
    Verb("batch", "Judge many bundles; tell the history of machines.", "bundlefmt.cli.batch:app"),
    Verb("redact", "Take artifacts out; seals stay whole.", "bundlefmt.cli.redact:redact"),
    Verb("extract", "Take artifacts out, byte for byte as they were made.", "bundlefmt.cli.extract:extract"),
)
