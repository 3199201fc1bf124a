"""Both simulators running, seen from outside: what the tests of hi.events act through."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from simulators.launch import HI_EVENTS, TUVENS_API, Launched, LaunchOptions
from simulators.people import find_person
from tests.launching import Outside, launched

EVENT_DATA = json.dumps({"title": "Evening of Songs", "start_date": "2030-08-01T19:00:00.000Z"})
BACK = "http://localhost:5173/hi-events/callback"


def asked_to_create(token: str, event: str = "35", **query: str) -> dict[str, str]:
    """The query of a page that is to make a draft of a Tuvens event and to come back."""
    asked = {
        "session_token": token,
        "return_url": BACK,
        "app_id": "tuvens",
        "action": "create_event",
        "event_id": event,
        "event_data": EVENT_DATA,
    }
    return {**asked, **query}


class World(Outside):
    """hi.events and (unless it calls another one) tuvens-api, and the people of the seed."""

    app = HI_EVENTS

    def __init__(self, built: Launched) -> None:
        super().__init__(built)
        self.hi = built.urls[HI_EVENTS]
        self.tuvens = built.urls.get(TUVENS_API, "")

    def disarm(self, fault: str, *, app: str = HI_EVENTS) -> None:
        """Be honest again in this."""
        self.control("DELETE", f"/faults/{fault}", app=app)

    def advance(self, seconds: float, *, app: str = HI_EVENTS) -> None:
        """Move one application's clock forward."""
        self.control("POST", "/clock/advance", {"seconds": seconds}, app=app)

    def freeze(self) -> None:
        """Stop the clock of hi.events until the next reset: it moves by `advance` alone."""
        self.control("PUT", "/clock", {"now": time.time(), "running": False})

    def health(self) -> Any:
        """The counts of hi.events."""
        return self.control("GET", "/health")

    def session_token(self, user: str = "organiser", account: int | None = None) -> str:
        """A fresh Tuvens session token of a user, by id, email or role."""
        person = find_person(self.built.options.seed, user)
        answer = self.client.post(
            f"{self.tuvens}/api/cross-app/generate-session",
            json={"account_id": account or person.account_id},
            headers={"Authorization": f"Bearer {self.jwt(user)}"},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["session_token"])

    def sign_in(self, token: object) -> httpx.Response:
        """POST /auth/cross-app/validate."""
        return self.client.post(f"{self.hi}/auth/cross-app/validate", json={"session_token": token})

    def bearer(self, user: str = "organiser", account: int | None = None) -> str:
        """The bearer token of a fresh Hi.Events session; before a Peer, of whomever it vouches for."""
        answer = self.sign_in(self.session_token(user, account) if self.tuvens else "A" * 43)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def call(self, method: str, path: str, bearer: str | None = None, body: object = None) -> httpx.Response:
        """Any request to hi.events; no redirect is followed."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        return self.client.request(method, self.hi + path, json=body, headers=headers)

    def change(self, bearer: str, event: int, status: str) -> httpx.Response:
        """PUT /events/{id}/status."""
        return self.call("PUT", f"/events/{event}/status", bearer, {"status": status})

    def open_page(self, **query: str) -> httpx.Response:
        """GET /auth/cross-app."""
        return self.client.get(f"{self.hi}/auth/cross-app", params=query)

    def open_to_create(self, token: str, event: str = "35", **query: str) -> httpx.Response:
        """The page, asked to make a draft of a Tuvens event and to come back."""
        return self.open_page(**asked_to_create(token, event, **query))

    def delivered(self) -> list[Any]:
        """The deliveries after everything that is due now was sent."""
        self.advance(0)
        return list(self.control("GET", "/deliveries")["deliveries"])

    def delivery(self, number: int) -> Any:
        """One delivery with its bytes and attempts."""
        return self.control("GET", f"/deliveries/{number}")

    def tuvens_event(self, event: str) -> Any:
        """An event as tuvens-api shows it."""
        return self.client.get(f"{self.tuvens}/api/events/{event}").json()


@contextmanager
def world(options: LaunchOptions) -> Iterator[World]:
    """Simulators with these options, and a world around them."""
    with launched(options) as built:
        seen = World(built)
        try:
            yield seen
        finally:
            seen.client.close()


Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Peer:
    """A stand-in for tuvens-api that answers what a test wants; `requests` is what it was sent."""

    url: str
    answer: Callable[[str], Answer | None] = field(default=lambda path: (404, {}, b""))
    requests: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def webhooks(self) -> list[tuple[Mapping[str, str], bytes]]:
        """Headers and bytes of the webhooks that came, in the order of their arrival."""
        return [(headers, body) for path, headers, body in self.requests if "/webhooks/" in path]

    def told(self) -> list[tuple[int, str]]:
        """(event, status) of the webhooks that came."""
        payloads = [json.loads(body)["payload"] for _, body in self.webhooks()]
        return [(each["id"], each["status"]) for each in payloads]

    def vouches(self, webhook: Callable[[], Answer | None]) -> None:
        """Accept every session token as the organiser's, and answer webhooks as `webhook` says."""
        user = {"user_id": "1", "email": "organiser@example.com", "name": "Zoë Müller", "account_id": 123}
        accepted = (200, {"Content-Type": "application/json"}, json.dumps(user).encode())
        self.answer = lambda path: webhook() if "/webhooks/" in path else accepted

    def always(self, status: int, body: bytes = b"{}", **headers: str) -> None:
        """Answer everything alike."""
        self.answer = lambda path: (status, headers, body)


@contextmanager
def peer() -> Iterator[Peer]:
    """A Peer on a free port. An answer of None means: take the request and be silent until `release` is set."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            standing.requests.append((self.path, dict(self.headers), body))
            answer = standing.answer(self.path)
            if answer is None:
                standing.release.wait(20)
                self.close_connection = True
                return
            status, headers, payload = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            try:
                self.wfile.write(payload)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_GET = do_POST  # noqa: N815  # the name is the library's

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    standing = Peer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield standing
    finally:
        standing.release.set()
        server.shutdown()
        server.server_close()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as a condition holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come about within {seconds:g} s"
        time.sleep(0.005)
