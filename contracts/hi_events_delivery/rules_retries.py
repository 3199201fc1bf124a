"""Deliveries that fail: retried or not, in order, logged."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.observations import RIGHTLY_SENT, SECTION, deliveries, watched
from contracts.status_changes import WEBHOOK, event_reading, reported_status, shows_status
from harness.capabilities import remedy_for
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    awake,
    expect,
    expect_arrival,
    held,
    json_object,
)
from harness.history import Exchange, History, NothingObservedError
from harness.http import object_or_empty
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

STORY = "deliveries_fail"
_RETRIES = "hi_events_delivery.retries_after_a_server_error"
_OPERATIONS = ("setEventStatus", WEBHOOK)
_NEEDS = ("linked-event", "failures:tuvens-api", "retries:hi.events")
_CLOCKS = {"control:tuvens-api", "control:hi.events"}
# A pause grows for sure from this factor on; below the second it does not grow.
_GROWS, _CONSTANT = 1.2, 1.05
# Seconds: the longest time-out allowed, and what is added for measuring it.
_LONGEST_WAIT, _TOLERANCE = 30.0, 2.0

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SECTION,
    story=STORY,
    settles="C-HE-14",
    operations=_OPERATIONS,
    needs=_NEEDS,
    depends_on=_RETRIES,
)


def _expect_retries(history: History) -> None:
    """Raises LackingError where the delivery that failed first came only once: that is a rule of its own, and where a
    deviation declares it, nothing else is to be said of retries."""
    found: list[Exchange] = []
    with suppress(NothingObservedError):  # the rule that needs it says so
        found = deliveries(history, f"{STORY}/server error/deliveries") or []
    if len(found) == 1 and not _is_success(found[0].facts.get("answered")):
        raise LackingError("hi.events does not retry, so there is no retry to check")


def _attempts(history: History, part: str, status: str | None = None) -> list[Exchange]:
    """The attempts that reached tuvens-api in a part of the story, only those that report `status` if it is given."""
    found = deliveries(history, f"{STORY}/{part}/deliveries") or []
    chosen = [each for each in found if status is None or reported_status(each) == status]
    if not chosen:
        raise UndecidedError("no delivery arrived" if status is None else f"no delivery of {status} arrived")
    return chosen


def _answers(attempts: Sequence[Exchange]) -> list[int | None]:
    """The statuses that the attempts were answered with; None for no answer."""
    return [each.facts.get("answered") for each in attempts]


def _is_success(status: int | None) -> bool:
    """Whether a delivery was accepted; that it should be with 200 is a rule about tuvens-api."""
    return status is not None and 200 <= status < 300


def _listed(attempts: Sequence[Exchange]) -> str:
    return ", ".join("no response" if each is None else str(each) for each in _answers(attempts))


def _log(history: History, part: str) -> Mapping[str, Any]:
    return history.observation(f"{STORY}/{part}/delivery log").values


def _expect_awake(history: History, part: str) -> None:
    awake(history, *watched(history, f"{STORY}/{part}/deliveries"))


def _waited(history: History) -> str:
    """How long a first retry was waited for, in words; empty if clocks were moved instead."""
    receiver = history.context.settings.get("receiver")
    if receiver is None or history.context.capabilities >= _CLOCKS:
        return ""
    return f"; waited for a first retry: {receiver['retry_within']:g} s (receiver.retry_within)"


@rule(
    quote="retried with growing pauses on 5xx, 429, time-outs and refused connections",
    depends_on=[*RIGHTLY_SENT, "webhook.signed_update_is_accepted"],
    next_step="Retry after 5xx, 429 and no response, with growing pauses. In Laravel a sync queue runs a job once.",
)
def retries_after_a_server_error(history: History) -> Verdict:
    """hi.events retries a webhook for which tuvens-api returned 503 twice, until it is accepted."""
    attempts = _attempts(history, "server error", "LIVE")
    answers = _answers(attempts)
    if answers == [503, 503] and _waited(history):
        raise LackingError(
            f"one retry came, after {_pauses(history, attempts)[0]:.1f} s, the second not in time: run with a longer "
            "--patience"
        )
    if set(answers) == {503}:
        _expect_awake(history, "server error")
    if answers.count(503) < 2 and _is_success(answers[-1]):
        raise UndecidedError(f"503 was returned to webhooks about another event: the attempts got {_listed(attempts)}")
    expect(
        answers[:2] == [503, 503] and len(answers) >= 3 and _is_success(answers[-1]),
        expected="two attempts that got 503, then one that got 200",
        observed=f"attempts that got {_listed(attempts)}{_waited(history)}",
        at=attempts,
    )
    return held(attempts)


@rule(
    quote="At least once, in order for one event.",
    next_step="Create the body and its event_sent_at once, when the status changes, and send them with every attempt.",
)
def a_retry_is_the_same_delivery(history: History) -> Verdict:
    """hi.events sends the same event_sent_at and payload with every retry of a webhook."""
    _expect_retries(history)
    first, *again = _attempts(history, "server error", "LIVE")
    if not again:
        raise UndecidedError("there was one delivery and no retry to compare")
    sent = object_or_empty(first.request_body)
    for each in again:
        body = object_or_empty(each.request_body)
        changed = [name for name in {**sent, **body} if sent.get(name) != body.get(name)]
        difference = "; ".join(f"{name} {sent.get(name)!r} became {body.get(name)!r}" for name in changed)[:240]
        expect(
            not changed,
            expected="the body of the first attempt",
            observed=f"another one: {difference}",
            at=(first, each),
        )
    same = all(each.request_body == first.request_body for each in again)
    return held((first, *again), "byte for byte" if same else "the same JSON in other bytes")


def _pauses(history: History, attempts: Sequence[Exchange]) -> list[float]:
    """Seconds between the starts of attempts: by the delivery log if it can be read (the clock of hi.events may
    have been moved), else as they arrived."""
    try:
        started = [float(each["started_at"]) for each in _log(history, "server error")["attempts"]]
    except NothingObservedError:
        started = [each.started for each in attempts]
    return [later - earlier for earlier, later in pairwise(started)]


@rule(quote="retried with growing pauses on 5xx, 429, time-outs and refused connections")
def pauses_between_retries_grow(history: History) -> Verdict:
    """hi.events waits longer before each further retry of a webhook."""
    _expect_retries(history)
    attempts = _attempts(history, "server error", "LIVE")
    pauses = _pauses(history, attempts)
    if len(pauses) < 2:
        raise UndecidedError(f"{len(pauses)} pause between attempts: nothing to compare")
    shown = ", ".join(f"{each:.1f} s" for each in pauses)
    growth = [later / max(earlier, 0.001) for earlier, later in pairwise(pauses)]
    expect(min(growth) > _CONSTANT, expected="growing pauses", observed=f"pauses of {shown}", at=attempts)
    if min(growth) < _GROWS:
        raise UndecidedError(f"pauses of {shown}: they grow too little to rule out chance")
    return held(attempts, f"pauses of {shown}")


@rule(quote="not on other 4xx", depends_on=[*RIGHTLY_SENT, "webhook.signed_update_is_accepted"])
def refused_delivery_is_not_retried(history: History) -> Verdict:
    """hi.events does not retry a webhook for which tuvens-api returned 400."""
    attempts = _attempts(history, "client error", "LIVE")
    first = _answers(attempts)[0]
    if first != 400:
        raise UndecidedError(f"the first attempt got {first}, not 400")
    expect(
        len(attempts) == 1,
        expected="one attempt",
        observed=f"{len(attempts)} attempts that got {_listed(attempts)}",
        at=attempts,
    )
    return held(attempts)


@rule(quote="retried with growing pauses on 5xx, 429, time-outs and refused connections")
def retries_after_too_many_requests(history: History) -> Verdict:
    """hi.events retries a webhook for which tuvens-api returned 429, until it is accepted."""
    _expect_retries(history)
    attempts = _attempts(history, "too many requests")
    answers = _answers(attempts)
    if 429 not in answers:
        raise UndecidedError(f"no attempt got 429: {_listed(attempts)}")
    limited = reported_status(attempts[answers.index(429)])
    since, until = watched(history, f"{STORY}/too many requests/deliveries")
    expect_arrival(
        history,
        any(reported_status(each) == limited and _is_success(each.facts.get("answered")) for each in attempts),
        since=since,
        until=until,
        expected="another attempt, which gets 200",
        observed=f"attempts that got {_listed(attempts)}{_waited(history)}",
        at=attempts,
    )
    return held(attempts)


def _is_retried(history: History, part: str) -> Verdict:
    """An attempt that got no answer was followed by one that was accepted."""
    _expect_retries(history)
    attempts = _attempts(history, part, "LIVE")
    answers = _answers(attempts)
    if answers[0] is not None:
        raise UndecidedError(f"the first attempt got {answers[0]}, not a missing response")
    since, until = watched(history, f"{STORY}/{part}/deliveries")
    expect_arrival(
        history,
        any(_is_success(each) for each in answers),
        since=since,
        until=until,
        expected="another attempt, which succeeds",
        observed=f"attempts: {_listed(attempts)}{_waited(history)}",
        at=attempts,
    )
    return held(attempts)


@rule(quote="retried with growing pauses on 5xx, 429, time-outs and refused connections")
def retries_after_a_time_out(history: History) -> Verdict:
    """hi.events retries a webhook that got no response, until it is accepted."""
    capabilities = history.context.capabilities
    try:
        return _is_retried(history, "time-out")
    except NothingObservedError:
        if "receiver" in capabilities or capabilities >= _CLOCKS:
            raise
        raise LackingError(remedy_for("receiver")) from None


@rule(quote="Delivery: time-out 30 s at most", settles=(), needs=[*_NEEDS, "receiver"])
def an_attempt_waits_30_seconds_at_most(history: History) -> Verdict:
    """hi.events waits at most 30 s for the response to a webhook."""
    _expect_retries(history)
    first = _attempts(history, "time-out", "LIVE")[0]
    if first.seconds > _LONGEST_WAIT + _TOLERANCE:
        awake(history, first.started, first.started + first.seconds)
    expect(
        first.seconds <= _LONGEST_WAIT + _TOLERANCE,
        expected="the connection is closed within 30 s",
        observed=f"it was open for {first.seconds:.1f} s: {first.error}",
        at=first,
    )
    return held(first, f"it was closed after {first.seconds:.1f} s")


@rule(
    level=SHOULD,
    quote="retried with growing pauses on 5xx, 429, time-outs and refused connections",
    settles=(),
    needs=[*_NEEDS, "receiver"],
)
def retries_after_a_broken_connection(history: History) -> Verdict:
    """hi.events retries a webhook whose connection was closed without a response, until it is accepted."""
    return _is_retried(history, "broken connection")


@rule(
    quote="At least once, in order for one event.",
    depends_on=[_RETRIES, "hi_events_delivery.deliveries_keep_the_order_of_changes"],
    next_step="Hold back later changes of an event until the earlier one is delivered or given up.",
)
def order_is_kept_under_failures(history: History) -> Verdict:
    """hi.events delivers the changes of one event in order, also if the first attempt for the earlier change failed."""
    _expect_retries(history)
    attempts = _attempts(history, "order")
    answers = _answers(attempts)
    if answers[0] != 503:
        raise UndecidedError(f"the first attempt got {answers[0]}, not 503")
    taken = [reported_status(each) for each, answer in zip(attempts, answers, strict=True) if _is_success(answer)]
    order = list(dict.fromkeys(taken))
    if order in ([], ["LIVE"]):
        # That both come in the end is a rule of its own.
        raise UndecidedError(
            f"while crossapp watched, tuvens-api accepted {' and '.join(order) or 'nothing'}: {_listed(attempts)}"
        )
    expect(
        order == ["LIVE", "DRAFT"],
        expected="LIVE is accepted, then DRAFT",
        observed=", then ".join(f"{reported_status(each)} ({each.facts.get('answered')})" for each in attempts),
        at=attempts,
    )
    return held(attempts)


@rule(
    quote="At least once, in order for one event.",
    operations=[*_OPERATIONS, "getEvent"],
    depends_on=[
        _RETRIES,
        "hi_events_delivery.a_retry_is_the_same_delivery",
        "hi_events_delivery.order_is_kept_under_failures",
        "webhook.an_update_changes_the_event",
    ],
)
def failures_leave_the_right_state(history: History) -> Verdict:
    """hi.events brings tuvens-api's event to the state of its own event, also after failed deliveries."""
    _expect_retries(history)
    seen = []
    for part, status in (("server error", "LIVE"), ("order", "DRAFT")):
        after = event_reading(history, f"{STORY}/{part}/event")
        since, until = watched(history, f"{STORY}/{part}/deliveries")
        shows = shows_status(json_object(after), status)
        if not shows and _have_one_time(_attempts(history, part)):
            continue
        expect_arrival(
            history,
            shows,
            expected=f"tuvens-api's event follows {status}",
            observed="it does not",
            at=(after, *_attempts(history, part)),
            since=since,
            until=until,
        )
        seen.append(after)
    return held(seen)


def _have_one_time(attempts: Sequence[Exchange]) -> bool:
    """Whether several statuses were sent with one event_sent_at, as whole seconds make it: which of them wins is left
    open."""
    times = {object_or_empty(each.request_body).get("event_sent_at") for each in attempts}
    return len(times) == 1 and len({reported_status(each) for each in attempts}) > 1


@rule(
    quote="every attempt is kept in a delivery log",
    needs=[*_NEEDS, "control:hi.events"],
    depends_on=RIGHTLY_SENT,
)
def every_attempt_is_in_the_delivery_log(history: History) -> Verdict:
    """hi.events logs every delivery attempt with the status that it got."""
    seen: list[Exchange] = []
    for part, status in (("server error", "LIVE"), ("client error", "LIVE")):
        attempts = _attempts(history, part, status)
        try:
            logged = [each["status"] for each in _log(history, part)["attempts"]]
        except NothingObservedError:
            raise BrokenRuleError("a delivery log of the event", "no delivery of it in the log", attempts[0]) from None
        if logged != _answers(attempts) and logged == _answers(attempts)[: len(logged)]:
            _expect_awake(history, part)  # what is missing at the end may only come later
        expect(
            logged == _answers(attempts),
            expected=f"attempts that got {', '.join(map(str, _answers(attempts)))}, as tuvens-api saw them",
            observed=f"the log has attempts that got {', '.join(map(str, logged)) or 'nothing'}",
            at=attempts,
        )
        seen += attempts
    return held(seen)
