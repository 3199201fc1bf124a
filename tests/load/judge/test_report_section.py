"""What a report says that an undecided budget needs."""

import math

import pytest

from load.judge.evaluate import BudgetOutcome, Observes, Word
from load.judge.intervals import Interval
from load.judge.report_section import _about, _needs
from tests.load.judge.simulation import budget

CEILING, FLOOR = budget("latency", "avg<=8"), budget("success", "rate>=0.9")


def outcome(value: float, low: float, high: float, count: int = 100) -> BudgetOutcome:
    return BudgetOutcome(Word.INCONCLUSIVE, Interval(value, low, high), Observes.EXACT, count, 0, "")


@pytest.mark.parametrize(
    ("limit", "found", "about"),
    [
        (CEILING, outcome(7.0, 5.0, 9.0), 400),  # 2 to the upper bound, 1 to the limit: twice as near needs 4 times
        (CEILING, outcome(9.0, 6.0, 30.0), 900),  # beyond the limit, the lower bound decides
        (CEILING, outcome(7.0, 5.0, 10.5), 1200),  # 12.25 times, in two digits
        (FLOOR, outcome(0.95, 0.85, 0.99), 400),  # above a floor, the lower bound decides
        (FLOOR, outcome(0.87, 0.82, 0.96), 900),
        (CEILING, outcome(8.0, 5.0, 9.0), 0),  # at the limit itself no number decides
        (CEILING, outcome(7.9, 5.0, 9.0), 0),  # 121 times as many is not known well enough
        (CEILING, outcome(7.0, 5.0, math.inf), 0),
        (CEILING, outcome(math.nan, -math.inf, math.inf, 0), 0),
    ],
)
def test_about_how_many_samples_decide(limit: object, found: BudgetOutcome, about: int) -> None:
    """Bounds narrow with the root of the number of samples."""
    assert _about(limit, found) == about  # type: ignore[arg-type]


def test_what_is_needed_in_words() -> None:
    assert _needs(CEILING, outcome(7.0, 5.0, 9.0), Word.INCONCLUSIVE) == "about 400 requests"
    assert "too close to the limit" in _needs(CEILING, outcome(8.0, 5.0, 9.0), Word.INCONCLUSIVE)
    assert _needs(CEILING, outcome(7.0, 5.0, 7.5), Word.PASS) == ""
