# SPDX-License-Identifier: Apache-2.0
"""Bundles in which every text that a stranger may write is one that a page must not take at its word."""

from __future__ import annotations

import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bundlefmt import labels
from bundlefmt.bundle import Bundle, Seal
from bundlefmt.manifest import Binding, Digest, Item, Manifest, RequiredSigner
from tests.vectorgen.openpgp_case import PRIMARY
from tests.vectorgen.openpgp_maker import UserId, make

HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(1)" x="',
    "' onmouseover='alert(1)",
    "]]></style><!--",
    "</title></svg><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;script&#62;",
    "\u202egnp.exe\u2066",
    "a\x00b\x1b[2J\r\n\u2028",
    "a" + "\u0301" * 300,
    "x" * 10_000,
    "https://example.org/",
)


@cache
def certificate(text: str) -> bytes:
    """Self-signed, with `text` as its name, as far as a certificate takes it."""
    key = ec.derive_private_key(7, ec.SECP256R1())
    kept = text.encode("utf-8", "replace")[:60].decode(errors="ignore")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, kept)])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=9))
    return built.sign(key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)


@cache
def holder(text: str) -> bytes:
    """An OpenPGP certificate whose user ID is `text`."""
    return make(PRIMARY, user_ids=(UserId(text=text.encode("utf-8", "replace")),)).encode()


def bundle(text: str) -> Bundle:
    """`text` as title, profile, role, media type, reference name, claim, unknown member, subject, user ID."""
    values = {
        "people": holder(text),
        "piv": certificate(text),
        "attestation": certificate(text),
        "odd": b"\xff",
    }
    items = {
        "people": Item.of(values["people"], type=labels.TYPE_OPENPGP, role="openpgp-certificate"),
        "piv": Item.of(
            values["piv"],
            type=labels.TYPE_CERTIFICATE,
            role="piv-certificate",
            claimed={text: text, "n": [text]},
        ),
        "attestation": Item.of(
            values["attestation"],
            type=labels.TYPE_CERTIFICATE,
            role="piv-attestation",
            refs={"subject": "odd", "issuer": ("piv", "piv")},
        ),
        "odd": Item.of(values["odd"], type=text, role=text, refs={text: ("piv", "people")}),
        "gone": Item(type=text, role=text, digest=Digest.of(b""), size=2**60, detached=True),
        "quote": Item(
            type=text, role="quote", digest=Digest.of(b"q"), size=1, refs={"by": ("quote", "odd", "gone")}
        ),
    }
    manifest = Manifest(
        profile=text,
        created=2**62,
        title=text,
        items=items,
        binding=Binding(alg=labels.HASH_SHA256, nonce=bytes(16), over=("odd",)),
        signers=(RequiredSigner(item="odd", part="witness"),),
        extensions={f"x{text}": text},
    )
    made = Bundle.assemble(manifest, values)
    return made.with_seal(Seal(type=text, value=text.encode("utf-8", "replace"))).with_seal(
        Seal(type=labels.SEAL_COSE, value=b"\xd2", key=certificate(text))
    )
