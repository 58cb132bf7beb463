# SPDX-License-Identifier: Apache-2.0
"""Every command that writes files: what it finds in its folder, what is typed, which files it is to write."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bundletools import exporting, tarball
from bundletools.cli import main
from bundletools.export import script
from bundletools.registering import Registering
from bundletools.renewing import Material, coverage
from bundletools.token_certificate import Validity, self_signed_ca

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Answer, Challenge, Kept
from bundlefmt.cli.key_file import private_key
from bundlefmt.cose import KeySigner
from bundlefmt.evidence.timestamp_exchange import TimeStampReq
from bundlefmt.manifest import Item
from bundlefmt.render import result_reading
from bundlefmt.verify.trust import Entry, Kind, Trust
from tests.cli.conftest import VECTORS, terms, vector
from tests.vectorgen import blocks, transparency
from tests.vectorgen.timestamps import Token

GOOD: Final = "activation_whole"
CONFIRMED: Final = "activation_confirmed-whole"
_KEYS: Final = VECTORS / "keys"
_BY_FILE: Final = ("--with", f"file:{_KEYS}/operator-ed25519.pem", "--cert", f"{_KEYS}/operator-ed25519.der")
_SEALED: Final = ("seal", "b.evb", *_BY_FILE)
NOW: Final = int(time.time())  # the clock of every trial
OLD: Final = b"what was there before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`prepare` fills the folder in which `words` are typed; `outputs` are files, or folders of files.

    `decode` raises for a file that is not whole, where the command does not write the same bytes each time.
    `force` is added where it is typed again and some of its files are there.
    """

    words: tuple[str, ...]
    outputs: tuple[str, ...]
    prepare: Callable[[Path], None]
    decode: Callable[[str, bytes], object] | None = None
    force: tuple[str, ...] = ("--force",)
    begin: Callable[[], int] = main


def good(folder: Path) -> None:
    shutil.copy(vector(GOOD), folder / "b.evb")


def _with_old(*names: str, prepare: Callable[[Path], None] = good) -> Callable[[Path], None]:
    def prepared(folder: Path) -> None:
        prepare(folder)
        for name in names:
            (folder / name).write_bytes(OLD)

    return prepared


def _withheld(folder: Path) -> None:
    """The bundle without its quote and its second seal, which lie beside it."""
    whole = Bundle.open(vector(GOOD))
    (folder / "quote").write_bytes(whole.content["quote"].value)
    (folder / "2.seal").write_bytes(whole.seals[1].value)
    (folder / "b.evb").write_bytes(replace(whole.without(["quote"]), seals=whole.seals[:1]).encode())


def _unsealed(folder: Path) -> None:
    """The bundle without seals, of an X.509 identity that may issue."""
    whole, key = Bundle.open(vector(GOOD)), private_key(_KEYS / "operator-ed25519.pem")
    name = "Faults Test CA (test key)"
    made = self_signed_ca(KeySigner(key), key.public_key(), name, Validity(start=0, end=NOW + 2**25))
    label = next(each for each, item in whole.manifest.items.items() if item.role == "piv-certificate")
    items = {
        **whole.manifest.items,
        label: Item.of(made, type=labels.TYPE_CERTIFICATE, role="piv-certificate"),
    }
    manifest = replace(whole.manifest, items=items)
    content = {**whole.content, label: replace(whole.content[label], value=made)}
    bundle = replace(whole, manifest_raw=manifest.encode(), manifest=manifest, content=content, seals=())
    (folder / "b.evb").write_bytes(bundle.encode())
    (folder / "ca.der").write_bytes(made)


def _stamped(folder: Path) -> None:
    """The bundle, and an authority's token over all in it."""
    good(folder)
    covered = coverage(Bundle.open(folder / "b.evb"), labels.HASH_SHA256, Material())
    (folder / "r.tsr").write_bytes(Token()("sha256", covered.imprint()))


def _mined(folder: Path) -> None:
    """The bundle, an OpenTimestamps proof over all in it, and the header of its block."""
    good(folder)
    digest = coverage(Bundle.open(folder / "b.evb"), labels.HASH_SHA256, Material()).imprint()
    proof = blocks.MAGIC + b"\x01" + blocks.SHA256 + digest
    proof += blocks.line(blocks.STEPS, blocks.BITCOIN, blocks.number(blocks.HEIGHT))
    (folder / "r.ots").write_bytes(proof)
    (folder / "header").write_bytes(blocks.header(blocks.after(digest, blocks.STEPS)))


def _registered(folder: Path) -> None:
    """The bundle, and a log's receipt for its first seal."""
    good(folder)
    entry = Registering(bundle=Bundle.open(folder / "b.evb"), number=1).entry()
    (folder / "r.cose").write_bytes(transparency.Receipt()(entry))
    (folder / "log.der").write_bytes(transparency.key())


def _exported(folder: Path) -> None:
    bundle = Bundle.open(vector(GOOD))
    found = {f"e/{name}": data for name, data in exporting.files(bundle, script()).items()}
    archive = tarball.write(found, mtime=bundle.manifest.created, executable=[])
    (folder / "e.tar.gz").write_bytes(b"".join(archive))


def _answered(folder: Path) -> None:
    """The bundle, the answer that came, and what was kept until then."""
    shutil.copy(vector(CONFIRMED), folder / "b.evb")
    kept = Kept.decode((VECTORS / CONFIRMED / "kept.evk").read_bytes())
    assert kept.answer is not None
    (folder / "b.eva").write_bytes(kept.answer.encode())
    (folder / "b.evk").write_bytes(replace(kept, answer=None, confirmed=None).encode())
    (folder / "b.evk").chmod(0o600)


def _trusting(folder: Path) -> None:
    place = folder / "config" / "evidence-bundle"
    place.mkdir(parents=True, mode=0o700)
    (place / "trust.toml").write_bytes(Trust(entries=(Entry(kind=Kind.OPENPGP, digest="ab" * 20),)).encode())
    (place / "trust.toml").chmod(0o600)


def nothing(folder: Path) -> None:
    """A folder with nothing in it."""


_WHOLE: Final = {".evb": Bundle, ".evc": Challenge, ".eva": Answer, ".evk": Kept}


def decoded(name: str, data: bytes) -> None:
    """Raises unless the file is one of the project's, whole to its last byte."""
    found = _WHOLE[Path(name).suffix].decode(data)
    if found.encode() != data:
        raise ValueError(f"{name} encodes otherwise")


def asked(name: str, data: bytes) -> None:
    """Raises unless the file is a request to an authority of time, whole."""
    if TimeStampReq.decode(data).encode() != data:
        raise ValueError(f"{name} encodes otherwise")


def lines(name: str, data: bytes) -> None:
    """Raises unless each line of results is whole; the last may be torn, as one that goes on expects it."""
    for line in data.splitlines(keepends=True):
        if line.endswith(b"\n"):
            result_reading.decode(line)


_TRUST: Final = "config/evidence-bundle/trust.toml"
_RECEIPT_IN: Final = ("register", "b.evb", "--seal", "1", "--response-in", "r.cose")
_PROOF_IN: Final = ("timestamp", "b.evb", "--opentimestamps", "--response-in", "r.ots")
_EAR_KEY: Final = f"{_KEYS}/operator-ed25519.pem"

FILES: Final[dict[str, Command]] = {
    "reference": Command(words=("reference", "b.evb", "-o", "r.toml"), outputs=("r.toml",), prepare=good),
    "policy init": Command(words=("policy", "init", "-o", "p.toml"), outputs=("p.toml",), prepare=nothing),
    "ceremony plan": Command(words=("ceremony", "plan", "-o", "p"), outputs=("p",), prepare=nothing),
    "extract": Command(words=("extract", "b.evb", "quote", "-o", "q"), outputs=("q",), prepare=good),
    "extract --all": Command(
        words=("extract", "b.evb", "--all", "-o", "all"), outputs=("all",), prepare=good, force=()
    ),
    "report": Command(
        words=("report", "b.evb", *terms(GOOD), "-o", "r.html"), outputs=("r.html",), prepare=good
    ),
    "verify --ear": Command(
        words=("verify", "b.evb", *terms(GOOD), "--ear", "r.jwt", "--ear-key", _EAR_KEY),
        outputs=("r.jwt",),
        prepare=good,
        force=(),
    ),
    "redact": Command(
        words=("redact", "b.evb", "--item", "minutes", "-o", "r.evb"), outputs=("r.evb",), prepare=good
    ),
    "redact --force": Command(
        words=("redact", "b.evb", "--item", "minutes", "-o", "r.evb", "--force"),
        outputs=("r.evb",),
        prepare=_with_old("r.evb"),
    ),
    "redact --in-place": Command(
        words=("redact", "b.evb", "--item", "minutes", "--in-place"),
        outputs=("b.evb",),
        prepare=good,
        force=(),
    ),
    "attach": Command(
        words=("attach", "b.evb", "--item", "quote=quote", "--seal", "2.seal", "-o", "a.evb"),
        outputs=("a.evb",),
        prepare=_withheld,
    ),
    "attach --in-place": Command(
        words=("attach", "b.evb", "--item", "quote=quote", "--in-place"),
        outputs=("b.evb",),
        prepare=_withheld,
        force=(),
    ),
    "seal": Command(words=(*_SEALED, "-o", "s.evb"), outputs=("s.evb",), prepare=good),
    "seal --in-place": Command(words=(*_SEALED, "--in-place"), outputs=("b.evb",), prepare=good, force=()),
    "certify": Command(
        words=("certify", "b.evb", *_BY_FILE[:2], "--cert", "ca.der", "-o", "c.evb"),
        outputs=("c.evb",),
        prepare=_unsealed,
        decode=decoded,
    ),
    "timestamp": Command(
        words=("timestamp", "b.evb", "--request-out", "r.tsq"),
        outputs=("r.tsq",),
        prepare=good,
        decode=asked,
    ),
    "timestamp with the answer": Command(
        words=("timestamp", "b.evb", "--response-in", "r.tsr", "-o", "t.evb"),
        outputs=("t.evb",),
        prepare=_stamped,
    ),
    "timestamp --opentimestamps": Command(
        words=("timestamp", "b.evb", "--opentimestamps", "--request-out", "r"),
        outputs=("r",),
        prepare=good,
    ),
    "timestamp with the proof": Command(
        words=(*_PROOF_IN, "--block-header", "header", "-o", "t.evb"),
        outputs=("t.evb",),
        prepare=_mined,
    ),
    "renew": Command(
        words=("renew", "b.evb", "--response-in", "r.tsr", "-o", "r.evb"),
        outputs=("r.evb",),
        prepare=_stamped,
    ),
    "register": Command(
        words=("register", "b.evb", "--seal", "1", "--request-out", "e.cose"),
        outputs=("e.cose",),
        prepare=good,
    ),
    "register with the receipt": Command(
        words=(*_RECEIPT_IN, "--anchor-log", "log.der", "-o", "r.evb"),
        outputs=("r.evb",),
        prepare=_registered,
    ),
    "register --in-place": Command(
        words=(*_RECEIPT_IN, "--in-place"),
        outputs=("b.evb",),
        prepare=_registered,
        force=(),
    ),
    "batch verify": Command(
        words=("batch", "verify", "b.evb", *terms(GOOD), "--jobs", "1", "-o", "r.ndjson"),
        outputs=("r.ndjson",),
        prepare=good,
        decode=lines,
    ),
    "batch verify --resume": Command(
        words=("batch", "verify", "b.evb", *terms(GOOD), "--jobs", "1", "-o", "r.ndjson", "--resume"),
        outputs=("r.ndjson",),
        prepare=good,
        decode=lines,
        force=(),
    ),
    "batch history": Command(
        words=("batch", "history", "b.evb", "-o", "h.html"), outputs=("h.html",), prepare=good
    ),
    "export": Command(words=("export", "b.evb", "-o", "x.tar.gz"), outputs=("x.tar.gz",), prepare=good),
    "import": Command(words=("import", "e.tar.gz", "-o", "i.evb"), outputs=("i.evb",), prepare=_exported),
    "challenge": Command(
        words=("challenge", "b.evb", "-o", "c.evc", "--secret", "c.evk"),
        outputs=("c.evk", "c.evc"),
        prepare=good,
        decode=decoded,
    ),
    "challenge --force": Command(
        words=("challenge", "b.evb", "-o", "c.evc", "--secret", "c.evk", "--force"),
        outputs=("c.evk", "c.evc"),
        prepare=_with_old("c.evc", "c.evk"),
        decode=decoded,
    ),
    "confirm": Command(
        words=("confirm", "b.evb", "b.eva", "--secret", "b.evk"),
        outputs=("b.evk",),
        prepare=_answered,
        force=(),
    ),
    "trust add": Command(
        words=("trust", "add", "--openpgp", "cd" * 20), outputs=(_TRUST,), prepare=nothing, force=()
    ),
    "trust add more": Command(
        words=("trust", "add", "--openpgp", "cd" * 20), outputs=(_TRUST,), prepare=_trusting, force=()
    ),
    "trust remove": Command(
        words=("trust", "remove", "ab" * 20), outputs=(_TRUST,), prepare=_trusting, force=()
    ),
}
