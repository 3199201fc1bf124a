"""The performance and reliability targets, by tuvens-api's own metrics: what it counted since its process began.

A metric does not say whether a request was right. So a 5xx is surely a failure, any other response without 2xx
perhaps: a rule holds if even all of these are few enough, and is broken only by those that are sure. In between, and
with too few requests, it is left open. Bounds are wrong with a probability of 5 % at most.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.catalogue import RuleFamily
from harness.distributions import beta_quantile, t_quantile
from harness.expectations import LackingError, UndecidedError, expect, held
from harness.history import History, Observation
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "metrics_are_read"
_FIELD = "targets.tuvens-api.metrics"
_COUNTED = "metrics.requests_are_counted"
_ERROR = 0.05
_MOST = 1_000_000
"""More requests would make the bounds narrower than the figures are worth."""
_FEWEST_TIMES = 100

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Performance and reliability targets",
    story=STORY,
    needs=("metrics:tuvens-api", "extra:metrics"),
    depends_on=_COUNTED,
)


@rule(
    quote="success: generation 99.9 %, validation 99.8 %",
    settles="C-MO-01",
    depends_on="routes.tuvens-api_answers",
)
def requests_are_counted(history: History) -> Verdict:
    """tuvens-api's metrics count the requests for each route, by status."""
    seen = history.observation(f"{STORY}/counts")
    values = seen.values
    if not values["counter"]:
        raise UndecidedError(f"{_FIELD}.requests: the page of metrics has no counter of this name")
    sent, earlier = values["sent"], {"": values["total"]["before"]}
    later = {"": values["total"]["after"]}
    if "generateSession" in sent:
        earlier["generateSession"] = sum(values["earlier"]["generateSession"].values())
        later["generateSession"] = sum(values["statuses"]["generateSession"].values())
    for name, count in sent.items():
        what = f"{values['counter']} of {name}" if name else values["counter"]
        if name and not later[name]:
            raise UndecidedError(
                f"{_FIELD}.routes: no series of {values['counter']} names the route of {name} as its document does"
            )
        if later[name] < earlier[name]:
            raise UndecidedError(f"{what} fell from {earlier[name]:.0f} to {later[name]:.0f}: {_SEVERAL}")
        requests = sum(sent.values()) if not name else count
        if later[name] - earlier[name] < requests:
            raise UndecidedError(
                f"{what} rose from {earlier[name]:.0f} to {later[name]:.0f}, with {requests} requests sent: {_SEVERAL}"
            )
    if any("" in each for each in values["statuses"].values()):
        raise UndecidedError(f"{_FIELD}.status_label: {values['counter']} has no label for the status")
    return held(seen, f"{later['']:.0f} requests {_since(values)}")


_SEVERAL = (
    "tuvens-api began anew, or this is one process of several: give the url of a page that has the metrics of all as "
    f"{_FIELD}.url"
)


@rule(quote="webhook 25 ms on average", settles="C-MO-01")
def webhooks_are_counted(history: History) -> Verdict:
    """tuvens-api's metrics count webhooks, by status."""
    seen, statuses = _statuses(history, "receiveEventStatusChanged")
    return held(seen, f"{sum(statuses.values()):.0f} webhooks {_since(seen.values)}")


# rates


@rule(quote="success: generation 99.9 %", settles="C-RT-01", next_step="Look at the errors in tuvens-api's log.")
def generation_succeeds(history: History) -> Verdict:
    """tuvens-api returns a session token for at least 99.9 % of the requests, by its metrics."""
    return _few_failures(history, "generateSession", 0.001)


@rule(quote="validation 99.8 %", settles="C-RT-02", next_step="Look at the errors in tuvens-api's log.")
def validation_succeeds(history: History) -> Verdict:
    """tuvens-api validates a session for at least 99.8 % of the requests, by its metrics."""
    return _few_failures(history, "validateSession", 0.002)


@rule(quote="webhook delivery below 0.2 %", settles="C-RT-05", next_step="Look at the errors in tuvens-api's log.")
def webhook_failures_are_rare(history: History) -> Verdict:
    """tuvens-api rejects less than 0.2 % of the webhooks, by its metrics."""
    return _few_failures(history, "receiveEventStatusChanged", 0.002)


@rule(quote="errors: authentication below 0.1 %", settles="C-RT-04")
def authentication_errors_are_rare(history: History) -> Verdict:
    """tuvens-api rejects the credentials of less than 0.1 % of the requests for a session token, by its metrics."""
    # Whether credentials were right no metric says: it may hold, and is never broken.
    seen, statuses = _statuses(history, "generateSession")
    refused = sum(count for status, count in statuses.items() if status in ("401", "403", "4xx"))
    return _rare(seen, 0.0, refused, sum(statuses.values()), 0.001, "401 or 403")


def _few_failures(history: History, operation: str, most: float) -> Verdict:
    seen, statuses = _statuses(history, operation)
    sure = sum(count for status, count in statuses.items() if status.startswith("5"))
    possible = sum(count for status, count in statuses.items() if not status.startswith("2"))
    return _rare(seen, sure, possible, sum(statuses.values()), most, "without success")


def _rare(seen: Observation, sure: float, possible: float, total: float, most: float, what: str) -> Verdict:
    """Whether a share of the requests is small enough: `sure` are of it, `possible` may be."""
    told = f"{possible:.0f} of {total:.0f} responses {what} {_since(seen.values)}"
    if _upper(possible, total) < most:
        return held(seen, told)
    expect(
        _lower(sure, total) <= most,
        expected=f"less than {100 * most:g} %",
        observed=f"{sure:.0f} of {total:.0f} responses are 5xx {_since(seen.values)}",
        at=seen,
    )
    needed = math.ceil(math.log(_ERROR) / math.log1p(-most))
    if total < needed:
        raise LackingError(f"{told}: too few to decide; {needed} without one of these would", blocks=False)
    raise LackingError(f"{told}: whether those requests were right, a metric does not say", blocks=False)


def _upper(hits: float, total: float) -> float:
    """The highest rate that so many hits leave possible (Clopper and Pearson)."""
    scale = min(1.0, _MOST / total)
    k, n = hits * scale, total * scale
    return 1.0 if k >= n else beta_quantile(1.0 - _ERROR, k + 1.0, n - k)


def _lower(hits: float, total: float) -> float:
    scale = min(1.0, _MOST / total)
    k, n = hits * scale, total * scale
    return 0.0 if k <= 0 else beta_quantile(_ERROR, k, n - k + 1.0)


def _statuses(history: History, operation: str) -> tuple[Observation, Mapping[str, float]]:
    """How many responses there were, by status; at least one. Raises LackingError."""
    seen = history.observation(f"{STORY}/counts")
    statuses: Mapping[str, float] = seen.values["statuses"][operation]
    if not sum(statuses.values()):
        raise LackingError(f"no request for {operation} is counted {_since(seen.values)}", blocks=False)
    return seen, statuses


def _since(values: Mapping[str, Any]) -> str:
    since = values["since"]
    if since is None:
        return "since the process began"
    return f"since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M} UTC"


# times


@rule(quote="generate-session under 10 ms, 8 ms on average", settles="C-PF-01")
def generation_takes_less_than_10_ms(history: History) -> Verdict:
    """tuvens-api generates 95 % of the session tokens in less than 10 ms, by its metrics."""
    seen, times = _times(history, "generateSession")
    below = max((each for each in times.buckets if each[0] <= 0.0101), default=None)
    above = min((each for each in times.buckets if each[0] >= 0.0099), default=None)
    told = f"of {times.count:.0f} {_since(seen.values)}"
    if below is not None and _upper(times.count - below[1], times.count) <= 0.05:
        return held(seen, f"{below[1] / times.count:.1%} within {below[0] * 1000:g} ms, {told}")
    if above is not None:
        expect(
            _lower(times.count - above[1], times.count) <= 0.05,
            expected="95 % in less than 10 ms",
            observed=f"{above[1] / times.count:.1%} within {above[0] * 1000:g} ms, {told}",
            at=seen,
        )
    raise LackingError(
        f"{_FIELD}.seconds: its buckets leave open how many of {times.count:.0f} took less than 10 ms: give it a "
        "bucket that ends at 0.01",
        blocks=False,
    )


@rule(quote="generate-session under 10 ms, 8 ms on average", settles="C-PF-01")
def generation_takes_8_ms_on_average(history: History) -> Verdict:
    """tuvens-api generates a session token in at most 8 ms on average, by its metrics."""
    return _mean(*_times(history, "generateSession"), 0.008)


@rule(quote="webhook 25 ms on average", settles="C-PF-02")
def webhook_takes_25_ms_on_average(history: History) -> Verdict:
    """tuvens-api processes a webhook in at most 25 ms on average, by its metrics."""
    return _mean(*_times(history, "receiveEventStatusChanged"), 0.025)


@rule(quote="database query 15 ms on average", settles="C-PF-03")
def database_takes_15_ms_on_average(history: History) -> Verdict:
    """tuvens-api waits at most 15 ms on average for a query of its database, by its metrics."""
    seen = history.observation(f"{STORY}/counts")
    found = seen.values["database"]
    if found is None:
        raise LackingError(f"{_FIELD}.database_seconds names no histogram of that page", blocks=False)
    return _mean(seen, _enough(found), 0.015)


@dataclass(frozen=True, slots=True)
class _Times:
    """A histogram: how many times, their sum in seconds, and (bound, how many up to it)."""

    count: float
    sum: float
    buckets: Sequence[tuple[float, float]]


def _times(history: History, operation: str) -> tuple[Observation, _Times]:
    """The times of an operation's successes. Raises LackingError where there are too few, or they stand with others."""
    seen, statuses = _statuses(history, operation)
    found = seen.values["seconds"].get(operation)
    if found is None:
        raise LackingError(f"{_FIELD}.seconds: no histogram of this name has the route of {operation}", blocks=False)
    if not found["only_successes"] and any(not each.startswith("2") for each, count in statuses.items() if count):
        raise LackingError(
            f"{_FIELD}.seconds has no label for the status: the times of requests without success stand in it, too",
            blocks=False,
        )
    return seen, _enough(found)


def _enough(found: Mapping[str, Any]) -> _Times:
    if found["count"] < _FEWEST_TIMES:
        raise LackingError(f"{found['count']:.0f} times are too few to decide: {_FEWEST_TIMES} would", blocks=False)
    if not found["buckets"]:
        raise LackingError(f"{_FIELD}.seconds has no buckets, so how much the times differ is not known", blocks=False)
    return _Times(found["count"], found["sum"], [(bound, count) for bound, count in found["buckets"]])


def _mean(seen: Observation, times: _Times, most: float) -> Verdict:
    """Whether a mean is small enough, by the widest spread that the buckets allow."""
    mean = times.sum / times.count
    half = t_quantile(1.0 - _ERROR, times.count - 1) * math.sqrt(_widest_variance(times, mean) / times.count)
    told = f"{mean * 1000:.3g} ms on average of {times.count:.0f} {_since(seen.values)}"
    if mean + half <= most:
        return held(seen, told)
    expect(mean - half <= most, expected=f"at most {most * 1000:g} ms", observed=told, at=seen)
    raise LackingError(f"{told}, {half * 1000:.2g} ms more or less: too close to decide", blocks=False)


def _widest_variance(times: _Times, mean: float) -> float:
    total, low, before, least = 0.0, 0.0, 0.0, 0.0
    for bound, count in times.buckets:
        inside = max(count - before, 0.0)
        total += inside * max((low - mean) ** 2, (bound - mean) ** 2)
        least += inside * low
        low, before = bound, max(count, before)
    beyond = times.count - before
    if beyond > 0:
        total += beyond * (max(low, (times.sum - least) / beyond) - mean) ** 2
    return total / times.count
