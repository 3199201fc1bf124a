"""Faults of sessions: who is admitted, and what they answer to a signed-in user."""

from datetime import datetime, timedelta, timezone

from contracts.session_token.wire import Account
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.store import LocalAccount, LocalSession, LocalUser
from simulators.kit.endpoint import OperationEndpoint
from simulators.kit.errors import Refusal
from simulators.kit.faults import Async, Change, Honest, swap
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.response_mutations import body, drop, mutated, put
from simulators.kit.sending import Receive

_STATUS, _ACCOUNTS, _PERMISSION = "getCrossAppStatus", "listCrossAppAccounts", "validateCrossAppPermission"
_LOCAL = timezone(timedelta(hours=2))
_IsGranted = Honest[[LocalSession, str, int | None], Async[bool]]


@registry.fault(kills=["hi_events_session.dead_session_is_refused"])
def session_never_ends(hi: HiEvents) -> Change:
    """The expiry of a session is not checked."""
    return swap(hi.bearer.find, lambda honest, token, now: honest(token, now) or hi.store.session(token, 0.0))


@registry.fault(kills=["hi_events_session.status_demands_a_session", "fuzzing.getCrossAppStatus"])
def status_open_without_bearer(hi: HiEvents) -> Change:
    """GET /auth/cross-app/status responds without a session."""

    def authenticate(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal:
            honest.count()
            request.session = newest_session(hi)

    return swap(hi.endpoint(_STATUS).authenticate, authenticate)


@registry.fault(kills=["hi_events_session.accounts_demand_a_session", "fuzzing.listCrossAppAccounts"])
def accounts_open_without_bearer(hi: HiEvents) -> Change:
    """accounts responds without a session: an empty list."""
    return _open(hi.endpoint(_ACCOUNTS), {"accounts": []})


@registry.fault(kills=["hi_events_session.permissions_demand_a_session", "fuzzing.validateCrossAppPermission"])
def permission_open_without_bearer(hi: HiEvents) -> Change:
    """validate-permission responds without a session: false."""
    return _open(hi.endpoint(_PERMISSION), {"has_permission": False})


@registry.fault(kills=["hi_events_session.accounts_equal_those_of_tuvens_api"])
def accounts_from_local_copy(hi: HiEvents) -> Change:
    """The accounts are listed from a local copy, not from tuvens-api."""

    async def accounts_of(
        honest: Honest[[LocalSession], Async[tuple[Account, ...]]], session: LocalSession
    ) -> tuple[Account, ...]:
        return tuple(
            Account(each.external_account_id or each.id, each.name, f"account-{each.id}")
            for each in hi.store.accounts_of(session.user)
        )

    return swap(hi.queries.accounts_of, accounts_of)


@registry.fault(kills=["hi_events_session.permissions_follow_tuvens_api"])
def permission_always_true(hi: HiEvents) -> Change:
    """validate-permission returns true without a request to tuvens-api."""

    async def is_granted(honest: _IsGranted, session: LocalSession, permission: str, resource: int | None) -> bool:
        return True

    return swap(hi.queries.is_granted, is_granted)


@registry.fault(kills=["flow.a_missing_permission_is_recovered_from"])
def denial_remembered_by_its_name(hi: HiEvents) -> Change:
    """A denied permission is cached by its name alone: the next check of it, for another event, is also denied."""
    denied: dict[int, str] = {}

    async def is_granted(honest: _IsGranted, session: LocalSession, permission: str, resource: int | None) -> bool:
        granted = await honest(session, permission, resource) and denied.get(session.id) != permission
        denied[session.id] = "" if granted else permission
        return granted

    return swap(hi.queries.is_granted, is_granted)


@registry.fault(
    kills=["hi_events_session.ill_formed_permission_question_is_refused", "fuzzing.validateCrossAppPermission"]
)
def ill_formed_permission_is_false(hi: HiEvents) -> Change:
    """A malformed validate-permission request returns false."""

    async def serve(
        honest: Honest[[Request, Receive], Async[Response]], request: Request, receive: Receive
    ) -> Response:
        try:
            return await honest(request, receive)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            return json_response({"has_permission": False})

    return swap(hi.endpoint(_PERMISSION).serve, serve)


@registry.benign()
def ill_formed_permission_answers_400(hi: HiEvents) -> Change:
    """A malformed validate-permission request returns 400."""

    def check_form(honest: Honest[[Request], None], request: Request) -> None:
        try:
            honest(request)
        except Refusal as refusal:
            raise Refusal(400, refusal.code, refusal.message) from None

    return swap(hi.endpoint(_PERMISSION).check_form, check_form)


@registry.fault(kills=["conformity.getCrossAppStatus", "hi_events_session.status_is_told", "fuzzing.getCrossAppStatus"])
def status_without_account(hi: HiEvents) -> Change:
    """status leaves out account_id."""
    return mutated(hi, drop("account_id"), _STATUS)


@registry.fault(kills=["hi_events_session.status_knows_the_user"])
def status_counts_users_from_zero(hi: HiEvents) -> Change:
    """status returns the user's number minus one."""
    return mutated(hi, put("user", "id", value=lambda number: int(str(number)) - 1), _STATUS)


@registry.fault(
    kills=[
        "conformity.getCrossAppStatus",
        "hi_events_session.status_tells_when_the_session_ends",
        "fuzzing.getCrossAppStatus",
    ]
)
def status_expiry_without_zone(hi: HiEvents) -> Change:
    """status writes expires_at as Laravel does, without T and Z."""
    return mutated(hi, put("expires_at", value=lambda text: str(text)[:19].replace("T", " ")), _STATUS)


@registry.fault(
    kills=[
        "conformity.getCrossAppStatus",
        "hi_events_session.status_tells_when_the_session_ends",
        "fuzzing.getCrossAppStatus",
    ]
)
def status_expiry_in_local_time(hi: HiEvents) -> Change:
    """status writes expires_at in the server's time zone, with its offset."""
    return mutated(hi, put("expires_at", value=_in_local_time), _STATUS)


@registry.fault(
    kills=[
        "conformity.listCrossAppAccounts",
        "hi_events_session.accounts_equal_those_of_tuvens_api",
        "fuzzing.listCrossAppAccounts",
    ]
)
def accounts_numbered_as_text(hi: HiEvents) -> Change:
    """accounts lists the ids as text."""
    return mutated(hi, put("accounts", "*", "id", value=str), _ACCOUNTS)


@registry.fault(
    kills=[
        "conformity.validateCrossAppPermission",
        "hi_events_session.permission_is_answered",
        "fuzzing.validateCrossAppPermission",
    ]
)
def permission_answer_renamed(hi: HiEvents) -> Change:
    """validate-permission returns granted instead of has_permission."""
    return mutated(hi, body(lambda value: value.update(granted=value.pop("has_permission"))), _PERMISSION)


def _in_local_time(text: object) -> str:
    return datetime.fromisoformat(str(text)).astimezone(_LOCAL).isoformat()


def _open(endpoint: OperationEndpoint, empty: dict[str, object]) -> Change:
    """Serve without a session: the form is checked, and the answer is empty."""

    async def serve(
        honest: Honest[[Request, Receive], Async[Response]], request: Request, receive: Receive
    ) -> Response:
        try:
            endpoint.authenticate(request)
        except Refusal:
            endpoint.check_form(request)
            return json_response(empty)
        return await honest(request, receive)

    return swap(endpoint.serve, serve)


def newest_session(hi: HiEvents) -> LocalSession:
    """The session that was started last; that of a guest where there is none."""
    newest = hi.store.sessions(1)
    if newest:
        return newest[0]
    guest = LocalUser(1, "guest@tickets.invalid", "Guest", None, "guest")
    now = hi.clock.now()
    return LocalSession(0, "", guest, LocalAccount(1, None, "Guests"), "", now, now + hi.config.session_lifetime)
