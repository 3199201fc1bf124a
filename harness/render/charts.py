"""Charts of a load run as inline SVG without script or style; colours come from the page's classes. Pure."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from harness.render.load_words import amount
from harness.report import MeasureLine, Stretch

_WIDTH, _HEIGHT = 480, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 18, 10, 26
Point = tuple[float, float]


def percentile_chart(measure: MeasureLine) -> Markup:
    """Milliseconds by percentile, both axes logarithmic, with the bounds as a band, and the server time if it is known.
    Empty if nothing was measured."""
    rows = [row for row in measure.percentiles if row[0] is not None and row[1] is not None]
    if not rows:
        return Markup("")
    lines = [("latency", rows)] + [(name, list(each)) for name, each in (("server", measure.server),) if each]
    values = [value for _, each in lines for row in each for value in row[1:] if value is not None and value > 0]
    y = _Scale(math.log10(max(min(values), 0.01)), math.log10(max(values)), _HEIGHT - _BOTTOM, _TOP)
    xs = [-math.log10(1 - (row[0] or 0) / 100) for row in rows]
    x = _Scale(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT)
    body = [_y_axis(y, logarithmic=True)]
    body += [_label(x(each), _HEIGHT - 8, f"{row[0]:g}") for each, row in zip(xs, rows, strict=True)]
    band = [(x(each), row) for each, row in zip(xs, rows, strict=True) if row[2] is not None and row[3] is not None]
    if len(band) > 1:
        upper = [(at, y(_log(row[3]))) for at, row in band]
        lower = [(at, y(_log(row[2]))) for at, row in reversed(band)]
        body.append(Markup('<polygon class="band" points="{}"/>').format(_points([*upper, *lower])))
    for name, each in lines:
        line = [
            (x(-math.log10(1 - (row[0] or 0) / 100)), y(_log(row[1])))
            for row in each
            if row[0] is not None and row[1] is not None
        ]
        body.append(_line(line, name))
    return _svg(body, f"{measure.name}: milliseconds by percentile")


def time_chart(measure: MeasureLine) -> Markup:
    """Median and 95th percentile over time, with bars for requests and failures a second."""
    stretches = measure.stretches
    if not stretches:
        return Markup("")
    end = max(each.start + each.seconds for each in stretches)
    x = _Scale(0.0, max(end, 0.001), _LEFT, _WIDTH - _RIGHT)
    rates = [each.due / each.seconds for each in stretches if each.seconds]
    bar = _Scale(0.0, max(rates, default=1.0) or 1.0, _HEIGHT - _BOTTOM, _TOP + 30)
    points = [(each, quantile(each, 0.5), quantile(each, 0.95)) for each in stretches if each.times]
    highest = max((top for _, _, top in points), default=1.0)
    y = _Scale(0.0, highest or 1.0, _HEIGHT - _BOTTOM, _TOP)
    body = [_y_axis(y, logarithmic=False)]
    for each in stretches:
        if each.seconds:
            body.append(_bar(x, bar, each, each.due / each.seconds, "due" if each.measured else "due unmeasured"))
            if each.failed:
                body.append(_bar(x, bar, each, each.failed / each.seconds, "failed"))
    middle = [(x(each.start + each.seconds / 2), low, top) for each, low, top in points]
    body.append(_line([(at, y(top)) for at, _, top in middle], "p95"))
    body.append(_line([(at, y(low)) for at, low, _ in middle], "latency"))
    step = max(end / 6, 0.1)
    body += [_label(x(step * index), _HEIGHT - 8, f"{step * index:.3g} s") for index in range(1, 6)]
    return _svg(body, f"{measure.name}: milliseconds over time, up to {max(rates, default=0):.3g} requests a second")


def quantile(stretch: Stretch, q: float) -> float:
    """A quantile of a stretch's times in milliseconds; 0 if there are none."""
    total = sum(count for _, count in stretch.times)
    seen = 0
    for value, count in stretch.times:
        seen += count
        if seen >= q * total:
            return value
    return 0.0


class _Scale:
    """A linear scale from values to coordinates."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high if high > low else low + 1.0
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * (self._end - self._start), 1)


def _y_axis(y: _Scale, *, logarithmic: bool) -> Markup:
    parts = []
    for index in range(4):
        value = y.low + (y.high - y.low) * index / 3
        shown = 10**value if logarithmic else value
        at = y(value)
        parts.append(Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, _WIDTH, at, at))
        parts.append(
            Markup('<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>').format(
                _LEFT - 5, at + 4, amount(shown, "ms")
            )
        )
    return Markup("").join(parts)


def _bar(x: _Scale, y: _Scale, stretch: Stretch, value: float, kind: str) -> Markup:
    left, right, top = x(stretch.start), x(stretch.start + stretch.seconds), y(value)
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
        kind, left, top, round(max(right - left - 1, 1), 1), round(max(y(0.0) - top, 0.5), 1)
    )


def _line(points: Sequence[Point], kind: str) -> Markup:
    return Markup('<polyline class="line {}" points="{}"/>').format(kind, _points(points))


def _label(x: float, y: float, text: str) -> Markup:
    return Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>').format(x, y, text)


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _log(value: float | None) -> float:
    return math.log10(max(value or 0.0, 0.01))


def _svg(body: Sequence[Markup], title: str) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        _WIDTH, _HEIGHT, escape(title), Markup("").join(body)
    )
