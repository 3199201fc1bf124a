"""docs/staging.md: its commands verify a staging that was started by hand, behind TLS of a private authority and a base
path, with PostgreSQL and without control planes."""

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from harness.child_environment import child_environment
from tests.command_line import crossapp
from tests.harness.certificates import Authority, behind_tls
from tests.simulators import postgresql

_PAGE = (Path(__file__).parents[2] / "docs" / "staging.md").read_text("utf-8")
_SECRET = "a-secret-of-this-staging-0123456789"
_CHOSEN = ["--select", "deployment_file.*", "--select", "shared_secret.*", "--select", "tuvens_event.*"]


def commands() -> list[str]:
    """The commands of the page."""
    (block,) = re.findall(r"^```sh\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
    return [each for each in block.splitlines() if each]


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in taken]


@contextmanager
def process(*arguments: str, environment: dict[str, str]) -> Iterator[None]:
    """An application, started as a program of its own; it may still be starting inside the block."""
    command = [
        sys.executable,
        "-m",
        "simulators",
        "--exit-with-stdin",
        "--no-control",
        *arguments,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**child_environment(), **environment}
    ) as child:
        try:
            yield
        finally:
            assert child.stdin is not None
            child.stdin.close()
            child.wait(timeout=30)


@contextmanager
def staging(authority: Authority) -> Iterator[dict[str, str]]:
    """The three applications; yields their URLs, by application."""
    apps = ("tuvens-api", "hi.events", "tuvens-client")
    ports = dict(zip(apps, free_ports(3), strict=True))
    with ExitStack() as stack:
        schema = stack.enter_context(postgresql.schema())
        address = postgresql.URL.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"')
        database = f"{postgresql.URL}{'&' if '?' in postgresql.URL else '?'}options=-csearch_path%3D{schema}"
        tls = authority.server()
        urls = {
            app: stack.enter_context(
                behind_tls(f"http://127.0.0.1:{port}", tls, "" if app == "tuvens-client" else "/base")
            )
            for app, port in ports.items()
        }
        environment = {"HI_EVENTS_SHARED_SECRET": _SECRET}
        known = ["--tuvens-api", urls["tuvens-api"], "--hi-events", urls["hi.events"], "--ca-file", str(authority.file)]
        known += ["--origin", urls["tuvens-client"], "--origin", urls["hi.events"].removesuffix("/base")]
        for app, port in ports.items():
            storage = ["--database", database] if app == "tuvens-api" else []
            own = ["--only", app, "--port", f"{app}={port}", *storage, *known]
            stack.enter_context(process(*own, environment=environment))
        yield urls


def test_the_page_has_five_commands() -> None:
    assert len(commands()) == 5


def test_the_commands_of_the_page_verify_a_staging(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    _, exported, *rest = commands()
    assert re.findall(r"CROSSAPP_\w+", exported) == ["CROSSAPP_SHARED_SECRET", "CROSSAPP_ORGANISER_JWT"]
    with staging(authority) as urls:
        jwt = crossapp("jwt", "organiser").stdout.strip()
        environment = {"CROSSAPP_SHARED_SECRET": _SECRET, "CROSSAPP_ORGANISER_JWT": jwt}
        for line in rest:
            words = shlex.split(line)
            assert words[0] == "crossapp"
            for flag, value in {
                "--tuvens-api": f"{urls['tuvens-api']}/",
                "--hi-events": urls["hi.events"],
                "--tuvens-client": urls["tuvens-client"],
                "--ca-file": str(authority.file),
            }.items():
                if flag in words:
                    words[words.index(flag) + 1] = value
            more = _CHOSEN if words[1] == "verify" else []
            done = crossapp(*words[1:], *more, cwd=tmp_path, environment=environment)
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            assert "Traceback" not in done.stderr
    text = (tmp_path / "staging.toml").read_text("utf-8")
    assert _SECRET not in text
    assert jwt not in text
