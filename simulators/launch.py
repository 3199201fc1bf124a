"""Starts simulators in one process and event loop, each with its own port and clock."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address
from typing import Any

import openapi
from harness.deployment import Control
from harness.running import Instance, RunningApp
from harness.server import ServeError, Server, listen
from harness.suggestions import meant
from simulators.hi_events.config import HiEventsConfig
from simulators.hi_events.policy import PAUSES, DeliveryPolicy
from simulators.kit.errors import StartError
from simulators.kit.origins import origin_of
from simulators.kit.paths import CONTROL
from simulators.kit.ratelimit import rules_of
from simulators.kit.simulator import Simulator
from simulators.launch_faults import all_faults, by_header, check_faults, faults_of, made_faults
from simulators.own_authority import OwnAuthority
from simulators.people import main_account, people
from simulators.seed import Seed, default_seed
from simulators.tuvens_api.config import TuvensApiConfig
from simulators.tuvens_api.jwts import mint_jwt
from simulators.tuvens_client.config import TuvensClientConfig
from simulators.workers import Workers
from simulators.workers import check as check_workers

TUVENS_API, HI_EVENTS, TUVENS_CLIENT = "tuvens-api", "hi.events", "tuvens-client"
APPS = (TUVENS_API, HI_EVENTS, TUVENS_CLIENT)
LOCAL_PORTS: Mapping[str, int] = {TUVENS_API: 3000, HI_EVENTS: 3001, TUVENS_CLIENT: 5173}
LOOPBACK = "127.0.0.1"
CLIENT_ORIGIN = "http://localhost:5173"


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """What to start, and how.

    `only`: the applications to start. `host`: the IPv4 address on which they listen; where other machines reach it,
    they may use the control planes, too. `ports`: by application; 0 or none is a free port. `faults`: armed from the
    start, each in the application that has it. `database`: one SQLAlchemy URL for all (None: a temporary SQLite file
    for each); `database_schema` is for PostgreSQL. `limits`: the contract's rate limits, or raised (in effect none).
    `tuvens_url`: the tuvens-api that the others call (None: the started one, else port 3000 of this machine).
    `webhooks_url`: where hi.events sends webhooks (None: to that tuvens-api). `hi_events_url`: the hi.events that
    tuvens-client links to (None: the started one). `ca_file`: certificates (PEM) by which those of applications that
    are called are checked. `https`: serve by https, with certificates of the user's own authority. `client_origins`:
    origins of tuvens-client besides the started one. `public_urls`: by application the origin by which browsers and
    other machines reach it, where that is not the one on which it listens: behind a reverse proxy. `control`: whether
    the control planes are served. `environment`: the documented variables. `upstream_timeout` and `webhook_timeout`:
    real seconds for one call of hi.events. `webhook_pauses`: seconds before each retry, by the clock of hi.events.
    `workers`: the number of processes of tuvens-api, on PostgreSQL. `clocks`: seconds by which the clock of an
    application is ahead of the machine's (negative: behind).
    """

    only: tuple[str, ...] = APPS
    host: str = LOOPBACK
    ports: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    database: str | None = None
    database_schema: str | None = None
    seed: Seed = field(default_factory=default_seed)
    limits: str = "contract"
    tuvens_url: str | None = None
    webhooks_url: str | None = None
    hi_events_url: str | None = None
    ca_file: str = ""
    https: bool = False
    client_origins: tuple[str, ...] = (CLIENT_ORIGIN,)
    public_urls: Mapping[str, str] = field(default_factory=dict)
    control: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    upstream_timeout: float = 10.0
    webhook_timeout: float = 10.0
    webhook_pauses: tuple[float, ...] = PAUSES
    workers: int = 1
    clocks: Mapping[str, float] = field(default_factory=dict)


class Launched:
    """Simulators with their ports, ready to be served. Raises StartError, which names what is wrong."""

    def __init__(self, options: LaunchOptions) -> None:
        self.options = options
        self.simulators: dict[str, Simulator] = {}
        self.urls: dict[str, str] = {}
        self.control_tokens: dict[str, str] = {}
        _check(options)
        self._listeners: dict[str, socket.socket] = {}
        self._authority = OwnAuthority() if options.https else None
        try:
            for app in options.only:
                self._listeners[app] = _listen(app, options)
                self.urls[app] = (
                    f"{'https' if options.https else 'http'}://{self._name}:{self._listeners[app].getsockname()[1]}"
                )
                if options.control:
                    self.control_tokens[app] = secrets.token_urlsafe(16)
            self.public_urls = {**self.urls, **{app: url.rstrip("/") for app, url in options.public_urls.items()}}
            self._tuvens_config = self._configure_tuvens_api()
            # An application is imported where it is started: half of the time of a start is imports.
            if TUVENS_API in options.only:
                from simulators.tuvens_api.app import create as create_tuvens_api

                self.simulators[TUVENS_API] = create_tuvens_api(self._tuvens_config)
            if HI_EVENTS in options.only:
                from simulators.hi_events.app import create as create_hi_events

                self.simulators[HI_EVENTS] = create_hi_events(self._configure_hi_events())
            if TUVENS_CLIENT in options.only:
                from simulators.tuvens_client.app import create as create_tuvens_client

                self.simulators[TUVENS_CLIENT] = create_tuvens_client(self._configure_tuvens_client())
            for app, simulator in self.simulators.items():
                simulator.address = self.urls[app]
                simulator.served_to_others = self.served_to_others
                simulator.clock.set(simulator.clock.now() + options.clocks.get(app, 0.0))
                for fault, times in made_faults(app, options.faults):
                    simulator.arm_at_start(fault, times)
                if options.control:
                    simulator.together = tuple(self.simulators.values())
        except BaseException:
            self.close()
            raise

    @property
    def served_to_others(self) -> bool:
        """Whether other machines can reach it: by the address on which it listens, or by a reverse proxy."""
        return not ip_address(self.options.host).is_loopback or bool(self.options.public_urls)

    @property
    def _name(self) -> str:
        """By which name the applications call each other, and pages link to them."""
        return LOOPBACK if ip_address(self.options.host).is_unspecified else self.options.host

    @property
    def ca_file(self) -> str:
        """The certificates (PEM) of the authority that signed those of the applications; empty if none did."""
        return "" if self._authority is None else str(self._authority.file)

    def _tls(self) -> dict[str, Any]:
        if self._authority is None:
            return {}
        context = self._authority.tls("localhost", LOOPBACK, self._name)
        return {"ssl_context_factory": lambda _config, _default: context}

    @property
    def shared_secret(self) -> str:
        """The secret between the back ends."""
        return self._tuvens_config.shared_secret

    @property
    def jwt_secret(self) -> str:
        """The key of users' JWTs."""
        return self._tuvens_config.jwt_secret

    @property
    def inspector(self) -> str | None:
        """The URL of the inspector with its token; None without control planes."""
        from harness.inspector.page import address

        # tuvens-api's origin has no pages of its own, which could look at what the browser keeps for the inspector.
        app = TUVENS_API if TUVENS_API in self.control_tokens else next(iter(self.control_tokens), None)
        return None if app is None else address(self.urls[app] + CONTROL, self.control_tokens[app])

    def instance(self) -> Instance | None:
        """What other commands need to find and control it; None without control planes."""
        if self.inspector is None:
            return None
        apps = {
            app: RunningApp(self.urls[app], Control(self.urls[app] + CONTROL, token), self.ca_file)
            for app, token in self.control_tokens.items()
        }
        return Instance(os.getpid(), apps, self.inspector)

    async def serve(self, ready: Callable[[], None], until: Callable[[], Awaitable[object]]) -> None:
        """Serve until `until` returns; calls `ready` once all applications accept requests.

        Raises StartError if one of them does not start, or a worker ends.
        """
        servers: list[Server] = []
        tasks: list[asyncio.Task[None]] = []
        workers = Workers(
            self._tuvens_config, self.options.host, int(self.urls.get(TUVENS_API, ":0").rpartition(":")[2])
        )
        try:
            for app, simulator in self.simulators.items():
                alone = self.options.control and self.options.workers == 1
                served = by_header(simulator) if alone else simulator.app
                servers.append(Server(served, lifespan="on", timeout_keep_alive=30, **self._tls()))
                try:
                    tasks.append(await servers[-1].start(self._listeners[app]))
                except ServeError as error:
                    raise StartError(f"{app} {error}") from None
            await workers.start()
            ready()
            await _first_of(asyncio.ensure_future(until()), asyncio.ensure_future(workers.watch()))
        finally:
            await workers.stop()
            for each in servers:
                each.should_exit = True
            await asyncio.gather(*tasks, return_exceptions=True)
            self.close()

    def close(self) -> None:
        """Close ports and databases, also of simulators that were never served."""
        for simulator in self.simulators.values():
            if simulator.database is not None:
                simulator.database.close()
        for listener in self._listeners.values():
            listener.close()

    def reseed(self, seed: Seed) -> None:
        """Replace the seed of all applications, and reset them to it."""
        # hi.events first: it forgets the webhooks that tuvens-api would otherwise receive after its reset.
        for app in sorted(self.simulators, key=lambda name: name != HI_EVENTS):
            self.simulators[app].reseed(seed)

    def description(self) -> dict[str, Any]:
        """The deployment as a JSON object in the form of a deployment file."""
        options = self.options
        seed = options.seed
        main = main_account(seed)
        foreign = next((each.id for each in seed.events if each.account_id != main), None)
        # JWTs are read by tuvens-api's clock.
        now = time.time() + options.clocks.get(TUVENS_API, 0.0)
        events: dict[str, Any] = {
            "tuvens": [each.id for each in seed.events if each.account_id == main],
            "linked": [
                {"hi": each.id, "tuvens": each.tuvens_event_id}
                for each in seed.hi_events
                if each.external_account_id == main
            ],
        }
        if foreign is not None:
            events["foreign"] = foreign
        return {
            "name": "embedded",
            **({"ca_file": self.ca_file} if self.ca_file else {}),
            "edition": openapi.EDITION,
            "targets": {app: self._target(app) for app in self.simulators},
            "credentials": {"shared_secret": self.shared_secret, "jwt_secret": self.jwt_secret},
            "users": [
                {
                    "role": person.role,
                    "user_id": person.user.sub,
                    "email": person.user.email,
                    "name": person.user.name,
                    "account_id": person.account_id,
                    "jwt": mint_jwt(self.jwt_secret, person.user, now),
                }
                for person in people(seed)
            ],
            "events": events,
            "return_origin": options.client_origins[0] if options.client_origins else "",
        }

    def _target(self, app: str) -> dict[str, Any]:
        simulator = self.simulators[app]
        target: dict[str, Any] = {
            "url": self.public_urls[app],
            "kind": "simulated",
            "rate_limits": {name: limit or 0 for name, limit in simulator.limits.table().items()},
        }
        if app == HI_EVENTS:
            target["api_url"] = self.public_urls[app]
        elif app == TUVENS_API:
            target["session_expiry"] = self._tuvens_config.session_expiry
            target["cors_origins"] = sorted(self._tuvens_config.origins)
        if self.options.control:
            # The clock and the faults of several processes cannot be changed together.
            if self.options.workers == 1:
                target["control"] = {"url": self.public_urls[app] + CONTROL, "token": self.control_tokens[app]}
            if app == TUVENS_API and simulator.database is not None:
                target["database"] = simulator.database.url.render_as_string(hide_password=False)
                target["audit_table"] = "crossAppAudit"
        for fault in faults_of(app, self.options.faults):
            target.update(all_faults().FAULTS[fault].described)
        return target

    def _configure_tuvens_api(self) -> TuvensApiConfig:
        options = self.options
        faults = faults_of(TUVENS_API, options.faults)
        return TuvensApiConfig.from_environment(
            all_faults().environment_read(options.environment, faults) if faults else options.environment,
            hi_events_url=options.hi_events_url or self.public_urls.get(HI_EVENTS),
            client_origins=self._client_origins(),
            database_url=options.database,
            database_schema=options.database_schema,
            control_token=self.control_tokens.get(TUVENS_API),
            rate_limits=_limits(TUVENS_API, options),
            faults=faults,
            seed=options.seed,
            workers=options.workers,
        )

    def _client_origins(self) -> tuple[str, ...]:
        """The origins of tuvens-client: those that are named, and all of the one that is started."""
        own = self.urls.get(TUVENS_CLIENT)
        started = () if own is None else (own, own.replace(self._name, "localhost"), self.public_urls[TUVENS_CLIENT])
        return tuple(dict.fromkeys((*self.options.client_origins, *started)))

    def _configure_tuvens_client(self) -> TuvensClientConfig:
        options = self.options
        tuvens = options.tuvens_url or self.urls.get(TUVENS_API, f"http://127.0.0.1:{LOCAL_PORTS[TUVENS_API]}")
        # Of use only if the tuvens-api that is called has this key.
        ours = TUVENS_API in options.only and options.tuvens_url is None
        return TuvensClientConfig(
            tuvens_url=tuvens,
            tuvens_public_url=options.tuvens_url or self.public_urls.get(TUVENS_API, tuvens),
            hi_events_url=options.hi_events_url or self.public_urls.get(HI_EVENTS, self._tuvens_config.pages),
            upstream_timeout=options.upstream_timeout,
            ca_file=options.ca_file or self.ca_file,
            jwt_secret=self.jwt_secret if ours else "",
            shared_secret=self.shared_secret,
            control_token=self.control_tokens.get(TUVENS_CLIENT),
            faults=faults_of(TUVENS_CLIENT, options.faults),
            seed=options.seed,
        )

    def _configure_hi_events(self) -> HiEventsConfig:
        options = self.options
        local = f"http://127.0.0.1:{LOCAL_PORTS[TUVENS_API]}"
        return HiEventsConfig(
            tuvens_url=options.tuvens_url or self.urls.get(TUVENS_API, local),
            webhooks_url=options.webhooks_url,
            shared_secret=self.shared_secret,
            client_origins=self._client_origins(),
            upstream_timeout=options.upstream_timeout,
            ca_file=options.ca_file or self.ca_file,
            delivery=DeliveryPolicy(timeout=options.webhook_timeout, pauses=options.webhook_pauses),
            database_url=options.database,
            database_schema=options.database_schema,
            control_token=self.control_tokens.get(HI_EVENTS),
            rate_limits=_limits(HI_EVENTS, options),
            faults=faults_of(HI_EVENTS, options.faults),
            seed=options.seed,
        )


async def _first_of(*awaited: asyncio.Future[Any]) -> None:
    """Wait for the first that ends, cancel the others, and raise its exception."""
    try:
        done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in awaited:
            if not each.done():
                each.cancel()
    for each in done:
        each.result()


def _check(options: LaunchOptions) -> None:
    for app in (*options.only, *options.ports, *options.clocks):
        if app not in APPS:
            raise StartError(f"unknown application {app!r}; {meant(app, APPS)}")
    for app, url in options.public_urls.items():
        if app not in options.only:
            raise StartError(f"--public-url: {app!r} is not started; {meant(app, options.only)}")
        if origin_of(url) != url.rstrip("/"):
            raise StartError(
                f"--public-url: {url!r} is not scheme://host[:port], such as {app}=https://api.example.test"
            )
    try:
        IPv4Address(options.host)
    except ValueError:
        raise StartError(f"--host: {options.host!r} is not an IPv4 address; write one such as 0.0.0.0") from None
    if options.limits not in ("contract", "raised"):
        raise StartError(f"--limits: {options.limits!r} is unknown; {meant(options.limits, ('contract', 'raised'))}")
    if options.clocks and options.workers > 1:
        raise StartError("the clocks of several processes cannot be set")
    if options.https and (options.ca_file or options.workers > 1):
        raise StartError("--https goes with neither --ca-file nor --workers")
    check_workers(options.workers, options.only, options.faults, options.database)
    if not options.only:
        raise StartError(f"no application to start; known are {', '.join(APPS)}")
    check_faults(options.faults, options.only)


def _listen(app: str, options: LaunchOptions) -> socket.socket:
    try:
        return listen(options.ports.get(app, 0), options.host, shared=options.workers > 1)
    except ServeError as error:
        raise StartError(f"{app}: {error}; for free ones: --port 0") from None


def _limits(app: str, options: LaunchOptions) -> dict[str, int | None]:
    return dict.fromkeys(rules_of(openapi.load(app)), None) if options.limits == "raised" else {}
