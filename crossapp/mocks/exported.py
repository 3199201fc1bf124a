"""The table of interactions as JSON, from which mocks in other languages are made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

import openapi
from contracts import placeholders
from crossapp.mocks.table import MockedInteraction, default_values, fault_names, provider_states, table
from openapi.schema import at_pointer

URLS: Mapping[str, str] = {"tuvens-api": "http://tuvens-api.test", "hi.events": "http://hi-events.test"}
"""The applications that are mocked, and where."""

_ABOUT = ("description", "example", "examples", "format")
"""Keywords of a schema by which nothing is refused; a pattern stands beside each `format` of a request."""


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """A row with what it is for: `state` names a provider state and `fault` a documented error; both are empty for the
    example of an operation's success."""

    state: str
    fault: str
    row: MockedInteraction


def exported_rows(app: str) -> list[ExportedRow]:
    """All rows of an application, the more exact ones first within a provider state or fault."""
    found = [ExportedRow("", "", row) for row in table(app)]
    for name in fault_names(app):
        found += [ExportedRow("", name, row) for row in table(app, fault=name) if row.status >= 400]
    return found + [ExportedRow(state, "", row) for state in provider_states(app) for row in table(app, state)]


def request_schema(operation: openapi.Operation) -> Any:
    """The schema of an operation's JSON body without references; None where it has no body. It is valid in every draft
    of JSON Schema since draft 4."""
    content = operation.raw.get("requestBody", {}).get("content", {})
    media = content.get("application/json")
    return None if media is None else _resolved(media["schema"], openapi.load(operation.app).raw)


def required_query(operation: openapi.Operation) -> dict[str, Any]:
    """The schemas of the query parameters that each request must have."""
    raw = openapi.load(operation.app).raw
    parameters = (each for each in operation.raw["parameters"] if each.get("in") == "query" and each.get("required"))
    return {each["name"]: _resolved(each["schema"], raw) for each in parameters}


def as_json() -> str:
    """Everything: one line for each operation and interaction, so that a later version can be compared."""
    parts = [f'"placeholder": {_line(placeholders.PATTERN.pattern)}', f'"values": {_line(default_values())}']
    applications = (f' {_line(app)}: {{"url": {_line(url)},\n{_lists(app)} }}' for app, url in URLS.items())
    parts.append('"applications": {\n' + ",\n".join(applications) + "}")
    return "{" + ",\n".join(parts) + "}"


def _lists(app: str) -> str:
    operations = [_operation(each) for each in openapi.load(app).operations.values()]
    rows = [_row(each) for each in exported_rows(app)]
    return ",\n".join(
        f'  "{name}": [\n' + ",\n".join(f"   {_line(each)}" for each in entries) + "]"
        for name, entries in (("operations", operations), ("interactions", rows))
    )


def _operation(operation: openapi.Operation) -> dict[str, Any]:
    content = operation.raw.get("requestBody", {})
    schema = request_schema(operation)
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "credentials": [
            {"header": each.field, "prefix": each.prefix} for each in operation.schemes if each.place == "header"
        ],
        "query": required_query(operation),
        "body": None if schema is None else {"required": bool(content.get("required")), "schema": schema},
    }


def _row(each: ExportedRow) -> dict[str, Any]:
    row = each.row
    return {
        "key": row.key,
        "state": each.state,
        "fault": each.fault,
        "operation": row.operation,
        "exactness": row.exactness,
        "open": row.open,
        "forbidden": row.forbidden,
        "query": {name: asdict(value) for name, value in row.query.items()},
        "headers": {name: asdict(value) for name, value in row.headers.items()},
        "body": row.body,
        "loose": sorted(row.loose),
        "status": row.status,
        "response_headers": dict(row.response_headers),
        "response_body": row.response_body,
    }


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _resolved(schema: Any, raw: Any) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _resolved(at_pointer(raw, unquote(schema["$ref"].removeprefix("#"))), raw)
        return dict(_keywords(schema, raw))
    return [_resolved(each, raw) for each in schema] if isinstance(schema, list) else schema


def _keywords(schema: Mapping[str, Any], raw: Any) -> Iterator[tuple[str, Any]]:
    for name, value in schema.items():
        if name == "const":
            yield "enum", [value]
        elif name == "properties":
            yield name, {each: _resolved(inner, raw) for each, inner in value.items()}
        elif name not in _ABOUT and not name.startswith("x-"):
            yield name, _resolved(value, raw)
