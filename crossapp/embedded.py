"""The embedded simulators: a child process that ends when we do."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

_START_SECONDS = 60.0


class EmbeddedError(RuntimeError):
    """The simulators did not start; the text says what they said."""


@contextmanager
def embedded(arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Start `crossapp up` with further arguments; yields the deployment description that it prints.

    Raises EmbeddedError where it does not start within 60 s. The child is stopped when the block is left, and stops
    by itself when this process dies.
    """
    command = [sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", *arguments]
    # A file, for a pipe that nobody reads would stop a child that has much to say.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        with child:
            try:
                yield _description(child, errors)
            finally:
                _stop(child)


def _description(child: subprocess.Popen[str], errors: IO[str]) -> dict[str, Any]:
    assert child.stdout is not None
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        readable, _, _ = select.select([child.stdout], [], [], 0.2)
        if readable:
            line = child.stdout.readline()
            if line.strip():
                value = json.loads(line)
                assert isinstance(value, dict)
                return value
        if child.poll() is not None:
            break
    _stop(child)
    errors.seek(0)
    said = errors.read().strip()[-2_000:]
    raise EmbeddedError(said or f"the simulators did not start within {_START_SECONDS:g} s")


def _stop(child: subprocess.Popen[str]) -> None:
    if child.stdin is not None and not child.stdin.closed:
        child.stdin.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
