"""What requests may do, told by their bytes, and what is sent of them: a production is never attacked."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest

import openapi
from contracts.changes import CLEAN_UP
from contracts.client_session.wire import come_back, wrap_generate_session
from contracts.gate import Gate, anything
from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire
from contracts.tuvens_event.wire import get_event, update_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.change_journal import ChangeJournal
from harness.deployment import Deployment, Kind, Linked, Safety, Target, User
from harness.effects import EVERYTHING, PROFILES, Effect, NotAllowedError
from harness.history import SHARED
from harness.http import Answer, Call
from harness.traffic_limits import TargetGoneError
from scenarios.catalogue import declared_by

SECRET = "a-shared-secret-of-nobody"
TOKEN = "T" * 40
DEPLOYMENT = Deployment(
    "d",
    "2025-07",
    {
        app: Target(app, f"https://{app}.example", f"https://{app}.example", "production")
        for app in ("tuvens-api", "hi.events", "tuvens-client")
    },
    (User("organiser", "jwt-of-the-organiser", 123, test=True),),
    SECRET,
    events=("11", "12"),
    linked=(Linked("7", "11"), Linked("8", "12")),
    test_events=("11",),
    safety=Safety(exhaust_rate_limits=False, change_events=True, fuzz=False),
)
JWT = DEPLOYMENT.users[0].jwt
ORIGIN = "https://tuvens-client.example"


def webhook(event: str = "11", *, secret: str = SECRET) -> Call:
    body = status_changed_body(
        event_id=7, title="Evening", status="LIVE", tuvens_event_id=event, sent_at="2026-01-01T00:00:00.000Z"
    )
    return event_status_changed(body, sign(secret, body))


def page(token: str, **params: str) -> Call:
    about = {"account_id": "123", "event_id": "11", "app_id": "tuvens", "timestamp": "1"}
    return hi_wire.open_page({"session_token": token, "return_url": f"{ORIGIN}/hi-events/callback", **about, **params})


def gate(deployment: Deployment = DEPLOYMENT, story: Sequence[Effect] | None = tuple(EVERYTHING)) -> Gate:
    found = Gate(deployment, lambda _: None if story is None else frozenset(story))
    list(found.learn(wire.generate_session(JWT, 123), Answer(200, (), f'{{"session_token": "{TOKEN}"}}'.encode())))
    return found


def effects(call: Call, *, by_page: bool = False) -> tuple[str, set[str]]:
    """As whom a staging gets a call, and with which effects."""
    staging = {app: replace(each, kind="staging") for app, each in DEPLOYMENT.targets.items()}
    found = gate(replace(DEPLOYMENT, targets=staging, events=("11",), linked=DEPLOYMENT.linked[:1]))
    asyncio.run(found.admit("story/step", _app(call), call, by_page=by_page))
    return found.sent[0].user, {str(each) for each in found.sent[0].effects}


def _app(call: Call) -> str:
    return openapi.find(call.operation).app if call.operation else "tuvens-api"


RIGHT: list[tuple[Call, str, str]] = [
    (get_event("11"), "nobody", "read"),
    (wire.validate_session(SECRET, TOKEN), "hi.events", "read"),
    (wire.list_user_accounts(SECRET, TOKEN), "hi.events", "read"),
    (wire.validate_permission(SECRET, TOKEN, "launch_rockets", 5), "hi.events", "read"),
    (wire.validate_session(None, TOKEN), "organiser", "read"),
    (hi_wire.session_status(None), "nobody", "read"),
    (wire.generate_session(JWT, 123), "organiser", "mint"),
    (wrap_generate_session(JWT, 123), "organiser", "mint"),
    (hi_wire.sign_in(TOKEN), "organiser", "mint"),
    (page(TOKEN), "organiser", "mint"),
    (page(TOKEN, action="create_event"), "organiser", "change"),
    (update_event(JWT, "11", {"hasTicketing": True, "hiEventsEventId": "7"}), "organiser", "change"),
    (webhook(), "hi.events", "change"),
    (come_back(JWT, {"status": "cancelled", "event_id": "11"}), "nobody", "read"),
    (Call("", "GET", "/no-such-path"), "nobody", "read"),
    (replace(update_event(None, "11", {}), method="OPTIONS"), "nobody", "read"),
]
WRONG: list[tuple[Call, str]] = [
    (wire.validate_session(SECRET[:-1], TOKEN), "forge"),
    (wire.validate_session(SECRET, TOKEN[:-1]), "forge"),
    (wire.validate_session(SECRET, "' OR '1'='1"), "forge malformed"),
    (wire.validate_session(SECRET, 5), "forge malformed"),
    (wire.validate_session(SECRET, TOKEN).with_body(b'{"session_token":'), "read malformed"),
    (wire.validate_session(SECRET, TOKEN).with_body(b"{}" + b" " * 100_000), "read malformed"),
    (wire.validate_permission(SECRET, TOKEN, "<script>alert(1)</script>"), "read malformed"),
    (wire.list_user_accounts(SECRET, None), "read malformed"),
    (hi_wire.session_status("made-up"), "forge"),
    (wire.generate_session(None, 123), "forge"),
    (wire.generate_session("another-jwt", 123), "forge"),
    (wire.generate_session(JWT, 124), "forge"),
    (wrap_generate_session("another-jwt", 123), "forge"),
    (page("unknown"), "forge"),
    (page(TOKEN, return_url="https://evil.example/callback"), "mint malformed"),
    (page(TOKEN, event_id="12", action="create_event"), "forge"),
    (update_event(None, "11", {}), "forge"),
    (update_event(JWT, "12", {"hasTicketing": True}), "forge"),
    (webhook(secret="another"), "forge"),
    (webhook("12"), "forge"),
    (get_event("../../etc/passwd"), "read malformed"),
    (Call("", "POST", "/no-such-path", (), b"{}"), "malformed"),
    (Call("", "DELETE", "/api/events/11"), "methods"),
    (replace(get_event("11"), method="DELETE"), "read methods"),
]


@pytest.mark.parametrize(("call", "user", "effect"), RIGHT)
def test_a_right_request_has_one_effect_and_a_user(call: Call, user: str, effect: str) -> None:
    assert effects(call) == (user, {effect})


@pytest.mark.parametrize(("call", "expected"), WRONG)
def test_a_wrong_request_is_an_attack_of_its_kind(call: Call, expected: str) -> None:
    assert effects(call)[1] == set(expected.split())


@pytest.mark.parametrize("call", [call for call, _ in WRONG])
def test_a_production_gets_nothing_wrong(call: Call) -> None:
    found = gate()
    with pytest.raises(NotAllowedError, match=r"not sent: .* not decided: production is not attacked"):
        asyncio.run(found.admit("a_story/step", _app(call), call))
    assert found.sent == []
    assert "a_story" in found.refused


@pytest.mark.parametrize("call", [call for call, _, _ in RIGHT])
def test_a_production_gets_what_is_right(call: Call) -> None:
    found = gate()
    asyncio.run(found.admit("a_story/step", _app(call), call))
    assert len(found.sent) == 1
    assert found.refused == {}


def test_a_request_beyond_the_declaration_of_its_story_is_not_sent_and_the_story_is_named() -> None:
    found = gate(story=[Effect.READ])
    with pytest.raises(NotAllowedError) as refused:
        asyncio.run(found.admit("a_story/step", "tuvens-api", wire.generate_session(JWT, 123)))
    assert "POST generateSession at tuvens-api (mint): the story a_story does not declare mint" in str(refused.value)
    assert found.refused == {"a_story": str(refused.value)}
    assert JWT not in str(refused.value)


@pytest.mark.parametrize("kind", ["local", "staging", "production"])
def test_a_story_without_a_declaration_talks_to_simulators_only(kind: str) -> None:
    def admitted(kind: str) -> None:
        target = replace(DEPLOYMENT.targets["tuvens-api"], kind=kind)
        found = gate(replace(DEPLOYMENT, targets={"tuvens-api": target}), story=None)
        asyncio.run(found.admit("a_story/step", "tuvens-api", get_event("11")))

    admitted("simulated")
    with pytest.raises(NotAllowedError, match="a_story does not declare what it may do"):
        admitted(kind)


def test_an_event_that_the_page_made_may_be_changed() -> None:
    found, call = gate(), hi_wire.set_event_status("B" * 40, "99", "LIVE")
    list(found.learn(hi_wire.sign_in(TOKEN), Answer(200, (), b'{"token": "' + b"B" * 40 + b'"}')))
    with pytest.raises(NotAllowedError):
        asyncio.run(found.admit("s/x", "hi.events", call))
    found.owns(Linked("99", "11"))
    asyncio.run(found.admit("s/x", "hi.events", call))
    assert found.sent[0].user == "organiser"


def test_pages_write_their_requests_themselves_but_change_only_what_may_be_changed() -> None:
    assert effects(update_event("a-jwt-of-the-page", "11", {"odd": 1}), by_page=True) == ("a page", {"change"})
    with pytest.raises(NotAllowedError):
        asyncio.run(gate().admit("s/x", "tuvens-api", update_event(JWT, "12", {}), by_page=True))


def test_no_more_is_sent_than_the_budget_and_it_is_sent_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(round(seconds, 3))

    monkeypatch.setattr("contracts.gate.asyncio.sleep", wait)
    monkeypatch.setattr("contracts.gate.time.monotonic", lambda: 100.0)
    safety = replace(DEPLOYMENT.safety, requests_a_second=4.0, most_requests=3)
    found = Gate(replace(DEPLOYMENT, safety=safety), anything)

    async def send() -> None:
        await found.admit("s/x", "tuvens-api", get_event("11"))

    for _ in range(3):
        asyncio.run(send())
    assert waited == [0.0, 0.25, 0.5]
    with pytest.raises(TargetGoneError, match="3 requests were sent, as many as safety"):
        asyncio.run(send())


def test_every_kind_has_a_profile() -> None:
    assert set(PROFILES) == set(get_args(Kind))


def test_what_undoes_changes_is_no_attack_either_and_is_not_kept_from_it_by_the_budget() -> None:
    found = Gate(replace(DEPLOYMENT, safety=replace(DEPLOYMENT.safety, most_requests=1)), declared_by)
    asyncio.run(found.admit(f"{SHARED}/x", "tuvens-api", get_event("11")))
    with pytest.raises(TargetGoneError):
        asyncio.run(found.admit(f"{SHARED}/x", "tuvens-api", get_event("11")))
    asyncio.run(found.admit(f"{CLEAN_UP}/x", "tuvens-api", update_event(JWT, "11", {"hasTicketing": False})))
    for call in (update_event(JWT, "12", {"hasTicketing": False}), webhook(secret="another-secret-of-nobody")):
        with pytest.raises(NotAllowedError):
            asyncio.run(found.admit(f"{CLEAN_UP}/x", "tuvens-api", call))


def test_what_a_request_may_change_is_noted_before_it_is_sent() -> None:
    journal = ChangeJournal(DEPLOYMENT.targets)
    found = Gate(DEPLOYMENT, anything, EVERYTHING, journal=journal)
    list(found.learn(wire.generate_session(JWT, 123), Answer(200, (), f'{{"session_token": "{TOKEN}"}}'.encode())))
    sent = [
        get_event("11"),
        update_event(None, "11", {}),  # is refused: nothing is known to be changed
        wire.generate_session(JWT, 123),
        page(TOKEN, action="create_event"),
        hi_wire.set_event_status("B" * 40, "7", "LIVE"),
    ]
    noted = []
    for call in sent:
        asyncio.run(found.admit("s/x", _app(call), call))
        noted.append(sorted(journal.changed))
        journal.found("hi.events", "7", {"status": "DRAFT"})
    assert noted == [[], [], [], [("tuvens-api", "11")], [("hi.events", "7"), ("tuvens-api", "11")]]
    assert {app: each.count for app, each in journal.sessions.items()} == {"tuvens-api": 1, "hi.events": 1}
    location = (("Location", f"{ORIGIN}/hi-events/callback?status=success&hi_events_event_id=31"),)
    list(found.learn(page(TOKEN, action="create_event"), Answer(302, location, b"")))
    assert journal.drafts == {"31": "11"}
