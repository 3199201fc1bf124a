"""Our own clients, where a real socket is slow or says little: time-outs, TLS, Retry-After as an HTTP date."""

import asyncio

import httpx
import pytest
import respx

from contracts import placeholders
from contracts.session_token import wire
from crossapp.mocks import mock_tuvens_api
from harness.history import Context, Exchange, History, Outcome
from harness.http import Answer
from harness.pacing import pause_after_429
from harness.recorder import Recorder
from harness.redact import Redactor
from simulators.kit.caller import Caller, CallOutcome
from simulators.kit.clock import Clock
from simulators.kit.journal import Journal

_CALL = wire.validate_session(placeholders.SHARED_SECRET, "token")
_URL = "https://tuvens-api.test"
_NOT_TRUSTED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"


def _recorded() -> tuple[Exchange, Answer | None]:
    async def run() -> tuple[Exchange, Answer | None]:
        recorder = Recorder(History(Context("d", "2025-07", {}, frozenset())), Redactor())
        try:
            return await recorder.send(step="s/x", caller="a", callee="tuvens-api", base_url=_URL, call=_CALL)
        finally:
            await recorder.close()

    return asyncio.run(run())


def _called() -> CallOutcome:
    async def run() -> CallOutcome:
        caller = Caller("tuvens-api", _URL, clock=Clock(), journal=Journal("hi.events", {}))
        try:
            return await caller.send(_CALL, within=10)
        finally:
            await caller.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("failure", "outcome", "said"),
    [
        (httpx.ConnectError(_NOT_TRUSTED), Outcome.REFUSED, "certificate has expired"),
        (httpx.ConnectTimeout("timed out"), Outcome.REFUSED, "ConnectTimeout"),
        (httpx.ReadTimeout("timed out"), Outcome.NO_ANSWER, "ReadTimeout"),
    ],
)
def test_the_recorder_tells_a_connection_that_was_not_made_from_a_response_that_did_not_come(
    failure: httpx.TransportError, outcome: Outcome, said: str
) -> None:
    with respx.mock as router:
        router.post(url__startswith=_URL).mock(side_effect=failure)
        exchange, answer = _recorded()
    assert (exchange.outcome, answer) == (outcome, None)
    assert said in exchange.error


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (httpx.ConnectError(_NOT_TRUSTED), "no connection was made"),
        (httpx.ReadTimeout("timed out"), "the exchange broke off (ReadTimeout)"),
    ],
)
def test_a_call_of_a_simulator_says_how_it_failed(failure: httpx.TransportError, said: str) -> None:
    with respx.mock as router:
        router.post(url__startswith=_URL).mock(side_effect=failure)
        assert _called().error == said


def test_a_pause_lasts_until_the_http_date_that_a_429_names() -> None:
    with respx.mock as router:
        api = mock_tuvens_api(router, fault="too_many_requests", url=_URL)
        later = httpx.Response(429, headers={"Retry-After": "Fri, 25 Jul 2025 14:30:40 GMT"})
        api["validateSession_too_many_requests"].mock(return_value=later)
        _, answer = _recorded()
    assert answer is not None
    assert pause_after_429(answer.headers, now=1753453810.0) == 30.5
