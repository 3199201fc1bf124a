"""Simulated sampling at the boundary of a budget: how often a verdict is wrong. Run whole by `tox -e self-load`."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.requirement import Level
from harness.thresholds import read_threshold
from load.generate.samples import Block, Result, rounded
from load.judge.evaluate import Word, evaluate
from load.judge.needs import needs_of_requests
from load.judge.sequential import Deciding, Looks
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.budgets import Budget, Metric

Draw = Callable[[random.Random], float]
NOTHING = Schedule(steady(1, 1, 0), ArrivalModel.CONSTANT, 0, {})


def budget(metric: str, threshold: str, *, confidence: float = 0.95, over: Sequence[str] = ("x",)) -> Budget:
    return Budget(
        name="x",
        statement="X is so.",
        over=tuple(over),
        metric=Metric(metric),
        threshold=read_threshold(threshold),
        reading="",
        level=Level.MUST,
        obliged="tuvens-api",
        claims=(),
        section="",
        quote="",
        confidence=confidence,
        next_step="",
    )


def timed(times: Sequence[Sequence[float]]) -> list[Block]:
    """Blocks of right answers that took so long, in milliseconds."""
    blocks = []
    for number, each in enumerate(times):
        block = Block(float(number), 1.0, True)
        block.results[Result.OK] = len(each)
        for value in each:
            for metric in (Metric.LATENCY, Metric.SERVICE):
                block.times[metric][rounded(value)] += 1
                block.least[metric][rounded(value)] += 1
        blocks.append(block)
    return blocks


def answered(hits: Sequence[int], total: int) -> list[Block]:
    """Blocks of `total` answers each, of which so many are right."""
    blocks = []
    for number, each in enumerate(hits):
        block = Block(float(number), 1.0, True)
        block.results[Result.OK] = each
        block.results[Result.FAILED] = total - each
        blocks.append(block)
    return blocks


@dataclass(frozen=True)
class Boundary:
    """A world in which the budget is exactly met, so that either verdict is wrong at most 5 times in 100.

    `draw` makes the blocks of one run.
    """

    name: str
    budget: Budget
    draw: Callable[[random.Random], list[Block]]

    def wrong(self, runs: int, seed: int, *, looks: Looks | None = None) -> tuple[float, float]:
        """The shares of PASS and of FAIL."""
        chance = random.Random(seed)
        words = [self._word(self.draw(chance), looks) for _ in range(runs)]
        return words.count(Word.PASS) / runs, words.count(Word.FAIL) / runs

    def _word(self, blocks: list[Block], looks: Looks | None) -> Word:
        if looks is None:
            return evaluate(self.budget, {"x": blocks}).word
        deciding = Deciding(needs_of_requests([self.budget], NOTHING, 0), looks)
        for number in range(1, len(blocks) + 1):
            seen = blocks[:number]
            counts = {"x": sum(each.results.total() for each in seen)}
            if number == len(blocks) or (deciding.is_due(counts) and deciding.look({"x": seen})):
                return evaluate(self.budget, {"x": seen}, deciding.share * self.budget.error).word
        return Word.INCONCLUSIVE


def _times(draw: Draw, blocks: int, size: int) -> Callable[[random.Random], list[Block]]:
    return lambda chance: timed([[draw(chance) for _ in range(size)] for _ in range(blocks)])


def _rates(rate: float, blocks: int, size: int) -> Callable[[random.Random], list[Block]]:
    return lambda chance: answered([sum(chance.random() < rate for _ in range(size)) for _ in range(blocks)], size)


def _stalls(chance: random.Random) -> list[Block]:
    """One quarter of a second in 20 is slow as a whole: neighbours are slow together."""
    return timed(
        [
            [20.0 if slow else 1.0 for slow in (chance.random() < 0.05 for _ in range(4)) for _ in range(12)]
            for _ in range(40)
        ]
    )


BOUNDARIES = (
    Boundary("rate", budget("success", "rate>=0.99"), _rates(0.99, 30, 50)),
    Boundary("high rate", budget("success", "rate>=0.998"), _rates(0.998, 30, 100)),
    Boundary("ceiling of a rate", budget("denied", "rate<0.01"), lambda c: _denied(c, 0.01, 30, 50)),
    Boundary("percentile", budget("latency", "p(95)<2.99573"), _times(lambda c: c.expovariate(1.0), 30, 40)),
    Boundary("median", budget("latency", "med<0.693147"), _times(lambda c: c.expovariate(1.0), 30, 20)),
    Boundary("mean of exponential times", budget("latency", "avg<=8"), _times(lambda c: c.expovariate(1 / 8), 30, 30)),
    Boundary(
        "mean of times with a long tail",
        budget("latency", "avg<=1.648721"),
        _times(lambda c: c.lognormvariate(0, 1), 40, 50),
    ),
    Boundary("percentile of times that stall together", budget("latency", "p(95)<10"), _stalls),
)


def _denied(chance: random.Random, rate: float, blocks: int, size: int) -> list[Block]:
    made = []
    for number in range(blocks):
        block = Block(float(number), 1.0, True)
        block.results[Result.DENIED] = sum(chance.random() < rate for _ in range(size))
        block.results[Result.OK] = size - block.results[Result.DENIED]
        made.append(block)
    return made
