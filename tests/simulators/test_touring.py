"""What a tour of a fault is to find fault with, it does."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from simulators.kit.faults import Change, Fault, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.response_mutations import drop, mutated, put, status
from simulators.kit.simulator import Simulator
from tests.simulators import touring
from tests.simulators.kit.double import simulator

KNOWN: dict[str, Fault] = {}


class ShortTour(touring.Tour):
    @staticmethod
    def make(faults: Sequence[str]) -> Simulator:
        return simulator(KNOWN, faults)

    def rewind(self) -> None:
        self.simulator.reset()

    async def visit(self) -> AsyncGenerator[None]:
        await self.request("GET", "/api/events/11")
        yield


def _check(change: Callable[[Simulator], Change], **facts: Any) -> None:
    KNOWN["odd"] = fault = Fault("odd", "tuvens-api", "Odd.", change, **facts)

    async def check() -> None:
        await touring.check(ShortTour, fault, await touring.see_honest(ShortTour), again=True)

    asyncio.run(check())


def _with_title(found: Simulator, title: str) -> Change:
    def handle(honest: Honest[[Request], Any], request: Request) -> Response:
        response: Response = honest(request)
        put("title", value=title)(request, response)
        return response

    return swap(found.endpoint("getEvent").handle, handle)


def test_a_fault_that_is_seen_and_ends_passes() -> None:
    _check(lambda found: mutated(found, status(299), "getEvent"))


def test_a_fault_that_nobody_can_see_fails() -> None:
    with pytest.raises(AssertionError, match="extend the tour"):
        _check(lambda found: mutated(found, status(200), "getEvent"))


def test_a_fault_that_does_not_count_fails() -> None:
    # It changes the response in place, and hands on the same object.
    with pytest.raises(AssertionError, match="not counted"):
        _check(lambda found: _with_title(found, "Another"))


def test_a_benign_variant_that_breaks_the_document_fails() -> None:
    with pytest.raises(AssertionError, match="breach of the simulator's own"):
        _check(lambda found: mutated(found, drop("title"), "getEvent"), kind="benign")


def test_a_fault_that_leaves_something_behind_fails() -> None:
    def change(found: Simulator) -> Change:
        original = found.clock.date
        found.clock.date = lambda: original() + "!"  # type: ignore[method-assign]  # what a fault must not do
        return mutated(found, status(299), "getEvent")

    with pytest.raises(AssertionError, match="after it was disarmed"):
        _check(change)
