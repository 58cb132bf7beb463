# SPDX-License-Identifier: Apache-2.0
"""What all checks look at: the bundle, the policy, and each artifact decoded once.

Spec: "Verification".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, Generic, TypeVar

from bundlefmt import labels
from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Kept
from bundlefmt.evidence import openpgp, x509
from bundlefmt.evidence.attest import TpmsAttest
from bundlefmt.evidence.creation import TpmsCreationData, TpmtTkCreation
from bundlefmt.evidence.credential import CredentialActivation
from bundlefmt.evidence.pcr import decode_pcr_values
from bundlefmt.evidence.tpm import HIERARCHIES, TpmtPublic, UnsupportedAlgorithmError, qualified_name
from bundlefmt.evidence.tpm_signature import TpmtSignature
from bundlefmt.logs.recognise import decode_ima
from bundlefmt.logs.systemd import SystemdLog
from bundlefmt.logs.tcg import FirmwareLog
from bundlefmt.manifest import Item, Manifest
from bundlefmt.verify.existence import Existence
from bundlefmt.verify.judgement import Fail as Fail
from bundlefmt.verify.judgement import Judgement as Judgement
from bundlefmt.verify.judgement import Once as Once
from bundlefmt.verify.judgement import Skip as Skip
from bundlefmt.verify.judgement import Unsure as Unsure
from bundlefmt.verify.judgement import readable as readable
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.seal_stamps import SealStamps
from bundlefmt.wire import Buffer

T = TypeVar("T")
MAX_ANCESTORS: Final = 8  # parents between a key and its hierarchy; deeper trees are not met in practice


class Decoded(Generic[T]):
    """Artifacts of one kind by label, each decoded once."""

    def __init__(self, value: Callable[[str], Buffer], decode: Callable[[Buffer], T]) -> None:
        self.form: Once[str, T] = Once(lambda label: readable(lambda: decode(value(label))))

    def __call__(self, label: str) -> T:
        """The decoded artifact. Raises Skip where it cannot be read: the form check says why."""
        try:
            return self.form(label)
        except Fail:
            raise Skip(f"{label} cannot be read") from None


class Area:
    """What an area works out once for all its checks."""

    def __init__(self, context: Context) -> None:
        self.context = context


A = TypeVar("A", bound=Area)


class Context:
    """One verification's view of a bundle. `asked` is the time that the verifier asks about, in seconds since
    the epoch: the policy's, else that which the manifest claims.

    `previous` is the bundle that the verifier holds to be the one before this, `confirmed` what it kept of
    its own challenge.
    """

    def __init__(
        self,
        bundle: Bundle,
        policy: Policy,
        previous: Bundle | None = None,
        confirmed: Kept | None = None,
    ) -> None:
        self.bundle = bundle
        self.manifest: Manifest = bundle.manifest
        self.policy = policy
        self.previous = previous
        self.confirmed = confirmed
        self.asked = bundle.manifest.created if policy.at is None else policy.at
        self.existence = Existence(bundle, policy)
        self.seal_stamps = SealStamps(bundle, self.existence)
        self.publics = Decoded(self.value, TpmtPublic.decode)
        self.attests = Decoded(self.value, TpmsAttest.decode)
        self.signatures = Decoded(self.value, TpmtSignature.decode)
        self.creations = Decoded(self.value, TpmsCreationData.decode)
        self.tickets = Decoded(self.value, TpmtTkCreation.decode)
        self.activations = Decoded(self.value, CredentialActivation.decode)
        self.firmware_logs = Decoded(self.value, FirmwareLog.decode)
        self.userspace_logs = Decoded(self.value, SystemdLog.decode)
        self.ima_logs = Decoded(self.value, decode_ima)
        self.pcr_values = Decoded(self.value, decode_pcr_values)
        self.certificates = Decoded(self.value, x509.facts)
        self.openpgp = Decoded(self.value, openpgp.self_signatures)
        self.qualified_names: Once[str, dict[int, bytes]] = Once(self._qualified_names)
        self._areas: dict[type, object] = {}
        self._referring: dict[tuple[str, str, str], list[str]] = {}
        by_role: dict[str, list[str]] = {}
        for label, item in sorted(bundle.manifest.items.items()):
            by_role.setdefault(item.role, []).append(label)
            for ref in item.refs:
                for target in dict.fromkeys(item.ref(ref)):
                    self._referring.setdefault((item.role, ref, target), []).append(label)
        self._by_role = {role: tuple(labelled) for role, labelled in by_role.items()}

    def area(self, kind: type[A]) -> A:
        """What one area keeps between its checks, made once."""
        found = self._areas.get(kind)
        if not isinstance(found, kind):
            found = self._areas[kind] = kind(self)
        return found

    @cached_property
    def at(self) -> int:
        """When certificates are judged: the time asked about, or by when renewals show that all was there."""
        by = self.existence.by
        return self.asked if by is None else min(self.asked, by)

    def seal_by(self, number: int) -> int | None:
        """By when a seal, counted from zero, existed, as renewals and its own timestamp show."""
        shown = (self.existence.seal_by(number), self.seal_stamps.by(number))
        return min((by for by in shown if by is not None), default=None)

    def seal_at(self, number: int) -> int:
        """The same as `at` for one seal: one that was added later may have existed later."""
        by = self.seal_by(number)
        return self.asked if by is None else min(self.asked, by)

    @cached_property
    def binding(self) -> bytes:
        """What every statement must repeat; worked out once, since it may cover every item."""
        return self.manifest.binding.digest(self.manifest.items, self.manifest.previous)

    def labels(self, *roles: str) -> tuple[str, ...]:
        """The labels of all items with one of `roles`, in label order."""
        if len(roles) == 1:
            return self._by_role.get(roles[0], ())
        return tuple(sorted(label for role in set(roles) for label in self._by_role.get(role, ())))

    def item(self, label: str) -> Item:
        return self.manifest.items[label]

    def target(self, label: str, ref: str) -> str:
        """The one label behind a reference. Raises Skip: container.refs says what is wrong."""
        targets = self.item(label).ref(ref)
        if len(targets) != 1:
            raise Skip(f"reference {ref!r} does not name one item")
        return targets[0]

    def referring(self, role: str, ref: str, label: str) -> tuple[str, ...]:
        """The items of `role` whose reference `ref` names `label`, in label order."""
        return tuple(self._referring.get((role, ref, label), ()))

    def value(self, label: str) -> Buffer:
        """The artifact's bytes. Raises Unsure where they are absent, Skip where that leaves no doubt."""
        record = self.bundle.content.get(label)
        if record is not None:
            return record.value
        if self.policy.allow_withheld or self.item(label).role in labels.WITHHOLDABLE:
            raise Skip(f"{label} is not in the bundle")
        raise Unsure(f"{label} is not in the bundle")

    def name(self, label: str) -> bytes:
        """The TPM Name of a public area. Raises Unsure where its hash is not known here."""
        try:
            return self.publics(label).name()
        except UnsupportedAlgorithmError as error:
            raise Unsure(str(error)) from None

    def _qualified_names(self, label: str) -> dict[int, bytes]:
        """The qualified name of a public area in each hierarchy, through the parents that are carried."""
        chain = [label]
        while parents := self.item(chain[-1]).ref("parent"):
            if parents[0] in chain or len(chain) > MAX_ANCESTORS:
                raise Fail("the parents do not lead to a hierarchy")
            chain.append(parents[0])
        names = [self.name(each) for each in reversed(chain)]
        found = {}
        for handle in HIERARCHIES:
            qualified = handle.to_bytes(4, "big")
            for name in names:
                qualified = qualified_name(qualified, name)
            found[handle] = qualified
        return found

    def hierarchy(self, label: str, qualified: bytes) -> str:
        """The hierarchy in which `label` has this qualified name. Raises Fail if it has in none."""
        for handle, name in self.qualified_names(label).items():
            if name == qualified:
                return HIERARCHIES[handle]
        raise Fail(f"the qualified name {qualified.hex()} is not that of {label} in any hierarchy")
