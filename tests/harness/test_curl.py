"""The curl command, pasted into a real shell, sends what was sent."""

import asyncio
import os
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.curl import curl
from harness.http import Call
from harness.redact import Redactor
from tests.harness.examples import exchange
from tests.harness.test_recorder import recorder, sent

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")

SECRETS = {
    "SHARED_SECRET": "s3cret/with $(odd) `signs` 'quotes' \\ & ; %s %41",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "SESSION_TOKEN": "a-session-token-0123",
    "BEARER": "1|a-bearer",
}
OURS = {"user-agent", "accept-encoding", "connection"}


def as_told(request: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """A request's first line, its headers in order but for those that any client chooses for itself, and its body."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (each.partition(":") for each in rest)]
    return line, sorted(each for each in headers if each[0] not in OURS), body


def sent_twice(call: Call) -> tuple[bytes, bytes, str]:
    """The bytes that the recorder sends, those that a shell sends by the record's command, and the command."""
    redactor = Redactor()
    for name, value in SECRETS.items():
        redactor.register(name.lower().replace("_", "-"), value)
    requests: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        requests.append(head + await reader.readexactly(sum(lengths)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> str:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        by = recorder(redactor=redactor)
        recorded = await sent(by, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", call)
        await by.close()
        command = curl(recorded)
        shell = await asyncio.create_subprocess_exec(
            "sh", "-c", command, env={**os.environ, **SECRETS}, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(shell.communicate(), 20)
        assert out.startswith(b"HTTP/1.1 200 OK"), command
        server.close()
        return command

    command = asyncio.run(run())
    assert not [value for value in SECRETS.values() if value in command]
    return requests[0], requests[1], command


JSON = (("Content-Type", "application/json"), ("Accept", "application/json"))
CALLS: dict[str, Call] = {
    "GET": Call("", "GET", "/api/events/11"),
    "query": Call("", "GET", "/x?a=%2F%20&b=c+d&e=%C3%A9&f[]=1&g={x}"),
    "globs": Call("", "GET", "/[1-3]/%7Ba,b%7D"),
    "HEAD": Call("", "HEAD", "/x"),
    "DELETE": Call("", "DELETE", "/x"),
    "OPTIONS": Call("", "OPTIONS", "/x", (("Origin", "https://evil.example.com"),)),
    "POST of JSON": Call("", "POST", "/x", JSON, b'{"id": 123, "name": "it\'s \\"caf\xc3\xa9\\" \xf0\x9f\x8e\x89"}'),
    "POST of nothing": Call("", "POST", "/x", JSON, b""),
    "PATCH without a body": Call("", "PATCH", "/x"),
    "body without a type": Call("", "POST", "/x", (), b"a=b"),
    "body of another type": Call("", "PUT", "/x", (("Content-Type", "text/plain"),), b"a"),
    "body that looks like a file": Call("", "POST", "/x", JSON, b"@/etc/hostname"),
    "body of lines": Call("", "POST", "/x", JSON, b"a\r\nb\n\n\tc\n"),
    "body of bytes": Call("", "POST", "/x", JSON, bytes(range(256))),
    "NUL": Call("", "POST", "/x", JSON, b"a\x00b%d%s\\n"),
    "invalid UTF-8": Call("", "POST", "/x", JSON, b'{"session_token": "\xff\xfe"}'),
    "empty header": Call("", "POST", "/x", (*JSON, ("X-Empty", "")), b"{}"),
    "header twice": Call("", "GET", "/x", (("X-Two", "one"), ("X-Two", "two"))),
    "header with quotes": Call("", "GET", "/x", (("X-Odd", "a 'b' \"c\" $HOME `id` \\ ; & | < > * ? ! #"),)),
    "hostile target": Call("", "GET", "/api/events/%27%20OR%20%271%27=%271;$(id)"),
    "GET with a body": Call("", "GET", "/x", JSON, b"{}"),
    "secret in a header": Call("", "POST", "/x", (*JSON, ("x-shared-secret", SECRETS["SHARED_SECRET"])), b"{}"),
    "JWT": Call("", "POST", "/x", (*JSON, ("Authorization", f"Bearer {SECRETS['JWT']}")), b"{}"),
    "secret in the query": Call("", "GET", f"/x?session_token={SECRETS['SESSION_TOKEN']}&b=1"),
    "secret in the body": Call("", "POST", "/x", JSON, f'{{"t": "{SECRETS["SESSION_TOKEN"]}", "é": 1}}'.encode()),
    "secret in bytes": Call("", "POST", "/x", JSON, b"\xff%s\\" + SECRETS["SHARED_SECRET"].encode() + b"\x00"),
    "secrets side by side": Call("", "GET", f"/{SECRETS['SESSION_TOKEN']}{SECRETS['SESSION_TOKEN']}"),
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_the_command_sends_the_same_bytes_and_headers(call: Call) -> None:
    ours, theirs, command = sent_twice(call)
    assert as_told(theirs) == as_told(ours), command


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    body=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))),
    header=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40),
    query=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='#"<>\\^`|'), max_size=40),
)
def test_the_command_is_right_whatever_is_in_it(body: bytes, header: str, query: str) -> None:
    ours, theirs, command = sent_twice(Call("", "POST", f"/x?q={query}", (*JSON, ("X-Odd", header)), body))
    assert as_told(theirs) == as_told(ours), command


def test_each_kind_of_secret_is_a_variable_of_its_own() -> None:
    texts = {"shared-secret": "$SHARED_SECRET", "jwt": "$JWT", "session-token": "$SESSION_TOKEN", "bearer": "$BEARER"}
    for kind, variable in texts.items():
        told = replace(exchange(1, "s/x"), url=f"http://b/<{kind}:01234567>", request_headers=())
        assert f'http://b/"{variable}"' in curl(told)


def test_a_large_body_is_left_to_a_file() -> None:
    told = curl(replace(exchange(7, "s/x"), method="POST", request_body=b"x" * 2_001))
    assert told.endswith("--data-binary @exchange-7.body")
    assert len(told) < 200


def test_a_plain_request_is_a_plain_command() -> None:
    assert curl(exchange(1, "s/x")) == "curl -i -X GET http://b/x"
