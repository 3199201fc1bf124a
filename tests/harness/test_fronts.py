"""What a proxy, an HTTP server or a firewall refused in the application's place violates nothing."""

import pytest

from harness.expectations import BrokenRuleError, UndecidedError, expect_status, statuses
from harness.fronts import front_of
from harness.history import Exchange
from tests.contracts.histories import answer

PAGE = {"Content-Type": "text/html", "Server": "nginx"}
JSON = {"Content-Type": "application/json"}


def refused(status: int, headers: dict[str, str], accept: str = "application/json") -> Exchange:
    return answer("a_story/step", status, b"", headers=headers, request_headers=(("Accept", accept),))


@pytest.mark.parametrize(
    ("exchange", "said"),
    [
        (refused(413, PAGE), r"responded \(413, text/html, server: nginx\).*its limit for the size of bodies"),
        (refused(414, PAGE, accept="text/html"), "its limit for the length of URLs"),
        (refused(431, {}), r"responded \(431, no media type\).*its limit for the size of headers"),
        (refused(403, PAGE), "a firewall or gateway responded .*let requests of crossapp pass"),
        (refused(406, PAGE), "a firewall or gateway responded"),
    ],
)
def test_a_request_that_the_application_did_not_see_is_undecided(exchange: Exchange, said: str) -> None:
    with pytest.raises(UndecidedError, match=said):
        expect_status(exchange, 400)


@pytest.mark.parametrize(
    "exchange",
    [
        refused(413, JSON),  # a body parser inside the application: frameworks send their own errors so
        refused(403, JSON),
        refused(403, PAGE, accept="text/html"),  # a page that the application may make itself
        refused(404, PAGE),
    ],
)
def test_what_the_application_may_have_sent_itself_is_judged(exchange: Exchange) -> None:
    with pytest.raises(BrokenRuleError):
        expect_status(exchange, 400)


def test_a_refusal_that_the_rule_wants_is_one_whoever_sent_it() -> None:
    assert expect_status(refused(413, PAGE), 400, 413).status == 413


def test_another_response_that_breaks_the_rule_is_found_beside_it() -> None:
    with pytest.raises(BrokenRuleError, match="status 400"):
        statuses([refused(413, PAGE), refused(500, JSON)], 400)


def test_a_gateway_that_limits_requests_is_told_how_to_be_spared() -> None:
    assert front_of(refused(503, PAGE)).endswith("set safety.requests_a_second")
