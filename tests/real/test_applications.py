"""Installing, starting and stopping, with scripts in place of the applications."""

import os
import select
import sys
from pathlib import Path

import pytest

from tests.real import applications
from tests.real.applications import free_ports, installed, served

_APP = "tuvens-api"
_SERVER = """
import http.server, os, signal, sys
if os.fork() == 0:
    os.open(os.environ["FIFO"], os.O_WRONLY)  # until it ends
    signal.pause()
print(os.environ["FLAVOUR"], file=sys.stderr, flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in the place of an application's sources; what is installed goes beside it."""
    folder = tmp_path / "sources"
    folder.mkdir()
    monkeypatch.setattr(applications, "FOLDERS", {_APP: folder})
    monkeypatch.setattr(applications, "_CACHE", tmp_path / "cache")
    return folder


def _script(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o755)


def test_what_is_installed_goes_into_the_cache(sources: Path) -> None:
    _script(sources / "install", '#!/bin/sh\nmkdir -p "$1" && echo done >"$1/built"\n')
    assert (installed(_APP) / "built").read_text() == "done\n"
    assert [each.name for each in sources.iterdir()] == ["install"]


def test_a_missing_tool_skips_the_test(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    _script(sources / "install", "#!/bin/sh\necho npm is not installed >&2\nexit 69\n")
    with pytest.raises(pytest.skip.Exception, match="npm is not installed"):
        installed(_APP)


def test_a_missing_tool_fails_the_test_on_ci(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    _script(sources / "install", "#!/bin/sh\necho npm is not installed >&2\nexit 69\n")
    with pytest.raises(pytest.fail.Exception, match="npm is not installed"):
        installed(_APP)


def test_sources_that_do_not_build_are_an_error(sources: Path) -> None:
    _script(sources / "install", "#!/bin/sh\necho 'main.ts: cannot find name'\nexit 2\n")
    with pytest.raises(RuntimeError, match=r"failed with 2: main\.ts: cannot find name"):
        installed(_APP)


def test_a_server_is_stopped_with_its_workers(sources: Path, tmp_path: Path) -> None:
    _script(sources / "serve", f"#!{sys.executable}\n{_SERVER}")
    fifo, log, (port,) = tmp_path / "fifo", tmp_path / "log", free_ports(1)
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with served(_APP, tmp_path, {"PORT": str(port), "FLAVOUR": "default", "FIFO": str(fifo)}, log):
            assert log.read_text().startswith("default\n")
        watched = select.poll()
        watched.register(reader, select.POLLHUP)
        assert watched.poll(10_000) == [(reader, select.POLLHUP)]
    finally:
        os.close(reader)


def test_a_server_that_ends_at_once_is_an_error_with_what_it_said(sources: Path, tmp_path: Path) -> None:
    _script(sources / "serve", "#!/bin/sh\necho DATABASE_URL is not set >&2\nexit 1\n")
    with (
        pytest.raises(RuntimeError, match="ended with 1: DATABASE_URL is not set"),
        served(_APP, tmp_path, {"PORT": str(free_ports(1)[0])}, tmp_path / "log"),
    ):
        pass
