"""The secrets in an exchange: credentials in headers, and fields of the document that hold secrets."""

import re
from collections.abc import Sequence
from functools import cache
from urllib.parse import parse_qsl

Field = str | bytes
"""A header's name or value; bytes are latin-1, as HTTP has them."""


def secret_kind(name: str) -> str:
    """The kind of secret in a field of this name."""
    return "session-token" if "session" in name else "bearer"


def secrets_of(names: frozenset[str], body: bytes) -> list[tuple[str, str]]:
    """The (kind, value) pairs of the fields of these names in a JSON body, which may be malformed."""
    pattern = _pattern(names)
    if pattern is None or not body:
        return []
    return [(secret_kind(match[1]), match[2]) for match in pattern.finditer(body.decode("utf-8", "replace"))]


def secrets_in(
    names: frozenset[str],
    target: str,
    request_headers: Sequence[tuple[str, str]],
    request_body: bytes,
    response_headers: Sequence[tuple[str, str]],
    response_body: bytes,
) -> list[tuple[str, str]]:
    """The (kind, value) pairs in an exchange: credentials in headers and cookies, and the fields of these names in its
    query and bodies."""
    found: list[tuple[str, str]] = []
    for name, value in request_headers:
        match name.lower():
            case "x-shared-secret":
                found.append(("shared-secret", value))
            case "authorization":
                credential = value.partition(" ")[2].strip() or value
                found.append((_kind_of(credential), credential))
            case "cookie":
                values = (part.strip().partition("=")[2] for part in value.split(";"))
                found.extend((_kind_of(each), each) for each in values)
    found.extend(("bearer", value) for name, value in response_headers if name.lower() == "x-auth-token")
    query = target.partition("?")[2]
    if query and names:
        found.extend(
            (secret_kind(name), value)
            for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
            if name in names
        )
    return [*found, *secrets_of(names, request_body), *secrets_of(names, response_body)]


def _kind_of(credential: str) -> str:
    return "jwt" if credential.count(".") == 2 else "bearer"


@cache
def _pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    if not names:
        return None
    choice = "|".join(re.escape(name) for name in sorted(names))
    return re.compile(rf'"({choice})"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"')
