"""The signing proxy: forwards requests of other tools to a deployment, with real credentials, paced and recorded."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from contracts.addresses import Addresses, RequestPlace
from harness.effects import NotAllowedError
from harness.history import Outcome
from harness.http import Call, Headers
from harness.recorder import Forwarding
from harness.server import listen
from harness.story import Phase, Story
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.stage import Stage
from scenarios.tools.credentials import Adding, Credentials, UnfilledError, session_token_of
from scenarios.tools.loopback import headers_as_sent, served, target_as_sent
from scenarios.tools.pact.provider_states import ProviderStates
from scenarios.tools.pact.setups import SETUPS
from scenarios.tools.pact.state_server import with_states
from scenarios.tools.proxy_guard import guarded, origins_of

STORY = "proxy"
CALLER = "tool"
LONGEST_BODY = 16 * 1024 * 1024

_HOP_BY_HOP = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_UNSENDABLE_TARGET = re.compile(r"[^!-~]")
_UNSENDABLE_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_READABLE = ("gzip", "identity")


class _NotForwardedError(Exception):
    """A request that the proxy answers itself: the status, what is wrong, and the remedy."""

    def __init__(self, status: int, error: str, remedy: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.remedy = remedy


class Proxy:
    """The proxy of one application, as an ASGI application.

    Placeholders of credentials are replaced; everything else is forwarded unchanged, and so is the response. The
    proxy's own responses are JSON with `error` and `remedy`, with the header `x-crossapp-proxy`: 424 for a placeholder
    without a credential, 502 for a target that does not answer, 413 and 400 for requests it cannot forward, 421 for a
    foreign Host, 503 when the record is full.

    Exchanges are recorded as steps of `story`, sent by `caller`. While `obey_limits` is false, a 429 is passed on
    instead of waited out.
    """

    def __init__(
        self,
        stage: Stage,
        app: str,
        adding: Adding = Adding.PLACEHOLDERS,
        *,
        story: str = STORY,
        caller: str = CALLER,
        obey_limits: Callable[[], bool] = lambda: True,
    ) -> None:
        self.app = app
        self._story = story
        self._caller = caller
        self._obey_limits = obey_limits
        self._stage = stage
        self._credentials = Credentials(stage, adding)
        self._leaving = asyncio.Event()
        self._addresses = Addresses.of(stage.deployment)

    def leave(self) -> None:
        """End the open streams."""
        self._leaving.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        answering = _Answering(scope["method"], send)
        try:
            await self._answer(scope, receive, answering)
        except _NotForwardedError as refused:
            await self._refuse(refused, answering)
        except Exception as error:
            if answering.begun:
                raise
            fault = f"a fault of crossapp: {type(error).__name__}: {error}"
            await self._refuse(_NotForwardedError(500, fault, "Report it with the recorded history."), answering)

    async def _refuse(self, refused: _NotForwardedError, answering: "_Answering") -> None:
        told = {"error": self._redact(refused.error), "remedy": self._redact(refused.remedy)}
        body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        headers = (("Content-Type", "application/json"), ("x-crossapp-proxy", "not forwarded"))
        await answering.whole(refused.status, headers, body)

    async def _answer(self, scope: Any, receive: Any, answering: "_Answering") -> None:
        call, place = await self._request(scope, receive)
        left = asyncio.Event()
        watch = asyncio.create_task(_until_gone(receive, left, self._leaving))
        try:
            forwarding = Forwarding(answering.opened, answering.passed, left)
            reply = await self._forward(call, place, forwarding)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        if forwarding.streamed:
            await answering.ended()
        elif reply.answer is not None:
            await answering.whole(reply.answer.status, reply.answer.headers, bytes(forwarding.body))
        elif forwarding.undecodable is not None:
            await answering.whole(*forwarding.undecodable, bytes(forwarding.body))
        else:
            what = "cannot be reached" if reply.exchange.outcome is Outcome.REFUSED else "gave no complete answer"
            raise _NotForwardedError(
                502,
                f"{self.app} at {place.base_url} {what}: {reply.exchange.error}",
                f"See that {self.app} runs and that its url in the deployment file is right.",
            )

    async def _request(self, scope: Any, receive: Any) -> tuple[Call, RequestPlace]:
        """The request, its placeholders still in it, and where it goes. Raises _NotForwardedError."""
        target = target_as_sent(scope)
        if _UNSENDABLE_TARGET.search(target):
            raise _NotForwardedError(400, "the path holds a byte that HTTP forbids there", "Percent-encode it.")
        if not target.startswith("/"):
            raise _NotForwardedError(
                400, "the request's target is not a path", "Give the proxy's address as base URL, not as an HTTP proxy."
            )
        headers = [(name, value.strip(" \t")) for name, value in headers_as_sent(scope)]
        unsendable = next((name for name, value in headers if _UNSENDABLE_VALUE.search(value)), None)
        if unsendable is not None:
            raise _NotForwardedError(400, f"the header {unsendable} holds a byte that HTTP forbids", "Leave it out.")
        self._refuse_foreign(headers, scope["server"][1])
        body = await _body(receive)
        place = self._addresses.below(self.app, scope["method"], target.partition("#")[0])
        sent = any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers)
        call = Call(place.operation, scope["method"], place.target, forwarded(headers), body if sent or body else None)
        return call, place

    def _refuse_foreign(self, headers: list[tuple[str, str]], port: int) -> None:
        """A foreign page in a browser must not use the credentials, through a host name that resolves to 127.0.0.1."""
        for name, value in headers:
            if name.lower() == "host" and value.lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
                raise _NotForwardedError(
                    421, f"the Host {value[:80]!r} is not this proxy", f"Call it as http://127.0.0.1:{port}."
                )

    async def _forward(self, call: Call, place: RequestPlace, forwarding: Forwarding) -> Reply:
        step = f"{self._story}/{call.operation or 'unknown'}"
        try:
            filled = await self._credentials.fill(call)
            return await self._stage.sender.forward(
                step,
                self._caller,
                self.app,
                place.base_url,
                filled,
                key=self._credentials.limit_key(filled),
                obey_limits=self._obey_limits(),
                facts=self._stage.sessions.facts_about(session_token_of(filled)),
                forwarding=forwarding,
            )
        except UnfilledError as unfilled:
            self._stage.recorder.observe(step, {"not_forwarded": str(unfilled)})
            raise _NotForwardedError(
                424, str(unfilled), "See the users and credentials of the deployment file."
            ) from None
        except NotAllowedError as forbidden:
            self._stage.recorder.observe(step, {"not_forwarded": str(forbidden)})
            raise _NotForwardedError(403, str(forbidden), "Send it to a staging.") from None
        except TargetGoneError as gone:
            raise _NotForwardedError(503, str(gone), "Start the proxy anew; the record so far is kept.") from None

    def _redact(self, text: str) -> str:
        return self._stage.recorder.redactor.redact(text)


class _Answering:
    """The response to one request, sent to the ASGI server."""

    def __init__(self, method: str, send: Any) -> None:
        self._method = method
        self._send = send
        self.begun = False

    async def opened(self, status: int, headers: Headers) -> None:
        """Send the head of a response of unknown length."""
        kept = [each for each in forwarded(headers, answer=True) if each[0].lower() != "content-length"]
        await self._head(status, kept)

    async def passed(self, chunk: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def ended(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b""})

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response, with a new Content-Length unless it has no body."""
        kept = list(forwarded(headers, answer=True))
        if self._method != "HEAD":
            kept = [each for each in kept if each[0].lower() != "content-length"]
            if status not in (204, 304):
                kept.append(("Content-Length", str(len(body))))
        await self._head(status, kept)
        await self._send({"type": "http.response.body", "body": body})

    async def _head(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.begun = True
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})


def forwarded(headers: list[tuple[str, str]] | Headers, *, answer: bool = False) -> Headers:
    """The headers to forward: without hop-by-hop ones (RFC 9110, 7.6.1) and a request's Host; Accept-Encoding names
    only codings that the recorder can decode."""
    named = {
        each.strip().lower() for name, value in headers if name.lower() == "connection" for each in value.split(",")
    }
    kept = []
    for name, value in headers:
        lower = name.lower()
        if lower in _HOP_BY_HOP or lower in named or (lower == "host" and not answer):
            continue
        kept.append((name, _readable(value) if lower == "accept-encoding" and not answer else value))
    return tuple(kept)


def _readable(value: str) -> str:
    codings = [each.strip() for each in value.split(",")]
    kept = [each for each in codings if each.partition(";")[0].strip().lower() in _READABLE]
    return value if kept == codings else ", ".join(kept) or "identity"


async def _body(receive: Any) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _NotForwardedError(400, "the request ended before its body was whole", "Send it again.")
        body += message.get("body", b"")
        if len(body) > LONGEST_BODY:
            raise _NotForwardedError(
                413, f"the body has more than {LONGEST_BODY} bytes", "Send it to the target itself."
            )
        if not message.get("more_body"):
            return bytes(body)


async def _until_gone(receive: Any, left: asyncio.Event, leaving: asyncio.Event) -> None:
    """Set `left` when the client disconnects or the proxy is about to end."""

    async def hung_up() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    waits = [asyncio.create_task(hung_up()), asyncio.create_task(leaving.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        left.set()
    finally:
        for each in waits:
            each.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _nothing(cast: Cast) -> None:
    """The proxy's clients act, not a story."""


_STORY = Story(STORY, "Other tools talk to the deployment.", _nothing, Phase.SIDE_BY_SIDE)


@asynccontextmanager
async def proxied(
    stage: Stage,
    *,
    ports: Mapping[str, int] | None = None,
    adding: Adding = Adding.PLACEHOLDERS,
    token: str = "",
) -> AsyncIterator[dict[str, str]]:
    """Serve a proxy for each application of the stage's deployment on 127.0.0.1 inside the block; yields the base URLs
    by application.

    `ports` by application; 0 or none is a free port. With a `token` every request must carry it. Below `/__pact__/`
    each proxy serves Pact verifiers (provider states and messages). Raises ServeError.
    """
    async with AsyncExitStack() as stack:
        states = ProviderStates(Cast(stage, _STORY), SETUPS)
        stack.push_async_callback(states.end)
        listeners = {}
        for app in stage.deployment.targets:
            listeners[app] = listen((ports or {}).get(app, 0))
            stack.callback(listeners[app].close)
        urls = {}
        origins = origins_of([each.getsockname()[1] for each in listeners.values()])
        for app, listener in listeners.items():
            # In a state with a used-up limit the 429 is the answer that the client waits for.
            proxy = Proxy(stage, app, adding, obey_limits=lambda: not states.limited)
            served_app = guarded(with_states(states, proxy), origins, token)
            urls[app] = await stack.enter_async_context(served(served_app, listener, proxy.leave))
        yield urls
