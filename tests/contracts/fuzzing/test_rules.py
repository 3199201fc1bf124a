"""The rules about fuzzing where examples leave off: counts, causes, and what accuses nobody."""

from dataclasses import replace

import pytest

import openapi
from contracts.catalogue import catalogue
from contracts.every_operation.rules_fuzzing import STORY
from contracts.every_operation.rules_routes import STORY as PROBE
from harness.verdict import Held, Inconclusive, NotApplicable, Violated
from tests.contracts.fuzzing.examples import SERVER_ERROR, UNREFUSED, fuzzed
from tests.contracts.histories import answer, history, no_answer, verdict

SEAM = "fuzzing"
ID = f"{SEAM}.generateSession"


def test_every_operation_has_a_rule_but_the_one_that_passes_on_what_another_is_sent() -> None:
    served = {each.id for each in openapi.operations()}
    judged = {each.id.partition(".")[2] for each in catalogue() if each.id.startswith(f"{SEAM}.")}
    assert judged == served - {"wrapGenerateSession"} | {"nonsense_is_refused"}


def test_the_cases_are_counted_by_phase_with_the_seed_that_repeats_them() -> None:
    found = verdict(ID, fuzzed("generateSession", sent=5, seed=7, ended="10 cases are what the rate limit leaves"))
    assert isinstance(found, Held)
    assert found.note == "5 cases (1 examples, 4 coverage), seed 7; 10 cases are what the rate limit leaves"


def test_each_cause_is_told_once_with_its_smallest_case() -> None:
    found = verdict(ID, fuzzed("generateSession", causes=[SERVER_ERROR, UNREFUSED]))
    assert isinstance(found, Violated)
    assert found.observed.startswith("2 causes: (1) a server error")
    assert "(2) a request accepted whose body/account_id is required" in found.observed
    assert found.evidence == (2, 1)


def test_many_causes_are_counted_and_five_told() -> None:
    found = verdict(ID, fuzzed("generateSession", causes=[UNREFUSED] * 9))
    assert isinstance(found, Violated)
    assert "9 causes" in found.observed
    assert "and 4 more" in found.observed


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ({"error": "Schema Error: no such thing"}, "Schema Error"),
        ({"sent": 0, "ended": "tuvens-api answered nothing"}, "answered nothing"),
        ({"sent": 0}, "no case was sent"),
    ],
)
def test_nothing_sent_or_an_engine_that_gave_up_decides_nothing(noted: dict[str, object], said: str) -> None:
    found = verdict(ID, fuzzed("generateSession", **noted))  # type: ignore[arg-type]
    assert isinstance(found, Inconclusive)
    assert said in found.reason


def test_a_network_that_fails_accuses_nobody_and_hides_nothing() -> None:
    lost = no_answer(f"{STORY}/generateSession", operation="generateSession")
    assert isinstance(verdict(ID, fuzzed("generateSession", lost)), Inconclusive)
    assert isinstance(verdict(ID, fuzzed("generateSession", lost, causes=[SERVER_ERROR])), Violated)


def test_a_case_that_a_firewall_refused_accuses_nobody_and_proves_nothing() -> None:
    page = answer(f"{STORY}/generateSession", 403, b"<h1>Blocked</h1>", headers={"Content-Type": "text/html"})
    refused = replace(page, operation="generateSession")
    third = {**SERVER_ERROR, "exchanges": [3]}
    assert isinstance(verdict(ID, fuzzed("generateSession", refused, causes=[third])), Held)
    assert isinstance(verdict(ID, fuzzed("generateSession", refused, causes=[third, UNREFUSED])), Violated)
    alone = fuzzed("generateSession", refused, sent=0, exchanges=[1], causes=[{**third, "exchanges": [1]}])
    found = verdict(ID, alone)
    assert isinstance(found, Inconclusive)
    assert "a firewall or gateway responded" in found.reason


def test_what_was_not_fuzzed_to_its_end_leaves_the_claim_undecided() -> None:
    lost = no_answer(f"{STORY}/getEvent", operation="getEvent")
    for seen in (fuzzed("getEvent", error="it gave up"), fuzzed("getEvent", lost), fuzzed("getEvent", sent=0)):
        assert isinstance(verdict(f"{SEAM}.nonsense_is_refused", seen), Inconclusive)


def test_an_operation_that_was_not_noted_is_undecided() -> None:
    assert isinstance(verdict(ID, history(ended={STORY: "finished"})), Inconclusive | NotApplicable)


def test_what_changes_events_needs_one_that_may_be_changed() -> None:
    changing = [each for each in openapi.operations() if each.changes]
    assert len(changing) == 3
    for operation in changing:
        assert {"fuzzing", operation.changes} <= set(catalogue()[f"{SEAM}.{operation.id}"].needs)


def test_a_route_that_upstream_has_and_the_deployment_has_not_is_not_tested() -> None:
    absent = history(answer(f"{PROBE}/readEvent", 404, {}, operation="readEvent", callee="hi.events"))
    assert isinstance(verdict(f"{SEAM}.readEvent", absent), NotApplicable)
