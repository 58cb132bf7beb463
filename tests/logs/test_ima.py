# SPDX-License-Identifier: Apache-2.0
"""IMA lists, binary and text, their templates, and which prefix a quote covers."""

from __future__ import annotations

import hashlib
import re
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.evidence.tpm_algorithm import HASHES, TpmAlg, digest, hash_size
from bundlefmt.logs.ima import ImaList
from bundlefmt.logs.ima_ascii import ImaAsciiList
from bundlefmt.logs.ima_replay import Extended, replay_ima
from bundlefmt.logs.ima_template import (
    TEMPLATES,
    ByteOrder,
    ImaEntry,
    boot_aggregate,
    boot_aggregate_last,
    decode_digest_field,
    template_fields,
)
from bundlefmt.logs.replay import final_values
from bundlefmt.logs.tcg import FirmwareLog
from tests.provenance import Provenance, cases
from tests.strategies import mutated

BINARY: Final = ("*/binary_runtime_measurements*", "*/ima.bin")
ASCII: Final = (
    "*/ascii_runtime_measurements*",
    "*.ascii",
    "*/ima.log",
    "*/ima_log.bin",
    "*/ima-log-*",
    "*/sample-ascii*",
)


def counted(case: Provenance) -> int | None:
    found = re.search(r"(\d+) ima-ng entries", case.checked)
    return int(found[1]) if found else None


@pytest.mark.parametrize("case", cases("ima", *BINARY), ids=str)
def test_lists_of_others(corpus: Path, case: Provenance) -> None:
    data = (corpus / "ima" / case.file).read_bytes()
    found = ImaList.decode(data)
    assert found.encode() == data
    assert len(found.entries) == counted(case)
    alg = found.template_alg()
    assert alg is not None
    assert all(entry.covered(alg) for entry in found.entries)
    assert found.entries[0].name() == "boot_aggregate"


@pytest.mark.parametrize("bank", ["sha1", "sha256"])
def test_the_quoted_value_of_a_real_machine(corpus: Path, bank: str) -> None:
    found = ImaList.decode((corpus / f"ima/ima-verify/binary_runtime_measurements_{bank}").read_bytes())
    text = (corpus / f"ima/ima-verify/pcrs_{bank}").read_text()
    quoted = bytes.fromhex(re.findall(r"^ *10: 0x(\w+)$", text, re.M)[0])
    alg = found.template_alg()
    assert alg is not None
    result = replay_ima(found.entries, alg, alg, 10, quoted)
    assert (result.covered, result.uncovered, result.extended) == (len(found.entries), (), Extended.STATED)
    shorter = replay_ima(found.entries[:-1], alg, alg, 10, quoted)
    assert shorter.covered is None


@pytest.mark.parametrize("case", cases("ima", *ASCII), ids=str)
def test_text_lists_of_others(corpus: Path, case: Provenance) -> None:
    found = ImaAsciiList.decode((corpus / "ima" / case.file).read_bytes())
    assert found.entries
    for entry in found.entries:
        assert entry.name()
        assert entry.file_digest() is not None


@pytest.mark.parametrize(
    ("binary", "ascii_"),
    [
        ("charra/binary_runtime_measurements", "charra/ascii_runtime_measurements"),
        ("global-trust-authority/ima.bin", "global-trust-authority/ima.log"),
    ],
)
def test_text_and_binary_say_the_same(corpus: Path, binary: str, ascii_: str) -> None:
    entries = ImaList.decode((corpus / "ima" / binary).read_bytes()).entries
    told = ImaAsciiList.decode((corpus / "ima" / ascii_).read_bytes()).entries
    # the list may have grown between the two readings
    assert 0 < len(told) <= len(entries)
    for one, other in zip(told, entries, strict=False):
        assert replace(one, offset=other.offset) == other


def test_boot_aggregate_joins_the_firmware_log(corpus: Path) -> None:
    log = FirmwareLog.decode(
        (corpus / "eventlogs/ima-evm-utils/sample-binary_bios_measurements-pcrs-8-9").read_bytes()
    )
    text = corpus / "ima/ima-evm-utils/sample-ascii_runtime_measurements-pcrs-8-9"
    stated = ImaAsciiList.decode(text.read_bytes()).entries[0].file_digest()
    assert stated is not None
    assert stated.alg == "sha256"
    pcrs = final_values(log.events, TpmAlg.SHA256)
    found = [boot_aggregate(TpmAlg.SHA256, pcrs, last=last) for last in boot_aggregate_last(TpmAlg.SHA256)]
    assert stated.value in found
    assert boot_aggregate_last(TpmAlg.SHA1) == (7,)


def field(data: bytes, byteorder: ByteOrder = "little") -> bytes:
    return len(data).to_bytes(4, byteorder) + data


def template_data(template: str, name: bytes, *more: bytes, byteorder: ByteOrder = "little") -> bytes:
    if template == "ima":
        return b"d" * 20 + field(name, byteorder)
    kind = b"ima:" if "v2" in template else b""
    fields = [kind + b"sha256:\0" + b"d" * 32, name + b"\0", *more]
    fields += [b""] * (len(TEMPLATES[template]) - len(fields))
    return b"".join(field(one, byteorder) for one in fields)


def entry(
    number: int,
    *,
    template: str = "ima-ng",
    name: bytes = b"/bin/true",
    more: tuple[bytes, ...] = (),
    alg: int = TpmAlg.SHA1,
    index: int = 10,
    violation: bool = False,
    byteorder: ByteOrder = "little",
) -> ImaEntry:
    data = template_data(template, name, *more, byteorder=byteorder)
    made = ImaEntry(
        number=number,
        offset=0,
        index=index,
        template_digest=bytes(hash_size(alg)),
        untrusted_template=template,
        template_data=data,
        byteorder=byteorder,
    )
    return made if violation else replace(made, template_digest=digest(alg, made.hashed()))


def listed(*entries: ImaEntry) -> ImaList:
    first = entries[0]
    return ImaList(digest_size=len(first.template_digest), byteorder=first.byteorder, entries=entries)


@st.composite
def lists(draw: st.DrawFn) -> ImaList:
    alg = draw(st.sampled_from(sorted(HASHES)))
    byteorder: ByteOrder = draw(st.sampled_from(("little", "big")))
    names = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name)
    return listed(
        *(
            entry(
                number,
                template=draw(st.sampled_from(sorted(TEMPLATES))),
                name=draw(names),
                alg=alg,
                # a PCR that is not zero: its bytes tell the byte order
                index=draw(st.integers(1, 23)),
                violation=draw(st.booleans()),
                byteorder=byteorder,
            )
            for number in range(draw(st.integers(1, 5)))
        )
    )


@given(lists())
def test_symmetry(made: ImaList) -> None:
    data = made.encode()
    found = ImaList.decode(data)
    assert found.encode() == data
    assert (found.digest_size, found.byteorder) == (made.digest_size, made.byteorder)
    assert [(e.template_digest, e.template_data, e.name()) for e in found.entries] == [
        (e.template_digest, e.template_data, e.name()) for e in made.entries
    ]


@given(mutated(lists().map(ImaList.encode)) | st.binary(max_size=200))
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    try:
        found = ImaList.decode(data)
    except MalformedError:
        return
    assert found.encode() == data
    for one in found.entries:
        try:
            one.name(), one.file_digest(), one.signature()
        except MalformedError:
            continue


@given(
    mutated(st.sampled_from([b"10 " + b"0" * 40 + b" ima-sig sha1:" + b"0" * 40 + b" /a b 0302\n"]))
    | st.binary()
)
def test_any_text_decodes_or_is_malformed(data: bytes) -> None:
    try:
        found = ImaAsciiList.decode(data)
    except MalformedError:
        return
    assert found.entries


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_fields_of_every_template(template: str) -> None:
    made = listed(entry(0, template=template))
    (found,) = ImaList.decode(made.encode()).entries
    assert tuple(found.fields()) == TEMPLATES[template]
    assert found.covered(TpmAlg.SHA1)
    file_digest = found.file_digest()
    assert file_digest is not None
    assert file_digest.kind == ("ima" if "v2" in template else None)


def test_the_oldest_template_pads_the_name() -> None:
    made = entry(0, template="ima")
    expected = hashlib.sha1(b"d" * 20 + b"/bin/true".ljust(256, b"\0")).digest()  # noqa: S324 - IMA's own hash
    assert made.template_digest == expected


def test_a_custom_template() -> None:
    assert template_fields("d-ng|n-ng|iuid") == ("d-ng", "n-ng", "iuid")
    assert template_fields("d-ng|nonsense") is None
    assert template_fields("|".join(["d-ng"] * 16)) is None


def test_an_unknown_template_is_kept() -> None:
    known = entry(0)
    strange = replace(known, number=1, untrusted_template="ima-next")
    found = ImaList.decode(listed(known, strange).encode()).entries[1]
    assert tuple(found.fields()) == ("0", "1")


@pytest.mark.parametrize("change", ["name", "digest"])
def test_what_the_digest_does_not_cover(change: str) -> None:
    made = entry(0)
    old, new = (b"/bin/true", b"/bin/evil") if change == "name" else (b"d" * 32, b"e" * 32)
    changed = replace(made, template_data=made.template_data.replace(old, new))
    assert made.covered(TpmAlg.SHA1)
    assert changed != made
    assert not changed.covered(TpmAlg.SHA1)
    # in its own bank the stated digest still replays, so the entry is named
    quoted = digest(TpmAlg.SHA1, bytes(20) + made.template_digest)
    result = replay_ima([changed], TpmAlg.SHA1, TpmAlg.SHA1, 10, quoted)
    assert (result.covered, result.uncovered) == (1, (0,))
    # and another bank, which is extended with its own hash of the data, does not
    other = digest(TpmAlg.SHA256, bytes(32) + digest(TpmAlg.SHA256, made.hashed()))
    assert replay_ima([made], TpmAlg.SHA1, TpmAlg.SHA256, 10, other).covered == 1
    assert replay_ima([changed], TpmAlg.SHA1, TpmAlg.SHA256, 10, other).covered is None


def values(bank: int, *extended: bytes) -> bytes:
    value = bytes(hash_size(bank))
    for one in extended:
        value = digest(bank, value + one)
    return value


def test_a_prefix_is_counted() -> None:
    entries = [entry(number, name=b"/%d" % number) for number in range(5)]
    quoted = values(TpmAlg.SHA1, *(one.template_digest for one in entries[:3]))
    result = replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA1, 10, quoted)
    assert (result.covered, result.entries) == (3, 5)
    assert result.last == entries[2]
    assert replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA1, 10, bytes(20)).covered == 0
    assert replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA1, 10, b"x" * 20).covered is None


def test_entries_of_other_pcrs_do_not_count() -> None:
    entries = [entry(0), entry(1, index=11), entry(2, name=b"/2")]
    quoted = values(TpmAlg.SHA1, entries[0].template_digest, entries[2].template_digest)
    result = replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA1, 10, quoted)
    assert (result.covered, result.entries) == (2, 2)
    assert result.last == entries[2]


def test_a_violation_extends_ones() -> None:
    entries = [entry(0), entry(1, violation=True)]
    quoted = values(TpmAlg.SHA1, entries[0].template_digest, b"\xff" * 20)
    result = replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA1, 10, quoted)
    assert (result.covered, result.violations, result.uncovered) == (2, (1,), ())
    assert not entries[1].covered(TpmAlg.SHA1)


@pytest.mark.parametrize("violation", [False, True])
def test_old_kernels_pad_sha1(violation: bool) -> None:
    entries = [entry(0), entry(1, name=b"/1", violation=violation)]
    last = b"\xff" * 20 if violation else entries[1].template_digest
    quoted = values(TpmAlg.SHA256, entries[0].template_digest + bytes(12), last + bytes(12))
    result = replay_ima(entries, TpmAlg.SHA1, TpmAlg.SHA256, 10, quoted)
    assert (result.covered, result.extended) == (2, Extended.PADDED_SHA1)


def test_the_byte_order_is_found() -> None:
    made = listed(entry(0, byteorder="big"), entry(1, name=b"/1", byteorder="big"))
    found = ImaList.decode(made.encode())
    assert found.byteorder == "big"
    assert [one.name() for one in found.entries] == ["/bin/true", "/1"]


GOOD: Final = listed(entry(0)).encode()


@pytest.mark.parametrize(
    ("data", "code", "offset"),
    [
        (b"", Code.TRUNCATED, 0),
        (b"not a list at all, certainly not", Code.WRONG_MAGIC, 0),
        (GOOD + GOOD[:-1], Code.TRUNCATED, len(GOOD) + 34),
        (GOOD + b"\0", Code.TRUNCATED, len(GOOD)),
        (GOOD + struct.pack("<I20sI", 32, bytes(20), 6) + b"ima-ng", Code.BAD_VALUE, len(GOOD)),
        (GOOD + struct.pack("<I20sI", 10, bytes(20), 0), Code.SIZE_LIMIT, len(GOOD) + 24),
        (GOOD + struct.pack("<I20sI", 10, bytes(20), 2) + b"\1\2", Code.BAD_VALUE, len(GOOD) + 28),
        (
            GOOD + struct.pack("<I20sI", 10, bytes(20), 2) + b"xx\xff\xff\xff\xff",
            Code.SIZE_LIMIT,
            len(GOOD) + 30,
        ),
    ],
)
def test_malformed(data: bytes, code: Code, offset: int) -> None:
    with pytest.raises(MalformedError) as found:
        ImaList.decode(data)
    assert (found.value.code, found.value.offset) == (code, offset)


def test_digest_fields() -> None:
    assert decode_digest_field(b"verity:sha256:\0abc").kind == "verity"
    assert decode_digest_field(b"sha256:\0a:\0b").value == b"a:\0b"
    with pytest.raises(MalformedError):
        decode_digest_field(b"sha256:abc")


def line(made: ImaEntry, *columns: str) -> bytes:
    return " ".join(("10", made.template_digest.hex(), made.untrusted_template, *columns)).encode() + b"\n"


@pytest.mark.parametrize("name", [b"/a b", b"/a b ", b"/a 0302", b"/ends in hex 0302", b"/a  b"])
@pytest.mark.parametrize("signature", [b"", bytes.fromhex("030204ab")])
def test_names_with_spaces_are_settled_by_the_digest(name: bytes, signature: bytes) -> None:
    made = entry(0, template="ima-sig", name=name, more=(signature,))
    text = line(made, "sha256:" + "64" * 32, name.decode(), signature.hex())
    (found,) = ImaAsciiList.decode(text).entries
    assert replace(found, offset=0) == made


@pytest.mark.parametrize("name", [b"/a b", b"/a 0302", b"/0302 0302", b"/a"])
def test_lines_whose_empty_last_column_was_trimmed(name: bytes) -> None:
    # the plainest reading takes hexadecimal at the end for a signature; the digest knows better
    made = entry(0, template="ima-sig", name=name)
    text = line(made, "sha256:" + "64" * 32, name.decode())
    (found,) = ImaAsciiList.decode(text).entries
    assert replace(found, offset=0) == made


def test_text_of_every_field() -> None:
    made = entry(
        0,
        template="evm-sig",
        more=(
            b"\3\2",
            b"security.ima\0",
            b"\1\0\0\0",
            b"\7",
            *map(bytes, ([1, 0, 0, 0], [2, 0, 0, 0], [164, 1])),
        ),
    )
    text = line(
        made, "sha256:" + "64" * 32, "/bin/true", "0302", "security.ima", "01000000", "07", "1", "2", "420"
    )
    (found,) = ImaAsciiList.decode(text).entries
    assert found == made


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"10 00 ima-ng sha1:00 /x\n",
        b"99 " + b"0" * 40 + b" ima-ng sha1:00 /x\n",
        b"10 " + b"0" * 40 + b" ima-nx sha1:00 /x\n",
        b"10 " + b"0" * 40 + b" ima-ng sha1:0 /x\n",
        b"10 " + b"0" * 40 + b" ima-ng sha1:00 /x\n\nx",
        b"10 " + b"0" * 40 + b" ima-ng sha1:00 /x\n10 " + b"0" * 64 + b" ima-ng sha1:00 /x\n",
        b"10 " + b"0" * 40 + b" ima ff /x\n",
    ],
)
def test_malformed_text(data: bytes) -> None:
    with pytest.raises(MalformedError):
        ImaAsciiList.decode(data)


def test_a_hundred_thousand_entries_take_seconds() -> None:
    one = entry(0)
    data = listed(one).encode() * 100_000
    begin = time.perf_counter()
    found = ImaList.decode(data)
    result = replay_ima(found.entries, TpmAlg.SHA1, TpmAlg.SHA256, 10, b"x" * 32)
    text = line(one, "sha256:" + "64" * 32, "/bin/true") * 100_000
    assert len(ImaAsciiList.decode(text).entries) == result.entries == 100_000
    assert time.perf_counter() - begin < 30
