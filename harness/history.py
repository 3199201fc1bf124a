"""The record of a run: exchanges, stream events and observations in one numbered sequence."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from harness.history_index import Index
from harness.http import Answer, Headers, header

SHARED = "shared"
"""The story name of the steps that the stage takes once for several stories: minting a session, signing in."""
LATE = f"{SHARED}/late"
"""The step of observations that our own event loop was late: `since` in Unix seconds, and `seconds`."""
MOVED = f"{SHARED}/clocks moved"
"""The step of observations that the simulators' clocks are moved: `at` in Unix seconds, by `seconds`."""
PLANNED = "stories"
"""The setting that names all stories of a run, before the first begins."""
DOES_NOT_HOLD = " does not hold"
"""The end of the reason of a story that was not driven because a requirement does not hold; its id comes before."""


class NothingObservedError(LookupError):
    """A judge asked for a step that never happened."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


class UndeclaredStoryError(Exception):
    """A judge read a story that its rule does not declare."""

    def __init__(self, story: str) -> None:
        super().__init__(f"the story {story} is not declared")
        self.story = story


class Outcome(StrEnum):
    """ANSWERED: a complete response came. REFUSED: the request certainly never arrived. NO_ANSWER: the request may
    have arrived and may have had an effect."""

    ANSWERED = "answered"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its response, with secrets removed.

    `started` is in Unix seconds by our clock, `seconds` is the time to the last byte. `facts` were computed at
    recording time from the original bytes: `problems` (deviations from the OpenAPI document), `secrets` ([kind,
    fingerprint, place]), and what the caller added. `superseded`: the request was sent again (throttled, or the
    connection broke), so no rule judges this try.
    """

    number: int
    step: str
    caller: str
    callee: str
    operation: str
    method: str
    url: str
    request_headers: Headers
    request_body: bytes
    outcome: Outcome
    status: int | None
    response_headers: Headers
    response_body: bytes
    started: float
    seconds: float
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    superseded: bool = False

    @property
    def answer(self) -> Answer:
        """The response; its status is 0 where there is none."""
        return Answer(self.status or 0, self.response_headers, self.response_body)

    @property
    def is_success(self) -> bool:
        """Whether it was answered with 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_client_error(self) -> bool:
        """Whether it was answered with 4xx."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def is_error(self) -> bool:
        """Whether it was answered with 4xx or 5xx."""
        return self.status is not None and self.status >= 400

    def header(self, name: str) -> str | None:
        """A response header, or None."""
        return header(self.response_headers, name)


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event of an SSE stream: its parsed fields and its lines as sent. `kind`: event, comment, open or closed."""

    number: int
    step: str
    kind: str
    at: float
    event: str = ""
    data: str = ""
    id: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """A measurement of a story that is not a single exchange: statistics of a sample, a schema, counts."""

    number: int
    step: str
    values: Mapping[str, Any]


Entry = Exchange | StreamEvent | Observation
_Kind = TypeVar("_Kind", Exchange, StreamEvent, Observation)


@dataclass(frozen=True, slots=True)
class StoryOutcome:
    """How a story ended: finished, stopped (the deployment did not let it continue), crashed (our fault) or skipped."""

    story: str
    ended: str
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a judge may know about the deployment; it holds no secret."""

    deployment: str
    edition: str
    targets: Mapping[str, Mapping[str, str]]
    capabilities: frozenset[str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the targets are: simulated, local, staging or production."""
        return tuple(each.get("kind", "") for each in self.targets.values())


class History:
    """The entries of a run in order, and how its stories ended. Steps are named `story/step`.

    The whole record is read through one History. A rule that declares its stories gets a `narrowed` one, which raises
    UndeclaredStoryError for every read of another story.
    """

    def __init__(self, context: Context, entries: Iterable[Entry] = (), stories: Iterable[StoryOutcome] = ()) -> None:
        self.context = context
        self.entries: list[Entry] = list(entries)
        self.forgotten = 0
        """How many entries, all older than these, are no longer kept here."""
        self.stories: dict[str, StoryOutcome] = {each.story: each for each in stories}
        self.changed: list[int] = []
        """The numbers of the entries that were changed after they were added, in the order of the changes."""
        self._declared: frozenset[str] | None = None
        self._whole: History = self
        self._narrowed: dict[tuple[str, ...], History] = {}
        self._narrowed_at = (0, 0)
        self._index()

    def _index(self) -> None:
        self._below: Index[Entry] = Index(lambda each: _and_above(each.step))
        self._at_step: Index[Entry] = Index(lambda each: (each.step,))
        self._told: Index[Entry] = Index(_callee_and_operation)
        self._requests: Index[Entry] = Index(lambda each: (_request_of(each),) if isinstance(each, Exchange) else ())
        self._numbers: Index[Entry] = Index(lambda each: (each.number,))

    @property
    def span(self) -> tuple[float, float]:
        """Unix seconds of the first and the last exchange; zeros where there is none."""
        times = [each.started for each in self.entries if isinstance(each, Exchange) and each.started]
        return (min(times), max(times)) if times else (0.0, 0.0)

    @property
    def unfinished(self) -> frozenset[str]:
        """The planned stories that have not ended; in a saved history, those before whose end the run was stopped."""
        return frozenset(self.context.settings.get(PLANNED, ())) - self.stories.keys()

    def narrowed(self, stories: Sequence[str]) -> "History":
        """The part of the record that belongs to these stories. Reading any other story there raises
        UndeclaredStoryError."""
        size = (len(self.entries), len(self.stories))
        if size != self._narrowed_at:
            self._narrowed.clear()
            self._narrowed_at = size
        names = tuple(dict.fromkeys(stories))
        if names not in self._narrowed:
            places = [place for name in names for place in self._below.places(self.entries, name)]
            if len(names) > 1:
                places.sort()
            entries = [self.entries[place] for place in places]
            part = History(self.context, entries, [self.stories[name] for name in names if name in self.stories])
            part._declared = frozenset(names)
            part._whole = self._whole
            self._narrowed[names] = part
        return self._narrowed[names]

    def of_story(self, story: str) -> Sequence[Entry]:
        """All entries of a story in order, superseded exchanges included. Raises UndeclaredStoryError."""
        self._check_declared(story)
        return self._below.of(self.entries, story)

    def outcome(self, story: str) -> StoryOutcome | None:
        """How a story ended; None where it was not driven. Raises UndeclaredStoryError."""
        self._check_declared(story)
        return self.stories.get(story)

    def exchanges(
        self, operation: str | None = None, callee: str | None = None, *, story: str | None = None
    ) -> Iterator[Exchange]:
        """The exchanges that count (not superseded), of one operation, callee or story where named. Raises
        UndeclaredStoryError."""
        found: Sequence[Entry] = self.entries
        if story is not None:
            found = self.of_story(story)
        elif (callee, operation) != (None, None):
            found = self._told.of(self.entries, (callee, operation))
        for each in found:
            if (
                isinstance(each, Exchange)
                and not each.superseded
                and (operation is None or each.operation == operation)
                and (callee is None or each.callee == callee)
            ):
                yield each

    def every(self, step: str) -> list[Exchange]:
        """All exchanges of a step and of the steps below it (`step/...`). Raises NothingObservedError for none."""
        self._check_declared(_story_of(step))
        below = self._below.of(self.entries, step)
        found = [each for each in below if isinstance(each, Exchange) and not each.superseded]
        if not found:
            raise NothingObservedError(step)
        return found

    def one(self, step: str) -> Exchange:
        """The last exchange of exactly this step. Raises NothingObservedError."""
        found = next((each for each in reversed(self._at(step, Exchange)) if not each.superseded), None)
        if found is None:
            raise NothingObservedError(step)
        return found

    def tries(self, step: str) -> list[Exchange]:
        """All exchanges of exactly this step, superseded ones included. Raises NothingObservedError."""
        found = self._at(step, Exchange)
        if not found:
            raise NothingObservedError(step)
        return found

    def earlier_tries(self, exchange: Exchange) -> list[Exchange]:
        """The superseded tries of this exchange, in order; none where the first try counts."""
        # Side by side the same step may be taken for several users; each repeats a request of its own.
        same = self._requests.places(self.entries, _request_of(exchange))
        place = self._place(exchange.number)
        last = bisect_left(same, len(self.entries) if place is None else place)
        found: list[Exchange] = []
        for index in range(last - 1, -1, -1):
            each = self.entries[same[index]]
            if not isinstance(each, Exchange) or not each.superseded:
                break
            found.append(each)
        return found[::-1]

    def observation(self, step: str) -> Observation:
        """The last observation of a step. Raises NothingObservedError."""
        found = self._at(step, Observation)
        if not found:
            raise NothingObservedError(step)
        return found[-1]

    def stream(self, step: str) -> list[StreamEvent]:
        """The events of a stream; the first is its opening. Raises NothingObservedError."""
        found = self._at(step, StreamEvent)
        if not found:
            raise NothingObservedError(step)
        return found

    def lateness(self, since: float, until: float) -> float:
        """Seconds by which our own event loop was late, in all, between two times in Unix seconds; of the whole record,
        whichever stories are declared."""
        late = [each.values for each in self._whole._at(LATE, Observation)]
        return sum(
            float(each["seconds"]) for each in late if each["since"] < until and each["since"] + each["seconds"] > since
        )

    def moved(self, since: float, until: float) -> float:
        """Seconds by which the simulators' clocks were moved, in all, between two times in Unix seconds; of the whole
        record, whichever stories are declared."""
        moves = [each.values for each in self._whole._at(MOVED, Observation)]
        return sum(float(each["seconds"]) for each in moves if since < each["at"] < until)

    def losses(self) -> int:
        """How many requests were sent again because their connection broke; of the whole record, whichever stories are
        declared."""
        exchanges = (each for each in self._whole.entries if isinstance(each, Exchange))
        return sum(each.superseded and each.outcome is Outcome.NO_ANSWER for each in exchanges)

    def numbered(self, number: int) -> Entry | None:
        """The entry with this number; None where there is none."""
        place = self._place(number)
        return None if place is None else self.entries[place]

    def forget(self, count: int) -> None:
        """Keep the `count` oldest entries no longer."""
        del self.entries[:count]
        self.forgotten += count
        self._narrowed.clear()
        self._index()

    def supersede(self, number: int) -> None:
        """Mark an exchange as sent again."""
        place = self._place(number)
        each = None if place is None else self.entries[place]
        if place is not None and isinstance(each, Exchange):
            self._narrowed.clear()
            self.entries[place] = replace(each, superseded=True)
            self.changed.append(number)

    def add_facts(self, facts: Mapping[int, Mapping[str, Any]]) -> None:
        """Add facts to exchanges, by number: those that only the other entries tell."""
        self._narrowed.clear()
        for number, more in facts.items():
            place = self._place(number)
            each = None if place is None else self.entries[place]
            if place is not None and isinstance(each, Exchange):
                self.entries[place] = replace(each, facts={**each.facts, **more})
                self.changed.append(number)

    def _place(self, number: int) -> int | None:
        """Where the entry with this number is; None where there is none."""
        place = number - 1 - self.forgotten
        if 0 <= place < len(self.entries) and self.entries[place].number == number:
            return place
        return next(iter(self._numbers.places(self.entries, number)), None)

    def _at(self, step: str, kind: type[_Kind]) -> list[_Kind]:
        self._check_declared(_story_of(step))
        return [each for each in self._at_step.of(self.entries, step) if isinstance(each, kind)]

    def _check_declared(self, story: str) -> None:
        if self._declared is not None and story not in self._declared:
            raise UndeclaredStoryError(story)


def _story_of(step: str) -> str:
    return step.partition("/")[0]


@lru_cache(maxsize=4096)
def _and_above(step: str) -> tuple[str, ...]:
    """A step and all that it is below, the story included."""
    parts = step.split("/")
    return tuple("/".join(parts[: count + 1]) for count in range(len(parts)))


def _callee_and_operation(entry: Entry) -> Iterable[tuple[str | None, str | None]]:
    if not isinstance(entry, Exchange):
        return ()
    callee, operation = entry.callee, entry.operation
    return (callee, operation), (callee, None), (None, operation)


def _request_of(exchange: Exchange) -> tuple[str, str, str, str]:
    return exchange.step, exchange.callee, exchange.method, exchange.url
