"""The roles of a seed's users in stories: organiser, member, outsider, nameless or user."""

from dataclasses import dataclass

from harness.suggestions import meant
from simulators.seed import Seed, SeedUser

MANAGES = "manage_ticketing"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a role and the account that they act for."""

    role: str
    user: SeedUser
    account_id: int


def people(seed: Seed) -> list[Person]:
    """The users of a seed that belong to an account, in the seed's order.

    The main account is that of the first event. Its first user who may manage ticketing is the organiser, the first who
    may not is the member, the first without a name is nameless; the first user of other accounts is the outsider.
    """
    main = main_account(seed)
    given: set[str] = set()
    found = []
    for user in seed.users:
        if not user.memberships:
            continue
        role = _role(user, main)
        if role in given:
            role = "user"
        given.add(role)
        account = main if main in user.memberships else min(user.memberships)
        found.append(Person(role, user, account))
    return found


def main_account(seed: Seed) -> int:
    """The account of the first event, else the first account; 0 if the seed has none."""
    if seed.events:
        return seed.events[0].account_id
    return seed.accounts[0].id if seed.accounts else 0


def find_person(seed: Seed, wanted: str) -> Person:
    """A person by id, email or role. Raises LookupError, which suggests a role."""
    everybody = people(seed)
    for person in everybody:
        if wanted in (person.user.sub, person.user.email, person.role):
            return person
    roles = tuple(dict.fromkeys(person.role for person in everybody))
    raise LookupError(f"no user has the id, email or role {wanted!r}; {meant(wanted, roles)}")


def _role(user: SeedUser, main: int) -> str:
    if main not in user.memberships:
        return "outsider"
    if user.name is None:
        return "nameless"
    return "organiser" if MANAGES in user.memberships[main] else "member"
