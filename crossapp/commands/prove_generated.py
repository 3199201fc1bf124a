"""`crossapp prove --generated`: the mutants that are generated from the OpenAPI documents."""

import json as json_format
from collections.abc import Callable, Sequence
from pathlib import Path

import typer
from rich.console import Console

from crossapp.prove.generated import (
    Generated,
    MutantRow,
    Reasons,
    ReasonsError,
    generated,
    read_reasons,
    row_from_json,
)
from crossapp.prove.generated_text import as_markdown, as_text, mutant_line
from crossapp.prove.mutant_prover import prove_mutants
from harness.exit_codes import ExitCode
from harness.report import json_line
from simulators.kit.mutants import Mutant


def prove_generated(
    patterns: Sequence[str],
    *,
    jobs: int,
    listed: bool,
    json: bool,
    markdown: bool,
    rows_of: Sequence[Path],
    write: Callable[[str], None],
) -> None:
    """Verify the simulators once for each selected mutant, or put saved rows together.

    Raises typer.Exit with the exit code: 0 each is killed or has a reason, 1 something is left without one or a reason
    is stale, 3 a mutant could not be judged, 4 nothing was.
    """
    mutants = generated(patterns)
    if not mutants:
        raise typer.BadParameter(f"--select: no mutant matches {', '.join(patterns)}; see --generated --list")
    if listed:
        write("".join(_listed(each, json=json) + "\n" for each in mutants))
        raise typer.Exit(ExitCode.OK)
    reasons = _reasons()
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    kept = _saved(rows_of)
    if rows_of:
        mutants = [each for each in mutants if each.name in kept]
    if json:
        write(json_line({"type": "header", "format": 1, "rows": len(mutants), "select": list(patterns)}) + "\n")
    rows: list[MutantRow] = []
    for row in (kept[each.name] for each in mutants) if rows_of else prove_mutants(mutants, jobs):
        rows.append(row)
        if json:
            write(json_line(row.to_json()) + "\n")
        if not rows_of:
            errors.print(f"[{len(rows):>3}/{len(mutants)}] {mutant_line(row)}", markup=False)
    order = {mutant.name: number for number, mutant in enumerate(mutants)}
    found = Generated(tuple(sorted(rows, key=lambda each: order[each.name])), reasons)
    write(json_line(found.footer()) + "\n" if json else as_markdown(found) if markdown else as_text(found))
    raise typer.Exit(found.exit_code)


def _listed(mutant: Mutant, *, json: bool) -> str:
    kind = "permitted" if mutant.permitted else "mutant"
    if json:
        value = {"kind": kind, "name": mutant.name, "sentence": mutant.sentence, "app": mutant.app}
        return json_format.dumps(value, ensure_ascii=False)
    return f"{kind:9} {mutant.app:13} {mutant.name}"


def _reasons() -> Reasons:
    try:
        return read_reasons()
    except ReasonsError as error:
        raise typer.BadParameter(str(error)) from None


def _saved(files: Sequence[Path]) -> dict[str, MutantRow]:
    """The rows of saved runs by name, of two with one name the later."""
    found: dict[str, MutantRow] = {}
    try:
        for line in (line for file in files for line in file.read_text("utf-8").splitlines()):
            value = json_format.loads(line)
            if value["type"] == "mutant":
                found[value["name"]] = row_from_json(value)
    except OSError as error:
        raise typer.BadParameter(f"--rows: {error}") from None
    except (ValueError, KeyError, TypeError):
        problem = f"not a line that crossapp prove --generated --json writes: {line[:80]!r}"
        raise typer.BadParameter(f"--rows: {problem}") from None
    return found
