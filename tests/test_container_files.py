"""The files for containers: the image gets all that the wheel is built from, and runs commands that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from crossapp.cli import app

_ROOT = Path(__file__).parents[1]
_COMPOSE = [_ROOT / "compose.yaml", _ROOT / "examples" / "compose-beside-hi-events.yaml"]


def _services() -> list[dict[str, Any]]:
    found = [each for file in _COMPOSE for each in yaml.safe_load(file.read_text("utf-8"))["services"].values()]
    assert len(found) == 3
    return found


def test_the_image_is_built_from_all_packages_and_nothing_else() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    files = {"constraints.txt", "hatch_build.py", "pyproject.toml", project["project"]["readme"]}
    allowed = {line[1:] for line in (_ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert allowed == {*wheel["packages"], *files, *project["project"]["license-files"]}


@pytest.mark.parametrize("number", range(3))
def test_containers_run_a_command_with_options_that_exist(number: int) -> None:
    said = re.findall(r"^CMD (\[.*\])$", (_ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    default = yaml.safe_load(said[0])
    ours = [each.get("command", default) for each in _services() if each["image"] == "crossapp"]
    assert len(ours) == 2
    name, *arguments = [*ours, default][number]
    group = get_command(app)
    with group.make_context("crossapp", [name]) as context:
        _, command, _ = group.resolve_command(context, [name])  # type: ignore[attr-defined]
    assert command.make_context(name, arguments).params["host"] == "0.0.0.0"


def test_ports_are_published_on_this_machine_under_their_own_numbers() -> None:
    ports = [port for each in _services() for port in each["ports"]]
    assert len(ports) == 6
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", each) for each in ports)
