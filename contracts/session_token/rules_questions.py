"""validate-session, user-accounts, validate-permission: the answers to valid requests."""

from typing import Any

from contracts.catalogue import RuleFamily
from harness.expectations import LackingError, expect, expect_field, expect_status, expect_success, held, json_object
from harness.history import Exchange, History
from harness.requirement import MUST
from harness.verdict import Verdict

_MINTS = "session_token.mints_a_session"
VALIDATE = "POST /api/cross-app/validate-session (shared secret)"
ACCOUNTS = "GET /api/cross-app/user-accounts?session_token=... (shared secret)"
PERMISSION = "POST /api/cross-app/validate-permission (shared secret)"
VALIDATED = "a_session_is_validated"
LISTED = "accounts_are_listed"
ASKED = "permissions_are_asked_for"
_IS_ANSWERED = "session_token.permission_is_answered_by_a_boolean"


def user_of(history: History, role: str) -> dict[str, Any]:
    """The deployment's first user with a role, as its settings describe them. Raises LackingError for none."""
    for each in history.context.settings.get("users", ()):
        if each["role"] == role:
            return dict(each)
    raise LackingError(f"the deployment has no user with role {role!r}")


validation_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=VALIDATE,
    story=VALIDATED,
    operations="validateSession",
    depends_on="session_token.a_live_session_is_validated",
)


@validation_rule(quote='200 `{"user_id": "456", "email": "user@example.com"', settles="C-TA-06", depends_on=_MINTS)
def a_live_session_is_validated(history: History) -> Verdict:
    """validate-session succeeds for a live session token and the correct shared secret."""
    return held(expect_success(history.one(f"{VALIDATED}/first")))


@validation_rule(
    quote='200 `{"user_id": "456", "email": "user@example.com", "name": "John Doe", "account_id": 123}`',
    settles="C-TA-06",
    depends_on=["session_token.a_live_session_is_validated", "deployment_file.organiser_is_described"],
)
def validation_names_the_user(history: History) -> Verdict:
    """validate-session returns the session's user: user_id as text, email, name and account_id."""
    answer = expect_success(history.one(f"{VALIDATED}/first"))
    value = json_object(answer)
    user = user_of(history, "organiser")
    for name, kind, form in (
        ("user_id", str, "text"), ("email", str, "text"), ("name", str, "text"), ("account_id", int, "an integer")
    ):  # fmt: skip
        found = value.get(name)
        observed = f"{name} is {'absent' if name not in value else type(found).__name__ + ' ' + repr(found)[:60]}"
        expect(type(found) is kind and found != "", expected=f"{name} as {form}", observed=observed, at=answer)
        known = user.get(name)
        if known:
            expect(found == known, expected=f"{name} {known!r}, of the session's user", observed=observed, at=answer)
    return held(answer)


@validation_rule(quote="name falls back to the email.", settles="C-TA-06", needs="role:nameless")
def name_falls_back_to_the_email(history: History) -> Verdict:
    """validate-session returns the email as the name of a user who has no name."""
    answer = expect_success(history.one(f"{VALIDATED}/nameless user"))
    value = json_object(answer)
    email = value.get("email")
    expect(
        isinstance(email, str) and value.get("name") == email,
        expected=f"name {email!r}, the email",
        observed=f"name is {value.get('name')!r}",
        at=answer,
    )
    return held(answer)


@validation_rule(section="Where the sources disagree, and the ruling", quote="reusable until a fixed expires_at")
def a_session_is_not_consumed_by_validation(history: History) -> Verdict:
    """validate-session accepts a session token again after it was validated."""
    return held([expect_success(each) for each in history.every(f"{VALIDATED}/again")])


@validation_rule(
    section="Where the sources disagree, and the ruling",
    quote="200; 201 is a declared deviation",
    story=[VALIDATED, ASKED],
)
def validate_session_answers_200(history: History) -> Verdict:
    """validate-session returns 200 on success."""
    return held(expect_status(history.one(f"{VALIDATED}/first"), 200))


accounts_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=ACCOUNTS,
    quote='200 `{"accounts":',
    story=LISTED,
    operations="listUserAccounts",
    depends_on="session_token.accounts_of_a_session_are_listed",
)


@accounts_rule(
    quote='200 `{"accounts": [{"id": 123, "name": "Acme Events", "slug": "acme-events"}]}`',
    settles="C-TA-10",
    depends_on=_MINTS,
)
def accounts_of_a_session_are_listed(history: History) -> Verdict:
    """user-accounts lists the accounts of the session's user, each with an integer id, a name and a slug."""
    answer = expect_success(history.one(f"{LISTED}/organiser"))
    for each in _accounts(answer):
        fits = [type(each.get(name)) for name in ("id", "name", "slug")] == [int, str, str]
        expect(fits, expected="id (integer), name and slug of each account", observed=str(each)[:160], at=answer)
    return held(answer)


def _accounts(answer: Exchange) -> list[dict[str, Any]]:
    listed = json_object(answer).get("accounts")
    expect(
        isinstance(listed, list) and all(isinstance(each, dict) for each in listed),
        expected="accounts, a list of objects",
        observed=f"accounts is {type(listed).__name__}",
        at=answer,
    )
    assert isinstance(listed, list)
    return listed


@accounts_rule(section="Where the sources disagree, and the ruling", quote="200; 201 is a declared deviation")
def user_accounts_answers_200(history: History) -> Verdict:
    """user-accounts returns 200 on success."""
    return held(expect_status(history.one(f"{LISTED}/organiser"), 200))


@accounts_rule(settles="C-TA-11")
def own_account_is_listed(history: History) -> Verdict:
    """user-accounts lists the account for which the session was issued."""
    answer = expect_success(history.one(f"{LISTED}/organiser"))
    own = user_of(history, "organiser")["account_id"]
    ids = [each.get("id") for each in _accounts(answer)]
    expect(own in ids, expected=f"account {own} among them", observed=f"accounts {ids[:20]}", at=answer)
    return held(answer)


@accounts_rule(settles="C-TA-11", needs="role:outsider", security=True)
def foreign_accounts_are_not_listed(history: History) -> Verdict:
    """user-accounts never lists an account that the session's user does not belong to."""
    if user_of(history, "organiser")["account_id"] == user_of(history, "outsider")["account_id"]:
        raise LackingError("the organiser and the outsider share an account: name an outsider from another account")
    answers = []
    for role, foreign_role in (("organiser", "outsider"), ("outsider", "organiser")):
        answer = expect_success(history.one(f"{LISTED}/{role}"))
        foreign = user_of(history, foreign_role)["account_id"]
        ids = [each.get("id") for each in _accounts(answer)]
        expect(
            foreign not in ids,
            expected=f"no account {foreign}, to which the {role} does not belong",
            observed=f"accounts {ids[:20]}",
            at=answer,
        )
        answers.append(answer)
    return held(answers)


def _answers(history: History, step: str, wanted: bool) -> Verdict:
    answer = expect_success(history.one(f"{ASKED}/{step}"))
    found = json_object(answer).get("has_permission")
    expect(found is wanted, expected=f"has_permission {str(wanted).lower()}", observed=f"it is {found!r}", at=answer)
    return held(answer)


permission_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=PERMISSION,
    story=ASKED,
    settles="C-TA-12",
    operations="validatePermission",
    depends_on=_IS_ANSWERED,
)


@permission_rule(quote='200 `{"has_permission": true}`.', depends_on=_MINTS)
def permission_is_answered_by_a_boolean(history: History) -> Verdict:
    """tuvens-api's validate-permission returns has_permission, true or false."""
    answer = expect_success(history.one(f"{ASKED}/manage ticketing"))
    expect_field(answer, "has_permission", bool)
    return held(answer)


@permission_rule(
    section="Where the sources disagree, and the ruling", quote="200; 201 is a declared deviation", settles=()
)
def validate_permission_answers_200(history: History) -> Verdict:
    """tuvens-api's validate-permission returns 200 on success."""
    return held(expect_status(history.one(f"{ASKED}/manage ticketing"), 200))


@permission_rule(quote="Known permissions: `create_events`, `manage_ticketing`")
def held_permission_is_true(history: History) -> Verdict:
    """tuvens-api's validate-permission returns true for a permission that the session's user holds."""
    return _answers(history, "manage ticketing", True)


@permission_rule(
    quote="(resource_id optional integer: an event)",
    settles=["C-TA-12", "C-TA-13"],
    needs="events",
    depends_on=[_IS_ANSWERED, "session_token.held_permission_is_true"],
)
def held_permission_is_true_on_an_own_event(history: History) -> Verdict:
    """tuvens-api's validate-permission returns true for a permission that the session's user holds on an event of the
    user's account."""
    return _answers(history, "own event", True)


@permission_rule(
    quote="A resource of an account that the session's user does not belong to is `false`.",
    settles="C-TA-13",
    needs="foreign-event",
    security=True,
)
def permission_is_false_on_a_foreign_event(history: History) -> Verdict:
    """tuvens-api's validate-permission returns false for a permission on an event of an account that the user does not
    belong to."""
    return _answers(history, "foreign event", False)


@permission_rule(quote="an unknown one is `false`, not an error.")
def unknown_permission_is_false(history: History) -> Verdict:
    """tuvens-api's validate-permission returns false, not an error, for an unknown permission."""
    return _answers(history, "unknown permission", False)


@permission_rule(quote='200 `{"has_permission": true}`.', needs="role:member", security=True)
def lacking_permission_is_false(history: History) -> Verdict:
    """tuvens-api's validate-permission returns false for a permission that the session's user does not hold."""
    return _answers(history, "member", False)
