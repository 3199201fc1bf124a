"""How a browser's user is signed in, as the deployment file says where the pages keep the JWT."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from harness import chromium
from harness.deployment import Deployment, DeploymentError
from harness.deployment_file import build_deployment
from scenarios.cast.persona import browser_scripts

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
KEY = "tuvens_auth_token"


def built(target: dict[str, Any], **user: Any) -> Deployment:
    value = {
        "targets": {"tuvens-client": {"url": "http://127.0.0.1:1", **target}},
        "credentials": {"shared_secret": "a-secret-that-two-applications-share"},
        "users": [{"role": "organiser", "account_id": 1, "jwt": JWT, **user}],
    }
    return build_deployment(value, apps=("tuvens-client",), editions=("2025-07",))


@pytest.mark.parametrize(
    ("said", "cookie"),
    [
        ({}, "jwt"),
        ({"jwt_storage": f"localStorage:{KEY}"}, ""),
        ({"jwt_storage": f"sessionStorage:{KEY}", "jwt_cookie": "session"}, "session"),
    ],
)
def test_pages_that_keep_the_jwt_send_it_as_a_bearer_token_unless_a_cookie_is_named(
    said: dict[str, str], cookie: str
) -> None:
    target = built(said).targets["tuvens-client"]
    assert (target.jwt_storage, target.jwt_cookie) == (said.get("jwt_storage", ""), cookie)


@pytest.mark.parametrize("wrong", ["localStorage", "localStorage:", "cookie:jwt", KEY])
def test_a_storage_is_named_with_its_key(wrong: str) -> None:
    with pytest.raises(DeploymentError, match="jwt_storage"):
        built({"jwt_storage": wrong})


def test_the_state_of_a_browser_is_read_and_its_values_are_secrets(tmp_path: Path) -> None:
    file = tmp_path / "organiser.json"
    kept = [{"name": KEY, "value": "a-token-that-the-pages-keep-0001"}, {"name": "theme", "value": "dark"}]
    cookie = {"name": "sid", "value": "a-session-of-the-pages-000000001", "domain": "127.0.0.1", "path": "/"}
    state = {"cookies": [cookie], "origins": [{"origin": "http://127.0.0.1:1", "localStorage": kept}]}
    file.write_text(json.dumps(state), "utf-8-sig")  # with the byte order mark of some editors
    found = built({}, storage_state=str(file))
    assert found.users[0].storage_state == state
    secrets = {value for _, value in found.secrets()}
    assert {cookie["value"], kept[0]["value"]} <= secrets
    assert "dark" not in secrets


@pytest.mark.parametrize("text", [None, "[]", '{"cookies": [{"name": "sid"}]}'])
def test_a_file_that_is_no_state_of_a_browser_is_told(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "organiser.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DeploymentError, match=r"users\[0\]\.storage_state"):
        built({}, storage_state=str(file))


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (
            f"<script>document.title = [localStorage, sessionStorage].map((s) => s.getItem('{KEY}'))</script>".encode()
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not (chromium.is_available() or os.environ.get("CI")), reason="no Chromium on this machine")
@pytest.mark.parametrize("place", ["localStorage", "sessionStorage"])
def test_the_scripts_of_a_page_find_the_jwt_in_its_storage_and_those_of_other_origins_do_not(place: str) -> None:
    from playwright.sync_api import sync_playwright

    with served() as ours, served() as theirs, sync_playwright() as playwright:
        deployment = built({"url": ours, "jwt_storage": f"{place}:{KEY}"})
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        context = browser.new_context()
        for script in browser_scripts(deployment.targets["tuvens-client"], deployment.users[0]):
            context.add_init_script(script)
        page = context.new_page()
        seen = []
        for url in (ours, theirs):
            page.goto(url)
            seen.append(page.title())
        browser.close()
    assert seen == [f"{JWT}," if place == "localStorage" else f",{JWT}", ","]
