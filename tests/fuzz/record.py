# SPDX-License-Identifier: Apache-2.0
"""What fuzzing has come to: `record.json`, sums over all recorded runs, and its table in the README."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
RECORD, README = HERE / "record.json", HERE / "README.md"
BEGIN, END = "<!-- record -->\n", "<!-- end of record -->\n"
COLUMNS: Final = ("target", "executions", "a second", "corpus", "edges", "lines", "found")
HEAD: Final = f"| {' | '.join(COLUMNS)} |\n|---{'|---:' * (len(COLUMNS) - 1)}|\n"
_STATISTIC: Final = re.compile(r"^stat::(\w+): +(\d+)$", re.MULTILINE)
_STATUS: Final = re.compile(r"^#\d+\t.* cov: (\d+) ft: \d+ corp: (\d+)/", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one target. Sums over runs: `executions`, `seconds`, `found`. As the last run left it: the rest.

    `edges` are of the instrumented package, `corpus` the inputs that reach them; `lines` are reached of
    `of_lines` in the functions of the modules that the target enters. `found` counts crashes and slow inputs.
    """

    executions: int = 0
    seconds: int = 0
    found: int = 0
    edges: int = 0
    corpus: int = 0
    lines: int = 0
    of_lines: int = 0

    def plus(self, later: Figures) -> Figures:
        """These with one more run."""
        return replace(
            later,
            executions=self.executions + later.executions,
            seconds=self.seconds + later.seconds,
            found=self.found + later.found,
            edges=max(self.edges, later.edges),
        )

    def row(self, name: str) -> str:
        rate = self.executions // max(self.seconds, 1)
        share = f"{self.lines}/{self.of_lines} ({100 * self.lines // max(self.of_lines, 1)} %)"
        counts = f"{self.executions:,} | {rate:,} | {self.corpus} | {self.edges}"
        return f"| `{name}` | {counts} | {share} | {self.found} |\n"


def figures(output: str, *, found: int) -> Figures:
    """What the fuzzer printed. Raises ValueError where it did not come to its end."""
    counted, status = dict(_STATISTIC.findall(output)), _STATUS.findall(output)
    if "number_of_executed_units" not in counted or not status:
        raise ValueError("the fuzzer printed no figures")
    edges, corpus = map(int, status[-1])
    executions = int(counted["number_of_executed_units"])
    seconds = round(executions / max(int(counted["average_exec_per_sec"]), 1))
    return Figures(executions=executions, seconds=seconds, found=found, edges=edges, corpus=corpus)


def read() -> dict[str, Figures]:
    if not RECORD.exists():
        return {}
    return {name: Figures(**each) for name, each in json.loads(RECORD.read_text("utf-8")).items()}


def add(name: str, run: Figures) -> None:
    """Adds a run to the record and writes the table anew."""
    record = read()
    record[name] = record.get(name, Figures()).plus(run)
    text = json.dumps({key: asdict(record[key]) for key in sorted(record)}, indent=2)
    RECORD.write_text(text + "\n", "utf-8")
    README.write_text(with_table(README.read_text("utf-8"), record), "utf-8")


def with_table(text: str, record: dict[str, Figures]) -> str:
    """The README with the table of this record between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    whole = sum(each.executions for each in record.values())
    rows = "".join(record[name].row(name) for name in sorted(record))
    return f"{before}{BEGIN}{HEAD}{rows}\n{whole:,} executions in all.\n{END}{after}"
