"""A history as JSON lines: its saved form, written and read."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from harness.history import Context, Entry, Exchange, History, Observation, StoryOutcome, StreamEvent
from harness.redact import Redactor
from harness.report import json_line
from harness.typed import typed

FORMAT = 1


class HistoryError(ValueError):
    """A saved history that cannot be read; the text names the line."""


def history_lines(history: History, redactor: Redactor) -> Iterator[str]:
    """The lines of a history, redacted once more: a secret may have become known after it was recorded."""
    context = {**asdict(history.context), "capabilities": sorted(history.context.capabilities)}
    yield json_line({"type": "context", "format": FORMAT, **redactor.redact_fields(context)})
    yield from entry_lines(history.entries, redactor)
    for outcome in history.stories.values():
        yield json_line({"type": "story", **redactor.redact_fields(asdict(outcome))})


def entry_lines(entries: Iterable[Entry], redactor: Redactor) -> Iterator[str]:
    """The lines of entries."""
    for each in entries:
        yield json_line(_entry_to_json(each, redactor))


_KINDS = {
    "context": Context,
    "exchange": Exchange,
    "stream_event": StreamEvent,
    "observation": Observation,
    "story": StoryOutcome,
}


def read_history(lines: Iterable[str]) -> History:
    """Read JSON lines back. Raises HistoryError."""
    found: list[Any] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(_read(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HistoryError(f"line {number}: not a line of a crossapp history ({error})") from None
    context = next((each for each in found if isinstance(each, Context)), None)
    if context is None:
        raise HistoryError("no context line: this is not a crossapp history, or it is empty")
    entries = [each for each in found if isinstance(each, Entry)]
    return History(context, entries, [each for each in found if isinstance(each, StoryOutcome)])


def _read(value: Any) -> object:
    kind = value.pop("type")
    if kind not in _KINDS:
        raise HistoryError(f"unknown type {kind!r}")
    if kind == "context" and value.pop("format") != FORMAT:
        raise HistoryError(f"the format is not {FORMAT}, which this version reads")
    if kind == "exchange":
        for body in ("request_body", "response_body"):
            value[body] = _body_from_json(value[body])
    read: object = typed(_KINDS[kind], value, exact=True)
    if isinstance(read, Context):
        for app, target in read.targets.items():
            if not {"url", "kind"} <= target.keys():
                raise HistoryError(f"targets.{app}: has no 'url' or no 'kind'")
    return read


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
