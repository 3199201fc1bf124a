"""No hostile server gets more than its time and memory out of the recorder, and each attempt is one exchange."""

import asyncio
import tracemalloc

import pytest

from contracts import facts
from harness.history import Context, History, Outcome
from harness.http import Call
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.saved_history import Run
from harness.traffic_limits import TrafficLimits
from tests.harness.hostile import HOSTILE, Behind, answering, serving

_SECONDS = 0.5
_BYTES = 100_000_000


def test_there_are_many() -> None:
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_one_exchange_and_bounded_time_and_memory(name: str) -> None:
    history = History(Context("d", "2025-07", {}, frozenset()))

    async def run() -> Redactor:
        redactor = Redactor([("shared-secret", "a-secret-that-nobody-may-see")])
        limits = TrafficLimits(seconds=_SECONDS, connect_seconds=_SECONDS)
        by = Recorder(history, redactor, limits=limits, facts=facts.ALL, secrets=facts.handed_out)
        async with serving(HOSTILE[name]) as url:
            call = Call("validateSession", "POST", "/api/cross-app/validate-session", (), b"{}")
            exchange, answer = await by.send(step="s/x", caller="a", callee="tuvens-api", base_url=url, call=call)
            assert exchange.outcome is not Outcome.REFUSED
            assert (answer is None) == (exchange.outcome is Outcome.NO_ANSWER)
            assert answer is not None or exchange.error
        await by.close()
        return redactor

    tracemalloc.start()
    redactor = asyncio.run(run())
    back = Run.of(history, redactor, 0.0).history
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [each.outcome for each in back.exchanges()] == [each.outcome for each in history.exchanges()]
    assert len(history.entries) == 1
    assert peak < _BYTES


def test_a_server_may_be_hostile_at_one_path_only() -> None:
    async def run() -> list[int | None]:
        by = Recorder(History(Context("d", "2025-07", {}, frozenset())), Redactor(), limits=TrafficLimits(_SECONDS))
        async with (
            serving(answering(b'{"honest": true}', "201 Created")) as honest,
            serving(HOSTILE["429 for ever"], behind=Behind(honest, "/hostile")) as url,
        ):
            calls = [Call("x", "POST", target, (), b"{}") for target in ("/hostile", "/hostile?a=b", "/other", "/")]
            sent = [await by.send(step="s/x", caller="a", callee="b", base_url=url, call=each) for each in calls]
        await by.close()
        return [exchange.status for exchange, _ in sent]

    assert asyncio.run(run()) == [429, 429, 201, 201]
