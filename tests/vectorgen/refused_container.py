# SPDX-License-Identifier: Apache-2.0
"""Files refused for their parts: sound CBOR that is no container, record, seal or renewal.

Spec: "Container".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.plain import (
    COLLECTION,
    MAGIC,
    MANIFEST,
    MINUTES,
    RECORD,
    refused,
)
from tests.vectorgen.tree import Embedded, Fault, Row, Tagged
from tests.vectorgen.vector import Refused, Vectors

vector: Final = Vectors()
_BUNDLE: Final = "bundle = [manifest: bytes, content, seals, renewals]"
_CONTENT: Final = "Record CMW for each label: `[type, value]` or `[type, value, ind]`"
_SEALS: Final = "array of `[type, value]` or `[type, value, key]`"
_LABELS: Final = "the first and last a letter or digit"


@vector(_BUNDLE)
def container_bundle_is_a_map() -> Refused:
    """The bundle is a map of its parts by name."""
    return Refused(file=Row((MAGIC, Fault({"manifest": Embedded(MANIFEST)}))), code="wrong-type")


@vector(_BUNDLE)
def container_five_parts() -> Refused:
    """The bundle's array has a fifth element."""
    whole = [Embedded(MANIFEST), {"__cmwc_t": COLLECTION}, [], [], []]
    return Refused(file=Row((MAGIC, Fault(whole))), code="wrong-length")


@vector("**Manifest** is a byte string that holds the encoded manifest")
def container_manifest_not_in_bytes() -> Refused:
    """The manifest is a map itself, not a byte string that holds one."""
    return refused("wrong-type", manifest=Fault(Row((MANIFEST,))))


@vector("A map with text keys")
def container_manifest_is_an_array() -> Refused:
    """The manifest's byte string holds an array."""
    return refused("wrong-type", manifest=Embedded(Fault([1, 0])))


@vector('which MUST be `"tag:evidence-bundle,2026:content"`')
def container_collection_type_missing() -> Refused:
    """The content does not say what kind of collection it is."""
    return refused("missing-member", content=Fault({"minutes": RECORD}))


@vector('which MUST be `"tag:evidence-bundle,2026:content"`')
def container_collection_type_other() -> Refused:
    """The content is a collection of another kind."""
    return refused("bad-value", content={"__cmwc_t": Fault("tag:example.org,2026:other"), "minutes": RECORD})


@vector("Every label MUST be an item of the manifest")
def container_record_without_item() -> Refused:
    """The content has a record that no item of the manifest names, so nothing would bind it."""
    return refused("unknown-label", content={"__cmwc_t": COLLECTION, Fault("stowaway"): RECORD})


@vector(_LABELS, "label")
def container_record_label_with_path() -> Refused:
    """A record's label climbs out of the directory that it would be extracted to."""
    return refused("bad-label", content={"__cmwc_t": COLLECTION, Fault("../minutes"): RECORD})


@vector(_CONTENT)
def container_record_of_one() -> Refused:
    """A record has a type and no value."""
    return refused("wrong-length", content={"__cmwc_t": COLLECTION, "minutes": Fault(["text/plain"])})


@vector(_CONTENT)
def container_record_value_is_text() -> Refused:
    """A record's value is a text string, not the artifact's bytes."""
    record = ["text/plain", Fault(MINUTES.decode())]
    return refused("wrong-type", content={"__cmwc_t": COLLECTION, "minutes": record})


@vector(_CONTENT)
def container_record_negative_ind() -> Refused:
    """A record's conceptual-message indicator is a negative integer."""
    return refused("wrong-type", content={"__cmwc_t": COLLECTION, "minutes": [*RECORD, Fault(-1)]})


@vector(_SEALS)
def container_seals_is_a_map() -> Refused:
    """The seals are a map, not an array."""
    return refused("wrong-type", seals=Fault({}))


@vector(_SEALS)
def container_seal_of_four() -> Refused:
    """A seal has a fourth element."""
    return refused("wrong-length", seals=[Fault(["application/x-test", b"", b"", b""])])


@vector(_SEALS)
def container_seal_value_is_text() -> Refused:
    """A seal's value is armored text."""
    armored = Fault("-----BEGIN PGP SIGNATURE-----")
    return refused("wrong-type", seals=[["application/pgp-signature", armored]])


@vector("**Renewals** is an array of byte strings that hold CBOR maps")
def container_renewal_not_a_map() -> Refused:
    """A renewal's byte string holds an array."""
    return refused("wrong-type", renewals=[Embedded(Fault([]))])


@vector("no tags but the two of section 3", "embedded")
def container_manifest_tagged() -> Refused:
    """The manifest's byte string holds a tagged COSE_Sign1 in place of a map."""
    return refused("unlisted-tag", manifest=Embedded(Fault(Tagged(18, [b"", {}, b"", b""]))))
