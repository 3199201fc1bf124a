"""Requests made from the documents: method, path, Accept, and where the credential goes. No I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

import openapi
from harness.http import Call, Headers, json_body

_ABSENT: Any = object()


def call(
    operation_id: str,
    credential: str | None = None,
    *,
    path: Mapping[str, str] | None = None,
    query: Sequence[tuple[str, str]] | None = None,
    json: object = _ABSENT,
) -> Call:
    """A request of an operation; `json` is the value of its body.

    The credential (a JWT, a bearer token, the shared secret, or a signature as the whole value of its header) goes into
    the header of the operation's first scheme that has one. Raises ValueError for a path parameter that is not given.
    """
    operation = openapi.find(operation_id)
    headers: Headers = (("Accept", _accept(operation)),)
    if json is not _ABSENT:
        headers = (("Content-Type", "application/json"), *headers)
    scheme = next((each for each in operation.schemes if each.place == "header"), None)
    if credential is not None and scheme is not None:
        headers = (*headers, (scheme.field, credential if scheme.signs else scheme.prefix + credential))
    body = None if json is _ABSENT else json_body(json)
    return Call(operation.id, operation.method, operation.target(path, query), headers, body)


def _accept(operation: openapi.Operation) -> str:
    if operation.streams:
        return "text/event-stream"
    return "text/html" if operation.base == "pages" else "application/json"
