"""Charts of a load run as inline SVG without script or style; colours come from the page's classes. Pure.

Scales come from the measured values. A budget is a dashed line with its value; one far beyond the scale is named at the
edge, with an arrow.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from harness.load_lines import BudgetLine, MeasureLine, Stretch
from harness.render.load_words import amount, limit_in_words, name_of, threshold_of
from harness.thresholds import Statistic

_WIDTH, _HEIGHT = 400, 242
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 28, 44
_RATES = 40
"""Width of the axis of requests a second, and the height of its bars."""
_FAR = 3.0
"""A budget is within the scale up to so many times the largest measured value, or so small a part of the smallest."""
_LETTER = 5.6
_LABEL = 13
"""The height of a label."""
Point = tuple[float, float]
Budgets = Sequence[BudgetLine]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """An entry of a chart's legend: the class of its line or area, and its text."""

    kind: str
    text: str


def budgets_of(measure: MeasureLine, budgets: Budgets) -> list[BudgetLine]:
    """The budgets of a measure's times, as the charts can show them."""
    return [
        each
        for each in budgets
        if measure.name in each.over and each.unit == "ms" and each.metric in ("latency", "service", "server")
    ]


def percentile_legend(measure: MeasureLine, budgets: Budgets) -> list[LegendEntry]:
    """The legend of the percentile chart."""
    found = [LegendEntry("line latency", "response time"), LegendEntry("band", "its confidence bounds")]
    if measure.server:
        found.append(LegendEntry("line server", "time in the server"))
    return found + [LegendEntry("budget", f"budget: {_label(each)}") for each in budgets_of(measure, budgets)]


def time_legend(measure: MeasureLine, budgets: Budgets) -> list[LegendEntry]:
    """The legend of the chart over time."""
    of = _unit_of(measure)
    found = [LegendEntry("line latency", "median"), LegendEntry("line p95", "95th percentile (p95)")]
    shown = _of_latency(measure, budgets)
    if _has_mean(shown):
        found.append(LegendEntry("line mean", "mean"))
    found.append(LegendEntry("due", f"{of} per second"))
    if any(not each.measured for each in measure.stretches):
        found.append(LegendEntry("due unmeasured", "not measured, such as warm-up"))
    if any(each.failed for each in measure.stretches):
        found.append(LegendEntry("failed", f"failed {of} per second"))
    return found + [LegendEntry("budget", f"budget: {_label(each)}") for each in shown]


def percentile_chart(measure: MeasureLine, budgets: Budgets = ()) -> Markup:
    """Milliseconds by percentile, both axes logarithmic, with the bounds as a band, and the server time if it is known.
    Empty if nothing was measured."""
    rows = [(row[0], row[1], row) for row in measure.percentiles if row[0] is not None and row[1] is not None]
    if not rows:
        return Markup("")
    server = [(row[0], row[1], row) for row in measure.server if row[0] is not None and row[1] is not None]
    values = [max(value, 0.01) for *_, row in (*rows, *server) for value in row[1:] if value is not None]
    limits = budgets_of(measure, budgets)
    near = [
        threshold_of(each).limit
        for each in limits
        if min(values) / _FAR <= threshold_of(each).limit <= max(values) * _FAR
    ]
    ticks = _decades(min(*values, *near), max(*values, *near))
    y = _Scale(math.log10(ticks[0]), math.log10(ticks[-1]), _HEIGHT - _BOTTOM, _TOP)
    x = _Scale(_nines(rows[0][0]), _nines(rows[-1][0]), _LEFT + 12, _WIDTH - _RIGHT - 10)
    right = float(_WIDTH - _RIGHT)
    body = [_y_axis([(y(math.log10(each)), amount(each, "ms")) for each in ticks], right)]
    body += [_text(x(_nines(percent)), _HEIGHT - 22, f"p{percent:g}") for percent, *_ in rows]
    body.append(_text((_LEFT + right) / 2, _HEIGHT - 5, "percentile of the requests", "title"))
    body.append(_text(2, 12, "response time", "title", "start"))
    band = [
        (x(_nines(percent)), y(_log(row[2])), y(_log(row[3])))
        for percent, _, row in rows
        if row[2] is not None and row[3] is not None
    ]
    if len(band) > 1:
        edge = [*((at, top) for at, _, top in band), *((at, low) for at, low, _ in reversed(band))]
        body.append(Markup('<polygon class="band" points="{}"/>').format(_points(edge)))
    for name, each in (("server", server), ("latency", rows)):
        if each:
            body.append(_line([(x(_nines(percent)), y(_log(value))) for percent, value, _ in each], name))
    body.append(_budget_lines([(y(_log(threshold_of(each).limit)), _label(each)) for each in limits], right))
    said = ", ".join(f"p{percent:g} {amount(value, 'ms')}" for percent, value, _ in rows)
    return _svg(body, f"{measure.name}: response time by percentile. {said}." + _spoken(limits))


def time_chart(measure: MeasureLine, budgets: Budgets = ()) -> Markup:
    """Median and 95th percentile over time, with bars for requests and failures a second."""
    stretches = measure.stretches
    if not stretches:
        return Markup("")
    end = max(0.001, *(each.start + each.seconds for each in stretches))
    right = float(_WIDTH - _RIGHT - _RATES)
    x = _Scale(0.0, end, _LEFT, right)
    limits = _of_latency(measure, budgets)
    timed = [each for each in stretches if each.times]
    # A stall of the warm-up must not flatten what is judged.
    judged = [each for each in timed if each.measured] or timed
    tops = [quantile(each, 0.95) for each in judged]
    highest = max((*tops, *(mean(each) for each in judged if _has_mean(limits))), default=1.0) or 1.0
    near = [threshold_of(each).limit for each in limits if threshold_of(each).limit <= highest * _FAR]
    ticks = _steps(max(highest, *near) if near else highest, 4)
    y = _Scale(0.0, ticks[-1], _HEIGHT - _BOTTOM, _TOP)
    rates = [each.due / each.seconds for each in stretches if each.seconds]
    most = max(rates, default=1.0) or 1.0
    bar = _Scale(0.0, most, _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _RATES)
    body = [_y_axis([(y(each), amount(each, "ms")) for each in ticks], right)]
    for each in stretches:
        if each.seconds:
            body.append(_bar(x, bar, each, each.due / each.seconds, "due" if each.measured else "due unmeasured"))
            if each.failed:
                body.append(_bar(x, bar, each, each.failed / each.seconds, "failed"))
    body += [_text(right + 4, bar(each) + 4, f"{each:.3g}/s", "axis", "start") for each in (0.0, most)]
    kinds: list[tuple[str, Callable[[Stretch], float]]] = [
        ("p95", lambda each: quantile(each, 0.95)),
        ("latency", lambda each: quantile(each, 0.5)),
    ]
    kinds += [("mean", mean)] if _has_mean(limits) else []
    lines = [
        _line([(x(each.start + each.seconds / 2), y(value(each))) for each in timed], kind) for kind, value in kinds
    ]
    body.append(_cut_off(lines, right))
    body += [_text(x(each), _HEIGHT - 22, f"{each:g} s") for each in _steps(end, 5) if each <= end]
    body.append(_text((_LEFT + right) / 2, _HEIGHT - 5, "time since the start of the run", "title"))
    body.append(_text(2, 12, "response time", "title", "start"))
    body.append(_text(_WIDTH - 2, 12, f"{_unit_of(measure)} per second", "title", "end"))
    body.append(_budget_lines([(y(threshold_of(each).limit), _label(each)) for each in limits], right))
    said = f"p95 {amount(min(tops), 'ms')} to {amount(max(tops), 'ms')}" if tops else "no correct response"
    failed = sum(each.failed for each in stretches)
    return _svg(
        body,
        f"{measure.name}: response time over {end:.3g} s. {said}, at most {most:.3g} {_unit_of(measure)} per second, "
        f"{failed} failed." + _spoken(limits),
    )


def quantile(stretch: Stretch, q: float) -> float:
    """A quantile of a stretch's times in milliseconds; 0 if there are none."""
    total = sum(count for _, count in stretch.times)
    seen = 0
    for value, count in stretch.times:
        seen += count
        if seen >= q * total:
            return value
    return 0.0


def mean(stretch: Stretch) -> float:
    """The mean of a stretch's times in milliseconds; 0 if there are none."""
    total = sum(count for _, count in stretch.times)
    return sum(value * count for value, count in stretch.times) / total if total else 0.0


class _Scale:
    """A linear scale from values to coordinates."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high if high > low else low + 1.0
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * (self._end - self._start), 1)


def _decades(low: float, high: float) -> list[float]:
    """Ticks at 1, 2 and 5 of each decade, or at 1 if these are many; the first and the last enclose the values."""
    for parts in ((1.0, 2.0, 5.0), (1.0,)):
        found = [10.0**power * part for power in range(-3, 8) for part in parts]
        first = max((index for index, each in enumerate(found) if each <= low), default=0)
        last = min((index for index, each in enumerate(found) if each >= high), default=len(found) - 1)
        ticks = found[first : max(last, first + 1) + 1]
        if len(ticks) <= 7:
            break
    return ticks


def _steps(high: float, parts: int) -> list[float]:
    """Round ticks from 0 to `high` or just above."""
    rough = high / parts
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(part * power for part in (1.0, 2.0, 2.5, 5.0, 10.0) if part * power >= rough * 0.999)
    return [round(step * index, 9) for index in range(math.ceil(high / step - 1e-9) + 1)]


def _of_latency(measure: MeasureLine, budgets: Budgets) -> list[BudgetLine]:
    """Those that the times over time can be compared with: they are measured by the client."""
    return [each for each in budgets_of(measure, budgets) if each.metric != "server"]


def _has_mean(budgets: Budgets) -> bool:
    return any(threshold_of(each).statistic is Statistic.MEAN for each in budgets)


def _unit_of(measure: MeasureLine) -> str:
    return "loads" if measure.name.startswith(("widget/", "emptyPage/")) else "requests"


def _label(budget: BudgetLine) -> str:
    where = "" if budget.metric == "latency" else f" ({budget.metric})"
    return f"{name_of(budget)}{where} {limit_in_words(budget)}"


def _spoken(budgets: Budgets) -> str:
    return "".join(f" Budget: {_label(each)}." for each in budgets)


def _budget_lines(budgets: Sequence[tuple[float, str]], right: float) -> Markup:
    """Lines at these heights with their texts, which overlap neither each other nor, of two lines, the other one;
    outside of the plot only the text, with an arrow."""
    bottom = float(_HEIGHT - _BOTTOM)
    lines, parts = [], []
    ordered = sorted(budgets)
    for (at, label), height in zip(ordered, _label_heights([at for at, _ in ordered], bottom), strict=True):
        text = label
        if at < _TOP - 0.5:
            text = f"↑ {label}"
        elif at > bottom + 0.5:
            text = f"↓ {label}"
        else:
            lines.append(Markup('<line class="budget" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, right, at, at))
        parts.append(
            Markup('<rect class="behind" x="{}" y="{}" width="{}" height="12"/>').format(
                round(right - 4 - _LETTER * len(text), 1), height - 10, round(_LETTER * len(text) + 4, 1)
            )
        )
        parts.append(_text(right - 2, height, text, "limit", "end"))
    return Markup("").join((*lines, *parts))


def _label_heights(lines: Sequence[float], bottom: float) -> list[float]:
    """The baselines of the labels of lines, from the top: above its line, or below it if another label or line is
    there."""
    found: list[float] = []
    used = _TOP - _LABEL + 10.0
    for at in lines:
        above = min(max(at - 3, _TOP + 10.0), bottom - 2)
        found.append(above if above - _LABEL >= used - 0.01 else max(at + 11, used + _LABEL))
        used = max(found[-1], at)
    last = bottom + 9
    for index in reversed(range(len(found))):
        found[index] = last = min(found[index], last)
        last -= _LABEL
    return found


def _y_axis(ticks: Sequence[tuple[float, str]], right: float) -> Markup:
    parts = []
    for at, text in ticks:
        parts.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, right, at, at))
        parts.append(_text(_LEFT - 5, at + 4, text, "axis", "end"))
    return Markup("").join(parts)


def _cut_off(lines: Sequence[Markup], right: float) -> Markup:
    """Lines without what is outside of the plot, which an inner SVG does not show."""
    width, height = right - _LEFT, _HEIGHT - _BOTTOM - _TOP + 2
    return Markup('<svg x="{0}" y="{1}" width="{2}" height="{3}" viewBox="{0} {1} {2} {3}">{4}</svg>').format(
        _LEFT, _TOP - 1, width, height, Markup("").join(lines)
    )


def _bar(x: _Scale, y: _Scale, stretch: Stretch, value: float, kind: str) -> Markup:
    left, right, top = x(stretch.start), x(stretch.start + stretch.seconds), y(value)
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, left, top, round(max(right - left - 1, 1), 1), round(max(y(0.0) - top, 0.5), 1)
    )


def _line(points: Sequence[Point], kind: str) -> Markup:
    return Markup('<polyline class="line {}" points="{}"/>').format(kind, _points(points))


def _text(x: float, y: float, text: str, kind: str = "axis", anchor: str = "middle") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, round(x, 1), round(y, 1), anchor, text
    )


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _nines(percent: float) -> float:
    return -math.log10(1 - percent / 100)


def _log(value: float | None) -> float:
    return math.log10(max(value or 0.0, 0.01))


def _svg(body: Sequence[Markup], title: str) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        _WIDTH, _HEIGHT, escape(title), Markup("").join(body)
    )
