"""What stands around the routes of a document, and when it is made."""

import subprocess
import sys

import pytest
from starlette.routing import Route

from simulators.kit.application import Application
from simulators.kit.errors import StartError
from simulators.tuvens_api.app import Config, create

_START = """
import sys
from simulators.launch import Launched, LaunchOptions
built = Launched(LaunchOptions(only=("tuvens-api",)))
built.description()
built.simulators["tuvens-api"].binding.warm_up()
built.close()
spared = {"fastapi", "starlette", "pydantic", "httpx", "jinja2", "psycopg", "simulators.hi_events.app"}
print(*sorted(spared & {*sys.modules}))
"""


def test_a_start_imports_nothing_that_a_simulator_under_load_does_not_need() -> None:
    started = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    assert started.stdout.split() == []


def test_furniture_on_a_route_of_the_document_stops_the_start() -> None:
    api = create(Config())
    with pytest.raises(StartError, match="/api/events/x is a route of the document"):
        Application(
            api.binding,
            name="tuvens-api",
            furniture=[Route("/api/events/x", lambda request: None)],
            control=None,
            start=api.start,
            stop=api.stop,
            interrupt=api.interrupt,
        )
    api.database.close()
