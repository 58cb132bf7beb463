# SPDX-License-Identifier: Apache-2.0
"""Who judges: the same lines from each engine, and what is left when a process of one dies."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass, field

import pytest

from bundlefmt.many.engine import Here, started
from bundlefmt.many.places import Place, places
from bundlefmt.many.run import GROUP, run
from bundlefmt.many.work import Done, Task, Terms, work
from bundlefmt.render.result_reading import decode
from tests import snapshots

TERMS = Terms.of(snapshots.POLICY)
COUNT = 3 * GROUP + 5


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    folder = tmp_path_factory.mktemp("snapshots")
    snapshots.written(folder, "machine", COUNT - 1)
    (folder / "broken.evb").write_bytes(b"no bundle")
    return list(map(Task, places([str(folder)])))


@pytest.fixture(scope="module")
def alone(tasks: list[Task]) -> list[Done]:
    return work(TERMS, tasks)


@pytest.mark.parametrize("jobs", [1, 2])
def test_processes_of_this_machine(jobs: int, tasks: list[Task], alone: list[Done]) -> None:
    with started("local", TERMS, jobs) as judges:
        assert list(run(judges, TERMS, tasks)) == alone
    assert [done.ended for done in alone] == ["malformed", *["PASSED"] * (COUNT - 1)]


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_dask_and_ray(name: str, tasks: list[Task], alone: list[Done]) -> None:
    with started(name, TERMS, 2) as judges:
        assert judges.jobs == 2
        assert list(run(judges, TERMS, tasks)) == alone


def test_a_scheduler_that_runs_elsewhere(tasks: list[Task], alone: list[Done]) -> None:
    """Two processes, and the one that asks ends without ending them."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="ERROR"
    ) as cluster:
        for _ in range(2):
            with started("dask", TERMS, 1, cluster.scheduler_address) as judges:
                assert judges.jobs == 2
                assert list(run(judges, TERMS, tasks)) == alone


class Deadly(Place):
    """Whoever reads it is gone; it is sent by its name alone."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    @property
    def root(self) -> str | None:  # type: ignore[override] # what a place has as a field
        os._exit(9)

    def __reduce__(self) -> tuple[object, ...]:
        return Deadly, (self.name,)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("local", [0]),
        ("local", [GROUP + 3]),
        ("local", [2, 3, 2 * GROUP]),
        ("local", [COUNT - 1]),
        ("dask", [GROUP + 3]),
        ("ray", [GROUP + 3]),
    ],
)
def test_a_process_that_dies_costs_one_line(
    name: str, numbers: list[int], tasks: list[Task], alone: list[Done]
) -> None:
    given = [
        Task(Deadly(task.place.name)) if number in numbers else task for number, task in enumerate(tasks)
    ]
    with started(name, TERMS, 2) as judges:
        found = list(run(judges, TERMS, given))
    assert [done.name for done in found] == [done.name for done in alone]
    for number, (done, whole) in enumerate(zip(found, alone, strict=True)):
        if number in numbers:
            assert done.line is not None
            assert (done.ended, decode(done.line)["error"]["code"]) == ("unread", "worker-died")
        else:
            assert done == whole


@dataclass
class Counting:
    """Judges nobody, and counts what is under way; `died` are places whose process dies."""

    jobs: int
    died: frozenset[str] = frozenset()
    deaths: tuple[type[BaseException], ...] = (BrokenExecutor,)
    under_way: int = 0
    most: int = 0
    restarts: int = 0
    seen: list[str] = field(default_factory=list)

    def submit(self, tasks: Sequence[Task]) -> Future[list[Done]]:
        self.under_way += len(tasks)
        self.most = max(self.most, self.under_way)
        self.seen += [task.place.name for task in tasks]
        future: Future[list[Done]] = Future()
        if self.died & {task.place.name for task in tasks}:
            future.set_exception(BrokenExecutor())
        else:
            future.set_result([Done(task.place.name, "PASSED", b"") for task in tasks])
        return future

    def restart(self) -> None:
        self.restarts += 1


def test_no_more_is_under_way_than_the_window() -> None:
    """Also of a folder without an end: it is listed as fast as it is judged."""
    listed = 0

    def endless() -> Iterator[Task]:
        nonlocal listed
        while True:
            listed += 1
            yield Task(Place(str(listed)))

    counting = Counting(jobs=3)
    found = run(counting, TERMS, endless())
    for number in range(1, 2000):
        assert next(found).name == str(number)
        counting.under_way -= 1
        assert listed - number <= 3 * 5 * GROUP
    assert counting.most <= 3 * 5 * GROUP


def test_after_a_death_each_is_judged_and_none_twice() -> None:
    names = [str(number) for number in range(10 * GROUP)]
    counting = Counting(jobs=2, died=frozenset({"7", "40"}))
    found = list(run(counting, TERMS, (Task(Place(name)) for name in names)))
    assert [done.name for done in found] == names
    assert [done.name for done in found if done.ended != "PASSED"] == ["7", "40"]


def test_a_fault_of_the_verifier_is_a_line(tasks: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr("bundlefmt.many.work.verify", broken)
    found = list(run(Here(TERMS), TERMS, tasks[:3]))
    assert found[0].ended == "malformed"
    assert found[1].line is not None
    error = decode(found[1].line)["error"]
    assert error["code"] == "internal"
    assert error["message"] == "RecursionError: maximum recursion depth exceeded"


def test_memory_does_not_grow_with_the_number(tasks: list[Task]) -> None:
    """Ten times as many bundles, no more memory: nothing is kept of those that are done."""

    def peak_after(times: int) -> int:
        for _ in run(Here(TERMS), TERMS, (task for _ in range(times) for task in tasks)):
            pass
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = peak_after(1)
    assert peak_after(10) - before < 2**12  # KiB; a report takes tens of them
