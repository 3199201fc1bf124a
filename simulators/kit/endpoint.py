"""An endpoint: what happens to a request, from the first byte to the last of its response.

The order: 1. query and body are read; 2. authentication (401); 3. rate limit (429); 4. the request's form by the
document (400, or what the application says); 5. the handler; 6. the response is checked by the document: one that
breaks it becomes a 500 and never leaves; 7. audit log and commit; 8. journal; 9. sending.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from openapi import Operation, Problem
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.journal import Journal, RawExchange
from simulators.kit.limiter import Limiter
from simulators.kit.messages import Header, Request, Response, current
from simulators.kit.ratelimit import RateLimits
from simulators.kit.reading import read_body, read_query
from simulators.kit.sending import Gone, Receive, Send, send_response

Handler = Callable[[Request], Response | Awaitable[Response]]

MAX_BODY = 1024 * 1024
_log = logging.getLogger(__name__)


class SecurityGuard(Protocol):
    """One security scheme."""

    def check(self, request: Request) -> None:
        """Raise Refusal (401) for a request that is not authenticated; set `request.user_id` where it is known."""


class Errors(Protocol):
    """The application's errors."""

    def response(self, request: Request, refusal: Refusal) -> Response:
        """A refusal in the application's error shape."""

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """The refusal of a request that breaks the document; None leaves it to the handler."""


class Headers(Protocol):
    """Headers beside those that the document describes, such as CORS."""

    def headers(self, request: Request) -> Sequence[Header]:
        """Those of a response to this request."""

    def preflight(self, request: Request) -> Sequence[Header]:
        """Those of the response to OPTIONS alone."""


class Audit(Protocol):
    """The application's log of what was asked of it."""

    def record(self, request: Request, response: Response) -> None:
        """Note one exchange, right before its response leaves. An exception makes the response a 500."""


@dataclass
class Services:
    """What all endpoints of a simulator share; `requests` and `failures` (exceptions of our own) are counted."""

    app: str
    clock: Clock
    journal: Journal
    limits: RateLimits
    guards: Mapping[str, SecurityGuard]
    errors: Errors
    headers: Headers
    audit: Audit | None = None
    requests: int = 0
    failures: int = 0


class Endpoint:
    """The ASGI application behind a path and a method. Subclasses decide; `operation` is None beside the document."""

    def __init__(self, services: Services, operation: Operation | None) -> None:
        self.services = services
        self.operation = operation
        limited = operation is not None and operation.rate_limit is not None
        self.limiter = Limiter(operation, services.limits, services.clock) if operation and limited else None
        self._errors = services.errors
        self._headers = services.headers

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one request."""
        begun = time.perf_counter()
        services = self.services
        services.requests += 1
        request = Request(scope, self.operation, services.clock.now(), begun)
        token = current.set(request)
        sent = False
        try:
            response = await self.respond(request, receive)
            response = await self.settle(request, response)
            headers = self.complete(request, response)
            self.journal(request, response, headers)
            sent = True
            await self.send(request, response, headers, receive, send)
        except Gone as reason:
            self.journal(request, None, (), str(reason) or "the caller left before an answer")
        except asyncio.CancelledError:
            if not sent:
                self.journal(request, None, (), "cancelled before an answer")
            raise
        finally:
            current.reset(token)

    async def respond(self, request: Request, receive: Receive) -> Response:
        """The response, be it an error."""
        try:
            return await self.decide(request, receive)
        except Refusal as refusal:
            return self._refuse(request, refusal)
        except Gone:
            raise
        except Exception as error:
            return self._fail(request, error)

    async def decide(self, request: Request, receive: Receive) -> Response:
        """The response of a success. Raises Refusal for all others."""
        raise NotImplementedError

    async def settle(self, request: Request, response: Response) -> Response:
        """Announce the rate limit, check the response, write the audit log, and wait for the commit."""
        if self.limiter is not None:
            response.headers += self.limiter.headers(request)
        problems = self._breaches(request, response)
        if problems:
            if not request.fired and "exception" not in request.notes:
                response = await self._withhold(request, response, problems)
            response.problems = problems
        try:
            if self.services.audit is not None:
                self.services.audit.record(request, response)
            if request.settled is not None:
                await request.settled
        except Exception as error:
            response = self._fail(request, error)
            if self.limiter is not None:
                response.headers += self.limiter.headers(request)
        return response

    def complete(self, request: Request, response: Response) -> list[Header]:
        """All headers of a response."""
        headers = response.headers
        headers.append((b"date", self.services.clock.date().encode()))
        headers += self._headers.headers(request)
        if request.lingers:
            headers.append((b"connection", b"close"))
        if response.stream is None and response.status != 204:
            headers.append((b"content-length", b"%d" % len(response.body)))
        total = (time.perf_counter() - request.begun) * 1000
        headers.append((b"server-timing", b"db;dur=%.3f, total;dur=%.3f" % (request.database_seconds * 1000, total)))
        return headers

    async def send(
        self, request: Request, response: Response, headers: list[Header], receive: Receive, send: Send
    ) -> None:
        """Send the response."""
        await send_response(request, response, headers, receive, send)

    def journal(
        self, request: Request, response: Response | None, headers: Sequence[Header], error: str | None = None
    ) -> None:
        """Keep the exchange; `headers` are the response's as they are sent."""
        services, operation = self.services, self.operation
        target = request.target
        if request.query_string:
            target = f"{target}?{request.query_string.decode('latin-1')}"
        agent = request.header("user-agent") or ""
        if request.user_id is not None:
            request.notes["user_id"] = request.user_id
        services.journal.record(
            RawExchange(
                direction="in",
                caller=agent.partition("/")[0].strip()[:60] or "unknown",
                callee=services.app,
                operation=None if operation is None else operation.id,
                method=request.method,
                target=target,
                request_headers=request.raw_headers,
                request_body=request.body,
                status=None if response is None else response.status,
                response_headers=headers,
                response_body=b"" if response is None else response.body,
                started=request.started,
                seconds=time.perf_counter() - request.begun,
                ended=time.time(),
                error=error,
                secrets=request.secrets,
                facts=request.notes,
                problems=() if response is None else response.problems,
                faults=request.fired,
            )
        )

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        request.error_code = refusal.code
        response = self._errors.response(request, refusal)
        response.headers.extend(refusal.headers)
        return response

    def _fail(self, request: Request, error: Exception) -> Response:
        """An error of the simulator's own, as a 500; where it happened goes to the log, never to the caller."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "nowhere"
        note = f"{type(error).__name__} at {place}"
        _log.error("%s: %s failed: %s", self.services.app, self._name, note)
        request.notes["exception"] = note
        self.services.failures += 1
        return self._refuse(request, Refusal(500, "INTERNAL_ERROR", "internal server error"))

    def _breaches(self, request: Request, response: Response) -> list[str]:
        """In what a response breaks the document."""
        operation = self.operation
        if operation is None or operation.response_fits(response.status, response.headers, response.value):
            return []
        problems = operation.response_problems(
            status=response.status,
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers],
            body=response.body,
            value=response.value,
        )
        if problems and request.varied:
            # The contract leaves open some statuses that the document does not list, and what stands behind the names
            # of the headers of rate limits.
            problems = [each for each in problems if not each.pointer.startswith(("/status", "/headers/x-ratelimit"))]
        return [str(each) for each in problems]

    async def _withhold(self, request: Request, response: Response, problems: Sequence[str]) -> Response:
        """The 500 that is sent instead of a response that breaks the document."""
        journal = self.services.journal
        journal.breaches += 1
        shown = journal.clean(problems[0], [*request.secrets, *journal.secrets_of(request.body, response.body)])
        _log.error("%s: %s would break the document: %s", self._name, response.status, shown)
        if response.stream is not None:
            await response.stream.aclose()
        refused = self._refuse(request, Refusal(500, "INTERNAL_ERROR", "internal server error"))
        if self.limiter is not None:
            refused.headers += self.limiter.headers(request)
        return refused

    @property
    def _name(self) -> str:
        """The operation for the log; never the path, which may carry a token."""
        return "an unknown route" if self.operation is None else self.operation.id


class OperationEndpoint(Endpoint):
    """The endpoint of one operation of the document, compiled at the start."""

    operation: Operation

    def __init__(self, services: Services, operation: Operation, handler: Handler) -> None:
        super().__init__(services, operation)
        self.handler = handler
        self._guards = [services.guards[scheme] for scheme in operation.security]
        self._has_query = operation.has_query
        self._has_body = "requestBody" in operation.raw
        # A signature is over the whole body: who sends too much of it cannot be authenticated.
        self._is_signed = "webhookSignature" in operation.security

    async def decide(self, request: Request, receive: Receive) -> Response:
        """Read the request, and serve it."""
        await self.read(request, receive)
        return await self.serve(request, receive)

    async def serve(self, request: Request, receive: Receive) -> Response:
        """Authenticate, count, check the form, handle. `receive` tells when the caller leaves."""
        if request.too_large is not None and self._is_signed:
            raise request.too_large
        self.authenticate(request)
        if self.limiter is not None:
            self.limiter.count(request)
        if request.too_large is not None:
            raise request.too_large
        self.check_form(request)
        answer = self.handle(request)
        return answer if isinstance(answer, Response) else await answer

    async def read(self, request: Request, receive: Receive) -> None:
        """Read the body, and the query where the operation has parameters in it. Raises Gone."""
        if self._has_query and request.query_string:
            read_query(request)
        if self._has_body:
            await read_body(request, receive, self.largest_body(request), self.too_large)

    def largest_body(self, request: Request) -> int:
        """The most bytes that are read of a body."""
        return MAX_BODY

    def too_large(self, largest: int) -> Refusal:
        """The refusal of a larger body."""
        return Refusal(413, "PAYLOAD_TOO_LARGE", f"the body is above {largest} bytes")

    def authenticate(self, request: Request) -> None:
        """Any one of the operation's security schemes admits. Raises Refusal (401)."""
        refused: Refusal | None = None
        for guard in self._guards:
            try:
                guard.check(request)
            except Refusal as refusal:
                refused = refusal
            else:
                return
        if refused is not None:
            raise refused

    def form_problems(self, request: Request) -> Sequence[Problem]:
        """What is wrong with the request's form, by strict JSON and by the document."""
        return request.problems or self.operation.request_problems(
            path=request.path_params,
            query=request.query,
            content_type=request.header("content-type"),
            body=request.body,
            value=request.json,
        )

    def check_form(self, request: Request) -> None:
        """Raise the application's form error for a request that breaks the document."""
        problems = self.form_problems(request)
        if problems:
            refusal = self._errors.form_error(request, problems)
            if refusal is not None:
                raise refusal

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Call the handler."""
        return self.handler(request)
