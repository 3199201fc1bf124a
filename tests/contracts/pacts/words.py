"""What the pacts of several consumers say in the same words."""

from collections.abc import Mapping

from pact import match

from tests.contracts.pacts.expectations import Quote, Then, fields, time

LIVING = "the organiser has a living session"
NONE = "no session has this token"
OVER = "the session has expired"

UNKNOWN = "a-token-that-nobody-minted-0000000000000000"
EXPIRED = "a-token-whose-time-is-over-00000000000000"

LIMITS: Quote = ("Rate limits", "Past it: 429 in the error shape")


def error_body(status: int, message: str) -> Mapping[str, object]:
    """The body of an error of tuvens-api; its `message` may be any."""
    return {
        "statusCode": status,
        "timestamp": time(),
        "path": match.str("/api/cross-app/validate-session"),
        "message": match.str(message),
    }


def refused(status: int, message: str) -> Then:
    """An error of tuvens-api, read as an error."""
    met = {"statusCode": status, "message": message}
    return Then(status, fields("statusCode", "message"), met, error_body(status, message))


def limit_headers() -> Mapping[str, object]:
    """The headers of an answer past a limit."""
    return {
        "X-RateLimit-Limit": match.regex("10", regex="^[0-9]+$"),
        "X-RateLimit-Remaining": match.regex("0", regex="^[0-9]+$"),
        "X-RateLimit-Reset": match.regex("1753453860", regex="^[0-9]+$"),
    }


def limited() -> Then:
    """The answer of tuvens-api past a limit."""
    then = refused(429, "Too many requests")
    return Then(then.status, then.reads, then.met, then.body, limit_headers())
