"""Every fault of hi.events shows in a tour, is counted, and is gone once disarmed."""

import asyncio

import pytest

from simulators.hi_events.faults import FAULTS
from tests.simulators import touring
from tests.simulators.hi_events.tour import HiTour

AGAIN = {*list(FAULTS)[::10], *(name for name, fault in FAULTS.items() if fault.at_start)}


@pytest.fixture(scope="module")
def honest() -> list[str]:
    return asyncio.run(touring.see_honest(HiTour))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_in_a_tour_is_counted_and_ends(name: str, honest: list[str]) -> None:
    asyncio.run(touring.check(HiTour, FAULTS[name], honest, again=name in AGAIN))


def test_two_honest_tours_are_equal(honest: list[str]) -> None:
    assert asyncio.run(touring.see_honest(HiTour)) == honest
