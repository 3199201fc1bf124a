"""A report as GitHub-flavoured Markdown, for a comment on a pull request or for a wiki.

Text from servers is put into code spans, sentences are escaped, so that no response can create a link, an image, a
mention, a table cell or a tag.
"""

import re
from collections.abc import Container, Iterator, Sequence

from harness.load_lines import LoadLine
from harness.render import load_words
from harness.render.answers import answers
from harness.render.arrange import Arrangement, Cause, arrange, cautions, counts_in_words, headline
from harness.render.page import Cell, RepositoryRow, StatusPage
from harness.render.text import one_line, prose, visible
from harness.render.words import (
    CRASHES,
    SYMBOLS,
    WORDS,
    count,
    declaration,
    details,
    duration,
    exit_code_in_words,
    heading_word,
    rule,
    system_name,
    when,
)
from harness.report import ClaimResult, Finding, Report

COMMENT_LIMIT = 60_000
"""Characters; a comment on GitHub has at most 65,536."""

_BRIEF = 4
_PUNCTUATION = re.compile(r"[\\`*_\[\]!|~$]|:(?=//)|(?<=www)\.|^[-+](?=\s)|^\d+(?=[.)])|<|>|&|@|#")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@<!-- -->", "#": "#<!-- -->"}
_BACKTICKS = re.compile("`+")


def to_markdown(report: Report, *, limit: int | None = COMMENT_LIMIT) -> str:
    """The report as Markdown. Parts beyond `limit` characters are left out, and a line says so."""
    arranged = arrange(report)
    kept: list[str] = []
    room = limit
    end = _end(arranged)
    left_out = 0
    for block in _blocks(arranged):
        if room is not None and (left_out or len(block) + len(end) + 200 > room):
            left_out += 1
            continue
        kept.append(block)
        room = None if room is None else room - len(block) - 2
    if left_out:
        kept.append(f"*{count(left_out, 'more part')} of this report did not fit here: open the saved report.*")
    return "\n\n".join([*kept, end]) + "\n"


_LEFT_OUT = ("What works?", "How old is this?")
"""The questions that a comment on a pull request does not answer: it is read for what is broken, and new."""


def brief_markdown(report: Report, link: str = "") -> str:
    """The report in about 15 lines: headline, answers, at most four problems, exit code, and where the whole report is.
    `link`: its http or https address."""
    arranged = arrange(report)
    problems = [
        f"- {word}: {code(cause.requirement)}{f' {escaped(rule(cause.finding))}' if cause.finding else ''}"
        for word, cause in arranged.problems_in_brief
    ]
    more = [f"- and {count(len(problems) - _BRIEF, 'more problem')}"] if len(problems) > _BRIEF else []
    title = f"## {escaped(system_name(report.header.deployment))}: {headline(arranged)}"
    whole = f"[The whole report](<{link}>)" if link else "The whole report: report.html in the folder of the run."
    ended = f"Exit code {report.footer.exit_code}: {exit_code_in_words(report.footer.exit_code)}. {whole}"
    listed = [*problems[:_BRIEF], *more]
    parts = [
        title,
        _answers(arranged, without=_LEFT_OUT),
        *(["Problems:\n\n" + "\n".join(listed)] if listed else []),
        ended,
    ]
    return "\n\n".join(parts) + "\n"


def _answers(arranged: Arrangement, without: Container[str] = ()) -> str:
    page = [f"{arranged.page.sentence}.", ""] if arranged.page.is_known else []
    found = [
        f"- **{escaped(each.question)}** {escaped(each.text)}"
        for each in answers(arranged)
        if each.question not in without
    ]
    return "\n".join([*page, *found])


def escaped(text: str) -> str:
    """A sentence with all Markdown escaped."""
    return _PUNCTUATION.sub(_escape, prose(text))


def code(text: str, *, in_table: bool = False) -> str:
    """A code span of one line; empty if the text is."""
    line = one_line(text)
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith(("`", " ")) or line.endswith(("`", " ")) else ""
    span = f"{fence}{pad}{line}{pad}{fence}"
    return span.replace("|", "\\|") if in_table else span


def fenced(text: str, language: str) -> str:
    """A code block."""
    body = visible(text)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def _escape(match: re.Match[str]) -> str:
    found = match.group()
    if found.isdigit():
        return found + "\\"
    return _ENTITIES.get(found, "\\" + found)


def _longest_run(text: str) -> int:
    return max((len(each) for each in _BACKTICKS.findall(text)), default=0)


def _blocks(arranged: Arrangement) -> Iterator[str]:
    yield _head(arranged)
    yield _answers(arranged)
    if arranged.page.is_known:
        yield _matrix(arranged.page)
    for _, title, causes in arranged.blocking:
        yield f"### {title} ({len(causes)})\n\n" + "\n".join(_blocker(each, arranged) for each in causes)
    if arranged.problems:
        yield "### Declared deviations out of date\n\n" + "\n".join(f"- {escaped(each)}" for each in arranged.problems)
    if arranged.crashes:
        yield f"### {CRASHES}\n\n" + "\n".join(f"- {escaped(each)}" for each in arranged.crashes)
    if arranged.report.load is not None:
        yield _load(arranged.report.load)
    for title, causes in (
        ("Violated", arranged.violated),
        (arranged.faults_title, arranged.faults),
        ("Warnings", arranged.warnings),
        ("Blockers that are undecided or were not run", arranged.roots),
        ("Inconclusive", arranged.inconclusive),
        ("Waived", arranged.waived),
        ("Notes", arranged.notes),
    ):
        yield from _section(title, causes, arranged)
    yield from _not_applicable(arranged)
    for row in arranged.page.rows:
        yield _claims(row)


def _load(load: LoadLine) -> str:
    lines = ["### Budgets under load", ""]
    lines += [f"- {label}: {escaped(text)}" for label, text in load_words.lines(load)]
    lines += ["", "| verdict | budget | measured | bounds | margin | needs |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {escaped(each.word)} | {code(each.requirement, in_table=True)} {code(each.threshold, in_table=True)} "
        f"| {load_words.against_limit(each)} | {load_words.bounds(each)} | {load_words.margin(each)} "
        f"| {escaped(each.needs) or '–'} |"
        for each in load.budgets
    ]
    return "\n".join(lines)


def _head(arranged: Arrangement) -> str:
    header = arranged.report.header
    lines = [
        f"## {escaped(system_name(header.deployment))}: {headline(arranged)}",
        "",
        f"Edition {escaped(header.edition)}, {escaped(when(header.started))}.",
        *(f"- {escaped(each.app)}: {code(each.url)} ({escaped(each.kind)})" for each in header.targets),
    ]
    lines[3:3] = [""] if header.targets else []
    for caution in cautions(arranged):
        lines += ["", f"> {escaped(caution)}"]
    return "\n".join(lines)


def _end(arranged: Arrangement) -> str:
    footer = arranged.report.footer
    took = f"Took {duration(footer.duration_seconds)}. " if footer.finished else ""
    words = exit_code_in_words(footer.exit_code)
    counts = "\n".join(f"- {each}" for each in counts_in_words(arranged))
    return f"### Counts\n\n{counts}\n\n{took}Exit code {footer.exit_code}: {words}."


def _blocker(cause: Cause, arranged: Arrangement) -> str:
    finding = cause.finding
    owner = f" ({cause.severity}, owner: {escaped(finding.obliged)})" if finding else ""
    statement = f"{owner} {escaped(rule(finding))}" if finding else " not in this report."
    blocks = f" **Blocks {escaped(arranged.blocked_in_words(cause))}.**" if cause.blocks else ""
    return f"- {code(cause.requirement)}{statement}{blocks}"


def _matrix(page: StatusPage) -> str:
    head = ["repository", *page.areas, "Production ready", "page said"]
    rows = [f"| {' | '.join(escaped(each) for each in head)} |", "|---" * len(head) + "|"]
    for row in page.rows:
        found = [row.repository, *(_cell(row.cell(each)) for each in page.areas), row.ready, row.page_said]
        rows.append(f"| {' | '.join(escaped(each) for each in found)} |")
    return "\n".join(["### Repositories", "", *rows])


def _cell(cell: Cell | None) -> str:
    return f"{SYMBOLS[cell.verdict]} {cell.words}" if cell is not None else "–"


def _section(title: str, causes: Sequence[Cause], arranged: Arrangement) -> Iterator[str]:
    for number, cause in enumerate(causes):
        heading = f"### {title} ({len(causes)})\n\n" if number == 0 else ""
        yield heading + _cause(cause, arranged)


def _cause(cause: Cause, arranged: Arrangement) -> str:
    finding = cause.finding
    if finding is None:
        parts = [f"#### {code(cause.requirement)}", "Not in this report: it was not selected, or did not run."]
    else:
        parts = [
            f"#### {heading_word(finding).upper()} {code(finding.requirement)}",
            escaped(rule(finding)) + (f" ({escaped(arranged.named(finding.claims))})" if finding.claims else ""),
            fenced(_facts(finding), "text"),
        ]
        if finding.reproduce:
            parts.append(fenced(finding.reproduce, "sh"))
        declared = declaration(finding, arranged.report.header.started)
        if declared:
            parts.append("If it is intended, declare it in the deployment file:\n\n" + fenced(declared, "toml"))
    if cause.witnesses:
        seen = "\n".join(f"- {code(each.requirement)}" for each in cause.witnesses)
        more = count(len(cause.witnesses), "other requirement")
        parts.append(f"<details><summary>{cause.same} {more}</summary>\n\n{seen}\n\n</details>")
    if cause.blocks:
        blocked = "\n".join(f"- {code(each.requirement)}" for each in cause.blocks)
        parts.append(
            f"<details><summary>Blocks {escaped(arranged.blocked_in_words(cause))}</summary>\n\n{blocked}\n\n</details>"
        )
    return "\n\n".join(parts)


def _facts(finding: Finding) -> str:
    facts = {**details(finding), "claims": ""}
    return "\n".join(f"{label:<9} {value}" for label, value in facts.items() if value)


def _not_applicable(arranged: Arrangement) -> Iterator[str]:
    groups = arranged.not_applicable
    if groups:
        rows = [f"- {len(each)}: {escaped(reason) or 'no reason was given'}" for reason, each in groups.items()]
        total = sum(map(len, groups.values()))
        yield f"### Not applicable to this deployment ({total})\n\n" + "\n".join(rows)


def _claims(row: RepositoryRow) -> str:
    rows = "\n".join(_claim(each) for each in row.claims)
    table = f"| claim | page said | found | page is | text | why |\n|---|---|---|---|---|---|\n{rows}"
    summary = f"{escaped(row.repository)}: {count(len(row.claims), 'line')} of the status page"
    return f"<details><summary>{summary}</summary>\n\n{table}\n\n</details>"


def _claim(claim: ClaimResult) -> str:
    verdict = f"{SYMBOLS[claim.verdict]} {WORDS[claim.verdict]}"
    name = code(claim.claim, in_table=True)
    found = [escaped(claim.said), verdict, claim.agreement.value, escaped(claim.text), escaped(claim.reason)]
    return f"| {name} {escaped(claim.name)} | {' | '.join(found)} |"
