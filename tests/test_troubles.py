"""The trouble that steadiness is tried under happens, and honest bytes pass as they came."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from harness.verdict import VerdictName
from tests.harness.render.sample import finding, report_of
from tests.launching import serving
from tests.steadiness import wrong
from tests.troubles import Network, TroubledProxy, proxies


@contextmanager
def _before_an_echo(network: Network) -> Iterator[tuple[TroubledProxy, list[bytes]]]:
    """A proxy, and the bodies that the application behind it received."""
    received: list[bytes] = []

    async def echo(request: Request) -> Response:
        received.append(await request.body())
        return PlainTextResponse(received[-1])

    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    with serving(app) as [url], proxies(network, ("tuvens-api",)) as fronts:
        fronts["tuvens-api"].target = url
        yield fronts["tuvens-api"], received


def test_without_trouble_bytes_pass_as_they_came() -> None:
    with _before_an_echo(Network(jitter=0.001)) as (proxy, _), httpx.Client() as client:
        body = bytes(range(256)) * 1_000
        assert [client.post(proxy.url, content=body).content for _ in range(3)] == [body] * 3
        assert proxy.troubles == 0


def test_connections_are_reset_before_and_after_the_request_was_passed_on() -> None:
    with _before_an_echo(Network(resets=1.0)) as (proxy, received):
        for number in range(20):
            with pytest.raises(httpx.NetworkError):
                httpx.get(proxy.url, params={"number": number})
        assert proxy.troubles == 20
        assert 0 < len(received) < 20


def test_an_idle_connection_is_closed_and_the_next_request_gets_another() -> None:
    with _before_an_echo(Network(idle=0.01)) as (proxy, received), httpx.Client() as client:
        client.post(proxy.url, content=b"first")
        while not proxy.troubles:
            httpx.post(proxy.url, content=b"meanwhile")
        assert client.post(proxy.url, content=b"second").content == b"second"
        assert received[-1] == b"second"


@pytest.mark.parametrize(
    ("verdict", "wrong_when_calm", "wrong_under_trouble"),
    [
        (VerdictName.HELD, False, False),
        (VerdictName.INCONCLUSIVE, True, False),
        (VerdictName.BLOCKED, True, False),
        (VerdictName.VIOLATED, True, True),
        (VerdictName.HARNESS_FAULT, True, True),
    ],
)
def test_only_a_lack_of_knowledge_is_right_under_trouble(
    verdict: VerdictName, wrong_when_calm: bool, wrong_under_trouble: bool
) -> None:
    report = report_of([finding("a.rule", "Somebody keeps it.", verdict, "")])
    before = {"a.rule": "held"}
    assert bool(wrong(report, before, calm=True)) is wrong_when_calm
    assert bool(wrong(report, before, calm=False)) is wrong_under_trouble
