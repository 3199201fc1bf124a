"""Tallies of the generator's lanes, and the check that they account for every request that was due.

scheduled = ok + failed + dropped + censored, for each lane and for all lanes together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.generate.samples import Result, Sample


@dataclass(slots=True)
class LaneTally:
    """The tally of one lane. `scheduled` arrivals were due, with these `results`; its schedule ran for `until` seconds,
    and its bursts ended after `ended` seconds; `finished`: its last report came."""

    lane: int
    scheduled: int = 0
    results: Counter[Result] = field(default_factory=Counter)
    until: float = 0.0
    ended: float = 0.0
    finished: bool = False

    @property
    def ok(self) -> int:
        """Requests with a correct answer."""
        return self.results[Result.OK]

    @property
    def failed(self) -> int:
        """Requests with a wrong answer, or refused."""
        wrong = (Result.FAILED, Result.DENIED, Result.LIMITED, Result.REFUSED)
        return sum(self.results[each] for each in wrong)

    @property
    def dropped(self) -> int:
        """Arrivals that were never sent."""
        return self.results[Result.DROPPED]

    @property
    def censored(self) -> int:
        """Requests without an answer in time."""
        return self.results[Result.UNANSWERED]

    def to_json(self) -> dict[str, Any]:
        """As JSON; `from_json` reads it back."""
        return {
            "lane": self.lane,
            "scheduled": self.scheduled,
            "results": {each.name: count for each, count in self.results.items()},
            "until": self.until,
            "ended": self.ended,
            "finished": self.finished,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LaneTally":
        """Read what `to_json` wrote."""
        results = Counter({Result[name]: int(count) for name, count in value["results"].items()})
        until = float(value["until"])
        # A history of an earlier version has no "ended".
        ended = float(value.get("ended", until))
        return cls(int(value["lane"]), int(value["scheduled"]), results, until, ended, bool(value["finished"]))


def counted(samples: Iterable[Sample], journeys: Iterable[str]) -> Counter[Result]:
    """The results of arrivals, counted from samples of their journeys."""
    names = frozenset(journeys)
    return Counter(each.result for each in samples if each.measure in names)


def discrepancies(tallies: Sequence[LaneTally], lanes: int, due: Mapping[int, int], seen: Counter[Result]) -> list[str]:
    """Sentences on tallies that do not add up.

    `due` is the number of arrivals by lane that the schedule gives, `seen` are the results that the samples give.
    """
    found = []
    by_lane = {each.lane: each for each in tallies}
    for lane in range(lanes):
        tally = by_lane.get(lane)
        if tally is None or not tally.finished:
            found.append(f"worker {lane + 1} of {lanes} was lost: its last report never came")
            continue
        told = tally.ok + tally.failed + tally.dropped + tally.censored
        if told != tally.scheduled:
            found.append(
                f"worker {lane + 1}: scheduled {tally.scheduled}, but ok {tally.ok} + failed {tally.failed} + "
                f"dropped {tally.dropped} + censored {tally.censored} = {told}"
            )
        if lane in due and tally.scheduled != due[lane]:
            found.append(f"worker {lane + 1}: {tally.scheduled} scheduled, {due[lane]} were due by the schedule")
    total: Counter[Result] = Counter()
    for tally in tallies:
        total.update(tally.results)
    if not found and +total != +seen:
        found.append(
            f"the workers' reports add up to {total.total()} ({_words(total)}), {seen.total()} samples arrived "
            f"({_words(seen)})"
        )
    return found


def _words(results: Counter[Result]) -> str:
    return ", ".join(f"{results[each]} {each.name.lower()}" for each in Result if results[each]) or "none"
