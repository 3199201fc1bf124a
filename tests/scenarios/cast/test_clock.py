"""How far a server's clock is from ours, by the Date headers of its answers."""

from email.utils import formatdate
from types import SimpleNamespace

import pytest

from harness.http import Answer
from scenarios.cast import clock as module
from scenarios.cast.clock import RunClock
from tests.contracts.histories import NOW


class _Time:
    """Stands at `now`."""

    def __init__(self) -> None:
        self.now = NOW

    def time(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> _Time:
    found = _Time()
    monkeypatch.setattr(module, "time", found)
    return found


def _clock() -> RunClock:
    return RunClock(SimpleNamespace(targets={}), None, print)  # type: ignore[arg-type]  # nothing is advanced


def _answer(at: float) -> Answer:
    return Answer(200, (("Date", formatdate(int(at), usegmt=True)),), b"")


@pytest.mark.parametrize("ahead", [600.0, 12_000.0, -600.0, -12_000.0])
def test_a_clock_is_known_by_its_dates(time: _Time, ahead: float) -> None:
    clock = _clock()
    for _ in range(20):
        clock.note_date("hi.events", _answer(time.now + ahead), 0.0)
        time.now += 0.15
    assert ahead - 0.2 <= clock.offset("hi.events") <= ahead
    assert clock.now_at("tuvens-api") == time.now


def test_a_clock_that_differs_by_less_than_a_date_can_tell_is_ours(time: _Time) -> None:
    clock = _clock()
    for late in (0.0, 0.3, 0.9):
        clock.note_date("hi.events", _answer(time.now - late), 0.0)
    assert clock.offset("hi.events") == 0.0


def test_an_answer_that_a_cache_kept_and_one_without_a_date_tell_nothing(time: _Time) -> None:
    clock = _clock()
    for ahead in (600.0, -80_000.0, 600.0, 90_000.0, 600.0):
        clock.note_date("tuvens-api", _answer(time.now + ahead), 0.0)
    clock.note_date("tuvens-api", Answer(200, (), b""), 0.0)
    clock.note_date("tuvens-api", None, 0.0)
    assert clock.offset("tuvens-api") == 600.0
