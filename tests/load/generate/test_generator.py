"""The generator as a process of its own, on Locust."""

import statistics
import time
from pathlib import Path

import pytest

from load.generate.samples import Result
from tests.load.generate import servers
from tests.load.generate.known_answers import FLOORS, KINDS, Compared, Floor, compared, floor_here, measured

_RUNS, _TRIES, _TIMES = 100, 6, 3


def test_a_stall_counts_for_all_who_waited(tmp_path: Path) -> None:
    """One stall of 2 s at 100/s for 6 s: 200 of 600 arrivals wait, 1 s on average, so that the mean is above 333 ms and
    5 of 100 wait for more than 1.7 s. Stock Locust's users would have sent one request into it."""
    with servers.known(servers.fixed(0), stall=(2.0, 2.0)) as address:
        record = measured(address, tmp_path, rate=100, seconds=6)
    latencies = sorted(each.latency for each in record.samples)
    assert len(latencies) == 600
    assert {each.result for each in record.samples} == {Result.OK}
    # From below only: whatever else this machine does makes them longer.
    assert statistics.mean(latencies) > 333 * 0.97
    assert latencies[570] > 1700 * 0.97
    assert record.tallies[0].scheduled == record.tallies[0].ok == 600


def test_each_wrong_answer_is_counted_and_no_other(tmp_path: Path) -> None:
    found = compared("failing", 7, tmp_path / "run", Floor(0.0, 0.0))
    assert found.found[0][2] > 0
    assert found.wrong == ()


@pytest.mark.slow
def test_known_answers_are_recovered_unless_the_generator_says_that_it_was_disturbed(tmp_path: Path) -> None:
    """Of 100 seeded runs of fixed, bimodal and stalling latencies and known failure rates, 95 recover what the server
    says, within 2 % or 0.2 ms. A run in which others kept generator or server from a processor is made again; one that
    is wrong though nobody says so is never forgiven beyond these 5."""
    floors = {which: _calm_floor(which, tmp_path) for which in set(FLOORS.values())}
    wrong: list[Compared] = []
    disturbed = 0
    for seed in range(_RUNS):
        kind = KINDS[seed % len(KINDS)]
        run, again = _undisturbed(kind, seed, tmp_path / str(seed), floors[FLOORS[kind]])
        disturbed += again
        if run.wrong:
            wrong.append(run)
    print(f"{_RUNS} runs, {disturbed} more were disturbed; wrong: {wrong}")
    assert len(wrong) <= 5, wrong


def _calm_floor(which: str, folder: Path) -> Floor:
    """The calmest of several: what a moment of a busy machine adds to it would be taken off every run."""
    found = [floor_here(which, folder / f"{which}-{attempt}") for attempt in range(_TIMES)]
    floors = [floor for floor, run in found if not run.complaints]
    if not floors:
        pytest.fail(f"this machine is too busy: {[run.complaints for _, run in found]}")
    return min(floors, key=lambda each: each.kept)


def _undisturbed(kind: str, seed: int, folder: Path, floor: Floor) -> tuple[Compared, int]:
    for attempt in range(_TRIES):
        run = compared(kind, seed, folder / str(attempt), floor)
        if not run.disturbed:
            return run, attempt
        time.sleep(2.0 * attempt)
    pytest.fail(f"this machine is too busy: {run.beyond:.2f} ms of each request were spent waiting for a processor")
