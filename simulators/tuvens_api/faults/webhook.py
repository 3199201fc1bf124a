"""Faults of the webhook: what a delivery does to the event."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from simulators.kit.clock import Job
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.messages import Request, Response
from simulators.kit.outages import hanging, refusing
from simulators.kit.response_mutations import drop, mutated, status
from simulators.kit.sending import Receive
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import Event
from simulators.tuvens_api.webhook import TICKETING, StatusUpdate, taken

_WEBHOOK = "receiveEventStatusChanged"
_QUEUED = 0.7
"""Seconds until a worker takes a webhook: longer than the next request takes, shorter than stories wait."""

_Apply = Honest[[Event, StatusUpdate, float], list[bytes]]


@registry.fault(kills=["webhook.live_gives_active"])
def live_maps_to_setup(api: TuvensApi) -> Change:
    """LIVE sets the ticketing status to setup."""
    return _maps(api, "LIVE", "setup")


@registry.fault(kills=["webhook.ended_gives_inactive"])
def ended_maps_to_active(api: TuvensApi) -> Change:
    """ENDED is missing from the table of statuses, and the event stays on sale: active."""
    return _maps(api, "ENDED", "active")


@registry.fault(kills=["webhook.draft_gives_setup"])
def draft_maps_to_inactive(api: TuvensApi) -> Change:
    """DRAFT sets the ticketing status to inactive."""
    return _maps(api, "DRAFT", "inactive")


@registry.fault(kills=["webhook.cancelled_gives_inactive"])
def cancelled_spelled_with_one_l(api: TuvensApi) -> Change:
    """The table of statuses spells CANCELED: CANCELLED is unknown and sets setup."""
    return _maps(api, "CANCELLED", "setup")


@registry.fault(kills=["webhook.archived_gives_setup"])
def archived_maps_to_inactive(api: TuvensApi) -> Change:
    """ARCHIVED sets the ticketing status to inactive."""
    return _maps(api, "ARCHIVED", "inactive")


@registry.fault(kills=["webhook.a_time_with_an_offset_of_zero_is_read"])
def offset_of_zero_is_refused(api: TuvensApi) -> Change:
    """event_sent_at must match a pattern that ends with Z: a time with +00:00 returns 400."""

    def read(honest: Honest[[Request], StatusUpdate], request: Request) -> StatusUpdate:
        if not request.json["event_sent_at"].endswith("Z"):
            raise Refusal(400, "VALIDATION_ERROR", "event_sent_at is not an ISO 8601 time in UTC")
        return honest(request)

    return swap(api.webhook.read, read)


@registry.fault(kills=["webhook.status_in_lower_case_gives_setup"])
def status_case_ignored(api: TuvensApi) -> Change:
    """The status is compared case-insensitively: live makes an event active."""
    return swap(
        api.webhook.ticketing_status,
        lambda honest, status: (
            honest(status.upper()) if status not in TICKETING and status.upper() in TICKETING else honest(status)
        ),
    )


@registry.fault(kills=["webhook.an_unknown_word_gives_setup"])
def unknown_status_is_refused(api: TuvensApi) -> Change:
    """A status other than LIVE, DRAFT, CANCELLED and ENDED returns 400 instead of setting setup."""

    def read(honest: Honest[[Request], StatusUpdate], request: Request) -> StatusUpdate:
        update = honest(request)
        if update.status not in TICKETING:
            raise Refusal(400, "VALIDATION_ERROR", "payload.status is not known")
        return update

    return swap(api.webhook.read, read)


@registry.fault(kills=["hostile_input.hostile_webhooks_are_refused", "webhook.unknown_event_is_not_found"])
def unknown_event_answers_200(api: TuvensApi) -> Change:
    """A webhook for an event that does not exist returns 200."""
    return swap(api.webhook.unknown_event, lambda honest: taken("Event status updated"))


@registry.fault(
    kills=[
        "hostile_input.hostile_webhooks_are_refused",
        "webhook.nonsense_is_refused",
        "webhook.incomplete_update_is_refused",
        "webhook.ill_typed_update_is_refused",
        "webhook.another_event_type_is_refused",
        "fuzzing.nonsense_is_refused",
        "fuzzing.receiveEventStatusChanged",
    ]
)
def malformed_webhook_answers_500(api: TuvensApi) -> Change:
    """A signed but malformed webhook returns 500."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            raise Refusal(500, "INTERNAL_ERROR", "Cannot read properties of undefined") from None

    return swap(api.endpoint(_WEBHOOK).check_form, check_form)


@registry.fault(kills=["webhook.an_update_changes_the_event"])
def update_not_applied(api: TuvensApi) -> Change:
    """A webhook is acknowledged and put into a queue that is never processed."""
    return swap(api.webhook.apply, lambda honest, event, update, now: [])


@registry.fault(kills=["webhook.acknowledged_update_can_be_read"])
def update_acknowledged_before_it_is_applied(api: TuvensApi) -> Change:
    """A webhook is acknowledged and queued, and a worker applies it some time later."""

    def apply(honest: _Apply, event: Event, update: StatusUpdate, now: float) -> list[bytes]:
        async def work() -> None:
            with api.store.write_queued():
                found = api.store.begin_delivery(update.event)
                chunks = [] if found is None else honest(found, update, now)
            api.hub.publish_committed(chunks)

        honest.count()
        api.clock.call_later(_QUEUED, work)
        return []

    return swap(api.webhook.apply, apply)


@registry.fault(kills=["event_stream.an_update_can_be_read_when_it_is_told", "webhook.acknowledged_update_can_be_read"])
def update_told_before_it_is_applied(api: TuvensApi) -> Change:
    """The stream's message is sent immediately, but a worker changes the event some time later."""
    return _told_at_once(api, lambda work: api.clock.call_later(_QUEUED, work))


@registry.fault(kills=["event_stream.an_update_can_be_read_when_it_is_told"])
def update_told_before_it_is_committed(api: TuvensApi) -> Change:
    """The stream's message is sent inside a slow transaction; the response waits for the commit."""
    uncommitted: list[Job] = []

    async def serve(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        response: Response = await honest(request, receive)
        if uncommitted:
            commit = uncommitted.pop()
            await asyncio.sleep(_QUEUED)
            await commit()
        return response

    return [*_told_at_once(api, uncommitted.append), swap(api.endpoint(_WEBHOOK).serve, serve)]


@registry.fault(kills=["webhook.metadata_name_the_hi_events_event"])
def metadata_not_updated(api: TuvensApi) -> Change:
    """The webhook changes the ticketing status, but not contactData."""
    return swap(api.webhook.contact_data, lambda honest, event, update, now: event.contact_data)


@registry.fault(kills=["webhook.metadata_tell_when"])
def metadata_time_never_moves(api: TuvensApi) -> Change:
    """contactData.hiEventsLastUpdated is written once and never again."""

    def contact_data(
        honest: Honest[[Event, StatusUpdate, float], dict[str, Any] | None],
        event: Event,
        update: StatusUpdate,
        now: float,
    ) -> dict[str, Any] | None:
        data = honest(event, update, now) or {}
        known = event.contact_data or {}
        if "hiEventsLastUpdated" not in known:
            return data
        return {**data, "hiEventsLastUpdated": known["hiEventsLastUpdated"]}

    return swap(api.webhook.contact_data, contact_data)


@registry.fault(kills=["webhook.metadata_name_the_status"])
def metadata_hold_the_ticketing_status(api: TuvensApi) -> Change:
    """contactData.hiEventsStatus contains the ticketing status, not the status that hi.events sent."""
    return swap(
        api.webhook.contact_data,
        lambda honest, event, update, now: {
            **(honest(event, update, now) or {}),
            "hiEventsStatus": api.webhook.ticketing_status(update.status),
        },
    )


@registry.benign()
def last_updated_is_event_sent_at(api: TuvensApi) -> Change:
    """hiEventsLastUpdated is the event_sent_at of the webhook."""
    return swap(
        api.webhook.contact_data,
        lambda honest, event, update, now: {
            **(honest(event, update, now) or {}),
            "hiEventsLastUpdated": update.event_sent_at,
        },
    )


@registry.fault(kills=["webhook.repeated_update_does_not_undo_a_later_one", "webhook.stale_update_does_not_overwrite"])
def stale_delivery_applied(api: TuvensApi) -> Change:
    """A delivery older than the last one applied overwrites it."""
    return swap(api.webhook.is_stale, lambda honest, event, update: honest(event, update) and False)


@registry.fault(kills=["webhook.newer_update_is_applied_after_a_stale_one"])
def newer_delivery_lost_after_a_stale_one(api: TuvensApi) -> Change:
    """After a delivery that is stale by more than five seconds the next one is also skipped."""
    skips: set[str] = set()

    def is_stale(honest: Honest[[Event, StatusUpdate], bool], event: Event, update: StatusUpdate) -> bool:
        stale = honest(event, update)
        if stale and update.sent_at < (event.last_sent_at or 0) - 5_000_000:
            skips.add(update.event)
        return stale

    def apply(
        honest: Honest[[Event, StatusUpdate, float], list[bytes]],
        event: Event,
        update: StatusUpdate,
        now: float,
    ) -> list[bytes]:
        if update.event not in skips:
            return honest(event, update, now)
        skips.discard(update.event)
        return []

    return swap(api.webhook.is_stale, is_stale), swap(api.webhook.apply, apply)


@registry.fault(kills=["webhook.repeated_update_is_no_failure"])
def repeated_delivery_fails(api: TuvensApi) -> Change:
    """A delivery that was already applied violates a unique constraint and returns 500."""

    def repeated(honest: Honest[[Event, StatusUpdate], Response], event: Event, update: StatusUpdate) -> Response:
        raise Refusal(500, "INTERNAL_ERROR", "duplicate key value violates unique constraint")

    return swap(api.webhook.repeated, repeated)


@registry.fault(kills=["webhook.repeated_update_leaves_the_same_state"])
def repeated_delivery_takes_back(api: TuvensApi) -> Change:
    """A repeated delivery undoes the change that it made before."""

    def repeated(honest: Honest[[Event, StatusUpdate], Response], event: Event, update: StatusUpdate) -> Response:
        honest.count()
        api.store.apply_delivery(event._replace(ticketing_status="setup"))
        return honest(event, update)

    return swap(api.webhook.repeated, repeated)


@registry.benign()
def repeated_delivery_told_again(api: TuvensApi) -> Change:
    """A repeated delivery changes nothing, but sends another message to the stream."""

    def repeated(honest: Honest[[Event, StatusUpdate], Response], event: Event, update: StatusUpdate) -> Response:
        honest.count()
        now = api.clock.now()
        ticketing = api.webhook.ticketing_status(update.status)
        for message in api.webhook.messages(event, update, ticketing, now):
            api.hub.publish(api.webhook.announce(message, now))
        return honest(event, update)

    return swap(api.webhook.repeated, repeated)


@registry.fault(kills=["webhook.accepted_update_is_answered_200", "fuzzing.receiveEventStatusChanged"])
def webhook_answers_201(api: TuvensApi) -> Change:
    """The webhook returns 201, NestJS's default for a POST."""
    return mutated(api, status(201), _WEBHOOK)


@registry.fault(
    kills=[
        "conformity.receiveEventStatusChanged",
        "webhook.accepted_update_is_called_a_success",
        "fuzzing.receiveEventStatusChanged",
    ]
)
def webhook_answer_without_message(api: TuvensApi) -> Change:
    """The webhook's response has no message."""
    return mutated(api, drop("message"), _WEBHOOK)


@registry.trouble()
def webhook_answers_503(api: TuvensApi) -> Change:
    """The webhook route returns 503, as during a deployment."""
    return refusing(api, _WEBHOOK, status=503, code="SERVICE_UNAVAILABLE", message="service unavailable")


@registry.trouble()
def webhook_answers_429(api: TuvensApi) -> Change:
    """The webhook route returns 429, as if it got too many requests."""
    return refusing(api, _WEBHOOK, status=429, code="RATE_LIMITED", message="too many requests")


@registry.trouble()
def webhook_answers_400(api: TuvensApi) -> Change:
    """The webhook route always returns 400."""
    return refusing(api, _WEBHOOK, status=400, code="VALIDATION_ERROR", message="the webhook is not understood")


@registry.trouble()
def webhook_hangs(api: TuvensApi) -> Change:
    """The webhook route accepts the request and never responds."""
    return hanging(api, _WEBHOOK, after=api.signature.note)


def _told_at_once(api: TuvensApi, later: Callable[[Job], object]) -> list[Swap]:
    """The stream's messages are sent with the webhook; what changes the event is given to `later`."""
    is_late = False

    def messages(
        honest: Honest[[Event, StatusUpdate, str, float], list[Mapping[str, Any]]],
        event: Event,
        update: StatusUpdate,
        ticketing: str,
        now: float,
    ) -> list[Mapping[str, Any]]:
        return [] if is_late else honest(event, update, ticketing, now)

    def apply(honest: _Apply, event: Event, update: StatusUpdate, now: float) -> list[bytes]:
        async def work() -> None:
            nonlocal is_late
            with api.store.write_queued():
                found = api.store.begin_delivery(update.event)
                if found is not None:
                    is_late = True
                    honest(found, update, now)
                    is_late = False

        honest.count()
        later(work)
        ticketing = api.webhook.ticketing_status(update.status)
        return [api.webhook.announce(each, now) for each in api.webhook.messages(event, update, ticketing, now)]

    return [swap(api.webhook.apply, apply), swap(api.webhook.messages, messages)]


def _maps(api: TuvensApi, sent: str, ticketing: str) -> Change:
    return swap(
        api.webhook.ticketing_status,
        lambda honest, status: ticketing if status == sent else honest(status),
    )
