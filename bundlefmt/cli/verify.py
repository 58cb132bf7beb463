# SPDX-License-Identifier: Apache-2.0
"""The verb verify: a bundle judged under what the verifier knows and allows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.cli.arguments import JsonOption, print_json
from bundlefmt.cli.ear_file import FORMATS, EarFile
from bundlefmt.cli.judging import Judged, judging
from bundlefmt.cli.run import say
from bundlefmt.render.report import report_json, report_lines
from bundlefmt.render.words import plural


@judging
def verify(
    judged: Judged,
    ear: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write attestation results (EAR), signed with --ear-key, for programs."
        ),
    ] = None,
    ear_key: Annotated[
        Path | None, typer.Option(metavar="KEY.pem", help="Your key that signs them: P-256, P-384, Ed25519.")
    ] = None,
    ear_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help=f"Their form: {' or '.join(FORMATS)}; default: jwt.")
    ] = None,
    as_json: JsonOption = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show every finding.")] = False,
) -> int:
    """Judge a bundle: PASSED, FAILED or INDETERMINATE. Without a pin nothing passes: trust comes from you."""
    results = EarFile.asked(ear, ear_key, ear_format)
    if results is not None:
        results.write(judged.report, issued_at=judged.present)
    if as_json:
        print_json(report_json(judged.report, judged.trust_json))
        return judged.code
    if judged.trust is not None:
        identities, authorities = judged.trust.trust.count()
        known = f"{plural(identities, 'identity', 'identities')}, {plural(authorities, 'anchor')}"
        say(f"trust: {known} from {judged.trust.path}")
    for line in report_lines(judged.report, verbose=verbose):
        print(line)
    return judged.code
