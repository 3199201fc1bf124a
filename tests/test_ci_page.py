"""docs/ci.md, from which people copy: its files can be read, its jobs are YAML, its commands have these options."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import openapi
from crossapp.cli import app
from crossapp.deployments import EDITIONS
from harness.deployment_file import read_deployment

PAGE = (Path(__file__).parents[1] / "docs" / "ci.md").read_text("utf-8")
COMMANDS = re.findall(r"\bcrossapp (verify|report|load|judge) ([^\n`|>&]*)", PAGE)


def blocks(language: str) -> list[str]:
    """The blocks of code of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", blocks("toml"))
def test_a_file_of_the_page_describes_a_deployment(text: str, tmp_path: Path) -> None:
    file = tmp_path / "crossapp.toml"
    file.write_text(text, "utf-8")
    assert read_deployment(file, apps=openapi.APPS, editions=EDITIONS)["targets"]


def test_the_page_has_files_jobs_and_commands() -> None:
    assert len(blocks("toml")) >= 2
    assert len(blocks("yaml")) >= 2
    assert {"verify", "report"} <= {command for command, _ in COMMANDS}


def commands_in(value: Any) -> list[str]:
    """The shell commands of a job or of its steps."""
    if isinstance(value, dict):
        return [value["run"]] if "run" in value else [each for part in value.values() for each in commands_in(part)]
    return [each for part in value for each in commands_in(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_job_is_yaml_and_runs_something(text: str) -> None:
    assert commands_in(yaml.safe_load(text))


@pytest.mark.parametrize(("command", "arguments"), COMMANDS)
def test_a_command_of_the_page_has_the_options_that_it_gives(command: str, arguments: str) -> None:
    shown = CliRunner().invoke(app, [command, "--help"]).output
    assert set(re.findall(r"--[a-z-]+", arguments)) <= set(re.findall(r"--[a-z-]+", shown))
