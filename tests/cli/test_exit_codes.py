# SPDX-License-Identifier: Apache-2.0
"""How commands end: exit codes, one `error:` line and a `hint:`, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import VECTORS, Bundle, Said, terms, vector

GOOD = "activation_whole"
SCRIPT = Path(sys.executable).with_name("bundle")


def run(*words: str | Path, **environment: str) -> Said:
    """The installed command in a process of its own."""
    done = subprocess.run(
        [SCRIPT, *words], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    return Said(done.returncode, done.stdout, done.stderr)


def assert_plain(said: Said) -> None:
    """One `error:` line, perhaps a `hint:`, and nothing of the program's inside."""
    assert re.fullmatch(r"error: [^\n]+\n(hint: [^\n]+\n)?", said.err)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ["verify", vector(GOOD), *terms(GOOD)]),
        (1, ["verify", vector("certify_wrong-magic"), *terms("certify_wrong-magic")]),
        (3, ["verify", vector(GOOD)]),
        (4, ["verify", vector("container_float")]),
    ],
)
def test_the_installed_command_ends_with_the_verdict(code: int, words: list[str | Path]) -> None:
    said = run(*words)
    assert said.code == code
    if code == 4:
        assert_plain(said)
        assert said.out == ""
    else:
        assert said.err == ""
        assert said.out.splitlines()[-1] == f"verdict: {('PASSED', 'FAILED', '', 'INDETERMINATE')[code]}"


def test_the_installed_command_ends_with_usage_and_device_errors(tmp_path: Path) -> None:
    usage, device = run("verify"), run("verify", tmp_path / "absent.evb")
    assert (usage.code, device.code) == (2, 5)
    assert_plain(usage)
    assert_plain(device)
    assert "absent.evb: No such file or directory" in device.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("verify", 2, "Missing argument"),
        ("verify FILE --frob", 2, "--frob"),
        ("frobnicate", 2, "frobnicate"),
        ("verify FILE --pin-openpgp abc", 2, "'abc' is not an OpenPGP fingerprint"),
        ("verify FILE --pin-piv abc", 2, "'abc' is not a SHA-256 digest"),
        ("verify FILE --at yesterday", 2, "'yesterday' is not a time"),
        ("verify FILE --allow everything", 2, "no relaxation 'everything'"),
        ("verify FILE --anchor FILE", 2, "holds no certificate"),
        ("verify FILE --anchor absent.der", 5, "absent.der: No such file"),
        ("verify FILE --previous absent.evb", 5, "absent.evb: No such file"),
        ("verify DIRECTORY", 5, "Is a directory"),
        ("verify EMPTY", 4, "wrong-magic at byte 0"),
        ("verify UNREADABLE", 5, "UNREADABLE"),
        ("inspect EMPTY", 4, "wrong-magic at byte 0"),
        ("extract FILE", 2, "say what to extract"),
        ("extract FILE nothing", 2, "there is no item nothing"),
        ("extract FILE --seal 9", 2, "there is no seal 9"),
        ("extract FILE --all", 2, "--all needs a directory"),
        ("extract FILE quote --tpm2-tools", 2, "goes with an item of role pcr-values"),
        ("explain ek.chian", 2, "no check 'ek.chian'"),
        ("capture -o new.evb --ak forever", 2, "no AK source 'forever'"),
        ("capture -o new.evb --ak-key rsa512", 2, "no AK type 'rsa512'"),
        ("capture -o new.evb --operator EMPTY", 2, "is neither a binary OpenPGP nor an X.509 certificate"),
        (
            "capture -o new.evb --operator CERT --tcti swtpm:path=/absent",
            5,
            "no TPM behind swtpm:path=/absent",
        ),
        ("recheck FILE --tcti nonsense:", 5, "no TPM behind nonsense:"),
        ("seal FILE --with gpg:x", 2, "say where to write"),
        ("seal FILE --with smoke:x -o new.evb", 2, "'smoke:x' is no signer"),
        ("seal FILE --with file:KEY -o new.evb", 2, "needs the key's certificate"),
        ("seal FILE --with file:FILE --cert CERT -o new.evb", 2, "holds no private key"),
        ("seal FILE --with file:OTHER_KEY --cert CERT -o new.evb", 1, "the new seal does not hold"),
        ("seal FILE --with gpg:nobody@test.invalid -o new.evb", 5, "nobody@test.invalid"),
    ],
)
def test_errors_are_plain(
    words: str, code: int, said: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # gpg sockets do not fit into the long paths of tests; this one is never used for a key
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))
    (tmp_path / "EMPTY").write_bytes(b"")
    (tmp_path / "DIRECTORY").mkdir()
    Path("UNREADABLE").symlink_to("UNREADABLE")  # root may read everything but this
    places = {
        "FILE": vector(GOOD),
        "CERT": VECTORS / "keys" / "operator-p256.der",
        "KEY": VECTORS / "keys" / "operator-p256.pem",
        "OTHER_KEY": VECTORS / "keys" / "operator-p384.pem",
    }
    for name, place in places.items():
        words = re.sub(rf"\b(?<!_){name}\b", str(place), words)
    answer = bundle(words)
    assert answer.code == code
    assert said in answer.err
    assert_plain(answer)
    assert not (tmp_path / "new.evb").exists()


def test_hostile_names_do_not_reach_the_terminal(bundle: Bundle) -> None:
    answer = bundle("verify", "\x1b[31mred\u202eevb")
    assert answer.code == 5
    assert "\\u{1b}[31mred\\u{202e}evb" in answer.err


def test_without_words_the_help_is_shown(bundle: Bundle) -> None:
    answer = bundle("")
    assert answer.code == 0
    assert "inspect" in answer.out
    assert "Exit codes" in answer.out


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"'{SCRIPT}' inspect '{vector(GOOD)}' --diag --full | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert done.stdout == b"55799(1163280945(\n"
    assert done.stderr == b""
