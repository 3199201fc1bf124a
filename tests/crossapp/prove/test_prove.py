"""The proof of the proof: what a row says, what the totals say, and the command on a fault and a variant."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crossapp.prove.matrix import LOAD, SUITES, Matrix, ProofState, Row, breakable, requirements, suite_of, suites_for
from crossapp.prove.matrix_text import as_markdown, as_text, row_line
from crossapp.prove.prover import Prover, proofs, row_of, saved
from harness.exit_codes import ExitCode
from harness.verdict import VerdictName
from tests.command_line import crossapp
from tests.harness.render.sample import finding, report_of

KILLED = Row(
    "live-maps-to-setup",
    "fault",
    "tuvens-api",
    "LIVE gives setup.",
    concerns=("webhook.live_gives_active",),
    red=("webhook.live_gives_active",),
    blocked=6,
    suites=SUITES[:3],
)
CLEAR = Row("gzip-of-tuvens-api", "benign", "tuvens-api", "Bodies are compressed.", suites=SUITES[:3])
SURVIVED = replace(KILLED, red=())
MISSED = replace(KILLED, concerns=("cors.right_origins_are_admitted", "webhook.live_gives_active"))
ALARM = replace(KILLED, red=("webhook.live_gives_active", "cors.right_origins_are_admitted"))
ACCUSED = replace(CLEAR, red=("cors.right_origins_are_admitted",))
OPEN = replace(CLEAR, undecided=("cors.right_origins_are_admitted",))


@pytest.mark.parametrize(
    ("row", "state", "code"),
    [
        (KILLED, ProofState.KILLED, ExitCode.OK),
        (CLEAR, ProofState.CLEAR, ExitCode.OK),
        (replace(OPEN, unsteady=True), ProofState.CLEAR, ExitCode.OK),
        (SURVIVED, ProofState.SURVIVED, ExitCode.VIOLATED),
        (MISSED, ProofState.MISSED, ExitCode.VIOLATED),
        (replace(SURVIVED, undecided=SURVIVED.concerns), ProofState.UNPROVED, ExitCode.UNDECIDED),
        (ALARM, ProofState.ACCUSED, ExitCode.VIOLATED),
        (ACCUSED, ProofState.ACCUSED, ExitCode.VIOLATED),
        (OPEN, ProofState.UNPROVED, ExitCode.UNDECIDED),
        (replace(KILLED, rootless=("cors.right_origins_are_admitted",)), ProofState.UNPROVED, ExitCode.UNDECIDED),
        (replace(KILLED, problem="the simulators did not start"), ProofState.UNPROVED, ExitCode.HARNESS_FAULT),
    ],
)
def test_a_row_says_what_it_proves(row: Row, state: ProofState, code: ExitCode) -> None:
    assert row.state is state
    matrix = Matrix((row,), whole=False)
    assert matrix.exit_code == code
    assert row.name in row_line(row)
    assert row.name in as_text(matrix)
    assert json.loads(json.dumps(row.to_json()))["state"] == state
    for requirement in (*row.red, *row.undecided, *row.rootless):
        assert requirement in as_text(matrix)


def test_a_fault_of_any_application_may_break_the_flow_through_all_of_them() -> None:
    refused = ("load.authentication_errors_are_rare",)
    row = Row("one-secret-in-twenty-refused", "fault", "tuvens-api", "Refused.", concerns=refused, suites=(LOAD,))
    assert replace(row, red=(*refused, "load.flow_completes")).state is ProofState.KILLED
    assert replace(row, red=refused).state is ProofState.KILLED
    assert replace(row, red=(*refused, "load.widget_is_acceptable")).state is ProofState.ACCUSED
    assert replace(row, kind="benign", concerns=(), red=("load.flow_completes",)).state is ProofState.ACCUSED


def test_nothing_proved_is_no_success() -> None:
    assert Matrix((), whole=False).exit_code == ExitCode.NOTHING_JUDGED


def test_a_requirement_that_nothing_killed_fails_a_whole_run_and_no_part_of_one() -> None:
    everything = replace(
        KILLED, concerns=tuple(each.id for each in breakable()), red=tuple(each.id for each in breakable())
    )
    assert Matrix((everything,), whole=True).exit_code == ExitCode.OK
    assert Matrix((KILLED,), whole=False).exit_code == ExitCode.OK
    whole = Matrix((KILLED,), whole=True)
    assert whole.exit_code == ExitCode.VIOLATED
    assert "cors.right_origins_are_admitted" in whole.never_killed
    assert "never killed: " in as_text(whole)
    assert "transport.plain_http_is_refused" not in whole.never_killed


def test_suites_are_told_by_the_place_of_a_requirement() -> None:
    found = [suite_of(f"{place}.x") for place in ("webhook", "pact", "fuzzing", "browser", "load")]
    assert tuple(found) == SUITES


@pytest.mark.parametrize(
    ("name", "suites"),
    [
        ("live-maps-to-setup", ("scenarios", "Pact", "Schemathesis")),
        ("gzip-of-hi-events", ("scenarios", "Pact", "Schemathesis")),
        ("open-redirect", ("scenarios", "Pact", "Schemathesis", "browser")),
        ("iframe-eager", ("browser",)),
        ("generation-takes-20-ms", ("load",)),
        ("honest", SUITES),
    ],
)
def test_a_fault_is_proved_by_the_suites_that_see_it(name: str, suites: tuple[str, ...]) -> None:
    (fault,) = (each for each in proofs() if each.name == name)
    assert suites_for(fault) == suites
    assert [each.name for each in proofs([name], suites[-1:])] == [name]
    assert fault not in proofs([name], [each for each in SUITES if each not in suites])


def test_the_page_has_every_fault_variant_and_requirement() -> None:
    page = as_markdown(Matrix((KILLED, CLEAR), whole=True))
    assert "| live-maps-to-setup | tuvens-api | LIVE gives setup. | `webhook.live_gives_active` |" in page
    assert "| gzip-of-tuvens-api | tuvens-api | Bodies are compressed. | nothing | 0 |" in page
    assert all(f"| `{each}` |" in page for each in requirements())
    assert "no simulator: " in page


def test_text_fits_a_narrow_terminal() -> None:
    assert max(map(len, as_text(Matrix((KILLED, ALARM, CLEAR), whole=True)).splitlines())) <= 80


def test_faults_are_selected_by_name_pattern_and_requirement() -> None:
    assert proofs()[0].name == "honest"
    assert [each.name for each in proofs(["live-maps-to-setup"])] == ["live-maps-to-setup"]
    assert {each.name for each in proofs(["gzip-*"])} == {"gzip-of-tuvens-api", "gzip-of-hi-events"}
    assert [each.name for each in proofs(["webhook.live_gives_active"])] == ["live-maps-to-setup"]
    assert proofs(["no-such-fault"]) == []


def test_saved_rows_are_held_against_what_the_faults_concern_now() -> None:
    lines = [json.dumps(each.to_json()) for each in (SURVIVED, CLEAR, KILLED)]
    assert saved(['{"type": "header"}', *lines]) == {KILLED.name: KILLED, CLEAR.name: CLEAR}
    assert saved([json.dumps(replace(CLEAR, name="no-such-fault").to_json())]) == {}
    with pytest.raises(ValueError, match="not a line that crossapp prove --json writes"):
        saved(["nonsense"])


def test_saved_rows_are_shown_without_a_verification(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(KILLED.to_json()) + "\n", "utf-8")
    done = crossapp("prove", "--rows", str(file), "--markdown")
    assert done.returncode == 0, done.stderr
    assert "| live-maps-to-setup | tuvens-api |" in done.stdout
    file.write_text("{}", "utf-8")
    assert crossapp("prove", "--rows", str(file)).returncode == ExitCode.USAGE


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_command_lists_faults_and_variants_as_json_lines() -> None:
    done = crossapp("prove", "--list", "--json")
    assert done.returncode == 0
    listed = lines(done.stdout)
    assert {each["kind"] for each in listed} == {"fault", "benign"}
    assert all(set(each) == {"kind", "name", "sentence", "app", "requirements"} for each in listed)
    assert all(bool(each["requirements"]) == (each["kind"] == "fault") for each in listed)


def test_a_name_that_no_fault_has_is_a_usage_error() -> None:
    done = crossapp("prove", "--select", "no-such-fault")
    assert done.returncode == ExitCode.USAGE
    assert "no fault matches no-such-fault" in done.stderr


@pytest.mark.slow  # whole verifications, two at a time
def test_the_command_kills_a_fault_and_clears_a_variant_in_parallel() -> None:
    done = crossapp("prove", "--json", "--jobs", "2", "-s", "live-maps-to-setup", "-s", "session-tokens-like-jwts")
    assert done.returncode == 0, done.stderr
    header, *rows, footer = lines(done.stdout)
    assert header == {
        "type": "header",
        "format": 1,
        "rows": 2,
        "select": ["live-maps-to-setup", "session-tokens-like-jwts"],
    }
    assert {each["name"]: each["state"] for each in rows} == {
        "live-maps-to-setup": "killed",
        "session-tokens-like-jwts": "clear",
    }
    assert (footer["faults"], footer["killed"], footer["benign"], footer["clear"]) == (1, 1, 1, 1)
    assert "[  2/2]" in done.stderr


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ({"load.validation_is_acceptable": VerdictName.HELD}, ProofState.CLEAR),
        ({"load.validation_is_acceptable": VerdictName.INCONCLUSIVE}, ProofState.UNPROVED),
        ({"load.validation_is_acceptable": VerdictName.VIOLATED}, ProofState.ACCUSED),
        ({"load.requests_were_sent": VerdictName.HELD}, ProofState.UNPROVED),
        ({}, ProofState.UNPROVED),
    ],
)
def test_a_load_run_that_decides_no_budget_clears_nobody(
    verdicts: dict[str, VerdictName], state: ProofState, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = report_of(finding(name, "It holds.", verdict, "") for name, verdict in verdicts.items())
    monkeypatch.setattr("crossapp.prove.prover.under_load", lambda *_: report)
    (honest,) = proofs(["honest"], ["load"])
    with Prover(["load"]) as prover:
        assert prover.row(honest).state is state


def test_a_story_that_crashed_proves_nothing() -> None:
    (honest,) = proofs(["honest"], ["scenarios"])
    row = row_of(honest, report_of([finding("a.b", "It holds.", VerdictName.HELD, "")], crashes=("a: KeyError",)))
    assert row.state is ProofState.UNPROVED
    assert "a: KeyError" in row.problem
