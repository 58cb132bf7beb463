# SPDX-License-Identifier: Apache-2.0
"""OpenPGP data made by others, as bytes: armor taken off, key rings taken apart, certificates merged."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence.openpgp_packet import Packet, PacketType, read_packets

_ARMOR: Final = re.compile(
    rb"-----BEGIN PGP (?P<kind>[A-Z ]+)-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\s*(?P<body>[A-Za-z0-9+/=\s]*?)"
    rb"(?:\r?\n=[A-Za-z0-9+/]{4})?\s*-----END"
)


def dearmored(data: bytes) -> Iterator[bytes]:
    """The binary content of each armored block; of binary data, the data."""
    blocks = list(_ARMOR.finditer(data))
    for block in blocks:
        if block["kind"] in (b"PUBLIC KEY BLOCK", b"SIGNATURE", b"MESSAGE"):
            yield base64.b64decode(b"".join(block["body"].split()))
    if not blocks:
        yield data


def packets(data: bytes) -> tuple[Packet, ...]:
    """All packets; of data that is no row of whole packets, none."""
    try:
        return read_packets(data)
    except MalformedError:
        return ()


def certificates(path: Path) -> list[bytes]:
    """Each certificate in a file, by itself."""
    found: list[bytes] = []
    for data in dearmored(path.read_bytes()):
        ring = packets(data)
        if ring and ring[0].type == PacketType.PUBLIC_KEY:
            for packet in ring:
                if packet.type == PacketType.PUBLIC_KEY:
                    found.append(b"")
                found[-1] += packet.encode()
    return found


def certificate(path: Path) -> bytes:
    (found,) = certificates(path)
    return found


def signature(path: Path) -> bytes:
    """The one signature in a file."""
    (data,) = dearmored(path.read_bytes())
    (packet,) = packets(data)
    return packet.encode()


def merged(*found: bytes) -> bytes:
    """One certificate with all signatures of several copies behind what each stands behind."""
    parts: dict[tuple[int, bytes], dict[bytes, None]] = {}
    for data in found:
        place: dict[bytes, None] = {}
        for packet in read_packets(data):
            if packet.type == PacketType.SIGNATURE:
                place[packet.encode()] = None
            else:
                place = parts.setdefault((packet.type, packet.encode()), {})
    order = {PacketType.PUBLIC_SUBKEY: 2, PacketType.PUBLIC_KEY: 0}
    ordered = sorted(parts.items(), key=lambda part: order.get(PacketType(part[0][0]), 1))
    return b"".join(head + b"".join(signatures) for (_, head), signatures in ordered)
