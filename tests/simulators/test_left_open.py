"""Each choice that the contract page leaves has a benign variant, or a reason why there can be none."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from openapi import EDITION
from simulators.faults import FAULTS
from tests.simulators.left_open import DISAGREEMENTS, LEFT_OPEN, RULINGS, Choice

_PAGE = (Path(__file__).parents[2] / "docs" / "contract" / f"{EDITION}.md").read_text("utf-8")
_ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)


def _section(heading: str) -> str:
    return _PAGE.partition(f"\n## {heading}")[2].partition("\n## ")[0]


def _sentences() -> list[str]:
    """The sentences of the section "Left open"."""
    bullets = re.findall(r"^- (.+)$", _section("Left open"), re.MULTILINE)
    return [sentence for bullet in bullets for sentence in re.split(r"(?<=\.) +", bullet)]


def _questions() -> list[str]:
    """The questions of the table of disagreements."""
    return _ROW.findall(_section("Where the sources disagree"))[1:]


def test_every_sentence_that_leaves_something_open_has_one_entry() -> None:
    entries = {each: [key for key in LEFT_OPEN if each.startswith(key)] for each in _sentences()}
    assert {each: keys for each, keys in entries.items() if len(keys) != 1} == {}
    assert {key for keys in entries.values() for key in keys} == set(LEFT_OPEN)


def test_every_disagreement_has_one_entry() -> None:
    assert _questions() == list(DISAGREEMENTS)


def test_every_other_ruling_is_in_the_words_of_the_page() -> None:
    page = " ".join(_PAGE.split())
    assert [each for each in RULINGS if each not in page] == []


_TABLES = pytest.mark.parametrize(
    "table", [LEFT_OPEN, DISAGREEMENTS, RULINGS], ids=["left open", "disagreements", "rulings"]
)


@_TABLES
def test_every_entry_has_a_variant_or_a_reason(table: Mapping[str, Choice]) -> None:
    assert [each for each, choice in table.items() if not choice] == []


@_TABLES
def test_every_name_is_that_of_a_benign_variant(table: Mapping[str, Choice]) -> None:
    known = {each.name for each in FAULTS.values() if each.kind == "benign"}
    named = [name for choice in table.values() if not isinstance(choice, str) for name in choice]
    assert [each for each in named if each not in known and not {f"{each}-of-hi-events"} <= known] == []
