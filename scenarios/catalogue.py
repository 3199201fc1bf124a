"""All stories, and the decorator that makes one of a function."""

import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from contracts.changes import CLEAN_UP
from harness.effects import Effect, Effects
from harness.history import SHARED
from harness.story import Phase, Stories, Story
from scenarios import stories as package

if TYPE_CHECKING:
    from scenarios.cast.cast import Cast

_stories = Stories()
_SHARED: Effects = frozenset({Effect.READ, Effect.MINT})

Tale = Callable[["Cast"], Awaitable[None]]


def story(
    *,
    phase: Phase = Phase.SIDE_BY_SIDE,
    needs: Sequence[str] = (),
    operations: Sequence[str] = (),
    unless: str = "",
    waits_for: Sequence[str] = (),
    does: Collection[Effect] | None = None,
    also: Collection[Effect] = (),
) -> Callable[[Tale], Tale]:
    """Make a story of a function: its name is the function's, its sentence the docstring.

    `needs` are capabilities without which it is not started, `operations` the operationIds it cannot do without. With
    the capability `unless` it does nothing. `waits_for`, `does`, `also`: as in `Story`.
    """

    def declare(tale: Tale) -> Tale:
        sentence = " ".join((inspect.getdoc(tale) or "").split())
        if not sentence:
            raise ValueError(f"story {tale.__name__} has no docstring: it tells who does what")

        async def run(cast: Any) -> None:
            if not cast.can(unless):
                await tale(cast)

        _stories.add(
            Story(
                tale.__name__,
                sentence,
                run,
                phase,
                tuple(needs),
                tuple(operations),
                unless,
                tuple(waits_for),
                frozenset(does) if does is not None else None,
                frozenset(also),
            )
        )
        return tale

    return declare


@cache
def stories() -> Stories:
    """All stories: every module of scenarios/stories/ is read."""
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda each: each.name):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return _stories


def declared_by(name: str) -> Effects | None:
    """What the requests of a story may do; those that stories share begin sessions and read, those that undo changes
    change events, too."""
    if name == CLEAN_UP:
        return _SHARED | {Effect.CHANGE}
    return _SHARED if name == SHARED else stories()[name].declared
