# SPDX-License-Identifier: Apache-2.0
"""How a policy document is read: strictly, and to its end, so that all its mistakes are told at once.

Spec: "Policies".
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.primitive import is_primitive
from bundlefmt.evidence.toml_place import Path, Places
from bundlefmt.evidence.toml_text import decode_toml
from bundlefmt.frozen import frozen
from bundlefmt.verify.findings import Basis
from bundlefmt.verify.policy import RELAXATIONS
from bundlefmt.verify.policy_document import SCHEMA, AnchorFile, PolicyDocument, ReferenceFile
from bundlefmt.verify.required import STRONGEST
from bundlefmt.verify.trust import (
    IDENTITIES,
    MAX_NOTE,
    MAX_TRUST,
    SHA256,
    WITH_CERTIFICATE,
    Entry,
    Kind,
    Trust,
    decode_entry,
)
from bundlefmt.wire import Buffer

MAX_POLICY: Final = MAX_TRUST
MAX_FILE_NAME: Final = 1024  # characters
MAX_MISTAKES: Final = 100  # told of one document
ALLOWABLE: Final = tuple(name.removeprefix("allow_").replace("_", "-") for name in RELAXATIONS)
_FAMILY: Final = SCHEMA.rpartition("/")[0]
_PLAIN: Final = (
    "schema",
    "note",
    "at",
    "allow",
    "require-no-advisories",
    "require",
    "algorithms",
    "reference",
)
_LINE: Final = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")
_LAST: Final = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)


@frozen
class Mistake:
    """Something wrong with a document; `line` is counted from one, None where none can be told."""

    line: int | None
    message: str
    code: Code = Code.BAD_VALUE

    def __str__(self) -> str:
        return self.message if self.line is None else f"line {self.line}: {self.message}"


class MistakesError(MalformedError):
    """A document with mistakes: the first as error, all of them as `mistakes`, in the order of lines."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda each: each.line or 0))[:MAX_MISTAKES]
        first = self.mistakes[0]
        super().__init__(first.code, str(first), offset=0, path="policy document")


def decode_policy(data: Buffer) -> PolicyDocument:
    """Raises MistakesError, also for unknown members: what is not understood is not demanded."""
    if len(data) > MAX_POLICY:
        raise MistakesError(
            [Mistake(line=None, message=f"more than {MAX_POLICY} bytes", code=Code.SIZE_LIMIT)]
        )
    try:
        text = bytes(data).decode("utf-8")
        members = decode_toml(text)
    except ValueError as error:
        found = _LINE.search(str(error))
        message = f"not TOML: {_LINE.sub('', str(error)).strip()[:120]}"
        raise MistakesError([Mistake(line=int(found[1]) if found else None, message=message)]) from None
    reading = _Reading(members, Places.of(text))
    document = reading.document()
    if reading.mistakes:
        raise MistakesError(reading.mistakes)
    return document


class _Reading:
    """One document, and what is wrong with it so far."""

    def __init__(self, members: Mapping[str, Any], places: Places) -> None:
        self._members = members
        self._places = places
        self.mistakes: list[Mistake] = []

    def document(self) -> PolicyDocument:
        schema = self._members.get("schema")
        if schema != SCHEMA:
            later = isinstance(schema, str) and schema.rpartition("/")[0] == _FAMILY
            self._fault(
                ("schema",), "written for another version" if later else f'there is no schema = "{SCHEMA}"'
            )
            return PolicyDocument()
        for name in self._members:
            if name not in (*_PLAIN, *Kind):
                self._fault((name,), f"a policy has no {name!r:.40}", Code.UNKNOWN_MEMBER)
        must_seal: list[tuple[Kind, str]] = []
        anchors: list[AnchorFile] = []
        entries = [entry for kind in Kind for entry in self._entries(kind, must_seal, anchors)]
        self._refuse_twice(entries, anchors)
        return PolicyDocument(
            trust=Trust().plus(*entries),
            must_seal=frozenset(must_seal),
            anchor_files=tuple(anchors),
            reference_files=tuple(self._references()),
            require=dict(self._requirements()),
            algorithms=dict(self._algorithms()),
            allow=tuple(self._allowed()),
            require_no_advisories=self._truth(("require-no-advisories",), self._members),
            at=self._at(),
            note=self._note((), self._members),
        )

    def _fault(self, path: Path, message: str, code: Code = Code.BAD_VALUE) -> None:
        self.mistakes.append(Mistake(line=self._places.line(path), message=message, code=code))

    def _table(self, name: str) -> Mapping[str, Any]:
        found = self._members.get(name, {})
        if not isinstance(found, dict):
            self._fault((name,), f"{name} is written as [{name}]", Code.WRONG_TYPE)
            return {}
        return found

    def _rows(self, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        rows = self._members.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._fault((name,), f"{name} is written as [[{name}]]", Code.WRONG_TYPE)
            return
        yield from (((name, number), dict(row)) for number, row in enumerate(rows))

    def _truth(self, path: Path, members: Mapping[str, Any]) -> bool:
        """A member that is true or absent: false says nothing and may be a mistake."""
        if path[-1] not in members:
            return False
        if members[str(path[-1])] is not True:
            self._fault(path, f"{path[-1]} is true, or left out", Code.WRONG_TYPE)
        return True

    def _note(self, path: Path, members: Mapping[str, Any]) -> str:
        note = members.get("note", "")
        if not isinstance(note, str) or len(note) > MAX_NOTE or not note.isprintable():
            self._fault((*path, "note"), f"a note is one line of at most {MAX_NOTE} characters")
            return ""
        return note

    def _entries(
        self, kind: Kind, must_seal: list[tuple[Kind, str]], anchors: list[AnchorFile]
    ) -> Iterator[Entry]:
        for path, row in self._rows(kind):
            pinned = kind in IDENTITIES and self._truth((*path, "must-seal"), row)
            if kind in IDENTITIES:
                row.pop("must-seal", None)
            if kind in WITH_CERTIFICATE and "file" in row:
                if (named := self._named(path, row)) is not None:
                    anchors.append(AnchorFile(kind=kind, digest=named[0], file=named[1], note=named[2]))
                continue
            try:
                entry = decode_entry(kind, row)
            except MalformedError as error:
                self._fault(path, error.message, error.code)
                continue
            if pinned:
                must_seal.append((kind, entry.digest))
            yield entry

    def _named(self, path: Path, row: Mapping[str, Any]) -> tuple[str, str, str] | None:
        """(digest, file name, note) of something in a file."""
        before = len(self.mistakes)
        for name in sorted(set(row) - {"sha256", "file", "note"}):
            self._fault((*path, name), f"what is in a file has no {name!r:.40}", Code.UNKNOWN_MEMBER)
        for name in ("sha256", "file"):
            if name not in row:
                self._fault(path, f"{name} is missing", Code.MISSING_MEMBER)
        digest, file = row.get("sha256", ""), row.get("file", "")
        if "sha256" in row and not (isinstance(digest, str) and SHA256.fullmatch(digest)):
            self._fault((*path, "sha256"), "sha256 is 64 digits of lower-case hexadecimal")
        good = isinstance(file, str) and file.isprintable() and 0 < len(file) <= MAX_FILE_NAME
        if "file" in row and not good:
            self._fault((*path, "file"), f"a file has a name of 1 to {MAX_FILE_NAME} characters")
        note = self._note(path, row)
        return (digest, file, note) if len(self.mistakes) == before else None

    def _refuse_twice(self, entries: list[Entry], anchors: list[AnchorFile]) -> None:
        seen: set[tuple[Kind, str]] = set()
        every: list[Entry | AnchorFile] = [*entries, *anchors]
        for each in every:
            if (each.kind, each.digest) in seen:
                self._fault((each.kind,), f"{each.kind} {each.digest} stands twice", Code.DUPLICATE_KEY)
            seen.add((each.kind, each.digest))

    def _references(self) -> Iterator[ReferenceFile]:
        for path, row in self._rows("reference"):
            if (named := self._named(path, row)) is not None:
                yield ReferenceFile(digest=named[0], file=named[1], note=named[2])

    def _requirements(self) -> Iterator[tuple[str, Basis]]:
        for name, wanted in self._table("require").items():
            path = ("require", name)
            if name not in STRONGEST:
                self._fault(path, f"there is no conclusion {name!r:.40}", Code.UNKNOWN_MEMBER)
            elif wanted not in (Basis.PROVEN, Basis.VOUCHED):
                self._fault(path, f'a conclusion is required as "{Basis.PROVEN}" or "{Basis.VOUCHED}"')
            elif not STRONGEST[name].suffices(Basis(wanted)):
                self._fault(path, f"{name} is {STRONGEST[name]} at best, in every bundle")
            else:
                yield name, Basis(wanted)

    def _algorithms(self) -> Iterator[tuple[str, int]]:
        for name, end in self._table("algorithms").items():
            if not is_primitive(name):
                hint = "RSA-2048, ECC-256, ML-DSA-65, SHA-256 and the like"
                self._fault(
                    ("algorithms", name), f"there is no algorithm {name!r:.40}: {hint}", Code.UNKNOWN_MEMBER
                )
                continue
            moment = self._moment(("algorithms", name), end, dates=True)
            if moment is not None:
                yield name, moment

    def _allowed(self) -> Iterator[str]:
        names = self._members.get("allow", [])
        if not isinstance(names, list):
            self._fault(("allow",), "allow is a list of names", Code.WRONG_TYPE)
            return
        for number, name in enumerate(names):
            if name not in ALLOWABLE:
                known = f"one of {', '.join(ALLOWABLE)}"
                self._fault(("allow",), f"there is no relaxation {name!r:.40}: {known}", Code.UNKNOWN_MEMBER)
            elif name in names[:number]:
                self._fault(("allow",), f"{name} stands twice", Code.DUPLICATE_KEY)
            else:
                yield name

    def _at(self) -> int | None:
        return self._moment(("at",), self._members["at"], dates=False) if "at" in self._members else None

    def _moment(self, path: Path, value: object, *, dates: bool) -> int | None:
        """Seconds since the epoch of a time in whole seconds or of where a day begins in UTC."""
        if dates and isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            value = datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
        if isinstance(value, datetime.datetime) and value.tzinfo is not None and not value.microsecond:
            seconds = int(value.timestamp())
            if 0 <= seconds <= int(_LAST.timestamp()):
                return seconds
        day = "2035-01-01 or " if dates else ""
        self._fault(path, f"{path[-1]} is a time with its zone, from 1970 on: {day}2026-11-24T12:00:00Z")
        return None
