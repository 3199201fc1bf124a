"""What a server runs for one simulator: the routes of its document, and around them a FastAPI application."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from simulators.kit.binding import Binding
from simulators.kit.errors import StartError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.routing import Route

CONTROL = "/__crossapp__"
"""What the control plane is below."""

Asgi = Callable[[Any, Any, Any], Awaitable[None]]

_log = logging.getLogger(__name__)


class Application:
    """An ASGI application. What the document names is answered by the binding at once.

    All else (the control plane, furniture) is FastAPI's, which is made when the first request asks for it: it would
    take a third of a start and of the memory, and a simulator under load needs nothing of it. Raises StartError where
    furniture stands on a route of the document.
    """

    def __init__(
        self,
        binding: Binding,
        *,
        name: str,
        furniture: Sequence["Route"],
        control: Callable[[], Asgi] | None,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        interrupt: Callable[[], None],
    ) -> None:
        for each in furniture:
            if binding.endpoint({"path": each.path}) is not None:
                raise StartError(f"{name}: {each.path} is a route of the document, which furniture cannot hide")
        self._binding = binding
        self._name = name
        self._furniture = furniture
        self._control = control
        self._start = start
        self._stop = stop
        self.interrupt = interrupt

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        match scope["type"]:
            case "http":
                endpoint: Asgi | None = self._binding.endpoint(scope)
                if endpoint is None:
                    endpoint = self.surroundings if self._is_around(scope["path"]) else self._binding.unknown
                await endpoint(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1000})

    @cached_property
    def surroundings(self) -> "FastAPI":
        """What no contract names: the control plane and furniture."""
        from fastapi import FastAPI

        app = FastAPI(
            title=f"{self._name} (simulated)",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            telemetry={"tracing": False, "metrics": False, "logs": False},
        )
        if self._control is not None:
            app.mount(CONTROL, self._control())
        app.router.routes.extend(self._furniture)
        app.router.default = self._binding.unknown
        return app

    def _is_around(self, path: str) -> bool:
        if self._furniture:
            return True
        return self._control is not None and (path == CONTROL or path.startswith(f"{CONTROL}/"))

    async def _live(self, receive: Any, send: Any) -> None:
        """The lifespan of the server."""
        await receive()
        try:
            await self._start()
        except Exception as error:
            _log.exception("%s did not start", self._name)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})
