"""Whether memory, files and journal stay bounded: `python -m tests.soak --minutes 30` (`tox -e soak`).

`crossapp up` gets requests at a steady rate, some of them through `crossapp proxy`, which records them. The inspectors
of both are read all the time. What both take is printed at the start, each quarter and the end; nothing is judged.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain, cycle
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from contracts.session_token.wire import generate_session
from harness.http import Call
from tests.bench import calls_for, family, mebibytes, minted, process

_QUARTERS = 4
_REQUESTS = ("generate-session", "validate-session", "webhook", "validate-session")


@dataclass
class Inspector:
    """What a reader of an inspector's stream has got: `kept` are the first numbers that are still kept, by application,
    so that the journals dropped what is below."""

    bytes: int = 0
    rows: int = 0
    kept: dict[str, int] = field(default_factory=dict)

    def take(self, name: str, value: dict[str, Any]) -> None:
        """Take an event of the stream."""
        if name == "rows":
            self.rows += len(value["rows"])
            self.kept = value["kept"]

    def __str__(self) -> str:
        dropped = ", ".join(f"{app} {first - 1}" for app, first in self.kept.items() if first > 1)
        return f"{self.rows} rows in {self.bytes / 2**20:.1f} MiB, dropped before them: {dropped or 'none'}"


@dataclass
class Watched:
    """A command that is watched: its process, its files and its inspector."""

    name: str
    pid: int
    folder: Path
    inspector: Inspector

    def __str__(self) -> str:
        memory = sum(mebibytes(each) or 0 for each in family(self.pid))
        files = sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file()) / 2**20
        return f"{self.name:5} memory {memory:6.1f} MiB, files {files:6.1f} MiB, inspector {self.inspector}"


@asynccontextmanager
async def reading(page: str, seen: Inspector) -> AsyncIterator[None]:
    """Read the stream of the inspector with this address inside the block."""
    base, _, token = page.partition("/inspector/#")

    async def read() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None, headers=headers) as client,
            client.stream("GET", f"{base}/feed") as response,
        ):
            response.raise_for_status()
            name = ""
            async for line in response.aiter_lines():
                seen.bytes += len(line) + 1
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    seen.take(name, json.loads(line.removeprefix("data: ")))

    task = asyncio.create_task(read())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def traffic(calls: Iterator[Call], urls: Iterator[str], rate: float, until: float) -> Counter[str]:
    """Send the calls to the addresses in turn, at this rate; what became of them. No more than 64 are under way."""
    found: Counter[str] = Counter()
    places = asyncio.Semaphore(64)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client, asyncio.TaskGroup() as group:

        async def send(call: Call, url: str) -> None:
            try:
                headers = dict(call.headers)
                answer = await client.request(call.method, url + call.target, headers=headers, content=call.body)
                found[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                found[type(error).__name__] += 1
            finally:
                places.release()

        due = time.monotonic()
        while due < until:
            await asyncio.sleep(due - time.monotonic())
            await places.acquire()
            group.create_task(send(next(calls), next(urls)))
            due = max(due + 1 / rate, time.monotonic() - 1)
    return found


async def soak(
    watched: list[Watched], pages: list[str], calls: Iterator[Call], urls: Iterator[str], minutes: float, rate: float
) -> None:
    """Send, watch and print."""
    begun = time.monotonic()

    def show() -> None:
        print(f"after {time.monotonic() - begun:.0f} s")
        for each in watched:
            print(f"  {each}", flush=True)

    async with reading(pages[0], watched[0].inspector), reading(pages[1], watched[1].inspector):
        show()
        for quarter in range(1, _QUARTERS + 1):
            found = await traffic(calls, urls, rate, begun + minutes * 60 * quarter / _QUARTERS)
            await asyncio.sleep(1)
            print(f"answers: {dict(found)}")
            show()


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 30.0,
    rate: Annotated[float, typer.Option(help="Requests a second.")] = 200.0,
    proxied: Annotated[int, typer.Option(help="Every how many of them goes through the proxy.")] = 10,
) -> None:
    """Run both commands under a steady load and print what they take."""
    simulators = [sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", "--limits", "raised"]
    simulators += [part for app in ("tuvens-api", "hi.events", "tuvens-client") for part in ("--port", f"{app}=0")]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        up, line = stack.enter_context(process(simulators))
        described = json.loads(line)
        deployment = folder / "deployment.json"
        deployment.write_text(line, "utf-8")
        kept = folder / "proxy"
        kept.mkdir()
        command = [
            sys.executable,
            "-c",
            "from crossapp.cli import main; main()",
            "proxy",
            "--json",
            "--exit-with-stdin",
        ]
        command += ["--deployment", str(deployment), "--port", "0", "--record", str(kept / "history.jsonl")]
        proxy, said = stack.enter_context(process(command))
        told = json.loads(said)
        url, through = described["targets"]["tuvens-api"]["url"], told["urls"]["tuvens-api"]
        user = described["users"][0]
        made = calls_for(described, minted(url, generate_session(user["jwt"], user["account_id"])))
        each = {name: chain.from_iterable(rounds) for name, rounds in made.items()}
        calls = (next(each[name]) for name in cycle(_REQUESTS))
        control = described["targets"]["tuvens-api"]["control"]
        pages = [f"{control['url']}/inspector/#{control['token']}", told["inspector"]]
        database = Path(described["targets"]["tuvens-api"]["database"].partition(":///")[2]).parent
        watched = [Watched("up", up.pid, database, Inspector()), Watched("proxy", proxy.pid, kept, Inspector())]
        asyncio.run(soak(watched, pages, calls, cycle([through, *[url] * (proxied - 1)]), minutes, rate))


if __name__ == "__main__":
    typer.run(main)
