"""The generator against a server whose answers are known: what it measures, and whether it could."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from load.generate.generator_log import GeneratorLog, read_log
from load.generate.health import complaints, health_of
from load.generate.processes import GeneratorWorkers, generate
from load.generate.samples import Result, Sample
from load.plan.arrivals import ArrivalModel, RateStage, Schedule
from load.plan.measures import EMPTY
from load.plan.settings import Bursts, RunSettings, deployment_file
from tests.load.generate import servers
from tests.load.judge.runs import deployment

KINDS = ("fixed", "bimodal", "stalling", "failing")
FLOORS = {"fixed": "soon", "bimodal": "soon", "stalling": "at once", "failing": "at once"}
"""Which floor is that of a kind: processors that slept some milliseconds wake up later than those that did not."""
_RATE, _SECONDS = 80.0, 2.5
_ANSWERS: dict[str, Callable[[int], Callable[[float], servers.Answer]]] = {
    "at once": lambda seed: servers.fixed(0),
    "soon": lambda seed: servers.fixed(5),
    "fixed": lambda seed: servers.fixed(20),
    "bimodal": lambda seed: servers.bimodal(10, 80, 0.3, seed),
    "stalling": lambda seed: servers.fixed(0),
    "failing": lambda seed: servers.failing(0.05 + 0.01 * (seed % 15), seed),
}


def measured(address: str, folder: Path, *, rate: float, seconds: float, seed: int = 0, lanes: int = 1) -> GeneratorLog:
    """A run of constant arrivals, all measured."""
    file = folder / "deployment.json"
    file.write_text(json.dumps(deployment_file(deployment())), "utf-8")
    schedule = Schedule((RateStage("steady", seconds, rate, rate),), ArrivalModel.CONSTANT, seed, {EMPTY: 1.0})
    settings = RunSettings(schedule, 2000, 20.0, 0.0, 0, Bursts(0, 0), lanes, str(folder / "record.jsonl"), address)
    generate(settings, file, GeneratorWorkers(lanes), log=folder / "log")
    return read_log(Path(settings.record).read_text("utf-8").splitlines(keepends=True))


@dataclass(frozen=True)
class Floor:
    """What an answer takes here beyond what its server says, in milliseconds: from sending the request, and from when
    it was due. `kept`: as that of a run, for however calm a machine is, a processor that slept is waited for."""

    service: float
    latency: float
    kept: float = 0.0


@dataclass(frozen=True)
class Compared:
    """A run beside what its server says. `found`: name, what was measured (less the floor), what is true; milliseconds,
    or numbers of answers. `kept`: milliseconds for which either side waited for a processor, by request; `beyond`: that
    less the floor's."""

    kind: str
    seed: int
    found: tuple[tuple[str, float, float], ...]
    kept: float
    beyond: float
    complaints: tuple[str, ...]

    @property
    def disturbed(self) -> bool:
        """Whether it is no wonder if it is wrong, by what was measured of the generator and the server alone."""
        return bool(self.complaints) or self.beyond > min(_allowed(true) for _, _, true in self.found) / 2

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
    assert len(samples) == len(told.came) == record.tallies[0].scheduled == round(_RATE * _SECONDS)
    services = [each.service - floor.service for each in samples]
    found: list[tuple[str, float, float]] = []
    match kind:
        case "fixed" | "at once" | "soon":
            found.append(("mean", statistics.mean(services), statistics.mean(told.took)))
            found.append(("median", statistics.median(services), statistics.median(told.took)))
        case "bimodal":
            found.append(("mean", statistics.mean(services), statistics.mean(told.took)))
            found.append(("p(95)", _p95(services), _p95(told.took)))
        case "stalling":
            due = _start(samples, told) + statistics.mean(each.at for each in samples)
            true = (statistics.mean(told.went) - due) * 1000
            found.append(("mean", statistics.mean(each.latency for each in samples) - floor.latency, true))
        case _:
            failed = sum(each.result is Result.FAILED for each in samples)
            found.append(("failures", failed, told.wrong))
    health = health_of(record.pulses, samples, [(0.0, _SECONDS)])
    kept = (health.waited * _SECONDS * 1000 + told.waited) / len(samples)
    return Compared(kind, seed, tuple(found), kept, kept - floor.kept, tuple(complaints(health)))


def floor_here(which: str, folder: Path) -> tuple[Floor, Compared]:
    """One of FLOORS, and how calm it was meanwhile."""
    told = compared(which, 0, folder, Floor(0.0, 0.0))
    record = read_log((folder / "record.jsonl").read_text("utf-8").splitlines(keepends=True))
    took = told.found[0][2]
    service = statistics.mean(each.service for each in record.samples) - took
    latency = statistics.mean(each.latency for each in record.samples) - took
    return Floor(service, latency, told.kept), told


def _start(samples: Sequence[Sample], told: servers.Told) -> float:
    """When the run began by the steady clock, from when requests came: less when each was sent after the start, and its
    way there. The middle of all, for the first ones open connections."""
    way = statistics.median(each.service - took for each, took in zip(samples, told.took, strict=True)) / 2
    return statistics.median(
        came - each.at - (each.latency - each.service + way) / 1000
        for came, each in zip(sorted(told.came), samples, strict=True)
    )


def _p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]
