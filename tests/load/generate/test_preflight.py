"""Before the load: webhooks are dated by the clock of the one who sends them, whatever ours shows."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

import openapi
from contracts.server_clocks import ServerClocks
from contracts.times import parse_iso
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.history import Context, History
from harness.http import Answer, object_or_empty
from harness.redact import Redactor
from load.generate.preflight import preflight, webhooks_ahead
from simulators.launch import LaunchOptions
from tests.harness.certificates import Authority
from tests.harness.test_connection import tls_server
from tests.launching import launched

CLOCKS = {"tuvens-api": 600.0, "hi.events": -600.0}


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with launched(LaunchOptions(limits="raised", control=False, clocks=CLOCKS)) as built:
        yield build_deployment(built.description(), apps=openapi.APPS, editions=(openapi.EDITION,))


@pytest.mark.parametrize(
    ("journeys", "app"),
    [({"flow", "receiveEventStatusChanged"}, "hi.events"), ({"receiveEventStatusChanged"}, "tuvens-api")],
)
def test_webhooks_are_dated_by_the_clock_of_hi_events_or_else_of_tuvens_api(
    deployment: Deployment, journeys: set[str], app: str
) -> None:
    history, clocks = History(Context("by hand", "2025-07", {}, frozenset())), ServerClocks()
    before = time.time()
    assert asyncio.run(preflight(deployment, history, Redactor(deployment.secrets()), journeys, clocks)) == ""
    sent = [each for each in history.exchanges() if each.operation == "receiveEventStatusChanged"]
    dated = parse_iso(object_or_empty(sent[0].request_body)["event_sent_at"])
    # The Date that tells the clock has whole seconds, and is a moment old; event_sent_at is rounded to milliseconds.
    assert CLOCKS[app] - 2.0 <= dated - before <= CLOCKS[app] + time.time() - before + 0.0006
    assert CLOCKS[app] - 2.0 <= webhooks_ahead(clocks) <= CLOCKS[app]


@pytest.mark.parametrize(("date", "took", "ahead"), [(0, 6.0, 0.0), (-600, 6.0, -600.0), (600, 6.0, 594.0)])
def test_a_slow_server_that_writes_its_date_first_is_not_behind(date: int, took: float, ahead: float) -> None:
    clocks, sent = ServerClocks(), 1_750_000_000
    answer = Answer(200, (("Date", formatdate(sent + date, usegmt=True)),))
    clocks.note("hi.events", answer, sent + took, took=took)
    assert clocks.offset("hi.events") == ahead


def test_an_application_that_speaks_http_2_only_is_not_put_under_load(deployment: Deployment, tmp_path: Path) -> None:
    """Its responses would be those to another protocol."""
    authority = Authority(tmp_path)
    tls = authority.server()
    tls.set_alpn_protocols(["h2"])
    with tls_server(tls) as url:
        target = replace(deployment.targets["tuvens-api"], url=url, api_url=url)
        asked = replace(deployment, targets={"tuvens-api": target}, ca_file=str(authority.file))
        history = History(Context("by hand", "2025-07", {}, frozenset()))
        why = asyncio.run(preflight(asked, history, Redactor([]), [], ServerClocks()))
    assert why == "tuvens-api speaks HTTP/2 only, and load is sent by HTTP/1.1: let it take HTTP/1.1, too"
    assert not history.entries
