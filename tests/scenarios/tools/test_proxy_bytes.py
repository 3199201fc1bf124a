"""What the proxy changes of a request and of an answer, and what it leaves as it is, byte for byte."""

import asyncio
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import pytest

from contracts import placeholders
from harness.history import Outcome
from scenarios.tools.credentials import Adding
from tests.scenarios.tools.proxied import JWT, SECRET, answer_bytes, deployment_at, proxy, spoken, upstream

_WEBHOOK = "/api/webhooks/hi-events/event-status-changed"
_BODIES = [
    b'{"event_type":"event.status_changed","payload":{"title":"a\\/b \\u00e9"}}',  # as PHP escapes
    b'{\n    "event_type": "event.status_changed",\n    "payload": {}\n}\n',
    b'{"title": "\xff\xfe no UTF-8"}',
    b"\xef\xbb\xbf{}",
    b"",
    b"\x00\x01\x02",
    b'{"a": 1.0, "a": 1e2}',
]


def _hmac(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("body", _BODIES)
def test_a_signature_is_made_over_exactly_the_bytes_that_are_forwarded(body: bytes) -> None:
    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            headers = {"Content-Type": "application/json", "X-Hi-Events-Signature": placeholders.SIGNATURE}
            answer = await here.client.post(here.urls["tuvens-api"] + _WEBHOOK, content=body, headers=headers)
            assert answer.status_code == 200
            assert seen.bodies == [body]
            assert ("X-Hi-Events-Signature", _hmac(body)) in seen.headers

    asyncio.run(run())


def test_a_signature_is_made_after_the_placeholders_of_the_body_were_replaced() -> None:
    body = f'{{"note" : "{placeholders.SHARED_SECRET}"}}'.encode()

    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            headers = {"x-hi-events-signature": placeholders.SIGNATURE}
            await here.client.post(here.urls["tuvens-api"] + _WEBHOOK, content=body, headers=headers)
            assert seen.bodies == [f'{{"note" : "{SECRET}"}}'.encode()]
            assert ("x-hi-events-signature", _hmac(seen.bodies[0])) in seen.headers
            assert ("Content-Length", str(len(seen.bodies[0]))) in seen.headers

    asyncio.run(run())


def test_what_is_no_signature_of_an_operation_is_left_alone() -> None:
    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            sent = {"x-hi-events-signature": placeholders.SIGNATURE}
            await here.client.post(here.urls["tuvens-api"] + "/somewhere/else", content=b"{}", headers=sent)
            assert ("x-hi-events-signature", placeholders.SIGNATURE) in seen.headers
            wrong = {"x-hi-events-signature": "sha256=" + "1" * 64}
            await here.client.post(here.urls["tuvens-api"] + _WEBHOOK, content=b"{}", headers=wrong)
            assert ("x-hi-events-signature", "sha256=" + "1" * 64) in seen.headers

    asyncio.run(run())


def test_headers_keep_their_order_and_case_and_those_of_one_connection_do_not_travel() -> None:
    request = (
        b"PATCH /api/events/%7e11?a=1&&b=%zz&c= HTTP/1.1\r\nHOST: 127.0.0.1:%d\r\nX-Odd-CASE:  padded \r\n"
        b"Accept: a/b\r\nx-twice: 1\r\nX-Twice: 2\r\nConnection: close, X-Mine\r\nX-Mine: y\r\nTE: trailers\r\n"
        b"Upgrade: h2c\r\nAccept-Encoding: br, gzip;q=0.5, zstd\r\nContent-Length: 2\r\n\r\n{}"
    )

    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            url = here.urls["tuvens-api"]
            answer = await spoken(url, request.replace(b"%d", url.rpartition(":")[2].encode()))
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert seen.target == "/api/events/%7e11?a=1&&b=%zz&c="
            assert seen.headers == [
                ("Host", seen.url.removeprefix("http://")),
                ("X-Odd-CASE", "padded"),
                ("Accept", "a/b"),
                ("x-twice", "1"),
                ("X-Twice", "2"),
                ("Accept-Encoding", "gzip;q=0.5"),
                ("Content-Length", "2"),
            ]
            assert here.exchanges[0].operation == "updateEvent"

    asyncio.run(run())


def test_a_chunked_request_arrives_whole() -> None:
    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:

            async def parts() -> AsyncIterator[bytes]:
                for part in (b'{"a"', b": 1", b"}"):
                    yield part

            await here.client.post(here.urls["tuvens-api"] + _WEBHOOK, content=parts())
            assert seen.bodies == [b'{"a": 1}']

    asyncio.run(run())


def test_placeholders_are_replaced_where_they_stand_whole_in_headers_path_query_and_json_strings() -> None:
    secret, jwt = placeholders.SHARED_SECRET, placeholders.jwt()
    body = json.dumps({secret: 1, "a": [secret, {"b": jwt}], "c": f"x{secret}", "d": f"{secret}.x", "e": f"{jwt}s"})
    expected = json.dumps({secret: 1, "a": [SECRET, {"b": JWT}], "c": f"x{secret}", "d": f"{secret}.x", "e": f"{jwt}s"})

    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            url = f"{here.urls['tuvens-api']}/some/{secret}/path?q={secret}&r=x{secret}"
            headers = {"X-One": f"Bearer {jwt}", "X-Two": f"x-{jwt}", "Cookie": f"a=b; jwt={jwt}", "Content-Type": ""}
            answer = await here.client.post(url, content=body.replace(f'"{jwt}s"', '"k"'), headers=headers)
            assert answer.status_code == 200
            assert seen.target == f"/some/{SECRET}/path?q={SECRET}&r=x{secret}"
            sent = dict(seen.headers)
            assert (sent["X-One"], sent["X-Two"], sent["Cookie"]) == (f"Bearer {JWT}", f"x-{jwt}", f"a=b; jwt={JWT}")
            await here.client.post(url, content=body, headers={"Content-Type": "text/plain"})
            assert seen.bodies[-1] == body.encode()
            headers = {"Content-Type": "application/vnd.x+json; charset=utf-8"}
            without_role = body.replace(f"{jwt}s", f"{secret}s")
            await here.client.post(url, content=without_role, headers=headers)
            assert seen.bodies[-1] == expected.replace(f"{jwt}s", f"{secret}s").encode()

    asyncio.run(run())


def test_without_being_asked_the_proxy_adds_no_credentials() -> None:
    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            await here.client.post(here.urls["tuvens-api"] + "/api/cross-app/validate-session", content=b"{}")
            names = {name.lower() for name, _ in seen.headers}
            assert not names & {"authorization", "x-shared-secret", "x-hi-events-signature", "cookie"}

    asyncio.run(run())


def test_when_asked_it_adds_the_operations_credentials_where_there_are_none_and_leaves_wrong_ones() -> None:
    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url), Adding.ALWAYS) as here:
            base = here.urls["tuvens-api"]
            await here.client.post(f"{base}/api/cross-app/validate-session", content=b"{}")
            assert ("x-shared-secret", SECRET) in seen.headers
            await here.client.post(f"{base}/api/cross-app/generate-session", content=b"{}")
            assert ("Authorization", f"Bearer {JWT}") in seen.headers
            await here.client.post(base + _WEBHOOK, content=b"{ }")
            assert ("x-hi-events-signature", _hmac(b"{ }")) in seen.headers
            await here.client.get(f"{base}/api/events/11")
            assert not any(SECRET in value or JWT in value for _, value in seen.headers)
            wrong = {"X-Shared-Secret": "wrong"}
            await here.client.post(f"{base}/api/cross-app/validate-session", content=b"{}", headers=wrong)
            assert [value for name, value in seen.headers if name.lower() == "x-shared-secret"] == ["wrong"]

    asyncio.run(run())


def test_an_answer_comes_back_with_the_same_bytes_and_is_recorded_decoded() -> None:
    text = b'{"message": "' + b"x" * 400 + b'"}'
    packed = gzip.compress(text)
    headers = b"Content-Type: application/json\r\nContent-ENCODING: gzip\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n"

    async def run() -> None:
        answer = answer_bytes(packed, "418 I'm a teapot", headers + b"Keep-Alive: timeout=5\r\n")
        async with upstream(answer) as seen, proxy(deployment_at(seen.url)) as here:
            url = here.urls["tuvens-api"]
            port = url.rpartition(":")[2].encode()
            head, _, body = (
                await spoken(url, b"GET /x HTTP/1.1\r\nHost: localhost:" + port + b"\r\nConnection: close\r\n\r\n")
            ).partition(b"\r\n\r\n")
            assert body == packed
            assert head.split(b"\r\n")[:5] == [
                b"HTTP/1.1 418 I'm a Teapot",
                b"content-type: application/json",
                b"content-encoding: gzip",
                b"set-cookie: a=1",
                b"set-cookie: b=2",
            ]
            assert b"keep-alive" not in head.lower()
            recorded = here.exchanges[0]
            assert recorded.response_body == text
            assert (recorded.operation, recorded.status, recorded.step) == ("", 418, "proxy/unknown")

    asyncio.run(run())


def test_an_answer_that_cannot_be_decoded_comes_back_all_the_same() -> None:
    async def run() -> None:
        answer = answer_bytes(b"\x0b\x02\x80{}\x03", "200 OK", b"Content-Encoding: br\r\n")
        async with upstream(answer) as seen, proxy(deployment_at(seen.url)) as here:
            url = here.urls["tuvens-api"]
            port = url.rpartition(":")[2].encode()
            said = await spoken(url, b"GET /x HTTP/1.1\r\nHost: localhost:" + port + b"\r\nConnection: close\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 200 ")
            assert b"content-encoding: br\r\n" in said
            assert said.endswith(b"\r\n\r\n\x0b\x02\x80{}\x03")
            assert here.exchanges[0].outcome is Outcome.NO_ANSWER
            assert "encoded as br" in here.exchanges[0].error

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "status", "body"), [("HEAD", "200 OK", b""), ("GET", "204 No Content", b""), ("GET", "304 Not", b"")]
)
def test_answers_without_a_body_pass(method: str, status: str, body: bytes) -> None:
    async def run() -> None:
        answer = f"HTTP/1.1 {status}\r\nContent-Length: 17\r\nConnection: close\r\n\r\n".encode()
        given = answer if method == "HEAD" else answer.replace(b"17", b"0")
        async with upstream(given) as seen, proxy(deployment_at(seen.url)) as here:
            got = await here.client.request(method, here.urls["tuvens-api"] + "/x")
            assert (got.status_code, got.content) == (int(status[:3]), body)
            assert got.headers.get("content-length") == ("17" if method == "HEAD" else None)
            assert here.exchanges[0].outcome is Outcome.ANSWERED

    asyncio.run(run())
