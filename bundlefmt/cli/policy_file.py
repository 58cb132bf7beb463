# SPDX-License-Identifier: Apache-2.0
"""The file that holds a policy, and the files that it names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bundlefmt.bundle import map_file
from bundlefmt.cli import given_file, own_file, reading
from bundlefmt.cli.run import UsageError
from bundlefmt.errors import MalformedError
from bundlefmt.evidence.reference import Reference
from bundlefmt.evidence.x509 import CertificateError
from bundlefmt.frozen import frozen
from bundlefmt.verify.policy import Policy
from bundlefmt.verify.policy_document import PolicyDocument, require_digest
from bundlefmt.verify.policy_reading import MAX_POLICY, MistakesError, decode_policy


@frozen
class PolicyFile:
    """A policy document with its certificates, its SHA-256, and the reference values it names."""

    path: Path
    sha256: bytes
    document: PolicyDocument
    references: tuple[Reference, ...]

    @property
    def policy(self) -> Policy:
        return self.document.policy(self.references, digest=self.sha256)


def load(path: Path) -> PolicyFile:
    """Raises OSError; UsageError where others can write it, or it holds what is not understood."""
    try:
        return read(path)
    except MistakesError as error:
        raise UsageError(f"{path}: {error.mistakes[0]}", hint=f"bundle policy check {path}") from None
    except (MalformedError, CertificateError) as error:
        raise UsageError(f"{path}: {getattr(error, 'message', error)}") from None


def read(path: Path) -> PolicyFile:
    """The same, with all that is wrong in the document as MistakesError; of its files the first fault."""
    data = own_file.read(path, MAX_POLICY)
    document = decode_policy(data)
    folder = path.parent
    references = []
    for each in document.reference_files:
        place = folder / each.file
        require_digest(each, map_file(place))
        references.append(reading.reference(place))
    return PolicyFile(
        path=path,
        sha256=hashlib.sha256(data).digest(),
        document=document.with_certificates(lambda file: given_file.read(folder / file)),
        references=tuple(references),
    )
