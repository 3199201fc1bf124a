"""The plan of a verification: what will be sent to whom, what will be waited for, and how long it takes. It sends
nothing."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import openapi
from contracts.hi_events_session.rules_upstream import CACHE_SECONDS
from crossapp.rehearsal import PlannedRequests, can_rehearse, rehearse
from crossapp.run import Settings, context_of, stories_for
from harness.capabilities import remedy_for
from harness.deployment import Deployment, Safety
from harness.effects import Effect, named
from harness.render.words import system_name
from harness.story import Phase, Story
from scenarios.cast.exhausting import why_not
from scenarios.cast.rate_limits import WINDOW
from scenarios.planned_requests import SHARED, Circumstances, Count, counts_of
from scenarios.stories.client_pages_are_read import MOST_FILES
from scenarios.stories.updates_are_heard import SILENCE

_MARGIN = 7.0
"""Seconds past an expiry until it is surely over."""
# Seconds of our own work for a request and for a fuzzed case, and until an answer comes: on this machine, elsewhere.
_REQUEST, _CASE, _NEAR, _FAR = 0.0025, 0.012, 0.002, 0.05
_IN_BROWSER = 1.2
"""Seconds that a story in a browser takes on two cores, of which two run at a time."""
_AT_ONCE = 8
_FUZZING, _FILES = "operations_are_fuzzed", "client_pages_are_read"


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that stories wait for, `seconds` at most; `alone`: nothing runs beside it; `usual`: a correct
    deployment makes it necessary."""

    what: str
    seconds: float
    stories: tuple[str, ...]
    alone: bool = False
    usual: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """A rate limit that the run obeys: `requests` that count together, `limit` a minute, take `seconds` at least."""

    operation: str
    requests: int
    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PlannedStory:
    """A story with about how many requests it sends, by operation ("": of no operation of a document)."""

    name: str
    requests: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: `users` by their roles, `not_used_up` the rate limits that are too high, with the reason,
    `left_out` the stories that this deployment cannot have, with the remedy, `seconds` the whole duration. `rehearsed`:
    of a production, every request; `exact`: no story changes an event, which it would read until that shows."""

    deployment: str
    users: tuple[str, ...]
    stories: tuple[PlannedStory, ...]
    waits: tuple[Wait, ...]
    windows: tuple[Window, ...]
    not_used_up: Mapping[str, str]
    left_out: Mapping[str, str]
    seconds: float
    rehearsed: tuple[PlannedRequests, ...] = ()
    exact: bool = False

    @property
    def requests(self) -> Mapping[str, int]:
        """About how many requests are sent, by operation."""
        found: Counter[str] = Counter()
        for each in self.rehearsed:
            found[each.operation] += each.requests
        for story in () if self.rehearsed else self.stories:
            found.update(story.requests)
        return found

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"type": "plan", **asdict(self), "requests": dict(self.requests)}


def plan_of(deployment: Deployment, settings: Settings) -> Plan:
    """The plan of a verification of a deployment; of a production it is rehearsed, which takes some seconds. Raises
    EmbeddedError."""
    context = context_of(deployment, settings)
    chosen, left_out = [], {}
    for each in stories_for(settings):
        lacking = [need for need in each.requires if need not in context.capabilities]
        if lacking:
            left_out[each.name] = remedy_for(lacking[0], [one.kind for one in deployment.targets.values()])
        elif each.unless not in context.capabilities:
            chosen.append(each)
    about = Circumstances(deployment, context.capabilities, settings.quick, settings.examples)
    counts: dict[str, Mapping[str, Count]] = {each.name: counts_of(each.name, about) for each in chosen}
    counts[SHARED] = counts_of(SHARED, about)
    waits = tuple(_waits(chosen, about, settings))
    obeying = [name for name in counts if name == SHARED or _phase(name, chosen) is not Phase.LAST]
    windows = tuple(_windows({name: counts[name] for name in obeying}, about))
    rehearsed = _rehearsed(deployment, settings, chosen, counts) if deployment.is_production else ()
    sent = {name: {operation: each.requests for operation, each in of.items()} for name, of in counts.items()}
    return Plan(
        deployment=deployment.name,
        users=tuple(dict.fromkeys(each.role for each in deployment.users)),
        stories=tuple(PlannedStory(name, requests) for name, requests in sent.items()),
        waits=waits,
        windows=windows,
        not_used_up=_not_used_up(about),
        left_out=left_out,
        seconds=round(
            max(_duration(chosen, counts, waits, windows, deployment), _paced(deployment.safety, rehearsed)), 1
        ),
        rehearsed=rehearsed,
        exact=bool(rehearsed) and not any(Effect.CHANGE in (each.does or ()) for each in chosen),
    )


def _rehearsed(
    deployment: Deployment, settings: Settings, chosen: Sequence[Story], counts: Mapping[str, Mapping[str, Count]]
) -> tuple[PlannedRequests, ...]:
    """Every request of the stories; of those that cannot be rehearsed, what the table says."""
    found = rehearse(deployment, settings, [each for each in chosen if can_rehearse(each)])
    others = [
        PlannedRequests(*_place_of(operation), "not rehearsed", named(each.declared or ()), count.requests)
        for each in chosen
        if not can_rehearse(each)
        for operation, count in counts[each.name].items()
    ]
    return (*found, *others)


def _place_of(operation: str) -> tuple[str, str, str]:
    if not operation:  # of the stories that cannot be rehearsed: tuvens-api without TLS, and its metrics
        return "tuvens-api", "GET", ""
    found = openapi.find(operation)
    return found.app, found.method, found.id


def _paced(safety: Safety, rehearsed: Sequence[PlannedRequests]) -> float:
    total = sum(each.requests for each in rehearsed)
    return total / safety.requests_a_second if safety.requests_a_second else 0.0


def _phase(name: str, stories: list[Story]) -> Phase | None:
    return next((each.phase for each in stories if each.name == name), None)


def _waits(stories: list[Story], about: Circumstances, settings: Settings) -> Iterator[Wait]:
    deployment = about.deployment
    api, receiver = deployment.targets.get("tuvens-api"), deployment.receiver
    expiry = ((api.session_expiry if api is not None else None) or 900) + _MARGIN
    kinds = {
        "heartbeat": ("a heartbeat of the event stream", SILENCE, False),
        "expiry": ("the expiry of a session", expiry, False),
        "cache": ("the cache of hi.events, if it accepts an expired session", expiry + CACHE_SECONDS, False),
    }
    if receiver is not None:
        longest = max(receiver.retry_within, settings.patience)
        kinds["retries"] = ("retries of failed deliveries", 4 * receiver.retry_within + longest, True)
    for kind, (what, seconds, alone) in kinds.items():
        waiting = tuple(each.name for each in stories if kind in each.waits_for)
        if waiting:
            yield Wait(what, seconds, waiting, alone, usual=kind != "cache")


def _windows(counts: Mapping[str, Mapping[str, Count]], about: Circumstances) -> Iterator[Window]:
    counted: Counter[str] = Counter()
    for of_story in counts.values():
        for name, count in of_story.items():
            if not name:
                continue
            counted[name] += count.counted
            for called in map(openapi.find, openapi.find(name).calls):
                key = called.rate_limit.key if called.rate_limit is not None else ""
                if key in ("user", "shared-secret"):
                    counted[called.id] += count.counted if key == "user" else count.requests
    for name, requests in counted.items():
        limit = about.limit(name)
        if limit and requests > limit:
            yield Window(name, requests, limit, WINDOW * ((requests - 1) // limit))


def _not_used_up(about: Circumstances) -> dict[str, str]:
    if "exhaust" not in about.capabilities or "control:tuvens-api" in about.capabilities:
        return {}
    limited = [each.id for each in openapi.load("tuvens-api").operations.values() if each.rate_limit is not None]
    reasons = {each: why_not(about.limit(each), about.deployment.safety.exhaust_up_to) for each in limited}
    return {name: reason for name, reason in reasons.items() if reason}


def _duration(
    stories: list[Story],
    counts: Mapping[str, Mapping[str, Count]],
    waits: tuple[Wait, ...],
    windows: tuple[Window, ...],
    deployment: Deployment,
) -> float:
    near = all(each.api_url.startswith("http://127.0.0.1") for each in deployment.targets.values())
    answer = _NEAR if near else _FAR

    def work(*phases: Phase) -> float:
        found = 0.0
        for each in stories:
            if each.phase in phases:
                beside = each.phase in (Phase.SIDE_BY_SIDE, Phase.IN_BROWSER, Phase.LAST)
                ours = _CASE if each.name == _FUZZING else _REQUEST
                sent = sum(count.requests for count in counts[each.name].values())
                found += sent * (ours + (answer / _AT_ONCE if beside else answer))
                found += _IN_BROWSER if each.phase is Phase.IN_BROWSER else 0.0
        return found

    longest = max((each.seconds for each in waits if each.usual and not each.alone), default=0.0)
    forced = max((each.seconds for each in windows), default=0.0)
    apart = sum(each.seconds for each in waits if each.alone)
    beside = work(Phase.SIDE_BY_SIDE, Phase.IN_BROWSER, Phase.ONE_BY_ONE) + apart
    return work(Phase.FIRST) + max(beside, longest, forced) + work(Phase.ALONE, Phase.LAST)


def plan_lines(plan: Plan) -> Iterator[str]:
    """The plan as lines of text."""
    total = sum(plan.requests.values())
    users = ", ".join(plan.users) or "no user"
    about = "" if plan.exact else "about "
    yield f"{system_name(plan.deployment)}: {about}{total} requests, as {users}. This plan sends nothing."
    if plan.rehearsed:
        yield from _rehearsed_lines(plan.rehearsed)
        if any(each.name == _FILES for each in plan.stories):
            yield f"Besides, the scripts and styles that pages of tuvens-client name: {MOST_FILES} at most."
    else:
        for app in openapi.APPS:
            sent = {name: plan.requests[name] for name in openapi.load(app).operations if plan.requests.get(name)}
            if sent:
                yield f"  {app}: {', '.join(f'{name} {count}' for name, count in sent.items())}"
        if plan.requests.get(""):
            yield f"  other paths and files: {plan.requests['']}"
    if plan.waits or plan.windows:
        yield "Waits, in parallel:"
    for wait in plan.waits:
        yield f"  {wait.seconds:.0f} s at most: {wait.what} ({', '.join(_said(each) for each in wait.stories)})"
    for window in plan.windows:
        sent_of = f"{window.requests} requests of {window.operation}"
        yield f"  {window.seconds:.0f} s at least: {sent_of}, with a rate limit of {window.limit} per minute"
    for name, reason in plan.not_used_up.items():
        yield f"Rate limit of {name} not used up: {reason}"
    for remedy, count in Counter(plan.left_out.values()).items():
        yield f"Not run, {count} {'story' if count == 1 else 'stories'}: {remedy}"
    yield f"Takes about {_long(plan.seconds)}."


def _said(story: str) -> str:
    return story.replace("_", " ")


def _long(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _rehearsed_lines(rehearsed: Sequence[PlannedRequests]) -> Iterator[str]:
    """A line for each kind of request, in columns."""
    heads = ("requests", "method", "operation", "as", "effects")
    for app in dict.fromkeys(each.app for each in rehearsed):
        rows = [
            (str(each.requests), each.method, each.operation or "(other paths)", each.user, each.effects)
            for each in rehearsed
            if each.app == app
        ]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        yield f"{app}:"
        for row in (heads, *rows):
            yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
