"""Nothing is said against applications that are right by the contract, in every mix of real and simulated ones."""

import os
from itertools import combinations
from pathlib import Path

import pytest

from harness import chromium
from tests.real.applications import present
from tests.real.deployments import Setting, deployment
from tests.real.verifying import EXHAUSTING, Outcome, listed, verify

_MIXES = [real for count in range(len(present()), 0, -1) for real in combinations(present(), count)]
"""Every mix of the applications that are here. CI verifies the first one, in which all of them are real."""


@pytest.mark.parametrize(
    "real", [pytest.param(real, id=" ".join(real), marks=[pytest.mark.slow] * (real != present())) for real in _MIXES]
)
def test_nothing_is_said_against_right_applications(real: tuple[str, ...], tmp_path: Path) -> None:
    with deployment(real, tmp_path) as file:
        found = verify(file, "--without", "browser.*")
    _expect_no_accusation(found)
    assert found.footer["judged"] > 200


@pytest.mark.slow
@pytest.mark.skipif(not (chromium.is_available() or os.environ.get("CI")), reason="no browser")
def test_nothing_is_said_against_what_a_browser_shows(tmp_path: Path) -> None:
    with deployment(present(), tmp_path) as file:
        found = verify(file, "--select", "browser.*")
    _expect_no_accusation(found)
    assert found.counts()["held"] >= 25


@pytest.mark.slow
def test_nothing_is_said_against_the_contracts_own_rate_limits(tmp_path: Path) -> None:
    with deployment(present(), tmp_path, Setting(rate_limits="contract")) as file:
        found = verify(file, *EXHAUSTING)
    _expect_no_accusation(found)
    assert found.counts()["held"] >= 9


@pytest.mark.slow
def test_nothing_is_said_against_sessions_that_expire(tmp_path: Path) -> None:
    with deployment(present(), tmp_path, Setting(session_expiry=20)) as file:
        found = verify(file, "--select", "*expire*", "--select", "*lives_until*", "--patience", "60s")
    _expect_no_accusation(found)
    assert found.counts()["held"] >= 8


def _expect_no_accusation(found: Outcome) -> None:
    advice = {name for app in present() for name in listed(app, "idiomatic.tsv")}
    said = found.of("violated", "blocked", "harness_fault")
    assert {name: text for name, text in said.items() if name not in advice} == {}
    assert found.exit_code in (0, 2)  # no MUST is violated
    assert found.footer["crashes"] == []
