"""The styles and scripts of pages, served from a package's folder `assets` below /_app/."""

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


class Assets:
    """The assets of a package, by the names of their files."""

    def __init__(self, package: str) -> None:
        self._texts = {
            each.name: each.read_text("utf-8")
            for each in files(package).joinpath("assets").iterdir()
            if each.name.rpartition(".")[2] in _TYPES
        }

    def route(self) -> Route:
        """GET /_app/{name}."""
        return Route("/_app/{name}", self._serve, methods=["GET"])

    def text(self, name: str) -> str:
        """One of the files. Raises KeyError for an unknown name."""
        return self._texts[name]

    async def _serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._texts:
            return Response("there is no such file", 404, media_type="text/plain")
        # Fetched anew each time: a simulator that was updated must not be seen with yesterday's script.
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(self.text(name), headers=headers, media_type=_TYPES[name.rpartition(".")[2]])
