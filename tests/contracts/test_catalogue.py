"""The catalogue hangs together: quotes, claims, stories, capabilities, premises."""

import re
from functools import cache
from pathlib import Path

import pytest

import openapi
from contracts.catalogue import CLAIMS_FILE, RuleFamily, catalogue, claims, uncovered
from crossapp.commands.requirements import as_markdown
from crossapp.run import Settings, stories_for
from harness.capabilities import remedy_for
from harness.history import SHARED, History
from harness.requirement import MUST, WHOLE_RECORD, CatalogueError, Level, Requirement
from harness.story import Story
from harness.verdict import Held, Verdict
from load.judge.catalogue import catalogue as load_catalogue
from load.plan.budgets import read_budgets
from scenarios.catalogue import stories

_DOCS = Path(__file__).parents[2] / "docs"
_LOAD_AREA = "Performance"
_EVERY = pytest.mark.parametrize("requirement", list(catalogue()), ids=lambda each: each.id)
_EVERY_STORY = pytest.mark.parametrize("story", list(stories()), ids=lambda each: each.name)


@cache
def _sections() -> dict[str, str]:
    """The contract page's sections by their headings, white space folded."""
    found: dict[str, str] = {}
    name = ""
    fenced = False
    for line in (_DOCS / "contract" / f"{openapi.EDITION}.md").read_text("utf-8").splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            name = line.lstrip("#").strip()
        else:
            found[name] = found.get(name, "") + " " + line
    return {name: " ".join(text.split()) for name, text in found.items()}


def _settled() -> set[str]:
    return {claim for each in catalogue() for claim in each.settles}


@_EVERY
def test_the_quoted_words_stand_in_their_section(requirement: Requirement) -> None:
    expect_quote_in_section(requirement)


def expect_quote_in_section(requirement: Requirement) -> None:
    """Fails unless the contract page has the quoted words in the section that is named."""
    source = requirement.source
    assert source.edition == openapi.EDITION
    assert source.section in _sections()
    assert len(source.quote) >= 8
    assert " ".join(source.quote.split()) in _sections()[source.section]


_ROUTES = ("generate-session ", "validate-session ", "user-accounts ")
_OTHERS = {  # whose subject is what a user sees or does
    "browser.a_cancelled_return_is_told",
    "browser.an_error_return_is_told",
    "browser.arrives_signed_in",
    "browser.enabling_shows_that_it_works",
    "secrecy.no_answer_holds_foreign_data",
    "tuvens_event.an_unknown_event_is_not_found",
}


def test_statements_are_one_sentence_that_begins_with_the_application_or_its_route() -> None:
    beginnings = (*openapi.APPS, *_ROUTES, "No ", "Observed only: ")
    for each in catalogue():
        assert re.fullmatch(r"\S.*[^.\s]\.", each.statement), each.statement
        assert not re.search(r"[.!?] [A-Z]", each.statement), each.statement
        assert each.statement.startswith(beginnings) or each.id in _OTHERS, each.statement


def test_ids_are_the_seam_and_a_name_or_an_operation_of_the_documents() -> None:
    operations = {each.id for each in openapi.operations()}
    others = operations | {f"{app}_answers" for app in openapi.APPS}
    for each in catalogue():
        seam, _, name = each.id.partition(".")
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", seam), each.id
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) or name in others, each.id
    assert len({each.id.lower() for each in catalogue()}) == len(catalogue())


def test_levels_and_who_is_obliged_are_known_and_what_is_only_observed_settles_no_claim() -> None:
    for each in catalogue():
        assert each.level in set(Level)
        assert each.obliged in openapi.APPS
        assert each.level is not Level.OBSERVE or not each.settles, each.id


def test_requirements_settle_known_claims_by_known_stories_and_capabilities() -> None:
    known = {each.id for each in claims()}
    for each in catalogue():
        assert set(each.settles) <= known, each.id
        assert [name for name in each.stories if name not in stories() and name not in (SHARED, WHOLE_RECORD)] == [], (
            each.id
        )
        for need in each.needs:
            _expect_remedy(need)
        for field in (each.settles, each.stories, each.needs, each.depends_on):
            assert len(set(field)) == len(field), each.id


@_EVERY_STORY
def test_a_story_is_read_by_a_requirement_and_needs_what_is_known(story: Story) -> None:
    assert story.name in {name for each in catalogue() for name in each.stories}
    for need in story.needs:
        _expect_remedy(need)
    for operation in story.operations:
        assert openapi.find(operation).app in openapi.APPS
    assert re.fullmatch(r"\S.*\.", story.sentence), story.sentence


def _expect_remedy(capability: str) -> None:
    word, _, subject = capability.partition(":")
    assert remedy_for(capability) != f"the deployment lacks {capability}"
    apps_only = {
        "target",
        "control",
        "database",
        "audit-log",
        "launch",
        "expiry",
        "failures",
        "retries",
        "near",
        "https",
    }
    assert word not in apps_only or subject in openapi.APPS


def test_every_claim_is_settled_or_named_as_uncovered() -> None:
    assert {each.id for each in claims()} - _settled() - set(uncovered()) == set()


def test_what_is_uncovered_is_a_claim_settled_in_part_or_not_at_all_and_says_what_would_test_it() -> None:
    known = {each.id for each in claims()}
    for claim, part in uncovered().items():
        assert claim in known
        assert part.remedy
        assert part.settled_by
        if part.part:
            assert claim in _settled(), claim
        else:
            deciding = [each.id for each in catalogue() if claim in each.settles]
            assert all(part.covered_by and each.startswith(part.covered_by) for each in deciding), claim


def test_claims_that_can_be_tested_from_outside_are_settled_or_named_as_uncovered() -> None:
    outside = {each.id for each in claims() if each.reach.startswith("from outside") and each.area != _LOAD_AREA}
    assert outside - _settled() - set(uncovered()) == set()
    assert len(claims()) == 85


def test_the_table_of_claims_is_well_formed() -> None:
    lines = CLAIMS_FILE.read_text("utf-8").splitlines()
    columns = ["id", "repository", "area", "name", "claim", "said", "page_says", "measure", "reach"]
    assert lines[0].split("\t") == columns
    ids = [each.id for each in claims()]
    assert len(set(ids)) == len(ids) == len(lines) - 1
    for each in claims():
        assert re.fullmatch(r"C-[A-Z]{2}-\d\d", each.id)
        assert each.repository in {*openapi.APPS, "overall"}
        assert each.area
        assert 1 <= len(each.name.split()) <= 3, each.name
        assert each.said
        assert each.text
        assert "as above" not in each.measure
        assert each.reach


def test_every_operation_of_the_apis_has_its_route_as_a_requirement() -> None:
    for operation in openapi.operations():
        if operation.base == "api" and not operation.contract.optional:
            assert f"routes.{operation.id}" in catalogue()


def test_the_list_of_requirements_in_the_documents_is_that_of_the_catalogue() -> None:
    made = as_markdown([*catalogue(), *load_catalogue(read_budgets())])
    remedy = "make it anew: crossapp requirements --markdown > docs/requirements.md"
    assert (_DOCS / "requirements.md").read_text("utf-8") == made, remedy


def test_a_rule_that_lacks_a_fact_is_refused_with_the_names_of_what_it_lacks() -> None:
    def a_rule(history: History) -> Verdict:
        return Held((1,))

    with pytest.raises(CatalogueError, match=r"contracts\.a_rule: .* gives obliged, quote, story"):
        RuleFamily(level=MUST)(section="Systems")(a_rule)


def test_what_an_application_gets_from_another_one_fits_the_document_before_it_is_judged_by_it() -> None:
    for each in catalogue():
        routes = (name.removeprefix("routes.") for name in each.depends_on if name.startswith("routes."))
        asked = [openapi.find(name) for name in routes if not name.endswith("_answers")]
        called = [openapi.find(name) for operation in asked for name in operation.calls]
        for operation in (*asked, *called):
            if operation.app != each.obliged and operation.contract.success is not None:
                assert f"conformity.{operation.id}" in each.depends_on, each.id
    # hi.events asks tuvens-api about the token for each sign-in.
    assert "conformity.validateSession" in catalogue()["hi_events_session.accepts_a_live_session"].depends_on


def test_a_premise_that_judges_any_traffic_drives_no_story_of_its_own() -> None:
    chosen = stories_for(Settings(select=("hi_events_session.accepts_a_live_session",)))
    assert 0 < len(chosen) < len(list(stories())) / 2
    assert stories_for(Settings(select=("conformity.validateSession",))) == list(stories())
