"""One commit for all requests that are served in one turn of the event loop."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from simulators.kit.messages import Request
from simulators.kit.prepared import Prepared


class GroupCommit:
    """The transaction that requests share in a SQLite file that nobody else writes: a commit costs more than most
    requests write.

    It begins with the first statement of a turn and is committed when all that can run in this turn has run. The
    `settled` of each request that wrote is done then, with the exception of a commit that failed: a request is
    answered after that. Statements may be queued until the commit; those of one kind then run together. `on_failure` is
    called when a commit has failed.
    """

    def __init__(self, cursor: Any, on_failure: Callable[[], None]) -> None:
        self.cursor = cursor
        self._on_failure = on_failure
        self.is_open = False
        self._waiting: list[Request] = []
        self._queued: dict[Prepared, list[Any]] = {}
        self._failure: Exception | None = None

    def begin(self) -> None:
        """Begin the transaction, unless it has begun. Also for reading: to lock the file for each statement costs more
        than most statements."""
        if not self.is_open:
            self.cursor.execute("BEGIN IMMEDIATE")
            self.is_open = True
            asyncio.get_running_loop().call_soon(self.commit)

    def join(self, request: Request) -> None:
        """Have a request that writes wait for the commit."""
        self.begin()
        if request.settled is None or request.settled.done():
            # One for each: a request that is cancelled cancels what it waits for.
            request.settled = asyncio.get_running_loop().create_future()
            self._waiting.append(request)

    def queue(self, request: Request, statement: Prepared, parameters: Any) -> None:
        """Run a request's statement before the commit, or before one that might see what it writes."""
        self.join(request)
        self._queued.setdefault(statement, []).append(parameters)

    def run_queued_before(self, statement: Prepared) -> None:
        """Run what is queued if another statement might see what it writes."""
        if self._queued and statement.shares_a_table(self._queued):
            self.run_queued()

    def run_queued(self) -> None:
        """Run what is queued. Raises what this failed by, now or before in this transaction."""
        if self._failure is not None:
            raise self._failure
        queued, self._queued = self._queued, {}
        try:
            for statement, rows in queued.items():
                self.cursor.executemany(statement.sql, rows)
        except Exception as error:
            # They are of several requests: none of them may be settled as if its own was kept.
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
