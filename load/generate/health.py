"""The generator's health: whether it sent requests on time, and what kept it from that."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from load.generate.samples import Sample


@dataclass(frozen=True, slots=True)
class Pulse:
    """One reading of a lane's health, `at` seconds after the start.

    `loop_lag`: milliseconds by which a short sleep was too long. `cpu`: share of one core that the process used since
    the last reading. `clock_step`: seconds by which the wall clock moved against the monotonic one since then.
    `waited`: share of the time that the process was runnable without a processor. `stolen`: share of the machine's
    processor time that the hypervisor gave to other guests.
    """

    at: float
    loop_lag: float
    cpu: float
    in_flight: int
    connections: int
    clock_step: float
    waited: float = 0.0
    stolen: float = 0.0

    def row(self) -> list[Any]:
        """The reading as a row of the generator's log."""
        return [round(each, 4) if isinstance(each, float) else each for each in asdict(self).values()]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Pulse":
        """The reading of a row."""
        return cls(*row[: len(fields(cls))])


@dataclass(frozen=True, slots=True)
class Health:
    """The health of all lanes in the measured stages; times in milliseconds, shares of one core.

    `start_lag_*`: how late requests were sent. `ours_*`: that, plus how long the generator waited for a processor
    while they were under way. `waited` and `stolen`: as in Pulse, on average. `granted`: of the processor time that
    the generator wanted, the share that it got. `pulses`: the number of readings.
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
"""Limits beyond which the generator is the bottleneck: milliseconds that it added to 5 % and to 1 % of the requests,
share of its core."""
FAIR = 0.8
"""The share of the wanted processor time below which other processes are named as the cause."""
STOLEN = 0.05
"""The share of the machine that other guests may take: their turns are long, and no other figure shows them."""
CLOCK_STEP = 0.1
"""Seconds by which the wall clock may move between two readings; slewing moves it by half a millisecond a second."""


def health_of(pulses: Iterable[Pulse], samples: Iterable[Sample], windows: Sequence[tuple[float, float]]) -> Health:
    """The health by readings and answered samples; `windows` are the measured stages."""
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
    """Sentences on why the generator was the bottleneck; empty if it was not."""
    found = []
    if health.start_lag_p95 > LATE_P95:
        found.append(f"requests were sent {health.start_lag_p95:.0f} ms late (p95)")
    elif health.start_lag_p99 > LATE_P99:
        found.append(f"requests were sent {health.start_lag_p99:.0f} ms late (p99)")
    elif health.ours_p95 > LATE_P95 or health.ours_p99 > LATE_P99:
        found.append(f"its overhead was {health.ours_p95:.0f} ms (p95)")
    if health.loop_lag_p99 > LATE_P99:
        found.append(f"its event loop was {health.loop_lag_p99:.0f} ms late (p99)")
    if health.cpu_p50 > BUSY:
        found.append(f"its process used {100 * health.cpu_p50:.0f} % of a core (median)")
    if found and health.granted < FAIR:
        found.append(f"it waited {100 * health.waited:.0f} % of the time for a CPU that other processes used")
    if health.stolen > STOLEN:
        found.append(f"the hypervisor gave {100 * health.stolen:.0f} % of this machine to other guests")
    return found
