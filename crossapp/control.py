"""A client of the simulators' control planes: clock, faults, journal, sessions, limits, deliveries.

Every method that calls a control plane raises ControlError, whose text names the application and the remedy.
"""

import json
import ssl
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx

import openapi
from harness.deployment import Control
from harness.durations import seconds
from harness.sse import SseReader
from harness.suggestions import meant

_SIGN_OF_LIFE = 30.0
"""Seconds; the feed sends something every ten."""

Duration = str | float | timedelta
"""`15m1s`, seconds, or a timedelta."""


class ControlError(RuntimeError):
    """A control plane refused a call, or did not respond."""


class ControlClient:
    """The control plane of one application. `app`: its name, such as tuvens-api. `ca_file`: certificates (PEM) by which
    its own is checked; empty: the usual authorities."""

    def __init__(self, app: str, control: Control, *, timeout: float = 60.0, ca_file: str = "") -> None:
        self.app = app
        self._control = control
        headers = {"Authorization": f"Bearer {control.token}"}
        # Shorter than servers keep idle connections: none is used that the server closes just then.
        limits = httpx.Limits(keepalive_expiry=1.0)
        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
        self._client = httpx.Client(trust_env=False, timeout=timeout, headers=headers, limits=limits, verify=verify)
        self.clock = ControlledClock(self)
        self.journal = ControlledJournal(self)

    def __enter__(self) -> "ControlClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def call(self, method: str, path: str, body: object = None, **query: str | int | float | None) -> Any:
        """Send a request with a JSON body; returns the JSON response."""
        given = {name: value for name, value in query.items() if value is not None}
        try:
            response = self._client.request(method, self._control.url + path, json=body, params=given)
        except httpx.HTTPError as error:
            raise ControlError(f"{self.app}: the control plane does not respond to {method} {path}: {error}") from None
        if not response.is_success:
            raise ControlError(f"{self.app}: {method} {path} returned {response.status_code}: {_detail(response)}")
        return response.json() if response.content else None

    def reset(self, *, everything: bool = False) -> None:
        """Reset state, counters and journal; with `everything` also clock, faults, limits and seed."""
        self.call("POST", "/reset", everything="true" if everything else None)

    def arm(self, fault: str, *, times: int | None = None) -> dict[str, Any]:
        """Arm a fault, for the first `times` requests that it concerns or (None) for all; the fault as in `faults`.

        One of any operation, such as `getEvent:respond=503x2`, may say in its name for how many."""
        return dict(self.call("PUT", _fault(fault), {"times": times}))

    def disarm(self, fault: str | None = None) -> None:
        """Disarm a fault, or all of them."""
        self.call("DELETE", "/faults" if fault is None else _fault(fault))

    @contextmanager
    def fault(self, name: str, *, times: int | None = None) -> Iterator[None]:
        """Arm a fault inside the block."""
        armed = self.arm(name, times=times)["name"]
        try:
            yield
        finally:
            self.disarm(armed)

    def faults(self) -> list[dict[str, Any]]:
        """All faults of the application: `name`, `armed`, `left`, `fired`, …"""
        return list(self.call("GET", "/faults")["faults"])

    def fired(self, fault: str) -> int:
        """How often a fault has fired since it was armed."""
        known = {each["name"]: int(each["fired"]) for each in self.faults()}
        if fault not in known:
            raise ControlError(f"{self.app}: no fault is named {fault!r}; {meant(fault, known)}")
        return known[fault]

    def sessions(self) -> list[dict[str, Any]]:
        """The stored sessions, with fingerprints of their tokens."""
        return list(self.call("GET", "/sessions")["sessions"])

    def deliveries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The webhooks that the application sent or is about to send, or the last `limit` of them."""
        return list(self.call("GET", "/deliveries", limit=limit)["deliveries"])

    def replay(self, delivery: int) -> Mapping[str, Any]:
        """Send a delivery once more, byte for byte."""
        replayed: Mapping[str, Any] = self.call("POST", f"/deliveries/{delivery}/replay")
        return replayed

    def close_streams(self) -> int:
        """Close all open event streams; returns how many there were."""
        return int(self.call("POST", "/streams/close")["closed"])

    def feed(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events of the inspector's feed (see docs/inspector.md): what is kept, then what is new, until the
        application stops."""
        reader = SseReader()
        timeout = httpx.Timeout(self._client.timeout.connect, read=_SIGN_OF_LIFE)
        try:
            with self._client.stream("GET", self._control.url + "/feed", timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise ControlError(f"{self.app}: GET /feed returned {response.status_code}: {_detail(response)}")
                for part in response.iter_bytes():
                    for message in reader.read(part):
                        yield message.event, json.loads(message.data) if message.kind == "event" else {}
        except httpx.RemoteProtocolError:  # it stopped
            return
        except httpx.HTTPError as error:
            raise ControlError(f"{self.app}: the control plane does not respond to GET /feed: {error}") from None

    def seed(self) -> dict[str, Any]:
        """The seed, as JSON."""
        return dict(self.call("GET", "/seed"))

    def rate_limits(self) -> dict[str, int | None]:
        """Requests in a window by operationId; None for no limit."""
        return dict(self.call("GET", "/rate-limits"))

    def set_rate_limits(self, limits: Mapping[str, int | None]) -> None:
        """Change limits, and clear all counters."""
        self.call("PUT", "/rate-limits", dict(limits))


class AllClocks:
    """The clocks of applications that work together."""

    def __init__(self, apps: Mapping[str, ControlClient]) -> None:
        self._apps = apps

    def advance(self, span: Duration) -> int:
        """Move all clocks forward by `15m1s`, seconds or a timedelta; returns how many jobs fell due."""
        # tuvens-api first: a delivery must not reach it from its future.
        return sum(self._apps[app].clock.advance(span) for app in openapi.APPS if app in self._apps)

    def to_real_time(self) -> None:
        """Set all clocks to real time, and let them run."""
        for app in self._apps.values():
            app.clock.set(time.time(), running=True)


def reset_all(apps: Mapping[str, ControlClient], *, everything: bool = False) -> None:
    """Reset applications that work together, as `ControlClient.reset`."""
    # hi.events first: it forgets the webhooks that tuvens-api would otherwise receive after its reset.
    for app in sorted(apps, key=lambda name: name != "hi.events"):
        apps[app].reset(everything=everything)


class ControlledClock:
    """The clock of one application. Times are Unix seconds."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def now(self) -> float:
        """The application's time."""
        return self.read()[0]

    def read(self) -> tuple[float, bool]:
        """The application's time, and whether its clock runs."""
        value = self._client.call("GET", "/clock")
        return float(value["now"]), bool(value["running"])

    def set(self, now: float, *, running: bool | None = None) -> None:
        """Set the time; `running` also starts or stops the clock."""
        self._client.call("PUT", "/clock", {"now": now, "running": running})

    def advance(self, span: Duration) -> int:
        """Move the clock forward; returns how many jobs fell due, once they have ended. Raises ValueError for a text
        that is no duration."""
        moved = self._client.call("POST", "/clock/advance", {"seconds": _seconds(span)})
        return int(moved["fired"])


class ControlledJournal:
    """The requests that one application received, and those that it sent."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def exchanges(
        self, operation: str | None = None, *, after: int = 0, at_least: int = 1, wait: float = 0.0
    ) -> list[dict[str, Any]]:
        """The exchanges numbered above `after`. Waits up to `wait` seconds until there are `at_least`."""
        query = {"after": after, "min": at_least, "wait": wait}
        return list(self._client.call("GET", "/journal", operation=operation, **query)["exchanges"])

    def calls(self, operation: str | None = None) -> list[dict[str, Any]]:
        """The requests that the application received, in order, with their responses."""
        return [each for each in self.exchanges(operation) if each["direction"] == "in"]

    def assert_called(
        self, operation: str, *, status: int | None = None, times: int | None = None, within: Duration = 1.0
    ) -> None:
        """Fail unless the application received this operation `times` times (None: at least once), each counted only
        if its response had `status`.

        Waits up to `within` for calls that are still missing. Raises AssertionError, which lists what was called
        instead, and ControlError for an operationId that the application does not have.
        """
        known = openapi.load(self._client.app).operations
        if operation not in known:
            raise ControlError(f"{self._client.app} has no operation {operation!r}; {meant(operation, tuple(known))}")
        deadline = time.monotonic() + _seconds(within)
        wanted = 1 if times is None else times
        found = last = 0
        # A client may have a response before the journal has it.
        while True:
            left = max(0.0, min(deadline - time.monotonic(), 60.0)) if found < wanted else 0.0
            for each in self.exchanges(operation, after=last, wait=left):
                last = each["number"]
                found += each["direction"] == "in" and status in (None, each["status"])
            if found >= wanted or left == 0.0:
                break
        if found < wanted or times not in (None, found):
            raise AssertionError(self._unlike(operation, status, times, found))

    def _unlike(self, operation: str, status: int | None, times: int | None, found: int) -> str:
        which = operation if status is None else f"{operation} with status {status}"
        wanted = "at least once" if times is None else _times(times)
        counted = Counter(
            (each["operation"] or f"{each['method']} {each['target']}", each["status"]) for each in self.calls()
        )
        lines = [
            f"  {name} {status or 'without a response'}: {_times(count)}" for (name, status), count in counted.items()
        ]
        said = "\n".join(["It was called with:", *lines]) if lines else "It was not called at all."
        return f"{self._client.app} was to be called {wanted} by {which}, and was {_times(found)}. {said}"


def _seconds(span: Duration) -> float:
    if isinstance(span, timedelta):
        return span.total_seconds()
    return seconds(span) if isinstance(span, str) else span


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _fault(name: str) -> str:
    return f"/faults/{quote(name, safe='')}"


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.text[:200]
