"""The requirements of a load run: that the run can be trusted, and each budget.

Budgets depend on the requirements of the first kind: a run that cannot be trusted is one harness fault with a remedy,
which blocks the budgets.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.expectations import numbers
from harness.history import History
from harness.report import Source
from harness.requirement import MUST, Catalogue, Judge, Requirement
from harness.verdict import Blocked, HarnessFault, Held, Inconclusive, NotApplicable, Verdict, Violated
from load.generate.health import CLOCK_STEP, complaints
from load.generate.samples import NEVER_SENT, Result
from load.generate.steps import PREFLIGHT, STORY
from load.judge.evaluate import BudgetOutcome, Word, evaluate, in_words
from load.judge.page_load_figures import middle
from load.judge.to_history import (
    NO_REQUESTS,
    evidence_for,
    health_in,
    left_out,
    page_loads_of,
    reasons_for,
    run_of,
    series_of,
    tallies_of,
)
from load.plan.budgets import TIMES, Budget, Metric
from load.plan.measures import SIMULTANEOUS
from openapi import EDITION

OURS = "crossapp"
TIME = "time"
"""What a run lacks to decide a budget that was known to need more than the run allowed."""
_SENT = "load.requests_were_sent"
_DROPPED = "load.every_request_was_sent"
SLOW_FLOOR = 300.0
"""Milliseconds for an empty page beyond which a machine is too slow to judge pages: a quarter of the claimed time."""


def catalogue(budgets: Sequence[Budget]) -> Catalogue:
    """The requirements of a run with these budgets."""
    made = Catalogue()
    for rules, of_pages in ((_TRUST, False), (_PAGES_TRUST, True)):
        if any(each.of_pages is of_pages for each in budgets):
            for rule in rules:
                made.add(rule)
    for budget in budgets:
        made.add(budget_requirement(budget))
    return made


def budget_requirement(budget: Budget) -> Requirement:
    """The requirement of a budget."""
    return Requirement(
        id=budget.id,
        statement=budget.statement,
        level=budget.level,
        obliged=budget.obliged,
        source=Source(EDITION, budget.section, budget.quote),
        judge=_judge_of(budget),
        stories=(STORY,),
        settles=budget.claims,
        depends_on=_premises(budget),
        next_step=budget.next_step,
    )


def _premises(budget: Budget) -> tuple[str, ...]:
    if not budget.of_pages:
        return tuple(each.id for each in _TRUST if each.id != _DROPPED)
    # A slow machine makes pages slow, but does not make them fail: the empty page would fail, too.
    return tuple(each.id for each in _PAGES_TRUST if each.id != _KEPT_UP or budget.metric in TIMES)


def outcome_of(budget: Budget, history: History) -> BudgetOutcome:
    """The outcome of a budget. Raises NothingObservedError."""
    error = _part(budget, history)["share"] * budget.error
    # For pages, the empty page shows what the machine added.
    near = run_of(history).values["near"] and not budget.of_pages
    granted = health_in(history).granted if near else 1.0
    outcome = evaluate(budget, series_of(history, budget.over), error, granted=granted)
    return _of_enough_people(outcome, run_of(history).values) if SIMULTANEOUS in budget.over else outcome


def _part(budget: Budget, history: History) -> Mapping[str, Any]:
    """The figures of the part of the run that measured a budget; a history of an earlier version has no `share`."""
    found = page_loads_of(history) if budget.of_pages else run_of(history).values
    return {"share": 1.0, "beyond": {}, **found}


def beyond(budget: Budget, outcome: BudgetOutcome, history: History) -> str:
    """What an undecided budget would have needed, if that was known to be more than the run allowed; empty if not, or
    if what was measured is beyond the budget: that is undecided."""
    needed = str(_part(budget, history)["beyond"].get(budget.id, ""))
    is_open = outcome.word is Word.INCONCLUSIVE and not outcome.remedy
    value = outcome.bounds.value
    return needed if is_open and (math.isnan(value) or budget.threshold.admits(value)) else ""


def _of_enough_people(outcome: BudgetOutcome, run: Mapping[str, Any]) -> BudgetOutcome:
    """Mixed-up data of users cannot show if there are fewer users than simultaneous requests."""
    users, at_once = run["users"], run["at_once"]
    if outcome.word is not Word.PASS or users >= at_once:
        return outcome
    reason = f"{outcome.reason}, but with only {users} users, too few to mix up their data"
    remedy = f"Add {at_once} users under [[users]]."
    return replace(outcome, word=Word.INCONCLUSIVE, reason=reason, remedy=remedy)


def _judge_of(budget: Budget) -> Judge:
    def judge(history: History) -> Verdict:
        why = [left_out(history, each.partition("/")[0]) for each in budget.over]
        if all(why):
            return NotApplicable(why[0])
        outcome = outcome_of(budget, history)
        evidence = evidence_for(history, budget.over)
        measured = _measured(budget, outcome)
        match outcome.word:
            case Word.PASS:
                return Held(evidence, measured)
            case Word.FAIL:
                return Violated(_expected(budget), measured + _reasons(budget, history), evidence)
            case Word.UNOBSERVABLE:
                return NotApplicable(f"{measured}: {outcome.reason}")
            case _:
                more = beyond(budget, outcome, history)
                if more:
                    return NotApplicable(f"{measured}; it needs {more}: run crossapp load with a longer --within", TIME)
                if not budget.of_pages and tallies_of(history).dropped:
                    return Blocked(_DROPPED, f"{measured}: requests that were not sent would decide it")
                longer = outcome.remedy or _longer(budget, outcome)
                return Inconclusive(measured + _reasons(budget, history), evidence, longer)

    return judge


def _expected(budget: Budget) -> str:
    names = ", ".join(budget.over)
    return f"{budget.metric.value} of {names}: {budget.threshold}" + (f" ({budget.reading})" if budget.reading else "")


def _measured(budget: Budget, outcome: BudgetOutcome) -> str:
    bounds = outcome.bounds
    value, low, high = (in_words(each, budget) for each in (bounds.value, bounds.low, bounds.high))
    name = str(budget.threshold).split("<")[0].split(">")[0]
    return f"{name} = {value} ({low} to {high}); {outcome.reason}"


def _longer(budget: Budget, outcome: BudgetOutcome) -> str:
    longer, faster = ("Load pages", "") if budget.of_pages else ("Run", ", or at a higher rate")
    if outcome.needed > outcome.count:
        times = math.ceil(outcome.needed / max(outcome.count, 1))
        return f"{longer} {times} times as long{faster} (crossapp load --plan shows what each budget needs)."
    return f"{longer} longer (crossapp load --plan shows what each budget needs)."


def _reasons(budget: Budget, history: History) -> str:
    common = reasons_for(history, budget.over).most_common(3)
    return "".join(f"; {count} × {reason}" for reason, count in common)


# whether the run can be trusted


def _trust(
    name: str,
    statement: str,
    check: Callable[[History], str],
    remedy: str,
    depends_on: tuple[str, ...] = (),
    absent: Callable[[History], str] = lambda history: _no_requests(history),
) -> Requirement:
    """A requirement on the run itself. `check` returns what is wrong, empty if nothing is; `absent` why there was no
    such run."""

    def judge(history: History) -> Verdict:
        why = absent(history)
        if why:
            return NotApplicable(why)
        wrong = check(history)
        if wrong:
            return HarnessFault(wrong, remedy)
        preflight = [each for each in history.exchanges(story=STORY) if each.step.startswith(PREFLIGHT)]
        return Held((*numbers(preflight), run_of(history).number))

    return Requirement(
        id=f"load.{name}",
        statement=statement,
        level=MUST,
        obliged=OURS,
        source=Source(EDITION, "Performance and reliability targets", ""),
        judge=judge,
        stories=(STORY,),
        depends_on=depends_on,
    )


def _no_requests(history: History) -> str:
    return "" if run_of(history).values["schedule"]["stages"] else NO_REQUESTS


def _nothing_sent(history: History) -> str:
    run = run_of(history).values
    if run["failed"]:
        return str(run["failed"])
    account = tallies_of(history)
    if not account.scheduled:
        return "no request was due"
    answered = account.scheduled - account.dropped - account.censored - account.results[Result.REFUSED]
    return "" if answered else f"{account.scheduled} requests were due, none got a response"


def _accounts(history: History) -> str:
    return "; ".join(run_of(history).values["problems"])


def _generator(history: History) -> str:
    health = health_in(history)
    if not health.pulses:
        return "the health of the generator was not recorded during the measurement"
    found = complaints(health)
    return f"the generator was the bottleneck: {'; '.join(found)}" if found else ""


def _clock(history: History) -> str:
    step = health_in(history).clock_step
    return (
        f"the wall clock of the generator was changed by {step:+.2f} s during the run" if abs(step) > CLOCK_STEP else ""
    )


def _limited(history: History) -> str:
    count = _result(history, Result.LIMITED)
    return f"{count} requests returned 429: the run measured a rate limit, not the application" if count else ""


def _reachable(history: History) -> str:
    count = _result(history, Result.REFUSED)
    if not count:
        return ""
    reasons = [(count, text) for text, count in _network_reasons(history).items()]
    worst = max(reasons, default=(count, "no connection"))[1]
    return f"{count} requests could not connect ({worst}): the target was down"


def _network_reasons(history: History) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for counts in run_of(history).values["reasons"].values():
        for text, count in counts.items():
            if text.startswith("no connection"):
                found[text] = found.get(text, 0) + count
    return found


def _result(history: History, result: Result) -> int:
    return int(run_of(history).values["results"][result.name])


def _dropped(history: History) -> str:
    account = tallies_of(history)
    if not account.dropped:
        return ""
    reasons = [text for counts in run_of(history).values["reasons"].values() for text in counts]
    why = "; ".join(dict.fromkeys(each for each in reasons if each.startswith(NEVER_SENT)))
    return f"{account.dropped} of {account.scheduled} requests were due and {why or NEVER_SENT}"


_TRUST = (
    _trust(
        "requests_were_sent",
        "The load run sends requests and gets responses.",
        _nothing_sent,
        "Load tests need a working deployment: run crossapp verify first, and check the URLs in its file.",
    ),
    _trust(
        "accounts_add_up",
        "The results of all workers add up to the requests that were due.",
        _accounts,
        "Check the output of the lost worker; run again with fewer workers or on a machine with more memory.",
        (_SENT,),
    ),
    _trust(
        "generator_kept_up",
        "The load generator sends each request on time.",
        _generator,
        "Run it from an idle machine, with --processes for more cores, or with a lower --rate.",
        (_SENT,),
    ),
    _trust(
        "clock_ran_steadily",
        "Nobody changes the clock of the load generator during the run.",
        _clock,
        "Wait until the clock is synchronised (chronyc waitsync), then run again.",
        (_SENT,),
    ),
    _trust(
        "nothing_was_rate_limited",
        "The load run stays within the rate limits of the deployment.",
        _limited,
        "Raise the limits on the deployment and state them under rate_limits, or use more users (--users).",
        (_SENT,),
    ),
    _trust(
        "target_stayed_reachable",
        "Each request of the load run gets a connection.",
        _reachable,
        "Check whether the application was stopped or restarted meanwhile, and whether its address and certificate "
        "are correct; if too many files are open, raise the limit of the generator (ulimit -n).",
        (_SENT,),
    ),
    _trust(
        "every_request_was_sent",
        "The load run sends every request that is due.",
        _dropped,
        "Raise --max-in-flight, add events to events.linked if flows had none, or lower --rate if the target cannot "
        "handle more.",
        (_SENT,),
    ),
)


# whether the page loads can be trusted


def _no_pages(history: History) -> str:
    return str(page_loads_of(history)["left_out"])


def _pages_loaded(history: History) -> str:
    pages = page_loads_of(history)
    if pages["failed"]:
        return str(pages["failed"])
    if not pages["begun"]:
        return "no page was loaded"
    known = sum(pages["results"].values())
    if known != pages["begun"]:
        return f"{pages['begun']} page loads were started, {known} have a result"
    floor = [each for blocks in series_of(history, _FLOOR).values() for each in blocks]
    count, right = (sum(each.results.total() for each in floor), sum(each.results[Result.OK] for each in floor))
    if not count:
        return "no empty page with an empty iframe was loaded, so the baseline of this machine is not known"
    return "" if right == count else f"{count - right} of {count} loads of an empty page failed on this machine"


def _browser(history: History) -> str:
    floor = [each for each in series_of(history, _FLOOR[:1]).get(_FLOOR[0], ()) if each.measured]
    median = middle(time for each in floor for time in each.times[Metric.LATENCY].elements())
    if median > SLOW_FLOOR:
        return f"this machine needs {median:.0f} ms for an empty page with an empty iframe"
    step = float(page_loads_of(history)["clock_step"])
    return (
        f"the wall clock of this machine was changed by {step:+.2f} s during the run" if abs(step) > CLOCK_STEP else ""
    )


def _pages_reachable(history: History) -> str:
    pages = page_loads_of(history)
    for result, words in ((Result.REFUSED, "could not connect"), (Result.LIMITED, "returned 429")):
        count = pages["results"].get(result.name, 0)
        if count:
            why = next((text for texts in pages["reasons"].values() for text in texts), "")
            return f"{count} page loads {words}" + (f" ({why})" if why else "")
    return ""


_PAGES_LOADED = "load.pages_were_loaded"
_KEPT_UP = "load.browser_kept_up"
_FLOOR = ("emptyPage/cold", "emptyPage/warm")
_PAGES_TRUST = (
    _trust(
        "pages_were_loaded",
        "Each load of an event page ends with a result, and an empty page always loads.",
        _pages_loaded,
        "Page loads need an event on sale and a working browser: run crossapp verify --select 'browser.*' first.",
        absent=_no_pages,
    ),
    _trust(
        "browser_kept_up",
        f"This machine loads an empty page with an empty iframe in less than {SLOW_FLOOR:.0f} ms (median).",
        _browser,
        "Run it from an idle machine, with fewer --tabs.",
        (_PAGES_LOADED,),
        _no_pages,
    ),
    _trust(
        "pages_stayed_reachable",
        "Each page load gets a connection, and none hits a rate limit.",
        _pages_reachable,
        "Check whether an application was stopped or restarted during the run; raise the rate limits of its pages.",
        (_PAGES_LOADED,),
        _no_pages,
    ),
)
