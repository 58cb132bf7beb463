# SPDX-License-Identifier: Apache-2.0
"""Something between the driver stack and a software TPM that answers some commands in the TPM's place.

Commands and responses have their size in bytes 2 to 5; a response without parameters is ten bytes (TPM 2.0
Library, Part 1, "Command/Response Structure").
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from demo.swtpm import Swtpm

QUOTE: Final = 0x158  # command codes (Part 2, 6.5.2)
CREATE_PRIMARY: Final = 0x131
GET_CAPABILITY: Final = 0x17A
_HEAD: Final = 10
_NO_SESSIONS: Final = 0x8001


class Proxy:
    """`refuse[command]`: response codes before that command gets through; `cut`: ends the connection."""

    def __init__(self, swtpm: Swtpm) -> None:
        self._swtpm = swtpm
        self._directory = Path(tempfile.mkdtemp(prefix="proxy-"))
        self._path = self._directory / "s"
        self._listening = socket.socket(socket.AF_UNIX)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.refuse: dict[int, deque[int]] = {}
        self.always: dict[int, int] = {}
        self.cut: int | None = None
        self.seen: list[int] = []

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self._path}"

    def __enter__(self) -> Self:
        # the control channel goes past
        (self._directory / "s.ctrl").symlink_to(f"{self._swtpm.socket}.ctrl")
        self._listening.bind(str(self._path))
        self._listening.listen()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)
        shutil.rmtree(self._directory)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with client, socket.socket(socket.AF_UNIX) as tpm:
                tpm.connect(str(self._swtpm.socket))
                self._between(client, tpm)

    def _between(self, client: socket.socket, tpm: socket.socket) -> None:
        while command := _message(client):
            code = int.from_bytes(command[6:10], "big")
            self.seen.append(code)
            if code == self.cut:
                return
            refusal = self.always.get(code)
            if self.refuse.get(code):
                refusal = self.refuse[code].popleft()
            if refusal is None:
                tpm.sendall(command)
                client.sendall(_message(tpm))
            else:
                client.sendall(
                    _NO_SESSIONS.to_bytes(2, "big") + _HEAD.to_bytes(4, "big") + refusal.to_bytes(4, "big")
                )


def _message(connection: socket.socket) -> bytes:
    """One command or response; empty at the end of the connection."""
    got = b""
    while len(got) < _HEAD or len(got) < int.from_bytes(got[2:6], "big"):
        try:
            piece = connection.recv(65536)
        except ConnectionError:
            return b""
        if not piece:
            return b""
        got += piece
    return got
