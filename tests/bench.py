"""How much of a server's speed the simulated tuvens-api leaves: `python -m tests.bench`.

Beside an empty ASGI application on the same server, in turn, a few seconds at a time and several rounds, so that what
else the machine does falls on both. Requests and answers are validated, sessions and events are real. By wrk where it
is installed, else by Locust, whose own speed is then the limit: the ratio says little.
"""

import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from contracts.session_token import wire as session_wire
from contracts.times import iso_millis
from contracts.webhook import wire as webhook_wire
from harness.http import Call

_MOST_REQUESTS = 20_000
_STARTING = 4.0
"""Seconds that Locust may need until its users send."""
_EMPTY_SERVER = """
import asyncio, sys
from load.generate.calibration import empty
from harness.loop import loop_factory
from harness.server import Server, listen
listener = listen()
print(listener.getsockname()[1], flush=True)
made = Server(empty)
made.config.lifespan = "off"
with asyncio.Runner(loop_factory=loop_factory()) as runner:
    runner.run(made.serve(sockets=[listener]))
"""
_LUA = """
local calls = {}
for line in io.lines("%(file)s") do
  local method, path, headers, body = line:match("^(.-)\\t(.-)\\t(.-)\\t(.*)$")
  local set = {}
  for name, value in headers:gmatch("(.-)\\1(.-)\\2") do set[name] = value end
  calls[#calls + 1] = wrk.format(method, path, set, body)
end
local turn = 0
request = function()
  turn = turn %% #calls + 1
  return calls[turn]
end
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %%f %%d %%d %%d %%f %%f %%f\\n", summary.requests / summary.duration * 1e6,
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Rate:
    """Requests a second, answers that were not 2xx or did not come, percentiles in milliseconds.

    `cpu`: microseconds of processor time that the server spent on a request (None where the system does not tell);
    what else the machine does disturbs it less than the rate.
    """

    per_second: float
    answers: int
    wrong: int
    p50: float
    p95: float
    p99: float
    cpu: float | None = None


def wrk(url: str, calls: Sequence[Call], seconds: int, connections: int, folder: Path) -> Rate:
    """By wrk, with one thread."""
    file, script = folder / "calls", folder / "calls.lua"
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        for each in calls:
            headers = "".join(f"{name}\1{value}\2" for name, value in each.headers)
            lines.write(f"{each.method}\t{each.target}\t{headers}\t{(each.body or b'').decode()}\n")
    script.write_text(_LUA % {"file": file}, "utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"RESULT (\S+) (\d+) (\d+) (\d+) (\S+) (\S+) (\S+)", done.stdout)
    if match is None:
        raise SystemExit(f"wrk said: {done.stdout}{done.stderr}")
    answers, wrong = int(match[2]), int(match[3]) + int(match[4])
    return Rate(float(match[1]), answers, wrong, float(match[5]), float(match[6]), float(match[7]))


def locust(url: str, calls: Sequence[Call], seconds: int, connections: int, folder: Path) -> Rate:
    """By Locust, with users that never think."""
    file = folder / "calls.json"
    rows = [[each.method, each.target, dict(each.headers), (each.body or b"").decode()] for each in calls[:2000]]
    file.write_text(json.dumps(rows), "utf-8")
    command = [
        sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("bench_locustfile.py")), "--headless",
        "-u", str(connections), "-r", str(connections), "-t", f"{seconds + _STARTING:.0f}s", "-H", url, "--json",
        "--skip-log", "--exit-code-on-error", "0",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "CALLS": str(file)})
    # One for GET, one for POST.
    entries = json.loads(done.stdout)
    counted: Counter[float] = Counter()
    for entry in entries:
        counted.update({float(ms): count for ms, count in entry["response_times"].items()})
    times, total = sorted(counted.items()), counted.total()

    def at(q: float) -> float:
        seen = 0
        return next(ms for ms, count in times if (seen := seen + count) >= q * total)

    passed = max(each["last_request_timestamp"] for each in entries) - min(each["start_time"] for each in entries)
    answers, failures = (sum(each[what] for each in entries) for what in ("num_requests", "num_failures"))
    return Rate(answers / passed, answers, failures, at(0.5), at(0.95), at(0.99))


def calls_for(described: dict[str, Any], token: str) -> dict[str, Iterator[list[Call]]]:
    """By operation, the calls of one round after the other."""
    secret = described["credentials"]["shared_secret"]
    users, events = described["users"], described["events"]["tuvens"]

    def same(calls: list[Call]) -> Iterator[list[Call]]:
        while True:
            yield calls

    def webhooks() -> Iterator[list[Call]]:
        # Each later than the one before, so that each changes its event.
        sent_at = time.time() - 86_400
        while True:
            made = []
            for number in range(_MOST_REQUESTS):
                sent_at += 0.001
                event = events[number % len(events)]
                status = ("LIVE", "DRAFT")[number // len(events) % 2]
                body = webhook_wire.status_changed_body(
                    event_id=int(event),
                    title="Bench",
                    status=status,
                    tuvens_event_id=event,
                    sent_at=iso_millis(sent_at),
                )
                made.append(webhook_wire.event_status_changed(body, webhook_wire.sign(secret, body)))
            yield made

    return {
        "empty": same([Call("", "POST", "/", (("Content-Type", "application/json"),), b'{"session_token":"x"}')]),
        "validate-session": same([session_wire.validate_session(secret, token)]),
        "generate-session": same([session_wire.generate_session(each["jwt"], each["account_id"]) for each in users]),
        "webhook": webhooks(),
    }


@contextmanager
def process(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server and the first line that it prints."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout is not None
            yield child, child.stdout.readline()
        finally:
            child.terminate()


def minted(url: str, call: Call) -> str:
    """The token of a session that is minted, by a client that itself needs no time to start."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    with closing(connection):
        connection.request(call.method, call.target, call.body, dict(call.headers))
        token: str = json.loads(connection.getresponse().read())["session_token"]
    return token


def mebibytes(pid: int) -> float | None:
    """Resident memory; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return None
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    except OSError:
        return [pid]
    return [pid, *(int(each) for each in children)]


def processor_seconds(pid: int) -> float | None:
    """Processor time of a process and its children so far; None where the system does not tell."""
    ticks = 0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            return None
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(
    seconds: Annotated[int, typer.Option(help="Seconds at a time.")] = 3,
    rounds: Annotated[int, typer.Option(help="How often in turn.")] = 5,
    connections: Annotated[int, typer.Option(help="How many requests are under way at a time.")] = 16,
    database: Annotated[str, typer.Option(help="SQLAlchemy URL (default: SQLite).")] = "",
    workers: Annotated[int, typer.Option(help="Processes that serve the simulator, on PostgreSQL.")] = 1,
    least: Annotated[float, typer.Option(help="Fail where a ratio is below this.")] = 0.0,
) -> None:
    """Compare; exit code 1 where a ratio is below --least, or an answer was wrong."""
    measure = wrk if shutil.which("wrk") else locust
    if measure is locust:
        print("wrk is not installed: Locust measures, and is itself the limit.")
    simulators = [
        sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", "--only", "tuvens-api", "--port",
        "tuvens-api=0", "--limits", "raised", "--workers", str(workers),
        *(["--database", database] if database else []),
    ]  # fmt: skip
    with ExitStack() as stack:
        private = stack.enter_context(tempfile.TemporaryDirectory())
        began = time.perf_counter()
        simulator, line = stack.enter_context(process(simulators))
        described = json.loads(line)
        url = described["targets"]["tuvens-api"]["url"]
        user = described["users"][0]
        first = session_wire.generate_session(user["jwt"], user["account_id"])
        token = minted(url, first)
        started = time.perf_counter() - began
        # Only now: it would start on the processor that the simulator starts on.
        empty, port = stack.enter_context(process([sys.executable, "-c", _EMPTY_SERVER]))
        rates: dict[str, list[Rate]] = {}
        memory = [mebibytes(simulator.pid)]
        makers = calls_for(described, token)
        for _ in range(rounds):
            for name, maker in makers.items():
                address, server = (f"http://127.0.0.1:{port.strip()}", empty) if name == "empty" else (url, simulator)
                before = processor_seconds(server.pid)
                rate = measure(address, next(maker), seconds, connections, Path(private))
                after = processor_seconds(server.pid)
                if before is not None and after is not None:
                    rate = replace(rate, cpu=(after - before) / max(1, rate.answers) * 1e6)
                rates.setdefault(name, []).append(rate)
        memory.append(mebibytes(simulator.pid))
    worst = show(rates)
    print(f"start to first answer {started:.2f} s; memory {_mib(memory[0])} at the start, {_mib(memory[1])} at the end")
    wrong = sum(each.wrong for those in rates.values() for each in those)
    if wrong:
        print(f"{wrong} answers were wrong or missing")
    raise typer.Exit(int(bool(wrong) or worst < least))


def show(rates: dict[str, list[Rate]]) -> float:
    """Print a table; the lowest ratio of rates. The second ratio is that of processor time."""
    print(f"{'':18}{'a second':>9}{'ratio':>7}{'cpu us':>8}{'ratio':>7}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}")
    worst = 1.0
    for name, those in rates.items():
        pairs = list(zip(those, rates["empty"], strict=True))
        ratio = statistics.median(one.per_second / other.per_second for one, other in pairs)
        worst = min(worst, ratio)
        middle = [
            statistics.median(getattr(each, field) for each in those) for field in ("per_second", "p50", "p95", "p99")
        ]
        costs = [(one.cpu, other.cpu) for one, other in pairs if one.cpu and other.cpu]
        cpu = f"{statistics.median(one for one, _ in costs):.0f}" if costs else "-"
        share = f"{statistics.median(other / one for one, other in costs):.3f}" if costs else "-"
        latencies = "".join(f"{each:>8.2f}" for each in middle[1:])
        print(f"{name:18}{middle[0]:>9.0f}{ratio:>7.3f}{cpu:>8}{share:>7}{latencies}")
    return worst


def _mib(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MiB"


if __name__ == "__main__":
    typer.run(main)
