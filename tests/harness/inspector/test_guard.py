"""No page of another origin reads or drives a control plane, whatever name leads it here."""

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from harness.inspector.guard import TokenGuard

TOKEN = "control-token-of-the-tests-0123456789"
BEARER = ("authorization", f"Bearer {TOKEN}")
HERE = ("host", "127.0.0.1:3000")


def status(
    path: str, *headers: tuple[str, str], client: tuple[str, int] | None = ("127.0.0.1", 5), method: str = "GET"
) -> int:
    """What a guarded application answers."""
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": f"/__crossapp__{path}",
        "root_path": "/__crossapp__",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": client,
        "query_string": b"",
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(TokenGuard(PlainTextResponse("inside"), TOKEN, ("/inspector",))(scope, receive, send))
    return int(sent[0]["status"])


def test_the_holder_of_the_token_gets_in() -> None:
    assert status("/clock", HERE, BEARER) == 200
    assert status("/clock", ("host", "localhost:3000"), BEARER, ("origin", "http://localhost:3000")) == 200
    assert status("/clock", ("host", "[::1]:3000"), BEARER, ("sec-fetch-site", "same-origin")) == 200


def test_a_program_may_call_it_by_a_name_of_its_own() -> None:
    assert status("/clock", ("host", "tuvens.test"), BEARER) == 200


@pytest.mark.parametrize("path", ["/clock", "/feed", "/lanes", "/apps/hi.events/faults", "/", "/inspect"])
def test_without_the_token_there_is_only_the_page(path: str) -> None:
    assert status(path, HERE) == 401
    assert status(path, HERE, BEARER, BEARER) == 401
    assert status("/inspector/", HERE) == status("/inspector/main.js", HERE) == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:5173", "http://localhost:3000"])
def test_a_page_of_another_origin_is_refused_even_with_the_token(origin: str) -> None:
    assert status("/clock", HERE, BEARER, ("origin", origin)) == 403
    assert status("/clock/advance", HERE, BEARER, ("origin", origin), method="POST") == 403
    assert status("/inspector/", HERE, ("origin", origin)) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_made_is_refused_even_with_the_token(site: str) -> None:
    assert status("/clock", HERE, BEARER, ("sec-fetch-site", site)) == 403


@pytest.mark.parametrize("host", ["evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"])
def test_a_name_that_was_bound_to_this_machine_leads_to_nothing(host: str) -> None:
    """DNS rebinding: the page's origin and the Host are the same, and neither is ours."""
    same = ("origin", f"http://{host}")
    assert status("/clock", ("host", host), BEARER, same) == 421
    assert status("/clock", ("host", host), BEARER, ("sec-fetch-site", "same-origin")) == 421
    assert status("/inspector/", ("host", host)) == 421
    assert status("/clock", ("host", host)) == 401


def test_two_hosts_are_none() -> None:
    assert status("/inspector/", HERE, HERE) == 421


@pytest.mark.parametrize("client", [None, ("192.0.2.1", 5), ("not an address", 5)])
def test_another_machine_is_refused(client: tuple[str, int] | None) -> None:
    assert status("/clock", HERE, BEARER, client=client) == 403
    assert status("/inspector/", HERE, client=client) == 403
