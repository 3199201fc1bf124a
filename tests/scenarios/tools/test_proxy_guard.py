"""Who may use the proxy, and for what: no page of another site, nobody without the token, no attack on a production."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from contracts import placeholders
from contracts.session_token.wire import generate_session, validate_session
from harness.http import Call
from scenarios.tools.credentials import Adding
from tests.scenarios.tools.proxied import JWT, Proxied, answer_bytes, deployment_at, proxy, upstream

_PATH = "/api/events/11"
_TOKEN = "the-token-of-this-proxy"
_HEADER = "X-Crossapp-Token"


def asked(
    headers: dict[str, str], adding: Adding = Adding.PLACEHOLDERS, token: str = ""
) -> tuple[httpx.Response, list[list[tuple[str, str]]]]:
    """The proxy's response to a GET with these headers, in which `{port}` is its own, and the headers that the
    application behind it got, by request."""

    async def run() -> tuple[httpx.Response, list[list[tuple[str, str]]]]:
        async with upstream() as seen, proxy(deployment_at(seen.url), adding, token) as here:
            url = here.urls["tuvens-api"]
            port = url.rpartition(":")[2]
            sent = [(name, value.replace("{port}", port).encode("latin-1")) for name, value in headers.items()]
            response = await here.client.get(url + _PATH, headers=[(name.encode(), value) for name, value in sent])
            return response, [seen.headers] if seen.heads else []

    return asyncio.run(run())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Referer": "http://127.0.0.1:{port}/"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-site", "Referer": "http://127.0.0.1:1/page"},
    ],
)
def test_a_page_of_another_site_is_refused_and_nothing_is_forwarded(headers: dict[str, str]) -> None:
    response, forwarded = asked(headers)
    assert response.status_code == 403
    assert response.json()["error"] == "a page of another site may not use the proxy"
    assert response.headers["x-crossapp-proxy"] == "not forwarded"
    assert forwarded == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:{port}"},
        {"Sec-Fetch-Site": "same-site", "Referer": "http://127.0.0.1:{port}/page?x=1"},
    ],
)
def test_tools_and_the_pages_of_the_proxied_applications_are_forwarded(headers: dict[str, str]) -> None:
    response, forwarded = asked(headers)
    assert (response.status_code, len(forwarded)) == (200, 1)


@pytest.mark.parametrize("given", [None, "", "another-token", "the-token-of-this-prox\xe9"])
def test_without_the_token_no_credentials_are_added_for_anybody(given: str | None) -> None:
    response, forwarded = asked({} if given is None else {_HEADER: given}, Adding.ALWAYS, _TOKEN)
    assert response.status_code == 401
    assert "x-crossapp-token is missing or wrong" in response.json()["error"]
    assert _TOKEN not in response.text
    assert forwarded == []


def test_the_token_is_not_forwarded_and_other_headers_stay_as_they_are() -> None:
    response, [headers] = asked({_HEADER: _TOKEN, "X-Own": "1"}, Adding.ALWAYS, _TOKEN)
    assert response.status_code == 200
    assert ("X-Own", "1") in headers
    assert _HEADER.lower() not in {name.lower() for name, _ in headers}


def test_a_production_gets_no_attack_through_the_proxy() -> None:
    right, secret = generate_session(placeholders.jwt(), 123), placeholders.SHARED_SECRET
    attacks = [
        generate_session("another-jwt", 123),
        generate_session(None, 123),
        validate_session(secret, "' OR '1'='1"),
        validate_session("wrong", placeholders.session_token()),
        Call("updateEvent", "PATCH", _PATH, (("Authorization", f"Bearer {placeholders.jwt()}"),), b"{}"),
        Call("", "DELETE", _PATH),
    ]
    session = b'{"session_token": "' + b"t" * 40 + b'", "expires_at": "2030-01-01T00:00:00.000Z"}'

    async def passes(here: Proxied, call: Call) -> httpx.Response:
        url = here.urls["tuvens-api"] + call.target
        return await here.client.request(call.method, url, headers=list(call.headers), content=call.body)

    async def run() -> None:
        async with upstream(answer_bytes(session)) as seen:
            staging = deployment_at(seen.url)
            target = replace(staging.targets["tuvens-api"], kind="production")
            async with proxy(replace(staging, targets={"tuvens-api": target})) as here:
                refused = [await passes(here, each) for each in attacks]
                assert [each.status_code for each in refused] == [403] * len(attacks)
                assert all("production is not attacked" in each.json()["error"] for each in refused)
                # A session was begun for a placeholder; the request with it was not sent.
                assert {head.split(b" ")[1] for head in seen.heads} == {b"/api/cross-app/generate-session"}
                assert all(JWT.encode() in head for head in seen.heads)
                before = len(seen.heads)
                assert (await passes(here, right)).status_code == 200
                assert len(seen.heads) == before + 1
            async with proxy(staging) as here:
                assert (await passes(here, attacks[0])).status_code == 200

    asyncio.run(run())
