"""What a page of metrics (Prometheus) says of the routes that rules are about: a value without I/O."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openapi
from harness.deployment import Metrics

OPERATIONS = ("generateSession", "validateSession", "receiveEventStatusChanged")
_ROUTE, _STATUS, _METHOD = (
    ("route", "handler", "path", "endpoint", "uri"),
    ("status", "status_code", "code"),
    ("method",),
)
_MILLISECONDS = ("_ms", "_milliseconds")

Labels = Mapping[str, str]
Samples = Mapping[str, Sequence[tuple[Labels, float]]]
"""(labels, value) by the name of a sample."""


class NoFiguresError(ValueError):
    """A page that is no page of metrics, or whose values are no counts; the text says why."""


@dataclass(slots=True)
class Histogram:
    """Times in seconds: how many, their sum, and how many up to each bound. `only_successes`: of responses with 2xx."""

    count: float = 0.0
    sum: float = 0.0
    buckets: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    only_successes: bool = False

    def values(self) -> dict[str, Any]:
        """As JSON: the bounds in order; the last one, without an end, is left out."""
        bounds = sorted(each for each in self.buckets if not math.isinf(each))
        found = {"count": self.count, "sum": self.sum, "only_successes": self.only_successes}
        return {**found, "buckets": [[each, self.buckets[each]] for each in bounds]}


def figures_of(samples: Samples, metrics: Metrics, base_path: str) -> dict[str, Any]:
    """The figures that rules read. `base_path`: the path prefix of the API's URL. Raises NoFiguresError."""
    name = metrics.requests if metrics.requests in samples else f"{metrics.seconds}_count"
    counted = [(labels, _count(name, value)) for labels, value in samples.get(name, ())]
    statuses: dict[str, dict[str, float]] = {}
    seconds: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        found: dict[str, float] = defaultdict(float)
        for labels, value in _of_route(counted, operation, metrics, base_path):
            found[_label(labels, metrics.status_label, _STATUS) or ""] += value
        statuses[operation] = dict(found)
        times = _histogram(
            samples, metrics.seconds, lambda each, of=operation: _of_route(each, of, metrics, base_path), metrics
        )
        if times is not None:
            seconds[operation] = times.values()
    database = (
        _histogram(samples, metrics.database_seconds, lambda each: each, None) if metrics.database_seconds else None
    )
    started = [value for _, value in samples.get("process_start_time_seconds", ())]
    return {
        "total": sum(value for _, value in counted),
        "counter": name if counted else "",
        "statuses": statuses,
        "seconds": seconds,
        "database": database.values() if database is not None else None,
        "since": started[0] if len(started) == 1 and math.isfinite(started[0]) else None,
    }


def _histogram(samples: Samples, name: str, chosen: Any, metrics: Metrics | None) -> Histogram | None:
    """The histogram of this name, of the chosen series, together; with `metrics`, of successes where the status is a
    label. None if there is none."""
    scale = 0.001 if name.endswith(_MILLISECONDS) else 1.0
    found = Histogram(only_successes=metrics is not None)
    seen = False
    for part in ("count", "sum", "bucket"):
        for labels, value in chosen(samples.get(f"{name}_{part}", ())):
            status = _label(labels, metrics.status_label, _STATUS) if metrics is not None else None
            if metrics is not None and status is None:
                found.only_successes = False
            elif status is not None and not status.startswith("2"):
                continue
            value = _count(f"{name}_{part}", value)
            seen = seen or part == "count"
            if part == "count":
                found.count += value
            elif part == "sum":
                found.sum += value * scale
            else:
                found.buckets[_bound(labels.get("le", "")) * scale] += value
    return found if seen else None


def _of_route(
    series: Iterable[tuple[Labels, float]], operation: str, metrics: Metrics, base_path: str
) -> Iterator[tuple[Labels, float]]:
    document = openapi.find(operation)
    paths = {document.path, base_path.rstrip("/") + document.path}
    wanted = {metrics.routes[operation]} if operation in metrics.routes else paths
    for labels, value in series:
        route = _label(labels, metrics.route_label, _ROUTE)
        method = _label(labels, metrics.method_label, _METHOD)
        named = route is not None and (route in wanted or route.rstrip("/") in wanted)
        if named and (method is None or method.upper() == document.method):
            yield labels, value


def _label(labels: Labels, name: str, usual: Iterable[str]) -> str | None:
    return next((labels[each] for each in ((name,) if name else usual) if each in labels), None)


def _count(name: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise NoFiguresError(f"{name} is {value}, which is no count")
    return value


def _bound(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if math.isnan(found):
        raise NoFiguresError(f"a bucket ends at {text[:20]!r}, which is no number")
    return found
