# SPDX-License-Identifier: Apache-2.0
"""The mapping file of an import, in TOML: which file is which item, in which role, with which references.

`bundle import --plan` writes one, to be edited. `created` (seconds since 1970), `nonce` (hexadecimal:
what the quotes repeat), optional `title` and `previous` (SHA-256 of the manifest before); `[[signers]]`
with `item` and `part`; for each label `[items.LABEL]` with `file`, `role`, and where they are wanted
`form` (how the file differs from the native bytes), `type`, `refs`, `claimed`, `detached`, and `answer`,
the file of what a TPM answered to a credential. `[left-out]` says why files are no items, and nothing
follows from it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from bundlefmt.frozen import frozen
from bundlefmt.manifest import Refs
from bundletools.artifacts import Form

SCHEMA: Final = "evidence-bundle-import/1"
_TOP: Final = ("schema", "created", "nonce", "title", "previous", "signers", "items", "left-out")
_ITEM: Final = ("file", "role", "type", "form", "answer", "refs", "claimed", "detached")
_INTEGERS: Final = range(-(2**63), 2**63)


class MappingError(ValueError):
    """A mapping file that cannot be used; the message says why."""


@frozen
class Entry:
    """One item: the file it is in, and in which form; `answer` names the file of a credential's answer."""

    file: str
    role: str
    form: str = Form.NATIVE
    type: str | None = None
    answer: str | None = None
    refs: Refs = field(default_factory=dict)
    claimed: Mapping[str, object] = field(default_factory=dict)
    detached: bool = False


@frozen
class Plan:
    """The whole file. `signers` are (label, part); `left_out` says why files are no items."""

    created: int
    nonce: bytes
    items: Mapping[str, Entry]
    signers: tuple[tuple[str, str], ...]
    title: str | None = None
    previous: bytes | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def decode(cls, text: str) -> Plan:
        """Raises MappingError."""
        try:
            value = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise MappingError(f"not TOML: {error}") from None
        _known(value, _TOP, "the mapping")
        if value.get("schema") != SCHEMA:
            raise MappingError(f"schema is not {SCHEMA!r}")
        items = _table(value.get("items", {}), "items")
        previous = value.get("previous")
        return cls(
            created=_number(value.get("created")),
            nonce=_octets(value.get("nonce"), "nonce"),
            items={label: _entry(label, of) for label, of in items.items()},
            signers=tuple(_signer(each) for each in _list(value.get("signers", []), "signers")),
            title=None if "title" not in value else _text(value["title"], "title"),
            previous=None if previous is None else _octets(previous, "previous"),
            left_out={
                name: _text(why, "left-out")
                for name, why in _table(value.get("left-out", {}), "left-out").items()
            },
        )

    def encode(self) -> str:
        """The file, in an order for people."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"schema = {_toml(SCHEMA)}"
        yield f"created = {self.created}"
        yield f"nonce = {_toml(self.nonce.hex())}"
        if self.title is not None:
            yield f"title = {_toml(self.title)}"
        if self.previous is not None:
            yield f"previous = {_toml(self.previous.hex())}"
        for label, part in self.signers:
            yield from ("", "[[signers]]", f"item = {_toml(label)}", f"part = {_toml(part)}")
        for label, entry in sorted(self.items.items()):
            yield from ("", f"[items.{_toml(label)}]", f"file = {_toml(entry.file)}")
            yield f"role = {_toml(entry.role)}"
            if entry.type is not None:
                yield f"type = {_toml(entry.type)}"
            if entry.form != Form.NATIVE:
                yield f"form = {_toml(str(entry.form))}"
            if entry.answer is not None:
                yield f"answer = {_toml(entry.answer)}"
            if entry.refs:
                refs = {name: [*to] if isinstance(to, tuple) else to for name, to in entry.refs.items()}
                yield f"refs = {_toml(refs)}"
            if entry.claimed:
                yield f"claimed = {_toml(entry.claimed)}"
            if entry.detached:
                yield "detached = true"
        if self.left_out:
            yield from ("", "[left-out]")
            yield from (f"{_toml(name)} = {_toml(why)}" for name, why in sorted(self.left_out.items()))


def _toml(value: object) -> str:
    """A value in TOML. Strings are written in ASCII, as JSON's are: what is in a name stays in it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(name)} = {_toml(of)}" for name, of in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(each) for each in value)}]"
    return "".join(_character(char) for char in json.dumps(str(value), ensure_ascii=False))


def _character(char: str) -> str:
    """TOML writes characters beyond the first 65536 with eight digits, where JSON has pairs; and DEL."""
    if 0x20 <= ord(char) < 0x7F:
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _known(value: Mapping[str, object], names: tuple[str, ...], what: str) -> None:
    for name in value:
        if name not in names:
            raise MappingError(f"{what} has no member {name[:80]!r}")


def _table(value: object, what: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise MappingError(f"{what} is not a table")
    return value


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise MappingError(f"{what} is not a list")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise MappingError(f"{what} is not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value in _INTEGERS:
        raise MappingError("created is not a time in seconds since 1970")
    return value


def _octets(value: object, what: str) -> bytes:
    try:
        return bytes.fromhex(_text(value, what))
    except ValueError:
        raise MappingError(f"{what} is not hexadecimal") from None


def _signer(value: object) -> tuple[str, str]:
    signer = _table(value, "a signer")
    _known(signer, ("item", "part"), "a signer")
    return _text(signer.get("item"), "item"), _text(signer.get("part"), "part")


def _refs(value: object, label: str) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    for name, to in _table(value, f"refs of {label}").items():
        if isinstance(to, list):
            yield name, tuple(_text(each, f"refs of {label}") for each in to)
        else:
            yield name, _text(to, f"refs of {label}")


def _entry(label: str, value: object) -> Entry:
    item = _table(value, f"item {label}")
    _known(item, _ITEM, f"item {label}")
    detached = item.get("detached", False)
    if not isinstance(detached, bool):
        raise MappingError(f"detached of {label} is neither true nor false")
    optional = {
        name: _text(item[name], f"{name} of {label}") for name in ("type", "answer", "form") if name in item
    }
    return Entry(
        file=_text(item.get("file"), f"file of {label}"),
        role=_text(item.get("role"), f"role of {label}"),
        form=optional.get("form", Form.NATIVE),
        type=optional.get("type"),
        answer=optional.get("answer"),
        refs=dict(_refs(item.get("refs", {}), label)),
        claimed=dict(_table(item.get("claimed", {}), f"claimed of {label}")),
        detached=detached,
    )
