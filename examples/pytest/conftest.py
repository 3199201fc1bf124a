"""Makes the fixtures of crossapp available to this repository's tests, which keep their own options."""

import pytest

pytest_plugins = ["crossapp.pytest_simulators"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option of this repository, whose name crossapp's commands use too."""
    parser.addoption("--deployment", default="local")
