"""Screenshots and traces of pages, kept beside the report for findings that did not hold."""

from pathlib import Path

from harness.report import Report

FOLDER = "browser"
_OURS = ("*.png", "*.zip", "*.txt")


def make_evidence_folder(report: Path) -> Path:
    """The folder for evidence below a report's folder, emptied of an earlier run. Raises OSError."""
    folder = report / FOLDER
    folder.mkdir(exist_ok=True)
    for each in _files(folder):
        each.unlink()
    return folder


def keep_evidence(report: Path, found: Report) -> None:
    """Delete all files that no finding names. Raises OSError."""
    folder = report / FOLDER
    named = {report / name for finding in found.findings for name in finding.files}
    for each in _files(folder):
        if each not in named:
            each.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def _files(folder: Path) -> list[Path]:
    return [each for pattern in _OURS for each in folder.glob(pattern)]
