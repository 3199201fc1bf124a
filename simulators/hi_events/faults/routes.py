"""Faults of the router, the rate limit, and the shape of errors."""

from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, swap
from simulators.kit.outages import missing, refusing_media_types, register_missing_routes
from simulators.kit.router import no_route

_CROSS_APP = ("validateCrossAppSession", "getCrossAppStatus", "listCrossAppAccounts", "validateCrossAppPermission")


@registry.fault(
    kills=[
        "routes.validateCrossAppSession",
        "routes.getCrossAppStatus",
        "routes.listCrossAppAccounts",
        "routes.validateCrossAppPermission",
    ]
)
def routes_missing(hi: HiEvents) -> Change:
    """The four cross-app API routes are not registered: the router returns 404 (what the status page reports)."""
    return missing(hi, *_CROSS_APP)


register_missing_routes(
    registry,
    {
        "sign-in-route-missing": "validateCrossAppSession",
        "status-route-missing": "getCrossAppStatus",
        "accounts-route-missing": "listCrossAppAccounts",
        "permission-route-missing": "validateCrossAppPermission",
        "set-status-route-missing": "setEventStatus",
        "page-route-missing": "openCrossAppPage",
    },
)


@registry.benign()
def wrong_method_answers_404_at_hi_events(hi: HiEvents) -> Change:
    """The router returns 404 for a wrong method."""
    return [swap(each.refusal, lambda honest: no_route()) for each in hi.router.other_methods]


@registry.benign()
def wrong_media_type_answers_415_at_hi_events(hi: HiEvents) -> Change:
    """A body of another media type returns 415."""
    return refusing_media_types(hi.errors.form_error)


@registry.benign()
def large_bodies_answer_400_at_hi_events(hi: HiEvents) -> Change:
    """A body above 1 MiB returns 400."""
    refusal = Refusal(400, "BAD_REQUEST", "The body is too large.")
    return [swap(each.too_large, lambda honest, largest: refusal) for each in hi.router.endpoints.values()]


@registry.fault(kills=["hi_events_session.sign_in_is_limited"])
def sign_in_not_limited(hi: HiEvents) -> Change:
    """More than ten sign-ins a minute from one address are accepted."""
    limiter = hi.endpoint("validateCrossAppSession").limiter
    assert limiter is not None
    return swap(limiter.refuse, lambda honest, grant: None)


@registry.fault(
    kills=[
        "errors.hi_events_errors_share_one_shape",
        "fuzzing.validateCrossAppSession",
        "fuzzing.validateCrossAppPermission",
        "fuzzing.setEventStatus",
        "fuzzing.readEvent",
    ],
    # A 503 with a page may be a gateway's, so that what hi.events does in trouble stays undecided.
    unsteady=True,
)
def error_shape_html(hi: HiEvents) -> Change:
    """Errors of the API are HTML pages, as a framework in debug mode sends them."""
    return swap(hi.errors.response, lambda honest, request, refusal: hi.errors.page(refusal))
