"""`crossapp prove`: which faults the verification kills, and whom it accuses wrongly."""

import json as json_format
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from crossapp.commands.errors import need
from crossapp.commands.output import printing
from crossapp.prove.matrix import BROWSER, LOAD, SUITES, Matrix, Row, suites_for
from crossapp.prove.matrix_text import as_markdown, as_text, row_line
from crossapp.prove.prover import proofs, prove, saved
from harness import chromium
from harness.capabilities import remedy_for
from harness.exit_codes import ExitCode
from harness.extras import is_installed, remedy
from harness.report import json_line
from harness.suggestions import meant
from simulators.kit.faults import Fault

_EXTRAS = {"Pact": "pact", "Schemathesis": "fuzz", LOAD: "load"}


def prove_command(
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            "-s",
            metavar="PATTERN",
            help="Fault or variant by name, part of a name or pattern with *; or a requirement: all its faults. "
            "Repeatable.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", metavar="N", min=1, help="Parallel verifications (default: one per core)."),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            metavar="NAME",
            help="Run only this suite: scenarios, Pact, Schemathesis, browser, load. Repeatable.",
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the faults and variants; verify nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write only JSON lines to standard output.")] = False,
    rows_of: Annotated[
        list[Path] | None,
        typer.Option(
            "--rows", metavar="FILE", help="Use the rows of a saved run (--json); verify nothing else. Repeatable."
        ),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, like docs/kill-matrix.md.")] = False,
    staged: Annotated[
        bool,
        typer.Option(
            "--as-staging",
            help="Only the simulators without faults and the benign variants, without a control plane like a staging.",
        ),
    ] = False,
    generated: Annotated[
        bool,
        typer.Option(
            "--generated",
            help="Instead of faults: drop, null or retype each documented field and header of the responses.",
        ),
    ] = False,
) -> None:
    """Verify the simulators once for each named fault and benign variant: is each fault found, without false alarms?

    Exit codes: 0 all faults found and no false alarm, 1 a fault was missed or an alarm is false, 2 something is
    undecided, 3 crossapp failed, 4 nothing was verified.
    """
    patterns = tuple(select or ())
    if generated:
        if suite or staged:
            given = "--suite" if suite else "--as-staging"
            raise typer.BadParameter(f"{given} cannot be combined with --generated, which chooses the suites itself")
        # Imported here: pydantic takes 0.2 s to import, and no other command needs these.
        from crossapp.commands.prove_generated import prove_generated

        if not (listed or rows_of):
            need("fuzz")
            need("pact")
        prove_generated(
            patterns,
            jobs=jobs or os.cpu_count() or 1,
            listed=listed,
            json=json,
            markdown=markdown,
            rows_of=rows_of or (),
            write=_print,
        )
    suites = tuple(each for each in SUITES if each.lower() in {name.lower() for name in suite or SUITES})
    for name in suite or ():
        if name.lower() not in {each.lower() for each in SUITES}:
            raise typer.BadParameter(f"--suite: there is no suite {name}; {meant(name, SUITES)}")
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    if not (listed or rows_of):
        suites = _runnable(suites, asked=bool(suite), errors=errors)
    faults = [each for each in proofs(patterns, suites) if each.kind == "benign" or not staged]
    if not faults:
        raise typer.BadParameter(f"--select: no fault matches {', '.join(patterns)}; crossapp prove --list shows all")
    if listed:
        _print("".join(_listed(each, json=json) + "\n" for each in faults if each.app))
        raise typer.Exit(ExitCode.OK)
    rows: list[Row] = []
    kept = _saved(rows_of) if rows_of else {}
    if rows_of:
        faults = [each for each in faults if each.name in kept]
    if json:
        _print(json_line({"type": "header", "format": 1, "rows": len(faults), "select": list(patterns)}) + "\n")
    proved = prove(faults, jobs=jobs or os.cpu_count() or 1, suites=suites, staged=staged)
    for row in (kept[each.name] for each in faults) if rows_of else proved:
        rows.append(row)
        if json:
            _print(json_line(row.to_json()) + "\n")
        if not rows_of:
            errors.print(f"[{len(rows):>3}/{len(faults)}] {row_line(row)}", markup=False)
    order = {fault.name: number for number, fault in enumerate(faults)}
    every = {each.name: {*suites_for(each)} for each in proofs()}
    whole = len(rows) == len(every) and all(every[each.name] <= {*each.suites} for each in rows)
    matrix = Matrix(tuple(sorted(rows, key=lambda each: order[each.name])), whole=whole)
    if json:
        _print(json_line(matrix.footer()) + "\n")
    elif markdown:
        _print(as_markdown(matrix))
    else:
        _print(as_text(matrix))
    raise typer.Exit(matrix.exit_code)


def _runnable(suites: tuple[str, ...], *, asked: bool, errors: Console) -> tuple[str, ...]:
    """The suites of which all is installed. Others are left out with a message, or refused if `asked` for by name."""
    lacking = {each: why for each in suites if (why := _lacking(each))}
    for suite, why in lacking.items():
        if asked:
            raise typer.BadParameter(f"--suite: {why}")
        errors.print(f"crossapp prove: the suite {suite} is left out: {why}", markup=False)
    return tuple(each for each in suites if each not in lacking)


def _lacking(suite: str) -> str:
    """What is not installed for a suite, and the remedy; empty if all is."""
    if suite == BROWSER:
        return "" if chromium.is_available() else remedy_for("browser")
    extra = _EXTRAS.get(suite)
    return "" if extra is None or is_installed(extra) else remedy(extra)


def _saved(files: list[Path]) -> dict[str, Row]:
    try:
        return saved(line for file in files for line in file.read_text("utf-8").splitlines())
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--rows: {error}") from None


def _listed(fault: Fault, *, json: bool) -> str:
    if json:
        value = {
            "kind": fault.kind,
            "name": fault.name,
            "sentence": fault.sentence,
            "app": fault.app,
            "requirements": sorted(fault.kills),
        }
        return json_format.dumps(value, ensure_ascii=False)
    return f"{fault.kind:6} {fault.app:11} {fault.name}\n       {fault.sentence}"


def _print(text: str) -> None:
    """UTF-8 whatever the locale."""
    with printing():
        sys.stdout.buffer.write(text.encode("utf-8"))
