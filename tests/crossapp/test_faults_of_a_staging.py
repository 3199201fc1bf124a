"""Faults that only time or a crowd shows are found at a staging, too, which has no control plane."""

import copy

import pytest

from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.crossapp.test_wrong_facts import as_staging, verified
from tests.launching import launched

FAULTS = {
    "users-doubled-under-races": "hi_events_session.one_local_user_under_concurrent_sign_ins",
    "webhooks-out-of-order": "hi_events_delivery.deliveries_keep_the_order_of_changes",
    "session-prolonged-by-use": "session_token.validate_session_refuses_an_expired_token",
    "all-accounts-listed": "session_token.foreign_accounts_are_not_listed",
    "update-told-before-it-is-applied": "event_stream.an_update_can_be_read_when_it_is_told",
    "update-told-before-it-is-committed": "event_stream.an_update_can_be_read_when_it_is_told",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_without_a_control_plane(fault: str) -> None:
    expiry = {"CROSS_APP_SESSION_EXPIRY": "5"} if fault.startswith("session") else {}
    options = LaunchOptions(limits="raised", control=False, faults=(fault,), environment=expiry)
    with launched(options) as built:
        described = as_staging(copy.deepcopy(built.description()))
        described["safety"] = {"fuzz": False}
        report = verified(described, FAULTS[fault])
    assert FAULTS[fault] in {each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED}


def test_where_everybody_has_signed_in_before_a_race_of_newcomers_is_not_judged() -> None:
    with launched(LaunchOptions(limits="raised", control=False)) as built:
        described = as_staging(copy.deepcopy(built.description()))
        described["safety"] = {"fuzz": False}
        described["users"] = [each for each in described["users"] if each["role"] != "user"]
        report = verified(described, FAULTS["users-doubled-under-races"])
    found = next(each for each in report.findings if each.requirement == FAULTS["users-doubled-under-races"])
    assert found.verdict is VerdictName.NOT_APPLICABLE
    assert 'role = "user"' in found.reason
