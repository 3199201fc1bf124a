"""The ports that options such as `--port tuvens-api=4000` or `--port 4000` give to applications."""

from collections.abc import Iterable, Mapping, Sequence

from harness.suggestions import meant


def read_ports(
    given: Iterable[str], apps: Sequence[str], defaults: Mapping[str, int], error: type[Exception]
) -> dict[str, int]:
    """The port of each application: `APP=PORT` sets one, `PORT` that of the first of `apps`, and the others follow;
    0 is any free port. `defaults` has all known applications. Raises `error`."""
    following: dict[str, int] = {}
    named: dict[str, int] = {}
    for each in given:
        app, sign, number = each.rpartition("=")
        if not (number.isascii() and number.isdecimal() and int(number) + len(apps) <= 65_536):
            raise error(f"--port: {each!r} is not of the form PORT or APP=PORT, such as tuvens-api=0")
        if not sign:
            following = {name: int(number) and int(number) + index for index, name in enumerate(apps)}
        elif app not in defaults:
            raise error(f"--port: unknown application {app!r}; {meant(app, defaults)}")
        else:
            named[app] = int(number)
    return {**defaults, **following, **named}
