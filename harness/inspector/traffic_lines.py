"""The traffic of a feed as lines for a terminal: one for each exchange and each message of an event stream."""

import json
import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

_CALLER = 13
_OPERATION = 26
_BROWSER = "Mozilla"
_INDENT = " " * 9
_HELD_SECONDS = 1.0
_COLOURS = {"good": "", "refused": "\033[33m", "failed": "\033[31m"}
_PLAIN = "\033[0m"

Row = Mapping[str, Any]


def shows_colours() -> bool:
    """Whether standard output is a terminal whose user wants colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class TrafficLine(NamedTuple):
    """One line: what comes before the status, the status, what follows, and further facts (`#3` is the number of a
    webhook delivery). `tone`: good, refused or failed. `begun`: Unix seconds."""

    begun: float
    head: str
    status: str
    tail: str
    marks: str
    tone: str

    def text(self, columns: int | None = None, *, colour: bool = False) -> str:
        """The line; facts that do not fit into so many columns follow on an indented line."""
        status = f"{_COLOURS[self.tone]}{self.status}{_PLAIN}" if colour and self.tone != "good" else self.status
        line = f"{self.head} {status} {self.tail}".rstrip()
        length = len(f"{self.head} {self.status} {self.tail}".rstrip())
        if not self.marks:
            return line
        fits = columns is None or length + 2 + len(self.marks) <= columns
        return f"{line}  {self.marks}" if fits else f"{line}\n{_INDENT}{self.marks}"


class TrafficLines:
    """Makes lines of the events of a feed (see `Feed`). `apps`: the applications that record their own calls.

    A call between two of them is recorded twice, by the callee first, and becomes one line: the callee's record waits
    for the caller's.
    """

    def __init__(self, apps: Collection[str]) -> None:
        self._apps = frozenset(apps)
        self._held: dict[tuple[str, int], Row] = {}

    def read(self, name: str, value: Mapping[str, Any]) -> list[TrafficLine]:
        """The lines of one event."""
        overdue = self._overdue()
        match name:
            case "rows":
                made = [line for row in value["rows"] for line in self._exchange(row)]
            case "messages":
                made = [_message(value["app"], each) for each in value["messages"]]
            case "skipped":
                left_out = f"{value['count']} more requests at {value['app']}: too many to print"
                made = [TrafficLine(time.time(), _INDENT + left_out, "", "", "", "good")]
            case _:
                made = []
        return [*overdue, *made]

    def _exchange(self, row: Row) -> list[TrafficLine]:
        other = row.get("of")
        if row["direction"] == "in":
            if other is not None:  # the caller gave up before, and its line is there
                return []
            if row["caller"] in self._apps:
                self._held[row["app"], row["number"]] = row
                return []
            return [_exchange(row)]
        callee = None if other is None else self._held.pop((other["app"], other["number"]), None)
        return [_exchange(row, callee)]

    def _overdue(self) -> list[TrafficLine]:
        """Lines of calls in the name of an application that it did not record: somebody used its name."""
        until = time.time() - _HELD_SECONDS
        late = [key for key, row in self._held.items() if row["begun"] + row["ms"] / 1000 < until]
        return [_exchange(self._held.pop(key)) for key in late]


def _exchange(row: Row, callee: Row | None = None) -> TrafficLine:
    """The line of an exchange, from its caller's record and its callee's where there are two."""
    status = row.get("status")
    operation = row.get("operation") or (callee or {}).get("operation") or f"{row['method']} {row['target']}"
    tone = "failed" if status is None or status >= 500 else "refused" if status >= 400 else "good"
    head = _head(row["begun"], row["caller"], row["callee"], operation)
    duration, marks = _duration(row["ms"]), _marks(row, callee or {})
    return TrafficLine(row["begun"], head, str(status or "---"), duration, marks, tone)


def _marks(row: Row, callee: Row) -> str:
    marks = []
    webhook = row.get("webhook") or callee.get("webhook")
    if webhook:
        attempt = " replayed" if webhook["replay"] else f" attempt {webhook['attempt']}"
        # The first attempt has a short mark, so that its line fits into 80 columns.
        marks.append(f"#{webhook['delivery']}{'' if attempt == ' attempt 1' else attempt}")
    if False in (row.get("signature_valid"), callee.get("signature_valid")):
        marks.append("wrong signature")
    faults = dict.fromkeys([*row.get("faults", ()), *callee.get("faults", ())])
    if faults:
        marks.append(f"fault: {', '.join(faults)}")
    elif row.get("problems") or callee.get("problems"):
        marks.append("violates the contract")
    if row.get("error"):
        marks.append(row["error"])
    return _printable("; ".join(marks))


def _message(app: str, message: Row) -> TrafficLine:
    listeners = message["listeners"]
    to = "1 listener" if listeners == 1 else f"{listeners} listeners"
    head = _head(message["at"], app, to, _named(message["data"]))
    return TrafficLine(message["at"], head, "", "", "", "good")


def _named(data: str) -> str:
    """A message by its values in short: `ticketing_status_changed 11 active`."""
    try:
        value = json.loads(data)
    except ValueError:
        return data
    if not isinstance(value, dict):
        return data
    return " ".join(str(each) for name, each in value.items() if name != "timestamp")


def _head(begun: float, caller: str, callee: str, what: str) -> str:
    caller = "browser" if caller == _BROWSER else caller
    caller = caller if len(caller) <= _CALLER else caller[: _CALLER - 1] + "…"
    moment = time.strftime("%H:%M:%S", time.localtime(begun))
    return _printable(f"{moment} {f'{caller} → {callee}':<26} {_cut(what):<{_OPERATION}}")


def _cut(what: str) -> str:
    most = _OPERATION + 12
    return what if len(what) <= most else what[: most - 1] + "…"


def _duration(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _printable(text: str) -> str:
    """Without control characters, which could move a terminal's cursor."""
    return "".join(each if each.isprintable() else "?" for each in text)


def shown(lines: Sequence[TrafficLine], columns: int | None, *, colour: bool) -> str:
    """Lines as they are printed, each ended by a line feed."""
    return "".join(each.text(columns, colour=colour) + "\n" for each in lines)
