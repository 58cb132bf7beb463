# SPDX-License-Identifier: Apache-2.0
"""The attestation key of an old bundle speaks again, by template, persistent handle or saved context."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from bundletools.devices import Attested, LoadedKey
from bundletools.tpm2 import Tpm2

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.cbor import encode
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.manifest import Digest, hash_bytes
from bundlefmt.verify import Basis, Verdict
from tests.cli.conftest import Bundle, Said
from tests.swtpm import Manufacturer, Swtpm, quiet_tss
from tests.tools.conftest import Operator
from tests.tools.test_capture import FROM_MANUFACTURER, bases, faults, remains

NONCE = "00112233445566778899aabbccddeeff"
HANDLE = "0x81010007"
BORN_HERE = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth"


@pytest.fixture
def directory(swtpm: Swtpm, operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with `operator.der` in it; $TPM2TOOLS_TCTI names the software TPM."""
    quiet_tss()
    here = tmp_path / "here"
    here.mkdir()
    (here / "operator.der").write_bytes(operator.certificate)
    monkeypatch.chdir(here)
    monkeypatch.setenv("TPM2TOOLS_TCTI", swtpm.tcti)
    return here


@pytest.fixture
def issuer(manufacturer: Manufacturer) -> tuple[str, ...]:
    return "--ek-issuer", str(manufacturer.issuer)


def take(bundle: Bundle, *words: object) -> Said:
    return bundle("capture", "--operator", "operator.der", *words)


def sealed(operator: Operator, name: str) -> Decoded:
    """The bundle in a file, sealed there."""
    made = operator.seal(Decoded.open(name))
    Path(name).write_bytes(made.encode())
    return Decoded.decode(made.encode())


# --- the snapshot after ---------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["reset", "clear"])
def test_the_snapshot_after_is_of_the_same_key(
    event: str,
    directory: Path,
    bundle: Bundle,
    operator: Operator,
    swtpm: Swtpm,
    issuer: tuple[str, ...],
) -> None:
    assert take(bundle, "-o", "old.evb", *issuer).code == 0
    old = sealed(operator, "old.evb")
    getattr(swtpm, event)()
    (directory / "firmware.log").write_bytes(b"any bytes")
    words = ("--nonce", NONCE, "--firmware-log", "firmware.log", "--title", "after")
    answer = bundle("recheck", "old.evb", "-o", "new.evb", *words)
    assert (answer.code, answer.err) == (0, "")
    assert "the same key: this is the TPM of the bundle" in answer.out.splitlines()
    assert answer.out.splitlines()[-1].startswith("new.evb: ")
    new = sealed(operator, "new.evb")
    assert new.manifest.previous == Digest.of(old.manifest_raw)
    assert new.manifest.binding.nonce.hex() == NONCE
    assert new.manifest.signers == old.manifest.signers
    assert new.content["ak.pub"].value == old.content["ak.pub"].value
    assert new.content["operator.piv"].value == old.content["operator.piv"].value
    assert (new.manifest.title, bytes(new.content["firmware.log"].value)) == ("after", b"any bytes")
    (directory / "firmware.log").unlink()
    report = operator.judge(without_log(new, operator), previous=old)
    assert report.verdict is Verdict.PASSED, faults(report)
    assert bases(report)["ak.same"] is Basis.PROVEN
    assert bases(report)["tpm.same"] is Basis.VOUCHED
    # TPM2_Clear took the manufacturer's persistent keys, too
    assert remains(swtpm) == (b"" if event == "clear" else FROM_MANUFACTURER)


def without_log(bundle: Decoded, operator: Operator) -> Decoded:
    """The bundle without the log, which is none: sealed anew."""
    items = {label: item for label, item in bundle.manifest.items.items() if label != "firmware.log"}
    values = {label: record.value for label, record in bundle.content.items() if label in items}
    return operator.seal(Decoded.assemble(replace(bundle.manifest, items=items), values))


def test_a_challengers_nonce_is_quoted(
    directory: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written out: what the TPM repeats without a new snapshot."""
    assert take(bundle, "-o", "old.evb").code == 0
    said: list[bytes] = []
    quote = Tpm2.quote

    def heard(self: Tpm2, ak: LoadedKey, banks: dict[int, list[int]], qualifying: bytes) -> Attested:
        attested = quote(self, ak, banks, qualifying)
        said.append(TpmsAttest.decode(attested.attest).extra_data)
        return attested

    monkeypatch.setattr(Tpm2, "quote", heard)
    assert bundle("recheck", "old.evb", "--nonce", NONCE).code == 0
    before = hash_bytes(-16, Decoded.open("old.evb").manifest_raw)
    preimage = encode(["evidence-bundle/1 binding", bytes.fromhex(NONCE), {}, [-16, before]])
    assert said == [hash_bytes(-16, preimage)]
    assert bundle("recheck", "old.evb").code == bundle("recheck", "old.evb").code == 0
    assert len(set(said)) == 3


def test_a_withheld_template_stays_out_of_the_snapshot_after(directory: Path, bundle: Bundle) -> None:
    assert take(bundle, "-o", "old.evb", "--withhold-template").code == 0
    answer = bundle("recheck", "old.evb", "--template", "old.ak.template", "-o", "new.evb")
    assert (answer.code, answer.err) == (0, "")
    assert "ak.template" not in Decoded.open("new.evb").content
    assert Path("new.ak.template").read_bytes() == Path("old.ak.template").read_bytes()


def test_another_tpm_writes_no_snapshot_after(directory: Path, bundle: Bundle, swtpm: Swtpm) -> None:
    assert take(bundle, "-o", "old.evb").code == 0
    swtpm.change_eps()
    answer = bundle("recheck", "old.evb", "-o", "new.evb")
    assert answer.code == 1
    assert "this TPM, whose endorsement seed was changed (TPM2_ChangeEPS)" in answer.out
    assert not Path("new.evb").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--title x", "-o FILE writes one"),
        ("--nonce 0011", "is not a nonce"),
        ("--nonce 00112233445566778899aabbccddeefg", "is not a nonce"),
        ("--ak session", "there is no AK at 'session'"),
        ("--ak persistent:0x01010001", "is no persistent handle"),
        ("--ak persistent:x", "is no persistent handle"),
        ("--ak context:absent", "absent: No such file"),
        ("--ak persistent:0x81010007 --template old.evb", "exclude each other"),
    ],
)
def test_what_cannot_be_asked_is_told(words: str, why: str, directory: Path, bundle: Bundle) -> None:
    assert take(bundle, "-o", "old.evb").code == 0
    answer = bundle("recheck", "old.evb", *words.split())
    assert answer.code in (2, 5)
    assert why in answer.err


def test_it_is_told_whose_key_it_is(directory: Path, bundle: Bundle, swtpm: Swtpm) -> None:
    """The endorsement key is this TPM's and the template makes another key: it is not that key's."""
    assert take(bundle, "-o", "old.evb").code == 0
    assert take(bundle, "-o", "other.evb").code == 0
    other = Decoded.open("other.evb")
    Path("t").write_bytes(bytes(other.content["ak.template"].value))
    answer = bundle("recheck", "old.evb", "--template", "t")
    assert (answer.code, "does not have the digest that was sealed" in answer.err) == (2, True)
    _persist(swtpm)
    answer = bundle("recheck", "old.evb", "--ak", f"persistent:{HANDLE}")
    assert answer.code == 1
    assert "the endorsement key is the bundle's: this TPM, and another attestation key" in answer.out


# --- keys that others made ------------------------------------------------------------------------------


def _create(swtpm: Swtpm, *words: str) -> None:
    """`ak.ctx`: an attestation key under the EK, as tpm2-tools make it."""
    swtpm.tool("tpm2_createek", "-Q", "-c", "ek.ctx", "-G", "ecc", "-u", "ek.tool")
    swtpm.tool("tpm2_flushcontext", "-t")
    made = ("-G", "ecc", "-g", "sha256", "-s", "ecdsa", *words)
    swtpm.tool("tpm2_createak", "-Q", "-C", "ek.ctx", "-c", "ak.ctx", *made)
    swtpm.tool("tpm2_flushcontext", "-t")


def _persist(swtpm: Swtpm) -> None:
    _create(swtpm)
    swtpm.tool("tpm2_evictcontrol", "-Q", "-C", "o", "-c", "ak.ctx", HANDLE)
    swtpm.tool("tpm2_flushcontext", "-t")


def test_a_persistent_key_that_others_made(
    directory: Path, bundle: Bundle, operator: Operator, swtpm: Swtpm, issuer: tuple[str, ...]
) -> None:
    _persist(swtpm)
    answer = take(bundle, "-o", "old.evb", "--ak", f"persistent:{HANDLE}", *issuer)
    assert (answer.code, answer.err) == (0, "")
    old = sealed(operator, "old.evb")
    item = old.manifest.items["ak.pub"]
    assert item.claimed == {"lifetime": "persistent", "handle": HANDLE}
    assert item.ref("parent") == ("ek.l-2.pub",)
    report = operator.judge(old)
    assert report.verdict is Verdict.PASSED, faults(report)
    stays = "the attestation key stays in its TPM until it is evicted, by TPM2_Clear too"
    assert (Basis.VOUCHED, stays) in {(each.basis, each.statement) for each in report.conclusions}
    swtpm.reset()
    assert bundle("recheck", "old.evb", "-o", "new.evb").code == 0
    report = operator.judge(sealed(operator, "new.evb"), previous=old)
    assert bases(report)["ak.same"] is Basis.PROVEN
    # challenged, it answers from where it is said to be
    assert bundle("challenge", "old.evb", "-o", "c.evc", "--secret", "c.evk").code == 0
    assert bundle("answer", "c.evc", "old.evb", "-o", "c.eva").code == 0
    assert bundle("confirm", "old.evb", "c.eva", "--secret", "c.evk").code == 0
    assert HANDLE.encode() in swtpm.tool("tpm2_getcap", "handles-persistent")
    swtpm.clear()
    gone = bundle("recheck", "old.evb")
    assert gone.code == 5
    assert "tpm2_getcap handles-persistent lists keys" in gone.err


def test_a_key_in_a_saved_context(
    directory: Path, bundle: Bundle, operator: Operator, swtpm: Swtpm, issuer: tuple[str, ...]
) -> None:
    _create(swtpm)
    answer = take(bundle, "-o", "old.evb", "--ak", "context:ak.ctx", *issuer)
    assert (answer.code, answer.err) == (0, "")
    old = sealed(operator, "old.evb")
    assert old.manifest.items["ak.pub"].claimed == {"lifetime": "saved-context"}
    assert operator.judge(old).verdict is Verdict.PASSED
    unsaid = bundle("recheck", "old.evb")
    assert (unsaid.code, "--ak context:FILE gives it" in unsaid.err) == (2, True)
    assert bundle("recheck", "old.evb", "--ak", "context:ak.ctx").code == 0
    swtpm.reset()
    after = bundle("recheck", "old.evb", "--ak", "context:ak.ctx")
    assert after.code == 5
    assert "not since its last reset" in after.err


def test_a_primary_key_at_a_handle_has_no_parent(
    directory: Path, bundle: Bundle, operator: Operator, swtpm: Swtpm
) -> None:
    kind = ("-G", "ecc256:ecdsa-sha256:null", "-a", f"{BORN_HERE}|restricted|sign")
    swtpm.tool("tpm2_createprimary", "-Q", "-C", "e", *kind, "-c", "p.ctx")
    swtpm.tool("tpm2_evictcontrol", "-Q", "-C", "o", "-c", "p.ctx", HANDLE)
    swtpm.tool("tpm2_flushcontext", "-t")
    assert take(bundle, "-o", "b.evb", "--ak", f"persistent:{HANDLE}").code == 0
    made = sealed(operator, "b.evb")
    assert made.manifest.items["ak.pub"].refs == {}
    assert operator.judge(made, anchors=()).of("quote.signer")[0].outcome == "passed"


def test_a_key_that_attests_nothing_is_refused(directory: Path, bundle: Bundle, swtpm: Swtpm) -> None:
    """A storage key, and a signing key that is not restricted."""
    swtpm.tool("tpm2_createprimary", "-Q", "-C", "o", "-c", "p.ctx")
    answer = take(bundle, "-o", "b.evb", "--ak", "context:p.ctx")
    assert answer.code == 5
    assert "this is no attestation key: sign_encrypt lacking" in answer.err
    swtpm.tool("tpm2_flushcontext", "-t")
    swtpm.tool(
        "tpm2_createprimary",
        "-Q",
        "-C",
        "o",
        "-c",
        "q.ctx",
        "-G",
        "ecc256:ecdsa-sha256:null",
        "-a",
        f"{BORN_HERE}|sign",
    )
    answer = take(bundle, "-o", "b.evb", "--ak", "context:q.ctx")
    assert "this is no attestation key: restricted lacking" in answer.err
    Path("junk").write_bytes(b"no context")
    answer = take(bundle, "-o", "b.evb", "--ak", "context:junk")
    assert (answer.code, "this is no saved context of a key" in answer.err) == (5, True)
    assert not Path("b.evb").exists()


# --- day after day --------------------------------------------------------------------------------------


def test_a_chain_of_snapshots_in_a_directory(
    directory: Path, bundle: Bundle, operator: Operator, swtpm: Swtpm, issuer: tuple[str, ...]
) -> None:
    days = directory / "days"
    days.mkdir()
    chain: list[Decoded] = []
    # the names tell nothing: the last is found by digests
    for name in ("m", "z", "a"):
        words = ("--previous-latest", "days", "--ak", "previous", *issuer)
        answer = take(bundle, "-o", days / f"{name}.evb", *words)
        assert (answer.code, answer.err) == (0, "")
        chain.append(sealed(operator, str(days / f"{name}.evb")))
        swtpm.reset()
    assert chain[0].manifest.previous is None
    for before, after in pairwise(chain):
        assert after.manifest.previous == Digest.of(before.manifest_raw)
        report = operator.judge(after, previous=before)
        assert report.verdict is Verdict.PASSED, faults(report)
        assert bases(report)["ak.same"] is Basis.PROVEN


def test_two_last_snapshots_are_told(directory: Path, bundle: Bundle) -> None:
    for name in ("one", "two"):
        assert take(bundle, "-o", f"{name}.evb").code == 0
    answer = take(bundle, "-o", "new.evb", "--previous-latest", ".")
    assert answer.code == 2
    assert "has several last snapshots: one.evb, two.evb" in answer.err
    # the same manifest twice is one snapshot
    shutil.copy("one.evb", "two.evb")
    answer = take(bundle, "-o", "new.evb", "--previous-latest", ".")
    assert (answer.code, answer.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--ak previous", "--ak previous needs the snapshot before"),
        ("--previous x --previous-latest .", "exclude each other"),
        ("--template x", "--template goes with --ak previous"),
    ],
)
def test_options_that_do_not_go_together(words: str, why: str, directory: Path, bundle: Bundle) -> None:
    answer = take(bundle, "-o", "new.evb", *words.split())
    assert (answer.code, why in answer.err) == (2, True)


def test_a_clock_that_was_set_back_is_told(
    directory: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert take(bundle, "-o", "old.evb").code == 0
    created = Decoded.open("old.evb").manifest.created
    monkeypatch.setattr("time.time", lambda: created - 60.0)
    answer = bundle("recheck", "old.evb", "-o", "new.evb")
    assert answer.code == 0
    assert "warning: by this machine's clock the snapshot before is of the future" in answer.err
    answer = take(bundle, "-o", "later.evb", "--previous", "old.evb")
    assert "warning: by this machine's clock" in answer.err


UNIT = Path(__file__).parents[2] / "tools" / "systemd" / "evidence-snapshot.service"


def test_the_command_of_the_example_unit(directory: Path, swtpm: Swtpm) -> None:
    """As the service manager runs it, day after day: its own words, with other places for its files."""
    (directory / "log").write_bytes(b"any bytes")
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    words = shlex.split(line.replace("%%", "%"))
    (directory / "bundle.py").write_text("import sys\nfrom bundletools.cli import main\nsys.exit(main())\n")
    words[-1] = words[-1].replace("exec bundle", f"exec {shlex.quote(sys.executable)} bundle.py")
    words[-1] = words[-1].replace("/etc/evidence/operator.pem", "operator.der")
    words[-1] = re.sub(r"/sys/\S+", "log", words[-1])
    environment = {**os.environ, "STATE_DIRECTORY": "."}
    for number in (1, 2):
        done = subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(list(directory.glob("*.evb"))) == number
        time.sleep(1.1)  # names have seconds
    first, second = (Decoded.open(path) for path in sorted(directory.glob("*.evb")))
    assert second.manifest.previous == Digest.of(first.manifest_raw)
    assert second.content["ak.pub"].value == first.content["ak.pub"].value
    assert remains(swtpm) == FROM_MANUFACTURER
