"""k6's threshold grammar: `p(95)<10`, `avg<=8`, `med<5`, `rate>=0.999`, `count<1`."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_EXPRESSION = re.compile(rf"(avg|med|rate|count|p\(({_NUMBER})\))\s*(<=|>=|<|>)\s*({_NUMBER})")


class Statistic(StrEnum):
    """The statistic of a metric that a threshold bounds."""

    MEAN = "avg"
    PERCENTILE = "p"
    RATE = "rate"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound on a statistic of a metric. `quantile` is that of a percentile (0.95 for p(95)), else 0."""

    statistic: Statistic
    operator: str
    limit: float
    quantile: float = 0.0

    @property
    def is_ceiling(self) -> bool:
        """Whether it is an upper bound."""
        return self.operator.startswith("<")

    def admits(self, value: float) -> bool:
        """Whether a value is within the limit."""
        match self.operator:
            case "<":
                return value < self.limit
            case "<=":
                return value <= self.limit
            case ">":
                return value > self.limit
            case _:
                return value >= self.limit

    def __str__(self) -> str:
        name = f"p({self.quantile * 100:g})" if self.statistic is Statistic.PERCENTILE else self.statistic.value
        # Whole and without an exponent, so that read_threshold reads it back.
        return f"{name}{self.operator}{Decimal(repr(self.limit)).normalize():f}"


def read_threshold(text: str) -> Threshold:
    """Parse an expression. Raises ValueError with what is wrong."""
    match = _EXPRESSION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a threshold such as p(95)<10, avg<=8, med<5, rate>=0.999 or count<1")
    name, percent, operator, limit = match[1], match[2], match[3], float(match[4])
    if percent is not None or name == "med":
        quantile = 0.5 if percent is None else float(percent) / 100
        if not 0 < quantile < 1:
            raise ValueError(f"{text!r}: a percentile lies between 0 and 100")
        return Threshold(Statistic.PERCENTILE, operator, limit, quantile)
    if name == "rate" and limit > 1:
        raise ValueError(f"{text!r}: a rate is a share of 1, so 99.9 % is 0.999")
    return Threshold(Statistic("avg" if name == "avg" else name), operator, limit)
