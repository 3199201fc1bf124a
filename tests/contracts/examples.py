"""Examples of rules: for each a history on which it holds, and one that breaks it."""

from collections.abc import Mapping

from contracts.catalogue import catalogue
from harness.history import History
from harness.verdict import Held, Violated
from tests.contracts.histories import verdict

Examples = Mapping[str, tuple[History, History]]
"""By a rule's name within its seam: a history on which it holds, and one that breaks it."""


def expect_every_rule_has_examples(seam: str, examples: Examples) -> None:
    """Fails naming the rules of a seam that have none, and the examples that belong to no rule."""
    rules = {each.id.partition(".")[2] for each in catalogue() if each.id.startswith(f"{seam}.")}
    assert set(examples) == rules


def expect_held(seam: str, name: str, examples: Examples) -> None:
    """Fails unless the rule holds on its first example, with the verdict."""
    found = verdict(f"{seam}.{name}", examples[name][0])
    assert isinstance(found, Held), found


def expect_violated(seam: str, name: str, examples: Examples) -> None:
    """Fails unless the rule's second example breaks it, and it says what was expected and observed."""
    found = verdict(f"{seam}.{name}", examples[name][1])
    assert isinstance(found, Violated), found
    assert found.expected
    assert found.observed
    assert found.evidence
