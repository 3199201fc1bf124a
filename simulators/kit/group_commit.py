"""One commit for all requests served in one iteration of the event loop."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from simulators.kit.messages import Request
from simulators.kit.prepared import Prepared


class GroupCommit:
    """A transaction that requests share, for a SQLite file with one writer: a commit costs more than most requests.

    It begins with the first statement, and is committed when the event loop has run all that is ready. Then `settled`
    of each request that wrote is done, with an exception if the commit failed; the request is answered after that.
    Queued writes run right before the commit, those of one statement together.

    on_failure: called when a commit failed.
    """

    def __init__(self, cursor: Any, on_failure: Callable[[], None]) -> None:
        self.cursor = cursor
        self._on_failure = on_failure
        self.is_open = False
        self._waiting: list[Request] = []
        self._queued: dict[Prepared, list[Any]] = {}
        self._failure: Exception | None = None

    def begin(self) -> None:
        """Begin the transaction unless it is open. Reads begin it too: to lock the file for each would cost more."""
        if not self.is_open:
            self.cursor.execute("BEGIN IMMEDIATE")
            self.is_open = True
            asyncio.get_running_loop().call_soon(self.commit)

    def join(self, request: Request) -> None:
        """Make a request that writes wait for the commit."""
        self.begin()
        if request.settled is None or request.settled.done():
            # One future for each request: a cancelled request cancels the future that it waits for.
            request.settled = asyncio.get_running_loop().create_future()
            self._waiting.append(request)

    def queue(self, request: Request, statement: Prepared, parameters: Any) -> None:
        """Queue a write. It runs before the commit, or earlier before a statement that could read it."""
        self.join(request)
        self._queued.setdefault(statement, []).append(parameters)

    def run_queued_before(self, statement: Prepared) -> None:
        """Run the queue if the statement could read what it writes."""
        if self._queued and statement.shares_a_table(self._queued):
            self.run_queued()

    def run_queued(self) -> None:
        """Run the queue. Raises the exception by which it fails, or has failed in this transaction."""
        if self._failure is not None:
            raise self._failure
        queued, self._queued = self._queued, {}
        try:
            for statement, rows in queued.items():
                self.cursor.executemany(statement.sql, rows)
        except Exception as error:
            # The queue holds writes of several requests; none of them may succeed.
            self._failure = error
            raise

    def commit(self) -> None:
        """Commit, and settle the requests that wait."""
        if not self.is_open:
            return
        started = time.perf_counter()
        failure: Exception | None = None
        self.is_open = False
        waiting, self._waiting = self._waiting, []
        try:
            self.run_queued()
            self.cursor.execute("COMMIT")
        except Exception as error:
            failure = error
            self._failure = None
            self._queued = {}
            with contextlib.suppress(Exception):
                self.cursor.execute("ROLLBACK")
            self._on_failure()
        seconds = time.perf_counter() - started
        for request in waiting:
            request.database_seconds += seconds
            if request.settled is None or request.settled.done():
                continue
            if failure is None:
                request.settled.set_result(None)
            else:
                request.settled.set_exception(failure)
