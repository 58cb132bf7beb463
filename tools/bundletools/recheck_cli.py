# SPDX-License-Identifier: Apache-2.0
"""`bundle recheck`: the attestation key made again, to see whether this is the same machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bundlefmt.bundle import Bundle
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.run import Exit, say
from bundletools.recheck import derive as rederive
from bundletools.tcti import TctiOption, chosen_tpm


def recheck(
    file: FileArgument,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The AK's template, where the bundle withholds it.")
    ] = None,
    tcti: TctiOption = None,
) -> int:
    """Have this machine's TPM make the bundle's AK again: the same Name shows that it is the same TPM."""
    bundle = Bundle.open(file)
    with chosen_tpm(tcti) as tpm:
        found = rederive(tpm, bundle, None if template is None else template.read_bytes())
    say(f"{found.label} in the bundle  {found.recorded.hex()}")
    print(f"made again by this TPM  {found.derived.hex()}")
    if not found.same:
        print("another key: this is another TPM, or its endorsement seed was changed")
        return Exit.FAILED
    print("the same key: this is the TPM of the bundle")
    return Exit.PASSED
