"""Small histories written by hand, and the verdict of one rule on them.

    seen = history(answer("a_story/first", 200, {"success": True}), no_answer("a_story/second"))
    assert isinstance(verdict("webhook.a_rule", seen), Held)

Entries are numbered as they stand. Every story of which a step is there went to its end, unless `ended` says otherwise.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from contracts.catalogue import catalogue
from harness.history import LATE, Context, Entry, Exchange, History, Observation, Outcome, StoryOutcome, StreamEvent
from harness.http import Headers
from harness.judge import judge_one
from harness.verdict import Verdict

EXPIRED = {"credential_left": {"seconds": -1.0, "kind": "session-token"}}
"""The fact of an exchange whose session token may have expired before the request arrived."""

NOW = 1_753_453_800.0
"""Unix seconds at which hand-written exchanges start unless said otherwise: 2025-07-25T14:30:00Z."""


def answer(
    step: str,
    status: int,
    body: object = None,
    *,
    sent: object = b"",
    operation: str = "",
    headers: Mapping[str, str] | None = None,
    request_headers: Headers = (("Accept", "application/json"),),
    callee: str = "tuvens-api",
    caller: str = "browser",
    method: str = "POST",
    url: str = "http://127.0.0.1/",
    at: float = NOW,
    seconds: float = 0.001,
    facts: Mapping[str, Any] | None = None,
) -> Exchange:
    """An exchange that was answered. `body` and `sent`: bytes as they are, None for none, all else as JSON; `at` is
    when it started (the server's Date says the same, `headers` may say otherwise)."""
    shown = {"Date": formatdate(at, usegmt=True), **(headers or {})}
    return Exchange(
        number=0,
        step=step,
        caller=caller,
        callee=callee,
        operation=operation,
        method=method,
        url=url,
        request_headers=request_headers,
        request_body=_bytes(sent),
        outcome=Outcome.ANSWERED,
        status=status,
        response_headers=tuple(shown.items()),
        response_body=_bytes(body),
        started=at,
        seconds=seconds,
        facts=dict(facts or {}),
    )


def no_answer(step: str, *, refused: bool = False, error: str = "ReadTimeout", **said: Any) -> Exchange:
    """An exchange without an answer: it may have happened, or (`refused`) surely did not. Further arguments as for
    `answer`."""
    outcome = Outcome.REFUSED if refused else Outcome.NO_ANSWER
    asked = answer(step, 0, **said)
    return replace(asked, outcome=outcome, status=None, response_headers=(), response_body=b"", error=error)


def opened(step: str, status: int = 200, content_type: str = "text/event-stream", *, at: float = NOW) -> StreamEvent:
    """The opening of a stream."""
    return StreamEvent(0, step, "open", at, data=f"{status} {content_type}")


def message(step: str, data: object, *, event: str = "", id: str = "", at: float = NOW) -> StreamEvent:
    """An event of a stream: `data` as it is where it is text, all else as JSON."""
    text = data if isinstance(data, str) else json.dumps(data)
    lines = [f"event: {event}"] * bool(event) + [f"id: {id}"] * bool(id) + [f"data: {text}", ""]
    return StreamEvent(0, step, "event", at, event, text, id, tuple(lines))


def comment(step: str, text: str = "heartbeat", *, at: float = NOW) -> StreamEvent:
    """A comment line of a stream."""
    return StreamEvent(0, step, "comment", at, data=text, lines=(f": {text}",))


def closed(step: str, why: str = "the server closed the stream", *, at: float = NOW) -> StreamEvent:
    """The end of a stream."""
    return StreamEvent(0, step, "closed", at, data=why)


def observed(step: str, **values: Any) -> Observation:
    """What a story measured."""
    return Observation(0, step, values)


def history(
    *entries: Entry,
    ended: Mapping[str, str] | None = None,
    capabilities: Collection[str] = (),
    settings: Mapping[str, Any] | None = None,
    targets: Mapping[str, Mapping[str, str]] | None = None,
) -> History:
    """A history of these entries. `ended`: how stories ended, by name, where not `finished`."""
    context = Context("by hand", "2025-07", targets or {}, frozenset(capabilities), dict(settings or {}))
    numbered = [replace(each, number=number) for number, each in enumerate(entries, start=1)]
    names = {each.step.partition("/")[0] for each in entries}
    outcomes = {**dict.fromkeys(names, "finished"), **(ended or {})}
    # The reason of a story that finished is what it left out.
    ends = [StoryOutcome(name, how, "" if how == "finished" else f"it {how}") for name, how in outcomes.items()]
    return History(context, numbered, ends)


def instead(entries: Sequence[Entry], *others: Entry) -> list[Entry]:
    """The entries, each of the `others` in the place of the last one that has its step. Fails where none has."""
    found = list(entries)
    for other in others:
        at = max(index for index, each in enumerate(found) if each.step == other.step and type(each) is type(other))
        found[at] = other
    return found


WATCHED = {"from": NOW, "until": NOW + 5}
"""When something was waited for, as stories observe it."""


def asleep(seen: History) -> History:
    """The same history, of a run in which our own side was late all the time."""
    late = Observation(len(seen.entries) + 1, LATE, {"since": NOW - 60, "seconds": 3600.0})
    return History(seen.context, [*seen.entries, late], seen.stories.values())


def verdict(requirement_id: str, seen: History) -> Verdict:
    """What one rule says of a history; its premises are not asked."""
    return judge_one(catalogue()[requirement_id], seen)


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
