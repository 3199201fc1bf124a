"""The simulated tuvens-client, composed."""

import openapi
from simulators.kit.assets import asset_route
from simulators.kit.clock import Clock
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits
from simulators.kit.simulator import Simulator
from simulators.kit.templates import Templates
from simulators.seed import Seed
from simulators.tuvens_client.config import TuvensClientConfig, origin_of
from simulators.tuvens_client.edge import Edge, policy
from simulators.tuvens_client.faults import FAULTS
from simulators.tuvens_client.front_door import FrontDoor
from simulators.tuvens_client.routes import Routes
from simulators.tuvens_client.tuvens import Tuvens

__all__ = ["TuvensClient", "TuvensClientConfig", "create"]


class TuvensClient(Simulator):
    """tuvens-client as the contract wants it; see Simulator for what it offers."""

    def __init__(self, config: TuvensClientConfig, clock: Clock | None = None) -> None:
        document = openapi.load("tuvens-client")
        clock = clock or Clock()
        faults = FaultRuntime(FAULTS, config.faults)
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
        self._tuvens = Tuvens(config.tuvens_url, timeout=config.upstream_timeout, clock=clock, journal=journal)
        templates = Templates(__package__, faults=())
        self._routes = Routes(config, self._tuvens, faults, journal, templates)
        origins = {"frames": origin_of(config.hi_events_url), "connects": origin_of(config.tuvens_url)}
        door = FrontDoor(
            clock=clock,
            seed=lambda: self.seed,
            jwt_secret=config.jwt_secret,
            templates=templates,
            policy=policy(**origins),
        )
        edge = Edge(clock=clock, faults=faults, templates=templates, **origins)
        super().__init__(
            document=document,
            handlers=self._routes.handlers(),
            guards={"userCookie": edge, "userJwt": edge},
            errors=edge,
            headers=edge,
            clock=clock,
            database=None,
            faults=faults,
            journal=journal,
            limits=RateLimits(clock, {}),
            seed=config.seed,
            control_token=config.control_token,
            extra_routes=[asset_route(__package__, leak=self._leak), *door.routes()],
        )

    async def stop(self) -> None:
        """Close the connections to tuvens-api."""
        if self._running:
            await self._tuvens.close()
        await super().stop()

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed; there is no state but what faults remember."""
        super().reset(seed)
        self._routes.forget()

    def upstream(self, operation: str | None) -> str:
        """tuvens-api."""
        return self.config.tuvens_url

    def _leak(self, name: str) -> str:
        """What a bundler adds to a script under a fault."""
        if name != "page.js" or not self.faults.on("shared-secret-in-script"):
            return ""
        return f'\nexport const env = {{ VITE_HI_EVENTS_SHARED_SECRET: "{self.config.shared_secret}" }};\n'


def create(config: TuvensClientConfig | None = None, *, clock: Clock | None = None) -> TuvensClient:
    """A simulated tuvens-client. Raises StartError naming the setting at fault."""
    return TuvensClient(config or TuvensClientConfig(), clock)
