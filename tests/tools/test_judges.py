# SPDX-License-Identifier: Apache-2.0
"""Stock programs judge the same evidence: tpm2_checkquote the quotes, openssl the chains, libtss2 the Names.

A quote is judged as the TPM made it and with one thing changed; where a program and we disagree, the
difference stands in a table with its reason.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from bundletools import templates
from bundletools.capture import ENDORSEMENT
from bundletools.tpm2 import open_tpm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.evidence.pcr import PcrValues, encode_pcr_values
from bundlefmt.evidence.tpm import (
    TpmsEccPoint,
    TpmsPcrSelection,
    TpmtPublic,
)
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.evidence.tpm_parameters import TpmsEccParms, TpmsRsaParms, TpmtScheme, TpmtSymDefObject
from bundlefmt.evidence.tpm_signature import EccSignature, RsaSignature, TpmtSignature
from bundlefmt.manifest import Binding, Item, Manifest, RequiredSigner
from bundlefmt.render.tpm2_tools import pcr_file
from bundlefmt.verify import Outcome, Policy, verify
from tests.conftest import Need
from tests.swtpm import Manufacturer, Swtpm, quiet_tss
from tests.tools.conftest import Capture, Operator

HASHES: Final = {TpmAlg.SHA256: "sha256", TpmAlg.SHA384: "sha384", TpmAlg.SHA512: "sha512"}
BANKS: Final = {int(TpmAlg.SHA256): (0, 1, 7, 16), int(TpmAlg.SHA384): (0, 23)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A quote and all that a program needs to judge it. `nonce` is what the statement must repeat."""

    operator: bytes
    ak: bytes
    attest: bytes
    signature: bytes
    values: PcrValues
    nonce: bytes = b""

    def manifest(self) -> Manifest:
        parts = {
            "op": ("piv-certificate", self.operator, {}),
            "ak": ("ak-public", self.ak, {}),
            "quote": ("quote", self.attest, {"by": "ak"}),
            "sig": ("tpm-signature", self.signature, {"by": "ak", "over": "quote"}),
            "pcrs": ("pcr-values", encode_pcr_values(self.values), {"quoted-by": "quote"}),
        }
        items = {
            label: Item.of(data, type=labels.ROLE_TYPES[role], role=role, refs=refs)
            for label, (role, data, refs) in parts.items()
        }
        binding = Binding(alg=labels.HASH_SHA256, nonce=bytes(32), over=("ak", "op"))
        signers = (RequiredSigner(item="op", part="operator"),)
        return Manifest(
            profile=labels.PROFILE_SNAPSHOT, created=0, items=items, binding=binding, signers=signers
        )

    @property
    def binding(self) -> bytes:
        manifest = self.manifest()
        return manifest.binding.digest(manifest.items, manifest.previous)

    def ours(self) -> bool:
        """Whether every check of the quote passes."""
        values = {
            "op": self.operator,
            "ak": self.ak,
            "quote": self.attest,
            "sig": self.signature,
            "pcrs": encode_pcr_values(self.values),
        }
        report = verify(Bundle.assemble(self.manifest(), values), Policy())
        findings = [each for each in report.findings if each.check.startswith(("quote.", "ak.form"))]
        return all(each.outcome is Outcome.PASSED for each in findings)

    def theirs(self, folder: Path) -> bool:
        """Whether tpm2_checkquote accepts it with the PCR values."""
        selections = tuple(TpmsPcrSelection.of(bank, row) for bank, row in self.values.items())
        files = {
            "ak": self.ak,
            "quote": self.attest,
            "sig": self.signature,
            "pcrs": pcr_file(selections, self.values),
        }
        for name, data in files.items():
            (folder / name).write_bytes(data)
        hash_alg = HASHES.get(TpmtPublic.decode(self.ak).scheme_hash or 0, "sha256")
        command = ["tpm2_checkquote", "-Q", "-u", "ak", "-m", "quote", "-s", "sig", "-f", "pcrs"]
        command += ["-g", hash_alg, "-q", (self.nonce or self.binding).hex()]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def _ecc(curve: int, hash_alg: TpmAlg) -> TpmtPublic:
    scheme = TpmtScheme(scheme=TpmAlg.ECDSA, hash=hash_alg)
    parameters = TpmsEccParms(symmetric=TpmtSymDefObject(), scheme=scheme, curve=curve, kdf=TpmtScheme())
    return replace(templates.attestation_key("ecc256", b""), parameters=parameters)


def _rsa(scheme: TpmAlg, hash_alg: TpmAlg) -> TpmtPublic:
    parameters = TpmsRsaParms(
        symmetric=TpmtSymDefObject(),
        scheme=TpmtScheme(scheme=scheme, hash=hash_alg),
        key_bits=2048,
        exponent=0,
    )
    return replace(templates.attestation_key("rsa2048", b""), parameters=parameters)


KINDS: Final = {
    "p256-sha256": _ecc(0x0003, TpmAlg.SHA256),
    "p256-sha384": _ecc(0x0003, TpmAlg.SHA384),
    "p256-sha512": _ecc(0x0003, TpmAlg.SHA512),
    "p384-sha256": _ecc(0x0004, TpmAlg.SHA256),
    "p384-sha384": _ecc(0x0004, TpmAlg.SHA384),
    "p384-sha512": _ecc(0x0004, TpmAlg.SHA512),
    "rsassa-sha256": _rsa(TpmAlg.RSASSA, TpmAlg.SHA256),
    "rsassa-sha384": _rsa(TpmAlg.RSASSA, TpmAlg.SHA384),
    "rsassa-sha512": _rsa(TpmAlg.RSASSA, TpmAlg.SHA512),
    "rsapss-sha256": _rsa(TpmAlg.RSAPSS, TpmAlg.SHA256),
    "rsapss-sha384": _rsa(TpmAlg.RSAPSS, TpmAlg.SHA384),
    "rsapss-sha512": _rsa(TpmAlg.RSAPSS, TpmAlg.SHA512),
}


def quoted(swtpm: Swtpm, operator: Operator, kind: str) -> Evidence:
    """A quote by a real TPM with an attestation key of this kind."""
    quiet_tss()
    with open_tpm(swtpm.tcti) as tpm, tpm.primary(ENDORSEMENT, KINDS[kind]) as ak:
        empty = Evidence(
            operator=operator.certificate,
            ak=ak.public,
            attest=b"",
            signature=b"",
            values={11: {0: bytes(32)}},
        )
        values = tpm.read_pcrs(BANKS)
        made = tpm.quote(ak, BANKS, empty.binding)
    return replace(empty, attest=made.attest, signature=made.signature, values=values)


# tpm2_checkquote of Debian 12 (tpm2-tools 5.4) takes RSA signatures as RSASSA only; openssl judges the others
@pytest.mark.parametrize("kind", KINDS)
def test_quotes_of_every_scheme(
    kind: str, swtpm: Swtpm, operator: Operator, part: Need, tmp_path: Path
) -> None:
    part("tpm2_checkquote")
    evidence = quoted(swtpm, operator, kind)
    assert evidence.ours()
    assert evidence.theirs(tmp_path) is (not kind.startswith("rsapss"))


@pytest.mark.parametrize("kind", KINDS)
def test_openssl_verifies_every_scheme(
    kind: str, swtpm: Swtpm, operator: Operator, part: Need, tmp_path: Path
) -> None:
    part("openssl")
    evidence = quoted(swtpm, operator, kind)
    public, signature = TpmtPublic.decode(evidence.ak), TpmtSignature.decode(evidence.signature).signature
    assert isinstance(signature, EccSignature | RsaSignature)
    if isinstance(signature, EccSignature):
        r, s = int.from_bytes(signature.r, "big"), int.from_bytes(signature.s, "big")
        (tmp_path / "sig").write_bytes(encode_dss_signature(r, s))
    else:
        (tmp_path / "sig").write_bytes(signature.sig)
    pem = public.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "quote").write_bytes(evidence.attest)
    padding = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto")
    command = ["openssl", "dgst", f"-{HASHES[TpmAlg(signature.hash)]}", "-verify", "key.pem"]
    command += [*(padding if kind.startswith("rsapss") else ()), "-signature", "sig", "quote"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.stdout == b"Verified OK\n", done.stderr


def test_openssl_finds_the_chains_that_we_find(
    captured: Capture, manufacturer: Manufacturer, part: Need, tmp_path: Path
) -> None:
    part("openssl")
    unsealed = captured().bundle
    certificates = [label for label, item in unsealed.manifest.items.items() if item.role == "ek-certificate"]
    assert len(certificates) == 3
    for label in certificates:
        (tmp_path / "ek.der").write_bytes(unsealed.content[label].value)
        command = ["openssl", "verify", "-CAfile", manufacturer.root, "-untrusted", manufacturer.issuer]
        assert subprocess.run([*command, tmp_path / "ek.der"], check=False).returncode == 0


def test_libtss2_computes_the_same_names(captured: Capture) -> None:
    tss = quiet_tss()
    unsealed = captured().bundle
    areas = {
        label: bytes(unsealed.content[label].value)
        for label, item in unsealed.manifest.items.items()
        if item.role in ("ek-public", "ak-public", "key-public", "parent-public")
    }
    assert len(areas) == 6
    for area in areas.values():
        theirs = bytes(tss.TPMT_PUBLIC.unmarshal(area)[0].get_name())
        assert theirs == TpmtPublic.decode(area).name()


# --- one thing changed in a quote that a TPM made -----------------------------------------------------

Change = Callable[[Evidence], Evidence]


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _value(evidence: Evidence, bank: int, index: int, value: bytes) -> Evidence:
    row = {**evidence.values[bank], index: value}
    return replace(evidence, values={**evidence.values, bank: row})


def _signature(evidence: Evidence, **changes: object) -> Evidence:
    signature = TpmtSignature.decode(evidence.signature)
    body = replace(signature.signature, **changes)  # type: ignore[type-var] # the fields of either kind
    return replace(evidence, signature=replace(signature, signature=body).encode())  # type: ignore[arg-type] # as above


def changes_in_what_was_signed() -> Iterator[tuple[str, Change]]:
    """Every third byte of the statement: the signature is over another one."""
    for at in range(0, 145, 3):
        yield f"attest-byte-{at}", lambda e, at=at: replace(e, attest=_flip(e.attest, at))


def changes_around_it() -> Iterator[tuple[str, Change]]:
    sha256, sha384 = int(TpmAlg.SHA256), int(TpmAlg.SHA384)
    yield "nonce-of-another", lambda e: replace(e, operator=e.operator + b"\0", nonce=bytes(32))
    yield "value-changed", lambda e: _value(e, sha256, 7, _flip(e.values[sha256][7], 31))
    yield "value-of-other-bank-changed", lambda e: _value(e, sha384, 23, _flip(e.values[sha384][23], 0))
    yield (
        "values-exchanged",
        lambda e: _value(_value(e, sha256, 0, b"\1" * 32), sha256, 7, e.values[sha256][0]),
    )
    yield (
        "value-missing",
        lambda e: replace(
            e, values={**e.values, sha256: {i: v for i, v in e.values[sha256].items() if i != 16}}
        ),
    )
    yield "bank-missing", lambda e: replace(e, values={sha256: e.values[sha256]})
    yield "value-not-quoted", lambda e: _value(e, sha256, 2, bytes(32))
    yield "attest-cut", lambda e: replace(e, attest=e.attest[:-1])
    yield "attest-trailing", lambda e: replace(e, attest=e.attest + b"\0")
    yield "attest-with-size", lambda e: replace(e, attest=len(e.attest).to_bytes(2, "big") + e.attest)
    yield "signature-cut", lambda e: replace(e, signature=e.signature[:-1])
    yield "signature-trailing", lambda e: replace(e, signature=e.signature + b"\0")
    yield "signature-byte", lambda e: replace(e, signature=_flip(e.signature, len(e.signature) - 1))
    yield "signature-hash", lambda e: _signature(e, hash=int(TpmAlg.SHA512))
    yield "signature-scheme", lambda e: replace(e, signature=b"\x00\x1a" + e.signature[2:])
    yield "another-key", lambda e: replace(e, ak=_another(e.ak).encode(), nonce=e.binding)
    yield "key-attributes", lambda e: replace(e, ak=_flip(e.ak, 7), nonce=e.binding)
    yield "key-name-alg", lambda e: replace(e, ak=e.ak[:3] + b"\x0c" + e.ak[4:], nonce=e.binding)


def _another(area: bytes) -> TpmtPublic:
    point = ec.derive_private_key(7, ec.SECP256R1()).public_key().public_numbers()
    unique = TpmsEccPoint(x=point.x.to_bytes(32, "big"), y=point.y.to_bytes(32, "big"))
    return replace(TpmtPublic.decode(area), raw=b"", unique=unique)


CHANGES: Final = dict((*changes_in_what_was_signed(), *changes_around_it()))
# what tpm2_checkquote of Debian 12 (tpm2-tools 5.4) says otherwise, and why
MORE_LENIENT: Final = {
    "signature-trailing": "it reads what it needs and does not look whether anything follows",
    "key-attributes": "it takes the key out of the public area; what the key may be used for it does not ask",
    "key-name-alg": "it does not compute the Name, so it does not see the qualified signer",
}


def test_there_are_enough_changes() -> None:
    assert len(CHANGES) >= 60


@pytest.fixture(scope="module")
def good(manufactured: Path, operator: Operator, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """One quote for all the changes."""
    state = tmp_path_factory.mktemp("judged") / "tpm"
    shutil.copytree(manufactured, state)
    with Swtpm(state) as tpm:
        return quoted(tpm, operator, "p256-sha256")


@pytest.mark.parametrize("change", CHANGES)
def test_one_thing_changed(change: str, good: Evidence, part: Need, tmp_path: Path) -> None:
    part("tpm2_checkquote")
    changed = CHANGES[change](good)
    assert changed != good
    assert not changed.ours()
    assert changed.theirs(tmp_path) is (change in MORE_LENIENT)
