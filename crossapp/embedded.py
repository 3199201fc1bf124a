"""The embedded simulators, in a child process."""

import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

import simulators
from harness.child_environment import child_environment

_START_SECONDS = 60.0


class EmbeddedError(RuntimeError):
    """The simulators did not start; the text is what they printed."""


@contextmanager
def embedded(arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Run `crossapp up` with further arguments inside the block; yields the deployment description that it prints.

    The child stops by itself when this process dies. Raises EmbeddedError if it does not start within 60 s.
    """
    command = [sys.executable, "-m", simulators.__name__, "--json", "--exit-with-stdin", *arguments]
    # A file: a child that writes much to a pipe that nobody reads would block.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=child_environment(environment),
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
    raise EmbeddedError(
        said.removeprefix("crossapp up: ") or f"the simulators did not start within {_START_SECONDS:g} s"
    )


def _stop(child: subprocess.Popen[str]) -> None:
    if child.stdin is not None and not child.stdin.closed:
        child.stdin.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
