"""`crossapp trigger`: make a simulated application act, as a person would."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeGuard

import typer

from crossapp.commands.errors import reported
from crossapp.commands.instance import InstanceError, InstanceOption, choose, running
from crossapp.commands.seeded import person_of, seed_of, seed_running
from harness.exit_codes import ExitCode
from harness.running import RunningApp
from simulators.seed import Seed

trigger = typer.Typer(
    name="trigger",
    help="Make a simulated application act.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_TUVENS_API, _HI_EVENTS = "http://127.0.0.1:3000", "http://127.0.0.1:3001"
_PATIENCE = 15.0
_POLL = 0.05
_TIMEOUT = 15.0


class EventStatus(StrEnum):
    """The statuses of an event at hi.events."""

    DRAFT = "DRAFT"
    LIVE = "LIVE"
    CANCELLED = "CANCELLED"
    ENDED = "ENDED"
    ARCHIVED = "ARCHIVED"


class TriggerError(Exception):
    """Why it cannot be done, in one line; `code` is the exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = code


@trigger.callback()
def _trigger() -> None:
    """Makes `status` a subcommand although it is the only one."""


@trigger.command()
def status(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Id of the event at tuvens-api, or at hi.events.")],
    new: Annotated[
        EventStatus,
        typer.Argument(metavar="STATUS", case_sensitive=False, help="DRAFT, LIVE, CANCELLED, ENDED or ARCHIVED."),
    ],
    hi_events: Annotated[
        str | None,
        typer.Option("--hi-events", metavar="URL", help="Base URL of hi.events (default: of the running crossapp up)."),
    ] = None,
    tuvens_api: Annotated[
        str | None,
        typer.Option(
            "--tuvens-api", metavar="URL", help="Base URL of tuvens-api (default: of the running crossapp up)."
        ),
    ] = None,
    user: Annotated[
        str, typer.Option("--user", metavar="USER", help="The user who changes it: id, email or role.")
    ] = "organiser",
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Seed file with which the simulators were started.")
    ] = None,
    instance: InstanceOption = None,
) -> None:
    """Change an event's status at hi.events as its organiser, and wait until tuvens-api has received the webhook."""
    apps = _found(instance) if hi_events is None or tuvens_api is None else {}
    hi_events = hi_events or (apps["hi.events"].url if "hi.events" in apps else _HI_EVENTS)
    tuvens_api = tuvens_api or (apps["tuvens-api"].url if "tuvens-api" in apps else _TUVENS_API)
    known = seed_running(apps) if apps and seed is None else seed_of(seed)
    try:
        with _Story(hi_events, tuvens_api, user, known) as story:
            story.run(event, new.value)
    except TriggerError as error:
        typer.echo(f"crossapp trigger: {error}", err=True)
        raise typer.Exit(error.code) from None


def _found(instance: str | None) -> Mapping[str, RunningApp]:
    """The applications of the running instance. Without a name, none where none runs: real ones may be there."""
    with reported(InstanceError):
        return choose(instance).apps if instance is not None or running() else {}


@dataclass(frozen=True, slots=True)
class _Target:
    """An event at hi.events, and the Tuvens event that it is linked to."""

    hi: int
    tuvens: str | None
    status: str


class _Story:
    """Through the public interface: sign in, find the event, change it, watch tuvens-api."""

    def __init__(self, hi_events: str, tuvens_api: str, user: str, seed: Seed) -> None:
        import httpx

        self._hi = hi_events.rstrip("/")
        self._tuvens = tuvens_api.rstrip("/")
        self._seed = seed
        self._person = person_of(self._seed, user)
        self._client = httpx.Client(trust_env=False, timeout=_TIMEOUT, headers={"User-Agent": "crossapp"})

    def __enter__(self) -> "_Story":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(self, event: str, status: str) -> None:
        """Change the status, and print each step. Raises TriggerError."""
        from contracts.hi_events_session import wire

        bearer = self._sign_in()
        target = self._find(bearer, event)
        name = f"event {target.hi} of hi.events"
        if target.tuvens is not None:
            name += f" (event {target.tuvens} of tuvens-api)"
        if target.status == status:
            typer.echo(f"{name} is already {status}: no webhook is sent.")
            return
        self._call(self._hi, wire.set_event_status(bearer, str(target.hi), status), "hi.events refused the change")
        typer.echo(f"{name}: {target.status} -> {status}")
        if target.tuvens is None:
            typer.echo("It is not linked to a Tuvens event: no webhook is sent.")
            return
        self._watch(target.tuvens, status)

    def _sign_in(self) -> str:
        from contracts.hi_events_session.wire import sign_in
        from contracts.session_token import wire
        from contracts.times import parse_http_date
        from contracts.tuvens_event.wire import get_event
        from harness.http import WireError
        from simulators.kit.errors import StartError
        from simulators.tuvens_api.config import TuvensApiConfig
        from simulators.tuvens_api.jwts import mint_jwt

        try:
            secret = TuvensApiConfig.from_environment(os.environ).jwt_secret
        except StartError as error:
            raise TriggerError(str(error)) from None
        # By tuvens-api's clock, which may have been moved.
        date = parse_http_date(self._send(self._tuvens, get_event("1")).header("date"))
        jwt = mint_jwt(secret, self._person.user, time.time() if date is None else date)
        call = wire.generate_session(jwt, self._person.account_id)
        answer = self._call(self._tuvens, call, "tuvens-api created no session (does it use another JWT_SECRET?)")
        try:
            token = wire.read_session(answer).session_token
        except WireError as error:
            raise TriggerError(f"tuvens-api created no session: {error}") from None
        signed_in = self._call(self._hi, sign_in(token), "hi.events did not sign the user in")
        return str(_object(signed_in).get("token", ""))

    def _find(self, bearer: str, event: str) -> _Target:
        """The hi.events event that is linked to the event of that id at tuvens-api, else the one of that id at
        hi.events."""
        from contracts.hi_events_session.wire import read_event
        from contracts.tuvens_event.wire import get_event

        linked = next((each.id for each in self._seed.hi_events if each.tuvens_event_id == event), None)
        at_tuvens = self._send(self._tuvens, get_event(event))
        if at_tuvens.status == 200:
            linked = _object(at_tuvens).get("hi_events_event_id") or linked
        answer = self._send(self._hi, read_event(bearer, str(linked or event)))
        if answer.status == 403:
            raise TriggerError(f"{self._person.user.email} has no access to event {event}; choose another --user")
        if answer.status != 200:
            known = ", ".join(each.tuvens_event_id for each in self._seed.hi_events[:5])
            raise TriggerError(f"hi.events has no event for {event!r}; the seed's are {known}, ...")
        found = _object(answer)
        return _Target(found["id"], found["tuvens_event_id"], found["status"])

    def _watch(self, event: str, status: str) -> None:
        from contracts.tuvens_event.wire import get_event

        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < _PATIENCE:
            answer = self._send(self._tuvens, get_event(event))
            if answer.status == 200:
                found = _object(answer)
                contact = found.get("contactData")
                if isinstance(contact, dict) and contact.get("hiEventsStatus") == status:
                    shown = found.get("ticketing_status")
                    typer.echo(f"tuvens-api processed the webhook after {waited:.2f} s: ticketing_status is {shown}.")
                    return
            time.sleep(_POLL)
        raise TriggerError(
            f"tuvens-api does not show {status} after {_PATIENCE:g} s; hi.events keeps retrying. "
            "Its delivery log: crossapp deliveries",
            ExitCode.UNDECIDED,
        )

    def _call(self, base: str, call: Any, otherwise: str) -> Any:
        answer = self._send(base, call)
        if 200 <= answer.status < 300:
            return answer
        value = _object(answer)
        errors = value.get("errors")
        fields = [f"{name}: {'; '.join(map(str, why))}" for name, why in errors.items()] if _is_table(errors) else []
        raise TriggerError(f"{otherwise}: {answer.status} {' '.join([str(value.get('message', '')), *fields])}".strip())

    def _send(self, base: str, call: Any) -> Any:
        import httpx

        from harness.http import Answer

        try:
            answer = self._client.request(
                call.method, base + call.target, headers=list(call.headers), content=call.body
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TriggerError(
                f"{base} does not respond ({type(error).__name__}); start the simulators with: crossapp up"
            ) from None
        return Answer(answer.status_code, tuple(answer.headers.multi_items()), answer.content)


def _object(answer: Any) -> dict[str, Any]:
    from harness.http import object_or_empty

    return object_or_empty(answer.body)


def _is_table(value: Any) -> TypeGuard[dict[str, list[Any]]]:
    return isinstance(value, dict) and all(isinstance(each, list) for each in value.values())
