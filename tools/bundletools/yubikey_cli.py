# SPDX-License-Identifier: Apache-2.0
"""`bundle yubikey`: what is attached, and what a device says of itself. It changes nothing."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from bundlefmt.cli.run import Exit
from bundlefmt.evidence import x509
from bundlefmt.render.words import safe
from bundletools.devices import DeviceError
from bundletools.prompts import Terminal
from bundletools.yubikey import YubiKeyInfo, attached, open_yubikey
from bundletools.yubikey_piv import Piv

app: Final = typer.Typer(
    name="yubikey", help="Show attached YubiKeys.", add_completion=False, rich_markup_mode=None
)
_SLOTS: Final = ("9a", "9c", "9d", "9e")


def _line(info: YubiKeyInfo) -> str:
    return f"{info.name}  firmware {'.'.join(map(str, info.firmware))}  {info.form_factor}"


@app.command("list")
def list_() -> int:
    """List the attached YubiKeys."""
    infos = attached()
    if not infos:
        raise DeviceError(
            "no YubiKey is attached", hint="pcsc_scan or lsusb shows whether the system sees it"
        )
    for info in infos:
        print(safe(_line(info)))
    return Exit.PASSED


@app.command()
def info(
    serial: Annotated[
        int | None, typer.Argument(help="Serial number; needed where several are attached.")
    ] = None,
) -> int:
    """Show a YubiKey's PIV application: tries left, keys with their policies, certificates."""
    with open_yubikey(serial) as opened:
        print(safe(_line(opened.info)))
        piv = Piv(opened, Terminal())
        print(f"PIN: {piv.pin_tries()} tries left")
        for slot in _SLOTS:
            for line in _slot(piv, slot):
                print(safe(line))
    return Exit.PASSED


def _slot(piv: Piv, slot: str) -> list[str]:
    """The lines about one slot; none where it is empty."""
    lines = []
    key = piv.key(slot)
    if key is not None:
        lines.append(f"slot {slot}: {key.algorithm}, PIN {key.pin.lower()}, touch {key.touch.lower()}")
    certificate = piv.find_certificate(slot)
    if certificate is not None:
        facts = x509.facts(certificate)
        lines.append(f"slot {slot}: certificate {facts.subject}, SHA-256 {facts.sha256.hex()}")
    return lines
