"""What `crossapp trigger` does through the public interfaces of hi.events and tuvens-api."""

import os
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeGuard

import typer

from crossapp.commands.seeded import person_of
from harness.exit_codes import ExitCode
from simulators.seed import Seed

_PATIENCE = 15.0
_POLL = 0.05
_TIMEOUT = 15.0


class TriggerError(Exception):
    """Why it cannot be done, in one line; `code` is the exit code."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class _Target:
    """An event at hi.events, and the Tuvens event that it is linked to."""

    hi: int
    tuvens: str | None
    status: str

    @property
    def name(self) -> str:
        """As people know it."""
        linked = "" if self.tuvens is None else f" (event {self.tuvens} of tuvens-api)"
        return f"event {self.hi} of hi.events{linked}"


class StatusStory:
    """Through the public interface: sign in, find the event, change it, watch tuvens-api."""

    def __init__(self, hi_events: str, tuvens_api: str, user: str, seed: Seed, ca_file: str = "") -> None:
        import httpx

        verify = ssl.create_default_context(cafile=ca_file) if ca_file else True

        self._hi = hi_events.rstrip("/")
        self._tuvens = tuvens_api.rstrip("/")
        self._seed = seed
        self._person = person_of(self._seed, user)
        headers = {"User-Agent": "crossapp"}
        self._client = httpx.Client(trust_env=False, timeout=_TIMEOUT, headers=headers, verify=verify)

    def __enter__(self) -> "StatusStory":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def run(self, event: str, status: str) -> None:
        """Change the status, and print each step. Raises TriggerError."""
        from contracts.hi_events_session import wire

        bearer = self._sign_in()
        target = self._find(bearer, event)
        name = target.name
        if target.status == status:
            typer.echo(f"{name} is already {status}: no webhook is sent.")
            return
        self._call(self._hi, wire.set_event_status(bearer, str(target.hi), status), "hi.events refused the change")
        typer.echo(f"{name}: {target.status} -> {status}")
        if target.tuvens is None:
            typer.echo("It is not linked to a Tuvens event: no webhook is sent.")
            return
        self._watch(target.tuvens, status)

    def burst(self, event: str, count: int) -> None:
        """Change the status `count` times in a row, LIVE and DRAFT in turn, and print what came of it. Raises
        TriggerError."""
        from contracts.hi_events_session import wire

        bearer = self._sign_in()
        target = self._find(bearer, event)
        status = target.status
        begun = time.monotonic()
        for _ in range(count):
            status = "DRAFT" if status == "LIVE" else "LIVE"
            call = wire.set_event_status(bearer, str(target.hi), status)
            self._call(self._hi, call, "hi.events refused the change")
        typer.echo(f"{target.name}: {count} changes in {time.monotonic() - begun:.2f} s, the last to {status}")
        if target.tuvens is not None:
            self._watch(target.tuvens, status)

    def webhook(self, event: str, status: str, signature: str, secret: str) -> None:
        """Send a webhook to tuvens-api in the name of hi.events, and print the response. Raises TriggerError."""
        from contracts.times import parse_http_date
        from contracts.tuvens_event.wire import get_event
        from contracts.webhook.wire import event_status_changed, sign, status_changed_body

        linked = next((each for each in self._seed.hi_events if event in (each.tuvens_event_id, str(each.id))), None)
        if linked is None:
            raise TriggerError(f"hi.events has no event for {event!r}; the seed's are {self._known()}, ...")
        date = parse_http_date(self._send(self._tuvens, get_event(linked.tuvens_event_id)).header("date"))
        # By tuvens-api's clock, which may have been moved.
        sent = datetime.fromtimestamp(time.time() if date is None else date, UTC)
        body = status_changed_body(
            event_id=linked.id,
            title=linked.title,
            status=status,
            tuvens_event_id=linked.tuvens_event_id,
            sent_at=sent.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        )
        signed: dict[str, str | None] = {
            "correct": sign(secret, body),
            "wrong": sign(f"not {secret}", body),
            "other-body": sign(secret, body + b" "),
            "missing": None,
        }
        answer = self._send(self._tuvens, event_status_changed(body, signed[signature]))
        said = _object(answer).get("message", "")
        typer.echo(f"tuvens-api returned {answer.status} to a webhook with a {signature} signature. {said}".rstrip())

    def _known(self) -> str:
        return ", ".join(each.tuvens_event_id for each in self._seed.hi_events[:5])

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
            raise TriggerError(f"hi.events has no event for {event!r}; the seed's are {self._known()}, ...")
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
