"""The proxy in front of the simulators and of servers that nobody would want to meet."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import openapi
from contracts import placeholders
from contracts.addresses import Addresses, RequestPlace
from contracts.event_stream import wire as stream_wire
from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.webhook import wire as webhook_wire
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.har import to_har
from harness.history import Outcome, StreamEvent
from harness.http import Call
from scenarios.cast.sessions import user_key
from scenarios.tools import proxy as module
from scenarios.tools.credentials import Credentials
from simulators.launch import LaunchOptions
from tests.harness import hostile
from tests.launching import launched
from tests.scenarios.tools.proxied import JWT, SECRET, Proxied, answer_bytes, deployment_at, proxy, spoken, upstream


@pytest.fixture(scope="module")
def simulated() -> Iterator[Deployment]:
    with launched(LaunchOptions(limits="raised")) as built:
        yield build_deployment(built.description(), apps=openapi.APPS, editions=[openapi.EDITION])


async def passes(here: Proxied, app: str, call: Call) -> httpx.Response:
    url = here.urls[app] + call.target
    return await here.client.request(call.method, url, headers=list(call.headers), content=call.body)


def _webhook(title: str = "Jazz") -> bytes:
    return json.dumps(
        {
            "event_type": "event.status_changed",
            "event_sent_at": "2030-01-01T00:00:00.000Z",
            "payload": {"id": 1, "title": title, "status": "LIVE", "tuvens_event_id": "11"},
        },
        indent=2,
    ).encode()


def test_placeholders_open_every_door_and_no_credential_is_in_the_record_or_in_a_har(
    simulated: Deployment,
) -> None:
    secret, token = placeholders.SHARED_SECRET, placeholders.session_token()

    async def run() -> None:
        async with proxy(simulated) as here:
            session = await passes(here, "tuvens-api", session_wire.generate_session(placeholders.jwt(), 123))
            own = session.json()["session_token"]
            answers = [
                session,
                await passes(here, "tuvens-api", session_wire.validate_session(secret, token)),
                await passes(here, "tuvens-api", session_wire.validate_session(secret, own)),
                await passes(here, "tuvens-api", session_wire.list_user_accounts(secret, token)),
                await passes(here, "tuvens-api", session_wire.validate_permission(secret, token, "manage_ticketing")),
                await passes(
                    here, "tuvens-api", webhook_wire.event_status_changed(_webhook("é \\ /"), placeholders.SIGNATURE)
                ),
                await passes(here, "hi.events", hi_wire.sign_in(placeholders.session_token("member"))),
                await passes(here, "hi.events", hi_wire.session_accounts(placeholders.bearer())),
            ]
            assert [each.status_code for each in answers] == [200] * len(answers)
            handed_out = [own, answers[6].json()["token"], *(each.token for each in here.stage.sessions.minted)]
            foreign = "a-token-from-somewhere-else-0123456789"
            await passes(here, "tuvens-api", session_wire.validate_session("their-own-wrong-secret", foreign))
            await passes(here, "tuvens-api", session_wire.list_user_accounts(secret, foreign))
            login = {"Content-Type": "application/json", "X-Api-Key": "short1"}
            body = json.dumps({"user": "zoe", "password": "hunter2", "deep": [{"access_token": "abc.def"}]})
            await here.client.post(here.urls["tuvens-api"] + "/login?api_key=qwerty", content=body, headers=login)
            history = here.recorder.history
            har = "\n".join(to_har(history.context, history.entries, here.recorder.redactor))
            jwts = [each.jwt for each in simulated.users]
            never = [simulated.shared_secret, *jwts, *handed_out, foreign, "their-own-wrong-secret", "hunter2"]
            never += ["abc.def", "qwerty", "short1"]
            for text in (here.saved(), har):
                assert [each for each in never if each in text] == []
                assert "zoe" in text
            assert json.loads(har)["log"]["version"] == "1.2"

    asyncio.run(run())


def test_wrong_credentials_stay_wrong_and_absent_ones_absent(simulated: Deployment) -> None:
    body = _webhook()
    calls = [
        session_wire.generate_session("x" + placeholders.jwt(), 123),
        session_wire.generate_session(None, 123),
        session_wire.validate_session("wrong", placeholders.session_token()),
        session_wire.validate_session(None, placeholders.session_token()),
        webhook_wire.event_status_changed(body, "sha256=" + "1" * 64),
        webhook_wire.event_status_changed(body, placeholders.SIGNATURE.upper()),
        webhook_wire.event_status_changed(body, None),
    ]

    async def run() -> None:
        async with proxy(simulated) as here:
            answers = [await passes(here, "tuvens-api", each) for each in calls]
            assert [each.status_code for each in answers] == [401] * len(calls)
            assert all("x-crossapp-proxy" not in each.headers for each in answers)

    asyncio.run(run())


def test_a_placeholder_without_credential_is_never_forwarded() -> None:
    refusal = answer_bytes(b'{"statusCode": 403}', "403 Forbidden")

    async def run() -> None:
        async with upstream(refusal) as seen, proxy(deployment_at(seen.url)) as here:
            unknown = session_wire.validate_session(placeholders.SHARED_SECRET, placeholders.session_token("member"))
            answer = await passes(here, "tuvens-api", unknown)
            assert (answer.status_code, answer.headers["x-crossapp-proxy"]) == (424, "not forwarded")
            assert "no user with role 'member'" in answer.json()["error"]
            assert 'add [[users]] with role = "member"' in answer.json()["error"]
            assert seen.heads == []
            unminted = session_wire.validate_session(placeholders.SHARED_SECRET, placeholders.session_token())
            answer = await passes(here, "tuvens-api", unminted)
            assert answer.status_code == 424
            assert "no session could be minted for the organiser" in answer.json()["error"]
            assert [head.split(b" ")[1] for head in seen.heads] == [b"/api/cross-app/generate-session"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (hostile.silent, "no complete answer within"),
        (hostile.hangs_up, "gave no complete answer"),
        (hostile.dripping, "no complete answer within"),
        (hostile.raw(b"\x00\xff nonsense\r\n\r\n"), "gave no complete answer"),
        (hostile.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"), "gave no complete answer"),
        (hostile.huge, "more than"),
        (hostile.bomb, "more than"),
    ],
)
def test_a_target_that_gives_no_answer_is_a_502_that_names_it(serve: hostile.Serve, said: str) -> None:
    async def run() -> None:
        # Only who never comes to an end is waited for; to be stopped for its size, one must have the time to be large.
        seconds = 0.5 if "within" in said else 60.0
        async with hostile.serving(serve) as url, proxy(deployment_at(url, seconds=seconds)) as here:
            answer = await here.client.post(here.urls["tuvens-api"] + "/api/cross-app/generate-session")
            assert answer.status_code == 502
            told = answer.json()
            assert f"tuvens-api at {url}" in told["error"]
            assert said in told["error"]
            assert "deployment file" in told["remedy"]
            # It may be sent again, since a session that nobody uses does no harm.
            assert {each.outcome for each in here.exchanges} == {Outcome.NO_ANSWER}

    asyncio.run(run())


def test_a_target_that_is_not_there_is_a_502_however_often_and_is_forwarded_to_once_it_is_there() -> None:
    async def run() -> None:
        async with upstream() as gone:
            url = gone.url
        async with proxy(deployment_at(url)) as here:
            for _ in range(5):
                answer = await here.client.get(here.urls["tuvens-api"] + "/x")
                assert answer.status_code == 502
                assert "cannot be reached" in answer.json()["error"]
            server = await asyncio.start_server(_nothing, "127.0.0.1", int(url.rpartition(":")[2]))
            assert (await here.client.get(here.urls["tuvens-api"] + "/x")).status_code == 502
            server.close()
            assert here.exchanges[-1].outcome is Outcome.NO_ANSWER

    asyncio.run(run())


async def _nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def test_a_stream_is_passed_on_while_it_goes_on_and_ends_when_its_reader_leaves() -> None:
    first, second = b": open\nretry: 1000\n\n", b'id: 1\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    go_on, left = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Mine: y\r\n\r\n" + first)
        await go_on.wait()
        writer.write(second)
        await writer.drain()
        await reader.read()
        left.set()

    async def run() -> None:
        call = stream_wire.stream_event_updates()
        async with hostile.serving(serve) as url, proxy(deployment_at(url, seconds=0.5)) as here:
            address = here.urls["tuvens-api"] + call.target
            async with here.client.stream("GET", address, headers=list(call.headers)) as answer:
                assert (answer.status_code, answer.headers["x-mine"]) == (200, "y")
                parts = answer.aiter_raw()
                assert await anext(parts) == first
                await asyncio.sleep(0.6)  # longer than any other answer may take
                go_on.set()
                assert await anext(parts) == second
            await asyncio.wait_for(left.wait(), 20)
            while not here.exchanges:  # noqa: ASYNC110 - the record has no event to wait for
                await asyncio.sleep(0.005)
            events = [each for each in here.recorder.history.entries if isinstance(each, StreamEvent)]
            assert [each.kind for each in events] == ["open", "comment", "event", "closed"]
            assert events[2].data == '{"a":\n1}'
            exchange = here.exchanges[0]
            assert (exchange.operation, exchange.response_body) == ("streamEventUpdates", first + second)

    asyncio.run(run())


def test_the_end_of_the_proxy_ends_open_streams(simulated: Deployment) -> None:
    async def run() -> None:
        async with proxy(simulated) as here:
            client = httpx.AsyncClient(trust_env=False)
            opened = asyncio.Event()

            async def reads() -> bytes:
                async with client.stream("GET", here.urls["tuvens-api"] + "/api/events/updates") as answer:
                    opened.set()
                    return await answer.aread()

            reading = asyncio.create_task(reads())
            await asyncio.wait_for(opened.wait(), 20)
        assert b"retry" in await asyncio.wait_for(reading, 20)
        await client.aclose()

    asyncio.run(run())


def test_turns_are_taken_by_what_a_limit_counts_by(simulated: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[tuple[str, str]] = []

    async def turn(operation: str, key: str) -> None:
        turns.append((operation, key))

    async def run() -> None:
        async with proxy(simulated) as here:
            monkeypatch.setattr(here.stage.rate_limits.pacer, "turn", turn)
            secret, token = placeholders.SHARED_SECRET, placeholders.session_token()
            organiser = simulated.user("organiser")
            assert organiser is not None
            for app, call in [
                ("tuvens-api", session_wire.generate_session(placeholders.jwt(), 123)),
                ("tuvens-api", session_wire.generate_session("nobodys", 123)),
                ("tuvens-api", session_wire.validate_session(secret, "unknown")),
                ("tuvens-api", session_wire.validate_session("wrong", "unknown")),
                ("tuvens-api", session_wire.list_user_accounts(secret, token)),
                ("tuvens-api", webhook_wire.event_status_changed(b"{}", placeholders.SIGNATURE)),
                ("hi.events", hi_wire.sign_in("unknown")),
                ("hi.events", hi_wire.session_status("unknown")),
            ]:
                await passes(here, app, call)
            minted = here.stage.sessions.minted[0].token
            assert turns == [
                ("generateSession", user_key(organiser)),
                ("validateSession", "shared-secret"),
                ("generateSession", user_key(organiser)),
                ("listUserAccounts", minted),
                ("receiveEventStatusChanged", "instance"),
                ("validateCrossAppSession", "address"),
                ("validateSession", "shared-secret"),
            ]

    asyncio.run(run())


def test_a_429_is_waited_for_and_the_request_sent_again() -> None:
    limited = answer_bytes(b"{}", "429 Too Many", b"Retry-After: 0\r\n")

    async def run() -> None:
        async with upstream(limited, answer_bytes(b"[1]")) as seen, proxy(deployment_at(seen.url)) as here:
            answer = await here.client.post(here.urls["tuvens-api"] + "/api/cross-app/generate-session", content=b"{}")
            assert (answer.status_code, answer.content) == (200, b"[1]")
            assert [each.superseded for each in here.exchanges] == [True, False]

    asyncio.run(run())


def test_what_the_proxy_does_not_take_is_told_and_not_forwarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_BODY", 10)

    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            url = here.urls["tuvens-api"]
            big = await here.client.post(url + "/x", content=b"x" * 11)
            assert (big.status_code, big.headers["x-crossapp-proxy"]) == (413, "not forwarded")
            foreign = await here.client.get(url + "/x", headers={"Host": "evil.example.com"})
            assert foreign.status_code == 421
            for request in (
                b"GET http://example.com/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                b"GET /x HTTP/1.1\r\nHost: x\r\nX-Odd: a\x0bb\r\nConnection: close\r\n\r\n",
            ):
                assert (await spoken(url, request)).startswith(b"HTTP/1.1 400 ")
            assert seen.heads == []

    asyncio.run(run())


def test_a_fault_of_ours_is_told_as_one_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> Call:
        raise RuntimeError(f"no {SECRET}")

    async def run() -> None:
        async with upstream() as seen, proxy(deployment_at(seen.url)) as here:
            monkeypatch.setattr(Credentials, "fill", broken)
            answer = await here.client.get(here.urls["tuvens-api"] + "/x")
            assert answer.status_code == 500
            assert "a fault of crossapp: RuntimeError: no <shared-secret:" in answer.json()["error"]

    asyncio.run(run())


def test_a_secret_of_the_deployment_is_in_no_error_of_the_proxy() -> None:
    async def run() -> None:
        async with upstream(answer_bytes(JWT.encode(), "500 No")) as seen, proxy(deployment_at(seen.url)) as here:
            answer = await here.client.get(here.urls["tuvens-api"] + f"/x?y={placeholders.session_token()}")
            assert answer.status_code == 424
            assert JWT not in answer.text

    asyncio.run(run())


def test_a_path_is_placed_below_the_base_of_its_kind() -> None:
    root, api = "https://tickets.example.com", "https://tickets.example.com/api"
    addresses = Addresses(
        {"hi.events": (root, api), "tuvens-client": (root, root), "tuvens-api": ("http://a", "http://a")}
    )
    below = addresses.below
    assert below("hi.events", "GET", "/auth/cross-app?x") == RequestPlace(
        "hi.events", root, "/auth/cross-app?x", "openCrossAppPage"
    )
    status = RequestPlace("hi.events", api, "/auth/cross-app/status", "getCrossAppStatus")
    assert below("hi.events", "GET", "/auth/cross-app/status") == status
    assert below("hi.events", "GET", "/api/auth/cross-app/status") == status
    assert below("hi.events", "POST", "/auth/cross-app/status") == status._replace(base_url=root, operation="")
    assert below("hi.events", "GET", "/api/nothing") == RequestPlace("hi.events", api, "/nothing", "")
    assert addresses.of_url("GET", "https://TICKETS.example.com:443/api/auth/cross-app/status") == status
    assert addresses.of_url("GET", "http://tickets.example.com/auth/cross-app") is None
    assert addresses.of_url("GET", "http://a.example/x") is None
    found = addresses.of_url("GET", "http://a/api/events/updates")
    assert found is not None
    assert found.operation == "streamEventUpdates"
