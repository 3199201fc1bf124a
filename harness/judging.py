"""The words in which judges are written. A judge returns a verdict or lets one of these exceptions say it."""

from collections.abc import Iterable
from typing import Any

from harness.history import Exchange, Outcome
from harness.http import WireError
from harness.verdict import Held, Violated


class BrokenRuleError(Exception):
    """The rule is broken: becomes Violated."""

    def __init__(self, violated: Violated) -> None:
        super().__init__(violated.expected)
        self.violated = violated


class UndecidedError(Exception):
    """What was seen does not decide the rule: becomes Inconclusive."""


class LackingError(Exception):
    """The deployment turned out to lack what the rule needs: becomes NotApplicable."""


def answered(exchange: Exchange) -> Exchange:
    """The exchange, which must have an answer. Raises UndecidedError: a network never breaks a rule."""
    if exchange.outcome is Outcome.ANSWERED:
        return exchange
    what = "was refused" if exchange.outcome is Outcome.REFUSED else "got no answer (it may have happened)"
    raise UndecidedError(f"exchange {exchange.number} ({exchange.step}) {what}: {exchange.error}")


def let_through(exchange: Exchange) -> Exchange:
    """The exchange, answered and not by 429: a rate limit that strikes says nothing about another rule. Raises
    UndecidedError."""
    answered(exchange)
    if exchange.status == 429:
        raise UndecidedError(f"exchange {exchange.number} ({exchange.step}) was rate limited (429)")
    return exchange


def shown(exchange: Exchange, *, length: int = 160) -> str:
    """An answer in a line: status and the beginning of its body."""
    text = exchange.response_body[: length * 4].decode("utf-8", "replace").strip()
    text = " ".join(text.split())
    cut = text if len(text) <= length else text[:length] + "…"
    return f"{exchange.status} {cut}".rstrip()


def expect(condition: bool, *, expected: str, observed: str, at: Exchange | Iterable[Exchange | int] | int) -> None:
    """Raises BrokenRuleError unless the condition holds; `at` is what shows it."""
    if not condition:
        raise BrokenRuleError(Violated(expected, observed, numbers(at)))


def numbers(at: Exchange | Iterable[Exchange | int] | int) -> tuple[int, ...]:
    """Numbers of exchanges, and of other entries, for evidence."""
    if isinstance(at, int):
        return (at,)
    if isinstance(at, Exchange):
        return (at.number,)
    return tuple(each if isinstance(each, int) else each.number for each in at)


def expect_status(exchange: Exchange, *statuses: int, because: str = "") -> Exchange:
    """The exchange, answered with one of the statuses. Raises BrokenRuleError or UndecidedError."""
    if 429 not in statuses:
        let_through(exchange)
    answered(exchange)
    wanted = " or ".join(str(each) for each in statuses)
    expected = f"status {wanted}" + (f" {because}" if because else "")
    expect(exchange.status in statuses, expected=expected, observed=shown(exchange), at=exchange)
    return exchange


def expect_success(exchange: Exchange) -> Exchange:
    """The exchange, answered with any 2xx. Raises BrokenRuleError or UndecidedError."""
    let_through(exchange)
    ok = exchange.status is not None and 200 <= exchange.status < 300
    expect(ok, expected="success (2xx)", observed=shown(exchange), at=exchange)
    return exchange


def json_object(exchange: Exchange) -> dict[str, Any]:
    """The answer's body as a JSON object. Raises BrokenRuleError or UndecidedError."""
    answered(exchange)
    try:
        value = exchange.answer.json()
    except WireError as error:
        raise BrokenRuleError(Violated("a JSON object", f"{shown(exchange)} ({error})", (exchange.number,))) from None
    if not isinstance(value, dict):
        raise BrokenRuleError(Violated("a JSON object", shown(exchange), (exchange.number,)))
    return value


def held(at: Exchange | Iterable[Exchange] | int, note: str = "") -> Held:
    """Held, with the numbers of the exchanges that show it. Raises UndecidedError for none: what was not seen cannot
    hold."""
    evidence = numbers(at)
    if not evidence:
        raise UndecidedError("nothing that the rule is about was seen")
    return Held(evidence, note)


def statuses(exchanges: Iterable[Exchange], *allowed: int) -> Held:
    """Each of the exchanges is answered with one of the statuses. Raises BrokenRuleError or UndecidedError."""
    looked_at = list(exchanges)
    undecided: UndecidedError | None = None
    for each in looked_at:
        try:
            expect_status(each, *allowed)
        except UndecidedError as error:
            undecided = error
    if undecided is not None:
        raise undecided
    return held(looked_at)
