"""The parts of crossapp that are installed on demand, as extras of the package."""

from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

EXTRAS = {
    "browser": "playwright",
    "fuzz": "schemathesis",
    "http2": "h2",
    "https": "trustme",
    "load": "locust",
    "metrics": "prometheus_client",
    "mocks": "respx",
    "pact": "pact",
}
"""For each extra, the module by which its presence is known."""


def is_installed(extra: str) -> bool:
    """Whether the libraries of an extra are installed."""
    return find_spec(EXTRAS[extra]) is not None


def remedy(extra: str) -> str:
    """A sentence: the extra is missing, and the command that installs it."""
    return f"the extra {extra} is not installed: {command(extra)}"


def command(extra: str) -> str:
    """The command that adds the libraries of an extra to the environment of crossapp."""
    # The libraries by name: on PyPI `crossapp` is the project of other people.
    try:
        found = [each.partition(";") for each in requires("crossapp") or ()]
    except PackageNotFoundError:
        return f"pip install -e '.[{extra}]' in the checkout"
    libraries = [name.strip() for name, _, marker in found if marker.replace("'", '"').strip() == f'extra == "{extra}"']
    return " ".join(("pip install", *(f"'{each}'" for each in libraries)))
