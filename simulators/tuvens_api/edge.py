"""Who is let in, how errors look, CORS and audit: what surrounds the routes of tuvens-api."""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from contracts.session_token.wire import SECRET_HEADER
from contracts.times import iso_millis
from contracts.webhook.wire import SIGNATURE_HEADER, sign, signature_matches
from openapi import Operation, Problem
from simulators.kit.altered import alter
from simulators.kit.binding import MAX_BODY, Behaviour, Gone, Receive, gone
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import FaultRuntime
from simulators.kit.ratelimit import Grant
from simulators.kit.strain import Strains
from simulators.kit.variants import Frames, Framing
from simulators.tuvens_api.answers import ANSWERS
from simulators.tuvens_api.config import Config
from simulators.tuvens_api.state import LARGEST, State
from simulators.tuvens_api.strains import STRAINS
from simulators.tuvens_api.users import JwtRefused, read_jwt

WEBHOOK = "receiveEventStatusChanged"
TICKETING = {"LIVE": "active", "DRAFT": "setup", "CANCELLED": "inactive", "ENDED": "inactive"}
AUDITED = frozenset({"generateSession", "validateSession", "listUserAccounts", "validatePermission", WEBHOOK})

MISSING_ROUTES = {
    "generateSession": "generate-session-route-missing",
    "validateSession": "validate-session-route-missing",
    "listUserAccounts": "user-accounts-route-missing",
    "validatePermission": "validate-permission-route-missing",
    WEBHOOK: "webhook-route-missing",
    "getEvent": "event-route-missing",
    "updateEvent": "event-change-route-missing",
    "streamEventUpdates": "stream-route-missing",
}
"""The faults under which the router does not know an operation."""

_METHODS = "GET, POST, PATCH"
_HEADERS = "Authorization, Content-Type, X-Session-Token, X-Shared-Secret"
_EXPOSED = "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"
_LONG = re.compile(r"[A-Za-z0-9._~-]{32,}")
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_TRACE = (
    "Error: request failed\n    at CrossAppService.validateSession (/app/dist/cross-app/cross-app.service.js:84:19)\n"
    "    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n"
    "    at async CrossAppController.validate (/app/dist/cross-app/cross-app.controller.js:41:24)"
)


class Edge(Behaviour):
    """The behaviour of tuvens-api around its routes. `publish` sends a status change to the stream, for a fault."""

    def __init__(
        self,
        config: Config,
        state: State,
        clock: Clock,
        faults: FaultRuntime,
        publish: Callable[[str, str], None],
    ) -> None:
        self._config = config
        self._state = state
        self._clock = clock
        self._faults = faults
        self._framing = Framing(faults, "tuvens-api")
        self._strains = Strains(faults, STRAINS)
        self._publish = publish
        self._secret = config.shared_secret.encode()
        self._secret_digest = hashlib.sha256(self._secret).digest()
        self._origins = config.origins
        self._hanging: set[asyncio.Future[None]] = set()

    def release(self) -> None:
        """Answer the requests that were to hang for ever: the server stops."""
        for released in self._hanging:
            if not released.done():
                released.set_result(None)

    # -- before the route

    def offers(self, inbound: Inbound) -> bool:
        """Honest: always."""
        operation = inbound.operation
        return operation is None or not self._faults.on(MISSING_ROUTES[operation.id])

    async def before(self, inbound: Inbound, receive: Receive) -> Reply | None:
        """Trouble on the routes for back ends; the truth about a webhook's signature, for the journal."""
        operation = inbound.operation
        if operation is None:
            return None
        if not self._faults.quiet:
            await self._strains.before(inbound)
        if operation.id == WEBHOOK:
            header = inbound.header_values(SIGNATURE_HEADER)
            given = header[0].decode("latin-1") if len(header) == 1 else None
            inbound.notes["signature_valid"] = signature_matches(self._secret, inbound.body, given)
            if self._faults.on("webhook-hangs"):
                await self._hang(receive)
        elif "sharedSecret" in operation.security:
            if self._faults.on("tuvens-api-answers-500"):
                raise Refusal(500, "INTERNAL_ERROR", "internal server error")
            if self._faults.on("tuvens-api-answers-nonsense"):
                page = b"<!doctype html><title>Welcome</title><h1>It works!</h1>"
                return Reply(200, page, [("content-type", "text/html; charset=utf-8")])
            if self._faults.on("tuvens-api-hangs"):
                await self._hang(receive)
        return None

    def early_form(self, inbound: Inbound, problems: Callable[[], list[Problem]]) -> None:
        """Honest: nothing. The order is authentication, form, existence."""
        if not self._faults.armed("form-checked-before-authentication"):
            return
        found = problems()
        if found and self._faults.on("form-checked-before-authentication"):
            refusal = super().invalid(inbound, found)
            assert refusal is not None
            raise refusal

    def authenticate(self, scheme: str, inbound: Inbound) -> None:
        """userJwt, sharedSecret or webhookSignature; raises Refusal(401)."""
        match scheme:
            case "sharedSecret":
                self._authenticate_back_end(inbound)
            case "userJwt":
                self._authenticate_user(inbound)
            case "webhookSignature":
                self._authenticate_webhook(inbound)
            case _:
                raise NotImplementedError(scheme)

    def rate_key(self, kind: str, inbound: Inbound) -> str:
        """As the contract counts; an instance of hi.events is told by the secret and the caller's address."""
        if kind == "user" and self._faults.on("rate-limit-shared-by-all-users"):
            return f"address {inbound.address}"
        if kind == "session-token" and self._faults.on("questions-limited-by-address"):
            return f"address {inbound.address}"
        return super().rate_key(kind, inbound)

    def enforces_limit(self, inbound: Inbound) -> bool:
        """Honest: always."""
        return not self._faults.on("rate-limit-not-enforced")

    def counts_refused(self, inbound: Inbound) -> bool:
        """The usual: no."""
        return self._faults.on("refused-calls-count")

    def too_large(self, inbound: Inbound, largest: int) -> Refusal:
        """The usual: 413."""
        if self._faults.on("large-bodies-answer-400"):
            return Refusal(400, "VALIDATION_ERROR", f"the body is above {largest} bytes")
        return super().too_large(inbound, largest)

    def limit_headers(self, inbound: Inbound, grant: Grant) -> list[tuple[str, str]]:
        """Honest: on every answer of a limited route."""
        if self._faults.on("rate-limit-headers-missing"):
            return []
        headers = grant.headers()
        if self._faults.on("rate-limit-reset-in-seconds-left"):
            left = max(0, grant.reset - int(self._clock.now()))
            headers = [(name, str(left) if name == "x-ratelimit-reset" else value) for name, value in headers]
        return headers

    def max_body(self, inbound: Inbound) -> int:
        """1 MiB."""
        return 64 * MAX_BODY if self._faults.armed("large-bodies-processed") else MAX_BODY

    def admitted(self, inbound: Inbound) -> None:
        """Faults and troubles that strike an authenticated request."""
        operation = inbound.operation
        assert operation is not None
        if len(inbound.body) > MAX_BODY:
            self._faults.on("large-bodies-processed")
        if operation.id == WEBHOOK:
            if self._faults.on("webhook-answers-503"):
                raise Refusal(503, "SERVICE_UNAVAILABLE", "service unavailable")
            if self._faults.on("webhook-answers-429"):
                raise Refusal(429, "RATE_LIMITED", "too many requests")
            if self._faults.on("webhook-answers-400"):
                raise Refusal(400, "VALIDATION_ERROR", "the webhook is not understood")
        elif (
            self._faults.armed("quote-breaks-query") and _breaks_sql(inbound) and self._faults.on("quote-breaks-query")
        ):
            raise Refusal(
                500,
                "QueryFailedError",
                'unterminated quoted string at or near "\'": SELECT * FROM "crossAppSession" WHERE "sessionToken" = $1',
            )

    def invalid(self, inbound: Inbound, problems: list[Problem]) -> Refusal | None:
        """400 VALIDATION_ERROR."""
        operation = inbound.operation
        if operation is not None:
            if any(each.pointer == "/headers/content-type" for each in problems) and self._faults.on(
                "wrong-media-type-answers-415"
            ):
                return Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "application/json is needed")
            if operation.id == WEBHOOK and self._faults.on("malformed-webhook-answers-500"):
                return Refusal(500, "INTERNAL_ERROR", "Cannot read properties of undefined")
            if (
                operation.id == "generateSession"
                and isinstance(inbound.json, dict)
                and inbound.field("account_id") is None
                and self._faults.on("account-id-optional")
            ):
                return None
            as_text = operation.id == "generateSession" and _is_number_as_text(inbound.field("account_id"))
            if as_text and self._faults.on("account-id-as-text-accepted"):
                return None
            no_token = "sharedSecret" in operation.security and not _session_token(inbound)
            if no_token and self._faults.on("missing-session-token-answers-404"):
                return Refusal(404, "SESSION_NOT_FOUND", "the session is unknown or has expired")
        return super().invalid(inbound, problems)

    # -- after the route

    def error(self, inbound: Inbound, refusal: Refusal) -> Reply:
        """The contract's error shape; nothing of the request in it but its path, without query, long runs masked."""
        path = _LONG.sub("***", inbound.path[:512])
        if self._faults.on("token-masked-in-error-path") and inbound.query_string:
            path = f"{path}?session_token=***"
        if inbound.query_string and self._faults.on("query-in-error-path"):
            path = f"{inbound.path}?{inbound.query_string.decode('latin-1')}"
        message = refusal.message
        if self._faults.armed("session-token-echoed-in-errors"):
            token = _session_token(inbound)
            if token and self._faults.on("session-token-echoed-in-errors"):
                message = f"{message} (session {token})"
        if self._faults.on("error-shape-of-nest"):
            nest = {"statusCode": refusal.status, "message": message, "error": _REASONS.get(refusal.status, "Error")}
            return json_reply(nest, refusal.status)
        body: dict[str, Any] = {
            "statusCode": refusal.status,
            "timestamp": iso_millis(self._clock.now()),
            "path": path,
            "message": message,
            "origin": {"message": message, "code": refusal.code, "details": refusal.details},
        }
        if self._faults.on("stack-trace-in-errors"):
            body["stack"] = _TRACE
        return json_reply(body, refusal.status)

    def alter(self, inbound: Inbound, reply: Reply) -> None:
        """Honest: nothing."""
        alter(self._faults, ANSWERS, inbound, reply)

    async def framed(self, inbound: Inbound, reply: Reply, headers: list[tuple[str, str]]) -> Frames | None:
        """Honest: as usual."""
        return None if self._faults.quiet else await self._framing.frames(inbound, reply, headers)

    def hides_methods(self, inbound: Inbound) -> bool:
        """As usual: 405."""
        return self._faults.on("wrong-method-answers-404-at-tuvens-api")

    def headers(self, inbound: Inbound) -> list[tuple[str, str]]:
        """CORS: exactly the origins of the deployment, with credentials."""
        headers = [("vary", "Origin")]
        allowed = self._allowed_origin(inbound)
        if allowed is not None:
            headers += [("access-control-allow-origin", allowed), ("access-control-allow-credentials", "true")]
            if inbound.method != "OPTIONS":
                headers.append(("access-control-expose-headers", _EXPOSED))
        operation = inbound.operation
        if (
            operation is not None
            and "sharedSecret" in operation.security
            and self._faults.on("shared-secret-in-debug-header")
        ):
            headers.append(("x-debug-shared-secret", self._config.shared_secret))
        return headers

    def preflight(self, inbound: Inbound, methods: Sequence[str]) -> list[tuple[str, str]]:
        """What an admitted origin may send."""
        if inbound.header("access-control-request-method") is None or self._allowed_origin(inbound) is None:
            return []
        return [
            ("access-control-allow-methods", "GET, POST" if self._faults.on("cors-without-patch") else _METHODS),
            ("access-control-allow-headers", _HEADERS),
            ("access-control-max-age", "600"),
        ]

    def finish(self, inbound: Inbound, reply: Reply) -> None:
        """One audit record for each cross-app call and webhook, whatever came of it."""
        operation = inbound.operation
        if operation is None or operation.id not in AUDITED:
            return
        if operation.id == WEBHOOK and reply.status >= 400 and self._faults.armed("sse-sent-for-refused-webhooks"):
            self._publish_refused(inbound)
        failed = reply.status >= 400
        if failed and self._faults.on("audit-misses-failures"):
            return
        detail = None
        if self._faults.armed("audit-holds-tokens"):
            token = _session_token(inbound) or next(
                (value for kind, value in inbound.secrets if kind == "session-token"), None
            )
            if token is not None and self._faults.on("audit-holds-tokens"):
                detail = f"session {token}"
        self._state.record(
            self._clock.now(),
            operation.id,
            reply.status,
            user=inbound.user_id,
            account=inbound.account_id,
            error=inbound.error_code if failed else None,
            detail=detail,
        )

    async def _hang(self, receive: Receive) -> None:
        left = asyncio.ensure_future(gone(receive))
        released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hanging.add(released)
        try:
            await asyncio.wait({left, released}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
            self._hanging.discard(released)
        if released.done():
            raise Refusal(503, "SERVICE_UNAVAILABLE", "the server stops")
        raise Gone

    # -- the three proofs

    def _authenticate_back_end(self, inbound: Inbound) -> None:
        given = inbound.header_values(SECRET_HEADER)
        if len(given) == 1 and self._secret_matches(given[0]):
            return
        if _operation(inbound).id == "validatePermission" and self._faults.on(
            "secret-not-demanded-by-validate-permission"
        ):
            return
        if (not given or given == [b""]) and self._faults.on("missing-secret-admitted"):
            return
        if self._faults.armed("wrong-secret-revokes-the-session"):
            token = _session_token(inbound)
            if token is not None and self._state.is_unused(hashlib.sha256(token.encode()).hexdigest()):
                self._faults.on("wrong-secret-revokes-the-session")
                self._state.remove_session(hashlib.sha256(token.encode()).hexdigest())
        raise Refusal(401, "UNAUTHORIZED", f"{SECRET_HEADER} is missing or wrong")

    def _secret_matches(self, given: bytes) -> bool:
        secret = self._secret
        if self._faults.on("secret-leaks-by-timing"):
            return _equal_byte_by_byte(given, secret)
        # Digests have one length: the time does not tell the secret's.
        if hmac.compare_digest(hashlib.sha256(given).digest(), self._secret_digest):
            return True
        # Comparisons that stop early are made for an armed fault only: an honest answer must not tell by its time.
        if self._faults.armed("secret-compared-by-prefix"):
            beginning = bool(given) and (secret.startswith(given) or given.startswith(secret))
            if beginning and self._faults.on("secret-compared-by-prefix"):
                return True
        if self._faults.armed("secret-case-ignored"):
            return given.lower() == secret.lower() and self._faults.on("secret-case-ignored")
        return False

    def _authenticate_user(self, inbound: Inbound) -> None:
        given = inbound.header_values("authorization")
        scheme, _, token = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
        bearer = [("www-authenticate", "Bearer")]
        if not token.strip():
            operation = _operation(inbound).id
            if (operation == "generateSession" and self._faults.on("missing-jwt-is-the-first-user")) or (
                operation == "updateEvent" and self._faults.on("event-change-unguarded")
            ):
                inbound.user_id = "1"
                return
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(401, "UNAUTHORIZED", "Authorization: Bearer <jwt> is missing", headers=bearer)
        try:
            subject = read_jwt(token.strip(), self._config.jwt_secret, self._clock.now(), self._faults)
        except JwtRefused as error:
            if error.malformed and self._faults.on("malformed-jwt-answers-500"):
                raise Refusal(500, "INTERNAL_ERROR", "Unexpected token in JSON at position 0") from None
            raise Refusal(401, "UNAUTHORIZED", str(error), headers=bearer) from None
        if not _is_id(subject) or not self._state.user_exists(int(subject)):
            raise Refusal(401, "UNAUTHORIZED", "the JWT names a user who does not exist", headers=bearer)
        inbound.user_id = subject

    def _authenticate_webhook(self, inbound: Inbound) -> None:
        given = inbound.header_values(SIGNATURE_HEADER)
        header = given[0].decode("latin-1") if len(given) == 1 else ""
        if not header and self._faults.on("missing-signature-accepted"):
            return
        if not self._signature_accepted(inbound.body, header, bool(inbound.notes.get("signature_valid"))):
            if self._faults.armed("update-applied-before-its-signature-is-checked"):
                self._apply_unchecked(inbound)
            raise Refusal(401, "UNAUTHORIZED", f"{SIGNATURE_HEADER} is missing or wrong")

    def _signature_accepted(self, body: bytes, header: str, right: bool) -> bool:
        faults = self._faults
        if faults.armed("signature-over-reserialised-json"):
            again = _reserialised(body)
            if again != body and faults.on("signature-over-reserialised-json"):
                return signature_matches(self._secret, again, header)
        if faults.armed("php-escapes-break-signature"):
            unescaped = body.replace(b"\\/", b"/")
            if unescaped != body and faults.on("php-escapes-break-signature"):
                return signature_matches(self._secret, unescaped, header)
        if faults.on("webhook-verified-with-a-former-key"):
            return signature_matches(self._secret + b"-of-last-year", body, header)
        if faults.on("signature-leaks-by-timing"):
            return _equal_byte_by_byte(header.encode("latin-1"), sign(self._secret, body).encode())
        if right:
            return True
        if faults.armed("signature-compared-by-prefix"):
            cut = len(header) >= 16 and sign(self._config.shared_secret, body).startswith(header)
            if cut and faults.on("signature-compared-by-prefix"):
                return True
        if faults.armed("signature-prefix-optional") and signature_matches(self._secret, body, f"sha256={header}"):
            return faults.on("signature-prefix-optional")
        if faults.armed("signature-hex-case-ignored") and signature_matches(self._secret, body, header.lower()):
            return faults.on("signature-hex-case-ignored")
        if faults.armed("signature-sha1-accepted") and self._is_sha1_signature(body, header):
            return faults.on("signature-sha1-accepted")
        return faults.on("signature-not-checked")

    def _apply_unchecked(self, inbound: Inbound) -> None:
        payload = inbound.field("payload")
        if not isinstance(payload, dict):
            return
        event, status = payload.get("tuvens_event_id"), payload.get("status")
        if isinstance(event, str) and isinstance(status, str) and self._state.event(event) is not None:
            self._faults.on("update-applied-before-its-signature-is-checked")
            self._state.change_event(event, {"ticketingStatus": TICKETING.get(status, "setup")})

    def _is_sha1_signature(self, body: bytes, header: str) -> bool:
        expected = hmac.new(self._secret, body, hashlib.sha1).hexdigest()
        return header in (f"sha1={expected}", f"sha256={expected}")

    # -- CORS

    def _allowed_origin(self, inbound: Inbound) -> str | None:
        origin = inbound.header("origin")
        if self._faults.on("cors-wildcard"):
            return "*"
        if origin is None:
            return None
        if origin in self._origins:
            return origin
        if origin.endswith(self._config.hi_events_domain) and self._faults.on("cors-suffix-admitted"):
            return origin
        return origin if self._faults.on("cors-reflects-any-origin") else None

    def _publish_refused(self, inbound: Inbound) -> None:
        payload = inbound.field("payload")
        if not isinstance(payload, dict):
            return
        event, status = payload.get("tuvens_event_id"), payload.get("status")
        if isinstance(event, str) and isinstance(status, str) and self._faults.on("sse-sent-for-refused-webhooks"):
            self._publish(event, status)


def _operation(inbound: Inbound) -> Operation:
    assert inbound.operation is not None
    return inbound.operation


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and str(int(text)) == text and int(text) <= LARGEST


def _session_token(inbound: Inbound) -> str | None:
    token = inbound.field("session_token") or inbound.query_value("session_token")
    return token if isinstance(token, str) else None


def _is_number_as_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and 0 < int(value[:18]) <= LARGEST


def _breaks_sql(inbound: Inbound) -> bool:
    if "NUL" in (inbound.broken or "") or b"%00" in inbound.query_string:
        return True
    values = (inbound.field("session_token"), inbound.field("permission"), inbound.query_value("session_token"))
    return any(isinstance(value, str) and "'" in value for value in values)


def _equal_byte_by_byte(given: bytes, secret: bytes) -> bool:
    for left, right in zip(given, secret, strict=False):
        if left != right:
            return False
        until = time.perf_counter() + 100e-6
        while time.perf_counter() < until:
            pass
    return len(given) == len(secret)


def _reserialised(body: bytes) -> bytes:
    try:
        return json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body
