"""The fixtures with the simulators: in another repository's pytest, isolated, with failures that say what happened."""

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from crossapp.control import ControlError
from crossapp.pytest_simulators import App, Stack, crossapp_reset, crossapp_stack, hi_events, tuvens_api
from harness.durations import seconds

__all__ = ["crossapp_reset", "crossapp_stack", "hi_events", "tuvens_api"]

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("order", ["as written", "reversed"])
def test_the_example_repository_passes_with_its_own_option_in_any_order(order: str, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    shutil.copytree(_ROOT / "examples" / "pytest", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    if order == "reversed":
        with (folder / "conftest.py").open("a", encoding="utf-8") as conftest:
            conftest.write("\n\ndef pytest_collection_modifyitems(items):\n    items.reverse()\n")
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:schemathesis"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, "--deployment", "theirs"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


@pytest.fixture
def dirty(tuvens_api: App, hi_events: App, crossapp_stack: Stack) -> Stack:
    """Simulators of which everything was changed, and then reset."""
    before = tuvens_api.control.rate_limits()
    for app in (tuvens_api, hi_events):
        app.clock.advance("1h")
    tuvens_api.session("organiser")
    tuvens_api.fault("user-id-is-a-number")
    tuvens_api.control.set_rate_limits({"validateSession": 1})
    crossapp_stack.reset()
    assert tuvens_api.control.rate_limits() == before
    return crossapp_stack


def test_a_reset_restores_state_clock_faults_limits_and_journal(dirty: Stack) -> None:
    here = dirty.tuvens_api
    assert here.control.sessions() == []
    assert not any(each["armed"] for each in here.control.faults())
    assert here.journal.exchanges() == []
    assert abs(here.clock.now() - dirty.tuvens_client.clock.now()) < 60
    assert abs(dirty.hi_events.clock.now() - dirty.tuvens_client.clock.now()) < 60


def test_a_failed_assertion_lists_what_was_called_instead(tuvens_api: App) -> None:
    with pytest.raises(AssertionError, match=r"once by validateSession, and was 0 times\. It was not called"):
        tuvens_api.journal.assert_called("validateSession", times=1, within=0)
    tuvens_api.session("member")
    with pytest.raises(AssertionError) as failure:
        tuvens_api.journal.assert_called("validateSession", status=404, within="0s")
    assert str(failure.value).splitlines() == [
        "tuvens-api was to be called at least once by validateSession with status 404, and was 0 times. "
        "It was called with:",
        "  generateSession 200: once",
    ]
    tuvens_api.journal.assert_called("validateSession", times=0)
    tuvens_api.journal.assert_called("generateSession")
    with pytest.raises(AssertionError, match="was to be called 0 times by generateSession, and was once"):
        tuvens_api.journal.assert_called("generateSession", times=0)


def test_a_wrong_name_is_an_error_that_suggests_the_right_one(tuvens_api: App) -> None:
    with pytest.raises(ControlError, match="no operation 'validateSesion'; did you mean 'validateSession'"):
        tuvens_api.journal.assert_called("validateSesion", times=0)
    with pytest.raises(ControlError, match=r"no fault is named 'user-id-is-number'.*user-id-is-a-number"):
        tuvens_api.fault("user-id-is-number")
    with pytest.raises(LookupError, match="did you mean 'organiser'"):
        tuvens_api.session("organizer")
    with pytest.raises(ValueError, match="'soon' is not a duration"):
        tuvens_api.clock.advance("soon")


def test_a_user_may_sign_in_however_far_the_clocks_were_moved(crossapp_reset: Stack) -> None:
    before = [app.clock.now() for app in (crossapp_reset.tuvens_api, crossapp_reset.hi_events)]
    crossapp_reset.clock.advance(timedelta(days=2))
    after = [app.clock.now() for app in (crossapp_reset.tuvens_api, crossapp_reset.hi_events)]
    assert [round((late - early) / 86_400) for early, late in zip(before, after, strict=True)] == [2, 2]
    assert crossapp_reset.hi_events.session("organiser")


def test_a_control_plane_that_is_gone_is_named(tuvens_api: App, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(tuvens_api.control._client, "request", refuse)
    with pytest.raises(ControlError, match="tuvens-api: the control plane does not respond to GET /clock: refused"):
        tuvens_api.clock.now()


@pytest.mark.parametrize(("text", "expected"), [("15m1s", 901), ("1h30m", 5400), ("0", 0), ("1.5s", 1.5)])
def test_durations_may_have_several_parts(text: str, expected: float) -> None:
    assert seconds(text) == expected
