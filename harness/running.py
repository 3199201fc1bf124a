"""The instances of `crossapp up` on this machine, which other commands find by small files that only their user reads.

A file lives as long as its process; one of a process that was killed is removed by whoever finds it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.deployment import Control


@dataclass(frozen=True, slots=True)
class RunningApp:
    """One application: its base URL, its control plane, and where it is served by https the file with the certificates
    (PEM) of its authority."""

    url: str
    control: Control
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Instance:
    """One `crossapp up`: its process, its applications by name, and the URL of its inspector with the token."""

    pid: int
    apps: Mapping[str, RunningApp]
    inspector: str

    @property
    def ports(self) -> tuple[str, ...]:
        """The ports of its applications; the first is its name."""
        return tuple(each.url.rpartition(":")[2] for each in self.apps.values())

    @property
    def title(self) -> str:
        """`3000 (tuvens-api, hi.events)`."""
        return f"{self.ports[0]} ({', '.join(self.apps)})"


@contextmanager
def announced(instance: Instance) -> Iterator[None]:
    """Let other commands find this instance inside the block. Raises OSError if its file cannot be written."""
    path = _folder() / f"{instance.ports[0]}.json"
    apps = {
        name: {"url": app.url, "control": {"url": app.control.url, "token": app.control.token}, "ca_file": app.ca_file}
        for name, app in instance.apps.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Complete or not there, and never readable by others.
    new = path.with_suffix(f".{instance.pid}")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump({"pid": instance.pid, "apps": apps, "inspector": instance.inspector}, file)
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def instances() -> list[Instance]:
    """The instances whose process is there, by the port of their first application. Others' files are removed."""
    found = []
    try:
        paths = sorted(_folder().glob("*.json"))
    except OSError:
        return []
    for path in paths:
        instance = _read(path)
        if instance is None or not _is_there(instance.pid):
            path.unlink(missing_ok=True)
        else:
            found.append(instance)
    return found


def _folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("crossapp") / "running"


def _read(path: Path) -> Instance | None:
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        apps = {
            name: RunningApp(app["url"], Control(**app["control"]), app["ca_file"])
            for name, app in value["apps"].items()
        }
        instance = Instance(int(value["pid"]), apps, str(value["inspector"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return instance if apps else None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
