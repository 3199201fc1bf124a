import json
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness import load_lines
from harness import report as model
from harness.exit_codes import ExitCode
from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import to_markdown
from harness.render.saved import line_schema, open_report, parse_report
from harness.report import Report, ReportError
from harness.verdict import VerdictName
from tests.harness.render import sample

KINDS = {
    "header": model.Header,
    "finding": model.Finding,
    "claim": model.ClaimResult,
    "load": load_lines.LoadLine,
    "budget": load_lines.BudgetLine,
    "measure": load_lines.MeasureLine,
    "stretch": load_lines.Stretch,
    "footer": model.Footer,
    "target": model.TargetLine,
    "source": model.Source,
    "exchange": model.ShownExchange,
    "waiver": model.Waiver,
}
LINES = {"header", "finding", "claim", "load", "footer"}


def saved(report: Report) -> bytes:
    return "".join(f"{line}\n" for line in report.lines()).encode("utf-8", "backslashreplace")


def changed(name: str, value: Any, kind: str = "finding") -> bytes:
    lines = [json.loads(line) for line in saved(sample.honest()).splitlines()]
    next(each for each in lines if each["type"] == kind)[name] = value
    return "\n".join(map(json.dumps, lines)).encode()


def test_the_schema_is_a_schema() -> None:
    assert line_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(line_schema())


@pytest.mark.parametrize("report", [sample.sample(), sample.honest(), sample.nothing_judged(), sample.big(50)])
def test_every_line_of_a_report_is_valid(report: Report) -> None:
    validator = jsonschema_rs.Draft202012Validator(line_schema(), validate_formats=True)
    for line in report.lines():
        problems = [error.message for error in validator.iter_errors(json.loads(line.encode("utf-8", "replace")))]
        assert problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_describes_every_field_of_the_model_and_no_other(kind: str) -> None:
    described = line_schema()["$defs"][kind]
    names = {each.name for each in fields(KINDS[kind])} | ({"type"} if kind in LINES else set())
    assert set(described["properties"]) == names
    assert set(described["required"]) <= names
    assert all(
        kept.get("description") or "$ref" in kept or name == "type" for name, kept in described["properties"].items()
    )


def test_the_documentation_describes_every_field_verdict_and_exit_code() -> None:
    text = (Path(__file__).parents[3] / "docs" / "report-format.md").read_text("utf-8")
    for name, definition in line_schema()["$defs"].items():
        table = text[text.index(name.capitalize() if name in LINES else f"`{name}`:") :]
        assert [each for each in definition["properties"] if f"| `{each}` |" not in table] == []
    assert [each for each in VerdictName if f"| `{each.value}` |" not in text] == []
    assert [each for each in ExitCode if f"| {each.value} |" not in text] == []


def test_the_schema_knows_every_verdict() -> None:
    definitions = line_schema()["$defs"]
    everything = {each.value for each in VerdictName}
    assert set(definitions["claim"]["properties"]["verdict"]["enum"]) == everything
    assert set(definitions["finding"]["properties"]["verdict"]["enum"]) == everything - {"not_tested"}


def test_a_saved_report_is_read_back_as_it_was(tmp_path: Path) -> None:
    report = sample.honest()
    path = tmp_path / "report.jsonl"
    path.write_bytes(saved(report))
    assert open_report(path) == report
    assert open_report(tmp_path) == report


def test_a_field_of_a_later_version_is_passed_over() -> None:
    assert parse_report(changed("colour", "blue")) == parse_report(saved(sample.honest()))


def test_a_report_without_a_footer_is_one_of_a_run_that_did_not_finish() -> None:
    whole = saved(sample.sample()).splitlines(keepends=True)
    assert parse_report(b"".join(whole[:-1])).footer.finished is False


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no header line"),
        (b"\n\n", "no header line"),
        (b"hello\n", "line 1: not a line of a crossapp report"),
        (b"\xff\xfe\x00", "line 1: not UTF-8 text"),
        (b"[]\n", "line 1: not a line of a crossapp report"),
        (b"null\n", "line 1: not a line of a crossapp report"),
        (b'{"type":"header"}\n', "line 1: not a line of a crossapp report"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="nested"),
        (saved(sample.sample())[:-40], "ends in the middle: the file was cut off"),
        (saved(sample.honest()) * 2, "is in it twice"),
        (changed("format", 2, "header"), "format 2 is not 1"),
        (changed("evidence", ["one"]), "evidence[0]: must be a whole number"),
        (changed("verdict", "passed"), "verdict: 'passed' is none of held"),
        (changed("verdict", "not_tested"), "/verdict"),
        (changed("claims", "C-TA-01"), "claims: must be a list"),
        (changed("observed", {"a": 1}), "observed: must be text"),
        (changed("exchanges", [{"number": 1}]), "exchanges[0].step: missing"),
        (changed("duration_seconds", float("nan"), "footer"), "/duration_seconds"),
        (changed("exit_code", 7, "footer"), "/exit_code"),
        (changed("verdicts", None, "footer"), "verdicts: must be a table"),
    ],
)
def test_a_broken_file_is_refused_with_the_line_and_the_reason(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    path.write_bytes(data)
    with pytest.raises(ReportError) as refused:
        open_report(path)
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "\n" not in str(refused.value)


def cut(data: bytes) -> Iterable[bytes]:
    return (data[:length] for length in range(0, len(data), 997))


def test_a_file_that_is_cut_off_anywhere_is_read_or_refused_but_never_crashes() -> None:
    for part in cut(saved(sample.honest())):
        try:
            report = parse_report(part)
        except ReportError:
            continue
        assert not report.footer.finished


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(ReportError, match=r"gone\.jsonl: cannot be read: No such file"):
        open_report(Path("gone.jsonl"))


@pytest.mark.parametrize("render", [to_html, to_markdown, to_junit, sample.to_text])
@pytest.mark.parametrize("found", [VerdictName.VIOLATED, VerdictName.HELD])
def test_of_very_many_exchanges_that_show_something_the_first_are_named(
    render: Callable[[Report], str], found: VerdictName
) -> None:
    seen = sample.finding("a.rule", "b keeps it.", found, "C-TA-01")
    few, many = (render(sample.report_of([replace(seen, evidence=tuple(range(1, end, 2)))])) for end in (3, 100_001))
    assert len(many) < len(few) + 2_000
    assert " more" in many or found is VerdictName.HELD
