"""Sending calls through Locust, measured from when they were due, with the answers checked."""

import errno
import heapq
import itertools
import math
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from locust.contrib.fasthttp import FastHttpSession

import openapi
from contracts.recording import writer_for
from harness.deployment import Deployment
from harness.history import Context, History, Outcome
from harness.http import Answer, Call
from harness.saved_history import history_lines
from load.generate.checks import Check, judge_answer
from load.generate.locust_process.disturbance import RunQueue
from load.generate.samples import Result, Sample
from load.generate.server_timing import server_and_database
from load.generate.steps import SLOWEST, WRONG
from load.plan.measures import EMPTY

_NEVER_ARRIVED = (errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNREFUSED)
_KEPT_SLOWEST, _KEPT_WRONG = 4, 4

TakeSample = Callable[[Sample], None]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An exchange kept for the report, unredacted until the end of the run."""

    measure: str
    call: Call
    url: str
    answer: Answer | None
    outcome: Outcome
    error: str
    started: float
    seconds: float
    secrets: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a call; `answer` is None unless it is correct."""

    result: Result
    answer: Answer | None


class Client:
    """Sends the calls of one lane. `began` is the start of the run, by time.perf_counter. `reasons` counts by measure
    what was wrong with answers."""

    def __init__(self, deployment: Deployment, take: TakeSample) -> None:
        self._deployment = deployment
        self._take = take
        self.began = time.perf_counter()
        self.reasons: dict[str, Counter[str]] = {}
        self._order = itertools.count()
        self._slowest: dict[str, list[tuple[float, int, _Kept]]] = {}
        self._wrong: dict[str, list[_Kept]] = {}
        self.queue = RunQueue()

    def now(self) -> float:
        """Seconds after the start of the run."""
        return time.perf_counter() - self.began

    def url(self, call: Call) -> str:
        """The URL of a call."""
        operation = openapi.find(call.operation)
        target = self._deployment.targets[operation.app]
        return (target.url if operation.base == "pages" else target.api_url).rstrip("/") + call.target

    def send(
        self,
        http: FastHttpSession,
        measure: str,
        call: Call,
        check: Check,
        *,
        due: float | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        url: str = "",
    ) -> Sent:
        """Send a call and measure it from `due` (seconds after the start of the run; default now). `check` judges a
        successful answer; `secrets` (kind, value) are redacted in what is kept; `url` replaces the call's own."""
        address = url or self.url(call)
        waited = self.queue.waited()
        started, at = time.time(), self.now()
        meant = at if due is None else due
        with http.request(
            call.method, address, name=measure, headers=dict(call.headers), catch_response=True, **_body(call.body)
        ) as response:
            ended, held = self.now(), self.queue.waited() - waited
            answer, error = _answer(response)
            if answer is not None:
                result, reason = judge_answer(call, answer, check)
                outcome = Outcome.ANSWERED
            else:
                result, reason = _unanswered(error)
                outcome = Outcome.REFUSED if result is Result.REFUSED else Outcome.NO_ANSWER
            latency = (ended - meant) * 1000
            # So that Locust's own statistics count from when the call was due, too.
            response.request_meta["response_time"] = latency
            if result is Result.OK:
                response.success()
            else:
                response.failure(reason)
        server, database = server_and_database(answer.header("server-timing")) if answer else (math.nan, math.nan)
        self._take(Sample(measure, meant, result, latency, (ended - at) * 1000, server, database, held))
        self._remember(
            _Kept(measure, call, address, answer, outcome, reason, started, ended - at, tuple(secrets)), result, latency
        )
        return Sent(result, answer if result is Result.OK else None)

    def ask_empty(self, http: FastHttpSession, due: float, address: str) -> None:
        """Send a request to an empty server, for a calibration."""
        waited, at = self.queue.waited(), self.now()
        with http.request("POST", address, name=EMPTY, catch_response=True, **_body(b"{}")) as response:
            ended, held = self.now(), self.queue.waited() - waited
            right = response.status_code == 200
            response.success() if right else response.failure("the empty server did not answer 200")
        result = Result.OK if right else Result.FAILED
        self._take(Sample(EMPTY, due, result, (ended - due) * 1000, (ended - at) * 1000, held=held))

    def count(
        self, measure: str, due: float, result: Result, reason: str = "", *, aside: float = 0.0, held: float = 0.0
    ) -> None:
        """Take a sample that is not a single exchange: a whole flow, a dropped or an unanswered arrival. `aside`:
        seconds that do not count; `held`: as in Sample."""
        waited = (self.now() - due - aside) * 1000
        self._take(Sample(measure, due, result, waited, waited, held=held))
        if reason:
            self.reasons.setdefault(measure, Counter())[reason] += 1

    def exchanges(self, lane: int) -> list[str]:
        """The slowest and the first wrong exchanges of each measure, as redacted lines of a history; `lane` from 0."""
        writer = writer_for(self._deployment, History(Context("load", "", {}, frozenset())), foreign=False)
        slowest = [(SLOWEST, kept) for heap in self._slowest.values() for _, _, kept in heap]
        wrong = [(WRONG, kept) for those in self._wrong.values() for kept in those]
        for _, kept in (*slowest, *wrong):
            for kind, value in kept.secrets:
                writer.redactor.register(kind, value)
        for step, kept in (*slowest, *wrong):
            writer.record(
                step=step + kept.measure,
                caller=f"load generator {lane + 1}",
                callee=openapi.find(kept.call.operation).app,
                call=kept.call,
                url=kept.url,
                answer=kept.answer,
                outcome=kept.outcome,
                error=kept.error if kept.answer is None else "",
                started=kept.started,
                seconds=kept.seconds,
                facts={"wrong": kept.error} if kept.error else None,
            )
        return list(history_lines(writer.history, writer.redactor))

    def _remember(self, kept: _Kept, result: Result, latency: float) -> None:
        if result is not Result.OK:
            self.reasons.setdefault(kept.measure, Counter())[kept.error] += 1
            wrong = self._wrong.setdefault(kept.measure, [])
            if len(wrong) < _KEPT_WRONG:
                wrong.append(kept)
            return
        heap = self._slowest.setdefault(kept.measure, [])
        if len(heap) < _KEPT_SLOWEST:
            heapq.heappush(heap, (latency, next(self._order), kept))
        elif latency > heap[0][0]:
            heapq.heapreplace(heap, (latency, next(self._order), kept))


def _body(body: bytes | None) -> dict[str, Any]:
    """The keyword argument; the library sends bytes, though its types say text."""
    return {"data": body}


def _answer(response: Any) -> tuple[Answer | None, BaseException | None]:
    error = getattr(response, "error", None) or response.request_meta.get("exception")
    if not response.status_code or response.headers is None:
        return None, error
    try:
        body = response.content or b""
    except OSError as broken:
        return None, broken
    headers: Mapping[str, str] = response.headers
    return Answer(response.status_code, tuple((str(k), str(v)) for k, v in headers.items()), bytes(body)), None


def _unanswered(error: BaseException | None) -> tuple[Result, str]:
    name = type(error).__name__ if error is not None else "no reason given"
    if isinstance(error, ssl.SSLError | socket.gaierror):
        return Result.REFUSED, f"no connection: {name}: {str(error)[:160]}"
    if isinstance(error, OSError) and error.errno in _NEVER_ARRIVED:
        return Result.REFUSED, f"no connection: {error.strerror or name}"
    return Result.UNANSWERED, f"no answer: {name}"
