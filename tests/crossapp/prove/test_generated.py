"""Generated mutants: what a row says, what a reason explains, what a mutant can turn red, and the command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossapp.prove.generated import (
    REASONS,
    Generated,
    MutantRow,
    MutantState,
    Reason,
    Reasons,
    ReasonsError,
    generated,
    read_reasons,
    row_from_json,
)
from crossapp.prove.generated_text import as_markdown, as_text, mutant_line
from crossapp.prove.reach import Reach
from harness.exit_codes import ExitCode
from simulators.kit.mutants import Mutant, find
from tests.command_line import crossapp
from tests.contracts.histories import answer, history, opened

OWN, OTHER = "session_token.mints_a_session", "client_session.wraps_a_session"
KILLED = MutantRow("mutate:generateSession:200:/session_token:drop", "tuvens-api", False, fired=9, red=(OWN,))
SURVIVED = replace(KILLED, red=())
UNSEEN = replace(SURVIVED, fired=0)
BLAMED = replace(KILLED, red=(OTHER, OWN))
PERMITTED = MutantRow("mutate:generateSession:200:/account_id:drop", "tuvens-api", True, fired=9)
FAILED = replace(KILLED, problem="a fault of the harness at a.b")
NONE = Reasons()


@pytest.mark.parametrize(
    ("row", "state", "code"),
    [
        (KILLED, MutantState.KILLED, ExitCode.OK),
        (SURVIVED, MutantState.SURVIVED, ExitCode.VIOLATED),
        (UNSEEN, MutantState.UNSEEN, ExitCode.VIOLATED),
        (BLAMED, MutantState.BLAMED, ExitCode.VIOLATED),
        (replace(BLAMED, red=(OTHER,)), MutantState.BLAMED, ExitCode.VIOLATED),
        (PERMITTED, MutantState.CLEAR, ExitCode.OK),
        (replace(PERMITTED, red=(OWN,)), MutantState.CLEAR, ExitCode.OK),
        (replace(PERMITTED, red=(OTHER,)), MutantState.BLAMED, ExitCode.VIOLATED),
        (FAILED, MutantState.FAILED, ExitCode.HARNESS_FAULT),
    ],
)
def test_a_row_says_what_came_of_its_mutant(row: MutantRow, state: MutantState, code: ExitCode) -> None:
    found = Generated((row,), NONE)
    assert row.state is state
    assert found.exit_code == code
    assert f"{row.name}: {state}" in mutant_line(row)
    assert row_from_json(json.loads(json.dumps(row.to_json()))) == row
    assert bool(found.unexplained) is (code == ExitCode.VIOLATED)
    for text in (as_text(found), as_markdown(found)):
        assert (row.name in text) is (code == ExitCode.VIOLATED or (bool(row.problem) and text == as_text(found)))
        assert (OTHER in text) is (state is MutantState.BLAMED)


def test_nothing_judged_is_no_success() -> None:
    assert Generated((), NONE).exit_code == ExitCode.NOTHING_JUDGED


def test_a_reason_explains_what_is_left_and_is_stale_when_nothing_is() -> None:
    unkilled = Reasons(unkilled=(Reason(mutants=KILLED.name, reason="nobody reads it"),))
    assert Generated((SURVIVED,), unkilled).exit_code == ExitCode.OK
    assert "nobody reads it" in as_text(Generated((SURVIVED,), unkilled))
    assert "nobody reads it" in as_markdown(Generated((SURVIVED,), unkilled))
    assert Generated((KILLED,), unkilled).stale == [f"unkilled: {KILLED.name}"]
    assert Generated((KILLED,), unkilled).exit_code == ExitCode.VIOLATED
    assert "STALE" in as_text(Generated((KILLED,), unkilled))
    # It says nothing about blame.
    assert Generated((BLAMED,), unkilled).unexplained == [f"{BLAMED.name}: {OTHER}"]


def test_a_reason_for_blame_speaks_of_one_requirement() -> None:
    reasons = Reasons(blamed=(Reason(mutants="mutate:generateSession:*", requirement=OTHER, reason="both are wrong"),))
    assert Generated((BLAMED,), reasons).unexplained == []
    other = replace(BLAMED, red=("client_session.expired_jwt_is_refused",))
    assert Generated((other,), reasons).unexplained == [f"{other.name}: client_session.expired_jwt_is_refused"]


def test_a_part_of_a_run_does_not_tell_that_a_reason_is_stale() -> None:
    reasons = Reasons(unkilled=(Reason(mutants="mutate:generateSession:200:*", reason="nobody reads it"),))
    assert Generated((KILLED,), reasons).stale == []
    rows = tuple(
        replace(KILLED, name=each.name, permitted=each.permitted)
        for each in generated(["mutate:generateSession:200:*"])
    )
    assert Generated(rows, reasons).stale == ["unkilled: mutate:generateSession:200:*"]
    # One that could not be judged tells nothing.
    assert Generated((*rows[1:], replace(rows[0], problem="died")), reasons).stale == []


def test_the_file_of_reasons_can_be_read_and_each_reason_speaks_of_a_mutant() -> None:
    reasons = read_reasons()
    for each in (*reasons.unkilled, *reasons.blamed):
        assert any(each.covers(mutant.name) for mutant in generated()), each
        assert each.reason.endswith("."), each
    assert all(not each.requirement for each in reasons.unkilled)
    assert all(each.requirement for each in reasons.blamed)
    assert REASONS.is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[unkilled]]\nmutants = 'x'\n", "unkilled.0.reason: Field required"),
        ("[[killed]]\nmutants = 'x'\n", "killed: Extra inputs are not permitted"),
        ("[[unkilled", "Expected"),
    ],
)
def test_an_ill_formed_file_of_reasons_is_told_with_its_field(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "reasons.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ReasonsError, match=said):
        read_reasons(file)
    with pytest.raises(ReasonsError, match="No such file"):
        read_reasons(tmp_path / "none.toml")


# Reach


def mutant(name: str) -> Mutant:
    found = find(name)
    assert found is not None
    return found


def seen(story: str, operation: str, status: int = 200) -> Any:
    return answer(f"{story}/step", status, {}, operation=operation)


SIGNS_IN, REPORTS = "a_user_signs_in", "statuses_are_reported"


def test_a_mutant_reaches_the_rules_of_the_stories_in_which_its_responses_occur_and_those_of_any_traffic() -> None:
    record = history(seen("sessions_are_minted", "generateSession"), seen(REPORTS, "receiveEventStatusChanged"))
    found = Reach.of(record, {}).requirements(mutant(KILLED.name))
    assert OWN in found
    assert "conformity.generateSession" in found
    assert "webhook.live_gives_active" not in found
    errors = Reach.of(record, {}).requirements(mutant("mutate:generateSession:error:/message:drop"))
    assert OWN not in errors
    assert "errors.tuvens_api_errors_share_one_shape" in errors


def test_a_mutant_reaches_the_rules_about_whoever_calls_its_operation() -> None:
    record = history(seen(SIGNS_IN, "validateCrossAppSession", 401))
    found = Reach.of(record, {}).requirements(mutant("mutate:validateSession:error:/message:drop"))
    assert "hi_events_session.accepts_a_live_session" in found
    reports = Reach.of(history(seen("statuses_are_changed", "setEventStatus")), {})
    assert "hi_events_delivery.a_change_is_sent" in reports.requirements(
        mutant("mutate:receiveEventStatusChanged:200:/success:drop")
    )


def test_a_mutant_of_a_message_reaches_the_rules_of_the_stories_that_listen() -> None:
    found = Reach.of(history(opened("updates_are_heard/page")), {}).requirements(
        mutant("mutate:streamEventUpdates:200:/type:drop")
    )
    assert "event_stream.messages_have_the_form" in found
    assert "webhook.live_gives_active" not in found


def test_a_mutant_of_what_stories_share_reaches_all_rules() -> None:
    record = history(seen("shared", "generateSession"))
    found = Reach.of(record, {}).requirements(mutant(KILLED.name))
    assert "webhook.live_gives_active" in found


def test_a_mutant_shows_in_the_pages_of_stories_that_got_its_responses() -> None:
    reach = Reach.of(
        history(), {"pages_arrive_at_hi_events": [("generateSession", 200)], "pages_show_errors": [("getEvent", 404)]}
    )
    arrivals = reach.page_requirements(mutant(KILLED.name))
    assert "browser.arrives_signed_in" in arrivals
    assert "browser.errors_of_enabling_are_shown" not in arrivals
    assert "browser.errors_of_enabling_are_shown" in reach.page_requirements(
        mutant("mutate:getEvent:error:/message:drop")
    )
    assert not reach.page_requirements(mutant("mutate:generateSession:error:/message:drop"))


# The command


def test_the_command_lists_mutants_by_name_or_a_part_of_it() -> None:
    done = crossapp("prove", "--generated", "--list", "--json", "--select", "mutate:validatePermission:200:/*")
    assert done.returncode == 0, done.stderr
    listed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["name"].rpartition(":")[2] for each in listed] == ["drop", "null", "retype"]
    assert {each["kind"] for each in listed} == {"mutant"}
    assert crossapp("prove", "--generated", "--select", "no-such-mutant").returncode == ExitCode.USAGE
    assert crossapp("prove", "--generated", "--suite", "load").returncode == ExitCode.USAGE


def test_saved_rows_are_put_together_without_a_verification(tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text(f'{{"type": "header"}}\n{json.dumps(SURVIVED.to_json())}\n', "utf-8")
    second.write_text(json.dumps(KILLED.to_json()) + "\n", "utf-8")
    assert crossapp("prove", "--generated", "--rows", str(first)).returncode == ExitCode.VIOLATED
    done = crossapp("prove", "--generated", "--rows", str(first), "--rows", str(second), "--markdown")
    assert done.returncode == 0, done.stderr
    assert "| generateSession | 1 | 1 | 0 |" in done.stdout
    first.write_text("{}", "utf-8")
    assert crossapp("prove", "--generated", "--rows", str(first)).returncode == ExitCode.USAGE
