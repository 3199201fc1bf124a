"""The report as JSON lines: a header, one line for each finding and claim, the figures of a load run, a footer.

Every rendering (terminal, HTML, Markdown, JUnit) is a pure function of it. `report.schema.json` describes the lines for
other programs.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from harness.exit_codes import ExitCode
from harness.load_lines import LoadLine
from harness.typed import read_lines, typed
from harness.verdict import VerdictName

FORMAT = 1
SIMULATED = "simulated"
"""The kind of a target that is one of our simulators."""


class ReportError(ValueError):
    """A saved report that cannot be read; the text names the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One application of the deployment. `kind`: simulated, local, staging or production."""

    app: str
    url: str
    kind: str


class Agreement(StrEnum):
    """A line of the status page beside what was found. CONTRADICTED: it says that something works which does not, or
    the other way round. BLOCKED: it could not be tried, since a violated requirement stands before it."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PageLine:
    """A cell of the matrix with which the status page ends: what it says of an area of a repository."""

    repository: str
    area: str
    said: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run of which a merged report was made. `kind`: its command (verify, load)."""

    kind: str
    started: str
    command: tuple[str, ...]
    commit: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Header:
    """What was verified, with what, and how. `started` is ISO 8601 UTC. `page`: the status page's own matrix. `runs`:
    the runs of a merged report, newest first."""

    deployment: str
    targets: tuple[TargetLine, ...]
    edition: str
    versions: Mapping[str, str]
    commit: str
    seed: int
    command: tuple[str, ...]
    started: str
    page: tuple[PageLine, ...] = ()
    runs: tuple[RunLine, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a rule: a section of the contract page and the quote that states it."""

    edition: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class ShownExchange:
    """An exchange in a report: redacted, its bodies cut to a readable length.

    `outcome`: answered, refused or no_answer. `milliseconds`: time from sending to the last byte. `sent_again_after`:
    the earlier tries of the same request, each in words; no rule judges them.
    """

    number: int
    step: str
    caller: str
    callee: str
    method: str
    url: str
    outcome: str
    status: int | None
    milliseconds: float
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: str = ""
    error: str = ""
    curl: str = ""
    sent_again_after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A declared deviation that applies to a finding. `until` is an ISO date."""

    requirement: str
    reason: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A requirement and its verdict. Fields that do not apply are empty.

    `requirement`: its id (place.name). `statement`: who owes what, in a sentence. `level`: MUST, SHOULD or OBSERVE.
    `reproduce`: a curl command. `next`: what to look at next. `blocked_by`: the root requirement of a blocked one.
    `files`: screenshots, traces and logs, relative to the report's folder. `deviations`: the names of the known
    deviations that explain a violation. `cause`: equal in the findings that one and the same thing has violated, or
    left undecided.
    `lacks`: the capability for want of which it is not applicable. `security`: whether its violation lets somebody see
    or do what they must not. `run`: in a merged report, the run that it is of, and how old that is.
    """

    requirement: str
    statement: str
    level: str
    obliged: str
    verdict: VerdictName
    claims: tuple[str, ...]
    source: Source
    expected: str = ""
    observed: str = ""
    reason: str = ""
    blocked_by: str = ""
    reproduce: str = ""
    next: str = ""
    evidence: tuple[int, ...] = ()
    exchanges: tuple[ShownExchange, ...] = ()
    waiver: Waiver | None = None
    files: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    cause: str = ""
    lacks: str = ""
    security: bool = False
    run: str = ""


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim of the status page and its verdict.

    `name`: the claim in two or three words. `said`: what the page said of it; `works`: whether that means that it
    works; `agreement`: whether the page is right. `blocked_by`: the violated requirement at the root of a blocked
    claim. `would_settle`: what would settle an unknown claim, in a few words. `uncovered`: what would cover the part
    of it that no suite of the run covers. `judged`: how many of the requirements in `settled_by` are held, violated or
    waived. `run`: in a merged report, the runs that decided it. `before`: the verdict that the earlier runs of a merged
    report gave it, if a run of the same command was repeated; else empty.
    """

    claim: str
    text: str
    measure: str
    reach: str
    verdict: VerdictName
    reason: str
    judged: int
    settled_by: tuple[str, ...]
    repository: str = ""
    area: str = ""
    name: str = ""
    said: str = ""
    works: bool = True
    agreement: Agreement = Agreement.UNKNOWN
    blocked_by: str = ""
    would_settle: str = ""
    uncovered: str = ""
    run: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Footer:
    """The counts of a run. `judged`: findings that are held, violated or waived. `problems`: deviations out of date.
    `sent_again`: requests repeated after no answer or 429. `crashes`: stories that crashed, each with its error.
    `stopped`: of a run that did not finish, where it ended, such as `stopped after 31 of 84 stories`.
    `left`: what the run undid, and what it leaves behind at the deployment, in sentences."""

    selected: int
    judged: int
    verdicts: Mapping[str, int]
    claims: Mapping[str, int]
    problems: tuple[str, ...]
    exit_code: int
    duration_seconds: float
    finished: bool
    sent_again: int = 0
    crashes: tuple[str, ...] = ()
    stopped: str = ""
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The report of a run; `load` is None unless it was a load run."""

    header: Header
    findings: tuple[Finding, ...]
    claims: tuple[ClaimResult, ...]
    footer: Footer = field(repr=False)
    load: LoadLine | None = None

    def lines(self) -> Iterator[str]:
        """The report as JSON lines, without line ends."""
        yield _line("header", self.header)
        for finding in self.findings:
            yield _line("finding", finding)
        for claim in self.claims:
            yield _line("claim", claim)
        if self.load is not None:
            yield _line("load", self.load)
        yield _line("footer", self.footer)

    def finding(self, requirement: str) -> Finding | None:
        """The finding of a requirement, by its id."""
        return next((each for each in self.findings if each.requirement == requirement), None)


def _line(kind: str, value: Any) -> str:
    return json_line({"type": kind, **asdict(value)})


def json_line(value: object) -> str:
    """Compact JSON in one line of UTF-8. Lone surrogates are escaped, and so are the characters that some readers take
    for a line end."""
    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    for sign, escape in _LINE_ENDS.items():
        line = line.replace(sign, escape)
    return line


_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def exit_code_of(
    findings: Iterable[Finding], problems: Iterable[str], finished: bool, crashes: Iterable[str] = ()
) -> ExitCode:
    """The exit code of a run.

    The first that applies: an unfinished run, a violated MUST, a crash of a judge or a story, a run that judged
    nothing, an undecided requirement.
    """
    verdicts = list(findings)
    if not finished:
        return ExitCode.HARNESS_FAULT
    if any(each.verdict is VerdictName.VIOLATED and each.level == "MUST" for each in verdicts) or any(problems):
        return ExitCode.VIOLATED
    if any(each.verdict is VerdictName.HARNESS_FAULT for each in verdicts) or any(crashes):
        return ExitCode.HARNESS_FAULT
    if not any(each.verdict in JUDGED for each in verdicts):
        return ExitCode.NOTHING_JUDGED
    if any(each.verdict in (VerdictName.BLOCKED, VerdictName.INCONCLUSIVE) for each in verdicts):
        return ExitCode.UNDECIDED
    return ExitCode.OK


JUDGED = frozenset({VerdictName.HELD, VerdictName.VIOLATED, VerdictName.WAIVED})


def footer_of(
    findings: Sequence[Finding],
    claims: Sequence[ClaimResult],
    *,
    problems: Sequence[str],
    crashes: Sequence[str],
    seconds: float,
    sent_again: int,
    finished: bool = True,
    stopped: str = "",
    left: Sequence[str] = (),
) -> Footer:
    """The footer of these findings and claims, with their counts and exit code; a run that was `stopped` has not
    finished."""
    finished = finished and not stopped
    return Footer(
        selected=len(findings),
        judged=sum(each.verdict in JUDGED for each in findings),
        verdicts=dict(Counter(each.verdict.value for each in findings)),
        claims=dict(Counter(each.verdict.value for each in claims)),
        problems=tuple(problems),
        exit_code=exit_code_of(findings, problems, finished, crashes),
        duration_seconds=round(seconds, 3),
        finished=finished,
        sent_again=sent_again,
        crashes=tuple(crashes),
        stopped=stopped,
        left=tuple(left),
    )


def root_of(finding: Finding, by_id: Mapping[str, Finding]) -> str:
    """The id of the requirement at the root of a blocked finding: a blocked one is followed to its own root."""
    root = finding.blocked_by or "an unnamed requirement"
    seen = {finding.requirement}
    while root in by_id and root not in seen and by_id[root].verdict is VerdictName.BLOCKED:
        seen.add(root)
        root = by_id[root].blocked_by or "an unnamed requirement"
    return "requirements that block each other" if root in seen else root


_KINDS = {"header": Header, "finding": Finding, "claim": ClaimResult, "load": LoadLine, "footer": Footer}


def read_report(lines: Iterable[str]) -> Report:
    """Read the lines of a report. Without a footer, the run did not finish. Raises ReportError."""
    found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
    for kind, value in read_lines(lines, _read, "a crossapp report", ReportError):
        found[kind].append(value)
    if not found["header"]:
        raise ReportError("no header line: this is not a crossapp report, or it is empty")
    findings = tuple(found["finding"])
    unfinished = Footer(len(findings), 0, {}, {}, (), ExitCode.HARNESS_FAULT, 0.0, finished=False)
    load, footer = (next(iter(found[kind]), None) for kind in ("load", "footer"))
    return Report(found["header"][0], findings, tuple(found["claim"]), footer or unfinished, load)


def _read(value: Any) -> tuple[str, Any]:
    kind = value.pop("type")
    if kind not in _KINDS:
        raise ReportError(f"unknown type {kind!r}")
    if kind == "header" and value.get("format") != FORMAT:
        raise ReportError(f"format {value.get('format')!r} is not {FORMAT}, which this version reads")
    return kind, typed(_KINDS[kind], value)
