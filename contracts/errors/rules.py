"""The shape of errors, judged on every error of the run."""

from urllib.parse import urlsplit

import openapi
from contracts.accept import accepts_json
from contracts.catalogue import RuleFamily
from contracts.proxies import may_come_from_a_proxy
from harness.expectations import UnseenError, expect, held, json_object, shown
from harness.history import Exchange, History
from harness.requirement import MUST, WHOLE_RECORD
from harness.verdict import Verdict

_IN_BODY = ("/body", "/headers/content-type")

rule = RuleFamily(level=MUST, obliged="tuvens-api", section="Errors", story=WHOLE_RECORD)


def _errors_of(history: History, app: str) -> list[Exchange]:
    """The error answers of an app's operations that are its own. Raises UndecidedError for none."""
    found = [
        each
        for each in history.exchanges(callee=app)
        if each.is_error
        and each.operation
        and each.method == openapi.find(each.operation).method
        and openapi.find(each.operation).base == "api"
        and not may_come_from_a_proxy(each)
        and accepts_json(each)
    ]
    if not found:
        raise UnseenError(f"the run has no error of {app}")
    return found


def _expect_shape(history: History, app: str, shape: str) -> Verdict:
    errors = _errors_of(history, app)
    for each in errors:
        if each.status in openapi.find(each.operation).statuses:
            problem = next((text for text in each.facts.get("problems", ()) if text.startswith(_IN_BODY)), "")
        else:
            problem = _problem_of_undocumented(each)
        expect(not problem, expected=shape, observed=f"{problem} in {shown(each)}", at=each)
    return held(errors[:6], f"{len(errors)} errors")


def _problem_of_undocumented(exchange: Exchange) -> str:
    """What is wrong with the shape of an error whose status is not documented; empty if nothing is."""
    operation = openapi.find(exchange.operation)
    try:
        value = exchange.answer.json()
    except ValueError as error:
        return str(error)
    if operation.app == "hi.events":
        # Each documented status has its own error code in the document, so no schema fits all statuses.
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
    """tuvens-api returns every error in the one documented shape."""
    return _expect_shape(history, "tuvens-api", "statusCode, timestamp, path and message")


@rule(
    quote="`path` included (without the query, or with the token masked)",
    settles="C-TA-30",
    depends_on="errors.tuvens_api_errors_share_one_shape",
)
def error_tells_its_own_status(history: History) -> Verdict:
    """tuvens-api returns in an error's body its own status and the requested path."""
    errors = _errors_of(history, "tuvens-api")
    for each in errors:
        value = json_object(each)
        expect(
            value.get("statusCode") == each.status,
            expected=f"statusCode {each.status}",
            observed=f"statusCode {value.get('statusCode')!r}"[:160],
            at=each,
        )
        path = value.get("path")
        expect(
            isinstance(path, str) and _is_path_of(history, each, path.partition("?")[0]),
            expected=f"path {openapi.find(each.operation).path}",
            observed=f"path {path!r}"[:160],
            at=each,
        )
    return held(errors[:6], f"{len(errors)} errors")


def _is_path_of(history: History, exchange: Exchange, path: str) -> bool:
    """Whether a path is that of the request; a proxy may have removed the base path, and the value of a parameter may
    be masked, cut or encoded."""
    base = urlsplit(history.context.targets.get(exchange.callee, {}).get("api_url", "")).path.rstrip("/")
    fixed, parameter, _ = openapi.find(exchange.operation).path.partition("{")
    return any(path.startswith(each) if parameter else path == each for each in (fixed, base + fixed))


@rule(
    obliged="tuvens-client",
    section="tuvens-client",
    quote="wraps tuvens-api's, same body and answers",
    settles="C-TC-07",
    needs="target:tuvens-client",
    depends_on=["routes.wrapGenerateSession", "errors.tuvens_api_errors_share_one_shape"],
)
def tuvens_client_errors_share_one_shape(history: History) -> Verdict:
    """tuvens-client's generate-session returns every error in the shape of tuvens-api."""
    return _expect_shape(history, "tuvens-client", "statusCode, timestamp, path and message")


@rule(
    obliged="hi.events",
    section="POST /auth/cross-app/validate-permission (bearer)",
    quote="Error shape of the four cross-app routes' own refusals",
    depends_on="routes.hi.events_answers",
)
def hi_events_errors_share_one_shape(history: History) -> Verdict:
    """hi.events returns every error in Laravel's shape: message, error if a cross-app route itself rejects the request,
    and errors by field for invalid fields."""
    return _expect_shape(history, "hi.events", "message; also error (own errors), or errors (422)")
