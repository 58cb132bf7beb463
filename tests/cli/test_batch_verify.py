# SPDX-License-Identifier: Apache-2.0
"""Many bundles judged: a line for each whatever it is, gone on with where it was broken off."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet
import pytest

from bundlefmt.cli.batch_verify import CODES
from bundlefmt.many import results
from bundlefmt.render import result
from tests import snapshots
from tests.cli.conftest import ROOT, Bundle, terms, vector
from tests.cli.test_exit_codes import SCRIPT
from tests.cli.test_process import on_a_terminal
from tests.json_schema import faults
from tests.test_vectors import JUDGED, REFUSED, said

SCHEMA = json.loads((ROOT / "spec" / "result.schema.json").read_text(encoding="utf-8"))
PINNED = ("--no-trust", "--pin-piv", snapshots.PIN)


def lines(text: str | Path) -> list[dict[str, Any]]:
    """What was written, each line as the schema has it."""
    found = text.read_text("ascii") if isinstance(text, Path) else text
    rows = [json.loads(line) for line in found.splitlines()]
    assert [fault for row in rows for fault in faults(row, SCHEMA)] == []
    return rows


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with twenty snapshots of one machine."""
    snapshots.written(tmp_path / "snapshots", "machine", 20)
    return tmp_path / "snapshots"


@pytest.mark.parametrize("name", REFUSED[::10])
def test_a_line_says_why_there_is_no_verdict(name: str, bundle: Bundle) -> None:
    answer = bundle("batch", "verify", vector(name), "--no-trust", "--jobs", "1")
    (line,) = lines(answer.out)
    assert (answer.code, line["verdict"], line["path"]) == (4, None, str(vector(name)))
    shown = bundle("inspect", vector(name), "--json").json["malformed"]
    expected = said(name)["expect"]
    assert line["error"]["code"] == shown["code"] == expected["error"]
    assert line["error"]["offset"] == shown["offset"] == expected["offset"]


@pytest.mark.parametrize("name", JUDGED[::60])
def test_a_line_says_what_verify_says(name: str, bundle: Bundle) -> None:
    alone = bundle("verify", vector(name), *terms(name), "--json")
    answer = bundle("batch", "verify", vector(name), *terms(name), "--jobs", "1")
    (line,) = lines(answer.out)
    assert (answer.code, line["path"]) == (alone.code, str(vector(name)))
    shown = alone.json
    assert (line["verdict"], line["manifest_sha256"]) == (shown["verdict"], shown["manifest_sha256"])
    assert line["conclusions"] == [
        {key: each[key] for key in ("id", "basis")} for each in shown["conclusions"]
    ]
    for outcome in ("failed", "indeterminate"):
        found = {each["check"] for each in line["findings"] if each["outcome"] == outcome}
        assert found <= {each["check"] for each in shown["findings"] if each["outcome"] == outcome}
    doubted = {each["check"] for each in shown["findings"] if each["outcome"] in ("failed", "indeterminate")}
    assert {each["check"] for each in line["findings"]} == doubted


def test_what_a_snapshot_states(machine: Path, bundle: Bundle) -> None:
    first, second, *_ = lines(bundle("batch", "verify", machine, *PINNED).out)
    assert first["previous"] is None
    assert second["previous"] == {"alg": "sha256", "value": first["manifest_sha256"]}
    assert second["created"] - first["created"] == snapshots.DAY
    assert second["ak_names"] == first["ak_names"] == [second["boots"][0]["ak_name"]]
    assert second["boots"][0]["clock"] == 2 * snapshots.DAY * 1000
    assert [tag["pcr"] for tag in second["pcrs"][0]["tags"]] == [0, 7]
    assert second["pcrs"] == first["pcrs"]


def test_whatever_is_wrong_with_one_is_its_line(machine: Path, bundle: Bundle) -> None:
    files = sorted(machine.iterdir())
    files[3].write_bytes(vector("certify_wrong-magic").read_bytes())
    files[5].write_bytes(files[5].read_bytes()[:-1])
    files[6].write_bytes(b"")
    os.mkfifo(machine / "pipe.evb")
    (machine / "loop.evb").symlink_to("loop.evb")
    answer = bundle("batch", "verify", machine, *PINNED, "--jobs", "2")
    found = {Path(line["path"]): line for line in lines(answer.out)}
    assert len(found) == 22
    assert found[files[3]]["verdict"] == "FAILED"
    assert found[files[5]]["error"]["code"] == "truncated"
    assert found[files[6]]["error"]["code"] == "wrong-magic"
    assert found[machine / "pipe.evb"]["error"]["code"] == "not-a-file"
    assert found[machine / "loop.evb"]["error"]["code"] == "unreadable"
    assert Counter(map(result.ended, found.values())) == {
        "PASSED": 17,
        "FAILED": 1,
        "malformed": 2,
        "unread": 2,
    }


@pytest.mark.parametrize(
    ("others", "code"),
    [
        ([], 0),
        (["seal_unpinned"], 3),
        (["seal_unpinned", "pipe"], 5),
        (["seal_unpinned", "pipe", "container_float"], 4),
        (["seal_unpinned", "pipe", "container_float", "certify_wrong-magic"], 1),
    ],
)
def test_the_worst_decides_the_exit_code(
    others: list[str], code: int, tmp_path: Path, bundle: Bundle
) -> None:
    snapshots.written(tmp_path, "machine", 2)
    for name in others:
        if name == "pipe":
            os.mkfifo(tmp_path / "pipe.evb")
        elif name == "seal_unpinned":
            # the whole ceremony, whose other identity is not pinned, and whose EK is not anchored
            (tmp_path / f"{name}.evb").write_bytes(vector("activation_whole").read_bytes())
        else:
            (tmp_path / f"{name}.evb").write_bytes(vector(name).read_bytes())
    assert bundle("batch", "verify", tmp_path, *PINNED, "--jobs", "1").code == code


def test_every_way_to_end_has_its_code() -> None:
    assert list(CODES) == list(result.WORST_FIRST)


def test_the_lines_do_not_depend_on_who_judges(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    for jobs in (1, 2, 3):
        written = bundle("batch", "verify", machine, *PINNED, "--jobs", str(jobs), "-o", tmp_path / f"{jobs}")
        assert (written.code, written.err) == (0, "")
        assert written.out == f"{tmp_path}/{jobs}: 20 bundles: 20 PASSED\n"
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes() == (tmp_path / "3").read_bytes()


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_engines_as_processes_say_nothing_of_their_own(name: str, machine: Path, tmp_path: Path) -> None:
    command = [SCRIPT, "batch", "verify", machine, *PINNED, "--jobs", "2", "--engine", name]
    done = subprocess.run([*command, "-o", tmp_path / "results"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == f"{tmp_path}/results: 20 bundles: 20 PASSED\n".encode()
    assert [line["verdict"] for line in lines(tmp_path / "results")] == ["PASSED"] * 20


@pytest.mark.parametrize("name", ["renewal_whole", "seal_timestamp"])
def test_what_depends_on_the_day_is_judged_anew(name: str, tmp_path: Path, bundle: Bundle) -> None:
    command = ("batch", "verify", vector(name), *terms(name), "--resume", "--jobs", "1", "-o", tmp_path / "r")
    command = ("batch", "verify", vector(name), *terms(name), "--jobs", "1", "-o", tmp_path / "r", "--resume")
    assert bundle(*command, "--now", "2026-02-01T00:00:00Z").code == 0
    assert bundle(*command, "--now", "2090-01-01T00:00:00Z").code == 3
    assert [line["verdict"] for line in lines(tmp_path / "r")] == ["PASSED", "INDETERMINATE"]


def test_going_on(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    """What was judged is not judged again, unless the file or what is demanded is another."""
    output = tmp_path / "results.ndjson"
    command = ("batch", "verify", machine, *PINNED, "--jobs", "1", "-o", output, "--resume")
    bundle(*command)
    whole = output.read_bytes()
    assert bundle(*command).out.endswith("20 bundles: 20 PASSED; 20 skipped, as they were\n")
    assert output.read_bytes() == whole
    changed = sorted(machine.iterdir())[4]
    changed.write_bytes(b"no bundle")
    answer = bundle(*command)
    assert answer.code == 4
    assert answer.out.endswith("20 bundles: 1 malformed, 19 PASSED; 19 skipped, as they were\n")
    assert output.read_bytes().startswith(whole)
    assert bundle(*command).code == 4
    found = list(results.lines(output))
    assert len(found) == 20
    assert {line["path"]: line["verdict"] for line in found}[str(changed)] is None
    answer = bundle(*command, "--allow", "withheld")
    assert answer.out.endswith("20 bundles: 1 malformed, 19 PASSED\n")
    assert len(lines(output)) == 41
    # that there is no verdict is no reason not to try again
    changed.unlink()
    os.mkfifo(changed)
    assert bundle(*command, "--allow", "withheld").code == 5
    assert bundle(*command, "--allow", "withheld").out.endswith("19 skipped, as they were\n")


@pytest.mark.parametrize("kept", [1, 300, 1200])
def test_a_line_that_was_torn_off(kept: int, machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    output = tmp_path / "results.ndjson"
    command = ("batch", "verify", machine, *PINNED, "--jobs", "1", "-o", output, "--resume")
    bundle(*command)
    whole = output.read_bytes()
    twelve = b"".join(whole.splitlines(keepends=True)[:12])
    output.write_bytes(whole[: len(twelve) + kept])
    assert len(list(results.lines(output))) == 12 + kept // len(whole.splitlines(keepends=True)[12])
    bundle(*command)
    assert output.read_bytes() == whole
    # where nothing is left to judge, what was torn off is gone all the same
    output.write_bytes(whole + whole[:kept].rstrip(b"\n"))
    bundle(*command)
    assert output.read_bytes() == whole


def test_what_is_no_file_of_results_is_left_alone(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    output = tmp_path / "results.ndjson"
    command = ("batch", "verify", machine, *PINNED, "--jobs", "1", "-o", output)
    for text in (b'{"schema":"evidence-bundle-result/2"}\n', b"a letter\n\n", b"[" * 100_000 + b"\n"):
        output.write_bytes(text)
        assert bundle(*command).err.startswith(f"error: {output} exists\n")
        answer = bundle(*command, "--resume")
        assert (answer.code, answer.err.startswith(f"error: {output}:1: no ")) == (2, True)
        assert output.read_bytes() == text
    assert bundle(*command, "--force").code == 0
    assert len(lines(output)) == 20


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_results_that_others_can_write_are_not_gone_on_with(
    mode: int, machine: Path, tmp_path: Path, bundle: Bundle
) -> None:
    """Whoever can write a line can write PASSED."""
    output = tmp_path / "results.ndjson"
    command = ("batch", "verify", machine, *PINNED, "--jobs", "1", "-o", output)
    before = os.umask(0o002)
    try:
        assert bundle(*command).code == 0
    finally:
        os.umask(before)
    assert bundle(*command, "--resume").code == 0
    output.chmod(mode)
    answer = bundle(*command, "--resume")
    assert answer.code == 2
    assert answer.err == f"error: {output} can be written by others: its verdicts are not your own\n"
    assert bundle(*command, "--force").code == 0


def test_two_runs_do_not_write_one_file(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    output = tmp_path / "results.ndjson"
    with output.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        answer = bundle("batch", "verify", machine, *PINNED, "-o", output, "--resume")
    assert (answer.code, answer.err) == (2, f"error: {output}: another run is writing it\n")


def test_results_that_cannot_be_written(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    answer = bundle("batch", "verify", machine, *PINNED, "-o", tmp_path / "absent" / "results")
    assert (answer.code, answer.err) == (5, f"error: {tmp_path}/absent/results: No such file or directory\n")
    os.mkfifo(tmp_path / "pipe")
    assert bundle("batch", "verify", machine, *PINNED, "-o", tmp_path / "pipe", "--resume").code == 2
    with Path("/dev/full").open("wb") as disk:
        command = [SCRIPT, "batch", "verify", machine, *PINNED]
        full = subprocess.run(command, stdout=disk, stderr=subprocess.PIPE, check=False)
    assert (full.returncode, full.stderr) == (5, b"error: No space left on device\n")


def children(process: int) -> set[int]:
    """Every process below this one."""
    found = {
        int(each)
        for task in Path(f"/proc/{process}/task").iterdir()
        for each in (task / "children").read_text().split()
    }
    return found.union(*map(children, found))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_is_gone_on_with(number: signal.Signals, tmp_path: Path, bundle: Bundle) -> None:
    """The same lines as of a run that nobody killed, and no process is left behind."""
    folder, output = tmp_path / "snapshots", tmp_path / "results.ndjson"
    snapshots.written(folder, "machine", 400)
    command = ["batch", "verify", folder, *PINNED, "--jobs", "2", "-o", output]
    with subprocess.Popen([SCRIPT, *command], stderr=subprocess.PIPE) as process:
        while not output.exists() or output.stat().st_size == 0:
            assert process.poll() is None
            time.sleep(0.01)
        below = children(process.pid)
        assert len(below) >= 2
        process.send_signal(number)
        assert process.wait() == (-number if number == signal.SIGKILL else 128 + number)
    assert 0 < len(list(results.lines(output))) < 400
    until = time.monotonic() + 20
    while any(map(is_alive, below)):
        assert time.monotonic() < until, "a process is left"
        time.sleep(0.05)
    answer = bundle(*command, "--resume")
    assert answer.code == 0
    assert " skipped, as they were" in answer.out
    bundle(*command[:-1], tmp_path / "undisturbed")
    assert lines(output) == lines(tmp_path / "undisturbed")


def test_a_bar_for_who_looks_on(machine: Path, tmp_path: Path) -> None:
    """On the terminal alone, gone when it is done; where lines are on the terminal there is none."""
    command = (SCRIPT, "batch", "verify", machine, *PINNED, "--jobs", "2")
    code, shown = on_a_terminal(*command, "-o", tmp_path / "results")
    assert code == 0
    assert b"0/20" in shown and b"20/20" in shown
    assert shown.endswith(f"{tmp_path}/results: 20 bundles: 20 PASSED\r\n".encode())
    assert len(lines(tmp_path / "results")) == 20
    code, shown = on_a_terminal(*command)
    assert code == 0
    assert b"0/20" not in shown
    assert len(lines(shown.decode("ascii").replace("\r\n", "\n"))) == 20


def test_urls(machine: Path, bundle: Bundle) -> None:
    system = fsspec.filesystem("memory")
    system.put(str(machine), "/batch/", recursive=True)
    try:
        behind = lines(bundle("batch", "verify", "memory://batch", *PINNED, "--jobs", "1").out)
    finally:
        system.rm("/batch", recursive=True)
    here = lines(bundle("batch", "verify", f"file://{machine}", *PINNED, "--jobs", "2").out)
    assert len(here) == len(behind) == 20
    assert {row["path"].partition("://")[0] for row in here + behind} == {"file", "memory"}
    assert [row["sha256"] for row in here] == [row["sha256"] for row in behind]


def test_parquet(machine: Path, tmp_path: Path, bundle: Bundle) -> None:
    (machine / "broken.evb").write_bytes(b"no bundle")
    (machine / os.fsdecode(b"latin-\xe9.evb")).write_bytes(b"no bundle")
    rows, columns, again = tmp_path / "r.ndjson", tmp_path / "r.parquet", tmp_path / "again.parquet"
    answer = bundle("batch", "verify", machine, *PINNED, "-o", rows, "--parquet", columns)
    assert answer.code == 4
    assert answer.out == f"{rows} and {columns}: 22 bundles: 2 malformed, 20 PASSED\n"
    assert bundle("batch", "verify", machine, *PINNED, "-o", again).code == 4
    table = pyarrow.parquet.read_table(columns)
    assert table.equals(pyarrow.parquet.read_table(again))
    assert set(table.column_names) == set(SCHEMA["properties"])
    expected = lines(rows)
    for row in expected:
        row["path"] = row["path"].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    assert table.to_pylist() == expected
    assert bundle("batch", "verify", machine, *PINNED, "-o", columns).code == 2
    assert bundle("batch", "verify", machine, *PINNED, "-o", columns, "--force").code == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume"], "--resume goes on with a file of lines"),
        (["--resume", "-o", "x.parquet"], "--resume goes on with a file of lines"),
        (["-o", "x.parquet", "--parquet", "y.parquet"], "-o and --parquet both name Parquet files"),
        (["--engine", "spark"], "there is no engine 'spark'"),
        (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler is for --engine dask or ray"),
        (["--jobs", "0"], "--jobs"),
        (["--previous", "x"], "--previous"),
    ],
)
def test_what_is_asked_for_wrongly(words: list[str], said: str, machine: Path, bundle: Bundle) -> None:
    answer = bundle("batch", "verify", machine, *words)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [
        ("fsspec.core", ["memory://x"], "batch"),
        ("pyarrow.parquet", ["SNAPSHOTS", "-o", "r.parquet"], "batch"),
        ("distributed", ["SNAPSHOTS", "--engine", "dask"], "dask"),
        ("ray", ["SNAPSHOTS", "--engine", "ray"], "ray"),
    ],
)
def test_a_missing_library_is_told_by_its_extra(
    module: str, words: list[str], extra: str, machine: Path, monkeypatch: pytest.MonkeyPatch, bundle: Bundle
) -> None:
    def without(name: str) -> Any:
        assert name == module
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr("bundlefmt.many.extra.import_module", without)
    answer = bundle("batch", "verify", *(str(machine) if word == "SNAPSHOTS" else word for word in words))
    assert answer.code == 2
    error, hint = answer.err.splitlines()
    assert error.startswith("error: missing-extra: ") and error.endswith(f" needs the extra {extra!r}")
    assert hint == f"hint: pip install 'evidence-bundle[{extra}]'"


def test_a_policy_file_decides_the_digest_not_its_comments(
    machine: Path, tmp_path: Path, bundle: Bundle
) -> None:
    def digest(text: str, *more: str) -> str:
        policy = tmp_path / "policy.toml"
        policy.write_text(f'schema = "evidence-bundle-policy/1"\n{text}')
        policy.chmod(0o600)
        words = ("--no-trust", "--policy", policy, *more, "--jobs", "1")
        (found,) = {line["policy_sha256"] for line in lines(bundle("batch", "verify", machine, *words).out)}
        return str(found)

    ends = "[algorithms]\nECC-256 = 2030-01-01\n"
    assert digest("") == digest("# a word\n")
    assert digest("") != digest(ends, "--now", "2026-01-01")
    assert digest(ends, "--now", "2026-01-01") == digest(ends, "--now", "2027-01-01")
    assert digest(ends, "--now", "2026-01-01") != digest(ends, "--now", "2031-01-01")
