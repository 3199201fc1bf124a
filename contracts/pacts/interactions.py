"""The interactions of the committed Pact files."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.pacts.states import STATES, STORIES, ProviderState

FOLDER = Path(__file__).parent
_MESSAGE = "Asynchronous/Messages"


class PactFileError(ValueError):
    """A Pact file that cannot be used; the text names the file, the interaction and what it lacks."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request and its expected answer, or one message, on which a consumer relies.

    `name` is unique over all files. `operation` and the quote of the contract page come from the comments in the file.
    `status` is that of the expected answer; None for a message.
    """

    name: str
    file: Path
    consumer: str
    provider: str
    description: str
    state: str
    operation: str
    section: str
    quote: str
    status: int | None

    @property
    def provider_state(self) -> ProviderState:
        """The provider state of the interaction, with what it needs."""
        return STATES[self.state]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that may record it: one in each story that can set its provider state up."""
        return tuple(f"{story}/{self.name}" for story in STORIES[self.provider_state.when])


@cache
def interactions() -> tuple[Interaction, ...]:
    """The interactions of all Pact files beside this module. Raises PactFileError, also where there is none."""
    found = [each for file in sorted(FOLDER.glob("*.json")) for each in read_pact(file)]
    if not found:
        raise PactFileError(f"{FOLDER} holds no Pact file with an interaction")
    return tuple(found)


def read_pact(file: Path) -> list[Interaction]:
    """The interactions of one file, in its order. Raises PactFileError."""
    try:
        value = json.loads(file.read_text("utf-8"))
        consumer, provider = value["consumer"]["name"], value["provider"]["name"]
        found = [_interaction(each, file, consumer, provider) for each in value["interactions"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PactFileError(f"{file}: not a Pact file of this project ({type(error).__name__}: {error})") from None
    if not found:
        raise PactFileError(f"{file}: holds no interaction")
    return found


def _interaction(value: Any, file: Path, consumer: str, provider: str) -> Interaction:
    description, comments = value["description"], value["comments"]
    states = [each["name"] for each in value["providerStates"]]
    if len(states) != 1 or states[0] not in STATES:
        raise PactFileError(f"{file}: {description!r} must have exactly one provider state that is known")
    return Interaction(
        name=f"{re.sub('[^a-z0-9]+', '_', consumer)}_{value['key']}",
        file=file,
        consumer=consumer,
        provider=provider,
        description=description,
        state=states[0],
        operation=comments["operation"],
        section=comments["source"]["section"],
        quote=comments["source"]["quote"],
        status=None if value["type"] == _MESSAGE else value["response"]["status"],
    )
