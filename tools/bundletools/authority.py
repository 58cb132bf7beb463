# SPDX-License-Identifier: Apache-2.0
"""Asking an authority of time over the network (RFC 3161 3.4); nothing else here speaks to the network.

HTTP without TLS is what authorities offer and does no harm: the answer is signed, the question is a digest.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from bundlefmt.evidence.timestamp_token import MAX_TOKEN
from bundletools.errors import DeviceError

TIMEOUT: Final = 30  # seconds, for each step of the conversation
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_SCHEMES: Final = ("http", "https")


class _Stay(urllib.request.HTTPRedirectHandler):
    """An authority is asked where its user says, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ask(url: str, request: bytes, *, timeout: float = TIMEOUT) -> bytes:
    """The answer to `request` (DER). Raises DeviceError."""
    if urllib.parse.urlsplit(url).scheme not in _SCHEMES:
        raise DeviceError(f"{url} is not an address of an authority", hint="http:// or https://")
    question = urllib.request.Request(  # noqa: S310 - the scheme is one of two
        url, data=request, headers={"Content-Type": _QUERY, "Accept": _REPLY}, method="POST"
    )
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(question, timeout=timeout) as answer:
            kind, data = answer.headers.get_content_type(), answer.read(MAX_TOKEN + 1)
    except urllib.error.HTTPError as error:
        raise DeviceError(f"{url} answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DeviceError(f"{url} cannot be asked: {error}") from None
    if len(data) > MAX_TOKEN:
        raise DeviceError(f"{url} answers with more than {MAX_TOKEN} bytes")
    if kind != _REPLY:
        raise DeviceError(f"{url} answers with {kind}, not with a timestamp")
    return bytes(data)
