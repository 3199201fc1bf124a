"""Rows of the inspector's list, and the protocol of their sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.redact import redact_named

_LONGEST = 400
_SHORTEST_SECRET = 8


class Webhook(NamedTuple):
    """The delivery that a call belongs to, the number of the attempt, and whether it is a manual replay."""

    delivery: int
    attempt: int
    replay: bool


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """A redacted summary of one exchange.

    app: the application that recorded it; with `number` it identifies the exchange.
    direction: "in" or "out", as seen by `app`.
    begun, seconds: Unix seconds of its start by the real clock, and its duration.
    clock: Unix seconds of its start by the clock of `app`; None if the app has no clock of its own.
    problems: how many deviations from the OpenAPI document its response has.
    twin: equal in the caller's and the callee's row of one exchange.
    """

    app: str
    number: int
    direction: str
    caller: str
    callee: str
    operation: str | None
    method: str
    target: str
    status: int | None
    error: str | None
    begun: float
    seconds: float
    clock: float | None = None
    problems: int = 0
    faults: tuple[str, ...] = ()
    user: str | None = None
    webhook: Webhook | None = None
    signature_valid: bool | None = None
    twin: int = 0

    def to_json(self) -> dict[str, Any]:
        """A JSON object without the empty fields; a target above 400 characters is cut."""
        target = redact_named(self.target, _SHORTEST_SECRET) if "?" in self.target else self.target
        value: dict[str, Any] = {
            "app": self.app,
            "number": self.number,
            "direction": self.direction,
            "caller": self.caller,
            "callee": self.callee,
            "method": self.method,
            "target": target if len(target) <= _LONGEST else target[:_LONGEST] + "…",
            "begun": round(self.begun, 6),
            "ms": round(self.seconds * 1000, 3),
        }
        more = {
            "operation": self.operation,
            "status": self.status,
            "error": self.error,
            "clock": self.clock,
            "problems": self.problems or None,
            "faults": list(self.faults) or None,
            "user": self.user,
            "webhook": None if self.webhook is None else self.webhook._asdict(),
            "signature_valid": self.signature_valid,
        }
        return {**value, **{name: each for name, each in more.items() if each is not None}}


class StreamMessage(NamedTuple):
    """A message that an application sent on its event stream.

    number: counted from 1. at: Unix seconds of the real clock. listeners: how many streams were open. data: as sent.
    """

    number: int
    at: float
    listeners: int
    data: str


class RowSource(Protocol):
    """A record of exchanges, numbered without gaps from 1."""

    @property
    def app(self) -> str:
        """The application that recorded the exchanges."""

    @property
    def kept(self) -> tuple[int, int]:
        """The first number that is still kept, and the last number given; the first is greater if none is kept."""

    def rows(self, after: int, limit: int) -> Sequence[ExchangeRow]:
        """At most `limit` of the kept exchanges with a number above `after`, in order."""

    def messages(self, after: int) -> Sequence[StreamMessage]:
        """The kept messages of the event stream with a number above `after`, in order."""

    def detail(self, number: int) -> Mapping[str, Any] | None:
        """The details of one exchange, as JSON; None if it is not kept."""
