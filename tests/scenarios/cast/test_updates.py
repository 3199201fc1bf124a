"""The updates that stories send: their times, their numbers, and how long they wait for an effect."""

import asyncio
import json
import uuid
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.times import iso_millis
from harness.deployment import Linked
from harness.http import Answer
from scenarios.cast import updates as module
from scenarios.cast.sending import Reply
from scenarios.cast.updates import Updates, event_in, unknown_id
from tests.contracts.histories import NOW, answer


class _Cast:
    """A cast whose event shows `states`, one after the other; the last one stays."""

    def __init__(self, *states: dict[str, Any], linked: tuple[Linked, ...] = ()) -> None:
        self.deployment = SimpleNamespace(linked=linked)
        self.leads: dict[str, float] = {}
        self.states = list(states)
        self.read = 0
        self.sent: list[Any] = []
        self.told_by_hi_events = 0.0

    def now_at(self, app: str) -> float:
        return NOW + self.leads.get(app, 0.0)

    async def reads_event(self, step: str, event_id: str) -> Reply:
        state = self.states[min(self.read, len(self.states) - 1)]
        self.read += 1
        return _reply(200, state)

    async def delivers(self, step: str, body: bytes) -> Reply:
        self.sent.append(json.loads(body))
        return _reply(200, {"success": True})


def _reply(status: int, body: object) -> Reply:
    exchange = answer("a story/step", status, body)
    return Reply(exchange, Answer(status, (), exchange.response_body))


def _event(ticketing: str, told: str, at: float = NOW) -> dict[str, Any]:
    contact = {"hiEventsStatus": told, "hiEventsLastUpdated": iso_millis(at)}
    return {"ticketing_status": ticketing, "contactData": contact}


def _updates(cast: _Cast, event: str = "11") -> Updates:
    return Updates(cast, event)  # type: ignore[arg-type]  # as much of a cast as updates need


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes only where somebody waits."""
    clock = SimpleNamespace(now=0.0)

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(sleep=sleep))

    async def newest(cast: _Cast, event: str) -> float:
        return cast.told_by_hi_events

    monkeypatch.setattr(module, "newest_of_hi_events", newest)


def test_every_update_is_later_than_the_one_before_though_the_clock_stands_still() -> None:
    cast = _Cast({})
    updates = _updates(cast)

    async def drive() -> None:
        for _ in range(3):
            await updates.sends("step", "LIVE")

    asyncio.run(drive())
    times = [each["event_sent_at"] for each in cast.sent]
    assert times == [iso_millis(NOW), iso_millis(NOW + 0.001), iso_millis(NOW + 0.002)]


def test_updates_begin_later_than_what_the_event_heard_of_by_a_clock_that_is_ahead() -> None:
    updates = _updates(_Cast(_event("active", "LIVE", NOW + 90)))
    asyncio.run(updates.begins("begin"))
    assert updates.next_time() == pytest.approx(NOW + 90.001)


def test_updates_begin_later_than_a_webhook_that_hi_events_dates_an_hour_ahead() -> None:
    cast = _Cast({})
    cast.told_by_hi_events = NOW + 3_600
    updates = _updates(cast)
    asyncio.run(updates.begins("begin"))
    assert updates.next_time() == pytest.approx(NOW + 3_600.001)


def test_the_time_at_which_tuvens_api_processed_a_webhook_moves_no_update() -> None:
    """Its clock is ten minutes ahead; a webhook dated so would make those of hi.events stale."""
    cast = _Cast(_event("active", "LIVE", NOW + 590))
    cast.leads = {"tuvens-api": 600.0}
    updates = _updates(cast)
    asyncio.run(updates.begins("begin"))
    assert updates.next_time() == NOW


def test_updates_are_dated_by_the_clock_of_hi_events() -> None:
    cast = _Cast({})
    cast.leads = {"hi.events": -600.0, "tuvens-api": 30.0}
    assert _updates(cast).next_time() == NOW - 600


@pytest.mark.parametrize(
    "state",
    [{}, {"contactData": None}, {"contactData": {"hiEventsLastUpdated": 5}}, _event("active", "LIVE", NOW + 10**7)],
)
def test_what_is_no_sensible_time_moves_no_update(state: dict[str, Any]) -> None:
    updates = _updates(_Cast(state))
    asyncio.run(updates.begins("begin"))
    assert updates.next_time() == NOW


def test_the_number_of_hi_events_event_is_the_linked_one_where_there_is_one() -> None:
    linked = (Linked("7", "11"), Linked("abc", "12"))
    assert _updates(_Cast(linked=linked), "11").number == 7
    assert _updates(_Cast(linked=linked), "12").number >= 100_000
    assert _updates(_Cast(), "13").number == _updates(_Cast(), "13").number


def test_an_effect_is_waited_for() -> None:
    cast = _Cast(*[_event("setup", "DRAFT")] * 3, _event("active", "LIVE"))
    state = asyncio.run(_updates(cast).reads_until_changed("after", _event("setup", "DRAFT")))
    assert state["ticketing_status"] == "active"
    assert cast.read == 4


def test_after_one_wait_in_vain_the_next_one_is_short() -> None:
    before = _event("setup", "DRAFT")
    cast = _Cast(before)
    updates = _updates(cast)
    asyncio.run(updates.reads_until_changed("after", before))
    first = cast.read
    asyncio.run(updates.reads_until_changed("after", before))
    assert first > 5
    assert cast.read - first <= 4


def test_a_server_that_applies_at_once_is_read_once_to_see_that_nothing_changed() -> None:
    before = _event("setup", "DRAFT")
    cast = _Cast(_event("active", "LIVE"), before)
    updates = _updates(cast)
    asyncio.run(updates.reads_until_changed("after", before))
    asyncio.run(updates.reads_unchanged("unchanged", before))
    assert cast.read == 2


def test_a_server_that_applies_later_is_watched_until_it_would_have_applied() -> None:
    before, after = _event("setup", "DRAFT"), _event("active", "LIVE")
    late = _event("inactive", "CANCELLED")
    cast = _Cast(*[before] * 3, after, after, after, late)
    updates = _updates(cast)
    asyncio.run(updates.reads_until_changed("after", before))
    assert asyncio.run(updates.reads_unchanged("unchanged", after)) == late


def test_an_answer_without_an_event_is_an_empty_state() -> None:
    assert event_in(_reply(404, {"id": "11"})) == {}
    assert event_in(_reply(200, [])) == {}
    assert event_in(_reply(200, b"<html>")) == {}
    assert event_in(Reply(answer("a story/step", 200), None)) == {}


@pytest.mark.parametrize("known", ["11", "2147480000", str(uuid.UUID(int=5, version=4)), "evt_0AbC9x", "66a2f0c1d4"])
def test_an_unknown_id_has_the_form_of_a_known_one(known: str) -> None:
    found = unknown_id(known, Random(1))
    assert found != known
    if known.isdigit():
        assert found.isdigit()
        assert int(found) < 2**31
    elif len(known) == 36:
        assert uuid.UUID(found).version == 4
    else:
        assert [each.isdigit() for each in found] == [each.isdigit() for each in known]
        assert [each.isalpha() for each in found] == [each.isalpha() for each in known]
