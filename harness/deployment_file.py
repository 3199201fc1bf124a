"""Reads a deployment file: TOML, or the same as JSON. Its fields stand in deployment_tables.py."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.data_file import read_data
from harness.deployment import (
    Control,
    Deployment,
    DeploymentError,
    Deviation,
    Linked,
    Metrics,
    ReceiverSettings,
    Safety,
    Target,
    User,
)
from harness.secret_sources import read_header_secret, read_jwt, read_own_secret, read_secret
from harness.suggestions import meant
from harness.tls import tls_context

if TYPE_CHECKING:
    from harness.deployment_tables import (
        DeploymentTable,
        EventsTable,
        MetricsTable,
        ReceiverTable,
        SafetyTable,
        TargetTable,
        UserTable,
    )

_NEVER_IN_PRODUCTION = ("exhaust_rate_limits", "fuzz", "unexpected_methods")
_MOST_IN_PRODUCTION = {"requests_a_second": 10, "most_requests": 500}
_FILES = ("storage_state", "client_certificate", "client_key")


def read_deployment(path: Path, *, apps: Sequence[str], editions: Sequence[str]) -> dict[str, Any]:
    """The file as a mapping, every field checked but its secrets not read; files that it names are relative to its own
    folder. Raises DeploymentError."""
    value = read_data(path, DeploymentError)
    value.pop("$schema", None)
    with naming(path):
        if not value:
            raise DeploymentError("the file is empty: crossapp init writes one")
        table = _table(value, apps)
        if table.edition not in ("", *editions):
            raise DeploymentError(f"edition: {table.edition!r} is not known; known is {', '.join(editions)}")
    return {name: _placed(name, each, path.absolute().parent) for name, each in value.items()}


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors inside the block name the file."""
    try:
        yield
    except DeploymentError as error:
        text = str(error)
        raise DeploymentError(text if text.startswith(f"{path}: ") else f"{path}: {text}") from error


def _placed(name: str, value: Any, folder: Path) -> Any:
    """A field's value, in which the names of files are those below the deployment file's `folder`."""
    match value:
        case dict():
            return {inner: _placed(inner, each, folder) for inner, each in value.items()}
        case list():
            return [_placed(name, each, folder) for each in value]
        case str() if value and (name.endswith("_file") or name in _FILES):
            return str(folder / value)
        case _:
            return value


def build_deployment(value: Mapping[str, Any], *, apps: Sequence[str], editions: Sequence[str]) -> Deployment:
    """A Deployment from a file's mapping, or from what the simulators print; its secrets are read. Raises
    DeploymentError."""
    table = _table(value, apps)
    targets = {app: _target(app, each) for app, each in table.targets.items()}
    production = any(each.kind == "production" for each in targets.values())
    # Secrets of users who are not used are not read.
    users = tuple(
        _user(f"users[{index}].", each) for index, each in enumerate(table.users) if each.test or not production
    )
    if production and table.users and not any(each.role == "organiser" for each in users):
        raise DeploymentError(
            "users: the kind of a target is production, where only test users are used: add test = true to the "
            'organiser, if it is a test user, or [[users]] with role = "organiser" and test = true'
        )
    if not users:
        raise DeploymentError(
            'users: name at least one [[users]] with role = "organiser", account_id and a jwt (jwt, jwt_env, '
            "jwt_file or jwt_command)"
        )
    if not any(each.role == "organiser" for each in users):
        raise DeploymentError('users: one of them must have role = "organiser" (holds manage_ticketing in account_id)')
    _refuse_twice("events.tuvens", table.events.tuvens)
    _refuse_twice("events.linked", [each.hi for each in table.events.linked])
    _refuse_twice("events.linked", [each.tuvens for each in table.events.linked])
    return Deployment(
        name=table.name,
        edition=table.edition or editions[0],
        targets=targets,
        users=users,
        shared_secret=read_header_secret(table.credentials, "shared_secret", "credentials.", required=True),
        jwt_secret=read_own_secret(table.credentials, "jwt_secret", "credentials."),
        events=table.events.tuvens,
        foreign_event=table.events.foreign,
        linked=tuple(Linked(each.hi, each.tuvens) for each in table.events.linked),
        test_events=_test_events(table.events),
        return_origin=table.return_origin,
        safety=_safety(table.safety, production=production, test_events=bool(table.events.test)),
        deviations=tuple(Deviation(**dict(each)) for each in table.deviations),
        ca_file=_authorities(table.ca_file),
        client_certificate=_certificate(table.client_certificate, table.client_key),
        client_key=table.client_key,
        proxy=_proxy(read_secret(table, "proxy", "")),
        receiver=_receiver(table.receiver) if table.receiver is not None else None,
    )


def _refuse_twice(at: str, events: Sequence[str]) -> None:
    """Stories that change an event have it to themselves: one that is named twice would be lent to two of them."""
    again = next((each for number, each in enumerate(events) if each in events[:number]), None)
    if again is not None:
        raise DeploymentError(f"{at}: names the event {again!r} twice; remove one of them")


def _table(value: Mapping[str, Any], apps: Sequence[str]) -> "DeploymentTable":
    from harness.deployment_tables import DeploymentTable
    from harness.file_tables import validated

    targets = value.get("targets")
    for app in targets if isinstance(targets, Mapping) else ():
        if app not in apps:
            # [targets.hi.events] without quotes is a table `hi`.
            hint = next((f"write {_table_name(each)}" for each in apps if each.startswith(f"{app}.")), meant(app, apps))
            raise DeploymentError(f"targets.{app}: unknown application; {hint}")
    for app in apps:
        for name in {app, app.partition(".")[0]} & set(value):
            raise DeploymentError(f"{name}: unknown field; write {_table_name(app)}")
    table = validated(DeploymentTable, value, DeploymentError)
    for index, deviation in enumerate(table.deviations):
        if deviation.target not in ("", *apps):
            raise DeploymentError(
                f"deviations[{index}].target: unknown application {deviation.target!r}; {meant(deviation.target, apps)}"
            )
    return table


def _table_name(app: str) -> str:
    return f'[targets."{app}"]' if "." in app else f"[targets.{app}]"


def _target(app: str, table: "TargetTable") -> Target:
    at = f"targets.{app}."
    if not table.url:
        raise DeploymentError(
            f"{at}url: {'must be text' if 'url' in table.model_fields_set else 'missing; it must be text'}"
        )
    if "port" in table.model_fields_set:
        raise DeploymentError(f"{at}port: only for an application without url, which is simulated")
    control = table.control
    return Target(
        app=app,
        url=table.url,
        api_url=table.api_url or table.url,
        kind=table.kind,
        session_expiry=table.session_expiry,
        rate_limits=table.rate_limits,
        cors_origins=table.cors_origins,
        database=read_secret(table, "database", at),
        audit_table=table.audit_table,
        audit_command=table.audit_command,
        metrics=_metrics(app, table.metrics, at) if table.metrics is not None else None,
        control=Control(control.url, read_header_secret(control, "token", f"{at}control.", required=True))
        if control is not None
        else None,
        launch=table.launch,
        # A page that keeps the JWT itself sends it as a bearer token.
        jwt_cookie=table.jwt_cookie if "jwt_cookie" in table.model_fields_set or not table.jwt_storage else "",
        jwt_storage=table.jwt_storage,
        selectors=table.selectors,
    )


def _metrics(app: str, table: "MetricsTable", at: str) -> Metrics:
    if app != "tuvens-api":
        raise DeploymentError(f"{at}metrics: only those of tuvens-api are judged: remove it")
    return Metrics(
        url=table.url,
        token=read_header_secret(table, "token", f"{at}metrics."),
        requests=table.requests,
        seconds=table.seconds,
        database_seconds=table.database_seconds,
        route_label=table.route_label,
        status_label=table.status_label,
        method_label=table.method_label,
        routes=table.routes,
    )


def _user(at: str, table: "UserTable") -> User:
    from harness.browser_state import read_state  # pydantic is imported only where a file is read

    return User(
        role=table.role,
        jwt=read_jwt(table, "jwt", at, required=True),
        account_id=table.account_id,
        user_id=table.user_id,
        email=table.email,
        name=table.name,
        expired_jwt=read_jwt(table, "expired_jwt", at),
        storage_state=read_state(table.storage_state, at),
        test=table.test,
    )


def _test_events(table: "EventsTable") -> tuple[str, ...]:
    known = {*table.tuvens, *(each.tuvens for each in table.linked)}
    for each in table.test:
        if each not in known:
            raise DeploymentError(
                f"events.test: {each!r} is neither in events.tuvens nor the tuvens id of one in events.linked: add it "
                "there, too"
            )
    return table.test


def _safety(table: "SafetyTable", *, production: bool, test_events: bool) -> Safety:
    said = table.model_dump(exclude_none=True)
    if not production:
        return Safety(**{**dict.fromkeys(("exhaust_rate_limits", "change_events", "fuzz"), True), **said})
    for name in _NEVER_IN_PRODUCTION:
        if said.get(name):
            raise DeploymentError(
                f"safety.{name}: must not be true where the kind of a target is production: remove it, and verify a "
                "staging with it"
            )
    if said.get("change_events") and not test_events:
        raise DeploymentError(
            "safety.change_events: must not be true where the kind of a target is production, unless events.test names "
            "test events: no others are changed"
        )
    for name, most in _MOST_IN_PRODUCTION.items():
        if said.get(name, most) > most:
            raise DeploymentError(
                f"safety.{name}: must be at most {most} where the kind of a target is production: lower or remove it"
            )
    default = {**dict.fromkeys(_NEVER_IN_PRODUCTION, False), "change_events": test_events, **_MOST_IN_PRODUCTION}
    return Safety(**{**default, **said})


def _receiver(table: "ReceiverTable") -> ReceiverSettings:
    host, _, port = table.listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host in ("0.0.0.0", "::") and not table.url:
        raise DeploymentError(
            "receiver.url: missing; with listen on every address, say by which URL hi.events reaches it"
        )
    return ReceiverSettings(host, int(port), table.url or f"http://{table.listen}", table.retry_within)


def _authorities(file: str) -> str:
    try:
        if file:
            tls_context(file)
    except OSError as error:  # a file that is missing, or that is no certificate
        raise DeploymentError(
            f"ca_file: {file!r} holds no certificates in PEM form that can be read ({error.strerror or error})"
        ) from None
    return file


def _certificate(file: str, key: str) -> str:
    if key and not file:
        raise DeploymentError("client_key: only with client_certificate, the certificate that belongs to it")
    try:
        if file:
            tls_context("", file, key)
    except OSError as error:
        raise DeploymentError(
            f"client_certificate: {file!r} and {key or 'the same file'!r} hold no certificate with its key, not "
            f"encrypted, in PEM form ({error.strerror or error})"
        ) from None
    return file


def _proxy(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.path in ("", "/")
        valid = valid and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if url and not valid:
        raise DeploymentError("proxy: is not the URL of an HTTP proxy such as http://proxy.example.com:3128")
    return url
