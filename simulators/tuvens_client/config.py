"""Settings of the simulated tuvens-client."""

from dataclasses import dataclass, field

from simulators.kit.errors import StartError
from simulators.kit.origins import is_base_url
from simulators.seed import Seed, default_seed


@dataclass(frozen=True, slots=True)
class TuvensClientConfig:
    """How a simulated tuvens-client runs.

    tuvens_url: base URL of the tuvens-api that its server calls.
    tuvens_public_url: base URL of the same for scripts of its pages; empty: `tuvens_url`.
    ca_file: certificates (PEM) by which tuvens-api's is checked; empty: the usual authorities.
    hi_events_url: base URL of hi.events' pages; nothing of another origin is framed or linked.
    upstream_timeout: seconds by the clock for one call to tuvens-api.
    jwt_secret: the key with which the start page signs in the seed's people; empty: a JWT has to be pasted there.
    shared_secret: kept out of the journal; nothing honest sends it.
    control_token: None leaves the control plane out.
    faults: armed from the start.
    """

    tuvens_url: str = "http://127.0.0.1:3000"
    tuvens_public_url: str = ""
    ca_file: str = ""
    hi_events_url: str = "http://127.0.0.1:3001"
    upstream_timeout: float = 10.0
    jwt_secret: str = ""
    shared_secret: str = ""
    control_token: str | None = None
    faults: tuple[str, ...] = ()
    seed: Seed = field(default_factory=default_seed)

    def __post_init__(self) -> None:
        for name, url in (("tuvens-api", self.tuvens_url), ("hi.events", self.hi_events_url)):
            if not is_base_url(url):
                raise StartError(
                    f"the URL of {name} is {url[:80]!r}: expected a base URL such as http://127.0.0.1:3000"
                )
        if self.upstream_timeout <= 0:
            raise StartError("upstream_timeout: expected seconds above 0")
