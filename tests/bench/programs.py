# SPDX-License-Identifier: Apache-2.0
"""The whole process `bundle verify`, beside the stock programs that check the same evidence today.

They are given the files of `bundle export` and called as its verify.sh calls them: gpg for each OpenPGP
signature, `openssl verify` for each chain, `openssl dgst` for signatures of the TPM and the COSE seal,
tpm2_checkquote for each quote, tpm2_eventlog for the firmware log. What the script itself has to read,
compare and hash is not counted with them, nor is gpg's import of the certificate.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from bundletools import exporting
from bundletools.export import script

from bundlefmt.bundle import Bundle
from tests.bench.installed import Installed
from tests.bench.measure import Measure, childrens_time, paired
from tests.fuzz import seeds

AREA: Final = "programs"
REFERENCE: Final = "container_complete"  # an item of every role, each conclusion on its best basis
NEEDED: Final = ("gpg", "openssl", "tpm2_checkquote", "tpm2_eventlog")
_CHAINS: Final = (
    ("ek.cert", "manufacturer.pem", ("ek.issuer",)),
    ("operator.piv.attestation", "vendor.pem", ("device.piv", "device.issuer")),
    ("operator.openpgp.attestation", "vendor.pem", ("device.openpgp", "device.issuer")),
    ("cross.cert", "forms/operator.piv.pem", ()),
    ("tpm.cert", "forms/operator.piv.pem", ()),
)
# signature of the TPM, key, what it is over
_SIGNATURES: Final = (
    ("forms/certify.sig.plain", "forms/ak.pub.pem", "items/certify.attest"),
    ("forms/created.sig.plain", "forms/ak.pub.pem", "items/created.attest"),
    ("forms/time.sig.plain", "forms/ak.pub.pem", "items/time.attest"),
    ("forms/nv.sig.plain", "forms/ak.pub.pem", "items/nv.attest"),
    ("forms/openpgp.tpm.plain", "forms/key.pub.pem", "items/operator.openpgp.pgp"),
    ("forms/piv.tpm.plain", "forms/key.pub.pem", "items/operator.piv.der"),
)
Command = tuple[str, ...]


def written(folder: Path) -> Bundle:
    """The files of an export, and the anchors in PEM."""
    bundle = Bundle.decode(reference_file().read_bytes())
    for name, data in exporting.files(bundle, script()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return bundle


def reference_file() -> Path:
    return seeds.FOLDER / REFERENCE / "bundle.evb"


def options() -> list[str]:
    """The policy of the reference vector on the command line of `bundle verify`."""
    policy = seeds.policy(REFERENCE)
    keys = seeds.FOLDER / "keys"
    return [
        *(word for pin in sorted(policy.pins_openpgp) for word in ("--pin-openpgp", pin)),
        *(word for pin in sorted(policy.pins_piv) for word in ("--pin-piv", pin.hex())),
        *("--anchor", str(keys / "tpm-root.der")),
        *("--anchor-hardware", str(keys / "security-key-root.der")),
        "--no-trust",
    ]


def commands(bundle: Bundle, scratch: Path) -> Iterator[Command]:
    """What the programs are called with, in the folder of the export."""
    gpg = ("gpg", "--batch", "--no-tty", "--quiet", "--no-autostart", "--verify")
    yield (*gpg, "seals/2.sig", "manifest.cbor")
    yield (*gpg, "items/cross.sig.sig", "items/operator.piv.der")
    public = scratch / "signer.pem"
    yield ("openssl", "dgst", "-sha256", "-verify", str(public), "-signature", "seals/1.plain", "seals/1.tbs")
    chain = ("openssl", "verify", "-no-CAfile", "-no-CApath", "-partial_chain", "-ignore_critical")
    for label, anchor, issuers in _CHAINS:
        given = [word for each in issuers for word in ("-untrusted", f"forms/{each}.pem")]
        at = ("-attime", str(bundle.manifest.created), "-CAfile", anchor)
        yield (*chain, *at, *given, f"forms/{label}.pem")
    for signature, key, over in _SIGNATURES:
        yield ("openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, over)
    bound = bundle.manifest.binding.digest(bundle.manifest.items, bundle.manifest.previous).hex()
    quote = ("-m", "items/quote.attest", "-s", "items/quote.sig.tss", "-f", "forms/quote.pcrs")
    yield ("tpm2_checkquote", "-Q", "-u", "items/ak.pub.tpmt", *quote, "-g", "sha256", "-q", bound)
    yield ("tpm2_eventlog", "items/firmware.log.log")


def prepare(installed: Installed, folder: Path) -> list[Command]:
    """Writes what the programs read. Raises RuntimeError where one of them does not accept the evidence."""
    bundle = written(folder)
    for name, anchor in (("manufacturer", "tpm-root"), ("vendor", "security-key-root")):
        der = str(seeds.FOLDER / "keys" / f"{anchor}.der")
        installed.run("openssl", "x509", "-inform", "DER", "-in", der, "-out", str(folder / f"{name}.pem"))
    key = installed.run("openssl", "x509", "-in", str(folder / "seals" / "1.pem"), "-pubkey", "-noout")
    (folder / "signer.pem").write_text(key)
    installed.run("gpg", "--batch", "--quiet", "--import", str(folder / "items" / "operator.openpgp.pgp"))
    found = list(commands(bundle, folder))
    for command in found:
        installed.run(*command, folder=folder)
    return found


def missing() -> list[str]:
    """The programs that are not here."""
    return [name for name in NEEDED if shutil.which(name) is None]


def stock(installed: Installed, found: list[Command], folder: Path) -> None:
    """All that the programs do, once."""
    for command in found:
        installed.run(*command, folder=folder)


def measures(installed: Installed, folder: Path) -> Iterator[Measure]:
    if missing():
        print(f"not measured, for want of {', '.join(missing())}: bundle verify beside stock programs")
        return
    place = folder / "export"
    place.mkdir()
    found = prepare(installed, place)
    yield paired(
        f"bundle verify : the same by {len(found)} calls of gpg, openssl, tpm2-tools",
        partial(installed.bundle, "verify", reference_file(), *options()),
        partial(stock, installed, found, place),
        clock=childrens_time,
        area=AREA,
        limit=3,
        goal=1,
    )
