"""The inspector of `crossapp proxy`: shows the recorded exchanges."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import openapi
from harness.history import Exchange, History
from harness.inspector.detail import Check, Recorded, Signing, detail
from harness.inspector.feed import Feed
from harness.inspector.guard import TokenGuard
from harness.inspector.page import OPEN, address, page_routes
from harness.inspector.row import ExchangeRow, StreamMessage
from harness.redact import Redactor
from harness.server import listen
from openapi.recorded import LANES, request_problems, signature_of
from scenarios.tools.loopback import served

APP = "proxy"

_UNCACHED = {"Cache-Control": "no-store"}
_NO_OPERATION = Check(unread="no operation of the document has this method and path")


class HistorySource:
    """The exchanges of a growing history, for the inspector."""

    app = APP

    def __init__(self, history: History, redactor: Redactor) -> None:
        self._history = history
        self._redactor = redactor

    @property
    def kept(self) -> tuple[int, int]:
        """The first number that is still kept, and the last one."""
        forgotten = self._history.forgotten
        return forgotten + 1, forgotten + len(self._history.entries)

    def rows(self, after: int, limit: int) -> Sequence[ExchangeRow]:
        """At most `limit` rows with numbers above `after`."""
        entries = self._history.entries
        newer = (entries[place] for place in range(max(after - self._history.forgotten, 0), len(entries)))
        return [self._row(each) for each in islice((each for each in newer if isinstance(each, Exchange)), limit)]

    def messages(self, after: int) -> Sequence[StreamMessage]:
        """None: the proxy forwards streams, and reads none."""
        return ()

    def detail(self, number: int) -> Mapping[str, Any] | None:
        """An exchange in full; None if no exchange has the number."""
        found = self._history.numbered(number) if number > 0 else None
        if not isinstance(found, Exchange):
            return None
        operation = openapi.find(found.operation) if found.operation else None
        signature = None if operation is None else signature_of(operation)
        facts = {name: value for name, value in found.facts.items() if name not in ("problems", "secrets", "subject")}
        redact = self._redactor.redact
        redacted = replace(
            found,
            url=redact(found.url),
            request_headers=tuple((name, redact(value)) for name, value in found.request_headers),
            response_headers=tuple((name, redact(value)) for name, value in found.response_headers),
            request_body=self._redactor.redact_bytes(found.request_body),
            response_body=self._redactor.redact_bytes(found.response_body),
        )
        return detail(
            Recorded(
                row=self._row(found),
                exchange=redacted,
                request=_NO_OPERATION if operation is None else Check(tuple(_problems(operation, redacted))),
                response=_response_check(redacted),
                signing=None if signature is None else Signing(*signature),
                facts=self._redactor.redact_fields(facts),
            )
        )

    def _row(self, exchange: Exchange) -> ExchangeRow:
        subject = exchange.facts.get("subject")
        return ExchangeRow(
            app=APP,
            number=exchange.number,
            direction="out",
            caller=exchange.caller,
            callee=exchange.callee,
            operation=exchange.operation or None,
            method=exchange.method,
            target=self._redactor.redact(_target(exchange.url)),
            status=exchange.status,
            error=self._redactor.redact(exchange.error) or None,
            begun=exchange.started,
            seconds=exchange.seconds,
            problems=len(exchange.facts.get("problems", ())),
            user=str(subject) if subject else None,
        )


@asynccontextmanager
async def inspected(history: History, redactor: Redactor, apps: Sequence[str], *, port: int = 0) -> AsyncIterator[str]:
    """Serve the inspector of a history on 127.0.0.1 inside the block; yields its URL, with the token. Raises
    ServeError."""
    token = secrets.token_urlsafe(32)
    redactor.register("control-token", token)
    source = HistorySource(history, redactor)
    feed = Feed(lambda: [source])
    lanes = {
        "title": "proxy",
        "lanes": [each for each in LANES if each in apps],
        "outside": "tools, crossapp",
        "apps": [{"name": APP, "offers": []}],
    }

    async def read_lanes(_request: Request) -> Response:
        return JSONResponse(lanes)

    async def read_feed(request: Request) -> Response:
        stream = feed.stream(request.query_params.get("after", "")[:1000])
        return StreamingResponse(stream, media_type="text/event-stream", headers=_UNCACHED)

    async def read_exchange(request: Request) -> Response:
        found = source.detail(request.path_params["number"])
        if found is None:
            return JSONResponse({"detail": f"there is no exchange {request.path_params['number']}"}, 404)
        return JSONResponse(found, headers=_UNCACHED)

    app = Starlette(
        routes=[
            Route("/lanes", read_lanes),
            Route("/feed", read_feed),
            Route(f"/apps/{APP}/exchanges/{{number:int}}", read_exchange),
            *page_routes(),
        ]
    )
    listener = listen(port)
    async with served(TokenGuard(app, token, (OPEN,)), listener, feed.close) as url:
        yield address(url, token)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _problems(operation: openapi.Operation, exchange: Exchange) -> list[str]:
    return request_problems(operation, _target(exchange.url), exchange.request_headers, exchange.request_body)


def _response_check(exchange: Exchange) -> Check:
    if exchange.status is None:
        return Check(unread="there is no answer")
    if "problems" not in exchange.facts:
        return _NO_OPERATION
    return Check(tuple(exchange.facts["problems"]))
