"""One of the two deployments, with the tokens that a sequence got there so far."""

from collections.abc import Iterable

from harness.deployment import Linked, User
from scenarios.cast.cast import Cast
from scenarios.cast.event_fixtures import given_draft
from scenarios.cast.sending import Reply
from scenarios.cast.updates import Updates

UNKNOWN_TOKEN = "Ujq2mT0bLc7ZpYx4Kf9wRs1vNe6hGd3aXo8iBt5uJkQ"
"""A token in the form of a session token that nobody was given."""


class Side:
    """A deployment whose events, tokens and bearers are named by ordinals, which mean the same at both sides."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        linked = {each.tuvens for each in cast.deployment.linked}
        self.events: tuple[str, ...] = tuple(each for each in cast.deployment.events if each not in linked)
        self.linked: tuple[Linked, ...] = cast.deployment.linked
        self.tokens: list[str] = []
        self.bearers: list[str] = []
        self.repeated: dict[str, bytes] = {}
        self._updates: dict[str, Updates] = {}
        self._signed_in: set[str] = set()

    @property
    def addresses(self) -> dict[str, str]:
        """The applications by base URL."""
        targets = self.cast.deployment.targets
        return {url: app for app, each in targets.items() for url in (each.url.rstrip("/"), each.api_url.rstrip("/"))}

    async def begin(self, events: Iterable[int], linked: Iterable[int]) -> None:
        """Begin a sequence: set the events with these ordinals to DRAFT, and drop the tokens and the record of the
        sequence before. Raises StoryStoppedError."""
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
        """The session token of an ordinal (a shared one of the organiser if the sequence has none yet), or one that is
        `unknown`, `empty` or `absent`. Raises StoryStoppedError if none can be minted."""
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

    async def token_to_sign_in(self, which: int | str) -> str | None:
        """As `token`; a new one of the organiser in place of one that signed in before: the contract leaves open
        whether a token may start several sessions of hi.events. Raises StoryStoppedError."""
        token = await self.token(which)
        if isinstance(which, int) and token in self._signed_in:
            token = (await self.cast.fresh_session("mint")).token
        if token is not None:
            self._signed_in.add(token)
        return token

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
        """Keep the token or bearer that an answer handed out, if it did."""
        value = reply.json_object().get(field)
        if reply.ok and isinstance(value, str):
            kept.append(value)
