# SPDX-License-Identifier: Apache-2.0
"""What stands where a file is to be written or read: pipes, devices, folders, links, limits, odd names."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundletools.cli import main

from bundlefmt.bundle import map_file
from bundlefmt.cli import given_file
from tests.cli.conftest import VECTORS, vector
from tests.faults.commands import FILES, GOOD, Command
from tests.faults.trial import Ended, files, left_behind, run

CERTIFICATE = VECTORS / "keys" / "operator-p256.der"
SMALL = 400  # bytes; more than any error says
_CAPABILITIES_V3 = 0x20080522  # linux/capability.h
# commands that write less, or line by line
_SHORT = {
    "challenge",
    "challenge --force",
    "confirm",
    "extract",
    "reference",
    "trust add",
    "trust add more",
    "timestamp",
    "register",
    "trust remove",
    # lines that were whole stay: the run is gone on with
    "batch verify",
    "batch verify --resume",
}
# every way in: what is typed with IN for the file
INPUTS = (
    "inspect IN",
    "verify IN",
    "verify b.evb --anchor IN",
    "verify b.evb --anchor-log IN",
    "verify b.evb --previous IN",
    "verify b.evb --reference IN",
    "verify b.evb --policy IN",
    "verify b.evb --trust IN",
    "verify b.evb --confirmed IN",
    "verify b.evb --ear new --ear-key IN",
    "report IN -o new",
    "log IN",
    "diff b.evb IN",
    "reference IN",
    "redact IN --item quote -o new",
    "extract IN quote -o new",
    "seal IN --with file:k --cert c -o new",
    "seal b.evb --with file:IN --cert c -o new",
    "seal b.evb --with file:k --cert IN -o new",
    "attach b.evb --item quote=IN -o new",
    "attach b.evb --seal IN -o new",
    "attach b.evb --renewal IN -o new",
    "timestamp IN --request-out new",
    "timestamp b.evb --response-in IN -o new",
    "timestamp b.evb --opentimestamps --response-in IN -o new",
    "timestamp b.evb --opentimestamps --response-in r.ots --block-header IN -o new",
    "renew b.evb --add IN --request-out new",
    "register IN --seal 1 --request-out new",
    "register b.evb --seal 1 --response-in IN -o new",
    "register b.evb --seal 1 --response-in c --anchor-log IN -o new",
    "export IN -o new",
    "import IN -o new",
    "import b.evb --map IN -o new",
    "challenge IN -o new --secret newer",
    "confirm b.evb IN --secret kept",
    "confirm b.evb b.evb --secret IN",
    "policy check IN",
    "trust add --anchor IN",
    "ceremony run IN --dry-run",
    "capture --operator IN -o new",
    "capture --operator c --endorsement-auth IN -o new",
    "capture --operator c --firmware-log IN --tcti none: -o new",
    "recheck IN",
    "answer IN b.evb -o new",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle, a certificate, and pipes, folders and devices in the way."""
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(vector(GOOD), here / "b.evb")
    shutil.copy(CERTIFICATE, here / "c")
    shutil.copy(CERTIFICATE.with_suffix(".pem"), here / "k")
    shutil.copy(VECTORS / "activation_confirmed-whole" / "kept.evk", here / "kept")
    (here / "kept").chmod(0o600)
    FILES["timestamp with the proof"].prepare(here)
    os.mkfifo(here / "pipe", 0o600)
    (here / "folder").mkdir()
    (here / "zeros").symlink_to("/dev/zero")
    (here / "loop").symlink_to("loop")
    return here


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "loop"])
@pytest.mark.parametrize("words", INPUTS)
def test_what_is_no_file_is_not_read(words: str, kind: str, folder: Path) -> None:
    """A pipe without a writer is not waited for; a device without end is not read."""
    before = files(folder)
    ended = run(tuple(words.replace("IN", kind).split()), folder)
    assert ended.code in (2, 4, 5), ended
    assert said_plainly(ended)
    assert files(folder) == before


@pytest.mark.timeout(20)
def test_what_is_no_file_is_known_before_it_is_read(folder: Path) -> None:
    for name in ("pipe", "zeros"):
        with pytest.raises(OSError, match="not an ordinary file"):
            map_file(folder / name)
    assert given_file.read(folder / "pipe") == b""
    with pytest.raises(OSError, match="neither an ordinary file nor a pipe"):
        given_file.read(folder / "zeros")


def said_plainly(ended: Ended) -> bool:
    """One `error:` line, perhaps hints and warnings, and nothing that a terminal would act on."""
    lines = ended.err.splitlines()
    kinds = [line.partition(": ")[0] for line in lines]
    return (
        kinds.count("error") == 1
        and set(kinds) <= {"error", "hint", "warning", "note"}
        and ended.err.isascii()
    )


def test_what_comes_through_a_pipe_is_read_where_it_is_small(folder: Path) -> None:
    """As shells give it with `<(…)`."""
    writer = subprocess.Popen(["bash", "-c", "sleep 0.3; cat c"], cwd=folder, stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        descriptor = os.dup(writer.stdout.fileno())
        os.set_inheritable(descriptor, True)
        ended = run(("verify", "b.evb", "--anchor", f"/proc/self/fd/{descriptor}"), folder)
        os.close(descriptor)
    assert ended == run(("verify", "b.evb", "--anchor", "c"), folder)
    assert ended.code == 1  # no TPM manufacturer's


def test_a_pipe_without_end_is_bounded(folder: Path) -> None:
    with subprocess.Popen(["cat", "/dev/zero"], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        descriptor = os.dup(writer.stdout.fileno())
        ended = run(("verify", "b.evb", "--anchor", f"/proc/self/fd/{descriptor}"), folder)
        os.close(descriptor)
        writer.kill()
    assert ended.code == 5
    assert "more than 16777216 bytes" in ended.err


def outputs(command: Command, kind: str) -> Command | None:
    """The command with its first output named `kind`; None where its place is not an option."""
    name = command.outputs[-1]
    return None if name not in command.words or name == "b.evb" else _named(command, name, kind)


def _named(command: Command, name: str, kind: str) -> Command:
    from dataclasses import replace

    words = tuple(kind if word == name else word for word in command.words)
    return replace(command, words=words, outputs=(kind,))


@pytest.mark.parametrize("kind", ["pipe", "zeros", "folder", "loop"])
@pytest.mark.parametrize("name", [name for name, each in FILES.items() if outputs(each, "x")])
def test_what_is_no_file_is_not_replaced(name: str, kind: str, folder: Path) -> None:
    command = outputs(FILES[name], kind)
    assert command is not None
    command.prepare(folder)
    before = files(folder), sorted(path.name for path in folder.iterdir())
    for words in (command.words, (*command.words, *command.force)):
        ended = run(words, folder)
        assert ended.code in (2, 5), ended
        assert said_plainly(ended)
        assert (files(folder), sorted(path.name for path in folder.iterdir())) == before


def without_privilege() -> int:
    """Root, too, keeps to the modes of files (capabilities(7): CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    if os.geteuid() == 0:
        system = ctypes.CDLL(None, use_errno=True)
        header, data = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)()
        if system.capget(header, data):
            raise OSError(ctypes.get_errno(), "capget")
        data[0] &= ~0b110
        if system.capset(header, data):
            raise OSError(ctypes.get_errno(), "capset")
    return main()


def with_small_files() -> int:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, usual[1]))
    try:
        return main()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_folder_that_one_may_not_write(name: str, tmp_path: Path) -> None:
    command, here = FILES[name], tmp_path / "here"
    here.mkdir()
    command.prepare(here)
    before = files(here)
    for each in (here, *(path for path in here.rglob("*") if path.is_dir())):
        each.chmod(0o555)
    ended = run(command.words, here, begin=without_privilege)
    assert ended.code in (2, 5), ended
    assert said_plainly(ended)
    assert files(here) == before


@pytest.mark.parametrize("name", sorted(set(FILES) - _SHORT))
def test_a_limit_on_the_size_of_files(name: str, tmp_path: Path) -> None:
    """Without root this is as near to a full disk as one comes."""
    command = FILES[name]
    command.prepare(tmp_path)
    before = files(tmp_path)
    ended = run(command.words, tmp_path, begin=with_small_files)
    assert ended.code == 5
    assert said_plainly(ended)
    assert "File too large" in ended.err
    assert files(tmp_path) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("name", ["redact --in-place", "export", "report", "extract --all"])
def test_a_disk_that_is_full(name: str, small_disk: Path) -> None:
    command = FILES[name]
    command.prepare(small_disk)
    before = files(small_disk)
    room = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
    with (small_disk / "other").open("wb") as other:
        other.write(bytes(room - 4096))
    ended = run(command.words, small_disk)
    assert (ended.code, ended.err.count("No space left on device")) == (5, 1), ended
    assert said_plainly(ended)
    (small_disk / "other").unlink()
    assert files(small_disk) == before
    assert left_behind(small_disk) == []
    assert run(command.words, small_disk).code == 0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nerror: b", r"a\u{a}error: b"),
        ("\x1b[2Ja", r"\u{1b}[2Ja"),
        (os.fsdecode(b"\xff\xfea"), r"\u{dcff}\u{dcfe}a"),
        ("‮gpj.a", r"\u{202e}gpj.a"),
    ],
)
@pytest.mark.parametrize("name_of", ["input", "output"])
def test_names_that_a_terminal_would_act_on(name: str, shown: str, name_of: str, folder: Path) -> None:
    if name_of == "input":
        ended = run(("inspect", name), folder)
    else:
        assert run(("redact", "b.evb", "--item", "minutes", "-o", name), folder).code == 0
        ended = run(("redact", "b.evb", "--item", "minutes", "-o", name), folder)
        assert (folder / name).is_file()
    assert ended.code == (5 if name_of == "input" else 2)
    assert ended.err.splitlines()[0].startswith(f"error: {shown}")
    assert said_plainly(ended)
