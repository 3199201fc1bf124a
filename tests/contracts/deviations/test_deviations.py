"""Ready-made deviations: what each explains, that it waives nothing else, and what a fault shows it with."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import catalogue
from contracts.deviations import KNOWN
from contracts.every_operation.rules_fuzzing import STORY as FUZZED
from contracts.every_operation.rules_rate_limits import story_of
from contracts.webhook.rules_refusals import STRANGERS
from harness.deployment import Deviation
from harness.history import Entry, Exchange
from harness.judge import judge_all
from harness.report import Finding
from harness.verdict import VerdictName
from openapi import find
from simulators.faults import FAULTS
from tests.contracts.documented import documented, error
from tests.contracts.histories import NOW, answer, history, no_answer, observed

TODAY = date(2026, 11, 29)
RIGHT: Any = (("x-shared-secret", "<shared-secret:11111111>"), ("Content-Type", "application/json"))
WRONG: Any = (("x-shared-secret", "<shared-secret:22222222>"), ("Content-Type", "application/json"))
ASKED = b'{"session_token": "<session-token:33333333>"}'
UNKNOWN = "unknown_sessions_are_refused"
OVER = f"{story_of(find('generateSession'))}/generateSession"
ACCOUNTS = "sessions_are_refused_for_wrong_accounts"
RETRIES = "deliveries_fail/server error"


@dataclass(frozen=True)
class Shown:
    """A record that shows a deviation, the rules that it violates, and what it looks like beside another defect.

    fault: the fault of a simulator that makes it.
    """

    fault: str
    rules: tuple[str, ...]
    record: tuple[Entry, ...]
    worse: tuple[Entry, ...]


def minted(status: int, step: str = "sessions_are_minted/first") -> Exchange:
    body = {"session_token": "<session-token:44444444>", "expires_at": "2025-07-25T14:45:00.000Z"}
    return documented("generateSession", status, step, body)


def minted_for(body: bytes) -> tuple[Exchange, ...]:
    steps = ("ill-formed account/null", "ill-formed body/empty object")
    return tuple(replace(minted(200, f"{ACCOUNTS}/{step}"), request_body=body) for step in steps)


def asked(status: int, headers: Any = RIGHT) -> Exchange:
    found = error("validateSession", status, f"{UNKNOWN}/validateSession", request_headers=headers)
    return replace(found, request_body=ASKED)


def fuzzed(*causes: dict[str, Any]) -> Entry:
    counts = {"coverage": 3}
    return observed(f"{FUZZED}/generateSession", causes=causes, exchanges=[1], error="", ended="", cases=counts, seed=1)


def cause(check: str, *exchanges: int) -> dict[str, Any]:
    return {"check": check, "key": check, "expected": "what fits", "observed": "what does not", "exchanges": exchanges}


def limited(**headers: Any) -> Exchange:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return error("generateSession", 429, "a_story/limited", headers=changed)


def unannounced(status: int) -> Exchange:
    none = {f"X-RateLimit-{name}": None for name in ("Limit", "Remaining", "Reset")}
    return error("validateSession", status, "a_story/parsed", request_headers=RIGHT, headers=none)


def keyed(status: int) -> tuple[Entry, ...]:
    tries = [error("generateSession", each, f"{OVER}/asked", at=NOW + n) for n, each in enumerate((200, 429))]
    return observed(f"{OVER}/limit", limit=1), *tries, error("generateSession", status, f"{OVER}/another key")


def nest(status: int, **changed: Any) -> Exchange:
    return error("validateSession", status, "a_story/nest", changed={"timestamp": ..., "path": ..., **changed})


def attempts(*statuses: int) -> tuple[Entry, ...]:
    body = {"payload": {"status": "LIVE"}}
    return (
        observed(f"{RETRIES}/deliveries", **{"told by": "receiver"}),
        *(
            answer(
                f"{RETRIES}/deliveries",
                each,
                sent=body,
                operation="receiveEventStatusChanged",
                facts={"delivery": "1", "answered": each},
            )
            for each in statuses
        ),
    )


SHOWN: dict[str, Shown] = {
    "post-success-201": Shown(
        "generate-answers-201",
        ("session_token.generate_session_answers_200", "fuzzing.generateSession"),
        (minted(201), fuzzed(cause("status_code_conformance", 1))),
        (minted(500), fuzzed(cause("not_a_server_error", 1))),
    ),
    "account-id-optional": Shown(
        "account-id-optional",
        ("session_token.missing_account_is_refused", "fuzzing.generateSession"),
        (*minted_for(b"{}"), fuzzed(cause("negative_data_rejection", 1))),
        (*minted_for(b'{"account_id": "x"}'), fuzzed(cause("negative_data_rejection", 1))),
    ),
    "unknown-session-401": Shown(
        "unknown-session-answers-401",
        ("session_token.validate_session_answers_404_to_an_unknown_token",),
        (documented("validateSession", 200, "a_story/right", request_headers=RIGHT), asked(401)),
        (documented("validateSession", 200, "a_story/right", request_headers=RIGHT), asked(403)),
    ),
    "unknown-session-400": Shown(
        "unknown-session-answers-400",
        ("session_token.validate_session_answers_404_to_an_unknown_token",),
        (documented("validateSession", 200, "a_story/right", request_headers=RIGHT), asked(400)),
        (documented("validateSession", 200, "a_story/right", request_headers=RIGHT), asked(400, headers=WRONG)),
    ),
    "reset-in-seconds-left": Shown(
        "rate-limit-reset-in-seconds-left",
        ("rate_limits.reset_is_in_unix_seconds",),
        (documented("validateSession", 200, "a_story/one", headers={"X-RateLimit-Reset": "60"}),),
        (documented("validateSession", 200, "a_story/one", headers={"X-RateLimit-Reset": f"{NOW * 1000:.0f}"}),),
    ),
    "limits-by-address": Shown(
        "rate-limit-shared-by-all-users",
        ("rate_limits.generate_session_counts_by_user",),
        keyed(429),
        (*(each for each in keyed(429) if not each.step.endswith("/asked")), minted(200)),
    ),
    "no-rate-headers-on-429": Shown(
        "no-rate-limit-headers-past-the-limit",
        ("rate_limits.limits_are_announced_before_the_route",),
        (limited(X_RateLimit_Limit=None, X_RateLimit_Remaining=None, X_RateLimit_Reset=None),),
        (limited(X_RateLimit_Limit="many"),),
    ),
    "no-rate-headers-of-the-parser": Shown(
        "no-rate-limit-headers-of-the-parser",
        ("rate_limits.limits_are_announced_before_the_route",),
        (replace(unannounced(400), request_body=b"{"),),
        (limited(X_RateLimit_Limit=None),),
    ),
    "webhook-parsed-before-its-signature": Shown(
        "webhook-parsed-before-its-signature",
        ("webhook.webhook_authenticates_before_it_reads",),
        (
            replace(
                error("receiveEventStatusChanged", 400, f"{STRANGERS}/nonsense/not JSON"),
                request_body=b"{",
            ),
        ),
        (
            replace(
                error("receiveEventStatusChanged", 400, f"{STRANGERS}/nonsense/no field", request_headers=RIGHT),
                request_body=b"{}",
            ),
        ),
    ),
    "default-error-shape": Shown(
        "error-shape-of-nest",
        ("errors.tuvens_api_errors_share_one_shape", "errors.error_tells_its_own_status"),
        (nest(404),),
        (nest(404, message=...),),
    ),
    "one-webhook-attempt": Shown(
        "webhook-not-retried",
        ("hi_events_delivery.retries_after_a_server_error",),
        attempts(503),
        attempts(503, 503, 503),
    ),
}


def judged(
    shown: Shown, record: tuple[Entry, ...], *declared: str, until: date = TODAY
) -> tuple[dict[str, Finding], list[str]]:
    rules = catalogue()
    deviations = [Deviation("", "known", "team", until, name=each) for each in declared]
    found, problems = judge_all(
        rules, [replace(rules[each], needs=()) for each in shown.rules], history(*record), deviations, TODAY, KNOWN
    )
    return {each.requirement: each for each in found}, problems


def test_every_deviation_is_shown_here_and_each_is_known_once() -> None:
    names = [each.name for each in KNOWN]
    assert sorted(names) == sorted(SHOWN)
    assert len(set(names)) == len(names)
    for each in KNOWN:
        assert [name for name in each.shows_in if name not in catalogue()] == []


@pytest.mark.parametrize("name", SHOWN)
def test_a_fault_of_a_simulator_shows_it(name: str) -> None:
    fault = FAULTS[SHOWN[name].fault]
    assert fault.kind == "fault"
    assert fault.kills & set(SHOWN[name].rules)


@pytest.mark.parametrize("name", SHOWN)
def test_it_explains_what_it_violates_and_that_is_one_problem(name: str) -> None:
    found, problems = judged(SHOWN[name], SHOWN[name].record)
    violated = [each for each in found.values() if each.verdict is VerdictName.VIOLATED]
    assert violated
    assert {each.deviations for each in violated} == {(name,)}
    assert {each.cause for each in violated} == {name}
    assert problems == []


@pytest.mark.parametrize("name", SHOWN)
def test_declared_it_is_waived_and_nothing_is_violated(name: str) -> None:
    found, problems = judged(SHOWN[name], SHOWN[name].record, name)
    assert VerdictName.VIOLATED not in {each.verdict for each in found.values()}
    waived = [each for each in found.values() if each.verdict is VerdictName.WAIVED]
    assert waived
    assert {each.waiver.requirement for each in waived if each.waiver is not None} == {name}
    assert problems == []


@pytest.mark.parametrize("name", SHOWN)
def test_declared_it_waives_no_other_defect_of_the_same_rules(name: str) -> None:
    found, _ = judged(SHOWN[name], SHOWN[name].worse, name)
    assert VerdictName.WAIVED not in {each.verdict for each in found.values()}


def test_past_its_date_it_is_a_problem() -> None:
    shown = SHOWN["post-success-201"]
    found, problems = judged(shown, shown.record, "post-success-201", until=date(2026, 11, 28))
    assert {each.verdict for each in found.values()} == {VerdictName.VIOLATED}
    assert problems == ["the deviation post-success-201 was waived until 2026-11-28 (owner team) and is still there"]


def test_where_it_no_longer_happens_it_is_to_be_taken_out() -> None:
    _, problems = judged(SHOWN["post-success-201"], (minted(200), fuzzed()), "post-success-201")
    assert problems == [
        "the deviation post-success-201 (owner team) no longer happens: take it out of the deployment file"
    ]


def test_what_a_declared_deviation_does_not_explain_is_reported_by_itself() -> None:
    shown = SHOWN["post-success-201"]
    both = (minted(201), fuzzed(cause("status_code_conformance", 1), cause("not_a_server_error", 1)))
    found, _ = judged(shown, both, "post-success-201")
    fuzzing = found["fuzzing.generateSession"]
    assert fuzzing.verdict is VerdictName.VIOLATED
    assert fuzzing.observed == "what does not"
    assert fuzzing.deviations == ()
    assert found["session_token.generate_session_answers_200"].verdict is VerdictName.WAIVED


def test_the_cause_is_what_the_known_deviations_do_not_explain() -> None:
    failing = {**cause("not_a_server_error", 2), "observed": "a server error in 500"}
    record = (
        minted(201),
        error("generateSession", 500, "a_story/failed"),
        fuzzed(cause("status_code_conformance", 1), failing),
    )
    found, _ = judged(SHOWN["post-success-201"], record)
    fuzzing = found["fuzzing.generateSession"]
    assert (fuzzing.deviations, fuzzing.cause) == ((), "tuvens-api: 500 of generateSession (ill-formed, to be refused)")
    assert fuzzing.observed.startswith("2 causes")


def test_two_deviations_together_explain_one_violation_and_one_of_them_is_not_enough() -> None:
    shape = replace(nest(400), operation="generateSession")
    record = (minted(201), shape, fuzzed(cause("status_code_conformance", 1), cause("response_schema_conformance", 2)))
    shown = SHOWN["post-success-201"]
    found, _ = judged(shown, record)
    assert found["fuzzing.generateSession"].deviations == ("post-success-201", "default-error-shape")
    found, _ = judged(shown, record, "post-success-201")
    assert found["fuzzing.generateSession"].verdict is VerdictName.VIOLATED
    assert found["fuzzing.generateSession"].deviations == ("default-error-shape",)
    found, _ = judged(shown, record, "post-success-201", "default-error-shape")
    assert found["fuzzing.generateSession"].verdict is VerdictName.WAIVED


def test_a_record_that_shows_none_explains_nothing() -> None:
    lost = history(no_answer("a_story/step", operation="validateSession"))
    assert [each.name for each in KNOWN if each.without(lost) is not None] == []


def test_the_documentation_lists_them() -> None:
    text = (Path(__file__).parents[3] / "docs" / "deviations.md").read_text("utf-8")
    rows = [f"| `{each.name}` | {each.app} | {each.sentence} | {each.ruling} |" for each in KNOWN]
    assert [row for row in text.splitlines() if row.startswith("| `")] == rows
