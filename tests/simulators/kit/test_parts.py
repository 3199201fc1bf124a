"""Rate limits, strict JSON, form errors, seed."""

import json
from pathlib import Path

import pytest

from openapi import Problem
from simulators.kit.clock import Clock
from simulators.kit.form_errors import describe, details
from simulators.kit.ratelimit import UNLIMITED, RateLimits, Rule
from simulators.kit.strict_json import read_strict
from simulators.seed import Seed, SeedError, default_seed


def _limits(limit: int | None = 2) -> tuple[Clock, RateLimits]:
    clock = Clock(1000.5, running=False)
    return clock, RateLimits(clock, {"op": Rule(limit, 60, "user")})


def test_a_window_begins_with_its_first_request_and_ends_by_the_clock() -> None:
    clock, limits = _limits()
    grants = [limits.take("op", "a") for _ in range(3)]
    assert [(each.admitted, each.remaining) for each in grants] == [(True, 1), (True, 0), (False, 0)]
    assert {each.reset for each in grants} == {1061}
    assert limits.take("op", "b").admitted
    clock.set(1060.5)
    assert limits.take("op", "a").remaining == 1


def test_a_clock_that_is_set_back_does_not_prolong_a_window() -> None:
    clock, limits = _limits(1)
    limits.take("op", "a")
    clock.set(0)
    assert limits.take("op", "a").admitted


def test_looking_does_not_count() -> None:
    _, limits = _limits(1)
    assert [limits.peek("op").remaining for _ in range(2)] == [1, 1]
    assert limits.take("op", "a").remaining == 0


def test_a_lifted_limit_admits_everything_and_says_so() -> None:
    _, limits = _limits(None)
    assert {limits.take("op", "a").admitted for _ in range(100)} == {True}
    assert limits.take("op", "a").limit == UNLIMITED


def test_configuring_clears_the_counters() -> None:
    _, limits = _limits(1)
    limits.take("op", "a")
    limits.configure({})
    assert limits.take("op", "a").admitted
    for wrong in ({"other": 1}, {"op": 0}, {"op": True}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            limits.configure(wrong)


def test_strict_json_is_read_as_it_is() -> None:
    value = {"a": [1, 2.5, None, True, "é 🎵 \\ud800 \\u0000 /"], "": {}}
    assert read_strict(json.dumps(value).encode()) == value
    assert read_strict(b'"\\ud83c\\udfb5"') == "🎵"
    assert read_strict(b"[" * 64 + b"]" * 64)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is not JSON"),
        (b"[1,]", "is not JSON"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"x":{"a":1,"a":1}}', "twice"),
        (b"NaN", "NaN"),
        (b"-Infinity", "NaN or Infinity"),
        (b"1e400", "out of range"),
        (b"1" * 5000, "too many digits"),
        (b"\xff", "UTF-8"),
        (b"[" * 65 + b"]" * 65, "deeply"),
        (b"[" * 500_000, "deeply"),
        (b'["\\u0000"]', "NUL"),
        (b'{"\\u0000":1}', "NUL"),
        (b'["\\ud800"]', "surrogate"),
        (b'["\\uDFFF"]', "surrogate"),
        (b'["\xed\xa0\x80"]', "UTF-8"),
    ],
    ids=range(16),
)
def test_what_two_parsers_could_read_differently_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_strict(body)


def test_problems_are_told_by_field_without_values() -> None:
    problems = [
        Problem("/body/payload/id", 'value is not of type "integer", got "hush"'),
        Problem("/query/session_token", "is required"),
        Problem("/body", "is not JSON (position 3)"),
    ]
    assert describe(problems) == (
        'payload.id is not of type "integer"; session_token is missing; body is not JSON (position 3)'
    )
    assert details(problems)[0] == {"field": "payload.id", "problem": 'is not of type "integer"'}


def test_the_seed_is_the_agreed_one() -> None:
    seed = default_seed()
    assert [account.id for account in seed.accounts] == [123, 124, 200]
    assert seed.user("organiser@example.com").memberships == {
        123: ("create_events", "manage_ticketing"),
        124: ("create_events", "manage_ticketing"),
    }
    assert seed.user("nameless@example.com").name is None
    assert len([user for user in seed.users if user.email.startswith("guest-")]) == 120
    assert [event.id for event in seed.events] == [*(str(number) for number in range(11, 41)), "61"]
    assert [(event.id, event.tuvens_event_id) for event in seed.hi_events] == [(n, str(n)) for n in range(11, 31)]
    with pytest.raises(KeyError):
        seed.user("nobody@example.com")


def test_a_seed_goes_through_json_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(default_seed().to_json()), encoding="utf-8")
    assert Seed.read(path) == default_seed()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "a seed is a JSON object"),
        ({"acounts": []}, "acounts"),
        ({"accounts": {}}, "accounts: expected a list"),
        ({"accounts": [7]}, r"accounts\[0\]: expected an object"),
        ({"accounts": [{"id": 1, "name": ""}]}, r"accounts\[0\]\.name"),
        ({"accounts": [{"id": True}]}, r"accounts\[0\]\.id"),
        ({"users": [{"id": 1, "email": "a", "memberships": {"x": []}}]}, r"memberships\.x"),
        ({"users": [{"id": 1, "email": "a", "memberships": {"7": []}}]}, "account 7"),
        ({"users": [{"id": 1, "email": "a"}, {"id": 2, "email": "a"}]}, "email a is there twice"),
        ({"accounts": [{"id": 1, "name": "a", "slug": "a"}] * 2}, "accounts: id 1 is there twice"),
        (
            {
                "accounts": [{"id": 1, "name": "a", "slug": "a"}],
                "users": [{"id": 1, "email": "a", "memberships": {"1": ["fly"]}}],
            },
            "'fly'",
        ),
        ({"events": [{"id": "1", "account_id": 9}]}, r"events\[0\]\.title"),
    ],
)
def test_a_wrong_seed_is_told_by_its_field(value: object, field: str) -> None:
    with pytest.raises(SeedError, match=field) as error:
        Seed.from_json(value)
    assert "\n" not in str(error.value)


def test_a_seed_file_that_is_not_there_or_not_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"gone\.json"):
        Seed.read(tmp_path / "gone.json")
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    with pytest.raises(SeedError, match="not JSON"):
        Seed.read(tmp_path / "bad.json")
