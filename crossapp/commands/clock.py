"""`crossapp clock`: show or move the clocks of running simulators."""

import time
from typing import Annotated

import typer

from crossapp.commands.instance import AppOption, InstanceOption, controlled
from crossapp.control import AllClocks
from harness.durations import seconds

_REAL = "real"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def clock(
    move: Annotated[
        str | None,
        typer.Argument(metavar="MOVE", help="Forward by +15m, +90s, +1h, +15m1s; or real: back to real time."),
    ] = None,
    app: AppOption = None,
    instance: InstanceOption = None,
) -> None:
    """Show the clocks of the running simulators, or move them. What falls due on the way is done: webhooks are
    retried, sessions expire."""
    span = None if move in (None, _REAL) else _span(str(move))
    with controlled(instance, app) as apps:
        if span is not None:
            AllClocks(apps).advance(span)
        elif move == _REAL:
            AllClocks(apps).to_real_time()
        for name, each in apps.items():
            now, running = each.clock.read()
            ahead = round(now - time.time())
            date = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
            typer.echo(f"{name:<13} {date}  {_ahead(ahead)}{'' if running else ', stopped'}")


def _span(text: str) -> float:
    try:
        span = seconds(text.removeprefix("+"))
    except ValueError as error:
        raise typer.BadParameter(f"MOVE: {error}, or {_REAL}") from None
    if span > 400 * 86_400:
        raise typer.BadParameter("MOVE: at most 400 days, 9600h, at once")
    return span


def _ahead(ahead: int) -> str:
    """`+15m`, `+1d 1h`, `real time`."""
    rest = abs(ahead)
    if rest <= 1:
        return "real time"
    parts = []
    for length, unit in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return f"{'+' if ahead > 0 else '-'}{' '.join(parts)}"
