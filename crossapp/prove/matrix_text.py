"""The kill matrix as text: a line of progress, the text for a terminal, the page of the docs."""

from textwrap import wrap

from crossapp.prove.matrix import (
    HONEST,
    JUDGING,
    SUITES,
    Matrix,
    ProofState,
    Row,
    breakable,
    requirements,
    why_unbreakable,
)

_WIDTH = 78


def row_line(row: Row) -> str:
    """A row in one line."""
    if row.problem:
        return f"{row.name}: {row.problem}"
    detail = ""
    match row.state:
        case ProofState.KILLED:
            suites = [f"{suite} {len(found)}" for suite, found in row.killed_by.items() if found]
            detail = f" ({', '.join(suites)})"
        case ProofState.ACCUSED:
            detail = f": {', '.join(row.accused)}"
        case ProofState.MISSED:
            detail = f": {', '.join(row.missed)} stayed green"
        case ProofState.UNPROVED:
            detail = f": undecided {', '.join((*row.undecided, *row.rootless))}"
        case ProofState.CLEAR | ProofState.SURVIVED:
            detail = f" ({len(row.undecided)} undecided)" if row.undecided else ""
    return f"{row.name}: {row.state}{detail}"


def as_text(matrix: Matrix) -> str:
    """The matrix for a terminal of 80 columns, without colour."""
    lines: list[str] = []
    for row in matrix.rows:
        lines.append(f"{row.state.upper():9} {row.name}")
        for suite, found in row.killed_by.items():
            lines += _indented(f"{suite}: {', '.join(found)}") if found else []
        lines += _indented(f"false alarm: {', '.join(row.accused)}") if row.accused else []
        lines += _indented(f"stayed green: {', '.join(row.missed)}") if row.missed and row.killed_any else []
        lines += _indented(f"must turn red: {', '.join(row.concerns)}") if row.state is ProofState.SURVIVED else []
        lines += _indented(f"undecided: {', '.join(row.undecided)}") if row.undecided else []
        lines += _indented(f"blocked without a root: {', '.join(row.rootless)}") if row.rootless else []
        lines += _indented(f"problem: {row.problem}") if row.problem else []
    lines += ["", *_totals(matrix)]
    return "\n".join(lines) + "\n"


def as_markdown(matrix: Matrix) -> str:
    """The page docs/kill-matrix.md."""
    lines = [
        "# Kill matrix",
        "",
        "Made by `crossapp prove --markdown`; do not edit. Each row is a whole verification of the simulators with one",
        "fault armed: what turned red, by suite (–: nothing of it; empty: not run, as it sees nothing of the kind).",
        "*n* blocked: rules that could not be judged because of what was red.",
        "",
        *(f"- {each}" for each in _totals(matrix, long=True)),
        "",
        "## Faults",
        "",
        "| fault | app | what it does | " + " | ".join(SUITES) + " | blocked | proof |",
        "|---|---|---|" + "---|" * len(SUITES) + "---|---|",
    ]
    for row in matrix.of_kind("fault"):
        cells = [
            ", ".join(f"`{each}`" for each in found) or ("–" if suite in row.suites else "")
            for suite, found in row.killed_by.items()
        ]
        lines.append(
            f"| {row.name} | {row.app} | {_cell(row.sentence)} | {' | '.join(cells)} | {row.blocked} | {_proof(row)} |"
        )
    lines += [
        "",
        "## Benign variants",
        "",
        "| variant | app | what it does | accused of | undecided |",
        "|---|---|---|---|---|",
    ]
    for row in [each for each in matrix.rows if each.name == HONEST] + matrix.of_kind("benign"):
        accused = ", ".join(f"`{each}`" for each in row.accused) or "nothing"
        lines.append(f"| {row.name} | {row.app or 'both'} | {_cell(row.sentence)} | {accused} | {len(row.undecided)} |")
    lines += ["", "## Requirements", "", "| requirement | level | killed by |", "|---|---|---|"]
    by_requirement = matrix.killers
    for each in requirements().values():
        killers = ", ".join(by_requirement.get(each.id, ()))
        why = why_unbreakable(each)
        lines.append(
            f"| `{each.id}` | {each.level} | {killers or (f'no simulator: {why}' if why else '**nothing**')} |"
        )
    return "\n".join(lines) + "\n"


def _totals(matrix: Matrix, *, long: bool = False) -> list[str]:
    footer = matrix.footer()
    faults, benign = matrix.of_kind("fault"), matrix.of_kind("benign")
    lines = [f"{footer['killed']} of {len(faults)} faults killed, each by all that it concerns and by nothing else"]
    lines += [f"{footer['clear']} of {len(benign)} benign variants accused of nothing"] if benign else []
    for what in ("survived", "missed", "false_alarms", "unproved"):
        if footer[what]:
            lines.append(f"{what.replace('_', ' ')}: {', '.join(footer[what])}")
    for level in JUDGING:
        killed, of = matrix.killed(level)
        lines.append(f"{killed} of {of} {level} requirements killed at least once")
    if matrix.whole and matrix.never_killed:
        lines.append(f"never killed: {', '.join(matrix.never_killed)}")
    unbreakable = len(requirements()) - len(breakable())
    lines.append(f"{unbreakable} requirements cannot be broken by a simulator")
    if long:
        return lines
    return [part for line in lines for part in wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)]


def _indented(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="          ", subsequent_indent="            ", break_on_hyphens=False)


def _proof(row: Row) -> str:
    return str(row.state) if row.state is ProofState.KILLED else f"**{row.state}**"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
