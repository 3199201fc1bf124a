"""Every fault of hi.events does what its sentence says, and is counted; nothing is wrong unless one is armed."""

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import openapi
from contracts.webhook.wire import sign, signature_matches
from simulators.faults import FAULTS as ALL_FAULTS
from simulators.hi_events.faults import FAULTS
from simulators.launch import HI_EVENTS, TUVENS_API
from tests.simulators.hi_events.world import World

SHOWS: dict[str, Callable[[World], None]] = {}


def shows(name: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register what makes a fault visible; it is called with the fault armed."""

    def register(function: Callable[[World], None]) -> Callable[[World], None]:
        SHOWS[name] = function
        return function

    return register


def user_id(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(answer.json()["user"]["id"])


def bearer_before(here: World, fault: str) -> str:
    """A session that was started while the fault was not armed yet."""
    here.disarm(fault)
    bearer = here.bearer()
    here.arm(fault)
    return bearer


def location(answer: httpx.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def changed(here: World, *statuses: str) -> list[Any]:
    """The deliveries, with bytes, after event 11 was given these statuses."""
    bearer = here.bearer()
    for status in statuses or ("LIVE",):
        here.change(bearer, 11, status)
    return [here.delivery(each["id"]) for each in here.delivered()]


def body_of(delivery: Any) -> bytes:
    return base64.b64decode(delivery["body_base64"])


@shows("routes-missing")
def _(here: World) -> None:
    assert here.sign_in("x").status_code == 404
    for path in ("status", "accounts"):
        assert here.call("GET", f"/auth/cross-app/{path}").status_code == 404
    assert here.call("POST", "/auth/cross-app/validate-permission").status_code == 404
    assert here.call("GET", "/auth/cross-app/validate").status_code == 404
    assert here.call("GET", "/events/11").status_code == 401


@shows("forged-token-accepted")
def _(here: World) -> None:
    assert user_id(here.sign_in("A" * 43)) > 0
    assert here.sign_in(here.session_token()).json()["user"]["external_user_id"] == "1"


@shows("upstream-failure-starts-session")
def _(here: World) -> None:
    here.arm("tuvens-api-answers-500", app=TUVENS_API)
    assert user_id(here.sign_in("A" * 43)) > 0


@shows("upstream-failure-answers-500")
def _(here: World) -> None:
    here.arm("tuvens-api-answers-nonsense", app=TUVENS_API)
    assert here.sign_in("A" * 43).status_code == 500


@shows("validation-cached-for-an-hour")
def _(here: World) -> None:
    token = here.session_token()
    first = user_id(here.sign_in(token))
    here.advance(1000, app=TUVENS_API)
    here.advance(1000)
    assert user_id(here.sign_in(token)) == first
    here.advance(3000)
    assert here.sign_in(token).status_code == 401


@shows("token-in-error-message")
def _(here: World) -> None:
    assert "A" * 43 in here.sign_in("A" * 43).json()["message"]


@shows("sign-in-not-limited")
def _(here: World) -> None:
    here.control("PUT", "/rate-limits", {"validateCrossAppSession": 2})
    try:
        assert [here.sign_in("x").status_code for _ in range(4)] == [401] * 4
    finally:
        here.control("PUT", "/rate-limits", {"validateCrossAppSession": None})


@shows("users-doubled-under-races")
def _(here: World) -> None:
    token = here.session_token("101")

    async def at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            address = f"{here.hi}/auth/cross-app/validate"
            return await asyncio.gather(*(client.post(address, json={"session_token": token}) for _ in range(5)))

    answers = asyncio.run(at_once())
    assert len({user_id(each) for each in answers}) > 1
    assert user_id(here.sign_in(token)) == user_id(here.sign_in(token))


@shows("user-doubled-on-repeat-login")
def _(here: World) -> None:
    token = here.session_token()
    assert user_id(here.sign_in(token)) != user_id(here.sign_in(token))


@shows("email-not-linked")
def _(here: World) -> None:
    known = {each["email"]: each["id"] for each in here.health()["unlinked_users"]}
    token = here.session_token("guest-120@example.com")
    assert user_id(here.sign_in(token)) != known["guest-120@example.com"]
    assert user_id(here.sign_in(token)) == user_id(here.sign_in(token))


@shows("shared-account-mapped")
def _(here: World) -> None:
    ids = {here.sign_in(here.session_token(user)).json()["accounts"][0]["id"] for user in ("organiser", "outsider")}
    assert len(ids) == 1
    assert here.change(here.bearer("outsider"), 11, "LIVE").status_code == 200


@shows("accounts-from-local-copy")
def _(here: World) -> None:
    listed = here.call("GET", "/auth/cross-app/accounts", here.bearer("member")).json()["accounts"]
    assert listed != [{"id": 123, "name": "Acme Events", "slug": "acme-events"}]


@shows("permission-always-true")
def _(here: World) -> None:
    asked = {"permission": "manage_ticketing", "resource_id": 61}
    answer = here.call("POST", "/auth/cross-app/validate-permission", here.bearer("member"), asked)
    assert answer.json() == {"has_permission": True}


@shows("status-open-without-bearer")
def _(here: World) -> None:
    assert here.call("GET", "/auth/cross-app/status").json()["authenticated"] is True
    here.bearer()
    assert here.call("GET", "/auth/cross-app/status", "dead").json()["user"]["external_user_id"] == "1"
    assert here.call("GET", "/auth/cross-app/accounts").status_code == 401


@shows("protected-route-open")
def _(here: World) -> None:
    assert here.change("nobody", 11, "LIVE").status_code == 200
    assert here.call("GET", "/events/11").status_code == 401


@shows("error-shape-html")
def _(here: World) -> None:
    answer = here.call("GET", "/events/11")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")


@shows("event-not-linked")
def _(here: World) -> None:
    number = location(here.open_to_create(here.session_token(), "35"))["hi_events_event_id"]
    assert here.call("GET", f"/events/{number}", here.bearer()).json()["tuvens_event_id"] is None


@shows("page-decodes-twice")
def _(here: World) -> None:
    assert here.open_to_create(here.session_token(), "100%").status_code == 500


@shows("event-pages-fail-on-other-ids")
def _(here: World) -> None:
    paths = ("/event/abc/evening", "/event/abc/evening/embed", "/widget/abc")
    assert [here.call("GET", path).status_code for path in paths] == [500] * 3


@shows("draft-made-live")
def _(here: World) -> None:
    number = location(here.open_to_create(here.session_token(), "35"))["hi_events_event_id"]
    assert here.call("GET", f"/events/{number}", here.bearer()).json()["status"] == "LIVE"


@shows("open-redirect")
def _(here: World) -> None:
    answer = here.open_to_create(here.session_token(), return_url="https://evil.example/x")
    assert answer.headers["location"].startswith("https://evil.example/x?")
    for odd in ("//evil.example", "javascript:alert(1)", "http://[x", "http://ⓛ/", "a b", "\r\nX: y"):
        assert here.open_to_create(here.session_token(), return_url=odd).status_code == 400


@shows("return-parameters-old-only")
def _(here: World) -> None:
    query = location(here.open_to_create(here.session_token()))
    assert (query["success"], query["tuvens_event_id"]) == ("true", "35")
    assert not {"status", "event_id"} & set(query)


@shows("unknown-status-accepted")
def _(here: World) -> None:
    bearer = here.bearer()
    assert here.change(bearer, 11, "PAUSED").json()["status"] == "PAUSED"
    assert here.call("GET", "/events/11", bearer).json()["status"] == "PAUSED"
    assert here.change(bearer, 11, "").status_code == 422


@shows("webhook-not-sent")
def _(here: World) -> None:
    assert changed(here) == []
    assert here.call("GET", "/events/11", here.bearer()).json()["status"] == "LIVE"


@shows("webhook-sends-old-status")
def _(here: World) -> None:
    (delivery,) = changed(here)
    assert json.loads(delivery["body"])["payload"]["status"] == "DRAFT"


@shows("webhook-signed-with-other-key")
def _(here: World) -> None:
    (delivery,) = changed(here)
    signature = delivery["attempts"][0]["signature"]
    assert signature.startswith("sha256=")
    assert not signature_matches(here.built.shared_secret, body_of(delivery), signature)
    assert delivery["attempts"][0]["signature_valid"] is False
    assert delivery["attempts"][0]["status"] == 401


@shows("webhook-signature-over-pretty-json")
def _(here: World) -> None:
    (delivery,) = changed(here)
    pretty = json.dumps(json.loads(body_of(delivery)), indent=4).encode()
    assert delivery["attempts"][0]["signature"] == sign(here.built.shared_secret, pretty)
    assert pretty != body_of(delivery)


@shows("webhook-signature-without-prefix")
def _(here: World) -> None:
    (delivery,) = changed(here)
    assert f"sha256={delivery['attempts'][0]['signature']}" == sign(here.built.shared_secret, body_of(delivery))


@shows("webhook-not-retried")
def _(here: World) -> None:
    here.arm("webhook-answers-503", app=TUVENS_API, times=1)
    changed(here)
    here.advance(100)
    assert [(each["state"], each["attempts_made"]) for each in here.delivered()] == [("failed", 1)]


@shows("webhook-retried-on-4xx")
def _(here: World) -> None:
    here.arm("webhook-answers-400", app=TUVENS_API, times=1)
    changed(here)
    here.advance(2)
    assert [(each["state"], each["attempts_made"]) for each in here.delivered()] == [("delivered", 2)]


@shows("webhooks-out-of-order")
def _(here: World) -> None:
    changed(here, "LIVE", "CANCELLED")
    here.advance(2)
    arrived = here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    told = [json.loads(each["request_body"])["payload"]["status"] for each in arrived]
    assert told == ["CANCELLED", "LIVE"]


@shows("webhook-sent-twice-with-different-bodies")
def _(here: World) -> None:
    here.arm("webhook-answers-503", app=TUVENS_API, times=1)
    changed(here)
    here.advance(2)
    arrived = here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    first, second = (json.loads(each["request_body"]) for each in arrived)
    assert first["event_sent_at"] < second["event_sent_at"]
    assert first["payload"] == second["payload"]
    assert all(each["signature_valid"] for each in arrived)


@shows("session-token-in-delivery")
def _(here: World) -> None:
    token = here.session_token()
    here.change(here.sign_in(token).json()["token"], 11, "LIVE")
    (listed,) = here.delivered()
    assert token in here.delivery(listed["id"])["body"]
    assert token not in str(here.control("GET", "/journal"))


@shows("session-token-stays-in-address")
def _(here: World) -> None:
    answer = here.open_page(session_token=here.session_token())
    assert answer.status_code == 200
    assert answer.headers["referrer-policy"] == "unsafe-url"


@shows("session-cookie-for-one-page")
def _(here: World) -> None:
    answer = here.open_page(session_token=here.session_token())
    assert "; Path=/auth;" in answer.headers["set-cookie"]


@shows("embed-forbids-frames")
def _(here: World) -> None:
    for path in ("/widget/11", "/event/11/evening-11/embed"):
        assert here.call("GET", path).headers["x-frame-options"] == "DENY"


def ask_permission(here: World, bearer: str | None, **asked: object) -> httpx.Response:
    return here.call("POST", "/auth/cross-app/validate-permission", bearer, asked)


def made(here: World) -> dict[str, str]:
    """What the page says on its way back from making an event."""
    return location(here.open_to_create(here.session_token()))


def arrived(here: World) -> list[Any]:
    """The webhooks that came to tuvens-api."""
    exchanges = here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    return [json.loads(each["request_body"]) for each in exchanges]


def crowd(here: World) -> list[tuple[str, dict[str, Any]]]:
    """(Tuvens user, answered user) of many who sign in at once."""
    names = [str(number) for number in range(101, 117)]
    tokens = [here.session_token(name) for name in names]

    async def at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            address = f"{here.hi}/auth/cross-app/validate"
            return await asyncio.gather(*(client.post(address, json={"session_token": each}) for each in tokens))

    return [(name, each.json()["user"]) for name, each in zip(names, asyncio.run(at_once()), strict=True)]


@shows("accounts-open-without-bearer")
def _(here: World) -> None:
    assert here.call("GET", "/auth/cross-app/accounts").json() == {"accounts": []}


@shows("permission-open-without-bearer")
def _(here: World) -> None:
    assert ask_permission(here, None, permission="create_events").json() == {"has_permission": False}


@shows("validation-sent-without-the-secret")
def _(here: World) -> None:
    assert here.sign_in(here.session_token()).status_code == 401


@shows("missing-token-answers-500")
def _(here: World) -> None:
    assert here.sign_in(None).status_code == 500


@shows("session-token-cut-to-its-column")
def _(here: World) -> None:
    assert user_id(here.sign_in(here.session_token() + "A")) > 0


@shows("refusal-after-a-quiet-minute-answers-403")
def _(here: World) -> None:
    assert here.sign_in("x").status_code == 401
    here.advance(61)
    assert [here.sign_in("x").status_code for _ in range(2)] == [403, 401]


@shows("upstream-silence-answers-500")
def _(here: World) -> None:
    here.arm("tuvens-api-hangs", app=TUVENS_API)
    asked: list[int] = []
    caller = threading.Thread(target=lambda: asked.append(here.sign_in("x").status_code))
    caller.start()
    while caller.is_alive():
        here.advance(30)
        caller.join(0.05)
    assert asked == [500]


@shows("upstream-failure-answers-401")
def _(here: World) -> None:
    here.arm("tuvens-api-answers-500", app=TUVENS_API)
    assert here.sign_in("x").json()["error"] == "UNAUTHORIZED"


@shows("upstream-failure-answers-502")
def _(here: World) -> None:
    here.arm("tuvens-api-answers-500", app=TUVENS_API)
    assert here.sign_in("x").status_code == 502


@shows("failed-token-stays-refused")
def _(here: World) -> None:
    token = here.session_token()
    here.arm("tuvens-api-answers-500", app=TUVENS_API)
    here.sign_in(token)
    here.disarm("tuvens-api-answers-500", app=TUVENS_API)
    assert here.sign_in(token).status_code == 401
    here.advance(601)
    assert here.sign_in(token).status_code == 200


@shows("users-mixed-up-in-a-crowd")
def _(here: World) -> None:
    assert any(name != user["external_user_id"] for name, user in crowd(here))


@shows("users-share-a-row-in-a-crowd")
def _(here: World) -> None:
    found = crowd(here)
    assert all(name == user["external_user_id"] for name, user in found)
    assert len({user["id"] for _, user in found}) < len(found)


@shows("session-never-ends")
def _(here: World) -> None:
    bearer = here.bearer()
    here.advance(3601)
    assert here.call("GET", "/auth/cross-app/status", bearer).status_code == 200


@shows("ill-formed-permission-is-false")
def _(here: World) -> None:
    assert ask_permission(here, here.bearer(), permission=5).json() == {"has_permission": False}


@shows("ill-formed-permission-answers-400")
def _(here: World) -> None:
    assert ask_permission(here, here.bearer(), permission=5).status_code == 400


@shows("denial-remembered-by-its-name")
def _(here: World) -> None:
    bearer = here.bearer()
    answers = [
        ask_permission(here, bearer, permission=name, resource_id=number).json()["has_permission"]
        for name, number in (("manage_ticketing", 61), ("manage_ticketing", 11), ("create_events", 11))
    ]
    assert answers == [False, False, True]


@shows("change-made-before-the-refusal")
def _(here: World) -> None:
    assert here.change("nobody", 11, "LIVE").status_code == 401
    assert here.call("GET", "/events/11", here.bearer()).json()["status"] == "LIVE"


@shows("archived-is-no-status")
def _(here: World) -> None:
    assert here.change(here.bearer(), 11, "ARCHIVED").status_code == 422


@shows("page-leads-to-the-new-event")
def _(here: World) -> None:
    assert here.open_to_create(here.session_token()).headers["location"].startswith("/event/")


@shows("return-parameters-new-only")
def _(here: World) -> None:
    assert set(made(here)) == {"status", "event_id", "hi_events_event_id", "account_id"}


@shows("page-asks-no-permission")
def _(here: World) -> None:
    assert location(here.open_to_create(here.session_token(), "61"))["status"] == "success"


@shows("error-code-of-http")
def _(here: World) -> None:
    assert location(here.open_to_create(here.session_token(), "61"))["error_code"] == "FORBIDDEN"


@shows("webhook-without-content-type")
def _(here: World) -> None:
    changed(here, "LIVE", "ARCHIVED")
    exchanges = here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    assert [dict(each["request_headers"]).get("content-type") for each in exchanges] == [
        "application/json",
        None,
    ]


@shows("ended-not-sent")
def _(here: World) -> None:
    assert [json.loads(each["body"])["payload"]["status"] for each in changed(here, "LIVE", "ENDED")] == ["LIVE"]


@shows("webhook-not-sent-for-events-of-the-page")
def _(here: World) -> None:
    data = json.dumps({"title": "Evening", "timezone": "UTC"})
    token = here.session_token()
    number = int(location(here.open_to_create(token, event_data=data))["hi_events_event_id"])
    assert here.change(here.bearer(), number, "LIVE").status_code == 200
    assert here.delivered() == []
    assert len(changed(here)) == 1


@shows("draft-told-twice")
def _(here: World) -> None:
    bodies = [json.loads(each["body"]) for each in changed(here, "LIVE", "DRAFT")]
    assert [each["payload"]["status"] for each in bodies] == ["LIVE", "DRAFT", "DRAFT"]
    assert len({each["event_sent_at"] for each in bodies}) == 3


@shows("refused-status-sent")
def _(here: World) -> None:
    bearer = here.bearer()
    assert here.change(bearer, 11, "PAUSED").status_code == 422
    assert here.call("GET", "/events/11", bearer).json()["status"] == "DRAFT"
    here.delivered()
    assert [each["payload"]["status"] for each in arrived(here)] == ["PAUSED"]


@shows("pauses-between-retries-shrink")
def _(here: World) -> None:
    here.freeze()
    here.arm("webhook-answers-503", app=TUVENS_API, times=2)
    changed(here)
    here.advance(100)
    (listed,) = here.delivered()
    first, second, third = (each["started_at"] for each in here.delivery(listed["id"])["attempts"])
    assert [second - first, third - second] == [8, 4]


@shows("deliveries-hurry")
def _(here: World) -> None:
    with here.silent_webhooks(1):
        (delivery,) = changed(here, "LIVE")
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("pending", [None])
    assert delivery["attempts"][0]["error"] == "no answer within 1 s"


@shows("delivery-given-up-on-time-out")
def _(here: World) -> None:
    here.arm("deliveries-hurry")
    with here.silent_webhooks(1):
        (delivery,) = changed(here, "LIVE")
    here.disarm("deliveries-hurry")
    assert (delivery["state"], [each["status"] for each in delivery["attempts"]]) == ("failed", [None])


@shows("delivery-given-up-on-429")
def _(here: World) -> None:
    here.control("PUT", "/rate-limits", {"receiveEventStatusChanged": 1}, app=TUVENS_API)
    try:
        changed(here, "LIVE", "ENDED")
        assert [(each["state"], each["attempts_made"]) for each in here.delivered()] == [
            ("delivered", 1),
            ("failed", 1),
        ]
    finally:
        here.control("PUT", "/rate-limits", {"receiveEventStatusChanged": None}, app=TUVENS_API)


@shows("failed-delivery-overtaken")
def _(here: World) -> None:
    here.freeze()
    here.arm("webhook-answers-503", app=TUVENS_API, times=1)
    changed(here, "LIVE", "CANCELLED")
    here.advance(100)
    assert [each["payload"]["status"] for each in arrived(here)] == ["LIVE", "CANCELLED", "LIVE"]


@shows("failed-delivery-sent-again-at-the-end")
def _(here: World) -> None:
    here.freeze()
    here.arm("webhook-answers-503", app=TUVENS_API, times=1)
    changed(here, "LIVE", "CANCELLED")
    here.advance(100)
    told = arrived(here)
    assert [each["payload"]["status"] for each in told] == ["LIVE", "LIVE", "CANCELLED", "LIVE"]
    assert told[0] == told[1]
    assert told[3]["event_sent_at"] > told[2]["event_sent_at"]


@shows("log-says-that-all-went-well")
def _(here: World) -> None:
    here.arm("webhook-answers-400", app=TUVENS_API, times=1)
    (delivery,) = changed(here)
    assert [each["status"] for each in delivery["attempts"]] == [200]


@shows("missing-token-answers-422")
def _(here: World) -> None:
    assert here.sign_in(5).status_code == 422


@shows("validation-cached-for-half-a-minute")
def _(here: World) -> None:
    token = here.session_token()
    here.sign_in(token)
    here.advance(1000, app=TUVENS_API)
    assert here.sign_in(token).status_code == 200
    here.advance(31)
    assert here.sign_in(token).status_code == 401


@shows("same-status-sent-again")
def _(here: World) -> None:
    assert len(changed(here, "LIVE", "LIVE")) == 2


@shows("webhook-written-by-php")
def _(here: World) -> None:
    (delivery,) = changed(here)
    assert body_of(delivery).startswith(b'{\n    "event_type"')
    assert delivery["attempts"][0]["status"] == 200


@shows("webhook-with-more-fields")
def _(here: World) -> None:
    (delivery,) = changed(here)
    assert json.loads(delivery["body"])["payload"]["organizer"] == {"id": 7}
    assert delivery["attempts"][0]["status"] == 200


@shows("wrong-method-answers-404-at-hi-events")
def _(here: World) -> None:
    assert here.call("DELETE", "/auth/cross-app/status").status_code == 404


def _route_missing(operation: str) -> Callable[[World], None]:
    def show(here: World) -> None:
        known = openapi.find(operation)
        assert here.call(known.method, known.path.replace("{id}", "11")).status_code == 404

    return show


MISSING = {
    name: next(iter(fault.kills)).partition(".")[2] for name, fault in FAULTS.items() if name.endswith("-route-missing")
}
SHOWS.update({name: _route_missing(operation) for name, operation in MISSING.items()})


def _answer_altered(name: str) -> Callable[[World], None]:
    def show(here: World) -> None:
        assert _answers(here) != _honest_answers(here, name)

    return show


def _honest_answers(here: World, name: str) -> list[object]:
    armed = any(each["name"] == name and each["armed"] for each in here.control("GET", "/faults")["faults"])
    here.disarm(name)
    found = _answers(here)
    if armed:
        # Arming again would forget how often it fired.
        here.arm(name)
        _answers(here)
    return found


def _answers(here: World) -> list[object]:
    """Answers of all kinds: status, headers that say something, body with what is drawn by chance taken out."""
    signed_in = here.sign_in(here.session_token())
    bearer = signed_in.json()["token"]
    asked = [
        signed_in,
        here.sign_in("x"),
        here.call("GET", "/auth/cross-app/status", bearer),
        here.call("GET", "/auth/cross-app/accounts", bearer),
        ask_permission(here, bearer, permission="create_events"),
        here.change(bearer, 12, "DRAFT"),
        here.call("GET", "/events/12", bearer),
    ]
    volatile: dict[str, Callable[[Any], Any]] = {"expires_at": lambda text: len(text), "token": len}
    return [
        (
            each.status_code,
            each.headers.get("content-type"),
            "x-auth-token" in each.headers,
            {name: volatile.get(name, lambda value: value)(value) for name, value in each.json().items()},
        )
        for each in asked
    ]


BESIDE = {each.name for each in FAULTS.values() if each.suite == "load" or each.name.endswith("-of-hi-events")}
"""The faults that are tested for all applications alike."""
MUTATIONS = sorted(set(FAULTS) - set(SHOWS) - BESIDE)
SHOWS.update({name: _answer_altered(name) for name in MUTATIONS})


@pytest.mark.parametrize("name", SHOWS)
def test_an_armed_fault_shows_and_is_counted(here: World, name: str) -> None:
    here.arm(name)
    SHOWS[name](here)
    described = {each["name"]: each for each in here.control("GET", "/faults")["faults"]}
    assert described[name]["fired"] > 0
    assert here.health()["failures"] == 0
    assert here.health()["contract_problems"] == 0


@pytest.mark.parametrize("name", SHOWS)
def test_without_the_fault_nothing_of_the_kind_shows(here: World, name: str) -> None:
    if name == "validation-cached-for-an-hour":
        here.control("PUT", "/clock", {"now": time.time() + 1})
    with pytest.raises((AssertionError, KeyError, ValueError)):
        SHOWS[name](here)
    assert here.health()["failures"] == 0


def test_every_fault_has_a_sentence_and_stands_in_the_registry_under_its_own_name() -> None:
    for name, fault in FAULTS.items():
        assert ALL_FAULTS[name] is fault
        assert (fault.name, fault.app) == (name, HI_EVENTS)
        assert fault.sentence.endswith(".")
