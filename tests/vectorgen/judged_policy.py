# SPDX-License-Identifier: Apache-2.0
"""What a policy requires of the conclusions, met and missed.

Spec: "Policy"; "Verification", step 11.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.ceremonies import ak, signature, snapshot, whole
from tests.vectorgen.ceremony import Ceremony
from tests.vectorgen.judged_ak_certificate import certified
from tests.vectorgen.judged_binding import bound
from tests.vectorgen.judged_cross import crossed
from tests.vectorgen.judged_hardware import attested
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_SAID: Final = {
    "identity.sealed": "proven",
    "tpm.genuine": "proven",
    "ak.resident": "vouched",
    "ak.lifetime": "vouched",
    "key.resident": "vouched",
    "platform.state": "vouched",
}


def _requiring(ceremony: Ceremony, **bases: str) -> Ceremony:
    require = {name.replace("_", "."): basis for name, basis in bases.items()}
    return ceremony.under(require=require)


def _everything() -> Ceremony:
    """A ceremony with all that people do: keys attested, crossed, and the TPM's key certified."""
    ceremony = attested()
    for label, source in (("cross.sig", crossed()), ("cross.cert", crossed()), ("tpm.cert", bound())):
        ceremony = ceremony.having(label, source.artifacts[label])
    return ceremony.concluding(identity_crossed="proven", key_bound="proven")


@vector("policy.required", "valid")
def policy_whole_ceremony() -> Judged:
    """Everything that the profile for ceremonies requires is there."""
    more = {"identity.hardware": "proven", "identity.crossed": "proven", "key.bound": "proven"}
    return _everything().under(require={**_SAID, **more}).judged()


@vector("policy.required", "valid")
def policy_required() -> Judged:
    """Each conclusion that is required has the basis that is asked for."""
    return whole().under(require=_SAID).judged()


@vector("policy.required", "valid")
def policy_required_and_stronger() -> Judged:
    """The word of those who sealed would be enough; an authority's certificate proves it."""
    ceremony = _requiring(certified(), ak_resident="vouched", platform_state="vouched")
    return ceremony.concluding(ak_resident="proven", platform_state="proven").judged()


@vector("policy.required", "valid")
def policy_required_key_bound() -> Judged:
    """The verifier wants the TPM's key certified by a pinned X.509 identity, and it is."""
    return _requiring(bound(), key_bound="proven").judged()


@vector("policy.required")
def policy_required_proven_but_vouched() -> Judged:
    """Proof is required that the attestation key is in the TPM; there is the word of those who sealed."""
    ceremony = _requiring(whole(), ak_resident="proven").concluding(ak_resident="vouched")
    return ceremony.judged(unsure=("policy.required",))


@vector("policy.required", "absent")
def policy_required_without_evidence() -> Judged:
    """A conclusion about the boot is required of a bundle without a firmware log."""
    return _requiring(whole(), platform_boot="vouched").judged(unsure=("policy.required",))


@vector("policy.required", "absent")
def policy_required_of_a_snapshot() -> Judged:
    """The smallest snapshot seals a quote; that its key is in a TPM is required, and nothing speaks of it."""
    ceremony = _requiring(snapshot(), ak_resident="vouched", identity_sealed="proven")
    return ceremony.judged(unsure=("policy.required",))


@vector("policy.required", "signed")
def policy_required_and_refuted() -> Judged:
    """The state is required, and the quote's signature is not by the attestation key."""
    ceremony = whole().changed("quote.sig", make=signature(ak(), "certify"))
    ceremony = _requiring(ceremony, platform_state="vouched", identity_sealed="proven")
    return ceremony.concluding(identity_sealed="proven").judged("policy.required", "quote.signature")
