"""What a record would be without a deviation: exchanges changed, and with them what tools concluded from them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import openapi
from contracts.times import iso_millis, parse_http_date
from harness.history import Entry, Exchange, History, Observation
from openapi.recorded import response_problems

Change = Callable[[Exchange], Exchange | None]
"""Gives an exchange as it would be without the deviation: the same object where it does not show the deviation, None
where nothing can be said of what it would be."""

_REPLAYED = "/request/"  # what follows the step of an interaction in those of its exchanges
_OF_THE_RESPONSE = frozenset(
    {
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    }
)


def changing(make: Callable[[History], Change], mismatch: str = r"(?!)") -> Callable[[History], History | None]:
    """The `without` of a deviation that shows in single exchanges.

    `mismatch` matches what Pact says of such an exchange. A failure that Schemathesis or Pact noted is dropped if all
    exchanges that show it are changed, and none of them is wrong any more.
    """

    def without(history: History) -> History | None:
        change = make(history)
        changed: dict[int, Exchange | None] = {}
        steps: dict[str, Exchange | None] = {}
        for each in history.entries:
            if isinstance(each, Exchange) and each.status is not None and each.operation:
                better = change(each)
                if better is not each:
                    changed[each.number] = better
                    steps[each.step.partition(_REPLAYED)[0]] = better
        if not changed:
            return None
        entries: list[Entry] = []
        for each in history.entries:
            if isinstance(each, Observation):
                entries.append(_concluded(each, changed, steps, mismatch))
            elif (other := changed.get(each.number, each)) is not None:
                entries.append(other)
        return History(history.context, entries, history.stories.values())

    return without


def _concluded(
    seen: Observation, changed: Mapping[int, Exchange | None], steps: Mapping[str, Exchange | None], mismatch: str
) -> Observation:
    values = seen.values
    if "causes" in values:
        left = [each for each in values["causes"] if not _is_settled(each, changed)]
        return replace(seen, values={**values, "causes": left}) if len(left) < len(values["causes"]) else seen
    request = steps.get(seen.step)
    if request is not None and values.get("outcome") == "mismatched" and _fits(request):
        left = [each for each in values.get("mismatches", ()) if re.search(mismatch, str(each)) is None]
        if not left:
            return replace(seen, values={**values, "outcome": "verified", "mismatches": []})
        return replace(seen, values={**values, "mismatches": left})
    return seen


def _is_settled(cause: Mapping[str, Any], changed: Mapping[int, Exchange | None]) -> bool:
    shown = [changed.get(number) for number in cause["exchanges"]]
    if not all(each is not None and _fits(each) for each in shown):
        return False
    if cause["check"] == "negative_data_rejection":
        return all(each is not None and each.is_client_error for each in shown)
    return cause["check"] in _OF_THE_RESPONSE


def _fits(exchange: Exchange) -> bool:
    problems = [each for each in exchange.facts.get("problems", ()) if not each.startswith("/headers/x-ratelimit")]
    return not problems


def answered(
    exchange: Exchange, *, status: int | None = None, body: object = None, headers: Mapping[str, str] | None = None
) -> Exchange:
    """The exchange with another status, JSON body or further headers, and what is wrong with it then."""
    number = exchange.status if status is None else status
    assert number is not None, "only an exchange with a response is changed"
    text = exchange.response_body if body is None else json.dumps(body).encode()
    added = {name.lower(): value for name, value in (headers or {}).items()}
    if body is not None:
        added["content-type"] = "application/json"
    kept = [each for each in exchange.response_headers if each[0].lower() not in added]
    told = (*kept, *added.items())
    problems = response_problems(openapi.find(exchange.operation), number, told, text)
    return replace(
        exchange,
        status=number,
        response_headers=told,
        response_body=text,
        facts={**exchange.facts, "problems": problems},
    )


def refused(exchange: Exchange, status: int) -> Exchange:
    """The exchange, refused with this status in tuvens-api's error shape."""
    return answered(exchange, status=status, body=in_shape(exchange, status, {"message": "refused"}))


def in_shape(exchange: Exchange, status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an error with what tuvens-api's error shape has."""
    at = parse_http_date(exchange.header("date"))
    return {
        "statusCode": status,
        "timestamp": iso_millis(exchange.started if at is None else at),
        "path": urlsplit(exchange.url).path,
        **body,
    }
