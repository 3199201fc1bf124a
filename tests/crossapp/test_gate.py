"""`crossapp keep`, `gate` and `trend`: only new, whole and decided evidence of real applications says yes."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.catalogue import catalogue
from crossapp.cli import app
from crossapp.gating import conditions, exit_code_of
from crossapp.kept_runs import KeptRun, KeptRunsError, keep, kept
from harness.exit_codes import ExitCode
from harness.report import Finding, Report, TargetLine
from harness.requirement import MUST
from harness.verdict import VerdictName
from tests.harness.render.sample import claims_of, honest

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MUSTS = ("a.first", "a.second", "b.third")
DAY = timedelta(hours=24)


def run(sha: str = "abc", hours: float = 1.0, *, real: bool = True, verdicts: Iterable[VerdictName] = ()) -> KeptRun:
    """A run of the MUST requirements, all held but for these verdicts of the first ones."""
    model = honest()
    wanted = [*verdicts, *[VerdictName.HELD] * len(MUSTS)][: len(MUSTS)]
    findings = tuple(
        replace(model.findings[0], requirement=name, level="MUST", verdict=verdict, claims=("C-TA-01",))
        for name, verdict in zip(MUSTS, wanted, strict=True)
    )
    kind = "staging" if real else "simulated"
    header = replace(
        model.header,
        started=(NOW - timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        targets=(TargetLine("tuvens-api", "https://a.example", "staging"), TargetLine("hi.events", "https://b", kind)),
    )
    footer = replace(model.footer, problems=(), finished=True, stopped="")
    return KeptRun("staging", sha, replace(model, header=header, findings=findings, footer=footer))


def judged(*runs: KeptRun, must: Iterable[str] = MUSTS) -> tuple[ExitCode, list[str]]:
    """The exit code, and the conditions that are not met."""
    found = list(conditions(runs, list(must), now=NOW, oldest=DAY))
    return exit_code_of(found), [each.name for each in found if not each.met]


def test_new_whole_decided_evidence_of_real_applications_says_yes() -> None:
    assert judged(run()) == (ExitCode.OK, [])
    assert judged(run(verdicts=[VerdictName.NOT_APPLICABLE, VerdictName.WAIVED])) == (ExitCode.OK, [])


@pytest.mark.parametrize(
    ("runs", "code", "name"),
    [
        ([], 2, "evidence"),
        ([run(hours=25)], 2, "age"),
        ([run(real=False)], 2, "real"),
        ([run(verdicts=[VerdictName.INCONCLUSIVE])], 2, "decided"),
        ([run(verdicts=[VerdictName.BLOCKED])], 2, "decided"),
        ([run(verdicts=[VerdictName.HARNESS_FAULT])], 2, "decided"),
        ([run(verdicts=[VerdictName.VIOLATED])], 1, "held"),
        ([run(hours=3), run(hours=1, verdicts=[VerdictName.VIOLATED])], 1, "held"),
        ([run(hours=-1)], 2, "age"),
        ([run("abc1"), run("abc2", hours=3)], 2, "evidence"),
        ([run(verdicts=[VerdictName.NOT_APPLICABLE] * 3)], 2, "whole"),
    ],
)
def test_other_evidence_says_no_and_why(runs: list[KeptRun], code: int, name: str) -> None:
    assert judged(*runs) == (code, [name])


def test_the_newest_run_counts() -> None:
    assert judged(run(hours=3, verdicts=[VerdictName.VIOLATED]), run(hours=1)) == (ExitCode.OK, [])


def test_partial_runs_say_no() -> None:
    assert judged(run(), must=(*MUSTS, "c.left_out")) == (ExitCode.UNDECIDED, ["whole"])
    whole = run()
    stopped = replace(whole.report.footer, stopped="stopped after 31 of 84 stories", finished=False)
    assert judged(replace(whole, report=replace(whole.report, footer=stopped))) == (ExitCode.UNDECIDED, ["whole"])
    late = replace(whole.report.footer, problems=("a deviation is past its date",))
    assert judged(replace(whole, report=replace(whole.report, footer=late))) == (ExitCode.VIOLATED, ["deviations"])


def test_runs_are_kept_by_environment_and_commit_and_once_each(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    for each in (run("abc1", 5), run("abc2", 2), run("abc1", 5)):
        keep(file, "staging", each.sha, each.report)
    keep(file, "production", "abc1", run().report)
    assert [each.sha for each in kept(file, "staging")] == ["abc2", "abc1"]
    assert [each.sha for each in kept(file, "staging", "abc1")] == ["abc1"]
    assert kept(file, "staging", "%") == []
    assert kept(file, "production")[0].report == run().report


def test_a_file_that_is_another_is_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(KeptRunsError, match=r"other\.sqlite: is a database"):
        keep(other, "staging", "abc", run().report)
    text = tmp_path / "text"
    text.write_text("no database" * 100, "utf-8")
    with pytest.raises(KeptRunsError, match="cannot be used"):
        kept(text, "staging")
    with pytest.raises(KeptRunsError, match="no such file"):
        kept(tmp_path / "nothing", "staging")


def invoke(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_the_commands_answer_in_one_screen_and_one_exit_code(tmp_path: Path) -> None:
    file, report = tmp_path / "runs.sqlite", tmp_path / "report.jsonl"
    model = run()
    musts = [each.id for each in catalogue() if each.level == MUST]

    def write(hours: float, verdict: VerdictName) -> None:
        started = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        findings: list[Finding] = [replace(model.report.findings[0], requirement=each) for each in musts]
        findings[0] = replace(findings[0], verdict=verdict)
        header = replace(model.report.header, started=started)
        saved: Report = replace(model.report, header=header, findings=tuple(findings), claims=claims_of(findings[:1]))
        report.write_text("".join(line + "\n" for line in saved.lines()), "utf-8")

    where: list[str | Path] = ["--environment", "staging", "--runs", file]
    assert invoke("gate", *where, "--commit", "abc")[0] == 64
    write(2, VerdictName.VIOLATED)
    assert invoke("keep", report, *where, "--commit", "abc123")[0] == 0
    code, text = invoke("gate", *where, "--commit", "abc")
    assert code == 1
    assert text.startswith("staging at abc: NO\n")
    assert musts[0] in text
    write(1, VerdictName.HELD)
    assert invoke("keep", report, *where, "--commit", "abc123")[0] == 0
    code, text = invoke("gate", *where, "--commit", "abc")
    assert (code, text.splitlines()[0]) == (0, "staging at abc: yes")
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 80
    assert invoke("gate", *where, "--commit", "abc", "--oldest", "30m")[0] == 2
    for command in (["gate"], ["keep", report]):
        code, text = invoke(*command, *where, "--commit", "")
        assert code != 0
        assert "it is empty" in text
    assert invoke("gate", "--environment", "production", "--runs", file, "--commit", "abc")[0] == 2
    code, text = invoke("gate", *where, "--commit", "ffff", "--json")
    assert (code, json.loads(text)["conditions"][0]["met"]) == (2, False)
    code, text = invoke("trend", *where)
    assert code == 0
    assert text.startswith("staging: 2 runs, the oldest first\n")
    assert "C-TA-01  X+" in text
    page, badge, summary = tmp_path / "trend.html", tmp_path / "gate.svg", tmp_path / "gate.md"
    assert invoke("trend", *where, "--html", page)[0] == 0
    assert "2 runs" in page.read_text("utf-8")
    asked = ["gate", *where, "--commit", "abc", "--badge", badge, "--markdown", summary]
    assert invoke(*asked)[0] == 0
    assert 'aria-label="deploy staging: yes (abc)"' in badge.read_text("utf-8")
    assert invoke(*asked, "--oldest", "30m")[0] == 2
    assert 'aria-label="deploy staging: not known (abc)"' in badge.read_text("utf-8")
    assert summary.read_text("utf-8").startswith("## staging at `abc`: NO\n\n- **NO** age: ")
    assert invoke("gate", *where, "--commit", "abc", "--markdown", "-")[1].startswith("## staging at `abc`: yes\n")
    code, text = invoke("gate", *where, "--commit", "abc", "--badge", "badge.png")
    assert (code, ".svg or .json" in " ".join(text.split())) == (2, True)
