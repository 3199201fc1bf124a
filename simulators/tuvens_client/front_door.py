"""The start page, which no contract names and local use needs: people to sign in as, and the events."""

from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.kit.clock import Clock
from simulators.kit.templates import Templates
from simulators.people import people
from simulators.seed import Seed
from simulators.tuvens_api.jwts import LIFETIME, mint_jwt
from simulators.tuvens_client.authentication import COOKIE, cookie

_LONGEST_FORM = 64 * 1024


class FrontDoor:
    """The start page. seed: gives the seed in force. jwt_secret: signs people in. policy: that of the pages."""

    def __init__(
        self, *, clock: Clock, seed: Callable[[], Seed], jwt_secret: str, templates: Templates, policy: str
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._jwt_secret = jwt_secret
        self._templates = templates
        self._headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    def routes(self) -> Sequence[Route]:
        """The routes of the start page."""
        return [
            Route("/", self.show, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """GET /."""
        seed = self._seed()
        onward = _local(request.query_params.get("next", "/"))
        signed_in = bool(cookie(request.headers.get("cookie", ""), COOKIE))
        body = self._templates.render(
            "start",
            people=[each for each in people(seed) if each.role != "user"] if self._jwt_secret else [],
            next=onward,
            events=seed.events,
            signed_in=signed_in,
        )
        return Response(body, headers=self._headers, media_type="text/html")

    async def sign_in(self, request: Request) -> Response:
        """POST /sign-in: the cookie for one of the seed's people, or for a JWT that was pasted."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return Response("only from the start page", 403, headers=self._headers)
        form = await _form(request)
        jwt = form.get("jwt", "").strip()
        person = next((each for each in people(self._seed()) if each.user.sub == form.get("user")), None)
        if person is not None and self._jwt_secret:
            jwt = mint_jwt(self._jwt_secret, person.user, self._clock.now())
        if not jwt.isascii() or not jwt.isprintable() or set(jwt) & set(' ;,"\\'):
            return Response("this is not a JWT", 400, headers=self._headers)
        answer = self._onward(_local(form.get("next", "/")))
        answer.set_cookie(COOKIE, jwt, max_age=LIFETIME, httponly=True, samesite="lax")
        return answer

    async def sign_out(self, request: Request) -> Response:
        """POST /sign-out."""
        answer = self._onward("/")
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    def _onward(self, path: str) -> Response:
        return Response(status_code=303, headers={**self._headers, "Location": path})


async def _form(request: Request) -> dict[str, str]:
    """The fields of a plain form, the first value of each; a form that is too long has none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _local(path: str) -> str:
    """A path of this application; the start page for whatever might lead elsewhere."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return quote(path, safe="/%?&=:") if plain and path.isascii() else "/"
