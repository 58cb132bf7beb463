# SPDX-License-Identifier: Apache-2.0
"""Virtual card readers: a PC/SC service, in which virtual YubiKeys are put and from which they are pulled.

pcscd runs in a mount namespace, so that its socket lies in a directory of ours and another pcscd is left
alone. Its driver vpcd waits for cards on TCP ports, of all interfaces: whoever reaches one can offer a card
to this service, and no more.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from demo.virtual_yubikey import ATR, PulledError, VirtualYubiKey

PROGRAMS: Final = ("pcscd", "unshare", "mount")
DRIVER: Final = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SOCKET_VARIABLE: Final = "PCSCLITE_CSOCK_NAME"  # where libpcsclite looks for its service
READER: Final = "Yubico YubiKey CCID"  # as the USB device names itself
SLOTS: Final = 2  # of each reader of vpcd
_OFF, _ON, _RESET, _ATR = 0, 1, 2, 4
_NOTICED: Final = 1.0  # seconds; the service looks every 0.4
_START_ATTEMPTS: Final = 100


class Slot:
    """One slot of a virtual reader: a port on which vpcd waits for a card."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connection: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._empty_since = 0.0

    @property
    def occupied(self) -> bool:
        """Whether a card is in that was not pulled."""
        return self._thread is not None and self._thread.is_alive()

    def insert(self, card: VirtualYubiKey) -> None:
        """Put a card in; the service notices within half a second.

        A card that came before the service noticed that the last one is gone would never be seen.
        """
        self.remove()
        time.sleep(max(0.0, self._empty_since + _NOTICED - time.monotonic()))
        card.reset()
        self._connection = connection = socket.create_connection(("127.0.0.1", self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread = threading.Thread(target=self._hold, args=(connection, card), daemon=True)
        self._thread.start()

    def _hold(self, connection: socket.socket, card: VirtualYubiKey) -> None:
        _serve(connection, card)
        self._empty_since = time.monotonic()

    def remove(self) -> None:
        """Pull the card out; no matter if it is out already."""
        if self._connection is not None and self._thread is not None:
            _end(self._connection)
            self._thread.join()
        self._connection = self._thread = None


def _end(connection: socket.socket) -> None:
    # the other side may have been faster
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _receive(connection: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes. Raises EOFError."""
    data = b""
    while len(data) < size:
        # the driver writes length and body apart, and would wait 40 ms for each acknowledgement
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _serve(connection: socket.socket, card: VirtualYubiKey) -> None:
    """vpcd's protocol: a length of two bytes, and a control byte or a command APDU."""
    with suppress(EOFError, OSError, PulledError):
        while True:
            message = _receive(connection, int.from_bytes(_receive(connection, 2), "big"))
            if len(message) > 1:
                answer = card.answer(message)
            elif message[0] == _ATR:
                answer = ATR
            else:
                if message[0] in (_OFF, _ON, _RESET):
                    card.reset()
                continue
            connection.sendall(len(answer).to_bytes(2, "big") + answer)
    _end(connection)


def _free_ports(count: int) -> int:
    """The first of `count` free ports in a row."""
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = int(probe.getsockname()[1])
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            continue
        return first
    raise RuntimeError("no free ports for virtual readers")


class CardService:
    """A running pcscd with `readers` virtual readers of two slots; stops at the end of a `with` block.

    Programs find it by the environment variable in `environment`, which libpcsclite reads once.
    """

    def __init__(self, readers: int = 1) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="pcscd-"))
        self._process: subprocess.Popen[bytes] | None = None
        port = _free_ports(readers * SLOTS)
        self.slots: Final = tuple(Slot(port + index) for index in range(readers * SLOTS))
        configuration = self._directory / "readers"
        configuration.mkdir()
        text = "".join(
            f'FRIENDLYNAME "{READER}"\nDEVICENAME /dev/null:{port + SLOTS * index}\n'
            f"LIBPATH {DRIVER}\nCHANNELID {port + SLOTS * index}\n"
            for index in range(readers)
        )
        (configuration / "virtual.conf").write_text(text, encoding="utf-8")
        (self._directory / "run").mkdir()

    @property
    def environment(self) -> dict[str, str]:
        return {SOCKET_VARIABLE: str(self._directory / "run" / "pcscd.comm")}

    def __enter__(self) -> Self:
        try:
            self.start()
        except RuntimeError:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for slot in self.slots:
            slot.remove()
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def start(self) -> None:
        """Raises RuntimeError where the service does not come up."""
        script = (
            'mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$0" /run/pcscd'
            ' && exec pcscd --foreground --config "$1"'
        )
        alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
        self._process = subprocess.Popen(
            [*alone, "sh", "-c", script, str(self._directory / "run"), str(self._directory / "readers")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        there = self._directory / "run" / "pcscd.comm"
        for _ in range(_START_ATTEMPTS):
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(there))
                return
            except OSError:
                pass
            try:
                self._process.wait(0.05)
                break
            except subprocess.TimeoutExpired:
                continue
        self.stop()
        raise RuntimeError("pcscd does not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
