"""`crossapp requirements`: the catalogue, as text, Markdown or JSON lines."""

import json as json_format
from dataclasses import asdict
from typing import Annotated

import typer

from contracts.catalogue import catalogue
from harness.requirement import Requirement
from load.judge.catalogue import catalogue as load_catalogue
from load.plan.budgets import read_budgets


def requirements(
    select: Annotated[
        list[str] | None, typer.Option("--select", "-s", metavar="PATTERN", help="As in verify. Repeatable.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As in docs/requirements.md.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per requirement.")] = False,
) -> None:
    """List the requirements with their ids and levels."""
    patterns = tuple(select or ())
    chosen = [*catalogue().select(patterns), *load_catalogue(read_budgets()).select(patterns)]
    if not chosen:
        raise typer.BadParameter(f"no requirement matches {', '.join(select or ())}")
    if markdown:
        typer.echo(as_markdown(chosen), nl=False)
        return
    for each in chosen:
        if json:
            typer.echo(json_format.dumps(_plain(each), ensure_ascii=False))
        else:
            typer.echo(f"{each.level:7} {each.id}\n        {each.statement}")


def as_markdown(chosen: list[Requirement]) -> str:
    """The catalogue as a Markdown page with a table for each seam."""
    lines = [
        "# Requirements",
        "",
        "All rules, by the first word of their id. A violated MUST fails a deployment, a SHOULD is a warning, an",
        "OBSERVE a note. `crossapp verify --select 'webhook.*'` checks one section, `--select ID` one rule.",
        "",
        "Made by `crossapp requirements --markdown`; do not edit.",
        "",
    ]
    for seam in dict.fromkeys(each.id.partition(".")[0] for each in chosen):
        lines += [f"## {seam}", "", "| id | level | statement | claims |", "|---|---|---|---|"]
        for each in chosen:
            place, _, name = each.id.partition(".")
            if place == seam:
                statement = each.statement.replace("|", "\\|")
                lines.append(f"| {name} | {each.level} | {statement} | {' '.join(each.settles)} |")
        lines.append("")
    return "\n".join(lines)


def _plain(requirement: Requirement) -> dict[str, object]:
    fields = {name: getattr(requirement, name) for name in Requirement.__dataclass_fields__ if name != "judge"}
    return {**fields, "source": asdict(requirement.source), "level": str(requirement.level)}
