"""Tours: the same calls of a simulator every time, and what it shows meanwhile, written so that honest tours are equal.

From the record of a fault alone it can then be said whether the fault does what somebody can see.
"""

import asyncio
import gzip
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from harness.http import Answer, Call
from openapi import Operation
from simulators.kit.faults import Fault, Swap
from simulators.kit.simulator import Simulator

_RUN = re.compile(r"[A-Za-z0-9_.~-]{8,1024}")
_DURATION = re.compile(r"dur=[0-9.]+")
_turn = asyncio.sleep


@dataclass
class Connection:
    """One request as a server hands it to an application, and the response as the application sends it.

    stays: the caller listens until it `leaves`; else it leaves as soon as the application waits for that.
    """

    request: str
    body: bytes
    operation: Operation | None
    stays: bool
    status: int | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    pieces: list[bytes] = field(default_factory=list)
    complete: bool = False
    leaves: asyncio.Event = field(default_factory=asyncio.Event)
    _read: bool = False

    async def receive(self) -> dict[str, Any]:
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        if self.stays and self.status is not None:
            await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.pieces.append(message.get("body", b""))
            self.complete = not message.get("more_body", False)

    @property
    def answer(self) -> Answer:
        """The response as a client reads it; status 0 where there is none."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers)
        answer = Answer(self.status or 0, headers, b"".join(self.pieces))
        zipped = self.complete and answer.header("content-encoding") == "gzip"
        return Answer(answer.status, headers, gzip.decompress(answer.body)) if zipped else answer

    def __str__(self) -> str:
        end = "complete" if self.complete else "broken off"
        return f"{self.request} -> {self.status} {self.headers} {self.pieces} {end}"


class Tour:
    """Calls a simulator without a network and keeps all that it sends.

    A subclass makes the simulator, whose clock stands still, and the calls. A secret drawn by chance of which `learn`
    was told is shown by its shape and by the number of its first appearance.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.connections: list[Connection] = []
        self.seen: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._seen: list[object] = []
        self._marks: dict[str, str] = {}

    @staticmethod
    def make(faults: Sequence[str]) -> Simulator:
        """A simulator with faults that are armed from its start."""
        raise NotImplementedError

    def rewind(self) -> None:
        """Bring the started simulator back to where `make` left it."""
        raise NotImplementedError

    def visit(self) -> AsyncGenerator[None]:
        """Make all calls, stage by stage."""
        raise NotImplementedError

    def show(self, line: str) -> str:
        """A line without what differs between honest tours."""
        return _RUN.sub(lambda run: self._marks.get(run.group(), run.group()), _DURATION.sub("dur=#", line))

    def look(self) -> None:
        """Add to `seen` what was shown since the last look."""
        self.seen += [self.show(str(each)) for each in self._seen[len(self.seen) :]]

    def breaches(self) -> Iterator[str]:
        """In what the responses break the document; statuses that it leaves open are none, nor are the names of the
        headers of rate limits."""
        for each in self.connections:
            if each.operation is not None and not each.request.startswith("HEAD"):
                got = each.answer
                found = each.operation.response_problems(status=got.status, headers=got.headers, body=got.body)
                left_open = ("/status", "/headers/x-ratelimit")
                yield from (f"{each}: {problem}" for problem in found if not problem.pointer.startswith(left_open))

    # -- what a tour does

    def note(self, what: str, value: object) -> None:
        self._seen.append(f"{what}: {value!r}")

    def learn(self, secret: str) -> None:
        alphabet = "hex" if set(secret) <= set("0123456789abcdef") else "dotted" if "." in secret else "url-safe"
        alike = " like another" if any(other[:12] == secret[:12] for other in self._marks) else ""
        self._marks.setdefault(secret, f"<{len(self._marks) + 1}: {len(secret)} {alphabet}{alike}>")

    async def request(self, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None) -> Answer:
        return await self.send(Call("", method, target, headers, body))

    async def send(self, call: Call, *more: tuple[str, str]) -> Answer:
        """`more` headers are added, not replaced."""
        return (await self._begin(call, more)).answer

    async def send_all(self, calls: Sequence[Call]) -> list[Answer]:
        """At once."""
        return [each.answer for each in await asyncio.gather(*(self._begin(call) for call in calls))]

    @asynccontextmanager
    async def listening(self, call: Call) -> Any:
        """A stream is open."""
        serving = self._begin(call, stays=True)
        connection, task = self.connections[-1], asyncio.ensure_future(serving)
        await _idle()
        yield
        await _idle()
        connection.leaves.set()
        await task

    async def sleep(self, seconds: float, result: object = None) -> object:
        """Takes the place of `asyncio.sleep`: nobody waits, and it is seen how long was asked for."""
        if asyncio.get_running_loop() is not self._loop:
            # A server that another test keeps running in a thread.
            return await _turn(seconds, result)
        if seconds > 0:
            self.note("slept", seconds)
        return await _turn(0, result)

    def _begin(self, call: Call, more: Sequence[tuple[str, str]] = (), *, stays: bool = False) -> Awaitable[Connection]:
        body = call.body or b""
        given = [*call.headers, *more, ("user-agent", "crossapp-tour/1"), ("accept-encoding", "gzip")]
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given]
        if body and b"transfer-encoding" not in dict(headers):
            headers.append((b"content-length", b"%d" % len(body)))
        path, _, query = call.target.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": call.method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 50_000),
        }
        endpoint = self.simulator.router.find(scope)
        shown = f"{call.method} {call.target[:200]} {body[:500]!r}"
        connection = Connection(shown, body, None if endpoint is None else endpoint.operation, stays)
        self.connections.append(connection)
        self._seen.append(connection)

        async def serve() -> Connection:
            await self.simulator.app(scope, connection.receive, connection.send)
            return connection

        return serve()


async def _idle() -> None:
    """Let all that can run do so."""
    for _ in range(20):
        await _turn(0)


async def see_honest(kind: type[Tour]) -> list[str]:
    """What an honest simulator shows."""
    async with _started(kind, []) as simulator:
        return (await _toured(kind, simulator)).seen


async def check(
    kind: type[Tour], fault: Fault, honest: Sequence[str], *, unseen: bool = False, again: bool = False
) -> None:
    """Assert that a fault shows in a tour, is counted, is no breach of the simulator's own, and ends once disarmed.

    The tour of a fault ends with the stage that shows it. unseen: it must not show, since the tour does not look
    where it does. again: the tour is whole, and a second one, after the fault was disarmed, must be an honest one (a
    fault of the settings lasts until the next start).
    """
    async with _started(kind, [fault.name] if fault.at_start else []) as simulator:
        if not fault.at_start:
            simulator.faults.arm(fault.name)

        def enough(tour: Tour) -> bool:
            whole = again or fault.kind == "benign"
            return not whole and simulator.faults.fired(fault.name) > 0 and tour.seen != honest[: len(tour.seen)]

        tour = await _toured(kind, simulator, enough)
        assert (tour.seen == honest) is unseen, "it shows" if unseen else "it does not show: extend the tour"
        assert simulator.faults.fired(fault.name) > 0 or fault.ignores, "it was not counted"
        assert simulator.journal.breaches == 0, "a dishonest response counts as a breach of the simulator's own"
        assert simulator.services.failures == 0, "a handler raised"
        if fault.kind == "benign" and not fault.unsteady:
            breaches = list(tour.breaches())
            assert not breaches, f"responses break the document: {breaches[:3]}"
        simulator.faults.disarm(fault.name)
        tour.rewind()
        left = [swap.name for swap in _swaps(fault, simulator) if swap.name in vars(swap.owner)]
        assert not left, f"parts that are still replaced: {left}"
        if again and not fault.ignores:
            second = (await _toured(kind, simulator)).seen
            different = [pair for pair in zip(second, honest, strict=True) if pair[0] != pair[1]]
            assert not different, f"after it was disarmed: {different[:3]}"


@asynccontextmanager
async def _started(kind: type[Tour], faults: Sequence[str]) -> Any:
    simulator = kind.make(faults)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


async def _toured(kind: type[Tour], simulator: Simulator, enough: Callable[[Tour], bool] = lambda _: False) -> Tour:
    """A tour, up to the first stage after which it is enough."""
    tour = kind(simulator)
    with patch("asyncio.sleep", tour.sleep):
        async with aclosing(tour.visit()) as stages:
            async for _ in stages:
                tour.look()
                if enough(tour):
                    break
    return tour


def _swaps(fault: Fault, simulator: Simulator) -> Sequence[Swap]:
    change = fault.change(simulator)
    return [change] if isinstance(change, Swap) else list(change)
