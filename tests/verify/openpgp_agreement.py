# SPDX-License-Identifier: Apache-2.0
"""What is made of every OpenPGP case: here, by gpg, by sqv, by Sequoia's library, and why where they differ.

`python -m tests.verify.openpgp_agreement` writes it to spec/openpgp-agreement.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.evidence import openpgp, openpgp_sequoia
from bundlefmt.verify import Outcome
from bundlefmt.verify.context import Fail, Skip, Unsure
from bundlefmt.verify.openpgp_signature import Made, SignatureStanding
from tests.conftest import CORPUS
from tests.vectorgen.openpgp_case import Case
from tests.vectorgen.openpgp_cases import CASES
from tests.verify import openpgp_others
from tests.verify.openpgp_opinions import gpg_accepts, run, sqv_accepts, written

FILE: Final = Path(__file__).parents[2] / "spec" / "openpgp-agreement.md"
MESSAGE: Final = b"a message"
OTHERS: Final = "\n## Certificates of others\n"
_KINDS: Final = "Sequoia's published builds lack the curve; gpg has it"
_SIX: Final = "newer than the installed gpg and sqv"
_WEAK: Final = "of digests gpg refuses MD5 alone, and it looks at no size of key"
_LATER: Final = "gpg lets signatures speak of the time before they were made"
_SILENT: Final = "gpg takes a key for which no flags are given to be for everything"
_SOFT: Final = "gpg lets every revocation reach back, and believes no later certification"
_DIRECT: Final = "gpg asks the direct-key signature, Sequoia the user id; here the narrower word counts"
_STRICT: Final = "stricter here"
REASONS: Final[Mapping[str, str]] = {
    "Brainpool bp256": _KINDS,
    "Brainpool bp384": _KINDS,
    "Brainpool bp512": _KINDS,
    "secp256k1": "computed neither here nor by Sequoia; gpg has it",
    "sound version 6 ed25519": _SIX,
    "sound version 6 ed25519 SHA-256": _SIX,
    "sound version 6 ed448": _SIX,
    "version 6 ed448 over SHA-384": f"{_STRICT}: RFC 9580 5.2.3.5 asks for 512 bits",
    "sound version 6 subkey": _SIX,
    "RSA 1024": _WEAK,
    "weak primary": _WEAK,
    "weak subkey": _WEAK,
    "SHA-1": _WEAK,
    "SHA-1 by RSA": _WEAK,
    "SHA-1 user id": _WEAK,
    "SHA-1 binding": _WEAK,
    "SHA-1 back-signature": _WEAK,
    "DSA": f"{_STRICT}: RFC 9580 9.1 deprecates it; Sequoia lets 2048 bits live until 2030",
    "EdDSA over SHA-224": f"{_STRICT}: RFC 9580 5.2.3.3 asks for 256 bits",
    "RSA in the form of CVE-2017-15361": f"{_STRICT}: its primes can be found; no program looks",
    "a newer binding over SHA-1": f"{_STRICT}: the newest binding speaks, programs go back to older ones",
    "compromised before the key was made": f"{_STRICT}: a hard revocation counts whatever its date",
    "revoked by a designated revoker": f"{_STRICT}: the revoker's key is not here, so it is undecided",
    "revocation cut short": f"{_STRICT}: it may be one; sqv and Sequoia pass it by, gpg reads nothing",
    "signature's time twice": f"{_STRICT}: two times are no time",
    "signature of version 3": "RFC 9580 5.2.2 deprecates them; gpg takes them",
    "the primary user id speaks": "gpg takes the flags that another user id gives",
    "no key flags": _SILENT,
    "subkey without flags": _SILENT,
    "key flags outside the hashed area": _SILENT,
    "self-signature from later": _LATER,
    "binding from later": _LATER,
    "back-signature from later": _LATER,
    "expiry was put off too late": _LATER,
    "back-signature expired": "gpg does not look at the expiry of a back-signature",
    "self-signature expired": "gpg goes on with a self-signature that has expired",
    "self-signature expires in this second": "gpg goes on with a self-signature that has expired",
    "sound, the later of two user ids speaks": "gpg lets the key expire as the other user id says",
    "key expires in this second": "gpg counts the second in which a key expires to its life",
    "from the future": "gpg judges at the time it is given, Sequoia at today's",
    "revoked behind the second of two same subkeys": "gpg drops the second copy with its revocation",
    "sound without a user id": "gpg imports no key without a user id",
    "sound subkey P-384": "gpg asks for a digest as long as the curve",
    "direct-key signature lets it certify only": _DIRECT,
    "user id lets it certify only": _DIRECT,
    "sound, a direct-key signature over SHA-1": "gpg believes it, and so that the key has expired",
    "sound, a forged back-signature beside a good one": "gpg looks at the first alone",
    "primary key as its own subkey": f"{_STRICT}: the key is to certify only, whatever it is bound as",
    "only a picture is certified": "gpg takes a picture for a user id",
    "retirement that has expired": f"{_STRICT}: believing it can only refuse",
    "retirement with something critical": f"{_STRICT}: believing it can only refuse",
    "retirement without a time": f"{_STRICT}: without a time it counts whatever the time",
    "sound, retired later": _SOFT,
    "sound, superseded later": _SOFT,
    "sound, retired and taken up again": _SOFT,
    "sound, subkey retired later": _SOFT,
    "sound, subkey retired and bound again": _SOFT,
    "sound, a certification cut short": "gpg reads nothing of a certificate with one broken signature",
    "sound, unknown and critical outside the hashed area": "gpg believes what anyone can put there",
    "user id says longer than the direct-key signature": _DIRECT,
    "user id says shorter than the direct-key signature": _DIRECT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case: what comes of it here, and who accepts it."""

    name: str
    here: Outcome
    gpg: bool
    sqv: bool
    sequoia: bool

    @property
    def agreed(self) -> bool:
        return {self.gpg, self.sqv, self.sequoia} == {self.here is Outcome.PASSED}

    def line(self) -> str:
        case = CASES[self.name]
        here = "accepted"
        if case.failing:
            here = f"refused: {case.failing[0]}"
        elif case.unsure:
            here = f"undecided: {case.unsure[0]}"
        others = ("accepts" if each else "refuses" for each in (self.gpg, self.sqv, self.sequoia))
        return f"| {self.name} | {here} | {' | '.join(others)} | {REASONS.get(self.name, '')} |"


def decided(case: Case) -> Outcome:
    """What is made of the signature: passed, failed or indeterminate."""
    signature = case.sign(MESSAGE)
    said = openpgp.self_signatures(case.certificate)
    try:
        packet = openpgp.signature_facts(signature).packet
    except (openpgp.OpenPgpError, MalformedError):
        return Outcome.FAILED
    try:
        keys = openpgp.makers(said.certificate, packet, packet.digest(MESSAGE))
    except openpgp.NotComputedError:
        return Outcome.INDETERMINATE
    except openpgp.OpenPgpError:
        return Outcome.FAILED
    if packet.created is None:
        return Outcome.FAILED
    found = Outcome.FAILED
    for key in keys:
        made = Made(raw=signature, packet=packet, key=key, message=MESSAGE)
        try:
            SignatureStanding(said, made, at=packet.created, lapse=case.at).require()
        except Unsure:
            found = Outcome.INDETERMINATE
        except (Fail, Skip):
            continue
        else:
            return Outcome.PASSED
    return found


def row(name: str) -> Row:
    case = CASES[name]
    signature = case.sign(MESSAGE)
    with TemporaryDirectory() as held:
        folder = Path(held)
        written(folder, case.certificate, signature, MESSAGE)
        gpg, sqv = gpg_accepts(folder, case.at), sqv_accepts(folder)
    sequoia = False
    with suppress(openpgp.OpenPgpError):
        openpgp_sequoia.verify(case.certificate, signature, MESSAGE)
        sequoia = True
    return Row(name=name, here=decided(case), gpg=gpg, sqv=sqv, sequoia=sequoia)


def judged() -> tuple[str, ...]:
    """The cases in the table. What a signature of another type covers is not the message that is signed."""
    return tuple(name for name in CASES if not name.startswith("type "))


def judges() -> str:
    """Who says so, by release."""
    gpg = run("gpg", "--version").stdout.splitlines()[0].split()[-1]
    sqv = run("sqv", "--version").stdout.split()[1]
    return f"gpg {gpg}, sqv {sqv}, pysequoia {version('pysequoia')}"


def _text(rows: list[Row]) -> Iterator[str]:
    agreed = sum(each.agreed for each in rows)
    yield "# OpenPGP: who accepts what"
    yield ""
    yield f"Each case is a certificate and a signature over a message, judged here and by {judges()}."
    yield "gpg accepts by its status lines, GOODSIG and VALIDSIG, with its clock at the time of the seal; its"
    yield "exit status says less. `tests/vectorgen/openpgp_cases.py` makes the cases; most are test vectors."
    yield f"All four agree on {agreed} of {len(rows)}. Where one differs, the last column says why."
    yield ""
    yield "Generated by `python -m tests.verify.openpgp_agreement`; a test keeps it so."
    yield ""
    yield "| case | here | gpg | sqv | Sequoia | why they differ |"
    yield "|---|---|---|---|---|---|"
    yield from (each.line() for each in rows)


def text(rows: Iterable[Row]) -> str:
    return "\n".join(_text(list(rows))) + "\n"


def others_text(counts: Mapping[tuple[str, str, str], int]) -> str:
    """The section on certificates that others made, of which there are so many of each kind."""
    rows = [f"| {seq} | {here} | {count} | {why} |" for (seq, here, why), count in sorted(counts.items())]
    lines = [
        f"The {sum(counts.values())} certificates among the test data of other projects, as of 2026-11-01.",
        "They are not part of this project.",
        "",
        "| Sequoia | here | certificates | why they differ |",
        "|---|---|---|---|",
        *rows,
    ]
    return OTHERS + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(map(row, judged())) + others_text(openpgp_others.counts(CORPUS)), encoding="utf-8")
