# SPDX-License-Identifier: Apache-2.0
"""What the verifier demands and what it lets pass; nothing of it comes from the bundle.

Spec: "Policy".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Final

from bundlefmt.frozen import frozen
from bundlefmt.verify.findings import Basis

if TYPE_CHECKING:
    from bundlefmt.evidence.reference import Reference


@frozen
class Policy:
    """Pins and anchors are the verifier's own knowledge; each `allow_*` is a relaxation, off by default.

    `pins_openpgp`: fingerprints, lower-case hexadecimal. `pins_piv`: SHA-256 of certificates' DER. Each that
    is pinned must have sealed; of those that are `known_*`, whichever did counts as pinned. `anchors`: DER
    certificates of TPM manufacturers. `anchors_piv`: of authorities above the people's X.509 certificates.
    `anchors_hardware`: of makers of security keys; `pins_hardware`: SHA-256 of such ones, which the bundle
    may bring along. `anchors_time`: of authorities whose timestamps are believed. `anchors_log`: of logs
    whose receipts are; a log's key counts alone, and may stand there by itself (SubjectPublicKeyInfo).
    `pins_block`: hashes of blocks of Bitcoin, as they are written. No anchor serves for another purpose.
    `at`: seconds since the epoch at which certificates are judged; None is the manifest's own claim.
    `references`: values that PCRs and events should have. `require_no_advisories`: an advisory that concerns
    a device leaves a doubt. `require`: conclusions by id, each with the weakest basis that is enough.
    `algorithms`: by the names of `evidence.primitive`, from when, in seconds since the epoch, a signature
    counts only if it is known to be older. `now`: the verifier's present; None has reached every such date.
    By it the last renewals must still hold; `at` stands for it there where given, and without both, the time
    of the last renewal. `document`: the SHA-256 of the policy document that this was read from; `amended`: it
    says more than the document.

    `allow_sha1_certificates`: SHA-1 under certificates and revocation lists. `allow_ek_key_usage`: an EK
    certificate without key usage, or with that of the other kind of key. `allow_ek_without_tpm_name`: one
    that does not name its TPM. `allow_missing_usage`: EK and AK certificates without extended key usage.
    `allow_ak_with_ek_usage`: AK certificates with the extended key usage of EK certificates.
    `allow_ca_without_constraints`: attestation keys of YubiKeys of 2018, whose certificates do not say that
    they are authorities.
    """

    pins_openpgp: frozenset[str] = frozenset()
    pins_piv: frozenset[bytes] = frozenset()
    known_openpgp: frozenset[str] = frozenset()
    known_piv: frozenset[bytes] = frozenset()
    anchors: tuple[bytes, ...] = ()
    anchors_piv: tuple[bytes, ...] = ()
    anchors_hardware: tuple[bytes, ...] = ()
    anchors_time: tuple[bytes, ...] = ()
    anchors_log: tuple[bytes, ...] = ()
    pins_block: frozenset[bytes] = frozenset()
    pins_hardware: frozenset[bytes] = frozenset()
    at: int | None = None
    references: tuple[Reference, ...] = ()
    require_no_advisories: bool = False
    require: Mapping[str, Basis] = field(default_factory=dict)
    algorithms: Mapping[str, int] = field(default_factory=dict)
    now: int | None = None
    document: bytes | None = None
    amended: bool = False
    allow_withheld: bool = False
    allow_sha1: bool = False
    allow_nonce_binding: bool = False
    allow_unactivated: bool = False
    allow_several_boots: bool = False
    allow_sha1_certificates: bool = False
    allow_ek_key_usage: bool = False
    allow_ek_without_tpm_name: bool = False
    allow_missing_usage: bool = False
    allow_ak_with_ek_usage: bool = False
    allow_ca_without_constraints: bool = False

    def at_present(self, present: int, *, timed: bool = False) -> Policy:
        """The same, told what time it is, if that matters: where algorithms end, or timestamps do."""
        return replace(self, now=present) if self.algorithms or timed else self

    @property
    def relaxations(self) -> tuple[str, ...]:
        """The names of the relaxations that are on."""
        return tuple(name for name in RELAXATIONS if getattr(self, name))


RELAXATIONS: Final = tuple(field.name for field in fields(Policy) if field.name.startswith("allow_"))
