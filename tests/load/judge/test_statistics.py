"""The numbers against tables and closed forms, and how often verdicts at the boundary are wrong."""

import math

import pytest

from harness.distributions import beta_quantile, binomial_at_most, regularised_beta, t_quantile
from load.judge.intervals import (
    FEWEST_BLOCKS,
    design_effect,
    fewest_for_rate,
    mean_bounds,
    needed_for_rate,
    percentile_bounds,
    rate_bounds,
)
from load.judge.needs import fewest_for, needs_of_requests
from load.judge.sequential import ONLY_AT_THE_END, Deciding, Looks
from tests.load.judge.simulation import BOUNDARIES, NOTHING, Boundary, budget, timed


@pytest.mark.parametrize(
    ("p", "degrees", "value"),
    [
        (0.975, 1, 12.7062047),
        (0.975, 10, 2.2281389),
        (0.95, 29, 1.6991270),
        (0.995, 120, 2.6174212),
        (0.05, 5, -2.0150484),
    ],
)
def test_students_quantiles_are_those_of_the_tables(p: float, degrees: int, value: float) -> None:
    assert t_quantile(p, degrees) == pytest.approx(value, abs=2e-6)


def test_the_incomplete_beta_function_has_its_closed_forms() -> None:
    assert regularised_beta(1, 7, 0.2) == pytest.approx(1 - 0.8**7, rel=1e-12)
    assert regularised_beta(7, 1, 0.2) == pytest.approx(0.2**7, rel=1e-12)
    assert regularised_beta(0.5, 0.5, 0.3) == pytest.approx(2 / math.pi * math.asin(math.sqrt(0.3)), rel=1e-12)
    assert regularised_beta(3000, 4, 0.999) == pytest.approx(1 - regularised_beta(4, 3000, 0.001), rel=1e-9)
    assert beta_quantile(regularised_beta(3, 9, 0.37), 3, 9) == pytest.approx(0.37, abs=1e-10)


@pytest.mark.parametrize(("k", "n", "p"), [(0, 10, 0.3), (3, 10, 0.3), (9, 10, 0.3), (70, 100, 0.75)])
def test_the_binomial_distribution_is_the_sum_of_its_terms(k: int, n: int, p: float) -> None:
    terms = (math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))
    assert binomial_at_most(k, n, p) == pytest.approx(sum(terms), rel=1e-10)
    assert binomial_at_most(-1, n, p) == 0.0
    assert binomial_at_most(n, n, p) == 1.0


def test_the_bounds_of_clopper_and_pearson() -> None:
    """As R's binom.test gives them for 5 failures in 1,000, and for none in 100."""
    some = rate_bounds([995], [1000], 0.025)
    assert some.low == pytest.approx(0.9883705, abs=1e-6)
    assert some.high == pytest.approx(0.9983746, abs=1e-6)
    none = rate_bounds([100], [100], 0.025)
    assert none.low == pytest.approx(0.9637833, abs=1e-6)
    assert none.high == 1.0


def test_what_was_not_seen_counts_for_and_against() -> None:
    seen = rate_bounds([995], [1000], 0.05)
    unseen = rate_bounds([995], [1000], 0.05, unknown=[100])
    assert unseen.low < 995 / 1100 < seen.low
    assert unseen.high > seen.high
    assert rate_bounds([0], [0], 0.05, unknown=[10]).low == 0.0


def test_failures_that_come_together_widen_the_bounds() -> None:
    apart, together = [99] * 20, [100] * 19 + [80]
    assert design_effect(apart, [100] * 20) == 1.0
    assert design_effect(together, [100] * 20) > 10
    assert rate_bounds(together, [100] * 20, 0.05).low < rate_bounds(apart, [100] * 20, 0.05).low


def test_percentiles_are_bounded_by_order_statistics() -> None:
    """Of 1,000 values, the 95th percentile's bounds at 2.5 % each are the 936th and the 964th."""
    values = [float(each) for each in range(1, 1001)]
    found = percentile_bounds(values, 0.95, 0.025)
    assert (found.low, found.value, found.high) == (936.0, 950.0, 964.0)
    assert percentile_bounds(values[:20], 0.95, 0.05).high == math.inf
    assert math.isnan(percentile_bounds([], 0.5, 0.05).value)


def test_a_mean_needs_stretches_of_time() -> None:
    assert mean_bounds([10.0] * (FEWEST_BLOCKS - 1), [10] * (FEWEST_BLOCKS - 1), 0.05).high == math.inf
    alike = mean_bounds([10.0] * 10, [10] * 10, 0.05)
    assert (alike.low, alike.value, alike.high) == (1.0, 1.0, 1.0)
    tailed = mean_bounds([10.0] * 19 + [60.0], [10] * 20, 0.05)
    assert tailed.high - tailed.value > tailed.value - tailed.low


def test_how_many_are_needed() -> None:
    assert fewest_for_rate(0.999, 0.05) == 2995
    assert 0.999**2995 <= 0.05 < 0.999**2994
    assert needed_for_rate(0.999, 1.0, 0.05) == 2995
    assert needed_for_rate(0.95, 0.975, 0.05) == pytest.approx(384, abs=1)


@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda each: each.name)
def test_verdicts_at_the_boundary_are_wrong_at_most_5_times_in_100(boundary: Boundary) -> None:
    """120 runs with a fixed seed, so that the outcome is certain; thousands in the slow environment."""
    passed, failed = boundary.wrong(120, 11)
    assert max(passed, failed) <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 120)


@pytest.mark.slow
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda each: each.name)
def test_many_verdicts_at_the_boundary(boundary: Boundary) -> None:
    passed, failed = boundary.wrong(3000, 12)
    assert max(passed, failed) <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 3000)


@pytest.mark.slow
@pytest.mark.parametrize("looks", [Looks(), Looks((0.1, 0.2, 0.3, 0.5), (0.05, 0.05, 0.05, 0.05, 0.8))], ids=["2", "5"])
@pytest.mark.parametrize("boundary", BOUNDARIES[:6], ids=lambda each: each.name)
def test_looking_early_does_not_make_verdicts_wrong_more_often(boundary: Boundary, looks: Looks) -> None:
    passed, failed = boundary.wrong(1500, 13, looks=looks)
    assert max(passed, failed) <= 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 1500)


MANY = Looks((0.1, 0.2, 0.3, 0.5), (0.05, 0.05, 0.05, 0.05, 0.8))


def deciding(threshold: str = "p(95)<10", looks: Looks = Looks()) -> Deciding:  # noqa: B008  # frozen
    return Deciding(needs_of_requests([budget("latency", threshold)], NOTHING, 0), looks)


@pytest.mark.parametrize("looks", [Looks(), MANY, ONLY_AT_THE_END])
def test_the_errors_of_all_looks_add_up_to_what_a_budget_allows(looks: Looks) -> None:
    whole = BOUNDARIES[0].budget
    assert sum(looks.error(whole, look) for look in range(len(looks.spent))) == pytest.approx(whole.error)
    assert len(looks.spent) == len(looks.moments) + 1


@pytest.mark.parametrize("milliseconds", [1.0, 100.0])
def test_a_clear_case_is_decided_at_the_first_look_with_its_share_of_the_error(milliseconds: float) -> None:
    found = deciding()
    assert found.look({"x": timed([[milliseconds] * 50] * 10)})
    assert (found.is_over, found.share) == (True, 0.6)
    assert not found.is_due({"x": 10_000})


def test_a_case_that_is_not_clear_leaves_the_rest_of_the_error_to_the_end() -> None:
    found = deciding()
    assert not found.look({"x": timed([[1.0] * 19 + [100.0]] * 10)})
    assert [each.name for each in found.undecided] == ["x"]
    assert found.share == pytest.approx(0.4)
    assert not found.is_due({"x": 10_000})


def test_a_run_that_ends_before_its_first_look_has_the_whole_error() -> None:
    assert deciding().share == deciding(looks=ONLY_AT_THE_END).share == 1.0
    assert not deciding(looks=ONLY_AT_THE_END).is_due({"x": 10_000})


def test_a_look_is_due_once_each_budget_has_the_samples_that_it_needs() -> None:
    """log(0.03) / log(0.95) = 68.4: of 69 requests none may be slow."""
    found = deciding()
    assert fewest_for(budget("latency", "p(95)<10"), 0.03) == 69
    assert found.missing({"x": 50, "other": 900}) == {"x": 19}
    assert [found.is_due({"x": count}) for count in (0, 68, 69)] == [False, False, True]
    assert not Deciding((), Looks()).is_due({"x": 10_000})
