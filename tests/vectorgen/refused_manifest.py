# SPDX-License-Identifier: Apache-2.0
"""Files refused for their manifest: sound CBOR that is no manifest, item or binding.

Spec: "Manifest", "Binding".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.plain import (
    BINDING,
    ITEM,
    MANIFEST,
    SIGNER,
    item,
    refused,
    without,
)
from tests.vectorgen.tree import Embedded, Fault
from tests.vectorgen.vector import Refused, Vectors

vector: Final = Vectors()
_REQUIRED: Final = "`binding` and `signers` MUST be there"
_LABELS: Final = "the first and last a letter or digit"
_DIGESTS: Final = "with a COSE algorithm id: SHA-256"
_ITEMS: Final = "A closed map (`unknown-member`)"
_REFS: Final = "to a label or an array of labels, each an item"
_BINDING: Final = "`binding` is a closed map"
_SIGNERS: Final = "whose keys MUST seal this manifest"
_CRITICAL: Final = "A decoder MUST refuse a manifest whose `critical` names a member that it does not know"


@vector("A map with text keys")
def container_manifest_integer_key() -> Refused:
    """A member of the manifest has an integer for a key, as COSE would have it."""
    return refused("wrong-type", manifest={**MANIFEST, Fault(1): 0})


@vector('an array, not empty, of `{"item": label')
def container_no_signers() -> Refused:
    """Nobody is required to seal: the array of signers is empty."""
    return refused("wrong-length", signers=Fault([]))


@vector("`[1, minor]`; this page is minor 0", "versioning")
def container_manifest_of_version_2() -> Refused:
    """The manifest says major version 2 in a file whose magic says 1."""
    return refused("unknown-major-version", version=[Fault(2), 0])


@vector("`[1, minor]`; this page is minor 0", "versioning")
def container_version_is_a_number() -> Refused:
    """The version is one number, not two."""
    return refused("wrong-type", version=Fault(1))


@vector(_REQUIRED)
def container_binding_missing() -> Refused:
    """The manifest has no binding."""
    return refused("missing-member", manifest=Embedded(Fault(without(MANIFEST, "binding"))))


@vector(_REQUIRED, "versioning")
def container_version_missing() -> Refused:
    """The manifest does not say its version."""
    return refused("missing-member", manifest=Embedded(Fault(without(MANIFEST, "version"))))


@vector("when the capture was made, by the clock of the machine that made it")
def container_created_negative() -> Refused:
    """The time of creation lies before 1970."""
    return refused("wrong-type", created=Fault(-1))


@vector("a map, not empty, from label to item")
def container_no_items() -> Refused:
    """The manifest has no item."""
    return refused("wrong-length", items=Fault({}), signers=[SIGNER])


@vector(_LABELS, "label")
def container_label_with_capital() -> Refused:
    """An item's label has a capital letter: two labels would be one file name where case does not count."""
    return refused("bad-label", items={Fault("Minutes"): ITEM})


@vector(_LABELS, "label")
def container_label_too_long() -> Refused:
    """An item's label has 65 characters."""
    return refused("bad-label", items={Fault("m" * 65): ITEM})


@vector(_LABELS, "label")
def container_label_ends_in_dot() -> Refused:
    """An item's label ends in a dot, which some file systems drop."""
    return refused("bad-label", items={Fault("minutes."): ITEM})


@vector(_ITEMS)
def container_item_unknown_member() -> Refused:
    """An item has a member that is not in the closed map."""
    return refused("unknown-member", items={"minutes": {**ITEM, Fault("trusted"): True}})


@vector(_ITEMS)
def container_item_role_missing() -> Refused:
    """An item has no role."""
    return refused("missing-member", items={"minutes": Fault(without(ITEM, "role"))})


@vector(_ITEMS)
def container_item_size_is_text() -> Refused:
    """An item's size is a text string."""
    return refused("wrong-type", items=item(size=Fault("28")))


@vector(_DIGESTS, "digest")
def container_digest_sha1() -> Refused:
    """An item's digest is by SHA-1 (COSE algorithm -14)."""
    return refused("bad-value", items=item(digest=[Fault(-14), bytes(20)]))


@vector(_DIGESTS, "digest")
def container_digest_cut_short() -> Refused:
    """An item's SHA-256 digest has 16 bytes."""
    return refused("wrong-length", items=item(digest=[-16, Fault(bytes(16))]))


@vector(_DIGESTS, "digest")
def container_digest_without_algorithm() -> Refused:
    """An item's digest is one byte string, without its algorithm."""
    return refused("wrong-type", items=item(digest=Fault(bytes(32))))


@vector("optional, only ever `true`")
def container_detached_false() -> Refused:
    """An item says that it is not detached, which is said by leaving the member out."""
    return refused("bad-value", items=item(detached=Fault(False)))


@vector("An empty `refs` or `claimed` is left out")
def container_refs_empty() -> Refused:
    """An item has an empty map of references."""
    return refused("wrong-length", items=item(refs=Fault({})))


@vector("An empty `refs` or `claimed` is left out")
def container_claimed_empty() -> Refused:
    """An item has an empty map of claims."""
    return refused("wrong-length", items=item(claimed=Fault({})))


@vector(_REFS)
def container_ref_names_no_item() -> Refused:
    """A reference names a label that is no item."""
    return refused("unknown-label", items=item(refs={"over": Fault("agenda")}))


@vector(_REFS)
def container_ref_is_a_number() -> Refused:
    """A reference names an item by its position."""
    return refused("wrong-type", items=item(refs={"over": Fault(0)}))


@vector(_REFS)
def container_ref_empty_array() -> Refused:
    """A reference names no item at all: its array is empty."""
    return refused("wrong-length", items=item(refs={"over": Fault([])}))


@vector("optional; text keys; what nothing proves")
def container_claimed_integer_key() -> Refused:
    """A claim has an integer for a name."""
    return refused("wrong-type", items=item(claimed={Fault(1): "source"}))


@vector("16 to 64 fresh random bytes")
def container_nonce_too_short() -> Refused:
    """The nonce has 15 bytes."""
    return refused("wrong-length", binding={**BINDING, "nonce": Fault(bytes(15))})


@vector("16 to 64 fresh random bytes")
def container_nonce_too_long() -> Refused:
    """The nonce has 65 bytes."""
    return refused("wrong-length", binding={**BINDING, "nonce": Fault(bytes(65))})


@vector("the hash algorithm of the binding digest")
def container_binding_by_sha1() -> Refused:
    """The binding digest would be by SHA-1 (COSE algorithm -14)."""
    return refused("bad-value", binding={**BINDING, "alg": Fault(-14)})


@vector("labels, in ascending order of their bytes, each once")
def container_binding_label_twice() -> Refused:
    """The binding names one item twice."""
    return refused("bad-value", binding={**BINDING, "over": Fault(["minutes", "minutes"])})


@vector("labels, in ascending order of their bytes, each once")
def container_binding_not_sorted() -> Refused:
    """The binding names its items in another order than that of their labels."""
    items = {"agenda": ITEM, "minutes": ITEM}
    binding = {**BINDING, "over": Fault(["minutes", "agenda"])}
    return refused("bad-value", items=items, binding=binding)


@vector("labels, in ascending order of their bytes, each once")
def container_binding_names_no_item() -> Refused:
    """The binding names a label that is no item."""
    return refused("unknown-label", binding={**BINDING, "over": [Fault("agenda")]})


@vector(_BINDING)
def container_binding_unknown_member() -> Refused:
    """The binding has a member that is not in the closed map."""
    return refused("unknown-member", binding={**BINDING, Fault("salt"): bytes(16)})


@vector(_SIGNERS)
def container_signer_names_no_item() -> Refused:
    """A required signer is a label that is no item."""
    return refused("unknown-label", signers=[{**SIGNER, "item": Fault("operator")}])


@vector(_SIGNERS)
def container_signer_unknown_part() -> Refused:
    """A required signer plays a part that there is not."""
    return refused("bad-value", signers=[{**SIGNER, "part": Fault("notary")}])


@vector("optional; the digest of the manifest of the snapshot before this one")
def container_previous_not_a_digest() -> Refused:
    """The snapshot before this one is named by its title."""
    return refused("wrong-type", previous=Fault("last year's"))


@vector(_CRITICAL, "critical")
def container_critical_unknown() -> Refused:
    """A member is critical that this version does not know: it must not be ignored."""
    return refused("unknown-critical", critical=[Fault("x-quorum")], **{"x-quorum": 2})


@vector("or one that is absent (`bad-value`)", "critical")
def container_critical_absent() -> Refused:
    """A member is critical that the manifest does not have."""
    return refused("bad-value", critical=[Fault("title")])


@vector("that a decoder must understand", "critical")
def container_critical_empty() -> Refused:
    """The list of critical members is empty."""
    return refused("wrong-length", critical=Fault([]))
