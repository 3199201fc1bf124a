"""Listening to event streams: what they say is kept as sent; no stream fills the memory or is waited for in vain."""

import asyncio
import gzip
import tracemalloc
from collections.abc import Sequence

import pytest

from harness.history import Context, History, StreamEvent
from harness.http import Call
from harness.listener import Listener
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.traffic_limits import TargetGoneError, TrafficLimits
from tests.harness.hostile import Serve, answering, endless, raw, serving, silent, stream
from tests.harness.test_recorder import closed_port

CALL = Call("streamEventUpdates", "GET", "/api/events/updates")
LIMITS = TrafficLimits(seconds=10.0, answer_bytes=200_000)


def recorder(limits: TrafficLimits = LIMITS, redactor: Redactor | None = None) -> Recorder:
    return Recorder(History(Context("d", "2025-07", {}, frozenset())), redactor or Redactor(), limits=limits)


async def until(listener: Listener, kind: str, count: int = 1) -> list[StreamEvent]:
    """The events of a kind, once there are so many."""
    found: list[StreamEvent] = []

    def enough(event: StreamEvent) -> bool:
        found.extend([event] * (event.kind == kind))
        return len(found) == count

    assert await listener.wait_for(enough, seconds=10) is not None, listener.events[-3:]
    return found


def heard(
    serve: Serve, kind: str = "event", count: int = 1, *, limits: TrafficLimits = LIMITS
) -> Sequence[StreamEvent]:
    """The first events of a kind that a server's stream brings."""

    async def run() -> Sequence[StreamEvent]:
        by = recorder(limits)
        try:
            async with serving(serve) as url, by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
                return await until(listener, kind, count)
        finally:
            await by.close()

    return asyncio.run(run())


def test_a_stream_says_its_opening_its_comments_and_its_end() -> None:
    async def run() -> list[tuple[str, str]]:
        by = recorder()
        serve = stream(b":heartbeat\n\n", then=raw())
        async with serving(serve) as url, by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
            assert listener.opened
            await until(listener, "closed")
        await by.close()
        assert listener.events == by.history.stream("s/x")
        return [(each.kind, each.data) for each in listener.events]

    assert asyncio.run(run()) == [
        ("open", "200 text/event-stream"),
        ("comment", "heartbeat"),
        ("closed", "the server closed the stream"),
    ]


@pytest.mark.parametrize(("broken", "heard"), [(2, ["open", "comment", "closed"]), (3, ["closed"])])
def test_a_stream_whose_connection_breaks_before_its_head_is_opened_again(broken: int, heard: list[str]) -> None:
    asked = 0
    honest = stream(b":heartbeat\n\n", then=raw())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        if asked > broken:
            await honest(reader, writer)
            return
        writer.transport.abort()

    async def run() -> list[str]:
        by = recorder()
        async with serving(serve) as url, by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
            await until(listener, "closed")
        await by.close()
        return [each.kind for each in listener.events]

    assert asyncio.run(run()) == heard
    assert asked == 3


def test_a_compressed_stream_is_heard_as_it_comes() -> None:
    compressed = gzip.compress(b"data: " + b"x" * 1000 + b"\n\n")
    (event,) = heard(stream(compressed, headers=b"Content-Encoding: gzip\r\n"))
    assert event.data == "x" * 1000


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (stream(then=endless(b"x" * 10_000)), "a line of the stream is longer"),
        (stream(then=endless(b"data: x\n" * 1_000)), "an event of the stream is longer"),
        (stream(then=endless(b"id: 1\n" * 1_000)), "an event of the stream is longer"),
        (stream(then=endless(b"data: x\n\n" * 1_000)), "more than 10000 events"),
        (stream(then=endless(b":\n" * 1_000)), "more than 10000 events"),
        (
            stream(gzip.compress(b"data: " + bytes(50_000_000)), headers=b"Content-Encoding: gzip\r\n"),
            "a line of the stream is longer",
        ),
        (stream(b"abcd", headers=b"Content-Encoding: gzip\r\n"), "says gzip and is not"),
    ],
    ids=["a line", "an event", "fields", "events", "comments", "a bomb", "no gzip"],
)
def test_a_stream_without_end_is_left_in_time_and_does_not_fill_the_memory(serve: Serve, said: str) -> None:
    tracemalloc.start()
    (closed,) = heard(serve, "closed")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said in closed.data
    assert peak < 25_000_000


def test_a_stream_that_says_more_than_may_be_kept_is_left() -> None:
    (closed,) = heard(
        stream(then=endless(b"data: " + b"x" * 1_000 + b"\n\n")), "closed", limits=TrafficLimits(kept_bytes=50_000)
    )
    assert "more than can be kept" in closed.data


@pytest.mark.parametrize("serve", [silent, raw(b"HTTP/1.1 200", pause=5.0)], ids=["silent", "half a status line"])
def test_a_stream_that_does_not_open_is_not_waited_for_and_counts_as_a_time_out(serve: Serve) -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=0.1, strikes=2))
        async with serving(serve) as url:
            for _ in range(2):
                async with by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
                    assert not listener.opened
                    assert [each.kind for each in listener.events] == ["closed"]
            with pytest.raises(TargetGoneError):
                async with by.listen(step="s/x", callee="b", base_url=url, call=CALL):
                    pass
        await by.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("serve", "opening"),
    [
        (answering(b"{}", "404 Not Found"), "404 application/json"),
        (answering(b"data: x\n\n", kind="text/plain"), "200 text/plain"),
        (stream(b"data: x\n\n", kind="text/event-streams"), "200 text/event-streams"),
    ],
)
def test_what_is_no_event_stream_is_not_read_as_one(serve: Serve, opening: str) -> None:
    async def run() -> Listener:
        by = recorder()
        async with serving(serve) as url, by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
            await until(listener, "closed")
        await by.close()
        return listener

    listener = asyncio.run(run())
    assert not listener.opened
    assert [each.kind for each in listener.events] == ["open", "closed"]
    assert listener.events[0].data == opening


@pytest.mark.parametrize(
    "serve", [raw(b"nonsense\r\n\r\n"), raw(b""), raw(b"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n")], ids=["a", "b", "c"]
)
def test_a_stream_of_a_broken_server_is_closed_with_its_reason(serve: Serve) -> None:
    (closed,) = heard(serve, "closed")
    assert closed.data.startswith("RemoteProtocolError")


def test_a_stream_of_a_closed_port_or_a_bad_url_is_closed_with_its_reason() -> None:
    async def run() -> list[str]:
        by = recorder()
        said = []
        with closed_port() as url:
            for call in (CALL, Call("op", "GET", "/\x00")):
                async with by.listen(step="s/x", callee="b", base_url=url, call=call) as listener:
                    said += [each.data for each in await until(listener, "closed")]
        await by.close()
        return said

    refused, bad = asyncio.run(run())
    assert refused.startswith("ConnectError")
    assert bad.startswith("InvalidURL")


def test_a_stream_that_drips_its_head_is_given_up() -> None:
    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" * 10:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    (closed,) = heard(slow, "closed", limits=TrafficLimits(seconds=0.2))
    assert closed.data == "no answer within 0.2 s"


def test_an_open_stream_without_events_is_no_failure_and_waiting_for_one_ends() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=0.1))
        async with (
            serving(stream()) as url,
            by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener,
        ):
            assert await listener.wait_for(lambda each: each.kind == "event", seconds=0.3) is None
            assert [each.kind for each in listener.events] == ["open"]
        await by.close()

    asyncio.run(run())


def test_secrets_in_a_stream_are_removed_from_every_field() -> None:
    async def run() -> str:
        redactor = Redactor()
        redactor.register("session-token", "a-token-that-nobody-may-see")
        by = recorder(redactor=redactor)
        serve = stream(
            *(f"{name}: a-token-that-nobody-may-see\n".encode() for name in ("event", "id", "data", "")), b"\n"
        )
        async with serving(serve) as url, by.listen(step="s/x", callee="b", base_url=url, call=CALL) as listener:
            await until(listener, "event")
        await by.close()
        return "".join(map(str, by.history.entries))

    kept = asyncio.run(run())
    assert "nobody-may-see" not in kept
    assert kept.count("<session-token:") == 8
