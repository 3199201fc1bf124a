"""What a signed-in user asks of hi.events: whose session it is, accounts, permissions."""

from contracts.session_token.wire import Account
from contracts.times import iso_millis
from simulators.hi_events.errors import unprocessable
from simulators.hi_events.serialising import user_json
from simulators.hi_events.sign_in import upstream_unavailable
from simulators.hi_events.store import HiEventsStore, LocalSession
from simulators.hi_events.upstream import TuvensGateway, TuvensRefused
from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request, Response, json_response


class SessionQueries:
    """Answers from the session, or from tuvens-api, which is asked each time."""

    def __init__(self, store: HiEventsStore, tuvens: TuvensGateway) -> None:
        self._store = store
        self._tuvens = tuvens

    # -- the operations

    def status(self, request: Request) -> Response:
        """Whose session it is."""
        session: LocalSession = request.session
        return json_response(
            {
                "authenticated": True,
                "user": user_json(session.user),
                "account_id": session.account.id,
                "expires_at": iso_millis(session.expires_at),
            }
        )

    async def list_accounts(self, request: Request) -> Response:
        """The user's accounts."""
        accounts = await self.accounts_of(request.session)
        return json_response({"accounts": [{"id": each.id, "name": each.name, "slug": each.slug} for each in accounts]})

    async def validate_permission(self, request: Request) -> Response:
        """Whether the user has a permission at Tuvens."""
        granted = await self.is_granted(request.session, request.field("permission"), request.field("resource_id"))
        return json_response({"has_permission": granted})

    # -- their parts

    async def accounts_of(self, session: LocalSession) -> tuple[Account, ...]:
        """The accounts as tuvens-api lists them now; the local ones take over their names."""
        try:
            accounts = await self._tuvens.accounts(session.tuvens_session_token)
        except TuvensRefused:
            raise _session_over() from None
        except UpstreamUnavailable:
            raise upstream_unavailable(401) from None
        with self._store.write():
            self._store.name_accounts({each.id: each.name for each in accounts})
        return accounts

    async def is_granted(self, session: LocalSession, permission: str, resource: int | None) -> bool:
        """Whether tuvens-api says that the user has a permission."""
        try:
            return await self._tuvens.permission(session.tuvens_session_token, permission, resource)
        except TuvensRefused as refused:
            if refused.status == 400:
                raise unprocessable({"permission": ["is not what Tuvens takes"]}) from None
            raise _session_over() from None
        except UpstreamUnavailable:
            raise upstream_unavailable(401) from None


def _session_over() -> Refusal:
    return Refusal(401, "UNAUTHORIZED", "The Tuvens session is over; sign in again.")
