"""Facts that must be computed while secrets are still there: conformity, tokens, signatures."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import openapi
from harness.http import Answer, Call, WireError, header
from harness.redact import fingerprint

_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)
_SECRET_FIELDS = {
    "generateSession": ("session-token", "session_token"),
    "wrapGenerateSession": ("session-token", "session_token"),
    "validateCrossAppSession": ("bearer", "token"),
}


def handed_out(call: Call, answer: Answer) -> Iterable[tuple[str, str]]:
    """(kind, value) of the secrets that an answer hands out by right, so that they are removed from the record."""
    if call.operation not in _SECRET_FIELDS or not 200 <= answer.status < 300:
        return
    kind, name = _SECRET_FIELDS[call.operation]
    value = _field(answer, name)
    if isinstance(value, str):
        yield kind, value
    in_header = header(answer.headers, "X-Auth-Token")
    if in_header is not None:
        yield "bearer", in_header.removeprefix("Bearer ").strip()


def conformity(call: Call, answer: Answer | None) -> Mapping[str, Any]:
    """`problems`: where the answer differs from its OpenAPI document, as `pointer: message`, at most ten."""
    if answer is None or not call.operation:
        return {}
    operation = openapi.find(call.operation)
    problems = operation.response_problems(status=answer.status, headers=answer.headers, body=answer.body)
    return {"problems": [f"{each.pointer}: {each.message}" for each in problems[:10]]}


def token_form(call: Call, answer: Answer | None) -> Mapping[str, Any]:
    """Of a minted session token: `length`, `url_safe`, `fingerprint`; nothing that would help to use it."""
    if answer is None or call.operation not in ("generateSession", "wrapGenerateSession"):
        return {}
    token = _field(answer, "session_token")
    if not isinstance(token, str):
        return {}
    return {
        "token": {
            "length": len(token),
            "url_safe": _URL_SAFE.fullmatch(token) is not None,
            "fingerprint": fingerprint(token),
        }
    }


ALL = (conformity, token_form)


def _field(answer: Answer, name: str) -> object:
    try:
        value = answer.json()
    except WireError:
        return None
    return value.get(name) if isinstance(value, dict) else None
