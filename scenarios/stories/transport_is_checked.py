"""HTTPS of a real deployment."""

import asyncio
import ssl
from urllib.parse import urlsplit

from contracts.tuvens_event.wire import get_event
from harness.effects import Effect
from harness.http import Call
from scenarios.cast.cast import BROWSER, Cast
from scenarios.catalogue import story

_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)


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
    accepted = [version.name for version in _OLD if await _accepts(host, port, version, cast.deployment.ca_file)]
    cast.observe("old versions", {"accepted": accepted})


async def _accepts(host: str, port: int, version: ssl.TLSVersion, ca_file: str) -> bool:
    """Whether a handshake with exactly this version of TLS succeeds."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    try:
        async with asyncio.timeout(10):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
