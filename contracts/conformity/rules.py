"""Every success of the run fits its OpenAPI document: media type, headers, body."""

import openapi
from contracts.catalogue import page, register
from harness.history import History
from harness.judging import LackingError, expect, held, shown
from harness.report import Source
from harness.requirement import MUST, Judge, Requirement
from harness.verdict import Verdict

_EVENT = "GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)"
_SOURCES = {
    "generateSession": page("POST /api/cross-app/generate-session (JWT)", '200 `{"session_token": "..."'),
    "validateSession": page("POST /api/cross-app/validate-session (shared secret)", '200 `{"user_id": "456"'),
    "listUserAccounts": page(
        "GET /api/cross-app/user-accounts?session_token=... (shared secret)", '200 `{"accounts": [{"id": 123'
    ),
    "validatePermission": page(
        "POST /api/cross-app/validate-permission (shared secret)", '200 `{"has_permission": true}`.'
    ),
    "receiveEventStatusChanged": page(
        "POST /api/webhooks/hi-events/event-status-changed (signature)", '200 `{"success": true, "message": "..."}`.'
    ),
    "getEvent": page(_EVENT, "The event as the client reads it"),
    "updateEvent": page(_EVENT, 'PATCH `{"hasTicketing": true, "hiEventsEventId": "..."}` (JWT)'),
    "validateCrossAppSession": page("POST /auth/cross-app/validate", '200 `{"token": "..."'),
    "getCrossAppStatus": page("GET /auth/cross-app/status (bearer)", '200 `{"authenticated": true'),
    "listCrossAppAccounts": page("GET /auth/cross-app/accounts (bearer)", '200 `{"accounts": [{"id": 123'),
    "validateCrossAppPermission": page(
        "POST /auth/cross-app/validate-permission (bearer)", '200 `{"has_permission": true}`'
    ),
    "wrapGenerateSession": page("tuvens-client", "wraps tuvens-api's, same body and answers"),
    "setEventStatus": page("Events and outgoing webhooks", "PUT /events/{id}/status (bearer)"),
    "readEvent": page("Events and outgoing webhooks", "GET /events/{id} (bearer) reads one"),
}


def _conforms(operation_id: str) -> Judge:
    operation = openapi.find(operation_id)

    def judge(history: History) -> Verdict:
        seen = [
            each
            for each in history.exchanges(operation_id, operation.app)
            if each.status in operation.statuses and (each.status or 0) < 300 and each.method == operation.method
        ]
        if not seen:
            raise LackingError(f"no success of {operation_id} was seen in this run")
        for each in seen:
            # Rate-limit headers have rules of their own.
            problems = [text for text in each.facts.get("problems", ()) if not text.startswith("/headers/x-ratelimit")]
            first = problems[0] if problems else ""
            expect(
                not problems, expected="an answer that fits the document", observed=f"{first} in {shown(each)}", at=each
            )
        return held(seen[:6], f"{len(seen)} answers")

    return judge


def _rule(operation_id: str, source: Source) -> Requirement:
    operation = openapi.find(operation_id)
    return Requirement(
        id=f"conformity.{operation_id}",
        statement=f"{operation.app} answers {operation.method} {operation.path}, where it succeeds, as the OpenAPI "
        f"document says.",
        level=MUST,
        obliged=operation.app,
        source=source,
        judge=_conforms(operation_id),
        depends_on=(f"routes.{operation_id}" if operation_id != "readEvent" else f"routes.{operation.app}_answers",),
        next_step=f"Compare the answer with the schema in openapi/ ({operation_id}).",
    )


for _operation_id, _source in _SOURCES.items():
    register(_rule(_operation_id, _source))
