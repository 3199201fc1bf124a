"""The documents say what the contract page says: every operation, status, parameter and field."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from openapi import EDITION, HandedOut, Operation, RateLimit, find, load, operations
from openapi.bundle import Bundle
from tests.openapi.bodies import answer_example, request_example

TOKEN = "Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu"
MESSAGE = {
    "type": "ticketing_status_changed",
    "eventId": "11",
    "status": "active",
    "timestamp": "2025-07-25T14:30:00.000Z",
}

CREDENTIALS = {
    "JWT": "userJwt",
    "shared secret": "sharedSecret",
    "signature": "webhookSignature",
    "bearer": "hiEventsBearer",
}
"""The words in a heading of the contract page that say who may call an operation."""

STATUSES = {
    "streamEventUpdates": {200},
    "getEvent": {200, 404},
    "updateEvent": {200, 400, 401, 403, 404, 413},
    "setEventStatus": {200, 401, 403, 404, 413, 422},
    "readEvent": {200, 401, 403, 404},
    "openCrossAppPage": {200, 302, 400},
    "showEventPage": {200, 404},
    "showEventEmbed": {200, 404},
    "showWidget": {200, 404},
    "wrapGenerateSession": {200, 400, 401, 403, 413, 429, 500},
    "showTuvensEventPage": {200, 404, 503},
    "handleHiEventsCallback": {200, 302},
}
"""The statuses of operations whose section of the contract page does not list them."""

LIMITS = {
    "generateSession": RateLimit(10, 60, "user", "generate-session"),
    "validateSession": RateLimit(100, 60, "shared-secret", "validate-session"),
    "listUserAccounts": RateLimit(50, 60, "session-token", "user-accounts"),
    "validatePermission": RateLimit(100, 60, "session-token", "validate-permission"),
    "receiveEventStatusChanged": RateLimit(1000, 60, "instance", "webhook"),
    "validateCrossAppSession": RateLimit(10, 60, "address", None),
}

RATE_LIMIT_HEADERS = [
    ("X-RateLimit-Limit", "10"),
    ("X-RateLimit-Remaining", "9"),
    ("X-RateLimit-Reset", "1753453860"),
]


def _sections() -> dict[tuple[str, str], str]:
    """The contract page's sections by application and heading."""
    found: dict[tuple[str, str], str] = {}
    page = Path(__file__).parents[2] / "docs" / "contract" / f"{EDITION}.md"
    for chapter in page.read_text("utf-8").split("\n## ")[1:]:
        app, _, text = chapter.partition("\n")
        for section in text.split("\n### ")[1:]:
            heading, _, body = section.partition("\n")
            found[app, heading] = body
    return found


def _described() -> dict[str, tuple[str, str]]:
    """By operationId, the heading and the text of the section that a single operation has for itself."""
    found = {}
    for (app, heading), text in _sections().items():
        for method, path in re.findall(r"(GET|POST|PUT|PATCH) (/[^\s?]+)", heading):
            operation = load(app).operation_at(method, path)
            assert operation is not None, heading
            if operation.id not in STATUSES:
                found[operation.id] = (heading, text)
    return found


def test_there_is_every_operation_of_the_contract_and_no_other() -> None:
    assert {each.id for each in operations()} == STATUSES.keys() | _described().keys()
    assert len(_described()) >= 9


@pytest.mark.parametrize("operation", operations(), ids=lambda each: each.id)
def test_an_operation_has_the_statuses_of_the_contract(operation: Operation) -> None:
    _, text = _described().get(operation.id, ("", ""))
    # What the last section of hi.events' routes says of errors concerns all of them.
    text = text.partition("\nError shape of the four cross-app routes")[0]
    listed = {int(number) for number in re.findall(r"\b[2-5]\d\d\b", text)} & set(HTTPStatus)
    wanted = STATUSES.get(operation.id, listed)
    if "requestBody" in operation.raw:
        wanted = wanted | {413}
    if operation.rate_limit is not None:
        wanted = wanted | {429}
    assert operation.statuses == wanted


@pytest.mark.parametrize("name", _described())
def test_an_operation_is_called_by_whom_the_heading_says(name: str) -> None:
    heading, _ = _described()[name]
    words = re.findall(r"\((.*?)\)$", heading)
    assert find(name).security == tuple(CREDENTIALS[word] for word in words if word != "public")


@pytest.mark.parametrize("operation", operations(), ids=lambda each: each.id)
def test_an_operation_is_limited_as_the_contract_says(operation: Operation) -> None:
    assert operation.rate_limit == LIMITS.get(operation.id)


def test_the_parameters_of_pages_are_those_of_the_contract() -> None:
    query = _sections()["hi.events", "Page GET /auth/cross-app"].partition("Query: ")[2].partition("event_data (")[0]
    named = set(re.findall(r"[a-z]+_[a-z]+|source|timestamp|action", query)) - {"create_event"}
    assert _query(find("openCrossAppPage")) == named | {"event_data"}
    told = _sections()["hi.events", "Page GET /auth/cross-app"].partition("return URL with")[2]
    back = set(re.findall(r"`(\w+)(?:=true)?`", told)) - {"error", "cancelled"}
    assert _query(find("handleHiEventsCallback")) == back
    assert _query(find("listUserAccounts")) == {"session_token"}


def _query(operation: Operation) -> set[str]:
    return {each["name"] for each in operation.raw["parameters"] if each.get("in") == "query"}


def test_a_concrete_path_stands_before_the_template_that_would_swallow_it() -> None:
    names = list(load("tuvens-api").operations)
    assert names.index("streamEventUpdates") < names.index("getEvent")


def test_the_order_of_the_checks_is_fixed_at_tuvens_api_alone() -> None:
    assert find("generateSession").check_order == ("authentication", "form", "existence")
    assert find("readEvent").check_order == ()


def test_the_sender_and_the_receiver_of_the_webhook_share_one_schema_file() -> None:
    places = {
        Bundle(load(app).path).place("/components/schemas/EventStatusChanged/properties/payload")
        for app in ("tuvens-api", "hi.events")
    }
    assert [place.file.name for place in places] == ["event-status-changed.yaml"]


def test_the_sender_of_the_webhook_knows_every_answer_of_the_receiver() -> None:
    sent, received = load("hi.events").webhooks["eventStatusChanged"], find("receiveEventStatusChanged")
    assert sent.statuses == received.statuses
    assert sent.security == received.security
    assert sent.raw["requestBody"]["content"].keys() == received.raw["requestBody"]["content"].keys()


def test_the_signature_is_described_for_programs() -> None:
    for app in ("tuvens-api", "hi.events"):
        scheme = load(app).raw["components"]["securitySchemes"]["webhookSignature"]
        assert scheme["name"] == "x-hi-events-signature"
        assert scheme["x-signature"] == {
            "algorithm": "hmac-sha256",
            "key": "shared-secret",
            "over": "raw-body",
            "encoding": "hex-lower",
            "prefix": "sha256=",
        }


@pytest.mark.parametrize(
    ("app", "scheme", "where", "header"),
    [
        ("tuvens-api", "sharedSecret", "header", "x-shared-secret"),
        ("tuvens-client", "userCookie", "cookie", "jwt"),
    ],
)
def test_a_credential_has_its_place(app: str, scheme: str, where: str, header: str) -> None:
    raw = load(app).raw["components"]["securitySchemes"][scheme]
    assert (raw["in"], raw["name"]) == (where, header)


@pytest.mark.parametrize("name", sorted(LIMITS.keys() - {"validateCrossAppSession"}))
def test_every_answer_of_a_limited_route_itself_demands_the_three_headers(name: str) -> None:
    operation = find(name)
    three = {f"/headers/{header.lower()}" for header, _ in RATE_LIMIT_HEADERS}
    for status in operation.statuses:
        problems = operation.response_problems(status=status, headers=[], body=b"{}")
        missing = {problem.pointer for problem in problems if problem.message == "is required"}
        # They are advice past the limit, and where a body is too large for the parser.
        assert missing & three == (set() if status in (413, 429) else three)


def test_a_deployment_may_have_other_limits_than_the_document() -> None:
    limited, free = find("validateSession"), find("getEvent")
    assert [limited.limit_in_force(said) for said in ({}, {"validateSession": 7}, {"validateSession": 0})] == [
        100,
        7,
        0,
    ]
    assert [free.limit_in_force(said) for said in ({}, {"validateSession": 7}, {"getEvent": 7})] == [0, 0, 7]


def test_the_limit_of_signing_in_at_hi_events_needs_no_headers() -> None:
    body = b'{"message": "Too many attempts.", "error": "TOO_MANY_REQUESTS"}'
    headers = [("Content-Type", "application/json")]
    assert find("validateCrossAppSession").response_problems(status=429, headers=headers, body=body) == []


def test_the_secret_fields_are_marked() -> None:
    assert find("validateSession").secret_fields == {"session_token"}
    assert find("validateCrossAppSession").secret_fields == {"session_token", "token"}


def test_a_session_token_and_a_bearer_token_are_handed_out_by_those_who_make_them() -> None:
    token = HandedOut("session-token", "body", "session_token")
    bearers = (HandedOut("bearer", "body", "token"), HandedOut("bearer", "header", "X-Auth-Token"))
    assert {each.id: each.hands_out for each in operations() if each.hands_out} == {
        "generateSession": (token,),
        "wrapGenerateSession": (token,),
        "validateCrossAppSession": bearers,
    }


def test_a_session_token_is_part_of_every_request_about_a_session() -> None:
    assert {each.id for each in operations() if each.required_secrets} == {
        "validateSession",
        "listUserAccounts",
        "validatePermission",
        "validateCrossAppSession",
    }


def test_cross_app_calls_and_webhooks_are_audited() -> None:
    audited = {each.id for each in load("tuvens-api").operations.values() if each.audited}
    assert audited == LIMITS.keys() - {"validateCrossAppSession"}


def test_only_the_events_are_a_stream() -> None:
    streams = {each.id for each in operations() if each.streams}
    assert streams == {"streamEventUpdates"}


# --- requests: operationId, body, and the pointer of the expected problem or None

REQUESTS: list[tuple[str, object, str | None]] = [
    ("generateSession", {"account_id": 123}, None),
    ("generateSession", {"account_id": 123, "colour": "red"}, None),
    ("generateSession", {}, "/body/account_id"),
    ("generateSession", {"account_id": 0}, "/body/account_id"),
    ("generateSession", {"account_id": -1}, "/body/account_id"),
    ("generateSession", {"account_id": 1.5}, "/body/account_id"),
    ("generateSession", {"account_id": "123"}, "/body/account_id"),
    ("generateSession", {"account_id": True}, "/body/account_id"),
    ("generateSession", {"account_id": None}, "/body/account_id"),
    ("generateSession", [], "/body"),
    ("generateSession", None, "/body"),
    ("wrapGenerateSession", {"account_id": 123}, None),
    ("wrapGenerateSession", {"account_id": "123"}, "/body/account_id"),
    ("validateSession", {"session_token": "x"}, None),
    ("validateSession", {"session_token": "x' OR 1=1; --"}, None),
    ("validateSession", {"session_token": "x" * 5000}, None),
    ("validateSession", {"session_token": ""}, "/body/session_token"),
    ("validateSession", {"session_token": 1}, "/body/session_token"),
    ("validateSession", {}, "/body/session_token"),
    ("validatePermission", {"session_token": "x", "permission": "manage_ticketing"}, None),
    ("validatePermission", {"session_token": "x", "permission": "bake", "resource_id": 789}, None),
    ("validatePermission", {"session_token": "x", "permission": "", "resource_id": None}, None),
    ("validatePermission", {"session_token": "x", "permission": "p", "resource_id": "789"}, "/body/resource_id"),
    ("validatePermission", {"session_token": "x", "permission": "p", "resource_id": 1.5}, "/body/resource_id"),
    ("validatePermission", {"session_token": "x"}, "/body/permission"),
    ("validatePermission", {"session_token": "x", "permission": None}, "/body/permission"),
    ("validatePermission", {"permission": "p"}, "/body/session_token"),
    ("updateEvent", {"hasTicketing": True, "hiEventsEventId": "2"}, None),
    ("updateEvent", {"hasTicketing": True, "hiEventsEventId": 2}, None),
    ("updateEvent", {"hasTicketing": "yes"}, "/body/hasTicketing"),
    ("validateCrossAppSession", {"session_token": "x"}, None),
    ("validateCrossAppSession", {"session_token": ["x"]}, "/body/session_token"),
    ("validateCrossAppPermission", {"permission": "p", "resource_id": 789}, None),
    ("validateCrossAppPermission", {"resource_id": 789}, "/body/permission"),
    ("setEventStatus", {"status": "ARCHIVED"}, None),
    ("setEventStatus", {"status": "live"}, "/body/status"),
    ("setEventStatus", {}, "/body/status"),
]


@pytest.mark.parametrize(("name", "body", "pointer"), REQUESTS)
def test_a_request_is_taken_or_refused_as_the_contract_says(name: str, body: object, pointer: str | None) -> None:
    assert _pointers(_request(name, body)) == ([] if pointer is None else [pointer])


WEBHOOK: list[tuple[dict[str, object], str | None]] = [
    ({}, None),
    ({"event_sent_at": "2025-07-25T14:30:00Z"}, None),
    ({"event_sent_at": "2025-07-25T14:30:00.123456Z"}, None),
    ({"event_sent_at": "2025-07-25T14:30:00.12Z"}, "/body/event_sent_at"),
    ({"event_sent_at": "2025-07-25T14:30:00+00:00"}, None),
    ({"event_sent_at": "2025-07-25T16:30:00+02:00"}, "/body/event_sent_at"),
    ({"event_sent_at": "2025-02-30T14:30:00Z"}, "/body/event_sent_at"),
    ({"event_sent_at": "yesterday"}, "/body/event_sent_at"),
    ({"event_type": "event.created"}, "/body/event_type"),
    ({"payload.status": "POSTPONED"}, None),
    ({"payload.status": ""}, None),
    ({"payload.status": 1}, "/body/payload/status"),
    ({"payload.id": "2"}, "/body/payload/id"),
    ({"payload.tuvens_event_id": 11}, "/body/payload/tuvens_event_id"),
    ({"payload.title": None}, "/body/payload/title"),
    ({"payload": []}, "/body/payload"),
    ({"event_sent_at": ...}, "/body/event_sent_at"),
    ({"event_type": ...}, "/body/event_type"),
    ({"payload": ...}, "/body/payload"),
    ({"payload.id": ...}, "/body/payload/id"),
    ({"payload.title": ...}, "/body/payload/title"),
    ({"payload.status": ...}, "/body/payload/status"),
    ({"payload.tuvens_event_id": ...}, "/body/payload/tuvens_event_id"),
]


@pytest.mark.parametrize(("changes", "pointer"), WEBHOOK)
def test_a_webhook_is_well_formed_as_the_contract_says(changes: dict[str, object], pointer: str | None) -> None:
    body = _changed(request_example(find("receiveEventStatusChanged")), changes)
    expected = set() if pointer is None else {pointer}
    assert set(_pointers(_request("receiveEventStatusChanged", body))) == expected
    assert set(_pointers(_request("eventStatusChanged", body))) == expected


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ([("session_token", TOKEN)], None),
        ([("session_token", TOKEN), ("colour", "red")], None),
        ([], "/query/session_token"),
        ([("session_token", "")], "/query/session_token"),
        ([("session_token", TOKEN), ("session_token", "x")], "/query/session_token"),
    ],
)
def test_user_accounts_needs_one_session_token_in_the_query(query: list[tuple[str, str]], pointer: str | None) -> None:
    problems = find("listUserAccounts").request_problems(path={}, query=query, content_type=None, body=b"")
    assert _pointers(problems) == ([] if pointer is None else [pointer])
    assert TOKEN not in str(problems)


@pytest.mark.parametrize(
    ("event_data", "pointer"),
    [
        ('{"title": "Evening", "location_details": {"city": "Berlin"}, "settings": {}}', None),
        ("{}", None),
        ("Evening", "/query/event_data"),
        ('{"location_details": {"city": 7}}', "/query/event_data/location_details/city"),
        (
            '{"settings": {"allow_search_engine_indexing": "yes"}}',
            "/query/event_data/settings/allow_search_engine_indexing",
        ),
    ],
)
def test_event_data_is_json_in_the_query(event_data: str, pointer: str | None) -> None:
    problems = find("openCrossAppPage").request_problems(
        path={}, query=[("event_data", event_data)], content_type=None, body=b""
    )
    assert _pointers(problems) == ([] if pointer is None else [pointer])


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ([("status", "success"), ("event_id", "11"), ("success", "true"), ("tuvens_event_id", "11")], True),
        ([("status", "error"), ("error_code", "EXPIRED_SESSION"), ("error_message", "Over.")], True),
        ([("status", "cancelled")], True),
        ([("success", "true")], True),
        ([("status", "failed")], False),
        ([("status", "error"), ("error_code", "E42")], False),
    ],
)
def test_the_callback_takes_either_spelling(query: list[tuple[str, str]], fits: bool) -> None:
    problems = find("handleHiEventsCallback").request_problems(path={}, query=query, content_type=None, body=b"")
    assert (problems == []) is fits


# --- answers: operationId, status, changes to the example, and whether the contract allows it

ANSWERS: list[tuple[str, int, dict[str, object], bool]] = [
    ("generateSession", 200, {}, True),
    ("generateSession", 200, {"account_id": 123, "session_id": 1}, True),
    ("generateSession", 200, {"session_token": "a" * 32}, True),
    ("generateSession", 200, {"session_token": "a" * 1024}, True),
    ("generateSession", 200, {"session_token": "a" * 31}, False),
    ("generateSession", 200, {"session_token": "a" * 1025}, False),
    ("generateSession", 200, {"session_token": "a" * 32 + "/"}, False),
    ("generateSession", 200, {"session_token": "a" * 32 + "\n"}, False),
    ("generateSession", 200, {"session_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0._-~AZaz09"}, True),
    ("generateSession", 200, {"session_token": ...}, False),
    ("generateSession", 200, {"expires_at": "2025-07-25T15:45:00Z"}, True),
    ("generateSession", 200, {"expires_at": "2025-07-25T15:45:00.000000Z"}, True),
    ("generateSession", 200, {"expires_at": "2025-07-25T15:45:00.000"}, False),
    ("generateSession", 200, {"expires_at": "2025-07-25 15:45:00Z"}, False),
    ("generateSession", 200, {"expires_at": 1753458300}, False),
    ("generateSession", 200, {"expires_at": ...}, False),
    ("wrapGenerateSession", 200, {}, True),
    ("wrapGenerateSession", 200, {"session_token": "short"}, False),
    ("validateSession", 200, {"role": "organiser"}, True),
    ("validateSession", 200, {"user_id": 456}, False),
    ("validateSession", 200, {"account_id": "123"}, False),
    ("validateSession", 200, {"name": None}, False),
    ("validateSession", 200, {"email": ...}, False),
    ("listUserAccounts", 200, {"accounts": []}, True),
    ("listUserAccounts", 200, {"accounts": [{"id": 1, "name": "A", "slug": "a", "role": "owner"}]}, True),
    ("listUserAccounts", 200, {"accounts": [{"id": 1, "name": "A"}]}, False),
    ("listUserAccounts", 200, {"accounts": [{"id": "1", "name": "A", "slug": "a"}]}, False),
    ("listUserAccounts", 200, {"accounts": ...}, False),
    ("listCrossAppAccounts", 200, {"accounts": [{"id": 1, "name": "A", "slug": "a"}]}, True),
    ("listCrossAppAccounts", 200, {"accounts": [{"id": 1, "slug": "a"}]}, False),
    ("validatePermission", 200, {"has_permission": False}, True),
    ("validatePermission", 200, {"has_permission": "true"}, False),
    ("validatePermission", 200, {"has_permission": ..., "granted": True}, False),
    ("validateCrossAppPermission", 200, {"has_permission": None}, False),
    ("receiveEventStatusChanged", 200, {"success": False}, False),
    ("receiveEventStatusChanged", 200, {"message": ...}, False),
    ("getEvent", 200, {}, True),
    ("getEvent", 200, {"description": None, "endDate": None}, True),
    ("getEvent", 200, {"ticketing_status": None, "ticketStatus": None, "ticketing_enabled": False}, True),
    ("getEvent", 200, {"hi_events_event_id": None, "hi_events_event_url": None, "contactData": None}, True),
    ("getEvent", 200, {"hi_events_event_id": "2", "hiEventsEventId": 2}, True),
    ("getEvent", 200, {"hi_events_event_id": ..., "hi_events_event_url": ..., "contactData": ...}, True),
    ("getEvent", 200, {"ticketStatus": ..., "hasTicketing": ..., "hiEventsEventId": ...}, True),
    ("getEvent", 200, {"contactData.hiEventsLastUpdated": "2025-07-25T14:30:00Z"}, True),
    ("getEvent", 200, {"contactData.hiEventsLastUpdated": "today"}, False),
    ("getEvent", 200, {"id": 11}, False),
    ("getEvent", 200, {"ticketing_status": "live"}, False),
    ("getEvent", 200, {"ticketing_status": ...}, False),
    ("getEvent", 200, {"ticketing_enabled": "true"}, False),
    ("getEvent", 200, {"account_id": "123"}, False),
    ("getEvent", 200, {"startDate": None}, False),
    ("streamEventUpdates", 200, {"type": "ping"}, False),
    ("streamEventUpdates", 200, {"status": "LIVE"}, False),
    ("streamEventUpdates", 200, {"eventId": 11}, False),
    ("streamEventUpdates", 200, {"timestamp": ...}, False),
    ("streamEventUpdates", 200, {"id": "42"}, True),
    ("validateSession", 400, {}, True),
    ("validateSession", 400, {"origin": ...}, True),
    ("validateSession", 400, {"origin.code": ..., "origin.details": ...}, True),
    ("validateSession", 400, {"origin.details": {"field": "account_id"}}, True),
    ("validateSession", 400, {"origin.message": ...}, False),
    ("validateSession", 400, {"statusCode": "400"}, False),
    ("validateSession", 400, {"timestamp": ...}, False),
    ("validateSession", 400, {"path": ...}, False),
    ("validateSession", 400, {"message": ["too short", "no token"]}, True),
    ("validateSession", 400, {"message": [5]}, False),
    ("validateSession", 400, {"message": {"session_token": "too short"}}, False),
    ("validateCrossAppSession", 200, {}, True),
    ("validateCrossAppSession", 200, {"token_type": "Bearer"}, True),
    ("validateCrossAppSession", 200, {"token_type": "mac"}, False),
    ("validateCrossAppSession", 200, {"accounts": []}, True),
    ("validateCrossAppSession", 200, {"accounts": ...}, False),
    ("validateCrossAppSession", 200, {"expires_in": "3600"}, False),
    ("validateCrossAppSession", 200, {"user.external_user_id": 456}, False),
    ("validateCrossAppSession", 200, {"user.last_name": None}, True),
    ("validateCrossAppSession", 200, {"user.id": "1"}, False),
    ("validateCrossAppSession", 401, {"error": "INVALID"}, False),
    ("validateCrossAppSession", 401, {"message": ...}, False),
    ("validateCrossAppSession", 422, {"errors": {"session_token": ["is required"]}}, True),
    ("validateCrossAppSession", 422, {"error": ...}, True),
    ("validateCrossAppSession", 422, {"errors": ...}, False),
    ("validateCrossAppSession", 422, {"errors": {"session_token": "is required"}}, False),
    ("validateCrossAppSession", 502, {"error": "UNAUTHORIZED"}, True),
    ("validateCrossAppSession", 503, {}, True),
    ("getCrossAppStatus", 200, {"user": {}}, True),
    ("getCrossAppStatus", 200, {"authenticated": False}, False),
    ("getCrossAppStatus", 200, {"account_id": "1"}, False),
    ("getCrossAppStatus", 200, {"expires_at": ...}, False),
    ("getCrossAppStatus", 401, {"error": ...}, True),
    ("validateCrossAppSession", 401, {"error": ...}, False),
    ("validateCrossAppPermission", 400, {"error": ...}, False),
    ("setEventStatus", 422, {"errors": []}, True),
    ("setEventStatus", 422, {"errors": ["wrong"]}, False),
    ("readEvent", 200, {"tuvens_event_id": ...}, True),
    ("readEvent", 200, {"id": ...}, False),
    ("readEvent", 200, {"id": ..., "data": {"id": 2, "title": "Evening", "status": "LIVE"}}, True),
    ("readEvent", 200, {"id": ..., "data": {"id": 2, "title": "Evening"}}, False),
    ("readEvent", 200, {"tuvens_event_id": None}, True),
    ("readEvent", 200, {"id": "2"}, False),
    ("readEvent", 200, {"status": ...}, False),
]


@pytest.mark.parametrize(("name", "status", "changes", "fits"), ANSWERS)
def test_an_answer_fits_or_not_as_the_contract_says(
    name: str, status: int, changes: dict[str, object], fits: bool
) -> None:
    operation = find(name)
    if name == "streamEventUpdates":
        example: Any = dict(MESSAGE)
    else:
        example = answer_example(operation, status)
    problems = operation.body_problems(status, _changed(example, changes))
    assert (problems == []) is fits, problems


def test_a_message_of_the_stream_can_be_checked_by_its_schemas_name() -> None:
    document = load("tuvens-api")
    assert document.schema_problems("TicketingStatusChanged", MESSAGE) == []
    problems = document.schema_problems("TicketingStatusChanged", MESSAGE | {"status": "LIVE"})
    assert _pointers(problems) == ["/status"]


def test_no_example_holds_anything_that_looks_like_a_real_token() -> None:
    for path in load("tuvens-api").path.parent.rglob("*.yaml"):
        assert "eyJ" not in path.read_text(encoding="utf-8")


def _request(name: str, body: object) -> list[Any]:
    return find(name).request_problems(
        path={"id": "11"}, query=[], content_type="application/json", body=json.dumps(body).encode()
    )


def _changed(value: Any, changes: dict[str, object]) -> Any:
    """The value with the dotted fields set; `...` takes one away."""
    for field, new in changes.items():
        *owners, last = field.split(".")
        owner = value
        for key in owners:
            owner = owner[key]
        if new is ...:
            del owner[last]
        else:
            owner[last] = new
    return value


def _pointers(problems: list[Any]) -> list[str]:
    return [problem.pointer for problem in problems]
