from dataclasses import replace

import pytest

from harness.exit_codes import ExitCode
from harness.report import exit_code_of
from harness.verdict import VerdictName
from load.generate.samples import Result, Sample
from tests.load.judge.runs import SHORT, Change, conducted, judged, recorded, verdicts

HELD, VIOLATED, BLOCKED, FAULT = (
    VerdictName.HELD,
    VerdictName.VIOLATED,
    VerdictName.BLOCKED,
    VerdictName.HARNESS_FAULT,
)
KEPT_UP, SENT, ADD_UP = "load.generator_kept_up", "load.requests_were_sent", "load.accounts_add_up"


def in_middle(sample: Sample) -> bool:
    return 20 <= sample.at < 22


def becomes(result: Result, *, only: str = "", every: int = 1) -> Change:
    count = 0

    def change(sample: Sample) -> Sample:
        nonlocal count
        if (only and sample.measure != only) or not in_middle(sample):
            return sample
        count += 1
        return replace(sample, result=result) if count % every == 0 else sample

    return change


def test_a_run_in_which_all_is_well_passes_every_budget() -> None:
    found = judged(recorded())
    assert set(verdicts(found)) == {HELD}
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.OK
    assert all(each.evidence for each in found.values())


@pytest.mark.parametrize("lanes", [1, 3])
def test_the_verdicts_do_not_depend_on_how_many_processes_sent(lanes: int) -> None:
    found = judged(recorded(lanes), conducted(lanes))
    assert set(verdicts(found)) == {HELD}


@pytest.mark.parametrize(
    ("root", "change", "health", "words"),
    [
        (KEPT_UP, lambda each: replace(each, latency=each.latency + 300), {}, "ms late (p95)"),
        (KEPT_UP, lambda each: replace(each, held=40.0), {"waited": 0.4}, "waited 40 % of the time for a CPU"),
        (KEPT_UP, None, {"stolen": 0.2}, "gave 20 % of this machine to other guests"),
        (KEPT_UP, None, {"cpu": 0.99}, "99 % of a core"),
        (KEPT_UP, None, {"loop_lag": 400.0}, "400 ms late"),
        ("load.clock_ran_steadily", None, {"clock_step": -3.5}, "-3.50 s"),
        ("load.nothing_was_rate_limited", becomes(Result.LIMITED, every=50), {}, "429"),
        ("load.target_stayed_reachable", becomes(Result.REFUSED), {}, "no connection"),
        (ADD_UP, lambda each: None if in_middle(each) else each, {}, "samples arrived"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_trusted_is_one_fault_that_blocks_all_budgets(
    root: str, change: Change | None, health: dict[str, float], words: str
) -> None:
    found = judged(recorded(change=change or (lambda each: each), health=health))
    assert found[root].verdict is FAULT
    assert words in found[root].reason
    assert found[root].next
    assert "bug in crossapp" not in found[root].next
    assert verdicts(found)[FAULT] == 1
    budgets = [each for each in found.values() if each.obliged != "crossapp"]
    assert {(each.verdict, each.blocked_by) for each in budgets} == {(BLOCKED, root)}
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.HARNESS_FAULT


def test_a_lost_worker_is_never_a_pass() -> None:
    record = recorded(2)
    record.tallies[1].finished = False
    assert judged(record)[ADD_UP].reason == "worker 2 of 2 was lost: its last report never came"
    del record.tallies[1]
    assert judged(record)[ADD_UP].verdict is FAULT
    assert HELD not in {each.verdict for each in judged(record).values() if each.obliged != "crossapp"}


def test_a_worker_that_ends_early_or_sends_too_little_is_told() -> None:
    record = recorded(2)
    record.tallies[0].until = 10.0
    assert "worker 1 ended after 10.0 s of 42" in judged(record)[ADD_UP].reason
    record = recorded(2)
    record.tallies[0].scheduled += 1
    assert "ok" in judged(record)[ADD_UP].reason


def test_no_request_is_never_a_pass() -> None:
    record = recorded(1)
    record.samples.clear()
    record.tallies[0].results.clear()
    record.tallies[0].scheduled = 0
    found = judged(record, conducted(1))
    assert found[SENT].verdict is FAULT
    assert set(verdicts(found)) == {FAULT, BLOCKED}


def test_a_failed_preflight_is_told_with_its_reason() -> None:
    found = judged(recorded(1), conducted(1, failed="generateSession was answered 404 before the run"))
    assert found[SENT].reason == "generateSession was answered 404 before the run"
    assert "crossapp verify" in found[SENT].next
    assert set(verdicts(found)) == {FAULT, BLOCKED}


@pytest.mark.parametrize("result", [Result.FAILED, Result.DENIED])
def test_wrong_answers_fail_the_rate_that_they_break(result: Result) -> None:
    found = judged(recorded(change=becomes(result, only="generateSession")))
    assert found["load.generation_succeeds"].verdict is VIOLATED
    assert found["load.validation_succeeds"].verdict is HELD
    assert (found["load.authentication_errors_are_rare"].verdict is VIOLATED) == (result is Result.DENIED)
    assert exit_code_of(found.values(), (), finished=True) == ExitCode.VIOLATED


def test_a_fast_wrong_answer_does_not_make_the_mean_better() -> None:
    slow = recorded(change=lambda each: replace(each, server=30.0, latency=30.0, service=29.9))
    mixed = recorded(
        change=lambda each: (
            replace(each, result=Result.FAILED, server=0.1)
            if int(each.at * 1000) % 2
            else replace(each, server=30.0, latency=30.0, service=29.9)
        )
    )
    assert judged(slow)["load.generation_takes_8_ms_on_average"].verdict is VIOLATED
    assert judged(mixed)["load.generation_takes_8_ms_on_average"].verdict is VIOLATED


def test_one_wrong_answer_in_a_burst_is_one_too_many() -> None:
    hit = False

    def change(sample: Sample) -> Sample:
        nonlocal hit
        if sample.measure == "simultaneous" and not hit:
            hit = True
            return replace(sample, result=Result.FAILED)
        return sample

    assert judged(recorded(change=change))["load.simultaneous_requests_are_handled"].verdict is VIOLATED


def test_fewer_users_than_simultaneous_requests_fail_it_and_do_not_pass_it() -> None:
    name = "load.simultaneous_requests_are_handled"
    found = judged(recorded(), conducted(users=3))[name]
    assert found.verdict is VerdictName.INCONCLUSIVE
    assert "only 3 users" in found.reason
    assert found.next == "Add 100 users under [[users]]."

    def change(sample: Sample) -> Sample:
        return replace(sample, result=Result.FAILED) if sample.measure == "simultaneous" else sample

    assert judged(recorded(change=change), conducted(users=3))[name].verdict is VIOLATED


def test_dropped_arrivals_decide_nothing_that_they_could_change() -> None:
    """A few leave the latency's verdict as it is, and take away that of a rate."""
    found = judged(recorded(change=becomes(Result.DROPPED, only="validateSession", every=10)))
    assert found["load.every_request_was_sent"].verdict is FAULT
    assert found["load.validation_is_acceptable"].verdict is HELD
    assert found["load.validation_succeeds"].verdict is BLOCKED
    assert found["load.validation_succeeds"].blocked_by == "load.every_request_was_sent"
    assert found["load.generation_succeeds"].verdict is HELD


def test_a_server_that_fails_for_certain_fails_whatever_was_dropped() -> None:
    def change(sample: Sample) -> Sample:
        if sample.measure != "generateSession":
            return sample
        return replace(sample, result=Result.DROPPED if int(sample.at * 250) % 10 == 0 else Result.FAILED)

    assert judged(recorded(change=change))["load.generation_succeeds"].verdict is VIOLATED


def test_a_network_never_breaks_a_budget() -> None:
    """Whoever gets no answer leaves rates undecided, whatever their share."""
    found = judged(recorded(change=becomes(Result.UNANSWERED, only="generateSession")))
    assert found["load.generation_succeeds"].verdict is VerdictName.INCONCLUSIVE
    assert "got no response" in found["load.generation_succeeds"].reason


def test_a_very_slow_tail_fails_a_percentile_though_it_was_never_answered() -> None:
    def change(sample: Sample) -> Sample:
        late = sample.measure == "validateSession" and int(sample.at * 2) % 8 == 0
        return replace(sample, result=Result.UNANSWERED, latency=15_000.0, service=15_000.0) if late else sample

    found = judged(recorded(change=change))
    assert found["load.validation_is_acceptable"].verdict is VIOLATED
    assert found["load.generation_is_acceptable"].verdict is HELD


@pytest.mark.parametrize(("client", "verdict"), [(3.0, HELD), (40.0, VerdictName.NOT_APPLICABLE)])
def test_without_server_timing_the_clients_time_passes_and_never_fails(client: float, verdict: VerdictName) -> None:
    nan = float("nan")
    found = judged(
        recorded(change=lambda each: replace(each, latency=client, service=client, server=nan, database=nan))
    )
    for name in (
        "generation_takes_8_ms_on_average",
        "database_takes_15_ms_on_average",
        "webhook_takes_25_ms_on_average",
    ):
        assert found[f"load.{name}"].verdict is verdict
    if verdict is not HELD:
        assert "send Server-Timing" in found["load.database_takes_15_ms_on_average"].reason


@pytest.mark.parametrize(
    ("service", "held", "verdict"), [(204.9, 0.0, VIOLATED), (195.0, 0.0, "inconclusive"), (204.9, 9.0, "inconclusive")]
)
def test_what_the_generator_may_have_added_itself_breaks_no_budget(service: float, held: float, verdict: str) -> None:
    """95 of 100 in less than 200 ms: 205 are too many, unless 10 of them passed before it was sent, or 9 while the
    generator had no processor."""
    found = judged(recorded(change=lambda each: replace(each, latency=205.0, service=service, held=held)))
    assert found[KEPT_UP].verdict is HELD
    assert found["load.generation_is_acceptable"].verdict == verdict
    if verdict != VIOLATED:
        assert "from an idle machine" in found["load.generation_is_acceptable"].next


@pytest.mark.parametrize(
    ("near", "server", "verdict"), [(True, 12.0, "inconclusive"), (False, 12.0, VIOLATED), (True, 30.0, VIOLATED)]
)
def test_a_target_that_shares_a_busy_machine_is_not_accused_of_what_others_do_to_it(
    near: bool, server: float, verdict: str
) -> None:
    """The generator has a processor for half of the time that it wants one: the target, beside it, is perhaps twice as
    slow as it would be."""
    record = recorded(change=lambda each: replace(each, server=server), health={"cpu": 0.1, "waited": 0.1})
    found = judged(record, conducted(near=near))
    assert found[KEPT_UP].verdict is HELD
    assert found["load.generation_takes_8_ms_on_average"].verdict == verdict


def test_what_a_deployment_does_not_allow_is_not_applicable() -> None:
    record = recorded(change=lambda each: each)
    reason = "no event may be changed"
    found = judged(record, conducted(left_out={"receiveEventStatusChanged": reason, "flow": reason}))
    for name in ("webhook_takes_25_ms_on_average", "webhook_failures_are_rare", "flow_completes"):
        assert (found[f"load.{name}"].verdict, found[f"load.{name}"].reason) == (VerdictName.NOT_APPLICABLE, reason)


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    found = judged(recorded(schedule=SHORT), conducted(schedule=SHORT))["load.generation_succeeds"]
    assert found.verdict is VerdictName.INCONCLUSIVE
    assert "of at least 2995 that are needed" in found.reason
    assert "crossapp load --plan" in found.next
