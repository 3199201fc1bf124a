"""Page loads in a browser: first and second visits of an event page, and of an empty page with an empty iframe, which
shows the machine's own share."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import openapi
from harness.capabilities import remedy_for
from harness.chromium import Chromium, is_available
from harness.deployment import Deployment
from harness.history import History
from harness.redact import Redactor
from harness.story import StoryStoppedError
from load.generate import calibration
from load.generate.preflight import StoppedError
from load.generate.samples import Result, Sample
from load.judge.needs import duration, needs_of_pages, within
from load.judge.page_load_figures import PageLoadFigures
from load.judge.sequential import ONLY_AT_THE_END, Deciding, Looks
from load.pages.event_fixtures import given_live_event
from load.plan.budgets import Budget
from load.plan.measures import EMPTY_PAGE, PAGES
from load.plan.progress import SILENT, LoadProgress, still_needed
from scenarios.cast.selectors import selectors_for

CLIENT = "tuvens-client"
_FLOOR_EVERY = 4
_SLOWEST_LOAD = 15.0
_PACED, _PACED_BY = 5.0, 8
"""Seconds and number of page loads after which their pace is known."""
_GLANCE = 60.0
"""Seconds of loading pages where no budget can be decided: what is badly wrong still shows."""


@dataclass(frozen=True, slots=True)
class PageLoadOptions:
    """How pages are loaded: for `seconds` at most (0: not at all), at most so many loads, in so many tabs at once;
    `looks` may end it earlier."""

    seconds: float = 0.0
    most: int = 5000
    tabs: int = 1
    looks: Looks = ONLY_AT_THE_END


def left_out(deployment: Deployment, options: PageLoadOptions) -> str:
    """Why pages are not loaded; empty if they are."""
    if not options.seconds:
        return "no page was loaded: set --pages to a duration"
    if CLIENT not in deployment.targets:
        return "the deployment has no tuvens-client: add its url under [targets.tuvens-client]"
    if not is_available():
        return remedy_for("browser")
    return ""


async def load_live_page(
    deployment: Deployment,
    history: History,
    redactor: Redactor,
    options: PageLoadOptions,
    budgets: Sequence[Budget],
    progress: LoadProgress = SILENT,
) -> PageLoadFigures:
    """Load the page of an event on sale again and again; problems are in the result."""
    why = left_out(deployment, options)
    if why:
        return PageLoadFigures(why)
    progress.show("pages: looking for an event on sale")
    target = deployment.targets[CLIENT]
    try:
        async with given_live_event(deployment, history, redactor) as event:
            return await load_pages(
                target.url + openapi.find("showTuvensEventPage").target({"id": event}),
                selectors_for(CLIENT, target.selectors)["tickets"],
                options,
                seconds=min(deployment.safety.seconds, _SLOWEST_LOAD),
                any_certificate=bool(deployment.ca_file),
                redactor=redactor,
                budgets=budgets,
                progress=progress,
            )
    except StoppedError as stopped:
        return PageLoadFigures(failed=str(stopped))


async def load_pages(
    url: str,
    tickets: str,
    options: PageLoadOptions,
    *,
    seconds: float,
    redactor: Redactor,
    any_certificate: bool = False,
    budgets: Sequence[Budget] = (),
    progress: LoadProgress = SILENT,
) -> PageLoadFigures:
    """Load one page again and again; `seconds` bounds a load, `tickets` is the selector of its iframe."""
    chromium = Chromium(redactor, seconds=seconds, any_certificate=any_certificate)
    try:
        return await load_pages_in(
            chromium, url, tickets, options, seconds=seconds, redactor=redactor, budgets=budgets, progress=progress
        )
    finally:
        await chromium.close()


async def load_pages_in(
    chromium: Chromium,
    url: str,
    tickets: str,
    options: PageLoadOptions,
    *,
    seconds: float,
    redactor: Redactor,
    budgets: Sequence[Budget] = (),
    progress: LoadProgress = SILENT,
) -> PageLoadFigures:
    """`load_pages` in a browser that the caller closes."""
    with ExitStack() as stack:
        frame = stack.enter_context(calibration.empty_server(calibration.page()))
        empty = stack.enter_context(calibration.empty_server(calibration.page(frame)))
        try:
            await (await chromium.context()).close()
        except StoryStoppedError as error:
            return PageLoadFigures(failed=str(error))
        loop = _Loop(chromium, {"widget": (url, tickets), EMPTY_PAGE: (empty, "iframe")}, options, seconds, redactor)
        return await loop.run(budgets, progress)


def measured_pace(tabs: int) -> float:
    """The page loads a second, first and second visits together, that this machine's browser makes of an empty page
    with an empty iframe: no page takes less time. 0 without a browser. It takes a few seconds."""
    if not is_available():
        return 0.0
    with (
        calibration.empty_server(calibration.page()) as frame,
        calibration.empty_server(calibration.page(frame)) as address,
    ):
        options = PageLoadOptions(_PACED, tabs=tabs)
        figures = asyncio.run(load_pages(address, "iframe", options, seconds=_SLOWEST_LOAD, redactor=Redactor()))
    return sum(each.measure in PAGES for each in figures.samples) / figures.seconds if figures.seconds else 0.0


class _Loop:
    """The loop. `pages` has a URL and the selector of its iframe by journey."""

    def __init__(
        self,
        chromium: Chromium,
        pages: Mapping[str, tuple[str, str]],
        options: PageLoadOptions,
        seconds: float,
        redactor: Redactor,
    ) -> None:
        self._chromium = chromium
        self._pages = pages
        self._options = options
        self._seconds = seconds
        self._redactor = redactor
        self._rounds = 0
        self._deciding: Deciding | None = None
        self._glances = False
        self._figures = PageLoadFigures(tabs=options.tabs)
        self._began = 0.0

    async def run(self, budgets: Sequence[Budget], progress: LoadProgress) -> PageLoadFigures:
        """Load pages until the time or the number is used up, or every budget is decided."""
        # A browser's first page is slower than all later ones.
        await self._round(EMPTY_PAGE, noted=False)
        self._began = time.monotonic()
        apart = time.time() - self._began

        async def tab() -> None:
            while not self._done():
                first = self._rounds % _FLOOR_EVERY == 0
                self._rounds += 1
                await self._round("widget")
                if first:
                    await self._round(EMPTY_PAGE)
                self._figures.clock_step = max(
                    self._figures.clock_step, time.time() - time.monotonic() - apart, key=abs
                )
                self._decide(budgets, progress)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.tabs):
                group.create_task(tab())
        self._figures.seconds = self._at()
        if self._deciding is not None:
            self._figures.share = self._deciding.share
        return self._figures

    async def _round(self, journey: str, *, noted: bool = True) -> None:
        """Load a page twice in a new browser context: cold, then warm."""
        from load.pages.page_load import load_page

        url, tickets = self._pages[journey]
        # An empty page loads in the end, however busy the machine is.
        seconds = max(self._seconds, _SLOWEST_LOAD) if journey == EMPTY_PAGE else self._seconds
        context = await self._chromium.context()
        try:
            for measure in (f"{journey}/cold", f"{journey}/warm"):
                at = self._at()
                self._figures.begun += noted
                found = await load_page(context, url, tickets, seconds)
                if noted:
                    self._figures.samples.append(
                        Sample(measure, at, found.result, found.milliseconds, found.milliseconds)
                    )
                    if found.reason:
                        counts = self._figures.reasons.setdefault(measure, Counter())
                        counts[self._redactor.redact(found.reason)] += 1
        finally:
            await context.close()

    def _at(self) -> float:
        return time.monotonic() - self._began

    def _progressed(self) -> float:
        """The share of the time or of the number that is used up, whichever is more."""
        return max(self._at() / self._options.seconds, self._figures.begun / self._options.most)

    def _done(self) -> bool:
        return self._figures.stopped_early or self._progressed() >= 1.0

    def _decide(self, budgets: Sequence[Budget], progress: LoadProgress) -> None:
        """Take a look if one is due, and say what is still needed."""
        figures, counts = self._figures, Counter(each.measure for each in self._figures.samples)
        figures.seconds = at = self._at()
        loads = sum(counts[each] for each in PAGES)
        if self._deciding is None and at >= _PACED and (loads >= _PACED_BY or at >= 4 * _PACED) and loads:
            self._deciding = self._planned(budgets, loads / at, progress)
        missing: Mapping[str, int] = {}
        if self._glances:
            figures.stopped_early = at >= _GLANCE
        elif self._deciding is not None and not figures.stopped_early:
            if self._deciding.is_due(counts):
                figures.stopped_early = self._deciding.look(figures.series())
            missing = self._deciding.missing(counts)
        wrong = sum(each.result is not Result.OK for each in figures.samples)
        progress.show(f"pages: {at:.0f} s, {loads:,} loads, {wrong} wrong{still_needed(missing)}")

    def _planned(self, budgets: Sequence[Budget], pace: float, progress: LoadProgress) -> Deciding:
        """What is to be decided at the measured pace; what more time would decide is said."""
        looks, seconds = self._options.looks, self._options.seconds
        if not looks.moments:
            return Deciding((), looks)
        seconds = min(seconds, self._options.most / pace)
        met, self._figures.beyond = within(needs_of_pages(budgets, pace, looks.spent[0]), seconds)
        # What cannot be decided does not make the run longer than a glance.
        self._glances = not met
        first = max((each.seconds for each in met), default=min(seconds, _GLANCE))
        progress.say(f"pages: {pace:.2g} loads per second; about {duration(first)}, at most {duration(seconds)}")
        for name, needed in self._figures.beyond.items():
            progress.say(f"not decided in this run: {name} needs {needed}")
        return Deciding(met, looks)
