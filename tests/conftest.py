"""What makes the whole run shorter: the order of the tests, and how often garbage is collected.

The longest test comes first, so that the others run beside it and nobody waits for it at the end. Garbage is collected
as often as in a process of crossapp: as often as usual, it takes a tenth of the time.
"""

import gc

import pytest

gc.set_threshold(10_000, 20, 20)

_LONGEST = "tests/real/test_idiomatic.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest test in front of the others, which keep their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
