"""The simulated tuvens-client, composed of its parts."""

from collections.abc import Mapping

import openapi
from simulators.kit.assets import Assets
from simulators.kit.caller import Caller
from simulators.kit.clock import Clock
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.origins import origin_of
from simulators.kit.ratelimit import RateLimits
from simulators.kit.simulator import Simulator
from simulators.kit.templates import Templates
from simulators.tuvens_client.authentication import PassThrough
from simulators.tuvens_client.backend import BackendGateway
from simulators.tuvens_client.callback import CallbackPage
from simulators.tuvens_client.config import TuvensClientConfig
from simulators.tuvens_client.errors import ClientErrors
from simulators.tuvens_client.event_page import TicketingPage
from simulators.tuvens_client.front_door import FrontDoor
from simulators.tuvens_client.headers import ClientHeaders, policy
from simulators.tuvens_client.wrapper import WRAPS, SessionWrapper


class TuvensClient(Simulator):
    """tuvens-client as the contract wants it; see Simulator for what it offers.

    `known` are the faults that can be armed, by name. Raises StartError naming the setting at fault.
    """

    def __init__(self, config: TuvensClientConfig, clock: Clock | None, known: Mapping[str, Fault]) -> None:
        document = openapi.load("tuvens-client")
        clock = clock or Clock()
        journal = Journal(
            document.app,
            {
                config.shared_secret: "shared-secret",
                config.jwt_secret: "jwt-secret",
                config.control_token or "": "control-token",
            },
            document.secret_fields,
        )
        self.config = config
        self._caller = Caller("tuvens-api", config.tuvens_url, clock=clock, journal=journal, ca_file=config.ca_file)
        tuvens_public_url = config.tuvens_public_url or config.tuvens_url
        self.backend = BackendGateway(self._caller, timeout=config.upstream_timeout)
        self.assets = Assets(__package__)
        self.templates = Templates(__package__)
        self.wrapper = SessionWrapper(self.backend, journal)
        self.event_page = TicketingPage(
            self.backend, self.templates, tuvens_url=tuvens_public_url, hi_events_url=config.hi_events_url
        )
        self.callback = CallbackPage(self.backend, self.templates)
        pages = policy(frames=origin_of(config.hi_events_url) or "", connects=origin_of(tuvens_public_url) or "")
        self.client_headers = ClientHeaders(pages)
        door = FrontDoor(
            clock=clock,
            seed=lambda: self.seed,
            jwt_secret=config.jwt_secret,
            templates=self.templates,
            policy=pages,
        )
        guard = PassThrough()
        super().__init__(
            document=document,
            handlers={
                WRAPS: self.wrapper.wrap,
                "showTuvensEventPage": self.event_page.show,
                "handleHiEventsCallback": self.callback.show,
            },
            guards={"userCookie": guard, "userJwt": guard},
            errors=ClientErrors(clock, self.templates),
            headers=self.client_headers,
            clock=clock,
            database=None,
            faults=FaultRuntime(known, config.faults),
            journal=journal,
            limits=RateLimits(clock, {}),
            seed=config.seed,
            control_token=config.control_token,
            extra_routes=[self.assets.route(), *door.routes()],
        )

    async def stop(self) -> None:
        """Close the connections to tuvens-api."""
        if self._running:
            await self._caller.close()
        await super().stop()

    def upstream(self, operation: str | None) -> str:
        """tuvens-api."""
        return self.config.tuvens_url
