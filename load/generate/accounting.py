"""The accounts: what was due is what was answered, what failed, what was dropped and what never came back.

scheduled = ok + failed + dropped + censored, for each lane and for all of them together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from load.generate.samples import Result, Sample


@dataclass(slots=True)
class Account:
    """Of one lane. `scheduled`: arrivals that were due; `results`: what the lane says came of them; `until`: up to
    which second its schedule ran; `finished`: whether its last report came."""

    lane: int
    scheduled: int = 0
    results: Counter[Result] = field(default_factory=Counter)
    until: float = 0.0
    finished: bool = False

    @property
    def ok(self) -> int:
        """Answered rightly."""
        return self.results[Result.OK]

    @property
    def failed(self) -> int:
        """Answered wrongly, or refused."""
        wrong = (Result.FAILED, Result.DENIED, Result.LIMITED, Result.REFUSED)
        return sum(self.results[each] for each in wrong)

    @property
    def dropped(self) -> int:
        """Due, and never sent."""
        return self.results[Result.DROPPED]

    @property
    def censored(self) -> int:
        """Sent, and not answered while anybody waited."""
        return self.results[Result.UNANSWERED]

    def to_json(self) -> dict[str, Any]:
        """As JSON; `from_json` reads it back."""
        return {
            "lane": self.lane,
            "scheduled": self.scheduled,
            "results": {each.name: count for each, count in self.results.items()},
            "until": self.until,
            "finished": self.finished,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Account":
        """Read what `to_json` wrote."""
        results = Counter({Result[name]: int(count) for name, count in value["results"].items()})
        return cls(int(value["lane"]), int(value["scheduled"]), results, float(value["until"]), bool(value["finished"]))


def counted(samples: Iterable[Sample], journeys: Iterable[str]) -> Counter[Result]:
    """What came of the arrivals, by the samples that arrived here."""
    names = frozenset(journeys)
    return Counter(each.result for each in samples if each.measure in names)


def discrepancies(accounts: Sequence[Account], lanes: int, due: Mapping[int, int], seen: Counter[Result]) -> list[str]:
    """Where the accounts do not add up, in words.

    `due`: by lane, how many arrivals the schedule itself says were due; `seen`: what the samples say.
    """
    found = []
    by_lane = {each.lane: each for each in accounts}
    for lane in range(lanes):
        account = by_lane.get(lane)
        if account is None or not account.finished:
            found.append(f"worker {lane + 1} of {lanes} was lost: its last report never came")
            continue
        told = account.ok + account.failed + account.dropped + account.censored
        if told != account.scheduled:
            found.append(
                f"worker {lane + 1}: scheduled {account.scheduled}, but ok {account.ok} + failed {account.failed} + "
                f"dropped {account.dropped} + censored {account.censored} = {told}"
            )
        if lane in due and account.scheduled != due[lane]:
            found.append(f"worker {lane + 1}: {account.scheduled} scheduled, {due[lane]} were due by the schedule")
    total: Counter[Result] = Counter()
    for account in accounts:
        total.update(account.results)
    if not found and +total != +seen:
        found.append(
            f"the workers' reports add up to {total.total()} ({_words(total)}), {seen.total()} samples arrived "
            f"({_words(seen)})"
        )
    return found


def _words(results: Counter[Result]) -> str:
    return ", ".join(f"{results[each]} {each.name.lower()}" for each in Result if results[each]) or "none"
