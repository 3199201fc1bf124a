"""What a browser measures of pages, against answers that are known, and what is made of it."""

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from harness.chromium import is_available
from harness.exit_codes import ExitCode
from harness.history import History
from harness.report import Finding, exit_code_of
from harness.verdict import VerdictName
from load.generate.generator_log import GeneratorLog
from load.generate.samples import Result, Sample
from load.judge.page_load_figures import PageLoadFigures
from load.judge.to_history import evidence_for, to_history
from load.plan.budgets import BudgetError, read_budgets
from load.plan.measures import PAGES
from tests.load.judge import runs
from tests.load.pages.pages import LATER, PAGE, Answer, OpenBrowser, Say, event_page

BUDGETS = tuple(each for each in read_budgets() if each.of_pages)
FIRST, AGAIN, ERRORS, ACCEPTABLE = (each.id for each in BUDGETS)
HELD, VIOLATED, OPEN, BLOCKED, FAULT, NOT = (
    VerdictName.HELD,
    VerdictName.VIOLATED,
    VerdictName.INCONCLUSIVE,
    VerdictName.BLOCKED,
    VerdictName.HARNESS_FAULT,
    VerdictName.NOT_APPLICABLE,
)
AWAY = "http://127.0.0.1:1234/"
"""Where nobody listens, at a port that a browser is willing to try."""
ROUNDED = 1.0
"""Milliseconds by which a browser's clock may be rounded."""
browser = pytest.mark.skipif(not (is_available() or os.environ.get("CI") == "true"), reason="no browser")


def judged(visits: PageLoadFigures) -> dict[str, Finding]:
    """By the budgets of pages, in a run that sent no requests."""
    run = runs.conducted(0, schedule=replace(runs.SCHEDULE, stages=()))
    history = History(runs.history_of(GeneratorLog(), run).context)
    to_history(history, GeneratorLog(), run, visits)
    return runs.judged_history(history, BUDGETS)


def made(
    rounds: int, *, milliseconds: float = 400.0, floor: float = 60.0, change: Callable[[Sample], Sample] | None = None
) -> PageLoadFigures:
    """As many rounds, half a second apart; times scatter by a tenth. `change` alters samples of the pages."""
    chance = random.Random(7)
    samples = []
    for number in range(rounds):
        for place, measure in enumerate((*PAGES, "emptyPage/cold", "emptyPage/warm")):
            time = (milliseconds if place < 2 else floor) * chance.uniform(0.9, 1.1)
            sample = Sample(measure, number * 0.5 + place * 0.1, Result.OK, time, time)
            samples.append(change(sample) if change is not None and measure in PAGES else sample)
    return PageLoadFigures(seconds=rounds * 0.5, begun=len(samples), samples=samples)


def every(number: int, result: Result) -> Callable[[Sample], Sample]:
    count = 0

    def change(sample: Sample) -> Sample:
        nonlocal count
        count += 1
        return replace(sample, result=result) if count % number == 0 else sample

    return change


def verdicts(found: dict[str, Finding]) -> tuple[VerdictName, ...]:
    return tuple(found[each].verdict for each in (FIRST, AGAIN, ERRORS, ACCEPTABLE))


# -- what is made of it


def test_enough_quick_loads_pass() -> None:
    found = judged(made(700))
    assert verdicts(found) == (HELD,) * 4
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.OK
    assert all(found[each.id].evidence for each in BUDGETS)


def test_too_few_loads_say_how_many_are_needed() -> None:
    found = judged(made(60))
    assert verdicts(found) == (OPEN, OPEN, OPEN, HELD)
    assert "of at least 998 that are needed" in found[ERRORS].reason
    assert found[ERRORS].next.startswith("Load pages 9 times as long (")
    assert "100 samples in 8 intervals" in found[FIRST].reason


def test_what_was_known_to_need_more_time_does_not_count_unless_it_looks_bad() -> None:
    """Exit code 0: the run decided all that it had the time for. One wrong load of 60 is more than 0.3 %."""
    beyond = dict.fromkeys((FIRST, AGAIN, ERRORS), "1,168 page loads, 13 min at 1.5 per second")
    calm = judged(replace(made(60), beyond=beyond))
    assert verdicts(calm) == (NOT, NOT, NOT, HELD)
    assert "it needs 1,168 page loads, 13 min at 1.5 per second: run crossapp load" in calm[ERRORS].reason
    assert exit_code_of(calm.values(), (), finished=True) == ExitCode.OK
    for bad, place in ((made(60, milliseconds=1900), 0), (made(60, change=every(100, Result.FAILED)), 2)):
        found = judged(replace(bad, beyond=beyond))
        assert verdicts(found)[place] in (OPEN, VIOLATED)
        assert exit_code_of(found.values(), (), finished=True) != ExitCode.OK


def test_a_run_that_a_look_ended_is_judged_with_the_error_of_that_look() -> None:
    """1,000 loads without an error are enough at 5 %, and not at 3 %."""
    assert verdicts(judged(made(500)))[2] is HELD
    assert verdicts(judged(replace(made(500), share=0.6)))[2] is OPEN


def test_slow_pages_fail() -> None:
    assert verdicts(judged(made(120, milliseconds=2400))) == (VIOLATED, VIOLATED, OPEN, VIOLATED)


def test_what_this_machine_added_fails_no_budget() -> None:
    found = judged(made(120, milliseconds=1300, floor=250))
    assert verdicts(found)[:2] == (OPEN, OPEN)
    assert "without the delay that the generator and other processes on its machine added" in found[FIRST].reason
    assert verdicts(judged(made(120, milliseconds=1500, floor=60)))[:2] == (VIOLATED, VIOLATED)


def test_errors_of_one_load_in_fifty_fail_and_are_told() -> None:
    visits = made(200, change=every(50, Result.FAILED))
    visits.reasons["widget/cold"] = Counter({"the iframe /embed is answered 500": 8})
    found = judged(visits)
    assert verdicts(found) == (HELD, HELD, VIOLATED, HELD)
    assert "8 × the iframe /embed is answered 500" in found[ERRORS].observed


def test_loads_without_an_answer_decide_nothing() -> None:
    assert verdicts(judged(made(700, change=every(50, Result.UNANSWERED))))[2] is OPEN


@pytest.mark.parametrize(
    ("visits", "root", "words"),
    [
        (PageLoadFigures(), "load.pages_were_loaded", "no page was loaded"),
        (PageLoadFigures(failed="the browser does not start"), "load.pages_were_loaded", "does not start"),
        (replace(made(700), begun=3000), "load.pages_were_loaded", "3000 page loads were started, 2800 have a result"),
        (made(700, change=every(90, Result.REFUSED)), "load.pages_stayed_reachable", "could not connect"),
        (made(700, change=every(90, Result.LIMITED)), "load.pages_stayed_reachable", "429"),
    ],
)
def test_what_cannot_be_trusted_is_one_fault_and_never_a_pass(visits: PageLoadFigures, root: str, words: str) -> None:
    found = judged(visits)
    assert found[root].verdict is FAULT
    assert words in found[root].reason
    assert {found[each.id].verdict for each in BUDGETS} == {BLOCKED}
    assert {found[each.id].blocked_by for each in BUDGETS} == {root}
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.HARNESS_FAULT


def test_without_an_empty_page_nothing_is_known_of_the_machine() -> None:
    visits = made(700)
    visits.samples = [each for each in visits.samples if each.measure in PAGES]
    visits.begun = len(visits.samples)
    assert judged(visits)["load.pages_were_loaded"].verdict is FAULT


def test_a_slow_machine_leaves_the_errors_judged_and_the_times_not() -> None:
    found = judged(made(700, floor=800.0))
    assert found["load.browser_kept_up"].verdict is FAULT
    assert verdicts(found) == (BLOCKED, BLOCKED, HELD, BLOCKED)


def test_a_clock_that_was_set_leaves_no_times() -> None:
    found = judged(replace(made(700), clock_step=3.0))
    assert "+3.00 s" in found["load.browser_kept_up"].reason
    assert verdicts(found)[0] is BLOCKED


def test_an_empty_page_that_fails_is_a_fault_of_ours() -> None:
    visits = made(700)
    visits.samples[-1] = replace(visits.samples[-1], result=Result.FAILED)
    found = judged(visits)
    assert found["load.pages_were_loaded"].reason.startswith("1 of 1400 loads of an empty page failed")
    assert set(verdicts(found)) == {BLOCKED}


def test_where_no_page_was_to_be_loaded_nothing_is_judged() -> None:
    found = judged(PageLoadFigures("there is no browser"))
    assert {each.verdict for each in found.values()} == {NOT}
    assert found[ERRORS].reason == "there is no browser"
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.NOTHING_JUDGED


def test_a_slow_generator_does_not_touch_the_budgets_of_pages_nor_they_its_own() -> None:
    record = runs.recorded(health={"cpu": 0.99})
    history = History(runs.history_of(record).context)
    to_history(history, record, runs.conducted(), made(700))
    found = runs.judged_history(history, read_budgets())
    assert verdicts(found) == (HELD,) * 4
    assert found["load.generation_succeeds"].verdict is BLOCKED
    assert all(number <= len(history.entries) for number in evidence_for(history, PAGES))


def test_a_budget_is_of_pages_or_of_requests(tmp_path: Path) -> None:
    text = '[[budget]]\nname = "a"\nstatement = "A."\nover = ["widget/cold", "flow"]\nmetric = "latency"\n'
    path = tmp_path / "budgets.toml"
    path.write_text(text + 'threshold = "p(95)<10"\n', "utf-8")
    with pytest.raises(BudgetError, match="make two budgets of it"):
        read_budgets(path)


# -- what the browser sees


def answers(path: str, status: int, body: str = "", **headers: str) -> Say:
    """One path is answered so, always."""
    given: Answer = (status, body, {name.replace("_", "-"): value for name, value in headers.items()}, 0.0)
    return lambda asked, times: given if asked == path else None


@pytest.fixture(scope="module")
def opened() -> Iterator[OpenBrowser]:
    with closing(OpenBrowser()) as opened:
        yield opened


@browser
def test_a_known_delay_of_the_iframe_is_found_in_every_second_visit(opened: OpenBrowser) -> None:
    """A load lasts longer than the server saw of it, from the page's request to the iframe's response, and less long
    than the time until the next load began: however busy the machine is."""

    def slow(path: str, times: int) -> Answer | None:
        return (200, "<p>Tickets</p>", {}, 1.0) if path == "/embed" and times % 2 else None

    with event_page(slow) as served:
        began = time.monotonic()
        visits = opened.loaded(served.address, rounds=2)
        ended = time.monotonic() - began
    starts = [each.at for each in visits.samples] + [ended]
    loads = [
        (each.measure, each.latency, 1000 * (starts[number + 1] - each.at))
        for number, each in enumerate(visits.samples)
        if each.measure in PAGES
    ]
    assert [measure for measure, _, _ in loads] == ["widget/cold", "widget/warm"] * 2
    requests = [(arrived, responded) for path, arrived, responded in served.log if path in ("/", "/embed")]
    seen = [1000 * (requests[at + 1][1] - requests[at][0]) for at in range(0, len(requests), 2)]
    assert len(seen) == 4
    for at_least, (_, latency, at_most) in zip(seen, loads, strict=True):
        assert at_least - ROUNDED < latency < at_most + ROUNDED
    assert all(latency >= 1000 for measure, latency, _ in loads if measure == "widget/warm")


@browser
def test_a_script_that_waits_before_it_asks_for_the_tickets_is_waited_for(opened: OpenBrowser) -> None:
    with event_page(page=LATER) as served:
        visits = opened.loaded(served.address, rounds=1)
    assert [each.latency >= 1000 for each in visits.samples if each.measure == "widget/cold"] == [True]


@browser
def test_errors_are_counted_as_they_happened(opened: OpenBrowser) -> None:
    chance = random.Random(3)
    failed = 0

    def now_and_then(path: str, times: int) -> Answer | None:
        nonlocal failed
        # What is loaded before anything is noted does not ask for it.
        if path != "/embed" or chance.random() > 0.4:
            return None
        failed += 1
        return 500, "oops", {}, 0.0

    with event_page(now_and_then) as served:
        visits = opened.loaded(served.address, rounds=8)
    results = Counter(each.result for each in visits.samples if each.measure in PAGES)
    assert served.asked["/embed"] == 16
    assert 0 < failed < 16
    assert results == {Result.FAILED: failed, Result.OK: 16 - failed}
    reasons: Counter[str] = Counter()
    for counts in visits.reasons.values():
        reasons.update(counts)
    assert reasons == {"the iframe /embed is answered 500": failed}
    assert judged(visits)[ERRORS].verdict is VIOLATED


BROKEN: dict[str, tuple[Say, str, Result, str]] = {
    "no iframe": (answers("/", 200, "<!doctype html><p>No tickets"), PAGE, Result.FAILED, "no tickets were shown"),
    "a page that fails": (answers("/", 503, "away"), PAGE, Result.FAILED, "the page is answered 503"),
    "a page that is limited": (answers("/", 429, "slow"), PAGE, Result.LIMITED, "the page is answered 429"),
    "an iframe that forbids it": (
        answers("/embed", 200, "<p>Tickets", x_frame_options="DENY"), PAGE, Result.FAILED, "the browser refuses",
    ),
    "an iframe that is away": (
        answers("/away", 200), PAGE.replace("/embed", AWAY), Result.REFUSED, "no connection",
    ),
    "an iframe that never comes": (answers("/embed", 0), PAGE, Result.UNANSWERED, "was not answered in time"),
    "a script that is missing": (
        answers("/gone.js", 404), PAGE + '<script src="/gone.js"></script>', Result.FAILED, "script /gone.js",
    ),
    "a script inside that fails": (
        lambda path, times: (200, '<script src="/inside.js"></script>', {}, 0.0) if path == "/embed"
        else (500, "", {}, 0.0) if path == "/inside.js" else None,
        PAGE, Result.FAILED, "script /inside.js is answered 500",
    ),
    "something else in its place": (
        answers("/", 200, '<!doctype html><iframe title="tickets" src="about:blank"></iframe>'), PAGE, Result.FAILED,
        "no tickets were shown",
    ),
}  # fmt: skip


@browser
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_page_is_told_and_never_a_pass(name: str, opened: OpenBrowser) -> None:
    say, page, result, reason = BROKEN[name]
    with event_page(say, page) as served:
        visits = opened.loaded(served.address, rounds=1, seconds=5.0)
    seen = [each for each in visits.samples if each.measure in PAGES]
    assert {each.result for each in seen} == {result}
    assert all(reason in text for measure in PAGES for text in visits.reasons[measure])
    found = judged(visits)
    assert HELD not in verdicts(found)
    if result is Result.FAILED and found["load.pages_were_loaded"].verdict is HELD:
        assert found[ERRORS].verdict is VIOLATED


@browser
def test_a_page_of_another_origin_may_lack_its_scripts(opened: OpenBrowser) -> None:
    page = PAGE + f'<script src="{AWAY}counter.js"></script>'
    with event_page(page=page) as served:
        visits = opened.loaded(served.address, rounds=1)
    assert {each.result for each in visits.samples} == {Result.OK}
