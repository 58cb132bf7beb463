# SPDX-License-Identifier: Apache-2.0
"""The standard EK templates: policies computed from the commands they stand for, and what is recognised."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from bundlefmt.evidence.ek_template import EK_CERTIFICATE_INDICES, EK_TEMPLATES, recognised
from bundlefmt.evidence.tpm import TpmaObject, TpmsEccPoint, TpmtPublic
from bundlefmt.evidence.tpm_algorithm import TpmAlg, digest, hash_size

POLICY_SECRET: Final = 0x00000151  # TPM_CC (Part 2, 6.5)
POLICY_OR: Final = 0x00000171
POLICY_AUTHORIZE_NV: Final = 0x00000192
ENDORSEMENT: Final = 0x4000000B
# EK Credential Profile, annex B.6: the NV index with the platform's policy, by the hash of the template
POLICY_INDICES: Final = {TpmAlg.SHA256: 0x01C07F01, TpmAlg.SHA384: 0x01C07F02, TpmAlg.SHA512: 0x01C07F03}
POLICY_INDEX_ATTRIBUTES: Final = 0x220F1008
LOW: Final = ("L-1", "L-2")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def policy_a(alg: int) -> bytes:
    """TPM2_PolicySecret by the endorsement hierarchy (Part 3, 23.4), with an empty policyRef."""
    command = digest(alg, bytes(hash_size(alg)) + u32(POLICY_SECRET) + u32(ENDORSEMENT))
    return digest(alg, command)


def policy_b(alg: TpmAlg) -> bytes:
    """TPM2_PolicyOR of policy A and TPM2_PolicyAuthorizeNV of the index, whose own policy is policy A."""
    secret, size = policy_a(alg), hash_size(alg)
    public = u32(POLICY_INDICES[alg]) + alg.to_bytes(2, "big") + u32(POLICY_INDEX_ATTRIBUTES)
    public += size.to_bytes(2, "big") + secret + (size + 2).to_bytes(2, "big")
    name = alg.to_bytes(2, "big") + digest(alg, public)
    authorised = digest(alg, bytes(size) + u32(POLICY_AUTHORIZE_NV) + name)
    return digest(alg, bytes(size) + u32(POLICY_OR) + secret + authorised)


@pytest.mark.parametrize("name", EK_TEMPLATES)
def test_policies(name: str) -> None:
    template = EK_TEMPLATES[name]
    alg = TpmAlg(template.name_alg)
    assert template.auth_policy == (policy_a(alg) if name in LOW else policy_b(alg))


@pytest.mark.parametrize("name", EK_TEMPLATES)
def test_attributes(name: str) -> None:
    # EK Credential Profile, annex B.3 and B.4: the high range may be used with a password too
    assert int(EK_TEMPLATES[name].attributes) == (0x000300B2 if name in LOW else 0x000300F2)


@pytest.mark.parametrize("name", EK_TEMPLATES)
def test_templates_are_read_and_recognised(name: str) -> None:
    template = EK_TEMPLATES[name]
    assert TpmtPublic.decode(template.encode()) == template
    assert recognised(TpmtPublic.decode(template.encode())) == name


@pytest.mark.parametrize("name", EK_TEMPLATES)
def test_only_unique_may_differ(name: str) -> None:
    template = EK_TEMPLATES[name]
    point = isinstance(template.unique, TpmsEccPoint)
    made = replace(template, unique=TpmsEccPoint(x=b"\1", y=b"\2") if point else b"\1")
    assert recognised(made) == name
    for other in (
        replace(made, auth_policy=b""),
        replace(made, name_alg=TpmAlg.SHA1),
        replace(made, attributes=made.attributes ^ TpmaObject.userWithAuth),
        replace(made, attributes=made.attributes | TpmaObject.sign_encrypt),
        replace(made, attributes=made.attributes & ~TpmaObject.fixedTPM),
    ):
        assert recognised(other) is None


def test_templates_differ() -> None:
    encodings = {template.encode() for template in EK_TEMPLATES.values()}
    assert len(encodings) == len(EK_TEMPLATES)


def test_every_template_has_a_place_for_its_certificate() -> None:
    assert sorted(EK_CERTIFICATE_INDICES.values()) == sorted(EK_TEMPLATES)
    # high range: two indices for each key type, of which H-5 (SM2) is left out
    high = {index: name for index, name in EK_CERTIFICATE_INDICES.items() if name.startswith("H-")}
    assert high == {0x01C00010 + 2 * int(name[2:]): name for name in high.values()}
