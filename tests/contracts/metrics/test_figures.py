"""What a page of metrics says of a route, whatever names and labels it has."""

import pytest

from contracts.metrics.figures import NoFiguresError, Samples, figures_of
from harness.deployment import Metrics

PATH = "/api/cross-app/generate-session"
USUAL = Metrics("https://api.example.com/metrics")


def counts(*labels: dict[str, str], name: str = "http_requests_total") -> Samples:
    return {name: [(each, 10.0) for each in labels]}


def generated(samples: Samples, metrics: Metrics = USUAL, base_path: str = "") -> dict[str, float]:
    found: dict[str, float] = figures_of(samples, metrics, base_path)["statuses"]["generateSession"]
    return found


@pytest.mark.parametrize(
    "labels",
    [
        {"route": PATH, "status": "200"},
        {"handler": PATH, "method": "POST", "status_code": "200"},
        {"path": f"{PATH}/", "method": "post", "code": "200"},
        {"endpoint": f"/base{PATH}", "status": "200"},
    ],
)
def test_a_route_is_known_by_its_path_under_usual_labels(labels: dict[str, str]) -> None:
    assert generated(counts(labels), base_path="/base") == {"200": 10.0}


@pytest.mark.parametrize(
    "labels",
    [
        {"route": "/api/cross-app/validate-session", "status": "200"},
        {"route": PATH, "method": "OPTIONS", "status": "204"},
        {"controller": PATH, "status": "200"},
        {"route": f"/other{PATH}", "status": "200"},
    ],
)
def test_other_routes_and_methods_are_left(labels: dict[str, str]) -> None:
    assert generated(counts(labels), base_path="/base") == {}


def test_series_of_one_status_are_added_and_a_missing_counter_is_that_of_the_histogram() -> None:
    labels = {"route": PATH, "status": "200"}
    both = counts({**labels, "instance": "a"}, {**labels, "instance": "b"}, {**labels, "status": "401"})
    assert generated(both) == {"200": 20.0, "401": 10.0}
    of_histogram = counts(labels, name="http_request_duration_seconds_count")
    found = figures_of(of_histogram, USUAL, "")
    assert (found["counter"], found["statuses"]["generateSession"]) == (
        "http_request_duration_seconds_count",
        {"200": 10.0},
    )
    assert figures_of({"up": [({}, 1.0)]}, USUAL, "")["counter"] == ""


def histogram(name: str, labels: dict[str, str], count: float, total: float) -> Samples:
    buckets = [({**labels, "le": le}, count * share) for le, share in (("5", 0.5), ("10", 0.9), ("+Inf", 1.0))]
    return {f"{name}_bucket": buckets, f"{name}_sum": [(labels, total)], f"{name}_count": [(labels, count)]}


def test_times_are_those_of_successes_in_seconds() -> None:
    name = "http_request_duration_ms"
    good, bad = (histogram(name, {"route": PATH, "status": each}, 10.0, 60.0) for each in ("200", "500"))
    both = {each: [*good[each], *bad[each]] for each in good}
    metrics = Metrics(USUAL.url, seconds=name, database_seconds="db_milliseconds")
    found = figures_of({**both, **histogram("db_milliseconds", {}, 4.0, 8.0)}, metrics, "")
    assert found["seconds"]["generateSession"] == {
        "count": 10.0,
        "sum": pytest.approx(0.06),
        "only_successes": True,
        "buckets": [[0.005, 5.0], [0.01, 9.0]],
    }
    assert (found["database"]["count"], found["database"]["sum"]) == (4.0, pytest.approx(0.008))
    plain = figures_of(histogram(name, {"route": PATH}, 10.0, 60.0), metrics, "")
    assert plain["seconds"]["generateSession"]["only_successes"] is False


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_count_is_refused(value: float) -> None:
    with pytest.raises(NoFiguresError, match="which is no count"):
        generated({"http_requests_total": [({"route": PATH}, value)]})
    times = {"http_request_duration_seconds_bucket": [({"route": PATH, "le": "x"}, 1.0)]}
    with pytest.raises(NoFiguresError, match="no number"):
        figures_of({**counts({"route": PATH}), **times}, USUAL, "")
