"""A deployment: what is verified, as whom, and what is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from harness.redact import like_a_token
from harness.tls import TlsSettings

Kind = Literal["simulated", "local", "staging", "production"]
Role = Literal["organiser", "member", "outsider", "nameless", "user"]
ROLES: tuple[str, ...] = get_args(Role)
_SHORTEST_KEPT = 20


class DeploymentError(ValueError):
    """A deployment, or its file, that cannot be used; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Control:
    """Access to a simulator's control plane."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Access to an application's metrics, in the format of Prometheus. `token`: a bearer token, if one is needed.

    `requests`: the counter of requests, by route and status; `seconds` and `database_seconds`: the histograms of times
    of requests, and of queries of the database (empty: none). Labels that are empty are found by their usual names.
    `routes`: the value of the route's label by operationId, if it is not the path.
    """

    url: str
    token: str = field(default="", repr=False)
    requests: str = "http_requests_total"
    seconds: str = "http_request_duration_seconds"
    database_seconds: str = ""
    route_label: str = ""
    status_label: str = ""
    method_label: str = ""
    routes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """One application under test.

    `url` is the base URL of its pages, `api_url` of its API. `kind`: simulated, local, staging or production.
    `session_expiry`: seconds. `rate_limits`: requests a minute by operationId (0: no limit). `database`: an SQLAlchemy
    URL. `audit_command`: a command that prints its audit log, if that is in no table. `launch`: a command that
    starts a second instance with other environment variables and prints its deployment description as JSON.
    `jwt_cookie`: the cookie in which its pages send a user's JWT (empty: as a bearer token). `jwt_storage`: where its
    pages keep it, if not in a cookie (localStorage:KEY or sessionStorage:KEY). `selectors`: how parts of its pages are
    found in a browser, by name, if not by the usual selectors.
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
    audit_command: tuple[str, ...] = ()
    metrics: Metrics | None = None
    control: Control | None = None
    launch: tuple[str, ...] = ()
    jwt_cookie: str = "jwt"
    jwt_storage: str = ""
    selectors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """A seeded user. `role`: organiser, member, outsider, nameless or user; `jwt` a token that is valid now;
    `storage_state` the state of a browser in which the user is signed in, as Playwright saves it; `test`: a test user,
    who may be used in a production."""

    role: str
    jwt: str = field(repr=False)
    account_id: int
    user_id: str = ""
    email: str = ""
    name: str | None = None
    expired_jwt: str = field(default="", repr=False)
    storage_state: Mapping[str, Any] | None = field(default=None, repr=False)
    test: bool = False


@dataclass(frozen=True, slots=True)
class Linked:
    """An event that exists at hi.events and at tuvens-api: its id on either side."""

    hi: str
    tuvens: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """A declared deviation: of a requirement (an id or a pattern with `*`), or one that is known by `name`. `until` is
    the last day of its waiver."""

    requirement: str
    reason: str
    owner: str
    until: date
    target: str = ""
    expected: str = "violated"
    name: str = ""

    @property
    def what(self) -> str:
        """Its name, or the requirement that it declares."""
        return self.name or self.requirement


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """How crossapp receives webhooks itself: it listens on `host` and `port`, the sender reaches it by `url`.

    `retry_within`: seconds within which the sender retries a failed delivery.
    """

    host: str
    port: int
    url: str
    retry_within: float = 60.0


@dataclass(frozen=True, slots=True)
class Safety:
    """What may be done to the deployment. `seconds`: time-out of one exchange; `minutes`: of the whole run.

    `exhaust_rate_limits`: send until the response is 429, where the limit is not above `exhaust_up_to` requests a
    minute. `change_events`: send webhooks and change the named events, in a production only its test events.
    `fuzz`: send invalid requests, with valid credentials too; `unexpected_methods`: also with methods that no document
    names (such as DELETE on an event's path). `requests_a_second` and `most_requests` in a run: 0 for no limit.
    """

    exhaust_rate_limits: bool
    change_events: bool
    fuzz: bool = True
    unexpected_methods: bool = False
    exhaust_up_to: int = 1_000
    requests_a_second: float = 0.0
    most_requests: int = 0
    seconds: float = 15.0
    minutes: float = 15.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a run verifies. `test_events`: ids at tuvens-api of the events that may be changed in a production.

    `ca_file`: certificates of authorities besides the public ones; `client_certificate` and `client_key`: what is shown
    to servers that demand a certificate; `proxy`: the URL of a proxy through which all but this machine is reached.
    """

    name: str
    edition: str
    targets: Mapping[str, Target]
    users: tuple[User, ...]
    shared_secret: str = field(repr=False)
    jwt_secret: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    foreign_event: str = ""
    linked: tuple[Linked, ...] = ()
    test_events: tuple[str, ...] = ()
    return_origin: str = ""
    safety: Safety = field(default_factory=lambda: Safety(True, True))
    deviations: tuple[Deviation, ...] = ()
    ca_file: str = ""
    client_certificate: str = ""
    client_key: str = ""
    proxy: str = field(default="", repr=False)
    receiver: ReceiverSettings | None = None

    @property
    def is_production(self) -> bool:
        """Whether a target is one: simulators beside a production call it, too."""
        return any(each.kind == "production" for each in self.targets.values())

    @property
    def changeable_events(self) -> tuple[str, ...]:
        """The events of tuvens-api that may be changed, if any may; in a production those marked as test events."""
        return tuple(each for each in self.events if not self.is_production or each in self.test_events)

    @property
    def changeable_linked(self) -> tuple[Linked, ...]:
        """As `changeable_events`, the linked ones."""
        return tuple(each for each in self.linked if not self.is_production or each.tuvens in self.test_events)

    def user(self, role: str) -> User | None:
        """The first user of a role."""
        return next((each for each in self.users if each.role == role), None)

    @property
    def tls(self) -> TlsSettings:
        """How certificates are checked, and which one is shown to servers that demand one."""
        return TlsSettings(self.ca_file, self.client_certificate, self.client_key)

    def secrets(self) -> list[tuple[str, str]]:
        """(kind, value) of every secret of the deployment."""
        found = [("shared-secret", self.shared_secret), ("jwt-secret", self.jwt_secret)]
        found += [("jwt", text) for user in self.users for text in (user.jwt, user.expired_jwt)]
        found += [("jwt", text) for user in self.users for text in _kept(user.storage_state)]
        found += [("metrics-token", each.metrics.token) for each in self.targets.values() if each.metrics]
        found += [("control-token", each.control.token) for each in self.targets.values() if each.control]
        for kind, url in [*(("database", each.database) for each in self.targets.values()), ("proxy", self.proxy)]:
            password = urlsplit(url).password if url else None
            if password and not password.isalpha():  # a plain word, such as postgres, stands in many texts
                found.append((f"{kind}-password", password))
        return [(kind, value) for kind, value in found if value]


def _kept(state: Mapping[str, Any] | None) -> list[str]:
    """The values of the cookies and of localStorage in a browser's state that may be secrets: long enough to be one."""
    if state is None:
        return []
    entries = [*state["cookies"], *(entry for origin in state["origins"] for entry in origin["localStorage"])]
    return [each["value"] for each in entries if len(each["value"]) >= _SHORTEST_KEPT and like_a_token(each["value"])]
