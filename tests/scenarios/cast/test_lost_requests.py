"""A request whose response is lost is sent again where that does no harm: a sign-in, which may have used its session
token, with another token; the file of a page as it was."""

import copy
from collections.abc import Sequence

import pytest

from crossapp.run import Settings, report_of
from harness.history import Exchange, Outcome
from harness.report import Report
from harness.saved_history import Run
from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.crossapp.test_wrong_facts import as_staging, driven
from tests.launching import launched
from tests.troubles import Network, proxies

_OPERATION = "validateCrossAppSession"
_SIGN_IN = b"POST /auth/cross-app/validate "
_PAGES = "secrecy.client_pages_hold_no_secret"
_RULES = ("hi_events_session.accepts_a_live_session", "hi_events_session.status_tells_when_the_session_ends")


_SOME, _ALL = (0, 1, 3, 5), range(1_000)
"""The probe of the route loses its first two tries, the sign-in with which the file is compared one, another one."""


@pytest.mark.parametrize(
    ("lost", "verdict"), [(_SOME, VerdictName.HELD), (_ALL, VerdictName.BLOCKED)], ids=["some", "all"]
)
def test_a_lost_sign_in_is_made_again_with_another_token(lost: Sequence[int], verdict: VerdictName) -> None:
    run, report = _verified("hi.events", Network(begins=_SIGN_IN, lost=lost), _RULES)
    assert {each.requirement: each.verdict for each in report.findings}[_RULES[0]] is verdict
    assert not [each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED]
    sign_ins = [each for each in run.history.entries if isinstance(each, Exchange) and each.operation == _OPERATION]
    with_token = [(each.step, each.request_body) for each in sign_ins if b"<session-token:" in each.request_body]
    assert len(set(with_token)) == len(with_token), "a token that may be used up was sent again"
    without = [each for each in sign_ins if each.outcome is Outcome.NO_ANSWER]
    assert len([each for each in without if each.superseded]) == 4


def test_a_file_of_a_page_that_is_lost_is_requested_again() -> None:
    _, report = _verified("tuvens-client", Network(begins=b"GET /_app/", lost=(0, 1, 3)), (_PAGES,))
    assert {each.requirement: each.verdict for each in report.findings}[_PAGES] is VerdictName.HELD


def _verified(app: str, network: Network, rules: tuple[str, ...]) -> tuple[Run, Report]:
    """A run of some rules, and its report, with trouble before one application."""
    with launched(LaunchOptions(limits="raised")) as built, proxies(network, (app,)) as fronts:
        described = as_staging(copy.deepcopy(built.description()))
        described["safety"] = {"exhaust_rate_limits": False, "fuzz": False}
        target = described["targets"][app]
        fronts[app].target = behind = target["url"]
        for name in ("url", "api_url"):
            if name in target:
                target[name] = target[name].replace(behind, fronts[app].url)
        settings = Settings(select=rules, quick=True)
        run = driven(described, settings)
    return run, report_of(run, settings)
