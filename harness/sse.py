"""Server-sent events, read from bytes as they arrive.

Lines and fields are parsed as the HTML standard says, section "Interpreting an event stream"
(https://html.spec.whatwg.org/multipage/server-sent-events.html). Comments and the lines as sent are kept as well.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST_LINE = 65_536
LONGEST_EVENT = 2 * 1024 * 1024


class StreamTooLongError(ValueError):
    """A line or an event of the stream exceeds its limit; the text says which."""


@dataclass(frozen=True, slots=True)
class SseMessage:
    """An event or a comment (`kind`: event, comment).

    `event` is the name as sent, empty for an unnamed event; `id` the last id sent so far, also by earlier events.
    `lines` are the lines as sent, without their ends: an event's includes the empty line that ends it.
    """

    kind: str
    data: str
    event: str = ""
    id: str = ""
    lines: tuple[str, ...] = ()


class SseReader:
    """Parses one stream. `longest_event`: characters of an event's lines."""

    def __init__(self, longest_event: int = LONGEST_EVENT) -> None:
        self._longest_event = longest_event
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._after_cr = False
        self._lines: list[str] = []
        self._size = 0
        self._last_id = ""

    def read(self, chunk: bytes) -> Iterator[SseMessage]:
        """The messages that a chunk completes. Raises StreamTooLongError."""
        for line in self._complete_lines(chunk):
            if line.startswith(":"):
                yield SseMessage("comment", line[1:].strip(), lines=(line,))
                continue
            self._lines.append(line)
            self._size += len(line) + 1
            if self._size > self._longest_event:
                raise StreamTooLongError(f"an event of the stream is longer than {self._longest_event} characters")
            if not line:
                event = self._event(tuple(self._lines))
                self._lines, self._size = [], 0
                if event is not None:
                    yield event
        if len(self._rest) > LONGEST_LINE:
            raise StreamTooLongError(f"a line of the stream is longer than {LONGEST_LINE} characters")

    def _complete_lines(self, chunk: bytes) -> list[str]:
        """The lines that end in this chunk: by CR LF, LF or CR, a CR as soon as it is seen."""
        text = self._decoder.decode(chunk)
        if self._after_cr and text:
            text = text.removeprefix("\n")
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, self._rest = (self._rest + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        return lines

    def _event(self, lines: tuple[str, ...]) -> SseMessage | None:
        """The event of its lines; None if it has no data, which browsers do not dispatch."""
        name, data = "", []
        for line in lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "data":
                data.append(value)
            elif field == "event":
                name = value
            elif field == "id" and "\0" not in value:
                self._last_id = value
        return SseMessage("event", "\n".join(data), name, self._last_id, lines) if data else None


def messages(chunks: Iterable[bytes]) -> Iterator[SseMessage]:
    """The messages of a stream. Raises StreamTooLongError."""
    reader = SseReader()
    for chunk in chunks:
        yield from reader.read(chunk)
