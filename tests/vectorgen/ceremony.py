# SPDX-License-Identifier: Apache-2.0
"""A ceremony, made from its parts: whatever one part is changed to, all that follows from it follows.

An artifact's bytes are made when they are first asked for, so a quote knows the binding, which knows the
digest of the attestation key, which a vector may have changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.plain import COLLECTION, CREATED, MAGIC, NONCE, PROFILE
from tests.vectorgen.renewing import HASHES, Before, Renewed
from tests.vectorgen.tree import Embedded, Row, encoded
from tests.vectorgen.vector import Judged, Terms

TPM: Final = "application/vnd.evidence-bundle.tpm"
CERTIFICATE: Final = "application/pkix-cert"
TYPES: Final = {
    "openpgp-certificate": "application/pgp-keys",
    "piv-certificate": CERTIFICATE,
    "ek-certificate": CERTIFICATE,
    "ak-certificate": CERTIFICATE,
    "certificate-issuer": CERTIFICATE,
    "openpgp-attestation": CERTIFICATE,
    "piv-attestation": CERTIFICATE,
    "attestation-issuer": CERTIFICATE,
    "cross-signature": "application/pgp-signature",
    "cross-certificate": CERTIFICATE,
    "tpm-binding-certificate": CERTIFICATE,
    "ocsp": "application/ocsp-response",
    "crl": "application/pkix-crl",
    "credential-activation": "application/vnd.evidence-bundle.credential-activation+cbor",
    "pcr-values": "application/vnd.evidence-bundle.pcr-values+cbor",
    "minutes": "text/plain",
    "media": "video/mp4",
}
BOUND: Final = (
    "openpgp-certificate",
    "piv-certificate",
    "ek-certificate",
    "ek-public",
    "ak-public",
    "key-public",
)
PUBLIC: Final = ("ek-public", "ak-public", "key-public", "parent-public")
Refs = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An item and how its bytes are made; `type` is that of the role unless given.

    Of PCR values, `pcr_digest` is the digest that a quote of them has.
    """

    role: str
    make: Callable[[Making], bytes]
    refs: Refs = field(default_factory=dict)
    type: str | None = None
    detached: bool = False
    claimed: Mapping[str, object] = field(default_factory=dict)
    pcr_digest: bytes | None = None


def fixed(role: str, value: bytes, refs: Refs | None = None, **members: object) -> Artifact:
    """An artifact whose bytes depend on no other."""
    return Artifact(role=role, make=lambda _: value, refs=refs or {}, **members)  # type: ignore[arg-type] # as above


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A seal as it stands in the file, and what was signed where that is not the manifest itself."""

    node: object
    sig_structure: bytes | None = None


Sealer = Callable[["Making"], Sealed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """Everything a bundle is made of. `records` replaces what is in the content, `absent` withholds it.

    `over` is what the binding covers, by default all that it should; `members` are added to the manifest.
    Of `renewals` each is a `Renewed`, or stands as it is; the first `renewals_lost` are taken out again.
    `previous` is the vector whose bundle the verifier holds to be the one before, `kept` makes the verifier's
    own file of a challenge; `conclusions` are expected.
    """

    artifacts: Mapping[str, Artifact]
    signers: Mapping[str, str]
    seals: tuple[Sealer, ...]
    terms: Terms = field(default_factory=Terms)
    over: tuple[str, ...] | None = None
    nonce: bytes = NONCE
    binding_alg: int = -16
    members: Mapping[str, object] = field(default_factory=dict)
    records: Mapping[str, object] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    renewals: tuple[object, ...] = ()
    renewals_lost: int = 0
    previous: str | None = None
    kept: Callable[[Making], bytes] | None = None
    conclusions: Mapping[str, str] = field(default_factory=dict)

    def changed(self, label: str, **changes: object) -> Ceremony:
        """One artifact with another `value`, or with other fields."""
        if "value" in changes:
            value = changes.pop("value")
            changes |= {"make": lambda _: value, "pcr_digest": None}
        artifact = replace(self.artifacts[label], **changes)  # type: ignore[arg-type] # the fields of Artifact
        return replace(self, artifacts={**self.artifacts, label: artifact})

    def having(self, label: str, artifact: Artifact) -> Ceremony:
        """With one artifact more, or another one in its place."""
        return replace(self, artifacts={**self.artifacts, label: artifact})

    def without(self, *labels: str) -> Ceremony:
        kept = {label: artifact for label, artifact in self.artifacts.items() if label not in labels}
        return replace(self, artifacts=kept)

    def under(self, **terms: object) -> Ceremony:
        """Judged under a policy with other terms."""
        return replace(self, terms=replace(self.terms, **terms))  # type: ignore[arg-type] # the fields of Terms

    def value_of(self, label: str) -> bytes:
        """The bytes that an artifact has in this ceremony."""
        return Making(self).value(label)

    def concluding(self, **bases: str) -> Ceremony:
        """Expecting these bases of conclusions; `ak_resident` stands for `ak.resident`."""
        named = {name.replace("_", ".", 1): basis for name, basis in bases.items()}
        return replace(self, conclusions={**self.conclusions, **named})

    def sealed_also(self, *sealers: Sealer) -> Ceremony:
        return replace(self, seals=(*self.seals, *sealers))

    def judged(self, *failed: str, unsure: tuple[str, ...] = ()) -> Judged:
        """The vector: this file, and exactly these checks failed or undecided."""
        return Making(self).judged(failed, unsure)


class Making:
    """One ceremony while its bundle is made; each artifact is made once."""

    def __init__(self, ceremony: Ceremony) -> None:
        self.ceremony = ceremony
        self._made: dict[str, bytes] = {}

    def value(self, label: str) -> bytes:
        if label not in self._made:
            self._made[label] = self.ceremony.artifacts[label].make(self)
        return self._made[label]

    def digest(self, label: str) -> list[object]:
        return [-16, hashlib.sha256(self.value(label)).digest()]

    @property
    def over(self) -> list[str]:
        bound = (label for label, each in self.ceremony.artifacts.items() if each.role in BOUND)
        return sorted(bound if self.ceremony.over is None else self.ceremony.over)

    @property
    def binding_preimage(self) -> bytes:
        digests = {label: self.digest(label) for label in self.over}
        before = [self.ceremony.members["previous"]] if "previous" in self.ceremony.members else []
        return encoded(["evidence-bundle/1 binding", self.ceremony.nonce, digests, *before])

    @property
    def binding(self) -> bytes:
        """What the TPM must repeat."""
        return hashlib.new(HASHES[self.ceremony.binding_alg], self.binding_preimage).digest()

    def type_of(self, label: str) -> str:
        artifact = self.ceremony.artifacts[label]
        return artifact.type or TYPES.get(artifact.role, TPM)

    def _item(self, label: str) -> dict[str, object]:
        artifact = self.ceremony.artifacts[label]
        optional = {
            "refs": artifact.refs,
            "detached": artifact.detached,
            "claimed": artifact.claimed,
        }
        return {
            "type": self.type_of(label),
            "role": artifact.role,
            "digest": self.digest(label),
            "size": len(self.value(label)),
            **{name: value for name, value in optional.items() if value},
        }

    @property
    def manifest(self) -> bytes:
        """What is sealed."""
        signers = [{"item": label, "part": part} for label, part in self.ceremony.signers.items()]
        members = {
            "version": [1, 0],
            "profile": PROFILE,
            "created": CREATED,
            "items": {label: self._item(label) for label in self.ceremony.artifacts},
            "binding": {
                "alg": self.ceremony.binding_alg,
                "nonce": self.ceremony.nonce,
                "over": self.over,
            },
            "signers": signers,
        }
        return encoded({**members, **self.ceremony.members})

    def _names(self) -> dict[str, bytes]:
        """The Name of every public area that is not withheld, sound or not."""
        return {
            label: tpm.name(self.value(label))
            for label, artifact in self.ceremony.artifacts.items()
            if artifact.role in PUBLIC and label not in self.ceremony.absent
        }

    def _qualified_names(self) -> dict[str, dict[str, str]]:
        """The qualified name of every public area in each hierarchy, by the parents that the items name."""
        names, found = self._names(), {}
        for label in names:
            line = [label]
            while (parent := self.ceremony.artifacts[line[0]].refs.get("parent")) and parent not in line:
                line.insert(0, str(parent))
            found[label] = {
                hierarchy: tpm.qualified(handle, [names[each] for each in line]).hex()
                for hierarchy, handle in tpm.HIERARCHIES.items()
            }
        return found

    def _intermediates(self, seals: list[Sealed]) -> dict[str, object]:
        """What an implementation computes on its way to the verdict, in hexadecimal."""
        digests = {
            label: artifact.pcr_digest.hex()
            for label, artifact in self.ceremony.artifacts.items()
            if artifact.pcr_digest is not None
        }
        return {
            "manifest_sha256": hashlib.sha256(self.manifest).hexdigest(),
            "binding_preimage": self.binding_preimage.hex(),
            "binding_digest": self.binding.hex(),
            "sig_structures": [seal.sig_structure.hex() if seal.sig_structure else None for seal in seals],
            "names": {label: name.hex() for label, name in self._names().items()},
            "qualified_names": self._qualified_names(),
            "pcr_digests": digests,
        }

    def _renewals(self, seals: list[Sealed]) -> list[object]:
        """One after the other; each knows what stands before it, also what is withheld later."""
        values = {
            label: self.value(label) for label, each in self.ceremony.artifacts.items() if not each.detached
        }
        made: list[object] = []
        for renewal in self.ceremony.renewals:
            before = Before(
                manifest=self.manifest,
                content=values,
                seals=[seal.node[1] for seal in seals if isinstance(seal.node, list)],
                renewals=[encoded(each) for each in made],
            )
            made.append(renewal(before) if isinstance(renewal, Renewed) else renewal)
        return made[self.ceremony.renewals_lost :]

    def judged(self, failed: tuple[str, ...], unsure: tuple[str, ...]) -> Judged:
        content: dict[str, object] = {"__cmwc_t": COLLECTION}
        for label, artifact in self.ceremony.artifacts.items():
            if label not in self.ceremony.absent and not artifact.detached:
                content[label] = [self.type_of(label), self.value(label)]
        content |= self.ceremony.records
        seals = [sealer(self) for sealer in self.ceremony.seals]
        renewals = [Embedded(renewal) for renewal in self._renewals(seals)]
        file = Row((MAGIC, [self.manifest, content, [seal.node for seal in seals], renewals]))
        return Judged(
            file=encoded(file),
            terms=self.ceremony.terms,
            failed=tuple(sorted(failed)),
            indeterminate=tuple(sorted(unsure)),
            previous=self.ceremony.previous,
            kept=self.ceremony.kept(self) if self.ceremony.kept else None,
            conclusions=self.ceremony.conclusions,
            intermediates=self._intermediates(seals),
        )
