"""Whatever is sent, an operation answers as its document says.

The cases are Schemathesis', made from the OpenAPI documents: the examples, each boundary of each field (coverage),
random requests, and sequences along the documents' links. A story sends them
(scenarios/stories/operations_are_fuzzed.py) and notes what broke, by cause. What the contract leaves open is no cause.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import openapi
from contracts.catalogue import RuleFamily, page, register
from contracts.routes.rules import OPTIONAL
from contracts.routes.rules import STORY as PROBE
from harness.history import History, NothingObservedError, Observation, Outcome
from harness.judging import LackingError, UndecidedError
from harness.report import Source
from harness.requirement import MUST, Judge, Requirement
from harness.verdict import Held, Verdict, Violated

STORY = "operations_are_fuzzed"
_FORM = page("Errors", "then the request's form (400), then existence and permission (404, 403)")
_STREAM = "event_stream.it_is_an_event_stream"  # what never ends and is no stream is no answer
_MOST_CAUSES = 5
_OF_INPUT = ("not_a_server_error", "negative_data_rejection")

CHANGES = {
    "updateEvent": "events",
    "receiveEventStatusChanged": "events",
    "setEventStatus": "linked-event",
}
"""Operations that change an event, and the capability that gives one which may be changed."""

SOURCES: dict[str, Source] = {
    "generateSession": page(
        "POST /api/cross-app/generate-session (JWT)", "400 account_id missing or not a positive integer"
    ),
    "validateSession": page(
        "POST /api/cross-app/validate-session (shared secret)",
        "400 session_token missing, empty or not a string",
    ),
    "listUserAccounts": page(
        "GET /api/cross-app/user-accounts?session_token=... (shared secret)", "400 session_token missing"
    ),
    "validatePermission": page(
        "POST /api/cross-app/validate-permission (shared secret)", "400 missing or ill-typed field"
    ),
    "receiveEventStatusChanged": page(
        "POST /api/webhooks/hi-events/event-status-changed (signature)", "400 signed, but malformed"
    ),
    "streamEventUpdates": page("GET /api/events/updates (SSE)", "`id:` and Last-Event-ID"),
    "getEvent": _FORM,
    "updateEvent": _FORM,
    "validateCrossAppSession": page("POST /auth/cross-app/validate", "for a missing, ill-typed (or 422), unknown"),
    "getCrossAppStatus": page("GET /auth/cross-app/status (bearer)", "without or with a dead session 401"),
    "listCrossAppAccounts": page("GET /auth/cross-app/accounts (bearer)", "401 otherwise"),
    "validateCrossAppPermission": page(
        "POST /auth/cross-app/validate-permission (bearer)", '200 `{"has_permission": true}`. 400/422, 401'
    ),
    "setEventStatus": page(
        "Events and outgoing webhooks", '`{"status": "LIVE"}` (DRAFT, LIVE, CANCELLED, ENDED, ARCHIVED; else 422)'
    ),
    "readEvent": page("Events and outgoing webhooks", "GET /events/{id} (bearer) reads one"),
    "openCrossAppPage": page("Page GET /auth/cross-app", "Query: session_token, return_url"),
    "showEventPage": page("Events and outgoing webhooks", "`/event/{id}/{slug}` is the event's page"),
    "showEventEmbed": page("Events and outgoing webhooks", "`{hi_events_event_url}/embed` and `/widget/{id}`"),
    "showWidget": page("Events and outgoing webhooks", "`{hi_events_event_url}/embed` and `/widget/{id}`"),
    "showTuvensEventPage": page("tuvens-client", "iframe of `{hi_events_event_url}/embed` plus a link"),
    "handleHiEventsCallback": page("tuvens-client", "handles success, error, cancelled"),
}

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Errors",
    story=STORY,
    needs=["target:tuvens-api", "fuzzing"],
    depends_on=["routes.tuvens-api_answers", "session_token.mints_a_session", _STREAM],
)


@rule(quote="then the request's form (400), then existence and permission (404, 403)", settles="C-TA-27")
def nonsense_is_refused(history: History) -> Verdict:
    """tuvens-api refuses what is ill-formed at every operation that was fuzzed, and fails at none of them (5xx)."""
    noted = {}
    for name in SOURCES:
        if openapi.find(name).app == "tuvens-api":
            with suppress(NothingObservedError):  # it may not be fuzzed here
                noted[name] = history.observation(f"{STORY}/{name}").values
    causes = [each for values in noted.values() for each in values["causes"] if each["check"] in _OF_INPUT]
    if causes:
        return _violated(causes)
    for name, values in noted.items():
        _decided(name, values, history)
    numbers = [values["exchanges"][0] for values in noted.values() if values["exchanges"]]
    if not numbers:
        raise NothingObservedError(STORY)
    cases = sum(sum(values["cases"].values()) for values in noted.values())
    return Held(tuple(numbers[:6]), f"{cases} cases at {len(numbers)} operations")


def _decided(operation_id: str, values: Mapping[str, Any], history: History) -> None:
    """Raises UndecidedError where the cases of an operation, none of which shows a fault, are not all of them."""
    if values["error"]:
        raise UndecidedError(values["error"])
    sent = [each for each in history.exchanges(operation_id) if each.step.startswith(f"{STORY}/")]
    lost = [each for each in sent if each.outcome is not Outcome.ANSWERED]
    if lost:
        raise UndecidedError(f"{len(lost)} of {len(sent)} cases got no answer, first exchange {lost[0].number}")


def _withstands(operation_id: str) -> Judge:
    def judge(history: History) -> Verdict:
        if operation_id in OPTIONAL and history.one(f"{PROBE}/{operation_id}").status in (404, 405):
            raise LackingError(f"the deployment does not serve {operation_id}")
        noted = history.observation(f"{STORY}/{operation_id}")
        if noted.values["causes"]:
            return _violated(noted.values["causes"])
        _decided(operation_id, noted.values, history)
        numbers = tuple(noted.values["exchanges"])
        if not numbers:
            raise UndecidedError(f"no case was sent: {noted.values['ended'] or 'the engine made none'}")
        return Held(numbers[:6], _counted(noted))

    return judge


def _violated(causes: list[dict[str, object]]) -> Violated:
    """The first cause in full, the others in a line each."""
    lines = [str(each["observed"]) for each in causes[:_MOST_CAUSES]]
    more = len(causes) - len(lines)
    observed = lines[0]
    if len(causes) > 1:
        others = "; ".join(f"({number}) {line}" for number, line in enumerate(lines, start=1))
        observed = f"{len(causes)} causes: {others}" + (f"; and {more} more" if more else "")
    evidence = tuple(each["exchanges"][0] for each in causes)  # type: ignore[index]
    expected = "; ".join(dict.fromkeys(str(each["expected"]) for each in causes))
    return Violated(expected, observed, evidence)


def _counted(noted: Observation) -> str:
    by_phase = ", ".join(f"{count} {phase}" for phase, count in noted.values["cases"].items())
    ended = f"; {noted.values['ended']}" if noted.values["ended"] else ""
    return f"{sum(noted.values['cases'].values())} cases ({by_phase}), seed {noted.values['seed']}{ended}"


def _rule(operation_id: str, source: Source) -> Requirement:
    operation = openapi.find(operation_id)
    capability = CHANGES.get(operation_id)
    by_token = {*operation.security} & {"sharedSecret"} or operation_id == "validateCrossAppSession"
    premises = ["session_token.mints_a_session"] if by_token else []
    if "hiEventsBearer" in operation.security:
        premises = ["hi_events_session.accepts_a_live_session"]
    if operation_id == "streamEventUpdates":
        premises = [_STREAM]
    served = (operation.base == "api" and operation_id not in OPTIONAL) or operation_id == "openCrossAppPage"
    return Requirement(
        id=f"fuzzing.{operation_id}",
        statement=f"{operation.app} answers {operation.method} {operation.path} as the OpenAPI document says, whatever "
        "is sent: it refuses what is ill-formed or not authenticated, and never fails itself.",
        level=MUST,
        obliged=operation.app,
        source=source,
        judge=_withstands(operation_id),
        stories=(STORY,),
        needs=(f"target:{operation.app}", "fuzzing", *((capability,) if capability else ())),
        depends_on=(f"routes.{operation_id}" if served else f"routes.{operation.app}_answers", *premises),
        next_step="Send the case again by the curl command; the smallest request of each cause is among the exchanges.",
    )


for _operation_id, _source in SOURCES.items():
    register(_rule(_operation_id, _source))
