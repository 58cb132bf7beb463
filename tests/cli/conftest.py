# SPDX-License-Identifier: Apache-2.0
"""The command line called in this process, and the vectors it is called with."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bundletools.cli import main

from bundlefmt.verify import Basis
from bundlefmt.verify.policy_document import PolicyDocument
from tests.json_schema import faults

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "test-vectors"
POLICIES = tempfile.TemporaryDirectory(prefix="policies-")  # removed when the tests end
# whatever a test has printed as JSON is what the specification publishes
SCHEMAS = {
    verb: json.loads((ROOT / "spec" / f"{name}.schema.json").read_text(encoding="utf-8"))
    for verb, name in (
        ("inspect", "inspection"),
        ("verify", "report"),
        ("diff", "comparison"),
        ("log", "log"),
    )
}


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Bundle = Callable[..., Said]


def vector(name: str) -> Path:
    """The bundle of a published vector."""
    return VECTORS / name / "bundle.evb"


def document(policy: Mapping[str, Any]) -> list[str]:
    """What of a vector's policy has no option, as an option that names a policy file."""
    tables = {"require": policy.get("require", {}), "algorithms": policy.get("algorithms", {})}
    if not any(tables.values()):
        return []
    found = PolicyDocument(
        require={name: Basis(basis) for name, basis in tables["require"].items()},
        algorithms=tables["algorithms"],
    ).encode()
    file = Path(POLICIES.name) / f"{hashlib.sha256(found).hexdigest()}.toml"
    file.write_bytes(found)
    file.chmod(0o600)
    # every date is reached where the vector names no present
    now = str(policy.get("now", 253402300799))
    return ["--policy", str(file), "--now", now]


def terms(name: str) -> list[str]:
    """The policy of a published vector as options."""
    policy = json.loads((VECTORS / name / "vector.json").read_text(encoding="utf-8"))["policy"]
    options = document(policy)
    options += [word for pin in policy["pins_openpgp"] for word in ("--pin-openpgp", pin)]
    options += [word for pin in policy["pins_piv"] for word in ("--pin-piv", pin)]
    options += [word for pin in policy["pins_hardware"] for word in ("--pin-hardware", pin)]
    options += [word for pin in policy.get("pins_block", ()) for word in ("--pin-block", pin)]
    for name in ("anchors", "anchors_piv", "anchors_hardware", "anchors_time", "anchors_log", "references"):
        option = "--" + name.replace("anchors", "anchor").replace("references", "reference").replace("_", "-")
        options += [word for each in policy.get(name, ()) for word in (option, str(VECTORS / "keys" / each))]
    options += ["--require-no-advisories"] * policy["require_no_advisories"]
    allowed = [key for key, on in policy.items() if key.startswith("allow_") and on]
    options += [word for key in allowed for word in ("--allow", key.removeprefix("allow_").replace("_", "-"))]
    return options if policy["at"] is None else [*options, "--at", str(policy["at"])]


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bundle:
    """`bundle("inspect", path)`, as typed after `bundle`; one string is split as a shell splits it."""

    def call(*words: str | Path) -> Said:
        split = shlex.split(words[0]) if len(words) == 1 and isinstance(words[0], str) else words
        monkeypatch.setattr(sys, "argv", ["bundle", *map(str, split)])
        capsys.readouterr()
        code = main()
        out, err = capsys.readouterr()
        if "--json" in split and split[0] in SCHEMAS and out:
            assert list(faults(json.loads(out), SCHEMAS[str(split[0])])) == []
        return Said(int(code), out, err)

    return call
