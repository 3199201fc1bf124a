"""The table of interactions that an application is mocked with: from the pacts and from the documents' examples.

respx routes and the exports for other languages are renderings of it.
"""

import copy
import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlencode

import openapi
from contracts import placeholders
from contracts.pacts.interactions import Interaction, interactions
from crossapp.mocks.problems import request_problems

Kind = Literal["equal", "type", "regex", "absent", "signature"]

_NAMES = {413: "payload_too_large", 422: "unprocessable_content"}
"""Python's names of these statuses depend on its version."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What one value of a request must be.

    equal: `value`; type: of the JSON type of `value`, an example; regex: a match of the whole text; absent: not there;
    signature: that of the body (x-signature). Placeholders of credentials (contracts/placeholders.py) stand in `value`.
    """

    kind: Kind
    value: Any = None


@dataclass(frozen=True, slots=True)
class MockedInteraction:
    """One row: a request and its response.

    key: unique in the table of an application. state: the provider state; empty for an example of the document.
    path: a regular expression of the whole path. body: the JSON of the request, of which `loose` names those values (by
    JSON pointer) whose type alone counts; None: whatever the document allows. `open`: any request that the document
    allows.
    forbidden: the document forbids the request, and the interaction is about that.
    response_body: the parsed JSON, a text, or None.
    """

    key: str
    app: str
    state: str
    description: str
    operation: str
    method: str
    path: str
    query: Mapping[str, Expected]
    headers: Mapping[str, Expected]
    body: Any
    loose: frozenset[str]
    open: bool
    forbidden: bool
    status: int
    response_headers: Mapping[str, str]
    response_body: Any

    @property
    def exactness(self) -> int:
        """How many values must be equal: where several rows fit, the most exact one counts."""
        values = [*self.query.values(), *self.headers.values()]
        strict = sum(each.kind in ("equal", "absent") for each in values)
        return strict + (0 if self.body is None else 1)


def default_values() -> dict[str, str]:
    """What the placeholders of credentials stand for: the tokens that the examples of the documents hand out."""
    session = openapi.find("generateSession").response_example(200)[1]["session_token"]
    bearer = openapi.find("validateCrossAppSession").response_example(200)[0]["X-Auth-Token"]
    return {placeholders.session_token(): session, placeholders.bearer(): bearer}


def provider_states(app: str) -> tuple[str, ...]:
    """The provider states for which an application has a request and response."""
    return tuple(dict.fromkeys(row.state for row in _pact_rows(app)))


def fault_names(app: str) -> dict[str, int]:
    """The documented errors of an application: the status by its name in lower case (`too_many_requests`)."""
    statuses = {status for each in _operations(app) for status in each.statuses if status >= 400}
    return {_name(status): status for status in sorted(statuses)}


def table(
    app: str, given: str | Sequence[str] | None = None, fault: str | None = None
) -> tuple[MockedInteraction, ...]:
    """The rows of an application: the interactions of the provider states `given`; without any, the example of each
    operation's success. With `fault`, each operation that documents this error responds with it to every request that
    the document allows. More exact rows come first.

    Raises ValueError for an unknown state or fault; the text names the close ones.
    """
    states = [given] if isinstance(given, str) else list(given or ())
    for state in states:
        _known("provider state", state, app, provider_states(app))
    rows: list[MockedInteraction] = []
    if fault is not None:
        names = fault_names(app)
        _known("fault", fault, app, names)
        rows += [_example(each, names[fault]) for each in _operations(app) if names[fault] in each.statuses]
    faulty = {row.operation for row in rows}
    if states:
        found = [row for state in states for row in _pact_rows(app) if row.state == state]
    else:
        found = [_example(each, min(each.statuses)) for each in _operations(app) if min(each.statuses) < 400]
    rows += [row for row in found if row.operation not in faulty]
    return tuple(sorted(rows, key=lambda row: -row.exactness))


def _known(what: str, name: str, app: str, names: Iterable[str]) -> None:
    known = list(names)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"close: {', '.join(map(repr, close))}" if close else f"known: {', '.join(map(repr, known))}"
        raise ValueError(f"{app} has no {what} {name!r}; {hint}")


def _operations(app: str) -> list[openapi.Operation]:
    return [each for each in openapi.load(app).operations.values() if not each.streams]


def _name(status: int) -> str:
    return _NAMES.get(status) or HTTPStatus(status).name.lower()


def _path(operation: openapi.Operation) -> str:
    """The pattern of a path, without the paths of other operations that OpenAPI gives precedence: `/events/updates` is
    no `/events/{id}`."""
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"{\w+}", operation.path))
    others = (each for each in openapi.load(operation.app).operations.values() if each.path != operation.path)
    literal = [each.path for each in others if "{" not in each.path and operation.serves(each.method, each.path)]
    return "".join(f"(?!{re.escape(path)}$)" for path in literal) + pattern


def _example(operation: openapi.Operation, status: int) -> MockedInteraction:
    headers, body = operation.response_example(status)
    return MockedInteraction(
        key=operation.id if status < 400 else f"{operation.id}_{_name(status)}",
        app=operation.app,
        state="",
        description=str(operation.raw["summary"]),
        operation=operation.id,
        method=operation.method,
        path=_path(operation),
        query={},
        headers={},
        body=None,
        loose=frozenset(),
        open=True,
        forbidden=False,
        status=status,
        response_headers=headers,
        response_body=body,
    )


@cache
def _pact_rows(app: str) -> tuple[MockedInteraction, ...]:
    files: dict[str, Any] = {}
    rows = []
    for each in interactions():
        if each.provider == app and each.status is not None:
            pact = files.setdefault(str(each.file), json.loads(each.file.read_text("utf-8")))
            raw = next(one for one in pact["interactions"] if one["description"] == each.description)
            rows.append(_row(each, raw))
    return tuple(rows)


def _row(interaction: Interaction, raw: Any) -> MockedInteraction:
    operation = openapi.find(interaction.operation)
    request, response = raw["request"], raw["response"]
    rules = request.get("matchingRules", {})
    headers, body = _response(operation, response)
    query = {
        name: Expected("type" if name in rules.get("query", {}) else "equal", values[0])
        for name, values in request.get("query", {}).items()
    }
    required = (each for each in operation.raw["parameters"] if each.get("in") == "query" and each.get("required"))
    query |= {each["name"]: Expected("absent") for each in required if each["name"] not in query}
    row = MockedInteraction(
        key=raw["key"],
        app=interaction.provider,
        state=interaction.state,
        description=interaction.description,
        operation=operation.id,
        method=request["method"],
        path=_path(operation),
        query=query,
        headers=_headers(operation, request, rules),
        body=request["body"]["content"] if "body" in request else None,
        loose=frozenset("/" + at.removeprefix("$.").replace(".", "/") for at in rules.get("body", {})),
        open=False,
        forbidden=False,
        status=response["status"],
        response_headers=headers,
        response_body=body,
    )
    target = request["path"]
    if "query" in request:
        target += "?" + urlencode([(name, each) for name, values in request["query"].items() for each in values])
    sent = [(name, values[0]) for name, values in request.get("headers", {}).items()]
    content = b"" if row.body is None else json.dumps(row.body).encode()
    problems = request_problems(operation, target, sent, content)
    return replace(row, forbidden=bool(problems))


def _headers(operation: openapi.Operation, request: Any, rules: Any) -> dict[str, Expected]:
    found = {}
    for name, values in request.get("headers", {}).items():
        rule = rules.get("header", {}).get(name)
        if name == "Accept":
            found[name] = Expected("regex", f".*{re.escape(values[0])}.*")
        elif values[0] == placeholders.SIGNATURE:
            found[name] = Expected("signature")
        elif rule is not None:
            found[name] = Expected("regex", rule["matchers"][0]["regex"])
        else:
            found[name] = Expected("equal", values[0])
    given = {name.lower() for name in found}
    credentials = (each.field for each in operation.schemes if each.place == "header")
    return found | {name: Expected("absent") for name in credentials if name.lower() not in given}


def _response(operation: openapi.Operation, response: Any) -> tuple[dict[str, str], Any]:
    """Headers and body that the consumer relies on; what the document requires beside them comes from its example."""
    headers, example = operation.response_example(response["status"])
    headers |= {name: values[0] for name, values in response.get("headers", {}).items()}
    if "body" not in response:
        return headers, example
    body = response["body"]["content"]
    found = operation.response_problems(
        status=response["status"], headers=list(headers.items()), body=json.dumps(body).encode()
    )
    body = copy.deepcopy(body)
    for problem in found:
        if problem.message == "is required":
            *folders, name = problem.pointer.split("/")[2:]
            target, source = body, example
            for folder in folders:
                index = int(folder) if folder.isdecimal() else folder
                target, source = target[index], source[index]
            target[name] = source[name]
    return headers, body
