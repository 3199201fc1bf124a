"""The generator against a server whose answers are known: what it measures."""

import json
from pathlib import Path

from load.arrivals import Model, Schedule, Stage
from load.observed import EMPTY
from load.processes import Workers, generate
from load.record import Record, read_record
from load.settings import Bursts, RunSettings, deployment_file
from tests.load.runs import deployment


def measured(address: str, folder: Path, *, rate: float, seconds: float, seed: int = 0, lanes: int = 1) -> Record:
    """A run of constant arrivals, all measured."""
    file = folder / "deployment.json"
    file.write_text(json.dumps(deployment_file(deployment())), "utf-8")
    schedule = Schedule((Stage("steady", seconds, rate, rate),), Model.CONSTANT, seed, {EMPTY: 1.0})
    settings = RunSettings(schedule, lanes, 2000, 20.0, 0.0, 0, Bursts(0, 0), str(folder / "record.jsonl"), address)
    generate(settings, file, Workers(lanes), log=folder / "log")
    return read_record(Path(settings.record).read_text("utf-8").splitlines(keepends=True))
