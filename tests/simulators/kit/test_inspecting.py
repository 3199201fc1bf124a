"""The inspector's API of running simulators: one control plane tells of all, and tells no secret."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.sse import messages
from simulators.kit.paths import CONTROL
from simulators.launch import HI_EVENTS, TUVENS_API, TUVENS_CLIENT, Launched, LaunchOptions
from tests.launching import launched

ORGANISER = 0


class Plane:
    """The control plane of tuvens-api, and the applications around it."""

    def __init__(self, built: Launched, client: httpx.Client) -> None:
        self.built = built
        self.client = client
        self.base = built.urls[TUVENS_API] + CONTROL
        self.token = built.control_tokens[TUVENS_API]
        self.jwt: str = built.description()["users"][ORGANISER]["jwt"]
        self.secret = built.shared_secret

    def call(self, method: str, path: str, value: object = None, **headers: str) -> httpx.Response:
        """A call of the control plane."""
        return self.client.request(
            method, self.base + path, json=value, headers={"Authorization": f"Bearer {self.token}", **headers}
        )

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def mint(self) -> str:
        answer = self.client.post(
            self.built.urls[TUVENS_API] + "/api/cross-app/generate-session",
            headers={"Authorization": f"Bearer {self.jwt}"},
            json={"account_id": 123},
        )
        return str(answer.json()["session_token"])

    def arrive(self) -> tuple[str, str]:
        """A person comes to hi.events; the session token and the bearer token."""
        token = self.mint()
        url = self.built.urls[HI_EVENTS] + "/auth/cross-app/validate"
        return token, str(self.client.post(url, json={"session_token": token}).json()["token"])

    def rows(self) -> list[dict[str, Any]]:
        """All rows that the feed has."""
        found: list[dict[str, Any]] = []
        headers = {"Authorization": f"Bearer {self.token}"}
        with self.client.stream("GET", self.base + "/feed", headers=headers) as stream:
            for message in messages(stream.iter_raw()):
                if message.event == "whole":
                    return found
                if message.event == "rows":
                    found += json.loads(message.data)["rows"]
        raise AssertionError("the stream ended")

    def last(self, app: str = TUVENS_API) -> dict[str, Any]:
        """The last exchange of an application in full."""
        number = self.get(f"/apps/{app}/journal")["last"]
        found: dict[str, Any] = self.get(f"/apps/{app}/exchanges/{number}")
        return found


@pytest.fixture(scope="module")
def _running() -> Iterator[Plane]:
    with launched(LaunchOptions(limits="raised")) as built, httpx.Client(trust_env=False, timeout=20) as client:
        yield Plane(built, client)


@pytest.fixture
def plane(_running: Plane) -> Plane:
    for app in (TUVENS_API, HI_EVENTS, TUVENS_CLIENT):
        _running.call("POST", f"/apps/{app}/reset")
        _running.call("DELETE", f"/apps/{app}/faults")
    return _running


def test_one_control_plane_has_the_api_of_all(plane: Plane) -> None:
    told = plane.get("/lanes")
    assert told["lanes"] == ["tuvens-client", "tuvens-api", "hi.events"]
    offers = {each["name"]: set(each["offers"]) for each in told["apps"]}
    assert offers == {
        TUVENS_API: {"clock", "faults", "sessions"},
        HI_EVENTS: {"clock", "faults", "sessions", "deliveries"},
        TUVENS_CLIENT: {"clock", "faults"},
    }
    for app in offers:
        assert plane.get(f"/apps/{app}/ready")["app"] == app


def test_every_control_plane_serves_it_with_its_own_token_alone(plane: Plane) -> None:
    for app, token in plane.built.control_tokens.items():
        base = plane.built.urls[app] + CONTROL
        for other in plane.built.control_tokens:
            headers = {"Authorization": f"Bearer {token}"}
            answer = plane.client.get(f"{base}/apps/{other}/ready", headers=headers)
            assert answer.json()["app"] == other
            refused = plane.client.get(f"{base}/apps/{other}/ready")
            assert refused.status_code == 401


def test_the_page_of_another_origin_cannot_read_or_drive_it(plane: Plane) -> None:
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    asked = plane.client.options(
        plane.base + "/clock/advance",
        headers={**evil, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"},
    )
    assert asked.status_code == 403
    assert not [name for name in asked.headers if name.startswith("access-control")]
    before = plane.get("/clock")["now"]
    assert plane.call("POST", "/clock/advance", {"seconds": 3600}, **evil).status_code == 403
    assert (
        plane.call("POST", "/clock/advance", {"seconds": 3600}, Origin=plane.built.urls[HI_EVENTS]).status_code == 403
    )
    assert plane.get("/clock")["now"] < before + 60
    assert plane.client.get(plane.base + "/inspector/", headers={"Host": "evil.example:3000"}).status_code == 421


def test_the_page_is_served_with_a_policy_that_lets_nothing_else_in(plane: Plane) -> None:
    page = plane.client.get(plane.base + "/inspector/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert plane.token not in page.text
    assert not re.search(r"<script>|<style| style=|https?://| on\w+=", page.text)
    for name in re.findall(r'(?:src|href)="([^#"]+)"', page.text):
        assert plane.client.get(f"{plane.base}/inspector/{name}").status_code == 200
    onward = plane.client.get(plane.base + "/inspector")
    assert (onward.status_code, onward.headers["location"]) == (308, "inspector/")
    assert plane.client.get(plane.base + "/inspector/..%2findex.html").status_code == 404


def test_the_two_records_of_a_call_between_applications_are_paired(plane: Plane) -> None:
    plane.arrive()
    rows = plane.rows()
    (asked,) = [each for each in rows if each["app"] == HI_EVENTS and each["direction"] == "out"]
    (taken,) = [each for each in rows if each["app"] == TUVENS_API and each["caller"] == HI_EVENTS]
    later, earlier = sorted((asked, taken), key=lambda each: "of" not in each)
    assert later["of"] == {"app": earlier["app"], "number": earlier["number"]}
    assert asked["begun"] <= taken["begun"]
    assert taken["user"] == "1"


def test_a_webhook_tells_its_attempt_and_whether_it_was_signed_right(plane: Plane) -> None:
    _, bearer = plane.arrive()
    plane.call("PUT", f"/apps/{HI_EVENTS}/faults/webhook-signed-with-other-key", {"times": 1})
    url = plane.built.urls[HI_EVENTS] + "/events/11/status"
    plane.client.put(url, headers={"Authorization": f"Bearer {bearer}"}, json={"status": "LIVE"})
    plane.call("POST", f"/apps/{HI_EVENTS}/clock/advance", {"seconds": 0})
    (delivery,) = plane.get(f"/apps/{HI_EVENTS}/deliveries?limit=5")["deliveries"]
    assert delivery["tries"] == [{"number": 1, "status": 401, "error": None, "replay": False}]
    again = plane.call("POST", f"/apps/{HI_EVENTS}/deliveries/{delivery['id']}/replay").json()
    assert again["attempt"]["status"] == 200
    sent = [each for each in plane.rows() if "webhook" in each]
    assert [each["webhook"] for each in sent] == [
        {"delivery": delivery["id"], "attempt": 1, "replay": False},
        {"delivery": delivery["id"], "attempt": 2, "replay": True},
    ]
    assert [each["signature_valid"] for each in sent] == [False, True]
    assert [each.get("faults") for each in sent] == [["webhook-signed-with-other-key"], None]
    found = plane.get(f"/apps/{HI_EVENTS}/exchanges/{sent[0]['number']}")
    assert found["faults"][0]["sentence"]
    assert found["signature"]["valid"] is False


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")
def test_the_copied_command_sends_it_again_with_the_secrets_of_the_shell(plane: Plane) -> None:
    token = plane.mint()
    url = plane.built.urls[TUVENS_API] + "/api/cross-app/validate-session"
    plane.client.post(
        url, headers={"x-shared-secret": plane.secret, "Host": "evil.example"}, json={"session_token": token}
    )
    command = plane.last()["curl"]
    assert plane.built.urls[TUVENS_API] in command
    assert "evil.example" not in command
    env = {**os.environ, "SHARED_SECRET": plane.secret, "SESSION_TOKEN": token, "no_proxy": "127.0.0.1"}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env=env)
    assert '"user_id":"1"' in done.stdout


def test_a_request_and_an_answer_are_held_against_the_document(plane: Plane) -> None:
    url = plane.built.urls[TUVENS_API] + "/api/cross-app/validate-session"
    headers = {"x-shared-secret": plane.secret}
    plane.client.post(url, headers=headers, json={"session": "x"})
    validation = plane.last()["validation"]
    assert validation["request"]["verdict"] == "breaks"
    assert validation["response"]["verdict"] == "conforms"
    token = plane.mint()
    plane.call("PUT", "/faults/user-id-is-a-number", {"times": 1})
    plane.client.post(url, headers=headers, json={"session_token": token})
    found = plane.last()
    assert found["validation"]["request"]["verdict"] == "conforms"
    assert found["validation"]["response"]["problems"][0].startswith("/body/user_id: ")
    assert [each["name"] for each in found["faults"]] == ["user-id-is-a-number"]
    plane.client.get(plane.built.urls[TUVENS_API] + "/nowhere")
    assert plane.last()["validation"]["request"]["verdict"] == "unread"


def test_the_signed_bytes_are_those_that_came(plane: Plane) -> None:
    body = status_changed_body(
        event_id=11, title="Zoë", status="LIVE", tuvens_event_id="11", sent_at="2026-01-01T00:00:00.000Z"
    )
    call = event_status_changed(body, sign(plane.secret, body))
    plane.client.post(plane.built.urls[TUVENS_API] + call.target, content=call.body, headers=dict(call.headers))
    found = plane.last()
    assert found["request"]["body"]["text"].encode() == body
    assert (found["signature"]["valid"], found["signature"]["bytes"]) == (True, len(body))
    assert found["signature"]["sent"] == sign(plane.secret, body)


def test_nothing_that_is_told_holds_a_secret(plane: Plane) -> None:
    token, bearer = plane.arrive()
    url = plane.built.urls[TUVENS_API]
    lost = "lost-token-that-nobody-knows-0123456789"
    plane.client.get(url + f"/api/nowhere?token={lost}&x={token}", headers={"Cookie": f"sid={lost}", "X-Api-Key": lost})
    plane.client.post(url + "/api/nowhere", json={"password": lost, "note": bearer})
    plane.client.get(url + "/api/events/11", headers={"User-Agent": f"{plane.jwt}/1", "x-shared-secret": plane.secret})
    told = json.dumps(plane.rows())
    for app in (TUVENS_API, HI_EVENTS):
        for number in range(1, plane.get(f"/apps/{app}/journal")["last"] + 1):
            told += plane.call("GET", f"/apps/{app}/exchanges/{number}").text
        told += json.dumps(plane.get(f"/apps/{app}/sessions"))
    for secret in (token, bearer, plane.jwt, plane.secret, lost, *plane.built.control_tokens.values()):
        assert secret not in told
    assert "<session-token:" in told
    assert "<jwt:" in told


def test_what_is_not_kept_is_404(plane: Plane) -> None:
    plane.mint()
    last = plane.get("/journal")["last"]
    for number in (last + 1, last - 1, 0, -1, 10**30):
        assert plane.call("GET", f"/exchanges/{number}").status_code == 404
    assert plane.call("GET", "/exchanges/x").status_code == 422
    plane.call("POST", "/reset")
    assert plane.call("GET", f"/exchanges/{last}").status_code == 404


def test_lists_can_be_read_in_parts(plane: Plane) -> None:
    for _ in range(3):
        plane.mint()
    numbers = [each["number"] for each in plane.get("/journal")["exchanges"]]
    assert [each["number"] for each in plane.get(f"/journal?after={numbers[0]}&limit=1")["exchanges"]] == numbers[1:2]
    part = plane.get("/sessions?limit=2")
    assert (len(part["sessions"]), part["total"]) == (2, 3)
    assert part["sessions"][-1]["expires_at"] > part["now"]
    assert plane.call("GET", "/sessions?limit=0").status_code == 422


def test_the_stream_does_not_keep_the_server_from_stopping() -> None:
    with httpx.Client(trust_env=False, timeout=20) as client:
        with launched(LaunchOptions(only=(HI_EVENTS,))) as built:
            headers = {"Authorization": f"Bearer {built.control_tokens[HI_EVENTS]}"}
            stream = client.send(
                client.build_request("GET", built.urls[HI_EVENTS] + CONTROL + "/feed", headers=headers), stream=True
            )
            lines = stream.iter_lines()
            assert next(lines) == "event: start"
        # A stream that was broken off, and not ended, would raise here.
        list(lines)
        stream.close()
