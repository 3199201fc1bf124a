"""All stories, and the decorator that makes one of a function."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.story import Phase, Stories, Story
from scenarios import stories as package

if TYPE_CHECKING:
    from scenarios.cast.cast import Cast

_stories = Stories()

Tale = Callable[["Cast"], Awaitable[None]]


def story(
    *,
    phase: Phase = Phase.SIDE_BY_SIDE,
    needs: Sequence[str] = (),
    operations: Sequence[str] = (),
    unless: str = "",
    waits_for: Sequence[str] = (),
) -> Callable[[Tale], Tale]:
    """Make a story of a function: its name is the function's, its sentence the docstring.

    `needs` are capabilities without which it is not started, `operations` the operationIds it cannot do without. With
    the capability `unless` it does nothing. `waits_for`: what it waits for (`Story.waits_for`).
    """

    def declare(tale: Tale) -> Tale:
        sentence = " ".join((inspect.getdoc(tale) or "").split())
        if not sentence:
            raise ValueError(f"story {tale.__name__} has no docstring: it tells who does what")

        async def run(cast: Any) -> None:
            if not cast.can(unless):
                await tale(cast)

        _stories.add(
            Story(tale.__name__, sentence, run, phase, tuple(needs), tuple(operations), unless, tuple(waits_for))
        )
        return tale

    return declare


@cache
def stories() -> Stories:
    """All stories: every module of scenarios/stories/ is read."""
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return _stories
