"""Generated mutants for people: a line of progress, the text of a terminal, the page of the docs."""

from collections import Counter
from textwrap import wrap

from crossapp.prove.generated import Generated, MutantRow, MutantState
from simulators.kit.mutants import find

_WIDTH = 78


def mutant_line(row: MutantRow) -> str:
    """The outcome of a mutant in one line."""
    match row.state:
        case MutantState.FAILED:
            detail = f": {row.problem}"
        case MutantState.BLAMED:
            detail = f": {', '.join(row.blamed)}"
        case MutantState.KILLED:
            detail = f" ({len(row.red)})"
        case _:
            detail = ""
    return f"{row.name}: {row.state}{detail}"


def as_text(generated: Generated) -> str:
    """The outcome for a terminal of 80 columns, without colour: what is left, then the totals."""
    lines: list[str] = []
    for row in generated.unkilled:
        lines += _entry(f"{row.state.upper():9} {row.name}", _sentence(row), generated.why_unkilled(row))
    for row, requirement in generated.blaming:
        lines += _entry(f"BLAMED    {row.name}", requirement, generated.why_blamed(row, requirement))
    lines += [f"FAILED    {row.name}: {row.problem}" for row in generated.rows if row.problem]
    lines += [f"STALE     the reason for {each}: nothing needs it any more" for each in generated.stale]
    return "\n".join([*lines, *([""] if lines else []), *_totals(generated)]) + "\n"


def as_markdown(generated: Generated) -> str:
    """A page of all rows."""
    lines = [
        "# Generated mutants",
        "",
        "Made by `crossapp prove --generated --markdown`; do not edit. Each documented field and header of a response",
        "is dropped, nulled and retyped, one at a time, and the simulators are verified ([proving.md](proving.md)).",
        "",
        *(f"- {each}" for each in _totals(generated)),
        "",
        "## By operation",
        "",
        "| operation | mutants | killed | permitted |",
        "|---|---|---|---|",
    ]
    by_operation: dict[str, Counter[str]] = {}
    for row in generated.rows:
        counts = by_operation.setdefault(row.name.split(":")[1], Counter())
        counts["permitted" if row.permitted else "mutants"] += 1
        counts["killed"] += row.state is MutantState.KILLED
    for operation, counts in by_operation.items():
        lines.append(f"| {operation} | {counts['mutants']} | {counts['killed']} | {counts['permitted']} |")
    lines += ["", "## Killed by nothing", "", "| mutant | why |", "|---|---|"]
    lines += [f"| `{row.name}` | {generated.why_unkilled(row) or '**no reason**'} |" for row in generated.unkilled]
    lines += ["", "## Another application is blamed", "", "| mutant | requirement | why |", "|---|---|---|"]
    lines += [
        f"| `{row.name}` | `{requirement}` | {generated.why_blamed(row, requirement) or '**no reason**'} |"
        for row, requirement in generated.blaming
    ]
    return "\n".join(lines) + "\n"


def _totals(generated: Generated) -> list[str]:
    footer = generated.footer()
    lines = [f"{footer['killed']} of {footer['mutants']} mutants killed"]
    if footer["permitted"]:
        lines.append(f"{footer['permitted']} changes that the documents permit, for which nobody else may be blamed")
    lines.append(f"{len(generated.unkilled)} killed by nothing, {len(generated.blaming)} with another one blamed")
    if generated.unexplained:
        lines.append(f"{len(generated.unexplained)} of these without a reason in crossapp/prove/reasons.toml")
    return [part for line in lines for part in wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)]


def _entry(head: str, detail: str, reason: str) -> list[str]:
    return [head, *_indented(detail), *_indented(f"reason: {reason}" if reason else "no reason is written")]


def _indented(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="          ", subsequent_indent="            ", break_on_hyphens=False)


def _sentence(row: MutantRow) -> str:
    mutant = find(row.name)
    return mutant.sentence if mutant is not None else ""
