"""Verdicts, exit codes, counts and times in words, the same in every rendering."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from harness.exit_codes import ExitCode
from harness.report import Finding
from harness.verdict import VerdictName

MOST = 100
"""How many numbers, or ranges of them, are listed in a row."""

WORDS = {
    VerdictName.HELD: "held",
    VerdictName.VIOLATED: "violated",
    VerdictName.BLOCKED: "blocked",
    VerdictName.INCONCLUSIVE: "inconclusive",
    VerdictName.NOT_APPLICABLE: "not applicable",
    VerdictName.HARNESS_FAULT: "harness fault",
    VerdictName.WAIVED: "waived",
    VerdictName.NOT_TESTED: "not tested",
}

SYMBOLS = {
    VerdictName.HELD: "✓",
    VerdictName.VIOLATED: "✕",
    VerdictName.BLOCKED: "⊘",
    VerdictName.INCONCLUSIVE: "?",
    VerdictName.NOT_APPLICABLE: "–",
    VerdictName.HARNESS_FAULT: "!",
    VerdictName.WAIVED: "≈",
    VerdictName.NOT_TESTED: "○",
}

MEANINGS = {
    VerdictName.HELD: "Observed, and it matches the contract.",
    VerdictName.VIOLATED: "Observed, and it differs from the contract.",
    VerdictName.BLOCKED: "Not run: a prerequisite failed.",
    VerdictName.INCONCLUSIVE: "Run, but the observations do not decide it.",
    VerdictName.NOT_APPLICABLE: "Not run: this deployment lacks something that the check needs.",
    VerdictName.HARNESS_FAULT: "The check crashed (a bug in crossapp): this says nothing about the deployment.",
    VerdictName.WAIVED: "Differs from the contract, as the deployment file declares, with an owner and an end date.",
    VerdictName.NOT_TESTED: "No check of this run covers it.",
}

CRASHES = "Stories that crashed (a bug in crossapp): nothing after the crash was checked"

EXIT_CODES = {
    ExitCode.OK: "no required check failed and no check is undecided",
    ExitCode.VIOLATED: "a required check failed, or a declared deviation is out of date",
    ExitCode.UNDECIDED: "no required check failed, but some could not be decided",
    ExitCode.HARNESS_FAULT: "crossapp or the run failed, or a measurement is invalid: the results are incomplete",
    ExitCode.NOTHING_JUDGED: "no check passed or failed",
    ExitCode.USAGE: "the arguments or the deployment file are invalid",
}


def exit_code_in_words(code: int) -> str:
    """The meaning of an exit code, as the end of a sentence."""
    try:
        return EXIT_CODES[ExitCode(code)]
    except ValueError:
        return "not an exit code of crossapp"


def heading_word(finding: Finding) -> str:
    """The heading of a finding: its verdict, `warning` for a violated SHOULD, `note` for a violated OBSERVE, `invalid`
    for a load run that cannot be trusted."""
    if is_invalid_measurement(finding):
        return "invalid"
    if finding.verdict is VerdictName.VIOLATED and finding.level == "SHOULD":
        return "warning"
    if finding.verdict is VerdictName.VIOLATED and finding.level == "OBSERVE":
        return "note"
    return WORDS[finding.verdict]


def rule(finding: Finding) -> str:
    """The statement of a finding that does not hold, as what is required: alone it would read as a fact."""
    return {"MUST": "Required: ", "SHOULD": "Recommended: "}.get(finding.level, "") + finding.statement


def is_invalid_measurement(finding: Finding | None) -> bool:
    """Whether it says that a load run cannot be trusted: no bug of crossapp, and nothing about the deployment."""
    return (
        finding is not None and finding.verdict is VerdictName.HARNESS_FAULT and finding.requirement.startswith("load.")
    )


def details(finding: Finding) -> dict[str, str]:
    """The fields of a finding by label, in the order of a report; empty where they do not apply."""
    source, waiver = finding.source, finding.waiver
    return {
        "expected": finding.expected,
        "observed": finding.observed,
        "reason": finding.reason,
        "owner": f"{waiver.owner}, until {waiver.until}" if waiver else "",
        "exchange": numbers(finding.evidence),
        "files": ", ".join(finding.files),
        "claims": ", ".join(finding.claims),
        "source": f"{source.edition}, {source.section}" + (f": “{source.quote}”" if source.quote else ""),
        "next": finding.next,
    }


def declaration(finding: Finding, started: str) -> str:
    """The blocks of a deployment file that declare the known deviations behind a violation, until 90 days after the
    run; empty where it has none."""
    if finding.verdict is not VerdictName.VIOLATED or not finding.deviations:
        return ""
    try:
        until = datetime.fromisoformat(started).date() + timedelta(days=90)
    except (ValueError, OverflowError):
        return ""
    blocks = (
        f'[[deviations]]\nname = "{name}"\nowner = "the team that is responsible"\nuntil = {until}'
        for name in finding.deviations
    )
    return "\n".join(blocks)


def fix_it(app: str, *, curl: bool = True, files: bool = False) -> str:
    """The next step after a violation whose rule names none: first look at what the finding has of it, a `curl` command
    or `files` of a browser."""
    look = "Run the curl command, then fix" if curl else "Look at the screenshots and the console, then fix"
    return f"{look if curl or files else 'Fix'} {app}."


def system_name(deployment: str) -> str:
    """The name of a deployment in titles."""
    return "Embedded simulators" if deployment == "embedded" else deployment


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 claim`, `2 claims`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))


def when(iso: str) -> str:
    """`2026-11-22 14:03 UTC` for an ISO 8601 time; other text unchanged."""
    try:
        moment = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    if moment.tzinfo is None:
        return iso
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """`0.4 s`, `27 s`, `3 min 12 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def numbers(found: Sequence[int]) -> str:
    """Numbers in their order, consecutive ones as a range: `3, 7 to 12`; of many the first, and how many more."""
    runs: list[list[int]] = []
    more = ""
    for count, each in enumerate(found):
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        elif len(runs) < MOST:
            runs.append([each])
        else:
            more = f" and {len(found) - count} more"
            break
    told = (f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(str(each) for each in run) for run in runs)
    return ", ".join(told) + more
