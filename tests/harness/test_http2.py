"""A server that speaks HTTP/2 only gets HTTP/2, one that takes HTTP/1.1 that; nothing is left open, nothing hangs."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import openapi
from harness.history import Context, Exchange, History, Outcome
from harness.http import Answer, Call
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.tls import TlsSettings
from harness.traffic_limits import TrafficLimits
from tests.harness.certificates import Authority
from tests.harness.hostile import raw, serving
from tests.harness.http2_server import http_2_server, needs_http_2

pytestmark = needs_http_2
Send = Callable[[str], Awaitable[tuple[Exchange, Answer | None]]]
_STATUS_200 = b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
_NONSENSE = b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x"
_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def told(url: str, file: Path, tale: Callable[[Recorder, Send], Awaitable[None]]) -> None:
    """Tell a tale with a recorder, and a function that reads a path of the server at the URL."""

    async def main() -> None:
        history = History(Context("d", openapi.EDITION, {}, frozenset(), {}))
        limits = TrafficLimits(seconds=10, answer_bytes=1_000_000)
        recorder = Recorder(history, Redactor(), limits=limits, tls=TlsSettings(str(file)))

        async def send(path: str) -> tuple[Exchange, Answer | None]:
            return await recorder.send(step="s/x", caller="us", callee="them", base_url=url, call=Call("", "GET", path))

        try:
            async with asyncio.timeout(60):
                await tale(recorder, send)
        finally:
            await recorder.close()

    asyncio.run(main())


def body(answer: Answer | None) -> dict[str, Any]:
    assert answer is not None
    found: dict[str, Any] = json.loads(answer.body)
    return found


@pytest.mark.parametrize(("both", "version"), [(False, "2.0"), (True, "1.1")], ids=["HTTP/2 only", "both"])
def test_a_server_gets_what_it_speaks(authority: Authority, both: bool, version: str) -> None:
    async def tale(_: Recorder, send: Send) -> None:
        found = await asyncio.gather(*(send("/") for _ in range(20)))
        assert [body(answer)["version"] for _, answer in found] == [version] * 20

    with http_2_server(authority.certificate(), both=both) as url:
        told(url, authority.file, tale)


def test_a_stream_that_is_left_is_closed_at_the_server(authority: Authority) -> None:
    async def tale(recorder: Recorder, send: Send) -> None:
        call = Call("", "GET", "/stream", (("Accept", "text/event-stream"),))
        async with recorder.listen(step="s/l", callee="them", base_url=url, call=call) as listener:
            assert await listener.wait_for(lambda event: event.kind == "event", seconds=10) is not None
            assert body((await send("/"))[1])["streams"] == 1
        left = asyncio.get_running_loop().time() + 10
        while body((await send("/"))[1])["streams"]:
            assert asyncio.get_running_loop().time() < left

    with http_2_server(authority.certificate()) as url:
        told(url, authority.file, tale)


def test_what_is_not_read_to_its_end_holds_up_nobody(authority: Authority) -> None:
    async def tale(_: Recorder, send: Send) -> None:
        for _number in range(3):
            exchange, answer = await send("/huge")
            assert (exchange.outcome, answer) == (Outcome.NO_ANSWER, None)
            assert "more than 1000000 bytes" in exchange.error
            assert body((await send("/"))[1])["version"] == "2.0"

    with http_2_server(authority.certificate()) as url:
        told(url, authority.file, tale)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        _SETTINGS + b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8),
        _SETTINGS + b"\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff",
        _SETTINGS + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
        _SETTINGS + _STATUS_200,
        b"",
    ],
    ids=[
        "HTTP/1.1 in place of HTTP/2",
        "GOAWAY",
        "headers that are none",
        "a frame that is too long",
        "no body",
        "nothing",
    ],
)
def test_a_broken_server_is_no_crash(authority: Authority, sent: bytes) -> None:
    async def main() -> None:
        tls = authority.server()
        tls.set_alpn_protocols(["h2"])
        async with serving(raw(sent, _NONSENSE, pause=0.1), tls) as url:  # a preface ends as a head does
            await asyncio.to_thread(told, url, authority.file, tale)

    async def tale(_: Recorder, send: Send) -> None:
        exchange, answer = await send("/")
        assert answer is None
        assert exchange.outcome is Outcome.NO_ANSWER
        assert exchange.error

    asyncio.run(main())
