"""The parts of crossapp that are installed on demand, as extras of the package."""

from importlib.util import find_spec

EXTRAS = {
    "browser": "playwright",
    "fuzz": "schemathesis",
    "https": "trustme",
    "load": "locust",
    "mocks": "respx",
    "pact": "pact",
}
"""For each extra, the module by which its presence is known."""


def is_installed(extra: str) -> bool:
    """Whether the libraries of an extra are installed."""
    return find_spec(EXTRAS[extra]) is not None


def remedy(extra: str) -> str:
    """A sentence: the extra is missing, and the command that installs it."""
    return f"the extra {extra} is not installed: pip install 'crossapp[{extra}]'"
