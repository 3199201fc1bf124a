"""Faults of headers: CORS, rate limits, and what should not be there."""

from collections.abc import Callable

from harness.http import WireError, read_json
from simulators.kit.endpoint import OperationEndpoint
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.limiter import Limiter
from simulators.kit.messages import Header, Request
from simulators.kit.response_mutations import has_status, mutated, without_header
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi

_OF_THE_PARSER = ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE")
_BACK_END = ("validateSession", "listUserAccounts", "validatePermission")


@registry.fault(kills=["secrecy.no_answer_holds_a_secret"])
def shared_secret_in_debug_header(api: TuvensApi) -> Change:
    """A debug header contains the shared secret in responses to back ends."""
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
    """Every requesting origin is admitted."""
    return swap(api.cors.allowed_origin, lambda honest, origin: origin)


@registry.fault(kills=["cors.other_origins_are_not_admitted"])
def cors_prefix_admitted(api: TuvensApi) -> Change:
    """Every origin that begins with an allowed one is admitted."""
    return swap(
        api.cors.allowed_origin,
        lambda honest, origin: origin if any(map((origin or "").startswith, api.config.origins)) else honest(origin),
    )


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
    """Preflight responses allow GET and POST, but not PATCH."""
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
    """Limits are announced, but requests beyond them are served."""
    return [swap(each.refuse, lambda honest, grant: None) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.limits_are_announced"])
def rate_limit_headers_missing(api: TuvensApi) -> Change:
    """Responses have no X-RateLimit headers."""
    return [swap(each.headers, lambda honest, request: []) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.limits_are_announced_before_the_route"])
def no_rate_limit_headers_past_the_limit(api: TuvensApi) -> Change:
    """A 429 has Retry-After but no X-RateLimit headers."""
    return _announced_unless(api, lambda request: request.grant is not None and not request.grant.admitted)


@registry.fault(kills=["rate_limits.limits_are_announced_before_the_route"])
def no_rate_limit_headers_of_the_parser(api: TuvensApi) -> Change:
    """Errors of the body parser, which runs before the throttle, have no X-RateLimit headers."""
    return _announced_unless(
        api,
        lambda request: (
            request.error_code in _OF_THE_PARSER
            and bool(request.too_large or (request.body and not _is_json(request.body)))
        ),
    )


@registry.benign()
def rate_limit_headers_name_their_limit(api: TuvensApi) -> Change:
    """The header names end in the limit's name (X-RateLimit-Limit-short), as a throttler with several limits writes
    them."""

    def headers(honest: Honest[[Request], list[Header]], request: Request) -> list[Header]:
        return [(name + b"-short", value) for name, value in honest(request)]

    return [swap(each.headers, headers) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.reset_is_in_unix_seconds"])
def rate_limit_reset_in_seconds_left(api: TuvensApi) -> Change:
    """X-RateLimit-Reset contains the seconds left, not a time."""

    def headers(honest: Honest[[Request], list[Header]], request: Request) -> list[Header]:
        now = int(api.clock.now())
        return [
            (name, b"%d" % max(0, int(value) - now) if name == b"x-ratelimit-reset" else value)
            for name, value in honest(request)
        ]

    return [swap(each.headers, headers) for each in _limiters(api)]


@registry.fault(kills=["rate_limits.retry_after_is_given"])
def limited_without_retry_after(api: TuvensApi) -> Change:
    """A 429 has no Retry-After."""
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


def _announced_unless(api: TuvensApi, left_out: Callable[[Request], bool]) -> Change:
    """The X-RateLimit headers are left out of the responses to some requests."""

    def headers(honest: Honest[[Request], list[Header]], request: Request) -> list[Header]:
        return [] if left_out(request) else honest(request)

    return [swap(each.headers, headers) for each in _limiters(api)]


def _is_json(body: bytes) -> bool:
    try:
        read_json(body)
    except WireError:
        return False
    return True


def _limiters(api: TuvensApi) -> list[Limiter]:
    return [each.limiter for each in api.router.endpoints.values() if each.limiter is not None]


def _counted_by_address(api: TuvensApi, kind: str) -> Change:
    return [
        swap(each.key, lambda honest, request: f"address {request.address}")
        for each in _limiters(api)
        if each.kind == kind
    ]
