"""A history as JSON lines: its saved form, written and read."""

import base64
import json
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from harness.history import Context, Entry, Exchange, History, Observation, StoryOutcome, StreamEvent
from harness.redact import Redactor
from harness.report import json_line
from harness.typed import read_lines, typed

FORMAT = 1


class HistoryError(ValueError):
    """A saved history that cannot be read; the text names the line."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended. `lines` are its saved history; `history` was read from them, so that a run is judged by
    exactly what can be judged again later. `started` is ISO 8601 UTC, `seconds` its duration."""

    history: History
    lines: tuple[str, ...]
    started: str
    seconds: float

    @classmethod
    def of(cls, history: History, redactor: Redactor, began: float) -> "Run":
        """A run that ends now and began at `began` of time.monotonic."""
        seconds = time.monotonic() - began
        started = datetime.now(UTC) - timedelta(seconds=seconds)
        lines = tuple(history_lines(history, redactor))
        return cls(read_history(lines), lines, f"{started:%Y-%m-%dT%H:%M:%SZ}", seconds)


def history_lines(history: History, redactor: Redactor) -> Iterator[str]:
    """The lines of a history, redacted once more: a secret may have become known after it was recorded."""
    context = {**asdict(history.context), "capabilities": sorted(history.context.capabilities)}
    yield json_line({"type": "context", "format": FORMAT, **redactor.redact_fields(context)})
    yield from entry_lines(history.entries, redactor)
    yield from story_lines(history.stories.values(), redactor)


def entry_lines(entries: Iterable[Entry], redactor: Redactor) -> Iterator[str]:
    """The lines of entries."""
    for each in entries:
        yield json_line(_entry_to_json(each, redactor))


def story_lines(outcomes: Iterable[StoryOutcome], redactor: Redactor) -> Iterator[str]:
    """The lines of how stories ended."""
    for each in outcomes:
        yield json_line({"type": "story", **redactor.redact_fields(asdict(each))})


_KINDS = {
    "context": Context,
    "exchange": Exchange,
    "stream_event": StreamEvent,
    "observation": Observation,
    "story": StoryOutcome,
}


def open_history(path: Path) -> tuple[History, bool]:
    """Read a saved history, and whether its last line is cut off, as after a full disk: that line is left out. Raises
    OSError, UnicodeDecodeError and HistoryError."""
    cut_off = False

    def lines(file: BinaryIO) -> Iterator[str]:
        nonlocal cut_off
        for number, line in enumerate(file):
            cut_off = number > 0 and not line.endswith(b"\n") and not _is_json(line)
            if not cut_off:
                yield line.decode("utf-8" if number else "utf-8-sig")  # some editors write a byte order mark

    with path.open("rb") as file:
        return read_history(lines(file)), cut_off


def saved_entries(path: Path, again: Collection[int]) -> Iterator[Entry]:
    """The entries of a saved history, one at a time. Those that are in it twice have the numbers `again`: they come at
    the end, as their later lines have them. Raises OSError and HistoryError."""
    same: dict[Any, Any] = {}
    later: dict[int, Entry] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            each = _read(json.loads(line), same)
            if not isinstance(each, Entry):
                continue
            if each.number in again:
                later[each.number] = each
            else:
                yield each
    yield from later.values()


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_history(lines: Iterable[str]) -> History:
    """Read JSON lines back; of an entry that is in them twice, the later line counts. Raises HistoryError."""
    same: dict[Any, Any] = {}
    found = read_lines(lines, lambda value: _read(value, same), "a crossapp history", HistoryError)
    context = next((each for each in found if isinstance(each, Context)), None)
    if context is None:
        raise HistoryError("no context line: this is not a crossapp history, or it is empty")
    entries = {each.number: each for each in found if isinstance(each, Entry)}
    return History(context, entries.values(), [each for each in found if isinstance(each, StoryOutcome)])


def _read(value: Any, same: dict[Any, Any]) -> object:
    kind = value.pop("type")
    if kind not in _KINDS:
        raise HistoryError(f"unknown type {kind!r}")
    if kind == "context" and value.pop("format") != FORMAT:
        raise HistoryError(f"the format is not {FORMAT}, which this version reads")
    if kind == "exchange":
        for body in ("request_body", "response_body"):
            value[body] = _body_from_json(value[body])
    read: object = typed(_KINDS[kind], value, exact=True)
    if isinstance(read, Exchange):
        return _with_shared_texts(read, same)
    if isinstance(read, Context):
        for app, target in read.targets.items():
            if not {"url", "kind"} <= target.keys():
                raise HistoryError(f"targets.{app}: has no 'url' or no 'kind'")
    return read


def _with_shared_texts(exchange: Exchange, same: dict[Any, Any]) -> Exchange:
    """The exchange with what it has in common with others kept once: headers are half of a record in memory."""

    def once(value: Any) -> Any:
        return same.setdefault(value, value)

    return replace(
        exchange,
        step=once(exchange.step),
        url=once(exchange.url),
        request_headers=once(tuple(map(once, exchange.request_headers))),
        response_headers=once(tuple(map(once, exchange.response_headers))),
    )


def _entry_to_json(entry: Entry, redactor: Redactor) -> dict[str, Any]:
    value = redactor.redact_fields({name: getattr(entry, name) for name in entry.__dataclass_fields__})
    match entry:
        case Exchange():
            value["request_body"] = _body_to_json(value["request_body"])
            value["response_body"] = _body_to_json(value["response_body"])
            return {"type": "exchange", **value}
        case StreamEvent():
            return {"type": "stream_event", **value}
        case Observation():
            return {"type": "observation", **value}


def _body_to_json(body: bytes) -> str | dict[str, str]:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _body_from_json(value: Any) -> bytes:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else str(value).encode("utf-8")
