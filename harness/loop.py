"""The event loop that is quickest here."""

from typing import Any


def loop_factory() -> Any:
    """The factory of uvloop's event loops; None, for asyncio's own, where it is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
