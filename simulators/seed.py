"""The world that the simulators start from: accounts, users, events, and hi.events' own events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PERMISSIONS = ("create_events", "manage_ticketing")


class SeedError(ValueError):
    """A seed that cannot be used; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of tuvens-api."""

    id: int
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class User:
    """A user of tuvens-api. `memberships` are account ids with the permissions that the user has there."""

    id: int
    email: str
    name: str | None
    memberships: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sub(self) -> str:
        """The user's id as JWTs and answers spell it."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of tuvens-api; ticketing is not enabled at first. Times are ISO 8601, UTC, with Z."""

    id: str
    account_id: int
    title: str
    description: str
    start_date: str
    end_date: str


@dataclass(frozen=True, slots=True)
class HiEvent:
    """An event of hi.events that belongs to a Tuvens event; DRAFT at first."""

    id: int
    tuvens_event_id: str
    external_account_id: int
    title: str
    status: str = "DRAFT"


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything that exists at the start. `to_json` and `from_json` are each other's inverse."""

    accounts: tuple[Account, ...] = ()
    users: tuple[User, ...] = ()
    events: tuple[Event, ...] = ()
    hi_events: tuple[HiEvent, ...] = ()

    def user(self, email: str) -> User:
        """A user by address. Raises KeyError."""
        for user in self.users:
            if user.email == email:
                return user
        raise KeyError(email)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        value = asdict(self)
        for user in value["users"]:
            user["memberships"] = {str(key): list(names) for key, names in user["memberships"].items()}
        return {key: list(entries) for key, entries in value.items()}

    @classmethod
    def from_json(cls, value: object) -> "Seed":
        """Read a seed and check that it hangs together. Raises SeedError naming the field."""
        if not isinstance(value, dict):
            raise SeedError("a seed is a JSON object with accounts, users, events and hi_events")
        unknown = sorted(set(value) - {"accounts", "users", "events", "hi_events"})
        if unknown:
            raise SeedError(f"{unknown[0]}: not a field of a seed; it has accounts, users, events, hi_events")
        seed = cls(
            accounts=tuple(
                Account(_int(each, "id", at), _text(each, "name", at), _text(each, "slug", at))
                for at, each in _entries(value, "accounts")
            ),
            users=tuple(_user(each, at) for at, each in _entries(value, "users")),
            events=tuple(
                Event(
                    id=_text(each, "id", at),
                    account_id=_int(each, "account_id", at),
                    title=_text(each, "title", at),
                    description=_text(each, "description", at),
                    start_date=_text(each, "start_date", at),
                    end_date=_text(each, "end_date", at),
                )
                for at, each in _entries(value, "events")
            ),
            hi_events=tuple(
                HiEvent(
                    id=_int(each, "id", at),
                    tuvens_event_id=_text(each, "tuvens_event_id", at),
                    external_account_id=_int(each, "external_account_id", at),
                    title=_text(each, "title", at),
                    status=_text({"status": "DRAFT", **each}, "status", at),
                )
                for at, each in _entries(value, "hi_events")
            ),
        )
        seed.check()
        return seed

    @classmethod
    def read(cls, path: Path) -> "Seed":
        """Read a seed from a JSON file. Raises SeedError naming the file."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SeedError(f"{path}: {error.strerror}") from None
        except SeedError as error:
            raise SeedError(f"{path}: {error}") from None
        except ValueError as error:
            raise SeedError(f"{path}: not JSON: {error}") from None

    def check(self) -> None:
        """Raise SeedError where ids repeat or point nowhere."""
        for name in ("accounts", "users", "events", "hi_events"):
            _refuse_twice(f"{name}: id", [each.id for each in getattr(self, name)])
        _refuse_twice("users: email", [user.email for user in self.users])
        accounts = {account.id for account in self.accounts}
        for user in self.users:
            for account, permissions in user.memberships.items():
                if account not in accounts:
                    raise SeedError(f"users: user {user.id} is a member of account {account}, which is not in accounts")
                for permission in permissions:
                    if permission not in PERMISSIONS:
                        raise SeedError(
                            f"users: user {user.id} has permission {permission!r}; known are {', '.join(PERMISSIONS)}"
                        )
        for event in self.events:
            if event.account_id not in accounts:
                raise SeedError(f"events: event {event.id} is of account {event.account_id}, which is not in accounts")


@cache
def default_seed() -> Seed:
    """The seed of the field: an organiser, a member, an outsider, a user without a name, many guests."""
    both = PERMISSIONS
    accounts = (
        Account(123, "Acme Events", "acme-events"),
        Account(124, "Bluebird Concerts", "bluebird-concerts"),
        Account(200, "Outside Promotions", "outside-promotions"),
    )
    users = (
        User(1, "organiser@example.com", "Zoë Müller", {123: both, 124: both}),
        User(2, "member@example.com", "Max Member", {123: ("create_events",)}),
        User(3, "outsider@example.com", "Olga Outsider", {200: both}),
        User(4, "nameless@example.com", None, {123: ("create_events",)}),
        *(
            User(number, f"guest-{number}@example.com", f"Guest {number}", {123: ("create_events",)})
            for number in range(101, 221)
        ),
    )
    events = (*(_event(number, 123) for number in range(11, 41)), _event(61, 200))
    hi_events = tuple(HiEvent(number, str(number), 123, f"Evening {number}") for number in range(11, 31))
    return Seed(accounts, users, events, hi_events)


def _event(number: int, account: int) -> Event:
    day = f"2030-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return Event(
        id=str(number),
        account_id=account,
        title=f"Evening {number}",
        description=f"Songs and stories, no. {number}.",
        start_date=f"{day}T19:00:00.000Z",
        end_date=f"{day}T23:00:00.000Z",
    )


def _refuse_twice(what: str, values: Sequence[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise SeedError(f"{what} {value} is there twice; it has to be unique")
        seen.add(value)


def _entries(value: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    entries = value.get(name, [])
    if not isinstance(entries, list):
        raise SeedError(f"{name}: expected a list")
    for index, each in enumerate(entries):
        if not isinstance(each, dict):
            raise SeedError(f"{name}[{index}]: expected an object")
    return [(f"{name}[{index}]", each) for index, each in enumerate(entries)]


def _int(entry: Mapping[str, Any], name: str, at: str) -> int:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise SeedError(f"{at}.{name}: expected a whole number from 1, found {json.dumps(value)[:40]}")
    return value


def _text(entry: Mapping[str, Any], name: str, at: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise SeedError(f"{at}.{name}: expected a text, found {json.dumps(value)[:40]}")
    return value


def _user(entry: Mapping[str, Any], at: str) -> User:
    memberships = entry.get("memberships", {})
    if not isinstance(memberships, dict):
        raise SeedError(f"{at}.memberships: expected an object of account id to a list of permissions")
    read: dict[int, tuple[str, ...]] = {}
    for key, names in memberships.items():
        if not key.isdecimal() or not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise SeedError(f"{at}.memberships.{key}: expected an account id with a list of permissions")
        read[int(key)] = tuple(names)
    name = entry.get("name")
    return User(
        id=_int(entry, "id", at),
        email=_text(entry, "email", at),
        name=None if name is None else _text(entry, "name", at),
        memberships=read,
    )
