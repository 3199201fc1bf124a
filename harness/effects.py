"""What a request may do to the application that gets it, and what each kind of deployment allows."""

from collections.abc import Iterable, Mapping
from enum import StrEnum


class Effect(StrEnum):
    """What a request may do. A deployment that allows an effect has the capability of the same name.

    READ: it asks, changes nothing, and its credentials are right or left out. MINT: a session begins. CHANGE: an event
    of the deployment file is changed. MALFORMED: its body, path or query does not fit the document, is oversized or
    hostile. FORGE: credentials, signatures or tokens are made up, damaged or left out where something would change; or
    it is about what its user may not touch. LOAD: it is one of very many. EXHAUST: it uses a rate limit up. FUZZ: it is
    generated. METHODS: no document has its method.
    """

    READ = "read"
    MINT = "mint"
    CHANGE = "change"
    MALFORMED = "malformed"
    FORGE = "forge"
    LOAD = "load"
    EXHAUST = "exhaust"
    FUZZ = "fuzzing"
    METHODS = "methods"


Effects = frozenset[Effect]

EVERYTHING: Effects = frozenset(Effect)
PROFILES: Mapping[str, Effects] = {
    "simulated": EVERYTHING,
    "local": EVERYTHING,
    "staging": EVERYTHING,
    "production": frozenset({Effect.READ, Effect.MINT, Effect.CHANGE}),
}
"""What may be done to a target, by its kind. A production is never attacked."""

NOT_ATTACKED = "not decided: production is not attacked"
"""Begins what is said of rules that a production leaves undecided."""


class NotAllowedError(Exception):
    """A request that the deployment does not allow; it was not sent. The text says which effect and why."""


def profile_of(kinds: Iterable[str]) -> Effects:
    """What may be done to a deployment whose targets have these kinds: what all of them allow, since simulators beside
    a production call it, too."""
    return EVERYTHING.intersection(*(PROFILES[each] for each in kinds))


def named(effects: Iterable[Effect]) -> str:
    """Effects as text, in the order of the class."""
    return ", ".join(each for each in Effect if each in set(effects)) or "none"
