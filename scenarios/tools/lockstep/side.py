"""One of the two deployments, and what a sequence has been given there so far."""

from collections.abc import Iterable

from harness.deployment import Linked, User
from harness.http import WireError
from scenarios.cast.cast import Cast
from scenarios.cast.event_fixtures import given_draft
from scenarios.cast.sending import Reply
from scenarios.cast.updates import Updates

UNKNOWN_TOKEN = "Ujq2mT0bLc7ZpYx4Kf9wRs1vNe6hGd3aXo8iBt5uJkQ"
"""Of the form of a session token, and nobody's."""


class Side:
    """A deployment by the ordinals that both sides share: the first event here is the first event there.

    Tokens and bearers are kept in the order in which the sequence was given them.
    """

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        linked = {each.tuvens for each in cast.deployment.linked}
        self.events: tuple[str, ...] = tuple(each for each in cast.deployment.events if each not in linked)
        self.linked: tuple[Linked, ...] = cast.deployment.linked
        self.tokens: list[str] = []
        self.bearers: list[str] = []
        self.repeated: dict[str, bytes] = {}
        self._updates: dict[str, Updates] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """Base URL to application: what stands for itself in this side's answers."""
        targets = self.cast.deployment.targets
        return {url: app for app, each in targets.items() for url in (each.url.rstrip("/"), each.api_url.rstrip("/"))}

    async def begin(self, events: Iterable[int], linked: Iterable[int]) -> None:
        """Begin a sequence: nothing was given yet, the events with these ordinals are DRAFT. What was recorded of the
        sequence before is no longer kept. Raises StoryStoppedError."""
        self.tokens.clear()
        self.bearers.clear()
        self.repeated.clear()
        self.cast.stage.recorder.history.entries.clear()
        for event in events:
            updates = self.updates(event)
            if not updates.last:
                await updates.begins("begin")
            await updates.brings_to("begin", "DRAFT")
        for event in linked:
            await given_draft(self.cast, await self.cast.bearer(), self.linked[event % len(self.linked)])

    def user(self, role: str) -> User:
        """The first user of a role. Raises StoryStoppedError."""
        return self.cast.user(role)

    def updates(self, event: int) -> Updates:
        """The updates of the event with this ordinal."""
        return self.updates_of(self.events[event % len(self.events)])

    def updates_of(self, event_id: str) -> Updates:
        """The updates of an event of tuvens-api."""
        return self._updates.setdefault(event_id, Updates(self.cast, event_id))

    async def token(self, which: int | str) -> str | None:
        """The session token of an ordinal (a shared one of the organiser where the sequence has none yet), or one that
        is `unknown`, `empty` or `absent`. Raises StoryStoppedError where none can be minted."""
        match which:
            case int():
                if self.tokens:
                    return self.tokens[which % len(self.tokens)]
                return (await self.cast.session()).token
            case "unknown":
                return UNKNOWN_TOKEN
            case "empty":
                return ""
            case _:
                return None

    async def bearer(self, which: int | str) -> str | None:
        """The Hi.Events bearer of an ordinal, or a shared one; `unknown` or `absent`. Raises StoryStoppedError."""
        match which:
            case int():
                if self.bearers:
                    return self.bearers[which % len(self.bearers)]
                return (await self.cast.signed_in()).bearer
            case "unknown":
                return UNKNOWN_TOKEN
            case _:
                return None

    def keep(self, reply: Reply, field: str, kept: list[str]) -> None:
        """Remember the token or bearer that an answer handed out; an answer without one adds nothing."""
        if not reply.ok or reply.answer is None:
            return
        try:
            value = reply.answer.json()
        except WireError:
            return
        if isinstance(value, dict) and isinstance(value.get(field), str):
            kept.append(value[field])
