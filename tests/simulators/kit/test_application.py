"""What stands around the routes of a document, and when it is made."""

import subprocess
import sys

import pytest
from starlette.routing import Route

from simulators.kit.application import Application
from simulators.kit.errors import StartError
from tests.simulators.kit.double import simulator

_START = """
import sys
from simulators.launch import Launched, LaunchOptions
built = Launched(LaunchOptions(only=("tuvens-api",)))
built.description()
built.simulators["tuvens-api"]._warm_up()
built.close()
spared = {"fastapi", "starlette", "pydantic", "httpx", "jinja2", "psycopg", "simulators.hi_events.app"}
print(*sorted(spared & {*sys.modules}))
"""


def test_a_start_imports_nothing_that_a_simulator_under_load_does_not_need() -> None:
    started = subprocess.run([sys.executable, "-c", _START], capture_output=True, text=True, check=True)
    assert started.stdout.split() == []


def test_an_extra_route_on_a_route_of_the_document_stops_the_start() -> None:
    found = simulator()
    with pytest.raises(StartError, match="/api/events/x is a route of the document"):
        Application(
            found.router,
            found.document,
            extra_routes=[Route("/api/events/x", lambda request: None)],
            control=None,
            start=found.start,
            stop=found.stop,
            interrupt=found.interrupt,
        )
