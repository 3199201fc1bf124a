"""The recorder in front of hostile servers: bounded in time and memory, and no secret is kept."""

import asyncio
import gzip
import json
import socket
import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts import facts
from harness.history import Context, Exchange, History, Outcome
from harness.http import Answer, Call
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.saved_history import history_lines
from harness.traffic_limits import TargetGoneError, TrafficLimits
from tests.harness.certificates import own_authority
from tests.harness.hostile import (
    Serve,
    answering,
    bomb,
    dripping,
    endless,
    hangs_up,
    huge,
    raw,
    serving,
    silent,
)

SOON = TrafficLimits(seconds=0.3, connect_seconds=0.3, answer_bytes=10_000)
PATIENT = TrafficLimits(seconds=20.0, connect_seconds=20.0, answer_bytes=10_000)
OK = b"HTTP/1.1 200 OK\r\n"
GET = Call("", "GET", "/x")


def recorder(limits: TrafficLimits = PATIENT, redactor: Redactor | None = None) -> Recorder:
    return Recorder(History(Context("d", "2025-07", {}, frozenset())), redactor or Redactor(), limits=limits)


async def sent(by: Recorder, url: str, call: Call = GET, callee: str = "b") -> Exchange:
    exchange, _ = await by.send(step="s/x", caller="a", callee=callee, base_url=url, call=call)
    return exchange


def ask(
    serve: Serve, call: Call = GET, *, limits: TrafficLimits = PATIENT, redactor: Redactor | None = None, base: str = ""
) -> Exchange:
    """What is recorded of one call to a server."""

    async def run() -> Exchange:
        by = recorder(limits, redactor)
        try:
            async with serving(serve) as url:
                return await sent(by, base.replace("URL", url.removeprefix("http://")) or url, call)
        finally:
            await by.close()

    return asyncio.run(run())


@pytest.mark.parametrize("serve", [huge, bomb, raw(OK + b"\r\n", *[b"x" * 1000] * 20)], ids=["huge", "bomb", "no end"])
def test_an_answer_that_is_too_large_is_not_read_to_its_end_and_nothing_of_it_is_kept(serve: Serve) -> None:
    tracemalloc.start()
    exchange = ask(serve)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert exchange.outcome is Outcome.NO_ANSWER
    assert "status 200, and more than 10000 bytes" in exchange.error
    assert (exchange.status, exchange.response_body) == (None, b"")
    assert peak < 8_000_000


def test_a_server_is_hung_up_on_once_it_has_said_too_much() -> None:
    ended = asyncio.Event()

    async def babbles(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        try:
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
        finally:
            ended.set()

    async def run() -> None:
        by = recorder()
        async with serving(babbles) as url, asyncio.timeout(10):
            await sent(by, url)
            await ended.wait()
        await by.close()

    asyncio.run(run())


def test_an_answer_that_just_fits_is_kept_whole() -> None:
    exchange = ask(answering(b"x" * 10_000))
    assert (exchange.outcome, len(exchange.response_body)) == (Outcome.ANSWERED, 10_000)
    compressed = ask(answering(gzip.compress(b"y" * 10_000), headers=b"Content-Encoding: gzip\r\n"))
    assert (compressed.outcome, compressed.response_body) == (Outcome.ANSWERED, b"y" * 10_000)


@pytest.mark.parametrize("serve", [silent, dripping, raw(b"HTTP/1.1 ", pause=5.0)], ids=["silent", "drip", "half"])
def test_a_server_that_does_not_finish_is_given_up_in_time(serve: Serve) -> None:
    exchange = ask(serve, limits=SOON)
    assert exchange.outcome is Outcome.NO_ANSWER
    assert exchange.error == "no complete answer within 0.3 s"
    assert exchange.seconds < 3


@pytest.mark.parametrize(
    "serve",
    [
        hangs_up,
        raw(b"\x00\xff what is this?\r\n\r\n"),
        raw(b"HTTP/1.1 two hundred\r\n\r\n"),
        raw(OK + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n"),
        raw(OK + b"\xff\xfe\r\n\r\n"),
        raw(OK + b"no colon here\r\n\r\n"),
        raw(OK + b"Content-Length: many\r\n\r\n"),
        raw(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        raw(OK + b"Content-Length: 500\r\n\r\nabc"),
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(OK + b"".join(b"X-%d: %s\r\n" % (n, b"v" * 20) for n in range(10_000)) + b"\r\n"),
        endless(b"X: y\r\n"),
        endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=[
        "hangs up", "nonsense", "status in words", "NUL in a header", "invalid header", "no colon",
        "length in words", "two lengths", "cut short", "bad chunk", "10,000 headers", "no status line", "only 100s",
    ],
)  # fmt: skip
def test_what_is_not_http_is_no_answer_and_no_crash(serve: Serve) -> None:
    exchange = ask(serve, limits=TrafficLimits(seconds=1.0, answer_bytes=10_000))
    assert exchange.outcome is Outcome.NO_ANSWER
    assert exchange.status is None
    assert exchange.error


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"abcd", "says gzip and is not"),
        (gzip.compress(b"abcd", mtime=0)[:-4], "gzip ends in the middle"),
        (gzip.compress(b"abcd", mtime=0) + b"more", "goes on after its gzip"),
    ],
)
def test_a_body_that_is_not_the_gzip_it_says_is_told(body: bytes, said: str) -> None:
    exchange = ask(answering(body, headers=b"Content-Encoding: gzip\r\n"))
    assert exchange.outcome is Outcome.NO_ANSWER
    assert said in exchange.error


@pytest.mark.parametrize("coding", ["x-gzip", "GZIP", "identity, gzip"])
def test_gzip_is_read_by_each_of_its_names(coding: str) -> None:
    exchange = ask(answering(gzip.compress(b'{"a": 1}'), headers=f"Content-Encoding: {coding}\r\n".encode()))
    assert exchange.response_body == b'{"a": 1}'


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate", "aes128gcm"])
def test_a_coding_that_was_not_accepted_leaves_no_answer_and_is_named(coding: str) -> None:
    exchange = ask(answering(gzip.compress(gzip.compress(b"{}")), headers=f"Content-Encoding: {coding}\r\n".encode()))
    assert exchange.outcome is Outcome.NO_ANSWER
    assert exchange.error == f"status 200, and the body is encoded as {coding}, which was not accepted: only gzip was"


def test_what_follows_the_end_of_a_gzip_does_not_fill_the_memory() -> None:
    compressed = gzip.compress(b"abcd", mtime=0)
    serve = raw(OK + b"Content-Encoding: gzip\r\n\r\n" + compressed, *[b"x" * 100_000] * 300)
    tracemalloc.start()
    exchange = ask(serve)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "goes on after its gzip" in exchange.error
    assert peak < 8_000_000


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_an_answer_without_a_body_may_say_gzip(status: str) -> None:
    exchange = ask(raw(f"HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\n\r\n".encode()))
    assert (exchange.outcome, exchange.response_body) == (Outcome.ANSWERED, b"")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    asked = 0

    async def turns(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await answering(b"", "302 Found", b"Location: /x\r\n")(reader, writer)

    exchange = ask(turns)
    assert (exchange.status, exchange.header("location"), asked) == (302, "/x", 1)


def test_a_cookie_that_an_answer_sets_is_never_sent_back_not_even_while_it_is_being_read() -> None:
    seen: list[bytes] = []
    first_head_is_out = asyncio.Event()
    second_has_come = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        writer.write(OK + b"Set-Cookie: sid=abc; Path=/\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{")
        await writer.drain()
        if b"/first" in head:
            first_head_is_out.set()
            await second_has_come.wait()
        else:
            second_has_come.set()
        writer.write(b"}")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        by = recorder()
        async with asyncio.timeout(10):
            first = asyncio.create_task(sent(by, url, Call("", "GET", "/first")))
            await first_head_is_out.wait()
            await sent(by, url, Call("", "GET", "/second"))
            await first
            async with by.listen(step="s/x", callee="b", base_url=url, call=Call("", "GET", "/third")):
                pass
            await sent(by, url, Call("", "GET", "/fourth"))
        await by.close()
        server.close()

    asyncio.run(run())
    assert len(seen) == 4
    assert not [head for head in seen if b"cookie" in head.lower()]


def test_a_closed_port_is_refused_which_surely_never_arrived() -> None:
    async def run() -> Exchange:
        with closed_port() as url:
            by = recorder()
            exchange = await sent(by, url)
            await by.close()
            return exchange

    exchange = asyncio.run(run())
    assert exchange.outcome is Outcome.REFUSED
    assert exchange.error


def test_an_unknown_host_is_refused() -> None:
    assert ask(silent, base="http://host.invalid:1").outcome is Outcome.REFUSED


def test_an_unknown_authority_is_said_with_the_field_that_would_name_it(tmp_path: Path) -> None:
    _, tls = own_authority(tmp_path)

    async def run() -> Exchange:
        by = recorder()
        async with serving(answering(), tls) as url:
            exchange = await sent(by, url)
        await by.close()
        return exchange

    exchange = asyncio.run(run())
    assert exchange.outcome is Outcome.REFUSED
    assert "name the file of its certificates as ca_file in the deployment file" in exchange.error


def test_tls_on_a_plain_port_is_refused() -> None:
    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")(_, writer)
        writer.close()

    async def run() -> Exchange:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        by = recorder()
        exchange = await sent(by, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await by.close()
        server.close()
        return exchange

    exchange = asyncio.run(run())
    assert exchange.outcome is Outcome.REFUSED
    assert "SSL" in exchange.error


def test_a_url_that_is_none_is_refused() -> None:
    assert ask(answering(), Call("", "GET", "/\x00")).outcome is Outcome.REFUSED


@contextmanager
def closed_port() -> Iterator[str]:
    """The URL of a port that is bound, so that nobody else takes it, and not listened on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def full_queue() -> Iterator[str]:
    """The URL of a port that takes no more connections and refuses none, as behind a firewall that drops."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for each in waiting:
            each.close()


# What is sent no more


def test_after_three_time_outs_on_an_operation_nothing_more_is_sent_there_and_to_others_it_is() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=0.05, strikes=3))
        async with serving(answering()) as living, serving(silent) as dead:
            await sent(by, living, Call("other", "GET", "/"))
            for _ in range(3):
                await sent(by, dead, Call("op", "GET", "/"))
            with pytest.raises(TargetGoneError, match=r"b did not answer op 3 times in a row within 0\.05 s"):
                await sent(by, dead, Call("op", "GET", "/"))
            assert (await sent(by, living, Call("other", "GET", "/"))).status == 200
        await by.close()
        assert len(by.history.entries) == 5

    asyncio.run(run())


def test_an_answer_in_between_takes_the_strikes_back() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=0.05, strikes=3))
        async with serving(answering()) as living, serving(silent) as dead:
            for url in (dead, dead, living, dead, dead, living):
                await sent(by, url, Call("op", "GET", "/"))
        await by.close()

    asyncio.run(run())


def test_a_target_that_answers_nothing_at_all_is_given_up_whatever_is_asked() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=0.05, strikes=3))
        async with serving(answering()) as living, serving(silent) as dead:
            for number in range(3):
                await sent(by, dead, Call(f"op{number}", "GET", "/"))
            with pytest.raises(TargetGoneError, match="b answered nothing at all, 3 times"):
                await sent(by, dead, Call("op3", "GET", "/"))
            with pytest.raises(TargetGoneError, match="b answered nothing at all"):
                async with by.listen(step="s", callee="b", base_url=dead, call=GET):
                    pass
            assert (await sent(by, living, callee="c")).status == 200
        await by.close()

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses connections")
def test_a_host_that_swallows_connections_is_given_up_too() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(seconds=5.0, connect_seconds=0.1, strikes=3))
        with full_queue() as url:
            for number in range(3):
                exchange = await sent(by, url, Call(f"op{number}", "GET", "/"))
                assert (exchange.outcome, exchange.error) == (Outcome.REFUSED, "ConnectTimeout")
            with pytest.raises(TargetGoneError, match="answered nothing at all"):
                await sent(by, url)
        await by.close()

    asyncio.run(run())


def test_a_refused_connection_is_quick_and_so_no_strike() -> None:
    async def run() -> None:
        by = recorder()
        with closed_port() as url:
            for _ in range(5):
                assert (await sent(by, url)).outcome is Outcome.REFUSED
        await by.close()

    asyncio.run(run())


def test_a_record_that_is_full_ends_the_traffic() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(answer_bytes=10_000, kept_bytes=25_000))
        async with serving(answering(b"x" * 10_000)) as url:
            for _ in range(3):
                await sent(by, url)
            with pytest.raises(TargetGoneError, match="the record is full"):
                await sent(by, url)
        await by.close()

    asyncio.run(run())


def test_an_operation_that_answers_too_much_is_left_and_the_others_go_on() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(answer_bytes=20_000, operation_bytes=24_000))
        cookies = b"".join(b"Set-Cookie: a=%d\r\n" % each for each in range(100))
        async with (
            serving(answering()) as usual,
            serving(answering(b"x" * 15_000)) as large,
            serving(answering(headers=cookies)) as many,
        ):
            for _ in range(3):
                await sent(by, large, Call("large", "GET", "/"))
            for _ in range(3):
                await sent(by, many, Call("many", "GET", "/"))
            with pytest.raises(TargetGoneError, match=r"b answered large with more than is kept .*24000 bytes"):
                await sent(by, large, Call("large", "GET", "/"))
            with pytest.raises(TargetGoneError, match="b answered many with more"):
                await sent(by, many, Call("many", "GET", "/"))
            for _ in range(20):
                assert (await sent(by, usual, Call("usual", "GET", "/"))).status == 200
        await by.close()

    asyncio.run(run())


def test_a_429_that_no_wait_ends_is_given_up_and_one_that_ends_is_not() -> None:
    async def run() -> None:
        by = recorder(TrafficLimits(strikes=3))
        async with serving(answering(status="429 Too Many")) as limited, serving(answering()) as open_again:
            for count, url in ((5, limited), (1, open_again), (6, limited)):
                for _ in range(count):
                    await sent(by, url, Call("op", "GET", "/"))
                    if url == limited:
                        by.still_throttled("b", "op")
            with pytest.raises(TargetGoneError, match="b answered op with 429 6 times in a row after the wait"):
                await sent(by, limited, Call("op", "GET", "/"))
            assert (await sent(by, open_again, Call("other", "GET", "/"))).status == 200
        await by.close()

    asyncio.run(run())


# What is kept


def test_what_was_sent_and_answered_is_kept_byte_for_byte() -> None:
    body = bytes(range(256)) * 4
    answer = bytes(reversed(range(256))) * 4
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got.append(await reader.readexactly(len(body)))
        writer.write(OK + b"X-Odd:  caf\xe9 \r\nx-odd: two\r\nContent-Length: 1024\r\n\r\n" + answer)
        await writer.drain()
        writer.close()

    async def run() -> tuple[Exchange, Answer | None]:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        by = recorder()
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        call = Call("", "POST", "/a%20b?c=%2F", (("X-Sent", "caf\u00e9"),), body)
        found = await by.send(step="s/x", caller="a", callee="b", base_url=url + "/", call=call)
        await by.close()
        server.close()
        return found

    exchange, answered = asyncio.run(run())
    assert answered is not None
    assert got == [body]
    assert (exchange.request_body, exchange.response_body, answered.body) == (body, answer, answer)
    assert exchange.url.endswith("/a%20b?c=%2F")
    assert "//a" not in exchange.url.removeprefix("http://")
    assert [value for name, value in exchange.response_headers if name.lower() == "x-odd"] == ["caf\u00e9", "two"]
    assert exchange.request_headers == (("X-Sent", "caf\u00e9"),)


def test_secrets_are_removed_wherever_they_stand_and_said_where_an_answer_showed_them() -> None:
    secret = 'sec/ret+"with"=signs&0123'
    redactor = Redactor()
    redactor.register("shared-secret", secret)
    body = b'{"a": "\xc3\xa9\xff ' + secret.replace('"', '\\"').encode() + b'"}'
    serve = answering(body, headers=f"X-Debug: {secret}\r\n".encode())
    call = Call(
        "", "POST", "/x?t=sec%2Fret%2B%22with%22%3Dsigns%260123", (("x-shared-secret", secret),), secret.encode()
    )
    exchange = ask(serve, call, redactor=redactor)
    kept = f"{exchange.url}{exchange.request_headers}{exchange.request_body!r}{exchange.response_headers}"
    assert "0123" not in kept
    assert exchange.response_body.startswith(b'{"a": "\xc3\xa9\xff <shared-secret:')
    assert exchange.response_body.endswith(b'>"}')
    assert {place for _, _, place in exchange.facts["secrets"]} == {"header x-debug", "body"}


def test_headers_that_carry_credentials_are_masked_even_where_the_value_is_not_known() -> None:
    sent_headers = (
        ("Authorization", "Bearer opaque-credential"),
        ("Authorization", "opaque-credential"),
        ("Cookie", "jwt=opaque-credential"),
        ("X-Session-Token", "opaque-credential"),
        ("x-shared-secret", "hunter2"),
        ("X-Other", "plain"),
        ("Authorization", ""),
    )
    headers = b"Set-Cookie: jwt=opaque-credential; Path=/\r\nX-Auth-Token: opaque-credential\r\n"
    exchange = ask(answering(headers=headers), Call("", "GET", "/", sent_headers))
    assert "opaque-credential" not in f"{exchange.request_headers}{exchange.response_headers}"
    assert [value for _, value in exchange.request_headers] == [
        "Bearer <bearer>",
        "<bearer>",
        "<cookie>",
        "<session-token>",
        "<shared-secret>",
        "plain",
        "",
    ]


def test_what_an_answer_hands_out_is_a_secret_from_then_on() -> None:
    token = "a-session-token-that-was-just-minted-0123456"
    body = json.dumps({"session_token": token, "expires_at": "2025-07-25T15:45:00.000Z"}).encode()

    async def run() -> tuple[Exchange, Answer | None, Exchange]:
        by = Recorder(
            History(Context("d", "2025-07", {}, frozenset())),
            Redactor(),
            limits=PATIENT,
            facts=facts.ALL,
            secrets=facts.handed_out,
        )
        async with serving(answering(body)) as url:
            call = Call("generateSession", "POST", "/api/cross-app/generate-session", (), b"{}")
            minted, answer = await by.send(step="s/1", caller="a", callee="b", base_url=url, call=call)
            used, _ = await by.send(
                step="s/2", caller="a", callee="b", base_url=url, call=Call("", "GET", f"/?session_token={token}")
            )
        await by.close()
        return minted, answer, used

    minted, answer, used = asyncio.run(run())
    assert answer is not None
    assert answer.json() == {"session_token": token, "expires_at": "2025-07-25T15:45:00.000Z"}
    assert token not in f"{minted}{used}"
    assert minted.facts["token"]["length"] == len(token)
    assert used.url.partition("=")[2].startswith("<session-token:")
    assert minted.facts["secrets"] == used.facts["secrets"] != []


def test_facts_are_computed_from_the_bytes_as_they_were_and_are_themselves_cleaned() -> None:
    redactor = Redactor()
    redactor.register("shared-secret", "the-secret-itself")

    def length(call: Call, answer: Answer | None) -> dict[str, object]:
        assert answer is not None
        return {"length": len(answer.body), "list": [answer.body.decode()], "map": {"the-secret-itself": 1}}

    async def run() -> Exchange:
        by = Recorder(History(Context("d", "2025-07", {}, frozenset())), redactor, limits=PATIENT, facts=(length,))
        async with serving(answering(b"the-secret-itself")) as url:
            exchange = await sent(by, url)
        await by.close()
        return exchange

    known = asyncio.run(run()).facts
    assert known["length"] == 17
    assert "the-secret-itself" not in str(known)


BODIES = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "half of a surrogate pair": b'{"session_token": "\\ud800", "token": "\\udfff aaaaaaaaaa", "message": "\\ud800"}',
    "a number too long": b'{"session_token": ' + b"9" * 10_000 + b"}",
    "infinite": b'{"expires_in": 1e999999, "session_token": NaN}',
    "keys twice": b'{"token": "aaaaaaaaaaaa", "token": 1}',
    "not UTF-8": b'{"token": "\xff\xfe"}',
    "UTF-16": '{"token": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"token": "aaaaaaaaaaaa"}',
    "fields of other types": b'{"session_token": {}, "token": [], "user": 1, "accounts": {"a": null}, "statusCode": 1}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("operation", ["generateSession", "validateCrossAppSession", "getEvent", "wrapGenerateSession"])
def test_no_body_is_so_odd_that_it_cannot_be_recorded_and_saved(operation: str, body: bytes) -> None:
    by = Recorder(
        History(Context("d", "2025-07", {}, frozenset())), Redactor(), facts=facts.ALL, secrets=facts.handed_out
    )
    by.record(
        step="s",
        caller="a",
        callee="b",
        call=Call(operation, "POST", "/"),
        url="http://b/",
        answer=Answer(200, (("Content-Type", "application/json"),), body),
        outcome=Outcome.ANSWERED,
    )
    for line in history_lines(by.history, by.redactor):
        line.encode("utf-8")
    asyncio.run(by.close())


@pytest.mark.parametrize(
    ("token", "known"), [("undefined", False), ("localhost:5173", False), ("0f3c9a7be1d24c55", True)]
)
def test_what_has_not_the_form_of_a_token_is_no_secret(token: str, known: bool) -> None:
    answer = Answer(200, (), json.dumps({"session_token": token}).encode())
    call = Call("generateSession", "POST", "/api/cross-app/generate-session")
    assert list(facts.handed_out(call, answer)) == ([("session-token", token)] if known else [])
