"""Events of hi.events: reading them, changing their status."""

import pytest

from tests.simulators.hi_events.world import World, wait_until


@pytest.mark.parametrize(
    ("status", "ticketing"),
    [("LIVE", "active"), ("CANCELLED", "inactive"), ("ENDED", "inactive"), ("ARCHIVED", "setup")],
)
def test_a_change_of_status_reaches_tuvens_api(here: World, status: str, ticketing: str) -> None:
    answer = here.change(here.bearer(), 11, status)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    wait_until(lambda: bool(here.tuvens_event("11")["ticketing_status"] == ticketing))
    assert here.tuvens_event("11")["contactData"]["hiEventsStatus"] == status


def test_an_event_is_read_with_its_tuvens_event(anywhere: World) -> None:
    answer = anywhere.call("GET", "/events/12", anywhere.bearer())
    assert answer.status_code == 200
    assert answer.json()["id"] == 12
    assert answer.json()["tuvens_event_id"] == "12"
    assert answer.json()["status"] == "DRAFT"


def test_the_status_that_an_event_has_already_sends_no_webhook(anywhere: World) -> None:
    bearer = anywhere.bearer()
    assert anywhere.change(bearer, 11, "DRAFT").status_code == 200
    assert anywhere.change(bearer, 11, "LIVE").status_code == 200
    assert anywhere.change(bearer, 11, "LIVE").status_code == 200
    assert len(anywhere.delivered()) == 1


@pytest.mark.parametrize("body", [{"status": "live"}, {"status": "GONE"}, {"status": None}, {"status": 1}, {}, []])
def test_an_unknown_status_is_answered_422_and_changes_nothing(here: World, body: object) -> None:
    bearer = here.bearer()
    answer = here.call("PUT", "/events/11/status", bearer, body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == (["body"] if body == [] else ["status"])
    assert here.call("GET", "/events/11", bearer).json()["status"] == "DRAFT"
    assert here.delivered() == []


@pytest.mark.parametrize("event", ["999", "0", "011", "x", "99999999999999999999", "-1", "1e1", "%00"])
def test_an_event_that_does_not_exist_is_answered_404(here: World, event: str) -> None:
    bearer = here.bearer()
    assert here.call("GET", f"/events/{event}", bearer).status_code == 404
    assert here.call("PUT", f"/events/{event}/status", bearer, {"status": "LIVE"}).status_code == 404


def test_an_event_of_another_account_is_answered_403(here: World) -> None:
    bearer = here.bearer("outsider")
    assert here.call("GET", "/events/11", bearer).status_code == 403
    answer = here.change(bearer, 11, "LIVE")
    assert (answer.status_code, answer.json()["error"]) == (403, "FORBIDDEN")
    assert here.call("GET", "/events/11", here.bearer()).json()["status"] == "DRAFT"


def test_a_body_above_one_mebibyte_is_answered_413(here: World) -> None:
    content = b'{"status": "LIVE", "x": "' + b"a" * 1_100_000 + b'"}'
    headers = {"Authorization": f"Bearer {here.bearer()}", "Content-Type": "application/json"}
    answer = here.client.put(f"{here.hi}/events/11/status", content=content, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (413, "PAYLOAD_TOO_LARGE")
