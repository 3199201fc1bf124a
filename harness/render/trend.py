"""How the runs of an environment went over time: each claim and budget, a column for each run. As lines, or a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.render.html import rendered
from harness.render.load_words import amount
from harness.render.words import WORDS, count, when
from harness.report import Report
from harness.verdict import VerdictName

_SIGNS = {
    VerdictName.HELD: "+",
    VerdictName.VIOLATED: "X",
    VerdictName.WAIVED: "w",
    VerdictName.NOT_TESTED: ".",
    VerdictName.NOT_APPLICABLE: ".",
}


@dataclass(frozen=True, slots=True)
class TrendRun:
    """A run. `started` is ISO 8601 UTC; `commit`: what was deployed; `held` of `claims` claims are held."""

    started: str
    commit: str
    held: int
    violated: int
    claims: int


@dataclass(frozen=True, slots=True)
class TrendCell:
    """What a run found about a claim or a budget. `value`: what was measured, in words; empty for a claim."""

    verdict: VerdictName
    value: str = ""


@dataclass(frozen=True, slots=True)
class TrendRow:
    """A claim or a budget over time: a cell for each run, None where the run does not have it."""

    name: str
    text: str
    cells: tuple[TrendCell | None, ...]

    @property
    def signs(self) -> str:
        """A sign for each run."""
        return "".join(" " if each is None else _SIGNS.get(each.verdict, "?") for each in self.cells)

    @property
    def changed(self) -> bool:
        """Whether the verdict is not the same in all runs that have it."""
        return len(set(self.signs) - {" "}) > 1


@dataclass(frozen=True, slots=True)
class Trend:
    """The runs of an environment, oldest first, and what they found."""

    environment: str
    runs: tuple[TrendRun, ...]
    rows: tuple[TrendRow, ...]


def trend_of(environment: str, runs: Sequence[tuple[str, Report]]) -> Trend:
    """The trend of runs, oldest first: the commit that was deployed, and the report."""
    texts: dict[str, str] = {}
    columns: list[dict[str, TrendCell]] = []
    for _, report in runs:
        column: dict[str, TrendCell] = {}
        for name, text, cell in _cells(report):
            texts[name] = text
            column[name] = cell
        columns.append(column)
    rows = (TrendRow(name, text, tuple(column.get(name) for column in columns)) for name, text in texts.items())
    return Trend(environment, tuple(_run(commit, report) for commit, report in runs), tuple(rows))


def _run(commit: str, report: Report) -> TrendRun:
    claims = report.footer.claims
    held, violated = (claims.get(each, 0) for each in (VerdictName.HELD, VerdictName.VIOLATED))
    return TrendRun(report.header.started, commit, held, violated, len(report.claims))


def _cells(report: Report) -> Iterator[tuple[str, str, TrendCell]]:
    for claim in report.claims:
        yield claim.claim, claim.name or claim.text, TrendCell(claim.verdict)
    for line in report.load.budgets if report.load is not None else ():
        finding = report.finding(line.requirement)
        if finding is not None:
            yield line.requirement, finding.statement, TrendCell(finding.verdict, amount(line.value, line.unit))


def trend_lines(trend: Trend, *, every: bool) -> list[str]:
    """The trend for a terminal: rows that changed, or all (`every`)."""
    if not trend.runs:
        return [f"{trend.environment}: no run is kept"]
    lines = [f"{trend.environment}: {count(len(trend.runs), 'run')}, the oldest first"]
    for number, each in enumerate(trend.runs, 1):
        started = when(each.started).removesuffix(" UTC")
        lines.append(f"  {number:>2}  {started}  {each.commit[:12]:<12}  {each.held} of {each.claims} claims held")
    shown = [each for each in trend.rows if every or each.changed]
    width = max((len(each.name) for each in shown), default=0)
    lines += [f"  {each.name:<{width}}  {each.signs}" for each in shown]
    if len(shown) < len(trend.rows):
        lines.append(f"  {len(trend.rows) - len(shown)} claims and budgets never changed; --all shows them")
    return lines


def trend_page(trend: Trend) -> str:
    """The trend as one self-contained HTML page, like a report's."""
    shown = [each for each in VerdictName if any(_has(row, each) for row in trend.rows)]
    changed, same = ([each for each in trend.rows if each.changed is wanted] for wanted in (True, False))
    return rendered(
        "trend.html", trend=trend, changed=changed, same=same, legend=[(each, WORDS[each]) for each in shown]
    )


def _has(row: TrendRow, verdict: VerdictName) -> bool:
    return any(each is not None and each.verdict is verdict for each in row.cells)
