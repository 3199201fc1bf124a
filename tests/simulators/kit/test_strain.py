"""What strains do to requests: wait, refuse, and how many of them."""

import asyncio
from types import SimpleNamespace

import pytest

import openapi
from simulators.faults import FAULTS
from simulators.hi_events import strains as of_hi_events
from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound
from simulators.kit.faults import FaultRuntime
from simulators.kit.strain import Strain, Strains
from simulators.tuvens_api import strains as of_tuvens_api

ALL = {**of_tuvens_api.STRAINS, **of_hi_events.STRAINS}
NAME = "generation-takes-20-ms"


class Here:
    """A strain that is armed; what it waited for."""

    def __init__(self, name: str, strain: Strain) -> None:
        self.faults = FaultRuntime([FAULTS[name]], [name])
        self.strains = Strains(self.faults, {name: strain})

    def ask(self, operation: str = "generateSession", *, at_once: int = 1) -> list[Inbound | BaseException]:
        """So many requests for an operation at one moment, and what came of each."""

        async def all_of_them() -> list[Inbound | BaseException]:
            return await asyncio.gather(*(self._one(operation) for _ in range(at_once)), return_exceptions=True)

        return asyncio.run(all_of_them())

    async def _one(self, operation: str) -> Inbound:
        found = openapi.find(operation)
        scope = {"method": found.method, "path": found.path, "headers": []}
        inbound = Inbound(scope, found, 0.0)
        await self.strains.before(inbound)
        return inbound


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        found.append(seconds)
        await real(0)

    # Of this module alone: servers that other tests keep running in threads sleep, too.
    monkeypatch.setattr("simulators.kit.strain.asyncio", SimpleNamespace(sleep=sleep))
    return found


def test_only_the_operations_that_are_named_wait(waited: list[float]) -> None:
    here = Here(NAME, Strain(frozenset({"generateSession"}), 0.02))
    here.ask()
    here.ask("validateSession")
    assert waited == [0.02]
    assert here.faults.fired(NAME) == 1


def test_one_in_so_many_is_struck(waited: list[float]) -> None:
    here = Here(NAME, Strain(seconds=0.5, every=3))
    for _ in range(7):
        here.ask()
    assert waited == [0.5, 0.5]


def test_time_in_the_database_is_told_as_such(waited: list[float]) -> None:
    (asked,) = Here(NAME, Strain(seconds=0.02, stored=True)).ask()
    assert isinstance(asked, Inbound)
    assert (asked.database_seconds, waited) == (0.02, [0.02])


def test_who_comes_beyond_the_pool_is_refused(waited: list[float]) -> None:
    here = Here(NAME, Strain(seconds=0.01, at_once=3, refused=(503, "UNAVAILABLE")))
    found = here.ask(at_once=5)
    assert [isinstance(each, Refusal) for each in found] == [False, False, False, True, True]
    here.ask()
    assert here.faults.fired(NAME) == 2


def test_nobody_is_struck_where_nothing_is_armed(waited: list[float]) -> None:
    here = Here(NAME, Strain(seconds=9.0))
    here.faults.disarm_all()
    here.ask()
    assert waited == []


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_fault_of_load_strikes(name: str, waited: list[float]) -> None:
    assert FAULTS[name].suite == "load"
    strain = ALL[name]
    here = Here(name, strain)
    (operation, *_) = sorted(strain.operations) or ["generateSession"]
    found = here.ask(operation, at_once=max(strain.every, strain.at_once + 1))
    assert here.faults.fired(name) > 0
    refused = [each.status for each in found if isinstance(each, Refusal)]
    assert refused == ([strain.refused[0]] if strain.refused else [])
    assert bool(waited) == bool(strain.seconds or not strain.refused)


def test_each_strain_has_a_sentence() -> None:
    assert {**of_tuvens_api.SENTENCES, **of_hi_events.SENTENCES}.keys() == ALL.keys()
