"""A proxy in front of a deployment, and an upstream that keeps every byte that it was sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from contracts.recording import recorder_for
from crossapp.run import Settings, context_of
from harness.deployment import Deployment, Safety, Target, User
from harness.history import Exchange, History
from harness.recorder import Recorder
from harness.saved_history import history_lines
from scenarios.cast.stage import Stage
from scenarios.tools.credentials import Adding
from scenarios.tools.proxy import proxied

SECRET = "a-shared-secret-of-forty-characters-00001"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLW9mLW5vYm9keQ"


@dataclass
class Proxied:
    """A running proxy: base URLs by app, the stage behind it, and a client that adds nothing of its own."""

    urls: dict[str, str]
    stage: Stage
    client: httpx.AsyncClient

    @property
    def recorder(self) -> Recorder:
        return self.stage.recorder

    @property
    def exchanges(self) -> list[Exchange]:
        return [each for each in self.recorder.history.entries if isinstance(each, Exchange)]

    def saved(self) -> str:
        return "\n".join(history_lines(self.recorder.history, self.recorder.redactor))


@asynccontextmanager
async def proxy(
    deployment: Deployment, adding: Adding = Adding.PLACEHOLDERS, token: str = ""
) -> AsyncIterator[Proxied]:
    """A proxy for each app of a deployment; with a token every request must carry it."""
    history = History(context_of(deployment, Settings()))
    stage = Stage(deployment, recorder_for(deployment, history, foreign=True))
    try:
        async with (
            proxied(stage, adding=adding, token=token) as urls,
            httpx.AsyncClient(trust_env=False, timeout=20) as client,
        ):
            yield Proxied(urls, stage, client)
    finally:
        await stage.close()


def deployment_at(url: str, *, api_url: str = "", seconds: float = 5.0, app: str = "tuvens-api") -> Deployment:
    """A deployment whose only app is at a URL."""
    return Deployment(
        "elsewhere",
        "2025-07",
        {app: Target(app, url, api_url or url, "local")},
        (User("organiser", JWT, 123, "1", "organiser@example.com"),),
        SECRET,
        safety=Safety(True, True, seconds=seconds),
    )


@dataclass
class Upstream:
    """What came: heads and bodies as they were sent, in order."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the last request."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:]
        return [(name, value) for name, _, value in (line.partition(": ") for line in lines if line)]

    @property
    def target(self) -> str:
        """The target of the last request."""
        return self.heads[-1].decode("latin-1").split(" ")[1]


@asynccontextmanager
async def upstream(*answers: bytes) -> AsyncIterator[Upstream]:
    """A server that answers with these bytes, one after the other, the last one for ever."""
    seen = Upstream()
    given: Sequence[bytes] = answers or [answer_bytes(b"{}")]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            seen.heads.append(head)
            seen.bodies.append(body)
            writer.write(given[min(len(seen.heads), len(given)) - 1])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield seen
    finally:
        server.close()
        await server.wait_closed()


def answer_bytes(body: bytes, status: str = "200 OK", headers: bytes = b"Content-Type: application/json\r\n") -> bytes:
    """An answer as it travels; `headers` are whole lines."""
    length = f"Content-Length: {len(body)}\r\n".encode()
    return f"HTTP/1.1 {status}\r\n".encode() + headers + length + b"Connection: close\r\n\r\n" + body


async def spoken(url: str, request: bytes) -> bytes:
    """What a server answers to these bytes, until it closes; the request should ask for that."""
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()
        await writer.wait_closed()
