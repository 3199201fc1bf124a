"""What the proxy keeps of much traffic: the newest in memory, all of it in files."""

import json
from pathlib import Path

import pytest

from crossapp.inspecting import HistorySource
from crossapp.proxy_recording import Recording
from harness.history import Exchange, Outcome
from harness.http import Answer, Call
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.saved_history import open_history
from harness.traffic_limits import TrafficLimits
from tests.harness.examples import history

_MANY = 95


def _recorder(**limits: int) -> Recorder:
    return Recorder(history(), Redactor(), limits=TrafficLimits(**limits))


def _record(recorder: Recorder, count: int = _MANY, *, body: bytes = b"{}") -> None:
    for number in range(1, count + 1):
        recorder.record(
            step=f"proxy/{number}",
            caller="tool" if number % 5 else "crossapp",
            callee="b",
            call=Call("", "GET", f"/{number}"),
            url=f"http://b/{number}",
            answer=Answer(200, (), body),
            outcome=Outcome.ANSWERED,
        )


@pytest.mark.parametrize("limits", [{"kept_entries": 20}, {"kept_bytes": 20_000}])
def test_memory_is_bounded_and_the_files_have_everything(limits: dict[str, int], tmp_path: Path) -> None:
    recorder = _recorder(**limits)
    recording = Recording(recorder, tmp_path / "record.jsonl", tmp_path / "traffic.har")
    _record(recorder, body=b"x" * 1_000)
    assert len(recorder.history.entries) <= 20
    recorder.history.supersede(_MANY)
    recording.append()
    recording.finish()
    saved, cut_off = open_history(tmp_path / "record.jsonl")
    assert ([each.number for each in saved.entries], cut_off) == (list(range(1, _MANY + 1)), False)
    newest = saved.entries[-1]
    assert isinstance(newest, Exchange)
    assert newest.superseded
    urls = [each["request"]["url"] for each in json.loads((tmp_path / "traffic.har").read_text())["log"]["entries"]]
    assert urls == [f"http://b/{number}" for number in range(1, _MANY + 1)]
    assert recording.callers() == {"tool": 76, "crossapp": 19}
    assert not recorder.is_full


def test_a_har_has_everything_without_a_record_and_nothing_stays_behind(tmp_path: Path) -> None:
    recorder = _recorder(kept_entries=10)
    recording = Recording(recorder, None, tmp_path / "traffic.har")
    assert json.loads((tmp_path / "traffic.har").read_text())["log"]["entries"] == []
    _record(recorder)
    recording.finish()
    assert len(json.loads((tmp_path / "traffic.har").read_text())["log"]["entries"]) == _MANY
    assert [each.name for each in tmp_path.iterdir()] == ["traffic.har"]


def test_without_files_what_is_old_is_only_counted() -> None:
    recorder = _recorder(kept_entries=10)
    recording = Recording(recorder, None, None)
    _record(recorder)
    recording.finish()
    assert recording.callers().total() == _MANY


def test_the_inspector_says_which_exchanges_are_still_kept() -> None:
    recorder = _recorder(kept_entries=20)
    Recording(recorder, None, None)
    source = HistorySource(recorder.history, recorder.redactor)
    _record(recorder, 25)
    first, last = source.kept
    assert (first, last) == (11, 25)
    assert [each.number for each in source.rows(0, 100)] == list(range(first, last + 1))
    assert [each.number for each in source.rows(23, 100)] == [24, 25]
    assert source.detail(first - 1) is None
    assert source.detail(first) is not None
