"""The name of the command that runs, with which its error messages begin."""

_running: list[str] = []


def begin(name: str) -> None:
    """A command of `crossapp` runs now."""
    _running.append(f"crossapp {name}")


def end() -> None:
    """It ended."""
    _running.pop()


def command_name() -> str:
    """`crossapp verify`; `crossapp` if no command runs."""
    return _running[-1] if _running else "crossapp"
