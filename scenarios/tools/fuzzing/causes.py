"""From failures to causes: drops what the contract leaves open, and merges failures with one cause."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import openapi
from harness.expectations import shown
from harness.history import Exchange
from harness.http import header
from openapi.documents import METHODS
from openapi.operation import Operation
from openapi.problems import escape
from openapi.schema import Schemas
from scenarios.tools.fuzzing.engine import Failure

_EXPECTED = {
    "not_a_server_error": "a status below 500",
    "status_code_conformance": "a documented status",
    "content_type_conformance": "a documented media type",
    "response_headers_conformance": "the headers that the document requires",
    "response_schema_conformance": "a body that matches the document",
    "negative_data_rejection": "an error (4xx) for a malformed request",
    "ignored_auth": "401 without valid credentials",
}
_VALUE = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"|\d+")
_LONGEST = 200
_UPSTREAM = (502, 503)


@dataclass(frozen=True, slots=True)
class FuzzCause:
    """One thing that is wrong. `key` is the same for all cases that show it; `exchanges` are the numbers of their
    exchanges, the smallest request first."""

    check: str
    key: str
    expected: str
    observed: str
    exchanges: tuple[int, ...]


class RequestForm:
    """Finds what is certainly wrong with the form of a request, by a lenient document."""

    def __init__(self, app: str, lenient: Mapping[str, object]) -> None:
        raw = dict(lenient)
        schemas = Schemas(f"{app}:lenient", raw)
        self._operations = {
            item[method]["operationId"]: Operation(app, schemas, path, method, f"/paths/{escape(path)}")
            for path, item in raw["paths"].items()  # type: ignore[attr-defined]
            for method in METHODS
            if method in item
        }

    def problems(self, operation_id: str, exchange: Exchange) -> list[openapi.Problem]:
        """The problems of a recorded request, except its media type and repeated parameters: the contract leaves open
        how those are answered."""
        operation = self._operations[operation_id]
        query = exchange.url.partition("?")[2]
        found = operation.request_problems(
            path=dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "any text has the form of an id"),
            query=parse_qsl(query, keep_blank_values=True),
            content_type=header(exchange.request_headers, "Content-Type"),
            body=exchange.request_body,
        )
        return [
            each
            for each in found
            if each.pointer != "/headers/content-type" and not each.message.startswith("is given")
        ]


def causes_of(
    failures: Iterable[Failure], exchange_of: Callable[[str], Exchange | None], form: RequestForm
) -> list[FuzzCause]:
    """The causes of an operation's failures, in the order of their first case.

    `exchange_of` returns the recorded exchange of a case. Failures of cases without an answer are dropped.
    """
    found: dict[str, list[Exchange]] = {}
    told: dict[str, Failure] = {}
    for failure in failures:
        exchange = exchange_of(failure.case)
        if exchange is None or exchange.status is None or exchange.status == 429:
            continue
        what = _what(failure, exchange, form)
        if what is not None:
            key = f"{_check(failure, exchange)}: {what[0]}"
            told.setdefault(key, failure)
            found.setdefault(key, []).append(exchange)
    causes = []
    for key, exchanges in found.items():
        smallest = sorted({each.number: each for each in exchanges}.values(), key=_size)
        what = _what(told[key], smallest[0], form)
        assert what is not None
        observed = f"{what[1]} in {shown(smallest[0], length=80)}"
        check = _check(told[key], smallest[0])
        causes.append(FuzzCause(check, key, _EXPECTED[check], observed, tuple(each.number for each in smallest)))
    return causes


def _what(failure: Failure, exchange: Exchange, form: RequestForm) -> tuple[str, str] | None:
    """What is wrong: as a key that all cases of a cause share, and in words for this case. None if no rule judges
    it."""
    if failure.check == "negative_data_rejection":
        problems = form.problems(failure.operation, exchange)
        if not problems:
            return None
        return problems[0].pointer, f"a request accepted whose {problems[0].pointer[1:]} {problems[0].message}"
    if _check(failure, exchange) == "not_a_server_error":
        if exchange.status in _UPSTREAM and not exchange.facts.get("problems"):
            return None  # documented: an upstream application failed
        return str(exchange.status), "a server error"
    if failure.check == "ignored_auth":
        return failure.title, failure.title
    # Our own validation words a problem shorter, and always the same for one place.
    for problem in exchange.facts.get("problems", ()):
        pointer = problem.partition(": ")[0]
        if not pointer.startswith("/headers/x-ratelimit"):
            return f"{exchange.status}" if pointer == "/status" else pointer, problem
    text = " ".join(f"{failure.title}: {failure.detail}".split())[:_LONGEST]
    return _VALUE.sub("…", text), text


def _check(failure: Failure, exchange: Exchange) -> str:
    """The check to report: a server error that is also undocumented is one cause, not two."""
    return "not_a_server_error" if (exchange.status or 0) >= 500 else failure.check


def _size(exchange: Exchange) -> tuple[int, int]:
    return len(exchange.request_body) + len(exchange.url), exchange.number
