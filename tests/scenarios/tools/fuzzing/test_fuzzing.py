"""Operations are fuzzed: Schemathesis itself, run against servers that break something."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import catalogue
from contracts.recording import recorder_for
from contracts.webhook.wire import signature_matches
from crossapp.run import Settings, context_of
from harness.capabilities import capabilities_of
from harness.deployment import Deployment, Safety
from harness.history import Exchange, History
from harness.http import header
from harness.judge import judge_all
from harness.report import Finding
from harness.requirement import Catalogue
from harness.saved_history import history_lines, read_history
from harness.verdict import Held, Inconclusive, Verdict, VerdictName, Violated
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from scenarios.catalogue import stories
from scenarios.tools.fuzzing.campaign import Campaign, most_counted
from tests.contracts.histories import verdict
from tests.harness.hostile import Serve, answering, endless, hangs_up, serving, silent, stream
from tests.scenarios.tools.proxied import JWT, SECRET, deployment_at

STORY = "operations_are_fuzzed"
NOT_FOUND = {"statusCode": 404, "timestamp": "2025-07-25T14:30:00.000Z", "path": "/", "message": "there is none"}


def json_answer(value: object, status: str) -> Serve:
    return answering(json.dumps(value).encode(), status)


async def fuzzed(
    serve: Serve,
    *names: str,
    app: str = "tuvens-api",
    event: str = "12",
    seed: int = 0,
    seconds: float = 30.0,
    **changed: Any,
) -> tuple[History, str]:
    """What was recorded of a server at which some operations were fuzzed, and the same as it is saved."""
    async with serving(serve) as url:
        deployment: Deployment = replace(deployment_at(url, seconds=seconds, app=app), **changed)
        history = History(context_of(deployment, Settings()))
        stage = Stage(deployment, recorder_for(deployment, history), seed=seed, examples=2)
        try:
            await Campaign(Cast(stage, stories()[STORY]), app, list(names), event).run()
        finally:
            await stage.close()
        lines = list(history_lines(history, stage.recorder.redactor))
        return read_history(lines), "\n".join(lines)


def run(serve: Serve, *names: str, **said: Any) -> tuple[History, str]:
    return asyncio.run(fuzzed(serve, *names, **said))


def judged(history: History, name: str) -> Verdict:
    return verdict(f"fuzzing.{name}", history)


def sent(history: History) -> list[tuple[str, str, bytes]]:
    """The requests of the fuzzer, the port of the server aside."""
    return [
        (each.method, each.url.partition("/api")[2], each.request_body)
        for each in history.entries
        if isinstance(each, Exchange)
    ]


def test_a_server_that_is_right_is_held_with_the_number_of_cases() -> None:
    history, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "getEvent")
    found = judged(history, "getEvent")
    assert isinstance(found, Held), found
    assert "cases (" in found.note
    assert "coverage" in found.note
    assert all(isinstance(history.numbered(number), Exchange) for number in found.evidence)


def test_an_app_of_which_only_pages_are_fuzzed_has_no_sequences_of_calls() -> None:
    page = answering(b"<!doctype html><title>x</title>", kind="text/html")
    history, _ = run(page, "handleHiEventsCallback", app="tuvens-client", event="")
    assert isinstance(judged(history, "handleHiEventsCallback"), Held)


def test_operations_whose_links_lead_to_operations_that_are_not_fuzzed_have_no_sequences_of_calls() -> None:
    refusal = {**NOT_FOUND, "statusCode": 401}
    history, _ = run(json_answer(refusal, "401 Unauthorized"), "generateSession")
    assert history.observation(f"{STORY}/generateSession").values["error"] == ""


def test_a_server_that_fails_is_violated_once_with_a_curl_of_the_smallest_case() -> None:
    history, _ = run(json_answer(NOT_FOUND, "500 Oops"), "validatePermission")
    found = judged(history, "validatePermission")
    assert isinstance(found, Violated)
    assert found.observed.startswith("a server error in 500")
    (number,) = found.evidence
    smallest = history.numbered(number)
    assert isinstance(smallest, Exchange)
    sizes = [len(each.request_body) for each in history.every(f"{STORY}/validatePermission")]
    assert len(smallest.request_body) == min(sizes)
    assert "curl -i -X POST" in finding(history, "validatePermission").reproduce


def test_netrc_and_proxies_of_the_environment_reach_no_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password bbbbbbbbb\n", "utf-8")
    for name, value in (
        ("HOME", str(tmp_path)),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("no_proxy", ""),
        ("NO_PROXY", ""),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NETRC", raising=False)
    history, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "generateSession")
    sent_with = [header(each.request_headers, "Authorization") for each in history.exchanges("generateSession")]
    assert any(each is not None and each.startswith("Bearer <jwt:") for each in sent_with)
    assert not [each for each in sent_with if each is not None and each.startswith("Basic")]


def test_a_run_in_which_nobody_was_authenticated_is_undecided() -> None:
    refused = {**NOT_FOUND, "statusCode": 401, "message": "who are you?"}
    history, _ = run(json_answer(refused, "401 Unauthorized"), "updateEvent", "getEvent")
    found = judged(history, "updateEvent")
    assert isinstance(found, Inconclusive), found
    assert found.reason.endswith("cases returned 401: none was authenticated")


def finding(history: History, name: str) -> Finding:
    alone = Catalogue()
    alone.add(replace(catalogue()[f"fuzzing.{name}"], depends_on=()))
    (found,), _ = judge_all(alone, list(alone), history, [], date(2026, 1, 1))
    return found


def test_no_secret_is_in_what_is_saved_and_told() -> None:
    echo = {**NOT_FOUND, "message": f"{SECRET} {JWT}"}
    history, saved = run(json_answer(echo, "500 Oops"), "validatePermission", "updateEvent", events=("12",))
    assert SECRET not in saved
    assert JWT not in saved
    told = repr(finding(history, "validatePermission")) + repr(finding(history, "updateEvent"))
    assert SECRET not in told
    assert JWT not in told
    assert "$SHARED_SECRET" in told
    assert "$JWT" in told


def test_the_webhook_is_signed_whatever_its_body_is() -> None:
    history, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "receiveEventStatusChanged")
    seen = history.every(f"{STORY}/receiveEventStatusChanged")
    assert len(seen) > 40
    assert len({each.request_body for each in seen}) > 30
    for each in seen:
        signature = {name.lower(): value for name, value in each.request_headers}["x-hi-events-signature"]
        assert signature_matches(SECRET, each.request_body, signature), each


def test_what_demands_no_credentials_is_found() -> None:
    permission = json_answer({"has_permission": True}, "200 OK")
    history, _ = run(permission, "validatePermission")
    found = judged(history, "validatePermission")
    assert isinstance(found, Violated)
    assert "API accepts requests without authentication" in found.observed
    assert "a request accepted whose body" in found.observed


def test_a_seed_gives_the_same_cases_in_the_same_order_and_another_others() -> None:
    first, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "validateSession", seed=3)
    again, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "validateSession", seed=3)
    other, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "validateSession", seed=4)
    assert sent(first) == sent(again)
    assert sent(first) != sent(other)


_TRIED = 3 * 40
"""Requests for the cases of two operations, each of which may get no response in time twice."""


@pytest.mark.parametrize(
    ("serve", "at_most"),
    [
        (silent, 15),
        (hangs_up, 40),
        (endless(b"x" * 1000), 40),
        (answering(b"<html>" * 9, "200 OK", kind="text/html"), _TRIED),
        (answering(b"\xff\xfe\x00", "299 Hm", kind="application/json; charset=nonsense"), _TRIED),
        (stream(b"data: x\n\n", then=endless(b": x\n")), _TRIED),
    ],
    ids=["silent", "hangs up", "endless", "a page", "nonsense", "a stream without end"],
)
def test_a_hostile_server_is_given_up_after_few_requests_and_never_held(serve: Serve, at_most: int) -> None:
    history, _ = run(serve, "getEvent", "streamEventUpdates", seconds=0.3)
    assert 0 < len(sent(history)) <= at_most
    assert isinstance(judged(history, "getEvent"), Inconclusive | Violated)


def test_a_network_that_fails_accuses_nobody() -> None:
    history, _ = run(hangs_up, "getEvent")
    assert isinstance(judged(history, "getEvent"), Inconclusive)


def test_a_rate_limit_bounds_the_cases_and_is_told_and_none_of_them_is_lost() -> None:
    history, _ = run(json_answer(NOT_FOUND, "500 Oops"), "generateSession")
    values = history.observation(f"{STORY}/generateSession").values
    seen = history.every(f"{STORY}/generateSession")
    assert len(seen) == sum(values["cases"].values()) == most_counted(10)
    assert values["cases"]["coverage"] > 0
    assert "rate limit" in values["ended"]
    (cause,) = values["causes"]
    assert len(cause["exchanges"]) == most_counted(10)


def test_no_event_but_the_leased_one_is_changed() -> None:
    history, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "updateEvent", event="12")
    paths = {each.url.rpartition("/")[2] for each in history.every(f"{STORY}/updateEvent")}
    assert "12" in paths
    assert all(each == "12" or each.startswith("crossapp-") for each in paths)


def test_methods_that_no_document_names_are_sent_only_where_allowed_and_to_no_event() -> None:
    def methods(allowed: bool) -> dict[str, set[str]]:
        safety = Safety(True, True, seconds=30.0, unexpected_methods=allowed)
        history, _ = run(json_answer(NOT_FOUND, "404 Not Found"), "getEvent", safety=safety)
        found: dict[str, set[str]] = {}
        for each in history.every(f"{STORY}/getEvent"):
            found.setdefault(each.method, set()).add(each.url.rpartition("/")[2])
        return found

    assert set(methods(False)) == {"GET"}
    allowed = methods(True)
    assert {"DELETE", "POST"} <= set(allowed)
    assert all(id.startswith("crossapp-") for id in allowed["DELETE"])


def test_schemathesis_is_imported_only_where_it_runs() -> None:
    code = "import sys; from scenarios.catalogue import stories; stories(); assert 'schemathesis' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_story_that_is_cut_off_holds_nothing() -> None:
    async def cut() -> History:
        async with serving(silent) as url:
            deployment = deployment_at(url, seconds=30.0)
            history = History(context_of(deployment, Settings()))
            stage = Stage(deployment, recorder_for(deployment, history), examples=2)
            try:
                async with asyncio.timeout(2):
                    await Campaign(Cast(stage, stories()[STORY]), "tuvens-api", ["getEvent"], "").run()
            except TimeoutError:
                pass
            finally:
                await stage.close()
            return history

    assert isinstance(judged(asyncio.run(cut()), "getEvent"), Inconclusive)


def test_no_file_is_left_where_the_user_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "schemathesis.toml").write_text("this is not read, and would not parse", "utf-8")
    run(json_answer(NOT_FOUND, "404 Not Found"), "getEvent")
    assert [each.name for each in tmp_path.iterdir()] == ["schemathesis.toml"]


def test_where_a_deployment_forbids_it_nothing_is_judged_and_the_remedy_is_named() -> None:
    deployment = deployment_at("http://127.0.0.1:1")
    forbids = replace(deployment, safety=replace(deployment.safety, fuzz=False))
    assert "fuzzing" in capabilities_of(deployment)
    found = finding(History(context_of(forbids, Settings())), "getEvent")
    assert found.verdict is VerdictName.NOT_APPLICABLE
    assert "safety.fuzz = true" in found.reason
