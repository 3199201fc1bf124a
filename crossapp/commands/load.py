"""`crossapp load`: put a deployment under load, and judge its budgets."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contracts.catalogue import claims
from crossapp.commands.errors import reported, seconds_of
from crossapp.commands.output import make_folder, save_history, save_report, show_report, stderr
from crossapp.embedded import EmbeddedError
from crossapp.load_deployment import loaded
from crossapp.run import Settings, Suite, context_of, report_of
from harness.deployment import Deployment, DeploymentError
from harness.exit_codes import ExitCode
from harness.render.text import in_encoding
from harness.report import Report
from harness.saved_history import Run
from load.dry_run import plan_lines
from load.generate.processes import GeneratorError, GeneratorWorkers
from load.judge.catalogue import catalogue
from load.judge.report_section import report_section
from load.judge.sequential import ONLY_AT_THE_END, Looks
from load.pages.page_loads import PageLoadOptions
from load.plan.arrivals import ArrivalModel, RateStage, Schedule, StageError, read_stages, steady
from load.plan.budgets import STANDARD, Budget, BudgetError, read_budgets
from load.plan.measures import MIX
from load.plan.rate_limits import beyond_limits
from load.plan.settings import Bursts, RunSettings
from load.run import LOCUST_REPORT, LoadOptions, run_load, schedule_for


def load(
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", "-d", help="Deployment file (TOML or JSON). Without it: the embedded simulators."),
    ] = None,
    budgets: Annotated[Path, typer.Option("--budgets", help="Budgets file (TOML).")] = STANDARD,
    rate: Annotated[float, typer.Option("--rate", help="Arrivals a second, whatever the answers.")] = 50.0,
    duration: Annotated[
        str, typer.Option("--duration", help="How long it is measured, such as 30s; 0s: no requests.")
    ] = "30s",
    warm_up: Annotated[str, typer.Option("--warm-up", help="How long before it is measured.")] = "3s",
    stages: Annotated[
        Path | None, typer.Option("--stages", help="File of stages (TOML) instead of --rate, --duration, --warm-up.")
    ] = None,
    model: Annotated[ArrivalModel, typer.Option("--model", help="How arrivals are spread.")] = ArrivalModel.POISSON,
    users: Annotated[
        int | None, typer.Option("--users", help="How many users are asked for (default: all; embedded: 200).", min=1)
    ] = None,
    max_in_flight: Annotated[
        int, typer.Option("--max-in-flight", help="So many arrivals may be under way; more are dropped.", min=1)
    ] = 1000,
    listeners: Annotated[int, typer.Option("--listeners", help="Streams of updates that are held open.", min=0)] = 5,
    bursts: Annotated[
        int, typer.Option("--bursts", help="How often 100 requests are sent at one moment, at the end.", min=0)
    ] = 5,
    think: Annotated[float, typer.Option("--think", help="Seconds between the steps of a flow.", min=0)] = 0.5,
    pages: Annotated[
        str,
        typer.Option("--pages", help="How long a browser loads pages with tickets, after the rest; 0s: not at all."),
    ] = "2m",
    most_pages: Annotated[int, typer.Option("--most-pages", help="At most so many loads of pages.", min=1)] = 5000,
    tabs: Annotated[
        int, typer.Option("--tabs", help="Pages loaded at once: more are quicker, on a busier machine.", min=1, max=20)
    ] = 1,
    processes: Annotated[int, typer.Option("--processes", help="Generator processes on this machine.", min=1)] = 1,
    expect_workers: Annotated[
        int, typer.Option("--expect-workers", help="Wait for so many workers of other machines (docs/load.md).", min=0)
    ] = 0,
    bind: Annotated[
        str, typer.Option("--bind", help="Address, and maybe :port, at which workers of other machines connect.")
    ] = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the arrivals.")] = 0,
    calibrate: Annotated[
        bool, typer.Option("--calibrate/--no-calibrate", help="Ask an empty server first, for this machine's floor.")
    ] = True,
    stop_early: Annotated[bool, typer.Option("--stop-early", help="Stop as soon as every budget is decided.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Say what the budgets need, and send nothing.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Folder for the report files (default: crossapp-load).")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The report as JSON lines on standard output, and nothing else there.")
    ] = False,
) -> None:
    """Put a deployment under load and judge its budgets, or say why they cannot be judged."""
    errors = stderr()
    with reported(BudgetError, StageError):
        known = read_budgets(budgets)
        schedule = Schedule(_stages(stages, rate, duration, warm_up), model, seed, MIX)
        workers = _workers(processes, expect_workers, bind)
    options = LoadOptions(
        run=RunSettings(schedule, max_in_flight, think=think, listeners=listeners, bursts=Bursts(bursts, 100)),
        budgets=known,
        workers=workers,
        calibrate=calibrate,
        looks=Looks() if stop_early else ONLY_AT_THE_END,
        pages=PageLoadOptions(seconds_of("--pages", pages), most_pages, tabs),
    )
    if plan:
        for line in plan_lines(known, schedule, bursts * 100, options.pages):
            typer.echo(in_encoding(line, sys.stdout.encoding))
        return
    folder = report or (None if json else Path("crossapp-load"))
    make_folder(folder)
    with (
        reported(DeploymentError, EmbeddedError),
        reported(GeneratorError, code=ExitCode.HARNESS_FAULT),
        tempfile.TemporaryDirectory(prefix="crossapp-") as private,
        loaded(deployment, users, Path(private)) as target,
    ):
        found = _run(target, options, folder, errors, seed)
    saved = folder is not None and save_report(found, folder)
    show_report(found, json=json)
    if saved and folder is not None:
        errors.print(f"Report: {folder / 'report.html'}", markup=False)
        errors.print(f"With what crossapp verify found: crossapp report VERIFY {folder} --html all.html", markup=False)
    raise typer.Exit(found.footer.exit_code)


def _stages(path: Path | None, rate: float, duration: str, warm_up: str) -> tuple[RateStage, ...]:
    if path is not None:
        return read_stages(path)
    if not 0 < rate <= 100_000:
        raise typer.BadParameter("--rate: must be above 0")
    measured, before = seconds_of("--duration", duration), seconds_of("--warm-up", warm_up)
    return steady(rate, measured, before) if measured else ()


def _workers(processes: int, expected: int, bind: str) -> GeneratorWorkers:
    if expected and processes > 1:
        raise typer.BadParameter("--processes and --expect-workers: give one of them")
    host, _, port = bind.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65_536):
        raise typer.BadParameter(f"--bind: {bind!r} is no address such as 10.0.0.5 or 10.0.0.5:5557")
    return GeneratorWorkers(processes, expected, host, int(port or (5557 if expected else 0)))


def _run(target: Deployment, options: LoadOptions, folder: Path | None, errors: Console, seed: int) -> Report:
    schedule, _ = schedule_for(target, options.run.schedule)
    too_much = next(beyond_limits(target, schedule), None)
    if too_much is not None:
        raise DeploymentError(too_much)
    settings = Settings(seed=seed, command=("crossapp", *sys.argv[1:]))
    context = context_of(target, settings)
    run = run_load(target, context, options, folder, lambda text: errors.print(text, markup=False))
    if folder is not None:
        save_history(run.lines, folder)
    return judged(run, settings, options.budgets, options.looks, folder)


def judged(
    run: Run,
    settings: Settings,
    budgets: tuple[Budget, ...],
    looks: Looks = ONLY_AT_THE_END,
    folder: Path | None = None,
) -> Report:
    """The report of a load run: the findings of its budgets, the claims that they settle, its section."""
    rules = catalogue(budgets, looks)
    settled = {claim for each in budgets for claim in each.claims}
    suite = Suite(rules, list(rules), [each for each in claims() if each.id in settled], {})
    found = report_of(run, settings, suite=suite)
    figures = report_section(run.history, budgets, found.findings, looks)
    files = tuple(name for name in (LOCUST_REPORT,) if folder is not None and (folder / name).exists())
    return replace(found, load=replace(figures, files=files))
