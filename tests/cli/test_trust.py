# SPDX-License-Identifier: Apache-2.0
"""`bundle trust`: a file that nobody else can write, and what it does to a verdict and says of it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundlefmt import labels
from bundlefmt.evidence.x509 import split_pem
from bundlefmt.verify.trust import MAX_NOTE, MAX_TRUST, Entry, Kind, Trust
from tests.cli.conftest import Bundle, vector
from tests.cli.test_exit_codes import GOOD, SCRIPT, assert_plain
from tests.cli.test_exit_codes import run as installed
from tests.cli.test_verify import OPENPGP, PIV, ROOT
from tests.vectorgen import certificates

DIGEST = hashlib.sha256(ROOT.read_bytes()).hexdigest()
STRANGER = "ab" * 20


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's own trust file would be; it is not there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "evidence-bundle" / "trust.toml"


@pytest.fixture
def good(file: Path, bundle: Bundle) -> Path:
    """A trust file under which the good vector passes."""
    assert bundle("trust", "add", "--openpgp", OPENPGP, "--piv", PIV, "--anchor", ROOT).code == 0
    return file


def entries(file: Path) -> tuple[Entry, ...]:
    return Trust.decode(file.read_bytes()).entries


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def tried(bundle: Bundle, file: Path) -> Iterator[tuple[int, str]]:
    """How each verb ends that reads the file, and its error."""
    for words in (
        ("verify", vector(GOOD)),
        ("verify", vector(GOOD), "--trust", file),
        ("trust", "list"),
        ("trust", "add", "--openpgp", STRANGER),
        ("trust", "remove", OPENPGP),
    ):
        answer = bundle(*words)
        assert answer.out == ""
        assert_plain(answer)
        yield answer.code, answer.err


def assert_refused(bundle: Bundle, file: Path, said: str) -> None:
    """Every verb refuses the file and leaves it as it is; without it the judgement can be had."""
    before = file.lstat()
    for code, error in tried(bundle, file):
        assert code == 2
        assert said in error
    after = file.lstat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert bundle("verify", vector(GOOD), "--no-trust").code == 3


def test_nothing_is_known_by_default(file: Path, bundle: Bundle) -> None:
    assert bundle("trust", "path").out == f"{file}\n"
    assert bundle("trust", "list").out == f"nothing is known: there is no {file}\n"
    answer = bundle("verify", vector(GOOD), "--json")
    assert (answer.code, answer.json["policy"]["trust"], answer.json["sealed_by"]) == (3, None, [])
    assert "trust:" not in bundle("verify", vector(GOOD)).out
    assert not file.parent.parent.exists()


def test_what_is_added_decides_and_the_report_says_so(good: Path, bundle: Bundle) -> None:
    answer = bundle("verify", vector(GOOD))
    assert answer.code == 0
    assert answer.out.splitlines()[0] == f"trust: 2 identities, 1 anchor from {good}"
    report = bundle("verify", vector(GOOD), "--json").json
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    assert report["policy"]["trust"] == {"sha256": digest, "identities": 2, "anchors": 1}
    assert report["policy"]["pins_openpgp"] == report["policy"]["pins_piv"] == []
    assert report["sealed_by"] == [
        {"role": "piv-certificate", "identity": PIV},
        {"role": "openpgp-certificate", "identity": OPENPGP},
    ]
    assert str(good) not in bundle("verify", vector(GOOD), "--json").out
    assert bundle("trust", "list").out.splitlines()[-1] == f"{good}: sha-256 {digest}"


def test_it_can_be_left_out_or_another_named(good: Path, bundle: Bundle, tmp_path: Path) -> None:
    assert bundle("verify", vector(GOOD), "--no-trust").code == 3
    other = tmp_path / "other.toml"
    assert bundle("trust", "add", "--trust", other, "--openpgp", STRANGER).code == 0
    assert mode(other) == 0o600
    answer = bundle("verify", vector(GOOD), "--trust", other)
    assert answer.code == 3
    assert answer.out.splitlines()[0] == f"trust: 1 identity, 0 anchors from {other}"
    both = bundle("verify", vector(GOOD), "--trust", other, "--no-trust")
    assert (both.code, both.err) == (2, "error: --trust and --no-trust exclude each other\n")


def test_options_add_to_it_and_still_demand(good: Path, bundle: Bundle) -> None:
    assert bundle("trust", "remove", DIGEST, PIV).code == 0
    assert bundle("verify", vector(GOOD)).code == 3
    assert bundle("verify", vector(GOOD), "--anchor", ROOT).code == 0
    assert bundle("verify", vector(GOOD), "--anchor", ROOT, "--pin-piv", PIV).code == 0
    # whom one knows need not have sealed; whom one pins must have
    assert bundle("trust", "add", "--openpgp", STRANGER).code == 0
    assert bundle("verify", vector(GOOD), "--anchor", ROOT).code == 0
    assert bundle("verify", vector(GOOD), "--anchor", ROOT, "--pin-openpgp", STRANGER).code == 1


def test_the_file_is_readable_and_for_its_owner(good: Path) -> None:
    assert (mode(good), mode(good.parent), mode(good.parent.parent)) == (0o600, 0o700, 0o700)
    assert [path.name for path in good.parent.iterdir()] == ["trust.toml"]
    lines = good.read_text(encoding="utf-8").splitlines()
    assert f'fingerprint = "{OPENPGP}"' in lines
    assert '# "CN=Evidence Bundle Test TPM Root (test key)"' in lines
    assert max(map(len, lines)) <= 110


def test_a_certificate_outlives_the_file_it_came_from(file: Path, bundle: Bundle, tmp_path: Path) -> None:
    copy = tmp_path / "root.der"
    copy.write_bytes(ROOT.read_bytes())
    assert bundle("trust", "add", "--anchor", copy, "--openpgp", OPENPGP).code == 0
    copy.unlink()
    assert bundle("verify", vector(GOOD)).code == 0


def test_what_is_there_already_is_no_error(good: Path, bundle: Bundle) -> None:
    before = good.stat()
    answer = bundle("trust", "add", "--openpgp", OPENPGP.upper(), "--anchor", ROOT, "--note", "again")
    assert answer.code == 0
    assert [line.rsplit(" ", 2)[1:] for line in answer.out.splitlines()] == [["was", "there"]] * 2
    assert good.stat().st_ino == before.st_ino


def test_every_purpose_and_a_note(file: Path, bundle: Bundle, tmp_path: Path) -> None:
    root, issuer = certificates.manufacturer_root(), certificates.manufacturer_issuer()
    options = ["--piv", PIV, "--hardware", PIV, "--anchor", ROOT, "--anchor-piv", ROOT]
    issuers = tmp_path / "issuer.der"
    issuers.write_bytes(issuer)
    assert bundle("trust", "add", *options, "--anchor-hardware", issuers, "--note", "Zoë, by phone").code == 0
    assert entries(file) == (
        Entry(kind=Kind.PIV, digest=PIV, note="Zoë, by phone"),
        Entry(kind=Kind.HARDWARE, digest=PIV, note="Zoë, by phone"),
        Entry.anchor(Kind.ANCHOR, root, "Zoë, by phone"),
        Entry.anchor(Kind.ANCHOR_PIV, root, "Zoë, by phone"),
        Entry.anchor(Kind.ANCHOR_HARDWARE, issuer, "Zoë, by phone"),
    )
    assert bundle("trust", "list").out.count("(Zoë, by phone)") == 5


def test_published_roots_by_name(file: Path, bundle: Bundle) -> None:
    shown = bundle("trust", "known").out
    for digest, name in labels.YUBICO_ROOTS.items():
        assert f"{digest}  {name}\n" in shown
        assert name in bundle("trust", "add", "--hardware", digest).out
    assert labels.YUBICO_ROOTS_SOURCE in shown
    assert {entry.digest for entry in entries(file)} == labels.YUBICO_ROOTS.keys()
    digest, name = next(iter(labels.YUBICO_ROOTS.items()))
    assert bundle("trust", "add", "--piv", digest).err == (
        f"warning: {name} is published as a root of security keys, not as --piv\n"
    )


def test_a_published_root_in_a_file_is_named(
    file: Path, bundle: Bundle, corpus: Path, tmp_path: Path
) -> None:
    found = (
        der
        for path in sorted((corpus / "yubikey").rglob("*.pem"))
        if (text := path.read_bytes()).count(b"BEGIN CERTIFICATE") == 1
        for der in split_pem(text)
        if hashlib.sha256(der).hexdigest() in labels.YUBICO_ROOTS
    )
    root = next(found)
    (tmp_path / "root.der").write_bytes(root)
    digest = hashlib.sha256(root).hexdigest()
    answer = bundle("trust", "add", "--anchor-hardware", tmp_path / "root.der")
    name = labels.YUBICO_ROOTS[digest]
    assert (answer.code, answer.err) == (0, "")
    assert f"{digest}  {name}  CN={name}" in answer.out
    answer = bundle("trust", "add", "--anchor", tmp_path / "root.der")
    assert answer.err == f"warning: {name} is published as a root of security keys, not as --anchor\n"


def test_remove(good: Path, bundle: Bundle) -> None:
    answer = bundle("trust", "remove", DIGEST.upper(), f"0x{OPENPGP}")
    assert answer.code == 0
    assert [line.endswith(" removed") for line in answer.out.splitlines()] == [True, True]
    assert [entry.digest for entry in entries(good)] == [PIV]
    before = good.read_bytes()
    answer = bundle("trust", "remove", PIV, STRANGER)
    assert (answer.code, answer.out) == (2, "")
    assert STRANGER in answer.err
    assert good.read_bytes() == before
    assert bundle("trust", "remove", PIV).code == 0
    assert entries(good) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no schema"),
        ("schema = [", "not TOML"),
        ('schema = "evidence-bundle-trust/2"', "written for another version"),
        ('schema = "evidence-bundle-trust/1"\nallow_sha1 = true', "nothing to trust as 'allow_sha1'"),
        ('schema = "evidence-bundle-trust/1"\n[[piv]]\nsha256 = "\x1b[2J"', "not TOML"),
        ('schema = "evidence-bundle-trust/1"\n[["\\u001b[2J"]]\nsha256 = ""', "nothing to trust as"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, said: str, good: Path, bundle: Bundle) -> None:
    good.write_text(text, encoding="utf-8")
    assert_refused(bundle, good, said)


@pytest.mark.parametrize("bits", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(bits: int, good: Path, bundle: Bundle) -> None:
    good.chmod(bits)
    assert_refused(bundle, good, f"{good} can be written by others")
    good.chmod(0o644)
    assert bundle("verify", vector(GOOD)).code == 0


def test_a_folder_that_others_can_write_is_refused(good: Path, bundle: Bundle) -> None:
    good.parent.chmod(0o770)
    assert_refused(bundle, good, f"{good.parent} can be written by others")
    good.parent.chmod(0o1777)  # there only owners replace files
    assert bundle("verify", vector(GOOD)).code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_of_somebody_else_is_refused(what: str, good: Path, bundle: Bundle) -> None:
    os.chown(good if what == "file" else good.parent, 1234, 1234)
    assert_refused(bundle, good, "belongs to another user (uid 1234)")


def test_a_link_is_followed_and_stays(good: Path, bundle: Bundle, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "trust.toml"
    real.parent.mkdir(mode=0o700)
    good.rename(real)
    good.symlink_to(real)
    assert bundle("verify", vector(GOOD)).code == 0
    assert bundle("trust", "add", "--openpgp", STRANGER).code == 0
    assert good.is_symlink()
    assert [entry.digest for entry in entries(real)] == [*sorted([OPENPGP, STRANGER]), PIV, DIGEST]
    real.parent.chmod(0o777)
    assert_refused(bundle, good, f"{real.parent} can be written by others")


def test_a_link_that_leads_nowhere_is_not_the_absence_of_trust(file: Path, bundle: Bundle) -> None:
    file.parent.mkdir(parents=True, mode=0o700)
    file.symlink_to(file.parent / "nowhere")
    assert bundle("verify", vector(GOOD)).code == 5
    assert bundle("trust", "add", "--openpgp", OPENPGP).code == 2
    assert [path.name for path in file.parent.iterdir()] == ["trust.toml"]
    file.unlink()
    file.symlink_to(file)
    assert bundle("verify", vector(GOOD)).code == 5


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_an_ordinary_file_is_read(kind: str, file: Path, bundle: Bundle) -> None:
    file.parent.mkdir(parents=True, mode=0o700)
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")
    assert_refused(bundle, file, "is not an ordinary file")


def test_a_huge_file_is_not_read(good: Path, bundle: Bundle) -> None:
    os.truncate(good, 10**9)
    assert_refused(bundle, good, f"more than {MAX_TRUST} bytes")


def test_what_cannot_be_read_is_an_error(file: Path, bundle: Bundle, tmp_path: Path) -> None:
    assert bundle("verify", vector(GOOD), "--trust", tmp_path / "absent").code == 5
    assert bundle("verify", vector(GOOD), "--trust", tmp_path).code == 5
    file.parent.parent.write_bytes(b"no folder")
    answer = bundle("trust", "add", "--openpgp", OPENPGP)
    assert (answer.code, answer.out) == (5, "")
    assert_plain(answer)


@pytest.mark.parametrize(
    "words",
    [
        ("add",),
        ("add", "--openpgp", "abc"),
        ("add", "--piv", OPENPGP),
        ("add", "--anchor", vector(GOOD)),
        ("add", "--openpgp", OPENPGP, "--note", "two\nlines"),
        ("add", "--openpgp", OPENPGP, "--note", "x" * (MAX_NOTE + 1)),
        ("add", "--openpgp", OPENPGP, "--note", "\udcff"),
        ("remove",),
        ("remove", "abc"),
        ("remove", OPENPGP),
        ("frobnicate",),
    ],
    ids=str,
)
def test_wrong_words_change_nothing(words: tuple[str, ...], file: Path, bundle: Bundle) -> None:
    answer = bundle("trust", *words)
    assert answer.code == 2
    assert_plain(answer)
    assert not file.exists()


@pytest.mark.parametrize("home", ["", "relative", None])
def test_without_a_home_nothing_is_known(
    home: str | None, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "also/relative")
    monkeypatch.delenv("HOME") if home is None else monkeypatch.setenv("HOME", home)
    assert bundle("verify", vector(GOOD)).code == 3
    for words in (("path",), ("add", "--openpgp", OPENPGP)):
        answer = bundle("trust", *words)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err.endswith("hint: --trust FILE\n")


def test_the_home_is_where_it_is_without_xdg(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".config" / "evidence-bundle" / "trust.toml"
    assert bundle("trust", "path").out == f"{file}\n"
    assert bundle("trust", "add", "--openpgp", OPENPGP).code == 0
    assert [mode(folder) for folder in (file.parent, file.parent.parent)] == [0o700, 0o700]
    assert entries(file) == (Entry(kind=Kind.OPENPGP, digest=OPENPGP),)


def test_a_full_disk_leaves_the_file_as_it_was(
    good: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = good.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    answer = bundle("trust", "add", "--openpgp", STRANGER)
    assert (answer.code, answer.out, answer.err) == (5, "", f"error: {good}: No space left on device\n")
    assert good.read_bytes() == before
    assert [path.name for path in good.parent.iterdir()] == ["trust.toml"]


def test_writers_at_the_same_time_lose_nothing(file: Path) -> None:
    wanted = [f"{number:040x}" for number in range(8)]
    started = [
        subprocess.Popen([SCRIPT, "trust", "add", "--openpgp", each], stdout=subprocess.DEVNULL)
        for each in wanted
    ]
    assert [each.wait(timeout=60) for each in started] == [0] * len(wanted)
    assert [entry.digest for entry in entries(file)] == wanted


def test_the_installed_command(file: Path) -> None:
    added = installed("trust", "add", "--openpgp", OPENPGP, "--anchor", ROOT)
    assert (added.code, added.err) == (0, "")
    assert installed("verify", vector(GOOD)).code == 0
    file.chmod(0o666)
    assert installed("verify", vector(GOOD)).code == 2
    assert installed("verify", vector(GOOD), "--no-trust").code == 3
