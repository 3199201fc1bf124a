"""Example histories of rules, as data: what was seen, in a sentence, and what the rule must say of it.

Beside the tests of each seam stands `examples.py` with `EXAMPLES`, by the rule's name within the seam (its folder):

    EXAMPLES: Examples = {
        "expired_jwt_is_refused": (
            holds("an expired JWT is answered 401", refused(401)),
            breaks("an expired JWT gets a session", refused(200)),
            leaves_open("the question is rate limited", refused(429)),
        ),
        **one_change_breaks(
            story,
            {
                "an_event_is_read": ("reading is forbidden", answer("read", 403)),
                "an_event_has_an_id": ("the id is a number", answer("read", 200, {"id": 11})),
            },
        ),
        "*": of_operation,
    }

`one_change_breaks` is for rules that hold on one honest story, which `story()` makes and `story(entry)` makes with that
entry in the place of its own. A name with `*` stands for a family of rules made from data: its value makes the examples
from a rule's name; a name without `*` goes before it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache

import tests.contracts
from contracts.catalogue import catalogue
from harness.history import Entry, History
from harness.requirement import Catalogue, Level
from harness.verdict import Blocked, Held, Inconclusive, NotApplicable, Verdict, Violated

Seen = type[Held] | type[Violated] | type[Blocked] | type[Inconclusive] | type[NotApplicable]


@dataclass(frozen=True, slots=True)
class Example:
    """One history and the kind of verdict that the rule must give on it."""

    sentence: str
    expected: Seen
    history: History
    requirement: str = ""

    @property
    def id(self) -> str:
        """The rule, the verdict, the sentence."""
        return f"{self.requirement}: {self.expected.__name__}: {self.sentence}"


NEVER_BROKEN = {
    "routes.*_answers": "that nobody answers may be the network's fault",
    "deployment_file.*": "a contradiction may be the file's mistake",
    "metrics.*_are_counted": "what is not counted may be counted elsewhere",
    "metrics.authentication_errors_are_rare": "a metric does not say whether credentials were right",
}
"""Rules that can hold or be left open, and nothing else, by pattern: why."""

Examples = Mapping[str, Sequence[Example] | Callable[[str], Sequence[Example]]]


class ExamplesError(ValueError):
    """Examples that belong to no requirement, or that nobody can tell apart."""


def holds(sentence: str, history: History) -> Example:
    """The rule holds on this history."""
    return Example(sentence, Held, history)


def honest(history: History) -> Example:
    """The rule holds on the honest story, in which all is as it should be."""
    return holds("all is as it should be", history)


def breaks(sentence: str, history: History) -> Example:
    """The history breaks the rule."""
    return Example(sentence, Violated, history)


def leaves_open(sentence: str, history: History) -> Example:
    """The history does not decide the rule."""
    return Example(sentence, Inconclusive, history)


def lacks(sentence: str, history: History) -> Example:
    """The history shows that the deployment lacks what the rule needs."""
    return Example(sentence, NotApplicable, history)


def blocks(sentence: str, history: History) -> Example:
    """The history shows that another rule is broken, which is this one's premise."""
    return Example(sentence, Blocked, history)


def one_change_breaks(
    story: Callable[..., History], changes: Mapping[str, tuple[str, *tuple[Entry, ...]]]
) -> dict[str, Sequence[Example]]:
    """Of each rule, the honest story on which it holds, and one that is broken by a change: a sentence and the changed
    entries."""
    return {
        name: (honest(story()), breaks(sentence, story(*entries))) for name, (sentence, *entries) in changes.items()
    }


@cache
def written() -> dict[str, Examples]:
    """The examples of each seam, as they stand in the modules `examples` below tests/contracts/."""
    found: dict[str, Examples] = {}
    for module in pkgutil.walk_packages(tests.contracts.__path__, "tests.contracts."):
        *_, seam, name = module.name.split(".")
        if name == "examples" and seam != "contracts":
            found[seam] = importlib.import_module(module.name).EXAMPLES
    return found


@cache
def all_examples() -> tuple[Example, ...]:
    """Every example of every requirement of the catalogue. Raises ExamplesError."""
    return tuple(examples_of(catalogue(), written()))


def examples_of(rules: Catalogue, seams: Mapping[str, Examples]) -> Iterator[Example]:
    """The examples that belong to a catalogue's requirements. Raises ExamplesError for those that belong to none, and
    for two of one rule that have the same verdict and sentence."""
    strangers = [
        f"{seam}.{name}"
        for seam, examples in seams.items()
        for name in examples
        if not any(fnmatchcase(each.id, f"{seam}.{name}") for each in rules)
    ]
    if strangers:
        raise ExamplesError(f"examples of requirements that do not exist: {', '.join(strangers)}")
    told: set[str] = set()
    for rule in rules:
        seam, _, name = rule.id.partition(".")
        for example in _of_rule(name, seams.get(seam, {})):
            found = replace(example, requirement=rule.id)
            if found.id in told:
                raise ExamplesError(f"two examples with one sentence: {found.id}")
            told.add(found.id)
            yield found


def lacking(rules: Catalogue, examples: Iterable[Example]) -> list[str]:
    """What is missing: of each requirement an example that holds, and one that breaks it unless it is only observed (a
    note, which may have one) or one of NEVER_BROKEN."""
    kinds: dict[str, set[Seen]] = {}
    for each in examples:
        kinds.setdefault(each.requirement, set()).add(each.expected)
    problems = []
    for rule in rules:
        found = kinds.get(rule.id, set())
        if Held not in found:
            problems.append(f"{rule.id} has no example that holds")
        never = any(fnmatchcase(rule.id, each) for each in NEVER_BROKEN)
        if Violated not in found and not never and rule.level is not Level.OBSERVE:
            problems.append(f"{rule.id} has no example that breaks it")
        elif Violated in found and never:
            problems.append(f"{rule.id} is never broken, and has an example that breaks it")
    return problems


def expect_as_said(example: Example, found: Verdict) -> None:
    """Fails unless the verdict is of the example's kind, and shows what it must: evidence that is in the history, what
    was expected and observed, a reason."""
    assert isinstance(found, example.expected), found
    match found:
        case Held(evidence=evidence):
            assert evidence
        case Violated(expected=expected, observed=observed, evidence=evidence):
            assert expected
            assert observed
            assert evidence
        case _:
            evidence = ()
            assert found.reason
    assert [number for number in evidence if example.history.numbered(number) is None] == []


def _of_rule(name: str, examples: Examples) -> Sequence[Example]:
    if name in examples:
        found = examples[name]
    else:
        found = next((each for pattern, each in examples.items() if fnmatchcase(name, pattern)), ())
    if callable(found):
        return found(name)
    return found
