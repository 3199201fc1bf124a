"""The styles and scripts of pages, served from a package's folder `assets` below /_app/."""

from collections.abc import Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def asset_route(package: str, leak: Callable[[str], str] = lambda name: "") -> Route:
    """GET /_app/{name}. `leak` gives what a fault adds to a file."""
    known = {
        each.name: each.read_text("utf-8")
        for each in files(package).joinpath("assets").iterdir()
        if each.name.rpartition(".")[2] in _TYPES
    }

    async def serve(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in known:
            return Response("there is no such file", 404, media_type="text/plain")
        # Asked for anew each time: a simulator that was updated must not be seen with yesterday's script.
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        kind = _TYPES[name.rpartition(".")[2]]
        return Response(known[name] + leak(name), headers=headers, media_type=kind)

    return Route("/_app/{name}", serve, methods=["GET"])
