"""One simulator for each database and run, back to its seed before each test."""

from collections.abc import Iterator

import pytest

from simulators.tuvens_api.app import TuvensApiConfig
from tests.simulators import postgresql
from tests.simulators.tuvens_api.world import TOKEN, World


@pytest.fixture(scope="session")
def _on_sqlite() -> Iterator[World]:
    world = World(TuvensApiConfig(control_token=TOKEN))
    yield world
    world.close()


@pytest.fixture(scope="session")
def _on_postgresql() -> Iterator[World]:
    with postgresql.schema() as name:
        world = World(TuvensApiConfig(control_token=TOKEN, database_url=postgresql.URL, database_schema=name))
        yield world
        world.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """On both databases."""
    found: World = request.getfixturevalue(f"_on_{request.param}")
    found.fresh()
    yield found
    assert found.api.journal.breaches == 0, "an answer broke the document"
    assert found.api.services.failures == 0, "a handler raised"


@pytest.fixture
def sqlite(_on_sqlite: World) -> Iterator[World]:
    """On SQLite alone, for what does not touch the database in a way of its own."""
    _on_sqlite.fresh()
    yield _on_sqlite
    assert _on_sqlite.api.journal.breaches == 0, "an answer broke the document"
    assert _on_sqlite.api.services.failures == 0, "a handler raised"
