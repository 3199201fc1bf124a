"""Opens a saved report. Every problem with the file is a ReportError that names it."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs

import harness
from harness.render.text import one_line
from harness.report import Report, ReportError, read_report

REPORT_NAME = "report.jsonl"


def open_report(path: Path) -> Report:
    """Read a saved report: a file of JSON lines, or a directory with a report.jsonl in it.

    Raises ReportError, which names the file, the line and the problem.
    """
    if path.is_dir():
        path = path / REPORT_NAME
    try:
        return parse_report(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ReportError as error:
        raise ReportError(f"{path}: {error}") from None


def parse_report(data: bytes) -> Report:
    """Read the bytes of a saved report, each line checked against report.schema.json. Raises ReportError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = data.count(b"\n", 0, error.start) + 1
        raise ReportError(f"line {broken}: not UTF-8 text, so not a crossapp report") from None
    lines = text.split("\n")
    _refuse_cut_line(lines)
    report = read_report(lines)
    for number, line in enumerate(lines, start=1):
        if line.strip():
            for problem in _problems(json.loads(line)):
                raise ReportError(f"line {number}: {problem}")
    _refuse_doubles(report)
    return report


def line_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of a report."""
    loaded: dict[str, Any] = json.loads(files(harness).joinpath("report.schema.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(line_schema())


def _problems(value: object) -> Iterator[str]:
    for error in _validator().iter_errors(value):
        where = "/".join(str(each) for each in error.instance_path)
        yield one_line(f"/{where}: {_cut(error.message)}")


def _cut(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:90]} … {message[-90:]}"


def _refuse_cut_line(lines: list[str]) -> None:
    """Raises ReportError if the last line was cut off."""
    last = lines[-1].strip()
    if last.startswith("{") and not last.endswith("}"):
        raise ReportError(
            f"line {len(lines)} ends in the middle: the file was cut off. Take that line out to read the rest "
            "as a run that did not finish"
        )


def _refuse_doubles(report: Report) -> None:
    for kind, ids in (
        ("requirement", [each.requirement for each in report.findings]),
        ("claim", [each.claim for each in report.claims]),
    ):
        seen: set[str] = set()
        for each in ids:
            if each in seen:
                raise ReportError(f"the {kind} {one_line(each)} is in it twice: two reports in one file?")
            seen.add(each)
