"""Each simulator is a FastAPI application as FastAPI's users know one."""

import importlib
import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

import openapi
from tests.simulators.tuvens_api.tour import ApiTour

APPS = {"tuvens-api": "tuvens_api", "hi.events": "hi_events", "tuvens-client": "tuvens_client"}


def _create(app: str) -> FastAPI:
    found: FastAPI = importlib.import_module(f"simulators.{APPS[app]}").create_app()
    return found


@pytest.fixture(scope="module", params=APPS)
def app(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def created(app: str) -> FastAPI:
    return _create(app)


def test_it_lists_its_routes_with_path_method_and_operation(app: str, created: FastAPI) -> None:
    routes = {each.operation_id: each for each in created.routes if isinstance(each, APIRoute) and each.operation_id}
    document = openapi.load(app)
    assert routes.keys() == document.operations.keys()
    for operation in document.operations.values():
        assert routes[operation.id].path.endswith(operation.path)
        assert operation.method in (routes[operation.id].methods or ())


def test_its_document_is_ours(app: str, created: FastAPI) -> None:
    assert created.openapi() == openapi.load(app).raw
    assert TestClient(created).get("/openapi.json").json() == openapi.load(app).raw


def test_its_docs_take_nothing_from_elsewhere(created: FastAPI) -> None:
    client = TestClient(created)
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/docs/assets/{asset}" in page
        assert client.get(f"/docs/assets/{asset}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json"])
def test_its_document_is_there_before_anybody_asked_for_fastapi(path: str) -> None:
    application = ApiTour.make([]).app
    assert "fastapi" not in vars(application)
    assert TestClient(application).get(path).status_code == 200


def test_its_root_shows_what_it_is(app: str, created: FastAPI) -> None:
    page = TestClient(created).get("/")
    assert page.status_code == 200
    assert ("swagger-ui" in page.text) == (app != "tuvens-client"), "tuvens-client has a start page of its own"


def test_a_test_client_reaches_its_operations() -> None:
    with TestClient(_create("tuvens-api")) as client:
        assert client.get("/api/events/11").json()["id"] == "11"
        assert client.get("/nowhere").status_code == 404
        client.headers["x-shared-secret"] = "wrong"
        assert client.post("/api/cross-app/validate-session", json={"session_token": "x"}).status_code == 401


@pytest.mark.anyio
async def test_several_live_in_one_process_below_other_paths() -> None:
    one, other = _create("tuvens-api"), _create("tuvens-api")
    both = Starlette(routes=[Mount("/one", one), Mount("/other", other)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(both), base_url="http://x") as client:
        found = [(await client.get(f"/{name}/api/events/11")).status_code for name in ("one", "other")]
        escaped = await client.get("/one/api/events/a%2Fb")
    assert found == [200, 200]
    assert escaped.json()["message"] == "there is no such event"


def test_uvicorn_serves_it_by_its_factory() -> None:
    command = [sys.executable, "-m", "uvicorn", "--factory", "simulators.tuvens_api:create_app", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = next(line for line in process.stderr if "running on" in line).split("running on ")[1].split()[0]
        assert httpx.get(f"{address}/api/events/11", trust_env=False).json()["id"] == "11"
    finally:
        process.terminate()
        process.wait(10)
        assert process.stderr is not None
        process.stderr.close()
