# SPDX-License-Identifier: Apache-2.0
"""An authority of time that OpenSSL plays, from files and over the network; OpenSSL judges tokens as well."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CONFIGURATION = """
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
signer_digest = sha256
default_policy = 2.25.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = {ess}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[stamps]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


@dataclass(frozen=True, slots=True)
class Authority:
    """OpenSSL with a root and a certificate for timestamps in a folder."""

    folder: Path

    def openssl(self, *arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.folder)

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, request: Path, response: Path) -> None:
        common = ["-config", "ts.cnf", "-signer", "tsa.pem", "-inkey", "tsa.key"]
        self.openssl("ts", "-reply", "-queryfile", request, *common, "-out", response)

    def judge(self, token: bytes, covers: bytes) -> None:
        """Raises CalledProcessError unless OpenSSL accepts the token over these bytes."""
        (self.folder / "token").write_bytes(token)
        (self.folder / "covers").write_bytes(covers)
        self.openssl("ts", "-verify", "-data", "covers", "-in", "token", "-token_in", "-CAfile", "root.pem")


def made(folder: Path, *, ess: str = "sha256") -> Authority:
    found = Authority(folder)
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(CONFIGURATION.format(folder=folder, ess=ess))
    key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "30",
        "-config",
        "ts.cnf",
    ]
    names = ["-subj", "/CN=Renewal Test Root (test key)", "-subj", "/CN=Renewal Test Stamps (test key)"]
    root = ["-keyout", "root.key", "-out", "root.pem", "-extensions", "root", *names[:2]]
    (folder / "ts.cnf").open("a").write("[req]\ndistinguished_name = dn\n[dn]\n")
    found.openssl("req", "-x509", *key, *root)
    signed = ["-keyout", "tsa.key", "-out", "tsa.pem", "-extensions", "stamps", *names[2:]]
    found.openssl("req", "-x509", *key, *signed, "-CA", "root.pem", "-CAkey", "root.key")
    return found


@dataclass
class Answering:
    """What the server on this machine answers with."""

    stamps: Authority
    status: int = 200
    kind: str = "application/timestamp-reply"
    body: bytes | None = None


@contextmanager
def serving(stamps: Authority) -> Iterator[tuple[str, Answering]]:
    """A server on this machine by its address, and what it answers with."""
    answering = Answering(stamps)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = answering.stamps.folder / "asked"
            request.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = answering.body
            if body is None:
                answering.stamps.answer(request, request.with_suffix(".tsr"))
                body = request.with_suffix(".tsr").read_bytes()
            self.send_response(answering.status)
            if answering.status == 302:
                self.send_header("Location", "http://elsewhere.invalid/")
            self.send_header("Content-Type", answering.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}/", answering
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
