"""The metrics of an application that counts with prometheus_client are read, bounded, and judged."""

import asyncio
import copy
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import openapi
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment, DeploymentError
from harness.deployment_file import build_deployment
from harness.extras import is_installed
from harness.report import Finding
from harness.saved_history import Run
from simulators.launch import LaunchOptions
from tests.crossapp.test_doctor import doctor, said
from tests.launching import launched

pytestmark = pytest.mark.skipif(
    not (is_installed("metrics") or os.environ.get("CI") == "true"), reason="pip install prometheus-client"
)
TOKEN = "a-token-for-metrics-alone"
_SETTINGS = Settings(select=("metrics.*",), quick=True)
_ROUTES = {operation.path: operation.id for operation in openapi.load("tuvens-api").operations.values()}
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.1)
Serve = Callable[[Any, Any, Any], Awaitable[None]]


class Counted:
    """An ASGI application whose requests are counted by prometheus_client, as an instrumented server does it. Others
    have used it before: `used` responses with 200 of each operation, and `failed` with 500, of so many seconds."""

    def __init__(self, served: Serve, *, used: int = 0, failed: int = 0, seconds: float = 0.002) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.served = served
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status_code"]
        self.requests = Counter("http_requests", "Requests.", labels, registry=self.registry)
        self.seconds = Histogram(
            "http_request_duration_seconds", "Times.", labels, registry=self.registry, buckets=_BUCKETS
        )
        self.page: Callable[[], tuple[int, bytes]] = self._page
        self.asked: list[str] = []
        for path in _ROUTES:
            for status, count in (("200", used), ("500", failed)):
                self.requests.labels("POST", path, status).inc(count)
                for _ in range(min(count, 500)):
                    self.seconds.labels("POST", path, status).observe(seconds)

    def _page(self) -> tuple[int, bytes]:
        from prometheus_client import generate_latest

        return 200, generate_latest(self.registry)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.served(scope, receive, send)
            return
        if scope["path"] == "/metrics":
            self.asked.append(dict(scope["headers"]).get(b"authorization", b"").decode())
            status, body = self.page()
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        began, path = time.perf_counter(), scope["path"] if scope["path"] in _ROUTES else "other"

        async def noted(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                told = scope["method"], path, str(message["status"])
                self.requests.labels(*told).inc()
                self.seconds.labels(*told).observe(time.perf_counter() - began)
            await send(message)

        await self.served(scope, receive, noted)


@contextmanager
def staging(**before: Any) -> Iterator[tuple[dict[str, Any], Counted]]:
    """A tuvens-api with metrics, described as a staging."""
    found: list[Counted] = []

    def wrapped(_: str, served: Serve) -> Serve:
        found.append(Counted(served, **before))
        return found[-1]

    with launched(LaunchOptions(control=False, limits="raised", only=("tuvens-api",)), wrapped=wrapped) as built:
        value = copy.deepcopy(built.description())
        target = {**value["targets"]["tuvens-api"], "kind": "staging"}
        target["metrics"] = {"url": f"{built.urls['tuvens-api']}/metrics", "token": TOKEN}
        yield {**value, "targets": {"tuvens-api": target}}, found[0]


def deployment_of(value: Mapping[str, Any]) -> Deployment:
    return build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,))


def run(value: Mapping[str, Any]) -> Run:
    return asyncio.run(perform(deployment_of(value), _SETTINGS))


def verified(value: Mapping[str, Any]) -> Mapping[str, Finding]:
    """The findings about metrics, by the name of the rule."""
    found = report_of(run(value), _SETTINGS).findings
    return {name: each for each in found for seam, _, name in [each.requirement.partition(".")] if seam == "metrics"}


def verdicts(found: Mapping[str, Finding]) -> Mapping[str, str]:
    return {name: each.verdict.value for name, each in found.items()}


def test_what_many_requests_were_is_judged() -> None:
    with staging(used=9_000) as (value, counted):
        made = run(value)
        report = report_of(made, _SETTINGS)
    found = {each.requirement: each for each in report.findings if each.requirement.startswith("metrics.")}
    assert {each.verdict.value for name, each in found.items() if "database" not in name} == {"held"}
    assert found["metrics.database_takes_15_ms_on_average"].verdict.value == "not_applicable"
    # The probe of the route had no credentials.
    assert "1 of 9002 responses without success" in found["metrics.generation_succeeds"].reason
    claims = {each.claim: each.verdict.value for each in report.claims}
    held = ("C-PF-01", "C-PF-02", "C-RT-01", "C-RT-02", "C-RT-04", "C-RT-05")
    assert {claims[each] for each in held} == {"held"}
    assert (claims["C-PF-03"], claims["C-RT-03"]) == ("not_tested", "not_tested")
    assert counted.asked == [f"Bearer {TOKEN}"] * 2
    assert TOKEN not in "".join(made.lines)


def test_failures_and_slow_responses_are_violations() -> None:
    with staging(used=900, failed=90, seconds=0.05) as (value, _):
        found = verdicts(verified(value))
    broken = {name for name, each in found.items() if each == "violated"}
    assert broken == {
        "generation_succeeds",
        "validation_succeeds",
        "webhook_failures_are_rare",
        "generation_takes_less_than_10_ms",
        "generation_takes_8_ms_on_average",
        "webhook_takes_25_ms_on_average",
    }


def test_a_few_requests_decide_nothing_and_leave_the_run_decided() -> None:
    with staging(used=20) as (value, _):
        found = verified(value)
    assert found["requests_are_counted"].verdict.value == "held"
    assert found["generation_succeeds"].verdict.value == "not_applicable"
    assert "too few to decide; 2995 without one of these would" in found["generation_succeeds"].reason


def test_without_metrics_the_claims_are_settled_as_before() -> None:
    with staging() as (value, counted):
        del value["targets"]["tuvens-api"]["metrics"]
        report = report_of(run(value), _SETTINGS)
    assert counted.asked == []
    [claim] = [each for each in report.claims if each.claim == "C-RT-01"]
    assert (claim.verdict.value, claim.would_settle) == ("not_tested", "run crossapp load")


_HUGE = b"# a comment\n" * 400_000


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"", r"status 401: give the token that reads them as targets\.tuvens-api\.metrics\.token"),
        (404, b"", "status 404, not 200: give the URL of the metrics"),
        (200, b"<html>hello</html>", "no page of metrics"),
        (200, b"", "no metrics on that page"),
        (200, _HUGE, "more than 2 MiB: let them be fewer"),
        (200, b'http_requests_total{route="' + b"x" * 20_000 + b'"} 1\n', "a line is too long"),
        (200, b'http_requests_total{status="200"} NaN\n', "http_requests_total is nan, which is no count"),
        (200, b"up 1\n", r"metrics\.requests: the page of metrics has no counter of this name"),
        (200, b'http_requests_total{status="200"} 5\n', "rose from 5 to 5, with 2 requests sent"),
    ],
    ids=["401", "404", "HTML", "empty", "huge", "long line", "no number", "another page", "of another process"],
)
def test_what_cannot_be_read_accuses_nobody_and_names_the_field(status: int, body: bytes, said: str) -> None:
    with staging() as (value, counted):
        counted.page = lambda: (status, body)
        found = verified(value)
    counts = found["requests_are_counted"]
    assert counts.verdict.value == "inconclusive"
    assert re.search(said, counts.reason), counts.reason
    assert "targets.tuvens-api.metrics." in counts.reason
    assert {each.verdict.value for name, each in found.items() if name != "requests_are_counted"} == {"blocked"}


def test_a_counter_that_falls_is_another_process() -> None:
    with staging(used=100) as (value, counted):
        pages = iter([b'http_requests_total{status="200"} 50\n', b'http_requests_total{status="200"} 3\n'])
        counted.page = lambda: (200, next(pages))
        reason = verified(value)["requests_are_counted"].reason
    assert reason.startswith("http_requests_total fell from 50 to 3: tuvens-api began anew")


def test_names_and_labels_may_be_others() -> None:
    series = b'api_calls_total{controller="%b",code="200"} %%d\n'
    page = series % b"Sessions.generate" + series % b"x"
    with staging() as (value, counted):
        sent = iter([(7000, 10), (7001, 11)])
        counted.page = lambda: (200, page % next(sent))
        value["targets"]["tuvens-api"]["metrics"] |= {
            "requests": "api_calls_total",
            "route_label": "controller",
            "routes": {"generateSession": "Sessions.generate"},
        }
        found = verified(value)
    assert found["generation_succeeds"].verdict.value == "held"
    assert "7001 responses" in found["generation_succeeds"].reason


def test_doctor_checks_them_and_reads_them_in_a_production_too(tmp_path: Path) -> None:
    with staging() as (value, counted):
        for kind in ("staging", "production"):
            value["targets"]["tuvens-api"]["kind"] = kind
            value["users"] = [{**each, "test": True} for each in value["users"] if each["role"] == "organiser"]
            assert said(doctor(tmp_path, value), "tuvens-api", "metrics")["state"] == "ok"
        counted.page = lambda: (404, b"")
        check = said(doctor(tmp_path, value, code=2), "tuvens-api", "metrics")
    assert check["state"] == "wrong"
    assert "targets.tuvens-api.metrics.url: status 404" in check["text"]


def test_only_those_of_tuvens_api_are_taken() -> None:
    with staging() as (value, _):
        other = {"url": "https://tickets.example.com", "metrics": {"url": "https://tickets.example.com/metrics"}}
        value["targets"]["hi.events"] = other
        with pytest.raises(DeploymentError, match=r"targets\.hi\.events\.metrics: only those of tuvens-api"):
            deployment_of(value)
