"""Delivery of webhooks from the durable outbox: signed, in order for one event, retried, logged."""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from functools import partial

from contracts.webhook import wire
from contracts.webhook.wire import Fate
from harness.http import Answer, Call
from simulators.hi_events.outbox import DELIVERED, FAILED, PENDING, Attempt, Delivery, Outbox
from simulators.hi_events.policy import DeliveryPolicy
from simulators.kit.caller import Caller, CallOutcome
from simulators.kit.clock import Clock, Timer
from simulators.kit.journal import Journal
from simulators.kit.messages import noted

_LEASE_MARGIN = 2.0
_LONGEST_RETRY_AFTER = 3600
_EXCERPT = 2000
_RECOVERY = 5.0
_OWNER = f"{socket.gethostname()}/{os.getpid()}"


class Courier:
    """Works off the outbox: for each event one delivery at a time, the oldest first; events side by side.

    Everything that matters is in the database before it happens: a process that is killed at any moment leaves a
    pending delivery, and the next one sends it (again). Several processes may share one outbox: the one that
    leases the head of an event's line sends it.

    caller: calls the receiver of the webhooks. secret: signs them.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        journal: Journal,
        caller: Caller,
        secret: str,
        policy: DeliveryPolicy,
    ) -> None:
        self.secret = secret
        self._outbox = outbox
        self._clock = clock
        self._journal = journal
        self._caller = caller
        self._policy = policy
        self._planned: dict[int, Timer] = {}
        self._under_way: set[asyncio.Task[object]] = set()
        self._generation = 0

    # -- when deliveries are sent

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
        """Drop all plans and break off the attempts under way; the database stays as it is."""
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

    async def replay(self, delivery_id: int) -> Attempt | None:
        """Send a delivery once more, now, whatever became of it; None where there is no such delivery."""
        delivery = self._outbox.delivery(delivery_id)
        if delivery is None:
            return None
        attempt = await self.attempt(delivery, replay=True)
        with self._outbox.write():
            if self._outbox.delivery(delivery_id) is not None:
                self._outbox.log(delivery_id, attempt)
        return attempt

    async def _turn(self, event_id: int, generation: int) -> None:
        if generation != self._generation:
            return
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
        """Send the next delivery of an event; returns the time before which there is no point in trying again."""
        with self._outbox.write():
            line = self._outbox.pending_of(event_id)
            if not line:
                return 0.0
            delivery = self.next_of(line)
            lease = self._policy.timeout + _LEASE_MARGIN
            busy = self._outbox.lease(delivery.id, owner=_OWNER, real_now=time.time(), seconds=lease)
        if busy:
            return self._clock.now() + busy
        try:
            attempt = await self.deliver(delivery)
        except BaseException:
            with self._outbox.write():
                self._outbox.release(delivery.id)
            raise
        state, due_at = self._settled(delivery, attempt)
        with self._outbox.write():
            self.record(delivery, attempt, state, due_at)
        return 0.0

    # -- the parts of a delivery

    def first_due(self) -> float:
        """When a delivery that is written now is to be sent first."""
        return self._clock.now()

    def next_of(self, line: Sequence[Delivery]) -> Delivery:
        """Which of the pending deliveries of an event is sent next: the oldest."""
        return line[0]

    async def deliver(self, delivery: Delivery) -> Attempt:
        """Try a pending delivery."""
        return await self.attempt(delivery)

    async def attempt(self, delivery: Delivery, *, replay: bool = False) -> Attempt:
        """Send a delivery once."""
        number = self._outbox.attempts_made(delivery.id) + 1
        noted.set([])
        signature = self.sign(delivery.body)
        genuine = wire.signature_matches(self.secret, delivery.body, signature)
        started = self._clock.now()
        outcome = await self._caller.send(
            self.call(delivery.body, signature),
            within=self.timeout(),
            secrets=[("shared-secret", self.secret)],
            facts={"signature_valid": genuine, "delivery": delivery.id, "attempt": number, "replay": replay},
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

    def sign(self, body: bytes) -> str:
        """The signature of a webhook, over the bytes that are sent."""
        return wire.sign(self.secret, body)

    def call(self, body: bytes, signature: str) -> Call:
        """The call that delivers a webhook."""
        return wire.event_status_changed(body, signature)

    def timeout(self) -> float:
        """Real seconds that one attempt may take."""
        return self._policy.timeout

    def fate(self, status: int | None) -> Fate:
        """What the status of an attempt means for its delivery; None: there was no answer."""
        return wire.fate_of(status)

    def pause(self, tries: int) -> float:
        """Seconds from the failure of an attempt to the next one, after so many failures before it."""
        return self._policy.pauses[tries]

    def record(self, delivery: Delivery, attempt: Attempt, state: str, due_at: float) -> None:
        """Write an attempt and what becomes of its delivery to the delivery log; in a transaction."""
        self._outbox.settle(delivery, attempt, state=state, due_at=due_at)

    def _settled(self, delivery: Delivery, attempt: Attempt) -> tuple[str, float]:
        """The state of a delivery after an attempt, and when it is due again."""
        now, fate = self._clock.now(), self.fate(attempt.status)
        if fate is Fate.DELIVERED:
            return DELIVERED, now
        if fate is Fate.REFUSED or delivery.tries >= len(self._policy.pauses):
            return FAILED, now
        return PENDING, now + max(self.pause(delivery.tries), attempt.retry_after)

    def _excerpt(self, outcome: CallOutcome) -> str | None:
        if outcome.answer is None:
            return None
        return self._journal.clean(outcome.answer.body[: 2 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]


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
