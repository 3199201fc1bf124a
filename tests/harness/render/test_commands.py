import json
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from crossapp.commands.diff import diff
from crossapp.commands.report import report
from harness.report import Report
from tests.harness.render import sample

APP = typer.Typer(pretty_exceptions_enable=False)
APP.command()(report)
APP.command()(diff)
RUNNER = CliRunner()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return save(sample.sample(), tmp_path / "report.jsonl")


def save(found: Report, path: Path) -> Path:
    path.write_bytes("".join(f"{line}\n" for line in found.lines()).encode("utf-8", "backslashreplace"))
    return path


def test_a_saved_run_is_told_on_the_terminal_with_its_own_exit_code(saved: Path) -> None:
    result = RUNNER.invoke(APP, ["report", str(saved)])
    assert result.exit_code == 1
    assert "4 problems block production." in result.stdout


def test_each_rendering_is_written_where_it_is_wanted(saved: Path, tmp_path: Path) -> None:
    html, markdown, junit = tmp_path / "a.html", tmp_path / "a.md", tmp_path / "a.xml"
    arguments = ["report", str(saved), "--html", str(html), "--markdown", str(markdown), "--junit", str(junit)]
    result = RUNNER.invoke(APP, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert html.read_text("utf-8").startswith("<!doctype html>")
    assert markdown.read_text("utf-8").startswith("## staging")
    assert junit.read_text("utf-8").startswith("<?xml")


def test_a_report_goes_from_standard_input_to_standard_output(saved: Path) -> None:
    result = RUNNER.invoke(APP, ["report", "-", "--markdown", "-"], input=saved.read_bytes())
    assert result.exit_code == 1
    assert result.stdout.startswith("## staging")


def test_a_brief_report_is_short_and_links_the_whole_one(saved: Path) -> None:
    brief = ["report", str(saved), "--markdown", "-", "--brief"]
    lines = RUNNER.invoke(APP, brief).stdout.splitlines()
    assert lines[0].startswith("## staging: 4 problems block production")
    assert len([each for each in lines if each]) <= 16
    assert lines[-1].startswith("Exit code 1: ")
    assert lines[-1].endswith("The whole report: report.html in the folder of the run.")
    linked = RUNNER.invoke(APP, [*brief, "--link", "https://github.com/o/r/actions/runs/1/artifacts/2"]).stdout
    assert linked.endswith("[The whole report](<https://github.com/o/r/actions/runs/1/artifacts/2>)\n")


@pytest.mark.parametrize("link", ["javascript:alert(1)", "report.html", "https://a.example/> [x](b"])
def test_a_link_that_is_no_address_is_refused(saved: Path, link: str) -> None:
    result = RUNNER.invoke(APP, ["report", str(saved), "--markdown", "-", "--brief", "--link", link])
    assert (result.exit_code != 0, result.stdout) == (True, "")


def test_a_link_belongs_to_the_brief_report(saved: Path) -> None:
    assert "--brief" in RUNNER.invoke(APP, ["report", str(saved), "--link", "https://a.example/"]).output


def test_brief_without_markdown_is_refused(saved: Path) -> None:
    assert "--markdown" in RUNNER.invoke(APP, ["report", str(saved), "--brief"]).output


def test_an_honest_run_exits_0_and_one_that_broke_off_3(tmp_path: Path) -> None:
    assert RUNNER.invoke(APP, ["report", str(save(sample.honest(), tmp_path / "a"))]).exit_code == 0
    lines = list(sample.honest().lines())[:-1]
    (tmp_path / "b").write_text("\n".join(lines), "utf-8")
    result = RUNNER.invoke(APP, ["report", str(tmp_path / "b")])
    assert result.exit_code == 3
    assert "This run did not finish." in result.stdout


def test_a_file_that_is_no_report_is_one_line_and_64(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}\n")
    for arguments in (["report", str(tmp_path / "x")], ["report", str(tmp_path / "gone")], ["report", str(tmp_path)]):
        result = RUNNER.invoke(APP, arguments)
        assert result.exit_code == 64
        assert result.stdout == ""
        assert result.stderr.startswith("crossapp: ")
        assert len(result.stderr.splitlines()) == 1


def test_a_place_that_cannot_be_written_is_one_line_and_64(saved: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(APP, ["report", str(saved), "--html", str(tmp_path / "no" / "folder.html")])
    assert result.exit_code == 64
    assert "cannot be written: No such file or directory" in result.stderr


def test_a_run_that_got_worse_exits_1_and_the_way_back_0(saved: Path, tmp_path: Path) -> None:
    honest = save(sample.honest(), tmp_path / "honest.jsonl")
    worse = RUNNER.invoke(APP, ["diff", str(honest), str(saved)])
    assert worse.exit_code == 1
    assert "== Newly violated: requirements (7)" in worse.stdout
    assert RUNNER.invoke(APP, ["diff", str(saved), str(saved)]).exit_code == 0


def test_a_comparison_is_json_for_other_programs(saved: Path, tmp_path: Path) -> None:
    honest = save(sample.honest(), tmp_path / "honest.jsonl")
    result = RUNNER.invoke(APP, ["diff", str(honest), str(saved), "--json"])
    value = json.loads(result.stdout)
    assert value["worse"] is True
    assert value["before"]["deployment"] == "embedded simulators"
    assert len(value["requirements"]["newly_violated"]) == 7


def test_a_broken_report_cannot_be_compared(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}\n")
    result = RUNNER.invoke(APP, ["diff", str(saved), str(tmp_path / "x")])
    assert result.exit_code == 64
    assert "line 1" in result.stderr


def test_several_runs_make_one_report(saved: Path, tmp_path: Path) -> None:
    again = save(
        replace(sample.sample(), header=replace(sample.HEADER, started="2026-11-23T00:00:00+00:00")), tmp_path / "b"
    )
    result = RUNNER.invoke(APP, ["report", str(saved), str(again), "--html", str(tmp_path / "all.html")])
    assert result.exit_code == 1
    assert "4 problems block production" in (tmp_path / "all.html").read_text("utf-8")


def test_runs_of_two_deployments_are_one_line_and_64(saved: Path, tmp_path: Path) -> None:
    other = save(replace(sample.sample(), header=replace(sample.HEADER, deployment="production")), tmp_path / "b")
    result = RUNNER.invoke(APP, ["report", str(saved), str(other)])
    assert (result.exit_code, result.stderr.count("\n")) == (64, 1)
    assert "'production'" in result.stderr
