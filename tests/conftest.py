"""The longest test comes first, so that the others run beside it and nobody waits for it at the end."""

import pytest

_LONGEST = "tests/real/test_idiomatic.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest test in front of the others, which keep their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
