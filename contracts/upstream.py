"""What hi.events says where it could not reach tuvens-api."""

from contracts.hi_events_page.redirects import query_of, redirect_of
from harness.history import Exchange
from harness.http import object_or_empty


def says_unreachable(exchange: Exchange) -> bool:
    """Whether hi.events says that it could not reach tuvens-api: an error UPSTREAM_UNAVAILABLE (the contract's section
    POST /auth/cross-app/validate), or a redirect of its page with error_code=NETWORK_ERROR (Page GET /auth/cross-app).
    """
    if exchange.is_success:
        return False
    if object_or_empty(exchange.response_body).get("error") == "UPSTREAM_UNAVAILABLE":
        return True
    return query_of(redirect_of(exchange) or "").get("error_code") == "NETWORK_ERROR"
