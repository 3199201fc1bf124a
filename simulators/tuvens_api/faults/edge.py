"""Faults of errors, CORS, rate limits, body sizes, the audit log and the router."""

from collections.abc import Sequence
from typing import Any

from openapi import Problem
from simulators.kit.endpoint import MAX_BODY, OperationEndpoint
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.limiter import Limiter
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.kit.outages import hanging, missing
from simulators.kit.response_mutations import all_of, drop, fails, has_status, mutated, put, without_header
from simulators.kit.router import no_route
from simulators.kit.sending import Receive
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import session_token
from simulators.tuvens_api.simulator import TuvensApi

_BACK_END = ("validateSession", "listUserAccounts", "validatePermission")
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


@registry.fault(
    kills=[
        "errors.tuvens_api_errors_share_one_shape",
        "fuzzing.generateSession",
        "fuzzing.validateSession",
        "fuzzing.listUserAccounts",
        "fuzzing.validatePermission",
        "fuzzing.receiveEventStatusChanged",
        "fuzzing.getEvent",
        "fuzzing.updateEvent",
    ]
)
def error_shape_of_nest(api: TuvensApi) -> Change:
    """Errors have NestJS's default shape (statusCode, message, error)."""
    return swap(
        api.errors.response,
        lambda honest, request, refusal: json_response(
            {
                "statusCode": refusal.status,
                "message": api.errors.message(request, refusal),
                "error": _REASONS.get(refusal.status, "Error"),
            },
            refusal.status,
        ),
    )


@registry.fault(kills=["secrecy.no_answer_holds_a_stack_trace"])
def stack_trace_in_errors(api: TuvensApi) -> Change:
    """Errors carry a stack trace."""
    return mutated(api, put("stack", value=_TRACE), when=fails)


@registry.fault(kills=["errors.error_tells_its_own_status"])
def error_names_another_status(api: TuvensApi) -> Change:
    """Errors say statusCode 400 in their body, whatever their status is."""
    return mutated(api, put("statusCode", value=400), when=fails)


@registry.fault(
    kills=[
        "errors.tuvens_api_errors_share_one_shape",
        "fuzzing.generateSession",
        "fuzzing.validateSession",
        "fuzzing.listUserAccounts",
        "fuzzing.validatePermission",
        "fuzzing.receiveEventStatusChanged",
        "fuzzing.getEvent",
        "fuzzing.updateEvent",
    ]
)
def error_timestamp_in_seconds(api: TuvensApi) -> Change:
    """Errors carry their timestamp as Unix seconds."""
    return mutated(api, put("timestamp", value=1753453800), when=fails)


@registry.benign()
def errors_without_origin(api: TuvensApi) -> Change:
    """Errors have no origin."""
    return mutated(api, drop("origin"), when=fails)


@registry.benign()
def errors_without_code(api: TuvensApi) -> Change:
    """origin has a message alone."""
    return mutated(api, all_of(drop("origin", "code"), drop("origin", "details")), when=fails)


@registry.fault(
    kills=[
        "secrecy.no_answer_holds_a_secret",
        "secrecy.error_path_hides_the_session_token",
        "session_token.expired_and_unknown_tokens_look_alike",
    ]
)
def session_token_echoed_in_errors(api: TuvensApi) -> Change:
    """Error messages repeat the session token."""

    def message(honest: Honest[[Request, Refusal], str], request: Request, refusal: Refusal) -> str:
        token = session_token(request)
        text = honest(request, refusal)
        return f"{text} (session {token})" if token else text

    return swap(api.errors.message, message)


@registry.fault(kills=["secrecy.no_answer_holds_a_secret", "secrecy.error_path_hides_the_session_token"])
def query_in_error_path(api: TuvensApi) -> Change:
    """The path in errors has its query, with the session token in it."""
    return swap(
        api.errors.path,
        lambda honest, request: (
            f"{request.path}?{request.query_string.decode('latin-1')}" if request.query_string else honest(request)
        ),
    )


@registry.benign()
def token_masked_in_error_path(api: TuvensApi) -> Change:
    """The path of an error has its query, with the session token masked."""
    return swap(
        api.errors.path,
        lambda honest, request: f"{honest(request)}?session_token=***" if request.query_string else honest(request),
    )


@registry.fault(
    kills=[
        "hostile_input.hostile_questions_break_nothing",
        "secrecy.no_answer_holds_a_stack_trace",
        "fuzzing.nonsense_is_refused",
        "fuzzing.validateSession",
        "fuzzing.listUserAccounts",
        "fuzzing.validatePermission",
    ]
)
def quote_breaks_query(api: TuvensApi) -> Change:
    """A single quote or NUL in session_token or permission breaks the SQL statement: 500 with its text."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        if _breaks_sql(request):
            raise Refusal(
                500,
                "QueryFailedError",
                'unterminated quoted string at or near "\'": SELECT * FROM "crossAppSession" WHERE "sessionToken" = $1',
            )
        honest(request)

    return [
        swap(endpoint.check_form, check_form)
        for name, endpoint in api.router.endpoints.items()
        if name != "receiveEventStatusChanged"
    ]


@registry.benign()
def wrong_media_type_answers_415(api: TuvensApi) -> Change:
    """A body of another media type is answered 415."""

    def form_error(
        honest: Honest[[Request, Sequence[Problem]], Refusal | None], request: Request, problems: Sequence[Problem]
    ) -> Refusal | None:
        if any(each.pointer == "/headers/content-type" for each in problems):
            return Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "application/json is needed")
        return honest(request, problems)

    return swap(api.errors.form_error, form_error)


@registry.fault(kills=["hostile_input.oversized_bodies_are_refused"])
def large_bodies_processed(api: TuvensApi) -> Change:
    """Bodies above 1 MiB are read and processed."""

    def largest_body(honest: Honest[[Request], int], request: Request) -> int:
        announced = request.header("content-length") or ""
        large = not announced.isdecimal() or int(announced[:20]) > MAX_BODY
        return 64 * MAX_BODY if large else honest(request)

    return [swap(each.largest_body, largest_body) for each in api.router.endpoints.values()]


@registry.benign()
def large_bodies_answer_400(api: TuvensApi) -> Change:
    """A body above 1 MiB is answered 400."""
    return [
        swap(
            each.too_large,
            lambda honest, largest: Refusal(400, "VALIDATION_ERROR", f"the body is above {largest} bytes"),
        )
        for each in api.router.endpoints.values()
    ]


@registry.fault(kills=["secrecy.no_answer_holds_a_secret"])
def shared_secret_in_debug_header(api: TuvensApi) -> Change:
    """A debug header that was left in shows the shared secret in the answers to back ends."""
    secret = (b"x-debug-shared-secret", api.shared_secret.secret)
    return mutated(
        api, lambda request, response: response.headers.append(secret), *_BACK_END, when=lambda request, response: True
    )


@registry.fault(kills=["cors.right_origins_are_admitted", "cors.other_origins_are_not_admitted"])
def cors_wildcard(api: TuvensApi) -> Change:
    """Access-Control-Allow-Origin is *."""
    return swap(api.cors.allowed_origin, lambda honest, origin: "*")


@registry.fault(kills=["cors.other_origins_are_not_admitted"])
def cors_reflects_any_origin(api: TuvensApi) -> Change:
    """Whatever origin asks is admitted."""
    return swap(api.cors.allowed_origin, lambda honest, origin: origin)


@registry.fault(kills=["cors.other_origins_are_not_admitted"])
def cors_suffix_admitted(api: TuvensApi) -> Change:
    """Every origin that ends in hi.events' domain is admitted."""
    domain = api.config.hi_events_domain
    return swap(
        api.cors.allowed_origin,
        lambda honest, origin: origin if origin is not None and origin.endswith(domain) else honest(origin),
    )


@registry.fault(kills=["cors.preflights_allow_the_methods_and_headers"])
def cors_without_patch(api: TuvensApi) -> Change:
    """Preflight answers allow GET and POST, and not PATCH."""
    return swap(api.cors.methods, lambda honest: "GET, POST")


@registry.fault(
    kills=[
        "rate_limits.generate_session_is_limited",
        "rate_limits.validate_session_is_limited",
        "rate_limits.user_accounts_is_limited",
        "rate_limits.validate_permission_is_limited",
        "rate_limits.webhook_is_limited",
    ]
)
def rate_limit_not_enforced(api: TuvensApi) -> Change:
    """Limits are announced, but requests past them are served."""
    return [swap(each.refuse, lambda honest, grant: None) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.limits_are_announced"])
def rate_limit_headers_missing(api: TuvensApi) -> Change:
    """Answers have no X-RateLimit headers."""
    return [swap(each.headers, lambda honest, request: []) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.reset_is_in_unix_seconds"])
def rate_limit_reset_in_seconds_left(api: TuvensApi) -> Change:
    """X-RateLimit-Reset tells the seconds that are left, not a time."""

    def headers(honest: Honest[[Request], list[Header]], request: Request) -> list[Header]:
        now = int(api.clock.now())
        return [
            (name, b"%d" % max(0, int(value) - now) if name == b"x-ratelimit-reset" else value)
            for name, value in honest(request)
        ]

    return [swap(each.headers, headers) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.retry_after_is_given"])
def limited_without_retry_after(api: TuvensApi) -> Change:
    """A 429 does not say how long to wait."""
    return mutated(api, without_header("retry-after"), when=has_status(429))


@registry.fault(kills=["rate_limits.generate_session_counts_by_user"])
def rate_limit_shared_by_all_users(api: TuvensApi) -> Change:
    """generate-session is counted by address: all users behind one share ten a minute."""
    return _counted_by_address(api, "user")


@registry.fault(
    kills=[
        "rate_limits.user_accounts_counts_by_session_token",
        "rate_limits.validate_permission_counts_by_session_token",
    ]
)
def questions_limited_by_address(api: TuvensApi) -> Change:
    """user-accounts and validate-permission are counted by address: all sessions share one limit."""
    return _counted_by_address(api, "session-token")


@registry.benign()
def refused_calls_count(api: TuvensApi) -> Change:
    """Calls that fail authentication count against the rate limit."""

    def counts(endpoint: OperationEndpoint) -> Swap:
        def authenticate(honest: Honest[[Request], None], request: Request) -> None:
            try:
                honest(request)
            except Refusal:
                if endpoint.limiter is not None:
                    honest.count()
                    endpoint.limiter.count(request)
                raise

        return swap(endpoint.authenticate, authenticate)

    return [counts(each) for each in api.router.endpoints.values()]


@registry.fault(kills=["session_storage.every_call_is_audited"])
def audit_misses_failures(api: TuvensApi) -> Change:
    """The audit log records successes only."""

    def record(honest: Honest[[Request, Response], None], request: Request, response: Response) -> None:
        if response.status < 400:
            return honest(request, response)
        honest.count()
        return None

    return swap(api.audit_log.record, record)


@registry.fault(kills=["session_storage.audit_log_holds_no_secret"])
def audit_holds_tokens(api: TuvensApi) -> Change:
    """The audit log keeps whole session tokens."""

    def detail(honest: Honest[[Request], str | None], request: Request) -> str | None:
        token = session_token(request) or next(
            (value for kind, value in request.secrets if kind == "session-token"), None
        )
        return honest(request) if token is None else f"session {token}"

    return swap(api.audit_log.detail, detail)


@registry.benign()
def wrong_method_answers_404_at_tuvens_api(api: TuvensApi) -> Change:
    """A wrong method is answered 404 by the router."""
    return [swap(each.refusal, lambda honest: no_route()) for each in api.router.other_methods]


@registry.fault(kills=["routes.generateSession"])
def generate_session_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/generate-session is not registered."""
    return missing(api, "generateSession")


@registry.fault(kills=["routes.validateSession"])
def validate_session_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/validate-session is not registered."""
    return missing(api, "validateSession")


@registry.fault(kills=["routes.listUserAccounts"])
def user_accounts_route_missing(api: TuvensApi) -> Change:
    """GET /api/cross-app/user-accounts is not registered."""
    return missing(api, "listUserAccounts")


@registry.fault(kills=["routes.validatePermission"])
def validate_permission_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/validate-permission is not registered."""
    return missing(api, "validatePermission")


@registry.fault(kills=["routes.receiveEventStatusChanged"])
def webhook_route_missing(api: TuvensApi) -> Change:
    """The webhook's route is not registered."""
    return missing(api, "receiveEventStatusChanged")


@registry.fault(kills=["routes.getEvent"])
def event_route_missing(api: TuvensApi) -> Change:
    """GET /api/events/{id} is not registered."""
    return missing(api, "getEvent")


@registry.fault(kills=["routes.updateEvent"])
def event_change_route_missing(api: TuvensApi) -> Change:
    """PATCH /api/events/{id} is not registered."""
    return missing(api, "updateEvent")


@registry.fault(kills=["routes.streamEventUpdates"])
def stream_route_missing(api: TuvensApi) -> Change:
    """GET /api/events/updates is not registered."""
    return missing(api, "streamEventUpdates")


@registry.trouble()
def tuvens_api_answers_500(api: TuvensApi) -> Change:
    """The routes for back ends answer 500."""
    return [swap(each.serve, _internal_error) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_answers_nonsense(api: TuvensApi) -> Change:
    """The routes for back ends answer 200 with an HTML page, as a misconfigured proxy does."""
    return [swap(each.serve, _nonsense) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_hangs(api: TuvensApi) -> Change:
    """The routes for back ends take the request and never answer."""
    return hanging(api, *_BACK_END)


def _limiters(api: TuvensApi) -> list[Limiter]:
    return [each.limiter for each in api.router.endpoints.values() if each.limiter is not None]


def _counted_by_address(api: TuvensApi, kind: str) -> Change:
    return [
        swap(each.key, lambda honest, request: f"address {request.address}")
        for each in _limiters(api)
        if each.kind == kind
    ]


def _breaks_sql(request: Request) -> bool:
    if "NUL" in (request.broken or "") or b"%00" in request.query_string:
        return True
    values = (request.field("session_token"), request.field("permission"), request.query_value("session_token"))
    return any(isinstance(value, str) and "'" in value for value in values)


async def _internal_error(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    raise Refusal(500, "INTERNAL_ERROR", "internal server error")


async def _nonsense(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    page = b"<!doctype html><title>Welcome</title><h1>It works!</h1>"
    return Response(200, page, [(b"content-type", b"text/html; charset=utf-8")])
