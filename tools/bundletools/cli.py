# SPDX-License-Identifier: Apache-2.0
"""The whole `bundle` command: the verbs on files, and those that talk to devices."""

from __future__ import annotations

from typing import Final

from bundlefmt.cli import app
from bundlefmt.cli.run import Exit, complain, run
from bundlefmt.cli.verbs import Verb, program
from bundletools.errors import (
    DeviceError,
    IssuingError,
    NotAnsweredError,
    NotRecheckableError,
    RenewalError,
    SealError,
    ToolError,
)

VERBS: Final = (
    *app.VERBS,
    Verb("capture", "Have the TPM attest this ceremony.", "bundletools.capture_cli:capture"),
    Verb(
        "certify",
        "Have an identity's key sign the other identity of its holder.",
        "bundletools.certify_cli:certify",
    ),
    Verb("seal", "Sign the manifest and add the signature as a seal.", "bundletools.seal_cli:seal"),
    Verb("timestamp", "Have an authority say by when all this existed.", "bundletools.renew_cli:timestamp"),
    Verb("register", "Have a transparency log register a seal.", "bundletools.register_cli:register"),
    Verb("renew", "Hash all anew, by a stronger algorithm than before.", "bundletools.renew_cli:renew"),
    Verb("recheck", "Have this machine's TPM bring the bundle's AK back.", "bundletools.again_cli:recheck"),
    Verb("answer", "Answer a challenge.", "bundletools.again_cli:answer"),
    Verb("ceremony", "Hold a whole key ceremony along a plan.", "bundletools.ceremony.cli:app"),
    Verb(
        "attach",
        "Add withheld artifacts, and seals and renewals made elsewhere.",
        "bundletools.attach:attach",
    ),
    Verb(
        "export",
        "Write a .tar.gz of native files for gpg, openssl and tpm2-tools.",
        "bundletools.export:export",
    ),
    Verb(
        "import",
        "Make a bundle of an export, or of files of tpm2-tools, gpg and openssl.",
        "bundletools.bring:bring",
    ),
    Verb("yubikey", "Show attached YubiKeys.", "bundletools.yubikey_cli:app"),
)
_CODES: Final[dict[type[ToolError], Exit]] = {
    DeviceError: Exit.DEVICE,
    SealError: Exit.FAILED,
    RenewalError: Exit.FAILED,
    IssuingError: Exit.USAGE,
    NotRecheckableError: Exit.USAGE,
    NotAnsweredError: Exit.FAILED,
}


def main() -> int:
    """The entry point."""
    try:
        return run(program(VERBS))
    except ToolError as error:
        complain(str(error), error.hint)
        return next(code for kind, code in _CODES.items() if isinstance(error, kind))
