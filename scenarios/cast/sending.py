"""Sending the requests of stories: paced, recorded, and repeated where that does no harm."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import openapi
from contracts.lifetimes import Lifetimes
from contracts.times import parse_http_date
from contracts.upstream import says_unreachable
from harness.deployment import Deployment, Target
from harness.expectations import shown
from harness.history import Exchange, Outcome
from harness.http import Answer, Call, WireError, object_or_empty
from harness.pacing import pause_after_429
from harness.recorder import Forwarding, Recorder
from harness.story import StoryStoppedError
from scenarios.cast.clock import RunClock
from scenarios.cast.rate_limits import RateLimitTurns

_TRIES = 3
_SIGN_IN = "validateCrossAppSession"


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a call: the recorded exchange, and the answer as received, secrets included (None: there was
    none)."""

    exchange: Exchange
    answer: Answer | None

    @property
    def status(self) -> int | None:
        """The status code; None without an answer."""
        return self.exchange.status

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def must(self, what: str) -> Answer:
        """The answer if it is a success. Raises StoryStoppedError, with `what` as its reason: the story needs it."""
        if self.answer is None or not self.ok:
            seen = shown(self.exchange) if self.answer is not None else self.exchange.error
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): {seen}")
        return self.answer

    def must_be_object(self, what: str) -> dict[str, Any]:
        """The JSON object in the answer of a success. Raises StoryStoppedError."""
        try:
            value = self.must(what).json()
        except WireError as error:
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): {error}") from None
        if not isinstance(value, dict):
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): no JSON object: {shown(self.exchange)}")
        return value

    def must_have(self, field: str, what: str) -> str:
        """A field of the JSON object in the answer of a success, as text. Raises StoryStoppedError if it is missing,
        null or empty."""
        value = self.must_be_object(what).get(field)
        if value is None or value == "":
            raise StoryStoppedError(
                f"{what} (exchange {self.exchange.number}): {self.exchange.callee} gives no {field}"
            )
        return str(value)

    def json_object(self) -> Mapping[str, Any]:
        """The JSON object in the answer's body, whatever the status; empty if there is none."""
        return {} if self.answer is None else object_or_empty(self.answer.body)


class Sender:
    """Sends calls to the applications of a deployment; `wait` lets a story wait for so many seconds, for a reason."""

    def __init__(
        self,
        deployment: Deployment,
        recorder: Recorder,
        rate_limits: RateLimitTurns,
        clock: RunClock,
        wait: Callable[[str, float, str], Awaitable[None]],
    ) -> None:
        self._wait = wait
        self._deployment = deployment
        self._recorder = recorder
        self._rate_limits = rate_limits
        self._clock = clock

    def target(self, app: str) -> Target:
        """A target of the deployment. Raises StoryStoppedError if it has none for the application."""
        found = self._deployment.targets.get(app)
        if found is None:
            raise StoryStoppedError(f"the deployment has no {app}")
        return found

    async def send(
        self,
        step: str,
        caller: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        repeatable: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a call to the application that serves its operation.

        `key` is what the operation's rate limit counts by; None takes no turn, for calls that the limit does not count.
        A 429 is waited out and the call sent again, unless `obey_limits` is False. A broken connection is tried again
        only if the request surely never arrived, the operation is x-retry-safe, or this call is `repeatable`: whoever
        gets it twice does no more than once. Raises StoryStoppedError.
        """
        operation = openapi.find(call.operation)
        target = self.target(operation.app)
        base_url = target.url if operation.base == "pages" else target.api_url
        return await self.forward(
            step,
            caller,
            operation.app,
            base_url,
            call,
            key=key,
            obey_limits=obey_limits,
            repeatable=repeatable,
            facts=facts,
        )

    async def forward(
        self,
        step: str,
        caller: str,
        app: str,
        base_url: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        repeatable: bool = False,
        facts: Mapping[str, Any] | None = None,
        forwarding: Forwarding | None = None,
    ) -> Reply:
        """As `send`, to a given base URL of an application; the call's operation may be "" (none)."""
        operation = openapi.find(call.operation) if call.operation else None
        for attempt in range(1, _TRIES + 1):
            if obey_limits and key is not None and operation is not None:
                await self._rate_limits.take(operation.id, key)
            exchange, answer = await self._recorder.send(
                step=step, caller=caller, callee=app, base_url=base_url, call=call, facts=facts, forwarding=forwarding
            )
            if exchange.outcome is Outcome.REFUSED and obey_limits and key is not None and operation is not None:
                self._rate_limits.give_back(operation.id, key)
            self._clock.note_date(app, answer, exchange.seconds)
            if attempt > 1 and exchange.status == 429 and obey_limits:
                self._recorder.still_throttled(app, call.operation)
            retry_safe = repeatable or (operation is not None and operation.retry_safe)
            if attempt == _TRIES or not await self._repeats(exchange, answer, obey_limits, retry_safe=retry_safe):
                break
            self._recorder.history.supersede(exchange.number)
        return Reply(exchange, answer)

    def not_sent(self, step: str, caller: str, call: Call, why: str) -> Reply:
        """Record that a call was not sent, and why."""
        operation = openapi.find(call.operation)
        target = self.target(operation.app)
        base_url = target.url if operation.base == "pages" else target.api_url
        exchange = self._recorder.record(
            step=step,
            caller=caller,
            callee=operation.app,
            call=call,
            url=base_url.rstrip("/") + call.target,
            answer=None,
            outcome=Outcome.REFUSED,
            error=why,
            started=time.time(),
        )
        return Reply(exchange, None)

    def came_to_nothing(self, reply: Reply) -> bool:
        """Whether a refusal may come of a token or JWT that expired before the request arrived, or of a request that
        hi.events lost as connections of this run broke, or the connection broke so that the request may have
        arrived."""
        if reply.answer is None:
            return reply.exchange.outcome is Outcome.NO_ANSWER and self._is_broken(reply.exchange)
        if reply.ok or reply.status == 429:
            return False
        # The contract lets hi.events refuse a sign-in with 401, too, when it could not reach tuvens-api.
        is_sign_in = reply.status == 401 and reply.exchange.operation == _SIGN_IN
        if (is_sign_in or says_unreachable(reply.exchange)) and self._recorder.history.losses():
            return True
        left = Lifetimes(self._recorder.history).left(reply.exchange)
        return left is not None and left[0] < 0

    def give_up(self, reply: Reply) -> None:
        """Leave an exchange out of what rules judge: it is made again."""
        self._recorder.history.supersede(reply.exchange.number)

    def _is_broken(self, exchange: Exchange) -> bool:
        """Whether there is no answer, though it was not waited for in vain."""
        timed_out = exchange.seconds >= self._recorder.limits.seconds * 0.9
        return exchange.outcome is not Outcome.ANSWERED and not timed_out

    async def _repeats(self, exchange: Exchange, answer: Answer | None, obey_limits: bool, *, retry_safe: bool) -> bool:
        """Whether to send the call again; waits as long as a 429 asks for."""
        if exchange.outcome is not Outcome.ANSWERED:
            return self._is_broken(exchange) and (exchange.outcome is Outcome.REFUSED or retry_safe)
        if retry_safe and says_unreachable(exchange) and self._recorder.history.losses():
            return True
        if answer is not None and answer.status == 429 and obey_limits:
            date = parse_http_date(answer.header("date"))
            now = self._clock.now_at(exchange.callee) if date is None else date
            if pause_after_429(answer.headers, now, longest=math.inf) > self._deployment.safety.minutes * 60:
                return False  # not in this run
            seconds = pause_after_429(answer.headers, now)
            await self._wait(
                exchange.step.partition("/")[0], seconds, f"{exchange.callee} answered {exchange.operation} with 429"
            )
            return True
        return False
