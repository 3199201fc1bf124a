"""What the pacts of several consumers say in the same words."""

from collections.abc import Mapping

from pact import match

from tests.contracts.pacts.expectations import Quote, Then, fields, present, time

LIVING = "the organiser has a live session"
NONE = "no session has this token"
OVER = "the session has expired"

UNKNOWN = "a-token-that-nobody-minted-0000000000000000"
EXPIRED = "a-token-whose-time-is-over-00000000000000"

LIMITS: Quote = ("Rate limits", "Past it: 429 in the error shape")


def error_body(status: int, message: str) -> Mapping[str, object]:
    """The body of an error of tuvens-api; its `message` may be any text, or a list of texts."""
    return {
        "statusCode": status,
        "timestamp": time(),
        "path": match.str("/api/cross-app/validate-session"),
        "message": present(message),
    }


def refused(status: int, message: str) -> Then:
    """An error of tuvens-api, read as an error."""
    met = {"statusCode": status, "message": message}
    return Then(status, fields("statusCode", "message"), met, error_body(status, message))


def limited() -> Then:
    """The answer of tuvens-api past a limit. That it announces the limit is advice (SHOULD), so nobody relies on it."""
    return refused(429, "Too many requests")
