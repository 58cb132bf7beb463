# SPDX-License-Identifier: Apache-2.0
"""Ceremonies with an item of every role that is judged.

Spec: "Verification"; "Registries", roles.
"""

from __future__ import annotations

from typing import Final

from tests.vectorgen.complete import WITNESS, certified, complete
from tests.vectorgen.vector import Judged, Vectors

vector: Final = Vectors()
_PROVEN: Final = {
    "identity_sealed": "proven",
    "identity_hardware": "proven",
    "identity_crossed": "proven",
    "tpm_genuine": "proven",
    "key_bound": "proven",
    "ak_lifetime": "vouched",
}


_OF_THE_TPM: Final = ("ak_resident", "platform_state", "key_resident", "platform_boot")


@vector("container.complete", "shape")
def container_complete() -> Judged:
    """People, devices, TPM, statements and logs: each conclusion has its best basis by a challenge."""
    return complete().concluding(**_PROVEN, **dict.fromkeys(_OF_THE_TPM, "vouched")).judged()


@vector("container.complete", "shape")
def container_complete_of_another_party() -> Judged:
    """The same by other people on another machine; nothing but the makers' certificates is in both."""
    return complete(WITNESS).concluding(**_PROVEN).judged()


@vector("container.complete", "shape")
def container_complete_certified() -> Judged:
    """The same, in which an authority certified the attestation key: what it says is proven."""
    return certified().concluding(**_PROVEN, **dict.fromkeys(_OF_THE_TPM, "proven")).judged()
