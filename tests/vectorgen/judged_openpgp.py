# SPDX-License-Identifier: Apache-2.0
"""OpenPGP certificates that cannot be read, or not wholly: what the check of their form says of each.

Spec: "OpenPGP certificates".
"""

from __future__ import annotations

import base64
from typing import Final

from tests.vectorgen import openpgp
from tests.vectorgen import openpgp_maker as pgp
from tests.vectorgen.ceremonies import snapshot
from tests.vectorgen.ceremony import fixed
from tests.vectorgen.openpgp_case import OTHER, PRIMARY, SIGNER, SOUND
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_OPERATOR: Final = openpgp.OPERATOR.encode()


def _holding(certificate: bytes, *failed: str, unsure: tuple[str, ...] = ()) -> Judged:
    """The smallest snapshot, which nobody seals with OpenPGP, with this certificate among its items."""
    ceremony = snapshot().having("operator.openpgp", fixed("openpgp-certificate", certificate))
    return ceremony.judged(*failed, unsure=unsure)


def _secret(kind: int, body: bytes) -> bytes:
    """The packet with a secret part behind the key; its number is no key's."""
    return pgp.packet(kind, body + b"\x00" + pgp.mpi(1) + pgp.uint(1, 2))


@vector("openpgp.form", "secret")
def openpgp_secret_key() -> Judged:
    """Somebody exported the secret key where the certificate was due."""
    return _holding(
        _secret(pgp.SECRET_KEY, PRIMARY.body) + SOUND.encode()[6 + len(PRIMARY.body) :], "openpgp.form"
    )


@vector("openpgp.form", "secret")
def openpgp_secret_subkey() -> Judged:
    """A secret subkey stands behind an otherwise sound certificate."""
    return _holding(SOUND.encode() + _secret(pgp.SECRET_SUBKEY, SIGNER.body), "openpgp.form")


@vector("openpgp.form")
def openpgp_armored() -> Judged:
    """The certificate is armored."""
    lines = base64.encodebytes(_OPERATOR).decode()
    text = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{lines}-----END PGP PUBLIC KEY BLOCK-----\n"
    return _holding(text.encode(), "openpgp.form")


@vector("openpgp.form", "two-items")
def openpgp_two_certificates() -> Judged:
    """Two certificates stand in one item."""
    return _holding(_OPERATOR + pgp.make(OTHER).encode(), "openpgp.form")


@vector("openpgp.form")
def openpgp_signature_only() -> Judged:
    """A signature stands where a certificate is due."""
    return _holding(PRIMARY.detached(b"a message"), "openpgp.form")


@vector("openpgp.form")
def openpgp_cut_short() -> Judged:
    """The last octet of the certificate is missing."""
    return _holding(_OPERATOR[:-1], "openpgp.form")


@vector("openpgp.form")
def openpgp_mpi_counts_a_bit_more() -> Judged:
    """The point of the key claims one bit more than it has, so that one key would have two fingerprints."""
    point = PRIMARY.body.index(pgp.uint(263, 2))
    body = PRIMARY.body[:point] + pgp.uint(264, 2) + PRIMARY.body[point + 2 :]
    made = SOUND.changed(lambda kind, old: body if kind == pgp.PUBLIC_KEY else old)
    return _holding(made.encode(), "openpgp.form")


@vector("openpgp.form")
def openpgp_octet_behind_key() -> Judged:
    """An octet stands behind the point of the key, inside its packet."""
    made = SOUND.changed(lambda kind, old: old + b"\x00" if kind == pgp.PUBLIC_KEY else old)
    return _holding(made.encode(), "openpgp.form")


@vector("openpgp.form")
def openpgp_literal_data_inside() -> Judged:
    """A packet of data stands among those of the certificate."""
    return _holding(_OPERATOR + pgp.packet(11, b"b\x00" + bytes(4) + b"text"), "openpgp.form")


@vector("openpgp.form")
def openpgp_of_no_critical_packet() -> Judged:
    """A packet of a private type, which may be ignored, stands behind the certificate."""
    return _holding(_OPERATOR + pgp.packet(60, b"private"))


@vector("openpgp.form")
def openpgp_of_version_5() -> Judged:
    """The key is of version 5, which is no standard's."""
    body = b"\x05" + PRIMARY.body[1:]
    checks = ("form", "time", "binding", "expiry", "revocation", "algorithms", "critical", "policy")
    unsure = ("cross.certification", *(f"openpgp.{check}" for check in checks))
    return _holding(pgp.packet(pgp.PUBLIC_KEY, body), unsure=unsure)


@vector("openpgp.form", "limit")
def openpgp_10000_user_ids() -> Judged:
    """Ten thousand user ids, as a flooded certificate may have."""
    ids = b"".join(b"\xb4\x04%04d" % number for number in range(10_000))
    return _holding(_OPERATOR + ids, "openpgp.form")


@vector("openpgp.form", "limit")
def openpgp_4096_packets() -> Judged:
    """As many packets as a certificate may have, most of them user ids that nobody signed."""
    ids = b"".join(b"\xb4\x04%04d" % number for number in range(4096 - 3))
    return _holding(_OPERATOR + ids)


@vector("openpgp.form", "limit")
def openpgp_129_subkeys() -> Judged:
    """One subkey more than a certificate may have."""
    keys = (pgp.Key("signer", created=pgp.MADE + number) for number in range(129))
    return _holding(
        _OPERATOR + b"".join(pgp.packet(pgp.PUBLIC_SUBKEY, key.body) for key in keys), "openpgp.form"
    )
