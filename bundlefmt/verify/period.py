# SPDX-License-Identifier: Apache-2.0
"""From when the policy no longer takes signatures by an algorithm, unless they are known to be older.

Spec: "Policies", algorithms.
"""

from __future__ import annotations

from collections.abc import Iterable

from bundlefmt.evidence.primitive import covers
from bundlefmt.moment import when
from bundlefmt.verify.context import Fail, Unsure
from bundlefmt.verify.policy import Policy


def ended(policy: Policy, used: Iterable[str]) -> tuple[str, int] | None:
    """The first that ended of what a signature was made with, and when; None where all still counts.

    A verifier who does not say what time it is has reached every date.
    """
    ends = [(end, name) for each in used for name, end in policy.algorithms.items() if covers(name, each)]
    if not ends or (policy.now is not None and policy.now < min(ends)[0]):
        return None
    end, name = min(ends)
    return name, end


def require_counts(policy: Policy, used: Iterable[str], *, claimed: int) -> None:
    """Raises Unsure where a signature has to be older than can be shown, Fail where it says it is not.

    `claimed` is when it was made by its maker's word, seconds since the epoch.
    """
    found = ended(policy, used)
    if found is None:
        return
    name, end = found
    if claimed >= end:
        raise Fail(f"made by {name} at {when(claimed)} by its own word; the policy ends that at {when(end)}")
    raise Unsure(f"made by {name}, which the policy ends at {when(end)}: that it is older is not shown here")
