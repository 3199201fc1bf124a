"""Further processes of tuvens-api, which share its port and a PostgreSQL database."""

import asyncio
import base64
import contextlib
import pickle
import sys
from collections.abc import Sequence
from dataclasses import replace

from harness.collector import starting
from harness.loop import loop_factory
from harness.server import ServeError, Server, listen
from harness.stopping import stop_event
from simulators.kit.errors import StartError
from simulators.tuvens_api.config import TuvensApiConfig

_READY = b"ready\n"
_SOON = 5.0


class Workers:
    """The worker processes. `config` is that of this process, which has created the database."""

    def __init__(self, config: TuvensApiConfig, host: str, port: int) -> None:
        self._config = config
        self._host = host
        self._port = port
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        """Start the workers; returns once all accept requests. Raises StartError if one does not start."""
        for worker in range(2, self._config.workers + 1):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            self._processes.append(process)
            assert process.stdin is not None
            # Through the pipe, because it has secrets. The pipe stays open: a worker stops at its end.
            mine = (replace(self._config, worker=worker), self._host, self._port)
            process.stdin.write(base64.b64encode(pickle.dumps(mine)) + b"\n")
        for worker, process in enumerate(self._processes, 2):
            assert process.stdout is not None
            if await process.stdout.readline() != _READY:
                raise StartError(f"worker {worker} of tuvens-api did not start; see what it said")

    async def watch(self) -> None:
        """Wait for ever. Raises StartError when a worker ends."""
        if not self._processes:
            await asyncio.Event().wait()
        ends = {asyncio.create_task(each.wait()): number for number, each in enumerate(self._processes, 2)}
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in ends:
                each.cancel()
        numbers = ", ".join(str(ends[each]) for each in done)
        raise StartError(f"worker {numbers} of tuvens-api ended by itself; the others are stopped")

    async def stop(self) -> None:
        """Stop the workers."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process in self._processes:
            try:
                await asyncio.wait_for(process.wait(), _SOON)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        self._processes.clear()


def check(workers: int, only: Sequence[str], faults: Sequence[str], database: str | None) -> None:
    """Raise StartError if several processes are not possible with these options."""
    if workers < 1:
        raise StartError("--workers: expected a number from 1")
    if workers == 1:
        return
    if tuple(only) != ("tuvens-api",):
        raise StartError("--workers: only tuvens-api is served by several processes; add --only tuvens-api")
    if database is None or not database.startswith("postgresql"):
        raise StartError(
            f"--workers {workers}: the processes share their state in PostgreSQL; name a database such as "
            "--database postgresql+psycopg://user@127.0.0.1/name"
        )
    if faults:
        raise StartError(f"--workers: the fault {faults[0]} strikes in one process; start without --workers for it")


async def _serve(config: TuvensApiConfig, host: str, port: int) -> None:
    over = stop_event(with_stdin=True)
    with starting():
        from simulators.tuvens_api.app import create

        server = Server(create(config).app, lifespan="on", timeout_keep_alive=30)
        serving = await server.start(listen(port, host, shared=True))
    sys.stdout.buffer.write(_READY)
    sys.stdout.buffer.flush()
    await over.wait()
    server.should_exit = True
    await serving


def main() -> None:
    """Run one worker. Its settings are the first line of standard input; it stops at the end of standard input."""
    # Unbuffered, to read no more than the line: the end of standard input is waited for later.
    with open(0, "rb", buffering=0, closefd=False) as given:
        config, host, port = pickle.loads(base64.b64decode(given.readline()))
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(config, host, port))
    except (ServeError, StartError) as error:
        sys.stderr.write(f"crossapp up: worker {config.worker}: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
