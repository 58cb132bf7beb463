# SPDX-License-Identifier: Apache-2.0
"""`bundle timestamp`, `bundle renew`: an authority of time is asked directly, or across an air gap."""

from __future__ import annotations

import binascii
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.cli import given_file, reading
from bundlefmt.cli.arguments import FileArgument
from bundlefmt.cli.files import refuse_existing, write_atomic
from bundlefmt.cli.run import Exit, UsageError, say
from bundlefmt.errors import MalformedError
from bundlefmt.evidence import x509
from bundlefmt.evidence.crl import RevocationList
from bundlefmt.evidence.ocsp import OcspResponse
from bundlefmt.evidence.timestamp_token import MAX_TOKEN, TimeStampToken
from bundlefmt.frozen import frozen
from bundletools import authority, renewing
from bundletools.block_cli import ByBlocks
from bundletools.renewing import Material, RenewalError, Renewing
from bundletools.seal_stamping import SealStamping

_NONCE_BITS: Final = 64
_PEM_BEGIN: Final = b"-----BEGIN X509 CRL-----"
_PEM_LIST: Final = re.compile(_PEM_BEGIN + rb"(?P<body>[A-Za-z0-9+/=\s]+)-----END X509 CRL-----")
_HASHES: Final = ", ".join(renewing.BY_NAME)
Url = Annotated[str | None, typer.Option("--url", help="Address of the authority: http:// or https://.")]
RequestOut = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the request, to be carried to an authority.")
]
ResponseIn = Annotated[Path | None, typer.Option(metavar="FILE", help="Take the authority's answer to it.")]
AnchorTime = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Refuse an authority that leads to none of these. Repeatable."),
]
Hash = Annotated[str | None, typer.Option("--hash", metavar="NAME", help=f"Hash algorithm: {_HASHES}.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="The renewed bundle.")]
InPlace = Annotated[bool, typer.Option("--in-place", help="Replace FILE by the renewed bundle.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the output file.")]


def timestamp(
    file: FileArgument,
    seal: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of the N-th seal alone, a COSE seal.")
    ] = None,
    url: Url = None,
    request_out: RequestOut = None,
    response_in: ResponseIn = None,
    anchor_time: AnchorTime = None,
    hash_name: Hash = None,
    opentimestamps: Annotated[
        bool,
        typer.Option(
            "--opentimestamps", help="By a block of Bitcoin: stamp the request by ots, answer with its proof."
        ),
    ] = False,
    block_header: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Header of the block that the proof leads to, 80 bytes or hex. Repeatable."
        ),
    ] = None,
    pin_block: Annotated[
        list[str] | None,
        typer.Option(metavar="HASH", help="Refuse a proof that leads to none of these blocks. Repeatable."),
    ] = None,
    output: Output = None,
    in_place: InPlace = False,
    force: Force = False,
) -> int:
    """Have an authority say by when all this existed. It sees a digest, and nothing of the bundle.

    With --seal, by when one COSE seal existed: the timestamp goes into the seal, before any renewal.
    With --opentimestamps, no authority: a block of Bitcoin shows it to who knows the block.
    """
    if opentimestamps:
        if seal is not None or url is not None or anchor_time or hash_name is not None:
            raise UsageError(
                "--opentimestamps is of everything, by SHA-256 and without an authority",
                hint="leave out --seal, --url, --anchor-time and --hash",
            )
        return ByBlocks(
            file=file,
            request_out=request_out,
            response_in=response_in,
            headers=block_header or (),
            pins=pin_block or (),
        ).run(output, in_place=in_place, force=force)
    if block_header or pin_block:
        raise UsageError("--block-header and --pin-block go with --opentimestamps")
    bundle = Bundle.open(file)
    alg = _alg(hash_name) or renewing.strongest(bundle) or labels.HASH_SHA256
    stamping: _Stamping = Renewing(bundle=bundle, material=Material())
    if seal is not None:
        stamping = SealStamping(bundle=bundle, number=seal)
    work = _Work(
        file=file, stamping=stamping, alg=alg, url=url, request_out=request_out, response_in=response_in
    )
    return work.run(anchor_time or (), output, in_place=in_place, force=force)


def renew(
    file: FileArgument,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Certificate, revocation list or OCSP response to keep. Repeatable."
        ),
    ] = None,
    url: Url = None,
    request_out: RequestOut = None,
    response_in: ResponseIn = None,
    anchor_time: AnchorTime = None,
    hash_name: Hash = None,
    output: Output = None,
    in_place: InPlace = False,
    force: Force = False,
) -> int:
    """Hash all anew, by a stronger algorithm than before; with what later verifiers need, and stamped.

    Across an air gap give the same --add with the answer as with the request.
    """
    bundle = Bundle.open(file)
    alg = _alg(hash_name) or renewing.stronger(bundle)
    stamping = Renewing(bundle=bundle, material=_material(add or ()))
    work = _Work(
        file=file, stamping=stamping, alg=alg, url=url, request_out=request_out, response_in=response_in
    )
    return work.run(anchor_time or (), output, in_place=in_place, force=force)


class _Stamping(Protocol):
    """What is to be stamped: all of a bundle, or one of its seals."""

    def imprint(self, alg: int) -> bytes:
        """The digest that an authority is asked to stamp."""

    def stamped(self, token: TimeStampToken, *, anchors: Sequence[bytes] = ()) -> Bundle:
        """The bundle with the timestamp."""

    def told(self, token: TimeStampToken) -> str:
        """What that shows, in words."""


@frozen
class _Work:
    """One timestamp on its way: asked for directly, or with the request out now and the response in later."""

    file: Path
    stamping: _Stamping
    alg: int
    url: str | None
    request_out: Path | None
    response_in: Path | None

    def run(self, anchors: Sequence[Path], output: Path | None, *, in_place: bool, force: bool) -> int:
        if sum(each is not None for each in (self.url, self.request_out, self.response_in)) != 1:
            raise UsageError("say whom to ask", hint="--url URL, --request-out FILE or --response-in FILE")
        if self.request_out is not None:
            return self._ask_later(self.request_out, output, in_place=in_place, force=force)
        if (output is None) != in_place:
            raise UsageError("say where to write the renewed bundle", hint="-o FILE, or --in-place")
        target = output or self.file
        refuse_existing(target, force=force or in_place)
        trusted = [der for path in anchors for der in reading.certificates(path)]
        if self.response_in is not None:
            token = renewing.token_of(given_file.read_answer(self.response_in, MAX_TOKEN))
        else:
            token = ask(str(self.url), self.stamping.imprint(self.alg), self.alg)
        made = self.stamping.stamped(token, anchors=trusted)
        write_atomic(target, made.chunks(), force=force or in_place)
        say(f"{target}: {self.stamping.told(token)}")
        return Exit.PASSED

    def _ask_later(self, out: Path, output: Path | None, *, in_place: bool, force: bool) -> int:
        if output is not None or in_place:
            raise UsageError("the bundle is written when the answer is here", hint="--response-in FILE")
        refuse_existing(out, force=force)
        asked = renewing.request_over(self.alg, self.stamping.imprint(self.alg), nonce=_fresh_nonce())
        write_atomic(out, [asked.encode()], force=force)
        say(f"{out}: carry it to an authority of time; then --response-in with its answer")
        return Exit.PASSED


def ask(url: str, digest: bytes, alg: int) -> TimeStampToken:
    """The token of an authority on the network over a digest by `alg`. Raises DeviceError, RenewalError."""
    asked = renewing.request_over(alg, digest, nonce=_fresh_nonce())
    token = renewing.token_of(authority.ask(url, asked.encode()))
    if token.info.nonce != asked.nonce:
        raise RenewalError("the timestamp is the answer to another request (its nonce is another)")
    return token


def _fresh_nonce() -> int:
    return secrets.randbits(_NONCE_BITS)


def _alg(name: str | None) -> int | None:
    if name is None:
        return None
    if name not in renewing.BY_NAME:
        raise UsageError(f"{name!r} is no hash algorithm of renewals", hint=f"one of {_HASHES}")
    return renewing.BY_NAME[name]


def _material(paths: Sequence[Path]) -> Material:
    """What the files hold, each told by what it is."""
    certificates: list[bytes] = []
    revocation: list[bytes] = []
    for path in paths:
        data = given_file.read(path)
        if x509.holds_secret_key(data):
            raise UsageError(f"{path} holds a SECRET key, which has no place in a bundle")
        if lists := _pem_lists(data, path):
            revocation += lists
            if not reading.in_pem(data):
                continue
        for kind in (RevocationList, OcspResponse):
            try:
                kind.decode(data)
            except MalformedError:
                continue
            revocation.append(data)
            break
        else:
            certificates += reading.certificates_in(data, path)
    return Material(
        certificates=tuple(dict.fromkeys(certificates)), revocation=tuple(dict.fromkeys(revocation))
    )


def _pem_lists(data: bytes, path: Path) -> list[bytes]:
    """The revocation lists in PEM, as openssl writes them. Raises UsageError where one cannot be read."""
    found = [match["body"] for match in _PEM_LIST.finditer(data)]
    try:
        if len(found) != data.count(_PEM_BEGIN):
            raise UsageError(f"{path} holds a revocation list that is cut short")
        lists = [binascii.a2b_base64(body) for body in found]
        for each in lists:
            RevocationList.decode(each)
    except (binascii.Error, MalformedError) as error:
        raise UsageError(f"{path} holds no revocation list that can be read: {error}") from None
    return lists
