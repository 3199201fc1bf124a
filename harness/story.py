"""Stories: who does what. Driving them makes the history; no rule is judged here."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Phase(IntEnum):
    """When a story is driven. FIRST: before all others, it finds out what is there. SIDE_BY_SIDE: together with
    others. IN_BROWSER: together with others in a browser, while no clock is moved and nothing else keeps the machine
    busy. ALONE: it moves clocks or makes trouble, so one at a time. LAST: it uses up limits that the others need."""

    FIRST = 0
    SIDE_BY_SIDE = 1
    IN_BROWSER = 2
    ALONE = 3
    LAST = 4


class StoryStoppedError(Exception):
    """The deployment does not let the story go on; the text says at what and why."""


@dataclass(frozen=True, slots=True)
class Story:
    """A story: `sentence` tells it, `needs` are the capabilities without which it is not started, `operations` the
    operations that it cannot do without."""

    name: str
    sentence: str
    run: Callable[[Any], Awaitable[None]]
    phase: Phase
    needs: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()


class Stories:
    """All stories, by name."""

    def __init__(self) -> None:
        self._by_name: dict[str, Story] = {}

    def add(self, story: Story) -> None:
        """Add one. Raises ValueError for a name that is there already."""
        if story.name in self._by_name:
            raise ValueError(f"story {story.name} is declared twice")
        self._by_name[story.name] = story

    def __iter__(self) -> Iterator[Story]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Story:
        return self._by_name[name]
