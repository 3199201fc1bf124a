"""Faults of accounts and permissions."""

from collections.abc import Callable
from typing import Any

from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request
from simulators.kit.response_mutations import drop, mutated, put, status
from simulators.seed import PERMISSIONS
from simulators.tuvens_api.faults import queries
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi


@registry.fault(kills=["session_token.foreign_accounts_are_not_listed"])
def all_accounts_listed(api: TuvensApi) -> Change:
    """user-accounts lists every existing account."""
    return swap(api.permissions.accounts_of, lambda honest, session: queries.all_accounts(api))


@registry.fault(kills=["session_token.own_account_is_listed"])
def own_account_not_listed(api: TuvensApi) -> Change:
    """user-accounts omits the account that the session is for."""
    return swap(
        api.permissions.accounts_of,
        lambda honest, session: [each for each in honest(session) if each.id != session.account_id],
    )


@registry.fault(kills=["session_token.user_accounts_answers_200", "fuzzing.listUserAccounts"])
def user_accounts_answers_203(api: TuvensApi) -> Change:
    """user-accounts returns 203, as an intermediate cache would."""
    return mutated(api, status(203), "listUserAccounts")


@registry.fault(
    kills=["conformity.listUserAccounts", "session_token.accounts_of_a_session_are_listed", "fuzzing.listUserAccounts"]
)
def account_slug_left_out(api: TuvensApi) -> Change:
    """user-accounts lists accounts without their slug."""
    return mutated(api, drop("accounts", "*", "slug"), "listUserAccounts")


@registry.fault(kills=["session_token.unknown_permission_is_false"])
def unknown_permission_is_an_error(api: TuvensApi) -> Change:
    """validate-permission returns 400 for an unknown permission."""
    return _refused(api, lambda request: request.field("permission") not in PERMISSIONS, "permission is not known")


@registry.benign()
def empty_permission_answers_400(api: TuvensApi) -> Change:
    """An empty permission is malformed: 400."""
    return _refused(api, lambda request: not request.field("permission"), "permission is empty")


@registry.benign()
def null_resource_answers_400(api: TuvensApi) -> Change:
    """resource_id null is malformed: 400."""
    return _refused(
        api,
        lambda request: "resource_id" in request.json and request.field("resource_id") is None,
        "resource_id is null",
    )


@registry.fault(kills=["session_token.permission_is_false_on_a_foreign_event"])
def permission_granted_on_foreign_resource(api: TuvensApi) -> Change:
    """validate-permission does not check whose event the resource is."""
    return swap(
        api.permissions.has_on_event,
        lambda honest, session, permission, event: (
            honest(session, permission, event) or api.permissions.has_in_account(session, permission)
        ),
    )


@registry.fault(kills=["session_token.held_permission_is_true_on_an_own_event"])
def permission_on_events_always_false(api: TuvensApi) -> Change:
    """resource_id is compared with the ids of accounts: no event ever belongs to the user."""
    return swap(api.permissions.has_on_event, lambda honest, *asked: honest(*asked) and False)


@registry.fault(kills=["session_token.held_permission_is_true"])
def permission_always_false(api: TuvensApi) -> Change:
    """validate-permission always returns false."""
    return (
        swap(api.permissions.has_on_event, lambda honest, *asked: honest(*asked) and False),
        swap(api.permissions.has_in_account, lambda honest, *asked: honest(*asked) and False),
    )


@registry.fault(kills=["session_token.lacking_permission_is_false"])
def member_may_do_everything(api: TuvensApi) -> Change:
    """Membership of the account is enough for every permission."""
    return swap(
        api.permissions.has_in_account,
        lambda honest, session, permission: (
            honest(session, permission)
            or (permission in PERMISSIONS and api.store.permissions(session.user_id, session.account_id) is not None)
        ),
    )


@registry.fault(kills=["session_token.validate_permission_answers_200", "fuzzing.validatePermission"])
def validate_permission_answers_201(api: TuvensApi) -> Change:
    """validate-permission returns 201, NestJS's default for a POST."""
    return mutated(api, status(201), "validatePermission")


@registry.fault(
    kills=[
        "conformity.validatePermission",
        "session_token.permission_is_answered_by_a_boolean",
        "fuzzing.validatePermission",
    ]
)
def permission_answered_as_text(api: TuvensApi) -> Change:
    """has_permission is text: "true" or "false"."""
    return mutated(api, put("has_permission", value=lambda held: str(held).lower()), "validatePermission")


def _refused(api: TuvensApi, when: Callable[[Request], bool], message: str) -> Change:
    """400 for some questions about a permission, after the session was looked up."""

    def handle(honest: Honest[[Request], Any], request: Request) -> Any:
        response = honest(request)
        if when(request):
            raise Refusal(400, "VALIDATION_ERROR", message)
        return response

    return swap(api.endpoint("validatePermission").handle, handle)
