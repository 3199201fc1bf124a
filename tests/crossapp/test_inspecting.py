"""The inspector of `crossapp proxy`: what passes is told live, and no secret with it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from crossapp.inspecting import HistorySource, inspected
from harness.history import Exchange, History, Observation
from harness.redact import Redactor
from harness.server import ServeError, listen
from harness.sse import SseReader
from tests.counting import Counted
from tests.harness.examples import exchange, history

_SECRET = "a-secret-that-nobody-may-see-anywhere"


def asked(number: int, **more: Any) -> Exchange:
    """A forwarded request of a tool."""
    sent = replace(
        exchange(number, "proxy/validateSession", body=b'{"user_id":1}'),
        caller="tool",
        callee="tuvens-api",
        operation="validateSession",
        method="POST",
        url="https://api.staging.example.com/base/api/cross-app/validate-session",
        request_headers=(("Content-Type", "application/json"), ("x-shared-secret", "<shared-secret:01234567>")),
        request_body=b'{"session_token":"<session-token:01234567>"}',
        facts={"problems": ["/body/user_id: is 1"], "secrets": [], "subject": "a@example.com"},
    )
    return replace(sent, **more)


def test_rows_leave_out_what_is_no_exchange_and_go_on_after_it() -> None:
    record = history(asked(1), Observation(2, "proxy/x", {}), asked(3), Observation(4, "proxy/x", {}))
    source = HistorySource(record, Redactor())
    assert source.kept == (1, 4)
    assert [each.number for each in source.rows(0, 1)] == [1]
    assert [each.number for each in source.rows(1, 10)] == [3]
    assert source.rows(3, 10) == []
    (row, _) = source.rows(0, 10)
    assert (row.target, row.problems, row.user) == ("/base/api/cross-app/validate-session", 1, "a@example.com")
    assert [source.detail(number) is None for number in (-1, 0, 2, 5)] == [True] * 4


def test_new_rows_cost_the_same_however_long_the_record_is() -> None:
    record = history(*map(asked, range(1, 501)))
    entries = record.entries = Counted(record.entries)
    assert [each.number for each in HistorySource(record, Redactor()).rows(498, 10)] == [499, 500]
    assert entries.looked < 10


def test_a_detail_has_the_validation_and_a_command_with_variables() -> None:
    found = HistorySource(history(asked(1)), Redactor()).detail(1)
    assert found is not None
    assert found["validation"]["request"]["verdict"] == "conforms"
    assert found["validation"]["response"]["problems"] == ["/body/user_id: is 1"]
    assert '"$SHARED_SECRET"' in found["curl"]
    assert "https://api.staging.example.com/base/api/cross-app/validate-session" in found["curl"]


def test_a_request_of_no_document_and_one_without_an_answer_are_told_as_such() -> None:
    lost = asked(1, operation="", status=None, error="broke off", facts={})
    found = HistorySource(history(lost), Redactor()).detail(1)
    assert found is not None
    assert (found["response"], found["error"]) == (None, "broke off")
    assert {each["verdict"] for each in found["validation"].values()} == {"unread"}


def test_a_secret_that_became_known_later_is_removed_too() -> None:
    redactor = Redactor()
    body = f'{{"note":"{_SECRET}"}}'.encode()
    url = f"http://x/{_SECRET}"
    record = history(asked(1, url=url, request_body=body, response_body=body, error=_SECRET, facts={"seen": _SECRET}))
    redactor.register("bearer", _SECRET)
    source = HistorySource(record, redactor)
    told = json.dumps([*(each.to_json() for each in source.rows(0, 10)), source.detail(1)])
    assert _SECRET not in told
    assert "<bearer:" in told


async def _events(stream: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    reader = SseReader()
    async for chunk in stream.aiter_raw():
        for message in reader.read(chunk):
            if message.kind == "event":
                yield message.event, json.loads(message.data)


def test_what_passes_while_somebody_looks_is_told_at_once() -> None:
    record = history()
    redactor = Redactor()

    async def run() -> None:
        async with inspected(record, redactor, ["tuvens-api"]) as where, httpx.AsyncClient(trust_env=False) as client:
            base, _, token = where.partition("/inspector/#")
            assert [kind for kind, _ in redactor.found_in(token)] == ["control-token"]
            assert (await client.get(f"{base}/inspector/")).status_code == 200
            assert (await client.get(f"{base}/lanes")).status_code == 401
            headers = {"Authorization": f"Bearer {token}"}
            lanes = (await client.get(f"{base}/lanes", headers=headers)).json()
            assert lanes["lanes"] == ["tuvens-api"]
            evil = {**headers, "Origin": "https://evil.example"}
            assert (await client.get(f"{base}/lanes", headers=evil)).status_code == 403
            assert (await client.get(f"{base}/apps/proxy/exchanges/1", headers=headers)).status_code == 404
            async with client.stream("GET", f"{base}/feed", headers=headers) as stream:
                events = _events(stream)
                while (await anext(events))[0] != "whole":
                    pass
                record.entries.append(asked(1))
                name, data = await anext(events)
                assert (name, data["rows"][0]["target"]) == ("rows", "/base/api/cross-app/validate-session")
            assert (await client.get(f"{base}/apps/proxy/exchanges/1", headers=headers)).json()["number"] == 1

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_port_that_is_taken_is_named() -> None:
    async def run(port: int) -> None:
        async with inspected(History(history().context), Redactor(), [], port=port):
            raise AssertionError("it listens on a port that is taken")

    with listen() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=str(port)):
            asyncio.run(run(port))
