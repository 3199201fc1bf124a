"""Example histories of the rules about a Hi.Events session."""

from collections.abc import Mapping
from typing import Any

from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, honest, lacks, leaves_open
from tests.contracts.histories import NOW, answer, history, no_answer, observed

BEARER, OTHER_BEARER = "<bearer:11111111>", "<bearer:22222222>"
ORGANISER = {"id": 7, "email": "zoe@example.com", "first_name": "Zoë", "last_name": "M", "external_user_id": "1"}
OUTSIDER = {"id": 8, "email": "olga@example.com", "first_name": "Olga", "last_name": "O", "external_user_id": "3"}
UNAUTHORIZED = {"message": "The session token is not valid.", "error": "UNAUTHORIZED"}
UNAVAILABLE = {"message": "Tuvens cannot be reached.", "error": "UPSTREAM_UNAVAILABLE"}
ACME = {"id": 123, "name": "Acme Events", "slug": "acme-events"}
BLUEBIRD = {"id": 124, "name": "Bluebird Concerts", "slug": "bluebird-concerts"}


def signed_in(step: str, user: Mapping[str, Any] = ORGANISER, *, token: str = BEARER, **said: Any) -> Exchange:
    """A sign-in that succeeded; further arguments replace fields of the body, `status`, `headers` and `facts` aside."""
    headers = said.pop("headers", {"X-Auth-Token": token})
    status, facts = said.pop("status", 200), said.pop("facts", None)
    body = {"token": token, "token_type": "bearer", "expires_in": 3600, "user": user, "accounts": [], **said}
    return hi(step, status, body, operation="validateCrossAppSession", headers=headers, facts=facts)


def refused(step: str, status: int = 401, body: object = None) -> Exchange:
    """A sign-in that was refused."""
    told, json = UNAUTHORIZED if body is None else body, {"Content-Type": "application/json"}
    return hi(step, status, told, operation="validateCrossAppSession", headers=json)


def hi(step: str, status: int, body: object = None, **said: Any) -> Exchange:
    """An answer of hi.events."""
    return answer(step, status, body, callee="hi.events", **said)


def tuvens_user(step: str, user_id: str = "1", email: str = "zoe@example.com") -> Exchange:
    """What tuvens-api says of a session's user."""
    body = {"user_id": user_id, "email": email, "name": "Zoë M", "account_id": 123}
    return answer(step, 200, body, operation="validateSession", caller="hi.events")


def _signed_in(first: Exchange, *others: Entry) -> Seen:
    return history(tuvens_user("a_user_signs_in/tuvens-api asked directly"), first, *others)


def _repeated(*ids: int) -> Seen:
    names = ("first", "same token again", "another token")
    return _signed_in(
        *(
            signed_in(f"a_user_signs_in/{name}", {**ORGANISER, "id": each})
            for name, each in zip(names, ids, strict=True)
        )
    )


def _raced(*users: tuple[str | None, int], minted_for: tuple[str, ...] = (), newcomer: bool = True) -> Seen:
    wanted: tuple[str | None, ...] = minted_for or tuple(external for external, _ in users)
    return history(
        *(
            signed_in(
                "many_sign_in_at_once/sign in",
                {**ORGANISER, "id": local, "external_user_id": external},
                facts={"user_id": whom, "newcomer": newcomer},
            )
            for (external, local), whom in zip(users, wanted, strict=True)
        )
    )


def _tries(step: str, *answers: tuple[int, object]) -> Seen:
    return history(*(refused(f"{step}/{number}", *each) for number, each in enumerate(answers)))


def _refusals(**unlike: tuple[int, object]) -> Seen:
    steps = ("ill-formed/missing", "unknown", "forged/cut")
    return history(*(refused(f"sign_ins_are_refused/{each}", *unlike.get(each, (401, UNAUTHORIZED))) for each in steps))


def _limited(*statuses: int) -> Seen:
    return history(
        *(refused("sign_ins_come_too_often/tried", each) for each in statuses), capabilities=["control:hi.events"]
    )


def status(value: object, code: int = 200, **said: Any) -> Seen:
    """What status tells; the session that it is asked about is the second that was begun."""
    asked = hi(
        "a_hi_events_session_is_used/status",
        code,
        value,
        operation="getCrossAppStatus",
        request_headers=(("Authorization", f"Bearer {BEARER}"),),
        **said,
    )
    other = signed_in("shared/sign in", {**ORGANISER, "id": 9}, token=OTHER_BEARER)
    return history(other, signed_in("shared/sign in"), asked)


def told(**other: object) -> dict[str, object]:
    """The honest status, some of its fields otherwise."""
    value = {"authenticated": True, "user": ORGANISER, "account_id": 1, "expires_at": "2025-07-25T15:30:00.000000Z"}
    return {**value, **other}


def _asked_twice(question: str, name: str, ours: object, theirs: object, status: int = 200) -> Seen:
    story = "a_hi_events_session_is_used"
    return history(
        hi(f"{story}/{question}/{name}", status, ours),
        answer(f"{story}/{question} at tuvens-api/{name}", 200, theirs, caller="hi.events"),
    )


def _permission(value: object, status: int = 200) -> Seen:
    return history(hi("a_hi_events_session_is_used/permission/manage ticketing", status, value))


def _unbidden(route: str, *statuses: int) -> Seen:
    story = "hi_events_routes_are_tried_without_a_session"
    return history(*(hi(f"{story}/{route}/{number}", each) for number, each in enumerate(statuses)))


def changed(status: int, after: str, own: str = "DRAFT", reported: str = "DRAFT") -> Seen:
    """Someone without a session sets an event live: the answer, and what either side shows afterwards."""
    story = "an_event_is_changed_without_a_session"
    before = {"ticketing_status": "setup", "contactData": {"hiEventsStatus": "DRAFT"}}
    became = {"ticketing_status": after, "contactData": {"hiEventsStatus": reported}}
    return history(
        hi(f"{story}/at hi.events/before", 200, {"status": "DRAFT"}),
        answer(f"{story}/at tuvens-api/before", 200, before),
        hi(f"{story}/change/none/LIVE", status, sent={"status": "LIVE"}),
        hi(f"{story}/at hi.events/after/none/LIVE", 200, {"status": own}),
        answer(f"{story}/at tuvens-api/after/none/LIVE", 200, became),
    )


def _two_accounts(*numbers: int) -> Seen:
    story = "users_of_two_accounts_sign_in"
    roles = zip(("organiser", "outsider"), numbers, strict=True)
    return history(
        *(hi(f"{story}/{role}", 200, told(account_id=each)) for role, each in roles),
        observed(f"{story}/accounts", same=False),
    )


def _customer(local_id: int) -> Seen:
    story = "a_customer_of_old_signs_in"
    return history(
        observed(f"{story}/customer of old", id=7), signed_in(f"{story}/sign in", {**ORGANISER, "id": local_id})
    )


def trouble(
    error: tuple[int, object] = (503, UNAVAILABLE),
    silence: Exchange | None = None,
    after: Exchange | None = None,
) -> Seen:
    """Sign-ins while tuvens-api is in trouble, and one after it."""
    story = "tuvens_api_is_in_trouble"
    return history(
        refused(f"{story}/sign in/500", *error),
        refused(f"{story}/sign in/nonsense", *error),
        silence or refused(f"{story}/sign in/silence", 503, UNAVAILABLE),
        after or signed_in(f"{story}/after"),
    )


def expired(
    unused: Exchange | None = None, used: Exchange | None = None, *, since: float = 70.0, directly: int = 404
) -> Seen:
    """Sign-ins with tokens that have expired."""
    story = "expired_tokens_are_tried_by_the_clock"
    return history(
        signed_in(f"{story}/before expiry"),
        observed(f"{story}/times", since_accepted=since),
        unused or refused(f"{story}/after/unused"),
        used or refused(f"{story}/after/used"),
        answer(f"{story}/after/tuvens-api asked directly", directly),
    )


def _ended(status: int) -> Seen:
    story = "a_hi_events_session_ends"
    return history(hi(f"{story}/alive", 200, told()), hi(f"{story}/dead", status))


_GUEST = (200, {"token": BEARER, "user": OUTSIDER})
_FIRST = "a_user_signs_in/first"

EXAMPLES: Examples = {
    "accepts_a_live_session": (
        honest(_signed_in(signed_in(_FIRST))),
        breaks("it is refused", _signed_in(refused(_FIRST))),
    ),
    "sign_in_answers_200": (
        honest(_signed_in(signed_in(_FIRST))),
        breaks("it is answered 201", _signed_in(signed_in(_FIRST, status=201))),
    ),
    "sign_in_describes_the_session": (
        holds("token_type is Bearer with a capital", _signed_in(signed_in(_FIRST, token_type="Bearer"))),
        breaks("expires_in is text", _signed_in(signed_in(_FIRST, expires_in="3600"))),
    ),
    "sign_in_sends_the_token_as_a_header": (
        honest(_signed_in(signed_in(_FIRST))),
        breaks("the header is missing", _signed_in(signed_in(_FIRST, headers={}))),
    ),
    "sign_in_names_the_tuvens_user": (
        holds(
            "the email differs in case only", _signed_in(signed_in(_FIRST, {**ORGANISER, "email": "Zoe@Example.com"}))
        ),
        breaks("it names another user", _signed_in(signed_in(_FIRST, {**ORGANISER, "external_user_id": "2"}))),
    ),
    "sign_in_describes_the_local_user": (
        holds("the last name is null", _signed_in(signed_in(_FIRST, {**ORGANISER, "last_name": None}))),
        breaks("fields are missing", _signed_in(signed_in(_FIRST, {"id": 7, "external_user_id": "1"}))),
    ),
    "sign_in_without_a_token_is_refused": (
        holds(
            "one is answered 401, one 422",
            _tries("sign_ins_are_refused/ill-formed", (401, UNAUTHORIZED), (422, {"message": "…", "errors": {}})),
        ),
        breaks(
            "one is answered 500",
            _tries("sign_ins_are_refused/ill-formed", (401, UNAUTHORIZED), (500, {"message": "…", "error": "ERROR"})),
        ),
    ),
    "unknown_token_is_refused": (honest(_refusals()), breaks("it is accepted", _refusals(unknown=_GUEST))),
    "forged_token_is_refused": (
        honest(_refusals()),
        breaks("a cut one is accepted", _refusals(**{"forged/cut": _GUEST})),
    ),
    "refused_sign_in_starts_no_session": (
        honest(_refusals()),
        breaks("the refusal has a token", _refusals(unknown=(401, {**UNAUTHORIZED, "token": BEARER}))),
    ),
    "sign_in_is_limited": (
        holds("the eleventh try is answered 429", _limited(*[401] * 10, 429)),
        breaks("21 tries are let through", _limited(*[401] * 21)),
    ),
    "one_local_user_for_repeated_sign_ins": (
        holds("there is one user", _repeated(7, 7, 7)),
        breaks("another token gets another user", _repeated(7, 7, 8)),
    ),
    "one_local_user_under_concurrent_sign_ins": (
        holds("each user is one", _raced(("1", 7), ("3", 8), ("1", 7))),
        breaks("one of them gets a second user", _raced(("1", 7), ("3", 8), ("1", 9))),
        breaks("one of those who signed in before does", _raced(("1", 7), ("3", 8), ("1", 9), newcomer=False)),
        leaves_open("nothing tells whose local user it is", _raced((None, 7), (None, 8), (None, 7))),
        lacks("all had signed in before", _raced(("1", 7), ("3", 8), ("1", 7), newcomer=False)),
        lacks("no newcomer signs in twice at once", _raced(("1", 7), ("3", 8))),
    ),
    "no_local_user_is_shared": (
        holds("each has an own one", _raced(("1", 7), ("3", 8))),
        breaks("two Tuvens users share one", _raced(("1", 7), ("3", 7))),
        leaves_open("nothing tells whose local user it is", _raced((None, 7), (None, 7))),
    ),
    "concurrent_sign_ins_are_not_mixed_up": (
        holds("each token signs its user in", _raced(("1", 7), ("3", 8))),
        breaks("a token signs another user in", _raced(("1", 7), ("1", 7), minted_for=("1", "3"))),
    ),
    "existing_user_with_the_same_email_is_linked": (
        holds("the existing user is signed in", _customer(7)),
        breaks("a second user is made", _customer(40)),
    ),
    "accounts_are_not_shared": (
        holds("each gets an own account", _two_accounts(1, 2)),
        breaks("both get one account", _two_accounts(1, 1)),
    ),
    "status_is_told": (honest(status(told())), breaks("authenticated is text", status(told(authenticated="yes")))),
    "status_knows_the_user": (honest(status(told())), breaks("it names another user", status(told(user=OUTSIDER)))),
    "status_tells_when_the_session_ends": (
        holds("it is a time to come", status(told(), at=NOW)),
        breaks("the time is not ISO 8601", status(told(expires_at="2025-07-25 15:30:00"))),
    ),
    "accounts_equal_those_of_tuvens_api": (
        holds(
            "they come in another order",
            _asked_twice("accounts", "organiser", {"accounts": [ACME, BLUEBIRD]}, {"accounts": [BLUEBIRD, ACME]}),
        ),
        breaks(
            "one account is missing",
            _asked_twice("accounts", "organiser", {"accounts": [ACME]}, {"accounts": [BLUEBIRD, ACME]}),
        ),
    ),
    "permission_is_answered": (
        holds("it is granted", _permission({"has_permission": True})),
        breaks("the field has another name", _permission({"granted": True})),
    ),
    "permissions_follow_tuvens_api": (
        holds(
            "both deny it",
            _asked_twice("permission", "foreign event", {"has_permission": False}, {"has_permission": False}),
        ),
        breaks(
            "hi.events grants what tuvens-api denies",
            _asked_twice("permission", "foreign event", {"has_permission": True}, {"has_permission": False}),
        ),
    ),
    "ill_formed_permission_question_is_refused": (
        holds("it is answered 422", history(hi("a_hi_events_session_is_used/ill-formed permission/number", 422))),
        breaks(
            "it is answered 200",
            history(hi("a_hi_events_session_is_used/ill-formed permission/number", 200, {"has_permission": False})),
        ),
    ),
    "status_demands_a_session": (
        holds("both are answered 401", _unbidden("status", 401, 401)),
        breaks("a wrong token is accepted", _unbidden("status", 401, 200)),
    ),
    "accounts_demand_a_session": (
        holds("both are answered 401", _unbidden("accounts", 401, 401)),
        breaks("a wrong token is accepted", _unbidden("accounts", 401, 200)),
    ),
    "permissions_demand_a_session": (
        holds("both are answered 401", _unbidden("permission", 401, 401)),
        breaks("it is answered 500 without a token", _unbidden("permission", 500, 401)),
    ),
    "changing_an_event_demands_a_session": (
        holds("it is answered 401", changed(401, "setup")),
        breaks("it is changed", changed(200, "setup")),
    ),
    "refused_change_changes_nothing": (
        holds("nothing changes", changed(401, "setup")),
        breaks("tuvens-api was told", changed(401, "active")),
        breaks("tuvens-api was told what was tried", changed(401, "active", reported="LIVE")),
        leaves_open("tuvens-api was told something else", changed(401, "inactive", reported="ENDED")),
    ),
    "dead_session_is_refused": (holds("it is answered 401", _ended(401)), breaks("it is still served", _ended(200))),
    "trouble_at_tuvens_api_starts_no_session": (
        honest(trouble()),
        breaks(
            "a session starts while tuvens-api is silent",
            trouble(silence=signed_in("tuvens_api_is_in_trouble/sign in/silence", OUTSIDER)),
        ),
    ),
    "trouble_at_tuvens_api_is_an_error": (
        holds("it is answered 401", trouble((401, UNAUTHORIZED))),
        breaks("it is answered 500", trouble((500, UNAVAILABLE))),
    ),
    "silence_of_tuvens_api_is_given_up": (
        honest(trouble()),
        breaks("it is answered 500", trouble(silence=refused("tuvens_api_is_in_trouble/sign in/silence", 500))),
    ),
    "trouble_is_told_from_a_refusal": (honest(trouble()), breaks("it is answered 401", trouble((401, UNAUTHORIZED)))),
    "sign_in_works_again_after_trouble": (
        honest(trouble()),
        breaks("it is refused afterwards", trouble(after=refused("tuvens_api_is_in_trouble/after"))),
    ),
    "expired_token_is_refused": (
        honest(expired()),
        breaks("it is accepted", expired(unused=signed_in("expired_tokens_are_tried_by_the_clock/after/unused"))),
    ),
    "expired_token_is_not_served_from_a_cache": (
        honest(expired()),
        holds("it is refused before a cache would be too old", expired(since=10.0)),
        breaks("it is accepted", expired(used=signed_in("expired_tokens_are_tried_by_the_clock/after/used"))),
        leaves_open(
            "it is accepted while a cache may still know it",
            expired(used=signed_in("expired_tokens_are_tried_by_the_clock/after/used"), since=10.0),
        ),
    ),
    "one_token_may_start_several_sessions": (holds("both sign-ins succeed", _repeated(7, 7, 7)),),
}

SILENT = no_answer("tuvens_api_is_in_trouble/sign in/silence", seconds=15.0)
