"""`crossapp load`: put a deployment under load, and judge its budgets."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contracts.catalogue import claims
from crossapp.commands.cleanup import changes_undone
from crossapp.commands.errors import need, reported, seconds_of
from crossapp.commands.output import make_folder, remove_report, save_history, save_report, show_report, stderr
from crossapp.embedded import EmbeddedError
from crossapp.load_deployment import loaded
from crossapp.load_progress import shown
from crossapp.run import Settings, Suite, context_of, report_of
from harness.deployment import Deployment, DeploymentError
from harness.exit_codes import ExitCode
from harness.private_folder import PrivateFolder
from harness.render.text import in_encoding
from harness.report import Report
from harness.saved_history import Run
from load.dry_run import plan_lines
from load.generate.processes import GeneratorError, GeneratorWorkers
from load.judge.catalogue import catalogue
from load.judge.report_section import report_section
from load.judge.sequential import ONLY_AT_THE_END, Looks
from load.pages.page_loads import PageLoadOptions, measured_pace
from load.plan.arrivals import ArrivalModel, RateStage, Schedule, StageError, read_stages, steady
from load.plan.budgets import STANDARD, Budget, BudgetError, read_budgets
from load.plan.measures import MIX
from load.plan.rate_limits import beyond_limits
from load.plan.settings import Bursts, RunSettings
from load.run import LOCUST_REPORT, LoadOptions, run_load, schedule_for


def load(
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment",
            "-d",
            metavar="FILE",
            help="Deployment file (TOML or JSON). Default: the embedded simulators.",
        ),
    ] = None,
    budgets: Annotated[
        Path, typer.Option("--budgets", metavar="FILE", show_default=False, help="Budgets file (TOML).")
    ] = STANDARD,
    rate: Annotated[
        float, typer.Option("--rate", metavar="N", help="Arrivals per second, whatever the responses.")
    ] = 50.0,
    within: Annotated[
        str,
        typer.Option("--within", metavar="TIME", help="The longest time of requests and page loads together."),
    ] = "6m",
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration",
            metavar="TIME",
            help="A fixed duration of the requests, such as 30s; 0: none (default: until each budget is decided).",
        ),
    ] = None,
    warm_up: Annotated[str, typer.Option("--warm-up", metavar="TIME", help="Warm-up before the measurement.")] = "3s",
    stages: Annotated[
        Path | None,
        typer.Option(
            "--stages", metavar="FILE", help="File of stages (TOML), instead of --rate, --duration and --warm-up."
        ),
    ] = None,
    model: Annotated[
        ArrivalModel, typer.Option("--model", metavar="constant|poisson", help="Distribution of the arrivals.")
    ] = ArrivalModel.POISSON,
    users: Annotated[
        int | None,
        typer.Option("--users", metavar="N", help="Number of users (default: all; embedded: 200).", min=1),
    ] = None,
    max_in_flight: Annotated[
        int,
        typer.Option(
            "--max-in-flight", metavar="N", help="Arrivals in flight at most; further ones are dropped.", min=1
        ),
    ] = 1000,
    listeners: Annotated[
        int, typer.Option("--listeners", metavar="N", help="Event streams that are held open.", min=0)
    ] = 5,
    bursts: Annotated[
        int, typer.Option("--bursts", metavar="N", help="Bursts of 100 simultaneous requests, at the end.", min=0)
    ] = 5,
    think: Annotated[
        float, typer.Option("--think", metavar="SECONDS", help="Pause between the steps of a flow.", min=0)
    ] = 0.5,
    pages: Annotated[
        str | None,
        typer.Option(
            "--pages",
            metavar="TIME",
            help="A fixed duration of the page loads; 0: none (default: until each budget is decided).",
        ),
    ] = None,
    most_pages: Annotated[int, typer.Option("--most-pages", metavar="N", help="Page loads at most.", min=1)] = 5000,
    tabs: Annotated[
        int,
        typer.Option(
            "--tabs", metavar="N", help="Pages loaded at once; more take less time and more CPU.", min=1, max=20
        ),
    ] = 1,
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", help="Generator processes on this machine.", min=1)
    ] = 1,
    expect_workers: Annotated[
        int,
        typer.Option(
            "--expect-workers", metavar="N", help="Wait for N workers on other machines (docs/load.md).", min=0
        ),
    ] = 0,
    bind: Annotated[
        str,
        typer.Option("--bind", metavar="ADDRESS[:PORT]", help="Where workers on other machines connect."),
    ] = "127.0.0.1",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the arrivals.")] = 0,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate/--no-calibrate", help="Measure an empty server first: the baseline of this machine."),
    ] = True,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Print what each budget needs and how long the run takes; send nothing."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Folder for the report files (default: crossapp-load)."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write only the report, as JSON lines, to standard output.")
    ] = False,
) -> None:
    """Put a deployment under load until each of its budgets is decided."""
    errors = stderr()
    longest = seconds_of("--within", within)
    if not longest:
        raise typer.BadParameter("--within: must be above 0")
    is_fixed = duration is not None or stages is not None
    with reported(BudgetError, StageError):
        known = read_budgets(budgets)
        schedule = Schedule(_stages(stages, rate, duration or within, warm_up), model, seed, MIX)
        workers = _workers(processes, expect_workers, bind)
    page_looks = Looks() if pages is None else ONLY_AT_THE_END
    options = LoadOptions(
        run=RunSettings(schedule, max_in_flight, think=think, listeners=listeners, bursts=Bursts(bursts, 100)),
        budgets=known,
        workers=workers,
        calibrate=calibrate,
        looks=ONLY_AT_THE_END if is_fixed else Looks(),
        pages=PageLoadOptions(seconds_of("--pages", pages or within), most_pages, tabs, page_looks),
        within=longest,
    )
    if plan:
        for line in plan_lines(options, measured_pace(tabs) if options.pages.seconds else 0.0):
            typer.echo(in_encoding(line, sys.stdout.encoding))
        return
    need("load")
    folder = report or (None if json else Path("crossapp-load"))
    make_folder(folder)
    if folder is not None:
        remove_report(folder)
    with (
        reported(DeploymentError, EmbeddedError),
        reported(GeneratorError, code=ExitCode.HARNESS_FAULT),
        PrivateFolder() as private,
        loaded(deployment, users, private) as target,
        changes_undone(deployment, target, errors),
    ):
        found = _run(target, options, folder, errors, seed)
    saved = folder is not None and save_report(found, folder)
    show_report(found, json=json)
    if saved and folder is not None:
        errors.print(f"Report: {folder / 'report.html'}", markup=False)
        errors.print(
            f"To merge it with a run of crossapp verify: crossapp report VERIFY {folder} --html all.html", markup=False
        )
    raise typer.Exit(found.footer.exit_code)


def _stages(path: Path | None, rate: float, duration: str, warm_up: str) -> tuple[RateStage, ...]:
    if path is not None:
        return read_stages(path)
    if not 0 < rate <= 100_000:
        raise typer.BadParameter("--rate: must be above 0 and at most 100,000")
    measured, before = seconds_of("--duration", duration), seconds_of("--warm-up", warm_up)
    return steady(rate, measured, before) if measured else ()


def _workers(processes: int, expected: int, bind: str) -> GeneratorWorkers:
    if expected and processes > 1:
        raise typer.BadParameter("--processes and --expect-workers cannot be combined")
    host, _, port = bind.partition(":")
    if port and not (port.isdecimal() and 0 < int(port) < 65_536):
        raise typer.BadParameter(f"--bind: {bind!r} is not an address such as 10.0.0.5 or 10.0.0.5:5557")
    return GeneratorWorkers(processes, expected, host, int(port or (5557 if expected else 0)))


def _run(target: Deployment, options: LoadOptions, folder: Path | None, errors: Console, seed: int) -> Report:
    schedule, _ = schedule_for(target, options)
    too_much = next(beyond_limits(target, schedule), None)
    if too_much is not None:
        raise DeploymentError(too_much)
    settings = Settings(seed=seed, command=("crossapp", *sys.argv[1:]))
    context = context_of(target, settings)
    with shown(errors) as progress:
        run = run_load(target, context, options, folder, progress)
    if folder is not None:
        save_history(run.lines, folder)
    return judged(run, settings, options.budgets, folder)


def judged(run: Run, settings: Settings, budgets: tuple[Budget, ...], folder: Path | None = None) -> Report:
    """The report of a load run: the findings of its budgets, the claims that they settle, its section."""
    rules = catalogue(budgets)
    settled = {claim for each in budgets for claim in each.claims}
    suite = Suite(rules, list(rules), [each for each in claims() if each.id in settled], {})
    found = report_of(run, settings, suite=suite)
    figures = report_section(run.history, budgets, found.findings)
    files = tuple(name for name in (LOCUST_REPORT,) if folder is not None and (folder / name).exists())
    return replace(found, load=replace(figures, files=files))
