"""Embedded simulators that are verified again and again, each time with another fault."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from crossapp.embedded import embedded
from crossapp.run import Run, Settings, perform, report_of
from harness.deployment import Deployment, build_deployment
from harness.report import Report

# What is decided when a database is made cannot be armed in a running simulator.
ARMED_AT_START = frozenset({"user-sessions-orphaned"})
_APPS = ("tuvens-api", "hi.events", "tuvens-client")
_START = ["--limits", "raised", *(part for app in _APPS for part in ("--port", f"{app}=0"))]


class World:
    """Running simulators and what they printed of themselves."""

    def __init__(self, description: dict[str, Any]) -> None:
        self.deployment: Deployment = build_deployment(description, apps=_APPS, editions=("2025-07",))

    def verify(self, faults: Sequence[str], settings: Settings | None = None) -> Report:
        """Reset the simulators, arm the faults, verify."""
        settings = settings or Settings(quick=True)
        self._prepare(faults)
        return report_of(self.drive(settings), settings)

    def drive(self, settings: Settings) -> Run:
        """Drive without preparing anything."""
        return asyncio.run(perform(self.deployment, settings))

    def _prepare(self, faults: Sequence[str]) -> None:
        with httpx.Client(trust_env=False) as client:
            for app in _APPS:
                control = self.deployment.targets[app].control
                assert control is not None

                def call(
                    method: str, path: str, body: object = None, *, at: str = control.url, token: str = control.token
                ) -> Any:
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = client.request(method, at + path, json=body, headers=headers)
                    answer.raise_for_status()
                    return answer.json() if answer.content else None

                call("DELETE", "/faults")
                call("PUT", "/clock", {"now": time.time()})
                call("POST", "/reset")
                limits = call("GET", "/rate-limits")
                call("PUT", "/rate-limits", dict.fromkeys(limits))
                known = {each["name"] for each in call("GET", "/faults")["faults"]}
                for fault in known & set(faults):
                    call("PUT", f"/faults/{fault}", {"times": None})


@contextmanager
def world(*faults: str) -> Iterator[World]:
    """Simulators that run until the block is left, started with faults."""
    with embedded([*_START, *(part for fault in faults for part in ("--fault", fault))]) as description:
        yield World({**description, "targets": {app: _without_launch(description, app) for app in _APPS}})


def _without_launch(description: dict[str, Any], app: str) -> dict[str, Any]:
    """A second instance a run would be most of the time of a run."""
    return {name: value for name, value in description["targets"][app].items() if name != "launch"}
