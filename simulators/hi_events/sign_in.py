"""POST /auth/cross-app/validate: a Tuvens session token for a session of hi.events."""

from collections.abc import Sequence

from contracts.session_token.wire import SessionUser
from openapi import Problem
from simulators.hi_events.admission import Admission, Visitor
from simulators.hi_events.serialising import user_json
from simulators.hi_events.store import HiEventsStore, LocalAccount
from simulators.hi_events.upstream import TuvensGateway, TuvensRefused
from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.journal import Journal
from simulators.kit.messages import Request, Response, json_response


class CrossAppSignIn:
    """Nothing is written unless tuvens-api knows the session. `lifetime` of a session in seconds."""

    def __init__(
        self,
        store: HiEventsStore,
        clock: Clock,
        journal: Journal,
        tuvens: TuvensGateway,
        admission: Admission,
        lifetime: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._tuvens = tuvens
        self._admission = admission
        self.lifetime = lifetime

    async def validate(self, request: Request) -> Response:
        """Sign in with a session token."""
        token = str(request.field("session_token"))
        self._journal.remember("session-token", token)
        who = await self.identify(token)
        visitor = await self._admission.admit(who)
        request.user_id, request.account_id = who.user_id, who.account_id
        with self._store.write():
            bearer = self.start(visitor, token)
            accounts = self._store.accounts_of(visitor.user)
        return self._describe(visitor, bearer, accounts)

    def start(self, visitor: Visitor, token: str) -> str:
        """Start a session of hi.events, and return its bearer token; in a transaction."""
        bearer = self._store.start_session(
            visitor.user, visitor.account, tuvens_token=token, now=self._clock.now(), lifetime=self.lifetime
        )
        self._journal.remember("bearer", bearer)
        return bearer

    async def identify(self, token: str) -> SessionUser:
        """Whose session token it is, by tuvens-api. Raises Refusal."""
        try:
            return await self._tuvens.session_user(token)
        except TuvensRefused:
            raise self.refused(token) from None
        except UpstreamUnavailable as failure:
            raise self.unavailable(failure) from None

    def refused(self, token: str) -> Refusal:
        """The refusal of a token that tuvens-api refuses (401)."""
        return Refusal(401, "UNAUTHORIZED", "The session token is not valid.")

    def unavailable(self, failure: UpstreamUnavailable) -> Refusal:
        """The refusal while tuvens-api gives no usable answer (503)."""
        return upstream_unavailable(503)

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """The refusal of a request without a usable token (401)."""
        return Refusal(401, "UNAUTHORIZED", "A session token is required.")

    def _describe(self, visitor: Visitor, bearer: str, accounts: Sequence[LocalAccount]) -> Response:
        body = {
            "token": bearer,
            "token_type": "bearer",
            "expires_in": self.lifetime,
            "user": user_json(visitor.user),
            "accounts": [
                {"id": each.id, "name": each.name, "external_account_id": each.external_account_id} for each in accounts
            ],
        }
        return json_response(body, headers=[(b"x-auth-token", bearer.encode())])


def upstream_unavailable(status: int) -> Refusal:
    """A refusal because tuvens-api gives no usable answer."""
    return Refusal(status, "UPSTREAM_UNAVAILABLE", "Tuvens cannot be reached, or gave no answer that makes sense.")
