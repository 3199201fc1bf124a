"""`crossapp lockstep`: random sequences of calls at two deployments, to find their first divergence."""

import json as json_module
import os
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from contracts.recording import recorder_for
from crossapp.commands.cleanup import changes_undone
from crossapp.commands.errors import need, reported
from crossapp.commands.output import LossyConsole, printing, stderr
from crossapp.deployments import deployed
from crossapp.embedded import EmbeddedError
from crossapp.run import Settings, context_of
from harness.deployment import Deployment, DeploymentError
from harness.effects import Effect, profile_of
from harness.exit_codes import ExitCode
from harness.history import History
from harness.private_folder import PrivateFolder
from harness.render.text import visible
from harness.stopping import run as run_stoppable
from harness.story import Phase, Story, StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage

if TYPE_CHECKING:
    from scenarios.tools.lockstep.explore import Bounds, Lockstep, LockstepResult


def lockstep(
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment", "-d", metavar="FILE", help="Deployment to compare (default: a second set of simulators)."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FILE", help="Deployment to compare it with (default: simulators without faults)."
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault", metavar="NAME", help="Inject this fault into the simulators of --deployment. Repeatable."
        ),
    ] = None,
    sequences: Annotated[int, typer.Option("--sequences", metavar="N", min=1, help="Sequences at most.")] = 100,
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", min=1, max=100, help="Calls per sequence at most.")
    ] = 10,
    minutes: Annotated[float, typer.Option("--minutes", metavar="N", min=0.01, help="Stop after N minutes.")] = 5.0,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--lenient",
            help="Strict: responses must be equal, except for values that change with each call. Lenient: texts, data "
            "and optional fields may differ consistently. Default: strict between simulators.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the random sequences.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")] = False,
) -> None:
    """Send random sequences of calls to two deployments at once and report the first response that differs.

    Exit code 0 if all responses agreed, 1 for a difference, 2 if some sequences could not be compared, 4 if none could.
    """
    need("fuzz")
    errors = stderr()
    with reported(DeploymentError, EmbeddedError), ExitStack() as stack:
        # Hypothesis would keep files in the working directory.
        folder = stack.enter_context(PrivateFolder())
        os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(folder))
        from scenarios.tools.lockstep.explore import Bounds

        left = stack.enter_context(deployed(against))
        right = stack.enter_context(deployed(deployment, faults=fault or ()))
        for each in (left, right):
            if Effect.LOAD not in profile_of(target.kind for target in each.targets.values()):
                raise DeploymentError(f"{each.name}: a target has kind production, which gets no random calls")
        for file, each in ((against, left), (deployment, right)):
            stack.enter_context(changes_undone(file, each, errors))
        word_for_word = _simulated(left) and _simulated(right) if strict is None else strict
        bounds = Bounds(sequences, steps, minutes, seed)
        found, result = run_stoppable(_explore(left, right, bounds, word_for_word, errors))
    code = _exit_code(result)
    with printing():
        if json:
            typer.echo(json_module.dumps(_as_json(found, result, left, right, bounds, code), ensure_ascii=False))
        else:
            _print(found, result, left, right, LossyConsole(highlight=False))
    raise typer.Exit(code)


async def _explore(
    left: Deployment, right: Deployment, bounds: "Bounds", strict: bool, errors: Console
) -> "tuple[Lockstep, LockstepResult]":
    from scenarios.tools.lockstep.explore import Lockstep
    from scenarios.tools.lockstep.side import Side

    stages = [_stage(each, bounds.seed) for each in (left, right)]
    story = Story("lockstep", "Two deployments are asked the same.", _nothing, Phase.SIDE_BY_SIDE)
    both = Lockstep(*(Side(Cast(each, story)) for each in stages), strict=strict)
    try:
        both.result.divergence = await both.learn()
        if both.result.divergence is None:
            await both.explore(bounds, lambda text: _tell(errors, text))
    except (StoryStoppedError, TargetGoneError) as stopped:
        both.result.undecided += 1
        both.result.reason = str(stopped)
    finally:
        for each in stages:
            await each.close()
    return both, both.result


async def _nothing(_: object) -> None:
    """The sequences act, not a story."""


def _stage(deployment: Deployment, seed: int) -> Stage:
    history = History(context_of(deployment, Settings(seed=seed)))
    return Stage(deployment, recorder_for(deployment, history), seed=seed)


def _simulated(deployment: Deployment) -> bool:
    return all(each.kind == "simulated" for each in deployment.targets.values())


def _tell(errors: Console, text: str) -> None:
    if errors.is_terminal:
        errors.file.write("\r" + text.ljust(70))
        errors.file.flush()


def _exit_code(result: "LockstepResult") -> ExitCode:
    if result.divergence is not None:
        return ExitCode.VIOLATED
    if result.flaky or (result.undecided and result.answers):
        return ExitCode.UNDECIDED
    return ExitCode.OK if result.sequences else ExitCode.NOTHING_JUDGED


def _as_json(
    found: "Lockstep", result: "LockstepResult", left: Deployment, right: Deployment, bounds: "Bounds", code: ExitCode
) -> dict[str, Any]:
    learned = found.learned
    return {
        "type": "lockstep",
        "left": left.name,
        "right": right.name,
        "strict": learned.strict,
        "seed": bounds.seed,
        "sequences": result.sequences,
        "answers": result.answers,
        "undecided": result.undecided,
        "reason": result.reason or result.flaky,
        "divergence": asdict(result.divergence) if result.divergence is not None else None,
        "volatile": sorted(map(list, learned.volatile)),
        "own": sorted(map(list, learned.own)),
        "renamed": {name: len(pairs) for name, pairs in sorted(learned.renamed.items()) if pairs},
        "exit_code": int(code),
    }


def _print(found: "Lockstep", result: "LockstepResult", left: Deployment, right: Deployment, console: Console) -> None:
    def say(text: str = "") -> None:
        console.print(visible(text), markup=False, soft_wrap=True)

    say(f"left   {left.name}" + _urls(left))
    say(f"right  {right.name}" + _urls(right))
    divergence = result.divergence
    if divergence is not None:
        difference = divergence.difference
        say(f"\nDIVERGED  {difference.operation} {difference.at}")
        say(f"  left       {difference.left!r}")
        say(f"  right      {difference.right!r}")
        say("  sequence   the shortest one found")
        for number, step in enumerate(divergence.sequence, start=1):
            say(f"    {number:>2}. {step}")
        say(f"  left curl  {divergence.left_curl}")
        say(f"  right curl {divergence.right_curl}")
    if result.flaky:
        say(f"\nUNDECIDED  {result.flaky}")
    if result.undecided:
        say(f"\n{result.undecided} could not be compared, the first: {result.reason}")
    _print_learned(found, say)
    mode = "exactly" if found.learned.strict else "leniently"
    say(f"\n{result.answers} pairs of responses compared {mode}: {result.sequences} random sequences and a fixed one.")
    if divergence is None and not result.flaky and result.sequences:
        say("No response differed.")


def _print_learned(found: "Lockstep", say: Any) -> None:
    learned = found.learned
    if learned.volatile:
        places = sorted({f"{operation} {pointer}" for operation, _, pointer in learned.volatile})
        say(f"\nValues that change with each call ({len(places)}): {', '.join(places)}")
    if learned.own:
        places = sorted({f"{operation} {status} {pointer}" for operation, status, pointer in learned.own})
        say(f"\nValues that each side has for itself ({len(places)}): {', '.join(places)}")
    pairs = {
        name: sum(one != other for one, other in found_pairs.items()) for name, found_pairs in learned.renamed.items()
    }
    if any(pairs.values()):
        told = ", ".join(f"{name} ({count})" for name, count in sorted(pairs.items()) if count)
        say(f"\nValues that correspond one to one between the sides: {told}")


def _urls(deployment: Deployment) -> str:
    return "".join(f"  {app} {each.url}" for app, each in deployment.targets.items())
