"""The webhook event.status_changed and the event that it changes."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from contracts.times import parse_iso
from contracts.tuvens_event.wire import update_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from tests.simulators.tuvens_api.world import START, World, error_code

BODY = status_changed_body(
    event_id=2, title="Évening 🎵", status="LIVE", tuvens_event_id="11", sent_at="2025-07-25T14:30:00.000Z"
)


@pytest.mark.parametrize(
    ("sent", "ticketing"),
    [
        ("LIVE", "active"),
        ("DRAFT", "setup"),
        ("CANCELLED", "inactive"),
        ("ENDED", "inactive"),
        ("ARCHIVED", "setup"),
        ("SOMETHING_ELSE", "setup"),
        ("live", "setup"),
        ("", "setup"),
        ('\'; DROP TABLE "tuvensEvent"; --', "setup"),
    ],
)
def test_a_status_gives_its_ticketing_status(world: World, sent: str, ticketing: str) -> None:
    answer = world.deliver(sent)
    assert answer.status == 200
    value = answer.json()
    assert isinstance(value, dict)
    assert value["success"] is True
    event = world.event()
    assert (event["ticketing_status"], event["ticketStatus"]) == (ticketing, ticketing)
    assert event["contactData"]["hiEventsStatus"] == sent


def test_the_webhook_leaves_metadata_on_the_event_and_changes_no_other(world: World) -> None:
    others = world.event("12")
    world.api.clock.set(START + 5)
    world.deliver(number=77)
    event = world.event()
    assert event["contactData"]["hiEventsEventId"] == 77
    assert parse_iso(event["contactData"]["hiEventsLastUpdated"]) == START + 5
    assert (event["ticketing_enabled"], event["hi_events_event_id"]) == (True, 77)
    assert world.event("12") == others


def test_a_webhook_does_not_relink_an_event(world: World) -> None:
    world.change({"hasTicketing": True, "hiEventsEventId": "55"})
    world.deliver(number=77)
    assert world.event()["hi_events_event_id"] == "55"


def _hmac(secret: str, algorithm: str, body: bytes = BODY) -> str:
    return hmac.new(secret.encode(), body, algorithm).hexdigest()


WRONG: dict[str, Callable[[str], str | None]] = {
    "absent": lambda secret: None,
    "empty": lambda secret: "",
    "prefix alone": lambda secret: "sha256=",
    "no prefix": lambda secret: _hmac(secret, "sha256"),
    "upper-case hex": lambda secret: "sha256=" + _hmac(secret, "sha256").upper(),
    "upper-case prefix": lambda secret: "SHA256=" + _hmac(secret, "sha256"),
    "cut": lambda secret: "sha256=" + _hmac(secret, "sha256")[:-1],
    "longer": lambda secret: "sha256=" + _hmac(secret, "sha256") + "0",
    "other secret": lambda secret: "sha256=" + _hmac("another", "sha256"),
    "of another body": lambda secret: "sha256=" + _hmac(secret, "sha256", BODY + b" "),
    "sha1": lambda secret: "sha1=" + _hmac(secret, "sha1"),
    "sha512": lambda secret: "sha512=" + _hmac(secret, "sha512"),
    "sha1 as sha256": lambda secret: "sha256=" + _hmac(secret, "sha1"),
    "unkeyed": lambda secret: "sha256=" + hashlib.sha256(BODY).hexdigest(),
    "foreign bytes": lambda secret: "sha256=é",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_signature_is_401_and_changes_nothing(world: World, kind: str) -> None:
    before = world.event()
    answer = world.send(event_status_changed(BODY, WRONG[kind](world.secret)))
    assert (answer.status, error_code(answer)) == (401, "UNAUTHORIZED")
    assert world.event() == before


def test_two_signatures_are_401(sqlite: World) -> None:
    call = event_status_changed(BODY, sign(sqlite.secret, BODY))
    assert sqlite.send(call, ("x-hi-events-signature", sign(sqlite.secret, BODY))).status == 401


def test_a_body_changed_after_signing_is_401(sqlite: World) -> None:
    signature = sign(sqlite.secret, BODY)
    for body in (BODY + b"\n", BODY.replace(b"LIVE", b"ENDED"), BODY.replace(b":", b": "), b""):
        assert sqlite.send(event_status_changed(body, signature)).status == 401


def _value(**changes: object) -> dict[str, object]:
    payload = {"id": 2, "title": "T", "status": "LIVE", "tuvens_event_id": "11"}
    return {
        "event_type": "event.status_changed",
        "event_sent_at": "2025-07-25T14:30:00.000Z",
        "payload": {**payload, **changes},
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"{}",
        b'{"event_type": NaN}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"\xff\xfe",
        b"1" * 5000,
        b"1e999",
        json.dumps(_value(status="\x00")).encode(),
        json.dumps(_value(title="\ud800")).encode(),
        json.dumps({**_value(), "\x00": 1}).encode(),
        json.dumps({**_value(), "deep": json.loads("[" * 80 + "]" * 80)}).encode(),
        json.dumps({**_value(), "event_type": "event.deleted"}).encode(),
        json.dumps({**_value(), "event_sent_at": "yesterday"}).encode(),
        json.dumps({**_value(), "event_sent_at": "2025-07-25T14:30:00+02:00"}).encode(),
        json.dumps({**_value(), "event_sent_at": "2025-02-30T14:30:00Z"}).encode(),
        json.dumps({**_value(), "event_sent_at": "0000-01-01T00:00:00Z"}).encode(),
        json.dumps({**_value(), "event_sent_at": 1753453800}).encode(),
        json.dumps({**_value(), "payload": []}).encode(),
        json.dumps(_value(id="2")).encode(),
        json.dumps(_value(id=2**70)).encode(),
        json.dumps(_value(id=None)).encode(),
        json.dumps(_value(status=None)).encode(),
        json.dumps(_value(status=7)).encode(),
        json.dumps(_value(tuvens_event_id=11)).encode(),
    ],
    ids=range(29),
)
def test_signed_but_malformed_is_400_and_unsigned_is_401(world: World, body: bytes) -> None:
    assert world.send(event_status_changed(body, None)).status == 401
    answer = world.send_signed(body)
    assert (answer.status, error_code(answer)) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("field", ["event_type", "event_sent_at", "payload"])
def test_a_missing_field_is_400_and_named(sqlite: World, field: str) -> None:
    value = _value()
    del value[field]
    answer = sqlite.send_signed(json.dumps(value).encode())
    assert answer.status == 400
    assert field.encode() in answer.body


@pytest.mark.parametrize("event", ["999", "", "11 ", "' OR 1=1 --", "é" * 300, "1" * 5000], ids=range(6))
def test_a_webhook_for_an_event_that_is_not_there_is_404(world: World, event: str) -> None:
    answer = world.deliver(event=event)
    assert (answer.status, error_code(answer)) == (404, "EVENT_NOT_FOUND")


SERIALISED = {
    "PHP": b'{"event_type":"event.status_changed","event_sent_at":"2025-07-25T14:30:00.000Z","payload":{"id":2,'
    b'"title":"Caf\\u00e9 \\ud83c\\udfb5 A\\/B","status":"LIVE","tuvens_event_id":"11"}}',
    "Node": '{"event_type":"event.status_changed","event_sent_at":"2025-07-25T14:30:00.000Z","payload":{"id":2,'
    '"title":"Café 🎵 A/B","status":"LIVE","tuvens_event_id":"11"}}'.encode(),
    "Python": json.dumps(_value(title="Café 🎵 A/B")).encode(),
    "indented": json.dumps(_value(title="Café 🎵 A/B"), indent=2, ensure_ascii=False).encode(),
}


@pytest.mark.parametrize("writer", SERIALISED)
def test_the_signature_is_over_the_bytes_whoever_wrote_them(world: World, writer: str) -> None:
    assert world.send_signed(SERIALISED[writer]).status == 200
    assert world.event()["ticketing_status"] == "active"


def test_a_repeated_delivery_is_200_and_changes_nothing(world: World) -> None:
    world.deliver("LIVE")
    before = world.event()
    world.api.clock.set(START + 60)
    assert world.deliver("LIVE").status == 200
    assert world.event() == before


def test_a_stale_delivery_is_200_and_changes_nothing(world: World) -> None:
    world.deliver("LIVE", at="2025-07-25T14:30:00.000Z")
    before = world.event()
    world.api.clock.set(START + 60)
    assert world.deliver("DRAFT", at="2025-07-25T14:29:59.999Z").status == 200
    assert world.event() == before


def test_a_newer_delivery_is_applied_down_to_the_microsecond(world: World) -> None:
    world.deliver("LIVE", at="2025-07-25T14:30:00.000001Z")
    world.deliver("ENDED", at="2025-07-25T14:30:00.000002Z")
    assert world.event()["ticketing_status"] == "inactive"
    world.deliver("LIVE", at="2025-07-25T14:30:00Z")
    assert world.event()["ticketing_status"] == "inactive"


def test_two_changes_in_one_second_of_a_coarse_sender_are_both_applied_once(world: World) -> None:
    second = "2025-07-25T14:30:00Z"
    for status in ("DRAFT", "LIVE", "DRAFT"):
        world.deliver(status, at=second)
    assert world.event()["ticketing_status"] == "active"


def test_concurrent_deliveries_leave_the_newest(world: World) -> None:
    bodies = [
        status_changed_body(
            event_id=2, title="T", status=status, tuvens_event_id="11", sent_at=f"2025-07-25T14:30:00.{number:03d}Z"
        )
        for number, status in enumerate(["DRAFT", "ENDED"] * 10 + ["LIVE"])
    ]
    answers = world.send_all([event_status_changed(body, sign(world.secret, body)) for body in reversed(bodies)])
    assert {answer.status for answer in answers} == {200}
    assert world.event()["ticketing_status"] == "active"


def test_an_event_has_no_ticketing_at_first(world: World) -> None:
    event = world.event("11")
    assert event == {
        "id": "11",
        "title": "Evening 11",
        "description": "Songs and stories, no. 11.",
        "startDate": event["startDate"],
        "endDate": event["endDate"],
        "ticketing_enabled": False,
        "ticketing_status": None,
        "account_id": 123,
        "hi_events_event_id": None,
        "hi_events_event_url": None,
        "contactData": None,
        "ticketStatus": None,
        "hasTicketing": False,
        "hiEventsEventId": None,
    }


MISSING = ["999", "%00", "11%00", "%FF", "1" * 5000]


@pytest.mark.parametrize("number", MISSING, ids=range(len(MISSING)))
def test_an_event_that_is_not_there_is_404(world: World, number: str) -> None:
    assert world.request("GET", f"/api/events/{number}").status == 404


def test_the_callback_page_enables_ticketing(world: World) -> None:
    answer = world.change({"hasTicketing": True, "hiEventsEventId": "2"})
    assert answer.status == 200
    event = world.event()
    assert answer.json() == event
    assert (event["ticketing_enabled"], event["ticketing_status"], event["hiEventsEventId"]) == (True, "setup", "2")
    assert event["hi_events_event_url"] == "https://tickets.tuvens.com/event/2/evening-11"


def test_a_change_leaves_alone_what_it_does_not_name(world: World) -> None:
    world.change({"hasTicketing": True, "hiEventsEventId": 2})
    world.deliver("LIVE")
    world.change({"hiEventsEventId": 3, "title": "another"})
    event = world.event()
    assert (event["ticketing_status"], event["hi_events_event_id"], event["title"]) == ("active", 3, "Evening 11")
    assert world.change({}).status == 200
    world.change({"hasTicketing": False, "hiEventsEventId": None})
    event = world.event()
    assert (event["ticketing_enabled"], event["ticketing_status"], event["hi_events_event_url"]) == (False, None, None)


@pytest.mark.parametrize(
    ("email", "event", "status"),
    [
        ("organiser@example.com", "11", 200),
        ("member@example.com", "11", 403),
        ("outsider@example.com", "11", 403),
        ("outsider@example.com", "61", 200),
        ("organiser@example.com", "999", 404),
    ],
)
def test_changing_an_event_needs_manage_ticketing_in_its_account(
    world: World, email: str, event: str, status: int
) -> None:
    assert world.change({"hasTicketing": True}, event=event, email=email).status == status


@pytest.mark.parametrize("number", [10**400, 1e308, 2.5, "", "a/b?c", "é" * 1000, "' OR 1=1"], ids=range(7))
def test_whatever_number_hi_events_gives_is_kept_as_it_is(world: World, number: object) -> None:
    answer = world.change({"hiEventsEventId": number})
    assert answer.status == 200
    assert world.event()["hiEventsEventId"] == number


@pytest.mark.parametrize(
    "changes", [{"hasTicketing": "yes"}, {"hasTicketing": None}, {"hiEventsEventId": []}, [], "x", None]
)
def test_an_ill_typed_change_is_400(sqlite: World, changes: object) -> None:
    answer = sqlite.send(update_event(sqlite.jwt(), "11", changes))  # type: ignore[arg-type]  # wrong on purpose
    assert answer.status == 400
