"""`crossapp verify` on a deployment file, and what its report says."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.applications import FOLDERS

EXHAUSTING = tuple(
    part
    for name in (
        "*_is_limited",
        "rate_limits.*_counts_by_*",
        "rate_limits.retry_after_is_given",
        "pact.*_past_the_limit",
    )
    for part in ("--select", name)
)
"""Options that select the rules which use up a rate limit: where limits are raised, these are not judged."""
_SECONDS = 1_200


@dataclass(frozen=True, slots=True)
class Outcome:
    """A report: its findings, its footer, and the command's exit code."""

    findings: list[dict[str, Any]]
    footer: dict[str, Any]
    exit_code: int

    def counts(self) -> Counter[str]:
        """How many findings have each verdict."""
        return Counter(each["verdict"] for each in self.findings)

    def of(self, *verdicts: str) -> dict[str, str]:
        """What is said of the requirements with one of these verdicts: what was observed, or why it is not judged."""
        return {
            each["requirement"]: f"{each['obliged']}: {each['observed'] or each['blocked_by'] or each['reason']}"
            for each in self.findings
            if each["verdict"] in verdicts
        }


def listed(app: str, name: str) -> dict[str, str]:
    """The requirements of a list beside an application's sources, each with why it is on it. Without a list: none."""
    file = FOLDERS[app] / name
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return dict(line.split("\t", 1) for line in lines)


def verify(file: Path, *options: str) -> Outcome:
    """Run `crossapp verify` with further options; the report's files are left beside the deployment file.

    Raises RuntimeError if there is no report.
    """
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", "verify", "--deployment", str(file)]
    done = subprocess.run(
        [*command, "--json", "--report", str(file.parent / "report"), *options],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=file.parent,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines or lines[-1]["type"] != "footer":
        raise RuntimeError(f"no report, exit code {done.returncode}: {done.stderr[-4_000:]}")
    findings = [each for each in lines if each["type"] == "finding"]
    return Outcome(findings, lines[-1], done.returncode)
