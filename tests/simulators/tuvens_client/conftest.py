"""The three simulators, started once, reset before each test."""

from collections.abc import Iterator

import pytest

from simulators.launch import LaunchOptions
from tests.launching import launched
from tests.simulators.tuvens_client.world import World


@pytest.fixture(scope="session")
def _started() -> Iterator[World]:
    with launched(LaunchOptions(limits="raised")) as built:
        world = World(built)
        try:
            yield world
        finally:
            world.client.close()


@pytest.fixture
def here(_started: World) -> World:
    """All three, honest and at the seed."""
    _started.reset()
    return _started
