# SPDX-License-Identifier: Apache-2.0
"""The installed command as a process: signals, pipes, terminals, full disks, old encodings."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import terms, vector
from tests.cli.test_exit_codes import GOOD, SCRIPT

VERIFY = [SCRIPT, "verify", vector(GOOD), *terms(GOOD)]
INSPECT = [SCRIPT, "inspect", vector(GOOD)]
WRITES_SLOWLY = """
import sys, time
from bundlefmt.cli import files, run
import typer

app = typer.Typer()

def chunks():
    yield b"half of "
    print("writing", flush=True)
    time.sleep(30)
    yield b"the file"

@app.command()
def write(name: str):
    from pathlib import Path
    files.write_atomic(Path(name), chunks(), force=True)

sys.exit(run.run(app))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_nothing_half_written(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"precious")
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_SLOWLY, "x"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        assert len(list(tmp_path.iterdir())) == 2
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert said.strip() == (b"error: interrupted" if number == signal.SIGINT else b"error: terminated")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"precious"


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    with subprocess.Popen(
        ["nohup", sys.executable, "-c", WRITES_SLOWLY.replace("sleep(30)", "sleep(0.5)"), "x"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=20) == 0
    assert (tmp_path / "x").read_bytes() == b"half of the file"


def test_a_reader_that_goes_away_gets_no_verdict() -> None:
    """Not even the exit code of one: the reader has not seen what it is about."""
    with subprocess.Popen(VERIFY, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(timeout=20) == 128 + signal.SIGPIPE


def test_a_full_disk_below_standard_output_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(VERIFY, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (5, b"error: No space left on device\n")


def test_closed_standard_output_does_not_change_the_verdict() -> None:
    for words, code in ((VERIFY, 0), (VERIFY[:3], 3)):
        done = subprocess.run(["bash", "-c", '"$@" >&-', "bash", *words], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.parametrize("words", [[], ["--json"], ["--diag"]], ids=" ".join)
def test_an_encoding_without_our_characters(words: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*INSPECT, *words], capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    if words == ["--json"]:
        plain = subprocess.run([*INSPECT, *words], capture_output=True, check=True)
        assert json.loads(done.stdout) == json.loads(plain.stdout)


def on_a_terminal(*command: str | Path) -> tuple[int, bytes]:
    """Exit code and output of a command whose standard output and error are a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        started = time.monotonic()
        while time.monotonic() - started < 20:
            try:
                piece = os.read(ours, 65_536)
            except OSError:  # Linux: the other end is closed
                break
            shown += piece
    os.close(ours)
    return process.returncode, shown


def test_bytes_are_not_for_a_terminal(tmp_path: Path) -> None:
    code, shown = on_a_terminal(SCRIPT, "extract", vector(GOOD), "quote")
    assert code == 2
    assert shown == (b"error: an artifact's bytes are not for a terminal\r\nhint: -o FILE, or a pipe\r\n")
    assert on_a_terminal(SCRIPT, "extract", vector(GOOD), "quote", "-o", tmp_path / "q") == (0, b"")


def test_words_are_for_a_terminal() -> None:
    code, shown = on_a_terminal(*VERIFY)
    assert code == 0
    assert shown.endswith(b"verdict: PASSED\r\n")
    assert b"\x1b" not in shown
