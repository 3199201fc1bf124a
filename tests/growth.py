"""How the cost of a run grows with its length: `python -m tests.growth`.

Each part is measured at three sizes in one process, in processor time; no absolute time is judged. By default the
largest is 30,000 exchanges, which takes some minutes; `--largest 100000` takes four times as long. The exponent is that
of the cost between the two larger sizes: 1 is linear. A part is told to be too steep above 1.2, or, where the size is
no amount of work but of what is known, above 0.2.
"""

import json
import math
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from crossapp.deployments import described
from crossapp.har_history import history_of
from crossapp.inspecting import HistorySource
from crossapp.run import Settings, report_of
from harness.har import to_har
from harness.har_reader import read_har
from harness.history import Context, History, Outcome
from harness.history_writer import HistoryWriter
from harness.http import Answer, Call
from harness.inspector.pairing import Pairing
from harness.redact import Redactor, named_tokens, redact_named
from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import to_markdown
from harness.render.terminal import print_report
from harness.report import read_report
from harness.saved_history import Run, history_lines, read_history
from tests.harness.render.sample import big

_LARGEST = 30_000
_ROUNDS = 3
_LONG = 1.0
"""Seconds from which on a work is done once: noise is then small beside it."""
_STEEP, _FLAT = 1.2, 0.2
# Parts of texts that are searched for JWTs, tokens and the names of secrets, each repeated to the length.
_HOSTILE = (
    "-eyJaaaaaaaa",
    "eyJ.",
    "token",
    '"token',
    "?token",
    '"',
    '":',
    '"token":"',
    '\\"',
    '{"token":',
    "&token=?",
    "[",
)

Work = Callable[[], object]
Prepared = Callable[[int], Work]


@dataclass(frozen=True)
class Part:
    """What is measured: `prepare` makes the work of a size, which may be done more than once. `flat`: its cost must not
    grow with the size at all."""

    name: str
    prepare: Prepared
    sizes: tuple[int, ...]
    flat: bool = False


def main(
    history: Annotated[
        Path | None, typer.Option(help="A saved history to be repeated and judged, instead of one of the simulators.")
    ] = None,
    only: Annotated[str, typer.Option(help="Measure only the parts whose names contain this.")] = "",
    largest: Annotated[int, typer.Option(min=1_000, help="Exchanges of the longest record.")] = _LARGEST,
) -> None:
    """Print cost and growth of every part; exit code 1 if one grows too fast."""
    steep = []
    print(f"{'':28}{'sizes':>28}{'us for each':>30}{'exponent':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for part in parts(Path(folder), history, largest):
            if only in part.name:
                costs = [cost(part.prepare(size)) for size in part.sizes]
                exponent = math.log(costs[-1] / costs[-2]) / math.log(part.sizes[-1] / part.sizes[-2])
                units = [1 if part.flat else size for size in part.sizes]
                each = " ".join(f"{seconds / unit * 1e6:9.2f}" for seconds, unit in zip(costs, units, strict=True))
                print(f"{part.name:28}{' '.join(map(str, part.sizes)):>28}{each:>30}{exponent:>10.2f}", flush=True)
                if exponent > (_FLAT if part.flat else _STEEP):
                    steep.append(part.name)
    if steep:
        print(f"too steep: {', '.join(steep)}")
    raise typer.Exit(int(bool(steep)))


def cost(work: Work) -> float:
    """Seconds of processor time of a work: the least of several times."""
    least = math.inf
    for _ in range(_ROUNDS):
        begun = time.process_time()
        work()
        least = min(least, time.process_time() - begun)
        if least > _LONG:
            break
    return max(least, 1e-7)


def parts(folder: Path, history: Path | None, largest: int) -> Iterator[Part]:
    """All parts, for records of so many exchanges at most."""
    sizes, findings = _up_to(largest), _up_to(largest // 10)
    yield Part("record", lambda size: lambda: recorded.__wrapped__(size), sizes)
    yield Part("redact, secrets known", _redacting, sizes, flat=True)
    for part in _HOSTILE:
        yield Part(f"redact, long {part[:12]}", partial(_hostile, part), _up_to(largest * 20))
    yield Part("save", lambda size: _saving(recorded(size)), sizes)
    yield Part("read", lambda size: _reading(recorded(size)), sizes)
    yield Part("write a HAR", lambda size: _har_writing(recorded(size)), sizes)
    yield Part("read a HAR", lambda size: _har_reading(folder, recorded(size)), _up_to(min(largest, 40_000)))
    yield Part("inspect", lambda size: _inspecting(recorded(size)), sizes)
    yield Part("send again", lambda size: _sending_again(recorded(size)), sizes)
    lines = cache(lambda: (history or _driven(folder)).read_text("utf-8").splitlines())
    yield Part("judge", lambda size: _judging(grown(lines(), size)), sizes)
    for name, render in RENDERED.items():
        yield Part(f"render {name}", partial(_rendering, render), findings)
    yield Part("read a report", lambda size: _report_reading(list(big(size).lines())), findings)


def _up_to(largest: int) -> tuple[int, int, int]:
    return largest // 16, largest // 4, largest


def _terminal(report: Any) -> None:
    print_report(report, Console(file=StringIO()))


RENDERED: dict[str, Callable[[Any], object]] = {
    "JSON": lambda report: list(report.lines()),
    "HTML": to_html,
    "Markdown": to_markdown,
    "JUnit": to_junit,
    "terminal": _terminal,
}


@cache
def recorded(size: int) -> tuple[History, Redactor]:
    """A record of so many exchanges, each of which hands out a token that the next one uses."""
    redactor = Redactor()
    context = Context(
        "growth", "2025-07", {"tuvens-api": {"url": "http://a", "api_url": "http://a", "kind": "local"}}, frozenset()
    )
    history = History(context)
    tokens = iter(secrets.token_hex(32) for _ in range(size))
    writer = HistoryWriter(
        history, redactor, secrets=lambda call, answer: [("session-token", json.loads(answer.body)["session_token"])]
    )
    before = "none"
    for number, token in enumerate(tokens):
        headers = (("Content-Type", "application/json"), ("X-Session-Token", before))
        writer.record(
            step=f"story_{number % 50}/step/{number % 7}",
            caller="hi.events",
            callee="tuvens-api",
            call=Call(
                "generateSession", "POST", f"/api/cross-app/generate-session?n={number}", headers, b'{"account_id":1}'
            ),
            url=f"http://a/api/cross-app/generate-session?n={number}",
            answer=Answer(
                200, headers[:1], json.dumps({"session_token": token, "title": "An evening of songs " * 20}).encode()
            ),
            outcome=Outcome.ANSWERED,
            started=1_800_000_000.0 + number,
            seconds=0.01,
        )
        before = token
    return history, redactor


def _redacting(size: int) -> Work:
    tokens = [secrets.token_hex(32) for _ in range(size)]
    redactor = Redactor(("session-token", each) for each in tokens)
    text = json.dumps({"session_token": tokens[0], "title": "An evening of songs " * 50})
    return lambda: [redactor.redact(text) for _ in range(100)]


def _hostile(part: str, length: int) -> Work:
    text = part * (length // len(part))
    redactor = Redactor([("session-token", secrets.token_hex(32))])
    return lambda: (redactor.redact(text), redact_named(text), sum(1 for _ in named_tokens(text)))


def _saving(record: tuple[History, Redactor]) -> Work:
    return lambda: sum(map(len, history_lines(*record)))


def _reading(record: tuple[History, Redactor]) -> Work:
    lines = list(history_lines(*record))
    return lambda: read_history(lines)


def _har_writing(record: tuple[History, Redactor]) -> Work:
    history, redactor = record
    return lambda: sum(map(len, to_har(history.context, history.entries, redactor)))


def _har_reading(folder: Path, record: tuple[History, Redactor]) -> Work:
    file = folder / "growth.har"
    history, redactor = record
    file.write_text("\n".join(to_har(history.context, history.entries, redactor)), "utf-8")
    known = described(None)
    known = replace(
        known, targets={"tuvens-api": replace(known.targets["tuvens-api"], url="http://a", api_url="http://a")}
    )
    return lambda: history_of(read_har(file), known)


def _inspecting(record: tuple[History, Redactor]) -> Work:
    source = HistorySource(*record)

    def look() -> None:
        pairing, seen, last = Pairing(), 0, source.kept[1]
        while seen < last:
            rows = source.rows(seen, 50)
            for each in rows:
                pairing.match(each)
                each.to_json()
            seen = rows[-1].number

    return look


def _sending_again(record: tuple[History, Redactor]) -> Work:
    history, _ = record

    def again() -> None:
        for each in list(history.exchanges()):
            history.supersede(each.number)
            history.earlier_tries(each)
            history.tries("story_1/step/1")[:1] if each.number % 1_000 == 0 else None

    return again


def _driven(folder: Path) -> Path:
    """The saved history of a run on simulators, one of which has a fault, so that something is violated."""
    command = [
        sys.executable,
        "-c",
        "from crossapp.cli import main; main()",
        "verify",
        "--quick",
        "--report",
        str(folder),
    ]
    command += ["--fault", "email-masked", "--without", "browser.*", "--without", "fuzzing.*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not (folder / "history.jsonl").exists():
        raise SystemExit(f"crossapp verify said: {done.stdout[-500:]}{done.stderr[-500:]}")
    return folder / "history.jsonl"


def grown(lines: Iterable[str], size: int) -> History:
    """A saved history, repeated until it has so many entries."""
    values = [json.loads(each) for each in lines]
    kinds = {False: [], True: []}  # type: dict[bool, list[dict[str, Any]]]
    for each in values:
        kinds[each["type"] in ("context", "story")].append(each)
    repeated = (
        {**kinds[False][number % len(kinds[False])], "number": number + 1}
        for number in range(max(size, len(kinds[False])))
    )
    return read_history(json.dumps(each) for each in (*kinds[True], *repeated))


def _judging(history: History) -> Work:
    run = Run(history, (), "2026-01-01T00:00:00Z", 1.0)
    return lambda: to_html(report_of(run, Settings()))


def _rendering(render: Callable[[Any], object], size: int) -> Work:
    report = big(size)
    return lambda: render(report)


def _report_reading(lines: list[str]) -> Work:
    return lambda: read_report(lines)


if __name__ == "__main__":
    typer.run(main)
