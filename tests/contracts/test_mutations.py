"""Judges on histories that no server ever gave: whatever is missing, swapped or nonsense, a judge neither crashes nor
accuses a network."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.history import Entry, Exchange, History, Outcome, StreamEvent
from harness.http import WireError, read_json
from harness.verdict import HarnessFault, Held, Violated
from tests.contracts.examples import Example, all_examples
from tests.contracts.histories import verdict

HOLDING = [each for each in all_examples() if each.expected is Held]
# A limit that strikes is what these are about, or what an error may tell.
ABOUT_LIMITS = ("rate_limits.", "hi_events_session.sign_in_is_limited", "errors.", "secrecy.")
# These read what a simulator's journal tells, where an attempt without an answer is one that the simulator refused.
READS_A_JOURNAL = "hi_events_delivery."

MUTATIONS = int(os.environ.get("CROSSAPP_TEST_MUTATIONS", "8"))
"""Mutated histories for each rule."""

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_BODIES = st.binary(max_size=12) | _JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"[" * 5_000)
_STATUSES = st.sampled_from([100, 200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429, 500, 503, 999])
_TEXTS = st.text(max_size=12) | st.sampled_from(
    ["-", "--5", "²", "9" * 5_000, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "null", "[]", "http://[", "//x:y/"]
)


@st.composite
def _other_field(draw: st.DrawFn, body: bytes) -> bytes:
    """A JSON body in which one field, at any depth, is missing or something else."""
    try:
        value = read_json(body)
    except WireError:
        return draw(_BODIES)
    places = list(_places(value))
    if not places:
        return draw(_BODIES)
    within, name = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del within[name]
    else:
        within[name] = draw(_JSON)
    return json.dumps(value).encode()


def _places(value: object) -> Iterator[tuple[dict[str, object], str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield value, name
            yield from _places(inner)
    elif isinstance(value, list):
        for each in value:
            yield from _places(each)


@st.composite
def _mutated(draw: st.DrawFn, entry: Entry) -> Entry | None:
    """An entry otherwise than it was, or None: it is missing."""
    if isinstance(entry, StreamEvent):
        if draw(st.booleans()):
            return None
        return replace(entry, data=draw(_TEXTS | _JSON.map(json.dumps)), event=draw(_TEXTS), id=draw(_TEXTS))
    if not isinstance(entry, Exchange):
        return None if draw(st.booleans()) else entry
    match draw(st.integers(0, 7)):
        case 0:
            return None
        case 1:
            return replace(entry, outcome=Outcome.NO_ANSWER, status=None, response_headers=(), response_body=b"")
        case 2:
            return replace(entry, status=draw(_STATUSES))
        case 3:
            return replace(entry, response_body=draw(_BODIES))
        case 4:
            return replace(entry, response_headers=())
        case 5:
            return replace(entry, response_headers=tuple((name, draw(_TEXTS)) for name, _ in entry.response_headers))
        case 6:
            return replace(entry, request_body=draw(_BODIES), status=draw(_STATUSES))
        case _:
            return replace(entry, response_body=draw(_other_field(entry.response_body)))


@st.composite
def mutations(draw: st.DrawFn, example: Example) -> History:
    """An example's history, up to three of its entries otherwise or missing."""
    entries: list[Entry | None] = list(example.history.entries)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(entries) - 1))
        entry = entries[at]
        if entry is not None:
            entries[at] = draw(_mutated(entry))
    left = [each for each in entries if each is not None]
    return History(example.history.context, left, example.history.stories.values())


@pytest.mark.parametrize("requirement", sorted({each.requirement for each in HOLDING}))
def test_no_judge_crashes_whatever_it_is_shown(requirement: str) -> None:
    examples = [each for each in HOLDING if each.requirement == requirement]

    @settings(
        max_examples=MUTATIONS,
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(examples).flatmap(mutations))
    def judged(seen: History) -> None:
        found = verdict(requirement, seen)
        assert not isinstance(found, HarnessFault), found
        assert not isinstance(found, Held | Violated) or found.evidence

    judged()


def _without_answer(entry: Exchange) -> Exchange:
    lost = replace(entry, status=None, response_headers=(), response_body=b"", error="ReadTimeout", facts={})
    return replace(lost, outcome=Outcome.NO_ANSWER, facts={each: entry.facts[each] for each in _OURS & {*entry.facts}})


def _refused(entry: Exchange) -> Exchange:
    return replace(_without_answer(entry), outcome=Outcome.REFUSED, error="ConnectError")


def _throttled(entry: Exchange) -> Exchange:
    if entry.facts.get("delivery"):
        return entry  # what a simulator's journal tells was no answer to us
    return replace(entry, status=429, response_body=b'{"message": "Too Many Requests"}')


_OURS = {"delivery", "signature_valid", "answered", "user_id", "subject", "foreign"}
"""Facts that are not told by the answer."""


@pytest.mark.parametrize("failure", [_without_answer, _refused, _throttled])
def test_no_network_and_no_rate_limit_breaks_a_rule(failure: Callable[[Exchange], Exchange]) -> None:
    accused = []
    for example in HOLDING:
        if failure is _throttled and example.requirement.startswith(ABOUT_LIMITS):
            continue
        for seen in _failing(example.history, failure):
            found = verdict(example.requirement, seen)
            if isinstance(found, Violated | HarnessFault):
                accused.append(f"{example.id}: {found}")
    assert accused == []


@pytest.mark.parametrize("failure", [_without_answer, _refused])
def test_no_rule_holds_where_nothing_was_answered(failure: Callable[[Exchange], Exchange]) -> None:
    for example in HOLDING:
        entries = example.history.entries
        if not example.requirement.startswith(READS_A_JOURNAL) and any(isinstance(each, Exchange) for each in entries):
            left = [failure(each) for each in entries if isinstance(each, Exchange)]
            seen = History(example.history.context, left, example.history.stories.values())
            assert not isinstance(verdict(example.requirement, seen), Held), example.id


def _failing(seen: History, failure: Callable[[Exchange], Exchange]) -> Iterator[History]:
    """The history with each of its exchanges in turn, and with all of them, having failed."""
    exchanges = [each for each in seen.entries if isinstance(each, Exchange)]
    for failed in [*([each] for each in exchanges), exchanges]:
        numbers = {each.number for each in failed}
        entries: Sequence[Entry] = [
            failure(each) if isinstance(each, Exchange) and each.number in numbers else each for each in seen.entries
        ]
        yield History(seen.context, entries, seen.stories.values())
