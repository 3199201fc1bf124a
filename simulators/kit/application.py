"""What a server runs for one simulator: a FastAPI application, and the quick way around its dispatch."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.kit.errors import StartError
from simulators.kit.paths import CONTROL
from simulators.kit.router import Router

if TYPE_CHECKING:
    from starlette.routing import Route

    from openapi import Document
    from simulators.kit.fastapi_app import SimulatorApp

Asgi = Callable[[Any, Any, Any], Awaitable[None]]

_DOCUMENT = ("/docs", "/openapi.json")

_log = logging.getLogger(__name__)


class Application:
    """An ASGI application. The endpoints of the document are called at once; `fastapi` serves all else.

    FastAPI is made when it is first needed: it takes a third of a start and of the memory, and a simulator under load
    needs nothing of it. Raises StartError where an extra route hides a route of the document.

    extra_routes: routes that no contract names and no page can do without (styles, scripts, a place to sign in).
    """

    def __init__(
        self,
        router: Router,
        document: "Document",
        *,
        extra_routes: Sequence["Route"],
        control: Callable[[], Asgi] | None,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        interrupt: Callable[[], None],
    ) -> None:
        for each in extra_routes:
            if router.find({"path": each.path, "method": "GET"}) is not None:
                raise StartError(f"{document.app}: {each.path} is a route of the document, which no other may hide")
        self.router = router
        self.document = document
        self.extra_routes = extra_routes
        self.control = control
        self._start = start
        self._stop = stop
        self.interrupt = interrupt

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve a request, or the server's lifespan."""
        match scope["type"]:
            case "http":
                endpoint: Asgi | None = self.router.find(scope)
                if endpoint is None:
                    endpoint = self.fastapi.dispatch if self._is_around(scope) else self.router.unknown
                await endpoint(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1000})

    @cached_property
    def fastapi(self) -> "SimulatorApp":
        """The simulator as a FastAPI application (see `simulators.kit.fastapi_app`)."""
        from simulators.kit.fastapi_app import SimulatorApp

        return SimulatorApp(self)

    def _is_around(self, scope: Any) -> bool:
        if self.extra_routes or "fastapi" in self.__dict__:
            return True
        path = scope["path"]
        around = _DOCUMENT if self.control is None else (*_DOCUMENT, CONTROL)
        return path == "/" or any(path == each or path.startswith(f"{each}/") for each in around)

    async def _live(self, receive: Any, send: Any) -> None:
        """The lifespan of the server."""
        await receive()
        try:
            await self._start()
        except Exception as error:
            _log.exception("%s did not start", self.document.app)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})
