# SPDX-License-Identifier: Apache-2.0
"""The protected header of a seal, one member wrong at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from bundlefmt import labels
from bundlefmt.cbor import Value
from bundlefmt.verify import seal_header

CLAIMS: Final[Mapping[Value, Value]] = {
    labels.CLAIM_ISS: "who",
    labels.CLAIM_SUB: "what",
    labels.CLAIM_IAT: 1,
}
X5T: Final[list[Value]] = [labels.HASH_SHA256, bytes(32)]
SOUND: Final[Mapping[Value, Value]] = {
    labels.HDR_CRIT: [labels.HDR_TYP, labels.HDR_PAYLOAD_HASH_ALG],
    labels.HDR_X5T: X5T,
    labels.HDR_CWT_CLAIMS: CLAIMS,
}
NO_X5T: Final = "x5t is not a SHA-256 digest"
NO_NAME: Final = "kid is not a TPM Name"
NO_CLAIMS: Final = "the CWT claims are missing"
SILENT: Final = "the CWT claims do not say who sealed what and when"


def by_name(kid: Value) -> dict[Value, Value]:
    return {labels.HDR_KID: kid, **{name: value for name, value in SOUND.items() if name != labels.HDR_X5T}}


def test_a_sound_one_by_x5t_and_by_kid() -> None:
    assert seal_header.faults(SOUND) == []
    assert seal_header.faults(by_name(bytes(34))) == []


@pytest.mark.parametrize(
    ("member", "value", "fault"),
    [
        (labels.HDR_CRIT, [labels.HDR_PAYLOAD_HASH_ALG, labels.HDR_TYP], "crit is not [16, 258]"),
        (labels.HDR_CRIT, [labels.HDR_TYP], "crit is not [16, 258]"),
        (labels.HDR_X5T, bytes(32), NO_X5T),
        (labels.HDR_X5T, [], NO_X5T),
        (labels.HDR_X5T, [*X5T, 0], NO_X5T),
        (labels.HDR_X5T, [labels.HASH_SHA256, bytes(31)], NO_X5T),
        (labels.HDR_X5T, [labels.HASH_SHA256, "0" * 32], NO_X5T),
        (labels.HDR_X5T, [-15, bytes(32)], NO_X5T),
        (labels.HDR_CWT_CLAIMS, [], NO_CLAIMS),
        (labels.HDR_CWT_CLAIMS, None, NO_CLAIMS),
        (labels.HDR_CWT_CLAIMS, {**CLAIMS, labels.CLAIM_ISS: 1}, SILENT),
        (labels.HDR_CWT_CLAIMS, {**CLAIMS, labels.CLAIM_SUB: None}, SILENT),
        (labels.HDR_CWT_CLAIMS, {**CLAIMS, labels.CLAIM_IAT: -1}, SILENT),
        (labels.HDR_CWT_CLAIMS, {**CLAIMS, labels.CLAIM_IAT: True}, SILENT),
        (labels.HDR_CWT_CLAIMS, {**CLAIMS, labels.CLAIM_IAT: "1"}, SILENT),
    ],
)
def test_one_fault(member: int, value: Value, fault: str) -> None:
    assert seal_header.faults({**SOUND, member: value}) == [fault]


def test_a_seal_of_1970_says_when() -> None:
    assert seal_header.faults({**SOUND, labels.HDR_CWT_CLAIMS: {**CLAIMS, labels.CLAIM_IAT: 0}}) == []


@pytest.mark.parametrize(("kid", "good"), [
    (bytes(3), False), (bytes(4), True), (bytes(66), True), (bytes(67), False), ("0" * 34, False),
])  # fmt: skip
def test_a_kid_is_a_handle_or_a_name(kid: Value, *, good: bool) -> None:
    assert seal_header.faults(by_name(kid)) == ([] if good else [NO_NAME])


@pytest.mark.parametrize("names", [(), (labels.HDR_X5T, labels.HDR_KID)])
def test_one_of_both_says_whose_it_is(names: tuple[int, ...]) -> None:
    header = {**by_name(bytes(34)), labels.HDR_X5T: X5T}
    for name in (labels.HDR_X5T, labels.HDR_KID):
        if name not in names:
            del header[name]
    assert seal_header.faults(header) == ["not exactly one of x5t and kid says whose seal it is"]
