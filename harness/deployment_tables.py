"""The deployment file as pydantic models: its fields, types and defaults, as written by users (TOML or JSON)."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from harness.deployment import Kind, Role
from harness.file_tables import ListOf, Must, Table, Text

_DEFAULT_PORTS = {"http": 80, "https": 443}


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        valid = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if text and (not valid or parts.query or parts.fragment or parts.username):
        raise ValueError(f"{_without_user(text)[:80]!r} is not a base URL such as https://api.example.com")
    return f"{_origin_of(parts)}{parts.path}".rstrip("/") if text else ""


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        valid = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if text and (not valid or parts.path or parts.query or parts.fragment or parts.username):
        raise ValueError(f"{_without_user(text)[:80]!r} is not an origin such as https://tickets.example.com")
    return _origin_of(parts) if text else ""


def _origin_of(parts: SplitResult) -> str:
    """The origin as browsers write it: scheme and host in lower case, without the scheme's own port."""
    host = parts.netloc.lower()
    return f"{parts.scheme}://{host.removesuffix(f':{_DEFAULT_PORTS[parts.scheme]}')}"


def _without_user(text: str) -> str:
    """The text without the user and password of a URL, which may be secret."""
    before, at, after = text.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at else text


def _cookie_name(text: str) -> str:
    if not text.isascii() or not text.isprintable() or set(text) & set(' "(),/:;<=>?@[\\]{}'):
        raise ValueError(f"{text[:40]!r} is not the name of a cookie, such as jwt")
    return text


def _storage(text: str) -> str:
    place, _, key = text.partition(":")
    if text and (place not in ("localStorage", "sessionStorage") or not key):
        raise ValueError(f"{text[:60]!r} is not a place in a browser such as localStorage:tuvens_auth_token")
    return text


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port[:6]) < 65_536:
        raise ValueError(f"{text[:80]!r} is not an address and port such as 127.0.0.1:8099")
    return text


def _date(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Id = BeforeValidator(_id, json_schema_input_type=int | str)
EventId = Annotated[Text, Id, Must("must be an event's id")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False), Must("must be a number above 0")]
RequestsAMinute = Annotated[int, Field(ge=0), Must("must be a whole number of requests a minute (0: no limit)")]


class ControlTable(Table):
    """Access to a simulator's control plane."""

    url: BaseUrl
    token: Text = ""
    token_env: Text = ""
    token_file: Text = ""
    token_command: Text = ""


class MetricsTable(Table):
    """Metrics of tuvens-api in the format of Prometheus; crossapp reads them (docs/staging.md)."""

    must_be: ClassVar[str] = 'must be a table with url = "https://…/metrics"'

    url: BaseUrl
    """Where they are. Of several processes: those of all together."""
    token: Text = ""
    """A token that is sent as a bearer token."""
    token_env: Text = ""
    token_file: Text = ""
    token_command: Text = ""
    requests: Text = "http_requests_total"
    """The counter of requests, by route and status; if it is missing, the count of `seconds`."""
    seconds: Text = "http_request_duration_seconds"
    """The histogram of the times of requests, by route and status."""
    database_seconds: Text = ""
    """The histogram of the times of queries of the database."""
    route_label: Text = ""
    """The label of the route, if not route, handler, path, endpoint or uri."""
    status_label: Text = ""
    """The label of the status, if not status, status_code or code."""
    method_label: Text = ""
    """The label of the method, if not method."""
    routes: dict[str, Text] = Field(default_factory=dict)
    """The value of the route's label by operationId, if it is not the path."""


class TargetTable(Table):
    """One application. Without a url it is simulated, on the given port."""

    must_be: ClassVar[str] = 'must be a table with url = "https://…"'

    url: BaseUrl = ""
    """Where its pages are."""
    api_url: BaseUrl = ""
    """Where its API is, if not at url."""
    port: Annotated[int, Field(ge=0, le=65_535), Must("must be a port number")] = 0
    """Without a url: the port of its simulator on this machine."""
    kind: Kind = "staging"
    """A production is never attacked: it gets reads, and what its test users do with its test events."""
    session_expiry: Annotated[int, Field(ge=1), Must("must be a whole number of seconds")] | None = None
    """Seconds until a session expires, if not the contract's 900."""
    rate_limits: dict[str, RequestsAMinute] = Field(default_factory=dict)
    """Requests a minute by operationId, if not the contract's; 0: no limit."""
    cors_origins: ListOf[Origin] = ()
    """Origins that its API allows."""
    database: Text = ""
    """An SQLAlchemy URL, if access to its database is given."""
    database_env: Text = ""
    """The environment variable with that URL."""
    audit_table: str = ""
    """The table of its audit log."""
    audit_command: ListOf[str] = ()
    """A command that prints its audit log, a record on each line, if that is in no table; for a file: cat FILE."""
    metrics: MetricsTable | None = None
    """Its metrics, if access to them is given; of tuvens-api only."""
    control: ControlTable | None = None
    launch: ListOf[str] = ()
    """A command that starts a second instance with other environment variables and prints its description as JSON."""
    jwt_cookie: Annotated[str, AfterValidator(_cookie_name)] = "jwt"
    """The cookie in which its pages send a user's JWT; empty: as a bearer token."""
    jwt_storage: Annotated[str, AfterValidator(_storage)] = ""
    """Where its pages keep a user's JWT, if not in a cookie: localStorage:KEY or sessionStorage:KEY. Their requests
    then carry a bearer token, unless jwt_cookie is said, too."""
    selectors: dict[str, Text] = Field(default_factory=dict)
    """How parts of its pages are found, by name, if not by role and text (docs/browser.md)."""


class CredentialsTable(Table):
    """Secrets: as text, or the name of an environment variable, a file, or a command that prints one."""

    shared_secret: Text = ""
    """The secret that tuvens-api and hi.events share."""
    shared_secret_env: Text = ""
    shared_secret_file: Text = ""
    shared_secret_command: Text = ""
    jwt_secret: Text = ""
    """The secret by which tuvens-api signs JWTs; with it, expired and forged JWTs can be made."""
    jwt_secret_env: Text = ""
    jwt_secret_file: Text = ""
    jwt_secret_command: Text = ""


class UserTable(Table):
    """A seeded user of tuvens-api."""

    test: bool = False
    """A test user: in a production no others are used."""
    role: Role = "user"
    """organiser: holds manage_ticketing in account_id; member: does not; outsider: is in another account only."""
    user_id: Annotated[str, Id, Must("must be the user's id at tuvens-api, as text or a number")] = ""
    """The user's id at tuvens-api."""
    email: str = ""
    name: str | None = None
    account_id: Annotated[int, Field(ge=1), Must("must be the number of an account that this user belongs to")]
    """An account that the user belongs to."""
    jwt: Text = ""
    """A JWT that is valid now."""
    jwt_env: Text = ""
    jwt_file: Text = ""
    jwt_command: Text = ""
    storage_state: Text = ""
    """A file with the state of a browser in which the user is signed in, as Playwright saves it (storageState)."""
    expired_jwt: Text = ""
    """A JWT of the user that has expired."""
    expired_jwt_env: Text = ""
    expired_jwt_file: Text = ""
    expired_jwt_command: Text = ""


class LinkedTable(Table):
    """An event that exists on both sides."""

    must_be: ClassVar[str] = "must be { hi = …, tuvens = … }, the event's id on either side"

    hi: EventId
    """Its id at hi.events."""
    tuvens: EventId
    """Its id at tuvens-api."""

    @model_validator(mode="before")
    @classmethod
    def _check_both(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not {"hi", "tuvens"} <= value.keys():
            raise PydanticCustomError("must", cls.must_be)
        return value


class EventsTable(Table):
    """Events that stories may use."""

    tuvens: ListOf[EventId] = ()
    """Events of the organiser's account at tuvens-api; stories change them."""
    foreign: EventId = ""
    """An event of an account that the organiser does not belong to."""
    linked: ListOf[LinkedTable] = ()
    """Events that exist on both sides; stories change them."""
    test: ListOf[EventId] = ()
    """Those of events.tuvens and events.linked, by their ids at tuvens-api, that are test events: in a production no
    others are changed."""


class SafetyTable(Table):
    """What may be done to the deployment."""

    exhaust_rate_limits: bool | None = None
    """Send until 429 comes; never on a production."""
    exhaust_up_to: RequestsAMinute = 1_000
    """The highest rate limit, in requests a minute, that is used up."""
    change_events: bool | None = None
    """Send webhooks and change the named events; on a production only events.test."""
    fuzz: bool | None = None
    """Send nonsense, with right credentials too; never on a production."""
    unexpected_methods: bool = False
    """Fuzz with methods, too, that no document names, DELETE among them; never on a production."""
    requests_a_second: Seconds | None = None
    """Requests a second of a run at most; on a production 10 or fewer, which is the default there."""
    most_requests: Annotated[int, Field(ge=1), Must("must be a whole number of requests")] | None = None
    """Requests of a whole run at most; on a production 500 or fewer, which is the default there."""
    seconds: Seconds = 15.0
    """Time-out of one exchange."""
    minutes: Seconds = 15.0
    """Time-out of the whole run."""


class DeviationTable(Table):
    """A declared deviation: a rule that is known to be violated until a date, or a known deviation by its name."""

    name: Text = ""
    """The name of a ready-made deviation (docs/deviations.md), which covers every rule that it touches."""
    requirement: Text = ""
    """The id of a requirement, or a pattern with `*`."""
    reason: Text = ""
    """Why. A ready-made deviation may leave it out."""
    owner: Text
    until: Annotated[
        date,
        BeforeValidator(_date),
        Must("must be a date such as 2026-12-31, the last day on which it is waived"),
    ]
    """The last day on which it is waived."""
    target: str = ""
    """The application that deviates; empty: any."""
    expected: Annotated[Literal["violated"], Must('only "violated" can be waived')] = "violated"

    @model_validator(mode="after")
    def _check_what(self) -> Self:
        if bool(self.name) == bool(self.requirement):
            raise PydanticCustomError("must", "must say either the name of a deviation, or a requirement")
        if self.requirement and not self.reason:
            raise PydanticCustomError("must", "must say the reason")
        return self


class ReceiverTable(Table):
    """crossapp receives hi.events' webhooks itself (docs/webhook-receiver.md)."""

    listen: Annotated[Text, AfterValidator(_address)]
    """Address and port on which it listens during a run."""
    url: BaseUrl = ""
    """The URL by which hi.events reaches it, if not http:// and listen."""
    retry_within: Seconds = 60.0
    """Seconds within which hi.events tries a failed delivery again."""


class DeploymentTable(Table):
    """A deployment of tuvens-client, tuvens-api and hi.events that crossapp verifies."""

    name: str = "deployment"
    edition: str = ""
    """The edition of the contract; empty: the first known one."""
    targets: dict[str, TargetTable] = Field(default_factory=dict)
    """The applications; one without a url, or left out, is simulated."""
    credentials: CredentialsTable = CredentialsTable()
    users: ListOf[UserTable] = ()
    events: EventsTable = EventsTable()
    return_origin: Origin = ""
    """An origin to which hi.events may redirect after a sign-in."""
    safety: SafetyTable = SafetyTable()
    deviations: ListOf[DeviationTable] = ()
    ca_file: str = ""
    """A file of certificates (PEM) of authorities of your own, besides the public ones. As all files that are named
    here, it is relative to the folder of this file."""
    client_certificate: str = ""
    """A file (PEM) with the certificate that servers demand of their clients, and its key."""
    client_key: str = ""
    """A file (PEM) with that key, if it is not in the same file; not encrypted."""
    proxy: Text = ""
    """The URL of an HTTP proxy through which the applications are reached, such as http://proxy.example.com:3128."""
    proxy_env: Text = ""
    """The environment variable with that URL, where it has a password."""
    receiver: ReceiverTable | None = None
