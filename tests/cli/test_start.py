# SPDX-License-Identifier: Apache-2.0
"""A verb starts with what it needs: which libraries and rooms others must not load, by name."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from bundletools.cli import VERBS

from bundlefmt.cli.verbs import Verb
from demo import firmware_log
from tests.cli.conftest import vector

DEVICES = {"keyring", "pkcs11", "smartcard", "tpm2_pytss", "ykman", "yubikit"}
EXTRAS = {"dask", "distributed", "fsspec", "pyarrow", "ray"}
TESTS_ONLY = {"asn1crypto", "hypothesis"}
JUDGING = {"bundlefmt.verify", "pysequoia"}
ALL = {
    *DEVICES,
    *EXTRAS,
    "bundlefmt.many",
    *TESTS_ONLY,
    *JUDGING,
    "rich",
    "cryptography",
    "cbor2",
    "bundlefmt.evidence",
    "bundlefmt.logs",
}
NEVER = {
    *DEVICES,
    *EXTRAS,
    *TESTS_ONLY,
    "rich",
    "bundletools.capture",
    "bundletools.sealing",
    "bundletools.tpm2",
}
OF_A_FILE = {
    "bundlefmt.verify.policy_document",
    "bundlefmt.verify.trust",
    "bundlefmt.evidence.reference",
    "tomllib",
}
WITHOUT_LOGS, WITH_LOGS = vector("activation_whole"), vector("log_firmware")
SPEC = Path(__file__).parents[2] / "spec"
SMALLEST = vector("container_cose-esp256")
AFTER = """
import sys
from bundletools.cli import main
sys.argv[0] = "bundle"
code = main()
sys.stdout.flush()
print("loaded:", " ".join(sys.modules))
sys.exit(code)
"""


def loaded(*words: object) -> set[str]:
    """The modules, and the packages above them, that a command has loaded when it ends."""
    command = [sys.executable, "-c", AFTER, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), done.stderr
    return set(done.stdout.rpartition("loaded:")[2].split())


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("--help",), ALL),
        (("trust", "path"), {*NEVER, "pysequoia"}),
        (("explain", "ek.chain"), {*NEVER, *JUDGING, "cryptography", "bundlefmt.evidence"}),
        (("inspect", WITHOUT_LOGS), {*NEVER, *JUDGING, "bundlefmt.logs", "cryptography.x509"}),
        (
            ("inspect", SMALLEST),
            {
                *NEVER,
                *JUDGING,
                "bundlefmt.evidence.openpgp",
                "bundlefmt.evidence.x509_signature",
                "bundlefmt.evidence.timestamp_token",
                "bundlefmt.render.seal_parts",
                "bundlefmt.render.renewal",
                "bundlefmt.evidence.credential",
                "cryptography.hazmat.primitives.serialization",
            },
        ),
        (("inspect", vector("seal_receipt")), {*NEVER, *JUDGING, "bundlefmt.evidence.timestamp_token"}),
        (("inspect", vector("block_whole")), {*NEVER, *JUDGING, "bundlefmt.evidence.timestamp_token"}),
        (("inspect", vector("renewal_whole")), {*NEVER, *JUDGING, "bundlefmt.evidence.block_proof"}),
        (("inspect", WITH_LOGS), {*NEVER, *JUDGING, "cryptography.x509"}),
        (("log", firmware_log.PATH), {*NEVER, *JUDGING, "cryptography.x509", "bundlefmt.evidence.tpm"}),
        (("log", WITH_LOGS), {*NEVER, "pysequoia"}),
        (
            ("verify", WITHOUT_LOGS, "--no-trust"),
            {
                *NEVER,
                *OF_A_FILE,
                "bundlefmt.many",
                "bundlefmt.render.html",
                "bundlefmt.render.ear",
                "importlib.metadata",
            },
        ),
        (("batch", "verify", WITHOUT_LOGS, "--no-trust", "--jobs", "1"), NEVER),
        (("batch", "history", WITHOUT_LOGS), NEVER),
    ],
    ids=lambda value: (
        " ".join(str(word).rpartition("/")[2] for word in value) if isinstance(value, tuple) else ""
    ),
)
def test_a_verb_loads_what_it_needs(words: tuple[object, ...], unwanted: set[str]) -> None:
    found = loaded(*words)
    assert "bundletools.cli" in found
    assert found & unwanted == set()


def test_what_is_forbidden_is_found_where_it_is_needed() -> None:
    """The names are those that modules have."""
    assert {"pysequoia", "bundlefmt.verify", "cryptography"} <= loaded("verify", WITHOUT_LOGS)
    assert {"bundlefmt.receipt", "bundlefmt.render.seal_parts"} <= loaded("inspect", vector("seal_receipt"))
    assert "bundlefmt.evidence.timestamp_token" in loaded("inspect", vector("seal_timestamp"))
    assert "bundlefmt.evidence.block_proof" in loaded("inspect", vector("block_whole"))
    assert {"bundlefmt.evidence.openpgp", "bundlefmt.evidence.credential"} <= loaded("inspect", WITHOUT_LOGS)
    assert loaded("policy", "check", SPEC / "policy-snapshot.toml") >= OF_A_FILE
    assert "bundlefmt.logs" in loaded("log", firmware_log.PATH)
    assert {"bundletools.capture", "bundletools.tpm2"} <= loaded("capture", "--help")
    assert "bundletools.sealing" in loaded("seal", "--help")
    assert all(find_spec(name) for name in (*DEVICES, *EXTRAS))


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_sentence_in_the_list_is_that_of_the_verb(verb: Verb) -> None:
    assert verb.load().help.startswith(verb.sentence.removesuffix("."))
