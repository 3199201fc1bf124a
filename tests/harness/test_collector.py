"""The garbage collector is out of the way of what a process serves."""

import gc
import weakref

import pytest

from harness.collector import starting


class Node:
    """Refers to itself: only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_start_makes_is_not_searched_and_what_comes_after_is() -> None:
    frozen = gc.get_freeze_count()
    try:
        with starting():
            assert not gc.isenabled()
            early = weakref.ref(Node())
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
        late = weakref.ref(Node())
        gc.collect()
        assert (early() is None, late() is None) == (False, True)
    finally:
        gc.unfreeze()


def test_a_start_that_fails_leaves_the_collector_on() -> None:
    try:
        with pytest.raises(OSError, match="no port"), starting():
            raise OSError("no port")
        assert gc.isenabled()
    finally:
        gc.unfreeze()
