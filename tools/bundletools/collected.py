# SPDX-License-Identifier: Apache-2.0
"""Items and their bytes while a capture gathers them: keys with their Names, statements, the binding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundlefmt import labels
from bundlefmt.evidence.tpm import TpmtPublic
from bundlefmt.manifest import Binding, Item
from bundlefmt.wire import Buffer
from bundletools import secret_keys
from bundletools.devices import Attested, LoadedKey


@dataclass(slots=True)
class Collected:
    """Items and their bytes as they are gathered."""

    items: dict[str, Item] = field(default_factory=dict)
    values: dict[str, Buffer] = field(default_factory=dict)

    def add(
        self,
        label: str,
        role: str,
        data: bytes,
        refs: Mapping[str, str | tuple[str, ...]] | None = None,
        claimed: Mapping[str, object] | None = None,
    ) -> str:
        """Returns the label, made unique with a number. Raises UsageError for a secret key."""
        secret_keys.refuse(data, label)
        number, unique = 1, label
        while unique in self.items:
            number += 1
            unique = f"{label}-{number}"
        type_ = labels.ROLE_TYPES.get(role, labels.TYPE_OCTETS)
        self.items[unique] = Item.of(data, type=type_, role=role, refs=refs, claimed=claimed)
        self.values[unique] = data
        return unique

    def key(self, kind: str, key: LoadedKey, refs: Mapping[str, str], claimed: Mapping[str, object]) -> str:
        """Public area and Name of a key of `kind`; returns the label of the public area."""
        label = self.add(f"{kind}.pub", f"{kind}-public", key.public, refs, claimed)
        self.add(f"{kind}.name", f"{kind}-name", TpmtPublic.decode(key.public).name(), {"of": label})
        return label

    def attested(self, label: str, role: str, attested: Attested, refs: Mapping[str, str]) -> str:
        """A statement and its signature; returns the label of the statement."""
        label = self.add(label, role, attested.attest, refs)
        self.add(f"{label}.sig", "tpm-signature", attested.signature, {"by": refs["by"], "over": label})
        return label

    def binding(self, nonce: bytes) -> Binding:
        """Over all that there is to bind so far."""
        over = sorted(label for label, item in self.items.items() if item.role in labels.BOUND_ROLES)
        return Binding(alg=labels.HASH_SHA256, nonce=nonce, over=tuple(over))

    def withhold(self, role: str) -> dict[str, Buffer]:
        """Take the artifacts of `role` out; their items stay."""
        return {label: self.values.pop(label) for label, item in self.items.items() if item.role == role}
