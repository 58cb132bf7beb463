# SPDX-License-Identifier: Apache-2.0
"""`bundle diff`: what changed between two snapshots, and the event behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundlefmt.evidence.ek_template import EK_TEMPLATES
from tests.cli.conftest import Bundle, vector
from tests.vectorgen import openpgp
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import (
    ak,
    attested_with,
    ek_certificate,
    quote,
    snapshot,
    snapshot_with,
    whole,
)
from tests.vectorgen.ceremony import Artifact, Ceremony, fixed
from tests.vectorgen.judged_log import log_item, logged, quoting
from tests.vectorgen.measured import ACTION, IPL, Event, Log, boot
from tests.vectorgen.plain import CREATED


def written(folder: Path, name: str, ceremony: Ceremony) -> Path:
    file = folder / f"{name}.evb"
    file.write_bytes(ceremony.judged().file)
    return file


@pytest.mark.parametrize(
    "name", ["activation_whole", "log_firmware", "log_ima-list", "container_cose-esp256"]
)
def test_a_snapshot_is_the_same_as_itself(name: str, bundle: Bundle) -> None:
    answer = bundle("diff", vector(name), vector(name))
    assert answer.code == 0
    assert answer.out.splitlines()[-1] == "the same"
    assert answer.out.splitlines()[:2] == [
        "same platform: the same attestation key is in both; bundle verify says what that is worth",
        "same boot: resetCount and restartCount of the quotes are the same; "
        "bundle verify says what that is worth",
    ]


def test_a_day_later_nothing_changed(bundle: Bundle) -> None:
    answer = bundle("diff", vector("previous_first"), vector("previous_same-key"))
    assert answer.code == 0


def test_the_first_event_behind_a_change(bundle: Bundle, tmp_path: Path) -> None:
    log = boot()
    other = [
        replace(event, data=b"kernel_cmdline: ro single\0", measured=b"ro single")
        if event.type == IPL
        else event
        for event in log
    ]
    before, after = written(tmp_path, "a", logged(log)), written(tmp_path, "b", logged(other))
    answer = bundle("diff", before, after)
    assert answer.code == 1
    said = answer.out.splitlines()
    assert said[-1] == "different"
    assert [line for line in said if line.startswith("PCR ")] == ["PCR 8 in sha256"]
    assert [line.split(": ", 2)[2] for line in said if "first other event" in line] == [
        "kernel-command-line: ro quiet (covered)",
        "kernel-command-line: ro single (covered)",
    ]
    (change,) = bundle("diff", before, after, "--json").json["pcrs"]
    assert change["left_event"]["untrusted_words"] == "kernel-command-line: ro quiet"


def test_an_event_more(bundle: Bundle, tmp_path: Path) -> None:
    more = [*boot(), Event(pcr=5, type=IPL, data=b"and one more")]
    answer = bundle("diff", written(tmp_path, "a", logged(boot())), written(tmp_path, "b", logged(more)))
    assert "no such event" in answer.out
    assert "and one more" in answer.out


def test_another_platform(bundle: Bundle, tmp_path: Path) -> None:
    other = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    answer = bundle(
        "diff", vector("previous_first"), written(tmp_path, "b", snapshot_with(other)), "--json"
    ).json
    assert answer["platform"]["same"] is None
    assert answer["boot"]["same"] is None
    assert {each["role"] for each in answer["identities"]} == {"ak-public"}
    assert answer["same"] is True  # an attestation key is made for each snapshot


def test_another_boot_and_other_people(bundle: Bundle, tmp_path: Path) -> None:
    later = snapshot("p384").changed("quote", make=quote(ak(), resets=9))
    answer = bundle("diff", vector("previous_first"), written(tmp_path, "b", later))
    assert answer.code == 1
    assert "another boot: resetCount and restartCount of the quotes differ" in answer.out
    assert "resets: 7 → 9" in answer.out
    assert answer.out.count("piv-certificate operator.piv") == 2


def test_counters_of_two_session_keys_are_not_compared(bundle: Bundle, tmp_path: Path) -> None:
    """Outside the endorsement hierarchy each key has counters and a firmware version of its own."""

    def by(secret: str, **changes: object) -> Ceremony:
        key = replace(tpm.ecc_key(secret, tpm.ATTESTING), parent=tpm.NULL)
        quoted = {"quote": Artifact(role="quote", make=quote(key, **changes), refs={"by": "ak.pub"})}
        return replace(whole(), artifacts={**whole().artifacts, **attested_with(key), **quoted})

    one = written(tmp_path, "a", by("one session"))
    other = written(tmp_path, "b", by("another session", resets=0x9000, firmware=0x1234))
    same_key = written(tmp_path, "c", by("one session", resets=0x9000, firmware=0x1234))
    answer = bundle("diff", one, other, "--json")
    assert answer.code == 0
    assert answer.json["platform"]["same"] is True
    assert answer.json["boot"] == {"same": None, "because": "no counters can be compared"}
    assert answer.json["clock"]["left"][0]["obfuscated"] is True
    assert "resets" not in bundle("diff", one, other).out
    answer = bundle("diff", one, same_key, "--json")
    assert answer.code == 1
    assert answer.json["boot"]["same"] is False
    assert [each["right"] for each in answer.json["firmware_versions"]] == [0x1234]


def test_endorsement_keys_of_two_kinds_may_be_of_one_tpm(bundle: Bundle, tmp_path: Path) -> None:
    def endorsed(secret: str, template: str) -> Path:
        point = tpm.ecc_key(secret, tpm.STORING).public.unique
        unique = point if template == "L-2" else b"\xc1" * 256
        area = replace(EK_TEMPLATES[template], unique=unique).encode()
        ceremony = snapshot_with(tpm.ecc_key(secret, tpm.ATTESTING))
        return written(tmp_path, secret, ceremony.having("ek.pub", fixed("ek-public", area)))

    ecc, other, rsa = endorsed("one", "L-2"), endorsed("another", "L-2"), endorsed("third", "L-1")
    assert bundle("diff", ecc, other, "--json").json["platform"]["same"] is False
    assert bundle("diff", ecc, rsa, "--json").json["platform"]["same"] is None
    assert "platform not told" in bundle("diff", ecc, rsa).out


def test_the_same_endorsement_certificate(bundle: Bundle, tmp_path: Path) -> None:
    def certified(secret: str) -> Ceremony:
        small = snapshot_with(tpm.ecc_key(secret, tpm.ATTESTING))
        return small.having("ek.cert", fixed("ek-certificate", ek_certificate()))

    one = written(tmp_path, "a", certified("one"))
    other = written(tmp_path, "b", certified("another"))
    withheld = written(tmp_path, "c", replace(certified("another"), absent=frozenset({"ek.cert"})))
    for each in (other, withheld):
        answer = bundle("diff", one, each)
        assert answer.code == 0
        assert answer.out.startswith("same platform: the same endorsement certificate is in both")


def test_what_is_withheld_did_not_change(bundle: Bundle, tmp_path: Path) -> None:
    absent = frozenset({"quote.pcrs", "ek.cert", "operator.openpgp", "key.pub"})
    full, redacted = written(tmp_path, "a", whole()), written(tmp_path, "b", replace(whole(), absent=absent))
    for pair in ((full, redacted), (redacted, full), (redacted, redacted)):
        answer = bundle("diff", *pair, "--json")
        assert answer.code == 0
        assert (answer.json["pcrs"], answer.json["identities"], answer.json["unseen"]) == ([], [], [])
    other = quoting({tpm.SHA256: {0: bytes(32), 7: bytes(32)}})
    changed = written(tmp_path, "c", replace(other, absent=absent))
    answer = bundle("diff", redacted, changed)
    assert answer.code == 1
    assert "only right: quote.pcrs, PCR values that are not in the file" in answer.out
    assert len(bundle("diff", full, changed, "--json").json["pcrs"]) == 2


def test_a_certificate_that_says_something_else(bundle: Bundle, tmp_path: Path) -> None:
    """The same key, and a revocation of it."""
    certificate = replace(openpgp.OPERATOR, revoked=(CREATED, openpgp.COMPROMISED))
    revoked = whole().changed("operator.openpgp", value=certificate.encode())
    answer = bundle("diff", written(tmp_path, "a", whole()), written(tmp_path, "b", revoked))
    assert answer.code == 1
    assert f"changed: openpgp-certificate operator.openpgp {openpgp.OPERATOR.fingerprint}" in answer.out


def test_a_second_quote_counts(bundle: Bundle) -> None:
    answer = bundle("diff", vector("reference_pcrs"), vector("reference_two-quotes"), "--json")
    assert answer.code == 1
    (change,) = answer.json["pcrs"]
    assert change["pcr"] == 7
    assert change["right"] == [*change["left"], "00" * 32]
    assert [each["quote"] for each in answer.json["clock"]["right"]] == ["quote", "second.quote"]


def test_events_are_compared_in_the_bank_that_changed(bundle: Bundle, tmp_path: Path) -> None:
    """A log with one bank less has the same events."""
    log = [Event(pcr=8, type=ACTION, data=b"the same in both"), *boot()]
    other = [replace(each, measured=b"ro single") if each.type == IPL else each for each in log]
    fewer = Log(events=other, banks=(tpm.SHA256,)).encode()
    less = logged(other).having("firmware.log", log_item(fewer))
    answer = bundle("diff", written(tmp_path, "a", logged(log)), written(tmp_path, "b", less), "--json")
    (change,) = answer.json["pcrs"]
    assert change["pcr"] == 8
    assert change["left_event"]["number"] == change["right_event"]["number"]
    assert change["left_event"]["untrusted_type"] == "EV_IPL"


def test_what_was_altered_after_sealing_is_said(bundle: Bundle) -> None:
    altered = vector("container_artifact-changed")
    assert "does not have the digest that was sealed" in bundle("diff", altered, altered).err
    assert bundle("diff", vector("activation_whole"), vector("activation_whole")).err == ""


def test_what_cannot_be_read_is_compared_as_far_as_it_goes(bundle: Bundle, tmp_path: Path) -> None:
    broken = whole().changed("quote", value=b"no quote").changed("quote.pcrs", value=b"\xff")
    answer = bundle("diff", written(tmp_path, "a", whole()), written(tmp_path, "b", broken))
    assert answer.code == 1
    assert answer.err == ""


def test_what_is_no_bundle(bundle: Bundle) -> None:
    assert bundle("diff", vector("container_float"), vector("activation_whole")).code == 4
    assert bundle("diff", vector("activation_whole"), "absent.evb").code == 5
