"""The proxy that a deployment file names takes the requests to all but this machine, in plain and with TLS."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from harness.tls import TlsSettings
from harness.transport import Transport
from tests.harness.certificates import Authority
from tests.harness.hostile import answering, serving

_SECONDS = 20
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy"


class Proxy:
    """An HTTP proxy that answers plain requests itself, and connects every tunnel to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.heads: list[bytes] = []
        self.open: set[asyncio.Task[None]] = set()
        self._port = port

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(asyncio.create_task(self.handle(reader, writer)))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        if head.startswith(b"CONNECT "):
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_passes(reader, back), _passes(there, writer))
        else:
            writer.write(_OK)
            await _closed(writer)


async def _passes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(4096):
            writer.write(data)
    await _closed(writer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def through_proxy(
    tale: Callable[[Transport, Proxy, str], Awaitable[None]], folder: Path, names: Iterable[str] = ("api.example.test",)
) -> None:
    """Tell a tale with a transport through a proxy, whose tunnels lead to a TLS server with a certificate for these
    names, at the URL."""
    authority = Authority(folder)

    async def main() -> None:
        tls = authority.server(authority.certificate(names=("127.0.0.1", *names)))
        async with asyncio.timeout(_SECONDS), serving(answering(b"server"), tls) as server:
            proxy = Proxy(urlsplit(server).port or 0)
            listening = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
            address = f"http://somebody:a-pass-word@127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            transport = Transport(TlsSettings(str(authority.file)), address)
            try:
                await tale(transport, proxy, server)
            finally:
                await transport.aclose()
                listening.close()
                await asyncio.gather(*proxy.open)

    asyncio.run(main())


async def read(transport: Transport, url: str) -> bytes:
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=_SECONDS) as client:
        return (await client.get(url)).content


def test_requests_without_tls_are_sent_to_the_proxy_whole_with_its_password(tmp_path: Path) -> None:
    async def tale(transport: Transport, proxy: Proxy, _: str) -> None:
        assert await read(transport, "http://api.example.test/api/events/11") == b"proxy"
        [head] = proxy.heads
        assert head.startswith(b"GET http://api.example.test/api/events/11 HTTP/1.1\r\n")
        assert b"\r\nProxy-Authorization: Basic " in head

    through_proxy(tale, tmp_path)


def test_requests_with_tls_go_through_a_tunnel_in_which_the_proxy_reads_nothing(tmp_path: Path) -> None:
    async def tale(transport: Transport, proxy: Proxy, _: str) -> None:
        assert b"server" in await read(transport, "https://api.example.test/api/events/11")
        [head] = proxy.heads
        assert head.startswith(b"CONNECT api.example.test:443 ")
        assert b"/api/events" not in head

    through_proxy(tale, tmp_path)


def test_the_certificate_behind_a_tunnel_is_checked(tmp_path: Path) -> None:
    async def tale(transport: Transport, proxy: Proxy, _: str) -> None:
        with pytest.raises(httpx.ConnectError, match="certificate"):
            await read(transport, "https://api.example.test/")
        assert proxy.heads

    through_proxy(tale, tmp_path, names=["another.example.test"])


def test_this_machine_is_asked_straight(tmp_path: Path) -> None:
    async def tale(transport: Transport, proxy: Proxy, server: str) -> None:
        assert b"server" in await read(transport, server)
        assert proxy.heads == []

    through_proxy(tale, tmp_path)
