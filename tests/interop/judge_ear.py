# SPDX-License-Identifier: Apache-2.0
"""PyJWT and cwt as one program that judges tokens; runs in the environment of `constraints-judges.txt`.

Reads a job as JSON from stdin: {"form": "jwt" or "cwt", "alg", "key": public PEM, "kid": hex, "data": hex}.
Writes {"claims", "header"} of a token that the judge accepts, keys as text, bytes as {"hex"}; else {"error"}.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import cbor2
import cwt
import jwt

Job = dict[str, Any]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _jwt(job: Job) -> Job:
    token = bytes.fromhex(job["data"]).decode()
    claims = jwt.decode(token, job["key"], algorithms=[job["alg"]])
    return {"claims": claims, "header": jwt.get_unverified_header(token)}


def _cwt(job: Job) -> Job:
    token = bytes.fromhex(job["data"])
    key = cwt.COSEKey.from_pem(job["key"], alg=job["alg"], kid=bytes.fromhex(job["kid"]))
    claims = cwt.decode(token, key)
    return {"claims": _plain(claims), "header": _plain(cbor2.loads(cbor2.loads(token).value[0]))}


def answer(job: Job) -> Job:
    try:
        return {"jwt": _jwt, "cwt": _cwt}[job["form"]](job)
    except Exception as error:  # an answer of the judge too: it knows no other way to refuse
        return {"error": f"{type(error).__name__}: {error}"}


json.dump(answer(json.load(sys.stdin)), sys.stdout)
