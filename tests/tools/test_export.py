# SPDX-License-Identifier: Apache-2.0
"""`bundle export`: the same bytes every time, names that are safe anywhere, a script for stock tools.

What the script says is held against `bundle verify`, on published vectors and on exports with a bit turned.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from bundletools import exporting, importing
from bundletools.export import script
from bundletools.sealing import seal_cose
from bundletools.tarball import Member
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt import labels
from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.bundle import Record
from bundlefmt.cose import KeySigner
from bundlefmt.errors import MalformedError
from bundlefmt.manifest import Digest, Item, RequiredSigner
from bundlefmt.verify import Policy, Verdict, verify
from tests.cli.conftest import VECTORS, Bundle, vector
from tests.conftest import Need
from tests.tools.conftest import Capture, Operator

GOOD = "activation_whole"
SMALL = "container_cose-esp256"
SCRIPT = Path(exporting.__file__).with_name(exporting.SCRIPT)
CODES = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INDETERMINATE: 3}


def unpacked(bundle: Bundle, file: Path, folder: Path) -> Path:
    """The directory of the export of `file`."""
    archive = folder / "x.tar.gz"
    answer = bundle("export", file, "-o", archive, "--force")
    assert answer.code == 0, answer.err
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (found,) = folder.glob("evidence-*")
    return found


def options(name: str) -> list[str]:
    """The pins and anchors of a vector as options of the script."""
    policy = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))["policy"]
    pins = [("--openpgp", pin) for pin in policy["pins_openpgp"]]
    pins += [("--piv-sha256", pin) for pin in policy["pins_piv"]]
    pins += [("--anchor", str(VECTORS / "keys" / each)) for each in policy["anchors"]]
    return [word for pair in pins for word in pair]


def judge(directory: Path, *words: str, path: Path | None = None, shell: str = "sh") -> tuple[int, str]:
    """The script's exit code and what it said; it is our own copy, whatever lies in the directory."""
    done = subprocess.run(
        [shutil.which(shell) or shell, SCRIPT, "--dir", directory, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **({} if path is None else {"PATH": str(path)})},
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def resum(directory: Path) -> None:
    """SHA256SUMS anew, as whoever changes an export would write it."""
    names = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    names.remove("SHA256SUMS")
    lines = [f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (directory / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def stock(part: Need) -> None:
    part("gpg", "openssl", "tpm2_checkquote", "tpm2_print")


# --- the archive ------------------------------------------------------------------------------------------


def test_the_same_archive_every_time(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle("export", vector(GOOD), "-o", tmp_path / "one.tar.gz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    before = os.umask(0o077)
    try:
        bundle("export", vector(GOOD), "-o", "another-name.tar.gz")
    finally:
        os.umask(before)
    data = (tmp_path / "one.tar.gz").read_bytes()
    assert data == (tmp_path / "another-name.tar.gz").read_bytes()
    assert data[:10].hex() == "1f8b0800000000000203"  # no name, no time
    created = Decoded.open(vector(GOOD)).manifest.created
    with tarfile.open(tmp_path / "one.tar.gz") as tar:
        members = tar.getmembers()
    assert [each.name for each in members] == sorted(each.name for each in members)
    assert {(each.uid, each.gid, each.uname, each.gname, each.mtime) for each in members} == {
        (0, 0, "", "", created)
    }
    assert {each.name.rpartition("/")[2] for each in members if each.mode != 0o644} == {"verify.sh"}


def test_what_is_in_it(bundle: Bundle, tmp_path: Path) -> None:
    decoded, found = Decoded.open(vector(GOOD)), unpacked(bundle, vector(GOOD), tmp_path)
    assert (found / "manifest.cbor").read_bytes() == decoded.manifest_raw
    assert (found / "verify.sh").read_bytes() == SCRIPT.read_bytes() == script()
    for label, record in decoded.content.items():
        (native,) = (path for path in (found / "items").iterdir() if path.stem == label)
        assert native.read_bytes() == record.value
    preimage = (found / "binding.cbor").read_bytes()
    manifest = decoded.manifest
    assert hashlib.sha256(preimage).digest() == manifest.binding.digest(manifest.items, manifest.previous)
    readme = (found / "README.txt").read_text(encoding="utf-8")
    names = {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()}
    assert all(f"  {name} " in readme for name in names - {"README.txt", "SHA256SUMS"})
    sums = (found / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert {line[66:] for line in sums} == names - {"SHA256SUMS"}
    assert all(hashlib.sha256((found / line[66:]).read_bytes()).hexdigest() == line[:64] for line in sums)


def test_stock_tools_read_the_forms(
    stock: None, captured: Capture, operator: Operator, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / "b.evb").write_bytes(operator.seal(captured().bundle).encode())
    found = unpacked(bundle, tmp_path / "b.evb", tmp_path)

    def run(*words: str) -> bytes:
        done = subprocess.run(words, cwd=found, capture_output=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    publics = [path.stem for path in (found / "items").glob("*.pub.tpmt")]
    assert len(publics) == 6
    for stem in publics:
        run("tpm2_print", "-t", "TPMT_PUBLIC", f"items/{stem}.tpmt")
        run("tpm2_print", "-t", "TPM2B_PUBLIC", f"forms/{stem}.tpm2b")
        run("openssl", "pkey", "-pubin", "-in", f"forms/{stem}.pem", "-noout")
    for certificate in (found / "items").glob("*.der"):
        run("openssl", "x509", "-inform", "DER", "-in", str(certificate), "-noout")
        run("openssl", "x509", "-in", f"forms/{certificate.stem}.pem", "-noout")
    run("tpm2_print", "-t", "TPMS_ATTEST", "items/quote.attest")
    nonce = hashlib.sha256((found / "binding.cbor").read_bytes()).hexdigest()
    for key in ("items/ak.pub.tpmt", "forms/ak.pub.tpm2b", "forms/ak.pub.pem"):
        run(
            *("tpm2_checkquote", "-u", key, "-m", "items/quote.attest", "-s", "items/quote.sig.tss"),
            *("-f", "forms/quote.pcrs", "-g", "sha256", "-q", nonce),
        )
    for statement in ("quote", "key.certify", "key.created"):
        run(
            *("openssl", "dgst", "-sha256", "-verify", "forms/ak.pub.pem"),
            *("-signature", f"forms/{statement}.sig.plain", f"items/{statement}.attest"),
        )
    run("openssl", "x509", "-in", "seals/1.pem", "-pubkey", "-noout", "-out", "seal.key")
    run("openssl", "dgst", "-sha256", "-verify", "seal.key", "-signature", "seals/1.plain", "seals/1.tbs")


# --- the script -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_capture_passes(
    shell: str, stock: None, part: Need, captured: Capture, operator: Operator, bundle: Bundle, tmp_path: Path
) -> None:
    part(shell)
    sealed = operator.seal(captured().bundle)
    assert operator.judge(sealed).verdict is Verdict.PASSED
    (tmp_path / "b.evb").write_bytes(sealed.encode())
    found = unpacked(bundle, tmp_path / "b.evb", tmp_path)
    (tmp_path / "root.der").write_bytes(operator.anchors[0])
    pin = hashlib.sha256(operator.certificate).hexdigest()
    words = ("--piv-sha256", pin.upper(), "--anchor", str(tmp_path / "root.der"))
    code, said = judge(found, *words, shell=shell)
    assert code == 0, said
    assert said.splitlines()[-1] == "verdict: PASSED, as far as this script checks"
    assert judge(found, "--anchor", str(tmp_path / "root.der"))[0] == 3
    assert judge(found, "--piv-sha256", pin)[0] == 3
    assert judge(found, *words, "--openpgp", "ab" * 20)[0] == 1


# of each kind of fault that the script looks for, one or two
JUDGED = (
    SMALL,
    *("ak_certified", "ak_name-of-another-key", "ak_not-restricted", "ak_rsa", "ak_rsa-pss"),
    *("ak_session-under-ek", "certify_bound-to-nonce", "certify_in-another-hierarchy", "certify_of-itself"),
    *("container_artifact-longer", "container_evidence-of-another-tpm", "container_reference-missing"),
    *("ek_certificate-expired", "ek_certificate-for-another-key", "ek_issuer-missing", "ek_no-anchor"),
    *("ek_other-anchor", "key_certify-withheld", "key_not-certified", "key_not-fixed-to-tpm"),
    *("quote_not-signed", "quote_of-another-ceremony", "quote_of-sha1-bank", "quote_of-unknown-bank"),
    *("quote_second-signature-wrong", "quote_selects-twice", "quote_signer-is-another-key"),
    *("quote_values-not-shortest", "quote_values-shifted", "seal_after-expiry"),
    *("seal_algorithm-of-another-kind-of-key", "seal_all-stripped", "seal_brings-another-certificate"),
    *("seal_certificate-withheld", "seal_ecdsa-with-leading-zero", "seal_kid-of-no-key"),
    *("seal_label-in-both-headers", "seal_of-another-manifest", "openpgp_foreign-subkey"),
    *("openpgp_sha1-signature", "openpgp_signing-subkey", "seal_openpgp-two-packets", "seal_pin-is-subkey"),
    *("seal_rsa-1024", "seal_stripped", "seal_unknown-alg"),
)
# where it is more cautious: what `bundle verify` says, and why the script says INDETERMINATE
MORE_CAUTIOUS = {
    "openpgp_revocation-retired-later": "gpg says that the key is revoked, and not since when",
    "openpgp_revocation-retired-before": "as above",
    "container_cose-ml-dsa-65": "OpenSSL before 3.5 does not read such keys",
}


@pytest.mark.parametrize("name", JUDGED)
def test_it_agrees_with_verify(name: str, stock: None, bundle: Bundle, tmp_path: Path) -> None:
    expected = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))["expect"]["verdict"]
    found = unpacked(bundle, vector(name), tmp_path)
    code, said = judge(found, *options(name))
    assert code == CODES[Verdict(expected)], said


@pytest.mark.parametrize("name", MORE_CAUTIOUS)
def test_where_it_is_more_cautious(name: str, stock: None, bundle: Bundle, tmp_path: Path) -> None:
    code, said = judge(unpacked(bundle, vector(name), tmp_path), *options(name))
    assert code == CODES[Verdict.INDETERMINATE], said


def _files(name: str) -> list[str]:
    return sorted(exporting.files(Decoded.open(vector(name)), b"script"))


@pytest.mark.parametrize("file", _files(SMALL))
def test_a_bit_turned_over(file: str, stock: None, bundle: Bundle, tmp_path: Path) -> None:
    """Damage is found in every file; and with sums to match, in every file that is believed."""
    found = unpacked(bundle, vector(SMALL), tmp_path)
    data = bytearray((found / file).read_bytes())
    # of PCR values as tpm2-tools has them, most is room that is not used
    data[150 if file.endswith(".pcrs") else len(data) // 2] ^= 1
    (found / file).write_bytes(data)
    code, said = judge(found, *options(SMALL))
    assert code == 1, said
    resum(found)
    code, said = judge(found, *options(SMALL))
    assert code == _ours(file, bytes(data)), said


def _ours(file: str, data: bytes) -> int:
    """What `bundle verify` says of a bundle with these bytes in place of the file's."""
    good = Decoded.open(vector(SMALL))
    policy = Policy(
        pins_piv=frozenset(bytes.fromhex(pin) for pin in options(SMALL) if len(pin) == 64),
    )
    if file == "manifest.cbor":
        try:
            changed = importing.reassemble(_members(good, {file: data}))[0]
        except MalformedError:
            return CODES[Verdict.FAILED]
    elif file.startswith("seals/") and file.endswith(".cose"):
        changed = replace(good, seals=(replace(good.seals[0], value=data),))
    elif file.startswith("items/"):
        (label,) = (each for each in good.content if PurePosixPath(file).stem == each)
        record = Record(type=good.content[label].type, value=data)
        changed = replace(good, content={**good.content, label: record})
    elif file.endswith(".pcrs"):
        return CODES[Verdict.FAILED]  # tpm2_checkquote reads them; a bundle has its own
    else:
        return CODES[Verdict.PASSED]  # worked out, and not looked at
    return CODES[verify(changed, policy).verdict]


def _members(good: Decoded, changes: dict[str, bytes]) -> dict[str, Member]:
    files = {**exporting.files(good, b""), **changes}
    return {name: Member(data=data, mtime=0) for name, data in files.items()}


def _without(tmp_path: Path, *absent: str) -> Path:
    """A PATH with the plain tools of a system, and those of the script that are not named."""
    folder = tmp_path / "bin"
    folder.mkdir()
    plain = "awk basename cat cmp cp cut date dirname env grep head mkdir mktemp od rm sed sh sort tr"
    for name in (*plain.split(), "sha256sum", "gpg", "gpgconf", "openssl", "tpm2_checkquote"):
        place = shutil.which(name)
        if place is not None and name not in absent:
            (folder / name).symlink_to(place)
    return folder


@pytest.mark.parametrize(
    ("absent", "code", "words"),
    [
        (("gpg",), 3, "gpg is not installed"),
        (("openssl",), 3, "openssl is not installed"),
        (("tpm2_checkquote",), 0, "tpm2_checkquote is not installed"),
        (("sha256sum",), 0, "verdict: PASSED"),
        (("sha256sum", "openssl"), 3, "nothing can be checked"),
    ],
)
def test_without_a_tool_it_says_so(
    absent: tuple[str, ...], code: int, words: str, stock: None, bundle: Bundle, tmp_path: Path
) -> None:
    found = unpacked(bundle, vector(GOOD), tmp_path)
    answer = judge(found, *options(GOOD), path=_without(tmp_path, *absent))
    assert answer[0] == code, answer[1]
    assert words in answer[1]


@pytest.mark.parametrize(
    "words",
    [["--frob", "x"], ["--openpgp"], ["--openpgp", "abc"], ["--piv-sha256", "zz"], ["--anchor", "/dev/null"]],
    ids=" ".join,
)
def test_what_it_does_not_understand(words: list[str], stock: None, bundle: Bundle, tmp_path: Path) -> None:
    found = unpacked(bundle, vector(SMALL), tmp_path)
    done = subprocess.run(["sh", SCRIPT, "--dir", found, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: " in done.stderr


def test_a_dot_in_a_label_is_a_dot(stock: None, bundle: Bundle, tmp_path: Path) -> None:
    """The seal of `operatorxpiv` is not that of `operator.piv`."""
    small = Decoded.open(vector(SMALL))
    absent = (VECTORS / "keys" / "operator-p384.der").read_bytes()
    item = small.manifest.items["operator.piv"]
    items = {
        **small.manifest.items,
        "operatorxpiv": item,
        "operator.piv": replace(item, digest=Digest.of(absent), size=len(absent)),
    }
    binding = replace(small.manifest.binding, over=("ak.pub", "operator.piv", "operatorxpiv"))
    signers = (*small.manifest.signers, RequiredSigner(item="operatorxpiv", part="witness"))
    manifest = replace(small.manifest, items=items, binding=binding, signers=signers)
    values = {label: record.value for label, record in small.content.items()}
    values |= {"operatorxpiv": values["operator.piv"], "operator.piv": absent}
    key = load_pem_private_key((VECTORS / "keys" / "operator-p256.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    sealed = seal_cose(
        Decoded.assemble(manifest, values),
        KeySigner(key),
        bytes(values["operatorxpiv"]),
        issued_at=1768479000,
    )
    (tmp_path / "b.evb").write_bytes(sealed.encode())
    code, said = judge(unpacked(bundle, tmp_path / "b.evb", tmp_path), *options(SMALL))
    assert code == 1
    assert "passed     operatorxpiv has sealed" in said
    assert "FAILED     there is no valid seal of operator.piv" in said


# --- names ------------------------------------------------------------------------------------------------

LABEL = st.from_regex(rf"\A{labels.LABEL_PATTERN}\Z")
AWKWARD = st.sampled_from(
    ["con", "nul.pub", "com1", "aux", "lpt9.x", "a.der", "a", "a.pem", "a.der.pem", "a.tpmt"]
)
ITEM = st.builds(
    lambda role, type_: Item.of(b"", role=role, type=labels.ROLE_TYPES.get(role, type_)),
    st.sampled_from([*labels.ROLES, "role-of-a-later-version"]),
    st.sampled_from(["text/plain", "../../x", "application/pdf", "a\n/b"]),
)


@given(st.dictionaries(LABEL | AWKWARD, ITEM, min_size=1, max_size=12))
def test_names_are_safe_and_differ_anywhere(items: dict[str, Item]) -> None:
    names = [f"items/{exporting.stem(label)}.{exporting.ending(item)}" for label, item in items.items()]
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        plain = name.removeprefix("items/")
        assert plain.isascii() and plain.isprintable() and not set(plain) & set('/\\:*?"<>| ')
        assert len(name) <= 100 and not plain.startswith((".", "-")) and not plain.endswith(".")
        assert plain.partition(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


@pytest.mark.parametrize("label", ["con", "aux.pub", "a..b", "x" * 64])
def test_awkward_labels(label: str, bundle: Bundle, tmp_path: Path) -> None:
    good = Decoded.open(vector(GOOD))
    items = {**good.manifest.items, label: good.manifest.items["minutes"]}
    manifest = replace(good.manifest, items=items, title="\x1b[31mred\n  items/forged")
    content = {**good.content, label: good.content["minutes"]}
    file = tmp_path / "b.evb"
    renamed = replace(good, manifest=manifest, manifest_raw=manifest.encode(), content=content)
    file.write_bytes(renamed.encode())
    found = unpacked(bundle, file, tmp_path)
    expected = f"_{label}.txt" if label in ("con", "aux.pub") else f"{label}.txt"
    assert (found / "items" / expected).read_bytes() == good.content["minutes"].value
    assert "\x1b" not in (found / "README.txt").read_text(encoding="utf-8")
    code, said = judge(found, *options(GOOD))
    assert (code, expected in said, "names no file" in said) == (
        1,
        False,
        False,
    )  # the seals are over another manifest, the file is right


@pytest.fixture
def malformed() -> Iterator[Path]:
    yield vector("container_float")


def test_what_cannot_be_done(malformed: Path, bundle: Bundle, tmp_path: Path) -> None:
    assert bundle("export", malformed, "-o", tmp_path / "x").code == 4
    (tmp_path / "y").write_bytes(b"precious")
    assert bundle("export", vector(GOOD), "-o", tmp_path / "y").code == 2
    assert (tmp_path / "y").read_bytes() == b"precious"
    assert bundle("export", vector(GOOD)).code == 2
    exchanged = bundle("export", vector("container_artifact-exchanged"), "-o", tmp_path / "z")
    assert "warning: ak.pub does not have the digest that was sealed" in exchanged.err
