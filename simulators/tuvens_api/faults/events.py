"""Faults of events and of the stream of their changes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from contracts.event_stream.wire import MESSAGE_TYPE, status_message
from contracts.times import iso_millis
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.response_mutations import all_of, drop, has_status, media_type, mutated, put
from simulators.kit.sending import Receive
from simulators.tuvens_api.events import STREAM_HEADERS
from simulators.tuvens_api.faults import queries
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import sent_update
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import Event
from simulators.tuvens_api.stream import OPENING

_EVENT = ("getEvent", "updateEvent")
_STREAM = "streamEventUpdates"


@registry.fault(
    kills=[
        "conformity.getEvent",
        "conformity.updateEvent",
        "tuvens_event.an_event_is_read",
        "fuzzing.getEvent",
        "fuzzing.updateEvent",
    ]
)
def event_id_is_a_number(api: TuvensApi) -> Change:
    """Events have a number as their id."""
    return mutated(api, put("id", value=_as_number), *_EVENT)


@registry.fault(kills=["tuvens_event.a_linked_event_has_the_url_of_its_page"])
def event_without_page_url(api: TuvensApi) -> Change:
    """Events lack hi_events_event_url, the URL of their page at hi.events."""
    return mutated(api, drop("hi_events_event_url"), *_EVENT)


@registry.fault(kills=["conformity.getEvent", "conformity.updateEvent", "fuzzing.getEvent", "fuzzing.updateEvent"])
def event_without_start(api: TuvensApi) -> Change:
    """Events lack startDate."""
    return mutated(api, drop("startDate"), *_EVENT)


@registry.fault(kills=["tuvens_event.legacy_aliases_agree"])
def legacy_aliases_dropped(api: TuvensApi) -> Change:
    """Events lack the legacy aliases."""
    return mutated(api, all_of(drop("ticketStatus"), drop("hasTicketing"), drop("hiEventsEventId")), *_EVENT)


@registry.benign()
def change_without_body_changes_nothing(api: TuvensApi) -> Change:
    """A change of an event without a body returns 200 and changes nothing."""
    return swap(api.events.check_body, lambda honest, request: None)


@registry.benign()
def event_numbers_as_text(api: TuvensApi) -> Change:
    """The hi.events ids of events are text."""
    return mutated(
        api,
        all_of(
            put("hi_events_event_id", value=_as_text),
            put("hiEventsEventId", value=_as_text),
            put("contactData", "hiEventsEventId", value=_as_text),
        ),
        *_EVENT,
    )


@registry.fault(kills=["conformity.getEvent", "fuzzing.getEvent"])
def event_sent_as_text(api: TuvensApi) -> Change:
    """GET /api/events/{id} returns its JSON as text/plain."""
    return mutated(api, media_type("text/plain; charset=utf-8"), "getEvent")


@registry.fault(kills=["conformity.getEvent", "tuvens_event.an_unknown_event_is_not_found", "fuzzing.getEvent"])
def unknown_event_answers_null(api: TuvensApi) -> Change:
    """An event that does not exist returns 200 with null."""
    return mutated(api, _null, "getEvent", when=has_status(404))


@registry.fault(kills=["tuvens_event.the_callback_is_noted"])
def callback_forgets_the_event_id(api: TuvensApi) -> Change:
    """The callback's hiEventsEventId is not stored."""
    return swap(
        api.events.changes,
        lambda honest, request, event: {
            name: value for name, value in honest(request, event).items() if name != "hiEventsEventId"
        },
    )


@registry.fault(kills=["tuvens_event.an_event_with_ticketing_has_a_status"])
def callback_resets_the_ticketing_status(api: TuvensApi) -> Change:
    """The ticketing status stays null after ticketing is enabled."""
    return swap(
        api.events.changes,
        lambda honest, request, event: (
            {**honest(request, event), "ticketingStatus": None}
            if request.json.get("hasTicketing")
            else honest(request, event)
        ),
    )


@registry.fault(kills=["tuvens_event.a_change_without_permission_is_refused"])
def event_change_by_any_member(api: TuvensApi) -> Change:
    """A member of the event's account may change it without manage_ticketing."""
    return swap(
        api.events.may_change,
        lambda honest, request, event: (
            honest(request, event) or api.store.permissions(int(request.user_id or 0), event.account_id) is not None
        ),
    )


@registry.fault(
    kills=["tuvens_event.a_change_without_permission_is_refused", "tuvens_event.a_change_by_an_outsider_is_refused"]
)
def event_link_changed_by_any_user(api: TuvensApi) -> Change:
    """manage_ticketing is checked only for a change of hasTicketing, not for one of hiEventsEventId alone."""
    return swap(
        api.events.may_change,
        lambda honest, request, event: honest(request, event) or "hasTicketing" not in (request.json or {}),
    )


@registry.fault(kills=["tuvens_event.a_change_by_an_outsider_is_refused"])
def event_change_by_any_organiser(api: TuvensApi) -> Change:
    """A user who holds manage_ticketing in any account may change every event."""
    return swap(
        api.events.may_change,
        lambda honest, request, event: (
            honest(request, event)
            or (
                api.store.permissions(int(request.user_id or 0), event.account_id) is None
                and queries.manages_anywhere(api, int(request.user_id or 0))
            )
        ),
    )


@registry.fault(kills=["tuvens_event.refused_changes_change_nothing"])
def event_changed_before_permission_is_asked(api: TuvensApi) -> Change:
    """The event is changed before the permission is checked: the response is 403, but the event is changed."""

    def may_change(honest: Honest[[Request, Event], bool], request: Request, event: Event) -> bool:
        may = honest(request, event)
        if not may:
            honest.count()
            api.store.change_event(event.id, api.events.changes(request, event))
        return may

    return swap(api.events.may_change, may_change)


@registry.fault(
    kills=[
        "tuvens_event.a_change_of_an_unknown_event_is_not_found",
        "fuzzing.nonsense_is_refused",
        "fuzzing.updateEvent",
    ]
)
def change_of_unknown_event_answers_500(api: TuvensApi) -> Change:
    """A change of an event that does not exist reads a property of null: 500."""

    def required(honest: Honest[[Request], Event], request: Request) -> Event:
        try:
            return honest(request)
        except Refusal:
            if request.method != "PATCH":
                raise
            raise Refusal(500, "INTERNAL_ERROR", "Cannot read properties of null (reading 'accountId')") from None

    return swap(api.events.required, required)


@registry.fault(kills=["fuzzing.streamEventUpdates", "fuzzing.nonsense_is_refused"])
def stream_fails_on_other_ids(api: TuvensApi) -> Change:
    """Last-Event-ID is passed to the database unchecked: a value that is not a number fails."""

    def handle(honest: Honest[[Request], Any], request: Request) -> Any:
        last = request.header("last-event-id") or ""
        if last and not last.isdecimal():
            raise Refusal(500, "INTERNAL_ERROR", "internal server error")
        return honest(request)

    return swap(api.endpoint(_STREAM).handle, handle)


@registry.fault(kills=["event_stream.it_is_an_event_stream"])
def stream_is_json(api: TuvensApi) -> Change:
    """The stream is sent as application/json: a browser's EventSource gives up."""
    return mutated(api, media_type("application/json"), _STREAM, when=lambda request, response: response.status == 200)


@registry.fault(kills=["event_stream.messages_are_unnamed"])
def sse_events_are_named(api: TuvensApi) -> Change:
    """Stream events have a name, so that a page's onmessage never sees them."""
    return swap(api.hub.frame, lambda honest, number, data: f"event: {MESSAGE_TYPE}\n".encode() + honest(number, data))


@registry.benign()
def sse_events_named_message(api: TuvensApi) -> Change:
    """Messages are named message, which a browser also gives to onmessage."""
    return swap(api.hub.frame, lambda honest, number, data: b"event: message\n" + honest(number, data))


@registry.fault(kills=["event_stream.messages_have_an_id"])
def sse_without_id(api: TuvensApi) -> Change:
    """Messages have no id:."""
    return swap(api.hub.frame, lambda honest, number, data: honest(number, data).partition(b"\n")[2])


@registry.benign()
def sse_with_crlf_and_comments(api: TuvensApi) -> Change:
    """The lines of the stream end with CR LF, and a comment precedes each message."""
    return swap(
        api.hub.encode,
        lambda honest, chunk: (b": a comment of a proxy\n" + honest(chunk)).replace(b"\n", b"\r\n"),
    )


@registry.fault(kills=["event_stream.a_silent_stream_has_a_heartbeat"])
def sse_without_heartbeat(api: TuvensApi) -> Change:
    """The stream is silent while nothing happens: proxies close it."""
    return swap(api.hub.beat, lambda honest: None)


@registry.fault(kills=["event_stream.an_applied_update_is_told"])
def sse_not_sent(api: TuvensApi) -> Change:
    """Applied webhooks send no message to the stream."""
    return swap(api.webhook.messages, lambda honest, event, update, ticketing, now: [])


@registry.fault(kills=["flow.a_listener_hears_that_an_event_is_live"])
def sse_breaks_on_other_alphabets(api: TuvensApi) -> Change:
    """A title with characters beyond Latin-1 breaks the broadcast: the webhook is applied, but no message is sent."""
    return swap(
        api.webhook.messages,
        lambda honest, event, update, ticketing, now: (
            honest(event, update, ticketing, now) if _is_latin(update.title) else []
        ),
    )


@registry.fault(kills=["event_stream.one_message_for_each_update"])
def sse_sent_twice(api: TuvensApi) -> Change:
    """Each applied webhook sends two messages: one from the service and one from a database trigger."""
    return swap(
        api.webhook.messages,
        lambda honest, event, update, ticketing, now: 2 * honest(event, update, ticketing, now),
    )


@registry.fault(kills=["event_stream.a_message_tells_the_ticketing_status"])
def sse_tells_the_former_status(api: TuvensApi) -> Change:
    """Messages are built before the change is saved, and contain the former ticketing status."""
    return swap(
        api.webhook.messages,
        lambda honest, event, update, ticketing, now: [
            {**each, "status": event.ticketing_status or "setup"} for each in honest(event, update, ticketing, now)
        ],
    )


@registry.fault(kills=["event_stream.messages_have_the_form"])
def sse_event_id_is_a_number(api: TuvensApi) -> Change:
    """Messages have eventId as a number."""
    return swap(
        api.webhook.messages,
        lambda honest, event, update, ticketing, now: [
            {**each, "eventId": _as_number(each["eventId"])} for each in honest(event, update, ticketing, now)
        ],
    )


@registry.fault(kills=["event_stream.a_refused_update_is_not_told"])
def sse_sent_for_refused_webhooks(api: TuvensApi) -> Change:
    """The stream reports a status change before the webhook is checked, even if it is rejected."""

    async def respond(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        response: Response = await honest(request, receive)
        update = sent_update(request) if response.status >= 400 else None
        if update is not None:
            honest.count()
            now = api.clock.now()
            ticketing = api.webhook.ticketing_status(update.status)
            message = status_message(update.event, ticketing, iso_millis(now))
            with api.database.write():
                chunk = api.webhook.announce(message, now)
            api.hub.publish(chunk)
        return response

    return swap(api.endpoint("receiveEventStatusChanged").respond, respond)


@registry.fault(kills=["event_stream.a_reconnect_misses_nothing"])
def sse_reconnect_starts_anew(api: TuvensApi) -> Change:
    """Last-Event-ID is ignored: missed messages are lost."""
    return swap(api.events.missed, lambda honest, last: [])


@registry.fault(kills=["flow.a_lost_network_is_recovered_from"])
def sse_reconnect_only_replays(api: TuvensApi) -> Change:
    """A page that reconnects with Last-Event-ID gets the missed messages, but no later ones."""

    async def replay(missed: Sequence[bytes]) -> AsyncGenerator[bytes, None]:
        yield api.hub.encode(OPENING + b"".join(missed))
        await asyncio.Event().wait()

    def handle(honest: Honest[[Request], Any], request: Request) -> Any:
        last = request.header("last-event-id") or ""
        if not (last.isascii() and last.isdecimal()):
            return honest(request)
        return Response(200, headers=list(STREAM_HEADERS), stream=replay(api.events.missed(int(last[:18]))))

    return swap(api.endpoint(_STREAM).handle, handle)


def _as_number(text: object) -> object:
    return int(text) if isinstance(text, str) and text.isdecimal() else text


def _as_text(number: object) -> object:
    return None if number is None else str(number)


def _null(request: Request, response: Response) -> None:
    response.status = 200
    response.body = b"null"


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
