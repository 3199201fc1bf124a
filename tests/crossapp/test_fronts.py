"""What a gateway, a redirect or a login page returns proves no route and accuses nobody."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

import openapi
from crossapp.run import Settings, perform, report_of
from harness.deployment_file import build_deployment
from harness.report import Report
from harness.verdict import VerdictName
from tests.harness.hostile import Serve, answering, in_thread
from tests.launching import serving

LOGIN = b"<html><title>Sign in</title><form action='/login'></form></html>"


def moved(status: str, location: str) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(b"", status, f"Location: {location}\r\n".encode(), "text/html")(reader, writer)

    return serve


FRONTS = {
    "a redirect to a login page": (moved("302 Found", "/login"), "does not exist gets the same response"),
    "nginx without its upstream": (
        answering(b"<h1>502 Bad Gateway</h1>", "502 Bad Gateway", b"Server: nginx\r\n", "text/html"),
        "a gateway responded (502, text/html, server: nginx)",
    ),
    "a CDN without its origin": (answering(b"error code: 522", "522 ", kind="text/plain"), "a gateway responded (522"),
    "a login page": (answering(LOGIN, kind="text/html"), "does not exist gets the same response"),
    "a firewall": (answering(b"Blocked", "403 Forbidden", kind="text/html"), "does not exist gets the same response"),
    "a gateway's authorizer": (
        answering(b'{"message":"Unauthorized"}', "401 Unauthorized"),
        "does not exist gets the same response",
    ),
    "a forgotten base path": (answering(b'{"message":"no"}', "404 Not Found"), "is its base URL"),
    "an empty page": (answering(b"", "204 No Content"), "does not exist gets the same response"),
}


def verified_at(url: str, *select: str) -> Report:
    description = {
        "targets": {app: {"url": url, "kind": "staging"} for app in openapi.APPS},
        "credentials": {"shared_secret": "a-secret-that-nobody-may-see-anywhere"},
        "users": [{"role": "organiser", "user_id": "1", "account_id": 123, "jwt": "a.jwt.of-somebody"}],
        "events": {"tuvens": ["11"]},
    }
    deployment = build_deployment(description, apps=openapi.APPS, editions=(openapi.EDITION,))
    settings = Settings(select=select)
    return report_of(asyncio.run(perform(deployment, settings)), settings)


@pytest.mark.parametrize("front", FRONTS)
def test_a_front_is_named_and_neither_proves_a_route_nor_violates_anything(front: str) -> None:
    serve, said = FRONTS[front]
    with in_thread(serve) as url:
        report = verified_at(url, "routes.*", "session_token.mints_a_session")
    found = {each.requirement: each for each in report.findings}
    assert VerdictName.VIOLATED not in {each.verdict for each in report.findings}
    answers = found["routes.tuvens-api_answers"]
    assert answers.verdict is VerdictName.INCONCLUSIVE
    assert said in f"{answers.reason} {answers.next}"
    assert found["session_token.mints_a_session"].verdict is VerdictName.BLOCKED
    assert report.footer.exit_code in (2, 4)


def test_a_redirect_to_https_says_which_url_to_give() -> None:
    async def redirect(request: Request) -> RedirectResponse:
        return RedirectResponse(f"https://api.example.com{request.url.path}", 301)

    with serving(Starlette(routes=[Route("/{path:path}", redirect, methods=["GET", "POST", "PUT", "PATCH"])])) as (
        url,
    ):
        report = verified_at(url, "routes.*", "session_token.mints_a_session")
    found = {each.requirement: each for each in report.findings}
    assert VerdictName.VIOLATED not in {each.verdict for each in report.findings}
    assert "a redirect (301) to https://api.example.com responded" in found["routes.tuvens-api_answers"].reason
    assert not any(
        each.verdict is VerdictName.HELD for each in report.findings if each.requirement.startswith("routes.")
    )
