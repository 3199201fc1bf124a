"""The command line as a process: SIGTERM ends it, also where a script started it in the background; help and completion
import no command."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from crossapp import cli
from crossapp.commands.errors import seconds_of
from crossapp.commands.verify import _progress
from crossapp.run import Settings, stories_for
from harness.extras import EXTRAS
from harness.extras import command as install_command
from tests.command_line import crossapp

_WAITS = """
import signal, sys, time
from crossapp import cli
from crossapp.commands.errors import seconds_of
from crossapp.commands.verify import _progress
from crossapp.run import Settings, stories_for
if sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
def app(**_):
    print("ready", flush=True)
    time.sleep(60)
cli.app = app
cli.main()
"""


@pytest.mark.parametrize("started", ["foreground", "background"])
def test_sigterm_stops_a_command_that_may_ignore_ctrl_c(started: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITS, started], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 130


_WHERE_NO_ERROR_PASSES = """
import asyncio, signal
from crossapp import cli
from harness.stopping import run
signal.signal(signal.SIGINT, signal.SIG_IGN)
class Deleted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
async def work():
    Deleted()
    await asyncio.sleep(0.1)
    print("went on")
cli.app = lambda **_: run(work())
cli.main()
"""


def test_sigterm_stops_a_run_also_where_python_drops_errors() -> None:
    done = subprocess.run([sys.executable, "-c", _WHERE_NO_ERROR_PASSES], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


_HEAVY = ("sqlalchemy", "pydantic", "httpx", "rich", "jinja2", "playwright", "schemathesis", "simulators", "load")
_IMPORTED = f"""
import sys
from crossapp.cli import main
sys.argv[0] = 'crossapp'
try:
    main()
finally:
    print("imported:", *sorted({{*{_HEAVY!r}}} & {{*sys.modules}}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "words", "shown", "imported"),
    [
        (["--help"], "", "lockstep", ""),
        (["--no-such-option"], "", "", ""),
        ([], "crossapp ver", "verify", " pydantic"),  # by typer itself
    ],
    ids=["help", "mistake", "completion"],
)
def test_no_command_is_imported_for_help_or_completion(
    arguments: list[str], words: str, shown: str, imported: str
) -> None:
    completing = {"_CROSSAPP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1"} if words else {}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, *arguments],
        env={**os.environ, **completing},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown in done.stdout
    assert done.stderr.splitlines()[-1] == f"imported:{imported}"


def _names() -> list[str]:
    group = get_command(cli.app)
    assert isinstance(group, TyperGroup)
    return list(group.commands)


@pytest.mark.parametrize("name", _names())
def test_a_command_is_imported_when_it_is_asked_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.app([name, "--help"], prog_name="crossapp", standalone_mode=False) == 0
    assert f"Usage: crossapp {name}" in capsys.readouterr().out


def test_what_help_says_of_a_command_fits_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    cli.app(["--help"], prog_name="crossapp", standalone_mode=False)
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize("arguments", [["-h"], ["verify", "-h"], ["up", "-h"]])
def test_help_has_its_short_name(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cli.app(arguments, standalone_mode=False)
    assert "Usage:" in capsys.readouterr().out


def test_the_version_names_the_edition(capsys: pytest.CaptureFixture[str]) -> None:
    cli.app(["--version"], standalone_mode=False)
    assert re.fullmatch(r"crossapp \S+, edition 2025-07(, commit [0-9a-f]{12})?\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("load", ["load"]),
        ("load", ["verify", "--with-load"]),
        ("load", ["prove", "--suite", "load"]),
        ("pact", ["prove", "--suite", "Pact"]),
        ("fuzz", ["prove", "--suite", "Schemathesis"]),
        ("fuzz", ["prove", "--generated"]),
        ("fuzz", ["lockstep"]),
    ],
)
def test_a_missing_extra_is_a_usage_error_with_the_command_that_installs_it(
    extra: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.extras.find_spec", lambda module: None if module == EXTRAS[extra] else module)
    with pytest.raises(typer.BadParameter, match=re.escape(install_command(extra))):
        cli.app(command, standalone_mode=False)


def _words(group: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of each command, and of each command of a command."""
    for name in group.commands:
        words = (*before, name)
        yield words
        inner = group.commands[name] if before else cli._command(name)
        if hasattr(inner, "commands"):
            yield from _words(inner, words)


def test_help_shows_arguments_as_most_tools_do_and_no_types_of_python() -> None:
    shown = {" ".join(words): crossapp(*words, "-h").stdout for words in _words(get_command(cli.app))}
    assert len(shown) > 30
    odd = re.compile(r"[{}]|<[a-z]|\[\[|\]\]|list\[|\(default: 0\)")
    assert {name: odd.findall(text) for name, text in shown.items() if odd.search(text)} == {}
    assert "crossapp report [OPTIONS] RUN...\n" in shown["report"]
    assert "crossapp trigger status [OPTIONS] EVENT STATUS\n" in shown["trigger status"]
    assert "crossapp clock [OPTIONS] [MOVE]\n" in shown["clock"]


def test_a_deployment_file_as_an_argument_is_told_by_which_option_it_is_given() -> None:
    done = crossapp("verify", "staging.toml")
    assert done.returncode == 64
    assert "(staging.toml); a deployment file is given as --deployment FILE" in " ".join(done.stderr.split())


def test_a_duration_has_a_unit_unless_it_is_0() -> None:
    assert [seconds_of("--x", each) for each in ("0", "90s", "16m")] == [0.0, 90.0, 960.0]
    with pytest.raises(typer.BadParameter, match="write 16s, 16m or 16h"):
        seconds_of("--x", "16")


def test_a_log_shows_the_start_and_each_tenth_of_the_stories() -> None:
    file = io.StringIO()
    tell = _progress(Settings(), Console(file=file, width=100), verbose=False)
    for story in stories_for(Settings()):
        tell(story.name, "started")
        tell(story.name, "finished")
    tell("a_story", "waits 900 s at most: an expiry")
    lines = file.getvalue().splitlines()
    total = len(stories_for(Settings()))
    assert lines[0] == f"{total} stories"
    assert len(lines) == 12
    assert lines[-2] == f"{total} of {total} stories done"
    assert lines[-1].endswith("a story waits 900 s at most: an expiry")


@pytest.mark.parametrize("terminal", [False, True])
def test_stories_that_do_not_begin_since_nothing_responds_are_not_counted_as_done(terminal: bool) -> None:
    file = io.StringIO()
    tell = _progress(Settings(), Console(file=file, width=100, force_terminal=terminal), verbose=False)
    for story in stories_for(Settings()):
        tell(story.name, "stopped")
    total = len(stories_for(Settings()))
    assert [each.strip() for each in re.split(r"[\r\n]", file.getvalue()) if each.strip()] == (
        [] if terminal else [f"{total} stories"]
    )


def test_an_error_begins_with_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.app(["report", "no-such-file"], prog_name="crossapp", standalone_mode=False) == 64
    assert capsys.readouterr().err.startswith("crossapp report: no-such-file: ")


def test_a_wrong_choice_names_the_choices() -> None:
    code = "from crossapp.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "openapi", "tuvens"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 64
    assert "Invalid value for 'APP': 'tuvens' is not one of 'tuvens-api', 'hi.events', 'tuvens-client'." in done.stderr
