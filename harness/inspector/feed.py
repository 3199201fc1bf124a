"""The live feed of rows, as server-sent events with a cursor."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from harness.inspector.pairing import Pairing
from harness.inspector.row import ExchangeRow, RowSource

AT_ONCE = 500
_LOOK = 0.1
_PING = 10.0


class FeedEvent(NamedTuple):
    """One event of a feed; without a name it is a sign of life. cursor: from where to continue, empty if unchanged."""

    name: str
    value: Mapping[str, Any]
    cursor: str = ""

    def encode(self) -> bytes:
        """As a server-sent event, or a comment."""
        if not self.name:
            return b": nothing new\n\n"
        data = json.dumps(self.value, separators=(",", ":"))
        mark = f"id: {self.cursor}\n" if self.cursor else ""
        return f"event: {self.name}\n{mark}data: {data}\n\n".encode()


class Feed:
    """New rows of all sources, for any number of readers. Each reader polls the sources ten times a second.

    An exchange is recorded by its caller and its callee: the later row names the earlier one in `of`.

    Events: `start` (`fresh`: the reader's cursor is of another process), `rows` (`rows`; `kept`: the first number that
    is still kept, by app; the id of the event is the cursor), `skipped` (`count` rows that the reader left out),
    `messages` (`messages`, sent on event streams of `app`), `whole` (all rows so far have been sent).
    """

    def __init__(self, sources: Callable[[], Sequence[RowSource]]) -> None:
        self._sources = sources
        self._instance = secrets.token_hex(4)
        self._closed = False

    def close(self) -> None:
        """End all streams within 0.1 s."""
        self._closed = True

    async def stream(self, cursor: str = "") -> AsyncIterator[bytes]:
        """The events after a cursor as server-sent events; from the beginning if it is empty or of another process."""
        async for event in self.events(cursor):
            yield event.encode()

    async def events(self, cursor: str = "", *, most: int | None = None) -> AsyncIterator[FeedEvent]:
        """The events after a cursor. `most`: of the rows that a source has at one time only so many, the last, are
        read, since reading takes time from those who are served."""
        after = self._read(cursor)
        yield FeedEvent("start", {"instance": self._instance, "fresh": after is None})
        sent = dict(after or {})
        pairing = Pairing()
        # Rows sent before are read again, since the second row of their exchange may still come.
        seen: dict[str, int] = {}
        kept: dict[str, int] = {}
        told: dict[str, int] = {}
        quiet = 0.0
        whole = False
        while not self._closed:
            sent_any = False
            for source in self._sources():
                first, last = source.kept
                skipped = 0 if most is None else last - most - max(seen.get(source.app, 0), first - 1)
                if skipped > 0:
                    seen[source.app] = last - (most or 0)
                    yield FeedEvent("skipped", {"app": source.app, "count": skipped})
                while seen.get(source.app, 0) < last and not self._closed:
                    rows = source.rows(seen.get(source.app, 0), AT_ONCE)
                    fresh = [
                        _said(row, other)
                        for row in rows
                        for other in [pairing.match(row)]
                        if row.number > sent.get(source.app, 0)
                    ]
                    seen[source.app] = rows[-1].number if len(rows) == AT_ONCE else last
                    sent[source.app] = max(sent.get(source.app, 0), seen[source.app])
                    if fresh:
                        kept[source.app] = first
                        yield FeedEvent("rows", {"rows": fresh, "kept": kept}, self._write(sent))
                        sent_any = True
                    await asyncio.sleep(0)
                if kept.get(source.app) != first:
                    kept[source.app] = first
                    yield FeedEvent("rows", {"rows": [], "kept": kept}, self._write(sent))
                    sent_any = True
                messages = source.messages(told.get(source.app, 0))
                if messages:
                    told[source.app] = messages[-1].number
                    yield FeedEvent("messages", {"app": source.app, "messages": [each._asdict() for each in messages]})
                    sent_any = True
            if not whole:
                whole = True
                yield FeedEvent("whole", {})
            quiet = 0.0 if sent_any else quiet + _LOOK
            if quiet >= _PING:
                quiet = 0.0
                yield FeedEvent("", {})
            await asyncio.sleep(_LOOK)

    def _write(self, sent: Mapping[str, int]) -> str:
        return self._instance + "".join(f"!{app}={number}" for app, number in sorted(sent.items()))

    def _read(self, cursor: str) -> dict[str, int] | None:
        """The last number by app; None for an invalid cursor or one of another process."""
        instance, *parts = cursor.split("!")
        if instance != self._instance:
            return None
        found = {}
        for part in parts:
            app, _, number = part.rpartition("=")
            if not app or not number.isascii() or not number.isdecimal() or len(number) > 15:
                return None
            found[app] = int(number)
        return found


def _said(row: ExchangeRow, other: ExchangeRow | None) -> dict[str, Any]:
    value = row.to_json()
    return value if other is None else {**value, "of": {"app": other.app, "number": other.number}}
