"""Worlds for the tests of hi.events: started once, reset before each test."""

from collections.abc import Iterator

import pytest

from simulators.launch import HI_EVENTS, LaunchOptions
from tests.simulators import postgresql
from tests.simulators.hi_events.world import Peer, World, peer, world


@pytest.fixture(scope="session")
def _sqlite_world() -> Iterator[World]:
    with world(LaunchOptions(limits="raised")) as started:
        yield started


@pytest.fixture(scope="session")
def _postgresql_world() -> Iterator[World]:
    with (
        postgresql.schema() as schema,
        world(LaunchOptions(limits="raised", database=postgresql.URL, database_schema=schema)) as started,
    ):
        yield started


@pytest.fixture
def here(_sqlite_world: World) -> World:
    """Both simulators, on SQLite."""
    _sqlite_world.reset()
    return _sqlite_world


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest) -> World:
    """Both simulators, on SQLite and then on PostgreSQL."""
    started: World = request.getfixturevalue(f"_{request.param}_world")
    started.reset()
    return started


@pytest.fixture(scope="session")
def _lonely() -> Iterator[tuple[World, Peer]]:
    with peer() as other:
        options = LaunchOptions(
            only=(HI_EVENTS,), limits="raised", tuvens_url=other.url, upstream_timeout=0.6, webhook_timeout=0.6
        )
        with world(options) as started:
            yield started, other


@pytest.fixture
def lonely(_lonely: tuple[World, Peer]) -> tuple[World, Peer]:
    """hi.events before a tuvens-api that does what the test says; time-outs of 0.6 s."""
    started, other = _lonely
    other.always(404)
    started.reset()
    other.requests.clear()
    return started, other
