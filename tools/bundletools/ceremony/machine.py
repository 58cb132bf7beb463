# SPDX-License-Identifier: Apache-2.0
"""The step that concerns the machine: capture, binding certificate, signatures and seal of the TPM's key.

It is one step: while it lasts, the TPM's keys live; broken off, it is done anew and nothing is lost.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bundlefmt.bundle import Bundle
from bundlefmt.cli import reading
from bundlefmt.evidence.tpm import TpmtPublic
from bundletools import issuing, keyfiles, sealing
from bundletools.capture import Extra, Identity, Log, Request, Session, session
from bundletools.ceremony.desk import Desk
from bundletools.ceremony.plan import PivPart
from bundletools.devices import LoadedKey, Tpm

STEP: Final = "tpm"
UNSEALED: Final = "unsealed.evb"


def capture(desk: Desk) -> Mapping[str, bytes]:
    plan = desk.plan
    created = desk.clock()
    request = Request(
        identities=[*_operator(desk), *_witnesses(desk)],
        created=created,
        ak_kind=plan.tpm.ak_key,
        session_ak=plan.tpm.session_ak,
        withhold_template=plan.tpm.withhold_template,
        logs=[_log(role, path) for role, path in plan.tpm.logs.items()],
        extras=tuple(_extras(desk)),
        platform_seals=plan.tpm.seal,
        ek_issuers=[der for path in plan.tpm.ek_issuers for der in reading.certificates(path)],
        title=plan.title,
    )
    with desk.open_tpm(plan.tpm.tcti) as tpm, session(tpm, request) as opened:
        if plan.piv is not None:
            _bind(desk, plan.piv, opened)
        _sign_certificates(tpm, opened, [label for label, _ in _certificates(desk)])
        captured = opened.finish()
        bundle = captured.bundle
        if plan.tpm.seal:
            name = TpmtPublic.decode(opened.signing.public).name()
            signer = sealing.TpmSigner(tpm=tpm, key=opened.signing)
            bundle = sealing.seal_tpm(bundle, signer, name, issued_at=desk.clock())
    withheld = {f"withheld.{label}": bytes(data) for label, data in captured.withheld.items()}
    return {UNSEALED: b"".join(bytes(chunk) for chunk in bundle.chunks()), **withheld}
