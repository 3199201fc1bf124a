"""`crossapp proxy`: other tools talk to a deployment, with real credentials and signatures, and are recorded."""

import asyncio
import contextlib
import json as json_module
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

import openapi
from contracts import placeholders
from contracts.recording import recorder_for
from crossapp.commands.errors import seconds_of
from crossapp.deployments import deployed
from crossapp.embedded import EmbeddedError
from crossapp.inspecting import inspected
from crossapp.proxy_recording import Recording
from crossapp.run import Settings, context_of
from harness.deployment import Deployment, DeploymentError
from harness.exit_codes import ExitCode
from harness.history import History
from harness.ports import read_ports
from harness.render.words import system_name
from harness.server import ServeError
from harness.stopping import stop_event
from scenarios.cast.stage import Stage
from scenarios.tools.credentials import Adding
from scenarios.tools.proxy import CALLER, proxied
from scenarios.tools.proxy_guard import TOKEN_HEADER

FIRST_PORT = 3100
INSPECTOR = "inspector"
_SAVE_SECONDS = 0.5
_WARNING = (
    "Warning: this is a production, and the proxy sends with the credentials of its test users. Forwarded is what\n"
    "docs/safety.md allows: reads, their sessions, and changes of its test events. All else gets 403.\n"
)


def proxy(
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment",
            "-d",
            metavar="FILE",
            help="Deployment file (TOML or JSON). Default: the embedded simulators.",
        ),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            metavar="[APP=]PORT",
            help="Port for an application (or inspector), or for the first one: the others follow, the inspector last "
            "(default: 3100). 0: any free port. Repeatable.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="FILE", help="Record the traffic as a history for crossapp judge."),
    ] = None,
    har: Annotated[
        Path | None, typer.Option("--har", metavar="FILE", help="Write the traffic as HAR 1.2 at the end.")
    ] = None,
    credentials: Annotated[
        Adding,
        typer.Option(
            "--credentials",
            metavar="placeholders|always",
            help="Insert credentials for placeholders only, or always: also in requests without any.",
        ),
    ] = Adding.PLACEHOLDERS,
    patience: Annotated[
        str,
        typer.Option(
            "--patience",
            metavar="TIME",
            help="Longest wait of a provider state for the expiry of a session, such as 16m or 90s.",
        ),
    ] = "0",
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON, for programs.")] = False,
    exit_with_stdin: Annotated[
        bool, typer.Option("--exit-with-stdin", help="Stop when standard input ends, as it does when a parent dies.")
    ] = False,
) -> None:
    """Forward requests of other tools to a deployment, until Ctrl-C: replaces placeholders by credentials and
    signatures, obeys rate limits, and records the traffic without secrets. Listens on 127.0.0.1 only."""
    settings = Settings(patience=seconds_of("--patience", patience))
    try:
        with deployed(deployment) as target:
            ports = _ports(port or (), [*target.targets, INSPECTOR])
            run = _run(target, settings, ports, credentials, record, har, json=json, exit_with_stdin=exit_with_stdin)
            asyncio.run(run)
    except (DeploymentError, EmbeddedError, ServeError) as error:
        sys.stderr.write(f"crossapp proxy: {error}\n")
        raise typer.Exit(ExitCode.USAGE) from None
    except OSError as error:
        sys.stderr.write(f"crossapp proxy: {record or har}: cannot be written ({error.strerror})\n")
        raise typer.Exit(ExitCode.USAGE) from None


def _ports(given: Sequence[str], apps: Sequence[str]) -> dict[str, int]:
    """The port of each application. Raises BadParameter."""
    defaults = {app: FIRST_PORT + index for index, app in enumerate(apps)}
    return read_ports(given, apps, defaults, typer.BadParameter)


async def _run(
    deployment: Deployment,
    settings: Settings,
    ports: Mapping[str, int],
    adding: Adding,
    record: Path | None,
    har: Path | None,
    *,
    json: bool,
    exit_with_stdin: bool,
) -> None:
    over = stop_event(with_stdin=exit_with_stdin)
    history = History(context_of(deployment, settings))
    recorder = recorder_for(deployment, history, foreign=True)
    recording = Recording(recorder, record, har)
    stage = Stage(deployment, recorder, patience=settings.patience)
    # Whoever can reach the port would act as the organiser, or in a production.
    token = secrets.token_urlsafe(16) if adding is Adding.ALWAYS or deployment.is_production else ""
    if deployment.is_production:
        sys.stderr.write(_WARNING)
    try:
        async with (
            proxied(stage, ports=ports, adding=adding, token=token) as urls,
            inspected(history, recorder.redactor, list(urls), port=ports[INSPECTOR]) as inspector,
        ):
            text = (
                json_module.dumps(_described(urls, deployment, inspector, token))
                if json
                else welcome(urls, deployment, adding, inspector, token)
            )
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
            while not over.is_set():
                recording.append()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), _SAVE_SECONDS)
    finally:
        await stage.close()
        recording.finish()
    _print_end(recording, record, har)


def _print_end(recording: Recording, record: Path | None, har: Path | None) -> None:
    callers = recording.callers()
    own = callers.total() - callers[CALLER]
    where = " and ".join(str(each) for each in (record, har) if each is not None) or "nowhere (--record FILE keeps it)"
    beside = f", {own} of them by the proxy itself, to get credentials" if own else ""
    sys.stderr.write(f"Exchanges recorded: {callers.total()}{beside}; written to {where}\n")
    if record is not None:
        sys.stderr.write(f"To check them: crossapp judge {record}\n")


def _placeholders(deployment: Deployment, roles: Sequence[str]) -> dict[str, str]:
    """The meaning of each placeholder."""
    found = {placeholders.SHARED_SECRET: "the shared secret"}
    for role in roles:
        found[placeholders.jwt(role)] = f"JWT of the {role}"
        found[placeholders.session_token(role)] = f"valid session token of the {role}"
        if "hi.events" in deployment.targets:
            found[placeholders.bearer(role)] = f"bearer token of the {role}'s Hi.Events session"
    return {**found, placeholders.SIGNATURE: "signature of the forwarded body"}


def _roles(deployment: Deployment) -> list[str]:
    return list(dict.fromkeys(each.role for each in deployment.users))


def _described(urls: Mapping[str, str], deployment: Deployment, inspector: str, token: str) -> dict[str, object]:
    meanings = _placeholders(deployment, _roles(deployment))
    said: dict[str, object] = {"urls": dict(urls), INSPECTOR: inspector, "placeholders": meanings}
    return {**said, "token": token} if token else said


def welcome(urls: Mapping[str, str], deployment: Deployment, adding: Adding, inspector: str, token: str = "") -> str:
    """The text printed after the start: addresses, placeholders, a command to paste."""
    lines = [f"Forwarding to {system_name(deployment.name)}. Base URLs:", ""]
    lines += [f"  {app:<13} {url}" for app, url in urls.items()]
    lines += ["", "Inspector (live traffic):", "", f"  {inspector}"]
    lines += ["", "Placeholders for credentials, in headers, path, query and JSON strings:", ""]
    first, *others = _roles(deployment)
    lines += [f"  {name}\n      {meaning}" for name, meaning in _placeholders(deployment, [first]).items()]
    if others:
        lines += ["", f"Other users instead of {first}: {', '.join(others)}"]
    if token:
        lines += ["", "Every request needs this header:", "", f"  {TOKEN_HEADER}: {token}"]
    if adding is Adding.ALWAYS:
        lines += ["", "Requests without credentials get those of the organiser."]
    lines += ["", "Try it in a shell:", "", f"  {_example(urls, token)}", "", "Stop with Ctrl-C."]
    return "\n".join(lines)


def _example(urls: Mapping[str, str], token: str) -> str:
    shown = f"-H '{TOKEN_HEADER}: {token}' " if token else ""
    if "tuvens-api" in urls:
        body = json_module.dumps({"session_token": placeholders.session_token()})
        return (
            f"curl -s {shown}{urls['tuvens-api']}{openapi.find('validateSession').path} "
            f"-H 'x-shared-secret: {placeholders.SHARED_SECRET}' -H 'Content-Type: application/json' -d '{body}'"
        )
    return f"curl -si {shown}{next(iter(urls.values()))}/"
