"""What a framework does by itself against the contract is found, and nothing else; default.tsv says what."""

from pathlib import Path

import pytest

from contracts.catalogue import catalogue
from harness import chromium
from tests.real.applications import present
from tests.real.deployments import Setting, deployment
from tests.real.verifying import EXHAUSTING, listed, verify

_WAITING = {"hi.events": ("--patience", "60s")}
"""Whether webhooks are tried again is judged by waiting for it."""
_LATE = "s late while crossapp waited"
"""Why nothing is said of a page on a busy machine."""
_SILENT = ("--select", "event_stream.a_silent_stream_has_a_heartbeat")
"""A stream is silent for sure only where little else is verified."""


@pytest.mark.parametrize("app", present())
@pytest.mark.parametrize("name", ["default.tsv", "idiomatic.tsv"])
def test_lists_name_requirements_in_order(app: str, name: str) -> None:
    names = list(listed(app, name))
    assert set(names) - {each.id for each in catalogue()} == set()
    assert names == sorted(set(names))


@pytest.mark.slow
@pytest.mark.parametrize("app", present())
def test_the_frameworks_own_ways_are_found(app: str, tmp_path: Path) -> None:
    found: dict[str, str] = {}
    undecided: dict[str, str] = {}
    raised, contract = Setting("default", "raised"), Setting("default", "contract")
    left_out = () if app == "tuvens-client" else ("--without", "browser.*")
    for setting, options in ((raised, (*left_out, *_WAITING.get(app, ()))), (contract, (*EXHAUSTING, *_SILENT))):
        folder = tmp_path / setting.rate_limits
        folder.mkdir()
        with deployment([app], folder, setting) as file:
            outcome = verify(file, *options)
        found |= outcome.of("violated")
        undecided |= outcome.of("inconclusive")
    # Alike to the letter, or with what differs.
    expected = listed(app, "default.tsv")
    if not chromium.is_available():
        expected = {name: why for name, why in expected.items() if not name.startswith("browser.")}
    busy = {name for name, why in undecided.items() if _LATE in why}
    assert {name: found.get(name, "not violated") for name in found.keys() ^ expected.keys() - busy} == {}
