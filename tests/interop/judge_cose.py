# SPDX-License-Identifier: Apache-2.0
"""Independent COSE implementations as one program; runs in the environment of `constraints-judges.txt`.

Reads a job as JSON from stdin and writes the answer to stdout:
{"judge": "pycose" or "cwt", "task": "verify", "alg", "key": public PEM, "data": hex} gives {"ok", "error"};
{…, "task": "sign", "alg", "key": private PEM, "payload": hex} gives {"data": hex}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import cwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pycose.algorithms import EdDSA, Es256, Es384, Es512, Ps256, RsaPkcs1Sha256
from pycose.headers import Algorithm
from pycose.keys import EC2Key, OKPKey, RSAKey
from pycose.messages import Sign1Message

Job = dict[str, Any]
PYCOSE_ALGORITHMS = {alg.identifier: alg for alg in (Es256, Es384, Es512, EdDSA, Ps256, RsaPkcs1Sha256)}


def _octets(number: int, size: int | None = None) -> bytes:
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


def _pycose_key(job: Job) -> Any:
    pem = job["key"].encode()
    secret: Any = serialization.load_pem_private_key(pem, None) if job["task"] == "sign" else None
    public: Any = secret.public_key() if secret else serialization.load_pem_public_key(pem)
    if isinstance(public, ec.EllipticCurvePublicKey):
        size, point = (public.key_size + 7) // 8, public.public_numbers()
        curve = {32: "P_256", 48: "P_384", 66: "P_521"}[size]
        d = _octets(secret.private_numbers().private_value, size) if secret else b""
        return EC2Key(crv=curve, x=_octets(point.x, size), y=_octets(point.y, size), d=d)
    if isinstance(public, rsa.RSAPublicKey):
        modulus, parts = public.public_numbers(), {}
        if secret:
            own = secret.private_numbers()
            parts = {"d": own.d, "p": own.p, "q": own.q, "dp": own.dmp1, "dq": own.dmq1, "qinv": own.iqmp}
        parts |= {"n": modulus.n, "e": modulus.e}
        return RSAKey(**{name: _octets(number) for name, number in parts.items()})
    d = secret.private_bytes_raw() if secret else b""
    return OKPKey(crv="ED25519", x=public.public_bytes_raw(), d=d)


def _pycose(job: Job) -> Job:
    if job["task"] == "verify":
        message = Sign1Message.decode(bytes.fromhex(job["data"]))
        message.key = _pycose_key(job)
        return {"ok": bool(message.verify_signature()), "error": "the signature does not verify"}
    header = {Algorithm: PYCOSE_ALGORITHMS[job["alg"]]}
    message = Sign1Message(phdr=header, payload=bytes.fromhex(job["payload"]))
    message.key = _pycose_key(job)
    return {"data": message.encode().hex()}


def _cwt(job: Job) -> Job:
    key = cwt.COSEKey.from_pem(job["key"], alg=job["alg"])
    if job["task"] == "verify":
        cwt.COSE.new().decode(bytes.fromhex(job["data"]), key)
        return {"ok": True, "error": ""}
    data = cwt.COSE.new().encode_and_sign(bytes.fromhex(job["payload"]), key, protected={1: job["alg"]})
    return {"data": data.hex()}


def answer(job: Job) -> Job:
    try:
        return {"pycose": _pycose, "cwt": _cwt}[job["judge"]](job)
    except Exception as error:  # an answer of the judge too: it knows no other way to refuse
        return {"ok": False, "error": f"{type(error).__name__}: {error}"}


json.dump(answer(json.load(sys.stdin)), sys.stdout)
