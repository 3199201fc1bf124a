"""Example histories of the rules about outgoing webhooks."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.hi_events_delivery.observations import STATUSES
from contracts.status_changes import TICKETING
from contracts.webhook.wire import status_changed_body
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, honest, lacks, leaves_open
from tests.contracts.histories import NOW, WATCHED, answer, asleep, history, message, no_answer, observed, opened

STORY, CLOSE, FAIL = "statuses_are_changed", "changes_follow_closely", "deliveries_fail"
_STEPS = (*STATUSES, "last")
CHANGES = (*STATUSES, "CANCELLED")
"""The changes of a deployment that knows every status."""


def body(status: str, *, sent_at: str = "2025-07-25T14:30:00.000Z", hi: object = 11, tuvens: object = "11") -> bytes:
    """A webhook's body."""
    return status_changed_body(event_id=hi, title="Evening 11", status=status, tuvens_event_id=tuvens, sent_at=sent_at)


def delivery(
    step: str,
    sent: bytes,
    *,
    answered: int | None = 200,
    valid: bool = True,
    at: float = NOW,
    seconds: float = 0.001,
    content_type: str | None = "application/json",
) -> Exchange:
    """A webhook as our receiver, or a simulator's journal, tells of it."""
    facts = {"delivery": True, "signature_valid": valid, "answered": answered}
    said: dict[str, Any] = {
        "sent": sent,
        "operation": "receiveEventStatusChanged",
        "caller": "hi.events",
        "facts": facts,
        "at": at,
        "seconds": seconds,
        "request_headers": () if content_type is None else (("Content-Type", content_type),),
    }
    return answer(step, 200, {"success": True}, **said) if answered == 200 else no_answer(step, **said)


def changes(*refused_statuses: str, status: int = 200, unknown: int = 422) -> list[Entry]:
    """What hi.events answered to the changes of the story; it refuses some statuses."""
    answers = [
        answer(
            f"{STORY}/change/{step}",
            422 if told in refused_statuses else status,
            {},
            sent={"status": told},
            callee="hi.events",
            method="PUT",
        )
        for step, told in zip(_STEPS, CHANGES, strict=True)
    ]
    refused = answer(f"{STORY}/unknown status", unknown, {"message": "…", "errors": {}}, callee="hi.events")
    return [observed(f"{STORY}/event", hi="11", tuvens="11", refused="POSTPONED"), *answers, refused]


def effects(*, shown: Sequence[str] = CHANGES, hi: object = 11) -> list[Entry]:
    """tuvens-api's event after each change, showing these statuses."""
    return [
        answer(
            f"{STORY}/effect/{step}",
            200,
            {"ticketing_status": TICKETING[status], "contactData": {"hiEventsEventId": hi, "hiEventsStatus": status}},
        )
        for step, status in zip(_STEPS, shown, strict=True)
    ]


def sent_at(number: int) -> str:
    """The time of the nth change."""
    return f"2025-07-25T14:30:0{number}.000Z"


def seen(deliveries: Sequence[Exchange] | None = None, *others: Entry) -> Seen:
    """The story, with what a simulator's journal told; by default all that is right."""
    step = f"{STORY}/deliveries"
    if deliveries is None:
        deliveries = [delivery(step, body(each, sent_at=sent_at(at))) for at, each in enumerate(CHANGES)]
    looked_for = observed(step, seen=len(deliveries), **{"told by": "tuvens-api", **WATCHED})
    return history(*(others or changes()), *effects(), *deliveries, looked_for)


def unseen(
    *,
    shown: Sequence[str] = CHANGES,
    forged: int = 401,
    ours: int = 200,
    stream: Sequence[str] | None = None,
    hi: object = 11,
) -> Seen:
    """The story where no journal tells of deliveries: what tuvens-api's event, and its stream, show."""
    heard = [TICKETING[each] for each in CHANGES] if stream is None else stream
    told = [message(f"{STORY}/stream", {"eventId": "11", "status": each}) for each in heard]
    nothing = observed(f"{STORY}/deliveries", **{"told by": None})
    own = [answer(f"{STORY}/wrongly signed", forged, {}), answer(f"{STORY}/rightly signed", ours, {})]
    return history(*changes(), *own, opened(f"{STORY}/stream"), *effects(shown=shown, hi=hi), *told, nothing)


def _one(sent: bytes, *, valid: bool = True) -> Seen:
    return seen([delivery(f"{STORY}/deliveries", sent, valid=valid)])


def _told(*statuses: str) -> Seen:
    step = f"{STORY}/deliveries"
    return seen([delivery(step, body(each, sent_at=sent_at(at))) for at, each in enumerate(statuses)])


def _deliveries(*statuses: str) -> list[Exchange]:
    step = f"{STORY}/deliveries"
    return [delivery(step, body(each, sent_at=sent_at(at))) for at, each in enumerate(statuses)]


def _in_whole_seconds() -> Seen:
    step = f"{STORY}/deliveries"
    return seen([delivery(step, body(each, sent_at="2025-07-25T14:30:00+00:00")) for each in CHANGES])


_UNKNOWN = ("CANCELLED", "ENDED", "ARCHIVED")


def _close(*statuses: str) -> Seen:
    step = f"{CLOSE}/deliveries"
    told = [delivery(step, body(each)) for each in statuses]
    return history(observed(f"{CLOSE}/event", hi="11", tuvens="11"), *told, observed(step, **{"told by": "tuvens-api"}))


def _close_unseen(*statuses: str, told: Sequence[str] | None = None) -> Seen:
    """What tuvens-api's stream tells where no delivery can be seen; `told` is what it tells where changes do not follow
    closely (each of them by default)."""
    changed = [answer(f"{CLOSE}/change/{each}", 200, {}) for each in ("before", "DRAFT", "LIVE")]
    heard = [message(f"{CLOSE}/stream", {"eventId": "11", "status": each}) for each in statuses]
    calm = [TICKETING[each] for each in CHANGES] if told is None else told
    before = [message(f"{STORY}/stream", {"eventId": "11", "status": each}) for each in calm]
    noted = observed(f"{CLOSE}/event", hi="11", tuvens="11")
    return history(*changes(), *before, noted, *changed, *heard, observed(f"{CLOSE}/deliveries", **{"told by": None}))


def part(name: str, *attempts: tuple[str, int], log: Sequence[int] | None = None, shown: str = "") -> list[Entry]:
    """A part of the story of failures: attempts as (status told, answer), the delivery log, the event in the end."""
    step = f"{FAIL}/{name}"
    first = {status: number for number, (status, _) in reversed(list(enumerate(attempts)))}
    told = [
        delivery(f"{step}/deliveries", body(status, sent_at=sent_at(first[status])), answered=code)
        for status, code in attempts
    ]
    logged = [code for _, code in attempts] if log is None else log
    starts = [0.0, 1.0, 6.0, 31.0, 150.0]
    entries = [{"started_at": at, "seconds": 0.01, "status": each} for at, each in zip(starts, logged, strict=False)]
    end = answer(f"{step}/event", 200, {"ticketing_status": TICKETING[shown or attempts[-1][0]], "contactData": {}})
    return [
        *told,
        observed(f"{step}/deliveries", **{"told by": "tuvens-api", **WATCHED}),
        observed(f"{step}/delivery log", attempts=entries, state="delivered"),
        end,
    ]


SERVER_ERROR = part("server error", ("LIVE", 503), ("LIVE", 503), ("LIVE", 200))
CLIENT_ERROR = part("client error", ("LIVE", 400))
ORDER = part("order", ("LIVE", 503), ("LIVE", 200), ("DRAFT", 200))


def _dated_anew() -> Seen:
    step = f"{FAIL}/server error/deliveries"
    told = [delivery(step, body("LIVE", sent_at=sent_at(at)), answered=code) for at, code in enumerate((503, 503, 200))]
    return history(*told, observed(step, **{"told by": "tuvens-api"}))


def received(
    name: str, *answers: int | None, apart: Sequence[float] = (0.0, 1.0, 6.0), seconds: float = 0.01
) -> list[Entry]:
    """A part as our receiver saw it, without a delivery log: what the attempts to tell LIVE were answered (None: they
    were not), and how many seconds after the first they came."""
    step = f"{FAIL}/{name}/deliveries"
    told = [
        delivery(step, body("LIVE"), answered=code, at=NOW + later, seconds=seconds)
        for code, later in zip(answers, apart, strict=False)
    ]
    return [*told, observed(step, **{"told by": "receiver", **WATCHED})]


_ONCE = history(*part("server error", ("LIVE", 503)))
_NOTHING_IS_RETRIED = lacks("nothing is retried, which is a rule of its own", _ONCE)


def _shrinking() -> Seen:
    starts = [0.0, 6.0, 7.0]
    attempts = [{"started_at": at, "seconds": 0.01, "status": 503} for at in starts]
    log = observed(f"{FAIL}/server error/delivery log", attempts=attempts, state="delivered")
    return history(*SERVER_ERROR, log)


def _typed(content_type: str | None) -> Seen:
    step = f"{STORY}/deliveries"
    return seen([delivery(step, body("LIVE"), content_type=content_type)])


_LEAK = body("LIVE").replace(b'"title"', b'"session_token":"<session-token:11111111>","title"')


def _read(status: int = 200, *, headers: Mapping[str, str] | None = None, **fields: object) -> Seen:
    """The event as hi.events tells of it before the changes."""
    told = {"id": 11, "title": "Evening 11", "status": "DRAFT", **fields}
    value = {name: each for name, each in told.items() if each is not ...}
    said: dict[str, Any] = {"callee": "hi.events", "operation": "readEvent", "method": "GET", "headers": headers}
    return history(*changes(), answer(f"{STORY}/prepare/read", status, value, **said))


def _stays_active() -> Seen:
    return history(*SERVER_ERROR, *part("order", ("LIVE", 503), ("LIVE", 200), ("DRAFT", 200), shown="LIVE"))


def _in_one_second() -> list[Entry]:
    step = f"{FAIL}/order/deliveries"
    told = [
        delivery(step, body(status, sent_at="2025-07-25T14:30:00Z"), answered=code)
        for status, code in (("LIVE", 503), ("LIVE", 200), ("DRAFT", 200))
    ]
    rest = part("order", ("LIVE", 503), ("LIVE", 200), ("DRAFT", 200), shown="LIVE")
    return [*told, *rest[len(told) :]]


def _logged(*log: int) -> Seen:
    return history(*part("server error", ("LIVE", 503), ("LIVE", 503), ("LIVE", 200), log=log), *CLIENT_ERROR)


EXAMPLES: Examples = {
    "an_event_names_its_tuvens_event": (
        holds("in a field", _read(tuvens_event_id="11")),
        holds("among the attributes", _read(attributes=[{"name": "tuvens_event_id", "value": "11"}])),
        holds("below data", _read(id=..., data={"id": 11, "tuvens_event_id": "11"})),
        breaks("it names another one", _read(tuvens_event_id="12")),
        breaks("it names none", _read()),
        leaves_open("the rate limit strikes", _read(429)),
        lacks("events cannot be read", _read(404)),
        lacks("a page is shown for every URL", _read(headers={"Content-Type": "text/html"})),
    ),
    "status_can_be_changed": (
        holds("each change succeeds", history(*changes())),
        holds("only LIVE, DRAFT and ARCHIVED are known", history(*changes("CANCELLED", "ENDED"))),
        breaks("it is answered 500", history(*changes(status=500))),
        breaks("DRAFT is refused", history(*changes("DRAFT"))),
    ),
    **{
        f"{status.lower()}_can_be_set": (
            holds("it is answered 200", history(*changes())),
            breaks("it is refused", history(*changes(status))),
        )
        for status in ("CANCELLED", "ENDED", "ARCHIVED")
    },
    "a_change_is_sent": (
        honest(seen()),
        breaks("no webhook comes", seen([])),
        leaves_open("none comes while we are late", asleep(seen([]))),
    ),
    "deliveries_are_signed": (honest(seen()), breaks("a signature is wrong", _one(body("LIVE"), valid=False))),
    "deliveries_tell_the_change": (
        honest(seen()),
        breaks("one reports another status", _told("DRAFT", *CHANGES[:-1])),
        breaks("one is dated in local time as if it were UTC", _one(body("LIVE", sent_at="2025-07-25T15:30:00.000Z"))),
    ),
    "every_status_is_delivered": (
        honest(seen()),
        breaks("ARCHIVED is missing", _told("LIVE", "CANCELLED", "DRAFT", "ENDED", "CANCELLED")),
        leaves_open("it is, while we are late", asleep(_told("LIVE", "CANCELLED", "DRAFT", "ENDED", "CANCELLED"))),
        holds("of the statuses that are known", seen(_deliveries("LIVE", "DRAFT"), *changes(*_UNKNOWN))),
    ),
    "each_change_is_delivered_once": (
        honest(seen()),
        holds("two within one second are the same bytes", _in_whole_seconds()),
        holds("of the statuses that are known", seen(_deliveries("LIVE", "DRAFT"), *changes(*_UNKNOWN))),
        breaks("one of two is missing", _told(*STATUSES)),
        leaves_open("one is, while we are late", asleep(_told(*STATUSES))),
        breaks("one comes twice", _told("LIVE", *CHANGES)),
        breaks("one does, however late we are", asleep(_told("LIVE", *CHANGES))),
    ),
    "deliveries_keep_the_order_of_changes": (
        holds("LIVE comes first", _close("LIVE", "DRAFT")),
        breaks("DRAFT comes first", _close("DRAFT", "LIVE")),
        holds("the stream tells all", _close_unseen("active", "setup", "active")),
        breaks("the stream does not tell what was overtaken", _close_unseen("active", "active")),
        leaves_open("the stream tells LIVE alone", _close_unseen("active")),
        leaves_open("a webhook comes late", _close_unseen("active", "setup")),
        leaves_open("the stream does not tell other changes", _close_unseen("active", "active", told=("active",))),
    ),
    "unknown_status_is_refused": (
        holds("it is answered 422", history(*changes())),
        breaks("it is answered 200", history(*changes(unknown=200))),
    ),
    "refused_status_is_not_sent": (honest(seen()), breaks("it is sent", _told("POSTPONED"))),
    "deliveries_carry_no_secret": (honest(seen()), breaks("a body has a session token", _one(_LEAK))),
    "retries_after_a_server_error": (
        holds("the third attempt is taken", history(*SERVER_ERROR)),
        breaks("there is one attempt", history(*part("server error", ("LIVE", 503)))),
        breaks("the third attempt is not taken", history(*part("server error", *[("LIVE", 503)] * 2, ("LIVE", 400)))),
        leaves_open("another event's webhook got a 503", history(*part("server error", ("LIVE", 503), ("LIVE", 200)))),
        leaves_open("there is one while we are late", asleep(history(*part("server error", ("LIVE", 503))))),
    ),
    "a_retry_is_the_same_delivery": (
        _NOTHING_IS_RETRIED,
        holds("the bodies are equal", history(*SERVER_ERROR)),
        breaks("each attempt has another time", _dated_anew()),
    ),
    "pauses_between_retries_grow": (
        _NOTHING_IS_RETRIED,
        holds("they grow", history(*SERVER_ERROR)),
        breaks("they shrink", _shrinking()),
    ),
    "refused_delivery_is_not_retried": (
        holds("there is one attempt", history(*CLIENT_ERROR)),
        breaks("it is retried", history(*part("client error", ("LIVE", 400), ("LIVE", 400)))),
    ),
    "retries_after_too_many_requests": (
        _NOTHING_IS_RETRIED,
        holds(
            "the next attempt is taken",
            history(*part("too many requests", ("LIVE", 200), ("ENDED", 429), ("ENDED", 200))),
        ),
        breaks("it is given up", history(*part("too many requests", ("LIVE", 200), ("ENDED", 429)))),
        leaves_open("we are late", asleep(history(*part("too many requests", ("LIVE", 200), ("ENDED", 429))))),
    ),
    "deliveries_are_sent_as_json": (
        holds("the media type has a parameter", _typed("application/json; charset=utf-8")),
        breaks("it is text/plain", _typed("text/plain")),
    ),
    "retries_after_a_time_out": (
        _NOTHING_IS_RETRIED,
        holds("it is tried again, and taken", history(*received("time-out", None, 200))),
        breaks("it is given up", history(*received("time-out", None))),
        lacks("nobody can leave a webhook without an answer", history(ended={FAIL: "finished"})),
    ),
    "an_attempt_waits_30_seconds_at_most": (
        _NOTHING_IS_RETRIED,
        holds("it waits 30 s", history(*received("time-out", None, 200, seconds=30.1))),
        breaks("it waits 35 s", history(*received("time-out", None, 200, seconds=35.0))),
        leaves_open("we measure late", asleep(history(*received("time-out", None, 200, seconds=35.0)))),
    ),
    "retries_after_a_broken_connection": (
        _NOTHING_IS_RETRIED,
        holds("the second attempt is taken", history(*received("broken connection", None, 200))),
        breaks("no attempt is answered", history(*received("broken connection", None, None))),
        leaves_open("none is while we are late", asleep(history(*received("broken connection", None, None)))),
    ),
    "order_is_kept_under_failures": (
        _NOTHING_IS_RETRIED,
        holds("LIVE is taken first", history(*ORDER)),
        breaks("DRAFT is taken first", history(*part("order", ("LIVE", 503), ("DRAFT", 200), ("LIVE", 200)))),
        breaks("LIVE is not taken again after it", history(*part("order", ("LIVE", 503), ("DRAFT", 200)))),
        leaves_open("DRAFT has not come yet", history(*part("order", ("LIVE", 503), ("LIVE", 200)))),
        leaves_open("no retry has come yet", history(*part("order", ("LIVE", 503)))),
    ),
    "failures_leave_the_right_state": (
        _NOTHING_IS_RETRIED,
        holds("the event follows", history(*SERVER_ERROR, *ORDER)),
        breaks(
            "the event stays active",
            _stays_active(),
        ),
        holds("both were sent in one second, and the first one wins", history(*SERVER_ERROR, *_in_one_second())),
        leaves_open("it does while we are late", asleep(_stays_active())),
    ),
    "every_attempt_is_in_the_delivery_log": (
        holds("it has all of them", history(*SERVER_ERROR, *CLIENT_ERROR)),
        breaks(
            "it has one of three",
            _logged(200),
        ),
        breaks("the last one is missing", _logged(503, 503)),
        leaves_open("it is while we are late", asleep(_logged(503, 503))),
    ),
}
