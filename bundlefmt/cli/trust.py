# SPDX-License-Identifier: Apache-2.0
"""The verbs below trust: what the verifier knows, kept in a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from bundlefmt import labels
from bundlefmt.cli import reading, trust_file
from bundlefmt.cli.arguments import (
    AnchorHardwareOption,
    AnchorLogOption,
    AnchorOption,
    AnchorPivOption,
    AnchorTimeOption,
    PinBlockOption,
)
from bundlefmt.cli.run import Exit, UsageError, say, warn
from bundlefmt.verify.trust import MAX_NOTE, Entry, Kind, Trust

app: Final = typer.Typer(
    name="trust",
    help="Keep the identities and authorities that you know. Nothing is known unless you add it.",
    add_completion=False,
    rich_markup_mode=None,
)
TrustOption = Annotated[
    Path | None, typer.Option("--trust", metavar="FILE", help="The trust file; default: your own.")
]


@app.command()
def add(
    openpgp: Annotated[
        list[str] | None,
        typer.Option(metavar="FPR", help="OpenPGP fingerprint of somebody you know. Repeatable."),
    ] = None,
    piv: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="SHA-256 of the X.509 certificate of such a one. Repeatable."),
    ] = None,
    hardware: Annotated[
        list[str] | None,
        typer.Option(metavar="SHA256", help="SHA-256 of a root of a maker of security keys. Repeatable."),
    ] = None,
    anchor: AnchorOption = None,
    anchor_piv: AnchorPivOption = None,
    anchor_hardware: AnchorHardwareOption = None,
    anchor_time: AnchorTimeOption = None,
    anchor_log: AnchorLogOption = None,
    block: PinBlockOption = None,
    note: Annotated[str, typer.Option(help="A line for people, kept beside what is added.")] = "",
    trust: TrustOption = None,
) -> int:
    """Add to what you know. Certificates are copied into the trust file."""
    note = _line(note)
    entries = [
        *(_pin(Kind.OPENPGP, reading.fingerprint(each), note) for each in openpgp or ()),
        *(_pin(Kind.PIV, reading.sha256(each).hex(), note) for each in piv or ()),
        *(_pin(Kind.HARDWARE, reading.sha256(each).hex(), note) for each in hardware or ()),
        *(_pin(Kind.BLOCK, reading.block(each).hex(), note) for each in block or ()),
    ]
    for kind, paths in (
        (Kind.ANCHOR, anchor),
        (Kind.ANCHOR_PIV, anchor_piv),
        (Kind.ANCHOR_HARDWARE, anchor_hardware),
        (Kind.ANCHOR_TIME, anchor_time),
        (Kind.ANCHOR_LOG, anchor_log),
    ):
        found = (der for path in paths or () for der in reading.certificates(path))
        entries += [Entry.anchor(kind, der, note) for der in found]
    if not entries:
        raise UsageError("say what to add", hint="bundle trust add --help")
    path, before, _ = trust_file.change(trust, lambda known: known.plus(*entries))
    for entry in Trust().plus(*entries).entries:
        there = any(entry.same(each) for each in before.entries)
        say(f"{path}: {_words(entry)} {'was there' if there else 'added'}")
        if entry.known_as and entry.kind not in (Kind.HARDWARE, Kind.ANCHOR_HARDWARE):
            warn(f"{entry.known_as} is published as a root of security keys, not as --{entry.kind}")
    return Exit.PASSED


def _pin(kind: Kind, digest: str, note: str) -> Entry:
    return Entry(kind=kind, digest=digest, note=note)


def _line(note: str) -> str:
    if len(note) > MAX_NOTE or not note.isprintable():
        raise UsageError(f"a note is one line of at most {MAX_NOTE} characters")
    return note


def _words(entry: Entry) -> str:
    """An entry on one line."""
    said = [f"{entry.kind:15} {entry.digest}", entry.known_as or "", entry.subject]
    return "  ".join(part for part in (*said, f"({entry.note})" if entry.note else "") if part)


@app.command("list")
def list_(trust: TrustOption = None) -> int:
    """List what you know, and for which purpose."""
    found = trust_file.find(trust)
    if found is None:
        say(f"nothing is known: there is no {trust_file.place() or 'place for a trust file'}")
        return Exit.PASSED
    for entry in found.trust.entries:
        say(_words(entry))
    say(f"{found.path}: sha-256 {found.sha256.hex()}")
    return Exit.PASSED


@app.command()
def remove(
    digest: Annotated[list[str], typer.Argument(help="Fingerprints or SHA-256 digests, as listed.")],
    trust: TrustOption = None,
) -> int:
    """Remove from what you know, by fingerprint or digest, whatever its purpose."""
    gone = [reading.fingerprint(each) for each in digest]

    def edit(known: Trust) -> Trust:
        for each in gone:
            if known.minus(each) == known:
                raise UsageError(f"there is no {each} in the trust file", hint="bundle trust list")
        kept = tuple(entry for entry in known.entries if entry.digest not in gone)
        return Trust(entries=kept)

    path, before, after = trust_file.change(trust, edit)
    for entry in before.entries:
        if entry not in after.entries:
            say(f"{path}: {_words(entry)} removed")
    return Exit.PASSED


@app.command()
def path() -> int:
    """Say where your trust file is, whether or not it is there."""
    found = trust_file.place()
    if found is None:
        raise UsageError("neither XDG_CONFIG_HOME nor HOME says where to keep trust", hint="--trust FILE")
    say(str(found))
    return Exit.PASSED


@app.command()
def known() -> int:
    """List published roots by their SHA-256. None of them is trusted unless you add it."""
    for digest, name in labels.YUBICO_ROOTS.items():
        say(f"hardware        {digest}  {name}")
    say(f"published by the maker: {labels.YUBICO_ROOTS_SOURCE}")
    return Exit.PASSED
