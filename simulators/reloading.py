"""Reloads a seed file when it changes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from simulators.seed import Seed, SeedError

if TYPE_CHECKING:
    from simulators.launch import Launched

_LOOK = 0.5


async def reload_seed(built: "Launched", path: Path, say: Callable[[str], None]) -> None:
    """Reset the applications to a seed file whenever it changes, until cancelled. One that is wrong changes nothing;
    `say` prints what happened."""
    seen = _state(path)
    while True:
        await asyncio.sleep(_LOOK)
        now = _state(path)
        if now is None or now == seen:  # an editor may remove the file before it writes the new one
            continue
        seen = now
        try:
            seed = Seed.read(path)
        except SeedError as error:
            say(f"--seed: {error}; the former seed stays")
            continue
        built.reseed(seed)
        say(f"{path} has changed: all applications were reset to it")


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes with a file's content; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
