"""Routes bound from a document: what stops the start, and what never leaves."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

import openapi
from simulators.kit.binding import Behaviour, Binding, Handler, rules_of
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import Refusal, StartError
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits
from simulators.kit.simulator import Simulator
from simulators.seed import Seed
from simulators.tuvens_api.tables import build

DOCUMENT = openapi.load("tuvens-api")
EVENT = {
    "id": "11",
    "title": "T",
    "startDate": "2030-01-01T00:00:00Z",
    "ticketing_enabled": False,
    "ticketing_status": None,
    "account_id": 1,
}


def _unused(inbound: Inbound) -> Reply:
    raise NotImplementedError


def _handlers(**own: Handler) -> dict[str, Handler]:
    return {**dict.fromkeys(DOCUMENT.operations, _unused), **own}


class _Open(Behaviour):
    def authenticate(self, scheme: str, inbound: Inbound) -> None:
        if inbound.header("x-nobody"):
            raise Refusal(401, "UNAUTHORIZED", f"no {scheme}")

    def error(self, inbound: Inbound, refusal: Refusal) -> Reply:
        value = {
            "statusCode": refusal.status,
            "timestamp": "2030-01-01T00:00:00Z",
            "path": "/",
            "message": refusal.message,
        }
        return json_reply(value, refusal.status)


def _simulator(
    handlers: Mapping[str, Handler], behaviour: Behaviour | None = None, armed: tuple[str, ...] = ()
) -> Simulator:
    clock = Clock(1000, running=False)
    return Simulator(
        document=DOCUMENT,
        handlers=handlers,
        behaviour=behaviour or _Open(),
        clock=clock,
        database=Database(build().metadata),
        faults=FaultRuntime([Fault("lie", "tuvens-api", "Lies.")], armed),
        journal=Journal("tuvens-api", {}),
        limits=RateLimits(clock, rules_of(DOCUMENT)),
        seed=Seed(),
    )


def _ask(simulator: Simulator, method: str, path: str, **more: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(simulator.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", trust_env=False) as client:
            response = await client.request(method, path, **more)
        await simulator.start()
        await simulator.stop()
        return response

    return asyncio.run(ask())


def test_a_missing_handler_and_a_left_over_one_stop_the_start_by_name() -> None:
    handlers = _handlers(getEvnt=_unused)
    del handlers["getEvent"]
    clock = Clock()
    with pytest.raises(StartError) as error:
        Binding(
            DOCUMENT,
            handlers,
            Behaviour(),
            clock=clock,
            journal=Journal("x", {}),
            limits=RateLimits(clock, {}),
        )
    assert "no handler for getEvent" in str(error.value)
    assert "no operation for the handler getEvnt" in str(error.value)


def test_an_answer_that_breaks_the_document_is_a_500_journaled_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    simulator = _simulator(_handlers(getEvent=lambda inbound: json_reply({**EVENT, "id": 11, "title": "hush"})))
    response = _ask(simulator, "GET", "/api/events/11")
    assert response.status_code == 500
    assert "hush" not in response.text
    assert simulator.health()["contract_problems"] == 1
    (exchange,) = simulator.journal.exchanges()
    assert exchange.status == 500
    assert exchange.problems[0].startswith("/body/id: ")
    assert "/body/id" in caplog.text


def test_an_undocumented_status_breaks_the_document_too() -> None:
    simulator = _simulator(_handlers(getEvent=lambda inbound: json_reply(EVENT, 202)))
    assert _ask(simulator, "GET", "/api/events/11").status_code == 500


def test_a_dishonest_answer_is_sent_as_it_is_and_not_counted() -> None:
    def lie(inbound: Inbound) -> Reply:
        assert simulator.faults.on("lie")
        return json_reply({**EVENT, "id": 11})

    simulator = _simulator(_handlers(getEvent=lie), armed=("lie",))
    response = _ask(simulator, "GET", "/api/events/11")
    assert (response.status_code, response.json()["id"]) == (200, 11)
    assert simulator.journal.breaches == 0
    (exchange,) = simulator.journal.exchanges()
    assert exchange.faults == ("lie",)
    assert exchange.problems


def test_an_exception_is_a_500_that_tells_the_caller_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(inbound: Inbound) -> Reply:
        raise KeyError("hush")

    simulator = _simulator(_handlers(getEvent=fail))
    response = _ask(simulator, "GET", "/api/events/hush")
    assert response.status_code == 500
    assert "hush" not in response.text + caplog.text
    assert "KeyError at test_binding.py" in caplog.text
    assert simulator.health()["failures"] == 1
    assert simulator.journal.exchanges()[0].to_json()["exception"] == caplog.records[0].args[-1]  # type: ignore[index]


def test_a_failing_audit_log_is_a_500_and_not_silence() -> None:
    class Failing(_Open):
        def finish(self, inbound: Inbound, reply: Reply) -> None:
            raise OSError("disk full")

    simulator = _simulator(_handlers(getEvent=lambda inbound: json_reply(EVENT)), Failing())
    assert _ask(simulator, "GET", "/api/events/11").status_code == 500


def test_handlers_may_be_coroutines() -> None:
    async def answer(inbound: Inbound) -> Reply:
        await asyncio.sleep(0)
        return json_reply({**EVENT, "id": inbound.path_params["id"]})

    response = _ask(_simulator(_handlers(getEvent=answer)), "GET", "/api/events/a%2Db%20c")
    assert response.json()["id"] == "a-b c"


def test_a_route_that_is_not_offered_is_404_as_if_it_did_not_exist() -> None:
    class Missing(_Open):
        def offers(self, inbound: Inbound) -> bool:
            return inbound.operation is None or inbound.operation.id != "getEvent"

    simulator = _simulator(_handlers(), Missing())
    assert _ask(simulator, "GET", "/api/events/11").status_code == 404


def test_literal_paths_win_over_templates() -> None:
    def stream(inbound: Inbound) -> Reply:
        async def chunks() -> Any:
            yield b"data: x\n\n"

        return Reply(200, headers=[("content-type", "text/event-stream")], stream=chunks())

    response = _ask(_simulator(_handlers(streamEventUpdates=stream)), "GET", "/api/events/updates")
    assert (response.status_code, response.text) == (200, "data: x\n\n")


def test_without_a_token_there_is_no_control_plane() -> None:
    assert _ask(_simulator(_handlers()), "GET", "/__crossapp__/ready").status_code == 404


def test_the_default_error_shape_and_preflight_are_plain() -> None:
    class Plain(Behaviour):
        pass

    simulator = _simulator(_handlers(), Plain())
    response = _ask(simulator, "GET", "/nowhere")
    assert response.json() == {"message": "there is no such route", "error": "NOT_FOUND"}
    assert _ask(_simulator(_handlers(), Plain()), "OPTIONS", "/api/events/11").status_code == 204
