# SPDX-License-Identifier: Apache-2.0
"""A file twice as large costs about twice the work, also one made to cost more: counted, not timed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any, Final

import pytest
from bundletools import renewing

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.evidence.pcr import encode_pcr_values
from bundlefmt.manifest import Item, Refs
from bundlefmt.renewal import Stamp
from bundlefmt.verify import verify
from tests.fuzz import resealing, seeds
from tests.remembered import forget
from tests.vectorgen import ceremonies, openpgp, timestamps
from tests.vectorgen.plain import CREATED

Artifacts = Mapping[str, tuple[str, bytes, Refs]]  # role, bytes and references by label


def with_more(artifacts: Artifacts, *, bound: bool = False) -> Bundle:
    """The whole ceremony with more items, under its old seals; `bound` puts them all into the binding."""
    good = resealing.good()
    items, content = dict(good.manifest.items), dict(good.content)
    for label, (role, data, refs) in artifacts.items():
        kind = labels.ROLE_TYPES.get(role, labels.TYPE_OCTETS)
        items[label] = Item.of(data, type=kind, role=role, refs=refs)
        content[label] = replace(content["minutes"], type=kind, value=data)
    over = tuple(sorted(items)) if bound else good.manifest.binding.over
    manifest = replace(good.manifest, items=items, binding=replace(good.manifest.binding, over=over))
    return replace(good, manifest_raw=manifest.encode(), manifest=manifest, content=content)


def quotes(count: int) -> dict[str, tuple[str, bytes, Refs]]:
    quote = resealing.value_at("quote")
    return {f"quote-{number}": ("quote", quote, {"by": "ak.pub"}) for number in range(count)}


def bound_quotes(count: int) -> Bundle:
    """Each has the binding in it, and the binding covers all of them."""
    return with_more(quotes(count), bound=True)


def quotes_of_many_values(count: int) -> Bundle:
    """One item of PCR values belongs to all quotes, and has more values the more there are."""
    more = quotes(count)
    row = dict.fromkeys(range(32), b"value")
    values = encode_pcr_values({0x4000 + bank: row for bank in range(count)})
    return with_more({**more, "values": ("pcr-values", values, {"quoted-by": tuple(more)})})


def ek_certificates(count: int) -> Bundle:
    """Each of them leads to the manufacturer."""
    ek = ceremonies.ek_certificate()
    return with_more({f"ek-{number}": ("ek-certificate", ek, {}) for number in range(count)})


def statements_by_a_deep_key(count: int) -> Bundle:
    """Keys below one another, more than are followed."""
    area = ceremonies.storage().area
    more: dict[str, tuple[str, bytes, Refs]] = {}
    for number in range(count):
        parent = {"parent": f"key-{number - 1}"} if number else {}
        more[f"key-{number}"] = ("parent-public", area, parent)
        more[f"quote-{number}"] = ("quote", resealing.value_at("quote"), {"by": f"key-{number}"})
    return with_more(more)


def openpgp_seals(count: int) -> Bundle:
    """Seals that no certificate fits."""
    seal = Seal(type=labels.SEAL_OPENPGP, value=openpgp.OPERATOR.sign(b"another message"))
    return replace(resealing.good(), seals=(seal,) * count)


def renewals(count: int) -> Bundle:
    """Each covers all before it, and is stamped by one authority."""
    good = resealing.good()
    for number in range(count):
        covered = renewing.coverage(good, labels.HASH_SHA256, renewing.Material())
        proof = timestamps.Token(at=CREATED + number)("sha256", covered.imprint())
        stamp = Stamp(covers=covered.encode(), type=labels.TYPE_TIMESTAMP, proof=proof)
        good = replace(good, renewals=(*good.renewals, Renewal(raw=stamp.encode())))
    return good


SHAPES: Final[dict[str, tuple[Callable[[int], Bundle], int]]] = {
    "bound quotes": (bound_quotes, 60),
    "quotes of many values": (quotes_of_many_values, 40),
    "EK certificates": (ek_certificates, 8),
    "statements by a deep key": (statements_by_a_deep_key, 60),
    "renewals": (renewals, 16),
    "OpenPGP seals": (openpgp_seals, labels.MAX_SEALS // 4),
}


def work(bundle: Bundle) -> int:
    """Instructions of the interpreter that a verification takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return trace

    policy = replace(seeds.policy(seeds.GOOD), anchors_time=(timestamps.root(),))
    forget()  # what was judged before
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        verify(bundle, policy)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_file(shape: str) -> None:
    make, size = SHAPES[shape]
    once, twice, four_times = (work(make(size * factor)) for factor in (1, 2, 4))
    assert (four_times - twice) / (twice - once) < 2.5  # 2 where the work is linear, 4 where it is quadratic
