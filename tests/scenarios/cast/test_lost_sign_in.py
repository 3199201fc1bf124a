"""A sign-in whose response is lost may have used its session token: it is made again with another one."""

import copy
from collections.abc import Sequence

import pytest

from crossapp.run import Settings, report_of
from harness.history import Exchange, Outcome
from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.crossapp.test_wrong_facts import as_staging, driven
from tests.launching import launched
from tests.troubles import Network, proxies

_OPERATION = "validateCrossAppSession"
_SIGN_IN = b"POST /auth/cross-app/validate "
_RULES = ("hi_events_session.accepts_a_live_session", "hi_events_session.status_tells_when_the_session_ends")


_SOME, _ALL = (0, 1, 3, 5), range(1_000)
"""The probe of the route loses its first two tries, the sign-in with which the file is compared one, another one."""


@pytest.mark.parametrize(
    ("lost", "verdict"), [(_SOME, VerdictName.HELD), (_ALL, VerdictName.BLOCKED)], ids=["some", "all"]
)
def test_a_lost_sign_in_is_made_again_with_another_token(lost: Sequence[int], verdict: VerdictName) -> None:
    with (
        launched(LaunchOptions(limits="raised")) as built,
        proxies(Network(begins=_SIGN_IN, lost=lost), ("hi.events",)) as fronts,
    ):
        described = as_staging(copy.deepcopy(built.description()))
        described["safety"] = {"exhaust_rate_limits": False, "fuzz": False}
        target = described["targets"]["hi.events"]
        fronts["hi.events"].target = behind = target["url"]
        for name in ("url", "api_url"):
            if name in target:
                target[name] = target[name].replace(behind, fronts["hi.events"].url)
        settings = Settings(select=_RULES, quick=True)
        run = driven(described, settings)
    report = report_of(run, settings)
    assert {each.requirement: each.verdict for each in report.findings}[_RULES[0]] is verdict
    assert not [each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED]
    sign_ins = [each for each in run.history.entries if isinstance(each, Exchange) and each.operation == _OPERATION]
    with_token = [(each.step, each.request_body) for each in sign_ins if b"<session-token:" in each.request_body]
    assert len(set(with_token)) == len(with_token), "a token that may be used up was sent again"
    without = [each for each in sign_ins if each.outcome is Outcome.NO_ANSWER]
    assert len([each for each in without if each.superseded]) == 4
