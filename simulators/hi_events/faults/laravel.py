"""What Laravel makes of answers by itself: errors of the framework, resources, cookies, debug mode."""

from typing import Any

from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.response_mutations import Mutation, body, drop, fails, has_status, mutated, put

_SIGN_IN, _EVENT, _SET_STATUS = "validateCrossAppSession", "readEvent", "setEventStatus"
_OF_THE_FRAMEWORK = frozenset({403, 404, 405, 413, 429})
_TRACE = [{"file": "/var/www/html/app/Http/Kernel.php", "line": 141, "function": "handle", "type": "->"}]


@registry.benign()
def framework_errors_without_code(hi: HiEvents) -> Change:
    """The framework's own errors have only a message: no session, no permission, no route, too many requests, server
    errors."""
    return mutated(hi, drop("error"), when=_is_of_the_framework)


@registry.fault(kills=["errors.hi_events_errors_share_one_shape", "fuzzing.validateCrossAppSession"])
def refused_sign_in_without_code(hi: HiEvents) -> Change:
    """A rejected session token returns 401 with only a message."""
    return mutated(hi, drop("error"), _SIGN_IN, when=has_status(401))


@registry.benign()
def validation_errors_as_an_empty_list(hi: HiEvents) -> Change:
    """Validation errors are an empty PHP array: `[]`."""
    return mutated(hi, put("errors", value=[]), when=has_status(422))


@registry.benign()
def errors_are_pages_unless_json_is_accepted(hi: HiEvents) -> Change:
    """Errors are JSON only for clients that accept it; others are redirected to the login or get a page."""

    def response(honest: Honest[[Request, Refusal], Response], request: Request, refusal: Refusal) -> Response:
        if "json" in (request.header("accept") or ""):
            return honest(request, refusal)
        if refusal.status == 401:
            return Response(302, headers=[(b"location", b"/auth/login")])
        return hi.errors.page(refusal)

    return swap(hi.errors.response, response)


@registry.fault(kills=["secrecy.no_answer_of_hi_events_holds_a_stack_trace"])
def errors_in_debug_mode(hi: HiEvents) -> Change:
    """APP_DEBUG is on: errors contain file, line and trace."""
    return mutated(hi, put("trace", value=_TRACE), when=fails)


@registry.benign()
def sign_in_sets_a_cookie(hi: HiEvents) -> Change:
    """A sign-in also returns its bearer token as an HttpOnly cookie."""
    return mutated(hi, _cookie("Path=/; Secure; HttpOnly; SameSite=None"), _SIGN_IN)


@registry.fault(kills=["secrecy.no_answer_of_hi_events_holds_a_secret"])
def sign_in_cookie_for_scripts(hi: HiEvents) -> Change:
    """The cookie with the bearer token lacks HttpOnly: every script of the page can read it."""
    return mutated(hi, _cookie("Path=/; Secure; SameSite=None"), _SIGN_IN)


@registry.benign()
def events_below_data(hi: HiEvents) -> Change:
    """Events are wrapped in `data`, as API resources do it."""
    return mutated(hi, body(_wrap), _EVENT, _SET_STATUS)


@registry.benign()
def tuvens_event_among_attributes(hi: HiEvents) -> Change:
    """The id of the Tuvens event is an entry of `attributes`, not a field."""
    return mutated(hi, body(_move_to_attributes), _EVENT, _SET_STATUS)


@registry.benign()
def events_as_upstream_has_them(hi: HiEvents) -> Change:
    """Events are wrapped in `data`, and the id of the Tuvens event is an entry of `attributes`."""

    def change(event: dict[str, Any]) -> None:
        _move_to_attributes(event)
        _wrap(event)

    return mutated(hi, body(change), _EVENT, _SET_STATUS)


def _is_of_the_framework(request: Request, response: Response) -> bool:
    if request.operation is not None and request.operation.id == _SIGN_IN and response.status in (401, 502, 503):
        return False  # its own: the token is refused, or tuvens-api fails
    return response.status in (401, *_OF_THE_FRAMEWORK) or response.status >= 500


def _cookie(attributes: str) -> Mutation:
    def change(request: Request, response: Response) -> None:
        token = response.header("x-auth-token") or ""
        response.headers.append((b"set-cookie", f"token={token}; {attributes}".encode()))

    return change


def _wrap(event: dict[str, Any]) -> None:
    inner = dict(event)
    event.clear()
    event["data"] = inner


def _move_to_attributes(event: dict[str, Any]) -> None:
    tuvens = event.pop("tuvens_event_id")
    entry = {"name": "tuvens_event_id", "value": tuvens, "is_public": False}
    event["attributes"] = [] if tuvens is None else [entry]
