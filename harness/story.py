"""Stories: who does what. Running them makes the history; no rule is judged here."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from harness.effects import Effects


class Phase(IntEnum):
    """When a story runs. FIRST: before all others, to find out which routes exist. WAITING: beside all up to
    ONE_BY_ONE, since nearly all that it does is wait. SIDE_BY_SIDE: in parallel. IN_BROWSER: in parallel in a browser,
    while no clock is moved and nothing else loads the machine. ONE_BY_ONE: nothing beside it but what is WAITING, since
    it loads or disturbs the applications. ALONE: nothing at all beside it, since it moves clocks, causes failures or
    counts. LAST: it uses up limits that the others need."""

    FIRST = 0
    WAITING = 1
    SIDE_BY_SIDE = 2
    IN_BROWSER = 3
    ONE_BY_ONE = 4
    ALONE = 5
    LAST = 6


class StoryStoppedError(Exception):
    """The story cannot continue on this deployment; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Story:
    """A story: `sentence` tells it, `needs` are the capabilities and `operations` the operations that it requires;
    with the capability `unless` it does nothing. `waits_for`: the kinds of what it waits for, for a plan of the run.
    `does`: what its requests may do, without which it is not started; None: it talks to simulators only. `also`: what
    they may do besides where the deployment allows it."""

    name: str
    sentence: str
    run: Callable[[Any], Awaitable[None]]
    phase: Phase
    needs: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    unless: str = ""
    waits_for: tuple[str, ...] = ()
    does: Effects | None = None
    also: Effects = frozenset()

    @property
    def requires(self) -> tuple[str, ...]:
        """The capabilities that a deployment must have for it, its effects first."""
        return (*(sorted(self.does) if self.does is not None else ("simulated",)), *self.needs)

    @property
    def declared(self) -> Effects | None:
        """All that its requests may do; None: it talks to simulators only."""
        return None if self.does is None else self.does | self.also


class Stories:
    """All stories, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Story] = {}

    def add(self, story: Story) -> None:
        """Add a story. Raises ValueError if its name exists."""
        if story.name in self._by_name:
            raise ValueError(f"story {story.name} is declared twice")
        self._by_name[story.name] = story

    def __iter__(self) -> Iterator[Story]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Story:
        return self._by_name[name]
