# SPDX-License-Identifier: Apache-2.0
"""Ceremonies with an item of every role that is judged, by two parties who share nothing but the makers.

Each party has two identities on security keys, a TPM, and a boot of its own.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from bundlefmt.evidence.tpm import TpmsEccPoint
from tests.vectorgen import certificates, measured, ocsp, openpgp, sealing, vendor
from tests.vectorgen import own_certificates as own
from tests.vectorgen import software_tpm as tpm
from tests.vectorgen.ceremonies import EK_POLICY, ROOT_FILE, activation, certify, quote, signature, statement
from tests.vectorgen.ceremony import Artifact, Ceremony, Making, fixed
from tests.vectorgen.measured import Log, boot, ima_value, measured_files, userspace
from tests.vectorgen.plain import MINUTES
from tests.vectorgen.tree import encoded
from tests.vectorgen.vector import Terms

_TIME: Final = struct.pack(">QQIIBQ", 3_500_000, 3_600_000, 7, 0, 1, 0x0001_0000_0000_0000)
_INDEX: Final = b"\x00\x0b" + bytes(range(32))  # the Name of an NV index
_CONTENTS: Final = tpm.tpm2b(_INDEX) + struct.pack(">H", 0) + tpm.tpm2b(b"contents")
_OCTETS: Final = "application/octet-stream"
_PHASE: Final = "enter-initrd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whose ceremony it is: names of test keys, a nonce, and whether Secure Boot was on."""

    who: str
    openpgp: openpgp.Certificate
    nonce: bytes
    secure_boot: bool

    @property
    def piv(self) -> certificates.Identity:
        return certificates.operator(who=self.who)

    @property
    def subject(self) -> str:
        """The name in the X.509 certificate."""
        return f"Evidence Bundle Test {self.who.title()} p256 (test key)"

    def _seed(self, what: str) -> str:
        return f"{self.who}'s {what}"

    @property
    def ak(self) -> tpm.Key:
        return tpm.ecc_key(self._seed("attestation key"), tpm.ATTESTING)

    @property
    def ek(self) -> tpm.Key:
        """By template L-2 of the EK profile."""
        attributes = tpm.STORING & ~tpm.A.userWithAuth | tpm.A.adminWithPolicy
        made = tpm.ecc_key(self._seed("endorsement key"), attributes, scheme=None)
        return replace(made, public=replace(made.public, auth_policy=EK_POLICY))

    @property
    def parent(self) -> tpm.Key:
        attributes = tpm.STORING | tpm.A.noDA
        return tpm.ecc_key(self._seed("storage key"), attributes, scheme=None, parent=tpm.OWNER)

    @property
    def key(self) -> tpm.Key:
        return tpm.ecc_key(self._seed("signing key"), tpm.SIGNING, parent=self.parent.qualified_name)

    @property
    def pcrs(self) -> dict[int, dict[int, bytes]]:
        """After firmware, one phase of systemd, and three files that were opened."""
        found = measured.values(boot(secure=self.secure_boot))
        row = found[tpm.SHA256]
        row[9] = measured.extended(row[9], hashlib.sha256(_PHASE.encode()).digest())
        row[10] = ima_value(measured_files(3))
        return found


_NONCES: Final = (bytes(range(32, 48)), bytes(range(48, 64)))
OPERATOR: Final = Party(who="operator", openpgp=openpgp.OPERATOR, nonce=_NONCES[0], secure_boot=True)
WITNESS: Final = Party(who="witness", openpgp=openpgp.WITNESS, nonce=_NONCES[1], secure_boot=False)


def _people(party: Party) -> dict[str, Artifact]:
    """Both identities, what they sign of each other, and the statements of their devices."""
    piv, primary = party.piv, party.openpgp.primary
    named = own.openpgp_key(primary.fingerprint)
    crossed = own.issued(own.CROSS, primary.secret.public_key(), named, issuer=party.subject, signer=piv.key)
    of_piv = vendor.piv(piv.key.public_key())
    of_openpgp = vendor.openpgp(primary.secret.public_key(), primary.fingerprint)
    return {
        "operator.piv": fixed("piv-certificate", piv.certificate),
        "operator.openpgp": fixed("openpgp-certificate", party.openpgp.encode()),
        "device.issuer": fixed("attestation-issuer", vendor.issuer()),
        "device.piv": fixed("attestation-issuer", vendor.device("3")),
        "device.openpgp": fixed("attestation-issuer", vendor.device("5")),
        "operator.piv.attestation": fixed(
            "piv-attestation", of_piv, {"subject": "operator.piv", "issuer": ["device.piv", "device.issuer"]}
        ),
        "operator.openpgp.attestation": fixed(
            "openpgp-attestation",
            of_openpgp,
            {"subject": "operator.openpgp", "issuer": ["device.openpgp", "device.issuer"]},
        ),
        "cross.sig": fixed(
            "cross-signature",
            party.openpgp.sign(piv.certificate),
            {"by": "operator.openpgp", "over": "operator.piv"},
        ),
        "cross.cert": fixed("cross-certificate", crossed, {"by": "operator.piv", "over": "operator.openpgp"}),
    }


def _keys(party: Party) -> dict[str, Artifact]:
    """The TPM's keys, and what says that they are in one TPM of a known maker."""
    ek, ak, key = party.ek, party.ak, party.key
    certificate = certificates.ek_certificate(ek.private.public_key())
    issuer, signer = certificates.manufacturer_issuer(), certificates.keys.ec_key(certificates.ISSUER)
    template = replace(ak.public, unique=TpmsEccPoint(x=hashlib.sha256(party.nonce).digest(), y=b""))
    record = activation(ek, ak.name, seed=f"challenge to the {party.who}'s TPM")
    said = own.tpm_binding(ek.private.public_key(), ak.name, key.name)
    bound = own.issued(
        own.BINDING, key.private.public_key(), said, issuer=party.subject, signer=party.piv.key
    )
    return {
        "ek.issuer": fixed("certificate-issuer", issuer),
        "ek.cert": fixed("ek-certificate", certificate, {"issuer": "ek.issuer"}),
        "ek.crl": fixed("crl", certificates.revocation_list(), {"issuer": "ek.issuer"}),
        "ek.ocsp": fixed("ocsp", ocsp.response(certificate, issuer, signer), {"issuer": "ek.issuer"}),
        "ek.pub": fixed("ek-public", ek.area, {"certificate": "ek.cert"}),
        "ek.activation": fixed("credential-activation", record.encode(), {"ek": "ek.pub", "ak": "ak.pub"}),
        "ak.pub": fixed("ak-public", ak.area),
        "ak.name": fixed("ak-name", ak.name, {"of": "ak.pub"}),
        "ak.template": fixed("ak-template", template.encode(), {"of": "ak.pub"}),
        "key.parent": fixed("parent-public", party.parent.area),
        "key.pub": fixed("key-public", key.area, {"parent": "key.parent"}),
        "key.name": fixed("key-name", key.name, {"of": "key.pub"}),
        "tpm.cert": fixed(
            "tpm-binding-certificate",
            bound,
            {"by": "operator.piv", "ek": "ek.pub", "ak": "ak.pub", "key": "key.pub"},
        ),
    }


def _spoken(
    party: Party, label: str, role: str, make: Callable[[Making], bytes], refs: Mapping[str, object]
) -> dict[str, Artifact]:
    """A statement of the attestation key, and its signature."""
    over = {"by": "ak.pub", "over": label}
    return {
        label: Artifact(role=role, make=make, refs={"by": "ak.pub", **refs}),
        f"{label}.sig": Artifact(role="tpm-signature", make=signature(party.ak, label), refs=over),
    }


def _statements(party: Party) -> dict[str, Artifact]:
    """What the TPM said, its signing key's signatures, and the logs that explain the PCRs."""
    ak, key, pcrs, subject = party.ak, party.key, party.pcrs, {"subject": "key.pub"}
    creation = tpm.creation_data(party.parent, outside=party.nonce, values=pcrs)
    created = tpm.tpm2b(key.name) + tpm.tpm2b(hashlib.sha256(creation).digest())
    by_key = {
        f"{label}.tpm": Artifact(
            role="tpm-signature",
            make=signature(key, f"operator.{label}"),
            refs={"by": "key.pub", "over": f"operator.{label}"},
        )
        for label in ("openpgp", "piv")
    }
    ima = b"".join(entry.encode() for entry in measured_files(3))
    log = Log(events=boot(secure=party.secure_boot)).encode()
    return {
        **_spoken(party, "quote", "quote", quote(ak, pcrs), {}),
        "quote.pcrs": fixed(
            "pcr-values", encoded(pcrs), {"quoted-by": "quote"}, pcr_digest=tpm.pcr_digest(pcrs)
        ),
        **_spoken(party, "certify", "certify", certify(ak, key), subject),
        **_spoken(party, "created", "certify-creation", statement(tpm.CREATION, ak, created, {}), subject),
        "key.creation": fixed("creation-data", creation, {"of": "key.pub"}),
        "key.ticket": fixed("creation-ticket", tpm.creation_ticket(tpm.OWNER), {"of": "key.pub"}),
        **_spoken(party, "time", "time", statement(tpm.TIME, ak, _TIME, {}), {}),
        **_spoken(party, "nv", "nv-certify", statement(tpm.NV, ak, _CONTENTS, {}), {}),
        **by_key,
        "firmware.log": fixed("firmware-log", log, type=_OCTETS),
        "userspace.log": fixed("userspace-log", userspace(_PHASE), type=_OCTETS),
        "ima.log": fixed("ima-log", ima, type=_OCTETS),
    }


@cache
def complete(party: Party = OPERATOR) -> Ceremony:
    """Everything at once; each conclusion has the best basis that it can have by a challenge."""
    digest = hashlib.sha256(party.piv.certificate).hexdigest()
    return Ceremony(
        artifacts={
            **_people(party),
            **_keys(party),
            **_statements(party),
            "minutes": fixed("minutes", MINUTES + party.who.encode()),
        },
        signers={"operator.openpgp": "operator", "operator.piv": "operator"},
        seals=(sealing.by(party.piv), sealing.OpenPgpSeal(signer=party.openpgp)),
        nonce=party.nonce,
        terms=Terms(
            pins_openpgp=(party.openpgp.fingerprint,),
            pins_piv=(digest,),
            anchors=(ROOT_FILE,),
            anchors_hardware=(vendor.ROOT_FILE,),
        ),
    )


@cache
def certified(party: Party = OPERATOR) -> Ceremony:
    """The same, in which an authority has certified the attestation key."""
    made = certificates.ak_certificate(party.ak.private.public_key())
    named = complete(party).changed("ak.pub", refs={"certificate": "ak.cert"})
    return named.having("ak.cert", fixed("ak-certificate", made, {"issuer": "ek.issuer"}))
