"""Receives requests in place of another application, keeps them, and responds as told.

Requests without an instruction are forwarded to that application. Written on h11 instead of a framework, because it
must be able to send no response and to close the connection.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import h11
import httpx

from harness.deployment import DeploymentError, ReceiverSettings
from harness.http import Answer, Headers
from harness.responses import UndecodableError, decoded, headers_of

_BODY_BYTES = 2 * 1024 * 1024
_HEAD_BYTES = 64 * 1024
_READ_SECONDS = 30.0
_READ_BYTES = 64 * 1024
_OF_A_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
     "host", "expect", "accept-encoding"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Say:
    """Respond with a status, headers and a JSON body."""

    status: int
    headers: Headers = ()
    body: bytes = b'{"message": "crossapp answers so on purpose"}'


@dataclass(frozen=True, slots=True)
class Silence:
    """Send no response until the sender closes the connection, at most `seconds`; then close it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection without a response."""


Reaction = Say | Silence | HangUp


@dataclass(slots=True)
class ReceivedRequest:
    """A received request and its response.

    `started` is Unix seconds at its last byte, `seconds` the time from there to the end of the response. `done`: the
    response is sent, or the connection closed. `status` is that of the response that was sent; `answer` is that
    response, its body decoded, and None if none was sent or it cannot be decoded; `error` then says why.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    started: float
    seconds: float = 0.0
    done: bool = False
    status: int | None = None
    answer: Answer | None = None
    error: str = ""

    @property
    def path(self) -> str:
        """The request target without its query."""
        return self.target.partition("?")[0]


Matches = Callable[[ReceivedRequest], bool]


class _Plan:
    def __init__(self, matches: Matches, reactions: Sequence[Reaction], always: Reaction | None) -> None:
        self.matches = matches
        self.left = list(reactions)
        self.always = always


class Receiver:
    """The receiver that `receiving` runs. `arrivals` are in the order in which their last bytes came; `url` is where
    the sender reaches it."""

    def __init__(self, url: str, upstream: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self.arrivals: list[ReceivedRequest] = []
        self._upstream = upstream.rstrip("/")
        self._client = client
        self._plans: list[_Plan] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @contextmanager
    def answering(self, matches: Matches, *reactions: Reaction, always: Reaction | None = None) -> Iterator[None]:
        """Until the block is left, answer matching requests with these reactions in turn, then with `always` (None:
        forward them)."""
        plan = _Plan(matches, reactions, always)
        self._plans.append(plan)
        try:
            yield
        finally:
            self._plans.remove(plan)

    async def close(self) -> None:
        """Cancel the requests in progress."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection with one request."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (h11.ProtocolError, OSError, TimeoutError):
            pass  # not a complete request
        except asyncio.CancelledError:
            # asyncio's server prints a traceback of a connection that ends cancelled.
            if not self._closing:
                raise
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        async with asyncio.timeout(_READ_SECONDS):
            arrival = await _read(connection, reader, writer)
        clock = time.perf_counter()
        self.arrivals.append(arrival)
        try:
            sent, arrival.error = await self._react(arrival, reader)
            if sent is not None:
                await _write(connection, writer, sent)
                arrival.status = sent.status
        except OSError as failure:
            arrival.answer = None
            arrival.error = f"the sender hung up before the answer ({type(failure).__name__})"
        finally:
            arrival.seconds = time.perf_counter() - clock
            arrival.done = True

    async def _react(self, arrival: ReceivedRequest, reader: asyncio.StreamReader) -> tuple[Answer | None, str]:
        """The response to send, and why there is none, or none that can be decoded."""
        match self._reaction(arrival):
            case Say(status, headers, body):
                arrival.answer = Answer(status, (("content-type", "application/json"), *headers), body)
                return arrival.answer, ""
            case Silence(seconds):
                begun = time.perf_counter()
                gone = await _hangs_up(reader, seconds)
                waited = f"{time.perf_counter() - begun:.1f} s"
                return None, f"the sender hung up after {waited}" if gone else f"the sender still waited after {waited}"
            case HangUp():
                return None, "the receiver hung up without an answer"
            case None:
                return await self._pass_on(arrival)

    def _reaction(self, arrival: ReceivedRequest) -> Reaction | None:
        for plan in self._plans:
            if plan.matches(arrival):
                return plan.left.pop(0) if plan.left else plan.always
        return None

    async def _pass_on(self, arrival: ReceivedRequest) -> tuple[Answer, str]:
        """The response of the other application, its body as it came; and why it cannot be decoded, if so."""
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in arrival.headers
            if name.lower() not in _OF_A_CONNECTION
        ]
        sent, error = bytearray(), ""

        async def keep(chunk: bytes) -> None:
            sent.extend(chunk)

        try:
            async with self._client.stream(
                arrival.method, self._upstream + arrival.target, headers=headers, content=arrival.body
            ) as response:
                kept = tuple(each for each in headers_of(response) if each[0].lower() not in _OF_A_CONNECTION)
                try:
                    body = b"".join([part async for part in decoded(response, _BODY_BYTES, keep)])
                    arrival.answer = Answer(response.status_code, kept, body)
                except UndecodableError as undecodable:
                    error = str(undecodable)
        except httpx.HTTPError as failure:
            text = f'{{"message": "crossapp passes on, and got no answer ({type(failure).__name__})"}}'
            arrival.answer = Answer(502, (("content-type", "application/json"),), text.encode())
            return arrival.answer, ""
        return Answer(response.status_code, kept, bytes(sent)), error


@asynccontextmanager
async def receiving(
    settings: ReceiverSettings,
    upstream: str,
    *,
    seconds: float,
    transport: httpx.AsyncBaseTransport | None = None,
    listener: socket.socket | None = None,
) -> AsyncIterator[Receiver]:
    """A receiver in place of the application at `upstream` until the block is left. `seconds`: time-out of a forwarded
    request. `listener`: a socket that listens already. Raises DeploymentError if the address is taken."""
    if listener is None:
        listener = _listen(settings)
    async with httpx.AsyncClient(
        trust_env=False,
        transport=transport,
        timeout=seconds,
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
    ) as client:
        receiver = Receiver(settings.url, upstream, client)
        server = await asyncio.start_server(receiver.serve, sock=listener)
        try:
            yield receiver
        finally:
            server.close()
            await receiver.close()
            await server.wait_closed()


def _listen(settings: ReceiverSettings) -> socket.socket:
    try:
        return socket.create_server((settings.host, settings.port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise DeploymentError(
            f"receiver.listen: {settings.host}:{settings.port} cannot be listened on ({why}); name another port, and "
            "lead receiver.url to it"
        ) from None


async def _read(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> ReceivedRequest:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _BODY_BYTES:
                raise h11.RemoteProtocolError("the body is too large")
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return ReceivedRequest(
                method=request.method.decode("latin-1"),
                target=request.target.decode("latin-1"),
                headers=tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw_items()),
                body=bytes(body),
                started=time.time(),
            )
        else:
            raise h11.RemoteProtocolError("the connection ended before a whole request came")


async def _write(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = [*answer.headers, ("content-length", str(len(answer.body))), ("connection", "close")]
    encoded = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]
    head = h11.Response(status_code=answer.status, headers=encoded)
    for event in (head, h11.Data(data=answer.body), h11.EndOfMessage()):
        writer.write(connection.send(event) or b"")
    await writer.drain()


async def _hangs_up(reader: asyncio.StreamReader, seconds: float) -> bool:
    """Whether the sender closes the connection within `seconds`."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while await reader.read(_READ_BYTES):
                pass
            return True
    return False
