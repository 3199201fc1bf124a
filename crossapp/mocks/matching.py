"""Whether a request is that of an interaction, and if not, in what it differs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from contracts import placeholders
from contracts.webhook.wire import signature_matches
from crossapp.mocks.table import Expected, MockedInteraction
from harness.http import Headers, WireError, header, read_json


@dataclass(frozen=True, slots=True)
class MockedRequest:
    """A request as it was sent; `target` is the percent-encoded path with its query, below the application's URL."""

    method: str
    target: str
    headers: Headers
    body: bytes


def differences(row: MockedInteraction, request: MockedRequest, values: Mapping[str, str]) -> list[str]:
    """In what a request differs from that of a row, as `pointer: what is expected`; nothing if it is that request.

    `values` replaces placeholders of credentials. What was sent is never repeated: it may be a secret.
    """
    path, _, text = request.target.partition("?")
    if request.method != row.method or re.fullmatch(row.path, path) is None:
        return [f"/path: {row.method} {row.path} is expected"]
    if row.open:
        return []
    found = []
    query = dict(parse_qsl(text, keep_blank_values=True))
    for name, expected in row.query.items():
        found += _of(f"/query/{name}", expected, query.get(name), request, values)
    for name, expected in row.headers.items():
        found += _of(f"/headers/{name.lower()}", expected, header(request.headers, name), request, values)
    if row.body is not None:
        try:
            found += _in_body("", row.body, read_json(request.body), row.loose, values)
        except WireError:
            found.append("/body: JSON is expected")
    return found


def replaced(text: str, values: Mapping[str, str]) -> str:
    """A text with the values of its placeholders."""
    return placeholders.PATTERN.sub(lambda word: values.get(word[0], word[0]), text)


def _of(at: str, expected: Expected, value: str | None, request: MockedRequest, values: Mapping[str, str]) -> list[str]:
    if expected.kind == "absent":
        return [] if value is None else [f"{at}: no value is expected"]
    if value is None:
        return [f"{at}: is missing"]
    if expected.kind == "signature":
        secret = replaced(placeholders.SHARED_SECRET, values)
        right = signature_matches(secret, request.body, value)
        return [] if right else [f"{at}: the signature of the body with the shared secret is expected"]
    if expected.kind == "regex":
        return [] if re.fullmatch(expected.value, value) else [f"{at}: a match of {expected.value} is expected"]
    if expected.kind == "equal" and value != replaced(expected.value, values):
        return [f"{at}: {expected.value!r} is expected"]
    return []


def _in_body(at: str, expected: object, value: object, loose: frozenset[str], values: Mapping[str, str]) -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(value, dict):
            return [f"/body{at}: an object is expected"]
        found = [f"/body{at}/{name}: is not expected" for name in value if name not in expected]
        for name, each in expected.items():
            if name in value:
                found += _in_body(f"{at}/{name}", each, value[name], loose, values)
            else:
                found.append(f"/body{at}/{name}: is missing")
        return found
    if at in loose:
        return [] if type(value) is type(expected) else [f"/body{at}: {type(expected).__name__} is expected"]
    wanted = replaced(expected, values) if isinstance(expected, str) else expected
    same = value == wanted and isinstance(value, bool) == isinstance(wanted, bool)
    return [] if same else [f"/body{at}: {expected!r} is expected"]
