"""One local user for each Tuvens user, one local account for each Tuvens account."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from contracts.catalogue import RuleFamily
from contracts.hi_events_session.rules_sign_in import SIGN_IN, SIGNED_IN, signed_in_user
from harness.expectations import (
    LackingError,
    UndecidedError,
    answered,
    expect,
    expect_success,
    held,
    json_object,
    shown,
)
from harness.history import Exchange, History
from harness.requirement import MUST, OBSERVE
from harness.verdict import Verdict

_TOLD_APART = "flow.concurrent_questions_are_told_apart"
_ACCEPTS = "hi_events_session.accepts_a_live_session"
RACED = "many_sign_in_at_once"
LINKED = "a_customer_of_old_signs_in"
MAPPED = "users_of_two_accounts_sign_in"
_ONCE = "hi_events_session.one_local_user_for_repeated_sign_ins"

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SIGN_IN,
    quote="one local user for each external_user_id, however often and however concurrently",
    story=RACED,
    operations=["validateCrossAppSession", "generateSession"],
    depends_on=_ACCEPTS,
)


def _users(exchanges: Iterable[Exchange]) -> list[tuple[Exchange, Any, Any]]:
    """(exchange, external_user_id, local id) of each sign-in that succeeded."""
    users = ((each, signed_in_user(each)) for each in exchanges if each.is_success)
    return [(each, user.get("external_user_id"), user.get("id")) for each, user in users]


def _users_at_once(tries: Iterable[Exchange]) -> list[tuple[Exchange, Any, Any]]:
    """The same of different users. Raises UndecidedError where a response does not tell whose it is."""
    users = _users(tries)
    if any(external is None for _, external, _ in users):
        raise UndecidedError("a sign-in lacks external_user_id, which distinguishes the users")
    return users


def _expect_one_local_user_each(users: Iterable[tuple[Exchange, Any, Any]]) -> None:
    local: dict[str, dict[str, Exchange]] = defaultdict(dict)
    for exchange, external, number in users:
        local[repr(external)].setdefault(repr(number), exchange)
    for external, found in local.items():
        expect(
            len(found) == 1,
            expected=f"one local user for external_user_id {external}",
            observed=f"local users {', '.join(list(found)[:8])}",
            at=list(found.values())[:6],
        )


@rule(
    story=SIGNED_IN,
    settles=["C-HE-08", "C-FL-04"],
    next_step="Look up the user by external_user_id before you create one.",
)
def one_local_user_for_repeated_sign_ins(history: History) -> Verdict:
    """hi.events keeps one local user for a Tuvens user who signs in again, with the same or another session token."""
    tries = [history.one(f"{SIGNED_IN}/{name}") for name in ("first", "same token again", "another token")]
    users = _users(tries)
    _expect_one_local_user_each(users)
    if len(users) < 2:
        raise UndecidedError(f"{len(users)} of {len(tries)} sign-ins succeeded: nothing to compare")
    return held([each for each, _, _ in users], f"{len(users)} sign-ins")


@rule(
    level=OBSERVE,
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="Whether one session token may start more than one Hi.Events session within its life",
    story=SIGNED_IN,
    operations="validateCrossAppSession",
)
def one_token_may_start_several_sessions(history: History) -> Verdict:
    """Observed only: whether hi.events starts a second session for a session token that already started one."""
    first, again = (history.one(f"{SIGNED_IN}/{name}") for name in ("first", "same token again"))
    answered(again)
    if not again.is_success:
        return held(again, f"the second sign-in with one token returned {shown(again)}")
    same = json_object(first).get("token") == json_object(again).get("token")
    return held((first, again), "the second sign-in got " + ("the same session" if same else "a session of its own"))


@rule(
    settles=["C-HE-08", "C-FL-04"],
    depends_on=[_ACCEPTS, _ONCE],
    next_step="Put a unique index on external_user_id, and read the existing user after a conflict.",
)
def one_local_user_under_concurrent_sign_ins(history: History) -> Verdict:
    """hi.events keeps one local user for each Tuvens user under concurrent sign-ins, several of them by the same
    user."""
    tries = history.every(f"{RACED}/sign in")
    users = _users_at_once(tries)
    _expect_one_local_user_each(users)
    if len(users) < 2:
        raise UndecidedError(f"{len(users)} of {len(tries)} concurrent sign-ins succeeded: {shown(tries[0])}")
    external = {repr(each) for _, each, _ in users}
    newcomers = Counter(repr(each) for sign_in, each, _ in users if sign_in.facts.get("newcomer", True))
    if max(newcomers.values(), default=0) < 2:
        raise LackingError(
            "every user with concurrent sign-ins had signed in before, so no local user was created: name another "
            'user with role = "user" under [[users]] who never signed in at hi.events'
        )
    return held([each for each, _, _ in users][:6], f"{len(users)} sign-ins of {len(external)} concurrent users")


@rule(settles=["C-HE-08", "C-FL-04"], security=True)
def no_local_user_is_shared(history: History) -> Verdict:
    """hi.events never assigns two Tuvens users to one local user, also under concurrent sign-ins."""
    users = _users_at_once(history.every(f"{RACED}/sign in"))
    external: dict[str, dict[str, Exchange]] = defaultdict(dict)
    for exchange, theirs, number in users:
        external[repr(number)].setdefault(repr(theirs), exchange)
    for number, found in external.items():
        expect(
            len(found) == 1,
            expected=f"local user {number} for one Tuvens user",
            observed=f"local user {number} for external_user_id {', '.join(list(found)[:8])}",
            at=list(found.values())[:6],
        )
    if not users:
        raise UndecidedError("no sign-in succeeded")
    if len({repr(theirs) for _, theirs, _ in users}) < 2:
        raise LackingError("fewer than two Tuvens users signed in concurrently: name more under [[users]]")
    return held([each for each, _, _ in users][:6], f"{len(external)} local users")


@rule(
    settles=["C-HE-08", "C-FL-04"],
    depends_on=[_ACCEPTS, "hi_events_session.sign_in_names_the_tuvens_user", _TOLD_APART],
    security=True,
)
def concurrent_sign_ins_are_not_mixed_up(history: History) -> Verdict:
    """hi.events signs in the user for whom the token was issued, also under concurrent sign-ins."""
    users = _users(history.every(f"{RACED}/sign in"))
    if not users:
        raise UndecidedError("no sign-in succeeded")
    known = [(each, theirs, each.facts.get("user_id")) for each, theirs, _ in users if each.facts.get("user_id")]
    if not known:
        raise LackingError("the users of the tokens are not known: set user_id under [[users]]")
    for exchange, found, wanted in known:
        expect(
            found == wanted,
            expected=f"external_user_id {wanted!r}, the user of the token",
            observed=f"external_user_id {found!r}",
            at=exchange,
        )
    return held([each for each, _, _ in known][:6], f"{len(known)} sign-ins")


@rule(
    quote="an existing user with the same email is",
    story=LINKED,
    needs="control:hi.events",
    depends_on=[_ACCEPTS, _ONCE],
)
def existing_user_with_the_same_email_is_linked(history: History) -> Verdict:
    """hi.events links an existing local user with the same email to the Tuvens user, and does not create a second
    one."""
    before = history.observation(f"{LINKED}/customer of old").values
    if before["id"] is None:
        raise LackingError("no user of the deployment had a hi.events account before")
    answer = expect_success(history.one(f"{LINKED}/sign in"))
    user = signed_in_user(answer)
    expect(
        user.get("id") == before["id"],
        expected=f"local user {before['id']}, who has the same email",
        observed=f"local user {user.get('id')!r}",
        at=answer,
    )
    return held(answer)


@rule(
    quote="an account mapped to the Tuvens account (external_account_id), never one that other people share",
    story=MAPPED,
    settles="C-HE-08",
    operations=["validateCrossAppSession", "getCrossAppStatus", "generateSession"],
    needs="role:outsider",
    depends_on=[_ACCEPTS, _TOLD_APART, "hi_events_session.status_is_told"],
    security=True,
)
def accounts_are_not_shared(history: History) -> Verdict:
    """hi.events signs users of two Tuvens accounts in to two different accounts of its own."""
    ours, theirs = (expect_success(history.one(f"{MAPPED}/{role}")) for role in ("organiser", "outsider"))
    numbers = [json_object(each).get("account_id") for each in (ours, theirs)]
    if history.observation(f"{MAPPED}/accounts").values["same"]:
        raise LackingError("the organiser and the outsider share an account: name an outsider from another account")
    expect(
        numbers[0] != numbers[1],
        expected="two accounts, as the users belong to two Tuvens accounts",
        observed=f"account_id {numbers[0]!r} for both",
        at=(ours, theirs),
    )
    return held((ours, theirs))
