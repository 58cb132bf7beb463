# SPDX-License-Identifier: Apache-2.0
"""The file of attestation results that a verification writes beside its report.

What only writing it needs is loaded when it is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import UsageError
from bundlefmt.cose import KeySigner
from bundlefmt.frozen import frozen
from bundlefmt.verify import Report

FORMATS: Final = ("jwt", "cwt")


@frozen
class EarFile:
    """Where attestation results go, in which form, and who signs them."""

    path: Path
    form: str
    signer: KeySigner

    @classmethod
    def asked(cls, path: Path | None, key: Path | None, form: str | None) -> EarFile | None:
        """What the options ask for, None where they ask for nothing. Raises OSError, UsageError."""
        if path is None:
            if key is not None or form is not None:
                raise UsageError("where should attestation results go?", hint="--ear FILE")
            return None
        if key is None:
            raise UsageError("attestation results are signed: whose key?", hint="--ear-key KEY.pem")
        if form not in (None, *FORMATS):
            raise UsageError(f"there is no form {form!r}", hint=f"one of {', '.join(FORMATS)}")
        from bundlefmt.cli.key_file import private_key
        from bundlefmt.render import ear

        refuse_existing(path, force=False)
        signer = KeySigner(private_key(key))
        if not ear.can_sign(signer):
            raise UsageError(f"{key}: attestation results are signed with P-256, P-384 or Ed25519")
        return cls(path=path, form=form or "jwt", signer=signer)

    def write(self, report: Report, *, issued_at: int) -> None:
        """Raises OSError, FileExistsRefusal."""
        from importlib.metadata import version

        from bundlefmt.render import ear

        build = f"evidence-bundle {version('evidence-bundle')}"
        if self.form == "jwt":
            token = ear.jwt(ear.claims_json(report, issued_at=issued_at, build=build), self.signer)
        else:
            token = ear.cwt(ear.claims_cbor(report, issued_at=issued_at, build=build), self.signer)
        write_atomic(self.path, [token])
