"""The stream of ticketing changes: which messages it carries, in which form, and what a reconnect may miss."""

from urllib.parse import unquote

from contracts.catalogue import RuleFamily
from contracts.event_stream.wire import MESSAGE_TYPE
from contracts.every_operation.rules_routes import STORY as PROBE
from contracts.status_changes import event_reading, is_about, readable, state_in, stream_message
from contracts.times import iso_or_none
from harness.expectations import LackingError, UndecidedError, awake, expect, expect_arrival, expect_success, held
from harness.history import Exchange, History, NothingObservedError, StreamEvent
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

STORY = "updates_are_heard"
BY_CLOCK, BY_WAITING = "a_page_is_left_open_by_the_clock", "a_page_is_left_open"
LISTENERS = ("staying page", "leaving page")
_CHANGES = ("first", "second", "third")
_OPENS = "event_stream.it_is_an_event_stream"
_TOLD = "event_stream.an_applied_update_is_told"
_SILENCE = 31.0
# Seconds for which a message is waited for.
_WATCHED = 5.0

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="GET /api/events/updates (SSE)",
    story=STORY,
    operations="streamEventUpdates",
    depends_on=_TOLD,
)


@rule(
    quote="Unnamed events (browsers read them with onmessage), data is JSON",
    story=PROBE,
    settles="C-TA-32",
    depends_on=(),
)
def it_is_an_event_stream(history: History) -> Verdict:
    """tuvens-api returns 200 and text/event-stream for an anonymous GET /api/events/updates, as browsers require."""
    opening = _opening(history, f"{PROBE}/streamEventUpdates")
    status, _, content_type = opening.data.partition(" ")
    if status == "429":
        raise UndecidedError("the stream was rate limited (429)")
    fits = status == "200" and content_type.partition(";")[0].strip().lower() == "text/event-stream"
    expect(fits, expected="200 text/event-stream", observed=opening.data, at=opening)
    return held(opening)


@rule(
    quote="Sent after each applied webhook.",
    settles="C-TA-32",
    depends_on=["webhook.an_update_changes_the_event", _OPENS],
)
def an_applied_update_is_told(history: History) -> Verdict:
    """tuvens-api sends a message to every open page for each applied webhook, within five seconds."""
    messages = []
    for listener in LISTENERS:
        for change in _CHANGES:
            update, found = _messages(history, listener, change)
            if not found:
                _undecided_if_closed(history, listener, update)
                awake(history, update.started, _reading(history, change).started)
            expect(
                bool(found),
                expected=f"a message about event {_event(history)} after the update, at the {listener}",
                observed="no message within five seconds",
                at=update,
            )
            messages.append(found[0])
    return held(messages)


@rule(quote="Unnamed events (browsers read them with onmessage), data is JSON", settles="C-TA-32")
def messages_are_unnamed(history: History) -> Verdict:
    """tuvens-api sends stream messages without an event name, so that a page's onmessage receives them."""
    messages = _all_messages(history)
    for each in messages:
        # A browser gives an event that is named "message" to onmessage, too.
        expect(
            each.event in ("", "message"),
            expected="a message without an event: line",
            observed=f"event: {each.event}",
            at=each,
        )
    return held(messages)


@rule(quote='`{"type": "ticketing_status_changed", "eventId": "11", "status": "active"', settles="C-TA-32")
def messages_have_the_form(history: History) -> Verdict:
    """tuvens-api sends each message as JSON with type ticketing_status_changed, eventId as text, status, and timestamp
    in ISO 8601, in UTC."""
    messages = _all_messages(history)
    for each in messages:
        message = stream_message(each)
        for expected, fits in (
            (f"type {MESSAGE_TYPE}", message.get("type") == MESSAGE_TYPE),
            ("eventId as text", isinstance(message.get("eventId"), str)),
            ("status setup, active or inactive", message.get("status") in ("setup", "active", "inactive")),
            ("timestamp in ISO 8601, in UTC", iso_or_none(message.get("timestamp")) is not None),
        ):
            expect(fits, expected=expected, observed=each.data[:200], at=each)
    return held(messages)


@rule(
    quote='`{"type": "ticketing_status_changed", "eventId": "11", "status": "active"',
    settles="C-TA-32",
    depends_on="event_stream.messages_have_the_form",
)
def a_message_tells_the_ticketing_status(history: History) -> Verdict:
    """tuvens-api sends in a message the ticketing status that the event then has."""
    messages = []
    for change in _CHANGES:
        reading = _reading(history, change)
        ticketing = state_in(reading).ticketing
        for listener in LISTENERS:
            _, found = _messages(history, listener, change)
            if not found:
                raise UndecidedError(f"no message about the {change} change was received")
            expect(
                stream_message(found[-1]).get("status") == ticketing,
                expected=f"status {ticketing!r}, as the event reads in exchange {reading.number}",
                observed=found[-1].data[:200],
                at=found[-1],
            )
            messages.append(found[-1])
    return held(messages)


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote="Then one SSE message.",
    settles="C-TA-32",
)
def one_message_for_each_update(history: History) -> Verdict:
    """tuvens-api sends exactly one message for each applied webhook."""
    messages = []
    for listener in LISTENERS:
        found = [each for change in _CHANGES for each in _messages(history, listener, change)[1]]
        told = ", ".join(str(stream_message(each).get("status")) for each in found)
        expect(
            len(found) <= len(_CHANGES),
            expected=f"{len(_CHANGES)} messages for {len(_CHANGES)} applied updates",
            observed=f"{len(found)} messages: {told[:160]}",
            at=found[-1:],
        )
        messages += found
    return held(messages)


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote="Then one SSE message.",
    settles="C-TA-32",
    operations=["streamEventUpdates", "getEvent"],
    depends_on=["event_stream.a_message_tells_the_ticketing_status", "event_stream.one_message_for_each_update"],
    next_step="Send the message only after the transaction is committed.",
)
def an_update_can_be_read_when_it_is_told(history: History) -> Verdict:
    """tuvens-api changes an event before it sends the message: a page that then reads the event gets the new ticketing
    status."""
    seen: list[Exchange | StreamEvent] = []
    for change in _CHANGES:
        first, last = readable(history.every(f"{STORY}/{change}/event")[0]), _reading(history, change)
        told = [found[0] for listener in LISTENERS if (found := _messages(history, listener, change)[1])]
        if not told or told[0].number > first.number:
            raise UndecidedError(f"no message arrived before the event was read after the {change} change")
        if first.header("age") not in (None, "0"):
            raise UndecidedError(f"a cache responded in exchange {first.number}")
        was, became = state_in(first).ticketing, state_in(last).ticketing
        expect(
            was == became,
            expected=f"ticketing_status {became!r} as soon as the message arrived",
            observed=f"{was!r}; {became!r} after {last.started - first.started:.1f} s",
            at=(first, told[0]),
        )
        seen += [told[0], first]
    return held(seen)


@rule(
    quote="Sent after each applied webhook.",
    depends_on=[
        _TOLD,
        "webhook.wrong_signature_is_refused",
        "webhook.incomplete_update_is_refused",
        "webhook.unknown_event_is_not_found",
    ],
)
def a_refused_update_is_not_told(history: History) -> Verdict:
    """tuvens-api sends no message for a webhook that it rejects: wrongly signed, malformed, or about an unknown
    event."""
    for each in history.every(f"{STORY}/refused"):
        if not each.is_client_error:
            raise UndecidedError(f"exchange {each.number} ({each.step}) was not rejected: {each.status}")
    unknown = history.observation(f"{STORY}/unknown event").values["event"]
    event = _event(history)
    last_change, after = _reading(history, _CHANGES[-1]), _reading(history, "after refusals")
    # A message of the last change may be late.
    legitimate = {str(state_in(each).ticketing) for each in (last_change, after)}
    for listener in LISTENERS:
        for message in _heard(history, listener):
            status = str(stream_message(message).get("status"))
            of_refused = last_change.number < message.number < after.number and status not in legitimate
            wrong = is_about(message, unknown) or (is_about(message, event) and of_refused)
            expect(not wrong, expected="no message", observed=message.data[:200], at=message)
    _, sentinel = _messages(history, LISTENERS[0], "after refusals")
    if not sentinel:
        raise UndecidedError("the stream carried no message after the rejected updates")
    return held((sentinel[0], *history.every(f"{STORY}/refused")))


@rule(
    level=SHOULD,
    quote="`id:` and Last-Event-ID so that a reconnect misses nothing",
    next_step="Number the messages and send the number as id:.",
)
def messages_have_an_id(history: History) -> Verdict:
    """tuvens-api sends an id: with each message, which a browser sends back when it reconnects."""
    messages = _all_messages(history)
    for each in messages:
        has_id = any(line.startswith("id:") and line[3:].strip() for line in each.lines)
        expect(has_id, expected="an id: line", observed=" | ".join(each.lines)[:200], at=each)
    return held(messages)


@rule(level=SHOULD, quote="`id:` and Last-Event-ID so that a reconnect misses nothing")
def a_reconnect_misses_nothing(history: History) -> Verdict:
    """tuvens-api sends the missed messages to a page that reconnects with Last-Event-ID."""
    _, missed = _messages(history, LISTENERS[0], "missed")
    if not missed:
        raise UndecidedError("the page that stayed got no message about the change that the other page missed")
    if not any(each.id for each in _heard(history, LISTENERS[1])):
        raise LackingError("the messages have no id, so a page cannot name the last one that it saw")
    opening = _opening(history, f"{STORY}/back")
    wanted = stream_message(missed[0])
    replayed = [each for each in history.stream(f"{STORY}/back") if stream_message(each) == wanted]
    expect_arrival(
        history,
        bool(replayed),
        since=opening.at,
        until=opening.at + _WATCHED,
        expected=f"the message {missed[0].data[:160]}",
        observed="no such message within five seconds after the reconnect",
        at=opening,
    )
    return held(replayed)


@rule(
    level=SHOULD,
    quote="SHOULD: a comment line as heartbeat at least every 30 s",
    story=[BY_CLOCK, BY_WAITING],
    depends_on=_OPENS,
    next_step="Write a comment line to every open stream at least every 30 s; proxies close silent connections.",
)
def a_silent_stream_has_a_heartbeat(history: History) -> Verdict:
    """tuvens-api sends a comment line at least every 30 s while nothing happens."""
    try:
        return _beats_by_clock(history)
    except NothingObservedError:
        outcome = history.outcome(BY_CLOCK)
        if outcome is not None and outcome.ended not in ("skipped", "finished"):
            raise
    return _beats_in_time(history)


def _beats_by_clock(history: History) -> Verdict:
    since = history.observation(f"{BY_CLOCK}/waited").values["from"]
    entries = history.stream(f"{BY_CLOCK}/page")
    beats = [each for each in entries if each.kind == "comment" and each.number >= since]
    if not beats and entries[-1].kind == "closed":
        raise UndecidedError(f"the stream was closed: {entries[-1].data}")
    expect_arrival(
        history,
        bool(beats),
        expected="a comment line within 30 s",
        observed="silence for 32 s",
        at=entries[0],
        since=entries[0].at,
        until=entries[0].at + _WATCHED,
    )
    return held(beats[0])


def _beats_in_time(history: History) -> Verdict:
    entries = history.stream(f"{BY_WAITING}/page")
    start = entries[0]
    if start.kind != "open" or not start.data.startswith("200"):
        raise UndecidedError(f"the stream was not opened: {start.data}")
    beats = [each for each in entries if each.kind == "comment" and each.at > start.at + 1]
    if beats:
        return held(beats[0])
    if entries[-1].kind == "closed":
        raise UndecidedError(f"the stream was closed: {entries[-1].data}")
    seconds = history.observation(f"{BY_WAITING}/waited").values["seconds"]
    times = [each.at for each in entries]
    silence = max(b - a for a, b in zip(times, [*times[1:], start.at + seconds], strict=True))
    expect_arrival(
        history,
        silence < _SILENCE,
        since=start.at,
        until=start.at + seconds,
        expected="a comment line within 30 s",
        observed=f"silence for {silence:.0f} s",
        at=start,
    )
    raise LackingError("the stream was never silent for 30 s: run with --select event_stream while nothing happens")


def _opening(history: History, step: str) -> StreamEvent:
    opening = history.stream(step)[0]
    if opening.kind != "open":
        raise UndecidedError(f"the stream got no response: {opening.data}")
    return opening


def _heard(history: History, listener: str) -> list[StreamEvent]:
    return [each for each in history.stream(f"{STORY}/{listener}") if each.kind == "event"]


def _reading(history: History, change: str) -> Exchange:
    return event_reading(history, f"{STORY}/{change}/event")


def _event(history: History) -> str:
    """The id of the story's event."""
    return unquote(_reading(history, "base").url.rpartition("/")[2])


_BEFORE = {"first": "base", "second": "first", "third": "second", "after refusals": "third", "missed": "after refusals"}


def _messages(history: History, listener: str, change: str) -> tuple[Exchange, list[StreamEvent]]:
    """An accepted update, and the messages about its event between the readings before and after it.

    A message may come before the answer to the webhook, so the readings are the bounds, not the update.
    """
    update = expect_success(history.one(f"{STORY}/{change}/update"))
    since, until = _reading(history, _BEFORE[change]).number, _reading(history, change).number
    heard = [each for each in _heard(history, listener) if since < each.number < until]
    return update, [each for each in heard if is_about(each, _event(history))]


def _all_messages(history: History) -> list[StreamEvent]:
    return [each for listener in LISTENERS for change in _CHANGES for each in _messages(history, listener, change)[1]]


def _undecided_if_closed(history: History, listener: str, update: Exchange) -> None:
    for each in history.stream(f"{STORY}/{listener}"):
        if each.kind == "closed" and each.number < update.number:
            raise UndecidedError(f"the stream was closed before exchange {update.number}: {each.data}")
