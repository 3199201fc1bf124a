"""Routes from an OpenAPI document: every operation has a handler, every request and response is held against it.

What happens to a request, in this order: 1. authentication by the operation's security (401); 2. rate limit (429);
3. the request against the document (400 or what the application says); 4. the handler; 5. the response against the
document: one that breaks it becomes a 500, is counted, and never leaves. Everything that differs between
applications, and every fault, is a method of `Behaviour`.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import math
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from openapi import Document, Operation, Problem
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal, StartError
from simulators.kit.exchange import Inbound, Reply, current, json_reply
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import Grant, RateLimits, Rule
from simulators.kit.variants import Frames

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Handler = Callable[[Inbound], Reply | Awaitable[Reply]]

MAX_BODY = 1024 * 1024
DEEPEST = 64
_LINGER_BYTES = 32 * 1024 * 1024
_LINGER_SECONDS = 2.0
_log = logging.getLogger(__name__)


class Behaviour:
    """What an application decides about its edge. The methods here are honest defaults; override and add faults.

    All may raise Refusal. They run inside the request, so that `faults.on(...)` is booked on it.
    """

    def offers(self, inbound: Inbound) -> bool:
        """Whether this route exists today; False answers 404 as an unknown path does."""
        return True

    def hides_methods(self, inbound: Inbound) -> bool:
        """Whether a wrong method is answered 404, as some routers do, and not 405."""
        return False

    async def before(self, inbound: Inbound, receive: Receive) -> Reply | None:
        """Asked once the body is read; a Reply answers at once. To never answer: await `gone(receive)`, raise Gone."""
        return None

    def early_form(self, inbound: Inbound, problems: Callable[[], list[Problem]]) -> None:
        """Asked before authentication. Honest applications do nothing; a fault may raise a form error here."""

    def authenticate(self, scheme: str, inbound: Inbound) -> None:
        """Check one security scheme of the operation; raises Refusal(401). Sets `inbound.user_id` where it can."""
        raise NotImplementedError(scheme)

    def rate_key(self, kind: str, inbound: Inbound) -> str:
        """Whom to count for x-rate-limit's `key`."""
        match kind:
            case "address":
                return inbound.address
            case "user":
                return inbound.user_id or inbound.address
            case "session-token":
                token = inbound.field("session_token") or inbound.query_value("session_token")
                return _digest(token) if isinstance(token, str) and token else f"none {inbound.address}"
            case "instance":
                return f"instance {inbound.address}"
            case _:
                return kind

    def enforces_limit(self, inbound: Inbound) -> bool:
        """Whether a request past its limit is refused."""
        return True

    def counts_refused(self, inbound: Inbound) -> bool:
        """Whether a call that fails authentication counts against the rate limit."""
        return False

    def limit_headers(self, inbound: Inbound, grant: Grant) -> list[tuple[str, str]]:
        """The headers that announce the limit."""
        return grant.headers()

    def admitted(self, inbound: Inbound) -> None:
        """Asked after authentication and rate limit, before the form."""

    def invalid(self, inbound: Inbound, problems: list[Problem]) -> Refusal | None:
        """What to answer to a request that breaks the document; None lets it through to the handler."""
        return Refusal(400, "VALIDATION_ERROR", describe(problems), details(problems))

    def max_body(self, inbound: Inbound) -> int:
        """The largest body that is read, in bytes."""
        return MAX_BODY

    def too_large(self, inbound: Inbound, largest: int) -> Refusal:
        """What to answer to a larger one."""
        return Refusal(413, "PAYLOAD_TOO_LARGE", f"the body is above {largest} bytes")

    def error(self, inbound: Inbound, refusal: Refusal) -> Reply:
        """The application's error shape."""
        return json_reply({"message": refusal.message, "error": refusal.code}, refusal.status)

    def alter(self, inbound: Inbound, reply: Reply) -> None:
        """Asked for every answer before it is held against the document; honest applications leave it as it is."""

    async def framed(self, inbound: Inbound, reply: Reply, headers: list[tuple[str, str]]) -> Frames | None:
        """How an answer goes over the network; None: in one piece, as honest ones do."""
        return None

    def headers(self, inbound: Inbound) -> list[tuple[str, str]]:
        """Added to every answer, outside of what the document describes (CORS and the like)."""
        return []

    def preflight(self, inbound: Inbound, methods: Sequence[str]) -> list[tuple[str, str]]:
        """Added to the answer to OPTIONS."""
        return []

    def finish(self, inbound: Inbound, reply: Reply) -> None:
        """Called once for every request, right before the answer leaves (audit log)."""


class Gone(Exception):  # noqa: N818  # an outcome, not a failure
    """The caller left before an answer; nothing is sent."""


async def gone(receive: Receive) -> None:
    """Wait until the caller closes the connection."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return


class Binding:
    """The routes of one application. `handlers` by operationId; `prefixes` by the operation's base (api, pages).

    Raises StartError where an operation has no handler, or a handler no operation.
    """

    def __init__(
        self,
        document: Document,
        handlers: Mapping[str, Handler],
        behaviour: Behaviour,
        *,
        clock: Clock,
        journal: Journal,
        limits: RateLimits,
        prefixes: Mapping[str, str] | None = None,
    ) -> None:
        missing = sorted(set(document.operations) - set(handlers))
        left_over = sorted(set(handlers) - set(document.operations))
        if missing or left_over:
            parts = []
            if missing:
                parts.append(f"no handler for {', '.join(missing)}")
            if left_over:
                parts.append(f"no operation for the handler {', '.join(left_over)}")
            raise StartError(f"{document.app}: handlers and {document.path.name} differ: {'; '.join(parts)}")
        self.document = document
        self.handlers = dict(handlers)
        self.behaviour = behaviour
        self.clock = clock
        self.journal = journal
        self.limits = limits
        self.requests = 0
        self.failures = 0
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in document.operations.values():
            path = (prefixes or {}).get(operation.base, "") + operation.path
            by_path.setdefault(path, {})[operation.method] = operation
        self._literal = {path: _Path(self, by_path[path]) for path in by_path if "{" not in path}
        self._templates = [
            (_pattern(path), _Path(self, by_path[path])) for path in sorted(by_path) if path not in self._literal
        ]
        self.unknown = _Path(self, {})

    def warm_up(self) -> None:
        """Compile every schema now, so that no request has to wait for it."""
        for operation in self.document.operations.values():
            operation.request_problems(path={}, query=(), content_type="application/json", body=b"{}")
            for status in operation.statuses:
                operation.response_problems(status=status, headers=(), body=b"")

    def endpoint(self, scope: Any) -> "_Path | None":
        """The ASGI application behind a decoded path, whose parameters are put into the scope; None for an unknown one.

        Literal paths go first: /api/events/updates must not be read as an event's id.
        """
        path: str = scope["path"]
        found = self._literal.get(path)
        if found is not None:
            return found
        for pattern, templated in self._templates:
            match = pattern.fullmatch(path)
            if match is not None:
                scope["path_params"] = match.groupdict()
                return templated
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """What a path template matches; a parameter is one segment."""
    parts = re.split(r"{(\w+)}", path)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    )


def rules_of(document: Document) -> dict[str, Rule]:
    """The rate limits that a document states, by operationId."""
    return {
        operation.id: Rule(operation.rate_limit.limit, operation.rate_limit.window, operation.rate_limit.key)
        for operation in document.operations.values()
        if operation.rate_limit is not None
    }


class _Path:
    """The ASGI application behind one path; with no operations, behind all paths that are not in the document."""

    def __init__(self, binding: Binding, operations: Mapping[str, Operation]) -> None:
        self._binding = binding
        self._operations = operations
        self._methods = sorted(operations)
        self._allow = ", ".join([*self._methods, "OPTIONS"])

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        begun = time.perf_counter()
        binding = self._binding
        binding.requests += 1
        inbound = Inbound(scope, self._operations.get(scope["method"]), binding.clock.now())
        turn = _Turn(binding, inbound, scope, receive, send, begun)
        token = current.set(inbound)
        try:
            try:
                reply = await self._decide(turn, inbound)
            except Refusal as refusal:
                reply = turn.refuse(refusal)
            except Gone:
                raise
            except Exception as error:
                reply = turn.fail(error)
            await turn.answer(reply)
        except Gone:
            turn.journal(None, "the caller left before an answer")
        except asyncio.CancelledError:
            if not turn.sent:
                turn.journal(None, "cancelled before an answer")
            raise
        finally:
            current.reset(token)

    async def _decide(self, turn: "_Turn", inbound: Inbound) -> Reply:
        behaviour = self._binding.behaviour
        operation = inbound.operation
        if not self._operations or not behaviour.offers(inbound):
            raise Refusal(404, "NOT_FOUND", "there is no such route")
        if operation is None:
            if inbound.method == "OPTIONS":
                return Reply(204, headers=[("allow", self._allow), *behaviour.preflight(inbound, self._methods)])
            if behaviour.hides_methods(inbound):
                raise Refusal(404, "NOT_FOUND", "there is no such route")
            raise Refusal(
                405, "METHOD_NOT_ALLOWED", f"this route takes {self._allow}", headers=[("allow", self._allow)]
            )
        too_large = await turn.read()
        early = await behaviour.before(inbound, turn.receive)
        if early is not None:
            return early
        if too_large is None:
            behaviour.early_form(inbound, turn.problems)
        if too_large is not None and "webhookSignature" in operation.security:
            raise too_large
        try:
            self._authenticate(operation, inbound)
        except Refusal:
            if behaviour.counts_refused(inbound):
                turn.limit(operation)
            raise
        turn.limit(operation)
        if too_large is not None:
            raise too_large
        behaviour.admitted(inbound)
        problems = turn.problems()
        if problems:
            refusal = behaviour.invalid(inbound, problems)
            if refusal is not None:
                raise refusal
        answer = self._binding.handlers[operation.id](inbound)
        return answer if isinstance(answer, Reply) else await answer

    def _authenticate(self, operation: Operation, inbound: Inbound) -> None:
        refusal: Refusal | None = None
        for scheme in operation.security:
            try:
                self._binding.behaviour.authenticate(scheme, inbound)
            except Refusal as error:
                refusal = error
            else:
                return
        if refusal is not None:
            raise refusal


class _Turn:
    """One request and its answer on the wire."""

    __slots__ = (
        "_begun",
        "_binding",
        "_grant",
        "_inbound",
        "_lingers",
        "_problems",
        "_scope",
        "_send",
        "receive",
        "sent",
    )

    def __init__(
        self,
        binding: Binding,
        inbound: Inbound,
        scope: Any,
        receive: Receive,
        send: Send,
        begun: float,
    ) -> None:
        self._binding = binding
        self._inbound = inbound
        self._scope = scope
        self.receive = receive
        self._send = send
        self._begun = begun
        self._grant: Grant | None = None
        self._lingers = False
        self._problems: list[Problem] = []
        self.sent = False

    async def read(self) -> Refusal | None:
        """Read query and body into the request; a Refusal (413) where the body is too large to be read."""
        inbound = self._inbound
        operation = inbound.operation
        problem = _read_query(inbound)
        if problem is not None:
            self._problems.append(problem)
        if operation is None or "requestBody" not in operation.raw:
            return None
        largest = self._binding.behaviour.max_body(inbound)
        announced = inbound.header("content-length")
        if announced is not None and announced.isdecimal() and int(announced[:20]) > largest:
            self._lingers = True
            return self._binding.behaviour.too_large(inbound, largest)
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            if size > largest:
                self._lingers = more
                return self._binding.behaviour.too_large(inbound, largest)
            chunks.append(chunk)
        inbound.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if inbound.body:
            try:
                inbound.json = read_strict(inbound.body)
            except ValueError as error:
                inbound.broken = str(error)
                self._problems.append(Problem("/body", str(error)))
        return None

    def problems(self) -> list[Problem]:
        """What is wrong with the request's form, by the document and by strict JSON."""
        inbound = self._inbound
        operation = inbound.operation
        if self._problems or operation is None:
            return self._problems
        return operation.request_problems(
            path=inbound.path_params,
            query=inbound.query,
            content_type=inbound.header("content-type"),
            body=inbound.body,
            value=inbound.json,
        )

    def limit(self, operation: Operation) -> None:
        """Count the request; raises Refusal(429) past the limit."""
        binding = self._binding
        if operation.rate_limit is None:
            return
        key = binding.behaviour.rate_key(operation.rate_limit.key, self._inbound)
        self._grant = grant = binding.limits.take(operation.id, key)
        if not grant.admitted and binding.behaviour.enforces_limit(self._inbound):
            wait = max(1, math.ceil(grant.reset - binding.clock.now()))
            raise Refusal(
                429,
                "TOO_MANY_REQUESTS",
                f"too many requests; try again in {wait} s",
                headers=[("retry-after", str(wait))],
            )

    def refuse(self, refusal: Refusal) -> Reply:
        """A refusal in the application's error shape."""
        self._inbound.error_code = refusal.code
        reply = self._binding.behaviour.error(self._inbound, refusal)
        reply.headers.extend(refusal.headers)
        return reply

    def fail(self, error: Exception) -> Reply:
        """An error of the simulator's own, as a 500; where it happened goes to the log, never to the caller."""
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "nowhere"
        note = f"{type(error).__name__} at {place}"
        _log.error("%s: %s failed: %s", self._binding.document.app, self._name, note)
        self._inbound.notes["exception"] = note
        self._binding.failures += 1
        return self.refuse(Refusal(500, "INTERNAL_ERROR", "internal server error"))

    async def answer(self, reply: Reply) -> None:
        """Complete the headers, hold the reply against the document, journal it, send it."""
        inbound = self._inbound
        behaviour = self._binding.behaviour
        behaviour.alter(inbound, reply)
        problems: list[str] = []
        if inbound.operation is not None:
            self._announce(reply)
            problems = self._breaches(inbound.operation, reply)
            if problems and not inbound.fired and "exception" not in inbound.notes:
                reply = await self._withheld(reply, problems)
        try:
            behaviour.finish(inbound, reply)
            if inbound.settled is not None:
                await inbound.settled
        except Exception as error:
            reply = self.fail(error)
            self._announce(reply)
        headers = reply.headers
        headers.append(("date", self._binding.clock.date()))
        headers.extend(behaviour.headers(inbound))
        if self._lingers:
            headers.append(("connection", "close"))
        if reply.stream is None and reply.status != 204:
            headers.append(("content-length", str(len(reply.body))))
        headers.append(
            (
                "server-timing",
                f"db;dur={inbound.database_seconds * 1000:.3f}, "
                f"total;dur={(time.perf_counter() - self._begun) * 1000:.3f}",
            )
        )
        raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.journal(reply, None, problems, raw_headers)
        self.sent = True
        frames = None if self._lingers else await behaviour.framed(inbound, reply, headers)
        if frames is not None:
            await self._send_framed(reply, frames)
            return
        await self._send({"type": "http.response.start", "status": reply.status, "headers": raw_headers})
        if reply.stream is not None:
            await self._send_stream(reply.stream)
            return
        await self._send({"type": "http.response.body", "body": reply.body, "more_body": self._lingers})
        if self._lingers:
            # The caller has the whole answer by its length. Closing at once, while it still sends, would reset the
            # connection and might destroy the answer on its way: so swallow what comes, within bounds.
            await self._swallow()
            await self._send({"type": "http.response.body", "body": b""})

    def _breaches(self, operation: Operation, reply: Reply) -> list[str]:
        """What is wrong with a reply by the document."""
        problems = operation.response_problems(
            status=reply.status, headers=reply.headers, body=reply.body, value=reply.value
        )
        if problems and self._inbound.varied:
            # The contract leaves some statuses open that the document does not list.
            problems = [each for each in problems if not each.pointer.startswith("/status")]
        return [str(each) for each in problems]

    async def _withheld(self, reply: Reply, problems: Sequence[str]) -> Reply:
        """What is sent in the place of a reply that breaks the document."""
        inbound, journal = self._inbound, self._binding.journal
        journal.breaches += 1
        told = journal.clean(problems[0], [*inbound.secrets, *journal.secrets_of(inbound.body, reply.body)])
        _log.error("%s: %s would break the document: %s", self._name, reply.status, told)
        if reply.stream is not None:
            await reply.stream.aclose()
        refused = self.refuse(Refusal(500, "INTERNAL_ERROR", "internal server error"))
        self._announce(refused)
        return refused

    async def _send_framed(self, reply: Reply, frames: Frames) -> None:
        await self._send({"type": "http.response.start", "status": reply.status, "headers": frames.headers})
        if reply.stream is not None:
            await self._send_stream(reply.stream)
            return
        *pieces, last = frames.pieces
        for piece in pieces:
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        if frames.breaks:
            # The server closes the connection of an application that ends in the middle of its answer.
            await self._send({"type": "http.response.body", "body": last[: len(last) // 2], "more_body": True})
            return
        await self._send({"type": "http.response.body", "body": last})

    def journal(
        self,
        reply: Reply | None,
        error: str | None,
        problems: Sequence[str] = (),
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """Keep the exchange; `headers` are the reply's as they are sent."""
        inbound = self._inbound
        binding = self._binding
        raw = self._scope.get("raw_path")
        target = inbound.path if raw is None else raw.decode("latin-1")
        if inbound.query_string:
            target = f"{target}?{inbound.query_string.decode('latin-1')}"
        agent = inbound.header("user-agent") or ""
        if inbound.user_id is not None:
            inbound.notes["user_id"] = inbound.user_id
        binding.journal.record(
            direction="in",
            caller=agent.partition("/")[0].strip()[:60] or "unknown",
            callee=binding.document.app,
            operation=None if inbound.operation is None else inbound.operation.id,
            method=inbound.method,
            target=target,
            request_headers=inbound.raw_headers,
            request_body=inbound.body,
            status=None if reply is None else reply.status,
            response_headers=headers,
            response_body=b"" if reply is None else reply.body,
            started=inbound.started,
            seconds=time.perf_counter() - self._begun,
            error=error,
            secrets=inbound.secrets,
            problems=problems,
            faults=inbound.fired,
            facts=inbound.notes,
        )

    @property
    def _name(self) -> str:
        """The operation for the log; never the path, which may carry a token."""
        operation = self._inbound.operation
        return "an unknown route" if operation is None else operation.id

    def _announce(self, reply: Reply) -> None:
        inbound = self._inbound
        operation = inbound.operation
        if operation is not None and operation.rate_limit is not None:
            grant = self._grant or self._binding.limits.peek(operation.id)
            reply.headers.extend(self._binding.behaviour.limit_headers(inbound, grant))

    async def _send_stream(self, stream: AsyncGenerator[bytes, None]) -> None:
        left = asyncio.create_task(gone(self.receive))
        try:
            while True:
                step = asyncio.ensure_future(anext(stream))
                await asyncio.wait({step, left}, return_when=asyncio.FIRST_COMPLETED)
                if left.done():
                    step.cancel()
                    with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                        await step
                    return
                try:
                    chunk = step.result()
                except StopAsyncIteration:
                    await self._send({"type": "http.response.body", "body": b""})
                    return
                await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            left.cancel()
            await stream.aclose()

    async def _swallow(self) -> None:
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while size < _LINGER_BYTES:
                    message = await self.receive()
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
                    size += len(message.get("body", b""))


def read_strict(body: bytes) -> Any:
    """Parse JSON as no two parsers can disagree about it. Raises ValueError with a sentence that quotes nothing.

    Refused beside what is no JSON: duplicate keys, NaN and infinities, more than 64 levels, invalid UTF-8, NUL
    characters and lone surrogates (neither can be stored as text).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not valid UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (position {error.pos})") from None
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith("has ") else "has a number of too many digits") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    # The two characters that JSON can spell and a database cannot hold are always written as \\u escapes.
    if "\\u" in text or text.count("[") + text.count("{") > DEEPEST:
        _inspect(value)
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("has a key twice")
    return value


def _constant(_word: str) -> Any:
    raise ValueError("has NaN or Infinity, which is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("has a number out of range")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)


def _inspect(value: Any) -> None:
    level = [value]
    depth = 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("is nested too deeply")
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                for key in each:
                    refuse_unstorable(key)
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
            elif isinstance(each, str):
                refuse_unstorable(each)
        level = below


def refuse_unstorable(text: str) -> None:
    """Raise ValueError for a text with a NUL character or a lone surrogate."""
    if "\x00" in text:
        raise ValueError("has a NUL character")
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError("has a lone surrogate")


def _read_query(inbound: Inbound) -> Problem | None:
    if not inbound.query_string:
        return None
    try:
        inbound.query = parse_qsl(
            inbound.query_string.decode("latin-1"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
        for name, value in inbound.query:
            refuse_unstorable(name)
            refuse_unstorable(value)
    except UnicodeDecodeError:
        return Problem("/query", "is not valid UTF-8")
    except ValueError as error:
        return Problem("/query", str(error) if str(error).startswith("has a ") else "cannot be read")
    return None


def field_name(problem: Problem) -> str:
    """The field that a problem is about, as people write it: payload.status, session_token, body."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in problem.pointer.split("/")[1:]]
    return ".".join(parts[1:]) or (parts[0] if parts else "request")


def reason(problem: Problem) -> str:
    """Why, without the value itself, which might be a secret in an unexpected place."""
    return problem.message.partition(", got ")[0].removeprefix("value ").replace("is required", "is missing")


def describe(problems: Sequence[Problem]) -> str:
    """The first problems in one line for people."""
    return "; ".join(f"{field_name(problem)} {reason(problem)}" for problem in problems[:5])


def details(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """All problems as JSON, field by field."""
    return [{"field": field_name(problem), "problem": reason(problem)} for problem in problems[:20]]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
