"""What `crossapp verify --plan` says, and that a run keeps to it."""

import copy
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

import openapi
from crossapp.plan import Plan, plan_lines, plan_of
from crossapp.prove.running import running_simulators
from crossapp.run import Settings
from harness import chromium
from harness.deployment_file import build_deployment
from scenarios.cast.rate_limits import WINDOW
from simulators.launch import LaunchOptions
from tests.crossapp.planned_requests import sent
from tests.launching import launched

_QUICK = Settings(quick=True, without=("fuzzing.*", "pact.*", "browser.*"))
_THREE = ("organiser", "member", "outsider")


@pytest.fixture(scope="module")
def described() -> Mapping[str, Any]:
    """A staging with the contract's limits and three users; nothing listens."""
    with launched(LaunchOptions(control=False)) as built:
        found = copy.deepcopy(built.description())
    for target in found["targets"].values():
        target["kind"] = "staging"
    found["users"] = [next(each for each in found["users"] if each["role"] == role) for role in _THREE]
    return found


def planned(described: Mapping[str, Any], settings: Settings = _QUICK, **tuvens_api: Any) -> Plan:
    value = copy.deepcopy(dict(described))
    value["targets"]["tuvens-api"] |= tuvens_api
    return plan_of(build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,)), settings)


def test_a_limit_that_more_requests_count_for_takes_its_minutes(described: Mapping[str, Any]) -> None:
    plan = planned(described)
    [sign_ins] = [each for each in plan.windows if each.operation == "validateCrossAppSession"]
    assert sign_ins.limit == 10
    assert sign_ins.seconds == WINDOW * ((sign_ins.requests - 1) // 10)
    assert plan.seconds >= sign_ins.seconds >= 120.0


def test_where_sessions_are_short_their_expiry_is_waited_for_beside_all_else(described: Mapping[str, Any]) -> None:
    of_expiry = {each.what: each for each in planned(described, session_expiry=5).waits}["the expiry of a session"]
    assert of_expiry.seconds == 12.0
    assert "sessions_expire_by_waiting" in of_expiry.stories
    assert "the expiry of a session" not in {each.what for each in planned(described).waits}


def test_three_users_sign_in_within_three_windows_of_the_contract(described: Mapping[str, Any]) -> None:
    [sign_ins] = [each for each in planned(described).windows if each.operation == "validateCrossAppSession"]
    assert sign_ins.requests <= 30, "a fourth window is a minute more of every run within the contract's limits"


def test_stories_in_a_browser_take_their_time(described: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = []
    for there in (False, True):
        monkeypatch.setattr(chromium, "is_available", lambda there=there: there)
        value = copy.deepcopy(dict(described))
        for target in value["targets"].values():
            target["rate_limits"] = dict.fromkeys(target["rate_limits"], 0)
        settings = Settings(select=("browser.*",))
        seconds.append(planned(value, settings).seconds)
    assert seconds[1] - seconds[0] >= 8


def test_patience_makes_a_long_expiry_the_length_of_the_run(described: Mapping[str, Any]) -> None:
    plan = planned(described, Settings(patience=960.0))
    assert 907.0 <= plan.seconds < 960.0


def test_a_limit_that_is_not_used_up_is_named_and_costs_nothing(described: Mapping[str, Any]) -> None:
    high = planned(described, rate_limits={"receiveEventStatusChanged": 50_000})
    reason = "50000 requests a minute are more than safety.exhaust_up_to = 1000"
    assert high.not_used_up == {"receiveEventStatusChanged": reason}
    usual = planned(described).requests["receiveEventStatusChanged"]
    assert usual - high.requests["receiveEventStatusChanged"] > 1_000
    assert any(reason in line for line in plan_lines(high))


def test_without_limits_nothing_is_sent_to_reach_them(described: Mapping[str, Any]) -> None:
    limits = ("generateSession", "validateSession", "listUserAccounts", "validatePermission")
    unlimited = {**dict.fromkeys(limits, 0), "receiveEventStatusChanged": 0}
    stories = {each.name: each.requests for each in planned(described, rate_limits=unlimited).stories}
    assert not stories["webhooks_come_too_often"]


def test_what_a_deployment_lacks_is_said_with_a_remedy(described: Mapping[str, Any]) -> None:
    plan = planned(described)
    assert "only simulators have one" in plan.left_out["tuvens_api_is_in_trouble"]
    assert "tuvens_api_is_in_trouble" not in {each.name for each in plan.stories}


def test_the_plan_is_text_and_json_and_holds_no_secret(described: Mapping[str, Any]) -> None:
    plan = planned(described)
    text = "\n".join(plan_lines(plan))
    value = json.loads(json.dumps(plan.to_json()))
    assert value["requests"] == dict(plan.requests)
    assert value["seconds"] == plan.seconds
    for secret in (described["credentials"]["shared_secret"], *(each["jwt"] for each in described["users"])):
        assert secret not in text + json.dumps(value)


def test_a_run_sends_no_more_than_was_planned() -> None:
    with running_simulators() as running:
        plan = plan_of(running.deployment, _QUICK)
        history = running.drive(_QUICK).history
    found: Counter[str] = Counter()
    for requests in sent(history).values():
        found.update(requests)
    wrong = {
        operation: (count, plan.requests.get(operation, 0))
        for operation, count in found.items()
        # A reading is repeated until the event shows a change.
        if count > 1.25 * plan.requests.get(operation, 0) + 10
    }
    assert not wrong, "sent, and planned; python -m tests.crossapp.planned_requests counts anew"
    assert sum(found.values()) > 0.7 * sum(plan.requests.values())
    assert set(sent(history)) <= {each.name for each in plan.stories}


def _with_test_users(described: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**described, "users": [{**each, "test": True} for each in described["users"]]}


def test_a_production_gets_no_attack_and_a_staging_does(described: Mapping[str, Any]) -> None:
    attacks = {
        "hostile_input_is_sent",
        "hostile_webhooks_are_sent",
        "oversized_bodies_are_sent",
        "ill_formed_questions_are_refused",
        "mock_credentials_are_tried_at_tuvens_api",
        "sessions_are_refused_without_a_valid_jwt",
        "operations_are_fuzzed",
        "an_event_is_changed",
    }
    of_staging, of_production = (
        planned(described, Settings()),
        planned(_with_test_users(described), Settings(), kind="production"),
    )
    assert attacks <= {each.name for each in of_staging.stories}
    assert attacks <= set(of_production.left_out)
