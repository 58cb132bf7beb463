# SPDX-License-Identifier: Apache-2.0
"""The trust document: what is written is read again, and what is not understood is refused."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.errors import Code, MalformedError
from bundlefmt.verify import Policy
from bundlefmt.verify.trust import MAX_NOTE, MAX_TRUST, SCHEMA, Entry, Kind, Trust
from tests.vectorgen import certificates

ROOT, ISSUER = certificates.manufacturer_root(), certificates.manufacturer_issuer()
FINGERPRINT, DIGEST = "0123456789abcdef" * 2 + "01234567", "ab" * 32
HEAD = f'schema = "{SCHEMA}"\n'
ANCHORS = tuple(kind for kind in Kind if kind.startswith("anchor"))
PRINTABLE = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
NOTES = st.text(PRINTABLE, max_size=MAX_NOTE)
ENTRIES = st.one_of(
    st.builds(
        Entry,
        kind=st.just(Kind.OPENPGP),
        digest=st.from_regex("[0-9a-f]{40}|[0-9a-f]{64}", fullmatch=True),
        note=NOTES,
    ),
    st.builds(
        Entry,
        kind=st.sampled_from([Kind.PIV, Kind.HARDWARE]),
        digest=st.from_regex("[0-9a-f]{64}", fullmatch=True),
        note=NOTES,
    ),
    st.builds(Entry.anchor, st.sampled_from(ANCHORS), st.sampled_from([ROOT, ISSUER]), NOTES),
)


@given(st.lists(ENTRIES, max_size=6))
def test_what_is_written_is_read_again(entries: list[Entry]) -> None:
    trust = Trust().plus(*entries)
    text = trust.encode()
    assert Trust.decode(text) == trust
    assert Trust().plus(*reversed(trust.entries)).encode() == text
    assert all(line.isprintable() for line in text.decode().splitlines())


@given(st.text(max_size=80))
def test_no_subject_can_add_a_line(subject: str) -> None:
    entry = Entry.anchor(Kind.ANCHOR, ROOT)
    entry.__dict__["subject"] = subject
    lines = Trust().plus(entry).encode().decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        line
        for line in Trust().plus(Entry.anchor(Kind.ANCHOR, ROOT)).encode().decode().splitlines()
        if line[:1] != "#"
    ]
    assert tomllib.loads("\n".join(lines))["anchor"][0].keys() == {"sha256", "certificate"}


def test_each_entry_stands_once_and_keeps_its_note() -> None:
    first, again = (Entry(kind=Kind.PIV, digest=DIGEST, note=note) for note in ("first", "again"))
    assert Trust().plus(first).plus(again).entries == (first,)
    assert Trust().plus(first, again).entries == (first,)
    assert Trust().plus(first, Entry(kind=Kind.HARDWARE, digest=DIGEST)).count() == (1, 1)


def test_one_thing_is_trusted_for_one_purpose() -> None:
    entry = Entry(kind=Kind.PIV, digest=DIGEST, note="first")
    assert entry.same(Entry(kind=Kind.PIV, digest=DIGEST, note="again"))
    assert not entry.same(Entry(kind=Kind.HARDWARE, digest=DIGEST))
    assert not entry.same(Entry(kind=Kind.PIV, digest=DIGEST[::-1]))


def test_all_of_it_becomes_policy_and_nothing_becomes_a_demand() -> None:
    trust = Trust().plus(
        Entry(kind=Kind.OPENPGP, digest=FINGERPRINT),
        Entry(kind=Kind.PIV, digest=DIGEST),
        Entry(kind=Kind.HARDWARE, digest=DIGEST),
        Entry(kind=Kind.BLOCK, digest=DIGEST),
        *(Entry.anchor(kind, ROOT) for kind in ANCHORS),
    )
    assert trust.within(Policy()) == Policy(
        known_openpgp=frozenset({FINGERPRINT}),
        known_piv=frozenset({bytes.fromhex(DIGEST)}),
        pins_hardware=frozenset({bytes.fromhex(DIGEST)}),
        pins_block=frozenset({bytes.fromhex(DIGEST)}),
        anchors=(ROOT,),
        anchors_piv=(ROOT,),
        anchors_hardware=(ROOT,),
        anchors_time=(ROOT,),
        anchors_log=(ROOT,),
    )
    assert trust.count() == (2, 7)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_entry_serves_its_purpose_only(kind: Kind) -> None:
    digest = FINGERPRINT if kind is Kind.OPENPGP else DIGEST
    entry = Entry.anchor(kind, ROOT) if kind in ANCHORS else Entry(kind=kind, digest=digest)
    under, none = Trust().plus(entry).within(Policy()), Policy()
    anchors = ("anchors", "anchors_piv", "anchors_hardware", "anchors_time", "anchors_log")
    names = ("known_openpgp", "known_piv", "pins_hardware", "pins_block", *anchors)
    assert [getattr(under, name) != getattr(none, name) for name in names] == [each is kind for each in Kind]


def test_what_the_policy_has_already_stays_once() -> None:
    given = Policy(anchors=(ISSUER, ROOT), pins_openpgp=frozenset({FINGERPRINT}), allow_sha1=True)
    under = Trust().plus(Entry.anchor(Kind.ANCHOR, ROOT)).within(given)
    assert under == given


ROW = f'[[piv]]\nsha256 = "{DIGEST}"\n'
PEM = Trust().plus(Entry.anchor(Kind.ANCHOR, ROOT)).encode().decode().partition("[[anchor]]")[2]
BLOCK = PEM[PEM.index("-----BEGIN") : PEM.rindex('"""')]
REFUSED = {
    "nothing": ("", Code.BAD_VALUE, "there is no schema"),
    "no-toml": ("schema = ", Code.BAD_VALUE, "not TOML"),
    "no-text": ("\udcff", Code.BAD_VALUE, "not TOML"),
    "deep": (f"{HEAD}x = {'[' * 5000}", Code.BAD_VALUE, "not TOML"),
    "other-schema": ('schema = "evidence-bundle-reference/1"', Code.BAD_VALUE, "there is no schema"),
    "later-version": ('schema = "evidence-bundle-trust/2"', Code.BAD_VALUE, "another version"),
    "number-for-schema": ("schema = 1", Code.BAD_VALUE, "there is no schema"),
    "unknown-table": (f'{HEAD}[[minisign]]\nkey = "x"', Code.UNKNOWN_MEMBER, "'minisign'"),
    "unknown-member": (f"{HEAD}{ROW}until = '2030'", Code.UNKNOWN_MEMBER, "'until'"),
    "unknown-setting": (f"allow_sha1 = true\n{HEAD}", Code.UNKNOWN_MEMBER, "'allow_sha1'"),
    "missing-digest": (f"{HEAD}[[piv]]\nnote = 'x'", Code.MISSING_MEMBER, "lacks sha256"),
    "missing-certificate": (
        f"{HEAD}[[anchor]]\nsha256 = '{DIGEST}'",
        Code.MISSING_MEMBER,
        "lacks certificate",
    ),
    "certificate-of-a-pin": (f"{HEAD}[[piv]]{PEM}", Code.UNKNOWN_MEMBER, "'certificate'"),
    "upper-case": (f"{HEAD}{ROW.replace('ab', 'AB')}", Code.BAD_VALUE, "no sha256"),
    "short": (f"{HEAD}{ROW.replace(DIGEST, DIGEST[2:])}", Code.BAD_VALUE, "no sha256"),
    "newline": (f"{HEAD}{ROW.replace(DIGEST, DIGEST + chr(92) + 'n')}", Code.BAD_VALUE, "no sha256"),
    "number": (f"{HEAD}[[piv]]\nsha256 = 1", Code.WRONG_TYPE, "table of texts"),
    "number-beside-a-text": (f"{HEAD}{ROW}note = 1", Code.WRONG_TYPE, "table of texts"),
    "table-for-array": (f"{HEAD}[piv]\nsha256 = '{DIGEST}'", Code.WRONG_TYPE, "[[piv]]"),
    "texts-for-tables": (f"{HEAD}piv = ['{DIGEST}']", Code.WRONG_TYPE, "table of texts"),
    "long-note": (f"{HEAD}{ROW}note = '{'x' * (MAX_NOTE + 1)}'", Code.BAD_VALUE, "a note"),
    "two-lines": (f"{HEAD}{ROW}note = '''a\nb'''", Code.BAD_VALUE, "a note"),
    "another-certificate": (
        f"{HEAD}[[anchor]]{re.sub('[0-9a-f]{64}', DIGEST, PEM)}",
        Code.BAD_VALUE,
        "is another one",
    ),
    "no-certificate": (f"{HEAD}[[anchor]]\nsha256 = '{DIGEST}'\ncertificate = 'x'", Code.BAD_VALUE, "PEM"),
    "no-der": (f"{HEAD}[[anchor]]{PEM.replace('MII', 'AII')}", Code.BAD_VALUE, "not one DER certificate"),
    "two-certificates": (f"{HEAD}[[anchor]]{PEM.replace(BLOCK, BLOCK * 2)}", Code.WRONG_LENGTH, "2 certif"),
    "too-long": (f"{HEAD}#{'x' * MAX_TRUST}", Code.SIZE_LIMIT, "bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_refused(name: str) -> None:
    text, code, said = REFUSED[name]
    with pytest.raises(MalformedError, match=re.escape(said)) as raised:
        Trust.decode(text.encode(errors="surrogateescape"))
    assert raised.value.code is code


def test_a_note_may_be_as_long_as_is_said() -> None:
    note = "x" * MAX_NOTE
    (entry,) = Trust.decode(f"{HEAD}{ROW}note = '{note}'".encode()).entries
    assert entry.note == note


def test_the_limit_of_size_is_where_it_is_said() -> None:
    text = f"{HEAD}#"
    assert Trust.decode((text + "x" * (MAX_TRUST - len(text))).encode()) == Trust()


@given(st.binary(max_size=200), st.integers(min_value=0))
def test_no_damage_is_anything_but_malformed(noise: bytes, at: int) -> None:
    text = Trust().plus(Entry.anchor(Kind.ANCHOR, ROOT), Entry(kind=Kind.PIV, digest=DIGEST)).encode()
    place = at % len(text)
    try:
        found = Trust.decode(text[:place] + noise + text[place + len(noise) :])
    except MalformedError:
        return
    assert {entry.digest for entry in found.entries if entry.certificate} <= {
        Entry.anchor(Kind.ANCHOR, ROOT).digest
    }
