"""Facts that are computed from an exchange before its secrets are removed: conformity, form of a token."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import openapi
from harness.http import Answer, Call, header, object_or_empty
from harness.redact import fingerprint, like_a_token
from openapi.recorded import request_problems

_URL_SAFE = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)


def handed_out(call: Call, answer: Answer) -> Iterable[tuple[str, str]]:
    """(kind, value) of the secrets that an answer hands out by right, so that they are removed from the record; values
    that have not the form of a token are no secrets."""
    if not call.operation or not 200 <= answer.status < 300:
        return
    for secret in openapi.find(call.operation).hands_out:
        value = (
            object_or_empty(answer.body).get(secret.name)
            if secret.place == "body"
            else header(answer.headers, secret.name)
        )
        if isinstance(value, str):
            token = value.removeprefix("Bearer ").strip() if secret.place == "header" else value
            if like_a_token(token):
                yield secret.kind, token


def conformity(call: Call, answer: Answer | None) -> Mapping[str, Any]:
    """`problems`: where the answer differs from its OpenAPI document, as `pointer: message`, at most ten; `schema`: the
    name of the document's schema of its body, if it has one; `ill_formed`: where the request does not fit the document,
    for an error or an undocumented status."""
    if answer is None or not call.operation:
        return {}
    operation = openapi.find(call.operation)
    problems = operation.response_problems(status=answer.status, headers=answer.headers, body=answer.body)
    facts: dict[str, Any] = {"problems": [f"{each.pointer}: {each.message}" for each in problems[:10]]}
    if problems and (schema := operation.schema_of(answer.status)):
        facts["schema"] = schema
    if (answer.status >= 400 and answer.status != 429) or any(each.pointer == "/status" for each in problems):
        found = request_problems(operation, call.target, call.headers, call.body or b"")
        facts["ill_formed"] = list(dict.fromkeys(each.partition(": ")[0] for each in found))
    return facts


def token_form(call: Call, answer: Answer | None) -> Mapping[str, Any]:
    """`token`: `length`, `url_safe`, `fingerprint` of a session token in an answer; nothing that helps to use it."""
    if answer is None or not call.operation:
        return {}
    for secret in openapi.find(call.operation).hands_out:
        token = object_or_empty(answer.body).get(secret.name) if secret.kind == "session-token" else None
        if isinstance(token, str):
            url_safe = _URL_SAFE.fullmatch(token) is not None
            return {"token": {"length": len(token), "url_safe": url_safe, "fingerprint": fingerprint(token)}}
    return {}


ALL = (conformity, token_form)
