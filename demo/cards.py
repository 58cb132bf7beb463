# SPDX-License-Identifier: Apache-2.0
"""Two virtual YubiKeys of a test maker in a service of their own: one for OpenPGP, one for the CA."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography.hazmat.primitives.serialization import Encoding

from demo.virtual_yubikey import VirtualYubiKey
from demo.virtual_yubikey_openpgp import OpenPgp
from demo.virtual_yubikey_piv import Piv
from demo.virtual_yubikey_reader import CardService
from demo.virtual_yubikey_vendor import Identity, Vendor

_FIRMWARE: Final = bytes([5, 7, 4])


class Cards:
    """Both are in their slots within a `with` block. The maker's certificates are written to `folder`."""

    openpgp: Final = 10000002
    piv: Final = 10000001

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        vendor = Vendor()
        for name, authority in (("root", vendor.root), ("intermediate", vendor.intermediate)):
            (folder / f"{name}.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
        self._service = CardService()
        self._cards = [self._card(vendor, serial, folder) for serial in (self.piv, self.openpgp)]

    @staticmethod
    def _card(vendor: Vendor, serial: int, folder: Path) -> VirtualYubiKey:
        identity = Identity(serial=serial, firmware=_FIRMWARE)
        storage = folder / str(serial)
        storage.mkdir()
        piv = Piv(identity, vendor.piv_attestation(_FIRMWARE))
        return VirtualYubiKey(identity, (piv, OpenPgp(identity, vendor.openpgp_attestation(), storage)))

    @property
    def environment(self) -> dict[str, str]:
        """By which programs find the service."""
        return self._service.environment

    def __enter__(self) -> Self:
        """Raises RuntimeError where the service does not come up."""
        self._service.__enter__()
        for slot, card in zip(self._service.slots, self._cards, strict=True):
            slot.insert(card)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.__exit__(kind, error, trace)
