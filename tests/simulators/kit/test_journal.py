"""What the journal keeps, and what it must not."""

import asyncio
import json
from typing import Any

from harness.redact import placeholder
from simulators.kit import journal as journal_module
from simulators.kit.journal import Journal, RawExchange

SECRET = "a-shared-secret-of-the-tests"
TOKEN = "T" * 43
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def _record(journal: Journal, **changes: Any) -> journal_module.JournalEntry:
    values: dict[str, Any] = {
        "direction": "in",
        "caller": "test",
        "callee": "app",
        "operation": "op",
        "method": "GET",
        "target": "/",
        "request_headers": (),
        "request_body": b"",
        "status": 200,
        "response_headers": (),
        "response_body": b"",
        "started": 0.0,
        "seconds": 0.0,
        "ended": 0.0,
    }
    journal.record(RawExchange(**{**values, **changes}))
    (kept,) = journal.exchanges(after=journal.last - 1)
    return kept


def test_known_secrets_and_jwts_are_replaced_wherever_they_stand() -> None:
    journal = Journal("app", {SECRET: "shared-secret"})
    journal.remember("session-token", TOKEN)
    exchange = _record(
        journal,
        target=f"/x?session_token={TOKEN}",
        request_headers=(("x-shared-secret", SECRET), ("authorization", f"Bearer {JWT}")),
        request_body=f'{{"a": "{TOKEN}", "b": "{SECRET}"}}'.encode(),
        response_headers=(("x-debug", SECRET),),
        response_body=b"\xff" + TOKEN.encode(),
        problems=(f"/body: {TOKEN}",),
    )
    text = json.dumps(exchange.to_json())
    assert not [secret for secret in (SECRET, TOKEN, JWT) if secret in text]
    assert exchange.request_headers[0] == ("x-shared-secret", placeholder("shared-secret", SECRET))
    assert placeholder("session-token", TOKEN) in exchange.target
    assert placeholder("jwt", JWT) in exchange.request_headers[1][1]


def test_a_secret_that_is_learnt_later_is_replaced_in_what_was_kept_before() -> None:
    journal = Journal("app", {})
    _record(journal, target=f"/{TOKEN}")
    journal.remember("session-token", TOKEN)
    assert journal.exchanges()[0].target == f"/{placeholder('session-token', TOKEN)}"


def test_secrets_are_found_by_the_places_where_they_stand() -> None:
    journal = Journal("app", {}, frozenset({"session_token"}))
    exchange = _record(
        journal,
        target="/x?a=b&session_token=the-token-in-the-query",
        request_headers=(
            (b"x-shared-secret", b"the-secret"),
            (b"authorization", b"Bearer the-bearer-token"),
            (b"cookie", b"a=the-first-cookie; b=the-second-cookie"),
        ),
        request_body=b'{"session_token" : "the-token-in-the-body", broken',
        response_headers=(("X-Auth-Token", "the-answered-token"),),
        response_body=b'{"session_token":"the-minted-token"}',
    )
    text = json.dumps(exchange.to_json())
    assert "the-" not in text
    assert text.count("<session-token:") == 3
    assert text.count("<bearer:") == 4
    assert text.count("<shared-secret:") == 1


def test_a_secret_of_one_exchange_is_replaced_in_that_exchange() -> None:
    journal = Journal("app", {})
    exchange = _record(journal, request_body=b"token=short-one", secrets=[("bearer", "short-one")])
    assert exchange.request_body == f"token={placeholder('bearer', 'short-one')}"


def test_bytes_that_are_no_text_are_kept_as_base64() -> None:
    assert _record(Journal("app", {}), request_body=b"\xff\x00").request_body == {"base64": "/wA="}


def test_large_bodies_are_cut_without_cutting_a_secret_in_two() -> None:
    journal = Journal("app", {SECRET: "shared-secret"})
    body = b"x" * (64 * 1024 - 10) + SECRET.encode() + b"y" * 100_000
    kept = _record(journal, request_body=body).request_body
    assert isinstance(kept, str)
    assert len(kept) == 64 * 1024
    assert SECRET[:9] not in kept


def test_the_ring_is_bounded_in_number_and_size_and_numbers_go_on() -> None:
    journal = Journal("app", {})
    for _ in range(journal_module.KEPT + 5):
        _record(journal)
    kept = journal.exchanges()
    assert (len(kept), kept[0].number, journal.last) == (journal_module.KEPT, 6, journal_module.KEPT + 5)
    for _ in range(1200):
        _record(journal, request_body=b"x" * 100_000)
    assert len(journal.exchanges()) < 1100
    journal.clear()
    assert journal.exchanges() == []
    assert _record(journal).number == journal_module.KEPT + 1206


def test_waiting_ends_with_the_exchange_that_was_waited_for() -> None:
    async def run() -> None:
        journal = Journal("app", {})
        _record(journal, operation="other")
        waiting = asyncio.create_task(journal.wait(operation="op", at_least=2, seconds=5))
        await asyncio.sleep(0)
        _record(journal)
        await asyncio.sleep(0)
        assert not waiting.done()
        _record(journal)
        assert [each.number for each in await waiting] == [2, 3]

    asyncio.run(run())


def test_waiting_in_vain_ends_with_what_there_is() -> None:
    journal = Journal("app", {})
    _record(journal)
    assert len(asyncio.run(journal.wait(at_least=2, seconds=0.01))) == 1
    assert asyncio.run(journal.wait(caller="nobody", seconds=0)) == []
