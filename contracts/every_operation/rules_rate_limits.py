"""Rate limits of tuvens-api: enforced, announced, counted by their keys."""

import re

import openapi
from contracts.catalogue import RuleFamily
from contracts.proxies import may_come_from_a_parser, may_come_from_a_proxy
from contracts.times import parse_http_date
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    UnseenError,
    alive,
    answered,
    expect,
    held,
    lacking_without,
    shown,
)
from harness.history import Exchange, History
from harness.requirement import MUST, SHOULD, WHOLE_RECORD, Judge
from harness.verdict import Verdict
from openapi import Operation, RateLimit

_SIGNED = "webhook.signed_update_is_accepted"
_QUESTIONS = "questions_are_asked_too_often"
_STORIES = {"userJwt": "generate_session_is_asked_too_often", "webhookSignature": "webhooks_come_too_often"}
# Longer than any count or time: int() refuses thousands of digits.
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

rule = RuleFamily(level=MUST, obliged="tuvens-api", section="Rate limits")


def limited() -> list[tuple[Operation, RateLimit]]:
    """The operations in the contract's table of rate limits, with their limits."""
    operations = openapi.load("tuvens-api").operations.values()
    return [(each, each.rate_limit) for each in operations if each.rate_limit is not None and each.rate_limit.name]


def story_of(operation: Operation) -> str:
    """The story that exhausts an operation's limit."""
    return next((_STORIES[each] for each in operation.security if each in _STORIES), _QUESTIONS)


def _limit_in_force(history: History, operation: Operation) -> int:
    """The limit in force when the story was driven: with a control plane the story sets it."""
    if history.context.settings.get("rate_limits", {}).get(operation.id) == 0 and not _controlled(history):
        raise LackingError("the deployment says that it has no rate limits (rate_limits = 0)")
    planned = history.observation(f"{story_of(operation)}/{operation.id}/limit").values
    if planned.get("not tried"):
        raise UndecidedError(
            f"the limit was not reached: {planned['not tried']}",
            f"Set safety.exhaust_up_to = {planned['limit']} to try it, or lower the limit on the deployment.",
        )
    return int(planned["limit"])


def _controlled(history: History) -> bool:
    return "control:tuvens-api" in history.context.capabilities


def _asked(history: History, operation: Operation) -> list[Exchange]:
    asked = history.every(f"{story_of(operation)}/{operation.id}/asked")
    # The first answer may be a 429 because of requests before the story.
    answers = [each for each in asked if each.status is not None]
    if not answers:
        raise UndecidedError(f"no response to any of {len(asked)} requests: {asked[0].error}")
    return answers


def _lost(history: History, operation: Operation) -> int:
    """How many requests got no answer, those that were sent again included."""
    tries = history.tries(f"{story_of(operation)}/{operation.id}/asked")
    return sum(each.status is None for each in tries)


def _enforced(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        limit = _limit_in_force(history, operation)
        asked = _asked(history, operation)
        limited = [each for each in asked if each.status == 429]
        for each in asked:
            if each.is_client_error and each.status != 429:
                alive(each)  # a server need not count the requests of a session that it does not know any more
        seconds = max(each.started for each in asked) - min(each.started for each in asked)
        if not limited and (seconds > 55 or len(asked) <= 2 * limit):
            raise UndecidedError(f"{len(asked)} requests took {seconds:.0f} s: too slow to reach {limit} a minute")
        expect(
            bool(limited),
            expected=f"429 beyond {limit} requests a minute",
            observed=f"{len(asked)} requests in {seconds:.1f} s, none returned 429",
            at=asked[-1],
            check=f"{operation.id} is not limited",
        )
        if _controlled(history):
            if seconds > 55:
                raise UndecidedError(f"{len(asked)} requests took {seconds:.0f} s: more than one window")
            passed = sum(each.status != 429 for each in asked)
            # A request without an answer may have been counted, too, even if it was sent again.
            lost = _lost(history, operation)
            # The story begins with empty windows; for the webhook one delivery came before.
            expect(
                limit - 1 - lost <= passed <= limit,
                expected=f"{limit} requests a minute without a 429",
                observed=f"{passed} of {len(asked)} without a 429",
                at=(asked[0], limited[0]),
            )
        return held(limited[0], f"429 after {sum(each.status != 429 for each in asked)} requests in {seconds:.1f} s")

    return judge


def _keyed(operation: Operation) -> Judge:
    def judge(history: History) -> Verdict:
        _enforced(operation)(history)
        other = answered(_with_another_key(history, operation))
        expect(other.status != 429, expected="no 429 for another key", observed=shown(other), at=other)
        if not other.is_success:
            raise UndecidedError(f"the request with another key fails anyway: {shown(other)}")
        return held(other)

    return judge


def _with_another_key(history: History, operation: Operation) -> Exchange:
    story = story_of(operation)
    with lacking_without(history, story, "no other user can send requests: name another one under [[users]]"):
        return history.one(f"{story}/{operation.id}/another key")


def _row(limit: RateLimit) -> str:
    """A limit's row in the contract's table."""
    key = "Hi.Events instance" if limit.key == "instance" else limit.key.replace("-", " ")
    return f"| {limit.name} | {limit.limit} | {key} |"


def _add_rules(operation: Operation, limit: RateLimit) -> None:
    """The rules of one limit; that of its key only where a deployment has two of the kind, users or session tokens."""
    name, key = (text.replace("-", "_") for text in (str(limit.name), limit.key))
    of_limit = RuleFamily(
        level=MUST,
        obliged="tuvens-api",
        section="Rate limits",
        quote=_row(limit),
        story=story_of(operation),
        settles="C-TA-29",
        needs=["exhaust", *filter(None, [operation.changes])],
    )
    # A webhook with a wrong signature is not counted.
    signed = [_SIGNED for each in operation.schemes if each.signs]
    premises = [f"routes.{operation.id}", "session_token.mints_a_session"]
    of_limit(
        id=f"rate_limits.{name}_is_limited",
        statement=f"tuvens-api returns 429 for {operation.method} {operation.path} beyond its limit ({limit.limit} a "
        "minute, unless the deployment file sets another).",
        depends_on=[*premises, *signed],
    )(_enforced(operation))
    if limit.key in ("user", "session-token"):
        of_limit(
            id=f"rate_limits.{name}_counts_by_{key}",
            statement=f"tuvens-api counts {operation.method} {operation.path} by {limit.key.replace('-', ' ')}: the "
            "requests of one do not count against another.",
            depends_on=[*premises, f"rate_limits.{name}_is_limited"],
        )(_keyed(operation))


for _operation, _limit in limited():
    _add_rules(_operation, _limit)


@rule(
    id="rate_limits.limits_are_announced",
    quote="Headers on every answer of these five routes: `X-RateLimit-Limit`, `X-RateLimit-Remaining`",
    story=WHOLE_RECORD,
    settles="C-TA-29",
    depends_on="routes.tuvens-api_answers",
)
def limits_are_announced(history: History) -> Verdict:
    """tuvens-api announces limit, remaining requests and reset time in headers on every response of the limited
    operations, except on 429 and body-parser errors."""
    return _announced([each for each in _answers_of_limited_routes(history) if not _comes_before_the_route(each)])


@rule(
    id="rate_limits.limits_are_announced_before_the_route",
    level=SHOULD,
    section="Where the sources disagree, and the ruling",
    quote="MUST on answers of the route, SHOULD on the 429 and on a parser's answers",
    story=WHOLE_RECORD,
    depends_on=["routes.tuvens-api_answers", "rate_limits.limits_are_announced"],
)
def limits_are_announced_before_the_route(history: History) -> Verdict:
    """tuvens-api also announces limit, remaining requests and reset time on 429 responses and on errors of its body
    parser."""
    return _announced([each for each in _answers_of_limited_routes(history) if _comes_before_the_route(each)])


def _comes_before_the_route(exchange: Exchange) -> bool:
    return exchange.status == 429 or may_come_from_a_parser(exchange)


def _announced(answers: list[Exchange]) -> Verdict:
    for each in answers:
        for name in _HEADERS:
            found = limit_headers(each, name)
            if not any(_WHOLE_NUMBER.fullmatch(text) for text in found.values()):
                value = next(iter(found.values()), "")
                observed = f"{each.status} with {name + ': ' + value[:40] if value else 'no ' + name}"
                raise BrokenRuleError(f"header {name} with a whole number", observed, each)
    return held(answers[:6], f"{len(answers)} responses")


def limit_headers(exchange: Exchange, name: str) -> dict[str, str]:
    """The values of a header of rate limits, by its name as it was sent. A throttler with several limits writes the
    name of the limit behind it (X-RateLimit-Limit-short): these count where the plain name is not there."""
    wanted, size = name.lower(), len(name)
    named = {
        key: value.strip()
        for key, value in exchange.response_headers
        if len(key) >= size and key[:size].lower() == wanted
    }
    plain = {key: value for key, value in named.items() if len(key) == size}
    return plain or {key: value for key, value in named.items() if key[size] == "-"}


def _answers_of_limited_routes(history: History) -> list[Exchange]:
    found = [
        each
        for operation, _ in limited()
        for each in history.exchanges(operation.id, "tuvens-api")
        if each.status is not None
        and each.method == operation.method
        # A proxy does not know the limits.
        and not may_come_from_a_proxy(each)
    ]
    if not found:
        raise UnseenError("the run has no response of a limited route")
    return found


@rule(
    id="rate_limits.reset_is_in_unix_seconds",
    quote="`X-RateLimit-Reset` (Unix seconds)",
    story=WHOLE_RECORD,
    depends_on="routes.tuvens-api_answers",
)
def reset_is_in_unix_seconds(history: History) -> Verdict:
    """tuvens-api announces in X-RateLimit-Reset a time within the next hour, in Unix seconds."""
    answers = []
    for each in _answers_of_limited_routes(history):
        # That the header is there, with a number, is a rule of its own.
        date, resets = parse_http_date(each.header("date")), limit_headers(each, "X-RateLimit-Reset")
        for name, reset in resets.items():
            if date is None or _WHOLE_NUMBER.fullmatch(reset) is None:
                continue
            ahead = int(reset) - date
            left = f"{name} is {reset}: seconds left, not a time"
            expect(
                -5 <= ahead <= 3_600,
                expected="a time up to an hour after the response's Date, in Unix seconds",
                observed=left if 0 <= int(reset) <= 3_600 else f"{name} is {ahead:+.0f} s from it",
                at=each,
            )
            answers.append(each)
    if not answers:
        raise LackingError("no response has both X-RateLimit-Reset as a whole number and a Date")
    return held(answers[:6], f"{len(answers)} responses")


@rule(
    id="rate_limits.retry_after_is_given",
    level=SHOULD,
    quote="SHOULD with Retry-After",
    story=[*dict.fromkeys(story_of(each) for each, _ in limited()), WHOLE_RECORD],
    needs="exhaust",
    depends_on="rate_limits.generate_session_is_limited",
)
def retry_after_is_given(history: History) -> Verdict:
    """tuvens-api sends Retry-After with every 429."""
    limited = [each for each in history.exchanges(callee="tuvens-api") if each.status == 429]
    if not limited:
        raise UnseenError("the run has no 429")
    for each in limited:
        found = limit_headers(each, "Retry-After")
        expect(any(found.values()), expected="Retry-After", observed="a 429 without it", at=each)
    return held(limited[:6], f"{len(limited)} responses")
