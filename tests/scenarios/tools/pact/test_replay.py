"""Pacts are replayed on deployments with and without a control plane, and before servers and states that go wrong."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

import openapi
from contracts import placeholders
from contracts.pacts.interactions import interactions
from contracts.pacts.states import When
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.report import Finding
from harness.verdict import VerdictName
from scenarios.tools.pact import provider_states, setups, verifier, verifier_process
from scenarios.tools.pact.provider_states import ProviderStates
from scenarios.tools.pact.verifier_process import UnreadableAnswerError, VerifierFailedError, VerifierProcess
from simulators.launch import LaunchOptions
from tests.harness.hostile import answering, in_thread, silent
from tests.launching import launched

_ONE = next(each for each in interactions() if each.name == "hi_events_user_accounts_lists_them")


def _pacts(deployment: Deployment, select: str) -> dict[str, Finding]:
    """What a run says of the pacts, by their names."""
    settings = Settings(select=(select,))
    run = asyncio.run(perform(deployment, settings))
    kept = "".join(run.lines)
    assert not any(secret in kept for _, secret in deployment.secrets())
    assert placeholders.PATTERN.search(kept) is None, "a placeholder was sent as it was"
    report = report_of(run, settings)
    return {
        each.requirement.removeprefix("pact."): each for each in report.findings if each.requirement.startswith("pact.")
    }


def _deployment(options: LaunchOptions, *, select: str = "pact.*") -> dict[str, Finding]:
    with launched(options) as built:
        described = build_deployment(built.description(), apps=openapi.APPS, editions=(openapi.EDITION,))
        return _pacts(described, select)


def _named(when: When) -> set[str]:
    return {each.name for each in interactions() if each.provider_state.when is when}


def test_without_a_control_plane_all_is_verified_that_the_public_interface_reaches() -> None:
    found = _deployment(LaunchOptions(limits="raised", control=False))
    by_verdict: dict[VerdictName, set[str]] = {}
    for each in interactions():
        by_verdict.setdefault(found[each.name].verdict, set()).add(each.name)
    assert by_verdict == {
        VerdictName.HELD: _named(When.CALM),
        VerdictName.NOT_APPLICABLE: _named(When.EXPIRED) | _named(When.TROUBLE) | _named(When.LIMITED),
    }
    assert all(found[name].reason for name in by_verdict[VerdictName.NOT_APPLICABLE])


def test_expiry_is_waited_for_where_there_is_no_control_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_states, "_SECONDS_AFTER_EXPIRY", 0.5)
    environment = {"CROSS_APP_SESSION_EXPIRY": "1"}
    options = LaunchOptions(limits="raised", control=False, environment=environment)
    found = _deployment(options, select="pact.*expired*")
    assert {found[name].verdict for name in _named(When.EXPIRED)} == {VerdictName.HELD}


def test_limits_are_used_up_by_asking_where_there_is_no_control_plane() -> None:
    found = _deployment(LaunchOptions(limits="contract", control=False), select="pact.*past_the_limit")
    verdicts = {name: found[name].verdict for name in _named(When.LIMITED)}
    too_high = verdicts.pop("hi_events_webhook_past_the_limit")
    assert too_high is VerdictName.NOT_APPLICABLE
    assert set(verdicts.values()) == {VerdictName.HELD}


def test_a_broken_provider_is_red_for_what_it_broke_and_nothing_else_is() -> None:
    found = _deployment(LaunchOptions(limits="raised", faults=("all-accounts-listed", "permission-always-false")))
    verdicts = Counter(each.verdict for each in found.values())
    red = {name for name, each in found.items() if each.verdict is VerdictName.VIOLATED}
    assert {"hi_events_validate_permission_on_own_event", "hi_events_validate_permission_in_the_account"} == red
    assert verdicts[VerdictName.HARNESS_FAULT] == 0
    (number,) = found["hi_events_validate_permission_in_the_account"].evidence
    assert number
    assert "curl" in found["hi_events_validate_permission_in_the_account"].reproduce
    assert found["tuvens_client_permission_on_own_event"].verdict is VerdictName.BLOCKED


def _job(url: str, **others: str) -> dict[str, str]:
    return {
        "file": str(_ONE.file),
        "provider": _ONE.provider,
        "description": _ONE.description,
        "url": url,
        "states": url + "/states",
        "messages": url + "/messages",
        **others,
    }


_RIGHT = b'{"accounts": [{"id": 1, "name": "Acme", "slug": "acme", "role": "owner"}]}'


@pytest.mark.parametrize(
    ("others", "count"),
    [({}, 1), ({"description": "a question that nobody asks"}, 0)],
    ids=["right", "a filter that matches nothing"],
)
def test_the_verifier_says_how_many_interactions_it_verified(others: dict[str, str], count: int) -> None:
    with in_thread(answering(_RIGHT)) as url:
        answer = verifier.verify(_job(url, **others))
    assert answer["count"] == count


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"accounts": [{"id": "1", "name": "Acme", "slug": "acme"}]}', "to be an integer"),
        (b'{"accounts": []}', "Expected"),
        (b"[" * 500_000, "recursion limit"),
        (bytes(range(256)) * 100, "parse"),
    ],
    ids=["a number as text", "nothing", "depth", "bytes"],
)
def test_the_verifier_tells_what_differs_whatever_the_answer_is(body: bytes, said: str) -> None:
    with in_thread(answering(body)) as url:
        answer = verifier.verify(_job(url))
    assert not answer["ok"]
    assert any(said in each for each in answer["mismatches"]), answer
    assert all(len(each) < 500 for each in answer["mismatches"])


def _verified(job: dict[str, Any], then: Callable[[asyncio.subprocess.Process], None] = lambda _: None) -> Any:
    async def run() -> Any:
        process = VerifierProcess()
        answered = asyncio.Event()
        answered.set()
        try:
            then(await process._start())
            return await process.verify(job, answered)
        finally:
            await process.end()

    return asyncio.run(run())


def test_the_verifier_knows_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with in_thread(answering(b'{"accounts": []}')) as url:
        mismatches = _verified(_job(url))["mismatches"]
    assert any("Expected" in each for each in mismatches), mismatches


def test_a_verifier_that_fails_by_itself_is_a_fault_of_ours() -> None:
    with pytest.raises(VerifierFailedError, match="code 1: KeyError"):
        _verified({"provider": "tuvens-api"})


def test_a_verifier_that_dies_over_an_answer_leaves_it_undecided() -> None:
    def kill(process: asyncio.subprocess.Process) -> None:
        os.kill(process.pid, signal.SIGSEGV)

    with pytest.raises(UnreadableAnswerError, match="signal 11"):
        _verified(_job("http://127.0.0.1:9"), kill)


def test_a_verifier_that_does_not_come_to_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier_process, "_SECONDS_TO_READ", 0.2)
    with in_thread(silent) as url, pytest.raises(UnreadableAnswerError, match=r"within 0\.2 s"):
        _verified(_job(url))


def test_a_state_that_crashes_is_a_fault_of_ours_and_does_not_hold_up_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(states: ProviderStates) -> AsyncIterator[Mapping[str, object]]:
        yield {"never": states.nothing_like_this}  # type: ignore[attr-defined]

    monkeypatch.setitem(setups._setups, "no session has this token", asynccontextmanager(crash))
    found = _deployment(LaunchOptions(limits="raised"))
    faulty = {name for name, each in found.items() if each.verdict is VerdictName.HARNESS_FAULT}
    assert faulty == {each.name for each in interactions() if each.state == "no session has this token"}
    assert "nothing_like_this" in found["hi_events_validate_session_unknown_token"].reason
