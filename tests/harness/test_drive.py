"""Driving stories: in their phases, side by side where they may be, and whatever happens to one is noted."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness.drive import drive
from harness.history import Context, History, StoryOutcome
from harness.places import place_lent
from harness.story import Phase, Stories, Story, StoryStoppedError
from harness.traffic_limits import TargetGoneError
from tests.harness.simulated import SimulatedLoop

Tale = Callable[[Any], Awaitable[None]]


def story(name: str, tale: Tale, phase: Phase = Phase.SIDE_BY_SIDE, needs: tuple[str, ...] = ()) -> Story:
    return Story(name, f"{name} happens.", tale, phase, needs, does=frozenset())


async def nothing(_: object) -> None:
    pass


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> SimulatedLoop:
    found = SimulatedLoop()
    monkeypatch.setattr("harness.drive.time", SimpleNamespace(monotonic=found.time))
    return found


def driven(
    loop: SimulatedLoop, *stories: Story, capabilities: frozenset[str] = frozenset(), **options: Any
) -> dict[str, StoryOutcome]:
    """How each story ended."""
    history = History(Context("d", "2025-07", {}, capabilities))
    loop.run(drive(stories, options.pop("cast_for", lambda each: each), history, **options))
    return history.stories


def raising(error: BaseException) -> Tale:
    async def tale(_: object) -> None:
        raise error

    return tale


def waiting(seconds: float) -> Tale:
    async def tale(_: object) -> None:
        await asyncio.sleep(seconds)

    return tale


def test_phases_come_in_their_order_whatever_the_order_of_the_stories(loop: SimulatedLoop) -> None:
    told: list[str] = []

    def telling(name: str) -> Tale:
        async def tale(_: object) -> None:
            told.append(f"{name} begins")
            await asyncio.sleep(1)
            told.append(f"{name} ends")

        return tale

    names = {"last": Phase.LAST, "alone": Phase.ALONE, "beside": Phase.SIDE_BY_SIDE, "first": Phase.FIRST}
    driven(loop, *(story(name, telling(name), phase) for name, phase in names.items()))
    assert told == [f"{name} {what}" for name in ("first", "beside", "alone", "last") for what in ("begins", "ends")]


def test_stories_side_by_side_are_really_driven_at_the_same_time(loop: SimulatedLoop) -> None:
    meeting = asyncio.Barrier(3)

    async def meets(_: object) -> None:
        await meeting.wait()

    ended = driven(loop, *(story(f"s{number}", meets) for number in range(3)), minutes=1)
    assert {each.ended for each in ended.values()} == {"finished"}


def test_so_many_stories_at_once_and_no_more(loop: SimulatedLoop) -> None:
    going = most = 0

    async def counts(_: object) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(1)
        going -= 1

    driven(loop, *(story(f"s{number}", counts) for number in range(9)), at_once=4)
    assert most == 4
    assert loop.now == 1_000.0 + 3


def test_a_story_that_waits_lends_its_place_and_comes_back_at_once(loop: SimulatedLoop) -> None:
    going = most = 0

    async def works(seconds: float) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(seconds)
        going -= 1

    async def waits(_: object) -> None:
        await works(1)
        with place_lent():
            await asyncio.gather(*(_waits_too(30) for _ in range(3)))
        await works(10)

    async def _waits_too(seconds: float) -> None:
        with place_lent():
            await asyncio.sleep(seconds)

    def working(seconds: float) -> Tale:
        return lambda _: works(seconds)

    driven(loop, story("waits", waits), *(story(f"s{number}", working(20)) for number in range(3)), at_once=1)
    # s0 and s1 fill the time until 31, where the story that waited goes on beside s1; s2 begins when both are over.
    assert (most, loop.now) == (2, 1_000.0 + 61)


def test_stories_that_wait_begin_first_and_what_needs_to_be_alone_comes_after_them(loop: SimulatedLoop) -> None:
    told: list[str] = []

    def telling(name: str, seconds: float) -> Tale:
        async def tale(_: object) -> None:
            told.append(name)
            await asyncio.sleep(seconds)

        return tale

    phases = {
        "alone": (Phase.ALONE, 1),
        "one by one": (Phase.ONE_BY_ONE, 1),
        "beside": (Phase.SIDE_BY_SIDE, 1),
        "waits": (Phase.WAITING, 30),
        "waits, too": (Phase.WAITING, 20),
    }
    driven(loop, *(story(name, telling(name, seconds), phase) for name, (phase, seconds) in phases.items()), at_once=1)
    assert told == ["waits", "waits, too", "beside", "one by one", "alone"]
    assert loop.now == 1_000.0 + 31


@pytest.mark.parametrize("phase", [Phase.FIRST, Phase.ONE_BY_ONE, Phase.ALONE, Phase.LAST])
def test_in_the_other_phases_one_story_at_a_time_is_driven(loop: SimulatedLoop, phase: Phase) -> None:
    driven(loop, *(story(f"s{number}", waiting(1), phase) for number in range(4)), at_once=4)
    assert loop.now == 1_000.0 + 4


@pytest.mark.parametrize(
    ("error", "ended", "reason"),
    [
        (StoryStoppedError("no event may be changed"), "stopped", "no event may be changed"),
        (TargetGoneError("hi.events did not answer"), "stopped", "hi.events did not answer"),
        (ZeroDivisionError("by zero"), "crashed", "ZeroDivisionError: by zero (test_drive.py, line "),
        (TimeoutError("of its own"), "crashed", "TimeoutError: of its own"),
        (AssertionError(), "crashed", "AssertionError"),
        (RecursionError("deep"), "crashed", "RecursionError: deep"),
    ],
)
def test_how_a_story_ended_is_noted_and_the_others_go_on(
    loop: SimulatedLoop, error: Exception, ended: str, reason: str
) -> None:
    beside, after = story("beside", waiting(1)), story("after", nothing, Phase.LAST)
    found = driven(loop, story("bad", raising(error)), beside, after)
    assert found["bad"].ended == ended
    assert found["bad"].reason.startswith(reason)
    assert (found["beside"].ended, found["after"].ended) == ("finished", "finished")


def test_a_cast_that_cannot_be_made_is_a_crash_of_that_story_alone(loop: SimulatedLoop) -> None:
    def cast_for(each: Story) -> object:
        if each.name == "bad":
            raise KeyError("users")
        return each

    found = driven(loop, story("bad", nothing), story("good", nothing), cast_for=cast_for)
    assert (found["bad"].ended, found["good"].ended) == ("crashed", "finished")
    assert found["bad"].reason.startswith("KeyError: 'users'")


def test_a_story_gets_its_cast(loop: SimulatedLoop) -> None:
    got: list[object] = []

    async def tale(cast: object) -> None:
        got.append(cast)

    driven(loop, story("s", tale), cast_for=lambda each: f"the cast of {each.name}")
    assert got == ["the cast of s"]


def test_a_story_that_is_stopped_while_it_waits_says_for_what(loop: SimulatedLoop) -> None:
    found = driven(
        loop,
        story("slow", lambda _: asyncio.sleep(1_000)),
        waiting={"slow": "waits 900 s at most: a session expires"},
        minutes=0.5,
    )
    assert found["slow"].reason.endswith("while it waited: it waits 900 s at most: a session expires")


def test_when_the_time_is_used_up_what_runs_is_stopped_and_nothing_else_begins(loop: SimulatedLoop) -> None:
    begun: list[str] = []

    def telling(name: str, seconds: float) -> Tale:
        async def tale(_: object) -> None:
            await asyncio.sleep(0)
            begun.append(name)
            await asyncio.sleep(seconds)

        return tale

    found = driven(
        loop,
        story("quick", telling("quick", 10)),
        story("slow", telling("slow", 1_000)),
        story("late", telling("late", 0), Phase.LAST),
        minutes=0.5,
    )
    used_up = "the time of the whole run was used up (safety.minutes)"
    assert loop.now == 1_000.0 + 30
    assert begun == ["quick", "slow"]
    assert found["quick"].ended == "finished"
    assert (found["slow"].ended, found["slow"].reason, found["slow"].seconds) == ("stopped", used_up, 30.0)
    assert (found["late"].ended, found["late"].reason) == ("stopped", used_up)


def test_a_story_that_outlives_a_time_out_of_its_own_is_not_mistaken_for_the_end_of_the_run(
    loop: SimulatedLoop,
) -> None:
    async def tale(_: object) -> None:
        async with asyncio.timeout(5):
            await asyncio.sleep(10)

    found = driven(loop, story("s", tale), minutes=1)
    assert found["s"].ended == "crashed"
    assert found["s"].reason.startswith("TimeoutError")


def test_a_story_without_what_it_needs_is_skipped_with_the_remedy(loop: SimulatedLoop) -> None:
    asked: list[str] = []

    def skip(each: Story) -> str | None:
        asked.append(each.name)
        return None

    needy = story("needy", nothing, needs=("events", "role:member"))
    found = driven(
        loop, needy, story("good", nothing, needs=("events",)), capabilities=frozenset({"events"}), skip=skip
    )
    assert found["needy"].ended == "skipped"
    assert 'role = "member"' in found["needy"].reason
    assert found["good"].ended == "finished"
    assert asked == ["good"]


def test_a_story_that_cannot_go_on_is_not_begun_and_is_asked_only_when_its_turn_has_come(loop: SimulatedLoop) -> None:
    seen: list[str] = []

    async def probes(_: object) -> None:
        seen.append("probed")

    def skip(each: Story) -> str | None:
        return "the route is not there" if each.name == "bad" and seen else None

    found = driven(loop, story("bad", raising(AssertionError())), story("probe", probes, Phase.FIRST), skip=skip)
    assert (found["bad"].ended, found["bad"].reason) == ("stopped", "the route is not there")


def test_progress_is_told_of_each_story(loop: SimulatedLoop) -> None:
    told: list[tuple[str, str]] = []
    driven(
        loop,
        story("good", nothing),
        story("bad", raising(OSError())),
        story("needy", nothing, needs=("x",)),
        story("not", nothing),
        skip=lambda each: "no" if each.name == "not" else None,
        progress=lambda name, state: told.append((name, state)),
    )
    assert sorted(told) == [
        ("bad", "crashed"),
        ("bad", "started"),
        ("good", "finished"),
        ("good", "started"),
        ("needy", "skipped"),
        ("not", "stopped"),
    ]


def test_no_story_is_no_failure(loop: SimulatedLoop) -> None:
    assert driven(loop) == {}


def test_two_stories_of_one_name_are_refused() -> None:
    stories = Stories()
    stories.add(story("s", nothing))
    with pytest.raises(ValueError, match="story s is declared twice"):
        stories.add(story("s", nothing))
    assert "s" in stories
    assert [each.name for each in stories] == ["s"]
    assert stories["s"].sentence == "s happens."
