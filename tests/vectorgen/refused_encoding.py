# SPDX-License-Identifier: Apache-2.0
"""Files refused for how they are encoded: the magic, the strict CBOR rules, the limits.

Spec: "Conventions", "Limits".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.plain import BINDING, COLLECTION, MAGIC, MANIFEST, MINUTES, PROFILE, file, item, refused
from tests.vectorgen.tree import Embedded, Fault, Pairs, Raw, Row, Tagged, encoded
from tests.vectorgen.vector import Refused, Vectors

vector: Final = Vectors()
_MAJOR: Final = "one whose eighth byte is not"
_SHORTEST: Final = "the shortest form of every integer and every length"
_ORDER: Final = "in ascending bytewise order of their encodings"
_SIMPLE: Final = "no simple values but false, true and null"
_TAGS: Final = "no tags but the two of section 3"
_MISSING: Final = "nothing missing at the end"
_LEFT_OVER: Final = "nothing left over"
_LIMIT: Final = "A decoder MUST refuse what is above, at the head that declares it"
_SAME_INSIDE: Final = "The same rules hold for CBOR inside byte strings"


@vector("A decoder MUST refuse a file that does not begin with the first seven", "magic")
def container_wrong_magic() -> Refused:
    """A TPM statement in place of a bundle: the first bytes are those of TPM_GENERATED_VALUE."""
    return refused("wrong-magic", magic=Fault(Raw(bytes.fromhex("ff54434780180000"))))


@vector("A decoder MUST refuse a file that does not begin with the first seven", "magic")
def container_no_self_described_tag() -> Refused:
    """The bundle's own tag is there, the tag 55799 before it is not."""
    return refused("wrong-magic", magic=Fault(Raw(bytes.fromhex("da45564231"))))


@vector("A decoder MUST refuse a file that does not begin with the first seven", "magic", "truncated")
def container_empty() -> Refused:
    """A file without a byte in it."""
    return Refused(file=Row((Fault(Raw(b"")),)), code="wrong-magic")


@vector("A file of one to seven bytes that are the first of these eight is `truncated`", "magic", "truncated")
def container_magic_cut_short() -> Refused:
    """The file ends after five of its first eight bytes."""
    return Refused(file=Row((Fault(Raw(MAGIC.octets[:5])),)), code="truncated")


@vector(_MAJOR, "magic", "versioning")
def container_magic_of_version_2() -> Refused:
    """The magic says EVB2: a later major version, of which this one knows nothing."""
    return refused(
        "unknown-major-version", magic=Row((Raw(bytes.fromhex("d9d9f7da455642")), Fault(Raw(b"2"))))
    )


@vector(_SHORTEST)
def container_integer_not_shortest() -> Refused:
    """The item's size, 28, stands in three bytes; two are enough."""
    return refused("non-shortest", items=item(size=Fault(Raw(b"\x19\x00\x1c"))))


@vector(_SHORTEST)
def container_length_not_shortest() -> Refused:
    """The length of a text string, 4, stands in a byte of its own."""
    return refused("non-shortest", title=Fault(Raw(b"\x78\x04Test")))


@vector(_SHORTEST)
def container_count_not_shortest() -> Refused:
    """The count of an empty array of seals stands in a byte of its own."""
    return refused("non-shortest", seals=Fault(Raw(b"\x98\x00")))


@vector("of definite length")
def container_array_of_indefinite_length() -> Refused:
    """The array of seals is of indefinite length and ended by a break."""
    return refused("indefinite-length", seals=Fault(Raw(b"\x9f\xff")))


@vector("of definite length")
def container_bytes_of_indefinite_length() -> Refused:
    """The artifact comes in two chunks, as a stream encoder would write it."""
    chunks = Raw(b"\x5f" + encoded(MINUTES[:9]) + encoded(MINUTES[9:]) + b"\xff")
    content = (("minutes", ("text/plain", Fault(chunks))), ("__cmwc_t", COLLECTION))
    return refused("indefinite-length", content=Pairs(content))


@vector("of definite length")
def container_break_alone() -> Refused:
    """A break stands where a value should be."""
    return refused("indefinite-length", title=Fault(Raw(b"\xff")))


@vector("reserved-head")
def container_reserved_head() -> Refused:
    """Additional information 28, which RFC 8949 reserves."""
    return refused("reserved-head", title=Fault(Raw(b"\x1c")))


@vector(_ORDER)
def container_keys_swapped() -> Refused:
    """Two members of the manifest, "binding" and "items", stand in the wrong order."""
    swapped = (("binding", BINDING), (Fault("items"), item()))
    rest = tuple((name, MANIFEST[name]) for name in ("created", "profile", "signers", "version"))
    return refused("key-order", manifest=Embedded(Pairs((*swapped, *rest))))


@vector(_ORDER, "length-first")
def container_keys_length_first() -> Refused:
    """An extension's keys 10, -1, 100 stand in the length-first order of RFC 7049; 100 precedes -1."""
    return refused("key-order", **{"x-order": Pairs(((10, 0), (-1, 0), (Fault(100), 0)))})


@vector("each once (`duplicate-key`)")
def container_key_twice() -> Refused:
    """The member "title" occurs twice, so that two readers could show two titles."""
    entries = sorted({**MANIFEST, "title": "A"}.items(), key=lambda entry: encoded(entry[0]))
    at = [name for name, _ in entries].index("title")
    twice = (*entries[: at + 1], (Fault("title"), "B"), *entries[at + 1 :])
    return refused("duplicate-key", manifest=Embedded(Pairs(twice)))


@vector("map keys that are integers or text strings")
def container_key_of_bytes() -> Refused:
    """A byte string is a key in an extension."""
    return refused("wrong-type", **{"x-key": Pairs(((Fault(b"key"), 0),))})


@vector("no floating-point numbers")
def container_float() -> Refused:
    """The time of creation is a floating-point number, 1.0."""
    return refused("float", created=Fault(Raw(b"\xf9\x3c\x00")))


@vector("no big numbers")
def container_bignum() -> Refused:
    """The item's size is a big number (tag 2)."""
    return refused("bignum", items=item(size=Fault(Tagged(2, b"\x1c"))))


@vector("no big numbers")
def container_bignum_negative() -> Refused:
    """An extension is a negative big number (tag 3)."""
    return refused("bignum", **{"x-number": Fault(Tagged(3, b"\x01"))})


@vector(_SIMPLE)
def container_undefined() -> Refused:
    """An extension is the simple value undefined."""
    return refused("simple-value", **{"x-simple": Fault(Raw(b"\xf7"))})


@vector(_SIMPLE)
def container_simple_value_in_two_bytes() -> Refused:
    """An extension is the unassigned simple value 32."""
    return refused("simple-value", **{"x-simple": Fault(Raw(b"\xf8\x20"))})


@vector(_SIMPLE)
def container_true_in_two_bytes() -> Refused:
    """An extension is true, written as simple value 21 with a byte of its own."""
    return refused("simple-value", **{"x-simple": Fault(Raw(b"\xf8\x15"))})


@vector(_TAGS)
def container_tag_in_manifest() -> Refused:
    """The time of creation is tagged as one (tag 1)."""
    return refused("unlisted-tag", created=Fault(Tagged(1, 1768478400)))


@vector(_TAGS)
def container_third_tag() -> Refused:
    """The array behind the two tags is tagged once more as self-described."""
    whole = [Embedded(MANIFEST), {"__cmwc_t": COLLECTION}, [], []]
    return Refused(file=Row((MAGIC, Fault(Tagged(55799, whole)))), code="unlisted-tag")


@vector("text strings that are valid UTF-8")
def container_text_not_utf8() -> Refused:
    """The title ends in the first byte of a sequence of two."""
    return refused("invalid-utf8", title=Fault(Raw(b"\x64Tes\xc3")))


@vector("text strings that are valid UTF-8")
def container_text_surrogate() -> Refused:
    """The title holds a surrogate, U+D800, encoded as if it were a character."""
    return refused("invalid-utf8", title=Fault(Raw(b"\x63\xed\xa0\x80")))


@vector(_LIMIT, "limit")
def container_too_deep() -> Refused:
    """An extension nests 16 arrays; with the manifest's own map that is one more than the limit."""
    deep: object = Fault([])
    for _ in range(15):
        deep = [deep]
    return refused("depth-limit", **{"x-deep": deep})


@vector(_LIMIT, "limit")
def container_too_many_elements() -> Refused:
    """An array declares 65 537 elements and has none."""
    return refused("count-limit", renewals=Fault(Raw(b"\x9a\x00\x01\x00\x01")))


@vector(_LIMIT, "limit", "embedded")
def container_too_many_items() -> Refused:
    """A renewal holds 65 538 data items: map, key, array and 65 535 zeros; the last but one is too many."""
    zeros = Raw(b"\xa1\x00\x99\xff\xff" + bytes(65533), "/ {0: [0, … 65 533 zeros /")
    return refused("count-limit", renewals=[Embedded(Row((zeros, Fault(0), 0)))])


@vector(_LIMIT, "limit")
def container_too_many_entries() -> Refused:
    """An extension declares a map of 2^63 entries: nothing may be allocated for them."""
    return refused("count-limit", **{"x-many": Fault(Raw(b"\xbb" + (1 << 63).to_bytes(8, "big")))})


@vector(_LIMIT, "limit")
def container_too_many_seals() -> Refused:
    """65 seals, one more than the limit."""
    return refused("count-limit", seals=Fault([["application/x-test", b""]] * 65))


@vector(_LIMIT, "limit")
def container_text_too_long() -> Refused:
    """A title declares 65 537 bytes."""
    return refused("size-limit", title=Fault(Raw(b"\x7a\x00\x01\x00\x01")))


@vector(_LIMIT, "limit")
def container_bytes_too_long() -> Refused:
    """A seal declares a value of 4 294 967 296 bytes: nothing may be allocated for them."""
    return refused("size-limit", seals=[["application/x-test", Fault(Raw(b"\x5b\0\0\0\x01\0\0\0\0"))]])


@vector(_MISSING, "truncated")
def container_manifest_cut_short() -> Refused:
    """The file ends in the middle of the manifest, as after an interrupted copy."""
    return Refused(file=file(manifest=Fault(Embedded(MANIFEST))), code="truncated", cut=100)


@vector(_MISSING, "truncated")
def container_renewals_missing() -> Refused:
    """The file ends where the array of renewals should begin."""
    parts: tuple[object, ...] = (
        Raw(b"\x84", "/ an array of four /"),
        Embedded(MANIFEST),
        {"__cmwc_t": COLLECTION},
        [],
    )
    return Refused(file=Row((MAGIC, *parts, Fault(Raw(b"")))), code="truncated")


@vector(_MISSING, "truncated")
def container_head_cut_short() -> Refused:
    """The file ends within the head of the array of renewals."""
    return refused("truncated", renewals=Fault(Raw(b"\x99\x01")))


@vector(_MISSING, "truncated", "embedded")
def container_manifest_text_cut_short() -> Refused:
    """A text string is longer than what is left of the manifest, though not of the file."""
    entries = Row((Raw(b"\xa1"), "profile", Fault(Raw(b"\x78\x21" + PROFILE[:20].encode()))))
    return refused("truncated", manifest=Embedded(entries))


@vector(_LEFT_OVER, "trailing")
def container_trailing_byte() -> Refused:
    """One zero byte follows the bundle."""
    return refused("trailing-bytes", after=(Fault(Raw(b"\x00")),))


@vector(_LEFT_OVER, "trailing")
def container_two_bundles() -> Refused:
    """Two bundles in one file: a reader that stops after the first never sees the second."""
    return refused("trailing-bytes", after=(Fault(file()),))


@vector(_LEFT_OVER, "trailing", "embedded")
def container_manifest_trailing_byte() -> Refused:
    """One byte follows the manifest's map within its byte string, and would be sealed with it."""
    return refused("trailing-bytes", manifest=Embedded(Row((MANIFEST, Fault(Raw(b"\xf6"))))))


@vector(_SAME_INSIDE, "embedded")
def container_renewal_not_shortest() -> Refused:
    """A renewal's map has a key in more bytes than needed."""
    return refused("non-shortest", renewals=[Embedded(Row((Raw(b"\xa1"), Fault(Raw(b"\x18\x01")), 0)))])
