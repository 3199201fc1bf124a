"""Example histories of the rules about Pact's interactions: all of them one family."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.rules import LACKING, MISMATCHED, UNREACHED, UNREADABLE, VERIFIED
from harness.history import Entry, History
from tests.contracts.examples import Example, Examples, breaks, holds, lacks, leaves_open
from tests.contracts.histories import EXPIRED, answer, history, message, no_answer, observed


def replayed(interaction: Interaction, said: Mapping[str, Any], *others: Entry) -> History:
    """What the verifier said of an interaction, and what passed: the answer that the Pact file describes, or others."""
    step = interaction.steps[0]
    if interaction.status is None:
        heard: Entry = message(f"{step}/stream", {"status": "active"})
    else:
        heard = answer(f"{step}/request/{interaction.operation}", interaction.status, operation=interaction.operation)
    entries = (*others,) or (heard,)
    return history(*entries, observed(step, **{"count": 1, "ok": True, "mismatches": [], "evidence": [1], **said}))


def _of_interaction(name: str) -> Sequence[Example]:
    interaction = next(each for each in interactions() if each.name == name)
    differs = {"outcome": MISMATCHED, "ok": False, "mismatches": ["$.name: Expected null to be a String"]}
    found = [
        holds("it was verified", replayed(interaction, {"outcome": VERIFIED})),
        breaks("the answer differs", replayed(interaction, differs)),
        lacks("no way leads to its state", replayed(interaction, {"outcome": LACKING, "reason": "no event is named"})),
        leaves_open("its state was not reached", replayed(interaction, {"outcome": UNREACHED, "reason": "no token"})),
        leaves_open("the verifier was not understood", replayed(interaction, {"outcome": UNREADABLE, "reason": "?"})),
    ]
    if interaction.status is not None:
        lost = no_answer(f"{interaction.steps[0]}/request/{interaction.operation}", operation=interaction.operation)
        found.append(leaves_open("no answer came", replayed(interaction, differs, lost)))
    if interaction.status == 200:
        refused = answer(f"{interaction.steps[0]}/request/{interaction.operation}", 404, facts=EXPIRED)
        found.append(leaves_open("the session expired meanwhile", replayed(interaction, differs, refused)))
    return found


EXAMPLES: Examples = {"*": _of_interaction}
