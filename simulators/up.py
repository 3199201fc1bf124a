"""The command that starts simulators: `crossapp up`, and the same as `python -m simulators`."""

import asyncio
import json as json_module
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.collector import starting
from harness.exit_codes import ExitCode
from harness.loop import loop_factory
from harness.ports import read_ports
from harness.stopping import stop_event

if TYPE_CHECKING:
    from simulators.launch import Launched


def up(
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="APP", help="Start only this application. Repeatable.")
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            metavar="[APP=]PORT",
            help="Port for an application, or for the first one: the others follow (default: tuvens-api=3000, "
            "hi.events=3001, tuvens-client=5173). 0: any free port. Repeatable.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="Listen on this IPv4 address, 0.0.0.0 for all, so that containers and other machines can connect.",
        ),
    ] = "127.0.0.1",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Inject this fault (crossapp faults --all), or one of any operation, such as "
            "validateSession:respond=503x2, getEvent:delay=3s, …:hang, …:drop, …:malformed. Repeatable.",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="SQLAlchemy URL of the database (default: temporary SQLite)."),
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option(
            "--seed",
            metavar="FILE",
            help="Seed data (JSON) instead of the default; reloaded when it changes.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FILE", help="Keep all data in this SQLite file, and go on with it."),
    ] = None,
    limits: Annotated[
        str,
        typer.Option(
            "--limits", metavar="contract|raised", help="Rate limits: those of the contract, or practically none."
        ),
    ] = "contract",
    tuvens_api: Annotated[
        str | None,
        typer.Option("--tuvens-api", metavar="URL", help="The tuvens-api that the others call (default: simulated)."),
    ] = None,
    hi_events: Annotated[
        str | None,
        typer.Option(
            "--hi-events", metavar="URL", help="The hi.events to which tuvens-client redirects (default: simulated)."
        ),
    ] = None,
    webhooks_to: Annotated[
        str | None,
        typer.Option("--webhooks-to", metavar="URL", help="Where hi.events sends webhooks (default: tuvens-api)."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            metavar="ORIGIN",
            help="Allowed origin of tuvens-client (default: http://localhost:5173). Repeatable.",
        ),
    ] = None,
    public_url: Annotated[
        list[str] | None,
        typer.Option(
            "--public-url",
            metavar="APP=URL",
            help="The origin by which browsers reach an application behind a reverse proxy. Repeatable.",
        ),
    ] = None,
    ca_file: Annotated[
        str,
        typer.Option("--ca-file", metavar="FILE", help="CA certificates (PEM) for calls to real applications."),
    ] = "",
    https: Annotated[
        bool,
        typer.Option("--https", help="Serve by https, with certificates that an authority of your own signs."),
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0.1, help="Timeout of a call to another application.")
    ] = 10.0,
    workers: Annotated[
        int,
        typer.Option("--workers", metavar="N", help="Processes that serve tuvens-api (needs PostgreSQL)."),
    ] = 1,
    control: Annotated[
        bool, typer.Option("--control/--no-control", help="Serve a control plane under /__crossapp__, or none.")
    ] = True,
    json: Annotated[
        bool, typer.Option("--json", help="Print the deployment as one line of JSON, for programs.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no line for each request, webhook and stream message.")
    ] = False,
    open_inspector: Annotated[bool, typer.Option("--open", help="Open the inspector in a browser.")] = False,
    exit_with_stdin: Annotated[
        bool,
        typer.Option(
            "--exit-with-stdin", help="Stop when standard input ends, as it does when the parent process ends."
        ),
    ] = False,
) -> None:
    """Start simulated applications on this machine, and keep them running until Ctrl-C.

    The documented environment variables (HI_EVENTS_SHARED_SECRET, CROSS_APP_SESSION_EXPIRY, HI_EVENTS_DOMAIN,
    JWT_SECRET) apply.
    """
    with ExitStack() as start:
        start.enter_context(starting())
        from simulators.kit.errors import StartError
        from simulators.launch import APPS, CLIENT_ORIGIN, LOCAL_PORTS, Launched, LaunchOptions
        from simulators.seed import Seed, SeedError, default_seed

        try:
            options = LaunchOptions(
                only=tuple(dict.fromkeys(only)) if only else APPS,
                host=host,
                ports=read_ports(port or (), only or APPS, LOCAL_PORTS, StartError),
                faults=tuple(dict.fromkeys(fault or ())),
                database=_database(database, keep),
                seed=default_seed() if seed is None else Seed.read(seed),
                limits=limits,
                tuvens_url=tuvens_api,
                webhooks_url=webhooks_to,
                hi_events_url=hi_events,
                ca_file=ca_file,
                https=https,
                upstream_timeout=timeout,
                client_origins=tuple(origin) if origin else (CLIENT_ORIGIN,),
                public_urls=_public_urls(public_url or ()),
                control=control,
                environment=os.environ,
                workers=workers,
            )
            built = Launched(options)
        except (StartError, SeedError) as error:
            sys.stderr.write(f"crossapp up: {error}\n")
            raise typer.Exit(ExitCode.USAGE) from None
        if built.served_to_others:
            option = "--public-url" if public_url else f"--host {host}"
            _say(
                f"{option}: everyone who can reach this address can use the simulators. Their keys are known to "
                "everybody: use no real data. The control plane and the inspector need the token."
            )
        if open_inspector and built.inspector is None:
            _say("--open: without a control plane there is no inspector")
        _run(
            built,
            start.close,
            as_json=json,
            quiet=quiet or json,
            exit_with_stdin=exit_with_stdin,
            open_inspector=open_inspector,
            seed=seed,
        )


def _public_urls(given: Iterable[str]) -> dict[str, str]:
    from simulators.kit.errors import StartError

    found = dict(each.split("=", 1) for each in given if "=" in each)
    for each in given:
        if "=" not in each:
            raise StartError(f"--public-url: {each!r} is not APP=URL, such as tuvens-api=https://api.example.test")
    return found


def _database(url: str | None, keep: Path | None) -> str | None:
    from simulators.kit.errors import StartError

    if keep is None:
        return url
    if url is not None:
        raise StartError("--keep and --database exclude each other: --keep FILE is --database sqlite:///FILE")
    return f"sqlite:///{keep.absolute()}"


def _say(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"crossapp up: {text}\n")
    sys.stderr.flush()


def _run(
    built: "Launched",
    started: Callable[[], None],
    *,
    as_json: bool,
    quiet: bool,
    exit_with_stdin: bool,
    open_inspector: bool,
    seed: Path | None,
) -> None:
    from simulators.kit.errors import StartError
    from simulators.reloading import reload_seed
    from simulators.traffic import StandardOutput, print_traffic

    found = ExitStack()

    def ready() -> None:
        if not exit_with_stdin:
            _announce(built, found)
        text = json_module.dumps(built.description()) if as_json else welcome(built)
        started()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
        if open_inspector and built.inspector is not None:
            # A browser of the terminal would take it over, and the simulators with it.
            threading.Thread(target=_open, args=(built.inspector,), daemon=True).start()

    async def main() -> None:
        over = stop_event(with_stdin=exit_with_stdin)
        output = None if quiet else StandardOutput()

        async def until_stopped() -> None:
            beside = []
            if output is not None:
                beside.append(asyncio.create_task(print_traffic(tuple(built.simulators.values()), output)))
            if seed is not None and built.options.workers == 1:
                beside.append(asyncio.create_task(reload_seed(built, seed, _say)))
            await over.wait()
            for each in beside:
                each.cancel()

        await built.serve(ready, until_stopped)
        if output is not None:
            output.close()

    try:
        with found, asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(main())
    except StartError as error:
        sys.stderr.write(f"crossapp up: {error}\n")
        raise typer.Exit(ExitCode.HARNESS_FAULT) from None


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        _say("--open: no browser was found; open the inspector's address yourself")


def _announce(built: "Launched", until: ExitStack) -> None:
    """Let `crossapp clock` and others find this instance. One that ends with its parent is the parent's alone."""
    instance = built.instance()
    if instance is None:
        return
    from harness.running import announced

    try:
        until.enter_context(announced(instance))
    except OSError as error:
        sys.stderr.write(
            f"crossapp up: other commands will not find this instance: {error.filename} cannot be written "
            f"({error.strerror})\n"
        )


def welcome(built: "Launched") -> str:
    """The text that is printed after the start: addresses, users, what to try next. It has no JWT, no token but the
    inspector's, and no secret that somebody configured."""
    from simulators.launch import TUVENS_API, TUVENS_CLIENT
    from simulators.people import people
    from simulators.tuvens_api.config import LOCAL_SHARED_SECRET

    options = built.options
    lines = ["The simulators are ready:", ""]
    notes = {TUVENS_CLIENT: "  open it, sign in, choose an event"}
    public = {app: f"  public: {url}" for app, url in built.public_urls.items() if url != built.urls[app]}
    lines += [f"  {app:<13} {url}{public.get(app, '')}{notes.get(app, '')}" for app, url in built.urls.items()]
    if built.inspector is not None:
        lines += ["", "Inspector (live traffic), to open in a browser:", "", f"  {built.inspector}"]
    if built.ca_file:
        lines += ["", "Certificate of your own authority, for browsers and curl --cacert:", "", f"  {built.ca_file}"]
    if built.shared_secret == LOCAL_SHARED_SECRET:
        lines += ["", "Shared secret between the back ends, for local use only:", "", f"  {built.shared_secret}"]
    if options.workers > 1:
        lines += ["", f"{options.workers} processes serve tuvens-api; clock and faults cannot be changed."]
    if options.faults:
        lines += ["", f"Faults: {', '.join(options.faults)}"]
    everybody = people(options.seed)
    named = [person for person in everybody if person.role != "user"]
    if named:
        lines += ["", "Users; a JWT of one: crossapp jwt organiser", ""]
    for person in named:
        accounts = ", ".join(str(each) for each in person.user.memberships)
        lines.append(f"  {person.role:<10} id {person.user.sub}  {person.user.email}  account {accounts}")
    rest = [person for person in everybody if person.role == "user"]
    if rest:
        lines.append(f"  {len(rest)} more    id {rest[0].user.sub} to {rest[-1].user.sub}")
    if options.limits == "contract" and TUVENS_API in built.urls:
        lines += ["", "Rate limits as in the contract (10 sessions a minute); --limits raised: none."]
    tries = _tries(built)
    if tries:
        lines += ["", "Try in another shell:", "", *(f"  {each}" for each in tries)]
    return "\n".join([*lines, "", "Stop with Ctrl-C.", ""])


def _tries(built: "Launched") -> list[str]:
    from simulators.launch import HI_EVENTS, TUVENS_API

    tries = []
    if TUVENS_API in built.urls:
        trusting = f"--cacert {built.ca_file} " if built.ca_file else ""
        tries.append(f"curl -N {trusting}{built.urls[TUVENS_API]}/api/events/updates")
    if TUVENS_API in built.urls and HI_EVENTS in built.urls and built.options.seed.hi_events:
        tries.append(f"crossapp trigger status {built.options.seed.hi_events[0].tuvens_event_id} LIVE")
    if built.control_tokens:
        tries += ["crossapp clock +15m", "crossapp faults"]
    return tries
