"""The record: what is asked of it, and that it comes back from a file as it was, or not at all."""

import json
import tracemalloc
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from harness.history import (
    PLANNED,
    Context,
    Entry,
    Exchange,
    History,
    NothingObservedError,
    Observation,
    Outcome,
    StoryOutcome,
    StreamEvent,
)
from harness.redact import Redactor
from harness.saved_history import HistoryError, history_lines, open_history, read_history
from harness.saving import HistoryFile
from tests.counting import Counted
from tests.harness.examples import exchange, history

CONTEXT = Context(
    "d",
    "2025-07",
    {"b": {"url": "http://b", "kind": "local", "api_url": "http://b/api"}},
    frozenset({"target:b", "events"}),
    {"session_expiry": 900, "users": [{"role": "organiser"}]},
)
FULL = Exchange(
    number=1,
    step="a_story/first",
    caller="browser",
    callee="b",
    operation="getEvent",
    method="POST",
    url="http://b/x?y=%C3%A9",
    request_headers=(("A", "1"), ("a", "2"), ("Odd", "caf\u00e9")),
    request_body=b"\x00\xff\xfe",
    outcome=Outcome.ANSWERED,
    status=200,
    response_headers=(("Content-Type", "text/plain; charset=utf-16"),),
    response_body='é\u2028\x85 \U0001f389 \\ " \x00'.encode(),
    started=1_700_000_000.123456,
    seconds=0.1,
    error="odd",
    facts={
        "problems": ["/body: no"],
        "secrets": [["jwt", "01234567", "body"]],
        "token": {"length": 3, "url_safe": True},
    },
    superseded=False,
)


def saved(seen: History) -> list[str]:
    return list(history_lines(seen, Redactor()))


def test_everything_comes_back_as_it_was_saved() -> None:
    seen = History(
        CONTEXT,
        [
            FULL,
            StreamEvent(2, "a_story/page", "event", 1.5, "status", "{}\n1", "7", ("event: status", "data: {}", "")),
            Observation(3, "a_story/sample", {"count": 3, "z": 0.5, "nothing": None, "smallest": float("inf")}),
            exchange(4, "a_story/second", None),
        ],
        [StoryOutcome("a_story", "finished", "", 1.25), StoryOutcome("b_story", "skipped", "no \u2029 role")],
    )
    seen.supersede(4)
    back = read_history(saved(seen))
    assert back.context == CONTEXT
    assert back.entries == seen.entries
    assert back.stories == seen.stories
    assert saved(back) == saved(seen)


def test_what_is_appended_while_a_run_goes_on_is_read_as_it_is_at_its_end(tmp_path: Path) -> None:
    seen, path = history(), tmp_path / "history.jsonl"
    file = HistoryFile(path, seen, Redactor())
    seen.entries += [exchange(1, "a/first"), exchange(2, "b/first"), exchange(3, "a/second")]
    file.append()
    seen.supersede(2)
    seen.stories["a"] = StoryOutcome("a", "finished")
    file.append()
    file.append()
    back, cut_off = open_history(path)
    assert (back.entries, back.stories, cut_off) == (seen.entries, seen.stories, False)
    assert len(path.read_text("utf-8").splitlines()) == 6  # the context, three entries, one of them again, a story
    file.finish()
    assert path.read_text("utf-8").splitlines() == saved(seen)


@pytest.mark.parametrize("cut", [1, 2, 3, 20])
def test_a_last_line_that_is_cut_off_is_left_out_and_told(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    last = replace(exchange(2, "a/second", 200, "€".encode()), error="€")
    path.write_bytes("\n".join(saved(history(exchange(1, "a/first"), last))).encode())
    assert open_history(path)[1] is False, "a whole last line needs no line end"
    path.write_bytes(path.read_bytes()[:-cut])
    back, cut_off = open_history(path)
    assert ([each.number for each in back.entries], cut_off) == ([1], True)
    path.write_bytes(path.read_bytes().partition(b"\n")[0][:-cut])
    with pytest.raises(HistoryError, match="line 1: "):
        open_history(path)


def test_a_file_is_read_line_by_line_and_never_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    padding = " " * 100_000
    path.write_text("".join(f"{line}{padding}\n" for line in saved(History(CONTEXT)) for _ in range(100)), "utf-8")
    tracemalloc.start()
    try:
        open_history(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < path.stat().st_size / 4


def test_a_planned_story_without_an_end_is_unfinished() -> None:
    planned = replace(CONTEXT, settings={PLANNED: ["a", "b", "c"]})
    assert History(planned, (), [StoryOutcome("b", "crashed")]).unfinished == {"a", "c"}
    assert History(CONTEXT).unfinished == frozenset()


def test_a_saved_line_is_one_line_of_utf_8_for_every_reader() -> None:
    lines = saved(History(CONTEXT, [FULL]))
    for line in lines:
        assert len(line.splitlines()) == 1
        json.loads(line.encode("utf-8"))
    assert read_history("\n\n".join(lines).splitlines()).numbered(1) == FULL


def test_a_step_finds_what_is_below_it_and_not_what_only_begins_alike() -> None:
    seen = history(
        exchange(1, "s/token"),
        exchange(2, "s/token/empty"),
        exchange(3, "s/token/empty/again"),
        exchange(4, "s/tokens"),
        exchange(5, "other/token"),
        exchange(6, "s/token"),
    )
    assert [each.number for each in seen.every("s/token")] == [1, 2, 3, 6]
    assert [each.number for each in seen.every("s")] == [1, 2, 3, 4, 6]
    assert seen.one("s/token").number == 6
    for step in ("s/to", "s/tokens/x", "t", "", "s/"):
        with pytest.raises(NothingObservedError) as nothing:
            seen.every(step)
        assert nothing.value.step == step


def test_lost_are_the_requests_that_were_sent_again_without_an_answer() -> None:
    lost = replace(exchange(1, "s/x", 200), outcome=Outcome.NO_ANSWER, status=None)
    seen = history(lost, exchange(2, "s/x", 429), exchange(3, "s/x", 200), replace(lost, number=4))
    assert seen.losses() == 0
    seen.supersede(1)
    seen.supersede(2)
    assert seen.losses() == 1
    assert seen.narrowed(["t"]).losses() == 1


def test_a_superseded_exchange_is_in_the_record_and_judged_by_nobody() -> None:
    seen = history(exchange(1, "s/x", 429), exchange(2, "s/x", 200), exchange(3, "s/y", 429))
    seen.supersede(1)
    assert [each.number for each in seen.every("s/x")] == [2]
    assert seen.one("s/x").number == 2
    assert [each.number for each in seen.exchanges()] == [2, 3]
    found = seen.numbered(1)
    assert isinstance(found, Exchange)
    assert found.superseded
    seen.supersede(3)
    with pytest.raises(NothingObservedError):
        seen.one("s/y")
    seen.supersede(99)


def test_the_part_of_a_story_grows_with_the_record_and_follows_what_is_sent_again() -> None:
    seen = history(exchange(1, "s/x"))
    assert [each.number for each in seen.narrowed(("s", "t")).exchanges()] == [1]
    assert seen.narrowed(("s", "t")) is seen.narrowed(("s", "t"))
    seen.entries += [exchange(2, "t/x"), exchange(3, "s/y"), exchange(4, "u/x")]
    seen.stories["t"] = StoryOutcome("t", "finished")
    part = seen.narrowed(("t", "s"))
    assert [each.number for each in part.exchanges()] == [1, 2, 3]
    assert part.outcome("t") == StoryOutcome("t", "finished")
    assert part.outcome("s") is None
    assert part.context is seen.context
    seen.supersede(3)
    assert [each.number for each in seen.narrowed(("s",)).exchanges()] == [1]
    assert [each.number for each in seen.narrowed(("s",)).of_story("s")] == [1, 3]
    seen.entries.clear()
    assert not list(seen.narrowed(("s", "t")).exchanges())


def test_what_was_asked_for_before_it_happened_is_found_when_it_has() -> None:
    seen = history()
    with pytest.raises(NothingObservedError):
        seen.one("s/x")
    seen.entries.append(exchange(1, "s/x"))
    assert seen.one("s/x").number == 1


def test_streams_observations_and_exchanges_of_the_same_step_are_kept_apart() -> None:
    event = StreamEvent(2, "s/x", "open", 1.0)
    early, late = Observation(3, "s/x", {"n": 1}), Observation(4, "s/x", {"n": 2})
    seen = history(exchange(1, "s/x"), event, early, late)
    assert seen.stream("s/x") == [event]
    assert seen.observation("s/x") == late
    assert [each.number for each in seen.every("s/x")] == [1]
    for ask in (seen.stream, seen.observation, seen.one):
        with pytest.raises(NothingObservedError):
            ask("s/y")


def test_exchanges_are_chosen_by_operation_and_callee() -> None:
    seen = History(CONTEXT, [FULL, exchange(2, "s/x")])
    assert [each.number for each in seen.exchanges("getEvent")] == [1]
    assert [each.number for each in seen.exchanges(callee="b")] == [1]
    assert [each.number for each in seen.exchanges(callee="app")] == [2]
    assert list(seen.exchanges("getEvent", "c")) == []


def test_entries_are_found_by_their_number_in_a_part_of_a_record_too() -> None:
    seen = history(exchange(5, "s/x"), exchange(7, "s/y"))
    assert seen.numbered(7) == seen.entries[1]
    assert seen.numbered(1) is None
    assert seen.numbered(0) is None


def test_what_is_forgotten_is_found_no_longer_and_the_rest_as_before() -> None:
    seen = history(*(exchange(number, f"a/{number}") for number in range(1, 7)))
    assert seen.one("a/5").number == 5
    seen.forget(3)
    seen.entries += [exchange(number, "a/new") for number in (7, 8, 9)]
    assert [each.number for each in seen.exchanges()] == [4, 5, 6, 7, 8, 9]
    assert (seen.numbered(3), seen.numbered(5), seen.numbered(9)) == (None, seen.one("a/5"), seen.one("a/new"))
    assert seen.forgotten == 3
    with pytest.raises(NothingObservedError):
        seen.one("a/2")
    seen.supersede(2)
    seen.supersede(8)
    assert [each.number for each in seen.exchanges()] == [4, 5, 6, 7, 9]


def test_the_span_is_that_of_the_exchanges() -> None:
    assert history().span == (0.0, 0.0)
    assert history(exchange(1, "s/x"), exchange(2, "s/x")).span == (1_700_000_000.0, 1_700_000_000.0)


GOOD = [json.loads(line) for line in saved(History(CONTEXT, [FULL], [StoryOutcome("a_story", "finished")]))]


def broken(number: int, /, **changes: object) -> str:
    """A line of a good history with other fields; `...` takes one out."""
    value = {**GOOD[number], **changes}
    return json.dumps({name: each for name, each in value.items() if each is not ...})


BROKEN: list[tuple[str, str]] = [
    ("{", "line 2"),
    ("null", "line 2"),
    ("[]", "line 2"),
    ("1", "line 2"),
    ("{}", "'type'"),
    ('{"type": "exchange"}', "line 2"),
    ('{"type": "verdict"}', "unknown type 'verdict'"),
    ("[" * 100_000, "line 2"),
    ('{"type": "exchange", "number": ' + "9" * 5_000 + "}", "line 2"),
    (broken(0, format=2), "format is not 1"),
    (broken(0, format=...), "'format'"),
    (broken(0, targets=...), "targets: missing"),
    (broken(0, targets=[]), "targets: must be a table"),
    (broken(0, targets={"b": "http://b"}), "targets.b: must be a table"),
    (broken(0, targets={"b": {"kind": "local"}}), "'url'"),
    (broken(0, targets={"b": {"url": 1, "kind": "local"}}), "targets.b.url: must be text"),
    (broken(0, settings=None), "settings: must be a table"),
    (broken(0, capabilities=1), "line 2"),
    (broken(0, capabilities=...), "capabilities: missing"),
    (broken(0, colour="red"), "colour"),
    (broken(1, outcome="lost"), "outcome: 'lost' is none of answered, refused, no_answer"),
    (broken(1, number="one"), "number: must be a whole number"),
    (broken(1, status="ok"), "status: must be a whole number"),
    (broken(1, started=None), "started: "),
    (broken(1, facts=[]), "facts: must be a table"),
    (broken(1, step=None), "step: must be text"),
    (broken(1, request_headers=[["one"]]), "line 2"),
    (broken(1, response_headers=None), "line 2"),
    (broken(1, request_body={"base64": "!"}), "line 2"),
    (broken(1, request_body={"hex": "00"}), "'base64'"),
    (broken(1, response_body="\ud800"), "surrogates not allowed"),
    (broken(1, response_body=...), "'response_body'"),
    (broken(1, colour="red"), "colour"),
    ('{"type": "observation", "number": 1, "step": "s", "values": []}', "values: must be a table"),
    ('{"type": "stream_event", "number": 1, "step": "s", "kind": "event", "at": 1, "lines": 5}', "line 2"),
    ('{"type": "story", "ended": "finished"}', "story"),
]


@pytest.mark.parametrize(("line", "said"), BROKEN, ids=[f"{number} {said}" for number, (_, said) in enumerate(BROKEN)])
def test_a_broken_line_is_named_with_its_number_and_what_is_wrong(line: str, said: str) -> None:
    with pytest.raises(HistoryError) as error:
        read_history([json.dumps(GOOD[0]), line])
    assert "line 2: not a line of a crossapp history" in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("lines", [[], ["", "  "], [json.dumps(GOOD[1])]])
def test_a_history_without_its_context_is_none(lines: list[str]) -> None:
    with pytest.raises(HistoryError, match="no context line"):
        read_history(lines)


MANY = 1_000


def counted(*entries: Entry) -> tuple[History, Counted[Entry]]:
    """A history, half of whose entries have been left out, and its entries."""
    seen = history(*entries[1::2])
    seen.entries = found = Counted(seen.entries)
    return seen, found


def test_each_look_up_costs_what_it_finds_however_long_the_record_is() -> None:
    seen, entries = counted(*(exchange(number, f"a/{number}") for number in range(1, MANY + 1)))
    for number in range(2, MANY + 1, 2):
        found = seen.one(f"a/{number}")
        assert seen.numbered(number) is found
        assert seen.every(f"a/{number}") == seen.tries(f"a/{number}") == [found]
        assert seen.earlier_tries(found) == []
    assert entries.looked < 20 * MANY


def test_the_tries_of_one_step_are_told_apart_without_looking_at_the_others() -> None:
    compared = 0

    class Url(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str(self) == str(other)

        def __hash__(self) -> int:
            return hash(str(self))

    tries = [replace(exchange(number, "a/x"), url=Url(f"http://b/{number // 2}")) for number in range(MANY)]
    seen = history(*(replace(each, superseded=each.number % 2 == 0) for each in tries))
    for before, each in pairwise(seen.tries("a/x")):
        assert seen.earlier_tries(each) == ([before] if before.superseded else [])
    assert compared < 20 * MANY


def test_what_is_sent_again_costs_nothing_for_the_rest_of_the_record() -> None:
    seen, entries = counted(*(exchange(number, "a/x") for number in range(1, MANY + 1)))
    for number in range(1, MANY + 1):
        seen.supersede(number)
        seen.add_facts({number: {"delivery": True}})
    assert entries.looked < 20 * MANY
    assert all(each.superseded and each.facts == {"delivery": True} for each in seen.tries("a/x"))
