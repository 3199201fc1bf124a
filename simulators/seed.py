"""The data that the simulators start with: accounts, users, events, and hi.events' own events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Lt, MinLen, Predicate

PERMISSIONS = ("create_events", "manage_ticketing")


def _has_no_nul(text: str) -> bool:
    return "\x00" not in text


Number = Annotated[int, Ge(1), Lt(2**31)]
Text = Annotated[str, MinLen(1), Predicate(_has_no_nul)]


_NUMBER, _TEXT = "expected a whole number from 1, found {found}", "expected a text, found {found}"
_WORDS = {
    "dataclass_type": "expected an object",
    "dict_type": "expected an object of account id to a list of permissions",
    "greater_than_equal": _NUMBER,
    "int_parsing": "expected an account id with a list of permissions",
    "int_type": _NUMBER,
    "less_than": _NUMBER,
    "predicate_failed": _TEXT,
    "string_too_short": _TEXT,
    "string_type": _TEXT,
    "tuple_type": "expected a list",
    "unexpected_keyword_argument": "not a field of a seed; it has accounts, users, events, hi_events",
}
"""What is wrong, by type of pydantic's errors."""


class SeedError(ValueError):
    """A seed that cannot be used; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class SeedAccount:
    """An account of tuvens-api."""

    id: Number
    name: Text
    slug: Text


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A user of tuvens-api. `memberships`: permissions (create_events, manage_ticketing) by account id."""

    id: Number
    email: Text
    name: Text | None = None
    memberships: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sub(self) -> str:
        """The user's id as text, as in JWTs and responses."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class SeedEvent:
    """An event of tuvens-api, its ticketing not enabled. Times are ISO 8601, in UTC."""

    id: Text
    account_id: Number
    title: Text
    description: Text
    start_date: Text
    end_date: Text


@dataclass(frozen=True, slots=True)
class HiEvent:
    """An event of hi.events that is linked to an event of tuvens-api. `status`: DRAFT, LIVE, …"""

    id: Number
    tuvens_event_id: Text
    external_account_id: Number
    title: Text
    status: Text = "DRAFT"


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything that exists at the start. `from_json` reads what `to_json` returns."""

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    accounts: tuple[SeedAccount, ...] = ()
    users: tuple[SeedUser, ...] = ()
    events: tuple[SeedEvent, ...] = ()
    hi_events: tuple[HiEvent, ...] = ()

    def user(self, email: str) -> SeedUser:
        """A user by address. Raises KeyError."""
        for user in self.users:
            if user.email == email:
                return user
        raise KeyError(email)

    def to_json(self) -> dict[str, Any]:
        """The seed as a JSON object."""
        value = asdict(self)
        for user in value["users"]:
            user["memberships"] = {str(key): list(names) for key, names in user["memberships"].items()}
        return {key: list(entries) for key, entries in value.items()}

    @classmethod
    def from_json(cls, value: object) -> "Seed":
        """A seed from JSON, its references checked. Raises SeedError naming the field."""
        # Imported here: pydantic takes 0.2 s to import, and most starts read no seed.
        from pydantic import TypeAdapter, ValidationError

        from harness.file_tables import in_words

        if not isinstance(value, dict):
            raise SeedError("a seed is a JSON object with accounts, users, events and hi_events")
        fields = {name: each for name, each in value.items() if name != "$schema"}
        try:
            seed = TypeAdapter(cls).validate_json(json.dumps(fields), strict=True)
        except ValidationError as failed:
            raise SeedError(in_words(failed, _WORDS)) from None
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
        """Raises SeedError if an id is used twice or refers to nothing."""
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
    """The default seed: an organiser, a member, an outsider, a user without a name, 120 guests, and their events."""
    both = PERMISSIONS
    accounts = (
        SeedAccount(123, "Acme Events", "acme-events"),
        SeedAccount(124, "Bluebird Concerts", "bluebird-concerts"),
        SeedAccount(200, "Outside Promotions", "outside-promotions"),
    )
    users = (
        SeedUser(1, "organiser@example.com", "Zoë Müller", {123: both, 124: both}),
        SeedUser(2, "member@example.com", "Max Member", {123: ("create_events",)}),
        SeedUser(3, "outsider@example.com", "Olga Outsider", {200: both}),
        SeedUser(4, "nameless@example.com", None, {123: ("create_events",)}),
        *(
            SeedUser(number, f"guest-{number}@example.com", f"Guest {number}", {123: ("create_events",)})
            for number in range(101, 221)
        ),
    )
    events = (*(_event(number, 123) for number in range(11, 41)), _event(61, 200))
    hi_events = tuple(HiEvent(number, str(number), 123, f"Evening {number}") for number in range(11, 31))
    return Seed(accounts, users, events, hi_events)


def _event(number: int, account: int) -> SeedEvent:
    day = f"2030-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    return SeedEvent(
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
