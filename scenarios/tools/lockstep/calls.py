"""The calls of sequences, in terms that mean the same at both deployments."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from hypothesis import strategies as st

from contracts.hi_events_session import wire as hi_wire
from contracts.times import iso_millis
from contracts.webhook.wire import sign, status_changed_body
from scenarios.cast.sending import Reply
from scenarios.tools.lockstep.side import Side

STATUSES = ("LIVE", "DRAFT", "CANCELLED", "ENDED", "ARCHIVED")
_NOBODYS_EVENT = "1999888777"
_OLDER = 60.0


class LockstepCall(Protocol):
    """One call of a sequence."""

    async def play(self, side: Side) -> Sequence[Reply]:
        """Send the call at one side; returns the answers to compare. Raises StoryStoppedError."""
        ...


@dataclass(frozen=True)
class Mint:
    """A user asks for a session token. `account` is own, foreign, absent, zero or text; `jwt` right, absent or
    forged."""

    role: str
    account: str
    jwt: str

    async def play(self, side: Side) -> Sequence[Reply]:
        user = side.user(self.role)
        accounts: dict[str, object] = {"own": user.account_id, "absent": None, "zero": 0, "text": "one"}
        if self.account == "foreign":
            accounts["foreign"] = side.user("outsider" if self.role != "outsider" else "organiser").account_id
        jwts = {"right": user.jwt, "absent": None, "forged": user.jwt.rpartition(".")[0] + "." + "A" * 43}
        reply = await side.cast.generates_session("mint", user, jwt=jwts[self.jwt], account_id=accounts[self.account])
        side.keep(reply, "session_token", side.tokens)
        return [reply]


@dataclass(frozen=True)
class AskSession:
    """hi.events asks about a session token: whose it is (`validate`), for `accounts`, or for a permission, in the
    account or on an event (`resource`)."""

    question: str
    token: int | str
    secret: str = "right"
    permission: str = "manage_ticketing"
    resource: int | str | None = None

    async def play(self, side: Side) -> Sequence[Reply]:
        cast = side.cast
        token = await side.token(self.token)
        secret = {"right": cast.secret, "wrong": "not-" + cast.secret, "absent": None}[self.secret]
        match self.question:
            case "validate":
                return [await cast.validates("validate", token, secret=secret)]
            case "accounts":
                return [await cast.lists_accounts("accounts", token, secret=secret)]
            case _:
                resource = self._resource(side)
                return [await cast.asks_permission("permission", token, self.permission, resource, secret=secret)]

    def _resource(self, side: Side) -> int | str | None:
        if self.resource is None or self.resource == "text":
            return self.resource
        event = (
            side.cast.deployment.foreign_event
            if self.resource == "foreign"
            else side.events[int(self.resource) % len(side.events)]
        )
        return int(event) if event.isdecimal() else None


@dataclass(frozen=True)
class Update:
    """hi.events delivers a webhook, then the event is read. `age` is newer or older than the last webhook, or again
    (the same bytes); `signature` right, wrong, absent or bare (without its prefix); `body` whole, or what is wrong with
    it."""

    event: int
    status: str
    age: str = "newer"
    signature: str = "right"
    body: str = "whole"

    async def play(self, side: Side) -> Sequence[Reply]:
        updates = side.updates(self.event)
        body = self._body(side)
        right = sign(side.cast.secret, body)
        signatures = {"right": right, "wrong": sign("not the secret", body), "absent": None, "bare": right[7:]}
        delivered = await side.cast.delivers("update", body, signature=signatures[self.signature])
        if self.body == "whole" and self.signature == "right" and self.age == "newer":
            await updates.reads_until_reported("applied", self.status)
        return [delivered, await side.cast.reads_event("event", updates.event_id)]

    def _body(self, side: Side) -> bytes:
        updates = side.updates(self.event)
        if self.age == "again" and updates.event_id in side.repeated:
            return side.repeated[updates.event_id]
        sent_at = updates.last - _OLDER if self.age == "older" else updates.next_time()
        if self.body == "of no event":
            return status_changed_body(
                event_id=1,
                title="x",
                status=self.status,
                tuvens_event_id=_NOBODYS_EVENT,
                sent_at=iso_millis(sent_at),
            )
        whole = updates.body(self.status, sent_at=sent_at)
        match self.body:
            case "without status":
                return whole.replace(b'"status":', b'"statuz":')
            case "of another type":
                return whole.replace(b"event.status_changed", b"event.deleted")
            case "cut off":
                return whole[:-2]
            case _:
                if self.signature == "right" and self.age != "older":
                    side.repeated[updates.event_id] = whole
                return whole


@dataclass(frozen=True)
class ReadEvent:
    """Somebody reads an event of tuvens-api; None is an event that does not exist."""

    event: int | None

    async def play(self, side: Side) -> Sequence[Reply]:
        event = _NOBODYS_EVENT if self.event is None else side.events[self.event % len(side.events)]
        return [await side.cast.reads_event("event", event)]


@dataclass(frozen=True)
class ChangeEvent:
    """The callback page notes on an event whether it has ticketing; `role` None sends no JWT."""

    event: int | None
    role: str | None
    has_ticketing: object = True

    async def play(self, side: Side) -> Sequence[Reply]:
        event = _NOBODYS_EVENT if self.event is None else side.events[self.event % len(side.events)]
        jwt = None if self.role is None else side.user(self.role).jwt
        changed = await side.cast.changes_event("change", jwt, event, {"hasTicketing": self.has_ticketing})
        return [changed]


@dataclass(frozen=True)
class SignIn:
    """A browser exchanges a session token for a Hi.Events session."""

    token: int | str

    async def play(self, side: Side) -> Sequence[Reply]:
        reply = await side.cast.signs_in("sign in", await side.token_to_sign_in(self.token))
        side.keep(reply, "token", side.bearers)
        return [reply]


@dataclass(frozen=True)
class AskHiEvents:
    """A browser asks hi.events for the session's `status`, its `accounts`, or a permission."""

    question: str
    bearer: int | str
    permission: str = "manage_ticketing"

    async def play(self, side: Side) -> Sequence[Reply]:
        bearer = await side.bearer(self.bearer)
        calls = {"status": hi_wire.session_status, "accounts": hi_wire.session_accounts}
        call = calls[self.question](bearer) if self.question in calls else None
        call = call or hi_wire.session_permission(bearer, self.permission)
        return [await side.cast.asks_hi_events(self.question, call)]


@dataclass(frozen=True)
class SetStatus:
    """An organiser changes an event at hi.events; then it is read there, and at tuvens-api after the webhook."""

    event: int
    status: str
    bearer: int | str

    async def play(self, side: Side) -> Sequence[Reply]:
        cast = side.cast
        event = side.linked[self.event % len(side.linked)]
        bearer = await side.bearer(self.bearer)
        changed = await cast.sets_status("set status", bearer, event.hi, self.status)
        if changed.ok:
            await side.updates_of(event.tuvens).reads_until_reported("heard", self.status)
        read = await cast.asks_hi_events("read", hi_wire.read_event(bearer, event.hi))
        return [changed, read, await cast.reads_event("heard", event.tuvens)]


TUVENS_EVENTS = (Update, ReadEvent, ChangeEvent)
"""The calls whose `event` is the ordinal of an event of tuvens-api, or None."""


def described(call: LockstepCall) -> str:
    """A call as one line: its kind, and the fields that differ from their defaults."""
    given = [each for each in fields(call) if getattr(call, each.name) != each.default]  # type: ignore[arg-type]
    return f"{type(call).__name__}({', '.join(f'{each.name}={getattr(call, each.name)!r}' for each in given)})"


def tour(roles: Sequence[str], events: int, linked: int) -> list[list[LockstepCall]]:
    """Short sequences with every kind of call, status and user, about the first event of either kind, in which nothing
    is refused: they show the data of the two deployments."""
    found: list[list[LockstepCall]] = []
    for role in roles:
        asked = [AskSession("validate", -1), AskSession("accounts", -1), AskSession("permission", -1)]
        found += [[Mint(role, "own", "right"), each] for each in asked]
        if events:
            found.append([Mint(role, "own", "right"), AskSession("permission", -1, resource=0)])
    if events:
        found += [[ReadEvent(0)], [ChangeEvent(0, "organiser")]]
        for status in STATUSES:
            found.append([Update(0, status)])
    if linked:
        found += [
            [Mint("organiser", "own", "right"), SignIn(-1), AskHiEvents(question, -1)]
            for question in ("status", "accounts", "permission")
        ]
        found += [[SetStatus(0, status, -1)] for status in ("LIVE", "ENDED")]
    return found


def calls(roles: Sequence[str], events: int, linked: int, *, foreign_event: bool) -> st.SearchStrategy[LockstepCall]:
    """The strategy for a call. `roles` exist on both sides; `events` and `linked` are the numbers of events of both
    sides."""
    right_mostly = st.sampled_from(("right", "right", "right", "wrong", "absent"))
    tokens = st.one_of(st.integers(0, 3), st.integers(0, 3), st.sampled_from(("unknown", "empty", "absent")))
    accounts = ("own", "own", "own", "absent", "zero", "text", *(("foreign",) if "outsider" in roles else ()))
    event = st.integers(0, events - 1) if events else st.nothing()
    resources = st.one_of(st.none(), event, st.just("text"), st.just("foreign") if foreign_event else st.nothing())
    permission = st.sampled_from(("manage_ticketing", "create_events", "fly"))
    role = st.sampled_from(roles)
    kinds: list[st.SearchStrategy[LockstepCall]] = [
        st.builds(Mint, role, st.sampled_from(accounts), st.sampled_from(("right", "right", "absent", "forged"))),
        st.builds(AskSession, st.sampled_from(("validate", "accounts")), tokens, right_mostly),
        st.builds(AskSession, st.just("permission"), tokens, right_mostly, permission, resources),
    ]
    if events:
        kinds += [
            st.builds(
                Update,
                event,
                st.sampled_from((*STATUSES, "POSTPONED")),
                st.sampled_from(("newer", "newer", "again", "older")),
            ),
            st.builds(
                Update, event, st.sampled_from(STATUSES), st.just("newer"), st.sampled_from(("wrong", "absent", "bare"))
            ),
            st.builds(
                Update,
                event,
                st.sampled_from(STATUSES),
                st.just("newer"),
                st.just("right"),
                st.sampled_from(("without status", "of another type", "cut off", "of no event")),
            ),
            st.builds(ReadEvent, st.one_of(event, st.none())),
            st.builds(
                ChangeEvent, st.one_of(event, st.none()), st.one_of(role, st.none()), st.sampled_from((True, True, "x"))
            ),
        ]
    if linked:
        bearers = st.one_of(st.integers(0, 2), st.integers(0, 2), st.sampled_from(("unknown", "absent")))
        kinds += [
            st.builds(SignIn, tokens),
            st.builds(AskHiEvents, st.sampled_from(("status", "accounts", "permission")), bearers, permission),
            st.builds(SetStatus, st.integers(0, linked - 1), st.sampled_from((*STATUSES, "NONSENSE")), bearers),
        ]
    return st.one_of(kinds)
