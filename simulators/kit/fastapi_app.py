"""A simulator as FastAPI's users know an application: routes, OpenAPI document, /docs, test clients."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from simulators.kit.paths import CONTROL

if TYPE_CHECKING:
    from simulators.kit.application import Application

_ASSETS = "/docs/assets"


class SimulatorApp(FastAPI):
    """The FastAPI application around the endpoints of one simulator.

    `routes` lists every operation with path, method and operationId; `openapi()` is the document itself; `/docs` shows
    it with the assets of an installed package. A request for an operation goes to its endpoint without FastAPI's
    dispatch.
    """

    def __init__(self, application: "Application") -> None:
        document = application.document
        super().__init__(
            title=document.raw["info"]["title"],
            version=document.edition,
            docs_url=None,
            redoc_url=None,
            openapi_url="/openapi.json",
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        self._application = application
        # uvicorn's server ends open streams by it.
        self.interrupt = application.interrupt
        router = application.router
        for operation in document.operations.values():
            route = APIRoute(
                router.paths[operation.id],
                _endpoint,
                methods=[operation.method],
                operation_id=operation.id,
                summary=operation.raw.get("summary"),
                response_model=None,
            )
            route.app = router.endpoints[operation.id]
            self.router.routes.append(route)
        self.add_route("/docs", self._docs, include_in_schema=False)
        self.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))
        if application.control is not None:
            self.mount(CONTROL, application.control())
        self.router.routes.extend(application.extra_routes)
        if not any(getattr(each, "path", None) == "/" for each in application.extra_routes):
            # Who opens the address in a browser sees what it is.
            self.add_route("/", self._to_docs, include_in_schema=False)
        self.router.default = router.unknown

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve as the simulator does."""
        await self._application(scope, receive, send)

    async def dispatch(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request for another path than the operations have, by FastAPI's own dispatch."""
        await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._application.document.raw

    async def _to_docs(self, request: Request) -> RedirectResponse:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/docs")

    async def _docs(self, request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=self.title,
            swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_ASSETS}/favicon.png",
        )


async def _endpoint() -> Response:
    """A placeholder: APIRoute wants a function, and the route's application replaces it."""
    raise NotImplementedError
