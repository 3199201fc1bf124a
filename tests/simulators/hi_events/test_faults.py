"""Every fault of hi.events shows a symptom, and is counted."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

import openapi
from contracts.webhook.wire import sign, signature_matches
from simulators.faults import FAULTS as ALL_FAULTS
from simulators.hi_events.faults import FAULTS
from simulators.launch import HI_EVENTS, TUVENS_API
from tests.simulators.hi_events.world import World

FORGED = "A" * 43
Symptom = Callable[[World], object]


def user_id(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(answer.json()["user"]["id"])


# -- sign-in


def _during(trouble: str) -> Symptom:
    def sign_in(here: World) -> object:
        here.arm(trouble, app=TUVENS_API)
        return here.sign_in(FORGED).status_code

    return sign_in


def _after_trouble(here: World) -> list[int]:
    token = here.session_token()
    here.arm("tuvens-api-answers-500", app=TUVENS_API)
    here.sign_in(token)
    here.disarm("tuvens-api-answers-500", app=TUVENS_API)
    at_once = here.sign_in(token).status_code
    here.advance(601)
    return [at_once, here.sign_in(token).status_code]


def _during_silence(here: World) -> list[int]:
    here.arm("tuvens-api-hangs", app=TUVENS_API)
    asked: list[int] = []
    caller = threading.Thread(target=lambda: asked.append(here.sign_in("x").status_code))
    caller.start()
    while caller.is_alive():
        here.advance(30)
        caller.join(0.05)
    return asked


def _after_expiry(*seconds: float) -> Symptom:
    def sign_in(here: World) -> object:
        token = here.session_token()
        here.sign_in(token)
        here.advance(1000, app=TUVENS_API)
        found = []
        for each in seconds:
            here.advance(each)
            found.append(here.sign_in(token).status_code)
        return found

    return sign_in


def _after_a_minute(here: World) -> list[int]:
    found = [here.sign_in("x").status_code]
    here.advance(61)
    return [*found, here.sign_in("x").status_code, here.sign_in("x").status_code]


def _past_the_limit(here: World) -> list[int]:
    here.control("PUT", "/rate-limits", {"validateCrossAppSession": 2})
    try:
        return [here.sign_in("x").status_code for _ in range(4)]
    finally:
        here.control("PUT", "/rate-limits", {"validateCrossAppSession": None})


# -- users and accounts


def _at_once(here: World, tokens: list[str]) -> list[dict[str, Any]]:
    """The users of many who sign in at once."""

    async def sign_in() -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            address = f"{here.hi}/auth/cross-app/validate"
            return await asyncio.gather(*(client.post(address, json={"session_token": each}) for each in tokens))

    return [each.json()["user"] for each in asyncio.run(sign_in())]


def _race(here: World) -> bool:
    return len({each["id"] for each in _at_once(here, [here.session_token("101")] * 5)}) > 1


def _crowd(here: World) -> tuple[bool, bool]:
    names = [str(number) for number in range(101, 117)]
    users = _at_once(here, [here.session_token(each) for each in names])
    mixed_up = [each["external_user_id"] for each in users] != names
    return mixed_up, len({each["id"] for each in users}) < len(users)


def _statuses(here: World, token: str) -> list[int]:
    """Of two sign-ins with one token."""
    return [here.sign_in(token).status_code for _ in range(2)]


def _repeated(here: World) -> int:
    token = here.session_token()
    return len({user_id(here.sign_in(token)) for _ in range(2)})


def _linked(here: World) -> bool:
    known = {each["email"]: each["id"] for each in here.health()["unlinked_users"]}
    token = here.session_token("guest-120@example.com")
    return bool(user_id(here.sign_in(token)) == known["guest-120@example.com"])


def _accounts(here: World) -> int:
    users = ("organiser", "outsider")
    return len({here.sign_in(here.session_token(user)).json()["accounts"][0]["id"] for user in users})


# -- sessions


def _permission(here: World, bearer: str | None, **asked: object) -> httpx.Response:
    return here.call("POST", "/auth/cross-app/validate-permission", bearer, asked)


def _permissions(here: World) -> list[bool]:
    bearer = here.bearer()
    asked = (("manage_ticketing", 61), ("manage_ticketing", 11), ("create_events", 11))
    return [_permission(here, bearer, permission=a, resource_id=b).json()["has_permission"] for a, b in asked]


def _ill_formed(here: World) -> int:
    return _permission(here, here.bearer(), permission=5).status_code


def _after_an_hour(here: World) -> int:
    bearer = here.bearer()
    here.advance(3601)
    return here.call("GET", "/auth/cross-app/status", bearer).status_code


# -- events and deliveries


def _changed(here: World, *statuses: str) -> list[Any]:
    """The deliveries, with bytes, after event 11 was given these statuses."""
    bearer = here.bearer()
    for status in statuses:
        here.change(bearer, 11, status)
    return [here.delivery(each["id"]) for each in here.delivered()]


def _payloads(*statuses: str) -> Symptom:
    def bodies(here: World) -> object:
        return [json.loads(each["body"])["payload"] for each in _changed(here, *statuses)]

    return bodies


def _dates(*statuses: str) -> Symptom:
    """How the webhooks of these changes spell their time."""

    def spellings(here: World) -> object:
        bodies = [json.loads(each["body"]) for each in _changed(here, *statuses)]
        return [re.sub(r"\d", "0", each["event_sent_at"]) for each in bodies]

    return spellings


def _body(here: World) -> bool:
    (delivery,) = _changed(here, "LIVE")
    return b"\n" in base64.b64decode(delivery["body_base64"])


def _signature(here: World) -> tuple[bool, bool, bool, object]:
    (delivery,) = _changed(here, "LIVE")
    body, attempt = base64.b64decode(delivery["body_base64"]), delivery["attempts"][0]
    pretty = sign(here.built.shared_secret, json.dumps(json.loads(body), indent=4).encode())
    valid = signature_matches(here.built.shared_secret, body, attempt["signature"])
    return valid, attempt["signature"] == pretty, attempt["signature"].startswith("sha256="), attempt["status"]


def _arrived(here: World, *statuses: str, fault: str = "", times: int = 0) -> list[Any]:
    """The webhooks that came to tuvens-api, after one of its faults was armed so often."""
    here.freeze()
    if fault:
        here.arm(fault, app=TUVENS_API, times=times)
    _changed(here, *statuses)
    here.advance(100)
    return list(here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"])


def _order(*statuses: str, fault: str = "") -> Symptom:
    def arrived(here: World) -> object:
        found = [json.loads(each["request_body"]) for each in _arrived(here, *statuses, fault=fault, times=1)]
        return [(each["payload"]["status"], each["event_sent_at"] == found[0]["event_sent_at"]) for each in found]

    return arrived


def _attempts(fault: str, times: int = 1) -> Symptom:
    """State, statuses and pauses of a delivery that fails so often."""

    def settled(here: World) -> object:
        _arrived(here, "LIVE", fault=fault, times=times)
        (listed,) = here.delivered()
        attempts = here.delivery(listed["id"])["attempts"]
        pauses = [round(b["started_at"] - a["started_at"]) for a, b in pairwise(attempts)]
        return listed["state"], [each["status"] for each in attempts], pauses

    return settled


def _silent(*more: str) -> Symptom:
    """What becomes of a delivery without an answer, with the time-out of 1 s where it is armed."""

    def settled(here: World) -> object:
        for each in more:
            here.arm(each)
        with here.silent_webhooks(1):
            (delivery,) = _changed(here, "LIVE")
        return delivery["state"], [each["error"] for each in delivery["attempts"]]

    return settled


def _throttled(here: World) -> list[object]:
    here.control("PUT", "/rate-limits", {"receiveEventStatusChanged": 1}, app=TUVENS_API)
    try:
        return [each["state"] for each in _changed(here, "LIVE", "ENDED")]
    finally:
        here.control("PUT", "/rate-limits", {"receiveEventStatusChanged": None}, app=TUVENS_API)


def _content_types(here: World) -> list[str | None]:
    exchanges = _arrived(here, "LIVE", "ARCHIVED")
    return [dict(each["request_headers"]).get("content-type") for each in exchanges]


def _leak(here: World) -> tuple[bool, bool]:
    token = here.session_token()
    here.change(here.sign_in(token).json()["token"], 11, "LIVE")
    (listed,) = here.delivered()
    return token in here.delivery(listed["id"])["body"], token in str(here.control("GET", "/journal"))


def _of_nobody(here: World) -> tuple[int, str]:
    status = here.change("nobody", 11, "LIVE").status_code
    return status, here.call("GET", "/events/11", here.bearer()).json()["status"]


def _unknown_word(here: World) -> tuple[int, object, int]:
    bearer = here.bearer()
    status = here.change(bearer, 11, "PAUSED").status_code
    return status, here.call("GET", "/events/11", bearer).json()["status"], len(here.delivered())


# -- pages


def _made(here: World, event: str = "35", **query: str) -> dict[str, str]:
    """What the page says on its way back from making an event."""
    answer = here.open_to_create(here.session_token(), event, **query)
    page, _, query_string = answer.headers["location"].partition("?")
    return {"page": page, **dict(parse_qsl(query_string))}


def _made_event(here: World) -> tuple[str, str | None]:
    event = here.call("GET", f"/events/{_made(here)['hi_events_event_id']}", here.bearer()).json()
    return event["status"], event["tuvens_event_id"]


def _made_and_live(here: World) -> int:
    number = int(_made(here, event_data=json.dumps({"title": "Evening", "timezone": "UTC"}))["hi_events_event_id"])
    assert here.change(here.bearer(), number, "LIVE").status_code == 200
    return len(here.delivered())


def _arrival(here: World) -> tuple[int, str, bool]:
    answer = here.open_page(session_token=here.session_token())
    return answer.status_code, answer.headers["referrer-policy"], "; Path=/;" in answer.headers["set-cookie"]


def _embedded(here: World) -> list[object]:
    paths = ("/widget/11", "/event/11/evening-11/embed", "/widget/abc", "/event/abc/evening")
    return [(each.status_code, each.headers.get("x-frame-options")) for each in (here.call("GET", p) for p in paths)]


def _unsigned(here: World) -> list[object]:
    """Status, media type and body of calls without a session."""
    asked = [
        *(here.call("GET", f"/auth/cross-app/{each}") for each in ("status", "accounts", "validate")),
        _permission(here, None, permission="create_events"),
        here.call("GET", "/events/11"),
        here.call("DELETE", "/auth/cross-app/status"),
    ]
    return [(each.status_code, each.headers.get("content-type")) for each in asked]


def _fields_of_refusals(here: World) -> list[list[str]]:
    asked = (here.call("GET", "/auth/cross-app/status"), here.change(here.bearer(), 99, "LIVE"))
    return [sorted(each.json()) for each in asked]


def _cookie(here: World) -> str:
    answer = here.sign_in(here.session_token())
    return str(answer.headers.get("set-cookie", "")).replace(answer.json()["token"], "…")


def _odd_bodies(here: World) -> list[int]:
    headers = {"Content-Type": "text/plain", "Authorization": f"Bearer {here.bearer()}"}
    plain = here.client.put(f"{here.hi}/events/11/status", content=b'{"status": "LIVE"}', headers=headers)
    return [here.sign_in("x" * 2_000_000).status_code, plain.status_code]


def _route(operation: str) -> Symptom:
    found = openapi.find(operation)
    return lambda here: here.call(found.method, found.path.replace("{id}", "11")).status_code


SYMPTOMS: dict[str, Symptom] = {
    "framework-errors-without-code": _fields_of_refusals,
    "errors-are-pages-unless-json-is-accepted": _unsigned,
    "validation-errors-as-an-empty-list": lambda here: here.change(here.bearer(), 11, "PAUSED").json(),
    "sign-in-sets-a-cookie": _cookie,
    "sign-in-cookie-for-scripts": _cookie,
    "session-token-starts-one-session": lambda here: _statuses(here, here.session_token()),
    "wrong-media-type-answers-415-at-hi-events": _odd_bodies,
    "large-bodies-answer-400-at-hi-events": _odd_bodies,
    "routes-missing": _unsigned,
    "error-shape-html": _unsigned,
    "wrong-method-answers-404-at-hi-events": _unsigned,
    "accounts-open-without-bearer": _unsigned,
    "permission-open-without-bearer": _unsigned,
    "status-open-without-bearer": _unsigned,
    "forged-token-accepted": lambda here: here.sign_in(FORGED).status_code,
    "token-in-error-message": lambda here: FORGED in here.sign_in(FORGED).text,
    "session-token-cut-to-its-column": lambda here: here.sign_in(here.session_token() + "A").status_code,
    "validation-sent-without-the-secret": lambda here: here.sign_in(here.session_token()).status_code,
    "missing-token-answers-500": lambda here: here.sign_in(None).status_code,
    "missing-token-answers-422": lambda here: here.sign_in(5).status_code,
    "upstream-failure-starts-session": _during("tuvens-api-answers-500"),
    "upstream-failure-answers-500": _during("tuvens-api-answers-nonsense"),
    "upstream-failure-answers-401": _during("tuvens-api-answers-500"),
    "upstream-failure-answers-502": _during("tuvens-api-answers-500"),
    "upstream-silence-answers-500": _during_silence,
    "failed-token-stays-refused": _after_trouble,
    "validation-cached-for-an-hour": _after_expiry(1000, 3000),
    "validation-cached-for-half-a-minute": _after_expiry(0, 31),
    "refusal-after-a-quiet-minute-answers-403": _after_a_minute,
    "sign-in-not-limited": _past_the_limit,
    "users-doubled-under-races": _race,
    "users-mixed-up-in-a-crowd": _crowd,
    "users-share-a-row-in-a-crowd": _crowd,
    "user-doubled-on-repeat-login": _repeated,
    "email-not-linked": _linked,
    "shared-account-mapped": _accounts,
    "accounts-from-local-copy": lambda here: here.call("GET", "/auth/cross-app/accounts", here.bearer()).json(),
    "permission-always-true": _permissions,
    "denial-remembered-by-its-name": _permissions,
    "ill-formed-permission-is-false": _ill_formed,
    "ill-formed-permission-answers-400": _ill_formed,
    "session-never-ends": _after_an_hour,
    "protected-route-open": _of_nobody,
    "change-made-before-the-refusal": _of_nobody,
    "unknown-status-accepted": _unknown_word,
    "refused-status-sent": _unknown_word,
    "archived-is-no-status": lambda here: here.change(here.bearer(), 11, "ARCHIVED").status_code,
    "webhook-not-sent": _payloads("LIVE"),
    "webhook-sends-old-status": _payloads("LIVE"),
    "webhook-with-more-fields": _payloads("LIVE"),
    "ended-not-sent": _payloads("LIVE", "ENDED"),
    "draft-told-twice": _payloads("LIVE", "DRAFT"),
    "same-status-sent-again": _payloads("LIVE", "LIVE"),
    "webhook-time-with-offset": _dates("LIVE"),
    "webhook-time-in-microseconds": _dates("LIVE"),
    "webhook-time-in-local-time": _dates("ARCHIVED"),
    "webhook-written-by-php": _body,
    "session-token-in-delivery": _leak,
    "webhook-without-content-type": _content_types,
    "webhook-signed-with-other-key": _signature,
    "webhook-signature-over-pretty-json": _signature,
    "webhook-signature-without-prefix": _signature,
    "webhook-not-retried": _attempts("webhook-answers-503"),
    "webhook-retried-on-4xx": _attempts("webhook-answers-400"),
    "log-says-that-all-went-well": _attempts("webhook-answers-400"),
    "pauses-between-retries-shrink": _attempts("webhook-answers-503", times=2),
    "delivery-given-up-on-429": _throttled,
    "delivery-given-up-on-time-out": _silent("deliveries-hurry"),
    "deliveries-hurry": _silent(),
    "webhooks-out-of-order": _order("LIVE", "CANCELLED"),
    "failed-delivery-overtaken": _order("LIVE", "CANCELLED", fault="webhook-answers-503"),
    "failed-delivery-sent-again-at-the-end": _order("LIVE", "CANCELLED", fault="webhook-answers-503"),
    "webhook-sent-twice-with-different-bodies": _order("LIVE", fault="webhook-answers-503"),
    "webhook-not-sent-for-events-of-the-page": _made_and_live,
    "event-not-linked": _made_event,
    "draft-made-live": _made_event,
    "return-parameters-old-only": lambda here: sorted(_made(here)),
    "return-parameters-new-only": lambda here: sorted(_made(here)),
    "page-leads-to-the-new-event": lambda here: sorted(_made(here)),
    "page-asks-no-permission": lambda here: _made(here, "61")["status"],
    "error-code-of-http": lambda here: _made(here, "61")["error_code"],
    "page-decodes-twice": lambda here: here.open_to_create(here.session_token(), "100%").status_code,
    "open-redirect": lambda here: here.open_to_create(FORGED, return_url="https://evil.example/x").status_code,
    "session-token-stays-in-address": _arrival,
    "session-cookie-for-one-page": _arrival,
    "embed-forbids-frames": _embedded,
    "event-pages-fail-on-other-ids": _embedded,
    **{name: _route(next(iter(each.kills)).partition(".")[2]) for name, each in FAULTS.items() if "-route-m" in name},
}


def _answers(here: World) -> list[object]:
    """Answers of all kinds: status, headers that say something, body; tokens by length, ids from 0 on."""
    signed_in = here.sign_in(here.session_token())
    bearer = signed_in.json()["token"]
    user, account = signed_in.json()["user"]["id"], signed_in.json()["accounts"][0]["id"]
    asked = [
        signed_in,
        here.sign_in("x"),
        here.call("GET", "/auth/cross-app/status", bearer),
        here.call("GET", "/auth/cross-app/accounts", bearer),
        _permission(here, bearer, permission="create_events"),
        here.change(bearer, 12, "DRAFT"),
        here.call("GET", "/events/12", bearer),
    ]

    def plain(value: Any, name: str = "") -> Any:
        if isinstance(value, list):
            return [plain(each) for each in value]
        if not isinstance(value, dict):
            return len(value) if name in ("token", "expires_at") else value
        first = user if "external_user_id" in value else account if "external_account_id" in value else 0
        own = {"id": first, "account_id": account}
        return {
            name: each - own[name] if name in own and isinstance(each, int) else plain(each, name)
            for name, each in value.items()
        }

    return [
        (each.status_code, each.headers["content-type"], "x-auth-token" in each.headers, plain(each.json()))
        for each in asked
    ]


BESIDE = {each.name for each in FAULTS.values() if each.suite == "load" or each.name.endswith("-of-hi-events")}
"""The faults that are tested for all applications alike."""


@pytest.mark.parametrize("name", sorted(set(FAULTS) - BESIDE))
def test_an_armed_fault_shows_is_counted_and_ends(here: World, name: str) -> None:
    symptom = SYMPTOMS.get(name, _answers)
    honest = symptom(here)
    here.reset()
    here.arm(name)
    assert symptom(here) != honest
    described = {each["name"]: each for each in here.control("GET", "/faults")["faults"]}
    assert described[name]["fired"] > 0
    health = here.health()
    assert (health["failures"], health["contract_problems"]) == (0, 0)
    here.reset()
    assert symptom(here) == honest


def test_every_fault_has_a_sentence_and_stands_in_the_registry_under_its_own_name() -> None:
    for name, fault in FAULTS.items():
        assert ALL_FAULTS[name] is fault
        assert (fault.name, fault.app) == (name, HI_EVENTS)
        assert fault.sentence.endswith(".")
