"""The rules about a Hi.Events session where examples leave off: what accuses nobody, and what still accuses."""

from dataclasses import replace

from harness.history import Exchange
from harness.verdict import Held, Inconclusive, NotApplicable, Violated
from tests.contracts.hi_events_session.examples import (
    BEARER,
    ORGANISER,
    SILENT,
    changed,
    expired,
    hi,
    refused,
    signed_in,
    status,
    told,
    trouble,
    tuvens_user,
)
from tests.contracts.histories import answer, history, no_answer, verdict

SEAM = "hi_events_session"


def test_a_second_sign_in_that_is_refused_is_observed_and_not_judged() -> None:
    seen = history(signed_in("a_user_signs_in/first"), refused("a_user_signs_in/same token again"))
    found = verdict(f"{SEAM}.one_token_may_start_several_sessions", seen)
    assert isinstance(found, Held)
    assert "401" in found.note


def test_repeated_sign_ins_are_compared_though_one_token_serves_once_only() -> None:
    seen = history(
        signed_in("a_user_signs_in/first"),
        refused("a_user_signs_in/same token again"),
        signed_in("a_user_signs_in/another token"),
    )
    assert isinstance(verdict(f"{SEAM}.one_local_user_for_repeated_sign_ins", seen), Held)


def test_one_sign_in_that_succeeded_shows_nothing_about_repeated_ones() -> None:
    seen = history(
        signed_in("a_user_signs_in/first"),
        refused("a_user_signs_in/same token again"),
        refused("a_user_signs_in/another token"),
    )
    assert isinstance(verdict(f"{SEAM}.one_local_user_for_repeated_sign_ins", seen), Inconclusive)


def test_a_rate_limited_sign_in_accuses_nobody() -> None:
    seen = history(tuvens_user("a_user_signs_in/tuvens-api asked directly"), refused("a_user_signs_in/first", 429))
    assert isinstance(verdict(f"{SEAM}.accepts_a_live_session", seen), Inconclusive)


def test_a_sign_in_without_an_answer_accuses_nobody() -> None:
    seen = history(no_answer("sign_ins_are_refused/unknown"))
    assert isinstance(verdict(f"{SEAM}.unknown_token_is_refused", seen), Inconclusive)


def test_a_token_in_a_header_beside_a_refusal_is_a_session() -> None:
    seen = history(
        hi(
            "sign_ins_are_refused/unknown",
            401,
            {"message": "no", "error": "UNAUTHORIZED"},
            operation="validateCrossAppSession",
            headers={"X-Auth-Token": BEARER},
        )
    )
    assert isinstance(verdict(f"{SEAM}.refused_sign_in_starts_no_session", seen), Violated)


def test_silence_of_hi_events_itself_accuses_nobody_for_the_contract_names_no_time_out() -> None:
    assert isinstance(verdict(f"{SEAM}.silence_of_tuvens_api_is_given_up", trouble(silence=SILENT)), Inconclusive)


def test_an_expired_token_that_tuvens_api_still_accepts_accuses_nobody() -> None:
    unused = signed_in("expired_tokens_are_tried_by_the_clock/after/unused")
    assert isinstance(verdict(f"{SEAM}.expired_token_is_refused", expired(unused=unused, directly=200)), Inconclusive)


def test_a_cached_answer_of_less_than_a_minute_accuses_nobody() -> None:
    used = signed_in("expired_tokens_are_tried_by_the_clock/after/used")
    found = verdict(f"{SEAM}.expired_token_is_not_served_from_a_cache", expired(used=used, since=59.0))
    assert isinstance(found, Inconclusive)


def test_users_who_cannot_be_told_apart_leave_the_race_untested() -> None:
    seen = history(signed_in("many_sign_in_at_once/sign in", ORGANISER))
    assert isinstance(verdict(f"{SEAM}.concurrent_sign_ins_are_not_mixed_up", seen), NotApplicable)
    assert isinstance(verdict(f"{SEAM}.no_local_user_is_shared", seen), NotApplicable)


def test_a_limit_that_was_hardly_reached_is_not_judged() -> None:
    seen = history(*(refused("sign_ins_come_too_often/tried") for _ in range(12)))
    assert isinstance(verdict(f"{SEAM}.sign_in_is_limited", seen), Inconclusive)


def test_a_deployment_that_says_it_has_no_limit_is_not_tested_for_one() -> None:
    seen = history(refused("sign_ins_come_too_often/tried"), settings={"rate_limits": {"validateCrossAppSession": 0}})
    assert isinstance(verdict(f"{SEAM}.sign_in_is_limited", seen), NotApplicable)


def test_a_status_without_a_user_or_with_none_breaks_the_rule_that_knows_the_user() -> None:
    for user in (None, "zoe", [ORGANISER]):
        assert isinstance(verdict(f"{SEAM}.status_knows_the_user", status(told(user=user))), Violated), user


def test_an_event_that_tuvens_api_does_not_show_accuses_nobody_at_hi_events() -> None:
    story = "an_event_is_changed_without_a_session/at tuvens-api"
    seen = history(answer(f"{story}/before", 200, {}), answer(f"{story}/after/none/LIVE", 500))
    assert isinstance(verdict(f"{SEAM}.refused_change_changes_nothing", seen), Inconclusive)


def test_a_refused_change_that_only_hi_events_shows_was_made() -> None:
    assert isinstance(verdict(f"{SEAM}.refused_change_changes_nothing", changed(401, "setup", "LIVE")), Violated)


def test_a_deployment_without_a_reading_at_hi_events_is_judged_by_what_tuvens_api_heard() -> None:
    seen = changed(401, "setup")
    unread = [
        replace(each, status=404) if isinstance(each, Exchange) and "/at hi.events/" in each.step else each
        for each in seen.entries
    ]
    assert isinstance(verdict(f"{SEAM}.refused_change_changes_nothing", history(*unread)), Held)
