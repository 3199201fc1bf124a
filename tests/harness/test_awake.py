"""Whether our own side was awake: noted as it happens, and asked for before what did not arrive is a violation."""

import asyncio
import time

import pytest

from harness.awake import noting_lateness
from harness.expectations import BrokenRuleError, UndecidedError, awake, expect_arrival
from harness.history import LATE, Context, History, Observation
from harness.history_writer import HistoryWriter
from harness.redact import Redactor
from tests.contracts.histories import NOW, answer, asleep, history, no_answer
from tests.harness.simulated import SimulatedLoop


def test_a_blocked_event_loop_is_noted() -> None:
    seen = History(Context("by hand", "2025-07", {}, frozenset()))
    loop = SimulatedLoop()

    async def blocks() -> None:
        async with noting_lateness(HistoryWriter(seen, Redactor())):
            await asyncio.sleep(1.0)
            loop.now += 0.5
            await asyncio.sleep(1.0)

    since = time.time()
    loop.run(blocks())
    assert [each.step for each in seen.entries] == [LATE]
    assert 0.4 <= seen.lateness(since, time.time() + 1.0) <= 0.5
    assert seen.lateness(since + 3600, since + 7200) == 0.0


def _arrival(seen: History, *, arrived: bool = False) -> None:
    expect_arrival(seen, arrived, expected="it", observed="nothing", at=1, since=NOW, until=NOW + 5)


def test_what_did_not_arrive_is_a_violation_only_for_those_who_were_awake() -> None:
    seen = history(answer("a_story/step", 200))
    _arrival(seen, arrived=True)
    with pytest.raises(BrokenRuleError):
        _arrival(seen)
    _arrival(asleep(seen), arrived=True)
    with pytest.raises(UndecidedError, match=r"crossapp itself was 3600\.0 s late"):
        _arrival(asleep(seen))
    # Also where a rule sees only the stories that it declares.
    with pytest.raises(UndecidedError):
        _arrival(asleep(seen).narrowed(["a_story"]))


@pytest.mark.parametrize(("seconds", "decided"), [(1.2, True), (1.3, False)])
def test_a_moment_is_no_sleep(seconds: float, decided: bool) -> None:
    seen = history(answer("a_story/step", 200))
    seen.entries.append(Observation(2, LATE, {"since": NOW + 1, "seconds": seconds}))
    with pytest.raises(BrokenRuleError if decided else UndecidedError):
        _arrival(seen)


def test_an_application_that_answered_slowly_meanwhile_may_only_have_been_busy() -> None:
    slow = answer("a_story/step", 200, at=NOW + 1, seconds=2.5)
    with pytest.raises(UndecidedError, match=r"tuvens-api took 2\.5 s to respond to exchange 1"):
        awake(history(slow), NOW, NOW + 5)
    awake(history(slow), NOW + 60, NOW + 65)
    awake(history(no_answer("a_story/step", seconds=9.0)), NOW, NOW + 5)
    # A webhook that a story leaves without an answer for long, on purpose.
    left = answer("a_story/step", 200, seconds=35.0, facts={"delivery": True})
    awake(history(left), NOW, NOW + 5)
