"""CORS of tuvens-api: the origins of Hi.Events and of the client, and no others."""

from contracts.catalogue import RuleFamily
from harness.expectations import UndecidedError, expect, held, let_through
from harness.history import Exchange, History
from harness.http import header
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "origins_are_checked"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="CORS",
    story=STORY,
    settles="C-TA-28",
    operations="getEvent",
)


def _origin(exchange: Exchange) -> str:
    return header(exchange.request_headers, "Origin") or ""


def _allowed(exchange: Exchange) -> str:
    return (let_through(exchange).header("Access-Control-Allow-Origin") or "").strip()


def _check(exchange: Exchange) -> str:
    """A wildcard admits the wrong origins, and with credentials not even the right ones."""
    return "every origin is admitted" if _allowed(exchange) == "*" else ""


def _words(value: str | None) -> set[str]:
    """The comma-separated words of a header, in lower case."""
    return {word.strip().lower() for word in (value or "").split(",")}


@rule(
    quote="Origins: hi.events' (https://tickets.tuvens.com) and those of tuvens-client",
    next_step="Allow the origin in tuvens-api's CORS settings, or correct cors_origins in the deployment file.",
)
def right_origins_are_admitted(history: History) -> Verdict:
    """tuvens-api allows the origins of hi.events and tuvens-client, with credentials."""
    answers = [*history.every(f"{STORY}/simple/right"), *history.every(f"{STORY}/preflight/right")]
    for each in answers:
        if "/right/assumed/" in each.step and _allowed(each) not in (_origin(each), "*"):
            raise UndecidedError(
                f"{_origin(each)}, taken from the url of hi.events, is not admitted, and the file names no origins",
                "Name the origins of hi.events and tuvens-client as cors_origins in [targets.tuvens-api].",
            )
        expect(
            _allowed(each) == _origin(each),
            expected=f"Access-Control-Allow-Origin: {_origin(each)}",
            observed=f"{each.status} with {_allowed(each) or 'none'}",
            at=each,
            check=_check(each),
        )
        credentials = (each.header("Access-Control-Allow-Credentials") or "none").strip()
        expect(credentials == "true", expected="Access-Control-Allow-Credentials: true", observed=credentials, at=each)
    return held(answers)


@rule(quote="methods GET, POST, PATCH", depends_on="cors.right_origins_are_admitted")
def preflights_allow_the_methods_and_headers(history: History) -> Verdict:
    """tuvens-api allows GET, POST, PATCH and the documented headers in its preflight responses."""
    answers = history.every(f"{STORY}/preflight/right")
    for each in answers:
        let_through(each)
        method = header(each.request_headers, "Access-Control-Request-Method") or ""
        methods = _words(each.header("Access-Control-Allow-Methods"))
        # Browsers need no permission for GET and POST.
        expect(
            method.lower() in methods or method in ("GET", "POST"),
            expected=f"{method} in Access-Control-Allow-Methods",
            observed=", ".join(sorted(methods)).upper() or "none",
            at=each,
        )
        asked = _words(header(each.request_headers, "Access-Control-Request-Headers"))
        granted = _words(each.header("Access-Control-Allow-Headers"))
        expect(
            asked <= granted,
            expected=f"{', '.join(sorted(asked))} in Access-Control-Allow-Headers",
            observed=", ".join(sorted(granted)) or "none",
            at=each,
        )
    return held(answers)


@rule(quote="No other origin is admitted, never `*`.")
def other_origins_are_not_admitted(history: History) -> Verdict:
    """tuvens-api allows no other origin, however similar, and never the wildcard (*)."""
    answers = [
        *history.every(f"{STORY}/simple/wrong"),
        *history.every(f"{STORY}/preflight/wrong"),
        *history.every(f"{STORY}/simple/right"),
    ]
    for each in answers:
        allowed = _allowed(each)
        foreign = "/wrong/" in each.step and allowed == _origin(each)
        expect(
            allowed != "*" and not foreign,
            expected=f"origin {_origin(each)} not admitted" if foreign else "no wildcard",
            observed=f"Access-Control-Allow-Origin: {allowed}",
            at=each,
            check=_check(each),
        )
    return held(answers)
