"""The base of Locust users of a deployment, and the driver of the open model."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from locust import FastHttpUser, constant, task
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
        if environment.host and not environment.parsed_options.crossapp_run:
            self.deployment = _at(self.deployment, environment.host)
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


def _at(deployment: Deployment, host: str) -> Deployment:
    """The deployment with tuvens-api at the host that Locust was given."""
    target = replace(deployment.targets["tuvens-api"], api_url=host)
    return replace(deployment, targets={**deployment.targets, "tuvens-api": target})


class DeploymentUser(FastHttpUser):
    """A user of the applications, which checks certificates, follows no redirects and keeps no cookies. A path, as in
    `self.client.get("/api/...")`, is one of tuvens-api."""

    abstract = True

    def __init__(self, environment: Environment) -> None:
        self.shared = Shared.of(environment)
        self.deployment, self.journeys = self.shared.deployment, self.shared.journeys
        deployment, settings = self.shared.deployment, self.shared.settings
        self.network_timeout = deployment.safety.seconds
        self.connection_timeout = min(5.0, deployment.safety.seconds)
        self.insecure = False
        self.ssl_context_factory = deployment.tls.context
        self.concurrency = self.connections(settings)
        super().__init__(environment)
        agent = self.client.client
        # One user's cookies must never travel with another's request.
        agent.cookiejar = None
        vars(agent).update(redirect_response_codes=frozenset(), valid_response_codes=frozenset(range(200, 300)))

    def connections(self, settings: RunSettings) -> int:
        """The most connections that this user may open to one server."""
        return 2

    def now(self) -> float:
        """When the next request is due: at once."""
        return self.shared.client.now()

    def has_session(self) -> bool:
        """Whether there is a session to ask about; one is created if there is none."""
        share = self.shared.share
        if not share.tokens:
            self.journeys.mint(self.client, share.next_user())
        return bool(share.tokens)

    def listen_to_updates(self) -> None:
        """Hold a stream of updates open. An entry for the connection and for each message is made when they come; a
        stream that ends before the test is a failure."""
        began = time.perf_counter()

        def told(name: str, exception: Exception | None = None) -> None:
            is_message = name.endswith("message")
            self.environment.events.request.fire(
                request_type="SSE",
                name=name,
                # How long a message was under way is not known.
                response_time=None if is_message else (time.perf_counter() - began) * 1000,
                response_length=0,
                exception=exception,
                context={},
            )

        try:
            Stream(self.deployment).hold(lambda: told(STREAM), lambda: told(f"{STREAM} message"))
        except BrokenStreamError as broken:
            told(STREAM, broken)


class OpenModel(DeploymentUser):
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
