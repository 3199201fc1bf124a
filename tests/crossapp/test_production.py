"""A production gets what its plan lists, and nothing else: seen by its servers, and in its database."""

import asyncio
import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import psycopg
import pytest
from sqlalchemy import make_url

import openapi
from crossapp.plan import Plan, plan_lines, plan_of
from crossapp.run import Settings, perform, report_of
from harness.change_journal import ChangeJournal
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.http import object_or_empty
from harness.verdict import VerdictName
from simulators.launch import LaunchOptions
from tests.launching import launched
from tests.simulators import postgresql

_WITHOUT = Settings(without=("browser.*",))
_OURS = "crossapp"
_LOG = "crossAppAudit"
_MINT = ("generateSession", "wrapGenerateSession")
Row = tuple[str, str, str, str]


@dataclass(slots=True)
class Seen:
    """A request with its response, as a server had them."""

    app: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytearray = field(default_factory=bytearray)
    answer: bytearray = field(default_factory=bytearray)

    @property
    def operation(self) -> str:
        method = self.headers.get("access-control-request-method", self.method)
        found = openapi.load(self.app).operation_at(method, self.target.partition("?")[0])
        return found.id if found is not None else ""


class Recording:
    """Records what simulators receive on their sockets."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def of(self, app: str, served: Any) -> Any:
        async def recorded(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await served(scope, receive, send)
                return
            query = scope["query_string"].decode()
            target = scope["raw_path"].decode() + (f"?{query}" if query else "")
            headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
            one = Seen(app, scope["method"], target, headers)
            self.seen.append(one)

            async def received() -> Any:
                message = await receive()
                one.body += message.get("body", b"")
                return message

            async def sent(message: Any) -> None:
                one.answer += message.get("body", b"")
                await send(message)

            await served(scope, received, sent)

        return recorded

    def rows(self, deployment: Deployment) -> Counter[Row]:
        """What crossapp sent itself: application, method, operation, as whom."""
        whose = {each.jwt: each.role for each in deployment.users}
        found: Counter[Row] = Counter()
        for each in self.seen:
            user = _user(each, whose, deployment.shared_secret)
            answer = object_or_empty(bytes(each.answer))
            for name in ("session_token", "token"):
                if name in answer:
                    whose[answer[name]] = user
            if each.headers.get("user-agent") == _OURS:
                found[each.app, each.method, each.operation, user] += 1
        return found


def _user(seen: Seen, whose: Mapping[str, str], secret: str) -> str:
    if not seen.operation or seen.method == "OPTIONS":
        return "nobody"
    if seen.headers.get("x-shared-secret") == secret:
        return "hi.events"
    given = seen.headers.get("authorization", "").removeprefix("Bearer ")
    if not given and seen.operation == "wrapGenerateSession":
        given = seen.headers.get("cookie", "").removeprefix("jwt=")
    if not given and seen.operation in ("validateCrossAppSession", "openCrossAppPage"):
        given = dict(parse_qsl(seen.target.partition("?")[2])).get("session_token", "")
        given = given or str(object_or_empty(bytes(seen.body)).get("session_token", ""))
    return whose[given] if given else "nobody"


@contextmanager
def production(schema: str, recording: Recording, **more: Any) -> Iterator[Deployment]:
    """Simulators on PostgreSQL, described as a production with one test user of each role."""
    options = LaunchOptions(control=False, database=postgresql.URL, database_schema=schema, limits="raised")
    with launched(options, wrapped=recording.of) as built:
        value = copy.deepcopy(built.description())
        for each in value["targets"].values():
            each["kind"] = "production"
        roles = {each["role"]: each for each in reversed(value["users"])}
        value["users"] = [{**each, "test": True} for each in roles.values()]
        value["events"] |= more.get("events", {})
        yield build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,))


def tables(schema: str) -> dict[str, Counter[str]]:
    """The rows of tuvens-api's tables."""
    address = make_url(postgresql.URL).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
        names = [name for (name,) in connection.execute(query, [schema]) if name.startswith(("tuvens", "crossApp"))]
        return {
            name: Counter(
                json.dumps(row, default=str) for row in connection.execute(f'SELECT * FROM "{schema}"."{name}"')
            )
            for name in names
        }


def planned(plan: Plan) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for each in plan.rehearsed:
        found[each.app, each.method, each.operation, each.user] += each.requests
    return found


@pytest.mark.slow  # waits for a heartbeat of the event stream
def test_a_production_gets_exactly_what_its_plan_lists_and_keeps_its_rows() -> None:
    recording = Recording()
    with postgresql.schema() as schema, production(schema, recording) as deployment:
        plan = plan_of(deployment, _WITHOUT)
        assert recording.seen == [], "a plan sends nothing"
        before = tables(schema)
        run = asyncio.run(perform(deployment, _WITHOUT))
        after = tables(schema)
    assert recording.rows(deployment) == planned(plan)
    assert plan.exact
    assert {each.effects for each in plan.rehearsed} == {"read", "mint"}
    minted = sum(count for (_, method, name, _), count in planned(plan).items() if method == "POST" and name in _MINT)
    new = {name: (after[name] - before[name]).total() for name in after if name != _LOG}
    assert new == {**dict.fromkeys(new, 0), "crossAppSession": minted}
    assert not [name for name in before if before[name] - after[name]]
    verdicts = {each.verdict for each in report_of(run, _WITHOUT).findings}
    assert verdicts == {VerdictName.HELD, VerdictName.NOT_APPLICABLE}
    assert f"{planned(plan).total()} requests" in next(plan_lines(plan))


def test_only_the_rows_of_test_events_change() -> None:
    recording, settings = Recording(), Settings(select=("flow.*", "webhook.live_gives_active"))
    with postgresql.schema() as schema, production(schema, recording, events={"test": ["11"]}) as deployment:
        before = tables(schema)
        run = asyncio.run(perform(deployment, settings, journal=ChangeJournal(deployment.targets)))
        after = tables(schema)
    assert report_of(run, settings).footer.left, "what was changed is undone by requests that a production allows"
    assert run.history.stories["event_goes_live"].ended == "finished"
    changed = {name for name in after if before[name] != after[name]}
    assert changed <= {"tuvensEvent", "tuvensEventMessage", "crossAppSession", _LOG}
    events = {json.loads(row)[0] for row in before["tuvensEvent"] - after["tuvensEvent"]}
    assert events == {"11"}
