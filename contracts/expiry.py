"""When a session expires: the stories that see it happen, and the answers that announce it."""

from contracts.times import iso_or_none, parse_http_date
from harness.expectations import BrokenRuleError, UndecidedError, json_object
from harness.history import Exchange, History, NothingObservedError


def driven(history: History, by_clock: str, by_waiting: str, step: str) -> str:
    """Which of two stories was driven: the one that moves a simulator's clock, or the one that waits.

    Raises NothingObservedError if neither was, for the `step` of the story that this deployment can drive.
    """
    for story in (by_clock, by_waiting):
        if history.of_story(story):
            return story
    has_clock = "control:tuvens-api" in history.context.capabilities
    raise NothingObservedError(f"{by_clock if has_clock else by_waiting}/{step}")


def seconds_to_expiry(answer: Exchange) -> float:
    """Seconds from an answer's Date header, which is the server's clock in whole seconds, to its expires_at.

    Raises BrokenRuleError unless expires_at is an ISO time, UndecidedError without a Date header.
    """
    text = json_object(answer).get("expires_at")
    expires = iso_or_none(text)
    if expires is None:
        raise BrokenRuleError("expires_at in ISO 8601, in UTC", f"expires_at is {str(text)[:60]!r}", answer)
    now = parse_http_date(answer.header("date"))
    if now is None:
        raise UndecidedError("the response has no Date header, so the server's clock is unknown")
    return expires - now
