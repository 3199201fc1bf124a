"""Faults of the router, and outages of the routes for back ends."""

from typing import Any

from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Honest, swap
from simulators.kit.messages import Request, Response
from simulators.kit.outages import hanging, register_missing_routes
from simulators.kit.router import no_route
from simulators.kit.sending import Receive
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi

_BACK_END = ("validateSession", "listUserAccounts", "validatePermission")


register_missing_routes(
    registry,
    {
        "generate-session-route-missing": "generateSession",
        "validate-session-route-missing": "validateSession",
        "user-accounts-route-missing": "listUserAccounts",
        "validate-permission-route-missing": "validatePermission",
        "webhook-route-missing": "receiveEventStatusChanged",
        "event-route-missing": "getEvent",
        "event-change-route-missing": "updateEvent",
        "stream-route-missing": "streamEventUpdates",
    },
)


@registry.benign()
def wrong_method_answers_404_at_tuvens_api(api: TuvensApi) -> Change:
    """The router returns 404 for a wrong method."""
    return [swap(each.refusal, lambda honest: no_route()) for each in api.router.other_methods]


@registry.trouble()
def tuvens_api_answers_500(api: TuvensApi) -> Change:
    """The routes for back ends return 500."""
    return [swap(each.serve, _internal_error) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_answers_nonsense(api: TuvensApi) -> Change:
    """The routes for back ends return 200 with an HTML page, as a misconfigured proxy does."""
    return [swap(each.serve, _nonsense) for each in api.endpoints(_BACK_END)]


@registry.trouble()
def tuvens_api_hangs(api: TuvensApi) -> Change:
    """The routes for back ends accept the request and never respond."""
    return hanging(api, *_BACK_END)


async def _internal_error(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    raise Refusal(500, "INTERNAL_ERROR", "internal server error")


async def _nonsense(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
    page = b"<!doctype html><title>Welcome</title><h1>It works!</h1>"
    return Response(200, page, [(b"content-type", b"text/html; charset=utf-8")])
