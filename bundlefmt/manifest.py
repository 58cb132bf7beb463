# SPDX-License-Identifier: Apache-2.0
"""The manifest, which is what is signed: items, binding, required signers; decode beside encode.

Spec: "Manifest", "Binding".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Self

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node, Value
from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.wire import Buffer

_LABEL: Final = re.compile(labels.LABEL_PATTERN)
_REQUIRED: Final = ("version", "profile", "created", "items", "binding", "signers")
_OPTIONAL: Final = ("title", "previous", "critical")


def hash_bytes(alg: int, data: Buffer) -> bytes:
    """The digest of `data` by COSE hash algorithm `alg`."""
    return hashlib.new(labels.HASH_NAMES[alg], data).digest()


def read_label(node: Node, path: str) -> str:
    """The text of `node`. Raises bad-label."""
    text = node.text(path)
    if not _LABEL.fullmatch(text):
        node.fail(Code.BAD_LABEL, f"{text[:80]!r} is not a label", path)
    return text


@frozen
class Digest:
    """A digest with its COSE hash algorithm id."""

    alg: int
    value: bytes

    @classmethod
    def of(cls, data: Buffer, alg: int = labels.HASH_SHA256) -> Self:
        return cls(alg=alg, value=hash_bytes(alg, data))

    @classmethod
    def from_node(cls, node: Node, path: str) -> Self:
        alg, value = node.array(path, range(2, 3))
        number = alg.integer(path)
        if number not in labels.HASH_NAMES:
            alg.fail(Code.BAD_VALUE, f"hash algorithm {number} is not accepted", path)
        octets = value.octets(path)
        if len(octets) != labels.HASH_SIZES[number]:
            value.fail(Code.WRONG_LENGTH, f"a digest of {len(octets)} bytes", path)
        return cls(alg=number, value=octets)

    def to_value(self) -> list[object]:
        return [self.alg, self.value]

    def matches(self, data: Buffer) -> bool:
        return hash_bytes(self.alg, data) == self.value


Refs = Mapping[str, str | tuple[str, ...]]


@frozen
class Item:
    """What the manifest says of one artifact. `claimed` is shown and never believed."""

    type: str
    role: str
    digest: Digest
    size: int
    refs: Refs = field(default_factory=dict)
    detached: bool = False
    claimed: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        data: Buffer,
        *,
        type: str,
        role: str,
        refs: Refs | None = None,
        claimed: Mapping[str, object] | None = None,
    ) -> Self:
        """The item for artifact `data`."""
        return cls(
            type=type,
            role=role,
            digest=Digest.of(data),
            size=len(data),
            refs=refs or {},
            claimed=claimed or {},
        )

    def ref(self, name: str) -> tuple[str, ...]:
        """The labels behind reference `name`, none if absent."""
        value = self.refs.get(name, ())
        return (value,) if isinstance(value, str) else value

    @classmethod
    def from_node(cls, node: Node, path: str) -> Self:
        members = node.members(path, ("type", "role", "digest", "size"), ("refs", "detached", "claimed"))
        refs: dict[str, str | tuple[str, ...]] = {}
        claimed: Mapping[str, object] = {}
        if "refs" in members:
            for key, value in members["refs"].pairs(f"{path} refs"):
                if value.kind == cbor.ARRAY:
                    targets = value.array(f"{path} refs", range(1, labels.MAX_ITEMS))
                    refs[key.text()] = tuple(read_label(target, path) for target in targets)
                else:
                    refs[key.text()] = read_label(value, path)
            if not refs:
                members["refs"].fail(Code.WRONG_LENGTH, "an empty map is left out", path)
        if "claimed" in members:
            claimed = {name: value.value() for name, value in members["claimed"].text_map(path).items()}
            if not claimed:
                members["claimed"].fail(Code.WRONG_LENGTH, "an empty map is left out", path)
        if "detached" in members and members["detached"].raw() != b"\xf5":
            members["detached"].fail(Code.BAD_VALUE, "detached is true or left out", path)
        return cls(
            type=members["type"].text(path),
            role=members["role"].text(path),
            digest=Digest.from_node(members["digest"], f"{path} digest"),
            size=members["size"].uint(path),
            refs=refs,
            detached="detached" in members,
            claimed=claimed,
        )

    def to_value(self) -> dict[str, object]:
        value: dict[str, object] = {
            "type": self.type,
            "role": self.role,
            "digest": self.digest.to_value(),
            "size": self.size,
        }
        if self.refs:
            value["refs"] = {k: v if isinstance(v, str) else list(v) for k, v in self.refs.items()}
        if self.detached:
            value["detached"] = True
        if self.claimed:
            value["claimed"] = self.claimed
        return value


@frozen
class Binding:
    """What the TPM must repeat: a hash over a nonce, digests of the items `over`, the snapshot before."""

    alg: int
    nonce: bytes
    over: tuple[str, ...]

    @classmethod
    def from_node(cls, node: Node) -> Self:
        path = "binding"
        members = node.members(path, ("alg", "nonce", "over"))
        alg = members["alg"].integer(path)
        if alg not in labels.HASH_NAMES:
            members["alg"].fail(Code.BAD_VALUE, f"hash algorithm {alg} is not accepted", path)
        nonce = members["nonce"].octets(path)
        if not 16 <= len(nonce) <= 64:
            members["nonce"].fail(Code.WRONG_LENGTH, f"a nonce of {len(nonce)} bytes", path)
        over = tuple(read_label(label, path) for label in members["over"].array(path))
        if list(over) != sorted(set(over)):
            members["over"].fail(Code.BAD_VALUE, "labels are sorted and occur once", path)
        return cls(alg=alg, nonce=nonce, over=over)

    def to_value(self) -> dict[str, object]:
        return {"alg": self.alg, "nonce": self.nonce, "over": list(self.over)}

    def preimage(self, items: Mapping[str, Item], previous: Digest | None) -> bytes:
        """The bytes whose hash is the extraData of every quote and certify.

        `previous` is the manifest's member: what a later snapshot says cannot have been said in advance.
        """
        digests = {label: items[label].digest.to_value() for label in self.over}
        before = () if previous is None else (previous.to_value(),)
        return cbor.encode([labels.BINDING_CONTEXT, self.nonce, digests, *before])

    def digest(self, items: Mapping[str, Item], previous: Digest | None) -> bytes:
        return hash_bytes(self.alg, self.preimage(items, previous))


@frozen
class RequiredSigner:
    """An item whose key must seal the manifest, and the part its holder plays."""

    item: str
    part: str


@frozen
class Manifest:
    """What is signed. `extensions` keeps members this version does not know."""

    profile: str
    created: int
    items: Mapping[str, Item]
    binding: Binding
    signers: tuple[RequiredSigner, ...]
    minor: int = labels.MINOR_VERSION
    title: str | None = None
    previous: Digest | None = None
    critical: tuple[str, ...] = ()
    extensions: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError; offsets count from the start of `data`."""
        if len(data) > labels.MAX_MANIFEST:
            raise MalformedError(
                Code.SIZE_LIMIT, f"a manifest of {len(data)} bytes", offset=0, path="manifest"
            )
        return cls.from_node(cbor.scan(data))

    @classmethod
    def from_node(cls, node: Node) -> Self:
        path = "manifest"
        members = node.text_map(path)
        # the version decides what the rest means, so it is looked at first
        node.require(members, path, ("version",))
        major, minor = members["version"].array("version", range(2, 3))
        if major.uint("version") != labels.MAJOR_VERSION:
            major.fail(Code.UNKNOWN_MAJOR_VERSION, f"major version {major.number}", path)
        node.require(members, path, _REQUIRED)
        known = _REQUIRED + _OPTIONAL
        items = {}
        for key, value in members["items"].pairs("items"):
            label = read_label(key, "items")
            items[label] = Item.from_node(value, f"item {label}")
        if not items:
            members["items"].fail(Code.WRONG_LENGTH, "no items", path)
        return cls(
            minor=minor.uint("version"),
            profile=members["profile"].text("profile"),
            created=members["created"].uint("created"),
            items=items,
            binding=cls._check_binding(members["binding"], items),
            signers=cls._signers(members["signers"], items),
            title=members["title"].text("title") if "title" in members else None,
            previous=Digest.from_node(members["previous"], "previous") if "previous" in members else None,
            critical=cls._critical(members, known),
            extensions={name: value.value() for name, value in members.items() if name not in known},
        )._check_refs(members["items"])

    @staticmethod
    def _check_binding(node: Node, items: Mapping[str, Item]) -> Binding:
        binding = Binding.from_node(node)
        for label, target in zip(binding.over, node.text_map("binding")["over"].children, strict=True):
            if label not in items:
                target.fail(Code.UNKNOWN_LABEL, f"{label!r} is not an item", "binding")
        return binding

    @staticmethod
    def _signers(node: Node, items: Mapping[str, Item]) -> tuple[RequiredSigner, ...]:
        signers = []
        for entry in node.array("signers", range(1, labels.MAX_ITEMS)):
            members = entry.members("signer", ("item", "part"))
            label = read_label(members["item"], "signer")
            if label not in items:
                members["item"].fail(Code.UNKNOWN_LABEL, f"{label!r} is not an item", "signer")
            part = members["part"].text("signer")
            if part not in labels.PARTS:
                members["part"].fail(Code.BAD_VALUE, f"{part[:80]!r} is not a part", "signer")
            signers.append(RequiredSigner(item=label, part=part))
        return tuple(signers)

    @staticmethod
    def _critical(members: Mapping[str, Node], known: tuple[str, ...]) -> tuple[str, ...]:
        if "critical" not in members:
            return ()
        names = []
        for entry in members["critical"].array("critical", range(1, labels.MAX_ITEMS)):
            name = entry.text("critical")
            if name not in known:
                entry.fail(
                    Code.UNKNOWN_CRITICAL, f"member {name[:80]!r} is critical and not known", "manifest"
                )
            if name not in members:
                entry.fail(Code.BAD_VALUE, f"critical member {name!r} is absent", "manifest")
            names.append(name)
        return tuple(names)

    def _check_refs(self, items: Node) -> Self:
        for key, item in items.pairs("items"):
            said = self.items[key.words]
            if all(label in self.items for name in said.refs for label in said.ref(name)):
                continue
            path = f"item {key.words} refs"
            for name, value in item.text_map(path)["refs"].pairs(path):
                for target in value.children or (value,):
                    if target.words not in self.items:
                        why = f"{name.words[:80]} names {target.words!r}, which is no item"
                        target.fail(Code.UNKNOWN_LABEL, why, path)
        return self

    def encode(self) -> bytes:
        """The manifest's bytes. Raises EncodeError when they would not be accepted again."""
        for name in self.extensions:
            if name in _REQUIRED + _OPTIONAL:
                raise EncodeError(f"{name!r} is a member of its own, not an extension")
        value: dict[str, object] = {
            "version": [labels.MAJOR_VERSION, self.minor],
            "profile": self.profile,
            "created": self.created,
            "items": {label: item.to_value() for label, item in self.items.items()},
            "binding": self.binding.to_value(),
            "signers": [{"item": signer.item, "part": signer.part} for signer in self.signers],
            **self.extensions,
        }
        if self.title is not None:
            value["title"] = self.title
        if self.previous is not None:
            value["previous"] = self.previous.to_value()
        if self.critical:
            value["critical"] = list(self.critical)
        encoded = cbor.encode(value)
        try:
            type(self).decode(encoded)
        except MalformedError as error:
            raise EncodeError(f"this manifest would be refused: {error}") from error
        return encoded
