# SPDX-License-Identifier: Apache-2.0
"""The plan of a ceremony: which keys, which devices, which parts. A TOML file that people write and sign off.

Reading is strict: a name that is not known is refused, so that nothing that was planned is left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

from bundlefmt.cli import given_file
from bundlefmt.cli.run import UsageError
from bundlefmt.evidence.toml_text import decode_toml
from bundlefmt.frozen import frozen
from bundletools.yubikey_piv import ALGORITHMS

T = TypeVar("T")
VERSION: Final = 1
MAX_SIZE: Final = 1 << 16  # a plan is read by people
MAX_YEARS: Final = 50
YEAR: Final = 31_557_600  # seconds, 365.25 days
ML_DSA: Final = "ML-DSA-65"
LATER: Final = "later"  # a witness who seals elsewhere
_SLOT: Final = re.compile(r"9[acde]|8[2-9a-f]|9[0-5]")
_PINS: Final = ("DEFAULT", "NEVER", "ONCE", "ALWAYS")
_TOUCHES: Final = ("DEFAULT", "NEVER", "ALWAYS", "CACHED")


@frozen
class OpenPgpPart:
    """The OpenPGP trust root: a key that gpg knows; `yubikey` where its signature key is attested."""

    key: str
    yubikey: int | None


@frozen
class PivPart:
    """The X.509 CA: a slot of a YubiKey, or a PKCS#11 URI. `generate` names the algorithm of a new key."""

    yubikey: int | None
    slot: str
    pkcs11: str | None
    generate: str | None
    subject: str
    years: int
    pin: str
    touch: str


@frozen
class TpmPart:
    """The machine: where its TPM is, which attestation key, which logs; `seal` asks its signing key too."""

    tcti: str | None
    session_ak: bool
    ak_key: str
    withhold_template: bool
    seal: bool
    logs: Mapping[str, Path]
    ek_issuers: Sequence[Path]


@frozen
class WitnessPart:
    """A certificate, and the key that seals with it as `bundle seal --with` names it, or LATER."""

    certificate: Path
    using: str


@frozen
class ArchivePart:
    """A key of ML-DSA-65 in a file; without a certificate both are made, for `subject` and so many years."""

    key: Path
    certificate: Path | None
    subject: str
    years: int


@frozen
class Plan:
    """Paths begin where the plan lies; `digest` is of the file as it was read."""

    title: str | None
    output: Path
    folder: Path
    openpgp: OpenPgpPart | None
    piv: PivPart | None
    tpm: TpmPart
    witnesses: Sequence[WitnessPart]
    archive: ArchivePart | None
    minutes: Path | None
    attestation_issuers: Sequence[Path]
    digest: str

    @classmethod
    def open(cls, path: Path) -> Plan:
        """Raises UsageError."""
        data = given_file.read(path)
        if len(data) > MAX_SIZE:
            raise UsageError(f"{path}: a plan has at most {MAX_SIZE} bytes")
        try:
            table = decode_toml(data.decode())
        except ValueError as error:
            raise UsageError(f"{path}: {error}") from None
        return _plan(_Table(table, str(path)), path.parent, hashlib.sha256(data).hexdigest())


class _Table:
    """One table of the plan: every name in it is taken once, and none is left."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict):
            raise UsageError(f"{where}: a table is wanted")
        self._left, self.where = dict(values), where

    def text(self, name: str, default: str | None = None) -> str | None:
        return self._take(name, str, "a text", default)

    def needed(self, name: str) -> str:
        found = self.text(name)
        if not found:
            raise UsageError(f"{self.where}: {name} is missing")
        return found

    def number(self, name: str, default: int | None, allowed: range) -> int | None:
        found = self._take(name, int, "a number", default)
        if found is not None and found not in allowed:
            raise UsageError(f"{self.where}: {name} is from {allowed.start} to {allowed.stop - 1}")
        return found

    def truth(self, name: str) -> bool:
        return self._take(name, bool, "true or false", False) is True

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        found = self.text(name, default)
        if found not in allowed:
            raise UsageError(f"{self.where}: {name} is one of {', '.join(allowed)}")
        return str(found)

    def table(self, name: str) -> _Table | None:
        return None if name not in self._left else _Table(self._left.pop(name), f"{self.where}: [{name}]")

    def tables(self, name: str) -> list[_Table]:
        found = self._take(name, list, "tables", [])
        return [_Table(one, f"{self.where}: [[{name}]]") for one in found or ()]

    def texts(self, name: str) -> list[str]:
        found = self._take(name, list, "an array of texts", [])
        if not all(isinstance(one, str) for one in found or ()):
            raise UsageError(f"{self.where}: {name} is an array of texts")
        return [str(one) for one in found or ()]

    def end(self) -> None:
        if self._left:
            raise UsageError(f"{self.where}: {', '.join(sorted(self._left))} is not known here")

    def _take(self, name: str, kind: type[T], what: str, default: T | None) -> T | None:
        found = self._left.pop(name, default)
        if found is not None and (not isinstance(found, kind) or (kind is int and isinstance(found, bool))):
            raise UsageError(f"{self.where}: {name} is {what}")
        return found


def _plan(top: _Table, base: Path, digest: str) -> Plan:
    if top.number("version", None, range(VERSION, VERSION + 1)) is None:
        raise UsageError(f"{top.where}: version is missing", hint=f"version = {VERSION}")
    output = base / top.needed("output")
    folder = base / (top.text("folder") or f"{output.name}.ceremony")
    minutes = top.text("minutes")
    plan = Plan(
        title=top.text("title"),
        output=output,
        folder=folder,
        openpgp=_openpgp(top.table("openpgp")),
        piv=_piv(top.table("piv")),
        tpm=_tpm(top.table("tpm") or _Table({}, top.where), base),
        witnesses=tuple(_witness(one, base) for one in top.tables("witness")),
        archive=_archive(top.table("archive"), base),
        minutes=None if minutes is None else base / minutes,
        attestation_issuers=tuple(base / path for path in top.texts("attestation_issuers")),
        digest=digest,
    )
    top.end()
    if plan.openpgp is None and plan.piv is None:
        raise UsageError(f"{top.where}: nobody seals", hint="[openpgp] or [piv]")
    return plan


_SERIALS: Final = range(1, 1 << 32)


def _openpgp(table: _Table | None) -> OpenPgpPart | None:
    if table is None:
        return None
    found = OpenPgpPart(key=table.needed("key"), yubikey=table.number("yubikey", None, _SERIALS))
    table.end()
    return found


def _piv(table: _Table | None) -> PivPart | None:
    if table is None:
        return None
    generate = table.text("generate")
    if generate is not None and generate not in ALGORITHMS:
        raise UsageError(f"{table.where}: generate is one of {', '.join(ALGORITHMS)}")
    found = PivPart(
        yubikey=table.number("yubikey", None, _SERIALS),
        slot=table.text("slot", "9c") or "",
        pkcs11=table.text("pkcs11"),
        generate=generate,
        subject=table.needed("subject") if generate else table.text("subject") or "",
        years=table.number("years", 10, range(1, MAX_YEARS + 1)) or 0,
        pin=table.choice("pin", _PINS, "DEFAULT"),
        touch=table.choice("touch", _TOUCHES, "DEFAULT"),
    )
    table.end()
    if (found.yubikey is None) == (found.pkcs11 is None):
        raise UsageError(f"{table.where}: name either yubikey or pkcs11")
    if not _SLOT.fullmatch(found.slot):
        raise UsageError(f"{table.where}: {found.slot!r} is no slot for a key", hint="9a, 9c, 9d, 9e, 82-95")
    if found.pkcs11 is not None and generate is not None:
        raise UsageError(f"{table.where}: keys are generated here in YubiKeys only")
    return found


def _tpm(table: _Table, base: Path) -> TpmPart:
    logs = {f"{kind}-log": table.text(f"{kind}_log") for kind in ("firmware", "ima", "userspace")}
    found = TpmPart(
        tcti=table.text("tcti"),
        session_ak=table.choice("ak", ("template", "session"), "template") == "session",
        ak_key=table.choice("ak_key", ("ecc256", "rsa2048"), "ecc256"),
        withhold_template=table.truth("withhold_template"),
        seal=table.truth("seal"),
        logs={role: base / path for role, path in logs.items() if path is not None},
        ek_issuers=tuple(base / path for path in table.texts("ek_issuers")),
    )
    table.end()
    return found


def _witness(table: _Table, base: Path) -> WitnessPart:
    found = WitnessPart(certificate=base / table.needed("certificate"), using=table.needed("with"))
    table.end()
    if found.using != LATER and ":" not in found.using:
        raise UsageError(f"{table.where}: with is gpg:KEY, yubikey:SERIAL[:SLOT], pkcs11:URI or {LATER}")
    return found


def _archive(table: _Table | None, base: Path) -> ArchivePart | None:
    if table is None:
        return None
    key, certificate, generate = table.needed("key"), table.text("certificate"), table.text("generate")
    if generate not in (None, ML_DSA):
        raise UsageError(f"{table.where}: generate is {ML_DSA}")
    if (certificate is None) == (generate is None):
        raise UsageError(f"{table.where}: name either certificate or generate")
    found = ArchivePart(
        key=base / key,
        certificate=None if certificate is None else base / certificate,
        subject=table.needed("subject") if generate else table.text("subject") or "",
        years=table.number("years", 20, range(1, MAX_YEARS + 1)) or 0,
    )
    table.end()
    return found


TEMPLATE: Final = """\
# What `bundle ceremony run` is to do. Every action, its device and its risk: --dry-run.
# Paths are relative to this file.
version = 1
title = "Key ceremony"
output = "ceremony.evb"
# attestation_issuers = ["intermediates.pem"]   # between YubiKeys and their maker's root
# minutes = "minutes.txt"
# folder = "ceremony.evb.ceremony"   # the journal and the parts made so far

[openpgp]
key = "FINGERPRINT"                # a key that gpg knows, in a YubiKey or with its agent
# yubikey = 10000001                 # attest its signature key; serial number

[piv]
yubikey = 10000002                 # serial number; or pkcs11 = "pkcs11:token=..;object=.."
slot = "9c"
generate = "ECCP384"               # leave out to use the key and certificate that are there
subject = "Key ceremony CA"        # common name of the new CA
years = 10
pin = "ONCE"
touch = "ALWAYS"

[tpm]
# tcti = "device:/dev/tpmrm0"
ak = "template"                    # it can be made again; or session: nobody can ever use it again
seal = true                        # the TPM's signing key seals too
firmware_log = "/sys/kernel/security/tpm0/binary_bios_measurements"
# ima_log = "/sys/kernel/security/ima/binary_runtime_measurements"
# userspace_log = "/run/log/systemd/tpm2-measure.log"
# ek_issuers = ["manufacturer.pem"]

# [[witness]]
# certificate = "witness.pgp"
# with = "gpg:FINGERPRINT"         # yubikey:SERIAL[:SLOT], pkcs11:URI, or later

# [archive]
# key = "archive.key"                # of ML-DSA-65, in a file: it seals last, beside the people
# generate = "ML-DSA-65"             # or certificate = "archive.pem" of the key that is there
# subject = "Archive"
# years = 20
"""
