"""A history as JSON lines: its saved form, written and read."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from harness.history import Context, Entry, Exchange, History, Observation, Outcome, StoryOutcome, StreamEvent
from harness.http import Headers
from harness.redact import Redactor
from harness.report import json_line

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


def read_history(lines: Iterable[str]) -> History:
    """Read JSON lines back. Raises HistoryError."""
    context: Context | None = None
    entries: list[Entry] = []
    stories: list[StoryOutcome] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            kind = value.pop("type")
            if kind == "context":
                if value.pop("format") != FORMAT:
                    raise HistoryError(f"the format is not {FORMAT}, which this version reads")
                context = _context(value)
            elif kind == "exchange":
                entries.append(_exchange(value))
            elif kind == "stream_event":
                value["lines"] = tuple(map(str, value["lines"]))
                _of(value["step"], str, "step")
                entries.append(StreamEvent(**value))
            elif kind == "observation":
                _of(value["values"], dict, "values")
                entries.append(Observation(**value))
            elif kind == "story":
                stories.append(StoryOutcome(**value))
            else:
                raise HistoryError(f"unknown type {kind!r}")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HistoryError(f"line {number}: not a line of a crossapp history ({error})") from None
    if context is None:
        raise HistoryError("no context line: this is not a crossapp history, or it is empty")
    return History(context, entries, stories)


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


def _headers(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _context(value: dict[str, Any]) -> Context:
    for app, target in _of(value["targets"], dict, "targets").items():
        for name in ("url", "kind"):
            _of(_of(target, dict, f"targets.{app}")[name], str, f"targets.{app}.{name}")
    _of(value["settings"], dict, "settings")
    return Context(**{**value, "capabilities": frozenset(map(str, value["capabilities"]))})


def _exchange(value: dict[str, Any]) -> Exchange:
    for name in ("step", "caller", "callee", "operation", "method", "url"):
        _of(value[name], str, name)
    for name in ("started", "seconds"):
        _of(value[name], (int, float), name)
    _of(value["number"], int, "number")
    _of(value["status"], (int, type(None)), "status")
    _of(value["facts"], dict, "facts")
    value["request_body"] = _body_from_json(value["request_body"])
    value["response_body"] = _body_from_json(value["response_body"])
    value["request_headers"] = _headers(value["request_headers"])
    value["response_headers"] = _headers(value["response_headers"])
    value["outcome"] = Outcome(value["outcome"])
    return Exchange(**value)


def _of(value: Any, kind: type | tuple[type, ...], name: str) -> Any:
    if not isinstance(value, kind):
        raise HistoryError(f"{name} is of the wrong type")
    return value
