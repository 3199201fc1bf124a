"""The receiver: what comes is kept byte for byte; it answers, says nothing, hangs up or passes on as it is told."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx
import pytest

from harness.deployment import DeploymentError, ReceiverSettings
from harness.receiver import HangUp, Receiver, Say, Silence, receiving
from tests.harness.hostile import answering, in_thread

T = TypeVar("T")
_BODY = b'{"a": 1.0, "b": "\\u00e9 \xc3\xa9"}\n'
_SECONDS = 20.0


@asynccontextmanager
async def _serving(upstream: str) -> AsyncIterator[tuple[Receiver, httpx.AsyncClient]]:
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    settings = ReceiverSettings(host, port, f"http://{host}:{port}")
    async with (
        receiving(settings, upstream, seconds=_SECONDS, listener=listener) as receiver,
        httpx.AsyncClient(base_url=settings.url, trust_env=False, timeout=_SECONDS) as client,
    ):
        yield receiver, client


def run(work: Callable[[Receiver, httpx.AsyncClient], Awaitable[T]], upstream: str = "http://127.0.0.1:9") -> T:
    async def main() -> T:
        async with asyncio.timeout(_SECONDS), _serving(upstream) as (receiver, client):
            return await work(receiver, client)

    return asyncio.run(main())


async def _until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.01)


def test_what_comes_is_kept_byte_for_byte() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        with receiver.answering(lambda each: True, always=Say(200)):
            await client.post(
                "/webhook?x=%20y", content=_BODY, headers=[(b"X-Signature", "sha256=aé".encode("latin-1"))]
            )
        (arrival,) = receiver.arrivals
        assert (arrival.method, arrival.target, arrival.path) == ("POST", "/webhook?x=%20y", "/webhook")
        assert arrival.body == _BODY
        assert ("X-Signature", "sha256=aé") in arrival.headers
        assert arrival.done
        assert arrival.answer is not None
        assert arrival.answer.status == 200
        assert 0 < arrival.seconds < _SECONDS

    run(work)


def test_reactions_are_given_in_turn_to_what_they_are_meant_for() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> list[int]:
        with receiver.answering(
            lambda each: each.body == b"a", Say(503), Say(429, (("retry-after", "7"),)), always=Say(400)
        ):
            found = [await client.post("/", content=b"a") for _ in range(4)]
            found.append(await client.post("/", content=b"b"))
        found.append(await client.post("/", content=b"a"))
        assert found[1].headers["retry-after"] == "7"
        assert all(each.headers["content-type"] == "application/json" for each in found)
        return [each.status_code for each in found]

    # Nothing listens on the discard port: what is passed on there is answered 502.
    assert run(work) == [503, 429, 400, 400, 502, 502]


def test_silence_lasts_until_the_sender_hangs_up() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        with receiver.answering(lambda each: True, always=Silence(_SECONDS)):
            with pytest.raises(httpx.ReadTimeout):
                await client.post("/", content=_BODY, timeout=0.1)
            (arrival,) = receiver.arrivals
            await _until(lambda: arrival.done)
        assert arrival.answer is None
        assert arrival.error.startswith("the sender hung up after ")

    run(work)


def test_silence_ends_before_a_sender_that_waits_for_ever() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        with receiver.answering(lambda each: True, Silence(0.05), HangUp()):
            for _ in range(2):
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.post("/", content=_BODY)
        silent, hung_up = receiver.arrivals
        assert silent.error.startswith("the sender still waited after ")
        assert hung_up.error == "the receiver hung up without an answer"
        assert silent.done
        assert hung_up.done

    run(work)


def test_the_rest_is_passed_on_and_its_answer_back() -> None:
    async def upstream(inner: Receiver, _: httpx.AsyncClient) -> None:
        async def work() -> None:
            async with _serving(inner.url + "/base") as (outer, client):
                said = Say(201, (("x-answer", "yes"), ("set-cookie", "a=1"), ("set-cookie", "b=2")), b'{"ok": true}')
                with inner.answering(lambda each: True, always=said):
                    answer = await client.put(
                        "/webhook?q=1", content=_BODY, headers={"X-Signature": "s", "Connection": "x"}
                    )
                (arrival,) = inner.arrivals
                assert (arrival.method, arrival.target) == ("PUT", "/base/webhook?q=1")
                assert arrival.body == outer.arrivals[0].body == _BODY
                assert ("X-Signature", "s") in arrival.headers
                assert (answer.status_code, answer.json()) == (201, {"ok": True})
                assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
                assert answer.headers["x-answer"] == "yes"

        await work()

    run(upstream)


def test_an_upstream_that_gives_no_answer_is_a_502_that_says_so() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> httpx.Response:
        return await client.get("/")

    answer = run(work)
    assert answer.status_code == 502
    assert "crossapp passes on" in json.loads(answer.content)["message"]


def test_a_sender_that_asks_before_it_sends_its_body_is_told_to_go_on() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> bytes:
        with receiver.answering(lambda each: True, always=Say(200)):
            host, port = httpx.URL(receiver.url).host, httpx.URL(receiver.url).port
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"{}")
            answer = await reader.read()
            writer.close()
        assert receiver.arrivals[0].body == b"{}"
        assert answer.startswith(b"HTTP/1.1 200")
        return asked

    assert run(work).startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x16\x03\x01 this is TLS",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    ],
    ids=["nothing", "tls", "no body", "broken chunks", "endless header", "too large"],
)
def test_what_is_no_whole_request_does_not_arrive_and_harms_nobody(sent: bytes) -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        host, port = httpx.URL(receiver.url).host, httpx.URL(receiver.url).port
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(sent)
            writer.write_eof()
            await reader.read()
        except OSError:
            pass  # it hung up on us before we had said everything
        writer.close()
        assert receiver.arrivals == []
        with receiver.answering(lambda each: True, always=Say(200)):
            assert (await client.post("/", content=_BODY)).status_code == 200

    run(work)


def test_a_request_in_chunks_over_several_packets_arrives_whole() -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b'{"a"', b": 1}"):
                yield part
                await asyncio.sleep(0)

        with receiver.answering(lambda each: True, always=Say(200)):
            await client.post("/", content=parts())
        assert receiver.arrivals[0].body == b'{"a": 1}'

    run(work)


def test_what_is_under_way_ends_with_the_receiver() -> None:
    printed: list[str] = []

    async def main() -> list[bool]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: printed.append(context["message"]))
        async with asyncio.timeout(_SECONDS), _serving("http://127.0.0.1:9") as (receiver, client):
            with receiver.answering(lambda each: True, always=Silence(_SECONDS)):
                waiting = asyncio.create_task(client.post("/", content=_BODY))
                await _until(lambda: bool(receiver.arrivals))
                await receiver.close()
                with pytest.raises(httpx.RemoteProtocolError):
                    await waiting
        return [each.done for each in receiver.arrivals]

    assert asyncio.run(main()) == [True]
    assert not printed


def test_an_address_that_is_taken_is_named() -> None:
    async def main(port: int) -> None:
        settings = ReceiverSettings("127.0.0.1", port, f"http://127.0.0.1:{port}")
        async with receiving(settings, "http://127.0.0.1:9", seconds=1.0):
            raise AssertionError("it listened on a port that is taken")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DeploymentError, match=rf"receiver\.listen: 127\.0\.0\.1:{port} cannot be listened on"):
            asyncio.run(main(port))


@pytest.mark.parametrize(
    ("coding", "body", "read", "said"),
    [
        ("gzip", gzip.compress(b'{"success": true}', mtime=0), b'{"success": true}', ""),
        ("x-gzip", gzip.compress(b'{"success": true}', mtime=0), b'{"success": true}', ""),
        ("br", b"\x0b\x02\x80{}\x03", None, "encoded as br"),
    ],
)
def test_an_answer_is_passed_on_as_it_came(coding: str, body: bytes, read: bytes | None, said: str) -> None:
    async def work(receiver: Receiver, client: httpx.AsyncClient) -> None:
        async with client.stream("POST", "/webhook", content=_BODY) as response:
            assert b"".join([chunk async for chunk in response.aiter_raw()]) == body
            assert response.headers["content-encoding"] == coding
        (arrival,) = receiver.arrivals
        assert arrival.status == 200
        assert (None if arrival.answer is None else arrival.answer.body) == read
        assert said in arrival.error

    with in_thread(answering(body, headers=f"Content-Encoding: {coding}\r\n".encode())) as url:
        run(work, url)
