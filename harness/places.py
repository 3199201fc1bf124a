"""Places for stories that run side by side: one that waits lends its place to another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar


class Places:
    """So many places as `count`. Who comes back to a lent place does not wait; the next that becomes free is taken
    away for it."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._owed = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A place inside the block, waited for."""
        await self._free.acquire()
        place = _Place(self)
        before = _own.set(place)
        try:
            yield
        finally:
            _own.reset(before)
            place.give()

    def give(self) -> None:
        """Give a place back."""
        if self._owed:
            self._owed -= 1
        else:
            self._free.release()

    def come_back(self) -> None:
        """Take a place at once, even if none is free."""
        self._owed += 1


class _Place:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._held = True

    def give(self) -> None:
        if self._held:
            self._held = False
            self._places.give()

    @contextmanager
    def lent(self) -> Iterator[None]:
        if not self._held:
            yield  # another task of the same story waits, too
            return
        self.give()
        try:
            yield
        finally:
            self._held = True
            self._places.come_back()


_own: ContextVar[_Place | None] = ContextVar("_own", default=None)


@contextmanager
def place_lent() -> Iterator[None]:
    """A block in which this story waits, if it has a place: another one may begin meanwhile."""
    place = _own.get()
    if place is None:
        yield
    else:
        with place.lent():
            yield
