"""`crossapp` with its arguments in the test's own process: to start a process takes longer than most commands do.

What concerns the process itself (signals, closed streams, a time-out for what may hang) is tested in one of its own.
"""

import contextlib
import gc
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

from crossapp.cli import main


def crossapp(
    *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Its exit code and what it wrote."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        _as_before(),
        contextlib.chdir(cwd or Path.cwd()),
        patch.dict(os.environ, environment or {}),
        patch.object(sys, "argv", ["crossapp", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int)
    said = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err) if isinstance(stream.buffer, io.BytesIO)]
    return subprocess.CompletedProcess(["crossapp", *arguments], code, *said)


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """`main` changes these for its process."""
    mask = os.umask(0o077)
    threshold, handler = gc.get_threshold(), signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        os.umask(mask)
        gc.set_threshold(*threshold)
        signal.signal(signal.SIGTERM, handler)
