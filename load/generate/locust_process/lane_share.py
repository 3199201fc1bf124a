"""One lane's share of a deployment: users with their sessions, and events that may be changed."""

import itertools
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.deployment import Deployment, Linked, User


@dataclass(slots=True)
class LiveToken:
    """A live session token and its user; `minted` by time.monotonic."""

    value: str = field(repr=False)
    user: User
    minted: float


class LaneShare:
    """A lane's share of a deployment. Users and events take turns. `ahead`: seconds by which the clock that dates
    webhooks is ahead of ours."""

    def __init__(self, deployment: Deployment, lane: int = 0, lanes: int = 1, *, ahead: float = 0.0) -> None:
        self.deployment = deployment
        self.secret = deployment.shared_secret
        self.users = _share(deployment.users, lane, lanes)
        self.organisers = _share([each for each in deployment.users if each.role == "organiser"], lane, lanes)
        linked = {each.tuvens for each in deployment.linked}
        unlinked = [each for each in deployment.events if each not in linked]
        self.events = _share(unlinked or deployment.events, lane, lanes)
        self._hi_of = {each.tuvens: each.hi for each in deployment.linked}
        self._free = deque(_share(deployment.linked, lane, lanes))
        self._state: dict[str, str] = {}
        self.tokens: dict[str, LiveToken] = {}
        self._users, self._organisers = _turns(self.users), _turns(self.organisers)
        self._asking, self._events = _turns(self.users), _turns(self.events)
        self._ahead = ahead
        self._sent_at = 0.0
        target = deployment.targets.get("tuvens-api")
        self.expiry = (target.session_expiry if target else None) or 900

    def next_user(self) -> User:
        """The next user to ask for a session."""
        return next(self._users)

    def next_organiser(self) -> User:
        """The next organiser to run a flow."""
        return next(self._organisers)

    def next_token(self) -> LiveToken | None:
        """The next live session; None if there is none."""
        for _ in range(len(self.users)):
            token = self.tokens.get(next(self._asking).jwt)
            if token is not None:
                return token
        return None

    def some_tokens(self, count: int) -> list[LiveToken]:
        """`count` live sessions, each of another user if there are enough."""
        known = list(self.tokens.values())
        return [known[index % len(known)] for index in range(count)] if known else []

    def keep(self, user: User, token: str) -> None:
        """Keep a session for later calls; the newest of each user is kept."""
        self.tokens[user.jwt] = LiveToken(token, user, time.monotonic())

    def aged(self) -> list[User]:
        """Users without a session, or whose session is past three quarters of its lifetime."""
        oldest = time.monotonic() - 0.75 * self.expiry
        return [each for each in self.users if each.jwt not in self.tokens or self.tokens[each.jwt].minted < oldest]

    def next_event(self) -> tuple[str, int]:
        """The next event for a webhook: its id at tuvens-api, and its number at hi.events."""
        event = next(self._events)
        number = self._hi_of.get(event, event)
        return event, int(number) if number.isascii() and number.isdecimal() else 1

    def sent_at(self) -> float:
        """The event_sent_at of the next webhook, at least a millisecond after the last one: an older one is ignored."""
        self._sent_at = max(round(time.time() + self._ahead, 3), round(self._sent_at + 0.001, 3))
        return self._sent_at

    def borrow(self) -> Linked | None:
        """An event that exists on both sides, for one flow alone; None if all are in use."""
        return self._free.popleft() if self._free else None

    def give_back(self, event: Linked) -> None:
        """Return a borrowed event."""
        self._free.append(event)

    def knows(self, event: Linked) -> bool:
        """Whether a flow of this lane has set the event's status."""
        return event.tuvens in self._state

    def other_status(self, event: Linked) -> str:
        """A status that the event does not have, which it is now taken to have."""
        status = "DRAFT" if self._state.get(event.tuvens) == "LIVE" else "LIVE"
        self._state[event.tuvens] = status
        return status


T = TypeVar("T")


def _share(everything: Sequence[T], lane: int, lanes: int) -> list[T]:
    """Every n-th element; all of them if there are fewer than lanes."""
    return list(everything[lane::lanes]) if len(everything) >= lanes else list(everything)


def _turns(everything: Sequence[T]) -> Iterator[T]:
    return itertools.cycle(everything)
