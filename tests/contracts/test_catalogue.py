"""The catalogue hangs together: quotes, claims, stories, capabilities."""

import re
from pathlib import Path

import pytest

from contracts.catalogue import catalogue, claims, uncovered
from harness.capabilities import _REMEDIES
from harness.requirement import Requirement
from scenarios.catalogue import stories

_PAGE = Path(__file__).parents[2] / "docs" / "contract" / "2025-07.md"
_TESTED_SYSTEMS = ("tuvens-api", "hi.events", "flow", "security")


def _sections() -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in _PAGE.read_text("utf-8").splitlines():
        if line.startswith("#"):
            name = line.lstrip("#").strip()
        else:
            found[name] = found.get(name, "") + " " + line
    return {name: " ".join(text.split()) for name, text in found.items()}


@pytest.mark.parametrize("requirement", list(catalogue()), ids=lambda each: each.id)
def test_the_quoted_words_stand_in_their_section(requirement: Requirement) -> None:
    section = _sections()[requirement.source.section]
    assert " ".join(requirement.source.quote.split()) in section


def test_every_requirement_settles_known_claims_by_known_stories_and_capabilities() -> None:
    known_claims = {each.id for each in claims()}
    known_stories = stories()
    for each in catalogue():
        assert set(each.settles) <= known_claims, each.id
        assert all(name in known_stories for name in each.stories), each.id
        assert all(need.partition(":")[0] in _REMEDIES for need in each.needs), each.id
        assert re.search(r"[.!)]$", each.statement), each.statement


def test_every_story_is_read_by_a_requirement() -> None:
    read = {name for each in catalogue() for name in each.stories}
    assert {each.name for each in stories()} - read == set()


def test_every_claim_is_settled_or_named_as_uncovered() -> None:
    settled = {claim for each in catalogue() for claim in each.settles}
    assert {each.id for each in claims()} - settled - set(uncovered()) == set()


def test_black_box_claims_of_the_apis_are_settled() -> None:
    settled = {claim for each in catalogue() for claim in each.settles}
    black_box = {each.id for each in claims() if "black-box" in each.reach and each.system in _TESTED_SYSTEMS}
    assert black_box - settled == set()
    assert len(claims()) == 85
