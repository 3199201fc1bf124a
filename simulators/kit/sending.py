"""Sending a response: in one piece, as a stream, or to a caller that still sends a body too large to be read."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from simulators.kit.messages import BodyStream, Header, Request, Response

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_LINGER_BYTES = 32 * 1024 * 1024
_LINGER_SECONDS = 2.0


class Gone(Exception):  # noqa: N818  # an outcome, not a failure
    """The caller left before an answer, or the text says why else nothing is sent."""


async def gone(receive: Receive) -> None:
    """Wait until the caller closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_response(
    request: Request, response: Response, headers: Sequence[Header], receive: Receive, send: Send
) -> None:
    """Send a response with these headers, which are complete."""
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if request.method == "HEAD":
        if response.stream is not None:
            await response.stream.aclose()
        await send({"type": "http.response.body", "body": b""})
    elif response.stream is not None:
        await send_stream(response.stream, receive, send)
    else:
        await send({"type": "http.response.body", "body": response.body, "more_body": request.lingers})
        if request.lingers:
            # The caller has the whole response by its length. Closing at once, while it still sends, would reset the
            # connection and might destroy the response on its way: so read what comes, within bounds.
            await _swallow(receive)
            await send({"type": "http.response.body", "body": b""})


async def send_stream(stream: BodyStream, receive: Receive, send: Send) -> None:
    """Send pieces as they come, until the generator ends or the caller leaves."""
    left = asyncio.create_task(gone(receive))
    try:
        while True:
            step = asyncio.ensure_future(stream.__anext__())
            await asyncio.wait({step, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done():
                step.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await step
                return
            try:
                chunk = step.result()
            except StopAsyncIteration:
                await send({"type": "http.response.body", "body": b""})
                return
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    finally:
        left.cancel()
        await stream.aclose()


async def _swallow(receive: Receive) -> None:
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            while size < _LINGER_BYTES:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                size += len(message.get("body", b""))
