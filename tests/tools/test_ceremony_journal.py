# SPDX-License-Identifier: Apache-2.0
"""The journal: what a crash leaves of it, what was changed, and who may write."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from bundletools.ceremony.journal import NAME, open_journal

from bundlefmt.cli.run import UsageError

PLAN = "ab" * 32


def test_what_is_done_is_done_when_it_is_opened_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with open_journal(folder, PLAN) as journal:
        journal.begin("one", 10)
        assert (journal.begun("one"), journal.done("one")) == (True, False)
        journal.end("one", 20, {"part": b"made"})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "part").stat().st_mode) == 0o600
    with open_journal(folder, PLAN) as journal:
        assert journal.done("one")
        assert not journal.done("two")
        assert journal.part("one", "part") == b"made"
        assert journal.latest == 20


def test_every_cut_of_the_journal_opens_as_what_was_written_before(tmp_path: Path) -> None:
    with open_journal(tmp_path, PLAN) as journal:
        journal.end("one", 10, {})
        journal.end("two", 20, {})
    whole = (tmp_path / NAME).read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        (tmp_path / NAME).write_bytes(whole[:cut])
        with open_journal(tmp_path, PLAN) as journal:
            assert journal.done("one") is (cut >= ends[1])
            assert journal.done("two") is (cut >= ends[2])
            # what was cut short is gone, so that the next line is whole
            journal.end("three", 30, {})
        with open_journal(tmp_path, PLAN) as journal:
            assert journal.done("three")


def test_a_part_that_was_changed_is_refused(tmp_path: Path) -> None:
    with open_journal(tmp_path, PLAN) as journal:
        journal.end("one", 10, {"part": b"made"})
        (tmp_path / "part").write_bytes(b"Made")
        with pytest.raises(UsageError, match="not what step one made"):
            journal.part("one", "part")
        (tmp_path / "part").unlink()
        with pytest.raises(UsageError, match="not what step one made"):
            journal.part("one", "part")
        with pytest.raises(UsageError, match="not what step two made"):
            journal.part("two", "part")


@pytest.mark.parametrize("text", ["[]\n", "x\n", '{"plan": "other", "schema": 1}\n', "\n"])
def test_no_journal(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"not a journal|another plan"), open_journal(tmp_path, PLAN):
        pass


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    again = open_journal(tmp_path, PLAN)
    with open_journal(tmp_path, PLAN), pytest.raises(UsageError, match="at work"), again:
        pass
    with open_journal(tmp_path, PLAN):
        pass
