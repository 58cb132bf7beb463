# SPDX-License-Identifier: Apache-2.0
"""Answering a challenge: the machine's TPM opens it with the keys of the bundle, and only then.

The credential stays here: what goes out is a proof of it that fits this challenge alone. Spec: "Challenges".
"""

from __future__ import annotations

from collections.abc import Callable

from bundlefmt.bundle import Bundle
from bundlefmt.challenge import Answer, Challenge, Pair
from bundlefmt.evidence.tpm import TpmtPublic
from bundletools.attestation_key import Returning
from bundletools.devices import DeviceError, LoadedKey, Tpm
from bundletools.errors import NotAnsweredError as NotAnsweredError
from bundletools.recheck import NotRecheckableError, endorsement_key, sealed_value, whose


def _require_of(challenge: Challenge, bundle: Bundle) -> None:
    """The challenge is to keys of this bundle. Raises NotRecheckableError."""
    if not challenge.manifest.matches(bundle.manifest_raw):
        raise NotRecheckableError("the challenge was made for another bundle")
    roles = {label: item.role for label, item in bundle.manifest.items.items()}
    for pair in challenge.pairs:
        if (roles.get(pair.ek), roles.get(pair.ak)) != ("ek-public", "ak-public"):
            raise NotRecheckableError(f"the challenge asks {pair.ek} for {pair.ak}, which are no such keys")


def answer(tpm: Tpm, bundle: Bundle, challenge: Challenge, source: Callable[[str], Returning]) -> Answer:
    """Open each pair with the keys brought back. `source` says of an AK how it comes back.

    Raises NotAnsweredError where this is another TPM; NotRecheckableError, DeviceError.
    """
    _require_of(challenge, bundle)
    proofs: dict[tuple[str, str], bytes] = {}
    for ak in sorted({pair.ak for pair in challenge.pairs}):
        recorded = TpmtPublic.decode(sealed_value(bundle, ak))
        with source(ak).loaded(tpm) as key:
            same = TpmtPublic.decode(key.public).name() == recorded.name()
            if same:
                for pair in challenge.pairs:
                    if pair.ak == ak:
                        proofs[pair.ek, ak] = challenge.proof(pair, _opened(tpm, bundle, pair, key))
        if not same:
            raise NotAnsweredError(f"{ak}: the key that came back is another one", hint=whose(tpm, bundle))
    return Answer(
        challenge=challenge.digest,
        proofs=tuple(proofs[pair.ek, pair.ak] for pair in challenge.pairs),
    )


def _opened(tpm: Tpm, bundle: Bundle, pair: Pair, ak: LoadedKey) -> bytes:
    """The credential in a pair."""
    with endorsement_key(tpm, bundle, pair.ek) as ek:
        if ek is not None:
            try:
                return tpm.activate(ak, ek, pair.blob, pair.encrypted_secret)
            except DeviceError as error:
                raise DeviceError(
                    f"{pair.ek} for {pair.ak}: {error}",
                    hint=error.hint or "the challenge was not made for these keys, or is damaged",
                ) from None
    raise NotAnsweredError(
        f"{pair.ek}: this TPM makes another endorsement key",
        hint="the attestation key is here: the bundle has the endorsement key of another TPM beside it",
    )
