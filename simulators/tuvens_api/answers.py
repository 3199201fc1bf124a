"""What faults do to the answers of tuvens-api on their way out."""

from collections.abc import Mapping

from simulators.kit.altered import Altered, all_of, answers, body, drop, errors, media_type, put, status, without_header
from simulators.kit.exchange import Inbound, Reply
from simulators.kit.variants import shapes

_EVENT = ("getEvent", "updateEvent")


def _as_number(text: object) -> object:
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _as_text(number: object) -> object:
    return None if number is None else str(number)


def _nothing(inbound: Inbound, reply: Reply) -> None:
    reply.status = 200
    reply.body = b"null"


ANSWERS: Mapping[str, Altered] = {
    "expires-at-left-out": answers(drop("expires_at"), "generateSession"),
    "validate-session-answers-201": answers(status(201), "validateSession"),
    "user-accounts-answers-203": answers(status(203), "listUserAccounts"),
    "validate-permission-answers-201": answers(status(201), "validatePermission"),
    "webhook-answers-201": answers(status(201), "receiveEventStatusChanged"),
    "account-slug-left-out": answers(drop("accounts", "*", "slug"), "listUserAccounts"),
    "permission-answered-as-text": answers(
        put("has_permission", value=lambda held: str(held).lower()), "validatePermission"
    ),
    "webhook-answer-without-message": answers(drop("message"), "receiveEventStatusChanged"),
    "event-id-is-a-number": answers(put("id", value=_as_number), *_EVENT),
    "event-without-page-url": answers(drop("hi_events_event_url"), *_EVENT),
    "event-without-start": answers(drop("startDate"), *_EVENT),
    "legacy-aliases-dropped": answers(
        all_of(drop("ticketStatus"), drop("hasTicketing"), drop("hiEventsEventId")), *_EVENT
    ),
    "event-sent-as-text": answers(media_type("text/plain; charset=utf-8"), "getEvent"),
    "unknown-event-answers-null": Altered(
        _nothing, frozenset({"getEvent"}), lambda inbound, reply: reply.status == 404
    ),
    "error-names-another-status": errors(put("statusCode", value=400)),
    "limited-without-retry-after": Altered(
        without_header("retry-after"), applies=lambda inbound, reply: reply.status == 429
    ),
    "error-timestamp-in-seconds": errors(put("timestamp", value=1753453800)),
    "user-email-left-out": answers(drop("email"), "validateSession"),
    "errors-without-origin": errors(drop("origin")),
    "errors-without-code": errors(all_of(drop("origin", "code"), drop("origin", "details"))),
    "session-without-account": answers(drop("account_id"), "generateSession"),
    "event-numbers-as-text": answers(
        all_of(
            put("hi_events_event_id", value=_as_text),
            put("hiEventsEventId", value=_as_text),
            put("contactData", "hiEventsEventId", value=_as_text),
        ),
        *_EVENT,
    ),
    "account-id-as-text": answers(
        body(lambda value: value.update(account_id=str(value["account_id"]))), "validateSession"
    ),
    **shapes("tuvens-api"),
}
"""By the name of a fault or a variant."""
