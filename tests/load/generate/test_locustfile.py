"""The Locust project as its users extend it: the task of docs/load.md, added to a copy, runs against a simulator."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

from load.generate.processes import LOCUSTFILE
from simulators.launch import LaunchOptions
from tests.launching import launched

_PAGE = Path(__file__).parents[3] / "docs/load.md"


def _documented_task() -> str:
    (found,) = re.findall(r"```python\n(class Visitor.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


def _statistics(folder: Path, *arguments: str) -> tuple[dict[str, dict[str, str]], str]:
    """The rows of the statistics of a run, by name, and what it printed."""
    command = [
        sys.executable, "-m", "locust", "-f", str(folder / "locustfile.py"), "--deployment", str(folder / "up.json"),
        "--headless", "--only-summary", "-r", "20", "-t", "4s", "--csv", str(folder / "found"), *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    with (folder / "found_stats.csv").open(encoding="utf-8", newline="") as file:
        return {each["Name"]: each for each in csv.DictReader(file)}, done.stdout + done.stderr


def _prepare(folder: Path, task: str, description: object) -> None:
    whole = LOCUSTFILE.read_text("utf-8")
    (folder / "locustfile.py").write_text(f"{whole}\n\n{task}", "utf-8")
    (folder / "up.json").write_text(json.dumps(description), "utf-8")


def test_a_task_is_added_in_ten_lines_and_every_user_is_in_the_statistics(tmp_path: Path) -> None:
    task = _documented_task()
    assert len(task.splitlines()) <= 10
    with launched(LaunchOptions(limits="raised")) as built:
        _prepare(tmp_path, task, built.description())
        rows, printed = _statistics(tmp_path, "-u", "12")
    assert "Traceback" not in printed
    found = rows["read an event"]
    assert (found["Type"], found["Failure Count"]) == ("GET", "0")
    assert int(found["Request Count"]) > 0
    # Users of every other class, the listener among them, which connected and goes on.
    assert {"generateSession", "receiveEventStatusChanged", "streamEventUpdates"} <= set(rows)
    assert rows["streamEventUpdates"]["Failure Count"] == "0"


def test_host_is_the_target_and_a_status_of_404_is_a_failure(tmp_path: Path) -> None:
    """The deployment file names a port where nobody listens; the host that Locust is given replaces it."""
    wrong = _documented_task().replace("/api/events/", "/api/nothing/")
    with launched(LaunchOptions(limits="raised")) as built:
        description = built.description()
        url = description["targets"]["tuvens-api"]["url"]
        description["targets"]["tuvens-api"]["url"] = "http://127.0.0.1:9"
        _prepare(tmp_path, wrong, description)
        rows, _ = _statistics(tmp_path, "-u", "4", "--host", url, "Visitor", "BackEnd")
    assert int(rows["read an event"]["Failure Count"]) == int(rows["read an event"]["Request Count"]) > 0
    assert int(rows["generateSession"]["Request Count"]) > int(rows["generateSession"]["Failure Count"])
    assert "receiveEventStatusChanged" not in rows
