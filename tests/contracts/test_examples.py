"""Every rule of the catalogue on example histories: it holds on an honest one, and a dishonest one breaks it."""

from dataclasses import replace

import pytest

from contracts.catalogue import catalogue
from harness.history import History, StoryOutcome
from harness.report import Source
from harness.requirement import MUST, OBSERVE, Catalogue, Requirement
from harness.verdict import HarnessFault, Held, Inconclusive, NotApplicable, Violated
from openapi import EDITION
from tests.contracts.examples import (
    NEVER_BROKEN,
    Example,
    Examples,
    ExamplesError,
    all_examples,
    breaks,
    examples_of,
    expect_as_said,
    holds,
    lacking,
    leaves_open,
    one_change_breaks,
)
from tests.contracts.histories import answer, history, verdict

RULE = Requirement(
    id="seam.rule",
    statement="tuvens-api answers.",
    level=MUST,
    obliged="tuvens-api",
    source=Source(EDITION, "Systems", "a quote"),
    judge=lambda seen: Held((seen.one("story/step").number,)),
    stories=("story",),
)
SEEN = history(answer("story/step", 200))
BOTH = one_change_breaks(lambda *_: SEEN, {"rule": ("it is refused", answer("story/step", 401))})


def _catalogue(*rules: Requirement) -> Catalogue:
    found = Catalogue()
    for each in rules:
        found.add(each)
    return found


@pytest.mark.parametrize("example", all_examples(), ids=lambda each: each.id)
def test_the_rule_says_of_the_example_what_it_must(example: Example) -> None:
    expect_as_said(example, verdict(example.requirement, example.history))


def test_every_requirement_has_an_example_that_holds_and_one_that_breaks_it() -> None:
    assert lacking(catalogue(), all_examples()) == []


@pytest.mark.parametrize("ended", ["finished", "stopped", "skipped"])
def test_no_rule_says_anything_of_a_history_in_which_nothing_happened(ended: str) -> None:
    for example in all_examples():
        stories = [StoryOutcome(name, ended, f"it {ended}") for name in example.history.stories]
        nothing = History(example.history.context, (), stories)
        assert isinstance(verdict(example.requirement, nothing), Inconclusive | NotApplicable), example.id


def test_a_requirement_without_examples_is_named() -> None:
    rules = _catalogue(RULE)
    assert lacking(rules, examples_of(rules, {})) == [
        "seam.rule has no example that holds",
        "seam.rule has no example that breaks it",
    ]
    only_open = {"seam": {"rule": (leaves_open("nothing came", SEEN),)}}
    assert len(lacking(rules, examples_of(rules, only_open))) == 2
    assert lacking(rules, examples_of(rules, {"seam": {"rule": (holds("all is well", SEEN),)}})) == [
        "seam.rule has no example that breaks it"
    ]
    assert lacking(rules, examples_of(rules, {"seam": BOTH})) == []


def test_what_is_only_observed_needs_no_example_that_breaks_it() -> None:
    rules = _catalogue(replace(RULE, level=OBSERVE))
    assert lacking(rules, examples_of(rules, {"seam": {"rule": (holds("all is well", SEEN),)}})) == []
    assert lacking(rules, examples_of(rules, {"seam": BOTH})) == []


def test_rules_that_are_said_never_to_be_broken_exist() -> None:
    assert [each for each in NEVER_BROKEN if not catalogue().matching([each])] == []


def test_examples_of_a_requirement_that_does_not_exist_are_named() -> None:
    for name in ("rules", "other.*"):
        with pytest.raises(ExamplesError, match=rf"do not exist: seam\.{name.replace('*', '.')}"):
            list(examples_of(_catalogue(RULE), {"seam": {name: BOTH["rule"]}}))


def test_two_examples_with_one_sentence_are_named() -> None:
    twice = {"seam": {"rule": (holds("all is well", SEEN), holds("all is well", SEEN))}}
    with pytest.raises(ExamplesError, match=r"two examples with one sentence: seam\.rule: Held: all is well"):
        list(examples_of(_catalogue(RULE), twice))


def test_a_family_has_its_examples_made_by_name_unless_a_rule_has_its_own() -> None:
    rules = _catalogue(RULE, replace(RULE, id="seam.one"), replace(RULE, id="seam.two"))
    made: dict[str, Examples] = {"seam": {"*": lambda name: (holds(f"{name} is well", SEEN),), **BOTH}}
    assert [each.id for each in examples_of(rules, made)] == [
        "seam.rule: Held: all is as it should be",
        "seam.rule: Violated: it is refused",
        "seam.one: Held: one is well",
        "seam.two: Held: two is well",
    ]


@pytest.mark.parametrize(
    "found",
    [
        Violated("a", "b", (1,)),
        Held(()),
        Held((2,)),
        Inconclusive("no"),
        HarnessFault("a crash"),
    ],
)
def test_a_verdict_of_another_kind_or_without_evidence_is_not_what_the_example_says(found: object) -> None:
    with pytest.raises(AssertionError):
        expect_as_said(holds("all is well", SEEN), found)  # type: ignore[arg-type]  # each is a verdict
    expect_as_said(holds("all is well", SEEN), Held((1,)))


@pytest.mark.parametrize("found", [Held((1,)), Violated("", "b", (1,)), Violated("a", "", (1,)), Violated("a", "b")])
def test_an_accusation_says_what_was_expected_what_was_observed_and_where(found: object) -> None:
    with pytest.raises(AssertionError):
        expect_as_said(breaks("it is not", SEEN), found)  # type: ignore[arg-type]  # each is a verdict
