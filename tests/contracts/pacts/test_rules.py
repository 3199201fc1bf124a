"""Every interaction is a requirement: what the verifier says of it decides, and only where something was verified."""

from dataclasses import replace

import pytest

from contracts.catalogue import catalogue
from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.states import STATES
from harness.history import History, NothingObservedError
from harness.verdict import HarnessFault, Held, Inconclusive, NotApplicable, Verdict, Violated
from scenarios.tools.pact.setups import SETUPS
from tests.contracts.histories import answer, history, no_answer, observed, verdict
from tests.contracts.pact.examples import replayed

_EVERY = pytest.mark.parametrize("interaction", interactions(), ids=lambda each: each.name)
_ONE = next(each for each in interactions() if each.name == "hi_events_validate_session_unknown_token")
_PAGE = next(each for each in interactions() if each.operation == "openCrossAppPage")


def _verdict(interaction: Interaction, seen: History) -> Verdict:
    return verdict(f"pact.{interaction.name}", seen)


@_EVERY
def test_an_interaction_that_was_verified_holds_and_names_what_passed(interaction: Interaction) -> None:
    found = _verdict(interaction, replayed(interaction, {"outcome": "verified"}))
    assert found == Held((1,))


@_EVERY
def test_an_interaction_that_differs_is_violated_in_the_verifiers_words(interaction: Interaction) -> None:
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["$.name: Expected null to be a String"]}
    found = _verdict(interaction, replayed(interaction, said))
    assert isinstance(found, Violated)
    assert interaction.file.name in found.expected
    assert "$.name: Expected null to be a String" in found.observed
    assert found.evidence == (1,)


@pytest.mark.parametrize("count", [0, 2, None])
@pytest.mark.parametrize("outcome", ["verified", "mismatched"])
def test_nothing_is_said_where_the_verifier_verified_another_number_than_one(outcome: str, count: int | None) -> None:
    found = _verdict(_ONE, replayed(_ONE, {"outcome": outcome, "count": count}))
    assert isinstance(found, HarnessFault)
    assert str(count) in found.error


def test_a_state_that_the_deployment_cannot_reach_makes_it_not_applicable() -> None:
    found = _verdict(_ONE, replayed(_ONE, {"outcome": "lacking", "reason": "the limit is too high"}))
    assert found == NotApplicable("the limit is too high")


def test_a_state_that_was_not_reached_leaves_it_undecided() -> None:
    found = _verdict(_ONE, replayed(_ONE, {"outcome": "state not reached", "reason": "no session could be minted"}))
    assert isinstance(found, Inconclusive)
    assert _ONE.state in found.reason
    assert "no session could be minted" in found.reason


def test_an_answer_that_the_verifier_cannot_read_leaves_it_undecided() -> None:
    found = _verdict(_ONE, replayed(_ONE, {"outcome": "unreadable", "reason": "it died over this answer"}))
    assert found == Inconclusive("it died over this answer")


def test_a_fault_of_ours_is_none_of_the_provider() -> None:
    found = _verdict(_ONE, replayed(_ONE, {"outcome": "faulty", "reason": "it ended with code -11"}))
    assert found == HarnessFault("it ended with code -11")


def test_a_network_breaks_no_pact() -> None:
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 404 but was 502"]}
    gone = no_answer(f"{_ONE.steps[0]}/request/{_ONE.operation}", operation=_ONE.operation)
    assert isinstance(_verdict(_ONE, replayed(_ONE, said, gone)), Inconclusive)


def test_a_limit_that_was_hit_breaks_no_pact() -> None:
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 404 but was 429"]}
    limited = answer(f"{_ONE.steps[0]}/request/{_ONE.operation}", 429, operation=_ONE.operation)
    assert isinstance(_verdict(_ONE, replayed(_ONE, said, limited)), Inconclusive)


def test_a_limit_whose_minute_ended_breaks_no_pact() -> None:
    limited = next(each for each in interactions() if each.name == "tuvens_client_sign_in_past_the_limit")
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 429 but was 401"]}
    step = limited.steps[0]

    def after(*statuses: int) -> Verdict:
        asked = [
            answer(f"{step}/state/asked", each, operation=limited.operation, callee="hi.events") for each in statuses
        ]
        replay = answer(f"{step}/request/{limited.operation}", 401, operation=limited.operation, callee="hi.events")
        return _verdict(limited, history(*asked, replay, observed(step, count=1, **said)))

    assert isinstance(after(401, 429), Inconclusive)
    assert isinstance(after(401, 401), Violated)


@pytest.mark.parametrize(("code", "expected"), [("UPSTREAM_UNAVAILABLE", Inconclusive), ("UNAUTHORIZED", Violated)])
def test_a_lost_question_to_tuvens_api_breaks_no_pact_of_hi_events(code: str, expected: type) -> None:
    asked = next(each for each in interactions() if each.name == "tuvens_client_permission_on_event_of_others")
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 200 but was 401"]}
    body = {"message": "Tuvens cannot be reached.", "error": code}
    step = f"{asked.steps[0]}/request/{asked.operation}"
    refused = answer(step, 401, body, operation=asked.operation, callee="hi.events")
    assert isinstance(_verdict(asked, replayed(asked, said, refused)), expected)


def test_what_a_firewall_refused_breaks_no_pact() -> None:
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 404 but was 403"]}
    step = f"{_ONE.steps[0]}/request/{_ONE.operation}"
    page = answer(step, 403, b"<h1>Blocked</h1>", operation=_ONE.operation, headers={"Content-Type": "text/html"})
    assert isinstance(_verdict(_ONE, replayed(_ONE, said, page)), Inconclusive)
    own = replace(page, response_headers=(("Content-Type", "application/json"),))
    assert isinstance(_verdict(_ONE, replayed(_ONE, said, own)), Violated)


def test_what_never_reached_the_provider_is_not_held() -> None:
    seen = history(observed(_ONE.steps[0], outcome="verified", count=1, ok=True, mismatches=[], evidence=[]))
    with pytest.raises(NothingObservedError):
        seen.every(f"{_ONE.steps[0]}/request")
    assert isinstance(_verdict(_ONE, seen), Inconclusive)


def test_a_page_that_goes_back_by_a_script_is_beyond_pact() -> None:
    said = {"outcome": "mismatched", "ok": False, "mismatches": ["status: expected 302 but was 200"]}
    step = f"{_PAGE.steps[0]}/request/{_PAGE.operation}"
    page = answer(step, 200, b"<!doctype html><script src=app.js></script>", headers={"Content-Type": "text/html"})
    assert isinstance(_verdict(_PAGE, replayed(_PAGE, said, page)), NotApplicable)


def test_an_interaction_that_no_story_told_of_is_undecided() -> None:
    seen = history(ended={_ONE.steps[0].partition("/")[0]: "stopped"})
    assert isinstance(_verdict(_ONE, seen), Inconclusive)


def test_every_state_of_the_files_is_known_has_a_setup_and_is_used() -> None:
    assert {each.state for each in interactions()} == set(STATES) == set(SETUPS)


def test_there_is_one_requirement_for_each_interaction_of_the_files() -> None:
    rules = {each.id for each in catalogue() if each.id.startswith("pact.")}
    assert rules == {f"pact.{each.name}" for each in interactions()}
    assert len(rules) == len(interactions()) > 50


def test_descriptions_are_unique_for_a_consumer_and_a_provider() -> None:
    # By them the verifier finds an interaction.
    told = [(each.consumer, each.provider, each.description) for each in interactions()]
    assert len(set(told)) == len(told)
    assert len({replace(each).name for each in interactions()}) == len(told)
