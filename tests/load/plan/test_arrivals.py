import itertools
import json
import math
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.typed import typed
from load.plan.arrivals import ArrivalModel, RateStage, Schedule, StageError, read_stages, steady

MIX = {"generateSession": 3.0, "flow": 1.0}


def test_constant_arrivals_are_evenly_spaced() -> None:
    times = [each.at for each in Schedule(steady(50, 4, 0), ArrivalModel.CONSTANT, 0, MIX).arrivals()]
    assert len(times) == 200
    assert all(math.isclose(later - earlier, 0.02) for earlier, later in itertools.pairwise(times))
    assert times[0] == 0.01


def test_poisson_arrivals_have_the_rate_and_the_scatter_of_independent_ones() -> None:
    times = [each.at for each in Schedule(steady(100, 100, 0), ArrivalModel.POISSON, 3, MIX).arrivals()]
    assert len(times) == pytest.approx(10_000, abs=300)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation == pytest.approx(mean, rel=0.05)


def test_a_seed_fixes_everything_and_lanes_share_it() -> None:
    schedule = Schedule(steady(80, 5, 1), ArrivalModel.POISSON, 7, MIX)
    whole = list(schedule.arrivals())
    assert whole == list(schedule.arrivals())
    lanes = sorted((each for lane in range(3) for each in schedule.arrivals(lane, 3)), key=lambda each: each.number)
    assert lanes == whole
    assert whole != list(Schedule(schedule.stages, ArrivalModel.POISSON, 8, MIX).arrivals())
    assert typed(Schedule, json.loads(json.dumps(asdict(schedule)))) == schedule


def test_a_ramp_brings_as_many_as_its_average_rate() -> None:
    schedule = Schedule(
        (RateStage("ramp", 10, 0, 100), RateStage("steady", 1, 100, 100)), ArrivalModel.CONSTANT, 0, MIX
    )
    times = [each.at for each in schedule.arrivals()]
    assert sum(at < 10 for at in times) == 500
    assert sum(at < 5 for at in times) == 125
    assert times == sorted(times)
    assert schedule.windows == ((10, 11),)


def test_the_mix_is_kept() -> None:
    journeys = [each.journey for each in Schedule(steady(1000, 4, 0), ArrivalModel.CONSTANT, 0, MIX).arrivals()]
    assert journeys.count("flow") / len(journeys) == pytest.approx(0.25, abs=0.03)


def test_stages_are_read(tmp_path: Path) -> None:
    file = tmp_path / "stages.toml"
    file.write_text(
        '[[stage]]\nkind = "ramp"\nseconds = 5\nfrom = 0\nto = 50\n[[stage]]\nkind = "soak"\nseconds = 60\nrate = 50\n'
    )
    assert read_stages(file) == (RateStage("ramp", 5, 0, 50), RateStage("soak", 60, 50, 50))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no [[stage]]"),
        ("[[stage", "not readable as TOML"),
        ('[[stage]]\nkind = "jump"\nseconds = 1\nrate = 1', "stage[0].kind: 'jump' is none of"),
        ("[[stage]]\nseconds = 1", "stage[0].from: must be a number"),
        ("[[stage]]\nseconds = 1\nrate = 5\nto = 4", "give rate, or from and to, not both"),
        ("[[stage]]\nseconds = 0\nrate = 5", "must be above 0"),
        ("[[stage]]\nsecond = 1", "stage[0].second: unknown"),
        ('[[stage]]\nkind = "ramp"\nseconds = 1\nrate = 5', "none of the stages is measured"),
        ("stage = [1]", "stage[0]: must be a table"),
    ],
)
def test_bad_stages_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "stages.toml"
    file.write_text(text)
    with pytest.raises(StageError) as found:
        read_stages(file)
    assert words in str(found.value)
    assert str(file) in str(found.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="cannot be read"):
        read_stages(tmp_path / "absent")
