"""Browsers send requests from allowed and other origins (CORS)."""

from urllib.parse import urlsplit

import openapi
from contracts.tuvens_event.wire import get_event
from harness.effects import Effect
from harness.http import Call
from scenarios.cast.cast import BROWSER, Cast
from scenarios.catalogue import story

_ASKED_HEADERS = "authorization, content-type, x-session-token, x-shared-secret"


@story(does={Effect.READ}, operations=("getEvent",))
async def origins_are_checked(cast: Cast) -> None:
    """Browsers on the pages of Hi.Events, and on pages that only look alike, ask to read from tuvens-api."""
    right, kind = _allowed_origins(cast)
    wrong = {"other site": "https://evil.example", "null": "null"}
    for each in right:
        wrong |= _similar(each)
    event = cast.some_event
    for name, origin in {
        **{f"{kind}/{each}": each for each in right},
        **{f"wrong/{k}": v for k, v in wrong.items()},
    }.items():
        await cast.send(f"simple/{name}", BROWSER, get_event(event).with_header("Origin", origin))
        for operation in map(openapi.find, ("generateSession", "getEvent", "updateEvent")):
            path = {"id": event} if "{id}" in operation.path else None
            preflight = Call(
                operation.id,
                "OPTIONS",
                operation.target(path),
                (
                    ("Origin", origin),
                    ("Access-Control-Request-Method", operation.method),
                    ("Access-Control-Request-Headers", _ASKED_HEADERS),
                ),
            )
            await cast.send(f"preflight/{name}/{operation.method}", BROWSER, preflight, key=None)


def _similar(origin: str) -> dict[str, str]:
    """By name, origins of other sites that a comparison of beginnings or endings takes for this one."""
    parts = urlsplit(origin)
    scheme, host = parts.scheme, parts.netloc
    similar = {
        f"suffix of {host}": f"{origin}.evil.example",
        f"prefix of {host}": f"{scheme}://evil{host}",
        f"subdomain of {host}": f"{scheme}://evil.{host}",
        f"other scheme of {host}": f"ftp://{host}",
    }
    if parts.port is not None:
        similar[f"host suffix of {host}"] = f"{scheme}://{parts.hostname}.evil.example"
    return similar


def _allowed_origins(cast: Cast) -> tuple[list[str], str]:
    """The origins that the deployment file names, else the contract's; or, as `right/assumed`, that of a real hi.events
    of which the file does not say whether pages have another origin."""
    named = cast.stage.target("tuvens-api").cors_origins
    if named:
        return list(named), "right"
    hi_events = cast.deployment.targets.get("hi.events")
    if hi_events is not None and hi_events.kind != "simulated":
        parts = urlsplit(hi_events.url)
        return [f"{parts.scheme}://{parts.netloc}"], "right/assumed"
    return ["https://tickets.tuvens.com"], "right"
