"""Faults of events: reading them, changing their status, and reporting the change."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from contracts.times import iso_millis, parse_iso
from harness.http import json_body
from simulators.hi_events.authentication import unauthenticated
from simulators.hi_events.errors import unprocessable
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.store import LocalEvent
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.messages import Request, Response, current
from simulators.kit.outages import missing
from simulators.kit.response_mutations import drop, media_type, mutated, put, status

_SET_STATUS = "setEventStatus"
_LOCAL = timezone(timedelta(hours=2))


@registry.fault(kills=["hi_events_session.changing_an_event_demands_a_session", "fuzzing.setEventStatus"])
def protected_route_open(hi: HiEvents) -> Change:
    """PUT /events/{id}/status is not behind the middleware: it works without a session."""
    return _without_session(hi)


@registry.fault(kills=["hi_events_session.refused_change_changes_nothing"])
def change_made_before_the_refusal(hi: HiEvents) -> Change:
    """A change of status without a session is applied before it is rejected."""
    endpoint = hi.endpoint(_SET_STATUS)

    def handle(
        honest: Honest[[Request], Response | Awaitable[Response]], request: Request
    ) -> Response | Awaitable[Response]:
        response = honest(request)
        if request.session is None:
            raise unauthenticated()
        return response

    return [*_without_session(hi), swap(endpoint.handle, handle)]


@registry.fault(kills=["hi_events_delivery.unknown_status_is_refused", "fuzzing.setEventStatus"])
def unknown_status_accepted(hi: HiEvents) -> Change:
    """An unknown status is stored and sent on."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            if not _is_only_an_unknown_word(hi, request):
                raise
            honest.count()

    return swap(hi.endpoint(_SET_STATUS).check_form, check_form)


@registry.fault(kills=["hi_events_delivery.refused_status_is_not_sent"])
def refused_status_sent(hi: HiEvents) -> Change:
    """An unknown status returns 422, but the webhook is sent before the check."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            if _is_only_an_unknown_word(hi, request):
                honest.count()
                with hi.store.write():
                    event = hi.events.required(request, lock=True)
                    hi.announcer.announce(replace(event, status=request.field("status")), event)
                hi.courier.wake(event.id)
            raise

    return swap(hi.endpoint(_SET_STATUS).check_form, check_form)


@registry.fault(kills=["hi_events_delivery.archived_can_be_set"])
def archived_is_no_status(hi: HiEvents) -> Change:
    """ARCHIVED returns 422."""
    return _refused(hi, "ARCHIVED")


@registry.fault(kills=["hi_events_delivery.cancelled_can_be_set", "hi_events_delivery.ended_can_be_set"])
def statuses_of_upstream(hi: HiEvents) -> Change:
    """An event is DRAFT, LIVE or ARCHIVED, as upstream: CANCELLED and ENDED return 422."""
    return _refused(hi, "CANCELLED", "ENDED")


@registry.fault(kills=["hi_events_delivery.status_can_be_changed", "pact.tuvens_client_event_goes_live"])
def every_status_is_refused(hi: HiEvents) -> Change:
    """The request's validation uses another enumeration: every status returns 422."""
    return _refused(hi, "DRAFT", "LIVE", "CANCELLED", "ENDED", "ARCHIVED")


@registry.fault(kills=["hi_events_delivery.status_can_be_changed"])
def draft_is_final(hi: HiEvents) -> Change:
    """An event that was live cannot become a draft again: DRAFT returns 422."""
    return _refused(hi, "DRAFT")


@registry.fault(kills=["pact.tuvens_client_event_goes_live", "fuzzing.setEventStatus"])
def set_status_answers_202(hi: HiEvents) -> Change:
    """A change of status is queued and returns 202."""
    return mutated(hi, status(202), _SET_STATUS)


@registry.fault(kills=["conformity.setEventStatus", "fuzzing.setEventStatus"])
def set_status_answers_as_text(hi: HiEvents) -> Change:
    """A change of status returns text/plain."""
    return mutated(hi, media_type("text/plain; charset=utf-8"), _SET_STATUS)


@registry.fault(kills=["conformity.readEvent", "fuzzing.readEvent"])
def event_numbered_as_text(hi: HiEvents) -> Change:
    """GET /events/{id} returns the id as text."""
    return mutated(hi, put("id", value=str), "readEvent")


@registry.fault(
    kills=[
        "hi_events_delivery.an_event_names_its_tuvens_event",
        "hi_events_page.makes_a_draft_that_carries_the_tuvens_event",
    ]
)
def event_read_without_tuvens_event(hi: HiEvents) -> Change:
    """GET /events/{id} does not return tuvens_event_id."""
    return mutated(hi, drop("tuvens_event_id"), "readEvent")


@registry.benign()
def events_cannot_be_read(hi: HiEvents) -> Change:
    """GET /events/{id} does not exist."""
    return missing(hi, "readEvent")


@registry.benign()
def same_status_sent_again(hi: HiEvents) -> Change:
    """A change to the current status of an event also sends a webhook."""
    return swap(hi.events.is_change, lambda honest, event, status: True)


@registry.fault(kills=["hi_events_delivery.a_change_is_sent"])
def webhook_not_sent(hi: HiEvents) -> Change:
    """A change of status sends no webhook."""
    return swap(hi.announcer.is_announced, lambda honest, changed: False)


@registry.fault(kills=["hi_events_delivery.every_status_is_delivered"])
def ended_not_sent(hi: HiEvents) -> Change:
    """The observer does not handle ENDED: no webhook is sent."""
    return swap(hi.announcer.is_announced, lambda honest, changed: honest(changed) and changed.status != "ENDED")


@registry.fault(kills=["flow.an_event_goes_live"])
def webhook_not_sent_for_events_of_the_page(hi: HiEvents) -> Change:
    """The observer that sends webhooks is not attached to events that the page created."""
    return swap(hi.announcer.is_announced, lambda honest, changed: honest(changed) and not changed.details)


@registry.fault(kills=["hi_events_delivery.deliveries_tell_the_change"])
def webhook_sends_old_status(hi: HiEvents) -> Change:
    """The webhook is built before the change is saved, and reports the old status."""
    return swap(
        hi.announcer.announce,
        lambda honest, changed, before: honest(replace(changed, status=before.status), before),
    )


@registry.fault(kills=["hi_events_delivery.each_change_is_delivered_once"])
def draft_told_twice(hi: HiEvents) -> Change:
    """A change to DRAFT is reported twice: by the controller and by an observer."""

    def announce(honest: Honest[[LocalEvent, LocalEvent], None], changed: LocalEvent, before: LocalEvent) -> None:
        honest(changed, before)
        if changed.status == "DRAFT":
            honest.count()
            honest(hi.store.change_status(changed, "DRAFT", hi.clock.now()), changed)

    return swap(hi.announcer.announce, announce)


@registry.fault(kills=["hi_events_delivery.deliveries_carry_no_secret"])
def session_token_in_delivery(hi: HiEvents) -> Change:
    """The webhook's payload contains the Tuvens session token of the user who made the change."""

    def body(honest: Honest[[LocalEvent], bytes], changed: LocalEvent) -> bytes:
        request = current.get()
        if request is None or request.session is None:
            return honest(changed)
        value = json.loads(honest(changed))
        value["payload"]["session_token"] = request.session.tuvens_session_token
        return json_body(value)

    return swap(hi.announcer.body, body)


@registry.benign()
def webhook_with_more_fields(hi: HiEvents) -> Change:
    """Webhooks have more fields than the contract defines."""

    def body(honest: Honest[[LocalEvent], bytes], changed: LocalEvent) -> bytes:
        value = json.loads(honest(changed))
        return json_body({"api_version": 3, **value, "payload": {**value["payload"], "organizer": {"id": 7}}})

    return swap(hi.announcer.body, body)


@registry.benign()
def webhook_time_with_offset(hi: HiEvents) -> Change:
    """Webhooks write event_sent_at with +00:00, as PHP writes UTC."""
    return _dated(hi, lambda text: text.replace("Z", "+00:00"))


@registry.benign()
def webhook_time_in_microseconds(hi: HiEvents) -> Change:
    """Webhooks write event_sent_at with six decimals."""
    return _dated(hi, lambda text: text.replace("Z", "000Z"))


@registry.benign()
def webhook_time_in_whole_seconds(hi: HiEvents) -> Change:
    """Webhooks write event_sent_at without a fraction, and with +00:00, as toIso8601String does."""
    return _dated(hi, lambda text: f"{text[:19]}+00:00")


@registry.fault(kills=["hi_events_delivery.deliveries_tell_the_change"])
def webhook_time_in_local_time(hi: HiEvents) -> Change:
    """Webhooks of archived events write event_sent_at in the server's time zone, with its offset."""
    return _dated(hi, lambda text: datetime.fromisoformat(text).astimezone(_LOCAL).isoformat(), status="ARCHIVED")


@registry.fault(kills=["hi_events_delivery.deliveries_tell_the_change"])
def webhook_time_an_hour_ahead(hi: HiEvents) -> Change:
    """event_sent_at is the server's local time, written with a Z as if it were UTC."""
    return _dated(hi, lambda text: iso_millis(parse_iso(text) + 3_600))


@registry.benign()
def webhook_written_by_php(hi: HiEvents) -> Change:
    """Webhooks are written as PHP writes them: indented, slashes and accents escaped."""
    return swap(
        hi.announcer.body,
        lambda honest, changed: json.dumps(json.loads(honest(changed)), indent=4).replace("/", "\\/").encode(),
    )


def _refused(hi: HiEvents, *statuses: str) -> Change:
    """Answer 422 to a change to one of these statuses."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        honest(request)
        if request.field("status") in statuses:
            raise unprocessable({"status": ["is invalid"]})

    return swap(hi.endpoint(_SET_STATUS).check_form, check_form)


def _dated(hi: HiEvents, spell: Callable[[str], str], status: str = "") -> Change:
    """Write event_sent_at otherwise, in the webhooks of all changes or of those to one status."""

    def body(honest: Honest[[LocalEvent], bytes], changed: LocalEvent) -> bytes:
        value = json.loads(honest(changed))
        if status in ("", changed.status):
            value["event_sent_at"] = spell(value["event_sent_at"])
        return json_body(value)

    return swap(hi.announcer.body, body)


def _without_session(hi: HiEvents) -> list[Swap]:
    """Let requests without a session change the status of any event."""

    def authenticate(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            honest.count()

    def may_manage(honest: Honest[[Request, LocalEvent], bool], request: Request, event: LocalEvent) -> bool:
        return True if request.session is None else honest(request, event)

    return [swap(hi.endpoint(_SET_STATUS).authenticate, authenticate), swap(hi.events.may_manage, may_manage)]


def _is_only_an_unknown_word(hi: HiEvents, request: Request) -> bool:
    """Whether a change of status is ill-formed by its status alone, which is a word that is none."""
    word = request.field("status")
    problems = hi.endpoint(_SET_STATUS).form_problems(request)
    return isinstance(word, str) and bool(word) and all(each.pointer == "/body/status" for each in problems)
