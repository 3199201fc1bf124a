"""What of the claims no suite of this version covers: the report says so instead of guessing."""

from harness.claims import Uncovered

RUN_LOAD = "run crossapp load"
_METRICS = "give access to metrics"
_DEVELOPERS, _OPERATIONS, _SECURITY = "ask the developers", "ask operations", "ask the security testers"
_LOADS = ("too few pages are loaded here to decide: run crossapp load with --pages", RUN_LOAD)
_LOAD = ("too few requests are sent here to decide: run crossapp load", RUN_LOAD, "metrics.")

UNCOVERED: dict[str, Uncovered] = {
    **{f"C-PF-{number:02d}": Uncovered("", *_LOAD) for number in (1, 2, 3, 5)},
    "C-PF-04": Uncovered("", *_LOADS),
    "C-PF-06": Uncovered("", "needs timed reads in sequence: crossapp sends none yet", "extend crossapp"),
    "C-PF-07": Uncovered("", "needs access to the server's memory: watch it while crossapp load runs a soak", _METRICS),
    **{f"C-RT-{number:02d}": Uncovered("", *_LOAD) for number in (1, 2, 3, 4, 5)},
    "C-RT-06": Uncovered("", *_LOADS),
    "C-MO-01": Uncovered(
        "alerting, and the performance of the widget",
        "needs access: the metrics of tuvens-api (targets.tuvens-api.metrics), and those who run alerting",
        _METRICS,
    ),
    "C-NT-01": Uncovered("", "not testable from outside: read each repository's coverage report", _DEVELOPERS),
    "C-NT-02": Uncovered("", "not testable from outside: request the penetration test's report", _SECURITY),
    "C-NT-03": Uncovered("", "not testable from outside: read the documents", _DEVELOPERS),
    "C-NT-04": Uncovered(
        "", "not testable from outside (the certificate is C-SE-01's): ask who runs the infrastructure", _OPERATIONS
    ),
    "C-NT-05": Uncovered("", "not testable from outside: request a rehearsal of rollback and recovery", _OPERATIONS),
}
