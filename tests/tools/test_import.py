# SPDX-License-Identifier: Apache-2.0
"""`bundle import`: an export comes back byte for byte; what stock tools wrote can be sealed and verified."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bundletools import exporting, importing
from bundletools.artifacts import Form, Kind, artifacts, convert
from bundletools.forms import pem
from bundletools.mapping import Entry, MappingError, Plan
from bundletools.planning import propose
from bundletools.tarball import Member
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import TpmtPublic, tpm2b
from bundlefmt.verify import Policy, Verdict, verify
from tests.cli.conftest import VECTORS, Bundle, terms, vector
from tests.conftest import Need
from tests.swtpm import Manufacturer, Swtpm
from tests.tools.conftest import certificate

GOOD = "activation_whole"
NONCE = "00112233445566778899aabbccddeeff"


def members(files: dict[str, bytes]) -> dict[str, Member]:
    return {name: Member(data=data, mtime=0) for name, data in files.items()}


def readable() -> list[str]:
    """The published vectors that a decoder takes."""
    found = []
    for path in sorted(VECTORS.glob("*/bundle.evb")):
        try:
            Decoded.open(path)
        except MalformedError:
            continue
        found.append(path.parent.name)
    return found


# --- there and back ---------------------------------------------------------------------------------------

# of these the export cannot give all back, and why
LOSSY = {
    "container_detached-present": "an artifact that should not have been there",
    "container_record-of-another-type": "the type is the manifest's",
    "container_record-with-ind": "the indicator is not part of the artifact",
}


def test_every_published_bundle_comes_back() -> None:
    names = readable()
    assert len(names) > 300
    for name in names:
        original = Decoded.open(vector(name))
        again, strangers = importing.reassemble(members(dict(exporting.files(original, b""))))  # type: ignore[arg-type] # buffers
        assert (again.manifest_raw, again.seals) == (original.manifest_raw, original.seals), name
        assert again.renewals == original.renewals, name
        altered = {
            label
            for label, record in original.content.items()
            if not original.manifest.items[label].digest.matches(record.value)
        }
        assert len(strangers) == len(altered), name
        if name not in LOSSY:
            assert again.encode() == original.without(altered).encode(), name


@pytest.mark.parametrize("as_directory", [False, True])
def test_from_the_command_line(as_directory: bool, bundle: Bundle, tmp_path: Path) -> None:
    bundle("export", vector(GOOD), "-o", tmp_path / "x.tar.gz")
    source = tmp_path / "x.tar.gz"
    if as_directory:
        shutil.unpack_archive(source, tmp_path / "d", filter="data")
        source = tmp_path / "d"
    answer = bundle("import", source, "-o", tmp_path / "again.evb")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.endswith(" items, 2 seals, as they were exported\n")
    assert (tmp_path / "again.evb").read_bytes() == vector(GOOD).read_bytes()


def test_names_in_items_do_not_matter() -> None:
    good = Decoded.open(vector(GOOD))
    files = dict(exporting.files(good, b""))
    renamed = {name.replace("items/", "any/where "): data for name, data in files.items()}
    assert importing.reassemble(members(renamed))[0] == good  # type: ignore[arg-type] # buffers


def test_a_changed_artifact_is_left_out_and_told(bundle: Bundle, tmp_path: Path) -> None:
    bundle("export", vector(GOOD), "-o", tmp_path / "x.tar.gz")
    shutil.unpack_archive(tmp_path / "x.tar.gz", tmp_path / "d", filter="data")
    (quote,) = (tmp_path / "d").glob("*/items/quote.attest")
    quote.write_bytes(quote.read_bytes()[::-1])
    answer = bundle("import", tmp_path / "d", "-o", tmp_path / "again.evb")
    assert "warning: items/quote.attest is no artifact of this manifest" in answer.err
    assert ", 1 absent, " in answer.out
    assert bundle("verify", tmp_path / "again.evb", *terms(GOOD)).code == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: files.pop("seals/1.cose"), "one is missing"),
        (lambda files: files.update({"seals/2.cose": b"x"}), "two files are the same seal"),
        (lambda files: files.update({"seals/3.seal": b"x"}), "nothing says of which type seal 3 is"),
        (lambda files: files.update({"renewals/2.cbor": b"\xa0"}), "one is missing"),
    ],
)
def test_an_export_with_gaps(change: Callable[[dict[str, bytes]], object], why: str) -> None:
    files = dict(exporting.files(Decoded.open(vector(GOOD)), b""))
    change(files)  # type: ignore[arg-type] # buffers
    with pytest.raises(MappingError, match=why):
        importing.reassemble(members(files))  # type: ignore[arg-type] # buffers


# --- a ceremony by hand -----------------------------------------------------------------------------------

CEREMONY = r"""
set -e
tpm2_getekcertificate -X -o ek-rsa.crt -o ek-ecc.crt 2> /dev/null
tpm2_createek -Q -c ek.ctx -G ecc -u ek.pub
tpm2_flushcontext -t
tpm2_createak -Q -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pub -r /dev/null -n ak.name
tpm2_flushcontext -t
head -c 32 /dev/urandom > secret.bin
tpm2_makecredential -Q -T none -u ek.pub -s secret.bin -n $(od -An -v -tx1 ak.name | tr -d ' \n') -o cred.out
tpm2_startauthsession -Q --policy-session -S s.ctx
tpm2_policysecret -Q -S s.ctx -c e
tpm2_activatecredential -Q -c ak.ctx -C ek.ctx -i cred.out -o answer.bin -P session:s.ctx
tpm2_flushcontext -t && tpm2_flushcontext -l && tpm2_flushcontext -s
tpm2_createprimary -Q -C o -G ecc256:ecdsa-sha256:null -c sign.ctx --creation-data cr.data -d cr.hash \
    -t cr.ticket -q $NONCE -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
tpm2_readpublic -Q -c sign.ctx -o sign.pub -n sign.name
tpm2_flushcontext -t
tpm2_certify -Q -c sign.ctx -C ak.ctx -g sha256 -o certify.attest -s certify.sig
tpm2_flushcontext -t
tpm2_certifycreation -Q -C ak.ctx -c sign.ctx -d cr.hash -t cr.ticket -g sha256 -s ecdsa -o cc.sig \
    --attestation cc.attest -q $NONCE
tpm2_flushcontext -t
tpm2_pcrextend 16:sha256=$(printf '%064d' 7)
tpm2_quote -Q -c ak.ctx -l sha1:0,7+sha256:0,7,16+sha384:0,7 -q $NONCE -m q.msg -s q.sig -o q.pcrs -g sha256
tpm2_flushcontext -t
tpm2_quote -Q -c ak.ctx -l sha256:0,1,2,16 -q $NONCE -m plain.msg -s plain.sig -f plain -o plain.pcrs \
    -F values -g sha256
tpm2_flushcontext -t
cp ek-ecc.crt "EK certificate (copy).der"
gpg --batch --quiet --passphrase '' --quick-generate-key 'By Hand (test key) <hand@test.invalid>' \
    ed25519 sign never
gpg --export --armor > operator.asc
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 \
    -subj '/CN=By Hand CA (test key)' 2> /dev/null
openssl x509 -in ca.pem -outform DER -out ca.der
gpg --batch --output cross.sig --detach-sign ca.der
mv ca.der ..
"""
# what becomes of the files of this ceremony: role and form
EXPECTED = {
    "ak.name": ("ak-name", "native"),
    "ak.pub": ("ak-public", "tpm2b"),
    "ca.pem": ("piv-certificate", "pem"),
    "cc.attest": ("certify-creation", "native"),
    "cc.sig": ("tpm-signature", "native"),
    "cr.data": ("creation-data", "tpm2b"),
    "cr.ticket": ("creation-ticket", "native"),
    "cred.out": ("credential-activation", "credential"),
    "cross.sig": ("cross-signature", "native"),
    "EK certificate (copy).der": ("ek-certificate", "native"),
    "ek-rsa.crt": ("ek-certificate", "native"),
    "ek.pub": ("ek-public", "tpm2b"),
    "issuer.pem": ("certificate-issuer", "pem"),
    "operator.asc": ("openpgp-certificate", "armored"),
    "plain.msg": ("quote", "native"),
    "plain.pcrs": ("pcr-values", "values"),
    "plain.sig": ("tpm-signature", "plain"),
    "q.msg": ("quote", "native"),
    "q.pcrs": ("pcr-values", "tpm2-tools"),
    "q.sig": ("tpm-signature", "native"),
    "sign.name": ("key-name", "native"),
    "sign.pub": ("key-public", "tpm2b"),
}
LEFT_OUT = {
    "ak.ctx": "a saved context",
    "ca.key": "a private key",
    "certify.attest": "repeats another nonce",
    "certify.sig": "over nothing that is imported",
    "cr.hash": "a hash of creation data",
    "ek-ecc.crt": "the same as EK certificate (copy).der",
    "ek.ctx": "a saved context",
    "s.ctx": "a saved context",
    "secret.bin": "the same as answer.bin",
    "sign.ctx": "a saved context",
}


@pytest.fixture
def keyring(part: Need, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A GnuPG home of its own; sockets do not fit into the long paths of tests."""
    part("gpg", "gpgconf")
    home = Path(tempfile.mkdtemp(prefix="gpg-"))
    monkeypatch.setenv("GNUPGHOME", str(home))
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def by_hand(swtpm: Swtpm, manufacturer: Manufacturer, keyring: Path, part: Need, tmp_path: Path) -> Path:
    """The directory of a ceremony that was held with tpm2-tools, gpg and openssl alone."""
    part("tpm2_certifycreation", "openssl")
    folder = tmp_path / "hand"
    folder.mkdir()
    done = subprocess.run(
        ["bash", "-c", CEREMONY],
        cwd=folder,
        env={**os.environ, "TPM2TOOLS_TCTI": swtpm.tcti, "TSS2_LOG": "all+none", "NONCE": NONCE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shutil.copyfile(manufacturer.issuer, folder / "issuer.pem")
    return folder


def test_a_ceremony_by_hand(
    by_hand: Path, manufacturer: Manufacturer, bundle: Bundle, tmp_path: Path
) -> None:
    plan = Plan.decode(bundle("import", by_hand, "--plan").out)
    assert {entry.file: (entry.role, entry.form) for entry in plan.items.values()} == EXPECTED
    assert set(plan.left_out) == set(LEFT_OUT)
    assert all(plan.left_out[name].startswith(why) for name, why in LEFT_OUT.items())
    assert plan.nonce.hex() == NONCE
    key = tmp_path / "key.pem"
    (by_hand / "ca.key").rename(key)
    file = tmp_path / "b.evb"
    answer = bundle("import", by_hand, "-o", file)
    assert answer.code == 0, answer.err
    assert answer.out == f"{file}: {len(EXPECTED)} items imported; to be sealed by operator.asc, ca.pem\n"
    assert "note: left out certify.attest: repeats another nonce" in answer.err
    assert bundle("seal", file, "--in-place", "--with", "gpg:hand@test.invalid").code == 0
    sealed = bundle("seal", file, "--in-place", "--with", f"file:{key}", "--cert", by_hand / "ca.pem")
    assert sealed.code == 0, sealed.err
    decoded = Decoded.open(file)
    assert TpmtPublic.decode(decoded.content["ak.pub"].value).encode() == decoded.content["ak.pub"].value
    record = CredentialActivation.decode(decoded.content["cred.out"].value)
    assert record.credential == (by_hand / "secret.bin").read_bytes()
    values = decode_pcr_values(decoded.content["plain.pcrs"].value)
    assert {bank: sorted(row) for bank, row in values.items()} == {11: [0, 1, 2, 16]}
    fingerprint = subprocess.run(
        ["gpg", "--list-keys", "--with-colons"], capture_output=True, text=True, check=True
    ).stdout.partition("\nfpr:::::::::")[2][:40]
    words = ["--pin-openpgp", fingerprint, "--anchor", manufacturer.root]
    judged = bundle("verify", file, *words, "--allow", "nonce-binding", "--json").json
    assert judged["verdict"] == "PASSED", [
        each for each in judged["findings"] if each["outcome"] in ("failed", "indeterminate")
    ]
    bases = {each["id"]: each["basis"] for each in judged["conclusions"]}
    assert (bases["tpm.genuine"], bases["platform.state"], bases["key.resident"]) == (
        "proven",
        "vouched",
        "vouched",
    )
    # nonce-bound only: that has to be allowed
    assert bundle("verify", file, *words).code == 3


def test_an_edited_plan_is_used(by_hand: Path, bundle: Bundle, tmp_path: Path) -> None:
    (by_hand / "minutes.txt").write_text("We met.", encoding="utf-8")
    shown = bundle("import", by_hand, "--plan").out
    assert '"minutes.txt" = "not recognised' in shown
    edited = shown.replace('part = "operator"', 'part = "witness"', 1).replace(
        "[left-out]",
        '[items."minutes.txt"]\nfile = "minutes.txt"\nrole = "minutes"\ntype = "text/plain"\n'
        'claimed = { place = "here" }\n\n[left-out]',
    )
    (tmp_path / "map.toml").write_text('title = "Ours"\n' + edited, encoding="utf-8")
    answer = bundle("import", by_hand, "--map", tmp_path / "map.toml", "-o", tmp_path / "b.evb")
    assert answer.code == 0, answer.err
    manifest = Decoded.open(tmp_path / "b.evb").manifest
    assert manifest.title == "Ours"
    assert [signer.part for signer in manifest.signers] == ["witness", "operator"]
    item = manifest.items["minutes.txt"]
    assert (item.role, item.type, item.claimed) == ("minutes", "text/plain", {"place": "here"})
    # as an archive it is the same
    subprocess.run(["tar", "-czf", tmp_path / "hand.tar.gz", "-C", by_hand, "."], check=True)
    again = bundle(
        *("import", tmp_path / "hand.tar.gz", "--map", tmp_path / "map.toml", "-o", tmp_path / "c.evb")
    )
    assert again.code == 0, again.err
    assert (tmp_path / "c.evb").read_bytes() == (tmp_path / "b.evb").read_bytes()


# --- recognition ------------------------------------------------------------------------------------------


def test_each_form_gives_the_native_bytes() -> None:
    good = Decoded.open(vector(GOOD))
    value = {label: bytes(record.value) for label, record in good.content.items()}
    area, der, pgp = value["ak.pub"], value["ek.cert"], value["operator.openpgp"]
    files = {
        Kind.PUBLIC: [(area, "native"), (tpm2b(area), "tpm2b")],
        Kind.CERTIFICATE: [(der, "native"), (b"Subject: x\n" + pem("CERTIFICATE", der), "pem")],
        Kind.OPENPGP: [
            (pgp, "native"),
            (pem("PGP PUBLIC KEY BLOCK", pgp).replace(b"-\n", b"-\n\n", 1), "armored"),
        ],
        Kind.ATTEST: [(value["quote"], "native")],
        Kind.TPM_SIGNATURE: [(value["quote.sig"], "native")],
        Kind.PCRS: [(value["quote.pcrs"], "native")],
        Kind.CREATION: [(value["key.creation"], "native"), (tpm2b(value["key.creation"]), "tpm2b")],
        Kind.TICKET: [(value["key.ticket"], "native")],
        Kind.ACTIVATION: [(value["ek.activation"], "native")],
    }
    for kind, forms in files.items():
        for data, form in forms:
            (found,) = artifacts(data)
            assert (found.kind, found.form, found.native) == (kind, form, forms[0][0])
            assert convert(data, form) == forms[0][0]


def test_a_row_of_certificates_is_several() -> None:
    good = Decoded.open(vector(GOOD))
    row = [bytes(good.content[label].value) for label in ("ek.cert", "ek.issuer")]
    found = artifacts(b"".join(pem("CERTIFICATE", der) for der in row))
    assert [(each.form, each.native) for each in found] == [("pem:1", row[0]), ("pem:2", row[1])]


@pytest.mark.parametrize(
    "form", [Form.PEM, "pem:0", "pem:2", "pem:x", Form.ARMORED, Form.TPM2B, Form.PCRS, "x"]
)
def test_what_is_not_of_its_form(form: str) -> None:
    with pytest.raises(ValueError if form != Form.TPM2B and form != Form.PCRS else MalformedError):
        convert(b"nothing of the kind", form)


@given(st.binary(max_size=300))
def test_any_bytes_are_something_or_nothing(data: bytes) -> None:
    for found in artifacts(data):
        assert found.form == Form.CREDENTIAL or convert(data, found.form) == found.native


def test_private_keys_stay_out(bundle: Bundle, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    folder = tmp_path / "d"
    folder.mkdir()
    both = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both += pem("CERTIFICATE", certificate(key))
    (folder / "both.pem").write_bytes(both)
    plan = Plan.decode(bundle("import", folder, "--plan").out)
    assert (plan.items, plan.left_out["both.pem"][:13]) == ({}, "a private key")


def _natives(name: str) -> dict[str, bytes]:
    """The artifacts of a vector by label, without its manifest."""
    return {label: bytes(record.value) for label, record in Decoded.open(vector(name)).content.items()}


def test_what_a_capture_made_is_recognised() -> None:
    """Roles and references as the manifest had them, found by the files alone."""
    good = Decoded.open(vector(GOOD)).manifest
    plan = propose(members(_natives(GOOD)), now=1)
    assert set(plan.left_out) == {"ek.activation", "key.creation", "key.ticket", "minutes"}
    for label, entry in plan.items.items():
        item = good.items[label]
        assert (entry.role, {name: item.ref(name) for name in item.refs}) == (
            item.role,
            {name: (to,) if isinstance(to, str) else to for name, to in entry.refs.items()},
        ), label
    assert set(plan.items) | set(plan.left_out) == set(good.items)
    made = importing.assemble(plan, members(_natives(GOOD)))
    assert {label: item.digest for label, item in made.manifest.items.items()} == {
        label: good.items[label].digest for label in plan.items
    }


@pytest.mark.parametrize("name", ["ak_session-under-ek", "ak_certified", "ak_rsa", "quote_of-two-banks"])
def test_other_captures_are_recognised(name: str) -> None:
    manifest = Decoded.open(vector(name)).manifest
    plan = propose(members(_natives(name)), now=1)
    wrong = {
        label: entry.role for label, entry in plan.items.items() if entry.role != manifest.items[label].role
    }
    assert wrong == {}
    assert {"ak-public", "quote", "tpm-signature", "pcr-values"} <= {
        each.role for each in plan.items.values()
    }


@given(st.data())
def test_damaged_files_make_a_plan_or_a_reason(data: st.DataObject) -> None:
    files = _natives(GOOD)
    for label in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=4, unique=True)):
        changed = bytearray(files[label])
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
        files[label] = bytes(changed[: data.draw(st.integers(at, len(changed)))])
    plan = propose(members(files), now=1)
    assert {entry.file for entry in plan.items.values()} | set(plan.left_out) | {
        str(entry.answer) for entry in plan.items.values()
    } >= set(files)
    try:
        made = importing.assemble(plan, members(files))
    except MappingError:
        return
    assert Decoded.decode(made.encode()) == made


# --- the mapping ------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ENTRIES = st.builds(
    Entry,
    file=TEXT,
    role=TEXT,
    form=TEXT,
    type=st.none() | TEXT,
    answer=st.none() | TEXT,
    refs=st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2).map(tuple), max_size=2),
    claimed=st.dictionaries(TEXT, TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1), max_size=2),
    detached=st.booleans(),
)
PLANS = st.builds(
    Plan,
    created=st.integers(0, 2**63 - 1),
    nonce=st.binary(max_size=4),
    items=st.dictionaries(TEXT, ENTRIES, max_size=2),
    signers=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    title=st.none() | TEXT,
    previous=st.none() | st.binary(max_size=4),
    left_out=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(PLANS)
def test_a_mapping_comes_back(plan: Plan) -> None:
    assert Plan.decode(plan.encode()) == plan


HEAD = 'schema = "evidence-bundle-import/1"\ncreated = 1\nnonce = "00"\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x =", "not TOML"),
        ("created = 1", "schema is not"),
        (HEAD + "x = 1", "has no member 'x'"),
        (HEAD.replace("= 1", "= -1"), "created is not a time"),
        (HEAD.replace("= 1", "= true"), "created is not a time"),
        (HEAD.replace('"00"', '"0x"'), "nonce is not hexadecimal"),
        (HEAD + "items = 1", "items is not a table"),
        (HEAD + "[items.a]\nfile = 1", "file of a is not a text"),
        (HEAD + '[items.a]\nfile = "a"', "role of a is not a text"),
        (HEAD + '[items.a]\nfile = "a"\nrole = "media"\nx = 1', "item a has no member 'x'"),
        (HEAD + '[items.a]\nfile = "a"\nrole = "media"\ndetached = 1', "is neither true nor false"),
        (HEAD + '[items.a]\nfile = "a"\nrole = "media"\nrefs = { of = 1 }', "refs of a is not a text"),
        (HEAD + "signers = 1", "signers is not a list"),
        (HEAD + "[[signers]]\nitem = 1", "item is not a text"),
    ],
)
def test_mappings_that_are_refused(text: str, why: str, bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"a")
    answer = bundle("import", tmp_path / "d", "--map", tmp_path / "map.toml", "-o", tmp_path / "x")
    assert (answer.code, answer.out) == (2, "")
    assert why in answer.err


def _plan(**changes: object) -> Plan:
    """A plan of one certificate and one detached film."""
    items = {
        "op": Entry(file="op.der", role="piv-certificate"),
        "film": Entry(file="film", role="media", detached=True),
    }
    plan = Plan(created=1, nonce=bytes(16), items=items, signers=(("op", "operator"),))
    return replace(plan, **changes)  # type: ignore[arg-type] # its fields


def test_a_detached_item_is_named_and_not_carried() -> None:
    files = members({"op.der": b"certificate", "film": b"film"})
    made = importing.assemble(_plan(previous=bytes(32), title="x"), files)
    assert set(made.content) == {"op"}
    assert made.manifest.items["film"].digest.matches(b"film")
    assert made.manifest.previous is not None
    assert verify(made, Policy()).verdict is Verdict.FAILED  # it is no snapshot


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signers": ()}, "no identity is to seal this"),
        ({"nonce": bytes(15)}, "a nonce of 15 bytes"),
        ({"nonce": bytes(65)}, "a nonce of 65 bytes"),
        ({"previous": b"x"}, "previous is not a SHA-256 digest"),
        ({"items": {"op": Entry(file="../op.der", role="media")}}, "there is no file '../op.der'"),
        ({"items": {"op": Entry(file="film", role="media", form="tpm2b")}}, "film is not of form tpm2b"),
        ({"items": {"op": Entry(file="film", role="media", form="plain")}}, "needs the reference 'by'"),
        ({"items": {"op": Entry(file="film", role="media", form="credential")}}, "not of form credential"),
        ({"items": {"op": Entry(file="film", role="media", form="frob")}}, "there is no form 'frob'"),
    ],
)
def test_plans_that_cannot_be_carried_out(changes: dict[str, object], why: str) -> None:
    with pytest.raises(MappingError, match=why):
        importing.assemble(_plan(**changes), members({"op.der": b"certificate", "film": b"film"}))


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("SOURCE", 2, "say what to do"),
        ("SOURCE -o new.evb --plan", 2, "say what to do"),
        ("SOURCE -o EXISTS", 2, "exists"),
        ("SOURCE -o new.evb", 2, "no identity is to seal this"),
        ("EMPTY -o new.evb", 2, "has no files"),
        ("ABSENT -o new.evb", 5, "ABSENT: No such file"),
        ("EXISTS -o new.evb", 4, "not gzip"),
        ("SOURCE --map ABSENT -o new.evb", 5, "ABSENT: No such file"),
        ("EXPORT --plan", 2, "this is an export"),
    ],
)
def test_what_cannot_be_done(
    words: str, code: int, why: str, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("EXISTS").write_bytes(b"precious")
    Path("SOURCE").mkdir()
    Path("SOURCE", "a").write_bytes(b"a")
    Path("EMPTY").mkdir()
    bundle("export", vector(GOOD), "-o", "EXPORT")
    answer = bundle("import", *words.split())
    assert (answer.code, answer.out) == (code, "")
    assert why in answer.err
    assert Path("EXISTS").read_bytes() == b"precious"
    assert not Path("new.evb").exists()
