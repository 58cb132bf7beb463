# SPDX-License-Identifier: Apache-2.0
"""What a check is: an id and a function that judges a context. The areas' modules hold the checks themselves.

A check of one item returns the sentence of what it found, or raises `Fail`, `Unsure` or `Skip`.
Spec: "Checks".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from bundlefmt.frozen import frozen
from bundlefmt.verify.context import Context, Judgement
from bundlefmt.verify.findings import Finding, Outcome


@frozen(kw_only=False)
class Result:
    """A finding whose check is not yet named."""

    outcome: Outcome
    items: tuple[str, ...]
    message: str


@frozen(kw_only=False)
class Check:
    """`id` is the section of `spec/checks.md`; it is never renamed."""

    id: str
    judge: Callable[[Context], Iterable[Result]]

    def run(self, context: Context) -> tuple[Finding, ...]:
        """At least one finding: a check with nothing to look at is skipped, and says so."""
        results = tuple(self.judge(context)) or (Result(Outcome.SKIPPED, (), "nothing of this kind here"),)
        return tuple(
            Finding(check=self.id, outcome=result.outcome, items=result.items, message=result.message)
            for result in results
        )


def judged(items: tuple[str, ...], decide: Callable[[], str]) -> Result:
    """The result of one decision."""
    try:
        return Result(Outcome.PASSED, items, decide())
    except Judgement as judgement:
        return Result(judgement.outcome, items, str(judgement))


def each(
    roles: tuple[str, ...], decide: Callable[[Context, str], str]
) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides for each item of `roles`, in label order."""

    def judge(context: Context) -> Iterator[Result]:
        for label in context.labels(*roles):
            yield judged((label,), partial(decide, context, label))

    return judge


def numbered(
    name: str, numbers: Callable[[Context], Iterable[int]], decide: Callable[[Context, int], str]
) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides for each seal or renewal, counted from zero; findings count them from one."""

    def judge(context: Context) -> Iterator[Result]:
        for number in numbers(context):
            yield judged((f"{name} {number + 1}",), partial(decide, context, number))

    return judge


def once(decide: Callable[[Context], str]) -> Callable[[Context], Iterator[Result]]:
    """The judge that decides once, of no item in particular."""

    def judge(context: Context) -> Iterator[Result]:
        yield judged((), partial(decide, context))

    return judge
