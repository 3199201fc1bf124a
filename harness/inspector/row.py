"""An exchange as the list of the inspector shows it, and who can tell of exchanges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.redact import redact_named

_LONGEST = 400
_SHORTEST_SECRET = 8


class Webhook(NamedTuple):
    """Which delivery a call belongs to, its how manieth attempt it is, and whether somebody asked for it again."""

    delivery: int
    attempt: int
    replay: bool


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange in short, secrets removed.

    app: whose record it is from; with `number` it names the exchange.
    direction: "in" or "out", as `app` sees it.
    begun, seconds: real time, Unix seconds, and how long it took.
    clock: when it began by the clock of `app`, which may be another time; None where the app has no clock of its own.
    problems: how many breaches of the OpenAPI document its answer has.
    twin: equal in both records of one exchange, the caller's and the callee's.
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
        """A JSON object; what is empty is left out, a target above 400 characters is cut."""
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


class RowSource(Protocol):
    """A record of exchanges, numbered without gaps from 1."""

    @property
    def app(self) -> str:
        """Whose record it is."""

    @property
    def kept(self) -> tuple[int, int]:
        """The first number that is still kept and the last that was given; the first is above it where all are gone."""

    def rows(self, after: int, limit: int) -> Sequence[ExchangeRow]:
        """At most `limit` of the kept exchanges with a number above `after`, in order."""

    def detail(self, number: int) -> Mapping[str, Any] | None:
        """One exchange with everything that may be known of it, as JSON; None where it is not kept."""
