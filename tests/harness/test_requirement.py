"""The catalogue: what it refuses, and what a selection brings along."""

import pytest

from harness.history import History
from harness.requirement import CatalogueError, statement_of
from harness.verdict import Held, Verdict
from tests.harness.examples import BREAKS, HOLDS, catalogue_of, rule

FOUND = catalogue_of(
    HOLDS,
    BREAKS,
    rule("first", lambda _: Held((1,)), depends_on=("place.holds",), settles=("C-TA-01", "C-SE-02")),
    rule("second", lambda _: Held((1,)), depends_on=("place.first",), settles=("C-TA-10",)),
)


def ids(*patterns: str) -> list[str]:
    return [each.id.removeprefix("place.") for each in FOUND.select(patterns)]


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ([], ["holds", "breaks", "first", "second"]),
        (["second"], ["holds", "first", "second"]),
        (["place.first"], ["holds", "first"]),
        (["irs"], ["holds", "first"]),
        (["place.b*"], ["breaks"]),
        (["*s"], ["holds", "breaks"]),
        (["place.?olds"], ["holds"]),
        (["place.[bh]*"], ["holds", "breaks"]),
        (["place"], ["holds", "breaks", "first", "second"]),
        (["C-TA-01"], ["holds", "first"]),
        (["C-TA-*"], ["holds", "first", "second"]),
        (["C-TA"], []),
        (["C-SE-02", "breaks"], ["holds", "breaks", "first"]),
        (["nothing"], []),
        (["holds*x"], []),
        (["breaks", "nothing"], ["breaks"]),
    ],
)
def test_a_selection_is_by_part_of_an_id_pattern_or_claim_and_brings_its_premises(
    patterns: list[str], chosen: list[str]
) -> None:
    assert ids(*patterns) == chosen


def test_a_double_id_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"requirement place\.holds is declared twice"):
        catalogue_of(HOLDS, HOLDS)


def test_a_rule_that_does_not_say_what_it_reads_is_refused() -> None:
    with pytest.raises(CatalogueError, match=r"requirement place\.blind declares no story, and not WHOLE_RECORD"):
        catalogue_of(rule("blind", lambda _: Held((1,)), stories=()))


def test_an_unknown_premise_is_refused_and_named() -> None:
    lonely = rule("lonely", lambda _: Held((1,)), depends_on=("place.none",))
    with pytest.raises(CatalogueError, match=r"place\.lonely depends on place\.none, which does not exist"):
        catalogue_of(lonely)


@pytest.mark.parametrize("names", [["one"], ["one", "two"], ["one", "two", "three"]])
def test_premises_that_go_in_a_circle_are_refused_and_shown(names: list[str]) -> None:
    rules = [
        rule(name, lambda _: Held((1,)), depends_on=(f"place.{after}",))
        for name, after in zip(names, [*names[1:], names[0]], strict=True)
    ]
    with pytest.raises(CatalogueError) as error:
        catalogue_of(HOLDS, *rules)
    assert str(error.value).endswith("circle: " + " -> ".join(f"place.{each}" for each in [*names, names[0]]))


def test_a_premise_of_two_is_no_circle() -> None:
    base = rule("base", lambda _: Held((1,)))
    left = rule("left", lambda _: Held((1,)), depends_on=("place.base",))
    right = rule("right", lambda _: Held((1,)), depends_on=("place.base",))
    top = rule("top", lambda _: Held((1,)), depends_on=("place.left", "place.right"))
    assert len(catalogue_of(top, left, right, base)) == 4


def test_a_catalogue_is_asked_by_id() -> None:
    assert FOUND["place.holds"] is HOLDS
    assert "place.holds" in FOUND
    assert "place.none" not in FOUND


def test_a_statement_is_the_docstring_in_one_line_and_there_must_be_one() -> None:
    def told(_: History) -> Verdict:
        """Somebody
        keeps   it."""
        return Held((1,))

    def untold(_: History) -> Verdict:
        return Held((1,))

    assert statement_of(told) == "Somebody keeps it."
    with pytest.raises(CatalogueError, match="untold has no docstring"):
        statement_of(untold)
