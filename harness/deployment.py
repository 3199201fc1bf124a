"""The deployment file: what is verified, as whom, and what is allowed. TOML, or the same as JSON."""

import json
import math
import os
import shlex
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

KINDS = ("simulated", "local", "staging", "production")
ROLES = ("organiser", "member", "outsider", "nameless", "user")
_COMMAND_SECONDS = 30


class DeploymentError(ValueError):
    """A deployment file that cannot be used; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Control:
    """Access to a simulator's control plane."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """One application under test.

    `url` is where its pages are, `api_url` where its API is (the same unless said), `session_expiry` in seconds,
    `rate_limits` requests a minute by operationId (0: no limit), `database` an SQLAlchemy URL, `launch` a command that
    starts a second instance with other environment variables and prints its deployment description as JSON,
    `jwt_cookie` the cookie in which its pages send a user's JWT (empty: as a bearer token), `selectors` by which the
    parts of its pages are found in a browser, by name, where they are not the usual ones.
    """

    app: str
    url: str
    api_url: str
    kind: str
    session_expiry: int | None = None
    rate_limits: Mapping[str, int] = field(default_factory=dict)
    cors_origins: tuple[str, ...] = ()
    database: str = field(default="", repr=False)
    audit_table: str = ""
    control: Control | None = None
    launch: tuple[str, ...] = ()
    jwt_cookie: str = "jwt"
    selectors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """A seeded user. `role`: organiser, member, outsider, nameless or user; `jwt` a token that is valid now."""

    role: str
    jwt: str = field(repr=False)
    account_id: int
    user_id: str = ""
    email: str = ""
    name: str | None = None
    expired_jwt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Linked:
    """An event that exists on both sides: its id at hi.events and at tuvens-api."""

    hi: str
    tuvens: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A declared deviation: `requirement` is an id or a pattern with `*`, `until` the last day of its waiver."""

    requirement: str
    reason: str
    owner: str
    until: date
    target: str = ""
    expected: str = "violated"


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """Where crossapp takes hi.events' webhooks itself: it listens on `host` and `port`, hi.events reaches it by `url`.

    `retry_within`: seconds within which hi.events tries a failed delivery again.
    """

    host: str
    port: int
    url: str
    retry_within: float = 60.0


@dataclass(frozen=True, slots=True)
class Safety:
    """What may be done to the deployment. `seconds`: time-out of one exchange; `minutes`: of the whole run.

    `exhaust_rate_limits`: send until 429 comes; `change_events`: send webhooks and change the named events; `fuzz`:
    send nonsense, with right credentials too; `unexpected_methods`: send it by methods, too, that no document names
    (DELETE on an event's path, say).
    """

    exhaust_rate_limits: bool
    change_events: bool
    fuzz: bool = True
    unexpected_methods: bool = False
    seconds: float = 15.0
    minutes: float = 15.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a run verifies."""

    name: str
    edition: str
    targets: Mapping[str, Target]
    users: tuple[User, ...]
    shared_secret: str = field(repr=False)
    jwt_secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    foreign_event: str = ""
    linked: tuple[Linked, ...] = ()
    return_origin: str = ""
    safety: Safety = field(default_factory=lambda: Safety(True, True))
    deviations: tuple[Deviation, ...] = ()
    ca_file: str = ""
    receiver: ReceiverSettings | None = None

    def user(self, role: str) -> User | None:
        """The first user of a role."""
        return next((each for each in self.users if each.role == role), None)

    def secrets(self) -> list[tuple[str, str]]:
        """(kind, value) of every secret in the file."""
        found = [("shared-secret", self.shared_secret), ("jwt-secret", self.jwt_secret)]
        found += [("jwt", text) for user in self.users for text in (user.jwt, user.expired_jwt)]
        found += [("control-token", each.control.token) for each in self.targets.values() if each.control]
        for each in self.targets.values():
            password = urlsplit(each.database).password if each.database else None
            if password:
                found.append(("database-password", password))
        return [(kind, value) for kind, value in found if value]


_TARGET_FIELDS = (
    "url", "api_url", "kind", "session_expiry", "rate_limits", "cors_origins", "database", "audit_table", "control",
    "launch", "jwt_cookie", "selectors",
)  # fmt: skip
_USER_FIELDS = ("role", "user_id", "email", "name", "account_id", "jwt", "expired_jwt")
_TOP_FIELDS = (
    "name", "edition", "targets", "credentials", "users", "events", "return_origin", "safety", "deviations", "ca_file",
    "receiver",
)  # fmt: skip
_SAFETY_FIELDS = ("exhaust_rate_limits", "change_events", "fuzz", "unexpected_methods", "seconds", "minutes")
_SECRET_FORMS = ("env", "file", "command")


def read_deployment(path: Path, *, apps: Sequence[str], editions: Sequence[str]) -> Mapping[str, Any]:
    """The file as a mapping, its text checked for form only. Raises DeploymentError."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise DeploymentError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DeploymentError(f"{path}: is not UTF-8 text") from None
    try:
        value: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise DeploymentError(
            f"{path}: not readable as {'JSON' if path.suffix == '.json' else 'TOML'}: {why}"
        ) from None
    if not isinstance(value, dict):
        raise DeploymentError(f"{path}: must be a table of fields")
    _known(value, _TOP_FIELDS, "")
    targets = _table(value, "targets", "")
    for app, target in targets.items():
        if app not in apps:
            raise DeploymentError(f"targets.{app}: unknown application; known are {', '.join(apps)}")
        if not isinstance(target, Mapping):
            raise DeploymentError(f'targets.{app}: must be a table with url = "https://…"')
    _table(value, "credentials", "")
    _table(value, "events", "")
    edition = value.get("edition", editions[0])
    if edition not in editions:
        raise DeploymentError(f"edition: {edition!r} is not known; known is {', '.join(editions)}")
    return value


def build_deployment(value: Mapping[str, Any], *, apps: Sequence[str], editions: Sequence[str]) -> Deployment:
    """A Deployment from a file's mapping (or from what the simulators print). Raises DeploymentError."""
    _known(value, _TOP_FIELDS, "")
    targets = {app: _target(app, each) for app, each in _table(value, "targets", "").items()}
    credentials = _table(value, "credentials", "")
    _known(credentials, _with_forms("shared_secret", "jwt_secret"), "credentials.")
    events = _table(value, "events", "")
    _known(events, ("tuvens", "foreign", "linked"), "events.")
    production = any(each.kind == "production" for each in targets.values())
    users = tuple(_user(index, each) for index, each in enumerate(_list(value, "users", "")))
    if not users:
        raise DeploymentError(
            'users: name at least one [[users]] with role = "organiser", account_id and a jwt (jwt, jwt_env, '
            "jwt_file or jwt_command)"
        )
    if not any(each.role == "organiser" for each in users):
        raise DeploymentError('users: one of them must have role = "organiser" (holds manage_ticketing in account_id)')
    return Deployment(
        name=_text(value, "name", "", default="deployment"),
        edition=_text(value, "edition", "", default=editions[0]),
        targets=targets,
        users=users,
        shared_secret=_sendable(
            _secret(credentials, "shared_secret", "credentials.", required=True), "credentials.shared_secret"
        ),
        jwt_secret=_secret(credentials, "jwt_secret", "credentials."),
        events=tuple(
            _event_id(each, f"events.tuvens[{i}]") for i, each in enumerate(_list(events, "tuvens", "events."))
        ),
        foreign_event=_event_id(events["foreign"], "events.foreign") if events.get("foreign") else "",
        linked=tuple(_linked(i, each) for i, each in enumerate(_list(events, "linked", "events."))),
        return_origin=_origin(_text(value, "return_origin", "", default=""), "return_origin"),
        safety=_safety(_table(value, "safety", ""), production=production),
        deviations=tuple(_deviation(i, each, apps) for i, each in enumerate(_list(value, "deviations", ""))),
        ca_file=_certificates(value, "ca_file"),
        receiver=_receiver(_table(value, "receiver", "")) if "receiver" in value else None,
    )


def _target(app: str, value: Any) -> Target:
    at = f"targets.{app}."
    if not isinstance(value, Mapping):
        raise DeploymentError(f'targets.{app}: must be a table with url = "https://…"')
    _known(value, (*_TARGET_FIELDS, "database_env"), at)
    url = _url(value, "url", at)
    kind = _text(value, "kind", at, default="staging")
    if kind not in KINDS:
        raise DeploymentError(f"{at}kind: {kind!r} is none of {', '.join(KINDS)}")
    limits = _table(value, "rate_limits", at)
    for name, limit in limits.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
            raise DeploymentError(f"{at}rate_limits.{name}: must be a whole number of requests a minute (0: no limit)")
    expiry = value.get("session_expiry")
    if expiry is not None and (not isinstance(expiry, int) or isinstance(expiry, bool) or expiry < 1):
        raise DeploymentError(f"{at}session_expiry: must be a whole number of seconds")
    control = _table(value, "control", at)
    _known(control, _with_forms("url", "token"), at + "control.")
    return Target(
        app=app,
        url=url,
        api_url=_url(value, "api_url", at, default=url),
        kind=kind,
        session_expiry=expiry,
        rate_limits=dict(limits),
        cors_origins=tuple(
            _origin(each, f"{at}cors_origins[{i}]") for i, each in enumerate(_texts(value, "cors_origins", at))
        ),
        database=_secret(value, "database", at),
        audit_table=_text(value, "audit_table", at, default=""),
        control=Control(
            _url(control, "url", at + "control."),
            _sendable(_secret(control, "token", at + "control.", required=True), at + "control.token"),
        )
        if control
        else None,
        launch=_texts(value, "launch", at),
        jwt_cookie=_cookie_name(value, "jwt_cookie", at),
        selectors=_selectors(value, at),
    )


def _user(index: int, value: Any) -> User:
    at = f"users[{index}]."
    if not isinstance(value, Mapping):
        raise DeploymentError(f"users[{index}]: must be a table")
    _known(value, (*_USER_FIELDS, *_with_forms("jwt", "expired_jwt")), at)
    account = value.get("account_id")
    if not isinstance(account, int) or isinstance(account, bool) or account < 1:
        raise DeploymentError(f"{at}account_id: must be the number of an account that this user belongs to")
    name = value.get("name")
    if name is not None and not isinstance(name, str):
        raise DeploymentError(f"{at}name: must be text")
    user_id = value.get("user_id", "")
    if isinstance(user_id, bool) or not isinstance(user_id, int | str):
        raise DeploymentError(f"{at}user_id: must be the user's id at tuvens-api, as text or a number")
    role = _text(value, "role", at, default="user")
    if role not in ROLES:
        raise DeploymentError(f"{at}role: {role!r} is none of {', '.join(ROLES)}")
    return User(
        role=role,
        jwt=_sendable(_secret(value, "jwt", at, required=True), at + "jwt"),
        account_id=account,
        user_id=str(user_id),
        email=_text(value, "email", at, default=""),
        name=name,
        expired_jwt=_sendable(_secret(value, "expired_jwt", at), at + "expired_jwt"),
    )


def _linked(index: int, value: Any) -> Linked:
    at = f"events.linked[{index}]"
    if not isinstance(value, Mapping) or "hi" not in value or "tuvens" not in value:
        raise DeploymentError(f"{at}: must be {{ hi = …, tuvens = … }}, the event's id on either side")
    return Linked(_event_id(value["hi"], at + ".hi"), _event_id(value["tuvens"], at + ".tuvens"))


def _event_id(value: Any, at: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise DeploymentError(f"{at}: must be an event's id")
    return str(value)


def _safety(value: Mapping[str, Any], *, production: bool) -> Safety:
    _known(value, _SAFETY_FIELDS, "safety.")
    return Safety(
        exhaust_rate_limits=_flag(value, "exhaust_rate_limits", default=not production),
        change_events=_flag(value, "change_events", default=not production),
        fuzz=_flag(value, "fuzz", default=not production),
        unexpected_methods=_flag(value, "unexpected_methods", default=False),
        seconds=_positive(value, "seconds", default=15.0),
        minutes=_positive(value, "minutes", default=15.0),
    )


def _receiver(value: Mapping[str, Any]) -> ReceiverSettings:
    at = "receiver."
    _known(value, ("listen", "url", "retry_within"), at)
    listen = _text(value, "listen", at)
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) < 65_536:
        raise DeploymentError(f"{at}listen: {listen[:80]!r} is no address and port such as 127.0.0.1:8099")
    host = host.removeprefix("[").removesuffix("]")
    if host in ("0.0.0.0", "::") and "url" not in value:
        raise DeploymentError(f"{at}url: missing; with listen on every address, say by which URL hi.events reaches it")
    return ReceiverSettings(
        host=host,
        port=int(port),
        url=_url(value, "url", at, default=f"http://{listen}"),
        retry_within=_positive(value, "retry_within", default=60.0, at=at),
    )


def _deviation(index: int, value: Any, apps: Sequence[str]) -> Deviation:
    at = f"deviations[{index}]."
    if not isinstance(value, Mapping):
        raise DeploymentError(f"deviations[{index}]: must be a table")
    _known(value, ("requirement", "reason", "owner", "until", "target", "expected"), at)
    until = value.get("until")
    if isinstance(until, str):
        try:
            until = date.fromisoformat(until)
        except ValueError:
            until = None
    if not isinstance(until, date) or isinstance(until, datetime):
        raise DeploymentError(f"{at}until: must be a date such as 2026-12-31, the last day on which it is waived")
    target = _text(value, "target", at, default="")
    if target and target not in apps:
        raise DeploymentError(f"{at}target: {target!r} is none of {', '.join(apps)}")
    expected = _text(value, "expected", at, default="violated")
    if expected != "violated":
        raise DeploymentError(f'{at}expected: only "violated" can be waived')
    return Deviation(
        requirement=_text(value, "requirement", at),
        reason=_text(value, "reason", at),
        owner=_text(value, "owner", at),
        until=until,
        target=target,
        expected=expected,
    )


def _known(value: Mapping[str, Any], names: Sequence[str], at: str) -> None:
    for name in value:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"
            raise DeploymentError(f"{at}{name}: unknown field{hint}")


def _table(value: Mapping[str, Any], name: str, at: str) -> Mapping[str, Any]:
    found = value.get(name, {})
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise DeploymentError(f"{at}{name}: must be a table")
    return found


def _list(value: Mapping[str, Any], name: str, at: str) -> list[Any]:
    found = value.get(name, [])
    if not isinstance(found, list):
        raise DeploymentError(f"{at}{name}: must be a list")
    return found


def _text(value: Mapping[str, Any], name: str, at: str, *, default: str | None = None) -> str:
    found = value.get(name, default)
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise DeploymentError(f"{at}{name}: {'must be text' if name in value else 'missing; it must be text'}")
    return found


def _texts(value: Mapping[str, Any], name: str, at: str) -> tuple[str, ...]:
    found = _list(value, name, at)
    if not all(isinstance(each, str) for each in found):
        raise DeploymentError(f"{at}{name}: must be a list of texts")
    return tuple(found)


def _flag(value: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = value.get(name, default)
    if not isinstance(found, bool):
        raise DeploymentError(f"safety.{name}: must be true or false")
    return found


def _positive(value: Mapping[str, Any], name: str, *, default: float, at: str = "safety.") -> float:
    found = value.get(name, default)
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 < found < math.inf:
        raise DeploymentError(f"{at}{name}: must be a number above 0")
    return float(found)


def _url(value: Mapping[str, Any], name: str, at: str, *, default: str | None = None) -> str:
    text = _text(value, name, at, default=default)
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment or parts.username:
        raise DeploymentError(f"{at}{name}: {text[:80]!r} is no base URL such as https://api.example.com")
    return text.rstrip("/")


def _selectors(value: Mapping[str, Any], at: str) -> dict[str, str]:
    found = _table(value, "selectors", at)
    return {name: _text(found, name, f"{at}selectors.") for name in found}


def _cookie_name(value: Mapping[str, Any], name: str, at: str) -> str:
    text = _text(value, name, at, default="jwt") if value.get(name) != "" else ""
    if not text.isascii() or not text.isprintable() or set(text) & set(' "(),/:;<=>?@[\\]{}'):
        raise DeploymentError(f"{at}{name}: {text[:40]!r} is no name of a cookie, such as jwt")
    return text


def _certificates(value: Mapping[str, Any], name: str) -> str:
    text = _text(value, name, "", default="")
    if not text:
        return text
    try:
        ssl.create_default_context(cafile=text)
    except OSError as error:  # a file that is not there, and one that is no certificate
        raise DeploymentError(
            f"{name}: {text!r} holds no certificates in PEM form that can be read ({error.strerror or error})"
        ) from None
    return text


def _origin(text: str, at: str) -> str:
    """An origin as browsers send it; empty where there is none."""
    origin = text.rstrip("/")
    try:
        parts = urlsplit(origin)
        valid = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and origin == f"{parts.scheme}://{parts.netloc}"
        )
    except ValueError:
        valid = False
    if origin and not valid:
        raise DeploymentError(f"{at}: {text[:80]!r} is no origin such as https://tickets.example.com")
    return origin


def _sendable(secret: str, at: str) -> str:
    """A secret that can travel in a header. Raises DeploymentError without showing it."""
    if not (secret.isascii() and secret.isprintable()):
        raise DeploymentError(f"{at}: holds a line break or a character that is not ASCII, so no header can carry it")
    return secret


def _with_forms(*names: str) -> tuple[str, ...]:
    return tuple(each for name in names for each in (name, *(f"{name}_{form}" for form in _SECRET_FORMS)))


def _secret(value: Mapping[str, Any], name: str, at: str, *, required: bool = False) -> str:
    """A secret as text, or from an environment variable, a file, or a command's output (its last line)."""
    given = [each for each in _with_forms(name) if each in value]
    if len(given) > 1:
        raise DeploymentError(f"{at}{name}: give one of {', '.join(given)}, not {len(given)}")
    if not given:
        if required:
            raise DeploymentError(f"{at}{name}: missing; give {name}, {name}_env, {name}_file or {name}_command")
        return ""
    text = _text(value, given[0], at)
    form = given[0][len(name) + 1 :]
    if form == "env":
        found = os.environ.get(text, "")
        if not found:
            raise DeploymentError(f"{at}{given[0]}: the environment variable {text} is not set")
        return found
    if form == "file":
        try:
            return Path(text).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise DeploymentError(f"{at}{given[0]}: {text!r} cannot be read") from None
    return _printed(text, at + given[0]) if form == "command" else text


def _printed(command: str, at: str) -> str:
    # With the programs of our own environment, which need not be activated.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        done = subprocess.run(
            shlex.split(command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
            check=False,
            env={**os.environ, "PATH": path},
        )
    except (OSError, ValueError, IndexError) as error:
        raise DeploymentError(f"{at}: cannot be run ({error})") from None
    except subprocess.TimeoutExpired:
        raise DeploymentError(f"{at}: did not finish within {_COMMAND_SECONDS} s") from None
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise DeploymentError(
            f"{at}: exit code {done.returncode}, {len(lines)} lines printed; it must print the secret"
        )
    return lines[-1].strip()
