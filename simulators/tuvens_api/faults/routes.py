"""Faults of the router, and outages of the routes for back ends."""

from typing import Any

from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.outages import hanging, missing
from simulators.kit.router import no_route
from simulators.kit.sending import Receive
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi

_BACK_END = ("validateSession", "listUserAccounts", "validatePermission")


@registry.fault(kills=["routes.generateSession"])
def generate_session_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/generate-session is not registered."""
    return missing(api, "generateSession")


@registry.fault(kills=["routes.validateSession"])
def validate_session_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/validate-session is not registered."""
    return missing(api, "validateSession")


@registry.fault(kills=["routes.listUserAccounts"])
def user_accounts_route_missing(api: TuvensApi) -> Change:
    """GET /api/cross-app/user-accounts is not registered."""
    return missing(api, "listUserAccounts")


@registry.fault(kills=["routes.validatePermission"])
def validate_permission_route_missing(api: TuvensApi) -> Change:
    """POST /api/cross-app/validate-permission is not registered."""
    return missing(api, "validatePermission")


@registry.fault(kills=["routes.receiveEventStatusChanged"])
def webhook_route_missing(api: TuvensApi) -> Change:
    """The webhook's route is not registered."""
    return missing(api, "receiveEventStatusChanged")


@registry.fault(kills=["routes.getEvent"])
def event_route_missing(api: TuvensApi) -> Change:
    """GET /api/events/{id} is not registered."""
    return missing(api, "getEvent")


@registry.fault(kills=["routes.updateEvent"])
def event_change_route_missing(api: TuvensApi) -> Change:
    """PATCH /api/events/{id} is not registered."""
    return missing(api, "updateEvent")


@registry.fault(kills=["routes.streamEventUpdates"])
def stream_route_missing(api: TuvensApi) -> Change:
    """GET /api/events/updates is not registered."""
    return missing(api, "streamEventUpdates")


@registry.benign()
def wrong_method_answers_404_at_tuvens_api(api: TuvensApi) -> Change:
    """A wrong method is answered 404 by the router."""
    return [swap(each.refusal, lambda honest: no_route()) for each in api.router.other_methods]


@registry.trouble()
def tuvens_api_answers_500(api: TuvensApi) -> Change:
    """The routes for back ends answer 500."""
    return [swap(each.serve, _internal_error) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_answers_nonsense(api: TuvensApi) -> Change:
    """The routes for back ends answer 200 with an HTML page, as a misconfigured proxy does."""
    return [swap(each.serve, _nonsense) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_hangs(api: TuvensApi) -> Change:
    """The routes for back ends take the request and never answer."""
    return hanging(api, *_BACK_END)


async def _internal_error(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    raise Refusal(500, "INTERNAL_ERROR", "internal server error")


async def _nonsense(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    page = b"<!doctype html><title>Welcome</title><h1>It works!</h1>"
    return Response(200, page, [(b"content-type", b"text/html; charset=utf-8")])
