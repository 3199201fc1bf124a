"""A verification: drive the stories of the selected requirements, then judge the recorded history."""

import asyncio
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from functools import partial
from importlib.metadata import version
from pathlib import Path

import openapi
from contracts.catalogue import catalogue, claims, status_page, uncovered
from contracts.changes import LEFT
from contracts.deployment_file.premises import STORY as FILE_STORY
from contracts.deployment_file.premises import premises_in_file
from contracts.deviations import KNOWN
from contracts.every_operation.rules_routes import STORY as PROBE
from contracts.every_operation.rules_routes import answers_rule
from contracts.gate import Gate
from contracts.lifetimes import note_lifetimes
from contracts.recording import recorder_for
from crossapp.kept_record import KeptRecord
from crossapp.versions import commit
from harness import chromium
from harness.awake import noting_lateness
from harness.capabilities import allowed_effects, capabilities_of
from harness.change_journal import ChangeJournal
from harness.claims import Claim, Uncovered, settle
from harness.deployment import Deployment, Deviation
from harness.drive import Progress, drive
from harness.effects import EVERYTHING, Effects
from harness.extras import EXTRAS, is_installed
from harness.history import DOES_NOT_HOLD, PLANNED, Context, Exchange, History, NothingObservedError
from harness.judge import judge_all, judge_one
from harness.receiver import receiving
from harness.redact import jwt_claims, placeholder
from harness.report import Header, Report, TargetLine, footer_of
from harness.requirement import Catalogue, Requirement
from harness.saved_history import HistoryError, Run
from harness.story import Story
from harness.transport import Transport
from harness.typed import typed
from harness.verdict import Inconclusive, lets_through
from harness.watchdog import watchdog
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from scenarios.catalogue import declared_by, stories
from scenarios.cleaning_up import cleaning_up

# More random cases take more time: one for each operation takes half a second or so in all.
_MINUTES_PER_EXAMPLE = 0.02
# Seconds in which what was stopped at the end of the time may still undo changes and close its connections.
_GRACE = 120.0
JWTS = "jwts"
"""The setting that has the end of each JWT of the deployment file in Unix seconds, by placeholder."""


class StoppedRunError(KeyboardInterrupt):
    """A run was stopped before its end; `run` is what there is of it."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a run.

    `select` and `without` are patterns of requirements. `patience` is how many seconds one expiry may be waited for.
    `seed` makes random choices repeatable. `quick` sends fewer requests where many are usual (rate limits, timing).
    `examples` is the number of random cases for each fuzzed operation. `evidence` is an existing folder for screenshots
    and traces of pages. `go_on`: also where an application does not answer at all. `effects`: what stories may do
    at most, where the deployment allows it.
    """

    select: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    patience: float = 0.0
    seed: int = 0
    quick: bool = False
    examples: int = 5
    evidence: Path | None = None
    command: tuple[str, ...] = ()
    go_on: bool = True
    effects: Effects = EVERYTHING


def selected(settings: Settings) -> list[Requirement]:
    """The requirements that the settings select, with their premises, without those left out."""
    return [each for each in catalogue().select(settings.select) if not _left_out(each, settings)]


def of_any_traffic(requirements: Sequence[Requirement]) -> list[Requirement]:
    """The requirements that can be judged from traffic without stories."""
    return [each for each in requirements if each.judges_any_traffic]


def stories_for(settings: Settings) -> list[Story]:
    """The stories to drive: those that the selected requirements declare, or all if one that was asked for judges any
    traffic; never those of requirements that are left out."""
    known, requirements = stories(), selected(settings)
    wanted = {name for each in requirements for name in each.stories} | {PROBE}
    if any(each.judges_any_traffic and not _left_out(each, settings) for each in catalogue().matching(settings.select)):
        unwanted = {name for each in catalogue() if _left_out(each, settings) for name in each.stories}
        return [each for each in known if each.name in wanted or each.name not in unwanted]
    return [each for each in known if each.name in wanted]


def _left_out(requirement: Requirement, settings: Settings) -> bool:
    return any(fnmatchcase(requirement.id, pattern) for pattern in settings.without)


async def perform(
    deployment: Deployment,
    settings: Settings,
    progress: Progress = lambda story, state: None,
    *,
    listener: socket.socket | None = None,
    record: Path | None = None,
    overdue: Callable[[str], None] | None = None,
    journal: ChangeJournal | None = None,
    gate: Gate | None = None,
    chosen: Sequence[Story] | None = None,
    like: Deployment | None = None,
) -> Run:
    """Drive the stories against a deployment. Failures of the network are in the history, not raised.

    `listener` is a listening socket for the deployment's receiver; `record` is a file to which the history is appended
    whenever a story ends. Where the run does not end in its minutes, `overdue` is told so, from another thread, and the
    process ends with HARNESS_FAULT (None: it may take longer). What the run changes is noted in `journal`, if there is
    one, and undone at the end. For a rehearsal: the `gate` that notes what is sent, the
    `chosen` stories, and the deployment whose capabilities count (`like`). Raises DeploymentError if the receiver's
    address is in use, StoppedRunError if it is cancelled.
    """
    began = time.monotonic()
    minutes = deployment.safety.minutes + settings.patience / 60 + settings.examples * _MINUTES_PER_EXAMPLE
    driven = stories_for(settings) if chosen is None else chosen
    history = History(_planned(context_of(like or deployment, settings), deployment, settings, driven))
    gate = gate or Gate(deployment, declared_by, allowed_effects(deployment) & settings.effects, journal=journal)
    async with AsyncExitStack() as stack:
        receiver = None
        if deployment.receiver is not None:
            receiver = await stack.enter_async_context(
                receiving(
                    deployment.receiver,
                    deployment.targets["tuvens-api"].api_url,
                    seconds=deployment.safety.seconds,
                    transport=Transport(deployment.tls, deployment.proxy),
                    listener=listener,
                )
            )
        recorder = recorder_for(deployment, history, gate=gate)
        kept = KeptRecord(record, history, recorder.redactor, progress)
        progress = kept.tell
        if overdue is not None:
            stack.enter_context(watchdog(minutes * 60 + _GRACE, partial(_give_up, kept, overdue, minutes)))
        stage = Stage(
            deployment,
            recorder,
            seed=settings.seed,
            quick=settings.quick,
            patience=settings.patience,
            receiver=receiver,
            examples=settings.examples,
            minutes=minutes,
            evidence=settings.evidence,
            progress=progress,
            journal=gate.journal,
        )
        stack.push_async_callback(stage.close)
        await stack.enter_async_context(noting_lateness(recorder))
        with suppress(asyncio.CancelledError):
            await drive(
                driven,
                lambda story: Cast(stage, story),
                history,
                skip=lambda story: _why_not(story, history, go_on=settings.go_on),
                progress=progress,
                waiting=stage.waiting,
                minutes=minutes,
                refused=gate.refused,
            )
        if gate.journal is not None:
            await drive([cleaning_up(gate.journal)], lambda story: Cast(stage, story), history, minutes=_GRACE / 60)
    note_lifetimes(history, history.context.settings[JWTS])
    run = Run.of(history, recorder.redactor, began)
    if history.unfinished:
        raise StoppedRunError(run)
    return run


def _give_up(kept: KeptRecord, overdue: Callable[[str], None], minutes: float) -> None:
    kept.append()
    overdue(f"the run did not end in {minutes:.3g} minutes (safety.minutes) by itself, and was ended")


def _planned(context: Context, deployment: Deployment, settings: Settings, driven: Sequence[Story]) -> Context:
    """The context with what says, should the run be stopped, what it was to be."""
    planned = {
        PLANNED: [each.name for each in driven],
        "select": list(settings.select),
        "without": list(settings.without),
        JWTS: dict(_ends_of_jwts(deployment)),
    }
    return replace(context, settings={**context.settings, **planned})


@dataclass(frozen=True, slots=True)
class Suite:
    """The requirements and claims by which a run is judged."""

    catalogue: Catalogue
    requirements: Sequence[Requirement]
    claims: Sequence[Claim]
    uncovered: Mapping[str, Uncovered]


def _ends_of_jwts(deployment: Deployment) -> Iterator[tuple[str, float]]:
    """The placeholder of each user's JWT that says when it ends, and that time in Unix seconds."""
    for user in deployment.users:
        ends = (jwt_claims(user.jwt) or {}).get("exp")
        if isinstance(ends, int | float):
            yield placeholder("jwt", user.jwt), float(ends)


def _suite_of(history: History, settings: Settings) -> Suite:
    """The suite of verify; for traffic without stories, only the requirements that judge any traffic."""
    requirements, untold = selected(settings), uncovered()
    if FILE_STORY not in history.stories:
        # The record is older than these premises, or made without stories: it is judged without them.
        requirements = [each for each in requirements if each.stories != (FILE_STORY,)]
    if not history.stories:
        left = [each for each in requirements if not each.judges_any_traffic]
        requirements = of_any_traffic(requirements)
        by_story = Uncovered(
            "what only stories show",
            "no story was driven in this record: crossapp verify drives them",
            "run crossapp verify",
        )
        untold = {**{claim: by_story for each in left for claim in each.settles}, **untold}
    return Suite(catalogue(), requirements, claims(), untold)


def report_of(run: Run, settings: Settings, today: date | None = None, suite: Suite | None = None) -> Report:
    """Judge a run.

    `today` decides which declared deviations are out of date (default: the current day, UTC); `suite` is that of verify
    by default. Raises HistoryError if the recorded deviations are not valid.
    """
    judged_by = suite or _suite_of(run.history, settings)
    day = today or datetime.now(UTC).date()
    context = run.history.context
    try:
        deviations = [typed(Deviation, each, exact=True) for each in context.settings.get("deviations", ())]
    except (ValueError, TypeError, AttributeError) as error:
        raise HistoryError(f"the context's deviations are not those of a crossapp history ({error})") from None
    findings, problems = judge_all(judged_by.catalogue, judged_by.requirements, run.history, deviations, day, KNOWN)
    results = settle(judged_by.claims, findings, judged_by.uncovered)
    crashes = tuple(f"{each.story}: {each.reason}" for each in run.history.stories.values() if each.ended == "crashed")
    return Report(
        header=Header(
            deployment=context.deployment,
            targets=tuple(TargetLine(app, each["url"], each["kind"]) for app, each in context.targets.items()),
            edition=context.edition,
            versions={"crossapp": version("crossapp"), "python": platform.python_version()},
            commit=commit(),
            seed=settings.seed,
            command=settings.command or tuple(sys.argv),
            started=run.started,
            page=status_page(),
        ),
        findings=tuple(findings),
        claims=results,
        footer=footer_of(
            findings,
            results,
            problems=problems,
            crashes=crashes,
            seconds=run.seconds,
            sent_again=sum(isinstance(each, Exchange) and each.superseded for each in run.history.entries),
            stopped=_stopped(run.history),
            left=left_of(run.history),
        ),
    )


def left_of(history: History) -> tuple[str, ...]:
    """What a run undid and what it leaves behind at the deployment, in sentences."""
    try:
        return tuple(map(str, history.observation(LEFT).values["lines"]))
    except NothingObservedError:
        return ()


def _stopped(history: History) -> str:
    planned, unfinished = len(history.context.settings.get(PLANNED, ())), len(history.unfinished)
    return f"stopped after {planned - unfinished} of {planned} stories" if unfinished else ""


def context_of(deployment: Deployment, settings: Settings) -> Context:
    """What judges may know of a deployment; it has no secrets."""
    return Context(
        deployment=deployment.name,
        edition=deployment.edition,
        targets={
            app: {"url": each.url, "api_url": each.api_url, "kind": each.kind}
            for app, each in deployment.targets.items()
        },
        capabilities=capabilities_of(
            deployment,
            patience=settings.patience,
            browser=chromium.is_available(),
            extras=[each for each in EXTRAS if is_installed(each)],
        )
        - (EVERYTHING - settings.effects),
        settings={
            "session_expiry": getattr(deployment.targets.get("tuvens-api"), "session_expiry", None) or 900,
            "session_expiry_stated": getattr(deployment.targets.get("tuvens-api"), "session_expiry", None),
            "rate_limits": {
                operation.id: operation.limit_in_force(target.rate_limits)
                for app, target in deployment.targets.items()
                for operation in openapi.load(app, deployment.edition).operations.values()
                if operation.rate_limit is not None
            },
            "users": [
                {
                    "role": each.role,
                    "user_id": each.user_id,
                    "email": each.email,
                    "name": each.name,
                    "account_id": each.account_id,
                }
                for each in deployment.users
            ],
            "return_origin": deployment.return_origin,
            "receiver": asdict(deployment.receiver) if deployment.receiver is not None else None,
            "deviations": [{**asdict(each), "until": each.until.isoformat()} for each in deployment.deviations],
        },
    )


def unanswered(history: History) -> dict[str, Inconclusive]:
    """The applications that did not respond to any probe themselves, with the reason and what to do."""
    if PROBE not in history.stories:
        return {}
    verdicts = {app: judge_one(catalogue()[answers_rule(app)], history) for app in history.context.targets}
    return {app: found for app, found in verdicts.items() if isinstance(found, Inconclusive)}


def _why_not(story: Story, history: History, *, go_on: bool) -> str | None:
    """Why a story cannot be driven: a route of its is not served, or its application does not answer; where the run
    does not go on after that, any application."""
    if PROBE not in history.stories:
        return None
    if not go_on and (silent := next(iter(unanswered(history)), None)) is not None:
        return answers_rule(silent) + DOES_NOT_HOLD
    operations = [openapi.find(each) for each in story.operations]
    premises = [each for operation in operations for each in (answers_rule(operation.app), f"routes.{operation.id}")]
    if FILE_STORY in history.stories:
        premises += premises_in_file(story.needs, operations)
    for premise in premises:
        if premise in catalogue() and not lets_through(judge_one(catalogue()[premise], history)):
            return premise + DOES_NOT_HOLD
    return None
