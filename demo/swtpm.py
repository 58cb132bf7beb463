# SPDX-License-Identifier: Apache-2.0
"""A software TPM (swtpm) with EK certificates of a test manufacturer, for the demonstration and the tests.

Everything lies in one directory. TCTI configurations name Unix sockets, so any number can run side by side.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PROGRAMS: Final = ("swtpm", "swtpm_setup", "swtpm_localca", "swtpm_ioctl", "certtool")
BANKS: Final = "sha1,sha256,sha384"
_NV_P256: Final = "0x01c0000a"
_NV_ATTRIBUTES: Final = "ppwrite|ppread|ownerread|authread|no_da|platformcreate|writedefine"


def run(*command: str | Path, **environment: str) -> bytes:
    """stdout of a program that must succeed. Raises CalledProcessError, whose text holds its stderr."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, check=False, env={**os.environ, **environment}
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode(errors='replace') or done.stdout!r}")
    return done.stdout


class Manufacturer:
    """A test certification authority for TPMs: root and intermediate, kept in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.root = directory / "swtpm-localca-rootca-cert.pem"
        self.issuer = directory / "issuercert.pem"
        self.setup = directory / "swtpm_setup.conf"
        self.config = directory / "localca.conf"
        self.options = directory / "localca.options"
        self.options.write_text(
            "--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n", encoding="utf-8"
        )
        self.config.write_text(
            f"statedir = {directory}\nsigningkey = {directory}/signkey.pem\n"
            f"issuercert = {self.issuer}\ncertserial = {directory}/certserial\n",
            encoding="utf-8",
        )
        self.setup.write_text(
            f"create_certs_tool={shutil.which('swtpm_localca')}\ncreate_certs_tool_config={self.config}\n"
            f"create_certs_tool_options={self.options}\nactive_pcr_banks=sha256\n",
            encoding="utf-8",
        )

    def make(self, state: Path, *, name: str = "test TPM", p256: bool = False) -> None:
        """A new TPM in the directory `state`, with RSA-2048 and P-384 EK certificates in NV.

        With `p256` also one for the P-256 EK, which swtpm does not make by itself.
        """
        state.mkdir(parents=True)
        run(
            *("swtpm_setup", "--tpm2", "--tpm-state", f"dir://{state}", "--config", self.setup),
            *("--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--overwrite"),
            *("--vmid", name, "--pcr-banks", BANKS),
        )
        if p256:
            with Swtpm(state) as tpm:
                self._certify_p256(tpm, name)

    def _certify_p256(self, tpm: Swtpm, name: str) -> None:
        with tempfile.TemporaryDirectory() as made:
            context, public, certificate = Path(made, "ek.ctx"), Path(made, "ek.pem"), Path(made, "ek.cert")
            tpm.tool("tpm2_createek", "-Q", "-c", context, "-G", "ecc", "-u", public, "-f", "pem")
            # the last 65 bytes of the SubjectPublicKeyInfo are the point: 04, x, y
            point = run("openssl", "pkey", "-pubin", "-in", public, "-outform", "DER")[-64:].hex()
            run(
                *("swtpm_localca", "--type", "ek", "--ek", f"x={point[:64]},y={point[64:]},id=secp256r1"),
                *("--dir", made, "--tpm-spec-family", "2.0", "--tpm-spec-level", "0"),
                *("--tpm-spec-revision", "164", "--tpm-manufacturer", "id:00001014", "--tpm-model", "swtpm"),
                *("--tpm-version", "id:20191023", "--tpm2", "--configfile", self.config),
                *("--optsfile", self.options, "--vmid", name),
            )
            size = str(certificate.stat().st_size)
            tpm.tool("tpm2_nvdefine", "-Q", _NV_P256, "-C", "p", "-s", size, "-a", _NV_ATTRIBUTES)
            tpm.tool("tpm2_nvwrite", "-Q", _NV_P256, "-C", "p", "-i", certificate)
            # an orderly end, so that the clock of the new TPM is safe
            tpm.tool("tpm2_flushcontext", "-t")
            tpm.tool("tpm2_shutdown", "-c")


class Swtpm:
    """A running software TPM with the state in a directory; stops at the end of a `with` block."""

    def __init__(self, state: Path) -> None:
        self._state = state
        # socket paths are limited to 107 bytes, so they do not lie in the state's directory
        self._sockets = Path(tempfile.mkdtemp(prefix="swtpm-"))
        self.socket = self._sockets / "s"
        self._control = self._sockets / "s.ctrl"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self.socket}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def start(self, *, startup: bool = True) -> None:
        """Power on; TPM2_Startup(CLEAR) is sent unless `startup` is off."""
        self._process = subprocess.Popen(
            [
                *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._state}"),
                *("--server", f"type=unixio,path={self.socket}"),
                *("--ctrl", f"type=unixio,path={self._control}"),
                *("--flags", "not-need-init,startup-clear" if startup else "not-need-init"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        # swtpm answers on the control channel once it is ready
        for _ in range(200):
            if self._control.exists() and self._ask("-c").returncode == 0:
                return
            if self._process.poll() is not None:
                break
            try:
                self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
        self.stop()
        raise RuntimeError("swtpm does not start")

    def _ask(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["swtpm_ioctl", "--unix", str(self._control), *words], capture_output=True, check=False
        )

    def stop(self) -> None:
        """Power off, without TPM2_Shutdown."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def reset(self) -> None:
        """TPM reset as at a reboot: TPM2_Shutdown(CLEAR), _TPM_Init, TPM2_Startup(CLEAR)."""
        self.tool("tpm2_shutdown", "-c")
        if self._ask("-i").returncode:
            raise RuntimeError("swtpm does not reset")
        self.tool("tpm2_startup", "-c")

    def clear(self) -> None:
        """TPM2_Clear: owner and endorsement authorisations and owner keys go, the endorsement seed stays."""
        self.tool("tpm2_clear", "-c", "p")

    def change_eps(self) -> None:
        """TPM2_ChangeEPS: a new endorsement seed, so that no earlier EK or AK comes back."""
        self.tool("tpm2_changeeps")

    def tool(self, *command: str | Path) -> bytes:
        """stdout of a tpm2-tools command on this TPM."""
        return run(*command, TPM2TOOLS_TCTI=self.tcti)
