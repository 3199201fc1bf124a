"""The static files of the inspector's page, without secrets."""

from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

OPEN = "/inspector"
"""The path prefix that needs no token."""

BELOW = OPEN + "/"

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS: Mapping[str, str] = {
    # No other origin, no inline code, no text as markup (Trusted Types), no frame around the page.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page_routes() -> list[Route]:
    """Routes of GET /inspector/ and its files. The page reads its API one level above."""
    known = {
        each.name: each.read_bytes()
        for each in files(__package__).joinpath("assets").iterdir()
        if each.name.rpartition(".")[2] in _TYPES
    }

    async def serve(request: Request) -> Response:
        name = request.path_params.get("name") or "index.html"
        if name not in known:
            return Response("there is no such file", 404, _HEADERS, media_type="text/plain")
        kind = _TYPES[name.rpartition(".")[2]]
        return Response(known[name], headers=_HEADERS, media_type=f"{kind}; charset=utf-8")

    async def onward(_request: Request) -> Response:
        return RedirectResponse("inspector/", 308, _HEADERS)

    return [
        Route(BELOW, serve, methods=["GET"]),
        Route(BELOW + "{name}", serve, methods=["GET"]),
        Route(OPEN, onward, methods=["GET"]),
    ]


def address(base_url: str, token: str) -> str:
    """The URL of the page. The token is in the fragment, which browsers do not send; the page reads it there."""
    return f"{base_url}{BELOW}#{token}"
