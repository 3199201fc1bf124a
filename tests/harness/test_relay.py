"""The relay passes bytes on, can be cut and mended, and takes nothing but SOCKS 5."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from harness.relay import Relay

_SECONDS = 20


def run(tale: Callable[[Relay, str, int], Awaitable[None]]) -> None:
    """Tell a tale with a relay, its address, and the port of a server that echoes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data)
        await closed(writer)

    async def main() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        relay = Relay()
        try:
            async with asyncio.timeout(_SECONDS):
                await tale(relay, await relay.start(), server.sockets[0].getsockname()[1])
        finally:
            await relay.close()
            server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others)

    asyncio.run(main())


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def connected(address: str, host: bytes, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int]:
    """A connection through the relay, and the relay's answer (0: granted)."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    writer.write(b"\x05\x01\x00" + host + struct.pack("!H", port))
    answer = await reader.readexactly(10)
    return reader, writer, answer[1]


@pytest.mark.parametrize("host", [b"\x03\x09localhost", b"\x01\x7f\x00\x00\x01"])
def test_bytes_are_passed_on_both_ways(host: bytes) -> None:
    async def tale(_: Relay, address: str, port: int) -> None:
        reader, writer, answer = await connected(address, host, port)
        assert answer == 0
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        await closed(writer)

    run(tale)


def test_a_cut_drops_what_is_open_and_refuses_what_is_new_until_it_is_mended() -> None:
    async def tale(relay: Relay, address: str, port: int) -> None:
        reader, writer, _ = await connected(address, b"\x01\x7f\x00\x00\x01", port)
        relay.cut()
        with suppress(ConnectionError):
            assert await reader.read(1) == b""
        await closed(writer)
        _, refused, answer = await connected(address, b"\x01\x7f\x00\x00\x01", port)
        assert answer == 5
        await closed(refused)
        relay.mend()
        _, again, answer = await connected(address, b"\x01\x7f\x00\x00\x01", port)
        assert answer == 0
        await closed(again)

    run(tale)


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x05\x00\x05\x02\x00\x01", b"\x05"])
def test_what_is_not_socks_is_dropped(sent: bytes) -> None:
    async def tale(relay: Relay, address: str, port: int) -> None:
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(sent)
        writer.write_eof()
        with suppress(ConnectionError):
            await reader.read()
        await closed(writer)

    run(tale)


def test_where_nobody_listens_the_relay_says_so() -> None:
    async def tale(relay: Relay, address: str, port: int) -> None:
        _, writer, answer = await connected(address, b"\x01\x7f\x00\x00\x01", 1)
        assert answer == 5
        await closed(writer)

    run(tale)
