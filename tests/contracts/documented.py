"""Answers as the OpenAPI documents' examples have them, with the facts that the recorder computes of each."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import openapi
from contracts.facts import ALL
from harness.history import Exchange
from harness.http import Call
from tests.contracts.histories import NOW, answer
from tests.openapi.bodies import answer_example

LIMITS = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99", "X-RateLimit-Reset": f"{NOW + 60:.0f}"}
"""Headers of the limited routes."""


def documented(operation_id: str, status: int, step: str, body: object = None, **said: Any) -> Exchange:
    """An answer with the document's example for a body, or another one (bytes as they are, all else as JSON).

    `headers` are added to those that the document demands; a value of None leaves one out. `facts` are added to the
    recorder's. Further arguments as for `answer`.
    """
    operation = openapi.find(operation_id)
    content = answer_example(operation, status) if body is None and status in operation.statuses else body
    headers: Mapping[str, str | None] = {
        "Content-Type": "application/json",
        **(LIMITS if operation.app == "tuvens-api" else {"X-Auth-Token": "<bearer:11111111>"}),
        **said.pop("headers", {}),
    }
    path = {name: "11" for name in ("id", "slug") if f"{{{name}}}" in operation.path}
    exchange = answer(
        step,
        status,
        content,
        operation=operation_id,
        callee=operation.app,
        method=said.pop("method", operation.method),
        url=said.pop("url", f"http://127.0.0.1:3000{operation.target(path)}"),
        headers={name: value for name, value in headers.items() if value is not None},
        **said,
    )
    left_out = {name for name, value in headers.items() if value is None}
    kept = tuple(each for each in exchange.response_headers if each[0] not in left_out)
    exchange = replace(exchange, response_headers=kept)
    return replace(exchange, facts={**_recorded(exchange), **exchange.facts})


def error(operation_id: str, status: int, step: str, **said: Any) -> Exchange:
    """An error in the documented shape, with its own status and path.

    `changed` replaces fields of its body, `...` takes one out; further arguments as for `documented`.
    """
    operation = openapi.find(operation_id)
    changed = said.pop("changed", {})
    if operation.app == "hi.events":
        value: dict[str, object] = {"message": "It went wrong.", "error": "ERROR"}
        if status in operation.statuses:
            value = answer_example(operation, status)
    else:
        path = operation.target({"id": "11"} if "{id}" in operation.path else None)
        time = "2025-07-25T14:30:00.000Z"
        value = {"statusCode": status, "timestamp": time, "path": path, "message": "It went wrong."}
    value = {name: each for name, each in {**value, **changed}.items() if each is not ...}
    return documented(operation_id, status, step, value, **said)


def without(value: object, *names: str) -> dict[str, object]:
    """A JSON object without some of its fields."""
    assert isinstance(value, dict)
    return {name: each for name, each in value.items() if name not in names}


def _recorded(exchange: Exchange) -> dict[str, Any]:
    call = Call(exchange.operation, exchange.method, exchange.url, exchange.request_headers, exchange.request_body)
    found: dict[str, Any] = {}
    for compute in ALL:
        found.update(compute(call, exchange.answer))
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]  # as a saved history has them
