# SPDX-License-Identifier: Apache-2.0
"""The container: bundle, record, seal, renewal; decode beside encode.

Knows bytes, labels and digests, and nothing of TPMs. Spec: "Container".
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from bundlefmt import cbor, labels
from bundlefmt.cbor import Node
from bundlefmt.errors import Code, EncodeError, MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.manifest import Manifest, read_label
from bundlefmt.wire import Buffer

PARTS: Final = ("manifest", "content", "seals", "renewals")
MAX_COPIED: Final = 64 * 2**20  # bytes of a file that is held in memory: all but those with large media


@frozen
class Record:
    """One artifact as it was made: media type and native bytes (an RFC 9999 Record CMW)."""

    type: str
    value: Buffer
    ind: int | None = None


@frozen
class Seal:
    """One signature over the manifest; `key` carries a later witness's own certificate."""

    type: str
    value: bytes
    key: bytes | None = None


@frozen
class Renewal:
    """One archive renewal: `covers` is CBOR and is what the proof stamps; `proof` is media type and bytes."""

    raw: bytes


@frozen
class Bundle:
    """A decoded file. `manifest_raw` and every value are the received bytes."""

    manifest_raw: bytes
    manifest: Manifest
    content: Mapping[str, Record]
    content_type: str = labels.COLLECTION_TYPE
    seals: tuple[Seal, ...] = ()
    renewals: tuple[Renewal, ...] = ()

    @classmethod
    def assemble(cls, manifest: Manifest, values: Mapping[str, Buffer]) -> Self:
        """A bundle without seals from a manifest and the artifacts by label."""
        unknown = sorted(set(values) - set(manifest.items))
        if unknown:
            raise EncodeError(f"no item in the manifest for {unknown[0]!r}")
        content = {
            label: Record(type=manifest.items[label].type, value=value) for label, value in values.items()
        }
        return cls(manifest_raw=manifest.encode(), manifest=manifest, content=content)

    def with_seal(self, seal: Seal) -> Self:
        """This bundle with one more seal. Raises EncodeError when it has as many as it may."""
        if len(self.seals) >= labels.MAX_SEALS:
            raise EncodeError(f"a bundle has at most {labels.MAX_SEALS} seals")
        return replace(self, seals=(*self.seals, seal))

    def with_artifact(self, label: str, value: Buffer) -> Self:
        """This bundle with an artifact. Raises EncodeError unless it is the one that was sealed."""
        item = self.manifest.items.get(label)
        if item is None:
            raise EncodeError(f"no item in the manifest for {label!r}")
        if len(value) != item.size:
            raise EncodeError(f"{label}: {len(value)} bytes, {item.size} were sealed")
        if not item.digest.matches(value):
            raise EncodeError(f"{label}: the digest is not the one that was sealed")
        return replace(self, content={**self.content, label: Record(type=item.type, value=value)})

    def without(self, withheld: Collection[str]) -> Self:
        """This bundle without the artifacts of these labels; the manifest still names them."""
        return replace(
            self, content={label: record for label, record in self.content.items() if label not in withheld}
        )

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Decode the file at `path`, as `map_file` reads it. Raises OSError too."""
        return cls.decode(map_file(path))

    @classmethod
    def decode(cls, data: Buffer) -> Self:
        """Raises MalformedError with the offset counted from the start of `data`."""
        root = scan_file(data)
        manifest_node, content_node, seals_node, renewals_node = root.array("bundle", range(4, 5))
        if manifest_node.expect(cbor.BYTES, "manifest").number > labels.MAX_MANIFEST:
            manifest_node.fail(Code.SIZE_LIMIT, f"a manifest of {manifest_node.number} bytes", "bundle")
        manifest = Manifest.from_node(manifest_node.embedded())
        content, content_type = cls._content(content_node, manifest)
        if len(seals_node.array("seals")) > labels.MAX_SEALS:
            seals_node.fail(Code.COUNT_LIMIT, f"{seals_node.number} seals", "seals")
        seals = tuple(cls._seal(node) for node in seals_node.children)
        renewals = tuple(cls._renewal(node) for node in renewals_node.array("renewals"))
        return cls(
            manifest_raw=manifest_node.octets(),
            manifest=manifest,
            content=content,
            content_type=content_type,
            seals=seals,
            renewals=renewals,
        )

    @staticmethod
    def _content(node: Node, manifest: Manifest) -> tuple[dict[str, Record], str]:
        content: dict[str, Record] = {}
        content_type: str | None = None
        for key, value in node.pairs("content"):
            name = key.text("content")
            if name == labels.COLLECTION_TYPE_KEY:
                content_type = value.text("content")
                if content_type != labels.COLLECTION_TYPE:
                    value.fail(Code.BAD_VALUE, "not the collection type of a bundle", "content")
                continue
            label = read_label(key, "content")
            if label not in manifest.items:
                key.fail(Code.UNKNOWN_LABEL, f"{label!r} is not an item of the manifest", "content")
            parts = value.array(f"record {label}", range(2, 4))
            content[label] = Record(
                type=parts[0].text(f"record {label}"),
                value=parts[1].view(f"record {label}"),
                ind=parts[2].uint(f"record {label}") if len(parts) == 3 else None,
            )
        if content_type is None:
            node.fail(Code.MISSING_MEMBER, f"{labels.COLLECTION_TYPE_KEY!r} is missing", "content")
        return content, content_type

    @staticmethod
    def _seal(node: Node) -> Seal:
        parts = node.array("seal", range(2, 4))
        return Seal(
            type=parts[0].text("seal"),
            value=parts[1].octets("seal"),
            key=parts[2].octets("seal") if len(parts) == 3 else None,
        )

    @staticmethod
    def _renewal(node: Node) -> Renewal:
        node.embedded().expect(cbor.MAP, "renewal")
        return Renewal(raw=node.octets("renewal"))

    def chunks(self) -> Iterator[Buffer]:
        """The encoded file piece by piece, contents not copied."""
        yield labels.MAGIC + cbor.head(cbor.ARRAY, 4)
        yield cbor.head(cbor.BYTES, len(self.manifest_raw)) + self.manifest_raw
        yield cbor.head(cbor.MAP, len(self.content) + 1)
        keys = {name: cbor.encode(name) for name in (*self.content, labels.COLLECTION_TYPE_KEY)}
        for name in sorted(keys, key=lambda name: keys[name]):
            yield keys[name]
            if name == labels.COLLECTION_TYPE_KEY:
                yield cbor.encode(self.content_type)
                continue
            record = self.content[name]
            yield cbor.head(cbor.ARRAY, 2 if record.ind is None else 3) + cbor.encode(record.type)
            yield cbor.head(cbor.BYTES, len(record.value))
            yield record.value
            if record.ind is not None:
                yield cbor.encode(record.ind)
        seals = [[s.type, s.value] if s.key is None else [s.type, s.value, s.key] for s in self.seals]
        yield cbor.encode(seals)
        yield cbor.encode([renewal.raw for renewal in self.renewals])

    def encode(self) -> bytes:
        return b"".join(self.chunks())


def scan_file(data: Buffer) -> Node:
    """Check the magic and scan the bundle array behind it."""
    start, family = bytes(data[: len(labels.MAGIC)]), labels.MAGIC[:-1]
    if not start or start[: len(family)] != family[: len(start)]:
        raise MalformedError(Code.WRONG_MAGIC, "not an evidence bundle", offset=0)
    if len(start) < len(labels.MAGIC):
        raise MalformedError(Code.TRUNCATED, "the file ends within its first eight bytes", offset=0)
    if start != labels.MAGIC:
        raise MalformedError(
            Code.UNKNOWN_MAJOR_VERSION, f"major version {start[-1:]!r}", offset=len(labels.MAGIC) - 1
        )
    return cbor.scan(data, len(labels.MAGIC))


def map_file(path: Path | str, copied: int = MAX_COPIED) -> memoryview:
    """The file at `path`, read-only. Raises OSError, also where it is no ordinary file or changes meanwhile.

    Up to `copied` bytes are a copy, so that what was compared with a digest is what is looked at later.
    A larger file is a memory map: nobody else should be able to write it while it is in use.
    """
    with open(path, "rb", opener=_at_once) as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EINVAL, "not an ordinary file", str(path))
        if before.st_size > copied:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        # files of the kernel, such as measurement logs, have the size 0 whatever is in them
        data = file.read((before.st_size or copied) + 1)
        after = os.fstat(file.fileno())
        if (
            (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns)
            or len(data) > copied
            or (before.st_size and len(data) != before.st_size)
        ):
            raise OSError(errno.EBUSY, "changed while it was read", str(path))
        return memoryview(data)


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting: a pipe that nobody writes to must not hold the program up."""
    return os.open(path, flags | os.O_NONBLOCK)
