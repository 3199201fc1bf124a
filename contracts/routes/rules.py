"""Every operation is served: the premise of all that is said about it.

A probe carries no credentials, so a route that exists answers 401 (authentication comes first), or its public answer;
only a router answers 404 or 405. One missing route is one violated rule, and what needs it is blocked by it.
"""

from collections.abc import Callable

import openapi
from contracts.catalogue import page, register
from harness.history import Exchange, History, Outcome
from harness.judging import UndecidedError, expect, held, let_through, shown
from harness.report import Source
from harness.requirement import MUST, Requirement
from harness.verdict import Held, Verdict

STORY = "every_route_is_probed"

_SETTLES = {
    "validateCrossAppSession": ("C-HE-01",),
    "getCrossAppStatus": ("C-HE-02",),
    "listCrossAppAccounts": ("C-HE-03",),
    "validateCrossAppPermission": ("C-HE-04",),
    "generateSession": ("C-TA-01",),
    "wrapGenerateSession": ("C-TC-07",),
}
_SOURCES = {
    "generateSession": page("POST /api/cross-app/generate-session (JWT)", 'Request `{"account_id": 123}` (integer).'),
    "validateSession": page(
        "POST /api/cross-app/validate-session (shared secret)", 'Request `{"session_token": "..."}`.'
    ),
    "listUserAccounts": page("GET /api/cross-app/user-accounts?session_token=... (shared secret)", '200 `{"accounts":'),
    "validatePermission": page(
        "POST /api/cross-app/validate-permission (shared secret)", 'Request `{"session_token": "...", "permission":'
    ),
    "receiveEventStatusChanged": page(
        "POST /api/webhooks/hi-events/event-status-changed (signature)", '{"event_type": "event.status_changed"'
    ),
    "getEvent": page(
        "GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)",
        "The event as the client reads it",
    ),
    "updateEvent": page(
        "GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)",
        'PATCH `{"hasTicketing": true, "hiEventsEventId": "..."}` (JWT)',
    ),
    "streamEventUpdates": page("GET /api/events/updates (SSE)", "Sent after each applied webhook."),
    "validateCrossAppSession": page("POST /auth/cross-app/validate", "Hi.Events calls tuvens-api's validate-session"),
    "getCrossAppStatus": page("GET /auth/cross-app/status (bearer)", '200 `{"authenticated": true'),
    "listCrossAppAccounts": page("GET /auth/cross-app/accounts (bearer)", '200 `{"accounts":'),
    "validateCrossAppPermission": page(
        "POST /auth/cross-app/validate-permission (bearer)", '200 `{"has_permission": true}`'
    ),
    "setEventStatus": page("Events and outgoing webhooks", "PUT /events/{id}/status (bearer)"),
    "wrapGenerateSession": page("tuvens-client", "on its own origin wraps tuvens-api's, same body and answers"),
    "openCrossAppPage": page("Page GET /auth/cross-app", "Query: session_token, return_url"),
}
# Upstream has it; a deployment without it lacks a capability (contract page), which is no violation.
OPTIONAL = frozenset({"readEvent"})


def _reachable(app: str) -> Callable[[History], Verdict]:
    def judge(history: History) -> Verdict:
        probes = [each for each in history.every(STORY) if each.callee == app]
        reached = [each for each in probes if each.outcome is Outcome.ANSWERED]
        if not reached:
            why = probes[0].error if probes else "no probe was sent"
            raise UndecidedError(f"{app} answers nothing: {why}")
        return held(reached[0])

    return judge


def _served(operation_id: str) -> Callable[[History], Verdict]:
    def judge(history: History) -> Verdict:
        probe = let_through(history.one(f"{STORY}/{operation_id}"))
        if operation_id == "getEvent" and probe.status == 404 and "events" not in history.context.capabilities:
            raise UndecidedError(f"no event is known, so a 404 may be the application's: {shown(probe)}")
        expect(
            probe.status not in (404, 405),
            expected=f"{probe.method} {_path(probe)} is served",
            observed=f"a router's {shown(probe)}",
            at=probe,
        )
        return Held((probe.number,))

    return judge


def _stream_served(history: History) -> Verdict:
    opening = history.stream(f"{STORY}/streamEventUpdates")[0]
    status = opening.data.partition(" ")[0]
    if opening.kind != "open":
        raise UndecidedError(f"the stream got no answer: {opening.data}")
    expect(
        status not in ("404", "405"),
        expected="GET /api/events/updates is served",
        observed=f"a router's {opening.data}",
        at=opening.number,
    )
    return Held((opening.number,))


def _path(exchange: Exchange) -> str:
    return openapi.find(exchange.operation).path


for _app in openapi.APPS:
    register(
        Requirement(
            id=f"routes.{_app}_answers",
            statement=f"{_app} answers requests at all.",
            level=MUST,
            obliged=_app,
            source=page("Systems", "| system | what it is | local | production |"),
            judge=_reachable(_app),
            stories=(STORY,),
            needs=(f"target:{_app}",),
            next_step=f"See that {_app} runs and that its url in the deployment file is right.",
        )
    )


def _rule(operation_id: str, source: Source) -> Requirement:
    operation = openapi.find(operation_id)
    return Requirement(
        id=f"routes.{operation_id}",
        statement=f"{operation.app} serves {operation.method} {operation.path}.",
        level=MUST,
        obliged=operation.app,
        source=source,
        judge=_stream_served if operation_id == "streamEventUpdates" else _served(operation_id),
        settles=_SETTLES.get(operation_id, ()),
        stories=(STORY,),
        needs=(f"target:{operation.app}",),
        depends_on=(f"routes.{operation.app}_answers",),
        next_step=f"Register the route in {operation.app}; nothing behind it can be verified before.",
    )


for _operation_id, _source in _SOURCES.items():
    register(_rule(_operation_id, _source))
