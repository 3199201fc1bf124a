"""What a framework does by itself against the contract is found, and nothing else; default.tsv says what."""

from pathlib import Path

import pytest

from tests.real.applications import FOLDERS, present
from tests.real.deployments import Setting, deployment
from tests.real.verifying import verify

_LIST = "default.tsv"
pytestmark = pytest.mark.slow


def deviations(app: str) -> dict[str, str]:
    """Why each requirement on an application's list is violated by its flavour `default`."""
    lines = (FOLDERS[app] / _LIST).read_text("utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("app", present())
def test_the_frameworks_own_ways_are_found(app: str, tmp_path: Path) -> None:
    found: dict[str, str] = {}
    # Rate limits first: what answers 429 is not judged otherwise.
    for setting, options in (
        (Setting("default", "contract"), ["--select", "rate_limits.*", "--select", "*_is_limited"]),
        (Setting("default", "raised"), ["--without", "browser.*", "--without", "rate_limits.*"]),
    ):
        folder = tmp_path / setting.rate_limits
        folder.mkdir()
        with deployment([app], folder, setting) as file:
            found |= verify(file, *options).of("violated")
    assert {name: found.get(name, "not violated") for name in found.keys() ^ deviations(app).keys()} == {}
