# SPDX-License-Identifier: Apache-2.0
"""Secure Boot as PCR 7 tells it: on or off, the keys, what verified the images, debug and DMA protection.

TCG PC Client Platform Firmware Profile 1.06, 3.3.4.8 "PCR[7] - Secure Boot Policy Measurements": before the
separator the firmware measures SecureBoot, PK, KEK, db, dbx (and others), each as UEFI_VARIABLE_DATA that its
digest covers. Events are known here by their covered bytes or by their digest, not by their type, and only
those before the separator say what the policy was. An event there that no digest explains may be the real one
with its data exchanged, so with such an event nothing about Secure Boot is more than claimed.
"""

from __future__ import annotations

from typing import Final

from bundlefmt.errors import MalformedError
from bundlefmt.frozen import frozen
from bundlefmt.logs.coverage import DMA_DISABLED, SEPARATORS, UEFI_DEBUG, Coverage
from bundlefmt.logs.efi import GLOBAL_VARIABLE, IMAGE_SECURITY_DATABASE, UefiVariable
from bundlefmt.logs.event import Undecodable
from bundlefmt.logs.reading import POLICY_PCR, Fact, Reading, ReadLog, Standing, numbers
from bundlefmt.logs.signature_list import (
    EfiSignature,
    certificate_subject,
    decode_signature,
    decode_signature_database,
    entries,
)

DATABASES: Final = {
    "PK": GLOBAL_VARIABLE,
    "KEK": GLOBAL_VARIABLE,
    "db": IMAGE_SECURITY_DATABASE,
    "dbx": IMAGE_SECURITY_DATABASE,
    "dbt": IMAGE_SECURITY_DATABASE,
    "dbr": IMAGE_SECURITY_DATABASE,
}
MODES: Final = ("SetupMode", "AuditMode", "DeployedMode")


@frozen
class KeyDatabase:
    """PK, KEK, db, dbx, dbt or dbr; `signatures` are its entries, `counts` how many of each kind."""

    name: str
    signatures: tuple[EfiSignature, ...] | Undecodable

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        if isinstance(self.signatures, tuple):
            for signature in self.signatures:
                found[signature.kind] = found.get(signature.kind, 0) + 1
        return found

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects of the X.509 entries, those that cannot be read left out (`counts` has them)."""
        if isinstance(self.signatures, Undecodable):
            return ()
        found = (signature.subject() for signature in self.signatures)
        return tuple(subject for subject in found if subject is not None)


@frozen
class Authority:
    """What a boot stage verified an image with: the variable that holds the key, and the certificate's
    subject.
    """

    variable: str
    subject: str | None
    data: bytes


@frozen
class SecureBoot:
    """`enabled` None means unknown.

    Authorities come after the separator: each was measured by some boot stage or by the operating system,
    which its digest does not tell.
    """

    enabled: Fact[bool | None]
    databases: tuple[Fact[KeyDatabase], ...]
    modes: tuple[Fact[tuple[str, str]], ...]
    authorities: tuple[Fact[Authority], ...]
    debug_mode: Fact[bool]
    dma_protection_disabled: Fact[bool]


def read_secure_boot(log: ReadLog) -> SecureBoot:
    """Never raises; what the log does not tell is None or absent."""
    policy = tuple(reading for reading in log.of(POLICY_PCR) if reading.before_separator)
    unexplained = tuple(reading for reading in policy if not _explained(reading))
    variables = tuple(
        (reading, variable)
        for reading in policy
        if reading.fully_covered and (variable := _variable(reading)) is not None
    )
    return SecureBoot(
        enabled=_enabled(log, policy, unexplained, variables),
        databases=tuple(
            Fact(
                value=_database(variable),
                standing=log.standing((reading,)),
                index=POLICY_PCR,
                events=(reading.event.number,),
                because="its digest covers name and content",
            )
            for reading, variable in variables
            if DATABASES.get(variable.name) == variable.guid
        ),
        modes=tuple(
            Fact(
                value=(variable.name, variable.data.hex()),
                standing=log.standing((reading,)),
                index=POLICY_PCR,
                events=(reading.event.number,),
                because="its digest covers name and content",
            )
            for reading, variable in variables
            if variable.name in MODES and variable.guid == GLOBAL_VARIABLE
        ),
        authorities=_authorities(log),
        debug_mode=_action(log, UEFI_DEBUG),
        dma_protection_disabled=_action(log, DMA_DISABLED),
    )


def _explained(reading: Reading) -> bool:
    return reading.fully_covered or reading.covered.known is not None


def _variable(reading: Reading) -> UefiVariable | None:
    """The event's data as a variable, whatever type it has."""
    try:
        return UefiVariable.decode(reading.event.untrusted_data)
    except MalformedError:
        return None


def _enabled(
    log: ReadLog,
    policy: tuple[Reading, ...],
    unexplained: tuple[Reading, ...],
    variables: tuple[tuple[Reading, UefiVariable], ...],
) -> Fact[bool | None]:
    found = tuple(
        (reading, variable)
        for reading, variable in variables
        if variable.name == "SecureBoot" and variable.guid == GLOBAL_VARIABLE
    )
    readings = tuple(reading for reading, _ in found)

    def fact(value: bool | None, because: str, *, firm: bool = True) -> Fact[bool | None]:
        return Fact(
            value=value,
            standing=log.standing(readings, covered=firm),
            index=POLICY_PCR,
            events=numbers(readings),
            because=because,
        )

    if not found:
        return fact(
            None,
            "no event before the separator of PCR 7 is the SecureBoot variable by its digest",
            firm=False,
        )
    contents = {variable.data for _, variable in found}
    if len(contents) > 1:
        return fact(None, "SecureBoot was measured more than once, with different contents")
    content = contents.pop()
    if content not in (b"", b"\0", b"\1"):
        return fact(None, f"SecureBoot has the content {content.hex()}")
    enabled = content == b"\1"
    if not log.separated(POLICY_PCR):
        return fact(enabled, "no separator ends PCR 7: later stages may have measured this", firm=False)
    if unexplained:
        listed = ", ".join(str(number) for number in numbers(unexplained))
        return fact(
            enabled, f"no digest explains the data of event {listed} before the separator", firm=False
        )
    state = {b"": "absent", b"\0": "00", b"\1": "01"}[content]
    return fact(enabled, f"SecureBoot was measured as {state} before the separator; its digest covers it")


def _database(variable: UefiVariable) -> KeyDatabase:
    try:
        found: tuple[EfiSignature, ...] | Undecodable = tuple(
            entries(decode_signature_database(variable.data))
        )
    except MalformedError as error:
        found = Undecodable(data=variable.data, reason=str(error))
    return KeyDatabase(name=variable.name, signatures=found)


def _authorities(log: ReadLog) -> tuple[Fact[Authority], ...]:
    found = []
    for reading in log.of(POLICY_PCR):
        variable = None if reading.before_separator else _variable(reading)
        if variable is None or reading.covered.known in SEPARATORS:
            continue
        covered = reading.covered.coverage is Coverage.COVERED
        found.append(
            Fact(
                value=Authority(
                    variable=variable.name, subject=_authority_subject(variable.data), data=variable.data
                ),
                standing=log.standing((reading,), covered=covered),
                index=POLICY_PCR,
                events=(reading.event.number,),
                because="its digest covers it" if covered else "no digest covers it",
            )
        )
    return tuple(found)


def _authority_subject(data: bytes) -> str | None:
    """EFI_SIGNATURE_DATA from firmware, a bare certificate from old shims."""
    bare = certificate_subject(data)
    if bare is not None:
        return bare
    try:
        return decode_signature(data).subject()
    except MalformedError:
        return None


def _action(log: ReadLog, text: str) -> Fact[bool]:
    """Whether the firmware measured this action, by digest: what is not among the digests did not happen."""
    policy = tuple(reading for reading in log.of(POLICY_PCR) if reading.before_separator)
    found = tuple(reading for reading in policy if reading.covered.known == text)
    complete = log.separated(POLICY_PCR)
    standing = log.standing(found or policy)
    return Fact(
        value=bool(found),
        standing=standing if found or complete else Standing.CLAIMED,
        index=POLICY_PCR,
        events=numbers(found),
        because=f"an event has the digest of {text!r}"
        if found
        else f"no event before the separator has the digest of {text!r}",
    )
