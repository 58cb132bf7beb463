# SPDX-License-Identifier: Apache-2.0
"""Every chain of the corpus, also judged by openssl: what passes here it refuses for no reason that matters.

openssl is given the very chain that was found, at the same time and with the same demands on algorithms
(security level 2, or 0 where SHA-1 is allowed). The other way round it is given everything that could
stand above, and where it finds a chain, so must we. The reasons for which the two may differ are the table.
"""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bundlefmt.evidence.certificate import Certificate, CertificateError
from bundlefmt.evidence.chain import Purpose, Relaxations, find_chain
from tests.evidence import corpus_certificates as real

DAY = 86_400
FILES = [path for folder in real.FOLDERS for path in real.files(folder)] or [Path("corpus-absent")]
# what openssl says -> why the chain is sound all the same
REFUSED_BY_OPENSSL = {
    "unable to get local issuer certificate": "the authority key identifier names another certificate of the "
    "issuer's key by its serial number; it is a hint for building chains (RFC 5280 4.2.1.1), no part of 6.1",
    "unable to decode issuer public key|unable to get certs public key": "the key is named RSAES-OAEP, which "
    "openssl does not read; the signature over the certificate does not depend on its own key",
}
# why we refuse -> why that is right although openssl does not
REFUSED_HERE = {
    "an RSA key of 2041 bits": "shorter than the 2048 bits that any TPM's key has: a test certificate",
}


def _pem(certificates: Sequence[bytes]) -> bytes:
    blocks = (base64.encodebytes(each) for each in certificates)
    return b"".join(b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % block for block in blocks)


Verify = Callable[[bytes, Sequence[bytes], Sequence[bytes], int, int], str]


@pytest.fixture
def openssl(tmp_path: Path, part: Callable[..., None]) -> Verify:
    """`openssl(leaf, issuers, anchors, at, level)`: why it refuses; nothing where it does not."""
    part("openssl")

    def verify(leaf: bytes, issuers: Sequence[bytes], anchors: Sequence[bytes], at: int, level: int) -> str:
        paths = [tmp_path / name for name in ("leaf.pem", "issuers.pem", "anchors.pem")]
        for path, certificates in zip(paths, ([leaf], issuers, anchors), strict=True):
            path.write_bytes(_pem(certificates))
        stores = ["-no-CAfile", "-no-CApath", "-no-CAstore", "-trusted", str(paths[2])]
        untrusted = ["-untrusted", str(paths[1])] if issuers else []
        terms = ["-partial_chain", "-attime", str(at), "-auth_level", str(level)]
        command = ["openssl", "verify", *stores, *untrusted, *terms, str(paths[0])]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        return "" if run.returncode == 0 else run.stderr + run.stdout

    return verify


def _leaves() -> dict[Path, list[Certificate]]:
    """Every certificate of the corpus that is not self-issued, by the first file that holds it."""
    found: dict[Path, list[Certificate]] = {}
    seen: set[bytes] = set()
    for path in FILES:
        for data in real.in_file(path) if path.is_file() else ():
            leaf = real.readable().get(data)
            if leaf is not None and data not in seen and not real.is_self_issued(leaf):
                found.setdefault(path, []).append(leaf)
                seen.add(data)
    return found


LEAVES = _leaves() or {Path("corpus-absent"): []}


def _above(leaf: Certificate) -> tuple[list[bytes], list[bytes]]:
    """(issuers, anchors); an issuer is the anchor where no root of the maker's is in the corpus."""
    issuers, anchors = real.above(leaf)
    return (issuers, anchors) if anchors else ([], issuers)


def _why(table: dict[str, str], message: str) -> bool:
    return any(re.search(pattern, message) for pattern in table)


STRICT, WITH_SHA1 = Relaxations(), Relaxations(allow_sha1=True)


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: "/".join(path.parts[-3:]))
def test_openssl_agrees(corpus: Path, openssl: Verify, path: Path) -> None:
    for leaf in LEAVES[path]:
        if not _agree(openssl, leaf, STRICT, 2):
            _agree(openssl, leaf, WITH_SHA1, 0)


def _agree(openssl: Verify, leaf: Certificate, relaxations: Relaxations, level: int) -> bool:
    """Whether a chain is found; fails where openssl has another opinion that is not in the tables."""
    issuers, anchors = _above(leaf)
    at = leaf.not_before + DAY
    try:
        chain = find_chain(
            leaf.raw, issuers=issuers, anchors=anchors, at=at, purpose=Purpose(), relaxations=relaxations
        )
    except CertificateError as error:
        refused = openssl(leaf.raw, issuers, anchors, at, level) if anchors else "no anchor"
        assert refused or _why(REFUSED_HERE, str(error)), f"{leaf}: openssl accepts; {error}"
        return False
    above = [each.raw for each in chain.certificates[1:]]
    refused = openssl(leaf.raw, above[:-1], above[-1:], at, level)
    assert not refused or _why(REFUSED_BY_OPENSSL, refused), f"{leaf}: {refused}"
    return True


def test_the_corpus_has_chains_of_both_kinds(corpus: Path) -> None:
    """The comparison is of something: chains that are found and chains that are not."""
    found = refused = 0
    for leaf in (each for leaves in LEAVES.values() for each in leaves):
        issuers, anchors = _above(leaf)
        with pytest.raises(CertificateError):
            find_chain(leaf.raw, at=leaf.not_before - 1, issuers=issuers, anchors=anchors, purpose=Purpose())
        try:
            find_chain(
                leaf.raw, at=leaf.not_before + DAY, issuers=issuers, anchors=anchors, purpose=Purpose()
            )
            found += 1
        except CertificateError:
            refused += 1
    assert found > 300
    assert refused > 30
