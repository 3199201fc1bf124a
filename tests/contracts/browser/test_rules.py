"""The rules about what a person sees in a browser, each on an honest history and on one that breaks it."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.browser.observations import PARTS_OF_HI_EVENTS
from contracts.browser.rules_arrival import ARRIVES, STORIES
from contracts.browser.rules_journey import ENABLES, ERRORS
from contracts.browser.rules_widget import NETWORK, NONE, STATES, WINDOWS
from contracts.catalogue import catalogue
from harness.history import History
from harness.verdict import Blocked, Held, Inconclusive, NotApplicable, Violated
from scenarios.cast.selectors import SELECTORS
from scenarios.catalogue import stories
from tests.contracts.browser.examples import (
    CLIENT,
    HI,
    PAGE,
    QUERY,
    TOKEN,
    TOLD,
    arrival,
    embedded,
    error,
    errors,
    found_in,
    fresh,
    journey,
    late,
    loaded,
    looks,
    network,
    other,
    part,
    returns,
    state,
    states,
    windows,
)
from tests.contracts.histories import history, observed, verdict

SEAM = "browser"


def of(rule: str, seen: History) -> type:
    return type(verdict(f"{SEAM}.{rule}", seen))


def test_an_error_page_after_one_change_decides_nothing() -> None:
    blank = [looks(f"{STATES}/open/{each}", {}) for each in ("active", "setup")]
    assert of("open_page_follows_the_changes", states(blank[0])) is Inconclusive
    assert of("open_page_follows_the_changes", states(*blank)) is Violated


_PROBLEM = {"problem": part("Tuvens cannot be reached.")}
_UNLINKED = {"callback_error": part("It could not be linked.")}
_FAILED = {"status": "error", "error_code": "UPSTREAM_UNAVAILABLE"}


@pytest.mark.parametrize(
    ("rule", "seen"),
    [
        ("event_page_opens", lambda lost: states(fresh("setup", {}, status=503, losses=lost))),
        ("active_state_shows_the_tickets", lambda lost: states(fresh("active", _PROBLEM, losses=lost))),
        ("errors_of_enabling_are_shown", lambda lost: errors(error("limited", {}, losses=lost))),
        ("the_older_spelling_is_read", lambda lost: returns("older spelling", _UNLINKED, losses=lost)),
        ("page_catches_up_after_a_lost_network", lambda lost: network({}, losses=lost)),
        ("page_shows_what_changed_before_it_listened", lambda lost: late(_PROBLEM, losses=lost)),
        (
            "arrives_signed_in",
            lambda lost: arrival(looks(f"{ARRIVES}/arrived", {}, status=502, way=[], losses=lost)),
        ),
        (
            "hi_events_comes_back_with_the_ids",
            lambda lost: journey(looks(f"{ENABLES}/callback", _UNLINKED, way=_way(_FAILED), losses=lost)),
        ),
        (
            "a_waiting_page_shows_the_tickets_of_a_new_event",
            lambda lost: journey(looks(f"{ENABLES}/waiting", {}, losses=lost)),
        ),
    ],
)
def test_an_error_page_decides_nothing_where_requests_of_the_run_were_lost(
    rule: str, seen: Callable[[int], History]
) -> None:
    assert of(rule, seen(0)) is Violated
    assert of(rule, seen(2)) is Inconclusive


def test_a_page_that_shows_what_is_wrong_is_wrong_where_requests_were_lost_too() -> None:
    assert of("page_catches_up_after_a_lost_network", network(state("inactive"), losses=2)) is Violated
    assert of("active_state_shows_the_tickets", states(fresh("active", state("setup"), losses=2))) is Violated


def _way(told: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"to": f"{HI}/auth/cross-app", "query": QUERY, "status": 302},
        {"to": f"{CLIENT}/hi-events/callback", "query": told, "status": 200},
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (other({}), Inconclusive),
        (other(state("setup"), told=False), Inconclusive),
        (other(state("setup"), own="setup"), Inconclusive),
        (
            other(state("setup"), streams=[{"url": "/updates", "status": 200, "failed": ""}], listened=False),
            Inconclusive,
        ),
        (other(state("active"), streams=[{"url": "/updates", "status": 404, "failed": ""}]), Inconclusive),
        (looks(f"{STATES}/open/active", state("setup")), Blocked),
        (observed(f"{STATES}/other", tuvens=None), NotApplicable),
    ],
)
def test_another_events_change_is_judged_only_where_the_page_heard_of_it(entry: Any, expected: type) -> None:
    assert of("page_ignores_changes_of_other_events", states(entry)) is expected


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        ("event_page_opens", fresh("active", {}, status=None, error="net::ERR_CONNECTION_REFUSED")),
        ("active_state_shows_the_tickets", fresh("active", {}, status=None)),
        ("setup_state_shows_progress", fresh("setup", {}, status=429)),
        ("open_page_follows_the_changes", looks(f"{STATES}/open/setup", {}, status=None)),
        ("active_state_shows_the_tickets", fresh("active", state("active"), embeds=[0])),
    ],
)
def test_a_page_that_the_network_did_not_give_breaks_no_rule(rule: str, entry: Any) -> None:
    assert of(rule, states(entry)) is Inconclusive


def test_every_rule_is_for_a_browser_alone_and_each_of_its_stories_needs_one() -> None:
    for each in catalogue():
        if each.id.startswith(f"{SEAM}."):
            assert {"browser", "target:tuvens-client"} <= set(each.needs), each.id
            assert [name for name in each.stories if "browser" not in stories()[name].needs] == []


@pytest.mark.parametrize("shown", [{"tickets_link": part(href=PAGE)}, {"tickets_link": part(href=HI, target="_blank")}])
def test_the_link_beside_the_tickets_leads_to_the_event_in_a_new_tab(shown: dict[str, Any]) -> None:
    assert of("active_state_shows_the_tickets", states(fresh("active", state("active", **shown)))) is Violated


def test_tickets_that_do_not_load_are_none() -> None:
    found = states(fresh("active", state("active"), embeds=[404]))
    assert of("active_state_shows_the_tickets", found) is Violated


@pytest.mark.parametrize(
    ("sure", "shown", "expected"),
    [
        ([], {"title": part("Being set up")}, Inconclusive),
        (["progress"], {"title": part("Being set up")}, Violated),
        ([], state("inactive"), Violated),
        ([], state("setup"), Held),
    ],
)
def test_a_part_that_is_not_found_may_read_otherwise_unless_its_selector_is_known(
    sure: list[str], shown: dict[str, Any], expected: type
) -> None:
    found = verdict(f"{SEAM}.setup_state_shows_progress", states(fresh("setup", shown, sure=sure)))
    assert type(found) is expected
    if isinstance(found, Inconclusive):
        assert "[targets.tuvens-client.selectors] progress = " in found.remedy


def test_a_part_that_another_page_shows_does_not_read_otherwise() -> None:
    stale, active = network(state("inactive"), sure=[]), fresh("active", state("active"), sure=[])
    assert of("page_catches_up_after_a_lost_network", stale) is Inconclusive
    assert of("page_catches_up_after_a_lost_network", history(*stale.entries, active)) is Violated
    old, new = returns("older spelling", {}, sure=[]), returns("success", {"callback_success": part("Done")})
    assert of("the_older_spelling_is_read", old) is Inconclusive
    assert of("the_older_spelling_is_read", history(*old.entries, *new.entries)) is Violated


def test_a_part_of_hi_events_that_is_not_found_is_named_with_its_own_selector() -> None:
    page = looks(f"{ARRIVES}/arrived", {}, address=f"{HI}/manage?event=11", way=[], sure=[])
    found = verdict(f"{SEAM}.arrives_signed_in", arrival(page))
    assert isinstance(found, Inconclusive)
    assert '[targets."hi.events".selectors] signed_in = ' in found.remedy
    assert set(PARTS_OF_HI_EVENTS) == set(SELECTORS["hi.events"])


def test_parts_of_two_states_at_once_are_neither() -> None:
    both = {**state("setup"), **state("inactive")}
    assert of("setup_state_shows_progress", states(fresh("setup", both))) is Violated


def test_a_page_that_reloads_itself_does_not_follow() -> None:
    reloaded = states(looks(f"{STATES}/open/inactive", state("inactive"), documents=2))
    assert of("open_page_follows_the_changes", reloaded) is Violated
    assert of("page_catches_up_after_a_lost_network", network(state("active"), documents=2)) is Violated


def test_one_title_for_two_states_follows_nothing() -> None:
    same = state("inactive", title=part("Tickets on sale"))
    found = states(fresh("inactive", same), looks(f"{STATES}/open/inactive", same))
    assert of("title_follows_the_state", found) is Violated


def test_a_page_whose_stream_opened_after_the_change_is_not_judged_by_it() -> None:
    stale = {"streams": [{"url": f"{CLIENT}/api/events/updates", "status": 200, "failed": ""}]}
    late_stream = states(looks(f"{STATES}/open/active", state("setup"), **stale, listened=False))
    assert of("open_page_follows_the_changes", late_stream) is Inconclusive
    in_time = states(looks(f"{STATES}/open/active", state("setup"), **stale, listened=True))
    assert of("open_page_follows_the_changes", in_time) is Violated


def test_a_stream_without_a_response_is_named() -> None:
    streams = [{"url": f"{CLIENT}/api/events/updates", "status": None, "failed": ""}]
    held_back = states(looks(f"{STATES}/open/active", state("setup"), streams=streams, listened=False))
    found = verdict(f"{SEAM}.open_page_follows_the_changes", held_back)
    assert isinstance(found, Violated)
    assert f"its stream GET {CLIENT}/api/events/updates: no response" in found.observed


def test_a_page_that_was_not_listening_when_the_network_was_cut_is_not_judged() -> None:
    before = looks(f"{NETWORK}/before", state("setup"), listened=False)
    seen = history(before, *(looks(f"{NETWORK}/{step}", state("setup")) for step in ("cut", "after", "later")))
    assert of("page_catches_up_after_a_lost_network", seen) is Inconclusive


def test_a_page_that_was_not_cut_off_shows_nothing_about_the_network() -> None:
    active = state("active")
    seen = history(*(looks(f"{NETWORK}/{step}", active) for step in ("before", "cut", "after", "later")))
    assert of("page_catches_up_after_a_lost_network", seen) is Inconclusive


def test_a_change_is_lost_only_before_a_stream_that_was_held_back() -> None:
    rule = "page_shows_what_changed_before_it_listened"
    assert of(rule, late(state("setup"), held=0)) is Inconclusive
    assert of(rule, late(state("active"), before="active")) is Inconclusive
    assert of(rule, late(state("active"), documents=2)) is Violated
    assert of(rule, late(state("active"), held=2)) is Held


@pytest.mark.parametrize(
    "others", [{"wide": {"content_width": 1400}}, {"narrow": {"shown": state("active", tickets=part(left=-40))}}]
)
def test_what_is_wider_than_the_window_does_not_fit(others: dict[str, Any]) -> None:
    assert of("page_fits_the_window", windows(**others)) is Violated


def test_no_tickets_show_neither_that_they_fit_nor_that_they_are_lazy() -> None:
    assert of("page_fits_the_window", windows(narrow={"shown": {}})) is Inconclusive
    assert of("tickets_load_when_they_are_near", windows(far={"before": {"shown": {}}})) is Inconclusive
    assert of("tickets_load_when_they_are_near", windows(far={"late": []})) is Violated


@pytest.mark.parametrize("story", [NONE, ENABLES, ERRORS])
def test_without_an_event_without_ticketing_nothing_can_be_said(story: str) -> None:
    seen = history(observed(f"{story}/event", tuvens=None, title=""))
    for each in catalogue():
        if each.id.startswith(f"{SEAM}.") and each.stories == (story,) and "waiting" not in each.id:
            found = verdict(each.id, seen)
            assert isinstance(found, NotApplicable | Inconclusive), each.id


@pytest.mark.parametrize("name", ["session_token", "account_id", "event_id", "action", "return_url", "event_data"])
def test_every_parameter_of_the_way_to_hi_events_is_needed(name: str) -> None:
    query = {key: value for key, value in QUERY.items() if key != name}
    assert of("enable_ticketing_leads_to_hi_events", journey(query=query)) is Violated


@pytest.mark.parametrize("name", sorted(TOLD))
def test_every_parameter_of_the_way_back_is_needed(name: str) -> None:
    told = {key: value for key, value in TOLD.items() if key != name}
    assert of("hi_events_comes_back_with_the_ids", journey(told=told)) is Violated


def test_the_older_name_of_the_return_url_is_as_good() -> None:
    query = {**QUERY, "callback_url": QUERY["return_url"]}
    del query["return_url"]
    assert of("enable_ticketing_leads_to_hi_events", journey(query=query)) is Held


def test_a_button_that_is_not_there_is_one_violation_and_the_rest_is_undecided() -> None:
    seen = journey(
        looks(f"{ENABLES}/before", state("none")),
        looks(f"{ENABLES}/loading", {}, clicked=False, clicked_again=False, asked=0),
    )
    assert of("enable_ticketing_leads_to_hi_events", seen) is Violated
    assert of("enabling_shows_that_it_works", seen) is Inconclusive
    assert of("errors_of_enabling_are_shown", errors(error("failing", {}, clicked=False))) is Inconclusive


def test_an_error_that_hides_or_a_retry_that_asks_for_nothing_is_none() -> None:
    assert of("errors_of_enabling_are_shown", errors(error("limited", {"problem": part(" ")}))) is Violated
    again = looks(f"{ERRORS}/retry", {}, clicked=True, asked=1)
    assert of("errors_of_enabling_can_be_retried", errors(again)) is Violated


def test_a_referer_with_the_token_is_as_bad_as_an_address_with_it() -> None:
    referers = observed(f"{ARRIVES}/referers", seen=3, after=4, **{"with a token": [f"{HI}/?session_token={TOKEN}"]})
    assert of("session_token_is_left_behind", arrival(referers)) is Violated
    quoted = looks(f"{ARRIVES}/arrived", {}, address=f"{HI}/?session_token=%3Csession-token%3A1f0c33a2%3E", way=[])
    assert of("session_token_is_left_behind", arrival(quoted)) is Violated


def test_an_iframe_with_white_space_shows_nothing() -> None:
    assert of("an_event_can_be_embedded", embedded(" \n")) is Violated


@pytest.mark.parametrize("kind", ["shared-secret", "jwt-secret", "database-password", "control-token"])
@pytest.mark.parametrize("place", ["body", "header x-debug", "request header x-shared-secret"])
def test_a_secret_of_the_back_ends_is_seen_wherever_it_is(kind: str, place: str) -> None:
    assert of("nothing_in_the_browser_holds_a_secret", loaded(found=[found_in(kind, place)])) is Violated
    assert of("nothing_in_the_browser_holds_a_secret", loaded(storage=[found_in(kind, "localStorage")])) is Violated


def test_what_a_browser_has_by_right_is_no_leak() -> None:
    by_right = [
        found_in("jwt", "request header cookie"),
        found_in("jwt", "body"),
        found_in("session-token", "body", f"{CLIENT}/api/cross-app/generate-session"),
        found_in("session-token", "header location"),
    ]
    assert of("nothing_in_the_browser_holds_a_secret", loaded(found=by_right)) is Held
    page = found_in("session-token", "body", f"{CLIENT}/event/11")
    assert of("nothing_in_the_browser_holds_a_secret", loaded(found=[*by_right, page])) is Violated


def test_where_no_script_was_loaded_none_was_looked_at() -> None:
    assert of("nothing_in_the_browser_holds_a_secret", loaded(scripts=0)) is Inconclusive
    assert set(STORIES) <= {each.name for each in stories()}
    assert WINDOWS in STORIES
