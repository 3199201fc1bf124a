"""A short load run against simulators with a fault, judged by the standard budgets."""

from collections.abc import Collection, Sequence

from crossapp.commands.load import judged
from crossapp.load_deployment import loaded
from crossapp.run import Settings, context_of
from harness.private_folder import PrivateFolder
from harness.report import Report
from harness.verdict import VerdictName
from load.judge.sequential import ONLY_AT_THE_END, Looks
from load.pages.page_loads import PageLoadOptions
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.budgets import read_budgets
from load.plan.measures import MIX
from load.plan.settings import Bursts, RunSettings
from load.run import LoadOptions, run_load

_RATE = 60.0
_SECONDS = 12.0
_WARM_UP = 2.0
_PAGES, _LONGEST_PAGES, _TABS = 20.0, 400.0, 2
_EVERY_FEW = Looks((0.1, 0.2, 0.3, 0.5), (0.05, 0.05, 0.05, 0.05, 0.8))
_TRIES = 3


def under_load(faults: Sequence[str], concerned: Collection[str] = ()) -> Report:
    """The report of a load run, of requests or of pages, whichever the `concerned` budgets need (default: both).

    A run that cannot be trusted because the machine was busy is repeated, at most twice. Raises EmbeddedError and
    GeneratorError.
    """
    for _ in range(_TRIES - 1):
        report = _once(faults, concerned)
        if not any(each.verdict is VerdictName.HARNESS_FAULT for each in report.findings):
            return report
    return _once(faults, concerned)


def _once(faults: Sequence[str], concerned: Collection[str]) -> Report:
    settings = Settings()
    budgets = read_budgets()
    awaited = [each for each in budgets if not concerned or each.id in concerned]
    requests, pages = (any(each.of_pages is of_pages for each in awaited) for of_pages in (False, True))
    stages = steady(_RATE, _SECONDS, _WARM_UP) if requests else ()
    # Pages need many loads, but no more than decide the budgets concerned.
    longest, looks = (_LONGEST_PAGES, _EVERY_FEW) if not requests else (_PAGES, ONLY_AT_THE_END)
    with PrivateFolder() as private, loaded(None, None, private, faults) as world:
        options = LoadOptions(
            run=RunSettings(
                Schedule(stages, ArrivalModel.POISSON, settings.seed, MIX), listeners=2, bursts=Bursts(2, 100)
            ),
            budgets=tuple(awaited),
            calibrate=False,
            pages=PageLoadOptions(longest if pages else 0.0, tabs=_TABS, looks=looks),
        )
        run = run_load(world, context_of(world, settings), options, None)
    return judged(run, settings, budgets)
