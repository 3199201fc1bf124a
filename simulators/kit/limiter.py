"""The rate limit of one operation: whom a request is counted for, the refusal past the limit, the headers."""

import hashlib
import math

from openapi import Operation
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Header, Request
from simulators.kit.ratelimit import Grant, RateLimits


class Limiter:
    """Counts the requests for one operation, which must have an x-rate-limit."""

    def __init__(self, operation: Operation, limits: RateLimits, clock: Clock) -> None:
        assert operation.rate_limit is not None
        self.operation = operation.id
        self.kind = operation.rate_limit.key
        self._limits = limits
        self._clock = clock

    def count(self, request: Request) -> None:
        """Count a request. Raises Refusal (429) past the limit."""
        request.grant = grant = self._limits.take(self.operation, self.key(request))
        if not grant.admitted:
            self.refuse(grant)

    def refuse(self, grant: Grant) -> None:
        """Raise the Refusal (429) of a request past the limit."""
        wait = max(1, math.ceil(grant.reset - self._clock.now()))
        raise Refusal(
            429,
            "TOO_MANY_REQUESTS",
            f"too many requests; try again in {wait} s",
            headers=[(b"retry-after", str(wait).encode())],
        )

    def key(self, request: Request) -> str:
        """Whom a request is counted for: an address, a user, a session token, or all callers alike."""
        match self.kind:
            case "address":
                return request.address
            case "user":
                return request.user_id or request.address
            case "session-token":
                token = request.field("session_token") or request.query_value("session_token")
                if not isinstance(token, str) or not token:
                    return f"none {request.address}"
                return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
            case "instance":
                return f"instance {request.address}"
            case _:
                return self.kind

    def headers(self, request: Request) -> list[Header]:
        """The headers that announce the limit, on every response of the operation."""
        return (request.grant or self._limits.peek(self.operation)).headers()
