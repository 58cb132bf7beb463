# SPDX-License-Identifier: Apache-2.0
"""What is done with one bundle among many, in whichever process: read, judge, write the line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from bundlefmt.bundle import Bundle
from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.many.places import Place, UnreadError, read
from bundlefmt.render import result
from bundlefmt.verify import Policy, verify
from bundlefmt.verify.policy_digest import policy_digest
from bundlefmt.verify.seal_stamps import tells_time


@frozen
class Terms:
    """What all bundles are judged under; `policy` None: nothing is judged, only what they state is taken.

    `present` is the verifier's, for those with renewals; seconds since the epoch.
    """

    policy: Policy | None
    digest: bytes | None
    present: int = 0

    @classmethod
    def of(cls, policy: Policy | None, present: int = 0) -> Terms:
        return cls(policy=policy, digest=None if policy is None else policy_digest(policy), present=present)


@frozen(kw_only=False)
class Task:
    """A place, and the SHA-256 of the bytes that there is a line of already."""

    place: Place
    known: bytes | None = None


@frozen(kw_only=False)
class Done:
    """How it ended, in a word, and the line; no line where the bytes are those that were known."""

    name: str
    ended: str
    line: bytes | None


def work(terms: Terms, tasks: Iterable[Task]) -> list[Done]:
    """One after the other; whatever is wrong with one is its line, and the others follow."""
    return [_one(terms, task) for task in tasks]


def died(terms: Terms, task: Task) -> Done:
    """The line of a bundle whose judge did not survive it."""
    why = "the process that judged it ended: out of memory, or a fault of a library"
    return _done(terms, task, result.troubled(task.place.name, result.Trouble.WORKER_DIED, why))


def _one(terms: Terms, task: Task) -> Done:
    name = task.place.name
    try:
        data = read(task.place)
    except UnreadError as error:
        return _done(terms, task, result.troubled(name, error.code, error.message))
    except MalformedError as error:
        return _done(terms, task, result.malformed(name, b"", error) | {"size": None, "sha256": None})
    if task.known is not None and hashlib.sha256(data).digest() == task.known:
        return Done(name, "", None)
    return _done(terms, task, _judged(terms, name, data))


def _judged(terms: Terms, name: str, data: bytes) -> result.Line:
    try:
        bundle = Bundle.decode(data)
        if terms.policy is None:
            return result.stated(name, data, bundle)
        policy = terms.policy.at_present(terms.present, timed=tells_time(bundle))
        return result.judged(name, data, bundle, verify(bundle, policy))
    except MalformedError as error:
        return result.malformed(name, data, error)
    except Exception as error:  # a fault of the verifier with one bundle must not cost the others their lines
        return result.troubled(name, result.Trouble.INTERNAL, f"{type(error).__name__}: {error}")


def _done(terms: Terms, task: Task, line: result.Line) -> Done:
    return Done(task.place.name, result.ended(line), result.encode(line, terms.digest))
