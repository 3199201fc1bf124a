"""Pages with the tickets' iframe, loaded again and again by a browser: first visits, second visits, and between them an
empty page with an empty iframe, which is what this machine needs by itself."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import openapi
from harness.chromium import Chromium, is_available
from harness.deployment import Deployment
from harness.history import History
from harness.redact import Redactor
from harness.story import StoryStoppedError
from load.generate import calibration
from load.generate.preflight import StoppedError
from load.generate.samples import Result, Sample
from load.judge.sequential import ONLY_AT_THE_END, Looks, enough
from load.pages.event_fixtures import on_sale
from load.pages.page_load_figures import Visits
from load.plan.budgets import Budget
from scenarios.cast.selectors import selectors_for

CLIENT = "tuvens-client"
_EMPTY = "emptyPage"
_FLOOR_EVERY = 4
_SLOWEST_LOAD = 15.0


@dataclass(frozen=True, slots=True)
class VisitOptions:
    """For how many seconds pages are loaded (0: not at all), at most how many of them, in how many tabs at once."""

    seconds: float = 0.0
    most: int = 5000
    tabs: int = 1


def left_out(deployment: Deployment, options: VisitOptions) -> str:
    """Why pages are not loaded; empty where they are."""
    if not options.seconds:
        return "no page was loaded: give --pages a time"
    if CLIENT not in deployment.targets:
        return "the deployment has no tuvens-client: give its url under [targets.tuvens-client]"
    if not is_available():
        return "there is no browser: install chromium and crossapp's extra browser (docs/browser.md)"
    return ""


async def visit(
    deployment: Deployment,
    history: History,
    redactor: Redactor,
    options: VisitOptions,
    budgets: Sequence[Budget],
    looks: Looks = ONLY_AT_THE_END,
    progress: Callable[[str], None] = lambda text: None,
) -> Visits:
    """Load the page of an event on sale. What goes wrong is in what is returned."""
    why = left_out(deployment, options)
    if why:
        return Visits(why)
    progress("looking for an event on sale")
    target = deployment.targets[CLIENT]
    try:
        async with on_sale(deployment, history, redactor) as event:
            return await load_pages(
                target.url + openapi.find("showTuvensEventPage").target({"id": event}),
                selectors_for(CLIENT, target.selectors)["tickets"],
                options,
                seconds=min(deployment.safety.seconds, _SLOWEST_LOAD),
                any_certificate=bool(deployment.ca_file),
                redactor=redactor,
                budgets=budgets,
                looks=looks,
                progress=progress,
            )
    except StoppedError as stopped:
        return Visits(failed=str(stopped))


async def load_pages(
    url: str,
    tickets: str,
    options: VisitOptions,
    *,
    seconds: float,
    redactor: Redactor,
    any_certificate: bool = False,
    budgets: Sequence[Budget] = (),
    looks: Looks = ONLY_AT_THE_END,
    progress: Callable[[str], None] = lambda text: None,
) -> Visits:
    """Load one page again and again; `seconds` bounds a load, `tickets` is the selector of the iframe."""
    async with AsyncExitStack() as stack:
        chromium = Chromium(redactor, seconds=seconds, any_certificate=any_certificate)
        stack.push_async_callback(chromium.close)
        frame = stack.enter_context(calibration.empty_server(calibration.page()))
        empty = stack.enter_context(calibration.empty_server(calibration.page(frame)))
        try:
            await (await chromium.context()).close()
        except StoryStoppedError as error:
            return Visits(failed=str(error))
        run = _Run(chromium, {"widget": (url, tickets), _EMPTY: (empty, "iframe")}, options, seconds, redactor)
        return await run.go([each for each in budgets if each.of_pages], looks, progress)


class _Run:
    """The loop. `pages`: by journey, an address and the selector of its iframe."""

    def __init__(
        self,
        chromium: Chromium,
        pages: Mapping[str, tuple[str, str]],
        options: VisitOptions,
        seconds: float,
        redactor: Redactor,
    ) -> None:
        self._chromium = chromium
        self._pages = pages
        self._options = options
        self._seconds = seconds
        self._redactor = redactor
        self._rounds = 0
        self._look = 0
        self._told = 0.0
        self._visits = Visits(tabs=options.tabs)
        self._began = 0.0

    async def go(self, budgets: Sequence[Budget], looks: Looks, progress: Callable[[str], None]) -> Visits:
        """Until the time is over, the number is reached, or enough is known."""
        # A browser's first page is slower than all later ones, of whichever application it is.
        await self._round(_EMPTY, noted=False)
        self._began = time.monotonic()
        apart = time.time() - self._began

        async def tab() -> None:
            while not self._done():
                first = self._rounds % _FLOOR_EVERY == 0
                self._rounds += 1
                await self._round("widget")
                if first:
                    await self._round(_EMPTY)
                self._visits.clock_step = max(self._visits.clock_step, time.time() - time.monotonic() - apart, key=abs)
                self._visits.stopped_early |= self._enough(budgets, looks)
                self._tell(progress)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._options.tabs):
                group.create_task(tab())
        self._visits.seconds = self._at()
        return self._visits

    async def _round(self, journey: str, *, noted: bool = True) -> None:
        """A first visit and a second one."""
        from load.pages.page_load import load_page

        url, tickets = self._pages[journey]
        # An empty page comes in the end, however busy this machine is: only a fault of ours keeps it away.
        seconds = max(self._seconds, _SLOWEST_LOAD) if journey == _EMPTY else self._seconds
        context = await self._chromium.context()
        try:
            for measure in (f"{journey}/cold", f"{journey}/warm"):
                at = self._at()
                self._visits.begun += noted
                found = await load_page(context, url, tickets, seconds)
                if noted:
                    self._visits.samples.append(
                        Sample(measure, at, found.result, found.milliseconds, found.milliseconds)
                    )
                    if found.reason:
                        counts = self._visits.reasons.setdefault(measure, Counter())
                        counts[self._redactor.redact(found.reason)] += 1
        finally:
            await context.close()

    def _at(self) -> float:
        return time.monotonic() - self._began

    def _progressed(self) -> float:
        """How much of what is allowed has been used: time or number."""
        return max(self._at() / self._options.seconds, self._visits.begun / self._options.most)

    def _done(self) -> bool:
        return self._visits.stopped_early or self._progressed() >= 1.0

    def _enough(self, budgets: Sequence[Budget], looks: Looks) -> bool:
        if self._look >= len(looks.shares) - 1 or self._progressed() < looks.shares[self._look]:
            return False
        self._visits.seconds = self._at()
        found = enough(budgets, self._visits.series(), looks, self._look)
        self._look += 1
        return found

    def _tell(self, progress: Callable[[str], None]) -> None:
        at = self._at()
        if at - self._told > 5.0:
            self._told = at
            wrong = sum(each.result is not Result.OK for each in self._visits.samples)
            progress(f"pages: {at:.0f} of {self._options.seconds:.0f} s, {self._visits.begun} loads, {wrong} wrong")
