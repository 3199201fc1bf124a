"""What a run says of itself while it goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

_SHOWN = 3


def _nobody(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """`say` gets a line that stays; `show` the present state of the run, which replaces the one before."""

    say: Callable[[str], None] = _nobody
    show: Callable[[str], None] = _nobody


SILENT = LoadProgress()


def still_needed(missing: Mapping[str, int]) -> str:
    """How many samples budgets still need, by name, as the end of a line; empty if none do."""
    if not missing:
        return ""
    most = sorted(missing.items(), key=lambda each: -each[1])
    more = f" and {len(most) - _SHOWN} more" if len(most) > _SHOWN else ""
    return "; still needed: " + ", ".join(f"{count:,} for {name}" for name, count in most[:_SHOWN]) + more
