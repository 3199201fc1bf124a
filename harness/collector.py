"""Keeps the garbage collector from pausing a process that serves or measures."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def starting() -> Iterator[None]:
    """Excludes the objects created in the block from garbage collection, for as long as the process lives.

    A full collection visits every object and pauses everything else. In a simulator with 100 concurrent requests, the
    70,000 objects created at start made each collection 46 ms longer, once a second.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
