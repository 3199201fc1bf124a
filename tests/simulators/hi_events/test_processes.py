"""Several processes on one database, and a process that is killed."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.session_token.wire import SessionUser
from simulators.hi_events.outbox import Outbox
from simulators.hi_events.store import EventDraft, HiEventsStore
from simulators.hi_events.tables import metadata
from simulators.kit.database import Database
from simulators.seed import default_seed
from tests.simulators import postgresql
from tests.simulators.hi_events.world import Answer, Peer, peer, wait_until

OK: Answer = (200, {"Content-Type": "application/json"}, b"{}")
AT_ONCE = 6


@contextmanager
def connections(kind: str, folder: Path) -> Iterator[list[Database]]:
    """Databases that are one: each with a connection of its own, as so many processes have."""
    if kind == "sqlite":
        yield from _opened(f"sqlite:///{folder / 'hi.db'}", None)
    else:
        with postgresql.schema() as schema:
            yield from _opened(postgresql.URL, schema)


def _opened(url: str, schema: str | None) -> Iterator[list[Database]]:
    opened = [Database(metadata, url, schema=schema) for _ in range(AT_ONCE)]
    try:
        opened[0].create()
        HiEventsStore(opened[0]).seed(default_seed())
        yield opened
    finally:
        for each in opened:
            each.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("email", ["guest-101@example.com", "GUEST-120@example.com"])
def test_one_user_and_account_come_of_sign_ins_by_several_processes(kind: str, email: str, tmp_path: Path) -> None:
    with connections(kind, tmp_path) as opened, ThreadPoolExecutor(AT_ONCE) as pool:
        barrier = threading.Barrier(AT_ONCE)

        def sign_in(database: Database, number: int) -> tuple[int, int]:
            who = SessionUser(str(number), email.replace("1", str(number % 3), 1), "A B", 7000 + number)
            store = HiEventsStore(database)
            with store.write():
                user = store.map_user(who)
                account = store.map_account(who.account_id)
                store.join(user, account)
                return user.id, account.id

        def ten_times(database: Database) -> list[tuple[int, int]]:
            found = []
            for number in range(10):
                barrier.wait()
                found.append(sign_in(database, number))
            return found

        results = list(pool.map(ten_times, opened))
        assert all(each == results[0] for each in results)
        assert len({user for user, _ in results[0]}) == 10


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_one_event_comes_of_a_page_opened_in_several_processes(kind: str, tmp_path: Path) -> None:
    with connections(kind, tmp_path) as opened, ThreadPoolExecutor(AT_ONCE) as pool:

        def make(database: Database) -> int:
            store = HiEventsStore(database)
            with store.write():
                account = store.map_account(123)
                return store.make_event(account.id, "777", EventDraft("Evening"), "DRAFT", 0.0).id

        assert len(set(pool.map(make, opened))) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_one_process_at_a_time_may_send_a_delivery(kind: str, tmp_path: Path) -> None:
    with connections(kind, tmp_path) as opened, ThreadPoolExecutor(AT_ONCE) as pool:
        number = Outbox(opened[0]).enqueue(event_id=11, body=b"{}", event_sent_at="", due_at=0.0)

        def lease(database: Database, now: float = 1000.0) -> float:
            outbox = Outbox(database)
            with outbox.write():
                return outbox.lease(number, owner="here/1", real_now=now, seconds=5)

        waits = sorted(pool.map(lease, opened))
        assert waits == [0.0, *[5.0] * (AT_ONCE - 1)]
        assert lease(opened[1], now=1004.0) == 1.0
        assert lease(opened[1], now=1005.0) == 0.0


@contextmanager
def process(tuvens: Peer, database: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """hi.events as a process of its own, on a database that outlives it."""
    command = [sys.executable, "-m", "simulators", "--only", "hi.events", "--port", "hi.events=0", "--json"]
    options = ["--tuvens-api", tuvens.url, "--database", database, "--exit-with-stdin"]
    with subprocess.Popen([*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield child, json.loads(child.stdout.readline())["targets"]["hi.events"]
        finally:
            child.kill()


def test_deliveries_survive_kill_9_in_the_middle_of_an_attempt_and_go_on_in_order(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'hi.db'}"
    with peer() as tuvens, httpx.Client(trust_env=False, verify=False, timeout=20) as client:
        tuvens.vouches(lambda: None)
        with process(tuvens, database) as (child, target):
            signed_in = client.post(f"{target['url']}/auth/cross-app/validate", json={"session_token": "A" * 43})
            bearer = {"Authorization": f"Bearer {signed_in.json()['token']}"}
            for event, status in ((11, "LIVE"), (11, "ENDED"), (12, "LIVE")):
                address = f"{target['url']}/events/{event}/status"
                assert client.put(address, json={"status": status}, headers=bearer).status_code == 200
            wait_until(lambda: len(tuvens.webhooks()) == 2)
            child.send_signal(signal.SIGKILL)
            child.wait()
        tried = {body for _, body in tuvens.webhooks()}
        tuvens.vouches(lambda: OK)
        with process(tuvens, database) as (_, target):
            wait_until(lambda: len(tuvens.webhooks()) == 5)
            assert sorted(tuvens.told()[2:]) == [(11, "ENDED"), (11, "LIVE"), (12, "LIVE")]
            assert [status for event, status in tuvens.told()[2:] if event == 11] == ["LIVE", "ENDED"]
            assert tried < {body for _, body in tuvens.webhooks()[2:]}
            control = target["control"]
            headers = {"Authorization": f"Bearer {control['token']}"}
            wait_until(
                lambda: (
                    [
                        (each["state"], each["attempts_made"])
                        for each in client.get(f"{control['url']}/deliveries", headers=headers).json()["deliveries"]
                    ]
                    == [("delivered", 1)] * 3
                )
            )
