"""A stand-in for a Pact broker: as much of its documented API as the standard tools use to publish, read and report.

Kept in memory: pacts by consumer, provider and consumer version; branches and tags by participant and version;
verification results. Every request must carry the bearer token.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

TOKEN = "a-token-of-a-broker-that-there-is-not"


@dataclass
class Broker:
    """What was published and reported, and the ASGI application that takes it."""

    pacts: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    tags: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    selectors: list[Any] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    def app(self) -> FastAPI:
        """The application."""
        app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
        self._admission(app)
        self._reading(app)
        self._writing(app)
        return app

    def _admission(self, app: FastAPI) -> None:
        @app.middleware("http")
        async def admit(request: Request, call_next: Any) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                self.refused += 1
                return JSONResponse({"error": "unauthorized"}, 401)
            answer: Response = await call_next(request)
            return answer

    def _reading(self, app: FastAPI) -> None:
        @app.get("/")
        async def index(request: Request) -> Response:
            at = str(request.base_url).rstrip("/")
            return _hal(
                {
                    "pb:publish-contracts": {"href": f"{at}/contracts/publish"},
                    "pb:provider-pacts-for-verification": {
                        "href": f"{at}/pacts/provider/{{provider}}/for-verification",
                        "templated": True,
                    },
                }
            )

        @app.api_route("/pacts/provider/{provider}/for-verification", methods=["GET", "POST"])
        async def for_verification(provider: str, request: Request) -> Response:
            at = str(request.base_url).rstrip("/")
            if request.method == "POST":
                self.selectors.append(await request.json())
            found = [
                {
                    "shortDescription": f"of {consumer} {version}",
                    "_links": {"self": {"href": _address(at, of, consumer, version), "name": f"{consumer} {version}"}},
                }
                for consumer, of, version in self.pacts
                if of == provider
            ]
            here = {"href": f"{at}/pacts/provider/{quote(provider)}/for-verification"}
            return _hal({"self": here}, {"_embedded": {"pacts": found}})

        @app.get("/pacts/provider/{provider}/consumer/{consumer}/version/{version}")
        async def read(provider: str, consumer: str, version: str, request: Request) -> Response:
            here = _address(str(request.base_url).rstrip("/"), provider, consumer, version)
            links = {
                "self": {"href": here},
                "pb:provider": {"href": f"{request.base_url}pacticipants/{quote(provider)}"},
                "pb:publish-verification-results": {"href": f"{here}/verification-results"},
            }
            return _hal(links, self.pacts[consumer, provider, version])

        @app.get("/pacticipants/{name}")
        async def participant(name: str, request: Request) -> Response:
            here = f"{request.base_url}pacticipants/{quote(name)}"
            return _hal(
                {
                    "self": {"href": here},
                    "pb:version-tag": {"href": f"{here}/versions/{{version}}/tags/{{tag}}", "templated": True},
                    "pb:branch-version": {
                        "href": f"{here}/branches/{{branch}}/versions/{{version}}",
                        "templated": True,
                    },
                }
            )

    def _writing(self, app: FastAPI) -> None:
        @app.post("/contracts/publish")
        async def publish(request: Request) -> Response:
            told = await request.json()
            name, version = told["pacticipantName"], told["pacticipantVersionNumber"]
            for each in told["contracts"]:
                content = json.loads(base64.b64decode(each["content"]))
                self.pacts[each["consumerName"], each["providerName"], version] = content
            if told.get("branch"):
                self.branches[name, version] = told["branch"]
            self.tags.setdefault((name, version), set()).update(told.get("tags") or ())
            at = str(request.base_url).rstrip("/")
            contracts = [
                {"href": _address(at, each["providerName"], name, version), "name": f"{name} {version}"}
                for each in told["contracts"]
            ]
            return _hal({"pb:contracts": contracts}, {"notices": []})

        @app.post("/pacts/provider/{provider}/consumer/{consumer}/version/{version}/verification-results")
        async def report(provider: str, consumer: str, version: str, request: Request) -> Response:
            told = await request.json()
            self.results.append({"provider": provider, "consumer": consumer, "version": version, **told})
            return _hal({"self": {"href": str(request.url)}}, told, 201)

        @app.put("/pacticipants/{name}/versions/{version}/tags/{tag}")
        async def tagged(name: str, version: str, tag: str) -> Response:
            self.tags.setdefault((name, version), set()).add(tag)
            return _hal({}, {"name": tag}, 201)

        @app.put("/pacticipants/{name}/branches/{branch}/versions/{version}")
        async def branched(name: str, branch: str, version: str) -> Response:
            self.branches[name, version] = branch
            return _hal({}, {"name": branch}, 201)


def _address(at: str, provider: str, consumer: str, version: str) -> str:
    return f"{at}/pacts/provider/{quote(provider)}/consumer/{quote(consumer)}/version/{quote(version)}"


def _hal(links: dict[str, Any], others: dict[str, Any] | None = None, status: int = 200) -> Response:
    return JSONResponse({**(others or {}), "_links": links}, status, media_type="application/hal+json")
