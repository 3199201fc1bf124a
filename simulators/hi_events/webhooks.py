"""Delivery of webhooks from the durable outbox: signed, in order for one event, retried, logged."""

import asyncio
import json
import os
import socket
import time
from dataclasses import replace
from functools import partial

from contracts.times import iso_millis
from contracts.webhook import wire
from harness.http import Answer, json_body
from simulators.hi_events.outbox import DELIVERED, FAILED, PENDING, Attempt, Delivery, Outbox
from simulators.hi_events.policy import Policy
from simulators.hi_events.store import LocalEvent
from simulators.hi_events.upstream import Tuvens
from simulators.kit.caller import CallOutcome
from simulators.kit.clock import Clock, Timer
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.messages import current

_LEASE_MARGIN = 2.0
_LONGEST_RETRY_AFTER = 3600
_EXCERPT = 2000
_HOLD = 1.0
_HURRY = 1.0
_RECOVERY = 5.0
_OWNER = f"{socket.gethostname()}/{os.getpid()}"


class Courier:
    """Works off the outbox: for each event one delivery at a time, the oldest first; events side by side.

    Everything that matters is in the database before it happens: a process that is killed at any moment leaves a
    pending delivery, and the next one sends it (again). Several processes may share one outbox: whoever leases the
    head of an event's line sends it.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        clock: Clock,
        journal: Journal,
        faults: FaultRuntime,
        tuvens: Tuvens,
        secret: str,
        policy: Policy,
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._tuvens = tuvens
        self._secret = secret
        self._policy = policy
        self._planned: dict[int, Timer] = {}
        self._under_way: set[asyncio.Task[object]] = set()
        self._generation = 0

    def start(self) -> None:
        """Take up what is pending, from an earlier process too."""
        with self._outbox.write():
            self._outbox.release_all_of(_is_gone)
            waiting = self._outbox.waiting_events()
        for event_id in waiting:
            self.wake(event_id)

    def wake(self, event_id: int, not_before: float = 0.0) -> None:
        """See to it that the head of an event's line is sent when it is due, and not before `not_before`."""
        if event_id in self._planned:
            return
        line = self._outbox.pending_of(event_id)
        if line:
            due = max(line[0].due_at, not_before, self._clock.now())
            self._planned[event_id] = self._clock.call_at(due, partial(self._turn, event_id, self._generation))

    def forget(self) -> None:
        """Drop all plans and break off the attempts under way; what is in the database stays as it is."""
        self._generation += 1
        for timer in self._planned.values():
            timer.cancel()
        self._planned.clear()
        for task in self._under_way:
            task.cancel()

    async def close(self) -> None:
        """As `forget`; returns when nothing touches the database any more."""
        self.forget()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def due_at_first(self) -> float:
        """When a delivery that is written now is to be sent first."""
        hold = _HOLD if self._faults.armed("webhooks-out-of-order") else 0.0
        return self._clock.now() + hold

    def _timeout(self) -> float:
        return min(self._policy.timeout, _HURRY) if self._faults.on("deliveries-hurry") else self._policy.timeout

    async def replay(self, delivery_id: int) -> Attempt | None:
        """Send a delivery once more, now, whatever became of it; None where there is no such delivery."""
        delivery = self._outbox.delivery(delivery_id)
        if delivery is None:
            return None
        attempt = await self._attempt(delivery, replay=True)
        with self._outbox.write():
            if self._outbox.delivery(delivery_id) is not None:
                self._outbox.log(delivery_id, attempt)
        return attempt

    async def _turn(self, event_id: int, generation: int) -> None:
        if generation != self._generation:
            return
        # The job inherits the context of the request that scheduled it, whose books are closed by now.
        current.set(None)
        task = asyncio.current_task()
        assert task is not None, "the clock runs jobs as tasks"
        self._under_way.add(task)
        again = self._clock.now() + _RECOVERY
        try:
            again = await self._send_next(event_id)
        finally:
            self._under_way.discard(task)
            if generation == self._generation:
                self._planned.pop(event_id, None)
                self.wake(event_id, again)

    async def _send_next(self, event_id: int) -> float:
        """Send the head of a line; returns before when (by the clock) there is no point in trying again."""
        with self._outbox.write():
            line = self._outbox.pending_of(event_id)
            if not line:
                return 0.0
            newest_first = len(line) > 1 and self._faults.on("webhooks-out-of-order")
            delivery = line[-1] if newest_first else line[0]
            if len(line) > 1 and line[0].tries and not line[1].tries and self._faults.on("failed-delivery-overtaken"):
                delivery = line[1]
            busy = self._outbox.lease(
                delivery.id,
                owner=_OWNER,
                real_now=time.time(),
                seconds=self._policy.timeout + _LEASE_MARGIN,
            )
        if busy:
            return self._clock.now() + busy
        try:
            if delivery.tries and self._faults.on("webhook-sent-twice-with-different-bodies"):
                delivery = self._dated_anew(delivery)
            attempt = await self._attempt(delivery)
        except BaseException:
            with self._outbox.write():
                self._outbox.release(delivery.id)
            raise
        settled, due_at = self._judge(delivery, attempt)
        with self._outbox.write():
            if self._faults.on("log-says-that-all-went-well"):
                self._outbox.settle(delivery, replace(attempt, status=200), state=settled, due_at=due_at)
                return 0.0
            self._outbox.settle(delivery, attempt, state=settled, due_at=due_at)
            if settled == DELIVERED and delivery.tries and len(line) > 1:
                self._send_again_later(delivery)
        return 0.0

    async def _attempt(self, delivery: Delivery, *, replay: bool = False) -> Attempt:
        number = self._outbox.attempts_made(delivery.id) + 1
        fired: list[str] = []
        signature = self._sign(delivery.body, fired)
        genuine = wire.signature_matches(self._secret, delivery.body, signature)
        started = self._clock.now()
        call = wire.event_status_changed(delivery.body, signature)
        if b'"ARCHIVED"' in delivery.body and self._faults.on("webhook-without-content-type"):
            call = call.with_header("Content-Type", None)
        outcome = await self._tuvens.send(
            call,
            within=self._timeout(),
            facts={"signature_valid": genuine, "delivery": delivery.id, "attempt": number, "replay": replay},
            faults=fired,
        )
        return Attempt(
            number=number,
            started_at=started,
            duration=outcome.seconds,
            signature=signature,
            status=None if outcome.answer is None else outcome.answer.status,
            error=outcome.error,
            answer=self._excerpt(outcome),
            retry_after=_retry_after(outcome.answer),
            replay=replay,
        )

    def _sign(self, body: bytes, fired: list[str]) -> str:
        """The signature, made over the bytes that are sent."""
        if self._faults.on("webhook-signed-with-other-key"):
            fired.append("webhook-signed-with-other-key")
            return wire.sign(self._secret + "-of-last-year", body)
        if self._faults.on("webhook-signature-over-pretty-json"):
            fired.append("webhook-signature-over-pretty-json")
            return wire.sign(self._secret, json.dumps(json.loads(body), indent=4).encode())
        if self._faults.on("webhook-signature-without-prefix"):
            fired.append("webhook-signature-without-prefix")
            return wire.sign(self._secret, body).removeprefix("sha256=")
        return wire.sign(self._secret, body)

    def _judge(self, delivery: Delivery, attempt: Attempt) -> tuple[str, float]:
        """What becomes of a delivery after an attempt, and when it is due again."""
        status, now = attempt.status, self._clock.now()
        fate = wire.fate_of(status)
        if fate is wire.Fate.DELIVERED:
            return DELIVERED, now
        if fate is wire.Fate.TO_RETRY:
            if self._faults.on("webhook-not-retried"):
                return FAILED, now
            if status is None and self._faults.on("delivery-given-up-on-time-out"):
                return FAILED, now
            if status == 429 and self._faults.on("delivery-given-up-on-429"):
                return FAILED, now
        elif status is None or status < 400 or not self._faults.on("webhook-retried-on-4xx"):
            return FAILED, now
        if delivery.tries >= len(self._policy.pauses):
            return FAILED, now
        pause = self._policy.pauses[delivery.tries]
        if self._faults.on("pauses-between-retries-shrink"):
            pause = 8.0 / 2**delivery.tries
        return PENDING, now + max(pause, attempt.retry_after)

    def _send_again_later(self, delivery: Delivery) -> None:
        """A job that is released although it is done: a fault alone does so."""
        if self._faults.on("failed-delivery-sent-again-at-the-end"):
            sent_at = iso_millis(self._clock.now() + 1)
            value = {**json.loads(delivery.body), "event_sent_at": sent_at}
            self._outbox.enqueue(
                event_id=delivery.event_id,
                body=json_body(value),
                event_sent_at=sent_at,
                due_at=self._clock.now(),
            )

    def _dated_anew(self, delivery: Delivery) -> Delivery:
        """The same delivery claiming to be of now: what at-least-once delivery must never do."""
        value = json.loads(delivery.body)
        payload = value["payload"]
        sent_at = iso_millis(self._clock.now())
        body = wire.status_changed_body(
            event_id=payload["id"],
            title=payload["title"],
            status=payload["status"],
            tuvens_event_id=payload["tuvens_event_id"],
            sent_at=sent_at,
        )
        with self._outbox.write():
            self._outbox.rewrite(delivery.id, body, sent_at)
            changed = self._outbox.delivery(delivery.id)
        return changed or delivery

    def _excerpt(self, outcome: CallOutcome) -> str | None:
        if outcome.answer is None:
            return None
        return self._journal.clean(outcome.answer.body[: 2 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]


def body_of(event: LocalEvent, status: str) -> bytes:
    """The webhook that tells of an event's change to `status`."""
    return wire.status_changed_body(
        event_id=event.id,
        title=event.title,
        status=status,
        tuvens_event_id=event.tuvens_event_id,
        sent_at=iso_millis(event.changed_at_ms / 1000),
    )


def _retry_after(answer: Answer | None) -> float:
    """Retry-After in seconds, bounded; 0 where there is none, or only a date."""
    text = (answer.header("retry-after") or "") if answer is not None else ""
    return float(min(int(text[:9]), _LONGEST_RETRY_AFTER)) if text.isascii() and text.isdecimal() else 0.0


def _is_gone(owner: str) -> bool:
    """Whether the process that took a lease has died: said only of this machine's processes, and only if certain."""
    host, _, number = owner.rpartition("/")
    if os.name != "posix" or host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # Our own number, before we have leased anything: an earlier life had it, as in a container that was restarted.
    return int(number) == os.getpid()
