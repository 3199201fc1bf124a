"""HTTPS of a real deployment."""

import asyncio
from urllib.parse import urlsplit

from contracts.tuvens_event.wire import get_event
from harness.connection import OLD_VERSIONS, handshake
from harness.effects import Effect
from harness.http import Call
from scenarios.cast.cast import BROWSER, Cast
from scenarios.catalogue import story


@story(does={Effect.READ}, needs=("https:tuvens-api",), operations=("getEvent",))
async def transport_is_checked(cast: Cast) -> None:
    """A browser comes by http://, with an old TLS, and by https://."""
    target = cast.stage.target("tuvens-api")
    parts = urlsplit(target.api_url)
    host, port = parts.hostname or "", parts.port or 443
    call = get_event(cast.some_event)
    await cast.send("https", BROWSER, call)
    if port == 443:
        await cast.send_once(
            "http", BROWSER, "tuvens-api", f"http://{host}", Call("", "GET", call.target, call.headers)
        )
    accepted = [
        version.name
        for version in OLD_VERSIONS
        if await asyncio.to_thread(
            handshake,
            target.api_url,
            seconds=10,
            version=version,
            certificate=cast.deployment.client_certificate,
            key=cast.deployment.client_key,
        )
    ]
    cast.observe("old versions", {"accepted": accepted})
