"""Faults of minting and validating sessions."""

import asyncio
import base64
import itertools
import json
import secrets
from collections.abc import Callable
from typing import Any

from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.messages import JSON, Request, Response, json_response
from simulators.kit.response_mutations import drop, mutated, put, status
from simulators.tuvens_api.faults import queries
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.faults.requests import session_token
from simulators.tuvens_api.sessions import digest
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import LARGEST, StoredSession

_LEEWAY = 60
_QUESTIONS = ("validateSession", "listUserAccounts", "validatePermission")
_EXPIRY = (
    "session_token.validate_session_refuses_an_expired_token",
    "session_token.user_accounts_refuses_an_expired_token",
    "session_token.validate_permission_refuses_an_expired_token",
)
_UNKNOWN = (
    *_EXPIRY,
    "session_token.validate_session_answers_404_to_an_unknown_token",
    "session_token.user_accounts_answers_404_to_an_unknown_token",
    "session_token.validate_permission_answers_404_to_an_unknown_token",
)


@registry.fault(kills=["session_token.expires_900_seconds_after_generation"])
def session_lives_an_hour(api: TuvensApi) -> Change:
    """Sessions expire 3600 s after generation, as expires_at announces: a library's default is in force."""
    return swap(api.sessions.lifetime, lambda honest: 3600)


@registry.fault(kills=_EXPIRY)
def session_outlives_its_expiry_by_a_minute(api: TuvensApi) -> Change:
    """expires_at is 900 s ahead, but the session lookup grants a leeway of 60 s."""
    return swap(
        api.sessions.store,
        lambda honest, token, user, account, now, expires: honest(token, user, account, now, expires + _LEEWAY),
    )


@registry.fault(kills=["session_token.expired_and_unknown_tokens_look_alike"])
def expired_session_named(api: TuvensApi) -> Change:
    """The error for an expired session token says that it has expired: a caller learns that the token was real."""

    def is_in_force(honest: Honest[[StoredSession, float], bool], session: StoredSession, now: float) -> bool:
        if not honest(session, now):
            raise Refusal(404, "SESSION_EXPIRED", "the session has expired")
        return True

    return swap(api.sessions.is_in_force, is_in_force)


@registry.fault(
    kills=[
        "session_token.validate_session_refuses_an_expired_token",
        "session_token.user_accounts_refuses_an_expired_token",
        "session_token.validate_permission_refuses_an_expired_token",
    ]
)
def session_prolonged_by_use(api: TuvensApi) -> Change:
    """Each use of a session restarts its 15 minutes: a sliding window, as web sessions have."""
    until: dict[int, float] = {}

    def is_in_force(honest: Honest[[StoredSession, float], bool], session: StoredSession, now: float) -> bool:
        alive = honest(session, now) or now < until.get(session.id, 0.0)
        if alive:
            until[session.id] = now + api.sessions.lifetime()
        return alive

    return [
        swap(api.sessions.is_in_force, is_in_force),
        swap(api.sessions.clean_up, lambda honest, now: honest(now - api.sessions.lifetime())),
    ]


@registry.fault(kills=["session_token.session_lives_until_its_expiry"])
def session_ends_five_seconds_early(api: TuvensApi) -> Change:
    """A session is rejected five seconds before its announced expiry, by a margin for slow networks."""
    return swap(
        api.sessions.is_in_force, lambda honest, session, now: honest(session, now) and now < session.expires_at - 5
    )


@registry.fault(kills=_EXPIRY)
def session_outlives_its_expiry_by_a_second(api: TuvensApi) -> Change:
    """Expiry is compared in whole seconds: a session lives up to a second longer than announced."""
    return swap(
        api.sessions.is_in_force, lambda honest, session, now: honest(session, now) or now < session.expires_at + 1
    )


@registry.fault(kills=_UNKNOWN)
def unknown_session_answers_401(api: TuvensApi) -> Change:
    """An unknown or expired session returns 401 instead of 404."""
    return swap(
        api.sessions.unknown,
        lambda honest: Refusal(401, "UNAUTHORIZED", "the session is unknown or has expired"),
    )


@registry.fault(kills=_UNKNOWN)
def unknown_session_answers_400(api: TuvensApi) -> Change:
    """An unknown or expired session returns 400 instead of 404."""
    return swap(
        api.sessions.unknown,
        lambda honest: Refusal(400, "INVALID_SESSION", "the session is unknown or has expired"),
    )


@registry.fault(
    kills=[
        "session_token.validate_session_answers_400_to_an_ill_formed_question",
        "session_token.user_accounts_answers_400_without_a_token",
        "session_token.validate_permission_answers_400_to_an_ill_formed_question",
    ]
)
def missing_session_token_answers_404(api: TuvensApi) -> Change:
    """A request without a usable session_token is looked up instead of rejected with 400: 404."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            if session_token(request):
                raise
            raise api.sessions.unknown() from None

    return [swap(each.check_form, check_form) for each in api.endpoints(_QUESTIONS)]


@registry.fault(kills=["hostile_input.hostile_tokens_open_nothing"])
def session_token_is_injectable(api: TuvensApi) -> Change:
    """The session token is pasted into the SQL statement: ' OR '1'='1 finds a session."""

    def find(honest: Honest[[str, float], StoredSession | None], token: str, now: float) -> StoredSession | None:
        found = honest(token, now)
        return queries.newest_session(api) if found is None and "' or '" in token.lower() else found

    return swap(api.sessions.find, find)


@registry.fault(kills=["session_token.a_session_is_not_consumed_by_validation"])
def session_consumed_by_validation(api: TuvensApi) -> Change:
    """The session of a user who may not manage ticketing is valid for one validation."""
    spent: set[str] = set()

    def handle(honest: Honest[[Request], Any], request: Request) -> Any:
        response = honest(request)
        token = digest(request.field("session_token"))
        if token in spent:
            raise api.sessions.unknown()
        if "manage_ticketing" not in (api.store.permissions(int(request.user_id or 0), request.account_id or 0) or ()):
            spent.add(token)
        return response

    return swap(api.endpoint("validateSession").handle, handle)


@registry.fault(
    kills=[
        "hostile_input.hostile_questions_break_nothing",
        "hostile_input.hostile_questions_change_nothing",
        "hostile_input.oversized_bodies_are_refused",
        "session_token.session_lives_until_its_expiry",
        "session_token.a_live_session_is_validated",
        "fuzzing.nonsense_is_refused",
        "fuzzing.validateSession",
    ]
)
def live_session_answers_500(api: TuvensApi) -> Change:
    """validate-session reads a column that was renamed: 500 for every live session."""

    def describe(honest: Honest[[StoredSession], Response], session: StoredSession) -> Response:
        raise Refusal(500, "INTERNAL_ERROR", "internal server error")

    return swap(api.sessions.describe, describe)


@registry.fault(kills=["flow.concurrent_questions_are_told_apart", "secrecy.no_answer_holds_foreign_data"])
def lost_update_under_load(api: TuvensApi) -> Change:
    """validate-session keeps the session in a shared variable while it waits: concurrent callers get each other's
    users."""
    last: list[Response] = []
    under_way = 0

    async def handle(honest: Honest[[Request], Any], request: Request) -> Response:
        nonlocal under_way
        own: Response = honest(request)
        last[:] = [own]
        under_way += 1
        try:
            await asyncio.sleep(0.005)
            # Two at once are two stories, whose responses other rules look at; a crowd is what this fault is about.
            if under_way <= 2 or last[0] is own:
                return own
            return Response(200, last[0].body, [JSON], encoded=last[0].encoded)
        finally:
            under_way -= 1

    return swap(api.endpoint("validateSession").handle, handle)


@registry.fault(kills=["session_token.tokens_look_random"])
def tokens_are_sequential(api: TuvensApi) -> Change:
    """Session tokens are a disguised counter: anyone with one can guess the next."""
    count = itertools.count(secrets.randbelow(1000))
    return swap(api.sessions.new_token, lambda honest, user: f"tuvens-session-{next(count):028d}")


@registry.fault(
    kills=[
        "session_token.token_has_32_to_1024_url_safe_characters",
        "session_token.tokens_look_random",
        "conformity.generateSession",
        "fuzzing.generateSession",
    ]
)
def tokens_are_short(api: TuvensApi) -> Change:
    """Session tokens have 8 random bytes instead of 32."""
    return swap(api.sessions.new_token, lambda honest, user: secrets.token_urlsafe(8))


@registry.benign()
def session_tokens_like_jwts(api: TuvensApi) -> Change:
    """Session tokens look like a JWT: three parts of base64url between dots."""

    def new_token(honest: Honest[[int], str], user: int) -> str:
        parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": str(user), "jti": secrets.token_urlsafe(16)})
        encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return ".".join([*encoded, secrets.token_urlsafe(32)])

    return swap(api.sessions.new_token, new_token)


@registry.benign()
def session_tokens_in_hex(api: TuvensApi) -> Change:
    """Session tokens are 32 random bytes in hex."""
    return swap(api.sessions.new_token, lambda honest, user: secrets.token_hex(32))


@registry.fault(kills=["session_token.tokens_never_repeat"])
def tokens_repeat_per_user(api: TuvensApi) -> Change:
    """A user who requests another session within a second gets the same token again."""
    issued: dict[tuple[int, int], tuple[float, tuple[str, float]]] = {}

    def mint(
        honest: Honest[[int, int, float], tuple[str, float]], user: int, account: int, now: float
    ) -> tuple[str, float]:
        at, known = issued.get((user, account), (now, None))
        # Within a second, so that its announced life is right and only the repetition is wrong.
        if known is not None and now < at + 1.0:
            return known
        minted = honest(user, account, now)
        issued[user, account] = (now, minted)
        return minted

    return swap(api.sessions.mint, mint)


@registry.fault(kills=["session_token.generate_session_answers_200", "fuzzing.generateSession"])
def generate_answers_201(api: TuvensApi) -> Change:
    """generate-session returns 201, the framework's default for a POST."""
    return mutated(api, status(201), "generateSession")


@registry.fault(kills=["session_token.validate_session_answers_200", "fuzzing.validateSession"])
def validate_session_answers_201(api: TuvensApi) -> Change:
    """validate-session returns 201, NestJS's default for a POST."""
    return mutated(api, status(201), "validateSession")


@registry.fault(kills=["conformity.generateSession", "session_token.mints_a_session", "fuzzing.generateSession"])
def expires_at_left_out(api: TuvensApi) -> Change:
    """generate-session returns no expires_at."""
    return mutated(api, drop("expires_at"), "generateSession")


@registry.benign()
def session_without_account(api: TuvensApi) -> Change:
    """generate-session does not add account_id."""
    return mutated(api, drop("account_id"), "generateSession")


@registry.fault(
    kills=["conformity.validateSession", "session_token.validation_names_the_user", "fuzzing.validateSession"]
)
def user_id_is_a_number(api: TuvensApi) -> Change:
    """validate-session returns user_id as a number."""
    return mutated(api, put("user_id", value=int), "validateSession")


@registry.fault(
    kills=[
        "session_token.name_falls_back_to_the_email",
        "conformity.validateSession",
        "session_token.validation_names_the_user",
        "fuzzing.validateSession",
    ]
)
def user_email_left_out(api: TuvensApi) -> Change:
    """validate-session omits the email."""
    return mutated(api, drop("email"), "validateSession")


@registry.fault(
    kills=["conformity.validateSession", "session_token.validation_names_the_user", "fuzzing.validateSession"]
)
def account_id_as_text(api: TuvensApi) -> Change:
    """validate-session returns account_id as text, as the database driver gives it."""
    return mutated(api, put("account_id", value=str), "validateSession")


@registry.fault(
    kills=["conformity.validateSession", "session_token.name_falls_back_to_the_email", "fuzzing.validateSession"]
)
def name_left_null(api: TuvensApi) -> Change:
    """validate-session returns name null for a user without a name, instead of the email."""

    def describe(honest: Honest[[StoredSession], Response], session: StoredSession) -> Response:
        response = honest(session)
        return response if session.name else json_response({**_object(response), "name": None})

    return swap(api.sessions.describe, describe)


@registry.fault(
    kills=["session_token.missing_account_is_refused", "fuzzing.nonsense_is_refused", "fuzzing.generateSession"]
)
def account_id_optional(api: TuvensApi) -> Change:
    """generate-session without account_id creates a session for the user's first account."""
    return (
        swap(
            api.sessions.account_asked,
            lambda honest, request: (
                queries.first_account(api, int(request.user_id or 0))
                if request.field("account_id") is None
                else honest(request)
            ),
        ),
        _unchecked(api, lambda request: isinstance(request.json, dict) and request.field("account_id") is None),
    )


@registry.fault(kills=["session_token.ill_formed_account_is_refused"])
def account_id_as_text_accepted(api: TuvensApi) -> Change:
    """generate-session accepts an account_id written as text."""
    return _unchecked(api, lambda request: _is_number_as_text(request.field("account_id")))


@registry.fault(kills=["session_token.foreign_account_is_refused"])
def foreign_account_admitted(api: TuvensApi) -> Change:
    """generate-session creates a session for an account that the user does not belong to."""
    return swap(
        api.sessions.may_have,
        lambda honest, user, account: honest(user, account) or queries.account_exists(api, account),
    )


def _unchecked(api: TuvensApi, when: Callable[[Request], bool]) -> Swap:
    """No check of the form of a generate-session for which `when` holds."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        if when(request):
            honest.count()
        else:
            honest(request)

    return swap(api.endpoint("generateSession").check_form, check_form)


def _is_number_as_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and 0 < int(value[:18]) <= LARGEST


def _object(response: Response) -> dict[str, Any]:
    assert isinstance(response.value, dict)
    return response.value
