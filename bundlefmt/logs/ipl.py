# SPDX-License-Identifier: Apache-2.0
"""What boot loaders write into EV_IPL events: shim, grub, systemd-boot and systemd-stub.

Facts from the loaders' documentation: shim README.tpm; GNU GRUB manual, "Measuring boot components"; systemd
TPM2_PCR_MEASUREMENTS. The strings describe; whether a digest covers one says `coverage`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bundlefmt.frozen import frozen


class IplKind(StrEnum):
    """What the string says it is."""

    COMMAND = "command"  # a line that the boot loader ran
    KERNEL_COMMAND_LINE = "kernel-command-line"
    MODULE_COMMAND_LINE = "module-command-line"
    MOK_VARIABLE = "mok-variable"  # shim: the name of the variable whose content was hashed
    FILE = "file"  # the name of the file whose content was hashed
    SECTION = "section"  # systemd-stub: the name of a PE section, hashed itself or by its content
    TEXT = "text"


MOK_VARIABLES: Final = ("MokList", "MokListX", "MokListTrusted", "MokSBState", "MokDBState", "SbatLevel")
# grub 2.06 and later write a colon, the patched versions of distributions before them did not
LABELS: Final[tuple[tuple[str, IplKind], ...]] = (
    ("grub_cmd: ", IplKind.COMMAND),
    ("grub_cmd ", IplKind.COMMAND),
    ("kernel_cmdline: ", IplKind.KERNEL_COMMAND_LINE),
    ("grub_kernel_cmdline ", IplKind.KERNEL_COMMAND_LINE),
    ("module_cmdline: ", IplKind.MODULE_COMMAND_LINE),
)
ARCHIVES: Final = ("Credentials initrd", "Global credentials initrd", "System extension initrd")
SECTIONS: Final = (
    ".linux",
    ".osrel",
    ".cmdline",
    ".initrd",
    ".ucode",
    ".splash",
    ".dtb",
    ".uname",
    ".sbat",
    ".pcrsig",
    ".pcrpkey",
    ".profile",
    ".dtbauto",
    ".hwids",
    ".efifw",
)


@frozen
class IplString:
    """`text` without `label` and without terminator; `wide` if it was UTF-16."""

    kind: IplKind
    label: str
    text: str
    wide: bool


def decode_ipl(data: bytes) -> IplString | None:
    """None if the data is not text in any of the loaders' encodings."""
    if _is_wide(data):
        text = data.decode("utf-16-le", "replace").rstrip("\0")
        kind = IplKind.SECTION if text in SECTIONS else IplKind.KERNEL_COMMAND_LINE
        return IplString(kind=IplKind.TEXT if text in ARCHIVES else kind, label="", text=text, wide=True)
    raw = data.removesuffix(b"\0")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not text or "\0" in text:
        return None
    for label, kind in LABELS:
        if text.startswith(label):
            return IplString(kind=kind, label=label, text=text[len(label) :], wide=False)
    kind = IplKind.TEXT
    if text in MOK_VARIABLES:
        kind = IplKind.MOK_VARIABLE
    elif text in SECTIONS:
        kind = IplKind.SECTION
    elif text.startswith(("/", "(")):
        kind = IplKind.FILE
    return IplString(kind=kind, label="", text=text, wide=False)


def _is_wide(data: bytes) -> bool:
    """UTF-16LE of mostly ASCII: even length and a zero in the odd places of the first characters."""
    if len(data) < 4 or len(data) % 2:
        return False
    return not any(data[1:8:2]) and all(data[0 : min(8, len(data) - 2) : 2])
