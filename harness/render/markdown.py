"""A report as Markdown (GitHub's), for a comment on a pull request or for a wiki.

Words of servers stand in code, where Markdown reads nothing; sentences are escaped. So no answer can make a
link, an image, a mention, a table cell or a tag.
"""

import re
from collections.abc import Iterator, Sequence

from harness.render import load_words
from harness.render.arrange import Area, Arrangement, Entry, arrange, cautions, counts_in_words, headline
from harness.render.text import one_line, prose, visible
from harness.render.words import (
    CRASHES,
    SYMBOLS,
    WORDS,
    count,
    duration,
    exit_code_in_words,
    heading_word,
    numbers,
    when,
)
from harness.report import ClaimResult, Finding, LoadLine, Report

COMMENT_LIMIT = 60_000
"""Characters: a comment on GitHub takes 65,536."""

_PUNCTUATION = re.compile(r"[\\`*_\[\]!|~$]|:(?=//)|(?<=www)\.|^[-+](?=\s)|^\d+(?=[.)])|<|>|&|@|#")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@<!-- -->", "#": "#<!-- -->"}
_BACKTICKS = re.compile("`+")


def to_markdown(report: Report, *, limit: int | None = COMMENT_LIMIT) -> str:
    """The report as Markdown. What goes beyond `limit` characters is left out, with a line that says so."""
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
        kept.append(f"*{count(left_out, 'more part')} of this report did not fit here: see the saved report.*")
    return "\n\n".join([*kept, end]) + "\n"


def escaped(text: str) -> str:
    """A sentence as Markdown in which nothing is markup."""
    return _PUNCTUATION.sub(_escape, prose(text))


def code(text: str, *, in_table: bool = False) -> str:
    """A code span of one line; empty for an empty text."""
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
    if arranged.blockers:
        yield f"### {arranged.blockers_title} ({len(arranged.blockers)})\n\n" + "\n".join(
            _blocker(each) for each in arranged.blockers
        )
    if arranged.problems:
        yield "### Declared deviations out of date\n\n" + "\n".join(f"- {escaped(each)}" for each in arranged.problems)
    if arranged.crashes:
        yield f"### {CRASHES}\n\n" + "\n".join(f"- {escaped(each)}" for each in arranged.crashes)
    if arranged.report.load is not None:
        yield _load(arranged.report.load)
    if arranged.areas:
        yield _areas(arranged.areas)
    for title, entries in (
        ("Violated", arranged.violated),
        ("Faults of the harness", arranged.faults),
        ("Warnings", arranged.warnings),
        ("Blocked by", arranged.roots),
        ("Inconclusive", arranged.inconclusive),
        ("Waived", arranged.waived),
        ("Notes", arranged.notes),
    ):
        yield from _section(title, entries)
    yield from _not_applicable(arranged)
    for area in arranged.areas:
        yield _claims(area)


def _load(load: LoadLine) -> str:
    lines = ["### Budgets under load", ""]
    lines += [f"- {label}: {escaped(text)}" for label, text in load_words.lines(load)]
    lines += ["", "| verdict | budget | measured | bounds | margin |", "|---|---|---|---|---|"]
    lines += [
        f"| {escaped(each.word)} | {code(each.requirement, in_table=True)} {code(each.threshold, in_table=True)} "
        f"| {load_words.amount(each.value, each.unit)} | {load_words.bounds(each)} | {load_words.margin(each)} |"
        for each in load.budgets
    ]
    return "\n".join(lines)


def _head(arranged: Arrangement) -> str:
    header = arranged.report.header
    lines = [
        f"## {escaped(header.deployment)}: {headline(arranged)}",
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


def _blocker(entry: Entry) -> str:
    statement = f" {escaped(entry.finding.statement)}" if entry.finding else " not in this report."
    blocks = f" **Blocks {_blocked(entry)}.**" if entry.blocks else ""
    return f"- {code(entry.requirement)}{statement}{blocks}"


def _blocked(entry: Entry) -> str:
    claims = entry.blocked_claims
    return count(len(entry.blocks), "requirement") + (
        f" of {count(len(claims), 'claim')} ({', '.join(escaped(each) for each in claims)})" if claims else ""
    )


def _areas(areas: Sequence[Area]) -> str:
    rows = [f"| {escaped(each.name)} | {each.held} of {len(each.claims)} | {each.others} |" for each in areas]
    return "\n".join(["### Claims by system", "", "| system | held | other verdicts |", "|---|---|---|", *rows])


def _section(title: str, entries: Sequence[Entry]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        heading = f"### {title} ({len(entries)})\n\n" if number == 0 else ""
        yield heading + _entry(entry)


def _entry(entry: Entry) -> str:
    finding = entry.finding
    if finding is None:
        parts = [f"#### {code(entry.requirement)}", "Not in this report: it was not selected, or was never judged."]
    else:
        parts = [
            f"#### {heading_word(finding).upper()} {code(finding.requirement)}",
            escaped(finding.statement) + (f" ({', '.join(map(escaped, finding.claims))})" if finding.claims else ""),
            fenced(_facts(finding), "text"),
        ]
        if finding.reproduce:
            parts.append(fenced(finding.reproduce, "sh"))
    if entry.blocks:
        blocked = "\n".join(f"- {code(each.requirement)}" for each in entry.blocks)
        parts.append(f"<details><summary>Blocks {_blocked(entry)}</summary>\n\n{blocked}\n\n</details>")
    return "\n\n".join(parts)


def _facts(finding: Finding) -> str:
    source = finding.source
    waiver = finding.waiver
    facts = (
        ("expected", finding.expected),
        ("observed", finding.observed),
        ("reason", finding.reason),
        ("owner", f"{waiver.owner}, until {waiver.until}" if waiver else ""),
        ("exchange", numbers(finding.evidence)),
        ("files", ", ".join(finding.files)),
        ("source", f"{source.edition}, {source.section}" + (f": “{source.quote}”" if source.quote else "")),
        ("next", finding.next),
    )
    return "\n".join(f"{label:<9} {value}" for label, value in facts if value)


def _not_applicable(arranged: Arrangement) -> Iterator[str]:
    groups = arranged.not_applicable
    if groups:
        rows = [f"- {len(each)}: {escaped(reason) or 'no reason was given'}" for reason, each in groups.items()]
        total = sum(map(len, groups.values()))
        yield f"### Not applicable here ({total})\n\n" + "\n".join(rows)


def _claims(area: Area) -> str:
    rows = "\n".join(_claim(each) for each in area.claims)
    summary = f"{escaped(area.name)}: {area.held} of {count(len(area.claims), 'claim')} held"
    table = f"| claim | verdict | text | why |\n|---|---|---|---|\n{rows}"
    return f"<details><summary>{summary}</summary>\n\n{table}\n\n</details>"


def _claim(claim: ClaimResult) -> str:
    verdict = f"{SYMBOLS[claim.verdict]} {WORDS[claim.verdict]}"
    name = code(claim.claim, in_table=True)
    return f"| {name} | {verdict} | {escaped(claim.text)} | {escaped(claim.reason)} |"
