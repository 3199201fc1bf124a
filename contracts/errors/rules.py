"""One shape for all errors of an application, over everything that the run has seen."""

from collections.abc import Iterable
from urllib.parse import urlsplit

import openapi
from contracts.catalogue import RuleFamily
from contracts.fronts import may_be_of_a_front
from harness.history import Exchange, History
from harness.judging import UndecidedError, expect, held, json_object, shown
from harness.requirement import MUST, WHOLE_RECORD
from harness.verdict import Verdict

rule = RuleFamily(level=MUST, obliged="tuvens-api", section="Errors", story=WHOLE_RECORD)


def errors_seen(history: History, app: str) -> list[Exchange]:
    """The error answers of an app's operations that are its own."""
    found = [
        each
        for each in history.exchanges(callee=app)
        if each.status is not None
        and each.status >= 400
        and each.operation
        and each.method == openapi.find(each.operation).method
        and openapi.find(each.operation).base == "api"
        and not may_be_of_a_front(each)
    ]
    if not found:
        raise UndecidedError(f"no error of {app} was seen")
    return found


def body_problems(exchange: Exchange) -> list[str]:
    """Where a body or its media type differs from the document, by the facts of the recording."""
    return [each for each in exchange.facts.get("problems", ()) if each.startswith(("/body", "/headers/content-type"))]


def _judge(looked_at: Iterable[Exchange], shape: str) -> Verdict:
    seen = list(looked_at)
    for each in seen:
        if each.status is not None and each.status not in openapi.find(each.operation).statuses:
            problem = _undocumented(each)
        else:
            problem = next(iter(body_problems(each)), "")
        expect(not problem, expected=shape, observed=f"{problem} in {shown(each)}", at=each)
    return held(seen[:6], f"{len(seen)} errors")


def _undocumented(exchange: Exchange) -> str:
    """The shape is demanded of undocumented statuses, too."""
    operation = openapi.find(exchange.operation)
    try:
        value = exchange.answer.json()
    except ValueError as error:
        return str(error)
    if operation.app == "hi.events":
        # Each documented status names its own code, so there is no schema for all of them.
        fits = isinstance(value, dict) and isinstance(value.get("message"), str)
        return "" if fits else "/body/message: is required, as text"
    documented = min((each for each in operation.statuses if each >= 400), default=None)
    if documented is None:
        return ""
    return next((f"{each.pointer}: {each.message}" for each in operation.body_problems(documented, value)), "")


@rule(
    quote='{"statusCode": 400, "timestamp": "2025-07-25T14:30:00.000Z"',
    settles="C-TA-30",
    depends_on="routes.tuvens-api_answers",
)
def tuvens_api_errors_share_one_shape(history: History) -> Verdict:
    """tuvens-api answers every error in the one documented shape."""
    return _judge(errors_seen(history, "tuvens-api"), "statusCode, timestamp, path and message")


@rule(
    quote="`path` included (without the query, or with the token masked)",
    settles="C-TA-30",
    depends_on="errors.tuvens_api_errors_share_one_shape",
)
def error_tells_its_own_status(history: History) -> Verdict:
    """tuvens-api names in an error's body the status that it answers with, and the path that was asked for."""
    seen = errors_seen(history, "tuvens-api")
    for each in seen:
        value = json_object(each)
        expect(
            value.get("statusCode") == each.status,
            expected=f"statusCode {each.status}",
            observed=f"statusCode {value.get('statusCode')!r}"[:160],
            at=each,
        )
        told = value.get("path")
        expect(
            isinstance(told, str) and _names_the_path(history, each, told.partition("?")[0]),
            expected=f"path {openapi.find(each.operation).path}",
            observed=f"path {told!r}"[:160],
            at=each,
        )
    return held(seen[:6], f"{len(seen)} errors")


def _names_the_path(history: History, exchange: Exchange, told: str) -> bool:
    """Whether a path is the one that was asked for; what a front takes away before it, and what stands for a path's
    parameter (masked, cut, encoded or not), is left open."""
    base = urlsplit(history.context.targets.get(exchange.callee, {}).get("api_url", "")).path.rstrip("/")
    fixed, parameter, _ = openapi.find(exchange.operation).path.partition("{")
    return any(told.startswith(each) if parameter else told == each for each in (fixed, base + fixed))


@rule(
    obliged="tuvens-client",
    section="tuvens-client",
    quote="wraps tuvens-api's, same body and answers",
    settles="C-TC-07",
    needs="target:tuvens-client",
    depends_on=["routes.wrapGenerateSession", "errors.tuvens_api_errors_share_one_shape"],
)
def tuvens_client_errors_share_one_shape(history: History) -> Verdict:
    """tuvens-client answers every error of its generate-session in the shape that tuvens-api has."""
    return _judge(errors_seen(history, "tuvens-client"), "statusCode, timestamp, path and message")


@rule(
    obliged="hi.events",
    section="POST /auth/cross-app/validate-permission (bearer)",
    quote="Laravel's error shape throughout",
    depends_on="routes.hi.events_answers",
)
def hi_events_errors_share_one_shape(history: History) -> Verdict:
    """hi.events answers every error in Laravel's shape: message and error, validation errors with errors by field."""
    return _judge(errors_seen(history, "hi.events"), "message and error (422: message and errors)")
