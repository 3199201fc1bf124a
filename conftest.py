"""`pytest scenarios` and `pytest contracts` verify a deployment in this repository."""

import pytest

from crossapp import pytest_plugin


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register crossapp's plugin, unless `-p` has done so."""
    if not pluginmanager.is_registered(pytest_plugin):
        pluginmanager.register(pytest_plugin, pytest_plugin.__name__)
