# SPDX-License-Identifier: Apache-2.0
"""What follows from the findings, each with its basis: proven, vouched or unproven.

Spec: "Conclusions".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bundlefmt.logs.reading import STATIC_PCRS, Standing
from bundlefmt.moment import when
from bundlefmt.verify.blocks import mined
from bundlefmt.verify.context import Context
from bundlefmt.verify.explanation import Logs
from bundlefmt.verify.findings import Basis, Conclusion, Finding
from bundlefmt.verify.held import Held
from bundlefmt.verify.identities import ISSUER, SEALED, bound_key, identities, vouching
from bundlefmt.verify.registration import Registrations
from bundlefmt.verify.renewal import existed

_SOUND: Final = ("container.digest", "container.refs")  # what was sealed, each of the role it is named for
_TPM: Final = (*_SOUND, "ek.form", "ek.certificate", "ek.chain", "ek.key")
_TPM_REVOCATION: Final = "ek.revocation"  # lists are not required: without one it is skipped
_AK: Final = (*_SOUND, "ak.form", "ak.attributes", "ak.scheme")
_TEMPLATE: Final = "ak.template"
_AK_REVOCATION: Final = "ak.revocation"
_STATED: Final = (*_SOUND, "container.binding")
QUOTED: Final = (
    *_STATED,
    *(f"quote.{name}" for name in ("form", "signature", "signer", "binding", "selection", "bank", "pcrs")),
)
_LOG: Final = ("log.form", "log.replay")
_KEY: Final = (*_STATED, "key.form", "key.attributes", "key.scheme", "key.certified")
# what may say that a key is in the AK's TPM, by the role of the statement
_CERTIFIED: Final = {
    "certify": tuple(f"certify.{name}" for name in ("form", "signature", "signer", "binding", "subject")),
    "certify-creation": tuple(
        f"creation.{name}" for name in ("form", "signature", "signer", "binding", "subject")
    ),
}
# the verifier's own challenge, answered by the TPM of a genuine endorsement key that opens nothing else
_EK_TEMPLATE: Final = "ek.template"
CHALLENGED: Final = (
    *_TPM,
    _TPM_REVOCATION,
    _EK_TEMPLATE,
    *(check for check in _AK if check not in _SOUND),
)
_CONFIRMED: Final = "activation.confirmed"
_ACTIVATED: Final = ("ek.form", "activation.made", "activation.form")
_RECOMPUTED: Final = ("activation.blob", "activation.secret")
# what `claimed` may say of an attestation key without a template
_LIFETIMES: Final = {
    "session": "the attestation key died with its session: nobody can make another statement with it",
    "persistent": "the attestation key stays in its TPM until it is evicted, by TPM2_Clear too",
    "saved-context": "the attestation key comes back from its saved context until its TPM is reset",
}
_TIMED: Final = ("seal.form", "seal.signature", "seal.timestamp")
_REGISTERED: Final = ("seal.form", "seal.signature", "seal.receipt")
_SPEAKING: Final = ("quote", *_CERTIFIED)
_AGAIN: Final = (*_AK, "previous.digest", "previous.ak")


def attested(context: Context, findings: Sequence[Finding]) -> bool:
    """Whether each attestation key quoted the PCR values that are given, whoever has the key."""
    return Held(context, findings).holds(QUOTED)


def draw(context: Context, findings: Sequence[Finding]) -> tuple[Conclusion, ...]:
    """From the identities outwards; none has a stronger basis than what it rests on."""
    found = Held(context, findings)
    signers = vouching(context, found)
    word = Basis.VOUCHED if signers else Basis.UNPROVEN
    genuine = found.holds(_TPM) and found.unrevoked(_TPM_REVOCATION, "ek-certificate", ISSUER)
    resident = _resident(context, found, word, genuine=genuine)
    basis, of_one = _of_one_tpm(context, found, word, resident)
    return (
        *identities(context, found, signers),
        Conclusion(
            id="tpm.genuine",
            basis=Basis.PROVEN if genuine else Basis.UNPROVEN,
            statement=(
                "the endorsement key belongs to a TPM of the anchored manufacturer"
                if genuine
                else "not every endorsement key leads to an anchored manufacturer: no TPM is proven genuine"
            ),
            rests_on=(*_TPM, _TPM_REVOCATION),
        ),
        resident,
        Conclusion(
            id="platform.state",
            basis=basis if found.holds(QUOTED) else Basis.UNPROVEN,
            statement="the PCRs had these values when the attestation key quoted them",
            rests_on=(*of_one, *QUOTED),
        ),
        _key_resident(context, found, basis, of_one),
        *bound_key(context, found, signers),
        *_boot(context, found, basis, of_one),
        _lifetime(context, found, word),
        *_again(context, found, basis, of_one),
        *existed(context, found),
        *mined(context, found),
        *_sealed_by(context, found),
        *_registered(context, found),
    )


def _tied(found: Held) -> bool:
    """Records tie every attestation key to every endorsement key."""
    return found.holds(_ACTIVATED) and not found.failed(_RECOMPUTED)


def _of_one_tpm(
    context: Context, found: Held, word: Basis, resident: Conclusion
) -> tuple[Basis, tuple[str, ...]]:
    """How it is known that all statements are of one TPM: one key made them, or several are tied."""
    if _CONFIRMED in resident.rests_on:  # every one of them answered through every endorsement key
        return resident.basis, resident.rests_on
    speaking = {key for label in context.labels(*_SPEAKING) for key in context.item(label).ref("by")}
    if len(speaking) <= 1:
        return resident.basis, resident.rests_on
    rests_on = dict.fromkeys((*resident.rests_on, *SEALED, *_ACTIVATED, *_RECOMPUTED))
    tied = word if _tied(found) else Basis.UNPROVEN
    return max(resident.basis, tied, key=list(Basis).index), tuple(rests_on)


def _resident(context: Context, found: Held, word: Basis, *, genuine: bool) -> Conclusion:
    """The attestation key is in a TPM: it answered the verifier, is certified, or people say so."""
    if genuine and found.holds((*_AK, _EK_TEMPLATE, _CONFIRMED)):
        return Conclusion(
            id="ak.resident",
            basis=Basis.PROVEN,
            statement="the attestation key is in that TPM: it answered the verifier's own challenge",
            rests_on=(*CHALLENGED, _CONFIRMED),
        )
    keys = context.labels("ak-public")
    certified = keys and all(context.item(label).ref("certificate") for label in keys)
    if (
        certified
        and found.holds((*_AK, "ak.certificate"))
        and found.unrevoked(_AK_REVOCATION, "ak-certificate", ISSUER)
    ):
        return Conclusion(
            id="ak.resident",
            basis=Basis.PROVEN,
            statement="the attestation key is in a TPM: an anchored authority certified it",
            rests_on=(*_AK, "ak.certificate", _AK_REVOCATION),
        )
    where = "that TPM" if genuine else "a TPM"
    if not found.holds(_AK) or not _tied(found) or word is Basis.UNPROVEN:
        basis, statement = Basis.UNPROVEN, f"that the attestation key is in {where} is not shown"
    else:
        basis, statement = word, f"the attestation key is in {where}: the word of those who sealed"
    rests_on = (*SEALED, *_AK, *_ACTIVATED, *_RECOMPUTED)
    return Conclusion(id="ak.resident", basis=basis, statement=statement, rests_on=rests_on)


def _key_resident(context: Context, found: Held, basis: Basis, of_one: tuple[str, ...]) -> Conclusion:
    roles = [role for role in _CERTIFIED if context.labels(role)]
    checks = (*_KEY, *(check for role in roles for check in _CERTIFIED[role]))
    return Conclusion(
        id="key.resident",
        basis=basis if roles and found.holds(checks) else Basis.UNPROVEN,
        statement="the signing key is in the same TPM as the attestation key",
        rests_on=(*of_one, *checks),
    )


def _boot(context: Context, found: Held, basis: Basis, of_one: tuple[str, ...]) -> tuple[Conclusion, ...]:
    """What the firmware measured, as far as it is measured; only where there is a firmware log."""
    labels_ = context.labels("firmware-log")
    if not labels_:
        return ()
    rests_on = (*of_one, *QUOTED, *_LOG)
    if not found.holds((*QUOTED, *_LOG)) or len(labels_) != 1:
        return (
            Conclusion(
                id="platform.boot",
                basis=Basis.UNPROVEN,
                statement="that the firmware log is that of the quoted boot is not shown",
                rests_on=rests_on,
            ),
        )
    (label,) = labels_
    logs = context.area(Logs)
    indices = sorted(logs.measured(label) & set(STATIC_PCRS))
    unquoted = [index for index in logs.unquoted(label) if index in STATIC_PCRS]
    secure_boot = logs.summary(label).secure_boot.enabled
    words: dict[bool | None, str] = {True: "Secure Boot was on", False: "Secure Boot was off"}
    told = secure_boot.value if secure_boot.standing is Standing.MEASURED else None
    statement = (
        f"the firmware log is that of the quoted boot, by PCR {', '.join(map(str, indices))}"
        if indices
        else "no PCR of firmware is quoted that this log could explain"
    )
    if unquoted:
        statement += f"; its events in PCR {', '.join(map(str, unquoted))} are not attested"
    return (
        Conclusion(
            id="platform.boot",
            basis=basis if indices else Basis.UNPROVEN,
            statement=f"{statement}; {words.get(told, 'of Secure Boot it proves nothing')}",
            rests_on=rests_on,
        ),
    )


def _lifetime(context: Context, found: Held, word: Basis) -> Conclusion:
    """What becomes of the attestation key. No file shows it: a key that speaks again may have been kept."""
    keys = context.labels("ak-public")
    if context.labels("ak-template"):
        checks: tuple[str, ...] = (*_AK, _TEMPLATE)
        told = found.every(_TEMPLATE) and all(context.referring("ak-template", "of", key) for key in keys)
        statement = "the attestation key can be made again by its TPM, from its template"
    else:
        claims = [context.item(label).claimed.get("lifetime") for label in keys]
        checks = _AK
        one = claims[0] if claims and all(claim == claims[0] for claim in claims) else None
        told = isinstance(one, str) and one in _LIFETIMES
        statement = _LIFETIMES.get(
            one if isinstance(one, str) else "", "nothing says whether the attestation key can come back"
        )
    return Conclusion(
        id="ak.lifetime",
        basis=word if told and found.holds(checks) else Basis.UNPROVEN,
        statement=statement,
        rests_on=(*SEALED, *checks),
    )


def _sealed_by(context: Context, found: Held) -> tuple[Conclusion, ...]:
    """By when seals existed that carry a timestamp of their own; only where one does."""
    carrying = [each for each in range(len(context.bundle.seals)) if context.seal_stamps.carries(each)]
    if not carrying:
        return ()
    told: dict[str, list[str]] = {}
    for number in carrying:
        time = context.seal_stamps.holding(number)
        if time is not None:
            by = f"by the word of {time.chain.certificates[-1]}, "
            told.setdefault(by, []).append(f"seal {number + 1} existed by {when(time.by)}")
    proven = bool(told) and found.holds(_TIMED)
    return (
        Conclusion(
            id="time.sealed",
            basis=Basis.PROVEN if proven else Basis.UNPROVEN,
            statement=_grouped(told) if proven else "by when the seals existed is not shown by them",
            rests_on=_TIMED,
        ),
    )


def _registered(context: Context, found: Held) -> tuple[Conclusion, ...]:
    """Which known logs registered which seals; only where one carries a receipt."""
    registrations = context.area(Registrations)
    carrying = [each for each in range(len(context.bundle.seals)) if registrations.carries(each)]
    if not carrying:
        return ()
    told: dict[str, list[str]] = {}
    for number in carrying:
        for each in registrations.holding(number):
            log = f"the log with key {each.log.sha256} has registered "
            told.setdefault(log, []).append(f"seal {number + 1} at leaf index {each.index}")
    proven = bool(told) and found.holds(_REGISTERED)
    return (
        Conclusion(
            id="seal.registered",
            basis=Basis.PROVEN if proven else Basis.UNPROVEN,
            statement=_grouped(told) if proven else "that a known log has registered a seal is not shown",
            rests_on=_REGISTERED,
        ),
    )


def _grouped(told: Mapping[str, Sequence[str]]) -> str:
    """What each authority or log says, each named once."""
    return "; ".join(source + ", ".join(words) for source, words in told.items())


def _again(context: Context, found: Held, basis: Basis, of_one: tuple[str, ...]) -> tuple[Conclusion, ...]:
    """Only where the verifier gives the snapshot before: is it the same key, and so the same TPM?"""
    if context.previous is None:
        return ()
    same = found.holds(_AGAIN)
    return (
        Conclusion(
            id="ak.same",
            basis=Basis.PROVEN if same else Basis.UNPROVEN,
            statement=(
                "the attestation key of the snapshot before speaks again"
                if same
                else "that an attestation key of the snapshot before speaks again is not shown"
            ),
            rests_on=_AGAIN,
        ),
        Conclusion(
            id="tpm.same",
            basis=basis if same else Basis.UNPROVEN,
            statement=(
                "the same TPM made this and the snapshot before: its key cannot be anywhere else"
                if same and basis is not Basis.UNPROVEN
                else "that the same TPM made this and the snapshot before is not shown"
            ),
            rests_on=(*of_one, *_AGAIN),
        ),
    )
