"""The figures of a load run in words, the same in every rendering. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from harness.load_lines import BudgetLine, LoadLine
from harness.thresholds import Statistic, Threshold, read_threshold

_PAGE = {"page, first visit": "first visit", "page, second visit": "second visit"}
_HEALTH = {
    "start_lag_p95": "requests were sent at most {} ms late (p95)",
    "ours_p95": "generator overhead: {} ms (p95)",
    "loop_lag_p99": "event loop lag: {} ms (p99)",
    "cpu_p50": "CPU: {:.0%} of a core (median)",
    "waited": "waited {:.1%} of the time for a CPU that other processes used",
    "in_flight_max": "at most {:.0f} arrivals in flight",
    "connections_max": "at most {:.0f} open connections",
}
_METRICS = {
    "latency": "response time",
    "service": "response time without queueing",
    "server": "server time",
    "database": "database time",
    "success": "success rate",
    "errors": "error rate",
    "denied": "rate of rejected credentials",
    "failures": "failures",
}
_RESULTS = {"ok": "correct", "failed": "failed", "dropped": "not sent", "censored": "unfinished at the end"}
_OPERATORS = {"<": "under", "<=": "at most", ">": "over", ">=": "at least"}


def amount(value: float | None, unit: str) -> str:
    """A value with its unit; a dash for None."""
    if value is None:
        return "–"
    if unit == "ms":
        return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
    return f"{100 * value:.4g} %" if unit == "share" else f"{value:.0f}"


def threshold_of(line: BudgetLine) -> Threshold:
    """The threshold of a budget; its limit is in the unit of the budget, a share of 1 for a rate."""
    return read_threshold(line.threshold)


def name_of(line: BudgetLine) -> str:
    """The name of a budget's statistic: p95, mean, median; empty for rates and counts."""
    threshold = threshold_of(line)
    if threshold.statistic is Statistic.PERCENTILE:
        return "median" if threshold.quantile == 0.5 else f"p{100 * threshold.quantile:g}"
    return "mean" if threshold.statistic is Statistic.MEAN else ""


def limit_in_words(line: BudgetLine) -> str:
    """The limit of a budget with its direction: at most 100 ms, at least 99.9 %."""
    threshold = threshold_of(line)
    if str(threshold) == "count<1":
        return "none"
    return f"{_OPERATORS[threshold.operator]} {amount(threshold.limit, line.unit)}"


def against_limit(line: BudgetLine) -> str:
    """The measured value beside the limit: p95 12 ms, limit under 100 ms; 99.95 %, limit at least 99.9 %."""
    value = amount(line.value, line.unit)
    wrong = " wrong" if line.unit == "count" else ""
    return f"{name_of(line)} {value}{wrong}, limit {limit_in_words(line)}".strip()


def bounds(line: BudgetLine) -> str:
    """The bounds of a budget's statistic."""
    low, high = amount(line.low, line.unit), amount(line.high, line.unit)
    if line.low is None and line.high is None:
        return "bounds not known"
    if line.low is None:
        return f"at most {high}"
    return f"{low} to {high}" if line.high is not None else f"at least {low}"


def margin(line: BudgetLine) -> str:
    """How much of the limit is left or exceeded, in percent."""
    if line.margin is None:
        return "–"
    return f"{100 * line.margin:.0f} % left" if line.margin >= 0 else f"{-100 * line.margin:.0f} % over"


def accounts(load: LoadLine) -> str:
    """The accounts as an equation."""
    parts = " + ".join(f"{load.accounts[name]} {words}" for name, words in _RESULTS.items())
    return f"{load.accounts['scheduled']} due = {parts}"


def generator(load: LoadLine) -> str:
    """The health of the load generator."""
    sentences = [
        text.format(round(load.health[name], 1) if "{}" in text else load.health[name])
        for name, text in _HEALTH.items()
        if name in load.health
    ]
    return "; ".join(sentences)


def floor(load: LoadLine) -> str:
    """The times of an empty server on this machine; empty if not measured."""
    return _times({name: value for name, value in load.calibration.items() if name not in ("requests", *_PAGE)})


def page_floor(load: LoadLine) -> str:
    """The times of an empty page with an empty iframe in the browser on this machine; empty if not measured."""
    return _times({short: load.calibration[name] for name, short in _PAGE.items() if name in load.calibration})


def _times(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g} ms" for name, value in found.items())


def counted(line: BudgetLine) -> str:
    """The number of measurements by which a budget was judged."""
    return f"{line.count:,} {'loads' if of_pages(line.over) else 'requests'}"


def metric(line: BudgetLine) -> str:
    """What a budget bounds, in words."""
    return _METRICS.get(line.metric, line.metric)


def basis(line: BudgetLine) -> str:
    """What a budget was judged by: 158 requests, server time."""
    unknown = f" and {line.unknown} with an unknown result" if line.unknown else ""
    observes = f" ({line.observes})" if line.observes != "exact" else ""
    return f"{counted(line)}{unknown}, {metric(line)}{observes}"


def of_pages(measures: Iterable[str]) -> bool:
    """Whether the measures come from a browser."""
    return all(each.startswith(("widget/", "emptyPage/")) for each in measures)


def lines(load: LoadLine) -> Iterator[tuple[str, str]]:
    """(label, text) of a load run, apart from its budgets."""
    if load.lanes:
        yield "load", f"{load.plan}; {load.lanes} generator process" + ("es" if load.lanes != 1 else "")
        yield "requests", accounts(load)
        yield "generator", generator(load)
    else:
        yield "load", load.plan
    if floor(load):
        yield "baseline", f"an empty server on this machine: {floor(load)}"
    if page_floor(load):
        yield "pages", f"an empty page with an empty iframe, in the browser on this machine: {page_floor(load)}"
