"""`crossapp logs`: the traffic of a running `crossapp up`."""

import json as json_module
import shutil
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from crossapp.commands.instance import InstanceOption, controlled
from crossapp.commands.output import printing
from harness.inspector.traffic_lines import TrafficLine, TrafficLines, shown, shows_colours


def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is new, until Ctrl-C.")] = False,
    last: Annotated[int, typer.Option("--last", "-n", metavar="N", min=0, help="Begin with the last N.")] = 50,
    json: Annotated[
        bool, typer.Option("--json", help="Each exchange and message as a JSON object on a line of its own.")
    ] = False,
    instance: InstanceOption = None,
) -> None:
    """Print a line for each request, webhook and stream message of the running simulators."""
    with controlled(instance) as apps, printing():
        first = next(iter(apps.values()))
        texts = _as_json(first.feed()) if json else _as_lines(first.feed(), apps)
        earlier: deque[str] | None = deque(maxlen=last)
        for text in texts:
            if text is None:
                sys.stdout.write("".join(earlier or ()))
                earlier = None
                if not follow:
                    return
            elif earlier is not None:
                earlier.append(text)
            else:
                sys.stdout.write(text)
            sys.stdout.flush()
    typer.echo("crossapp up has stopped.", err=True)


def _as_lines(feed: Iterator[tuple[str, dict[str, Any]]], apps: Mapping[str, object]) -> Iterator[str | None]:
    """Lines to print; None where the earlier ones end, which are in order of time."""
    terminal = sys.stdout.isatty()
    colour = shows_colours()
    lines = TrafficLines(apps.keys())
    rows: list[Any] = []
    messages: list[TrafficLine] = []
    whole = False
    for name, value in feed:
        if whole:
            made = lines.read(name, value)
        elif name == "whole":
            whole = True
            made = sorted([*lines.read("rows", {"rows": rows}), *messages], key=lambda each: each.begun)
        else:
            rows += value.get("rows", ())
            messages += lines.read(name, value) if name == "messages" else ()
            continue
        columns = shutil.get_terminal_size().columns if terminal else None
        yield from (shown([each], columns, colour=colour) for each in made)
        if name == "whole":
            yield None


def _as_json(feed: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[str | None]:
    for name, value in feed:
        if name == "rows":
            yield from (json_module.dumps(each) + "\n" for each in value["rows"])
        elif name == "messages":
            yield from (json_module.dumps({"app": value["app"], **each}) + "\n" for each in value["messages"])
        elif name == "whole":
            yield None
