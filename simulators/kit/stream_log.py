"""The last messages that a simulator sent on its event stream."""

import time
from collections import deque
from collections.abc import Sequence

from harness.inspector.row import StreamMessage

_KEPT = 1_000


class StreamLog:
    """The last 1,000 messages."""

    def __init__(self) -> None:
        self._last = 0
        self._ring: deque[tuple[int, float, int, bytes]] = deque(maxlen=_KEPT)

    def record(self, chunk: bytes, listeners: int) -> None:
        """Keep a message as it was sent to so many streams. Comments, such as heartbeats, are no messages."""
        if not chunk.startswith(b":"):
            self._last += 1
            self._ring.append((self._last, time.time(), listeners, chunk))

    def after(self, number: int) -> Sequence[StreamMessage]:
        """The kept messages with a number above this one."""
        if number >= self._last:
            return ()
        return [StreamMessage(each, at, to, _data(chunk)) for each, at, to, chunk in self._ring if each > number]

    def clear(self) -> None:
        """Remove all messages; numbering continues."""
        self._ring.clear()


def _data(chunk: bytes) -> str:
    lines = chunk.decode("utf-8", "replace").splitlines()
    return "\n".join(line[5:].removeprefix(" ") for line in lines if line.startswith("data:"))
