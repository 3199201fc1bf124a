"""The stories of timing against real servers: an honest one, and one whose delay grows with what is right."""

import asyncio
import hmac
import http.client
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.shared_secret import rules_timing as of_secret
from contracts.webhook import rules_timing as of_signature
from contracts.webhook.wire import SIGNATURE_HEADER, event_status_changed, sign
from harness.http import Answer, Call
from harness.verdict import Held, Inconclusive, Verdict, Violated
from scenarios.cast.sending import Reply
from scenarios.stories.timing_is_compared import forged_signatures_are_timed, refusals_are_timed
from tests.contracts.histories import NOW, answer, history, observed, verdict

SECRET = "a-shared-secret-of-forty-characters-here"
Compare = Callable[[str, str], bool]


def _leaking(delay: float) -> Compare:
    """Stops at the first difference; each equal character takes so many seconds."""

    def compare(given: str, right: str) -> bool:
        equal = next((place for place, both in enumerate(zip(given, right, strict=True)) if len(set(both)) > 1), 0)
        time.sleep(equal * delay)
        return given == right

    return compare


@contextmanager
def _server(compare: Compare) -> Iterator[int]:
    """Answers 401 to whatever carries neither the right secret nor the right signature; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # header and body in one packet

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            signature = self.headers[SIGNATURE_HEADER]
            given, right = (signature, sign(SECRET, body)) if signature else (self.headers["x-shared-secret"], SECRET)
            self.send_response(200 if compare(given, right) else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # so that closing waits for the connection's end

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


class _Cast:
    """As much of a cast as the stories need, with a real connection."""

    secret = SECRET

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.stage = SimpleNamespace(random=Random(1), quick=False)
        self.observations: dict[str, Any] = {}

    def close(self) -> None:
        self._connection.close()

    def now_at(self, app: str) -> float:
        return NOW

    def hide(self, kind: str, secret: str) -> str:
        return secret

    async def session(self) -> SimpleNamespace:
        return SimpleNamespace(token="t" * 43)

    async def validates(self, step: str, token: str, *, secret: str, obey_limits: bool) -> Reply:
        return self._send(step, (("x-shared-secret", secret),), b"{}")

    async def delivers(self, step: str, body: bytes, *, signature: str, obey_limits: bool) -> Reply:
        call: Call = event_status_changed(body, signature)
        return self._send(step, call.headers, body)

    def observe(self, step: str, values: dict[str, Any]) -> None:
        self.observations = values

    def _send(self, step: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Reply:
        began = time.perf_counter()
        self._connection.request("POST", "/", body, dict(headers))
        response = self._connection.getresponse()
        response.read()
        exchange = answer(step, response.status, None, seconds=time.perf_counter() - began)
        return Reply(exchange, Answer(response.status, (), b""))


_STORIES = {
    "secret": (refusals_are_timed, of_secret.STORY, "shared_secret.no_timing_leak_is_seen"),
    "signature": (forged_signatures_are_timed, of_signature.STORY, "webhook.no_timing_leak_is_seen"),
}


def _judged(name: str, compare: Compare) -> Verdict:
    story, title, rule = _STORIES[name]
    with _server(compare) as port, closing(_Cast(port)) as cast:
        asyncio.run(story(cast))  # type: ignore[arg-type]
    comparison = observed(f"{title}/comparison", **cast.observations)
    return verdict(rule, history(answer(f"{title}/guess/far", 401), comparison))


@pytest.mark.parametrize("name", _STORIES)
def test_a_server_that_leaks_is_found_with_the_size_of_its_leak(name: str) -> None:
    found = _judged(name, _leaking(100e-6))
    assert isinstance(found, Violated), found
    told = re.search(r"a leak of (\d+) µs", found.observed)
    assert told
    # Of 40 characters or 64 digits all but the last are equal. From below only: a busy machine makes it longer.
    assert int(told[1]) > 0.9 * (39 if name == "secret" else 63) * 100


@pytest.mark.parametrize("name", _STORIES)
def test_an_honest_server_is_not_accused(name: str) -> None:
    found = _judged(name, hmac.compare_digest)
    assert isinstance(found, Held | Inconclusive), found
    if isinstance(found, Held):
        assert re.search(r"no difference above \d+ µs, which the measurement would show", found.note)
