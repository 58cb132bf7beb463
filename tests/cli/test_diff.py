# SPDX-License-Identifier: Apache-2.0
"""`bundle diff`: what changed between two snapshots, and the event behind it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Bundle, vector
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import ak, quote, snapshot, snapshot_with, whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_log import logged
from tests.vectorgen.measured import IPL, Event, boot


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


def test_what_cannot_be_read_is_compared_as_far_as_it_goes(bundle: Bundle, tmp_path: Path) -> None:
    broken = whole().changed("quote", value=b"no quote").changed("quote.pcrs", value=b"\xff")
    answer = bundle("diff", written(tmp_path, "a", whole()), written(tmp_path, "b", broken))
    assert answer.code == 1
    assert answer.err == ""


def test_what_is_no_bundle(bundle: Bundle) -> None:
    assert bundle("diff", vector("container_float"), vector("activation_whole")).code == 4
    assert bundle("diff", vector("activation_whole"), "absent.evb").code == 5
