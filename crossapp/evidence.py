"""The files that show what went wrong in a browser: beside the report, and only for what did not hold."""

from pathlib import Path

from harness.report import Report

FOLDER = "browser"
_OURS = ("*.png", "*.zip", "*.txt")


def make_evidence_folder(report: Path) -> Path:
    """The folder below a report's, without the files of an earlier run. Raises OSError."""
    folder = report / FOLDER
    folder.mkdir(exist_ok=True)
    for each in _files(folder):
        each.unlink()
    return folder


def keep_evidence(report: Path, found: Report) -> None:
    """Keep the files that a finding names, and no others. Raises OSError."""
    folder = report / FOLDER
    named = {report / name for finding in found.findings for name in finding.files}
    for each in _files(folder):
        if each not in named:
            each.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _files(folder: Path) -> list[Path]:
    return [each for pattern in _OURS for each in folder.glob(pattern)]
