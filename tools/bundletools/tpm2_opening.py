# SPDX-License-Identifier: Apache-2.0
"""The way to a TPM by its TCTI configuration, and precisely what is missing where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bundletools.devices import DeviceError
from bundletools.tpm2_refusal import Patient

_DEVICE: Final = "device"
_ADD_TO_GROUP: Final = "add yourself to the group tss and log in again: sudo usermod -aG tss $USER"
_NO_TPM: Final = (
    "is the TPM switched on in the firmware's set-up? dmesg | grep -i tpm says what the kernel found"
)


@contextmanager
def open_esapi(tcti: str, auths: Mapping[str, bytes]) -> Iterator[Any]:
    """An ESAPI on the TPM behind `tcti`, patient with a busy TPM. Raises DeviceError.

    `auths` are authorisation values by hierarchy, `ENDORSEMENT` or `OWNER`.
    """
    kind, _, where = tcti.partition(":")
    if kind == _DEVICE:
        _require_device(Path(where or "/dev/tpm0"))
    # the library reads this when it is loaded; its messages would mix with ours
    os.environ.setdefault("TSS2_LOG", "all+none")
    try:
        import tpm2_pytss.utils
    except ImportError as error:
        raise DeviceError(
            f"tpm2-pytss cannot be loaded: {error}",
            hint="pip install 'evidence-bundle[tools]', which needs tpm2-tss (Debian: libtss2-dev)",
        ) from None
    try:
        esapi = tpm2_pytss.ESAPI(tcti)
    except (tpm2_pytss.TSS2_Exception, RuntimeError) as error:
        raise DeviceError(f"no TPM behind {tcti}: {error}", hint=_how_to_reach(kind)) from None
    try:
        for hierarchy, auth in auths.items():
            if auth:
                esapi.tr_set_auth(getattr(tpm2_pytss.ESYS_TR, hierarchy), auth)
        yield Patient(esapi, tpm2_pytss.TSS2_Exception)
    finally:
        _close(esapi, tpm2_pytss.TSS2_Exception)


def _close(esapi: Any, refusal: type[Exception]) -> None:
    """The connection ends; of one that broke there is nothing left to end."""
    try:
        esapi.close()
    except refusal:
        return


def _require_device(path: Path) -> None:
    """The device file is there and may be used. Raises DeviceError."""
    if not path.exists():
        raise DeviceError(f"there is no {path}", hint=_NO_TPM)
    if not os.access(path, os.R_OK | os.W_OK):
        raise DeviceError(f"no permission to use {path}", hint=_permission(path))


def _permission(path: Path) -> str:
    """By the udev rules of tpm2-tss the group tss has /dev/tpmrm0, and nobody else /dev/tpm0."""
    if path.name.startswith("tpmrm"):
        return f"{_ADD_TO_GROUP} (Debian: the package tpm-udev gives {path} to this group)"
    return "use device:/dev/tpmrm0, the kernel's resource manager; only root uses the TPM without it"


def _how_to_reach(kind: str) -> str:
    if kind in (_DEVICE, "swtpm", "mssim", "tabrmd", "cmd"):
        return f"--tcti says where the TPM is; Debian: the package libtss2-tcti-{kind}0 knows {kind}:"
    return "--tcti says where the TPM is: device:/dev/tpmrm0"
