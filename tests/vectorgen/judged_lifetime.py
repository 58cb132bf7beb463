# SPDX-License-Identifier: Apache-2.0
"""What is claimed of an attestation key's lifetime, and what is concluded from that.

Spec: "Lifetimes of attestation keys".
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import activation, ek, snapshot, whole
from tests.vectorgen.ceremony import Ceremony, fixed
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()


def _claiming(claimed: dict[str, object]) -> Ceremony:
    return snapshot().changed("ak.pub", claimed=claimed)


@vector("what nothing proves. A verifier MUST NOT", "shape")
def ak_lifetime_is_a_map() -> Judged:
    """What is claimed of the attestation key's lifetime is a map: anything may be claimed."""
    return _claiming({"lifetime": {"session": True}}).concluding(ak_lifetime="unproven").judged()


@vector("lies in the TPM at the handle", "shape")
def ak_lifetime_persistent() -> Judged:
    """The attestation key is said to lie at a persistent handle."""
    claimed = {"lifetime": "persistent", "handle": "0x81010002"}
    return _claiming(claimed).concluding(ak_lifetime="vouched").judged()


@vector("is in a file that TPM2_ContextSave gave", "shape")
def ak_lifetime_saved_context() -> Judged:
    """The attestation key is said to be in a saved context."""
    return _claiming({"lifetime": "saved-context"}).concluding(ak_lifetime="vouched").judged()


@vector("what nothing proves. A verifier MUST NOT", "unknown")
def ak_lifetime_unknown() -> Judged:
    """The attestation key is said to live in a way that this version does not know."""
    return _claiming({"lifetime": "for-ever"}).concluding(ak_lifetime="unproven").judged()


@vector("the same for every ak-public", "two-items")
def ak_lifetime_of_two() -> Judged:
    """Of two attestation keys one is said to be persistent and one to have died: nothing is said of both."""
    second = tpm.ecc_key("another attestation key", tpm.ATTESTING)
    record = activation(ek(), second.name).encode()
    ceremony = whole().without("ak.template").changed("ak.pub", claimed={"lifetime": "persistent"})
    ceremony = ceremony.having("ak2.pub", fixed("ak-public", second.area, claimed={"lifetime": "session"}))
    tied = fixed("credential-activation", record, {"ek": "ek.pub", "ak": "ak2.pub"})
    return ceremony.having("ak2.activation", tied).concluding(ak_lifetime="unproven").judged()
