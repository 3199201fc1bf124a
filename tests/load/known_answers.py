"""The generator against a server whose answers are known: what it measures, and whether it could."""

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from load.arrivals import Model, Schedule, Stage
from load.health import complaints, health_of
from load.observed import EMPTY
from load.processes import Workers, generate
from load.record import Record, read_record
from load.samples import Result
from load.settings import Bursts, RunSettings, deployment_file
from tests.load import servers
from tests.load.runs import deployment

KINDS = ("fixed", "bimodal", "stalling", "failing")
_RATE, _SECONDS = 80.0, 2.5
_ANSWERS: dict[str, Callable[[int], Callable[[float], servers.Answer]]] = {
    "at once": lambda seed: servers.fixed(0),
    "fixed": lambda seed: servers.fixed(20),
    "bimodal": lambda seed: servers.bimodal(10, 80, 0.3, seed),
    "stalling": lambda seed: servers.fixed(0),
    "failing": lambda seed: servers.failing(0.05 + 0.01 * (seed % 15), seed),
}


def measured(address: str, folder: Path, *, rate: float, seconds: float, seed: int = 0, lanes: int = 1) -> Record:
    """A run of constant arrivals, all measured."""
    file = folder / "deployment.json"
    file.write_text(json.dumps(deployment_file(deployment())), "utf-8")
    schedule = Schedule((Stage("steady", seconds, rate, rate),), Model.CONSTANT, seed, {EMPTY: 1.0})
    settings = RunSettings(schedule, lanes, 2000, 20.0, 0.0, 0, Bursts(0, 0), str(folder / "record.jsonl"), address)
    generate(settings, file, Workers(lanes), log=folder / "log")
    return read_record(Path(settings.record).read_text("utf-8").splitlines(keepends=True))


@dataclass(frozen=True)
class Floor:
    """What an answer at once takes here, in milliseconds: from sending it, and from when it was due."""

    service: float
    latency: float


@dataclass(frozen=True)
class Compared:
    """A run beside what its server says. `found`: name, what was measured (less the floor), what is true; milliseconds,
    or numbers of answers. `kept`: milliseconds for which others kept either side from a processor, by request."""

    kind: str
    seed: int
    found: tuple[tuple[str, float, float], ...]
    kept: float
    complaints: tuple[str, ...]

    @property
    def disturbed(self) -> bool:
        """Whether it is no wonder if it is wrong, by what was measured of the generator and the server alone."""
        return bool(self.complaints) or self.kept > min(_allowed(true) for _, _, true in self.found) / 2

    @property
    def wrong(self) -> tuple[tuple[str, float, float], ...]:
        """What is not recovered within 2 % or 0.2 ms; of numbers of answers, none may be missing."""
        return tuple(
            each for each in self.found if abs(each[1] - each[2]) > (0 if each[0] == "failures" else _allowed(each[2]))
        )


def _allowed(true: float) -> float:
    return max(0.02 * true, 0.2)


def compared(kind: str, seed: int, folder: Path, floor: Floor) -> Compared:
    """Make a run of a kind and hold it against its server."""
    told = servers.Told()
    folder.mkdir(parents=True)
    stall = (0.6, 0.8) if kind == "stalling" else (0.0, 0.0)
    with servers.known(_ANSWERS[kind](seed), stall=stall, told=told) as address:
        record = measured(address, folder, rate=_RATE, seconds=_SECONDS, seed=seed)
    samples = sorted(record.samples, key=lambda each: each.at)
    assert len(samples) == len(told.came) == record.accounts[0].scheduled == round(_RATE * _SECONDS)
    services = [each.service - floor.service for each in samples]
    found: list[tuple[str, float, float]] = []
    match kind:
        case "fixed" | "at once":
            found.append(("mean", statistics.mean(services), statistics.mean(told.took)))
            found.append(("median", statistics.median(services), statistics.median(told.took)))
        case "bimodal":
            found.append(("mean", statistics.mean(services), statistics.mean(told.took)))
            found.append(("p(95)", _p95(services), _p95(told.took)))
        case "stalling":
            first = samples[0]
            began = min(told.came) - first.at - (first.latency - first.service + floor.service / 2) / 1000
            true = (statistics.mean(told.went) - began - statistics.mean(each.at for each in samples)) * 1000
            found.append(("mean", statistics.mean(each.latency for each in samples) - floor.latency, true))
        case _:
            failed = sum(each.result is Result.FAILED for each in samples)
            found.append(("failures", failed, told.wrong))
    kept = (sum(each.held for each in samples) + told.waited) / len(samples)
    health = health_of(record.pulses, samples, [(0.0, _SECONDS)])
    return Compared(kind, seed, tuple(found), kept, tuple(complaints(health)))


def floor_here(folder: Path) -> tuple[Floor, Compared]:
    """What an answer at once takes here, and how calm it was meanwhile."""
    told = compared("at once", 0, folder, Floor(0.0, 0.0))
    record = read_record((folder / "record.jsonl").read_text("utf-8").splitlines(keepends=True))
    took = told.found[0][2]
    service = statistics.mean(each.service for each in record.samples) - took
    latency = statistics.mean(each.latency for each in record.samples) - took
    return Floor(service, latency), told


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]
