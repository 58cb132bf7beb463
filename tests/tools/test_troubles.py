# SPDX-License-Identifier: Apache-2.0
"""TPMs in trouble, through the whole driver stack: what is overcome, and what is told with what helps."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bundletools import tpm2_refusal
from bundletools.attestation_key import ENDORSEMENT
from bundletools.tpm2 import open_tpm

from bundlefmt.bundle import Bundle as Decoded
from bundlefmt.evidence.ek_template import EK_TEMPLATES
from bundlefmt.evidence.tpm import TpmaObject, TpmtPublic
from bundlefmt.verify import Outcome, Verdict
from tests.cli.conftest import Bundle, Said
from tests.swtpm import Swtpm, quiet_tss
from tests.tools.conftest import Operator
from tests.tools.test_capture import FROM_MANUFACTURER, remains
from tests.tools.tpm_proxy import CREATE_PRIMARY, GET_CAPABILITY, QUOTE, Proxy

NV = "ppwrite|ppread|ownerread|authread|no_da|platformcreate|writedefine"


@pytest.fixture
def proxy(swtpm: Swtpm) -> Iterator[Proxy]:
    with Proxy(swtpm) as between:
        yield between


Take = Callable[..., Said]


@pytest.fixture
def take(
    swtpm: Swtpm, operator: Operator, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Take:
    """`take()`: a capture of the software TPM into `b.evb` in the working directory."""
    quiet_tss()
    here = tmp_path / "here"
    here.mkdir()
    (here / "operator.der").write_bytes(operator.certificate)
    monkeypatch.chdir(here)

    def call(*words: object, tcti: str = swtpm.tcti) -> Said:
        return bundle("capture", "-o", "b.evb", "--operator", "operator.der", "--tcti", tcti, *words)

    return call


def assert_told(answer: Said, what: str, hint: str) -> None:
    """Device trouble in two plain lines, and nothing written."""
    assert (answer.code, answer.out) == (5, "")
    error, helps = answer.err.splitlines()
    assert error.startswith("error: ")
    assert what in error
    assert helps.startswith("hint: ")
    assert hint in helps
    assert not Path("b.evb").exists()


# --- a TPM that has no time -----------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0x922, 0x908, 0x90A], ids=["retry", "yielded", "testing"])
@pytest.mark.parametrize("command", [GET_CAPABILITY, CREATE_PRIMARY, QUOTE])
def test_a_busy_tpm_is_asked_again(code: int, command: int, take: Take, proxy: Proxy) -> None:
    # more often than the library below asks by itself
    proxy.refuse[command] = deque([code] * 12)
    answer = take(tcti=proxy.tcti)
    assert (answer.code, answer.err) == (0, "")
    assert not proxy.refuse[command]


def test_a_tpm_that_stays_busy_is_told(
    take: Take, proxy: Proxy, swtpm: Swtpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tpm2_refusal, "BUSY_SECONDS", 0.2)
    proxy.always[QUOTE] = 0x922
    assert_told(take(tcti=proxy.tcti), "quote: ", "the TPM is busy; try again later")
    assert remains(swtpm) == FROM_MANUFACTURER


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (0x101, "only a power cycle ends it"),
        (0x120, "this TPM has the command switched off"),
        (0x185, "the hierarchy is disabled"),
        (0x904, "the TPM's memory is full"),
        (0x906, "no key handles left"),
        (0x920, "limits how often it writes"),
        (0xB0902, "the TPM is full of keys"),
    ],
)
def test_a_refusal_is_told_with_what_helps(code: int, hint: str, take: Take, proxy: Proxy) -> None:
    """Also one that a resource manager hands on, whose layer is in the code."""
    proxy.always[CREATE_PRIMARY] = code
    assert_told(take(tcti=proxy.tcti), "create a primary key of the ", hint)


def test_a_refusal_that_nobody_knows_is_told_as_it_is(take: Take, proxy: Proxy) -> None:
    proxy.always[CREATE_PRIMARY] = 0x9E0
    answer = take(tcti=proxy.tcti)
    assert (answer.code, answer.err.count("\n")) == (5, 1)
    assert answer.err.startswith("error: create a primary key of the endorsement hierarchy: ")


def test_a_connection_that_breaks_is_told(take: Take, proxy: Proxy) -> None:
    proxy.cut = QUOTE
    assert_told(take(tcti=proxy.tcti), "quote: ", "the way to the TPM broke")


# --- a TPM that is full, locked or bare -----------------------------------------------------------------


def test_a_tpm_that_was_not_started(take: Take, swtpm: Swtpm) -> None:
    swtpm.stop()
    swtpm.start(startup=False)
    assert_told(take(), "TPM not initialized", "TPM2_Startup")


def test_a_tpm_in_lockout(take: Take, swtpm: Swtpm, tmp_path: Path) -> None:
    """Keys that are not exempt from it cannot be used: the attestation key itself."""
    swtpm.tool("tpm2_dictionarylockout", "-s", "-n", "1", "-t", "1000", "-l", "1000")
    key, digest = tmp_path / "key.ctx", tmp_path / "digest"
    digest.write_bytes(bytes(32))
    swtpm.tool(
        "tpm2_createprimary",
        "-Q",
        "-C",
        "n",
        "-G",
        "ecc:ecdsa",
        "-p",
        "right",
        "-c",
        key,
        "-a",
        "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign",
    )
    swtpm.tool("tpm2_flushcontext", "-t")
    with pytest.raises(RuntimeError, match="tpm2_sign"):
        swtpm.tool("tpm2_sign", "-Q", "-c", key, "-p", "wrong", "-d", digest, "-o", tmp_path / "signature")
    swtpm.tool("tpm2_flushcontext", "-t")
    assert_told(take(), "lockout", "tpm2_dictionarylockout --clear-lockout")
    assert remains(swtpm) == FROM_MANUFACTURER


def test_a_tpm_full_of_keys(take: Take, swtpm: Swtpm) -> None:
    for _ in range(3):
        swtpm.tool("tpm2_createprimary", "-Q", "-C", "n", "-c", os.devnull)
    assert_told(
        take(), "create a primary key of the ", "the TPM is full of keys: use the kernel's resource manager"
    )
    swtpm.tool("tpm2_flushcontext", "-t")
    assert take().code == 0


def test_a_tpm_full_of_sessions(take: Take, swtpm: Swtpm, tmp_path: Path) -> None:
    tss = quiet_tss()
    esapi = tss.ESAPI(swtpm.tcti)
    for _ in range(3):
        none = tss.ESYS_TR.NONE
        symmetric = tss.TPMT_SYM_DEF(algorithm=tss.TPM2_ALG.NULL)
        esapi.start_auth_session(none, none, tss.TPM2_SE.POLICY, symmetric, tss.TPM2_ALG.SHA256)
    esapi.close()
    assert_told(take(), "authorise with the hierarchy: ", "the TPM is full of sessions")
    swtpm.tool("tpm2_flushcontext", "-l")
    assert take().code == 0


def test_a_tpm_with_sha1_alone(take: Take, swtpm: Swtpm, operator: Operator) -> None:
    """It is captured, and said that verifiers will refuse it."""
    swtpm.tool("tpm2_pcrallocate", "sha1:all+sha256:none+sha384:none")
    swtpm.reset()
    answer = take()
    assert answer.code == 0
    assert "warning: this TPM has PCRs in no bank but SHA-1, which verifiers refuse" in answer.err
    sealed = operator.seal(Decoded.open("b.evb"))
    report = operator.judge(sealed)
    assert {each.check for each in report.findings if each.outcome is Outcome.FAILED} == {
        "quote.bank",
        "ek.chain",
    }
    assert operator.judge(sealed, allow_sha1=True).of("quote.bank")[0].outcome is Outcome.PASSED


def test_an_endorsement_hierarchy_with_an_authorisation(take: Take, swtpm: Swtpm) -> None:
    """Every EK and every re-derivable AK is made under it, and PolicySecret opens the low range."""
    swtpm.tool("tpm2_changeauth", "-c", "e", "secret")
    what = "create a primary key of the endorsement hierarchy: "
    assert_told(take(), what, "--endorsement-auth FILE")
    Path("auth").write_bytes(b"secret")
    assert take("--endorsement-auth", "auth").code == 0
    Path("b.evb").unlink()
    Path("auth").write_bytes(b"wrong")
    assert_told(take("--endorsement-auth", "auth"), what, "--endorsement-auth FILE")


def test_an_owner_with_an_authorisation(take: Take, swtpm: Swtpm) -> None:
    """The signing key's parent is made under it."""
    swtpm.tool("tpm2_changeauth", "-c", "o", "secret")
    assert_told(take(), "create a primary key of the owner hierarchy: ", "--owner-auth FILE")
    assert remains(swtpm) == FROM_MANUFACTURER
    Path("auth").write_bytes(b"secret")
    assert take("--owner-auth", "auth").code == 0


# --- NV: more than one page, keys that a maker provisioned ---------------------------------------------


def _define(swtpm: Swtpm, index: int, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "nv").write_bytes(content)
    swtpm.tool("tpm2_nvdefine", "-Q", hex(index), "-C", "p", "-s", str(len(content)), "-a", NV)
    swtpm.tool("tpm2_nvwrite", "-Q", hex(index), "-C", "p", "-i", tmp_path / "nv")


def test_more_nv_indices_than_one_answer_lists(take: Take, swtpm: Swtpm) -> None:
    """The certificates of the endorsement keys are behind them."""
    tss = quiet_tss()
    esapi = tss.ESAPI(swtpm.tcti)
    attributes = tss.TPMA_NV.OWNERWRITE | tss.TPMA_NV.OWNERREAD | tss.TPMA_NV.NO_DA
    for number in range(300):
        public = tss.TPMS_NV_PUBLIC(
            nvIndex=0x01000000 + number, nameAlg=tss.TPM2_ALG.SHA256, attributes=attributes, dataSize=1
        )
        esapi.nv_define_space(None, tss.TPM2B_NV_PUBLIC(nvPublic=public))
    more, _ = esapi.get_capability(tss.TPM2_CAP.HANDLES, 0x01000000, 254)
    assert more, "the TPM lists them all at once: nothing is tried"
    esapi.close()
    assert take().code == 0
    roles = [item.role for item in Decoded.open("b.evb").manifest.items.values()]
    assert roles.count("ek-certificate") == 3


def test_an_index_for_a_certificate_that_was_never_written(take: Take, swtpm: Swtpm) -> None:
    swtpm.tool("tpm2_nvdefine", "-Q", "0x01c00014", "-C", "p", "-s", "100", "-a", NV)
    assert take().code == 0
    roles = [item.role for item in Decoded.open("b.evb").manifest.items.values()]
    assert roles.count("ek-certificate") == 3


def test_a_certificate_index_that_holds_something_else(take: Take, swtpm: Swtpm, tmp_path: Path) -> None:
    _define(swtpm, 0x01C00014, b"no certificate", tmp_path)
    answer = take()
    assert answer.code == 5
    assert "NV index 0x01c00014: " in answer.err


@pytest.mark.parametrize(
    ("kind", "name", "nonce_index", "nonce"),
    [
        ("EK-RSA2048", "L-1", 0x01C00003, b"nonce of the maker"),
        ("EK-RSA2048", "L-1", 0x01C00003, bytes(range(256))),
        ("EK-ECC256", "L-2", 0x01C0000B, b"nonce of the maker"),
        ("EK-ECC256", "L-2", 0x01C0000B, bytes(range(32))),
    ],
    ids=["RSA, short", "RSA, whole", "ECC, short", "ECC, whole"],
)
def test_an_endorsement_key_with_the_makers_nonce(
    kind: str, name: str, nonce_index: int, nonce: bytes, swtpm: Swtpm, tmp_path: Path
) -> None:
    """By tpm2-pytss as the judge; tpm2_createek 5.4 takes other bytes than the nonce's, anew each time."""
    tss = quiet_tss()
    _define(swtpm, nonce_index, nonce, tmp_path)
    with open_tpm(swtpm.tcti) as tpm:
        _, wanted = tss.utils.create_ek_template(kind, tss.utils.NVReadEK(tpm._esapi))
        found = tpm.ek_templates()
        assert found[name].encode() == wanted.publicArea.marshal()
        assert found[name] != EK_TEMPLATES[name]
        assert {other: found[other] for other in found if other != name} == {
            other: EK_TEMPLATES[other] for other in EK_TEMPLATES if other != name
        }
        with (
            tpm.primary(ENDORSEMENT, found[name]) as key,
            tpm.primary(ENDORSEMENT, EK_TEMPLATES[name]) as usual,
        ):
            assert key.public != usual.public
            assert TpmtPublic.decode(key.public).same_template(EK_TEMPLATES[name])


@pytest.mark.parametrize(
    ("kind", "name", "index"), [("EK-ECC256", "L-2", 0x01C0000C), ("EK-HIGH-ECC384", "H-3", 0x01C00017)]
)
def test_an_endorsement_key_by_the_makers_template(
    kind: str, name: str, index: int, swtpm: Swtpm, tmp_path: Path
) -> None:
    """The maker's keys may be used by a password, too."""
    tss = quiet_tss()
    standard = EK_TEMPLATES[name]
    template = replace(standard, raw=b"", attributes=standard.attributes | TpmaObject.noDA)
    _define(swtpm, index, template.encode(), tmp_path)
    with open_tpm(swtpm.tcti) as tpm:
        _, wanted = tss.utils.create_ek_template(kind, tss.utils.NVReadEK(tpm._esapi))
        assert tpm.ek_templates()[name].encode() == wanted.publicArea.marshal() == template.encode()


def test_a_provisioned_key_is_captured_and_answers(
    take: Take, swtpm: Swtpm, bundle: Bundle, tmp_path: Path
) -> None:
    """The certificates in NV are of the standard keys: that the P-256 key does not fit its own is seen."""
    _define(swtpm, 0x01C0000B, b"nonce of the maker", tmp_path)
    assert take().code == 0
    made = Decoded.open("b.evb")
    Path("c").write_bytes(made.encode())
    assert bundle("challenge", "b.evb", "-o", "c.evc", "--secret", "c.evk").code == 1
    with open_tpm(swtpm.tcti) as tpm, tpm.primary(ENDORSEMENT, tpm.ek_templates()["L-2"]) as key:
        assert key.public == bytes(made.content["ek.l-2.pub"].value)


@pytest.mark.parametrize(
    ("index", "content", "what"),
    [
        (0x01C00004, b"no template", "template L-1 of an EK, from NV index 0x01c00004: "),
        (0x01C0000B, bytes(33), "template L-2 of an EK, from NV index 0x01c0000b: 33 bytes, 32 at most"),
    ],
)
def test_what_a_maker_provisioned_and_nobody_reads(
    index: int, content: bytes, what: str, take: Take, swtpm: Swtpm, tmp_path: Path
) -> None:
    _define(swtpm, index, content, tmp_path)
    answer = take()
    assert answer.code == 5
    assert what in answer.err


# --- the way to the TPM ---------------------------------------------------------------------------------


def test_a_device_that_is_not_there(take: Take) -> None:
    assert_told(take(tcti="device:/dev/absent0"), "there is no /dev/absent0", "switched on in the firmware")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("tpmrm0", "group tss and log in again: sudo usermod -aG tss"), ("tpm0", "use device:/dev/tpmrm0")],
)
def test_a_device_that_others_may_use(
    name: str, hint: str, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs the tests may be root, who may everything: the question is answered in the system's place."""
    Path(name).touch()
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != name and access(path, mode))
    assert_told(take(tcti=f"device:{name}"), f"no permission to use {name}", hint)


def test_a_device_that_is_no_tpm(take: Take) -> None:
    Path("file").touch()
    assert_told(take(tcti="device:file"), "no TPM behind device:file", "libtss2-tcti-device0")


def test_a_way_that_is_not_installed(take: Take) -> None:
    assert_told(take(tcti="tabrmd:x=y"), "no TPM behind tabrmd:x=y", "the package libtss2-tcti-tabrmd0")


def test_all_is_well_in_the_end(take: Take, operator: Operator, proxy: Proxy) -> None:
    """The proxy itself changes nothing."""
    assert take(tcti=proxy.tcti).code == 0
    report = operator.judge(operator.seal(Decoded.open("b.evb")), anchors=())
    assert report.verdict is Verdict.INDETERMINATE
    assert QUOTE in proxy.seen
