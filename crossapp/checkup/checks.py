"""A check of a deployment, and what of it counts for the exit code."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.exit_codes import ExitCode


class State(StrEnum):
    """OK: as it must be. WRONG: something blocks a part of a verification. BAD: the application itself does not do
    what the contract says, which a verification reports. OPEN: not asked, or not decided. NOTE: good to know."""

    OK = "ok"
    WRONG = "wrong"
    BAD = "bad"
    OPEN = "open"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One check. `group`: an application, the file or a part of the report; `name`: what is checked; `text`: what was
    found; `remedy`: what to do; `requirement`: the rule that decides it, if one does."""

    group: str
    name: str
    state: State
    text: str = ""
    remedy: str = ""
    requirement: str = ""


def exit_code_of(checks: Iterable[Checkpoint], *, silent: bool) -> ExitCode:
    """4 where an application does not respond (`silent`), else 2 where something blocks a part of a verification,
    else 1 where an application deviates, else 0."""
    states = {each.state for each in checks}
    if silent:
        return ExitCode.NOTHING_JUDGED
    if State.WRONG in states:
        return ExitCode.UNDECIDED
    return ExitCode.VIOLATED if State.BAD in states else ExitCode.OK
