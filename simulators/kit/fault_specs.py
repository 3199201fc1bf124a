"""Faults of any operation, as people write them: `validateSession:respond=503x2`, `getEvent:delay=3s`."""

import re
from dataclasses import dataclass
from typing import Literal

import openapi
from harness.durations import seconds
from harness.suggestions import meant
from simulators.kit.errors import StartError

Action = Literal["respond", "delay", "hang", "drop", "malformed"]
ACTIONS: dict[Action, str] = {
    "respond": "respond=503",
    "delay": "delay=3s",
    "hang": "hang",
    "drop": "drop",
    "malformed": "malformed",
}
"""How each is written."""

_WITH_VALUE = ("respond", "delay")
_LONGEST = 600.0
_COUNT = re.compile(r"(.*?)x(\d+)")


class FaultSpecError(StartError):
    """A fault that is not written correctly; the text names the part and the remedy."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What happens to a request. text: as it is written, without a count. status: of `respond`. seconds: of `delay`.
    times: how often, None for no limit."""

    action: Action
    text: str
    status: int = 0
    seconds: float = 0.0
    times: int | None = None

    @property
    def sentence(self) -> str:
        """What the application does, after its subject."""
        return {
            "respond": f"responds with {self.status}",
            "delay": f"responds {self.text.partition('=')[2]} later",
            "hang": "accepts the request and never responds",
            "drop": "closes the connection without a response",
            "malformed": "sends only half of each body and of each stream message",
        }[self.action]


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """A fault of one operation."""

    app: str
    operation: str
    what: Misbehaviour

    @property
    def name(self) -> str:
        """The name under which it is armed."""
        return f"{self.operation}:{self.what.text}"


def is_spec(name: str) -> bool:
    """Whether a name is meant as a fault of any operation."""
    return ":" in name and not name.startswith("mutate:")


def read_spec(name: str) -> FaultSpec:
    """Read `OPERATION:ACTION`. Raises FaultSpecError."""
    operation, _, action = name.partition(":")
    known = {each.id: each.app for app in openapi.APPS for each in openapi.load(app).operations.values()}
    if operation not in known:
        raise FaultSpecError(f"the fault {name!r}: unknown operation {operation!r}; {_near(operation, known)}")
    return FaultSpec(known[operation], operation, read_misbehaviour(action, f"the fault {name!r}: "))


def read_misbehaviour(text: str, where: str = "") -> Misbehaviour:
    """Read `respond=503x2`, `delay=3s`, `hang`, `drop` or `malformed`. Raises FaultSpecError; its text begins with
    `where`."""
    counted = _COUNT.fullmatch(text)
    text, times = (counted[1], int(counted[2])) if counted else (text, None)
    action, sign, value = text.partition("=")
    if action not in ACTIONS:
        raise FaultSpecError(f"{where}unknown action {action!r}; write {', '.join(ACTIONS.values())}, or one with x2")
    if times == 0:
        raise FaultSpecError(f"{where}x0 is never; write x1 for once, or leave it out")
    if bool(sign) != (action in _WITH_VALUE):
        remedy = ACTIONS[action] if action in _WITH_VALUE else f"{action} without a value"
        raise FaultSpecError(f"{where}{text!r}: write {remedy}")
    if action == "respond":
        if not re.fullmatch(r"[45]\d\d", value):
            raise FaultSpecError(f"{where}{value!r} is not an error status; write one from 400 to 599")
        return Misbehaviour(action, text, status=int(value), times=times)
    if action == "delay":
        return Misbehaviour(action, text, seconds=_delay(value, where), times=times)
    return Misbehaviour(action, text, times=times)


def _delay(value: str, where: str) -> float:
    try:
        found = seconds(value)
    except ValueError:
        raise FaultSpecError(f"{where}{value!r} is not a duration; write one such as 300ms, 3s or 1m") from None
    if not 0 < found <= _LONGEST:
        raise FaultSpecError(f"{where}a delay is at most 10m, and more than 0; hang never responds")
    return found


def _near(name: str, known: dict[str, str]) -> str:
    said = meant(name, known)
    return said if said.startswith("did") else f"known are, for example, {', '.join(list(known)[:3])}; see /docs"
