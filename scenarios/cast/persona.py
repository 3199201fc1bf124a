"""A person with a real browser, who opens pages of tuvens-client and hi.events."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import openapi
from contracts.addresses import Addresses
from contracts.client_session.wire import CALLBACK
from contracts.hi_events_session import wire as hi_wire
from harness.deployment import Target, User
from harness.http import Call, object_or_empty
from harness.redact import like_a_token
from harness.relay import Relay
from scenarios.cast.cast import CLIENT, Cast
from scenarios.cast.selectors import SELECTORS, selectors_for
from scenarios.cast.sessions import user_key

if TYPE_CHECKING:
    from playwright.async_api import Request, Route

    from harness.browsing import Admits, Browsing
    from harness.tab import Tab

HI_EVENTS = "hi.events"
GENERATE = openapi.find("wrapGenerateSession").path
NEEDS = ("browser", "target:tuvens-client")
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
"""A text that a page must not interpret as HTML; `PLANTED` finds it if it did."""
PLANTED = 'img[src="x"]'
_TRIES = 3


class Persona:
    """One person's browser. Steps are recorded below the story's name."""

    def __init__(self, cast: Cast, browsing: "Browsing", who: str) -> None:
        self.browsing = browsing
        self._cast = cast
        self._who = who
        self._noted = time.time()
        self._in_vain = False
        self.client: Target = cast.stage.target(CLIENT)
        self.origin = origin_of(self.client.url)

    async def tab(self, app: str = CLIENT, *, size: tuple[int, int] = (1280, 800), far_down: bool = False) -> "Tab":
        """A new tab for the pages of an application; `size` of its window in CSS pixels, `far_down`: with the content
        below what the window shows."""
        own = self._cast.stage.target(app).selectors
        tab = await self.browsing.tab(selectors_for(app, own), far_down=far_down)
        await tab.page.set_viewport_size({"width": size[0], "height": size[1]})
        return tab

    def event_page(self, event: str) -> str:
        """The URL of an event's page at tuvens-client."""
        return self.client.url + openapi.find("showTuvensEventPage").target({"id": event})

    def callback(self, params: Mapping[str, str]) -> str:
        """The URL of tuvens-client's callback page with these parameters."""
        return f"{self.client.url}{CALLBACK}?{urlencode(params)}"

    def hi_events_page(self, params: Mapping[str, str]) -> str:
        """The URL of hi.events' page with these parameters."""
        return self._cast.stage.target(HI_EVENTS).url + hi_wire.open_page(params).target

    @property
    def generates(self) -> str:
        """A URL pattern of the request for a session to tuvens-client's own server."""
        return f"{self.origin}/**{GENERATE}" if urlsplit(self.client.url).path else f"{self.origin}{GENERATE}"

    async def takes_turn(self, user: User) -> None:
        """Wait until one more session of the user and one more visit of hi.events' page are within the rate limits."""
        await self._cast.stage.rate_limits.take("wrapGenerateSession", user_key(user))
        await self._cast.turn_to_open_page()

    async def opens(self, tab: "Tab", url: str, looks: Callable[[], Awaitable[bool]]) -> None:
        """Open a URL and look whether its page shows what is wanted. One that does not is opened again, up to twice,
        where connections of this run broke: the page's own server may have lost a request."""
        self._in_vain = False
        for _ in range(_TRIES):
            await tab.opens(url)
            if await looks() or not self.losses():
                return
        self.opened_in_vain()

    def opened_in_vain(self) -> None:
        """The page that is noted next did not show what is wanted each time that it was opened."""
        self._in_vain = True

    def losses(self) -> int:
        """How many lost requests of this run may explain the page that is noted next: none if it was opened in vain
        again and again."""
        return 0 if self._in_vain else self._cast.stage.recorder.history.losses()

    async def listens(self, seconds: float = 3.0) -> bool:
        """Whether a page has opened the stream of updates, waiting for it up to `seconds`: changes made earlier do not
        reach the page."""
        page = self.browsing.context.pages[-1]
        deadline = time.monotonic() + seconds
        while not any(each["status"] for each in self._streams()):
            if time.monotonic() >= deadline:
                return False
            await page.wait_for_timeout(50)
        return True

    async def notes(self, step: str, tab: "Tab", **more: object) -> None:
        """Record what a tab shows, with further values and a screenshot."""
        shows = await tab.shows()
        late = await tab.lateness() + self._cast.stage.recorder.history.lateness(self._noted, time.time())
        self._noted = time.time()
        files = [*await self.browsing.screenshot(tab.page, step), *self.browsing.files()]
        lost = self.browsing.lost()
        losses, self._in_vain = self.losses(), False
        known = {"files": files, "sure": self._sure(), "lag": round(late, 3), "lost": lost, "losses": losses}
        self._cast.observe(step, {**shows, **more, **known, "streams": self._streams()})

    def _streams(self) -> list[dict[str, Any]]:
        """The requests for a stream so far: URL, status (None: no response yet), and what failed."""
        asked = (each for each in self.browsing.loads if each["type"] == "eventsource")
        return [{name: each[name] for name in ("url", "status", "failed")} for each in asked]

    def _sure(self) -> list[str]:
        """The parts whose selectors fit these pages for sure: the simulators', and those that the deployment names."""
        targets = (self._cast.stage.target(app) for app in SELECTORS)
        return sorted(
            {name for each in targets for name in (SELECTORS[each.app] if each.kind == "simulated" else each.selectors)}
        )

    async def leaves(self) -> None:
        """Record what was loaded, and the contents of the open pages' storages."""
        await self.browsing.settle()
        for page in self.browsing.context.pages:
            await self.browsing.look_into_storage(page)
        self._cast.observe(f"loaded/{self._who}", self.browsing.summary())


@asynccontextmanager
async def browses(
    cast: Cast, who: str, user: User | None = None, *, relay: Relay | None = None
) -> AsyncIterator[Persona]:
    """A browser of its own inside the block. `user` is signed in at tuvens-client; through a `relay` its network can be
    cut. Raises StoryStoppedError."""
    name = f"{cast.story.name}-{who}".replace("_", "-")
    async with cast.stage.chromium.browsing(name, tokens_in, relay=relay, admits=_admits(cast)) as browsing:
        persona = Persona(cast, browsing, who)
        if user is not None:
            await _signs_in(persona, user)
        try:
            yield persona
        finally:
            await persona.leaves()


def _admits(cast: Cast) -> "Admits | None":
    """Asks the run's gate about the requests of pages; None where all applications are simulated: looking at every
    request switches the browser's cache off."""
    gate, addresses = cast.stage.recorder.gate, Addresses.of(cast.deployment)
    if gate is None or cast.can("simulated"):
        return None

    async def admits(request: "Request") -> None:
        place = addresses.of_url(request.method, request.url)
        if place is None:
            return
        headers = tuple((await request.all_headers()).items())
        call = Call(place.operation, request.method, place.target, headers, request.post_data_buffer)
        if place.operation:
            await gate.admit(cast.story.name, place.app, call, by_page=True)

    return admits


async def _signs_in(persona: Persona, user: User) -> None:
    """By the state of a browser that the deployment gives for the user, else in the storage or by the cookie that it
    names, else by a header that only the client's own origin gets."""
    context, target = persona.browsing.context, persona.client
    for script in browser_scripts(target, user):
        await context.add_init_script(script)
    if user.storage_state is not None:
        await context.add_cookies(user.storage_state["cookies"])
    elif target.jwt_cookie and not target.jwt_storage:
        await context.add_cookies([{"name": target.jwt_cookie, "value": user.jwt, "url": persona.origin}])
    elif not target.jwt_storage:

        async def with_token(route: "Route") -> None:
            await route.fallback(headers={**route.request.headers, "authorization": f"Bearer {user.jwt}"})

        await context.route(f"{persona.origin}/**", with_token)


def browser_scripts(target: Target, user: User) -> list[str]:
    """The scripts that fill the storages of tuvens-client's pages before the pages' own scripts run."""
    if user.storage_state is not None:
        return [
            _stores("localStorage", {entry["name"]: entry["value"] for entry in each["localStorage"]}, each["origin"])
            for each in user.storage_state["origins"]
        ]
    place, _, key = target.jwt_storage.partition(":")
    return [_stores(place, {key: user.jwt}, origin_of(target.url))] if place else []


def _stores(place: str, entries: Mapping[str, str], origin: str) -> str:
    """A script that fills a storage of the pages of an origin before their own scripts run; entries that are there
    stay as they are."""
    return (
        f"if (location.origin === {json.dumps(origin)}) {{ try {{ "
        f"for (const [key, value] of Object.entries({json.dumps(entries)})) "
        f"if ({place}.getItem(key) === null) {place}.setItem(key, value); }} catch {{}} }}"
    )


async def looks_at(tab: "Tab", part: str, seconds: float | None = None) -> bool:
    """Whether a part of the event page's ticketing is visible, now or within `seconds`; it is scrolled to, since a page
    may render it, and load the tickets, only where somebody looks."""
    await tab.scrolls_to("title")
    seen = await tab.sees(part, seconds)
    await tab.scrolls_to(part)
    return seen


def tokens_in(url: str, body: bytes) -> Iterable[tuple[str, str]]:
    """Session tokens in a URL's query, and in the response that hands one out; what a page wrongly builds, such as
    `session_token=undefined`, is none."""
    parts = urlsplit(url)
    found = [value for name, value in parse_qsl(parts.query) if name == "session_token"]
    if body and parts.path.endswith(GENERATE):
        found.append(object_or_empty(body).get("session_token", ""))
    yield from (("session-token", each) for each in found if isinstance(each, str) and like_a_token(each))


def origin_of(url: str) -> str:
    """The origin of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
