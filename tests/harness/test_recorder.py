"""The recorder in front of hostile servers: bounded in time and memory, and no secret is kept."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from harness.history import Context, Exchange, History, Outcome
from harness.http import Call
from harness.recorder import Bounds, Recorder, TargetGoneError
from harness.redact import SecretBook

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BOMB = gzip.compress(bytes(5_000_000))
PATIENT = Bounds(seconds=20.0, answer_bytes=10_000)
BOUNDS = Bounds(seconds=0.4, connect_seconds=0.4, answer_bytes=10_000, strikes=3)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def ask(serve: Serve, book: SecretBook | None = None, call: Call | None = None, bounds: Bounds = PATIENT) -> Exchange:
    async def run() -> Exchange:
        recorder = Recorder(History(Context("d", "2025-07", {}, frozenset())), book or SecretBook(), bounds=bounds)
        try:
            async with serving(serve) as url:
                exchange, _ = await recorder.send(
                    step="s/x", caller="a", callee="b", base_url=url, call=call or Call("", "GET", "/x")
                )
                return exchange
        finally:
            await recorder.close()

    return asyncio.run(run())


async def huge(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 100000000\r\n\r\n")
    for _number in range(100_000_000 // 65_536):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def bomb(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n".encode() + BOMB)
    await writer.drain()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff what is this?\r\n\r\n")
    await writer.drain()


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def no_gzip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd")
    await writer.drain()


@pytest.mark.parametrize("serve", [huge, bomb])
def test_an_answer_that_is_too_large_is_cut_and_said_so(serve: Serve) -> None:
    exchange = ask(serve)
    assert len(exchange.response_body) == BOUNDS.answer_bytes
    assert "larger than 10000 bytes" in exchange.error


@pytest.mark.parametrize("serve", [silent, dripping, nonsense, hangs_up])
def test_a_server_that_does_not_answer_is_an_outcome_and_no_crash(serve: Serve) -> None:
    exchange = ask(serve, bounds=BOUNDS)
    assert exchange.outcome is Outcome.NO_ANSWER
    assert exchange.status is None
    assert exchange.error


def test_an_answer_that_says_gzip_and_is_not_is_told() -> None:
    assert "says gzip" in ask(no_gzip).error


def test_a_closed_port_is_refused_which_surely_never_arrived() -> None:
    async def run() -> Exchange:
        recorder = Recorder(History(Context("d", "2025-07", {}, frozenset())), SecretBook(), bounds=BOUNDS)
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        call = Call("", "GET", "/x")
        exchange, _ = await recorder.send(
            step="s/x", caller="a", callee="b", base_url=f"http://127.0.0.1:{port}", call=call
        )
        await recorder.close()
        return exchange

    assert asyncio.run(run()).outcome is Outcome.REFUSED


def test_after_three_time_outs_nothing_more_is_sent() -> None:
    async def run() -> None:
        recorder = Recorder(
            History(Context("d", "2025-07", {}, frozenset())), SecretBook(), bounds=Bounds(seconds=0.05, strikes=3)
        )
        async with serving(silent) as url:
            for _ in range(3):
                await recorder.send(step="s", caller="a", callee="b", base_url=url, call=Call("", "GET", "/"))
            with pytest.raises(TargetGoneError, match="3 times in a row"):
                await recorder.send(step="s", caller="a", callee="b", base_url=url, call=Call("", "GET", "/"))
        await recorder.close()

    asyncio.run(run())


def test_secrets_are_removed_wherever_they_stand_and_other_bytes_stay() -> None:
    secret = 'sec/ret+"with"=signs&0123'
    book = SecretBook()
    book.learn("shared-secret", secret)

    async def echo(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = b'{"a": "\xc3\xa9\xff ' + secret.replace('"', '\\"').encode() + b'"}'
        head = f"HTTP/1.1 200 OK\r\nX-Debug: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    call = Call(
        "", "POST", "/x?t=sec%2Fret%2B%22with%22%3Dsigns%260123", (("x-shared-secret", secret),), secret.encode()
    )
    exchange = ask(echo, book, call)
    kept = f"{exchange.url}{exchange.request_headers}{exchange.request_body!r}{exchange.response_headers}"
    assert "0123" not in kept
    assert exchange.response_body.startswith(b'{"a": "\xc3\xa9\xff <shared-secret:')
    assert {place for _, _, place in exchange.facts["secrets"]} == {"header x-debug", "body"}
