"""Through real sockets: streams, bodies that are too large, and what only a server sees."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from contracts.session_token import wire
from contracts.webhook.wire import sign, status_changed_body
from harness.server import ServeError, listen
from simulators.kit.clock import Clock
from simulators.tuvens_api.app import TuvensApi, TuvensApiConfig, create
from simulators.tuvens_api.jwts import mint_jwt
from tests.launching import serving
from tests.simulators.tuvens_api.world import START, TOKEN, UNLIMITED


class Served:
    """A simulator behind a port, and what tests ask of it."""

    def __init__(self, api: TuvensApi, url: str) -> None:
        self.api = api
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=30, limits=httpx.Limits(max_connections=None))

    def control(self, method: str, path: str, value: object = None) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return (
            self.client.request(method, f"/__crossapp__{path}", json=value, headers=headers).raise_for_status().json()
        )

    def deliver(self, status: str, at: str = "2025-07-25T14:30:00.000Z", event: str = "11") -> None:
        body = status_changed_body(event_id=2, title="T", status=status, tuvens_event_id=event, sent_at=at)
        headers = {
            "Content-Type": "application/json",
            "x-hi-events-signature": sign(self.api.config.shared_secret, body),
        }
        path = "/api/webhooks/hi-events/event-status-changed"
        self.client.post(path, content=body, headers=headers).raise_for_status()

    def raw(self, request: bytes, *more: bytes) -> bytes:
        """What the server answers to bytes, until it closes or is done."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            with contextlib.suppress(OSError):
                for chunk in more:
                    connection.sendall(chunk)
            return _read_answer(connection)

    @contextlib.contextmanager
    def stream(self, last: str | None = None) -> Iterator["Stream"]:
        headers = {} if last is None else {"Last-Event-ID": last}
        with self.client.stream("GET", "/api/events/updates", headers=headers) as response:
            stream = Stream(response)
            assert stream.next_block()[0].startswith(":")
            yield stream


class Stream:
    """The blocks of an event stream as lines."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next_block(self) -> list[str]:
        block: list[str] = []
        for line in self._lines:
            if line:
                block.append(line)
            elif block:
                return block
        return block


def _read_answer(connection: socket.socket) -> bytes:
    answer = b""
    while True:
        chunk = connection.recv(65536)
        if not chunk:
            return answer
        answer += chunk
        head, separator, body = answer.partition(b"\r\n\r\n")
        length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        if separator and length and len(body) >= int(length[0].split(b":")[1]):
            return answer


@pytest.fixture(scope="module")
def _served() -> Iterator[Served]:
    config = TuvensApiConfig(control_token=TOKEN, rate_limits=UNLIMITED)
    api = create(config, clock=Clock(START, running=False))
    with serving(api.app) as (url,):
        served = Served(api, url)
        yield served
        served.client.close()


@pytest.fixture
def served(_served: Served) -> Iterator[Served]:
    _served.control("PUT", "/clock", {"now": START})
    _served.control("DELETE", "/faults")
    _served.control("POST", "/reset")
    yield _served
    health = _served.control("GET", "/health")
    assert (health["contract_problems"], health["failures"]) == (0, 0)


def test_each_applied_webhook_is_one_unnamed_event_with_an_id(served: Served) -> None:
    with served.stream() as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"].startswith("no-cache")
        served.deliver("LIVE")
        served.deliver("LIVE")
        served.deliver("DRAFT", "2025-07-25T14:00:00.000Z")
        served.deliver("ENDED", "2025-07-25T15:00:00.000Z")
        first, second = stream.next_block(), stream.next_block()
    assert [line.partition(":")[0] for line in first] == ["id", "data"]
    assert json.loads(first[1].removeprefix("data: ")) == {
        "type": "ticketing_status_changed",
        "eventId": "11",
        "status": "active",
        "timestamp": "2025-07-25T14:30:00.000Z",
    }
    assert json.loads(second[1].removeprefix("data: "))["status"] == "inactive"
    assert int(second[0].removeprefix("id: ")) == int(first[0].removeprefix("id: ")) + 1


def test_the_messages_are_as_the_document_says(served: Served) -> None:
    operation = served.api.document.operations["streamEventUpdates"]
    with served.stream() as stream:
        served.deliver("LIVE")
        value = json.loads(stream.next_block()[1].removeprefix("data: "))
    assert operation.body_problems(200, value) == []


def test_a_reconnect_with_the_last_id_misses_nothing(served: Served) -> None:
    with served.stream() as stream:
        served.deliver("LIVE")
        last = stream.next_block()[0].removeprefix("id: ")
    served.deliver("ENDED", "2025-07-25T15:00:00.000Z")
    served.deliver("DRAFT", "2025-07-25T16:00:00.000Z")
    headers = {"Last-Event-ID": last}
    with served.client.stream("GET", "/api/events/updates", headers=headers) as response:
        stream = Stream(response)
        assert stream.next_block()[0] == ": open"
        statuses = [json.loads(stream.next_block()[1].removeprefix("data: "))["status"] for _ in range(2)]
        served.deliver("LIVE", "2025-07-25T17:00:00.000Z")
        statuses.append(json.loads(stream.next_block()[1].removeprefix("data: "))["status"])
    assert statuses == ["inactive", "setup", "active"]


@pytest.mark.parametrize("last", ["nonsense", "-1", "99999999999999999999999", "1.5", "²", ""])
def test_a_last_id_that_was_never_given_out_starts_anew(served: Served, last: str) -> None:
    with served.stream(last.encode().decode("latin-1") if last.isascii() else "x") as stream:
        served.deliver("LIVE")
        assert stream.next_block()[0].startswith("id: ")


def test_a_heartbeat_comes_every_15_seconds_of_the_clock(served: Served) -> None:
    with served.stream() as stream:
        served.control("POST", "/clock/advance", {"seconds": 60})
        assert [stream.next_block() for _ in range(4)] == [[": heartbeat"]] * 4


def test_a_reader_that_leaves_is_forgotten(served: Served) -> None:
    with served.stream():
        assert served.control("GET", "/health")["streams"] == 1
    served.deliver("LIVE")
    for _ in range(200):
        if served.control("GET", "/health")["streams"] == 0:
            return
    pytest.fail("the stream is still open")


def test_an_open_stream_is_journaled_when_it_opens(served: Served) -> None:
    with served.stream():
        (exchange,) = served.control("GET", "/journal?operation=streamEventUpdates&wait=5")["exchanges"]
    assert exchange["status"] == 200


def test_a_server_with_an_open_stream_and_a_hanging_request_stops_at_once() -> None:
    api = create(TuvensApiConfig(control_token=TOKEN, faults=("tuvens-api-hangs",)))
    call = wire.validate_session(api.config.shared_secret, "x")
    opened = threading.Event()
    outcomes: list[object] = []

    def read(url: str) -> None:
        with (
            httpx.Client(base_url=url, trust_env=False) as client,
            client.stream("GET", "/api/events/updates") as response,
        ):
            for line in response.iter_lines():
                outcomes.append(line)
                opened.set()

    def ask(url: str) -> None:
        answer = httpx.post(f"{url}{call.target}", content=call.body, headers=dict(call.headers), trust_env=False)
        outcomes.append(answer.status_code)

    with serving(api.app) as (url,):
        threads = [threading.Thread(target=target, args=(url,)) for target in (read, ask)]
        for thread in threads:
            thread.start()
        assert opened.wait(5)
        while api.faults.fired("tuvens-api-hangs") == 0:
            httpx.get(f"{url}/api/events/11", trust_env=False)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert 503 in outcomes


def _post(path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


VALIDATE = "/api/cross-app/validate-session"


def test_a_body_that_says_it_is_too_large_is_413_before_a_byte_of_it_is_read(served: Served) -> None:
    secret = f"x-shared-secret: {served.api.config.shared_secret}"
    answer = served.raw(_post(VALIDATE, secret, "Content-Length: 1048577", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert b"100 Continue" not in answer
    assert b'"code":"PAYLOAD_TOO_LARGE"' in answer


def test_a_chunked_body_is_413_as_soon_as_it_is_too_large(served: Served) -> None:
    secret = f"x-shared-secret: {served.api.config.shared_secret}"
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    answer = served.raw(_post(VALIDATE, secret, "Transfer-Encoding: chunked"), *[chunk] * 20)
    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [1_048_577, 10_000_000])
def test_a_client_that_sends_all_of_it_still_gets_the_413(served: Served, size: int) -> None:
    body = b"a" * size
    headers = {"x-shared-secret": served.api.config.shared_secret, "Content-Type": "application/json"}
    for content in (body, iter([body[:1000], body[1000:]])):
        assert served.client.post(VALIDATE, content=content, headers=headers).status_code == 413
    path = "/api/webhooks/hi-events/event-status-changed"
    signature = {"x-hi-events-signature": sign(served.api.config.shared_secret, body)}
    assert served.client.post(path, content=body, headers={**headers, **signature}).status_code == 413
    assert served.client.post(VALIDATE, content=body).status_code == 401


def test_no_header_tells_the_server_and_the_date_is_the_simulated_one(served: Served) -> None:
    response = served.client.get("/api/events/11")
    assert "server" not in response.headers
    assert response.headers.get_list("date") == ["Fri, 25 Jul 2025 14:30:00 GMT"]


def test_head_is_served_where_get_is_without_a_body(served: Served) -> None:
    response = served.client.head("/api/events/11")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 100


@pytest.mark.parametrize(
    "target", ["/api/events/%ff", "/api/events/%00", "/api/events/" + "a" * 10_000, "/api/events/a%0d%0ab", "/%2e%2e/x"]
)
def test_a_strange_target_is_404_in_the_error_shape(served: Served, target: str) -> None:
    answer = served.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"statusCode":404' in answer


def _get_1_0(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.0", *headers, "", ""]).encode()


def test_a_stream_to_an_http_1_0_client_has_no_chunks(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(_get_1_0("/api/events/updates"))
        answer = b""
        while b"retry:" not in answer:
            answer += connection.recv(65536)
        served.deliver("LIVE")
        while b'"active"' not in answer:
            answer += connection.recv(65536)
    head, _, body = answer.lower().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert body.startswith(b": open\nretry: 1000\n\nid: ")


@pytest.mark.parametrize("variant", ["", "chunked-of-tuvens-api"])
def test_a_response_to_an_http_1_0_client_ends_with_the_connection(served: Served, variant: str) -> None:
    if variant:
        served.control("PUT", f"/faults/{variant}")
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(_get_1_0("/api/events/11"))
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert json.loads(body)["id"] == "11"
    assert b"transfer-encoding" not in head
    assert b"connection: close" in head
    assert (b"content-length" in head) is not bool(variant)


def test_a_connection_is_kept_for_an_http_1_0_client_that_asks_for_it(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        for last in (False, True):
            connection.sendall(_get_1_0("/api/events/11", *([] if last else ["Connection: keep-alive"])))
            answer = _read_answer(connection)
            assert (b"connection: keep-alive" in answer) is not last
            assert (b"connection: close" in answer) is last
        assert connection.recv(1) == b""


def test_what_is_no_http_is_answered_400_and_the_server_lives_on(served: Served) -> None:
    for nonsense in (
        b"nonsense\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\x00: b\r\n\r\n",
    ):
        assert served.raw(nonsense)[9:12] in (b"400", b"404", b"")
    assert served.client.get("/api/events/11").status_code == 200


def test_a_hundred_users_at_once_keep_their_identities(served: Served) -> None:
    def journey(number: int) -> bool:
        email = f"guest-{number}@example.com"
        jwt = mint_jwt(served.api.config.jwt_secret, served.api.seed.user(email), START)
        call = wire.generate_session(jwt, 123)
        minted = served.client.post(call.target, content=call.body, headers=dict(call.headers)).json()
        call = wire.validate_session(served.api.config.shared_secret, minted["session_token"])
        found = [
            served.client.post(call.target, content=call.body, headers=dict(call.headers)).json() for _ in range(3)
        ]
        return all(each["email"] == email and each["user_id"] == str(number) for each in found)

    with ThreadPoolExecutor(100) as pool:
        assert all(pool.map(journey, range(101, 201)))


def test_the_control_plane_serves_this_machine_only(served: Served) -> None:
    assert served.control("GET", "/ready")["ready"] is True
    transport = httpx.ASGITransport(served.api.app, client=("192.0.2.7", 1))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://x", trust_env=False) as client:
            return await client.get("/__crossapp__/ready", headers={"Authorization": f"Bearer {TOKEN}"})

    assert asyncio.run(ask()).status_code == 403


def test_an_answer_in_two_pieces_waits_for_no_acknowledgement() -> None:
    async def delays_nothing() -> bool:
        asked = asyncio.get_running_loop().create_future()

        class Served(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                sock = transport.get_extra_info("socket")
                asked.set_result(bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
                transport.close()

        listener = listen()
        made = await asyncio.get_running_loop().create_server(Served, sock=listener)
        _, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        found: bool = await asked
        writer.close()
        made.close()
        return found

    assert asyncio.run(delays_nothing())


def test_a_taken_port_is_one_line_that_names_it() -> None:
    taken = listen()
    port = taken.getsockname()[1]
    with pytest.raises(ServeError, match=f"port {port} .* is not free"):
        listen(port)
    taken.close()


def test_two_simulators_run_side_by_side_in_one_thread() -> None:
    one, two = create(TuvensApiConfig(control_token=TOKEN)), create(TuvensApiConfig(control_token=TOKEN))
    with serving(one.app, two.app) as urls:
        assert len(set(urls)) == 2
        for url in urls:
            assert httpx.get(f"{url}/api/events/11", trust_env=False).status_code == 200
