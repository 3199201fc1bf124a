"""Small parts: headers, answers, settings, limits, who sends about what, the file of a run, command lines."""

import json
import math
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

import openapi
from contracts.session_token import wire as session_wire
from crossapp.load_deployment import many
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.http import Answer, Headers, json_body
from harness.typed import typed
from load.generate.checks import anything, judge_answer, lists_account_of, session_of, user_is
from load.generate.generator_log import read_log
from load.generate.health import Pulse, complaints, health_of
from load.generate.locust_process.lane_share import LaneShare
from load.generate.processes import GeneratorWorkers, command_for
from load.generate.samples import Result, Sample, blocks_of
from load.generate.server_timing import durations, server_and_database
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.measures import MIX
from load.plan.rate_limits import beyond_limits
from load.plan.settings import Bursts, RunSettings, allowed_journeys, deployment_file
from tests.load.judge.runs import deployment

LIMITED: Headers = (
    ("content-type", "application/json"),
    ("x-ratelimit-limit", "100"),
    ("x-ratelimit-remaining", "99"),
    ("x-ratelimit-reset", "1753453800"),
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("db;dur=0.321, total;dur=0.906", {"db": 0.321, "total": 0.906}),
        ('cache;desc="a b";dur=2, DB ; dur="3.5"', {"cache": 2.0, "db": 3.5}),
        ("miss, total;dur=x, db;dur=1", {"db": 1.0}),
        ("", {}),
        (None, {}),
    ],
)
def test_server_timing_is_read(header: str | None, found: dict[str, float]) -> None:
    assert durations(header) == found


def test_what_is_not_announced_is_not_known() -> None:
    total, database = server_and_database("app;dur=3")
    assert math.isnan(total)
    assert math.isnan(database)


def answered(status: int, value: object, headers: Headers = LIMITED) -> Answer:
    return Answer(status, headers, json_body(value))


ERROR = {"statusCode": 401, "timestamp": "2025-07-25T14:30:00.000Z", "path": "/", "message": "no"}
USER = {"user_id": "0", "email": "a@example.com", "name": "A", "account_id": 1}


@pytest.mark.parametrize(
    ("answer", "result", "words"),
    [
        (answered(200, USER), Result.OK, ""),
        (answered(200, {**USER, "user_id": "7"}), Result.FAILED, "the data of another session"),
        (answered(200, {**USER, "account_id": 9}), Result.FAILED, "the data of another session"),
        (answered(200, {**USER, "user_id": 0}), Result.FAILED, "/body/user_id"),
        (answered(200, USER, (("content-type", "application/json"),)), Result.FAILED, "/headers/x-ratelimit"),
        (answered(201, USER), Result.FAILED, "201 is not documented"),
        (answered(404, ERROR), Result.FAILED, "status 404"),
        (answered(500, ERROR), Result.FAILED, "status 500"),
        (answered(401, ERROR), Result.DENIED, "status 401"),
        (answered(403, ERROR), Result.DENIED, "status 403"),
        (answered(429, ERROR), Result.LIMITED, "status 429"),
    ],
)
def test_a_fast_wrong_answer_is_a_failure(answer: Answer, result: Result, words: str) -> None:
    call = session_wire.validate_session("secret", "token")
    found = judge_answer(call, answer, user_is(replace(deployment().users[0], email="a@example.com")))
    assert found[0] is result
    assert words in found[1]


def test_a_token_of_the_wrong_form_is_not_quoted() -> None:
    session = {"session_token": "!" * 43, "expires_at": "2025-07-25T15:45:00.000Z"}
    mint = session_wire.generate_session("jwt", 1)
    reason = judge_answer(mint, answered(200, session), anything)[1]
    assert reason == "/body/session_token: is not as documented"


def test_sessions_and_accounts_must_be_the_users_own() -> None:
    user = deployment().users[0]
    session = {"session_token": "x" * 43, "expires_at": "2025-07-25T15:45:00.000Z", "account_id": 2}
    mint = session_wire.generate_session("jwt", 1)
    assert judge_answer(mint, answered(200, session), session_of(user))[1] == "a session for another account"
    accounts = {"accounts": [{"id": 2, "name": "B", "slug": "b"}]}
    ask = session_wire.list_user_accounts("secret", "token")
    assert judge_answer(ask, answered(200, accounts), lists_account_of(user))[0] is Result.FAILED
    assert judge_answer(ask, answered(200, accounts), anything)[0] is Result.OK


def test_the_deployment_as_a_file_is_the_deployment() -> None:
    for each in (deployment(), _simulated()):
        value = json.loads(json.dumps(deployment_file(each)))
        again = build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,))
        assert deployment_file(again) == deployment_file(each)
        assert (again.shared_secret, again.users, again.events) == (each.shared_secret, each.users, each.events)


def _simulated(**safety: object) -> Deployment:
    limits = dict.fromkeys(("generateSession", "validateSession", "listUserAccounts", "validatePermission"), 600)
    value = {
        "users": [{"role": "organiser", "account_id": 1, "jwt": f"{n}" * 20, "user_id": str(n)} for n in range(1, 8)],
        "credentials": {"shared_secret": "s" * 40, "jwt_secret": "j" * 40},
        "targets": {
            "tuvens-api": {
                "url": "http://127.0.0.1:1",
                "kind": "local",
                "session_expiry": 90,
                "rate_limits": {**limits, "receiveEventStatusChanged": 0},
            },
            "hi.events": {"url": "http://127.0.0.1:2", "kind": "local", "rate_limits": {"validateCrossAppSession": 0}},
        },
        "events": {"tuvens": ["11", "12", "13"], "linked": [{"hi": "21", "tuvens": "11"}]},
        "safety": safety,
    }
    return build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,))


def test_what_a_deployment_does_not_allow_is_left_out_with_a_reason() -> None:
    assert set(allowed_journeys(_simulated(), MIX).mix) == set(MIX)
    assert set(allowed_journeys(deployment(), MIX).left_out) == {"flow"}
    careful = allowed_journeys(_simulated(change_events=False), MIX)
    assert set(careful.left_out) == {"flow", "receiveEventStatusChanged"}
    assert all("change_events" in reason for reason in careful.left_out.values())


def test_limits_are_reckoned_before_anything_is_sent() -> None:
    target = _simulated()
    slow = Schedule(steady(20, 10, 0), ArrivalModel.POISSON, 0, MIX)
    fast = Schedule(steady(100, 10, 0), ArrivalModel.POISSON, 0, MIX)
    assert list(beyond_limits(target, slow)) == []
    (sentence,) = beyond_limits(target, fast)
    assert sentence.startswith(
        "validateSession would get 1920 calls per minute by shared secret; its rate limit is 600"
    )
    assert "targets.tuvens-api.rate_limits" in sentence


def test_lanes_share_users_and_events_and_take_turns() -> None:
    one, other = (LaneShare(_simulated(), lane, 2) for lane in range(2))
    assert {each.user_id for each in one.users} & {each.user_id for each in other.users} == set()
    assert len(one.users) + len(other.users) == 7
    assert [one.next_user().user_id for _ in range(5)] == ["1", "3", "5", "7", "1"]
    assert one.next_event()[0] in ("12", "13")
    event = one.borrow()
    assert event is not None
    assert one.borrow() is None
    assert not one.knows(event)
    assert [one.other_status(event) for _ in range(3)] == ["LIVE", "DRAFT", "LIVE"]
    one.give_back(event)
    assert one.borrow() == event
    times = [one.sent_at() for _ in range(100)]
    assert times == sorted(set(times))


@pytest.mark.parametrize("ahead", [-600.0, 0.0, 600.0])
def test_webhooks_are_dated_by_the_clock_of_who_sends_them(ahead: float) -> None:
    before = time.time()
    dated = LaneShare(_simulated(), ahead=ahead).sent_at() - ahead
    assert before - 0.001 <= dated <= time.time() + 0.001


def test_sessions_are_asked_about_in_turn_and_made_anew_in_time() -> None:
    world = LaneShare(_simulated())
    assert world.next_token() is None
    assert world.some_tokens(5) == []
    for user in world.users[:3]:
        world.keep(user, f"token-{user.user_id}")
    assert {world.next_token().user.user_id for _ in range(3)} == {"1", "2", "3"}  # type: ignore[union-attr]
    assert len(world.some_tokens(5)) == 5
    assert len(world.aged()) == 4
    world.tokens[world.users[0].jwt].minted -= 0.8 * 90
    assert world.users[0] in world.aged()


def test_the_seed_of_a_load_has_as_many_users_as_asked_for_and_all_may_manage() -> None:
    seed = many(500)
    assert len(seed.users) == 500
    assert all("manage_ticketing" in each.memberships[123] for each in seed.users)
    assert type(seed).from_json(seed.to_json()) == seed


def test_a_record_that_is_still_written_is_read_up_to_its_last_whole_line() -> None:
    sample = Sample("validateSession", 1.5, Result.OK, 3.0, 2.0, 1.0, math.nan)
    pulse = Pulse(1.0, 2.0, 0.5, 3, 4, 0.0)
    line = json.dumps({"lane": 0, "samples": [sample.row()], "pulses": [pulse.row()]}) + "\n"
    record = read_log([line, line[: len(line) // 2]])
    assert repr(record.samples) == repr([sample])
    assert record.pulses == [pulse]


def test_blocks_hold_every_sample_once_and_the_measured_ones_apart() -> None:
    samples = [Sample("x", number / 10, Result.OK, 1.0, 1.0) for number in range(200)]
    blocks = blocks_of(samples, [(5.0, 15.0)], 20.0)["x"]
    assert sum(each.results.total() for each in blocks) == 200
    assert sum(each.results.total() for each in blocks if each.measured) == 100
    assert sum(each.measured for each in blocks) == 40
    assert [type(each).from_json(each.to_json()) for each in blocks] == blocks


def test_the_worst_of_the_lanes_is_what_is_told_of_health() -> None:
    calm = [Pulse(at / 10, 1.0, 0.1, 2, 3, 0.0) for at in range(100)]
    late = [replace(each, loop_lag=500.0) for each in calm[:5]]
    prompt = [Sample("x", at / 10, Result.OK, 3.5, 3.0) for at in range(100)]
    assert complaints(health_of(calm, prompt, [(0, 10)])) == []
    kept = [replace(each, held=30.0) for each in prompt[:6]]
    found = complaints(health_of([replace(each, waited=0.2) for each in calm], [*prompt, *kept], [(0, 10)]))
    assert found == [
        "its overhead was 30 ms (p95)",
        "it waited 20 % of the time for a CPU that other processes used",
    ]
    assert "other guests" in complaints(health_of([replace(each, stolen=0.1) for each in calm], prompt, [(0, 10)]))[0]
    assert "was 500 ms late" in complaints(health_of([*calm, *late], [], [(0, 10)]))[0]
    # Before it is measured, nobody minds.
    assert complaints(health_of([*calm, *late], [], [(2, 10)])) == []


@pytest.mark.parametrize(
    ("workers", "there"),
    [
        (GeneratorWorkers(), []),
        (GeneratorWorkers(3), ["--processes", "--master-bind-host 127.0.0.1"]),
        (GeneratorWorkers(1, 4, "10.0.0.5", 5557), ["--master ", "--expect-workers 4", "--master-bind-host 10.0.0.5"]),
    ],
)
def test_a_generator_listens_on_loopback_unless_it_is_told_otherwise(
    workers: GeneratorWorkers, there: list[str]
) -> None:
    schedule = Schedule(steady(10, 5, 0), ArrivalModel.POISSON, 0, MIX)
    settings = RunSettings(schedule, 100, 5.0, 0.1, 0, Bursts(0, 0), workers.lanes, "record")
    line = " ".join(command_for(settings, Path("deployment.json"), workers))
    assert all(each in line for each in there)
    assert ("--master-bind-host" in line) == bool(there)
    assert "--headless" in line
    assert typed(RunSettings, json.loads(json.dumps(asdict(settings)))) == settings
