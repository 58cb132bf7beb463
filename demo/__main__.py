# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end, on software devices: `make demo`.

Every command is printed as it is run, with what it said; one that ends otherwise than it should ends the
demonstration.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from demo import firmware_log, gpg_card
from demo.cards import Cards
from demo.person import attend
from demo.swtpm import Manufacturer, Swtpm
from demo.virtual_yubikey_openpgp import PIN

OUTPUT: Final = Path("demo-output")
OPERATOR: Final = ("Evidence Bundle Demo Operator (test key)", "operator@demo.invalid")
PLAN: Final = """\
version = 1
title = "Demonstration"
output = "ceremony.evb"
attestation_issuers = ["yubikey-maker/intermediate.pem"]

[openpgp]
key = "{key}"
yubikey = {openpgp}

[piv]
yubikey = {piv}
generate = "ECCP384"
subject = "Evidence Bundle Demo CA (test key)"
pin = "ONCE"

[tpm]
seal = true
firmware_log = "firmware.log"
ek_issuers = ["tpm-vendor/issuercert.pem"]
"""
BUNDLE: Final = "ceremony.evb"


class Shell:
    """Runs commands in one directory and shows them."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = {**os.environ, "LC_ALL": "C", **environment}

    def say(self, text: str) -> None:
        print(f"\n# {text}", flush=True)

    def run(self, command: str, *, expect: int = 0, silent: bool = False) -> str:
        """Show and run one command; returns what it printed. Exits unless it ends with `expect`."""
        print(f"$ {command}", flush=True)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = done.stdout.decode(errors="replace")
        if text and (not silent or done.returncode != expect):
            print(text, end="" if text.endswith("\n") else "\n", flush=True)
        if expect or done.returncode != expect:
            print(f"(exit code {done.returncode})", flush=True)
        if done.returncode != expect:
            sys.exit(f"demo: exit code {expect} was to be expected of: {command}")
        return text

    def attend(self, command: str, pin: str) -> None:
        """Run a command that asks a person; what it asks and what it says is shown. Exits if it fails."""
        print(f"$ {command}", flush=True)
        code, text = attend(command, pin, directory=self._directory, environment=self._environment)
        print(text, end="", flush=True)
        if code:
            sys.exit(f"demo: exit code 0 was to be expected of: {command}")


def _extend(tpm: Swtpm, events: Sequence[firmware_log.Event]) -> None:
    """What firmware does at boot: one extend for each measurement."""
    for event in events:
        digests = ",".join(f"{bank}={digest.hex()}" for bank, digest in event.digests().items())
        tpm.tool("tpm2_pcrextend", f"{event.pcr}:{digests}")


def _held_on_cards(shell: Shell, desk: Cards, environment: dict[str, str]) -> None:
    """The whole ceremony along a plan, with two YubiKeys."""
    shell.say("Two YubiKeys are put in; gpg generates the OpenPGP key on one of them.")
    fingerprint = gpg_card.generate(*OPERATOR, environment)
    shell.run("gpg --list-secret-keys")
    (OUTPUT / "plan.toml").write_text(
        PLAN.format(key=fingerprint, openpgp=desk.openpgp, piv=desk.piv), encoding="utf-8"
    )
    shell.say("The plan of the ceremony, and what it will do.")
    shell.run("cat plan.toml")
    shell.run("bundle ceremony run plan.toml --dry-run")
    shell.say("The ceremony. The operator types the PIN, and the serial number before what cannot be undone.")
    shell.attend("bundle ceremony run plan.toml", PIN.decode())
    shell.run("openssl x509 -inform DER -in ceremony.evb.ceremony/operator.der -out ca.pem")


def _held_with_files(shell: Shell) -> None:
    """The same by hand, command by command, with keys in files."""
    _prepare(shell)
    _ceremony(shell)


def _prepare(shell: Shell) -> None:
    shell.say("The people's keys: an OpenPGP key in gpg, and an X.509 CA key as a PIV card would hold it.")
    shell.run(
        "gpg --batch --quiet --passphrase '' --quick-generate-key"
        f" '{OPERATOR[0]} <{OPERATOR[1]}>' ed25519 sign never",
        silent=True,
    )
    shell.run("gpg --export operator@demo.invalid > operator.pgp")
    shell.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem"
        " -days 3650 -subj '/CN=Evidence Bundle Demo CA (test key)'"
        " -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature",
        silent=True,
    )


def _ceremony(shell: Shell) -> None:
    shell.say("Capture: EK certificates, a new attestation key, a certified signing key, a quote, the log.")
    shell.run(
        f"bundle capture -o {BUNDLE} --operator operator.pgp --operator ca.pem --firmware-log firmware.log"
        " --ek-issuer tpm-vendor/issuercert.pem --title 'Demonstration'"
    )
    shell.say("Certify: each key signs the other, and the CA the TPM's signing key.")
    shell.run(f"bundle certify {BUNDLE} --in-place --with gpg:operator@demo.invalid")
    shell.run(f"bundle certify {BUNDLE} --in-place --with file:ca.key --cert ca.pem")
    shell.say("Seal: all keys sign the manifest, which holds the digest of everything.")
    shell.run(f"bundle seal {BUNDLE} --in-place --with gpg:operator@demo.invalid")
    shell.run(f"bundle seal {BUNDLE} --in-place --with file:ca.key --cert ca.pem")


def _verify(shell: Shell, *, cards: bool) -> str:
    shell.say("Inspect: what is in it.")
    shell.run(f"bundle inspect {BUNDLE}")
    shell.say("Verify: nobody is trusted yet, so nothing passes.")
    shell.run(f"bundle verify {BUNDLE}", expect=3)
    shell.say("The verifier names the keys and the TPM maker that it knows.")
    fingerprint = shell.run("gpg --list-keys --with-colons | awk -F: '/^fpr/ {print $10; exit}'")
    digest = shell.run("openssl x509 -in ca.pem -outform DER | sha256sum | cut -c 1-64")
    verify = (
        f"bundle verify {BUNDLE} --pin-openpgp {fingerprint.strip()} --pin-piv {digest.strip()}"
        " --anchor tpm-vendor/swtpm-localca-rootca-cert.pem"
    )
    if cards:
        verify += " --anchor-hardware yubikey-maker/root.pem"
    shell.run(verify)
    return verify


def _reboot(shell: Shell, tpm: Swtpm, verify: str) -> None:
    shell.say("A saved session key of the TPM; then the machine is reset, and the key is refused.")
    shell.run(
        "tpm2_createprimary -Q -C n -G ecc256:ecdsa-sha256:null -c session.ctx"
        " -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' && tpm2_flushcontext -t"
    )
    shell.run("tpm2_readpublic -Q -c session.ctx && tpm2_flushcontext -t")
    tpm.reset()
    print("(the TPM was reset)")
    shell.run("tpm2_readpublic -Q -c session.ctx", expect=1)
    shell.say("The record stands: it needs no TPM.")
    shell.run(verify)
    shell.say("The bundle's attestation key is made again from its template: the same Name, so the same TPM.")
    shell.run(f"bundle recheck {BUNDLE}")
    _doubt(shell, verify)


def _doubt(shell: Shell, verify: str) -> None:
    shell.say(
        "A verifier takes nobody's word for it and asks the machine: what was vouched is proven, to them."
    )
    anchor = "--anchor tpm-vendor/swtpm-localca-rootca-cert.pem"
    shell.run(f"bundle challenge {BUNDLE} -o challenge.evc --secret kept.evk {anchor}")
    shell.run(f"bundle answer challenge.evc {BUNDLE} -o answer.eva")
    shell.run(f"bundle confirm {BUNDLE} answer.eva --secret kept.evk")
    shell.run(f"{verify} --confirmed kept.evk")


def _flip(source: Path, target: Path, marker: bytes) -> None:
    """A copy of `source` with one bit of the byte before `marker` turned over."""
    data = bytearray(source.read_bytes())
    data[data.index(marker) - 1] ^= 1
    target.write_bytes(data)


def _tamper(shell: Shell, verify: str) -> None:
    shell.say("One bit of the firmware log is turned over: the digest that was sealed is another.")
    _flip(OUTPUT / BUNDLE, OUTPUT / "log.evb", b"Exit Boot Services Returned")
    shell.run(verify.replace(BUNDLE, "log.evb"), expect=1)
    shell.say("One bit of the file's structure is turned over: it is refused.")
    _flip(OUTPUT / BUNDLE, OUTPUT / "structure.evb", b"__cmwc_t")
    shell.run(verify.replace(BUNDLE, "structure.evb"), expect=4)


def _stock_tools(shell: Shell) -> None:
    shell.say("Stock tools, which know nothing of bundles, agree: gpg on the seal, tpm2-tools on the quote.")
    shell.run(f"bundle extract {BUNDLE} --all -o parts")
    shell.run("gpg --verify parts/seals/*.sig parts/manifest.cbor")
    shell.run("gpg --verify parts/items/operator.piv.cross parts/items/operator.piv")
    shell.run("openssl verify -x509_strict -CAfile ca.pem parts/items/key.cert")
    shell.run(f"bundle extract {BUNDLE} quote.pcrs --tpm2-tools -o quote.pcrs")
    digest = shell.run(f"bundle inspect {BUNDLE} | sed -n '/^binding/,$ s/^  sha256 //p'").strip()
    shell.run(
        f"tpm2_checkquote -Q -u parts/items/ak.pub -m parts/items/quote -s parts/items/quote.sig"
        f" -f quote.pcrs -g sha256 -q {digest} && echo the quote is good"
    )


def _put_in(running: ExitStack, environment: dict[str, str]) -> Cards | None:
    """Virtual YubiKeys; None where this machine lets no card service run in a place of its own."""
    try:
        cards = running.enter_context(Cards(OUTPUT.resolve() / "yubikey-maker"))
        environment |= {**cards.environment, gpg_card.PIN_VARIABLE: PIN.decode()}
        time.sleep(1)  # the service looks for cards every 0.4 seconds
    except RuntimeError as error:
        print(f"# No YubiKeys here ({error}): keys in files take their place.")
        return None
    return cards


def main() -> None:
    started = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    keyring = OUTPUT.resolve() / "gnupg"
    keyring.mkdir(mode=0o700)
    (OUTPUT / "firmware.log").write_bytes(firmware_log.PATH.read_bytes())
    print(
        "# A machine: a software TPM with EK certificates of a test manufacturer, booted by the firmware log."
    )
    Manufacturer(OUTPUT.resolve() / "tpm-vendor").make(OUTPUT.resolve() / "tpm", name="demo TPM", p256=True)
    with ExitStack() as running:
        tpm = running.enter_context(Swtpm(OUTPUT.resolve() / "tpm"))
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "GNUPGHOME": str(keyring),
            "XDG_CONFIG_HOME": str(OUTPUT.resolve() / "config"),
            "TPM2TOOLS_TCTI": tpm.tcti,
            "TSS2_LOG": "all+none",
        }
        cards = _put_in(running, environment)
        shell = Shell(OUTPUT, environment)
        try:
            _extend(tpm, list(firmware_log.events()))
            if cards is None:
                _held_with_files(shell)
            else:
                gpg_card.settle(keyring)
                _held_on_cards(shell, cards, environment)
            (keyring / "gpg.conf").write_text("trust-model always\n", encoding="utf-8")
            verify = _verify(shell, cards=cards is not None)
            _reboot(shell, tpm, verify)
            _tamper(shell, verify)
            _stock_tools(shell)
        finally:
            subprocess.run(["gpgconf", "--homedir", str(keyring), "--kill", "all"], check=False)
    print(f"\n# Done in {time.monotonic() - started:.0f} s. The files are in {OUTPUT}/.")


if __name__ == "__main__":
    main()
