"""The x- extensions of an operation as typed values. README.md of this package says what each means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple


class RateLimit(NamedTuple):
    """x-rate-limit: `limit` calls in `window` seconds, counted for each `key`.

    `name` is the first cell of its row in the contract's table of rate limits; None where that table has no such row.
    """

    limit: int
    window: int
    key: str
    name: str | None


class Quote(NamedTuple):
    """A place of the contract page: the heading of a section and words of it."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class ContractPlaces:
    """x-contract: where the contract page speaks of an operation; None where it says nothing of the kind.

    served: that the application has the operation; it is then one of the routes that a run probes.
    success: how it answers a request that it accepts.
    refusals: how it answers a request that it refuses.
    settles: the claims that are settled once the operation is known to be served.
    optional: whether a deployment may do without the operation.
    """

    served: Quote | None = None
    success: Quote | None = None
    refusals: Quote | None = None
    settles: tuple[str, ...] = ()
    optional: bool = False

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "ContractPlaces":
        """The places that an x-contract names. A quote that is a mapping brings its own section."""

        def quote(name: str) -> Quote | None:
            match raw.get(name):
                case None:
                    return None
                case {"section": section, "quote": text}:
                    return Quote(section, text)
                case text:
                    return Quote(raw.get("section", ""), str(text))

        return cls(
            served=quote("served"),
            success=quote("success"),
            refusals=quote("refusals"),
            settles=tuple(raw.get("settles", ())),
            optional=raw.get("optional", False),
        )


class HandedOut(NamedTuple):
    """A secret that a success hands out: its kind (x-secret) and the body's property or the header that holds it."""

    kind: str
    place: Literal["body", "header"]
    name: str
