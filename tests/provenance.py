# SPDX-License-Identifier: Apache-2.0
"""The corpus' provenance tables, read when tests are collected: each file of a kind is a case."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

CORPUS: Final = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@dataclass(frozen=True, slots=True)
class Provenance:
    """One file of the corpus and how far its source's verdict goes (`basis`; a guess is `inferred`)."""

    file: str
    expected: str
    basis: str
    checked: str

    def __str__(self) -> str:
        return self.file


ABSENT: Final = Provenance(file="corpus-absent", expected="", basis="", checked="")


def cases(folder: str, *patterns: str) -> list[Provenance]:
    """The files of `folder` whose names match a pattern; without a corpus one case, for `corpus` to judge."""
    table = CORPUS / folder / "PROVENANCE.tsv"
    if not table.is_file():
        return [ABSENT]
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    found = [
        Provenance(
            file=row["file"],
            expected=row["expected"],
            basis=row["verdict_basis"],
            checked=row["independent_check_by_collector"],
        )
        for row in rows
        if any(fnmatch(row["file"], pattern) for pattern in patterns)
    ]
    if not found:
        raise LookupError(f"no file of {folder} matches {patterns}")
    return found
