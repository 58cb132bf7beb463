# SPDX-License-Identifier: Apache-2.0
"""The two verifiers, asked about the same cases: the package here, the second one in a process of its own."""

from __future__ import annotations

import json
import subprocess
import traceback
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import IO, Final, Self

from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.errors import MalformedError
from bundlefmt.verify import verify
from tests.interop.case import KEYS, Case
from tests.interop.run_vectors import Json
from tests.terms import policy_of

MAIN: Final = Path(__file__).resolve().parents[2] / "interop" / "javascript" / "main.js"
PATIENCE: Final = 30.0  # seconds for one answer, which is a disagreement of its own


def first(case: Case) -> Json:
    """What the package says: a report's findings and conclusions, or the fault of form, or what it raised."""
    try:
        bundle = Bundle.decode(case.bundle)
    except MalformedError as error:
        return {"error": error.code.value, "offset": error.offset}
    try:
        report = verify(
            bundle,
            policy_of(case.terms, KEYS),
            previous=None if case.previous is None else Bundle.decode(case.previous),
            confirmed=None if case.confirmed is None else Kept.decode(case.confirmed),
        )
    except Exception:  # whatever it is, the verifier should not have raised it
        return {"internal": traceback.format_exc()}
    return {
        "verdict": report.verdict.value,
        "findings": [
            {
                "check": each.check,
                "outcome": each.outcome.value,
                "items": list(each.items),
                "message": each.message,
            }
            for each in report.findings
        ],
        "conclusions": [{"id": each.id, "basis": each.basis.value} for each in report.conclusions],
    }


class Second:
    """The second verifier; it is asked about many cases before the first answer is read."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            ["node", MAIN, "batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asked = self._process.stdin
        self._answers: Queue[str] = Queue()
        Thread(target=_read, args=(self._process.stdout, self._answers), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()

    def ask(self, cases: Sequence[Case], folder: Path) -> None:
        """Writes the cases below a folder, and the questions."""
        for number, case in enumerate(cases):
            here = folder / str(number)
            self._put({"folder": str(here), "words": case.write(here)})

    def _put(self, question: Json) -> None:
        self._asked.write(f"{json.dumps(question)}\n")
        self._asked.flush()

    def answer(self) -> Json:
        """The next answer. Where there is none in time, the process is ended with all that it was asked."""
        try:
            said: Json = json.loads(self._answers.get(timeout=PATIENCE))
        except Empty:
            self._end()
            self._start()
            return {"internal": "no answer in time"}
        return said


def _read(lines: IO[str], answers: Queue[str]) -> None:
    for line in lines:
        answers.put(line)


def answers(second: Second, cases: Sequence[Case], folder: Path) -> list[tuple[Json, Json]]:
    """What both say of each case."""
    second.ask(cases, folder)
    ours = [first(case) for case in cases]
    theirs: list[Json] = []
    while len(theirs) < len(cases):
        theirs.append(second.answer())
        if "no answer" in theirs[-1].get("internal", ""):
            second.ask(cases[len(theirs) :], folder)
    return list(zip(ours, theirs, strict=True))
