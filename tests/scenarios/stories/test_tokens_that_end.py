"""Stories before a tuvens-api whose session tokens end before their requests arrive, on real sockets."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

import openapi
from contracts import facts
from contracts.catalogue import catalogue
from contracts.lifetimes import note_lifetimes
from contracts.times import iso_millis
from harness.deployment_file import build_deployment
from harness.history import Context, History, StoryOutcome
from harness.judge import judge_one
from harness.recorder import Recorder
from harness.redact import Redactor
from harness.story import StoryStoppedError
from harness.verdict import Held, Inconclusive, Verdict, Violated
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from scenarios.catalogue import stories
from tests.contracts.histories import NOW

_VALIDATED, _AGAIN = (
    "session_token.a_live_session_is_validated",
    "session_token.a_session_is_not_consumed_by_validation",
)


class _TuvensApi(BaseHTTPRequestHandler):
    """Its clock moves by a second with each question; a session lasts as long as `lifetimes` says, the last of them
    again and again."""

    lifetimes: list[int]
    ends: dict[str, float]
    now: list[float]
    forgets = False

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("generate-session"):
            token = f"{len(self.ends):0>40}"
            lasts = self.lifetimes.pop(0) if len(self.lifetimes) > 1 else self.lifetimes[0]
            self.ends[token] = self.now[0] + lasts
            self._answers(200, {"session_token": token, "expires_at": iso_millis(self.ends[token])})
            return
        self.now[0] += 1
        if self.now[0] >= self.ends[asked["session_token"]] or self.forgets:
            self._answers(404, {"statusCode": 404, "message": "There is no such session."})
        else:
            self._answers(200, {"user_id": "1", "email": "zoe@example.com", "name": "Zoë", "account_id": 123})

    def _answers(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.now[0], usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _served(lifetimes: list[int], *, forgets: bool = False) -> Iterator[str]:
    said = {"lifetimes": lifetimes, "ends": {}, "now": [NOW], "forgets": forgets}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("TuvensApi", (_TuvensApi,), said)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _driven(name: str, lifetimes: list[int], *, forgets: bool = False, **settings: object) -> History:
    """The record of a story before a server whose sessions last so long."""

    async def drive(url: str) -> History:
        target = {"url": url, "rate_limits": {"generateSession": 0, "validateSession": 0}, **settings}
        deployment = build_deployment(
            {
                "targets": {"tuvens-api": target},
                "credentials": {"shared_secret": "a-secret-that-nobody-may-see-0001"},
                "users": [{"role": "organiser", "account_id": 123, "jwt": "a-jwt-that-nobody-may-see", "user_id": "1"}],
            },
            apps=openapi.APPS,
            editions=("2025-07",),
        )
        history = History(Context("by hand", "2025-07", {}, frozenset({"role:organiser"})))
        stage = Stage(deployment, Recorder(history, Redactor(), facts=facts.ALL, secrets=facts.handed_out))
        story = stories()[name]
        try:
            await story.run(Cast(stage, story))
        finally:
            await stage.close()
        history.stories[story.name] = StoryOutcome(story.name, "finished")
        note_lifetimes(history, {})
        return history

    with _served(lifetimes, forgets=forgets) as url:
        return asyncio.run(drive(url))


def _verdicts(lifetimes: list[int], *, forgets: bool = False) -> list[Verdict]:
    history = _driven("a_session_is_validated", lifetimes, forgets=forgets)
    return [judge_one(catalogue()[each], history) for each in (_VALIDATED, _AGAIN)]


def test_a_token_that_ended_on_the_way_is_replaced() -> None:
    assert [type(each) for each in _verdicts([1, 600])] == [Held, Held]


def test_a_token_is_validated_twice_before_a_rule_says_that_it_is_not_consumed() -> None:
    # The first token ends between the two questions: one that was never validated must not take its place.
    assert [type(each) for each in _verdicts([2, 600])] == [Held, Held]


def test_tokens_that_never_live_long_enough_leave_the_rules_open() -> None:
    found = _verdicts([1])
    assert [type(each) for each in found] == [Inconclusive, Inconclusive]
    assert "may have expired before the request arrived" in str(found[0])


def test_living_tokens_that_are_refused_break_the_rules() -> None:
    assert [type(each) for each in _verdicts([600], forgets=True)] == [Violated, Violated]


@pytest.mark.parametrize(
    "story",
    [
        "sessions_expire_by_waiting",
        "expired_tokens_are_tried_after_waiting",
        "an_expired_session_is_replaced_after_waiting",
    ],
)
def test_nobody_waits_for_an_expiry_that_was_not_promised(story: str) -> None:
    with pytest.raises(StoryStoppedError, match=r"exchange \d.* announces 3599 s, .* session_expiry 5"):
        _driven(story, [3600], session_expiry=5)
