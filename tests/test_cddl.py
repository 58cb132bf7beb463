# SPDX-License-Identifier: Apache-2.0
"""The CDDL and the decoder say the same: what one accepts the other does, and they refuse the same faults.

The judge is cddl-verifier, which shares no code with the project. What CDDL cannot say (order, encoding, that
a label names an item) is not tried here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import cbor2
import cddl_verifier
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from bundlefmt import cose, labels
from bundlefmt.bundle import Bundle, Renewal, Seal
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.credential import CredentialActivation, TpmsIdObject
from bundlefmt.evidence.pcr import decode_pcr_values, encode_pcr_values
from bundlefmt.evidence.tpm_algorithm import TpmAlg
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner
from bundlefmt.verify import seal_header

ROOT: Final = Path(__file__).resolve().parents[1]
VECTORS: Final = ROOT / "test-vectors"
SCHEMA: Final = cddl_verifier.Validator((ROOT / "spec" / "evidence-bundle.cddl").read_text("utf-8"))
NAME: Final = b"\x00\x0b" + bytes(32)  # a TPM Name
# plain CBOR values, to be changed in one place
Tree = dict[Any, Any]


def faults(data: bytes, rule: str = "file") -> list[str]:
    """What the schema finds wrong with `data`; empty when it is valid."""
    result = SCHEMA.validate(data, rule)
    assert result.valid == (not result.diagnostics)
    return [str(diagnostic) for diagnostic in result.diagnostics]


def encoded(value: object) -> bytes:
    """Deterministic CBOR, also of what the project's own encoder refuses to write."""
    return cbor2.dumps(_ordered(value))


def _ordered(value: object) -> object:
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: cbor2.dumps(pair[0]))
        return {key: _ordered(item) for key, item in pairs}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def item(role: str = "minutes") -> Tree:
    return {"type": "text/plain", "role": role, "digest": [-16, Digest.of(b"x").value], "size": 1}


def manifest() -> Tree:
    return {
        "version": [1, 0],
        "profile": labels.PROFILE_SNAPSHOT,
        "created": 1,
        "items": {"a": item(), "b": item()},
        "binding": {"alg": -16, "nonce": bytes(16), "over": ["a"]},
        "signers": [{"item": "a", "part": "operator"}],
    }


def parts() -> Tree:
    """A whole bundle by part; the manifest is encoded by `written`."""
    return {
        "manifest": manifest(),
        "content": {"__cmwc_t": labels.COLLECTION_TYPE, "a": ["text/plain", b"x"]},
        "seals": [["application/pgp-signature", b"s"]],
        "renewals": [encoded({"covers": b"", "proof": ["t", b""]})],
    }


def written(tree: Tree) -> bytes:
    held = tree["manifest"]
    embedded = held if isinstance(held, bytes) else encoded(held)
    return labels.MAGIC + encoded(
        [embedded, tree["content"], tree["seals"], tree["renewals"], *tree.get("more", ())]
    )


# --- what is accepted -------------------------------------------------------------------------------


def snapshot(**members: Any) -> Bundle:
    """A bundle with one item of every role."""
    items = {
        role: Item.of(
            role.encode(),
            type=labels.ROLE_TYPES.get(role, labels.TYPE_OCTETS),
            role=role,
            refs={ref: role if ref != "issuer" else (role, "minutes") for ref in refs},
        )
        for role, refs in labels.ROLES.items()
    }
    over = tuple(sorted(role for role in items if role in labels.BOUND_ROLES))
    made = Manifest(
        profile=labels.PROFILE_SNAPSHOT,
        created=2**63,
        items=items,
        binding=Binding(alg=labels.HASH_SHA384, nonce=bytes(64), over=over),
        signers=tuple(RequiredSigner(item="piv-certificate", part=part) for part in labels.PARTS),
        **members,
    )
    return Bundle.assemble(made, {role: role.encode() for role in items if role != "media"})


def sealed(key: cose.PrivateKey, identity: Mapping[int, object]) -> Seal:
    message = cose.hash_envelope(
        cose.KeySigner(key),
        snapshot().manifest_raw,
        content_type=labels.MANIFEST_MEDIA_TYPE,
        typ=labels.SEAL_TYP,
        issued_at=1,
        issuer="i",
        subject="s",
        identity=identity,
    )
    return Seal(type=labels.SEAL_COSE, value=message.encode())


X5T: Final = {labels.HDR_X5T: [labels.HASH_SHA256, bytes(32)]}
SEALS: Final[dict[str, Callable[[], Seal]]] = {
    "ESP256": lambda: sealed(ec.generate_private_key(ec.SECP256R1()), X5T),
    "ESP384": lambda: sealed(ec.generate_private_key(ec.SECP384R1()), X5T),
    "ESP512": lambda: sealed(ec.generate_private_key(ec.SECP521R1()), X5T),
    "Ed25519": lambda: sealed(ed25519.Ed25519PrivateKey.generate(), X5T),
    "PS256": lambda: sealed(rsa.generate_private_key(65537, 2048), X5T),
    "ML-DSA-65": lambda: sealed(mldsa.MLDSA65PrivateKey.generate(), X5T),
    "TPM key": lambda: sealed(ec.generate_private_key(ec.SECP256R1()), {labels.HDR_KID: NAME}),
}


def test_a_snapshot_with_every_role_is_valid() -> None:
    assert faults(snapshot().encode()) == []


@pytest.mark.parametrize(
    "members",
    [
        {"title": "A title"},
        {"previous": Digest.of(b"", labels.HASH_SHA512)},
        {"critical": ("binding", "items")},
        {"minor": 7, "extensions": {"later": {"deep": [1, -1, b"", "", True, None, {1: 2, "k": []}]}}},
    ],
    ids=lambda members: "+".join(members),
)
def test_optional_members_are_valid(members: dict[str, Any]) -> None:
    assert faults(snapshot(**members).encode()) == []


@pytest.mark.parametrize("name", SEALS)
def test_seals_of_every_kind_are_valid(name: str) -> None:
    seal = SEALS[name]()
    assert faults(seal.value, "cose-seal") == []
    assert faults(snapshot().with_seal(seal).encode()) == []


def test_a_later_witness_and_unknown_seals_are_valid() -> None:
    bundle = snapshot().with_seal(Seal(type=labels.SEAL_OPENPGP, value=b"s", key=b"certificate"))
    assert faults(bundle.with_seal(Seal(type="application/unknown", value=b"")).encode()) == []


def test_withheld_detached_and_claimed_are_valid() -> None:
    tree = parts()
    tree["content"].pop("a")
    tree["manifest"]["items"]["b"] |= {"detached": True, "claimed": {"when": 1, "where": ["here", None]}}
    tree["manifest"]["items"]["a"]["refs"] = {"by": "b", "unknown": ["a", "b"]}
    Bundle.decode(written(tree))
    assert faults(written(tree)) == []


def test_an_indicator_is_valid() -> None:
    tree = parts()
    tree["content"]["a"] = ["text/plain", b"x", 4]
    Bundle.decode(written(tree))
    assert faults(written(tree)) == []


def coverage() -> Tree:
    return {
        "alg": -43,
        "manifest": bytes(48),
        "content": {"a": bytes(48)},
        "seals": [bytes(48)],
        "renewals": [],
        "certificates": [b"der"],
    }


def test_a_renewal_is_valid() -> None:
    renewal = encoded({"covers": encoded(coverage()), "proof": [labels.TYPE_TIMESTAMP, b"token"]})
    assert faults(renewal, "renewal") == []
    bundle = snapshot()
    renewed = Bundle(
        manifest_raw=bundle.manifest_raw,
        manifest=bundle.manifest,
        content=bundle.content,
        renewals=(Renewal(raw=renewal),),
    )
    assert faults(renewed.encode()) == []


def test_pcr_values_are_valid() -> None:
    values = {TpmAlg.SHA1: {0: bytes(20), 31: bytes(20)}, TpmAlg.SM3_256: {3: bytes(32)}, 0x9999: {0: b"?"}}
    assert faults(encode_pcr_values(values), "pcr-values") == []


def test_the_binding_preimage_is_valid() -> None:
    made = snapshot().manifest
    assert faults(made.binding.preimage(made.items, made.previous), "binding-preimage") == []


# --- what is refused, by the decoder and by the schema ----------------------------------------------


def _at(*path: Any, value: Any) -> Callable[[Tree], None]:
    """Put `value` at `path` of a tree."""

    def change(tree: Tree) -> None:
        for step in path[:-1]:
            tree = tree[step]
        tree[path[-1]] = value

    return change


def _without(*path: Any) -> Callable[[Tree], None]:
    def change(tree: Tree) -> None:
        for step in path[:-1]:
            tree = tree[step]
        del tree[path[-1]]

    return change


M, ITEM, BINDING = ("manifest",), ("manifest", "items", "a"), ("manifest", "binding")
FILE_FAULTS: Final[dict[str, Callable[[Tree], None]]] = {
    "bundle of five": _at("more", value=[0]),
    "manifest no CBOR": _at(*M, value=b""),
    "manifest no map": _at(*M, value=b"\x80"),
    "manifest with a tail": lambda tree: tree.update(manifest=encoded(manifest()) + b"\x00"),
    "manifest too large": _at(*M, "x", value=bytes(labels.MAX_MANIFEST)),
    **{f"no {name}": _without(*M, name) for name in manifest()},
    "no items": _at(*M, "items", value={}),
    "no signers": _at(*M, "signers", value=[]),
    "major 2": _at(*M, "version", value=[2, 0]),
    "version of one": _at(*M, "version", value=[1]),
    "negative minor": _at(*M, "version", value=[1, -1]),
    "profile no text": _at(*M, "profile", value=1),
    "created negative": _at(*M, "created", value=-1),
    "created as text": _at(*M, "created", value="2026"),
    "title no text": _at(*M, "title", value=1),
    "title too long": _at(*M, "title", value="x" * (labels.MAX_TEXT + 1)),
    "previous bare": _at(*M, "previous", value=bytes(32)),
    "critical empty": _at(*M, "critical", value=[]),
    "critical unknown": lambda tree: tree["manifest"].update(critical=["later"], later=1),
    "extension with a float": _at(*M, "later", value=1.5),
    "extension with a bignum": _at(*M, "later", value=2**64),
    "extension with a tag": _at(*M, "later", value=cbor2.CBORTag(1, 0)),
    "extension undefined": _at(*M, "later", value=cbor2.undefined),
    "extension with a boolean key": _at(*M, "later", value={True: 1}),
    "manifest key an integer": _at(*M, 1, value=1),
    "item label upper case": _at(*M, "items", "A", value=item()),
    "item label empty": _at(*M, "items", "", value=item()),
    "item label ends with a dot": _at(*M, "items", "a.", value=item()),
    "item label of 65": _at(*M, "items", "a" * 65, value=item()),
    **{f"item without {name}": _without(*ITEM, name) for name in item()},
    "item member unknown": _at(*ITEM, "later", value=1),
    "size negative": _at(*ITEM, "size", value=-1),
    "digest by SHA-1": _at(*ITEM, "digest", value=[-14, bytes(20)]),
    "digest too short": _at(*ITEM, "digest", value=[-16, bytes(31)]),
    "digest of another length": _at(*ITEM, "digest", value=[-43, bytes(32)]),
    "digest of three": _at(*ITEM, "digest", value=[-16, bytes(32), 0]),
    "refs empty": _at(*ITEM, "refs", value={}),
    "refs to nothing": _at(*ITEM, "refs", value={"by": []}),
    "refs to no label": _at(*ITEM, "refs", value={"by": "A"}),
    "refs by integer": _at(*ITEM, "refs", value={1: "a"}),
    "detached false": _at(*ITEM, "detached", value=False),
    "detached one": _at(*ITEM, "detached", value=1),
    "claimed empty": _at(*ITEM, "claimed", value={}),
    "claimed by integer": _at(*ITEM, "claimed", value={1: 1}),
    **{f"binding without {name}": _without(*BINDING, name) for name in manifest()["binding"]},
    "binding member unknown": _at(*BINDING, "later", value=1),
    "binding by SHA-1": _at(*BINDING, "alg", value=-14),
    "nonce of 15": _at(*BINDING, "nonce", value=bytes(15)),
    "nonce of 65": _at(*BINDING, "nonce", value=bytes(65)),
    "over no labels": _at(*BINDING, "over", value=["A"]),
    "over a map": _at(*BINDING, "over", value={}),
    "part unknown": _at(*M, "signers", 0, "part", value="notary"),
    "signer without part": _without(*M, "signers", 0, "part"),
    "signer member unknown": _at(*M, "signers", 0, "later", value=1),
    "collection type missing": _without("content", "__cmwc_t"),
    "collection type another": _at("content", "__cmwc_t", value="tag:example.com,2026:other"),
    "content label upper case": _at("content", "A", value=["text/plain", b"x"]),
    "record of one": _at("content", "a", value=["text/plain"]),
    "record of four": _at("content", "a", value=["text/plain", b"x", 1, 1]),
    "record type a number": _at("content", "a", value=[60, b"x"]),
    "record value text": _at("content", "a", value=["text/plain", "x"]),
    "record indicator negative": _at("content", "a", value=["text/plain", b"x", -1]),
    "seal of one": _at("seals", 0, value=["t"]),
    "seal of four": _at("seals", 0, value=["t", b"", b"", b""]),
    "seal value text": _at("seals", 0, value=["t", ""]),
    "seal key null": _at("seals", 0, value=["t", b"", None]),
    "65 seals": _at("seals", value=[["t", b""]] * 65),
    "seals a map": _at("seals", value={}),
    "renewal no CBOR": _at("renewals", value=[b""]),
    "renewal an array": _at("renewals", value=[b"\x80"]),
    "renewal not embedded": _at("renewals", value=[{}]),
}


def test_the_unchanged_tree_is_accepted_by_both() -> None:
    Bundle.decode(written(parts()))
    assert faults(written(parts())) == []


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_fault_of_structure_is_refused_by_both(fault: str) -> None:
    tree = parts()
    FILE_FAULTS[fault](tree)
    with pytest.raises(MalformedError):
        Bundle.decode(written(tree))
    assert faults(written(tree)) != []


@pytest.mark.parametrize("magic", ["d9d9f7da45564232", "da45564231", "d9d9f7", ""])
def test_a_file_without_its_two_tags_is_refused_by_both(magic: str) -> None:
    data = bytes.fromhex(magic) + written(parts())[len(labels.MAGIC) :]
    with pytest.raises(MalformedError):
        Bundle.decode(data)
    assert faults(data) != []


def test_what_is_at_a_limit_is_accepted_by_both() -> None:
    tree = parts()
    tree["seals"] = [["t", b""]] * labels.MAX_SEALS
    tree["manifest"] |= {"title": "x" * labels.MAX_TEXT, "later": b""}
    room = labels.MAX_MANIFEST - len(encoded(tree["manifest"])) - 4  # a longer head
    tree["manifest"]["later"] = bytes(room)
    assert len(encoded(tree["manifest"])) == labels.MAX_MANIFEST
    Bundle.decode(written(tree))
    assert faults(written(tree)) == []


# --- headers of COSE seals: decoded, then judged ------------------------------------------------------


def header() -> Tree:
    return {
        1: labels.ALG_ESP256,
        2: [16, 258],
        15: {1: "i", 2: "s", 6: 1},
        16: labels.SEAL_TYP,
        34: [-16, bytes(32)],
        258: -16,
        259: labels.MANIFEST_MEDIA_TYPE,
    }


def envelope(protected: Tree, unprotected: Tree, payload: object = bytes(32)) -> bytes:
    return encoded(cbor2.CBORTag(18, [encoded(protected), _ordered(unprotected), payload, bytes(64)]))


HEADER_FAULTS: Final[dict[str, tuple[Callable[[Tree], None], Tree]]] = {
    "crit missing": (_without(2), {}),
    "crit of one": (_at(2, value=[16]), {}),
    "crit with another": (_at(2, value=[16, 258, 300]), {}),
    "content type": (_at(3, value="text/plain"), {}),
    "content type unprotected": (_at(1, value=-9), {3: "text/plain"}),
    "x5t and kid": (_at(4, value=NAME), {}),
    "neither": (_without(34), {}),
    "x5t by SHA-384": (_at(34, value=[-43, bytes(48)]), {}),
    "x5t too short": (_at(34, value=[-16, bytes(20)]), {}),
    "claims missing": (_without(15), {}),
    "claims without time": (_without(15, 6), {}),
    "time negative": (_at(15, 6, value=-1), {}),
    "issuer no text": (_at(15, 1, value=1), {}),
    "typ missing": (_without(16), {}),
    "typ another": (_at(16, value="application/other+cose"), {}),
    "hash algorithm missing": (_without(258), {}),
    "hash algorithm SHA-1": (_at(258, value=-14), {}),
    "hash algorithm unprotected": (_without(258), {258: -16}),
    "preimage type missing": (_without(259), {}),
    "in both headers": (_at(1, value=-9), {16: labels.SEAL_TYP}),
}


def judged(data: bytes) -> bool:
    """Whether the verifier finds the header of a seal in order; the payload is another matter."""
    try:
        message = cose.CoseSign1.decode(data)
    except MalformedError:
        return False
    found = cose.envelope_faults(message, b"", content_type=labels.MANIFEST_MEDIA_TYPE, typ=labels.SEAL_TYP)
    return found + seal_header.faults(message.protected) == ["the payload is not the digest of this manifest"]


def test_the_unchanged_header_is_accepted_by_both() -> None:
    assert judged(envelope(header(), {394: [b"receipt"]}))
    assert faults(envelope(header(), {394: [b"receipt"]}), "cose-seal") == []


@pytest.mark.parametrize("fault", HEADER_FAULTS)
def test_a_fault_of_a_seals_header_is_found_by_both(fault: str) -> None:
    protected = header()
    change, unprotected = HEADER_FAULTS[fault]
    change(protected)
    data = envelope(protected, unprotected)
    assert not judged(data)
    assert faults(data, "cose-seal") != []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded([encoded(header()), {}, bytes(32), b""]), id="without its tag"),
        pytest.param(envelope({}, {}), id="empty header as a map"),
        pytest.param(envelope(header(), {}) + b"\x00", id="a tail"),
        pytest.param(encoded(cbor2.CBORTag(18, [header(), {}, bytes(32), b""])), id="header not embedded"),
    ],
)
def test_what_is_no_cose_seal_is_refused_by_both(data: bytes) -> None:
    assert not judged(data)
    assert faults(data, "cose-seal") != []


def test_a_detached_payload_is_no_seal() -> None:
    assert faults(envelope(header(), {}, None), "cose-seal") != []


PCR_FAULTS: Final[dict[str, Tree]] = {
    "bank empty": {0x0B: {}},
    "SHA-256 of 20": {0x0B: {0: bytes(20)}},
    "SHA-1 of 32": {0x04: {0: bytes(32)}},
    "digest empty": {0x99: {0: b""}},
    "digest of 65": {0x99: {0: bytes(65)}},
    "PCR 32": {0x0B: {32: bytes(32)}},
    "PCR by name": {0x0B: {"0": bytes(32)}},
    "bank by name": {"sha256": {0: bytes(32)}},
    "bank of 17 bits": {0x10000: {0: bytes(32)}},
}


@pytest.mark.parametrize("fault", PCR_FAULTS)
def test_a_fault_of_pcr_values_is_refused_by_both(fault: str) -> None:
    data = encoded(PCR_FAULTS[fault])
    with pytest.raises(MalformedError):
        decode_pcr_values(data)
    assert faults(data, "pcr-values") != []


def activation() -> Tree:
    return {
        "blob": TpmsIdObject(integrity_hmac=bytes(32), enc_identity=bytes(34)).encode(),
        "encrypted-secret": bytes(256),
        "credential": bytes(32),
        "seed": bytes(32),
        "ephemeral": bytes(32),
    }


ACTIVATION_FAULTS: Final[dict[str, Callable[[Tree], None]]] = {
    "no blob": _without("blob"),
    "no credential": _without("credential"),
    "ephemeral without seed": _without("seed"),
    "member unknown": _at("later", value=b"1"),
    "blob too long": _at("blob", value=b"\x00\x40" + bytes(64 + 67)),
    "secret too long": _at("encrypted-secret", value=bytes(513)),
    "credential empty": _at("credential", value=b""),
    "credential too long": _at("credential", value=bytes(65)),
    "seed empty": _at("seed", value=b""),
    "ephemeral too long": _at("ephemeral", value=bytes(67)),
}


@pytest.mark.parametrize("without", [(), ("ephemeral",), ("ephemeral", "seed")])
def test_a_credential_activation_is_accepted_by_both(without: tuple[str, ...]) -> None:
    data = encoded({name: value for name, value in activation().items() if name not in without})
    assert CredentialActivation.decode(data).encode() == data
    assert faults(data, "credential-activation") == []


@pytest.mark.parametrize("fault", ACTIVATION_FAULTS)
def test_a_fault_of_a_credential_activation_is_refused_by_both(fault: str) -> None:
    tree = activation()
    ACTIVATION_FAULTS[fault](tree)
    with pytest.raises(MalformedError):
        CredentialActivation.decode(encoded(tree))
    assert faults(encoded(tree), "credential-activation") != []


@pytest.mark.parametrize(
    "change",
    [
        _without("alg"),
        _without("manifest"),
        _at("alg", value=-16),
        _at("seals", value=[bytes(32)]),
        _at("content", value={"A": bytes(48)}),
        _at("revocation", value=[]),
        _at("later", value=1),
    ],
)
def test_a_fault_of_a_coverage_is_refused(change: Callable[[Tree], None]) -> None:
    tree = coverage()
    change(tree)
    assert faults(encoded(tree), "coverage") != []
    assert faults(encoded({"covers": encoded(tree), "proof": ["t", b""]}), "renewal") != []


# --- the published vectors --------------------------------------------------------------------------


# what CDDL cannot say: encoding, order, depth, items in all, whether a label or a critical member is there
BEYOND_CDDL: Final = {
    "indefinite-length",
    "non-shortest",
    "key-order",
    "count-limit",
    "depth-limit",
    "unknown-label",
    "bad-value",
}
UNSORTED: Final = {
    "container_binding-label-twice",
    "container_binding-not-sorted",
    "container_critical-absent",
}


def vectors() -> Iterator[tuple[str, Tree, bytes]]:
    """(name, expectation, file) of every published vector."""
    for path in sorted(VECTORS.glob("*/vector.json")):
        expected = json.loads(path.read_text("utf-8"))["expect"]
        yield path.parent.name, expected, (path.parent / "bundle.evb").read_bytes()


def test_the_vectors_that_are_judged_are_valid() -> None:
    seals = values = 0
    for name, expected, data in vectors():
        if "error" in expected:
            continue
        assert faults(data) == [], name
        bundle = Bundle.decode(data)
        if not {"seal.form", "seal.signature", "seal.timestamp", "seal.receipt"} & set(expected["failed"]):
            for seal in bundle.seals:
                if seal.type == labels.SEAL_COSE:
                    seals += 1
                    assert faults(seal.value, "cose-seal") == [], name
        if expected["verdict"] == "PASSED":
            for label, record in bundle.content.items():
                if bundle.manifest.items[label].role == "pcr-values":
                    values += 1
                    assert faults(bytes(record.value), "pcr-values") == [], name
    assert seals > 0
    assert values > 0


def test_the_vectors_that_are_refused_are_invalid_where_cddl_can_say_so() -> None:
    passed = {name: expected["error"] for name, expected, data in vectors() if _slips_through(expected, data)}
    assert set(passed.values()) == BEYOND_CDDL
    assert {name for name, code in passed.items() if code == "bad-value"} == UNSORTED


def _slips_through(expected: Tree, data: bytes) -> bool:
    return "error" in expected and not faults(data)
