"""Locust users: those of the closed model, who wait for answers and think, and the driver of the open model."""

import ssl
import time
from collections.abc import Callable
from typing import ClassVar

import gevent
from locust import FastHttpUser, between, constant, task
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from harness.deployment import Deployment
from load.generate.locust_process.client import Client
from load.generate.locust_process.journeys import Journeys
from load.generate.locust_process.lane_share import LaneShare
from load.generate.locust_process.listening import BrokenStreamError, Stream
from load.generate.locust_process.open_model import Driver
from load.generate.locust_process.options import deployment_of, settings_of
from load.generate.locust_process.reporting import Lane
from load.plan.measures import STREAM
from load.plan.settings import RunSettings


class Shared:
    """What the users of one process share; created when the first user starts."""

    _made: ClassVar["Shared | None"] = None

    def __init__(self, environment: Environment) -> None:
        assert environment.parsed_options is not None
        self.deployment: Deployment = deployment_of(environment.parsed_options)
        self.settings: RunSettings = settings_of(environment.parsed_options, self.deployment)
        number = max(getattr(environment.runner, "worker_index", 0), 0)
        self.lane = Lane(environment, number, reports=bool(self.settings.record))
        self.share = LaneShare(self.deployment, number, self.settings.lanes, ahead=self.settings.ahead)
        self.client = Client(self.deployment, self.lane.take)
        self.journeys = Journeys(self.share, self.client, self.settings.think)
        self.driven = False
        if environment.parsed_options.crossapp_run:
            self.lane.listen()

    @classmethod
    def of(cls, environment: Environment) -> "Shared":
        """The instance of this process."""
        if cls._made is None:
            cls._made = cls(environment)
        return cls._made

    @classmethod
    def reset(cls) -> None:
        """Drop the instance: a new test starts."""
        cls._made = None


class Sending(FastHttpUser):
    """A user of the applications, which checks certificates, follows no redirects and keeps no cookies."""

    abstract = True
    host = "http://deployment"

    def __init__(self, environment: Environment) -> None:
        self.shared = Shared.of(environment)
        deployment, settings = self.shared.deployment, self.shared.settings
        self.network_timeout = deployment.safety.seconds
        self.connection_timeout = min(5.0, deployment.safety.seconds)
        self.insecure = False
        self.ssl_context_factory = lambda: ssl.create_default_context(cafile=deployment.ca_file or None)
        self.concurrency = self.connections(settings)
        super().__init__(environment)
        agent = self.client.client
        # One user's cookies must never travel with another's request.
        agent.cookiejar = None
        vars(agent).update(redirect_response_codes=frozenset(), valid_response_codes=frozenset(range(100, 1000)))

    def connections(self, settings: RunSettings) -> int:
        """The most connections that this user may open to one server."""
        return 2

    def now(self) -> float:
        """When the next request is due: at once."""
        return self.shared.client.now()

    def prepared(self) -> bool:
        """Mint a session if there is none; returns whether there is one."""
        share = self.shared.share
        if not share.tokens:
            self.shared.journeys.mint(self.client, share.next_user())
        return bool(share.tokens)


class Organiser(Sending):
    """Runs flows: token, sign-in at hi.events, event set live or back, tuvens-api follows."""

    weight = 2
    wait_time = between(1, 3)

    @task
    def flow(self) -> None:
        """One flow."""
        self.shared.journeys.flow(self.client, self.now())


class BackEnd(Sending):
    """hi.events' back end and tuvens-client, each call on its own."""

    weight = 6
    wait_time = between(0.2, 1)

    @task(3)
    def generate(self) -> None:
        """A user asks for a session."""
        self.shared.journeys.generate(self.client, self.now())

    @task(3)
    def validate(self) -> None:
        """Whom does a session stand for?"""
        if self.prepared():
            self.shared.journeys.validate(self.client, self.now())

    @task
    def accounts(self) -> None:
        """Which accounts does a user have?"""
        if self.prepared():
            self.shared.journeys.accounts(self.client, self.now())

    @task
    def permission(self) -> None:
        """May a user manage tickets?"""
        if self.prepared():
            self.shared.journeys.permission(self.client, self.now())


class Deliverer(Sending):
    """hi.events' webhooks, correctly signed."""

    weight = 2
    wait_time = between(0.2, 1)

    @task
    def deliver(self) -> None:
        """A status changed."""
        self.shared.journeys.webhook(self.client, self.now())


class Page(Sending):
    """An open event page that listens for updates."""

    weight = 1
    wait_time = constant(1)

    @task
    def listen(self) -> None:
        """Listen until the test stops; a stream that ends before is a failure, and opened again."""
        stream, began = Stream(self.shared.deployment), time.perf_counter()
        try:
            stream.hold()
        except BrokenStreamError as broken:
            self._tell(began, broken)
        except gevent.GreenletExit:
            self._tell(began, None)
            raise

    def _tell(self, began: float, exception: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type="SSE",
            name=STREAM,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=exception,
            context={},
        )


CLOSED = (Organiser, BackEnd, Deliverer, Page)


class OpenModel(Sending):
    """Drives one lane of an open-model run: arrivals at a rate, whatever the answers. One per process."""

    weight = 1
    wait_time = constant(3600)

    def connections(self, settings: RunSettings) -> int:
        """As many as arrivals may be under way."""
        return max(settings.max_in_flight // settings.lanes, settings.bursts.size, 1)

    @task
    def drive(self) -> None:
        """Run the lane, once."""
        shared = self.shared
        if shared.driven:
            return
        shared.driven = True
        only = self._empty(shared.settings.empty) if shared.settings.empty else None
        Driver(shared.settings, shared.lane, shared.share, shared.client, self.client, only=only).run()

    def _empty(self, address: str) -> Callable[[FastHttpSession, float], None]:
        """A journey to an empty server."""
        shared = self.shared

        def ask(http: FastHttpSession, due: float) -> None:
            shared.client.ask_empty(http, due, address)

        return ask
