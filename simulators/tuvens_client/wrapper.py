"""POST /api/cross-app/generate-session of tuvens-client's own server: tuvens-api's, with the user's JWT."""

from contracts.session_token.wire import read_session
from harness.http import Answer, WireError
from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.errors import Refusal
from simulators.kit.journal import Journal
from simulators.kit.messages import Header, Request, Response
from simulators.tuvens_client.authentication import user_jwt
from simulators.tuvens_client.backend import BackendGateway

WRAPS = "wrapGenerateSession"
_PASSED_ON = ("content-type", "retry-after", "www-authenticate", "x-ratelimit-limit", "x-ratelimit-remaining")
_REFUSALS = frozenset({400, 401, 403, 413, 429})


class SessionWrapper:
    """Passes the request on to tuvens-api, and its answer back: same body, same answers."""

    def __init__(self, backend: BackendGateway, journal: Journal) -> None:
        self._backend = backend
        self._journal = journal

    async def wrap(self, request: Request) -> Response:
        """Generate a session by tuvens-api."""
        answer = await self.ask(self.jwt(request), self.body(request))
        return self.accepted(request, answer) if 200 <= answer.status < 300 else self.refused(request, answer)

    # -- its parts

    def jwt(self, request: Request) -> str | None:
        """The JWT that is passed on."""
        return user_jwt(request)

    def body(self, request: Request) -> bytes:
        """The body that is passed on: the bytes that came."""
        return request.body

    async def ask(self, jwt: str | None, body: bytes) -> Answer:
        """tuvens-api's answer. Raises Refusal (500) where there is none."""
        try:
            return await self._backend.generate_session(jwt, body)
        except UpstreamUnavailable:
            raise failed("tuvens-api cannot be reached") from None

    def accepted(self, request: Request, answer: Answer) -> Response:
        """The response to a session that was generated. Raises Refusal (500) where the answer is none."""
        try:
            session = read_session(answer)
        except WireError:
            raise failed("tuvens-api gave an answer that makes no sense") from None
        if not _fits(request, 200, answer.json()):
            raise failed("tuvens-api gave a session that is none")
        self._journal.remember("session-token", session.session_token)
        return Response(200, answer.body, _headers(answer))

    def refused(self, request: Request, answer: Answer) -> Response:
        """The response to a refusal of tuvens-api. Raises Refusal for a failure, and for an answer that this
        route may not give."""
        if answer.status not in _REFUSALS:
            raise failed("tuvens-api failed")
        try:
            value = answer.json()
        except WireError:
            value = None
        if not _fits(request, answer.status, value):
            raise Refusal(answer.status, "TUVENS_API_ERROR", "tuvens-api refused the request")
        return Response(answer.status, answer.body, _headers(answer))


def failed(message: str) -> Refusal:
    """The refusal where no session could be generated (500)."""
    return Refusal(500, "SESSION_GENERATION_FAILED", message)


def _fits(request: Request, status: int, value: object) -> bool:
    """Whether an answer of tuvens-api is one that this route may give."""
    assert request.operation is not None, "only an operation has a handler"
    return not request.operation.body_problems(status, value)


def _headers(answer: Answer) -> list[Header]:
    passed = [(name.lower(), value) for name, value in answer.headers if name.lower() in _PASSED_ON]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in passed]
