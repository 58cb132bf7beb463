# SPDX-License-Identifier: Apache-2.0
"""The commands that ask a TPM, and the journal by which a ceremony goes on after it was broken off."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from bundletools.ceremony.journal import NAME, open_journal

from bundlefmt.cli.run import Exit
from bundlefmt.cli.run import run as ended
from bundlefmt.evidence.tpm import TpmtPublic
from tests.cli.conftest import VECTORS
from tests.faults import commands, trial
from tests.faults.commands import Command

_OPERATOR: Final = f"{VECTORS}/keys/operator-p256.der"
_CAPTURE: Final = ("capture", "--operator", _OPERATOR, "--withhold-template")
_CHALLENGE: Final = ("challenge", "b.evb", "-o", "c.evc", "--secret", "c.evk")


def _whole(name: str, data: bytes) -> None:
    if name.endswith(".ak.template"):
        TpmtPublic.decode(data)
    else:
        commands.decoded(name, data)


def asking(environment: Mapping[str, str]) -> dict[str, Command]:
    """Commands for the TPM that the environment names."""

    def before(*typed: tuple[str, ...]) -> Callable[[Path], None]:
        def prepare(folder: Path) -> None:
            for words in typed:
                done = trial.run(words, folder, environment=environment)
                if done.code:
                    raise AssertionError(f"{words}: {done}")

        return prepare

    captured = ("capture", "--operator", _OPERATOR, "-o", "b.evb")
    return {
        "capture": Command(
            words=(*_CAPTURE, "-o", "c.evb"),
            outputs=("c.ak.template", "c.evb"),
            prepare=before(),
            decode=_whole,
        ),
        "recheck -o": Command(
            words=("recheck", "b.evb", "-o", "n.evb"),
            outputs=("n.evb",),
            prepare=before(captured),
            decode=_whole,
        ),
        "answer": Command(
            words=("answer", "c.evc", "b.evb", "-o", "c.eva"),
            outputs=("c.eva",),
            prepare=before(captured, _CHALLENGE),
            decode=_whole,
        ),
    }


_PARTS: Final = {"one": b"made first", "two": b"made then"}


def _walk(*_: Any, **__: Any) -> int:
    """Two steps, each done once."""
    with open_journal(Path("folder"), "plan") as journal:
        for at, (step, part) in enumerate(_PARTS.items()):
            if not journal.done(step):
                journal.begin(step, at)
                journal.end(step, at, {step: part})
        for step, part in _PARTS.items():
            if journal.part(step, step) != part:
                return Exit.FAILED
    return Exit.PASSED


def _entries(name: str, data: bytes) -> None:
    """Whole lines, and at most one that a crash cut short."""
    if Path(name).name == NAME:
        for line in data.split(b"\n")[:-1]:
            json.loads(line)
    elif _PARTS[Path(name).name] != data:
        raise ValueError(name)


JOURNAL: Final = Command(
    words=(),
    outputs=tuple(f"folder/{name}" for name in (NAME, *_PARTS)),
    prepare=commands.nothing,
    decode=_entries,
    force=(),
    begin=lambda: ended(_walk),
)
