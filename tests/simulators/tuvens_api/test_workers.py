"""Two processes that serve one tuvens-api on PostgreSQL."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from contracts.session_token import wire
from contracts.tuvens_event.wire import get_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.http import Call
from harness.sse import messages
from simulators.kit.errors import StartError
from simulators.launch import Launched, LaunchOptions
from tests.launching import launched
from tests.simulators import postgresql

LIMITS = {"generateSession": 10, "validateSession": 100, "receiveEventStatusChanged": 1000}


class Pair:
    """Both workers, each by a connection of its own that stays open."""

    def __init__(self, built: Launched) -> None:
        self.url = built.urls["tuvens-api"]
        self.secret = built.shared_secret
        self.users = built.description()["users"]
        self._token = built.control_tokens["tuvens-api"]
        self.clients: dict[int, httpx.Client] = {}
        self._spare: list[httpx.Client] = []
        while len(self.clients) < 2:
            assert len(self._spare) < 200, "the system gives all connections to one of the processes"
            client = httpx.Client(base_url=self.url, trust_env=False, timeout=20)
            worker = self.control(client, "GET", "/health")["worker"]
            if worker in self.clients:
                self._spare.append(client)
            else:
                self.clients[worker] = client
        self.one, self.other = self.clients[1], self.clients[2]

    def close(self) -> None:
        for client in (*self.clients.values(), *self._spare):
            client.close()

    def control(self, client: httpx.Client, method: str, target: str, value: object = None, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = client.request(method, f"/__crossapp__{target}", headers=headers, json=value)
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(self, client: httpx.Client, call: Call) -> httpx.Response:
        return client.request(call.method, call.target, headers=dict(call.headers), content=call.body)

    def at_once(self, calls: list[Call]) -> list[httpx.Response]:
        """Send calls as close together as can be, half of them to each worker."""
        barrier = threading.Barrier(len(calls))

        def send(number: int) -> httpx.Response:
            barrier.wait()
            return self.send(self.clients[1 + number % 2], calls[number])

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(send, range(len(calls))))

    def generate(self, client: httpx.Client, user: int = 0) -> httpx.Response:
        who = self.users[user]
        return self.send(client, wire.generate_session(who["jwt"], who["account_id"]))

    def mint(self, client: httpx.Client, user: int = 0) -> str:
        token: str = self.generate(client, user).json()["session_token"]
        return token

    def webhook(self, second: int, status: str = "LIVE") -> Call:
        body = status_changed_body(
            event_id=2,
            title="Evening",
            status=status,
            tuvens_event_id="11",
            sent_at=f"2025-07-25T14:{second // 60:02d}:{second % 60:02d}.000Z",
        )
        return event_status_changed(body, sign(self.secret, body))


@pytest.fixture(scope="module")
def _pair() -> Iterator[Pair]:
    with postgresql.schema() as schema:
        options = LaunchOptions(only=("tuvens-api",), database=postgresql.URL, database_schema=schema, workers=2)
        with launched(options) as built:
            pair = Pair(built)
            yield pair
            pair.close()


@pytest.fixture
def pair(_pair: Pair) -> Pair:
    _pair.control(_pair.one, "POST", "/reset")
    _pair.control(_pair.one, "PUT", "/rate-limits", LIMITS)
    return _pair


def test_a_session_of_one_worker_is_known_to_the_other_at_once(pair: Pair) -> None:
    for client, other in ((pair.one, pair.other), (pair.other, pair.one)):
        token = pair.mint(client)
        answer = pair.send(other, wire.validate_session(pair.secret, token))
        assert (answer.status_code, answer.json()["user_id"]) == (200, "1")
    assert len(pair.control(pair.one, "GET", "/sessions")["sessions"]) == 2
    records = pair.control(pair.other, "GET", "/audit")["records"]
    assert [each["operation"] for each in records] == ["generateSession", "validateSession"] * 2


def test_one_token_validated_by_both_at_once_is_right_every_time(pair: Pair) -> None:
    token = pair.mint(pair.one)
    answers = pair.at_once([wire.validate_session(pair.secret, token)] * 24)
    assert [(each.status_code, each.json()["user_id"]) for each in answers] == [(200, "1")] * 24
    assert {int(each.headers["x-ratelimit-remaining"]) for each in answers} == set(range(76, 100))


def test_requests_at_once_are_counted_against_one_limit(pair: Pair) -> None:
    who = pair.users[0]
    answers = pair.at_once([wire.generate_session(who["jwt"], who["account_id"])] * 24)
    assert Counter(each.status_code for each in answers) == {200: 10, 429: 14}
    admitted = [each for each in answers if each.status_code == 200]
    assert sorted(int(each.headers["x-ratelimit-remaining"]) for each in admitted) == list(range(10))
    assert {pair.generate(client).status_code for client in (pair.one, pair.other)} == {429}
    assert pair.generate(pair.other, user=1).status_code == 200, "another user has a window of its own"


def test_limits_that_are_changed_at_one_hold_at_the_other(pair: Pair) -> None:
    changed = pair.control(pair.one, "PUT", "/rate-limits", {"generateSession": 1})
    assert changed == pair.control(pair.other, "GET", "/rate-limits")
    assert [pair.generate(client).status_code for client in (pair.other, pair.one)] == [200, 429]
    pair.control(pair.other, "PUT", "/rate-limits", {"generateSession": None})
    assert [pair.generate(pair.one).status_code for _ in range(12)] == [200] * 12


def test_a_delivery_that_comes_to_both_at_once_is_applied_once(pair: Pair) -> None:
    answers = pair.at_once([pair.webhook(1)] * 16)
    told = Counter(each.json()["message"] for each in answers)
    assert told == {"Event status updated": 1, "The delivery was applied before; nothing changes": 15}
    assert pair.send(pair.other, get_event("11")).json()["ticketing_status"] == "active"


def test_all_listeners_hear_of_what_either_worker_applied_in_one_order(pair: Pair) -> None:
    heard: dict[int, list[tuple[int, str]]] = {1: [], 2: []}
    ready = threading.Barrier(3)

    def listen(worker: int) -> None:
        # A connection of its own, to the worker that is wanted.
        while True:
            client = httpx.Client(base_url=pair.url, trust_env=False, timeout=20)
            if pair.control(client, "GET", "/health")["worker"] == worker:
                break
            client.close()
        with contextlib.closing(client), client.stream("GET", "/api/events/updates") as stream:
            received = messages(stream.iter_raw())
            next(received)
            ready.wait(20)
            for message in (each for each in received if each.kind == "event"):
                heard[worker].append((int(message.id), json.loads(message.data)["status"]))
                if len(heard[worker]) == 12:
                    return

    listeners = [threading.Thread(target=listen, args=(worker,), daemon=True) for worker in heard]
    for each in listeners:
        each.start()
    ready.wait(20)
    for second in range(12):
        client = pair.clients[1 + second % 2]
        assert pair.send(client, pair.webhook(second, ("LIVE", "DRAFT")[second % 2])).status_code == 200
    for each in listeners:
        each.join(20)
    assert heard[1] == heard[2]
    assert [status for _, status in heard[1]] == ["active", "setup"] * 6
    numbers = [number for number, _ in heard[1]]
    assert numbers == sorted(set(numbers))


def test_the_journal_is_one_and_has_no_token_of_either(pair: Pair) -> None:
    before = pair.control(pair.one, "GET", "/journal")["last"]
    token = pair.mint(pair.one)
    pair.send(pair.other, wire.validate_session(pair.secret, token))
    pair.send(pair.other, get_event(token))
    for client in (pair.one, pair.other):
        read = pair.control(client, "GET", f"/journal?after={before}")
        assert [each["operation"] for each in read["exchanges"]] == ["generateSession", "validateSession", "getEvent"]
        assert [each["number"] for each in read["exchanges"]] == [before + 1, before + 2, before + 3]
        assert read["last"] == before + 3
        assert token not in json.dumps(read)
        assert "<session-token:" in read["exchanges"][2]["target"]
    found = pair.control(pair.one, "GET", f"/journal?after={before}&operation=getEvent&min=1&wait=1")["exchanges"]
    assert [each["operation"] for each in found] == ["getEvent"]


def test_numbers_of_exchanges_at_once_have_no_gaps(pair: Pair) -> None:
    before = pair.control(pair.one, "GET", "/journal")["last"]
    pair.at_once([get_event("11")] * 24)
    read = pair.control(pair.other, "GET", f"/journal?after={before}")
    assert [each["number"] for each in read["exchanges"]] == list(range(before + 1, before + 25))


def test_a_reset_at_one_is_a_reset_of_both(pair: Pair) -> None:
    pair.control(pair.one, "PUT", "/rate-limits", {"generateSession": 1})
    token = pair.mint(pair.other)
    pair.control(pair.one, "POST", "/reset")
    assert pair.send(pair.other, wire.validate_session(pair.secret, token)).status_code == 404
    assert pair.generate(pair.other).status_code == 200, "what was counted is forgotten, the limit is not"
    assert pair.generate(pair.one).status_code == 429


@pytest.mark.parametrize(
    ("method", "target", "value"),
    [
        ("PUT", "/clock", {"now": 1.0}),
        ("POST", "/clock/advance", {"seconds": 60}),
        ("PUT", "/faults/tokens-are-short", None),
        ("POST", "/seed", {}),
    ],
)
def test_what_would_change_in_one_process_alone_is_refused(pair: Pair, method: str, target: str, value: object) -> None:
    said = pair.control(pair.one, method, target, value, status=409)["detail"]
    assert "one of 2 processes" in said
    assert "without --workers" in said


def test_several_workers_need_postgresql_tuvens_api_alone_and_honesty() -> None:
    alone = LaunchOptions(only=("tuvens-api",), workers=2, database="postgresql+psycopg://x@127.0.0.1:1/x")
    for options, told in (
        (LaunchOptions(only=("tuvens-api",), workers=2), "--database postgresql"),
        (LaunchOptions(only=("tuvens-api",), workers=2, database="sqlite:////tmp/x.db"), "--database postgresql"),
        (LaunchOptions(workers=2, database=alone.database), "--only tuvens-api"),
        (
            LaunchOptions(only=("tuvens-api",), workers=2, database=alone.database, faults=("tokens-are-short",)),
            "tokens",
        ),
        (LaunchOptions(workers=0), "from 1"),
    ):
        with pytest.raises(StartError, match=told):
            Launched(options)


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_worker_that_dies_ends_all_with_an_error() -> None:
    with postgresql.schema() as schema:
        separator = "&" if "?" in postgresql.URL else "?"
        address = f"{postgresql.URL}{separator}options=-csearch_path%3D{schema}"
        with psycopg.connect(_plain(postgresql.URL), autocommit=True) as connection:
            connection.execute(f'CREATE SCHEMA "{schema}"')
        command = [
            sys.executable, "-m", "simulators", "--json", "--only", "tuvens-api", "--port", "tuvens-api=0", "--workers",
            "2", "--database", address, "--exit-with-stdin",
        ]  # fmt: skip
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as first:
            assert first.stdout is not None
            assert json.loads(first.stdout.readline())["targets"]["tuvens-api"].get("control") is None
            (child,) = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text("utf-8").split()
            os.kill(int(child), signal.SIGKILL)
            first.wait(20)
            assert first.stderr is not None
            said = first.stderr.read()
        assert "worker 2 of tuvens-api ended by itself" in said
        assert first.returncode == 3


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
