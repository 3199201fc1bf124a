"""What the stories of a run share: sessions, turns, retries that do no harm, events that are lent to one at a time."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import openapi
from contracts.hi_events_session.wire import sign_in
from contracts.session_token import wire
from contracts.status_changes import TICKETING
from contracts.times import iso_millis
from harness.deployment import Deployment, Linked
from harness.deployment_file import build_deployment
from harness.history import Context, Exchange, History, Observation, Outcome
from harness.http import Answer, Call
from harness.pacing import Allowance, Pacer
from harness.recorder import Forwarding
from harness.redact import Redactor
from harness.story import Phase, Story, StoryStoppedError
from harness.traffic_limits import TrafficLimits
from scenarios.cast import control_plane as module
from scenarios.cast.cast import Cast
from scenarios.cast.rate_limits import RateLimitTurns
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import SessionToken, SignedIn, user_key
from scenarios.cast.stage import Stage
from tests.contracts.histories import NOW, answer, no_answer
from tests.harness.simulated import SimulatedLoop

TOKEN = "a-session-token-that-nobody-may-see"
SESSION = {"session_token": TOKEN, "expires_at": iso_millis(NOW + 900)}
SIGNED_IN = {"token": "a-bearer-token-that-nobody-may-see", "expires_in": 3600}
_UNLIMITED = {
    app: dict.fromkeys((each.id for each in openapi.load(app).operations.values() if each.rate_limit is not None), 0)
    for app in ("tuvens-api", "hi.events")
}


class _Recorder:
    """Answers with what was prepared, the last of it again and again; records everything."""

    def __init__(self, *answers: Exchange) -> None:
        self.history = History(Context("by hand", "2025-07", {}, frozenset()))
        self.redactor = Redactor()
        self.limits = TrafficLimits(seconds=10.0)
        self.answers = list(answers)
        self.calls: list[Call] = []

    def still_throttled(self, callee: str, operation: str) -> None:
        """Nothing is counted."""

    def observe(self, step: str, values: Mapping[str, Any]) -> None:
        self.history.entries.append(Observation(len(self.history.entries) + 1, step, values))

    async def send(
        self,
        *,
        step: str,
        caller: str,
        callee: str,
        base_url: str,
        call: Call,
        facts: Mapping[str, Any] | None = None,
        forwarding: Forwarding | None = None,
    ) -> tuple[Exchange, Answer | None]:
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await asyncio.sleep(0.01)
        exchange = replace(found, number=len(self.calls) + 1, step=step, callee=callee, operation=call.operation)
        self.calls.append(call)
        self.history.entries.append(exchange)
        return exchange, exchange.answer if exchange.outcome is Outcome.ANSWERED else None


class _Turns:
    """A pacer that lets everybody through and remembers who came."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    async def turn(self, operation: str, key: str) -> None:
        self.taken.append((operation, key))

    async def together(self, requests: Mapping[tuple[str, str], int]) -> None:
        self.taken += [each for each, count in requests.items() for _ in range(count)]

    def give_back(self, operation: str, key: str) -> None:
        self.taken.remove((operation, key))


def deployment(**events: Any) -> Deployment:
    """Two targets without limits, one organiser."""
    targets = {
        app: {"url": f"http://{app}.example", "rate_limits": _UNLIMITED[app]} for app in ("tuvens-api", "hi.events")
    }
    value = {
        "targets": targets,
        "credentials": {"shared_secret": "a-secret-that-nobody-may-see"},
        "users": [{"role": "organiser", "account_id": 123, "jwt": "a-jwt-that-nobody-may-see", "user_id": "1"}],
        "events": events,
    }
    return build_deployment(value, apps=openapi.APPS, editions=("2025-07",))


class _World:
    """A stage before prepared answers, in a loop whose waiting takes no time."""

    def __init__(self, *answers: Exchange, **events: Any) -> None:
        self.loop = SimulatedLoop()
        self.recorder = _Recorder(*answers)
        self.stage = Stage(deployment(**events), self.recorder)  # type: ignore[arg-type]  # as much as a stage needs
        self.user = self.stage.deployment.users[0]
        self.pacer = _Turns()
        self.stage.rate_limits.pacer = self.pacer  # type: ignore[assignment]  # as much as a stage needs

    def run(self, work: Any) -> Any:
        return self.loop.run(work)

    @property
    def sent(self) -> list[str]:
        return [each.operation for each in self.recorder.calls]

    @property
    def superseded(self) -> list[bool]:
        return [each.superseded for each in self.recorder.history.entries if isinstance(each, Exchange)]

    def sends(self, call: Call, **said: Any) -> Reply:
        reply = self.run(self.stage.sender.send("a_story/step", "browser", call, **said))
        assert isinstance(reply, Reply)
        return reply


@pytest.fixture(autouse=True)
def _no_control_plane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a client reads all certificates of the machine, for nobody here."""
    unused = SimpleNamespace(AsyncClient=lambda **_: None, Timeout=lambda _: None)
    monkeypatch.setattr(module, "httpx", unused)


MINT = wire.generate_session("a-jwt-that-nobody-may-see", 123)
ASK = wire.validate_session("a-secret-that-nobody-may-see", TOKEN)
_LIMITED = answer("", 429, {}, headers={"Retry-After": "7"})
_LOST = no_answer("", seconds=0.1)
_NEVER_SENT = no_answer("", refused=True, seconds=0.1)
_TOO_SLOW = no_answer("", seconds=9.5)


# Sessions


def test_stories_that_ask_at_once_share_one_session() -> None:
    world = _World(answer("", 200, SESSION))

    async def ask() -> list[SessionToken]:
        return list(await asyncio.gather(*(world.stage.sessions.shared(world.user) for _ in range(5))))

    sessions = world.run(ask())
    assert world.sent == ["generateSession"]
    assert {each.token for each in sessions} == {TOKEN}
    assert TOKEN not in repr(sessions)


def test_a_session_is_minted_anew_a_minute_before_its_end_or_when_it_was_forgotten() -> None:
    world = _World(answer("", 200, SESSION))

    async def ask() -> list[int]:
        minted = []
        for seconds in (0, 830, 20):
            await world.stage.clock.advance(seconds)
            await world.stage.sessions.shared(world.user)
            minted.append(len(world.stage.sessions.minted))
        world.stage.sessions.forget()
        await world.stage.sessions.shared(world.user)
        return [*minted, len(world.stage.sessions.minted)]

    assert world.run(ask()) == [1, 1, 2, 3]


def test_the_record_says_by_how_much_the_clocks_were_moved() -> None:
    world = _World(answer("", 200, SESSION))
    began = time.time()
    world.run(world.stage.clock.advance(30.0))
    history = world.recorder.history
    assert (history.moved(began - 1, time.time() + 1), history.moved(began - 9, began - 1)) == (30.0, 0.0)


def test_a_session_that_is_refused_is_not_asked_for_again() -> None:
    world = _World(answer("", 403, {"message": "no"}))

    async def ask() -> None:
        for _ in range(2):
            with pytest.raises(StoryStoppedError, match=r"generate-session \(exchange 1\): .*organiser.*403"):
                await world.stage.sessions.shared(world.user)
        with pytest.raises(StoryStoppedError, match="exchange 2"):
            await world.stage.sessions.mint(world.user, "a_story/other account", account_id=9)

    world.run(ask())
    assert len(world.sent) == 2


@pytest.mark.parametrize("failure", [_LIMITED, _TOO_SLOW])
def test_a_session_is_asked_for_again_after_a_rate_limit_or_silence(failure: Exchange) -> None:
    tries = 3 if failure.status == 429 else 1
    world = _World(*[failure] * tries, answer("", 200, SESSION))

    async def ask() -> SessionToken:
        with pytest.raises(StoryStoppedError, match="no session could be minted"):
            await world.stage.sessions.shared(world.user)
        return await world.stage.sessions.shared(world.user)

    assert world.run(ask()).token == TOKEN


@pytest.mark.parametrize("body", [b"ok", [], {"session_token": ""}, {"session_token": 5, "expires_at": "soon"}])
def test_an_answer_that_holds_no_session_stops_the_story_with_its_exchange(body: object) -> None:
    world = _World(answer("", 200, body))
    with pytest.raises(StoryStoppedError, match=r"generate-session \(exchange 1\)"):
        world.run(world.stage.sessions.shared(world.user))


def test_an_expiry_that_is_no_time_stops_who_waits_for_it() -> None:
    session = SessionToken(TOKEN, deployment().users[0], "soon", NOW, 4)
    with pytest.raises(StoryStoppedError, match=r"exchange 4.*expires_at that is not a time: 'soon'"):
        session.end()
    assert replace(session, expires_at=iso_millis(NOW)).end() == NOW


def test_facts_name_whose_session_a_token_is_where_the_email_is_known() -> None:
    world = _World(answer("", 200, SESSION))
    known = replace(world.user, email="zoe@example.com")
    world.run(world.stage.sessions.mint(known, "a_story/mint"))
    assert world.stage.sessions.facts_about(TOKEN) == {"subject": "zoe@example.com"}
    assert world.stage.sessions.facts_about("another") == {}


# Sign-ins at hi.events


def test_a_sign_in_is_shared_and_takes_turns_on_both_sides_first() -> None:
    world = _World(answer("", 200, SESSION), answer("", 200, SIGNED_IN))

    async def ask() -> list[SignedIn]:
        return [await world.stage.sessions.signed_in(world.user) for _ in range(2)]

    first, second = world.run(ask())
    assert first is second
    assert world.sent == ["generateSession", "validateCrossAppSession"]
    assert world.pacer.taken == [
        ("generateSession", "1"),
        ("validateCrossAppSession", "address"),
        ("validateSession", "shared-secret"),
    ]
    assert first.bearer not in repr(first)


def test_questions_need_a_living_tuvens_session_behind_the_sign_in() -> None:
    signed_in = answer("", 200, SIGNED_IN)
    world = _World(answer("", 200, SESSION), signed_in, answer("", 200, SESSION), signed_in)

    async def ask() -> list[bool]:
        first = await world.stage.sessions.signed_in(world.user)
        await world.stage.clock.advance(850)
        return [
            first is await world.stage.sessions.signed_in(world.user),
            first is await world.stage.sessions.signed_in(world.user, tuvens_alive=True),
        ]

    assert world.run(ask()) == [True, False]


@pytest.mark.parametrize("body", [b"<h1>Hi", {"token": 5, "expires_in": 60}, {"token": "x", "expires_in": "60"}])
def test_a_sign_in_that_tells_no_token_stops_the_story_with_its_exchange(body: object) -> None:
    world = _World(answer("", 200, SESSION), answer("", 200, body))
    with pytest.raises(StoryStoppedError, match=r"hi.events' sign-in \(exchange 2\)"):
        world.run(world.stage.sessions.signed_in(world.user))


# Rate limits and broken connections


def test_a_429_is_waited_for_as_the_server_says_and_the_try_counts_no_more() -> None:
    world = _World(_LIMITED, answer("", 200, {}))
    reply = world.sends(ASK)
    assert reply.status == 200
    assert world.superseded == [True, False]
    assert world.loop.now == pytest.approx(1_007.5, abs=0.1)


def test_a_429_is_taken_for_an_answer_in_the_end_or_by_whom_wants_it() -> None:
    always = _World(_LIMITED)
    assert always.sends(ASK).status == 429
    assert always.superseded == [True, True, False]
    wanted = _World(_LIMITED)
    assert wanted.sends(ASK, obey_limits=False).status == 429
    assert wanted.superseded == [False]
    assert wanted.loop.now < 1_001


def test_a_429_that_asks_for_more_time_than_a_run_has_is_not_waited_for() -> None:
    world = _World(answer("", 429, {}, headers={"Retry-After": "999999"}))
    assert world.sends(ASK).status == 429
    assert world.superseded == [False]
    assert world.loop.now < 1_001


def test_turns_are_taken_but_by_calls_that_count_for_nobody() -> None:
    world = _World(answer("", 200, {}))

    async def send() -> None:
        for key, obey in (("a key", True), (None, True), ("a key", False)):
            await world.stage.sender.send("a_story/step", "browser", sign_in(TOKEN), key=key, obey_limits=obey)

    world.run(send())
    # The limit counts by address, whatever the key: all requests come from this machine.
    assert world.pacer.taken == [("validateCrossAppSession", "address"), ("validateSession", "shared-secret")]


def test_a_broken_connection_leads_to_another_try_only_where_that_does_no_harm() -> None:
    assert openapi.find("validateSession").retry_safe
    assert not openapi.find("validateCrossAppSession").retry_safe  # a token may be good for one session only
    harmless = _World(_LOST, answer("", 200, {}))
    assert harmless.sends(ASK).status == 200
    assert harmless.superseded == [True, False]
    harmful = _World(_LOST, answer("", 200, SESSION))
    assert harmful.sends(sign_in(TOKEN)).answer is None
    assert harmful.superseded == [False]


def test_a_call_of_no_operation_takes_no_turn_and_is_not_repeated() -> None:
    world = _World(_LOST)
    reply = world.run(
        world.stage.sender.forward("a_story/step", "browser", "hi.events", "http://x", Call("", "GET", "/"))
    )
    assert reply.answer is None
    assert world.superseded == [False]
    assert world.pacer.taken == []


def test_a_request_that_surely_never_arrived_is_sent_again_whatever_it_does() -> None:
    world = _World(_NEVER_SENT, answer("", 200, SESSION))
    assert world.sends(MINT).status == 200
    assert world.superseded == [True, False]
    gone = _World(_NEVER_SENT)
    assert gone.sends(MINT).answer is None
    assert gone.superseded == [True, True, False]


def test_who_answers_nothing_until_the_end_of_our_patience_is_not_asked_again() -> None:
    world = _World(_TOO_SLOW)
    assert world.sends(ASK).answer is None
    assert world.superseded == [False]


@pytest.mark.parametrize(("found", "said"), [(_LOST, "ReadTimeout"), (answer("", 500, {"message": "no"}), "500")])
def test_a_reply_that_a_story_cannot_do_without_says_what_came_instead(found: Exchange, said: str) -> None:
    reply = Reply(replace(found, number=3), None if found.status is None else found.answer)
    assert not reply.ok
    with pytest.raises(StoryStoppedError, match=rf"it is needed \(exchange 3\): .*{said}"):
        reply.must("it is needed")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (answer("", 200, {"title": "A"}), "tuvens-api gives no url"),
        (answer("", 200, {"url": None}), "tuvens-api gives no url"),
        (answer("", 200, {"url": ""}), "tuvens-api gives no url"),
        (answer("", 200, ["url"]), "no JSON object: 200"),
        (answer("", 200, b"<html>"), "JSON"),
        (answer("", 404, {"url": "/"}), "404"),
    ],
)
def test_a_field_that_a_story_cannot_do_without_stops_it_where_it_is_missing(found: Exchange, said: str) -> None:
    with pytest.raises(StoryStoppedError, match=rf"it is needed \(exchange 3\): .*{said}"):
        Reply(replace(found, number=3), found.answer).must_have("url", "it is needed")


def test_a_field_that_is_there_is_given_as_text() -> None:
    found = answer("", 200, {"id": 40})
    assert Reply(found, found.answer).must_have("id", "it is needed") == "40"


def test_long_waits_are_told_and_what_a_story_waits_for_is_known() -> None:
    world = _World(_LIMITED, answer("", 200, {}))
    told: list[tuple[str, str]] = []
    world.stage._progress = lambda *said: told.append(said)

    async def waits() -> dict[str, str]:
        await world.stage.wait("a_story", 5.0, "a moment")
        with world.stage.waits("a_story", 35.0, "hi.events gives a webhook up"):
            return dict(world.stage.waiting)

    known = {"a_story": "waits 35 s at most: hi.events gives a webhook up"}
    assert world.run(waits()) == known
    assert told == list(known.items())
    assert world.stage.waiting == {}


def test_a_turn_that_many_wait_for_is_told_once() -> None:
    world = _World(answer("", 200, {}))
    told: list[str] = []
    turns = RateLimitTurns(world.stage.deployment, lambda what, seconds: told.append(f"{seconds:.0f} s for {what}"))

    async def take() -> None:
        await turns.take("getCrossAppStatus", "address")
        await turns.take("openCrossAppPage", "address", 25)

    turns._limits["openCrossAppPage"] = 10
    turns.pacer = Pacer({"openCrossAppPage": Allowance(10)}, world.loop.time, waiting=turns._waits)
    world.run(take())
    turn = "a turn of openCrossAppPage, which 10 requests a minute may take"
    assert told == [f"60 s for {turn}"] * 2


# Events


def test_an_event_is_lent_to_one_story_at_a_time_the_longest_unused_first() -> None:
    world = _World(answer("", 200, {}), tuvens=["11", "12"])
    lent: list[str] = []
    most = 0

    async def story(seconds: float) -> None:
        nonlocal most
        async with world.stage.events.event("a_story") as event:
            lent.append(event)
            most = max(most, len(world.stage.events._leased))
            await asyncio.sleep(seconds)

    async def all_at_once() -> None:
        await asyncio.gather(*(story(1.0 + number) for number in range(5)))

    world.run(all_at_once())
    assert sorted(lent) == ["11", "11", "11", "12", "12"] or sorted(lent) == ["11", "11", "12", "12", "12"]
    assert lent[:2] == ["11", "12"]
    assert most == 2
    assert world.stage.events._leased == set()


def test_an_event_comes_back_from_a_story_that_fails() -> None:
    world = _World(answer("", 200, {}), tuvens=["11"])

    async def fails() -> str:
        with pytest.raises(StoryStoppedError):
            async with world.stage.events.event("a_story"):
                raise StoryStoppedError("the story cannot go on")
        async with world.stage.events.event("a_story") as event:
            return event

    assert world.run(fails()) == "11"


def test_events_that_are_linked_are_kept_for_who_needs_both_sides() -> None:
    world = _World(answer("", 200, {}), tuvens=["11", "12"], linked=[{"hi": 2, "tuvens": "11"}])

    async def both() -> tuple[str, Linked]:
        async with world.stage.events.event("a_story") as event, world.stage.events.linked_event("a_story") as linked:
            return event, linked

    assert world.run(both()) == ("12", Linked("2", "11"))


def test_a_linked_event_and_its_tuvens_event_are_lent_to_one_story_at_a_time() -> None:
    world = _World(answer("", 200, {}), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])
    lent: list[str] = []

    async def story(which: str) -> None:
        async with getattr(world.stage.events, which)("a_story"):
            lent.append(which)
            await asyncio.sleep(1.0)
            lent.append(which)

    async def both() -> None:
        await asyncio.gather(story("event"), story("linked_event"))

    world.run(both())
    assert lent == ["event", "event", "linked_event", "linked_event"]


def test_the_only_events_are_lent_though_they_are_linked() -> None:
    world = _World(answer("", 200, {}), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])

    async def one() -> str:
        async with world.stage.events.event("a_story") as event:
            return event

    assert world.run(one()) == "11"


def _shows(status: str) -> Exchange:
    return answer("", 200, {"ticketing_status": TICKETING[status], "contactData": {"hiEventsStatus": status}})


async def _lends(world: _World, *, times: int = 1) -> float:
    """The seconds after which the last of so many leases of the linked event was had."""
    for _ in range(times):
        begun = world.loop.now
        async with world.stage.events.linked_event("a_story"):
            pass
    return world.loop.now - begun


def test_an_event_is_lent_again_once_tuvens_api_shows_its_last_change() -> None:
    world = _World(*map(_shows, ("LIVE", "ARCHIVED", "DRAFT")), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])

    async def next_story() -> float:
        world.stage.events.changed("2", "DRAFT")
        return await _lends(world)

    # ARCHIVED results in the same ticketing status: the webhook of DRAFT is still to come.
    assert 0.4 <= world.run(next_story()) < 1.0
    assert world.sent == ["getEvent"] * 3


def test_a_webhook_that_never_comes_is_waited_for_as_long_as_a_delivery_may_take_and_later_ones_briefly() -> None:
    world = _World(_shows("LIVE"), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])

    async def next_stories() -> list[float]:
        waited = []
        for status in ("DRAFT", "ENDED"):
            world.stage.events.changed("2", status)
            waited.append(await _lends(world))
        return waited

    first, second = world.run(next_stories())
    assert 30.0 <= first < 31.0
    assert 1.0 <= second < 2.0


def test_it_is_told_for_what_an_event_is_waited_for_and_how_long_at_most() -> None:
    world = _World(_shows("LIVE"), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])
    told: list[tuple[str, str]] = []
    world.stage._progress = lambda *said: told.append(said)

    async def story(name: str, seconds: float) -> None:
        async with world.stage.events.linked_event(name):
            await asyncio.sleep(seconds)

    async def one_after_the_other(seconds: float) -> None:
        await asyncio.gather(story("first", seconds), story("second", 0.0))

    async def all_of_it() -> None:
        await one_after_the_other(9.0)
        assert told == []
        await one_after_the_other(11.0)
        world.stage.events.changed("2", "DRAFT")
        await story("third", 0.0)

    world.run(all_of_it())
    assert told == [
        ("second", "waits 900 s at most: other stories use all events (events.linked: name more of them)"),
        ("third", "waits 30 s at most: tuvens-api shows the last change of event 11 (DRAFT)"),
    ]
    assert world.stage.waiting == {}


@pytest.mark.parametrize(("ahead", "shortest", "longest"), [(0.0, 1.0, 1.2), (900.0, 3.0, 3.1)])
def test_hi_events_is_changed_a_second_after_our_own_webhook(ahead: float, shortest: float, longest: float) -> None:
    world = _World(_shows("LIVE"), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])
    cast = Cast(world.stage, Story("a_story", "It happens.", _nothing, Phase.SIDE_BY_SIDE))

    async def change() -> float:
        begun = world.loop.time()
        world.stage.events.told("11", "LIVE", cast.now_at("hi.events") + ahead)
        await cast.sets_status("change", "a-bearer-token-that-nobody-may-see", "2", "ENDED")
        return world.loop.time() - begun

    # Its webhook may have whole seconds, and would be older than ours.
    assert shortest <= world.run(change()) <= longest


async def _nothing(cast: Cast) -> None:
    pass


@pytest.mark.parametrize("known", ["the status was that before", "it was given up", "it repeats an older webhook"])
def test_a_webhook_that_will_not_come_is_not_waited_for(known: str) -> None:
    world = _World(_shows("LIVE"), tuvens=["11"], linked=[{"hi": 2, "tuvens": "11"}])
    events = world.stage.events

    async def next_story() -> float:
        match known:
            case "the status was that before":
                events.known("2", "DRAFT")
                events.changed("2", "DRAFT")
            case "it was given up":
                events.changed("2", "DRAFT")
                events.given_up("11")
            case _:
                events.told("11", "LIVE", NOW)
                await _lends(world)
                events.told("11", "CANCELLED", NOW)
        return await _lends(world)

    assert world.run(next_story()) < 0.1


def test_a_change_of_an_event_that_a_page_made_is_one_of_its_tuvens_event() -> None:
    world = _World(_shows("DRAFT"), _shows("LIVE"), tuvens=["11"])

    async def next_story() -> None:
        world.stage.events.made(Linked("40", "11"))
        world.stage.events.changed("40", "LIVE")
        async with world.stage.events.event("a_story"):
            pass

    world.run(next_story())
    assert world.sent == ["getEvent"] * 2


@pytest.mark.parametrize(("which", "field"), [("event", "events.tuvens"), ("linked_event", "events.linked")])
def test_without_events_the_field_of_the_deployment_file_is_named(which: str, field: str) -> None:
    world = _World(answer("", 200, {}))

    async def one() -> None:
        async with getattr(world.stage.events, which)("a_story"):
            pass

    with pytest.raises(StoryStoppedError, match=f"name some in {field}"):
        world.run(one())


def test_a_user_without_an_id_is_told_from_others_by_the_jwt_and_the_jwt_is_not_shown() -> None:
    user = deployment().users[0]
    assert user_key(user) == "1"
    nameless = replace(user, user_id="")
    assert user_key(nameless) != user_key(replace(nameless, jwt="another-jwt"))
    assert nameless.jwt not in user_key(nameless)
