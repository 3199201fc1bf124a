"""What callers of hi.events accept: "without it Laravel may answer by a redirect or a page"."""

import openapi
from harness.history import Exchange


def accepts_json(exchange: Exchange) -> bool:
    """Whether the answer to a request may be judged: nothing is judged of what hi.events' API answers to a request
    whose Accept header does not name JSON."""
    if exchange.callee != "hi.events" or not exchange.operation or openapi.find(exchange.operation).base != "api":
        return True
    accepted = (text for name, text in exchange.request_headers if name.lower() == "accept")
    return any("json" in text.lower() for text in accepted)
