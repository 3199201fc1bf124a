"""Whether the generator kept up: how late it sent, how late its event loop came round, how busy it was."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from load.generate.samples import Sample


@dataclass(frozen=True, slots=True)
class Pulse:
    """One reading of a lane, a few times a second. `at`: seconds after the start; `loop_lag`: by how many milliseconds
    a short sleep was too long; `cpu`: share of one core that the process used since the last reading; `in_flight`:
    arrivals under way; `connections` open; `clock_step`: by how many seconds the wall clock moved against the steady
    one since the last reading; `waited`: share of the time that the process was kept from a processor by others;
    `stolen`: share of the machine's processors that its hypervisor gave to others."""

    at: float
    loop_lag: float
    cpu: float
    in_flight: int
    connections: int
    clock_step: float
    waited: float = 0.0
    stolen: float = 0.0

    def row(self) -> list[Any]:
        """As a row of a file."""
        return [round(each, 4) if isinstance(each, float) else each for each in asdict(self).values()]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Pulse":
        """Read a row."""
        return cls(*row[: len(fields(cls))])


@dataclass(frozen=True, slots=True)
class Health:
    """Of all lanes within the measured stretches; milliseconds and shares of one core. The worst lane counts.

    `start_lag_*`: by how much requests were sent after they were due; `ours_*`: that, and for how long the generator
    was kept from a processor while they were under way. `waited` and `stolen` as those of a pulse, on average;
    `granted`: of the time that it wanted a processor, the share for which it had one. `pulses`: how many readings there
    are.
    """

    start_lag_p95: float
    start_lag_p99: float
    ours_mean: float
    ours_p95: float
    ours_p99: float
    loop_lag_p99: float
    cpu_p50: float
    in_flight_max: int
    connections_max: int
    clock_step: float
    waited: float
    stolen: float
    granted: float
    pulses: int

    def to_json(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


LATE_P95, LATE_P99, BUSY = 25.0, 100.0, 0.95
"""Beyond these a generator was the bottleneck: milliseconds that it added to 5 and 1 in 100 requests, share of its
core."""
FAIR = 0.8
"""Share of the processor that it wanted, below which a generator's trouble is put down to other processes."""
STOLEN = 0.05
"""Share of the machine that others of its hypervisor may have: their turns are long, and seen nowhere else."""
CLOCK_STEP = 0.1
"""Seconds by which a wall clock may move between two readings; a slewed one moves by half a millisecond a second."""


def health_of(pulses: Iterable[Pulse], samples: Iterable[Sample], windows: Sequence[tuple[float, float]]) -> Health:
    """Sum up readings, and what the generator added to arrivals that were answered."""
    everything = list(pulses)
    within = [each for each in everything if any(start <= each.at < end for start, end in windows)]
    sent = [each for each in samples if any(start <= each.at < end for start, end in windows)]
    lags = sorted(each.latency - each.service for each in sent)
    ours = sorted(each.ours for each in sent)
    used, waited = _mean([each.cpu for each in within]), _mean([each.waited for each in within])
    return Health(
        start_lag_p95=_quantile(lags, 0.95),
        start_lag_p99=_quantile(lags, 0.99),
        ours_mean=_mean(ours),
        ours_p95=_quantile(ours, 0.95),
        ours_p99=_quantile(ours, 0.99),
        loop_lag_p99=_quantile(sorted(each.loop_lag for each in within), 0.99),
        cpu_p50=_quantile(sorted(each.cpu for each in within), 0.5),
        in_flight_max=max((each.in_flight for each in everything), default=0),
        connections_max=max((each.connections for each in everything), default=0),
        clock_step=max((each.clock_step for each in everything), key=abs, default=0.0),
        waited=waited,
        stolen=_mean([each.stolen for each in within]),
        granted=round(used / (used + waited), 4) if waited > 0 else 1.0,
        pulses=len(within),
    )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def _quantile(ordered: Sequence[float], q: float) -> float:
    return round(ordered[max(math.ceil(q * len(ordered)), 1) - 1], 3) if ordered else 0.0


def complaints(health: Health) -> list[str]:
    """Why the generator was the bottleneck, in words; empty where it was not."""
    found = []
    if health.start_lag_p95 > LATE_P95:
        found.append(f"5 of 100 requests were sent more than {health.start_lag_p95:.0f} ms after they were due")
    elif health.start_lag_p99 > LATE_P99:
        found.append(f"1 of 100 requests was sent more than {health.start_lag_p99:.0f} ms after it was due")
    elif health.ours_p95 > LATE_P95 or health.ours_p99 > LATE_P99:
        found.append(f"it added more than {health.ours_p95:.0f} ms to 5 of 100 requests itself")
    if health.loop_lag_p99 > LATE_P99:
        found.append(f"its event loop came round {health.loop_lag_p99:.0f} ms late")
    if health.cpu_p50 > BUSY:
        found.append(f"its process used {100 * health.cpu_p50:.0f} % of a core most of the time")
    if found and health.granted < FAIR:
        found.append(f"other processes kept it from a processor {100 * health.waited:.0f} % of the time")
    if health.stolen > STOLEN:
        found.append(f"the hypervisor gave {100 * health.stolen:.0f} % of this machine to others")
    return found
