"""Faults of the guards: the shared secret, users' JWTs, the webhook's signature."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt

from contracts.webhook.wire import sign, signature_matches
from simulators.kit.endpoint import OperationEndpoint
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.messages import Request, current
from simulators.tuvens_api.faults import queries
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import sent_update, session_token
from simulators.tuvens_api.jwts import PROBLEMS, UNCHECKED, JwtRefused
from simulators.tuvens_api.sessions import digest
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.webhook import TICKETING

_WRONG_SECRET = (
    "shared_secret.validate_session_refuses_a_wrong_secret",
    "shared_secret.user_accounts_refuses_a_wrong_secret",
    "shared_secret.validate_permission_refuses_a_wrong_secret",
)


@registry.fault(kills=["session_token.wrongly_signed_jwt_is_refused"])
def jwt_signature_not_checked(api: TuvensApi) -> Change:
    """JWTs are decoded, but their signature is not verified."""

    def claims(honest: Honest[[str], Mapping[str, Any]], token: str) -> Mapping[str, Any]:
        try:
            return honest(token)
        except JwtRefused:
            found = _unchecked_claims(token)
            if found is None:
                raise
            return found

    return swap(api.jwts.claims, claims)


@registry.fault(kills=["session_token.unsigned_jwt_is_refused"])
def jwt_alg_none_accepted(api: TuvensApi) -> Change:
    """A JWT whose header says alg none is accepted without a signature."""

    def claims(honest: Honest[[str], Mapping[str, Any]], token: str) -> Mapping[str, Any]:
        try:
            return honest(token)
        except JwtRefused:
            found = _unchecked_claims(token) if _is_unsigned(token) else None
            if found is None:
                raise
            return found

    return swap(api.jwts.claims, claims)


@registry.fault(kills=["session_token.expired_jwt_is_refused"])
def jwt_expiry_ignored(api: TuvensApi) -> Change:
    """Expired JWTs are accepted."""
    return swap(api.jwts.is_expired, lambda honest, expires, now: honest(expires, now) and False)


@registry.fault(
    kills=[
        "session_token.malformed_jwt_is_refused",
        "tuvens_event.a_change_without_jwt_is_refused",
        "fuzzing.nonsense_is_refused",
        "fuzzing.generateSession",
        "fuzzing.updateEvent",
    ]
)
def malformed_jwt_answers_500(api: TuvensApi) -> Change:
    """The exception for a malformed JWT is not caught: 500."""

    def claims(honest: Honest[[str], Mapping[str, Any]], token: str) -> Mapping[str, Any]:
        try:
            return honest(token)
        except JwtRefused:
            if _unchecked_claims(token) is not None:
                raise
            raise Refusal(500, "INTERNAL_ERROR", "Unexpected token in JSON at position 0") from None

    return swap(api.jwts.claims, claims)


@registry.fault(
    kills=[
        "session_token.missing_jwt_is_refused",
        "session_token.generate_session_authenticates_before_it_reads",
        "fuzzing.generateSession",
    ]
)
def missing_jwt_is_the_first_user(api: TuvensApi) -> Change:
    """A generate-session without a JWT works as the first user: the guard's test default is active."""
    return _first_user_without_jwt(api, "generateSession")


@registry.fault(kills=["tuvens_event.a_change_without_jwt_is_refused", "fuzzing.updateEvent"])
def event_change_unguarded(api: TuvensApi) -> Change:
    """PATCH /api/events/{id} works without a JWT, as the first user."""
    return _first_user_without_jwt(api, "updateEvent")


@registry.fault(kills=_WRONG_SECRET)
def secret_compared_by_prefix(api: TuvensApi) -> Change:
    """The shared secret is compared over the shorter of the two lengths: a part of it, or a longer text that begins
    with it, is accepted."""
    secret = api.shared_secret.secret
    return swap(
        api.shared_secret.matches,
        lambda honest, given: honest(given) or (bool(given) and (secret.startswith(given) or given.startswith(secret))),
    )


@registry.fault(kills=_WRONG_SECRET)
def secret_case_ignored(api: TuvensApi) -> Change:
    """The shared secret is compared case-insensitively."""
    return swap(
        api.shared_secret.matches,
        lambda honest, given: honest(given) or given.lower() == api.shared_secret.secret.lower(),
    )


@registry.fault(kills=["shared_secret.no_timing_leak_is_seen"])
def secret_leaks_by_timing(api: TuvensApi) -> Change:
    """The shared secret is compared byte by byte up to the first difference, and each equal byte takes time."""
    return swap(
        api.shared_secret.matches,
        lambda honest, given: _equal_byte_by_byte(given, api.shared_secret.secret, honest.count),
    )


@registry.fault(
    kills=[
        "shared_secret.validate_permission_refuses_a_missing_secret",
        "shared_secret.validate_permission_refuses_a_wrong_secret",
        "shared_secret.validate_permission_authenticates_before_it_reads",
        "fuzzing.validatePermission",
        "mock_credentials.mock_secrets_are_refused",
    ]
)
def secret_not_demanded_by_validate_permission(api: TuvensApi) -> Change:
    """validate-permission is not behind the shared-secret guard."""
    return swap(api.endpoint("validatePermission").authenticate, _unless_refused)


@registry.fault(
    kills=[
        "shared_secret.validate_session_refuses_a_missing_secret",
        "shared_secret.validate_session_authenticates_before_it_reads",
        "shared_secret.user_accounts_refuses_a_missing_secret",
        "shared_secret.user_accounts_authenticates_before_it_reads",
        "shared_secret.validate_permission_refuses_a_missing_secret",
        "shared_secret.validate_permission_authenticates_before_it_reads",
        "fuzzing.validateSession",
        "fuzzing.listUserAccounts",
        "fuzzing.validatePermission",
    ]
)
def missing_secret_admitted(api: TuvensApi) -> Change:
    """The guard compares the secret only if the header is present: a caller without it is accepted."""

    def check(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            if request.header("x-shared-secret"):
                raise
            honest.count()

    return swap(api.shared_secret.check, check)


@registry.fault(kills=["flow.a_wrong_secret_is_recovered_from"])
def wrong_secret_revokes_the_session(api: TuvensApi) -> Change:
    """A request with a wrong secret revokes the session that it names, unless that was already used."""

    def check(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            token = session_token(request)
            if token is not None and queries.remove_unused_session(api, digest(token)):
                honest.count()
            raise

    return swap(api.shared_secret.check, check)


@registry.fault(
    kills=[
        "session_token.generate_session_authenticates_before_it_reads",
        "shared_secret.validate_session_authenticates_before_it_reads",
        "shared_secret.user_accounts_authenticates_before_it_reads",
        "shared_secret.validate_permission_authenticates_before_it_reads",
        "tuvens_event.a_change_is_authenticated_before_it_is_read",
        "webhook.webhook_authenticates_before_it_reads",
    ]
)
def form_checked_before_authentication(api: TuvensApi) -> Change:
    """The body is validated before the guard runs: 400 instead of 401."""

    def before(endpoint: OperationEndpoint) -> Swap:
        def authenticate(honest: Honest[[Request], None], request: Request) -> None:
            problems = () if request.too_large else endpoint.form_problems(request)
            refusal = api.errors.form_error(request, problems) if problems else None
            if refusal is not None:
                raise refusal
            honest(request)

        return swap(endpoint.authenticate, authenticate)

    return [before(each) for each in api.router.endpoints.values()]


@registry.fault(kills=["webhook.wrong_signature_is_refused", "fuzzing.receiveEventStatusChanged"])
def signature_not_checked(api: TuvensApi) -> Change:
    """The webhook's signature is not verified."""
    return swap(api.signature.accepts, lambda honest, body, header, valid: True)


@registry.fault(kills=["webhook.missing_signature_is_refused", "fuzzing.receiveEventStatusChanged"])
def missing_signature_accepted(api: TuvensApi) -> Change:
    """The signature is verified only if the header is present."""
    return swap(api.signature.accepts, lambda honest, body, header, valid: honest(body, header, valid) or not header)


@registry.fault(
    kills=[
        "webhook.updates_by_php_are_applied",
        "webhook.updates_by_node_are_applied",
        "webhook.updates_by_python_are_applied",
        "webhook.altered_body_is_refused",
        "webhook.a_time_with_an_offset_of_zero_is_read",
    ]
)
def signature_over_reserialised_json(api: TuvensApi) -> Change:
    """The webhook's signature is verified over the parsed and re-serialized body, not over its bytes."""

    def accepts(honest: Honest[[bytes, str, bool], bool], body: bytes, header: str, valid: bool) -> bool:
        again = _reserialised(body)
        if again == body:
            return honest(body, header, valid)
        honest.count()
        return signature_matches(api.signature.secret, again, header)

    return swap(api.signature.accepts, accepts)


@registry.fault(kills=["webhook.updates_by_php_are_applied"])
def php_escapes_break_signature(api: TuvensApi) -> Change:
    """Escaped slashes are unescaped before the signature is verified: bodies of PHP's json_encode are rejected."""

    def accepts(honest: Honest[[bytes, str, bool], bool], body: bytes, header: str, valid: bool) -> bool:
        unescaped = body.replace(b"\\/", b"/")
        if unescaped == body:
            return honest(body, header, valid)
        honest.count()
        return signature_matches(api.signature.secret, unescaped, header)

    return swap(api.signature.accepts, accepts)


# Every webhook is rejected, so fuzzing decides nothing of what is behind the signature.
@registry.fault(kills=["webhook.signed_update_is_accepted"], unsteady=True)
def webhook_verified_with_a_former_key(api: TuvensApi) -> Change:
    """Webhooks are verified with an outdated key."""
    former = api.signature.secret + b"-of-last-year"
    return swap(api.signature.accepts, lambda honest, body, header, valid: signature_matches(former, body, header))


@registry.fault(kills=["webhook.no_timing_leak_is_seen"])
def signature_leaks_by_timing(api: TuvensApi) -> Change:
    """A webhook's signature is compared character by character up to the first difference, and each equal one takes
    time.
    """
    return swap(
        api.signature.accepts,
        lambda honest, body, header, valid: _equal_byte_by_byte(
            header.encode("latin-1"), sign(api.signature.secret, body).encode(), honest.count
        ),
    )


@registry.fault(kills=["webhook.malformed_signature_is_refused"])
def signature_compared_by_prefix(api: TuvensApi) -> Change:
    """The signature is compared over the length of the received one: a part of it is accepted."""
    return _also_accepts(
        api, lambda body, header: len(header) >= 16 and sign(api.signature.secret, body).startswith(header)
    )


@registry.fault(kills=["webhook.signature_without_prefix_is_refused"])
def signature_prefix_optional(api: TuvensApi) -> Change:
    """A webhook signature without sha256= is accepted."""
    return _also_accepts(api, lambda body, header: signature_matches(api.signature.secret, body, f"sha256={header}"))


@registry.fault(kills=["webhook.signature_in_upper_case_is_refused"])
def signature_hex_case_ignored(api: TuvensApi) -> Change:
    """A webhook signature in upper-case hex is accepted."""
    return _also_accepts(api, lambda body, header: signature_matches(api.signature.secret, body, header.lower()))


@registry.fault(kills=["webhook.signature_by_another_algorithm_is_refused"])
def signature_sha1_accepted(api: TuvensApi) -> Change:
    """A webhook signed with HMAC-SHA1 (sha1=...) is accepted."""

    def is_sha1(body: bytes, header: str) -> bool:
        expected = hmac.new(api.signature.secret, body, hashlib.sha1).hexdigest()
        return header in (f"sha1={expected}", f"sha256={expected}")

    return _also_accepts(api, is_sha1)


@registry.fault(kills=["webhook.refused_updates_change_nothing"])
def update_applied_before_its_signature_is_checked(api: TuvensApi) -> Change:
    """The event is changed before the signature is checked: a forged update returns 401 and is applied."""

    def accepts(honest: Honest[[bytes, str, bool], bool], body: bytes, header: str, valid: bool) -> bool:
        accepted = honest(body, header, valid)
        request = current.get()
        update = None if accepted or request is None else sent_update(request)
        if update is not None and api.store.event(update.event) is not None:
            honest.count()
            api.store.change_event(update.event, {"ticketingStatus": TICKETING.get(update.status, "setup")})
        return accepted

    return swap(api.signature.accepts, accepts)


def _unless_refused(honest: Honest[[Request], None], request: Request) -> None:
    try:
        honest(request)
    except Refusal:
        honest.count()


def _first_user_without_jwt(api: TuvensApi, operation: str) -> Change:
    def authenticate(honest: Honest[[Request], None], request: Request) -> None:
        given = request.header_values(b"authorization")
        if len(given) == 1 and given[0].partition(b" ")[2].strip():
            return honest(request)
        honest.count()
        request.user_id = "1"
        return None

    return swap(api.endpoint(operation).authenticate, authenticate)


def _also_accepts(api: TuvensApi, also: Callable[[bytes, str], bool]) -> Change:
    return swap(
        api.signature.accepts,
        lambda honest, body, header, valid: honest(body, header, valid) or also(body, header),
    )


def _unchecked_claims(token: str) -> Mapping[str, Any] | None:
    try:
        return jwt.decode(token, options=UNCHECKED)
    except PROBLEMS:
        return None


def _is_unsigned(token: str) -> bool:
    try:
        return str(jwt.get_unverified_header(token).get("alg")).lower() == "none"
    except PROBLEMS:
        return False


def _equal_byte_by_byte(given: bytes, secret: bytes, count: Callable[[], None]) -> bool:
    count()
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
