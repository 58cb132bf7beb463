# SPDX-License-Identifier: Apache-2.0
"""Which TPM the verbs speak to: the option, the variable, the default."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from bundletools.tpm2 import Tpm2, open_tpm

_VARIABLE = "TPM2TOOLS_TCTI"
_DEFAULT = "device:/dev/tpmrm0"

TctiOption = Annotated[
    str | None, typer.Option(help=f"Where the TPM is; default ${_VARIABLE}, else {_DEFAULT}.")
]


def chosen_tpm(tcti: str | None) -> AbstractContextManager[Tpm2]:
    return open_tpm(tcti or os.environ.get(_VARIABLE) or _DEFAULT)
