"""A report for a terminal or a log: what is wrong first, one block for each finding.

Lines are folded at the console's width, except for ids, URLs and curl commands, which stay whole for copying. Nothing
depends on colour.
"""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from harness.render import load_words
from harness.render.arrange import Cause, arrange, cautions, counts_in_words, headline, is_good
from harness.render.text import in_encoding, one_line, prose, visible
from harness.render.words import (
    CRASHES,
    SYMBOLS,
    count,
    declaration,
    details,
    duration,
    exit_code_in_words,
    heading_word,
    numbers,
    rule,
    system_name,
    when,
)
from harness.report import Finding, Report, ShownExchange

_WIDEST = 100
_LABEL = 11
_WORDS = {"PASS": "green", "FAIL": "bold red", "INVALID": "bold magenta", "INCONCLUSIVE": "yellow"}
_STYLES = {
    "violated": "bold red",
    "warning": "yellow",
    "blocked": "bold magenta",
    "inconclusive": "yellow",
    "harness fault": "bold red",
    "invalid": "bold magenta",
    "deviation": "bold red",
    "waived": "cyan",
}


def print_report(report: Report, console: Console, *, verbose: bool = False, quiet: bool = False) -> None:
    """Print a report. `verbose`: with the ids of what is blocked; `quiet`: its summary alone."""
    printer = _Printer(report, console, verbose=verbose)
    printer.summary() if quiet else printer.print()


class _Printer:
    def __init__(self, report: Report, console: Console, *, verbose: bool) -> None:
        self._report = report
        self._verbose = verbose
        self._arranged = arrange(report)
        self._console = console
        self._width = min(console.width, _WIDEST)

    def print(self) -> None:
        arranged = self._arranged
        self._head()
        self._causes("Violated", arranged.violated)
        self._causes(f"{arranged.faults_title}: these say nothing about the deployment", arranged.faults)
        self._causes("Warnings: recommendations (SHOULD) that are not followed", arranged.warnings)
        self._listed("Declared deviations out of date", "DEVIATION", arranged.problems)
        self._listed(CRASHES, "CRASHED", arranged.crashes)
        self._causes("Blockers that are undecided or were not run", arranged.roots)
        self._causes("Inconclusive", arranged.inconclusive)
        self._causes("Waived: declared deviations that were observed", arranged.waived)
        self._causes("Notes: observed, and left open by the contract", arranged.notes)
        self._not_applicable()
        self._load()
        self._page()
        self.summary()

    def _head(self) -> None:
        header = self._report.header
        name = prose(system_name(header.deployment))
        self._folded(f"{name} · edition {prose(header.edition)} · {prose(when(header.started))}", style="bold")
        for target in header.targets:
            self._whole(f"  {one_line(target.app)}  {one_line(target.url)}  ({one_line(target.kind)})")
        self._gap()
        style = "bold green" if is_good(self._arranged) else "bold"
        self._folded(headline(self._arranged) + ".", style=style)
        for caution in cautions(self._arranged):
            self._folded(caution)

    def _causes(self, title: str, causes: Sequence[Cause]) -> None:
        if not causes:
            return
        self._section(title, len(causes))
        for cause in causes:
            self._cause(cause)

    def _cause(self, cause: Cause) -> None:
        finding = cause.finding
        self._gap()
        if finding is None:
            self._title("not in this report", one_line(cause.requirement))
            self._field("reason", "It was not selected, or did not run.")
        else:
            self._title(heading_word(finding), one_line(finding.requirement))
            self._folded(prose(rule(finding)), indent=2)
            self._fields(finding)
            self._field("declare", declaration(finding, self._report.header.started))
        if cause.witnesses:
            listed = self._verbose or cause.same == "Seen by"
            others = count(len(cause.witnesses), "other requirement")
            self._field(cause.same.lower(), others + (":" if listed else ""))
            if listed:
                self._list(one_line(each.requirement) for each in cause.witnesses)
        if cause.blocks:
            self._field("blocks", self._arranged.blocked_in_words(cause))
            if self._verbose:
                self._list(one_line(each.requirement) for each in cause.blocks)

    def _fields(self, finding: Finding) -> None:
        for label, value in details(finding).items():
            if label == "exchange":
                self._exchanges(finding)
            elif label == "claims":
                self._field(label, self._arranged.named(finding.claims))
            else:
                self._field(label, value)
        if finding.reproduce:
            label, *more = visible(finding.reproduce).split("\n")
            self._labelled("curl", label)
            for line in more:
                self._whole(" " * (_LABEL + 2) + line)

    def _exchanges(self, finding: Finding) -> None:
        """The first exchange on a line of its own, then the numbers of the others."""
        others = finding.evidence
        if finding.exchanges:
            first = finding.exchanges[0]
            self._labelled("exchange", f"{first.number} {_exchange(first)}")
            others = tuple(each for each in others if each != first.number)
        self._field("and" if finding.exchanges else "exchange", numbers(others))

    def _listed(self, title: str, word: str, lines: Sequence[str]) -> None:
        if not lines:
            return
        self._section(title, len(lines))
        for line in lines:
            self._folded(f"{word}  {prose(line)}", hang=2)

    def _not_applicable(self) -> None:
        groups = self._arranged.not_applicable
        if not groups:
            return
        self._section("Not applicable to this deployment", sum(map(len, groups.values())))
        for reason, findings in groups.items():
            self._folded(f"{len(findings):>4}  {prose(reason) or 'no reason was given'}", hang=6)

    def _load(self) -> None:
        load = self._report.load
        if load is None:
            return
        self._section("Budgets under load", len(load.budgets))
        for label, text in load_words.lines(load):
            self._field(label, text)
        for each in load.budgets:
            self._gap()
            self._write(Text(one_line(each.word), style=_WORDS.get(each.word, "")).append(f"  {each.requirement}"))
            measured = load_words.against_limit(each)
            self._field("measured", f"{measured} ({load_words.bounds(each)}), {load_words.margin(each)}")
            self._field("from", load_words.basis(each))
            if each.needs:
                self._field("needs", each.needs)

    def _page(self) -> None:
        page = self._arranged.page
        if not page.is_known:
            return
        self._section("Status page", page.total)
        for words, number in page.would_settle:
            self._folded(f"{number:>4}  unknown: {prose(words)}", hang=6)
        for row in page.rows:
            self._gap()
            said = f"; page said {prose(row.page_said)}" if row.said else ""
            self._folded(f"{prose(row.repository)}: production ready: {row.ready}{said}", style="bold")
            for cell in row.cells:
                self._folded(f"{prose(cell.area):<23} {SYMBOLS[cell.verdict]} {prose(cell.words)}", indent=2, hang=24)

    def summary(self) -> None:
        """Print what matters most, last: the counts, a line for each problem, and how the run ended."""
        footer, arranged = self._report.footer, self._arranged
        self._gap()
        for line in counts_in_words(arranged):
            self._folded(line, hang=2)
        if arranged.page.is_known:
            self._folded(arranged.page.sentence + ".", hang=2)
        self._gap()
        for word, cause in arranged.problems_in_brief:
            required = prose(rule(cause.finding)).rstrip(".") if cause.finding else ""
            statement = f" ({required[0].lower()}{required[1:]})" if required else ""
            self._folded(f"{word.upper():<13} {one_line(cause.requirement)}{statement}", hang=14, style=_STYLES[word])
        if arranged.problems_in_brief:
            self._gap()
        ended = f"Took {duration(footer.duration_seconds)}." if footer.finished else "Did not finish."
        style = "bold green" if is_good(arranged) else "bold"
        self._folded(headline(arranged) + ".", style=style)
        self._folded(f"{ended} Exit code {footer.exit_code}: {exit_code_in_words(footer.exit_code)}.")

    def _section(self, title: str, number: int) -> None:
        self._gap()
        self._folded(f"== {title} ({number})", style="bold", hang=3)

    def _title(self, word: str, requirement: str) -> None:
        text = Text(word.upper(), style=_STYLES.get(word, "bold"))
        self._write(text.append("  " + requirement, style="bold"))

    def _field(self, label: str, value: str) -> None:
        lines = [line for line in visible(value).split("\n") if line.strip()]
        for number, line in enumerate(lines):
            self._folded((label.ljust(_LABEL) if number == 0 else " " * _LABEL) + line.strip(), indent=2, hang=_LABEL)

    def _labelled(self, label: str, value: str) -> None:
        self._whole("  " + label.ljust(_LABEL) + value)

    def _list(self, items: Iterable[str]) -> None:
        for item in items:
            self._whole(" " * (_LABEL + 2) + item)

    def _gap(self) -> None:
        self._console.print()

    def _whole(self, line: str) -> None:
        self._write(Text(line))

    def _folded(self, line: str, *, indent: int = 0, hang: int = 0, style: str = "") -> None:
        """Print a line folded at spaces, with continuation lines indented by `hang`. Long words stay whole."""
        first, rest = line[:hang], line[hang:]
        room = max(self._width - indent - hang, 20)
        for piece in _fold(rest, room):
            self._write(Text(f"{' ' * indent}{first}{piece}".rstrip(), style=style))
            first = " " * hang

    def _write(self, text: Text) -> None:
        text.plain = in_encoding(text.plain, self._console.encoding)
        self._console.print(text, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _exchange(shown: ShownExchange) -> str:
    came = str(shown.status) if shown.status is not None else shown.outcome.replace("_", " ")
    return one_line(f"{shown.method} {shown.url} -> {came}")


def _fold(line: str, room: int) -> list[str]:
    """The line in pieces of at most `room` cells; a longer word is a piece of its own."""
    pieces: list[str] = []
    for word in line.split(" "):
        if pieces and cell_len(pieces[-1]) + 1 + cell_len(word) <= room:
            pieces[-1] += " " + word
        else:
            pieces.append(word)
    return pieces
