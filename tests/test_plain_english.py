"""The sentences that users read have standard terms, and no construction that readers stumble over.

Ids, options and JSON fields are interfaces and not sentences. Make a pattern narrower that matches a good sentence.
"""

import re
from collections.abc import Iterator

from contracts.catalogue import catalogue
from contracts.deviations import KNOWN
from contracts.pacts.interactions import interactions
from simulators.faults import FAULTS

_PATTERNS = {
    r"\banswers?\b(?! (?:only|all)\b)|\banswered\b": "say response, returns or responds",
    r"\bto who\b|\bwhoever\b|\bwho(?:m)? is signed\b": "name the person or the client",
    r"\b(?:what|that|which) (?:is|was) (?:no|none)\b|\bis none\b": "say malformed, missing, or not valid",
    r"\btells?\b|\btold\b": "say returns, reports, shows or sends",
    r"\bstands?\b": "say is, contains or blocks",
    r"\bmend": "say fix",
    r"\b(?:leads?|lets? .* in)\b": "say redirects or signs in",
    r"\bbe it\b": "say even",
    r"\bill-(?:formed|typed)\b": "say malformed, or of the wrong type",
    r"\b(?:rightly|knocks?|anew|asks? for)\b": "say correctly, requests, or again",
    r"\bmint(?:s|ed)?\b": "say issues or issued",
    r"^See that\b": "say check that",
    r"\b(?:scenarios?|seeds)\b": "say story (docs/GLOSSARY.md), or status page",
}
_MOST_WORDS = 28


def _sentences() -> Iterator[tuple[str, str]]:
    """(where it is from, sentence) of each; a pact's statement joins its description and its provider state."""
    for each in catalogue():
        yield f"statement of {each.id}", each.statement
        if each.next_step:
            yield f"next step of {each.id}", each.next_step
    for interaction in interactions():
        yield f"description of {interaction.name}", interaction.description
        yield f"provider state of {interaction.name}", interaction.state
    for fault in FAULTS.values():
        yield f"fault {fault.name}", fault.sentence
    for deviation in KNOWN:
        yield f"deviation {deviation.name}", deviation.sentence


def test_sentences_have_the_standard_terms() -> None:
    found = [
        f"{where}: {remedy}: {sentence}"
        for where, sentence in _sentences()
        for pattern, remedy in _PATTERNS.items()
        if re.search(pattern, sentence)
    ]
    assert found == []


def test_sentences_are_short() -> None:
    found = [
        f"{where}: {sentence}"
        for where, sentence in _sentences()
        if len(sentence.split()) > _MOST_WORDS and " pact." not in where
    ]
    assert found == []
