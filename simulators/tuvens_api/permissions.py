"""What the user of a session may see and do."""

from collections.abc import Sequence

from simulators.kit.messages import Request, Response, json_response
from simulators.tuvens_api.sessions import Sessions
from simulators.tuvens_api.store import StoredAccount, StoredSession, TuvensApiStore


class Permissions:
    """The user's accounts, and permissions on events or in the session's account."""

    def __init__(self, store: TuvensApiStore, sessions: Sessions) -> None:
        self._store = store
        self._sessions = sessions

    # -- the operations

    def list_accounts(self, request: Request) -> Response:
        """The accounts of the session's user."""
        session = self._sessions.required(request, request.query_value("session_token") or "")
        accounts = self.accounts_of(session)
        return json_response({"accounts": [{"id": each.id, "name": each.name, "slug": each.slug} for each in accounts]})

    def validate(self, request: Request) -> Response:
        """Whether the session's user has a permission: on an event, or in the session's account."""
        session = self._sessions.required(request, request.field("session_token"))
        permission: str = request.field("permission")
        resource = request.field("resource_id")
        if resource is None:
            held = self.has_in_account(session, permission)
        else:
            # int(): the document's integers include 7.0.
            held = self.has_on_event(session, permission, str(int(resource))[:255])
        return json_response({"has_permission": held})

    # -- their parts

    def accounts_of(self, session: StoredSession) -> Sequence[StoredAccount]:
        """The accounts that the session's user is a member of."""
        return self._store.accounts_of(session.user_id)

    def has_in_account(self, session: StoredSession, permission: str) -> bool:
        """Whether the user has a permission in the session's account."""
        return permission in (self._store.permissions(session.user_id, session.account_id) or ())

    def has_on_event(self, session: StoredSession, permission: str, event: str) -> bool:
        """Whether the user has a permission in the account of an event."""
        return permission in (self._store.permissions_on(session.user_id, event) or ())
