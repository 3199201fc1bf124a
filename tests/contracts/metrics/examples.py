"""Example histories of the rules about tuvens-api's metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.metrics.figures import OPERATIONS
from contracts.metrics.rules import STORY
from harness.history import History as Seen
from tests.contracts.examples import Example, Examples, breaks, holds, lacks, leaves_open
from tests.contracts.histories import history, observed

GENERATE, VALIDATE, WEBHOOK = OPERATIONS
QUICK = {
    "count": 1000.0,
    "sum": 4.0,
    "only_successes": True,
    "buckets": [[0.005, 900.0], [0.01, 990.0], [0.025, 1000.0]],
}
BEGAN = 1_753_000_000.0


def seen(
    statuses: Mapping[str, Mapping[str, float]] | None = None,
    *,
    times: Mapping[str, object] | None = None,
    **other: Any,
) -> Seen:
    """What the page of metrics says after the organiser has read an event and generated a session."""
    found = {each: {"200": 5000.0} for each in OPERATIONS} | {each: dict(by) for each, by in (statuses or {}).items()}
    usual = {
        "counter": "http_requests_total",
        "statuses": found,
        "earlier": {**found, GENERATE: {"200": sum(found[GENERATE].values()) - 1}},
        "seconds": {each: {**QUICK, **(times or {})} for each in OPERATIONS},
        "database": {**QUICK, **(times or {})},
        "since": BEGAN,
        "total": {"before": 20_000.0, "after": 20_002.0},
        "sent": {"": 1, GENERATE: 1},
    }
    return history(observed(f"{STORY}/counts", **{**usual, **other}))


def _counted(operation: str, **by_status: float) -> Seen:
    return seen({operation: {status.removeprefix("of_"): count for status, count in by_status.items()}})


def _rate(operation: str) -> Sequence[Example]:
    return (
        holds("all succeed", seen()),
        holds("many succeed, one does not", _counted(operation, of_200=20_000, of_500=1)),
        holds("the status is a class", _counted(operation, of_2xx=5000)),
        holds("nobody says since when", seen(since=None)),
        breaks("one in a hundred fails", _counted(operation, of_200=9_900, of_500=100)),
        breaks("most fail", _counted(operation, of_5xx=100)),
        lacks("few were sent", _counted(operation, of_200=200)),
        lacks("none was sent", _counted(operation)),
        lacks("some were rejected, perhaps rightly", _counted(operation, of_200=9_900, of_401=100)),
        leaves_open("the metrics were not read", history(ended={STORY: "stopped"})),
    )


def _mean(limit: float, **none: Any) -> Sequence[Example]:
    slow = {"sum": limit * 1200, "buckets": [[limit, 100.0], [limit * 1.3, 1000.0]]}
    close = {"sum": limit * 999, "buckets": [[limit / 2, 100.0], [limit * 2, 1000.0]]}
    return (
        holds("they are quick", seen()),
        breaks("they are slow", seen(times=slow)),
        breaks("some take much longer than others", seen(times={"sum": limit * 3000, "buckets": [[limit, 700.0]]})),
        lacks("they are close to it", seen(times=close)),
        lacks("there are few", seen(times={"count": 20.0})),
        lacks("it has no buckets", seen(times={"buckets": []})),
        lacks("there is no such histogram", seen(**none)),
    )


_GENERATE, _VALIDATE, _WEBHOOK = (_rate(each) for each in OPERATIONS)
_OTHERS = {"only_successes": False}

EXAMPLES: Examples = {
    "requests_are_counted": (
        holds("each was counted", seen()),
        holds("others were counted, too", seen(total={"before": 20_000.0, "after": 20_900.0})),
        holds("nothing was changed, and reading was counted", seen(sent={"": 1})),
        leaves_open("there is no such counter", seen(counter="")),
        leaves_open("no route is that of generateSession", seen({GENERATE: {}})),
        leaves_open("the counts fell", seen(total={"before": 20_000.0, "after": 3.0})),
        leaves_open("the session was not counted", seen(earlier={GENERATE: {"200": 5000.0}})),
        leaves_open("one of two was counted", seen(total={"before": 20_000.0, "after": 20_001.0})),
        leaves_open("the status is no label", seen({VALIDATE: {"": 5000.0}})),
        leaves_open("the metrics were not read", history(ended={STORY: "stopped"})),
    ),
    "webhooks_are_counted": (
        holds("they are", seen()),
        lacks("none came", seen({WEBHOOK: {}})),
        leaves_open("the metrics were not read", history(ended={STORY: "stopped"})),
    ),
    "generation_succeeds": _GENERATE,
    "validation_succeeds": _VALIDATE,
    "webhook_failures_are_rare": _WEBHOOK,
    "authentication_errors_are_rare": (
        holds("nobody is rejected", seen()),
        holds("errors of other kinds are no matter", _counted(GENERATE, of_200=5000, of_500=100, of_400=3)),
        lacks("some are, perhaps rightly", _counted(GENERATE, of_200=5000, of_401=100)),
        lacks("the status is a class", _counted(GENERATE, of_2xx=5000, of_4xx=100)),
        lacks("few were sent", _counted(GENERATE, of_200=200)),
        leaves_open("the metrics were not read", history(ended={STORY: "stopped"})),
    ),
    "generation_takes_less_than_10_ms": (
        holds("99 % do", seen()),
        holds("a bucket below says so", seen(times={"buckets": [[0.005, 990.0]]})),
        breaks("a fifth takes longer", seen(times={"buckets": [[0.005, 700.0], [0.01, 800.0], [0.025, 1000.0]]})),
        breaks("a fifth takes even longer", seen(times={"buckets": [[0.025, 800.0]]})),
        lacks("its buckets do not say", seen(times={"buckets": [[0.005, 700.0], [0.1, 1000.0]]})),
        lacks("there are few", seen(times={"count": 20.0})),
        lacks("there is no such histogram", seen(seconds={})),
        lacks(
            "those of rejected requests stand in it, too", seen({GENERATE: {"200": 900.0, "401": 9.0}}, times=_OTHERS)
        ),
        holds("all succeed, so the status is no matter", seen(times=_OTHERS)),
    ),
    "generation_takes_8_ms_on_average": _mean(0.008, seconds={}),
    "webhook_takes_25_ms_on_average": _mean(0.025, seconds={}),
    "database_takes_15_ms_on_average": _mean(0.015, database=None),
}
