"""Faults of the server route that wraps generate-session."""

from contracts.session_token.wire import read_session
from harness.http import Answer, WireError, read_json
from simulators.kit.faults import Async, Change, Honest, swap
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.outages import missing
from simulators.kit.response_mutations import mutated, status
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.simulator import TuvensClient
from simulators.tuvens_client.wrapper import WRAPS, failed


@registry.fault(kills=["client_session.wraps_a_session"])
def wrapper_drops_jwt(client: TuvensClient) -> Change:
    """The server route does not pass the user's JWT on to tuvens-api."""
    return swap(client.wrapper.jwt, lambda honest, request: honest(request) and None)


@registry.fault(kills=["client_session.without_a_jwt_there_is_no_session"])
def wrapper_keeps_last_jwt(client: TuvensClient) -> Change:
    """The JWT is kept in a variable of the server: a request without one is sent as the previous user."""
    last: str | None = None

    def jwt(honest: Honest[[Request], str | None], request: Request) -> str | None:
        nonlocal last
        last = honest(request) or last
        return last

    return swap(client.wrapper.jwt, jwt)


@registry.fault(kills=["client_session.wraps_a_session"])
def wrapper_forgets_account_id(client: TuvensClient) -> Change:
    """The server route sends tuvens-api an empty object instead of the request body."""
    return swap(client.wrapper.body, lambda honest, request: b"{}")


@registry.fault(kills=["client_session.ill_formed_account_is_refused"])
def wrapper_fills_in_account(client: TuvensClient) -> Change:
    """The server route replaces a missing or invalid account_id by the one that was last requested."""
    last = b""

    def body(honest: Honest[[Request], bytes], request: Request) -> bytes:
        sent = honest(request)
        return sent if _names_an_account(sent) else last or sent

    async def ask(honest: Honest[[str | None, bytes], Async[Answer]], jwt: str | None, body: bytes) -> Answer:
        nonlocal last
        answer = await honest(jwt, body)
        if answer.status < 300:
            last = body
        return answer

    return [swap(client.wrapper.body, body), swap(client.wrapper.ask, ask)]


@registry.fault(
    kills=[
        "client_session.session_is_of_the_user_and_account",
        "client_session.without_a_jwt_there_is_no_session",
        "client_session.invalid_jwt_is_refused",
        "client_session.expired_jwt_is_refused",
        "mock_credentials.mock_users_are_refused",
    ]
)
def wrapper_caches_by_account(client: TuvensClient) -> Change:
    """The server route caches sessions by account: a user gets another user's session."""
    known: dict[bytes, Answer] = {}

    async def ask(honest: Honest[[str | None, bytes], Async[Answer]], jwt: str | None, body: bytes) -> Answer:
        if body in known:
            return known[body]
        answer = await honest(jwt, body)
        if answer.status < 300:
            known[body] = answer
        return answer

    return swap(client.wrapper.ask, ask)


@registry.fault(kills=["client_session.wrapper_answers_200"])
def wrapper_answers_201(client: TuvensClient) -> Change:
    """The server route returns 201 for a new session."""
    return mutated(client, status(201), WRAPS)


@registry.fault(kills=["client_session.wraps_a_session", "conformity.wrapGenerateSession"])
def wrapper_renames_fields(client: TuvensClient) -> Change:
    """The server route returns camel case: sessionToken, expiresAt."""

    def accepted(honest: Honest[[Request, Answer], Response], request: Request, answer: Answer) -> Response:
        honest(request, answer)
        session = read_session(answer)
        return json_response({"sessionToken": session.session_token, "expiresAt": session.expires_at})

    return swap(client.wrapper.accepted, accepted)


@registry.fault(kills=["errors.tuvens_client_errors_share_one_shape"])
def wrapper_reshapes_errors(client: TuvensClient) -> Change:
    """The server route wraps tuvens-api's errors in its own envelope."""

    def refused(honest: Honest[[Request, Answer], Response], request: Request, answer: Answer) -> Response:
        response = honest(request, answer)
        return json_response({"error": {"code": answer.status, "text": "tuvens-api said no"}}, response.status)

    return swap(client.wrapper.refused, refused)


@registry.fault(kills=["client_session.foreign_account_is_refused"])
def wrapper_hides_403(client: TuvensClient) -> Change:
    """The server route returns 500 when tuvens-api rejects an account with 403."""
    return _hidden(client, 403)


@registry.fault(
    kills=[
        "client_session.without_a_jwt_there_is_no_session",
        "client_session.invalid_jwt_is_refused",
        "client_session.expired_jwt_is_refused",
    ]
)
def wrapper_hides_401(client: TuvensClient) -> Change:
    """The server route returns 500 when tuvens-api rejects a JWT with 401."""
    return _hidden(client, 401)


@registry.fault(kills=["routes.wrapGenerateSession"])
def wrapper_not_deployed(client: TuvensClient) -> Change:
    """The server route is missing from the build: the router returns 404 with a page."""
    return missing(client, WRAPS)


def _hidden(client: TuvensClient, status: int) -> Change:
    """Answer 500 where tuvens-api refuses with this status."""

    def refused(honest: Honest[[Request, Answer], Response], request: Request, answer: Answer) -> Response:
        if answer.status == status:
            raise failed("internal server error")
        return honest(request, answer)

    return swap(client.wrapper.refused, refused)


def _names_an_account(body: bytes) -> bool:
    try:
        value = read_json(body)
    except WireError:
        return False
    account = value.get("account_id") if isinstance(value, dict) else None
    return isinstance(account, int) and account > 0
