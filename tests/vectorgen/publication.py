# SPDX-License-Identifier: Apache-2.0
"""What is published: every file under its path, written or compared with what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bundlefmt.bundle import scan_file
from bundlefmt.render.diag import notation
from tests.vectorgen import (
    certificates,
    judged_activation,
    judged_ak_certificate,
    judged_binding,
    judged_block,
    judged_certify,
    judged_clock,
    judged_complete,
    judged_confirmation,
    judged_container,
    judged_creation,
    judged_cross,
    judged_ek,
    judged_envelope,
    judged_hardware,
    judged_impostor,
    judged_keys,
    judged_later_log,
    judged_lifetime,
    judged_log,
    judged_openpgp,
    judged_openpgp_holder,
    judged_openpgp_key,
    judged_openpgp_seal,
    judged_openpgp_time,
    judged_period,
    judged_piv,
    judged_policy,
    judged_previous,
    judged_quote,
    judged_reference,
    judged_renewal,
    judged_renewal_period,
    judged_renewal_time,
    judged_renewal_token,
    judged_seal,
    judged_seal_receipt,
    judged_seal_timestamp,
    judged_twice,
    keys,
    openpgp,
    refused_container,
    refused_encoding,
    refused_manifest,
    timestamps,
    transparency,
    tree,
    vendor,
)
from tests.vectorgen.ceremonies import ROOT_FILE, ak, ek, key, storage
from tests.vectorgen.judged_ek import OTHER_ROOT
from tests.vectorgen.vector import Judged, Refused, Vector, all_of

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = "test-vectors"
KEPT: Final = "kept.evk"
BY_HAND: Final = ("README.md", "vector.schema.json")
MODULES: Final = (
    refused_encoding,
    refused_container,
    refused_manifest,
    judged_container,
    judged_seal,
    judged_envelope,
    judged_seal_timestamp,
    judged_twice,
    judged_seal_receipt,
    judged_openpgp,
    judged_openpgp_holder,
    judged_openpgp_key,
    judged_openpgp_seal,
    judged_openpgp_time,
    judged_piv,
    judged_hardware,
    judged_impostor,
    judged_cross,
    judged_ek,
    judged_ak_certificate,
    judged_keys,
    judged_lifetime,
    judged_quote,
    judged_certify,
    judged_creation,
    judged_clock,
    judged_complete,
    judged_log,
    judged_later_log,
    judged_binding,
    judged_activation,
    judged_confirmation,
    judged_previous,
    judged_reference,
    judged_renewal,
    judged_renewal_period,
    judged_renewal_time,
    judged_renewal_token,
    judged_block,
    judged_policy,
    judged_period,
)
EXAMPLE: Final = "container_cose-esp256"
SPEC: Final = "spec/evidence-bundle.md"
_BEGIN, _END = f"<!-- example: {EXAMPLE} -->\n", "<!-- end of example -->"


def vectors() -> dict[str, Vector]:
    return all_of([module.vector for module in MODULES])


def files() -> dict[str, bytes]:
    """Everything that is generated whole, by path from the project's root."""
    found = {f"{FOLDER}/keys/{name}": content for name, content in key_files().items()}
    for name, vector in vectors().items():
        for file, content in _vector_files(vector).items():
            found[f"{FOLDER}/{name}/{file}"] = content
    found[f"spec/examples/{EXAMPLE}.diag"] = found[f"{FOLDER}/{EXAMPLE}/bundle.diag"]
    return found


def _vector_files(vector: Vector) -> dict[str, bytes]:
    made = vector.make()
    said: dict[str, object] = {
        "description": vector.description,
        "requirement": vector.requirement,
        "flags": list(vector.flags),
    }
    if isinstance(made, Refused):
        bundle, offset = tree.written(made.file)
        bundle, shown = bundle[: made.cut], tree.notation(made.file)
        if made.cut is not None:
            shown += f"/ the file ends after {made.cut} bytes /\n"
        said["expect"] = {"error": made.code, "offset": offset}
    else:
        bundle, shown = made.file, notation(scan_file(made.file)) + "\n"
        said |= _judgement(made)
    text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    found = {"bundle.evb": bundle, "bundle.diag": shown.encode(), "vector.json": text.encode()}
    return found if isinstance(made, Refused) or made.kept is None else {**found, KEPT: made.kept}


def _judgement(made: Judged) -> dict[str, object]:
    conclusions = {"conclusions": dict(made.conclusions)} if made.conclusions else {}
    return {
        "policy": made.terms.published(),
        **({"previous": made.previous} if made.previous else {}),
        **({"confirmed": KEPT} if made.kept else {}),
        "expect": {
            "verdict": made.verdict,
            "failed": list(made.failed),
            "indeterminate": list(made.indeterminate),
            **conclusions,
        },
        "intermediates": dict(made.intermediates),
    }


def key_files() -> dict[str, bytes]:
    """Test certificates, and the private keys behind them."""
    found = {ROOT_FILE: certificates.manufacturer_root(), OTHER_ROOT: judged_ek.other_root()}
    found |= judged_reference.FILES
    found[judged_piv.AUTHORITY_FILE] = judged_piv.authority()
    found[vendor.ROOT_FILE] = vendor.root()
    found[vendor.OTHER_ROOT_FILE] = vendor.root("Evidence Bundle Other Test Security Key Root (test key)")
    found[timestamps.ROOT_FILE] = timestamps.root()
    found[transparency.KEY_FILE] = transparency.key()
    found[transparency.OTHER_KEY_FILE] = transparency.key(transparency.OTHER_NAME)
    found[transparency.STRONG_KEY_FILE] = transparency.key(transparency.STRONG_NAME)
    found[timestamps.OTHER_ROOT_FILE] = timestamps.root(timestamps.OTHER_ROOT)
    found["tpm-issuer.der"] = certificates.manufacturer_issuer()
    for kind in ("p256", "p384", "p521", "ed25519", "rsa1024", "rsa2048", "ml-dsa-65"):
        operator = certificates.operator(kind)
        found[f"operator-{kind}.der"] = operator.certificate
        found[f"operator-{kind}.pem"] = keys.pem(operator.key)
    for identity in (openpgp.OPERATOR, openpgp.WITNESS):
        found[f"{identity.name}-openpgp.pgp"] = identity.encode()
        found[f"{identity.name}-openpgp.pem"] = keys.pem(identity.primary.secret)
    witness = certificates.operator("p384", who="witness")
    found |= {"witness-p384.der": witness.certificate, "witness-p384.pem": keys.pem(witness.key)}
    for name, held in {"ek": ek(), "ak": ak(), "key": key(), "key-parent": storage()}.items():
        found |= {f"tpm-{name}.pem": keys.pem(held.private), f"tpm-{name}.pub": held.area}
    for pattern in ("tpm-*-rsa2048.pem", "openpgp-*.pem"):
        found |= {kept.name: kept.read_bytes() for kept in sorted(keys.KEPT.glob(pattern))}
    found[keys.SIGNATURES] = (keys.KEPT / keys.SIGNATURES).read_bytes()
    return found


def with_example(text: str, example: str) -> str:
    """The specification with the example between its markers. Raises ValueError where they are missing."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{SPEC} has no place for the example")
    return f"{before}{begin}\n```\n{example}```\n\n{end}{after}"


def write(root: Path) -> None:
    """All generated files under `root`; what is there and is generated no more is removed."""
    made = files()
    for path in stale(root, made):
        (root / path).unlink()
    for path, content in made.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    for folder in sorted((root / FOLDER).iterdir()):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    spec = root / SPEC
    if spec.exists():
        example = made[f"spec/examples/{EXAMPLE}.diag"].decode()
        spec.write_text(with_example(spec.read_text(encoding="utf-8"), example), encoding="utf-8")


def stale(root: Path, made: Mapping[str, bytes]) -> list[str]:
    """Files in the vectors' folder that are not made here, and not written by hand."""
    there = (path.relative_to(root).as_posix() for path in (root / FOLDER).rglob("*") if path.is_file())
    return sorted(path for path in there if path not in made and path.split("/", 1)[1] not in BY_HAND)


def differences(root: Path) -> list[str]:
    """What a new generation would change, one line each."""
    made = files()
    found = [f"{path}: is not generated" for path in stale(root, made)]
    for path, content in made.items():
        if not (root / path).exists():
            found.append(f"{path}: is missing")
        elif (root / path).read_bytes() != content:
            found.append(f"{path}: differs")
    text = (root / SPEC).read_text(encoding="utf-8")
    if with_example(text, made[f"spec/examples/{EXAMPLE}.diag"].decode()) != text:
        found.append(f"{SPEC}: the example differs")
    return sorted(found)
