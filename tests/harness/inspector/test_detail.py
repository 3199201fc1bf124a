"""One exchange in full: no secret in it, and commands that can be pasted."""

import os
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from contracts.webhook.wire import sign
from harness.inspector.detail import Check, Recorded, Signing, detail
from tests.harness.examples import exchange
from tests.harness.inspector.rows import row

BODY = b'{"name":"It\'s \xc3\xa9 $HOME `x` %s \\\\ \\u0041"}'
SIGNING = Signing("x-signature", "sha256=", "HMAC-SHA256 over the raw body", "shared-secret")


def told(body: bytes = BODY, **more: Any) -> dict[str, Any]:
    """The detail of a POST with this body."""
    sent = replace(exchange(1, "s"), method="POST", url="http://127.0.0.1:1/buy", request_body=body)
    known = {name: more.pop(name) for name in ("signing", "request_cut", "response_cut", "facts") if name in more}
    return detail(Recorded(row(), replace(sent, **more), Check(), Check(), **known))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
@pytest.mark.parametrize("body", [BODY, b"", b"\x00\xff%d\\n", b"<shared-secret:00000000>"])
def test_the_signing_command_in_a_real_shell_gives_the_signature(body: bytes) -> None:
    secret = "a-shared-secret-0123"
    command = told(body, signing=SIGNING)["signature"]["command"]
    env = {**os.environ, "SHARED_SECRET": secret}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, env=env)
    meant = secret.encode() if body.startswith(b"<shared") else body
    assert done.stdout.strip().endswith(sign(secret, meant).removeprefix("sha256="))


def test_bytes_that_are_not_those_signed_have_no_digest() -> None:
    assert told(signing=SIGNING)["signature"]["incomplete"] == ""
    assert len(told(signing=SIGNING)["signature"]["sha256"]) == 64
    replaced = told(b'{"token":"<session-token:01234567>"}', signing=SIGNING)["signature"]
    assert (replaced["sha256"], replaced["incomplete"]) == (None, "a secret was removed from these bytes")
    cut = told(signing=SIGNING, request_cut=True)
    assert (cut["signature"]["command"], cut["signature"]["sha256"], cut["curl"]) == (None, None, None)


def test_what_names_itself_a_secret_is_removed_though_nobody_knew_it() -> None:
    found = str(
        told(
            b'{"password":"hunter2hunter2","token_type":"bearer"}',
            url="http://127.0.0.1:1/buy?api_key=abcdefgh12345&page=2",
            request_headers=(("X-Api-Key", "abcdefgh12345"), ("Authorization", "Basic dXNlcjpwYXNz")),
            response_headers=(("Set-Cookie", "sid=abcdefgh12345"),),
            response_body=b'{"refresh_token":"abcdefgh12345"}',
        )
    )
    for secret in ("hunter2", "abcdefgh12345", "dXNlcjpwYXNz"):
        assert secret not in found
    assert "page=2" in found
    assert '"token_type":"bearer"' in found


def test_a_copy_leaves_out_what_curl_says_itself_and_what_only_a_browser_can_say() -> None:
    headers = (("Host", "evil.example"), ("content-length", "9"), ("Sec-Fetch-Site", "none"), ("Accept", "*/*"))
    command = told(request_headers=headers)["curl"]
    assert "http://127.0.0.1:1/buy" in command
    assert "Accept: */*" in command
    assert not any(word in command.lower() for word in ("host:", "content-length", "sec-fetch", "evil"))


def test_bytes_that_are_no_text_come_as_base64() -> None:
    found = told(b"\xff\x00", response_body=b"plain")
    assert found["request"]["body"] == {"base64": "/wA="}
    assert found["response"]["body"] == {"text": "plain"}


def test_a_check_says_what_it_found_or_why_it_did_not_look() -> None:
    assert Check().to_json()["verdict"] == "conforms"
    assert Check(("/body: is required",)).to_json()["verdict"] == "breaks"
    assert Check(unread="no answer").to_json() == {"verdict": "unread", "problems": [], "why": "no answer"}


def test_a_row_leaves_out_what_is_empty_and_cuts_what_is_endless() -> None:
    short = row(target="/x?session_token=abcdefgh12345&" + "a" * 1000).to_json()
    assert "abcdefgh12345" not in short["target"]
    assert len(short["target"]) == 401
    assert set(short) == {"app", "number", "direction", "caller", "callee", "method", "target", "begun", "ms",
                          "operation", "status"}  # fmt: skip
