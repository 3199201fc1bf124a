"""The control plane as a test harness uses it."""

import pytest

from contracts.session_token import wire
from contracts.tuvens_event.wire import get_event
from simulators.kit.ratelimit import rules_of
from tests.simulators.tuvens_api.world import START, TOKEN, World, error_code


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_its_token_every_route_is_401(sqlite: World, header: str | None) -> None:
    headers = () if header is None else (("Authorization", header),)
    for path in ("/ready", "/reset", "/openapi.json", "/nowhere"):
        assert sqlite.request("GET", f"/__crossapp__{path}", *headers).status == 401


def test_it_is_ready_and_has_an_openapi_document_of_its_own(sqlite: World) -> None:
    assert sqlite.control("GET", "/ready") == {"ready": True, "app": "tuvens-api", "edition": "2025-07"}
    document = sqlite.control("GET", "/openapi.json")
    assert "/clock/advance" in document["paths"]


def test_health_counts_requests_and_no_breaches(sqlite: World) -> None:
    before = sqlite.control("GET", "/health")
    sqlite.event()
    after = sqlite.control("GET", "/health")
    assert after["requests"] == before["requests"] + 1
    assert (after["contract_problems"], after["failures"], after["database"]) == (0, 0, "sqlite")


def test_reset_brings_the_seed_back_and_leaves_clock_limits_and_faults(world: World) -> None:
    world.mint()
    world.deliver()
    world.api.limits.configure({"validateSession": 7})
    world.api.faults.arm("sse-not-sent")
    world.api.clock.set(START + 10)
    world.control("POST", "/reset")
    assert world.api.list_sessions() == []
    assert world.event()["ticketing_status"] is None
    assert world.control("GET", "/audit") == {"records": []}
    assert world.control("GET", "/rate-limits")["validateSession"] == 7
    assert world.api.faults.armed("sse-not-sent")
    assert world.control("GET", "/clock")["now"] == START + 10


def test_a_reset_of_everything_restores_seed_state_clock_faults_limits_and_journal(world: World) -> None:
    armed = [each for each in world.api.faults.known if world.api.faults.armed(each)]
    limits = {name: rule.limit for name, rule in rules_of(world.api.document).items()}
    seed = world.control("GET", "/seed")
    world.control("POST", "/seed", {**seed, "hi_events": []})
    world.mint()
    world.api.limits.configure({"validateSession": 7})
    world.api.faults.arm("sse-not-sent")
    world.api.clock.set(START + 10, running=True)
    world.control("POST", "/reset?everything=true")
    assert world.api.list_sessions() == []
    assert world.control("GET", "/seed") == seed
    assert world.control("GET", "/rate-limits") == limits
    assert [each for each in world.api.faults.known if world.api.faults.armed(each)] == armed
    assert world.control("GET", "/clock") == {"now": START, "running": False}
    assert world.control("GET", "/journal")["exchanges"] == []


def test_nothing_of_before_a_reset_is_remembered(world: World) -> None:
    token = world.mint()
    assert world.validate(token).status == 200
    world.deliver()
    assert world.event()["ticketing_status"] == "active"
    world.control("POST", "/reset")
    assert world.validate(token).status == 404
    assert world.event()["ticketing_status"] is None
    world.deliver()
    assert world.event()["ticketing_status"] == "active"
    other = {
        "accounts": [{"id": 123, "name": "As before", "slug": "as-before"}],
        "users": [{"id": 1, "email": "organiser@example.com", "memberships": {}}],
        "events": [],
        "hi_events": [],
    }
    assert world.validate(world.mint()).status == 200
    seed = world.control("GET", "/seed")
    try:
        world.control("POST", "/seed", other)
        refused = world.send(wire.generate_session(world.jwt("organiser@example.com"), 123))
        assert error_code(refused) == "FORBIDDEN"
        assert world.send(get_event("11")).status == 404
    finally:
        world.control("POST", "/seed", seed)


def test_another_seed_can_be_taken(world: World) -> None:
    seed = world.control("GET", "/seed")
    other = {
        "accounts": [{"id": 7, "name": "Seven", "slug": "seven"}],
        "users": [{"id": 9, "email": "nina@example.com", "memberships": {"7": ["create_events"]}}],
        "events": [],
        "hi_events": [],
    }
    try:
        assert world.control("POST", "/seed", other) == {"seeded": True}
        session = wire.read_session_user(world.validate(world.mint("nina@example.com", 7)))
        assert (session.user_id, session.name) == ("9", "nina@example.com")
    finally:
        world.control("POST", "/seed", seed)


def test_a_wrong_seed_is_422_and_names_the_field(sqlite: World) -> None:
    headers = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
    answer = sqlite.request("POST", "/__crossapp__/seed", *headers, body=b'{"accounts": [{"id": "7"}]}')
    assert answer.status == 422
    assert b"accounts[0].id" in answer.body


def test_the_clock_is_read_set_and_advanced(world: World) -> None:
    token = world.mint()
    assert world.control("GET", "/clock") == {"now": START, "running": False}
    moved = world.control("POST", "/clock/advance", {"seconds": 960})
    assert moved["now"] == START + 960
    assert moved["fired"] == 960 // 15 + 960 // 60
    assert world.validate(token).status == 404
    assert world.api.list_sessions() == []
    assert world.control("PUT", "/clock", {"now": START})["now"] == START


def test_faults_are_listed_armed_counted_and_disarmed(sqlite: World) -> None:
    (fault,) = [each for each in sqlite.control("GET", "/faults")["faults"] if each["name"] == "user-id-is-a-number"]
    assert (fault["armed"], fault["app"], fault["kind"]) == (False, "tuvens-api", "fault")
    sqlite.control("PUT", "/faults/user-id-is-a-number", {"times": 1})
    token = sqlite.mint()
    assert b'"user_id":1,' in sqlite.validate(token).body
    assert b'"user_id":"1",' in sqlite.validate(token).body
    fault = sqlite.control("DELETE", "/faults/user-id-is-a-number")
    assert (fault["armed"], fault["fired"]) == (False, 1)
    sqlite.control("PUT", "/faults/sse-not-sent")
    sqlite.control("DELETE", "/faults")
    assert not sqlite.api.faults.armed("sse-not-sent")


def test_an_unknown_fault_is_404(sqlite: World) -> None:
    for method in ("PUT", "DELETE"):
        answer = sqlite.request(method, "/__crossapp__/faults/nonsense", ("Authorization", f"Bearer {TOKEN}"))
        assert answer.status == 404


def test_the_journal_tells_what_came_and_can_be_filtered(sqlite: World) -> None:
    sqlite.event()
    sqlite.deliver()
    sqlite.send(wire.validate_session(sqlite.secret, "x").with_header("User-Agent", "hi.events/1.0"))
    last = sqlite.control("GET", "/journal")["last"]
    (webhook,) = sqlite.control("GET", "/journal?operation=receiveEventStatusChanged")["exchanges"]
    assert (webhook["status"], webhook["direction"], webhook["callee"]) == (200, "in", "tuvens-api")
    assert webhook["signature_valid"] is True
    assert '"tuvens_event_id":"11"' in webhook["request_body"]
    (call,) = sqlite.control("GET", "/journal?caller=hi.events")["exchanges"]
    assert (call["operation"], call["problems"], call["number"]) == ("validateSession", [], last)
    assert sqlite.control("GET", f"/journal?after={last}")["exchanges"] == []
    assert len(sqlite.control("GET", "/journal?wait=5&min=3")["exchanges"]) == 3


def test_a_wrong_signature_is_noted_in_the_journal(sqlite: World) -> None:
    sqlite.request("POST", "/api/webhooks/hi-events/event-status-changed", body=b"{}")
    (webhook,) = sqlite.control("GET", "/journal")["exchanges"]
    assert (webhook["signature_valid"], webhook["status"]) == (False, 401)


def test_rate_limits_are_changed_lifted_and_cleared(sqlite: World) -> None:
    table = sqlite.control("PUT", "/rate-limits", {"validateSession": 1, "generateSession": None})
    assert (table["validateSession"], table["generateSession"]) == (1, None)
    assert [sqlite.validate("x").status for _ in range(2)] == [404, 429]
    sqlite.control("PUT", "/rate-limits", {"validateSession": 1})
    assert sqlite.validate("x").status == 404
    headers = (("Authorization", f"Bearer {TOKEN}"), ("Content-Type", "application/json"))
    for body in (b'{"nonsense": 1}', b'{"validateSession": 0}', b'{"validateSession": "x"}'):
        assert sqlite.request("PUT", "/__crossapp__/rate-limits", *headers, body=body).status == 422


def test_what_tuvens_api_does_not_have_is_404(sqlite: World) -> None:
    for path in ("/deliveries", "/deliveries/1"):
        answer = sqlite.request("GET", f"/__crossapp__{path}", ("Authorization", f"Bearer {TOKEN}"))
        assert answer.status == 404
        assert b"tuvens-api" in answer.body


def test_sessions_are_told_by_fingerprint(world: World) -> None:
    token = world.mint()
    (session,) = world.control("GET", "/sessions")["sessions"]
    assert token not in str(session)
    assert (session["user_id"], session["account_id"], session["expires_at"]) == ("1", 123, START + 900)
