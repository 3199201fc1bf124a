"""The mocks for other languages: handlers of msw, mappings of WireMock, stubs for Laravel's `Http::fake`."""

import re
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import openapi
from crossapp.mocks.exported import ExportedRow, as_json, exported_rows, request_schema, required_query
from crossapp.mocks.matching import replaced
from crossapp.mocks.table import Expected, MockedInteraction, default_values

_TEMPLATES = Path(__file__).parent / "templates"
_STARTED = "Started"
"""The state in which each scenario of WireMock begins."""
_JSON_TYPES = {bool: "boolean", str: "string", int: "number", float: "number"}


def msw_module(command: str) -> str:
    """An ES module of handlers for msw 2, which needs ajv 8; `command` made it."""
    return _filled("msw.js", command, '"TABLE"', as_json())


def laravel_file(command: str) -> str:
    """A PHP file (8.1 or newer) that returns a function, whose mocks have stubs for `Http::fake`; `command` made it."""
    return _filled("laravel.php", command, "'TABLE'", f"<<<'JSON'\n{as_json()}\nJSON")


def wiremock_mappings(app: str) -> dict[str, Any]:
    """The stub mappings of an application for WireMock 3, in the form of a file with several of them.

    Each application is a scenario, whose states are the provider states and faults; it begins with the documents'
    examples. Placeholders of credentials without a default stay: the client sends `crossapp.shared-secret`.
    """
    rows = exported_rows(app)
    examples = [each for each in rows if not each.state and not each.fault]
    stubs = [_stub(each, _STARTED, at) for at, each in enumerate(examples, 1)]
    states = dict.fromkeys((each.state, each.fault) for each in rows if each.state or each.fault)
    for state, fault in states:
        chosen = [each for each in rows if (each.state, each.fault) == (state, fault)]
        if fault:
            failing = {each.row.operation for each in chosen}
            chosen += [each for each in examples if each.row.operation not in failing]
        stubs += [_stub(each, state or fault, at) for at, each in enumerate(chosen, 1)]
    return {"mappings": stubs}


def _filled(template: str, command: str, place: str, table: str) -> str:
    text = (_TEMPLATES / template).read_text("utf-8")
    header = f"// Made by `{command}` from the contract's edition {openapi.EDITION}; do not edit."
    return text.replace("// HEADER", header, 1).replace(place, table, 1)


def _stub(each: ExportedRow, state: str, priority: int) -> dict[str, Any]:
    row = each.row
    body = row.response_body
    response: dict[str, Any] = {"status": row.status, "headers": dict(row.response_headers)}
    if body is not None:
        response |= {"body": body} if isinstance(body, str) else {"jsonBody": body}
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"crossapp:{row.app}:{state}:{row.key}")),
        "name": row.key,
        "scenarioName": row.app,
        "requiredScenarioState": state,
        "priority": priority,
        "request": _request(row),
        "response": response,
        "metadata": {"operation": row.operation, "description": row.description},
    }


def _request(row: MockedInteraction) -> dict[str, Any]:
    operation = openapi.find(row.operation)
    query = {name: _pattern(value) for name, value in row.query.items()}
    headers = {name: _pattern(value) for name, value in row.headers.items()}
    bodies = [] if row.body is None else [_equal_json(row)]
    if not row.forbidden:
        query = {name: _by_document(schema) for name, schema in required_query(operation).items()} | query
        headers = dict(_credentials(operation)) | headers
        if (schema := request_schema(operation)) is not None:  # one that the contract leaves open is demanded, too
            headers.setdefault("Content-Type", {"matches": r"(?i)application/json\s*(;.*)?"})
            bodies.append({"matchesJsonSchema": schema, "schemaVersion": "V202012"})
    found: dict[str, Any] = {"method": row.method, "urlPathPattern": row.path}
    parts = {"queryParameters": query, "headers": headers, "bodyPatterns": bodies}
    return found | {name: value for name, value in parts.items() if value}


def _credentials(operation: openapi.Operation) -> Iterator[tuple[str, Any]]:
    """The credential that a request must have, where there is no choice of several."""
    if len(operation.schemes) == 1 and operation.schemes[0].place == "header":
        scheme = operation.schemes[0]
        yield scheme.field, {"matches": f"{re.escape(scheme.prefix)}.*"}


def _pattern(expected: Expected) -> dict[str, Any]:
    if expected.kind == "absent":
        return {"absent": True}
    if expected.kind == "signature":  # WireMock computes none
        return {"matches": "sha256=[0-9a-f]{64}"}
    if expected.kind == "regex":
        return {"matches": expected.value}
    return {"matches": ".*"} if expected.kind == "type" else {"equalTo": replaced(expected.value, default_values())}


def _by_document(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"matches": f".{{{schema.get('minLength', 0)},}}"}


def _equal_json(row: MockedInteraction) -> dict[str, Any]:
    return {"equalToJson": _with_values(row.body, "", row.loose)}


def _with_values(value: Any, at: str, loose: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_values(each, f"{at}/{name}", loose) for name, each in value.items()}
    if at in loose and type(value) in _JSON_TYPES:
        return f"${{json-unit.any-{_JSON_TYPES[type(value)]}}}"
    return replaced(value, default_values()) if isinstance(value, str) else value
