"""`crossapp init`: write a deployment file."""

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import openapi
from crossapp.commands.errors import reported
from crossapp.commands.output import stderr
from crossapp.deployments import EDITIONS
from crossapp.new_file import without_secrets, written
from harness.data_file import read_data
from harness.deployment import DeploymentError
from harness.deployment_file import read_deployment

_KINDS = "simulated|local|staging|production"


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The deployment file to write.")] = Path("crossapp.toml"),
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Start from this: what crossapp up --json printed, or a deployment file. -: stdin.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the deployment (default: the file's).")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar=_KINDS, help="Kind of the applications (default: staging).")
    ] = None,
    tuvens_api: Annotated[str | None, typer.Option("--tuvens-api", metavar="URL", help="URL of tuvens-api.")] = None,
    hi_events: Annotated[
        str | None, typer.Option("--hi-events", metavar="URL", help="URL of hi.events' pages; without it, simulated.")
    ] = None,
    hi_events_api: Annotated[
        str | None, typer.Option("--hi-events-api", metavar="URL", help="URL of hi.events' API, if it is another.")
    ] = None,
    tuvens_client: Annotated[
        str | None, typer.Option("--tuvens-client", metavar="URL", help="URL of tuvens-client; without it, simulated.")
    ] = None,
    account: Annotated[
        int | None,
        typer.Option("--account", metavar="N", help="Account in which the organiser holds manage_ticketing."),
    ] = None,
    email: Annotated[
        str | None, typer.Option("--email", metavar="ADDRESS", help="The organiser's e-mail address.")
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="An event of that account that may be changed. Repeatable."),
    ] = None,
    foreign: Annotated[
        str | None, typer.Option("--foreign-event", metavar="ID", help="An event of another account, to be read.")
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", metavar="FILE", help="Certificates (PEM) of an authority of your own."),
    ] = None,
    secrets: Annotated[
        Path | None,
        typer.Option(
            "--secrets", metavar="FILE", help="Write the secrets of --from to this new file, to be read by a shell."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that exist.")] = False,
) -> None:
    """Write a commented deployment file. Without --from and URLs it asks. The file names environment variables for the
    secrets and holds none."""
    with reported(DeploymentError, OSError, UnicodeDecodeError):
        _refuse_existing([each for each in (file, secrets) if each is not None], force=force)
        value, found = without_secrets(_read(source) if source else {})
        said = {"tuvens-api": tuvens_api, "hi.events": hi_events, "tuvens-client": tuvens_client}
        asked = source is None and not any(said.values())
        if asked:
            said, kind, account, event = _ask(account, event)
        _fill(value, said, kind)
        if hi_events_api:
            value["targets"].setdefault("hi.events", {})["api_url"] = hi_events_api
        value["name"] = name or (value.get("name") if value.get("name") != "embedded" else None) or file.stem
        value.setdefault("edition", EDITIONS[0])
        _fill_users(value, account, email)
        events = value.setdefault("events", {})
        events.update({"tuvens": list(event)} if event else {})
        events.update({"foreign": foreign} if foreign else {})
        if ca_file is not None:
            value["ca_file"] = os.path.relpath(ca_file, file.parent)
        _write(file, written(value))
    if secrets is not None:
        _save_secrets(secrets, found)
    _tell(file, value, secrets, found)


def _refuse_existing(files: Sequence[Path], *, force: bool) -> None:
    for each in files:
        if each.exists() and not force:
            raise DeploymentError(f"{each} exists and is not written over; name another file, or add --force")


def _read(source: str) -> dict[str, Any]:
    """What a file, or standard input, says of a deployment."""
    if source != "-" and Path(source).suffix == ".toml":
        return read_data(Path(source), DeploymentError)
    text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8-sig")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise DeploymentError(
            f"--from {source}: not readable as JSON, as crossapp up --json prints it: {error}"
        ) from None
    if not isinstance(value, dict):
        raise DeploymentError(f"--from {source}: must be a table of fields")
    return value


def _ask(
    account: int | None, event: Sequence[str] | None
) -> tuple[dict[str, str | None], str | None, int | None, list[str] | None]:
    """Ask for what the flags could say."""
    if not sys.stdin.isatty():
        raise DeploymentError(
            "no URL is given and nobody can be asked: give --tuvens-api, --hi-events or --tuvens-client, or --from FILE"
        )
    said: dict[str, str | None] = {}
    for app in openapi.APPS:
        said[app] = typer.prompt(f"URL of {app} (empty: it is simulated)", default="", show_default=False) or None
    kind = typer.prompt(f"Kind of these applications ({_KINDS})", default="staging")
    account = account or typer.prompt("Account in which the organiser holds manage_ticketing", type=int)
    text = typer.prompt(
        "Ids of events of that account that may be changed, with commas (empty: none)", default="", show_default=False
    )
    return said, kind, account, list(event or ()) or [each.strip() for each in text.split(",") if each.strip()]


def _fill(value: dict[str, Any], said: Mapping[str, str | None], kind: str | None) -> None:
    targets = value["targets"]
    for app, url in said.items():
        if url:
            targets[app] = {**targets.get(app, {}), "url": url}
    for target in targets.values():
        target["kind"] = kind or target.get("kind", "staging")


def _fill_users(value: dict[str, Any], account: int | None, email: str | None) -> None:
    """The organiser, as the flags say."""
    if not value["users"]:
        value["users"] = [{"role": "organiser", "account_id": account or 0, "jwt_env": "CROSSAPP_ORGANISER_JWT"}]
        if account is None:
            raise DeploymentError("no account is known: give --account, in which the organiser holds manage_ticketing")
    organiser = next((each for each in value["users"] if each.get("role") == "organiser"), value["users"][0])
    organiser.update({"account_id": account} if account else {})
    organiser.update({"email": email} if email else {})
    if not any(each.startswith("shared_secret") for each in value["credentials"]):
        value["credentials"]["shared_secret_env"] = "CROSSAPP_SHARED_SECRET"


def _write(file: Path, text: str) -> None:
    """Write the file if it can be read as a deployment file; else leave what is there. Raises DeploymentError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.stem}.{os.getpid()}.toml")
    try:
        beside.write_text(text, "utf-8")
        read_deployment(beside, apps=openapi.APPS, editions=EDITIONS)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _save_secrets(file: Path, secrets: Mapping[str, str]) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in secrets.items())
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(lines)


def _tell(file: Path, value: Mapping[str, Any], secrets: Path | None, found: Mapping[str, str]) -> None:
    """Say what is left to do."""
    tables = [value["credentials"], *value["users"], *value["targets"].values()]
    tables += [each["control"] for each in value["targets"].values() if "control" in each]
    names = [each for table in tables for field, each in table.items() if field.endswith("_env")]
    console = stderr()
    console.print(f"Written: {file}", markup=False)
    if secrets is not None:
        console.print(f"Written: {secrets} ({len(found)} secrets; read it with: . {_path(secrets)})", markup=False)
    unset = [each for each in names if each not in os.environ and not (secrets is not None and each in found)]
    if unset:
        console.print("It takes its secrets from environment variables. Set these:", markup=False)
        for each in unset:
            console.print(f"  {each}", markup=False)
    console.print(f"Then: crossapp doctor {file}", markup=False)


def _path(file: Path) -> str:
    return str(file) if file.is_absolute() else f"./{file}"
