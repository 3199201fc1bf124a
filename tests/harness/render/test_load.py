"""The figures of a load run in every rendering; hostile texts in them stay texts."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from harness.load_lines import BudgetLine, LoadLine, MeasureLine, Stretch
from harness.render.arrange import arrange
from harness.render.charts import _label_heights, percentile_chart, percentile_legend, quantile, time_chart, time_legend
from harness.render.html import to_html
from harness.render.load_words import accounts, against_limit, amount, margin
from harness.render.markdown import to_markdown
from harness.report import Agreement, Report
from tests.harness.render import sample
from tests.harness.render.sample import HOSTILE, report_of, to_text

ROWS = ((50.0, 4.0, 3.9, 4.1), (95.0, 9.0, 8.0, 11.0), (99.0, 20.0, 15.0, None))
STRETCHES = (
    Stretch(0.0, 3.0, False, 30, 0, ((4.0, 30),)),
    Stretch(3.0, 1.0, True, 10, 1, ((3.0, 5), (9.0, 4))),
    Stretch(4.0, 1.0, True, 4, 4, ()),
)
MEASURE = MeasureLine(
    "validateSession",
    "hi.events asks",
    {"OK": 39, "FAILED": 5},
    {HOSTILE: 5},
    (5.0, 4.0, 6.0),
    ROWS,
    ROWS,
    (),
    STRETCHES,
)
PASSED = BudgetLine(
    "load.quick",
    "p(95)<10",
    "latency",
    ("validateSession",),
    "ms",
    "PASS",
    9.0,
    8.0,
    9.9,
    0.1,
    39,
    0,
    "exact",
    0.95,
    "",
)
BUDGETS = (
    PASSED,
    replace(
        PASSED,
        requirement="load.sure",
        threshold="rate>=0.999",
        metric="success",
        unit="share",
        word="FAIL",
        value=0.9,
        low=0.8,
        high=0.95,
        margin=-9.0,
    ),
    replace(
        PASSED,
        requirement="load.none",
        word="INCONCLUSIVE",
        value=None,
        low=None,
        high=None,
        margin=None,
        needs="about 300 requests",
    ),
)
LOAD = LoadLine(
    "steady 2 s at 10/s",
    5.0,
    2,
    {"scheduled": 44, "ok": 39, "failed": 5, "dropped": 0, "censored": 0},
    {"start_lag_p95": 1.5, "cpu_p50": 0.25},
    {"latency p95": 0.75},
    {"users": HOSTILE},
    BUDGETS,
    (MEASURE,),
    ("locust.html", HOSTILE),
)


def loaded() -> Report:
    """A report of a load run."""
    return replace(report_of([]), load=LOAD)


@pytest.fixture
def report() -> Report:
    return loaded()


def test_the_words() -> None:
    assert accounts(LOAD) == "44 due = 39 correct + 5 failed + 0 not sent + 0 unfinished at the end"
    assert [margin(each) for each in BUDGETS] == ["10 % left", "900 % over", "–"]
    assert (amount(0.999, "share"), amount(1234.0, "ms"), amount(3, "count"), amount(None, "ms")) == (
        "99.9 %",
        "1.23 s",
        "3",
        "–",
    )


def test_a_count_reads_as_a_count() -> None:
    none = replace(PASSED, threshold="count<1", metric="failures", unit="count", value=0.0)
    assert against_limit(none) == "0 wrong, limit none"
    assert against_limit(replace(none, threshold="count<5", value=7.0)) == "7 wrong, limit under 5"


def test_the_terminal_tells_every_budget(report: Report) -> None:
    text = " ".join(to_text(report).split())
    assert "Budgets under load (3)" in text
    assert "PASS load.quick measured p95 9 ms, limit under 10 ms (8 ms to 9.9 ms), 10 % left" in text
    assert "FAIL load.sure measured 90 %, limit at least 99.9 %" in text
    assert "needs about 300 requests" in text
    assert "an empty server on this machine: latency p95 0.75 ms" in text


def test_markdown_has_a_table_of_them(report: Report) -> None:
    text = to_markdown(report)
    assert "| PASS | `load.quick` `p(95)<10` | p95 9 ms, limit under 10 ms | 8 ms to 9.9 ms | 10 % left | – |" in text
    assert "| about 300 requests |" in text


def test_the_page_has_charts_and_no_hostile_markup(report: Report) -> None:
    page = to_html(report)
    assert page.count('role="img"') == 2
    assert 'href="locust.html"' in page
    assert page.count("<script") == 0
    assert "1 of 3 budgets passed" in page
    assert "<script>alert(1)" not in page


def test_charts_are_well_formed_and_hold_each_line() -> None:
    for chart, lines in ((percentile_chart(MEASURE), 1), (time_chart(MEASURE), 2)):
        root = ElementTree.fromstring(str(chart))
        assert len([each for each in root.iter() if each.tag == "polyline"]) == lines
    bars = [each.get("class") for each in ElementTree.fromstring(str(time_chart(MEASURE))).iter("rect")]
    assert bars == ["due unmeasured", "due", "failed", "due", "failed"]


def _texts(chart: object, kind: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(str(chart)).iter("text") if each.get("class") == kind]


def _budget_lines(chart: object) -> int:
    return sum(each.get("class") == "budget" for each in ElementTree.fromstring(str(chart)).iter("line"))


@pytest.mark.parametrize(
    ("limit", "drawn", "text"), [(10, 1, "p95 under 10 ms"), (5000, 0, "↑ p95 under 5 s")], ids=["near", "far"]
)
def test_a_budget_is_a_line_or_is_named_at_the_edge(limit: int, drawn: int, text: str) -> None:
    budgets = (replace(PASSED, threshold=f"p(95)<{limit}"),)
    for chart in (percentile_chart(MEASURE, budgets), time_chart(MEASURE, budgets)):
        assert (_budget_lines(chart), _texts(chart, "limit")) == (drawn, [text])
        assert f"Budget: {text.removeprefix('↑ ')}." in str(chart)


@pytest.mark.parametrize(
    "lines",
    [
        [100.0, 102.0],
        [100.0, 100.0],
        [20.0, 21.0],
        [100.0, 109.0, 118.0],
        [197.0, 198.0],
        [250.0, 251.0],
        [10.0, 100.0],
    ],
    ids=str,
)
def test_labels_of_budgets_overlap_neither_each_other_nor_another_line(lines: list[float]) -> None:
    """A label covers 10 units above its baseline and 2 below it; the plot ends at 198."""
    heights = _label_heights(lines, 198.0)
    assert all(later - earlier >= 13 for earlier, later in pairwise(heights))
    assert heights[0] > 28
    assert heights[-1] <= 207
    if len(lines) == 2:
        for height, other in ((heights[0], lines[1]), (heights[1], lines[0])):
            assert not height - 10 < other < height + 2 or lines[0] == lines[1]


def test_a_stall_of_the_warm_up_does_not_set_the_scale() -> None:
    stalled = replace(STRETCHES[0], times=((4.0, 20), (900.0, 10)))
    usual, slow = (
        _texts(time_chart(replace(MEASURE, stretches=each)), "axis") for each in (STRETCHES, (stalled, *STRETCHES[1:]))
    )
    assert slow == usual


def test_legends_name_each_line_and_budget() -> None:
    assert [each.text for each in percentile_legend(MEASURE, BUDGETS[:2])] == [
        "response time",
        "its confidence bounds",
        "budget: p95 under 10 ms",
    ]
    assert [each.kind for each in time_legend(MEASURE, ())] == [
        "line latency",
        "line p95",
        "due",
        "due unmeasured",
        "failed",
    ]


def test_nothing_measured_is_no_chart() -> None:
    nothing = replace(MEASURE, percentiles=(), stretches=())
    assert (str(percentile_chart(nothing)), str(time_chart(nothing))) == ("", "")
    assert quantile(STRETCHES[2], 0.5) == 0.0
    assert quantile(STRETCHES[1], 0.5) == 3.0


def test_a_run_that_cannot_be_trusted_is_not_said_to_block_production() -> None:
    fault = sample.finding("load.kept_up", "The generator keeps up.", sample.HARNESS_FAULT, "", reason="it was late")
    quick = sample.finding("load.quick", "It is quick.", sample.BLOCKED, "C-PF-01")
    report = report_of([fault, replace(quick, blocked_by="load.kept_up")])
    assert arrange(report).blockers == ()
    assert arrange(report).page.counts == {Agreement.UNKNOWN: 85}
    assert ("measure the load again", 1) in arrange(report).page.would_settle
    # A root that was not selected is unknown, too.
    assert arrange(report_of([replace(quick, blocked_by="load.other")])).page.counts == {Agreement.UNKNOWN: 85}
