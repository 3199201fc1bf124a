"""The sentences that users read have standard terms, and no construction that readers stumble over.

Ids, options and JSON fields are interfaces and not sentences. Make a pattern narrower that matches a good sentence.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from contracts.catalogue import catalogue
from contracts.deviations import KNOWN
from contracts.pacts.interactions import interactions
from contracts.uncovered import UNCOVERED
from crossapp.cli import app
from harness.claims import read_claims
from simulators.faults import FAULTS

_PATTERNS = {
    r"\banswers?\b(?! (?:only|all)\b)|\banswered\b": "say response, returns or responds",
    r"\bto who\b|\bwhoever\b|\bwho(?:m)? is signed\b": "name the person or the client",
    r"\b(?:what|that|which) (?:is|was) (?:no|none)\b(?! longer)|\bis none\b": "say malformed, missing, or not valid",
    r"\btells?\b|\btold\b": "say returns, reports, shows or sends",
    r"\bstands?\b(?!-)": "say is, contains or blocks",
    r"\bmend": "say fix",
    r"\b(?:leads?|lets? .* in)\b": "say redirects or signs in",
    r"\bbe it\b": "say even",
    r"\bill-(?:formed|typed)\b": "say malformed, or of the wrong type",
    r"\b(?:rightly|knocks?|anew|asks? for)\b": "say correctly, requests, or again",
    r"\bmint(?:s|ed)?\b": "say issues or issued",
    r"^See that\b": "say check that",
    r"\b(?:[Ss]cenarios?|seeds)\b(?!, Pact)": "say story (docs/GLOSSARY.md), or status page",
    r"\bblack[- ]box\b|\bneeds-access\b": "say from outside, or with access",
    r"\bnobody saw\b|\bthey say so\b|\bhands? out\b": "say was not checked, or contains",
    r"\b(?:is|are) no (?:version|part|reason)\b": "say is not a",
}
_MOST_WORDS = 28
_ROOT = Path(__file__).parents[1]
_PAGES = (
    "README.md",
    "RELEASE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "openapi/README.md",
    "contracts/webhook/vectors/README.md",
    "tests/real/README.md",
    *("examples/" + each for each in ("local.toml", "staging.toml", "schemathesis.toml", "pytest/README.md")),
    *("examples/" + each for each in ("phpunit/README.md", "vitest-playwright/README.md")),
)
_WITHOUT = ("hostile-servers.md", "kill-matrix.md", "requirements.md", "mocks-wiremock.md")
"""Pages that are generated, or that have the terms of another tool."""
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


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


def _claims() -> Iterator[tuple[str, str]]:
    for claim in read_claims(_ROOT / "contracts" / "claims.tsv"):
        for text in (claim.name, claim.text, claim.measure, claim.reach):
            yield f"claim {claim.id}", text
    for name, part in UNCOVERED.items():
        yield f"what is not covered of {name}", f"{part.part} {part.remedy} {part.settled_by}"


def _help() -> Iterator[tuple[str, str]]:
    for command in app.registered_commands:
        text = CliRunner().invoke(app, [str(command.name), "--help"]).output
        for sentence in " ".join(text.split()).split(". "):
            yield f"crossapp {command.name} --help", sentence


def _pages() -> Iterator[tuple[str, str]]:
    documents = [each for each in (_ROOT / "docs").glob("*.md") if each.name not in _WITHOUT]
    for file in (*(_ROOT / each for each in _PAGES), *documents):
        text = file.read_text("utf-8").partition("\n## 0.")[0]  # what a released version changed stays as it is
        text = _CODE.sub(lambda code: "\n" * code[0].count("\n"), text)
        for number, line in enumerate(text.splitlines(), 1):
            yield f"{file.relative_to(_ROOT)}:{number}", line


def test_sentences_have_the_standard_terms() -> None:
    found = [
        f"{where}: {remedy}: {sentence}"
        for where, sentence in (*_sentences(), *_claims(), *_help(), *_pages())
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
