"""The known deviations."""

from collections.abc import Callable, Mapping

import openapi
from contracts.deviations.records import Change, answered, changing, in_shape, refused
from contracts.every_operation.rules_rate_limits import limit_headers, limited, story_of
from contracts.hi_events_delivery.rules_retries import STORY as RETRIES
from contracts.proxies import may_come_from_a_parser, may_come_from_a_proxy
from contracts.session_token.wire import SECRET_HEADER
from contracts.status_changes import WEBHOOK, reported_status
from contracts.times import parse_http_date
from contracts.webhook.rules_refusals import STRANGERS
from harness.history import Exchange, History
from harness.http import header, object_or_empty
from harness.known_deviations import KnownDeviation
from openapi.recorded import request_problems

_LIMITED = frozenset(operation.id for operation, _ in limited())
_WITH_ANOTHER_KEY = frozenset(f"{story_of(operation)}/{operation.id}/another key" for operation, _ in limited())
_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_MINTS = ("generateSession", "wrapGenerateSession")
_QUESTIONS = ("validateSession", "listUserAccounts", "validatePermission")
_SHAPED = ("statusCode", "timestamp", "path")
_AN_HOUR = 3_600


def _always(change: Change) -> Callable[[History], Change]:
    return lambda history: change


def _with_200(each: Exchange) -> Exchange:
    if each.status != 201 or each.method != "POST":
        return each
    documented = openapi.find(each.operation).statuses
    if 201 in documented or 200 not in documented:
        return each
    return answered(each, status=200)


def _without_an_account(each: Exchange) -> Exchange:
    if each.operation not in _MINTS or not each.is_success:
        return each
    sent = each.request_body.strip()
    lacks = not sent or (sent.startswith(b"{") and object_or_empty(sent).get("account_id") is None)
    return refused(each, 400) if lacks else each


def _unknown_session(status: int) -> Callable[[History], Change]:
    """Questions about a session, rightly asked, that are refused with this status."""

    def make(history: History) -> Change:
        asked = [each for each in history.exchanges(callee="tuvens-api") if each.operation in _QUESTIONS]
        secrets = {header(each.request_headers, SECRET_HEADER) for each in asked if each.is_success}

        def change(each: Exchange) -> Exchange:
            if (
                each.status != status
                or each.operation not in _QUESTIONS
                or header(each.request_headers, SECRET_HEADER) not in secrets
                or may_come_from_a_proxy(each)
            ):
                return each
            target = each.url.partition("://")[2].partition("/")[2]
            wrong = request_problems(
                openapi.find(each.operation), f"/{target}", each.request_headers, each.request_body
            )
            return each if wrong else refused(each, 404)

        return change

    return make


def _with_a_time(each: Exchange) -> Exchange:
    """X-RateLimit-Reset as the Unix time that the seconds left mean."""
    date = parse_http_date(each.header("date")) if each.operation in _LIMITED else None
    if date is None:
        return each
    left = {
        name: value
        for name, value in limit_headers(each, "X-RateLimit-Reset").items()
        if value.isdecimal() and int(value[:9]) <= _AN_HOUR
    }
    return answered(each, headers={name: f"{date + int(value):.0f}" for name, value in left.items()}) if left else each


def _limited_by_address(each: Exchange) -> Exchange | None:
    """The request with another key, which was limited as well: what it would be otherwise, nobody knows."""
    return None if each.status == 429 and each.step in _WITH_ANOTHER_KEY else each


def _announcing(applies: Callable[[Exchange], bool]) -> Change:
    def change(each: Exchange) -> Exchange:
        if each.operation not in _LIMITED or not applies(each):
            return each
        lacking = [name for name in _LIMIT_HEADERS if not limit_headers(each, name)]
        date = parse_http_date(each.header("date"))
        if date is None or not lacking:
            return each
        return answered(each, headers=dict.fromkeys(lacking, f"{date + 60:.0f}"))

    return change


def _in_shape(each: Exchange) -> Exchange:
    """NestJS's and SvelteKit's own errors, {"message", ...}, with what they lack."""
    if not each.is_error:
        return each
    operation = openapi.find(each.operation)
    if operation.app == "hi.events" or operation.base != "api":
        return each
    body = object_or_empty(each.response_body)
    lacks = [name for name in _SHAPED if name not in body]
    if "message" not in body or "timestamp" not in lacks or "path" not in lacks:
        return each
    assert each.status is not None
    return answered(each, body=in_shape(each, each.status, body))


def _parsed_first(each: Exchange) -> Exchange:
    if (
        each.operation == WEBHOOK
        and each.step.startswith(f"{STRANGERS}/nonsense")
        and each.status == 400
        and may_come_from_a_parser(each)
    ):
        return refused(each, 401)
    return each


def _one_attempt(history: History) -> History | None:
    """The story of failing deliveries without the deliveries that were never repeated."""
    sent: Mapping[tuple[str, str | None], list[Exchange]] = {}
    for each in history.exchanges(WEBHOOK):
        story, _, part = each.step.partition("/")
        if story == RETRIES and each.facts.get("delivery") and not part.startswith("client error"):
            sent = {**sent, (part, reported_status(each)): [*sent.get((part, reported_status(each)), ()), each]}
    failed = [found for found in sent.values() if not _was_taken(found[0])]
    if not failed or any(len(found) > 1 for found in failed):
        return None
    gone = {each.number for found in sent.values() for each in found}
    return History(
        history.context, [each for each in history.entries if each.number not in gone], history.stories.values()
    )


def _was_taken(delivery: Exchange) -> bool:
    status = delivery.facts.get("answered")
    return status is not None and 200 <= status < 300


_STATUS = r"^status\b"
_ANY = r""

KNOWN: tuple[KnownDeviation, ...] = (
    KnownDeviation(
        "post-success-201",
        "tuvens-api, tuvens-client, hi.events",
        "A successful POST returns 201, the default of NestJS.",
        "200",
        changing(_always(_with_200), _STATUS),
        ("session_token.generate_session_answers_200",),
    ),
    KnownDeviation(
        "account-id-optional",
        "tuvens-api",
        "generate-session without an account_id uses the user's default account.",
        "required: 400 without it",
        changing(_always(_without_an_account), _ANY),
        ("session_token.missing_account_is_refused",),
    ),
    KnownDeviation(
        "unknown-session-401",
        "tuvens-api",
        "An unknown or expired session returns 401.",
        "404",
        changing(_unknown_session(401), _ANY),
        ("session_token.validate_session_answers_404_to_an_unknown_token",),
    ),
    KnownDeviation(
        "unknown-session-400",
        "tuvens-api",
        "An unknown or expired session returns 400 ({valid: false}).",
        "404",
        changing(_unknown_session(400), _ANY),
        ("session_token.validate_session_answers_404_to_an_unknown_token",),
    ),
    KnownDeviation(
        "reset-in-seconds-left",
        "tuvens-api",
        "X-RateLimit-Reset contains the seconds left, as a common throttler writes it.",
        "Unix seconds",
        changing(_always(_with_a_time)),
        ("rate_limits.reset_is_in_unix_seconds",),
    ),
    KnownDeviation(
        "limits-by-address",
        "tuvens-api",
        "Requests are counted by the caller's address, before the guards identify the caller.",
        "counted by user, secret or session token",
        changing(_always(_limited_by_address)),
        ("rate_limits.generate_session_counts_by_user",),
    ),
    KnownDeviation(
        "no-rate-headers-on-429",
        "tuvens-api",
        "A 429 has Retry-After but no X-RateLimit headers.",
        "the headers SHOULD be there",
        changing(_always(_announcing(lambda each: each.status == 429))),
        (),
    ),
    KnownDeviation(
        "no-rate-headers-of-the-parser",
        "tuvens-api",
        "Errors of the body parser have no X-RateLimit headers.",
        "the headers SHOULD be there",
        changing(_always(_announcing(may_come_from_a_parser))),
        (),
    ),
    KnownDeviation(
        "webhook-parsed-before-its-signature",
        "tuvens-api",
        "The body parser returns 400 for a webhook that is not JSON, whatever its signature.",
        "401: authentication comes first, over raw bytes",
        changing(_always(_parsed_first), _ANY),
        ("webhook.webhook_authenticates_before_it_reads",),
    ),
    KnownDeviation(
        "default-error-shape",
        "tuvens-api, tuvens-client",
        "Errors have the framework's own shape: a message, but no timestamp and path.",
        "statusCode, timestamp, path, message",
        changing(_always(_in_shape), r"timestamp|path|statusCode"),
        ("errors.tuvens_api_errors_share_one_shape",),
    ),
    KnownDeviation(
        "one-webhook-attempt",
        "hi.events",
        "A failed webhook is not retried: the dispatch is synchronous.",
        "retried with growing pauses",
        _one_attempt,
        ("hi_events_delivery.retries_after_a_server_error",),
    ),
)
"""All of them, in the order of the contract's table of disagreements."""
