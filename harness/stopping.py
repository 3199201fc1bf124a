"""Stop signals of long-running commands: SIGINT, SIGTERM, closed standard input."""

import asyncio
import os
import signal
import threading


def stop_event(*, with_stdin: bool = False) -> asyncio.Event:
    """An event that is set at SIGINT (Ctrl-C) or SIGTERM, and with `with_stdin` also when standard input is closed, as
    it is when the parent process dies. It replaces the signals' other handlers. Call it from the main thread, in a
    running event loop."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if with_stdin:
        threading.Thread(target=_until_stdin_ends, args=(loop, over), daemon=True).start()
    return over


def _until_stdin_ends(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    try:
        while os.read(0, 65536):
            pass
    except OSError:
        pass
    loop.call_soon_threadsafe(over.set)
