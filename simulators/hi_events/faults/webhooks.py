"""Faults of deliveries: signature, order, retries, log."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import update

from contracts.times import iso_millis
from contracts.webhook import wire
from contracts.webhook.wire import Fate
from harness.http import json_body
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.outbox import DELIVERED, Attempt, Delivery
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.tables import deliveries
from simulators.kit.faults import Async, Change, Honest, swap

_HOLD = 1.0
_HURRY = 1.0


@registry.fault(kills=["hi_events_delivery.deliveries_are_signed"])
def webhook_signed_with_other_key(hi: HiEvents) -> Change:
    """Webhooks are signed with an outdated key."""
    return swap(hi.courier.sign, lambda honest, body: wire.sign(hi.courier.secret + "-of-last-year", body))


@registry.fault(kills=["hi_events_delivery.deliveries_are_signed"])
def webhook_signature_over_pretty_json(hi: HiEvents) -> Change:
    """The signature is computed over the indented body, not over the bytes that are sent."""
    return swap(hi.courier.sign, lambda honest, body: honest(json.dumps(json.loads(body), indent=4).encode()))


@registry.fault(kills=["hi_events_delivery.deliveries_are_signed"])
def webhook_signature_over_escaped_json(hi: HiEvents) -> Change:
    """The signature is computed over the body encoded again, which differs for titles that are not ASCII."""
    return swap(
        hi.courier.sign,
        lambda honest, body: honest(json.dumps(json.loads(body), separators=(",", ":")).encode()),
    )


@registry.fault(kills=["hi_events_delivery.deliveries_are_signed"])
def webhook_signature_without_prefix(hi: HiEvents) -> Change:
    """The signature header lacks sha256=."""
    return swap(hi.courier.sign, lambda honest, body: honest(body).removeprefix("sha256="))


@registry.fault(kills=["hi_events_delivery.deliveries_are_sent_as_json"])
def webhook_without_content_type(hi: HiEvents) -> Change:
    """The webhook of an archived event comes from an older client: no Content-Type."""
    return swap(
        hi.courier.call,
        lambda honest, body, signature: (
            honest(body, signature).with_header("Content-Type", None)
            if b'"ARCHIVED"' in body
            else honest(body, signature)
        ),
    )


@registry.fault(kills=["hi_events_delivery.retries_after_a_server_error"])
def webhook_not_retried(hi: HiEvents) -> Change:
    """A delivery that fails once is given up."""
    return _given_up(hi, lambda status: True)


@registry.fault(kills=["hi_events_delivery.retries_after_a_time_out"])
def delivery_given_up_on_time_out(hi: HiEvents) -> Change:
    """A delivery without a response is given up: only responses are evaluated."""
    return _given_up(hi, lambda status: status is None)


@registry.fault(kills=["hi_events_delivery.retries_after_too_many_requests"])
def delivery_given_up_on_429(hi: HiEvents) -> Change:
    """A delivery that gets 429 is given up like any other 4xx."""
    return _given_up(hi, lambda status: status == 429)


@registry.fault(kills=["hi_events_delivery.refused_delivery_is_not_retried"])
def webhook_retried_on_4xx(hi: HiEvents) -> Change:
    """A delivery that gets 4xx is retried again and again."""
    return swap(
        hi.courier.fate,
        lambda honest, status: Fate.TO_RETRY if status is not None and 400 <= status < 500 else honest(status),
    )


@registry.fault(kills=["hi_events_delivery.pauses_between_retries_grow"])
def pauses_between_retries_shrink(hi: HiEvents) -> Change:
    """The pause is halved with each retry instead of doubled."""
    return swap(hi.courier.pause, lambda honest, tries: 8.0 / 2**tries)


@registry.trouble()
def deliveries_hurry(hi: HiEvents) -> Change:
    """A delivery waits 1 s for its response instead of 10."""
    return swap(hi.courier.timeout, lambda honest: min(honest(), _HURRY))


@registry.fault(kills=["hi_events_delivery.deliveries_keep_the_order_of_changes"])
def webhooks_out_of_order(hi: HiEvents) -> Change:
    """Workers deliver the newest change of an event first."""
    return [
        # Time for a newer delivery to come.
        swap(hi.courier.first_due, lambda honest: honest() + _HOLD),
        swap(hi.courier.next_of, lambda honest, line: line[-1]),
    ]


@registry.fault(kills=["hi_events_delivery.order_is_kept_under_failures"])
def failed_delivery_overtaken(hi: HiEvents) -> Change:
    """A failed delivery is queued behind the next one of its event."""

    def next_of(honest: Honest[[Sequence[Delivery]], Delivery], line: Sequence[Delivery]) -> Delivery:
        overtaken = len(line) > 1 and line[0].tries and not line[1].tries
        return line[1] if overtaken else honest(line)

    return swap(hi.courier.next_of, next_of)


@registry.fault(kills=["hi_events_delivery.a_retry_is_the_same_delivery"])
def webhook_sent_twice_with_different_bodies(hi: HiEvents) -> Change:
    """A retry is built again, with a new event_sent_at."""

    async def deliver(honest: Honest[[Delivery], Async[Attempt]], delivery: Delivery) -> Attempt:
        return await honest(_dated_anew(hi, delivery) if delivery.tries else delivery)

    return swap(hi.courier.deliver, deliver)


@registry.fault(kills=["hi_events_delivery.failures_leave_the_right_state"])
def failed_delivery_sent_again_at_the_end(hi: HiEvents) -> Change:
    """A delivery that failed at first is sent once more, with a new date, after those that waited for it."""

    def record(
        honest: Honest[[Delivery, Attempt, str, float], None],
        delivery: Delivery,
        attempt: Attempt,
        state: str,
        due_at: float,
    ) -> None:
        honest(delivery, attempt, state, due_at)
        if state == DELIVERED and delivery.tries and hi.outbox.pending_of(delivery.event_id):
            honest.count()
            sent_at = iso_millis(hi.clock.now() + 1)
            body = json_body({**json.loads(delivery.body), "event_sent_at": sent_at})
            hi.outbox.enqueue(event_id=delivery.event_id, body=body, event_sent_at=sent_at, due_at=hi.clock.now())

    return swap(hi.courier.record, record)


@registry.fault(kills=["hi_events_delivery.every_attempt_is_in_the_delivery_log"])
def log_says_that_all_went_well(hi: HiEvents) -> Change:
    """The delivery log records 200 for every attempt."""
    return swap(
        hi.courier.record,
        lambda honest, delivery, attempt, state, due_at: honest(delivery, replace(attempt, status=200), state, due_at),
    )


def _given_up(hi: HiEvents, on: Callable[[int | None], bool]) -> Change:
    """Give deliveries up that would be sent again, after attempts of these statuses."""

    def fate(honest: Honest[[int | None], Fate], status: int | None) -> Fate:
        found = honest(status)
        return Fate.REFUSED if found is Fate.TO_RETRY and on(status) else found

    return swap(hi.courier.fate, fate)


def _dated_anew(hi: HiEvents, delivery: Delivery) -> Delivery:
    """The same delivery with an event_sent_at of now."""
    sent_at = iso_millis(hi.clock.now())
    body = json_body({**json.loads(delivery.body), "event_sent_at": sent_at})
    changed = update(deliveries).where(deliveries.c.id == delivery.id).values(body=body, event_sent_at=sent_at)
    hi.outbox.database.execute(changed)
    return replace(delivery, body=body, event_sent_at=sent_at)
