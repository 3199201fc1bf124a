"""What judges expect of exchanges, and the exceptions by which they decide. A judge returns a verdict or raises one."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.fronts import front_of, refusal_of_front
from harness.history import Entry, Exchange, History, NothingObservedError, Observation, Outcome, StreamEvent
from harness.http import WireError
from harness.verdict import Held, Violated

At = Entry | int | Iterable[Entry | int]
"""Evidence: entries of the history, or their numbers."""

CREDENTIAL_LEFT = "credential_left"
"""The fact of an exchange for how long the credentials of its request were surely still good when the answer came:
`seconds` for the one that ends first, negative if it may have expired before, and its `kind` (session-token, bearer or
jwt)."""


_LESS_BUSY = "Run again on a less busy machine."
# Seconds by which our own work may be late, at least and as a share of the wait, and after which an answer is slow.
_LATE, _LATE_SHARE, _SLOW = 0.5, 0.25, 2.0


class BrokenRuleError(Exception):
    """The rule is broken: becomes Violated. `at` is the evidence, the plainest first; `check` as in Violated."""

    def __init__(self, expected: str, observed: str, at: At, check: str = "") -> None:
        super().__init__(expected)
        self.violated = Violated(expected, observed, numbers(at), check=check)


class BrokenAnswerError(BrokenRuleError):
    """An answer that has not the form that it must have. The rule is broken if the obliged application gave it, and
    undecided if another one did: the form of answers is a rule of its own."""

    def __init__(self, expected: str, observed: str, answer: Exchange) -> None:
        super().__init__(expected, observed, answer)
        self.answer = answer


class UndecidedError(Exception):
    """What was seen does not decide the rule: becomes Inconclusive. `remedy`: what would decide it. `blocks`: whether
    the rules that rest on it are undecided, too."""

    def __init__(self, reason: str, remedy: str = "", *, blocks: bool = True) -> None:
        super().__init__(reason)
        self.remedy, self.blocks = remedy, blocks


class UnseenError(UndecidedError):
    """The record has nothing that the rule is about; in a production, which is not attacked, that is no surprise."""


class UnaskedError(UndecidedError):
    """A step that the rule reads never happened: the run did not ask."""


class LackingError(Exception):
    """The deployment turned out to lack what the rule needs: becomes NotApplicable. `blocks`: whether the rules that
    rest on it lack it, too."""

    def __init__(self, reason: str, *, blocks: bool = True) -> None:
        super().__init__(reason)
        self.blocks = blocks


def answered(exchange: Exchange) -> Exchange:
    """The exchange, which must have an answer. Raises UndecidedError: a network never breaks a rule."""
    if exchange.outcome is Outcome.ANSWERED:
        return exchange
    what = "was refused" if exchange.outcome is Outcome.REFUSED else "got no response (it may have been processed)"
    raise UndecidedError(f"exchange {exchange.number} ({exchange.step}) {what}: {exchange.error}")


def let_through(exchange: Exchange) -> Exchange:
    """The exchange, answered by the application and not with 429: neither a rate limit nor a gateway says anything
    about another rule. Raises UndecidedError."""
    answered(exchange)
    front = front_of(exchange)
    if front:
        raise UndecidedError(f"exchange {exchange.number} ({exchange.step}): {front}")
    if exchange.status == 429:
        raise UndecidedError(f"exchange {exchange.number} ({exchange.step}) was rate limited (429)")
    return exchange


def alive(exchange: Exchange) -> Exchange:
    """The exchange, none of whose credentials may have expired before the request arrived. Raises UndecidedError."""
    left = exchange.facts.get(CREDENTIAL_LEFT)
    if left is not None and left["seconds"] < 0:
        raise UndecidedError(
            f"exchange {exchange.number} ({exchange.step}): its {left['kind'].replace('-', ' ')} may have expired "
            f"before the request arrived ({shown(exchange)})",
            "Increase the session lifetime (CROSS_APP_SESSION_EXPIRY), give a new JWT, or run on a less busy machine.",
        )
    return exchange


def _refused_by_expiry(exchange: Exchange, wanted: Collection[int]) -> bool:
    """Whether an answer with another status than these is what a request with an expired credential gets."""
    left = exchange.facts.get(CREDENTIAL_LEFT)
    if left is None or exchange.status in wanted or not exchange.is_client_error:
        return False
    # Which refusal an expired session token gets is judged where one is sent on purpose.
    return exchange.status == 401 if left["kind"] != "session-token" else not {401, 404}.intersection(wanted)


def shown(exchange: Exchange, *, length: int = 160) -> str:
    """An answer in a line: status and the beginning of its body."""
    text = exchange.response_body[: length * 4].decode("utf-8", "replace").strip()
    text = " ".join(text.split())
    cut = text if len(text) <= length else text[:length] + "…"
    return f"{exchange.status} {cut}".rstrip()


def expect(condition: bool, *, expected: str, observed: str, at: At, check: str = "") -> None:
    """Raises BrokenRuleError unless the condition holds; UndecidedError where the evidence, one exchange, is one that
    the application did not see."""
    if condition:
        return
    if isinstance(at, Exchange):
        seen_by_application(at)
    raise BrokenRuleError(expected, observed, at, check)


def seen_by_application(exchange: Exchange) -> None:
    """Raises UndecidedError where a proxy, an HTTP server or a firewall refused the request in the application's
    place."""
    if front := refusal_of_front(exchange):
        raise UndecidedError(f"exchange {exchange.number} ({exchange.step}): {front}")


def numbers(at: At) -> tuple[int, ...]:
    """The numbers of the entries that are evidence."""
    if isinstance(at, int):
        return (at,)
    if isinstance(at, Exchange | StreamEvent | Observation):
        return (at.number,)
    return tuple(each if isinstance(each, int) else each.number for each in at)


def awake(history: History, since: float, until: float) -> None:
    """What did not arrive between two times (Unix seconds) was not sent: our own side was awake, and the applications
    answered promptly what else the rule's stories asked. Raises UndecidedError otherwise: no verdict depends on how
    busy a machine is."""
    late = history.lateness(since, until)
    if late > max(_LATE, _LATE_SHARE * (until - since)):
        raise UndecidedError(f"crossapp itself was {late:.1f} s late while it waited for this", _LESS_BUSY)
    for each in history.exchanges():
        slow = each.outcome is Outcome.ANSWERED and each.seconds > _SLOW and not each.facts.get("delivery")
        if slow and each.started < until and each.started + each.seconds > since:
            raise UndecidedError(
                f"while crossapp waited for this, {each.callee} took {each.seconds:.1f} s to respond to exchange "
                f"{each.number} ({each.step})",
                _LESS_BUSY,
            )


def expect_arrival(
    history: History, arrived: bool, *, expected: str, observed: str, at: At, since: float, until: float
) -> None:
    """Raises BrokenRuleError unless something that was waited for between two times arrived; UndecidedError if it may
    have come too late only for us (`awake`)."""
    if not arrived:
        awake(history, since, until)
    expect(arrived, expected=expected, observed=observed, at=at)


def expect_status(exchange: Exchange, *statuses: int, because: str = "") -> Exchange:
    """The exchange, answered with one of the statuses. Raises BrokenRuleError or UndecidedError."""
    if 429 not in statuses:
        let_through(exchange)
    answered(exchange)
    if _refused_by_expiry(exchange, statuses):
        alive(exchange)
    wanted = " or ".join(str(each) for each in statuses)
    expected = f"status {wanted}" + (f" {because}" if because else "")
    expect(exchange.status in statuses, expected=expected, observed=shown(exchange), at=exchange)
    return exchange


def expect_success(exchange: Exchange) -> Exchange:
    """The exchange, answered with any 2xx. Raises BrokenRuleError or UndecidedError."""
    let_through(exchange)
    if _refused_by_expiry(exchange, (200,)):
        alive(exchange)
    expect(exchange.is_success, expected="success (2xx)", observed=shown(exchange), at=exchange)
    return exchange


def json_object(exchange: Exchange) -> dict[str, Any]:
    """The answer's body as a JSON object. Raises BrokenRuleError or UndecidedError."""
    answered(exchange)
    try:
        value = exchange.answer.json()
    except WireError as error:
        raise BrokenAnswerError("a JSON object", f"{shown(exchange)} ({error})", exchange) from None
    if not isinstance(value, dict):
        raise BrokenAnswerError("a JSON object", shown(exchange), exchange)
    return value


_FORMS: Mapping[type, str] = {bool: "a boolean", dict: "an object", int: "an integer", list: "a list", str: "text"}


def expect_field(exchange: Exchange, name: str, kind: type) -> Any:
    """A field of the answer's JSON object, which must be a bool, dict, int, list or str (a boolean is no integer).
    Raises BrokenRuleError or UndecidedError."""
    value = json_object(exchange).get(name)
    observed = f"{name} is {value!r}"[:120]
    if type(value) is not kind:
        raise BrokenAnswerError(f"{name}, {_FORMS[kind]}", observed, exchange)
    return value


def held(at: At, note: str = "") -> Held:
    """Held, with the evidence for it. Raises UnseenError for none: what was not seen cannot hold."""
    evidence = numbers(at)
    if not evidence:
        raise UnseenError("the run has nothing that this rule is about")
    return Held(evidence, note)


@contextmanager
def lacking_without(history: History, story: str, remedy: str) -> Iterator[None]:
    """For steps that a story leaves out if the deployment lacks something. Raises LackingError with the remedy if a
    finished story has not observed what the block reads."""
    try:
        yield
    except NothingObservedError:
        outcome = history.outcome(story)
        if outcome is not None and outcome.ended == "finished":
            raise LackingError(remedy) from None
        raise


def statuses(exchanges: Iterable[Exchange], *allowed: int) -> Held:
    """Each of the exchanges is answered with one of the statuses. Raises BrokenRuleError or UndecidedError."""
    seen = list(exchanges)
    undecided: UndecidedError | None = None
    for each in seen:
        try:
            expect_status(each, *allowed)
        except UndecidedError as error:
            undecided = error
    if undecided is not None:
        raise undecided
    return held(seen)
