"""Outgoing webhooks: what is sent, how often, in which order, and what survives."""

import base64
import hashlib
import hmac
import json
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import pytest

from simulators.launch import HI_EVENTS, TUVENS_API, LaunchOptions
from tests.simulators.hi_events.world import Answer, Peer, World, peer, wait_until, world

OK: Answer = (200, {"Content-Type": "application/json"}, b'{"success": true, "message": "ok"}')
PAUSES = (1, 5, 25, 120, 600, 3600)


def signed(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def answering(*statuses: int | None) -> list[Answer | None]:
    return [None if each is None else (each, {}, b"{}") for each in statuses]


def test_a_delivery_is_signed_over_the_bytes_that_arrive(anywhere: World) -> None:
    anywhere.change(anywhere.bearer(), 11, "LIVE")
    (listed,) = anywhere.delivered()
    delivery = anywhere.delivery(listed["id"])
    body = base64.b64decode(delivery["body_base64"])
    (attempt,) = delivery["attempts"]
    assert attempt["signature"] == signed(anywhere.built.shared_secret, body)
    assert (attempt["status"], attempt["signature_valid"], listed["state"]) == (200, True, "delivered")
    sent = json.loads(body)
    assert sent["event_type"] == "event.status_changed"
    assert sent["payload"] == {"id": 11, "title": "Evening 11", "status": "LIVE", "tuvens_event_id": "11"}
    arrived = anywhere.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    assert arrived[-1]["request_body"] == body.decode()
    assert arrived[-1]["signature_valid"] is True


def test_each_attempt_is_journaled_with_the_truth_about_its_signature(here: World) -> None:
    here.change(here.bearer(), 11, "LIVE")
    here.delivered()
    (kept,) = here.control("GET", "/journal?operation=receiveEventStatusChanged")["exchanges"]
    assert (kept["direction"], kept["callee"], kept["signature_valid"]) == ("out", "tuvens-api", True)
    assert here.built.shared_secret not in str(kept)


@pytest.mark.parametrize("failure", [500, 502, 503, 429, None])
def test_a_failed_delivery_is_tried_again_with_growing_pauses(lonely: tuple[World, Peer], failure: int | None) -> None:
    here, tuvens = lonely
    here.freeze()
    failures = answering(failure) * 2
    tuvens.vouches(lambda: failures.pop() if failures else OK)
    here.change(here.bearer(), 11, "LIVE")
    (first,) = here.delivered()
    assert (first["state"], first["attempts_made"]) == ("pending", 1)
    here.advance(1)
    here.advance(4.9)
    assert len(tuvens.webhooks()) == 2
    here.advance(0.1)
    (listed,) = here.delivered()
    assert (listed["state"], listed["attempts_made"]) == ("delivered", 3)
    assert len({body for _, body in tuvens.webhooks()}) == 1
    assert len({headers["x-hi-events-signature"] for headers, _ in tuvens.webhooks()}) == 1


def test_a_refused_connection_is_tried_again(here: World) -> None:
    bearer = here.bearer()
    here.arm("webhook-answers-503", app=TUVENS_API, times=1)
    here.change(bearer, 11, "CANCELLED")
    assert here.delivered()[0]["state"] == "pending"
    here.advance(1.1)
    assert here.delivered()[0]["state"] == "delivered"
    assert here.tuvens_event("11")["ticketing_status"] == "inactive"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 302])
def test_a_refused_delivery_is_not_tried_again(lonely: tuple[World, Peer], status: int) -> None:
    here, tuvens = lonely
    tuvens.vouches(lambda: (status, {}, b"{}"))
    here.change(here.bearer(), 11, "LIVE")
    assert here.delivered()[0]["state"] == "failed"
    here.advance(100_000)
    assert len(tuvens.webhooks()) == 1


def test_one_advance_fires_every_retry_in_its_span_and_then_gives_up(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.vouches(lambda: (503, {}, b"{}"))
    here.change(here.bearer(), 11, "LIVE")
    here.advance(sum(PAUSES) + 10)
    (listed,) = here.delivered()
    assert (listed["state"], listed["attempts_made"]) == ("failed", len(PAUSES) + 1)
    times = [each["started_at"] for each in here.delivery(listed["id"])["attempts"]]
    pauses = [after - before for before, after in pairwise(times)]
    assert [round(each) for each in pauses] == list(PAUSES)


def test_retry_after_is_waited_for(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    here.freeze()
    answers: list[Answer] = [OK, (429, {"Retry-After": "40"}, b"{}")]
    tuvens.vouches(answers.pop)
    here.change(here.bearer(), 11, "LIVE")
    here.advance(39.9)
    assert len(tuvens.webhooks()) == 1
    here.advance(0.1)
    assert len(tuvens.webhooks()) == 2


def test_changes_of_one_event_arrive_in_order_even_if_the_first_fails(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    failures = answering(503, 503)
    tuvens.vouches(lambda: failures.pop() if failures else OK)
    bearer = here.bearer()
    for status in ("LIVE", "CANCELLED", "ENDED"):
        here.change(bearer, 11, status)
    here.advance(10)
    assert tuvens.told() == [(11, "LIVE")] * 3 + [(11, "CANCELLED"), (11, "ENDED")]
    sent = [json.loads(body)["event_sent_at"] for _, body in tuvens.webhooks()]
    assert sent == sorted(sent)
    assert len(set(sent)) == 3


def test_a_delivery_that_failed_for_good_does_not_hold_up_the_next(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    answers: list[Answer] = [OK, (400, {}, b"{}")]
    tuvens.vouches(answers.pop)
    bearer = here.bearer()
    here.change(bearer, 11, "LIVE")
    here.change(bearer, 11, "ENDED")
    assert [each["state"] for each in here.delivered()] == ["failed", "delivered"]


def test_events_do_not_wait_for_each_other() -> None:
    with peer() as tuvens:
        options = LaunchOptions(only=(HI_EVENTS,), tuvens_url=tuvens.url, webhook_timeout=20)
        with world(options) as here:
            tuvens.vouches(lambda: None if tuvens.told()[-1][0] == 11 else OK)
            bearer = here.bearer()
            here.change(bearer, 11, "LIVE")
            wait_until(lambda: len(tuvens.webhooks()) == 1)
            here.change(bearer, 12, "LIVE")
            wait_until(
                lambda: (
                    [each["state"] for each in here.control("GET", "/deliveries")["deliveries"]]
                    == ["pending", "delivered"]
                )
            )


def test_changes_within_a_millisecond_have_different_times(here: World) -> None:
    bearer = here.bearer()
    here.freeze()
    for status in ("LIVE", "ENDED", "LIVE"):
        here.change(bearer, 11, status)
    sent = [each["event_sent_at"] for each in here.delivered()]
    assert sent == sorted(set(sent))
    assert here.tuvens_event("11")["ticketing_status"] == "active"


def test_a_replay_sends_the_same_bytes_once_more(here: World) -> None:
    here.change(here.bearer(), 11, "LIVE")
    (listed,) = here.delivered()
    replayed = here.control("POST", f"/deliveries/{listed['id']}/replay")
    assert (replayed["attempt"]["status"], replayed["attempt"]["replay"]) == (200, True)
    attempts = here.delivery(listed["id"])["attempts"]
    assert [each["number"] for each in attempts] == [1, 2]
    arrived = here.control("GET", "/journal?operation=receiveEventStatusChanged", app=TUVENS_API)["exchanges"]
    assert arrived[0]["request_body"] == arrived[1]["request_body"]


def test_the_control_plane_knows_no_delivery_that_is_not_there(here: World) -> None:
    headers = {"Authorization": f"Bearer {here.built.control_tokens['hi.events']}"}
    assert here.client.get(f"{here.hi}/__crossapp__/deliveries/999", headers=headers).status_code == 404
    assert here.client.post(f"{here.hi}/__crossapp__/deliveries/999/replay", headers=headers).status_code == 404


def test_a_reset_breaks_off_an_attempt_and_forgets_it(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.vouches(lambda: None)
    here.change(here.bearer(), 11, "LIVE")
    wait_until(lambda: len(tuvens.webhooks()) == 1)
    here.control("POST", "/reset")
    tuvens.vouches(lambda: OK)
    here.change(here.bearer(), 11, "CANCELLED")
    (listed,) = here.delivered()
    assert (listed["state"], listed["attempts_made"]) == ("delivered", 1)
    assert tuvens.told() == [(11, "LIVE"), (11, "CANCELLED")]


def test_an_event_that_is_not_linked_sends_nothing(here: World) -> None:
    here.arm("event-not-linked")
    back = here.open_to_create(here.session_token(), "39").headers["location"]
    number = int(dict(parse_qsl(urlsplit(back).query))["hi_events_event_id"])
    assert here.change(here.bearer(), number, "LIVE").json()["tuvens_event_id"] is None
    assert here.delivered() == []
