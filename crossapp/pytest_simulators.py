"""Fixtures with the simulators, for the tests of other repositories: `pytest_plugins = ["crossapp.pytest_simulators"]`.

The simulators start once a session, on free ports and in a process of their own. Each test that uses `tuvens_api`,
`hi_events` or `tuvens_client` begins with all of them as they were at the start. The plugin has no options.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

import openapi
from contracts.session_token import wire
from crossapp.control import AllClocks, ControlClient, ControlError, reset_all
from crossapp.embedded import embedded
from harness.deployment import Control
from harness.http import Answer, WireError
from simulators.people import Person, find_person
from simulators.seed import default_seed
from simulators.tuvens_api.jwts import mint_jwt

_ARGUMENTS = [*(f"--port={app}=0" for app in openapi.APPS), "--limits", "raised"]


class App:
    """One simulated application: `url`, and its control plane with `clock` and `journal`."""

    def __init__(self, stack: "Stack", url: str, control: ControlClient) -> None:
        self.url = url
        self.control = control
        self.clock = control.clock
        self.journal = control.journal
        self._stack = stack

    def fault(self, name: str, *, times: int | None = None) -> None:
        """Arm a fault, for the first `times` requests that it concerns or (None) until the test ends."""
        self.control.arm(name, times=times)

    def jwt(self, user: str = "organiser") -> str:
        """A JWT of a user, by role, email or id, valid for 24 hours by tuvens-api's clock. Raises LookupError."""
        return self._stack.jwt(user)

    def session(self, user: str = "organiser") -> str:
        """A new session token of a user, by role, email or id. Raises LookupError, and ControlError if tuvens-api
        creates none."""
        return self._stack.session(user)


class Stack:
    """The three simulators. `clock` moves all their clocks; `description` is the deployment as `crossapp up --json`
    prints it."""

    def __init__(self, description: dict[str, Any], resources: ExitStack) -> None:
        self.description = description
        self.shared_secret = str(description["credentials"]["shared_secret"])
        self._jwt_secret = str(description["credentials"]["jwt_secret"])
        self._http = resources.enter_context(httpx.Client(trust_env=False, timeout=10.0))
        self._apps = {
            app: App(self, target["url"], resources.enter_context(ControlClient(app, Control(**target["control"]))))
            for app, target in description["targets"].items()
        }
        self.tuvens_api = self._apps["tuvens-api"]
        self.hi_events = self._apps["hi.events"]
        self.tuvens_client = self._apps["tuvens-client"]
        self._controls = {app: each.control for app, each in self._apps.items()}
        self.clock = AllClocks(self._controls)

    def reset(self) -> None:
        """Everything as at the start: state, clocks, faults, limits, journals."""
        reset_all(self._controls, everything=True)

    def jwt(self, user: str) -> str:
        """As `App.jwt`."""
        return mint_jwt(self._jwt_secret, self._person(user).user, self.tuvens_api.clock.now())

    def session(self, user: str) -> str:
        """As `App.session`."""
        call = wire.generate_session(self.jwt(user), self._person(user).account_id)
        url = self.tuvens_api.url + call.target
        response = self._http.request(call.method, url, headers=list(call.headers), content=call.body)
        answer = Answer(response.status_code, tuple(response.headers.multi_items()), response.content)
        try:
            return wire.read_session(answer).session_token
        except WireError as error:
            raise ControlError(f"tuvens-api created no session for {user!r}: {error}") from None

    def _person(self, user: str) -> Person:
        return find_person(default_seed(), user)


@pytest.fixture(scope="session")
def crossapp_stack() -> Iterator[Stack]:
    """The three simulators, which run until the session ends. Rate limits are in effect none; a test sets its own with
    `control.set_rate_limits`."""
    with ExitStack() as resources:
        description = resources.enter_context(embedded(_ARGUMENTS))
        yield Stack(description, resources)


@pytest.fixture
def crossapp_reset(crossapp_stack: Stack) -> Stack:
    """The three simulators as they were at the start."""
    crossapp_stack.reset()
    return crossapp_stack


@pytest.fixture
def tuvens_api(crossapp_reset: Stack) -> App:
    """The simulated tuvens-api."""
    return crossapp_reset.tuvens_api


@pytest.fixture
def hi_events(crossapp_reset: Stack) -> App:
    """The simulated hi.events."""
    return crossapp_reset.hi_events


@pytest.fixture
def tuvens_client(crossapp_reset: Stack) -> App:
    """The simulated tuvens-client."""
    return crossapp_reset.tuvens_client
