"""Notes the states of events before a run changes them."""

from contracts.changes import hi_events_state, tuvens_state
from contracts.hi_events_session import wire
from contracts.tuvens_event.wire import get_event
from harness.change_journal import ChangeJournal, State
from harness.deployment import Deployment, Linked
from harness.history import SHARED
from harness.http import Call
from harness.redact import Redactor
from harness.story import StoryStoppedError
from scenarios.cast.sending import Sender
from scenarios.cast.sessions import SessionPool

_API, _HI_EVENTS = "tuvens-api", "hi.events"


class StatesBefore:
    """Reads events for a journal, each once; without one it reads nothing."""

    def __init__(
        self,
        journal: ChangeJournal | None,
        deployment: Deployment,
        sender: Sender,
        sessions: SessionPool,
        redactor: Redactor,
    ) -> None:
        self._journal = journal
        self._deployment = deployment
        self._sender = sender
        self._sessions = sessions
        self._redactor = redactor

    async def note(self, event: Linked) -> None:
        """Note the state of an event at tuvens-api, and at hi.events if it has an id there."""
        if self._journal is None:
            return
        if not self._journal.knows(_API, event.tuvens):
            read = await self._read(get_event(event.tuvens))
            self._journal.found(_API, event.tuvens, self._without_secrets(tuvens_state(read)) if read else None)
        if event.hi:
            await self.note_at_hi_events(event.hi)

    async def note_at_hi_events(self, event: str) -> None:
        """Note the state of an event at hi.events."""
        if self._journal is None or self._journal.knows(_HI_EVENTS, event):
            return
        user, state = self._deployment.user("organiser"), None
        try:
            bearer = (await self._sessions.signed_in(user)).bearer if user is not None else None
            state = hi_events_state(wire.event_of(await self._read(wire.read_event(bearer, event))))
        except StoryStoppedError:
            pass  # nobody can sign in, so nobody can change it
        known = state is not None and state["status"] is not None
        self._journal.found(_HI_EVENTS, event, self._without_secrets(state) if known and state else None)

    async def _read(self, call: Call) -> dict[str, object] | None:
        try:
            reply = await self._sender.send(f"{SHARED}/event before", "browser", call, key="address")
        except StoryStoppedError:
            return None
        return dict(reply.json_object()) if reply.ok else None

    def _without_secrets(self, state: State) -> State | None:
        """The state; None if it holds a secret."""
        return state if self._redactor.redact_fields(state) == dict(state) else None
