"""The applications of this folder: installed once, started, stopped."""

import fcntl
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
FOLDERS: Mapping[str, Path] = {
    "tuvens-api": HERE / "tuvens_api",
    "hi.events": HERE / "hi_events",
    "tuvens-client": HERE / "tuvens_client",
}
_CACHE = HERE.parents[1] / ".tox" / "real"
_UNAVAILABLE = 69
"""What `install` exits with where a tool is missing or nothing can be downloaded (EX_UNAVAILABLE of sysexits.h)."""
_INSTALL_SECONDS, _START_SECONDS, _STOP_SECONDS = 600.0, 60.0, 10.0


def present() -> tuple[str, ...]:
    """The applications whose sources are here."""
    return tuple(
        app for app, folder in FOLDERS.items() if (folder / "install").exists() and (folder / "serve").exists()
    )


def installed(app: str) -> Path:
    """The folder into which an application is installed, now or before; otherwise as `install`."""
    return install(FOLDERS[app].name, FOLDERS[app] / "install")


def npm_packages(folder: Path) -> Path:
    """The folder below which the packages of a folder's package.json are installed; otherwise as `install`."""
    return install(folder.name, HERE / "npm-packages", folder)


def install(name: str, command: Path, where: Path | None = None) -> Path:
    """The folder `name` into which a command installs, run in the folder `where`.

    Skips the test where a tool for it is missing, and fails it where CI is set. Raises RuntimeError if it cannot be
    built.
    """
    _CACHE.mkdir(parents=True, exist_ok=True)
    target = _CACHE / name
    with (_CACHE / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of several test processes installs, the others wait
        done = subprocess.run(
            [command, target],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALL_SECONDS,
            check=False,
            cwd=where,
        )
    said = (done.stdout + done.stderr).strip()[-4_000:]
    if done.returncode == _UNAVAILABLE:
        if os.environ.get("CI"):
            pytest.fail(f"{name} cannot be installed: {said}")
        pytest.skip(f"{name} cannot be installed: {said}")
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed with {done.returncode}: {said}")
    return target


@contextmanager
def served(app: str, target: Path, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Serve an installed application inside the block. `environment`: as README.md says; `log` takes what it prints.

    Raises RuntimeError if it ends, or does not answer within 60 s.
    """
    with log.open("wb") as output:
        server = subprocess.Popen(
            [FOLDERS[app] / "serve", target],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        try:
            _wait_until_it_answers(f"http://127.0.0.1:{environment['PORT']}", server, app, log)
            yield
        finally:
            _stop(server)


def _wait_until_it_answers(url: str, server: "subprocess.Popen[bytes]", app: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    ended = f"ended with {server.returncode}" if server.poll() is not None else f"no answer in {_START_SECONDS:g} s"
    raise RuntimeError(f"{app}: {ended}: {log.read_text('utf-8', 'replace').strip()[-4_000:]}")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """Stop a server with its workers: the whole process group."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
        except ProcessLookupError:
            break
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens.

    Each application must know the addresses of the others before any of them is started. The ports are below those that
    the system gives to outgoing connections, so that nobody else takes them by chance before they are used.
    """
    held: list[socket.socket] = []
    while len(held) < count:
        one = socket.socket()
        try:
            one.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
        except OSError:
            one.close()
        else:
            held.append(one)
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
