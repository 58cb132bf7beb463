# SPDX-License-Identifier: Apache-2.0
"""What `--json` prints is what the published schemas say; the fixture `bundle` asks it of every output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundlefmt.logs.coverage import Coverage, Part
from bundlefmt.verify.verifier import CHECK_IDS
from tests.cli.conftest import SCHEMAS, Bundle, terms, vector
from tests.json_schema import faults
from tests.test_vectors import JUDGED, REFUSED, said

INSPECTION, REPORT, LOG = SCHEMAS["inspect"], SCHEMAS["verify"], SCHEMAS["log"]


def given(name: str, folder: Path) -> list[object]:
    """What the verifier of a vector is given beside the bundle; what it kept is its own."""
    words: list[object] = []
    if before := said(name).get("previous"):
        words += ["--previous", vector(before)]
    if kept := said(name).get("confirmed"):
        own = folder / kept
        own.write_bytes(vector(name).with_name(kept).read_bytes())
        own.chmod(0o600)
        words += ["--confirmed", own]
    return words


@pytest.mark.parametrize(
    "name", [*JUDGED[::6], "activation_confirmed-whole", "activation_confirmed-by-guess"]
)
def test_reports(name: str, bundle: Bundle, tmp_path: Path) -> None:
    report = bundle("verify", vector(name), *terms(name), *given(name, tmp_path), "--json").json
    assert list(faults(report, REPORT)) == []
    assert report["verdict"] == said(name)["expect"]["verdict"]
    assert list(dict.fromkeys(each["check"] for each in report["findings"])) == list(CHECK_IDS)


@pytest.mark.parametrize("name", [*JUDGED[::6], *REFUSED[::6]])
def test_inspections(name: str, bundle: Bundle) -> None:
    shown = bundle("inspect", vector(name), "--json").json
    assert list(faults(shown, INSPECTION)) == []
    assert (shown["malformed"] is None) == (name in JUDGED)


@pytest.mark.parametrize("name", [name for name in JUDGED if name.startswith("log_")][::3])
def test_logs(name: str, bundle: Bundle) -> None:
    answer = bundle("log", vector(name), "--json")
    if answer.code == 0:
        assert list(faults(answer.json, LOG)) == []
        assert answer.json["events"] == answer.json["logs"][0]["events"]
    else:
        assert (answer.code, answer.out) == (2 if name == "log_withheld" else 4, "")


def test_the_schema_of_logs_knows_all_that_coverage_can_be() -> None:
    event = LOG["$defs"]["event"]["properties"]
    assert set(event["coverage"]["enum"]) == set(Coverage)
    assert set(event["covered_part"]["enum"]) == {*Part, None}
    assert set(event) == set(SCHEMAS["diff"]["$defs"]["event"]["required"])


def _without(*path: str) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for name in path[:-1]:
            value = value[name]
        del value[path[-1]]

    return change


CHANGES: dict[str, tuple[str, dict[str, Any], Callable[[Any], None]]] = {
    "no-binding-digest": ("inspect", INSPECTION, _without("binding", "digest")),
    "other-presence": ("inspect", INSPECTION, lambda value: value["items"][0].update(presence="lost")),
    "no-label": ("inspect", INSPECTION, lambda value: value["items"][0].update(label="../x")),
    "half-an-octet": ("inspect", INSPECTION, lambda value: value["manifest"].update(sha256="0")),
    "one-more-member": ("inspect", INSPECTION, lambda value: value.update(more=1)),
    "no-verdict": ("verify", REPORT, _without("verdict")),
    "other-verdict": ("verify", REPORT, lambda value: value.update(verdict="PERHAPS")),
    "other-outcome": ("verify", REPORT, lambda value: value["findings"][0].update(outcome="ok")),
    "other-basis": ("verify", REPORT, lambda value: value["conclusions"][0].update(basis="sure")),
    "other-trust": ("verify", REPORT, lambda value: value["policy"].update(trust={"sha256": "00"})),
    "other-sealed-by": ("verify", REPORT, lambda value: value["sealed_by"].append({"role": "quote"})),
    "no-events": ("log", LOG, _without("events")),
    "no-words": ("log", LOG, lambda value: value["events"][0].pop("untrusted_words")),
    "other-coverage": ("log", LOG, lambda value: value["events"][0].update(coverage="half")),
    "words-that-were-shown": ("log", LOG, lambda value: value["events"][0].update(shown="covered")),
    "pcr-in-hexadecimal": ("log", LOG, lambda value: value["pcrs"]["sha256"].update(a="00")),
    "half-an-octet-of-pcr": ("log", LOG, lambda value: value["pcrs"]["sha256"].update({"0": "0"})),
    "time-in-words": ("verify", REPORT, lambda value: value["policy"].update(at="now")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_schemas_can_refuse(name: str, bundle: Bundle) -> None:
    words, schema, change = CHANGES[name]
    value = bundle(words, vector("log_firmware"), "--json").json
    assert list(faults(value, schema)) == []
    change(value)
    assert list(faults(value, schema)) != []
