"""Faults of signing in with a session token."""

import re
import secrets

from contracts.session_token import wire
from contracts.session_token.wire import SessionUser
from simulators.hi_events.errors import invalid
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.sign_in import upstream_unavailable
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.upstream import TuvensRefused
from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.errors import Refusal
from simulators.kit.faults import Async, Change, Honest, Swap, swap
from simulators.kit.messages import Request, Response
from simulators.kit.response_mutations import drop, has_status, mutated, put, status, without_header

_SIGN_IN = "validateCrossAppSession"
_COLUMN = 43
_GUEST = SessionUser("guest", "guest@tickets.invalid", "Guest", 1)


@registry.fault(kills=["hi_events_session.unknown_token_is_refused"])
def forged_token_accepted(hi: HiEvents) -> Change:
    """A token that tuvens-api rejects still starts a session."""
    return _guest_instead_of(hi, 401)


@registry.fault(kills=["hi_events_session.trouble_at_tuvens_api_starts_no_session"])
def upstream_failure_starts_session(hi: HiEvents) -> Change:
    """A guest session is started when tuvens-api fails."""
    return _guest_instead_of(hi, 503)


@registry.fault(kills=["hi_events_session.trouble_at_tuvens_api_is_an_error"])
def upstream_failure_answers_500(hi: HiEvents) -> Change:
    """The exception is not caught when tuvens-api fails: 500."""
    return swap(hi.sign_in.unavailable, lambda honest, failure: _server_error())


@registry.fault(
    kills=["hi_events_session.silence_of_tuvens_api_is_given_up", "hi_events_session.trouble_is_told_from_a_refusal"]
)
def upstream_silence_answers_500(hi: HiEvents) -> Change:
    """The time-out is not caught when tuvens-api does not respond: 500."""

    def unavailable(honest: Honest[[UpstreamUnavailable], Refusal], failure: UpstreamUnavailable) -> Refusal:
        return Refusal(500, "INTERNAL_ERROR", "Maximum execution time exceeded") if failure.silent else honest(failure)

    return swap(hi.sign_in.unavailable, unavailable)


@registry.fault(kills=["hi_events_session.trouble_is_told_from_a_refusal"])
def upstream_failure_answers_401(hi: HiEvents) -> Change:
    """The session token is reported as invalid when tuvens-api fails."""
    return swap(hi.sign_in.unavailable, lambda honest, failure: hi.sign_in.refused(""))


@registry.benign()
def upstream_failure_answers_502(hi: HiEvents) -> Change:
    """A sign-in returns 502 while tuvens-api fails."""
    return swap(hi.sign_in.unavailable, lambda honest, failure: upstream_unavailable(502))


@registry.fault(
    kills=["hi_events_session.trouble_is_told_from_a_refusal", "hi_events_session.sign_in_works_again_after_trouble"]
)
def failed_token_stays_refused(hi: HiEvents) -> Change:
    """A token that could not be validated is rejected for ten minutes."""
    until: dict[str, float] = {}

    async def identify(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        if until.get(token, 0.0) > hi.clock.now():
            raise hi.sign_in.refused(token)
        try:
            return await honest(token)
        except Refusal as refusal:
            if refusal.status == 503:
                until[token] = hi.clock.now() + 600
            raise

    return swap(hi.sign_in.identify, identify)


@registry.fault(kills=["hi_events_session.expired_token_is_not_served_from_a_cache"])
def validation_cached_for_an_hour(hi: HiEvents) -> Change:
    """Responses of validate-session are cached for an hour, beyond the session's lifetime."""
    return _cached(hi, 3600.0)


@registry.benign()
def validation_cached_for_half_a_minute(hi: HiEvents) -> Change:
    """Responses of validate-session are cached for 30 s."""
    return _cached(hi, 30.0)


@registry.benign()
def session_token_starts_one_session(hi: HiEvents) -> Change:
    """A session token starts only one session of hi.events: a second sign-in or page visit with it is rejected."""
    used: set[str] = set()

    async def session_user(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        who = await honest(token)
        if token in used:
            raise TuvensRefused(404)
        used.add(token)
        return who

    return swap(hi.tuvens.session_user, session_user)


@registry.fault(kills=["hi_events_page.returns_after_making_an_event", "hi_events_session.accepts_a_live_session"])
def validation_sent_without_the_secret(hi: HiEvents) -> Change:
    """The shared secret is missing from hi.events' environment: its calls return 401, and no sign-in works."""
    return swap(hi.tuvens.validation, lambda honest, token: wire.validate_session("", token))


@registry.fault(kills=["hi_events_session.forged_token_is_refused"])
def session_token_cut_to_its_column(hi: HiEvents) -> Change:
    """A session token is cut to the 43 characters of its column before it is validated."""
    return swap(hi.sign_in.identify, lambda honest, token: honest(token[:_COLUMN]))


@registry.fault(kills=["secrecy.no_answer_of_hi_events_holds_a_secret"])
def token_in_error_message(hi: HiEvents) -> Change:
    """The error for a rejected session token contains it."""
    return swap(
        hi.sign_in.refused,
        lambda honest, token: Refusal(401, "UNAUTHORIZED", f"The session token {token} is not valid."),
    )


@registry.fault(kills=["hi_events_session.expired_token_is_refused", "fuzzing.validateCrossAppSession"])
def refusal_after_a_quiet_minute_answers_403(hi: HiEvents) -> Change:
    """A rejected sign-in after a minute without any returns 403, from a check for unusual activity."""
    last: float | None = None

    async def identify(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        nonlocal last
        now, before = hi.clock.now(), last
        last = now
        try:
            return await honest(token)
        except Refusal as refusal:
            if refusal.status == 401 and before is not None and now > before + 60:
                raise Refusal(403, "FORBIDDEN", "Unusual activity: please try again.") from None
            raise

    return swap(hi.sign_in.identify, identify)


@registry.fault(kills=["hi_events_session.refused_sign_in_starts_no_session"])
def refusal_carries_a_token(hi: HiEvents) -> Change:
    """A rejected sign-in still has X-Auth-Token: a middleware sets it."""

    def add_token(request: Request, response: Response) -> None:
        response.headers.append((b"x-auth-token", secrets.token_urlsafe(32).encode()))

    return mutated(hi, add_token, _SIGN_IN, when=has_status(401))


@registry.fault(kills=["hi_events_session.sign_in_without_a_token_is_refused", "fuzzing.validateCrossAppSession"])
def missing_token_answers_500(hi: HiEvents) -> Change:
    """A sign-in without a usable session token reads a property of null: 500."""
    return _form_error(hi, _server_error())


@registry.benign()
def missing_token_answers_422(hi: HiEvents) -> Change:
    """A sign-in without a usable session token returns 422."""
    endpoint = hi.endpoint(_SIGN_IN)

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        problems = endpoint.form_problems(request)
        if problems:
            raise invalid(request, problems)

    return swap(endpoint.check_form, check_form)


@registry.fault(kills=["hi_events_session.sign_in_answers_200", "fuzzing.validateCrossAppSession"])
def sign_in_answers_201(hi: HiEvents) -> Change:
    """A sign-in returns 201."""
    return mutated(hi, status(201), _SIGN_IN)


@registry.fault(
    kills=[
        "conformity.validateCrossAppSession",
        "hi_events_session.sign_in_describes_the_session",
        "fuzzing.validateCrossAppSession",
    ]
)
def token_type_left_out(hi: HiEvents) -> Change:
    """A sign-in returns no token_type."""
    return mutated(hi, drop("token_type"), _SIGN_IN)


@registry.benign()
def token_type_capitalised(hi: HiEvents) -> Change:
    """token_type is Bearer."""
    return mutated(hi, put("token_type", value="Bearer"), _SIGN_IN)


@registry.fault(
    kills=[
        "conformity.validateCrossAppSession",
        "hi_events_session.sign_in_sends_the_token_as_a_header",
        "fuzzing.validateCrossAppSession",
    ]
)
def auth_token_header_left_out(hi: HiEvents) -> Change:
    """A sign-in returns no X-Auth-Token."""
    return mutated(hi, without_header("x-auth-token"), _SIGN_IN)


@registry.fault(kills=["hi_events_session.sign_in_names_the_tuvens_user"])
def email_masked(hi: HiEvents) -> Change:
    """Responses contain the user's email with asterisks."""
    return mutated(hi, put("user", "email", value=_masked), _SIGN_IN, "getCrossAppStatus")


@registry.fault(
    kills=[
        "conformity.validateCrossAppSession",
        "hi_events_session.sign_in_describes_the_local_user",
        "fuzzing.validateCrossAppSession",
    ]
)
def last_name_left_out(hi: HiEvents) -> Change:
    """A sign-in's user has no last_name."""
    return mutated(hi, drop("user", "last_name"), _SIGN_IN)


def _guest_instead_of(hi: HiEvents, status: int) -> Change:
    """Sign in a guest where a token would be refused with this status."""

    async def identify(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        try:
            return await honest(token)
        except Refusal as refusal:
            if refusal.status != status:
                raise
            return _GUEST

    return swap(hi.sign_in.identify, identify)


def _cached(hi: HiEvents, seconds: float) -> Change:
    known: dict[str, tuple[float, SessionUser]] = {}

    async def session_user(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        until, who = known.get(token, (0.0, None))
        if who is None or until <= hi.clock.now():
            who = await honest(token)
            known[token] = (hi.clock.now() + seconds, who)
        return who

    return swap(hi.tuvens.session_user, session_user)


def _masked(email: object) -> str:
    return re.sub(r"(?<=.)[^@](?=[^@]*@)", "*", str(email))


def _form_error(hi: HiEvents, refusal: Refusal) -> Swap:
    """Refuse a sign-in without a usable token otherwise."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            raise refusal from None

    return swap(hi.endpoint(_SIGN_IN).check_form, check_form)


def _server_error() -> Refusal:
    return Refusal(500, "INTERNAL_ERROR", "Server Error")
